/* Reading keys: ncurses knows this terminal's, annotate/terminal/input.h all
 * that is none.
 */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/terminal/tty.h"
#include "common/cli.h"
#include "common/progress.h"

static int translate(int key)
{
    static const struct {
        int theirs, ours;
    } table[] = {
        {KEY_UP, ANNOTATE__KEY_UP},
        {KEY_DOWN, ANNOTATE__KEY_DOWN},
        {KEY_LEFT, ANNOTATE__KEY_LEFT},
        {KEY_RIGHT, ANNOTATE__KEY_RIGHT},
        {KEY_PPAGE, ANNOTATE__KEY_PGUP},
        {KEY_NPAGE, ANNOTATE__KEY_PGDN},
        {KEY_HOME, ANNOTATE__KEY_HOME},
        {KEY_END, ANNOTATE__KEY_END},
        {KEY_F(1), ANNOTATE__KEY_F1},
        {KEY_DC, ANNOTATE__KEY_DELETE},
        {KEY_BTAB, ANNOTATE__KEY_BACKTAB},
        {KEY_ENTER, '\r'},
        {KEY_BACKSPACE, 8},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].theirs == key)
            return table[i].ours;
    return ANNOTATE__KEY_NONE;
}

/* Wait for input or a signal. Signals are held back except here, so that none
 * can come between the question whether there was one and the wait. */
static bool wait_input(const struct timespec *most)
{
    static const int held[] = {SIGINT,   SIGTERM, SIGHUP,
                               SIGWINCH, SIGTSTP, SIGCONT};
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t block, before;
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        sigaddset(&block, held[i]);
    sigprocmask(SIG_BLOCK, &block, &before);
    if (!pk_interrupted() && !annotate__tty_stopped())
        ppoll(&fd, 1, most, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !pk_interrupted() && !(fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* A key, if there is one, or else one of what may come beside keys; 0. */
static int there_is(struct annotate__tty *t)
{
    for (;;) {
        annotate__tty_job(t);
        /* Bytes rather than characters: half of one that comes in two parts,
         * as on a slow line, would be lost. */
        int c = getch(), key;
        if (c == ERR)
            return annotate__input_rest(&t->input, pk_now());
        if (c == KEY_RESIZE)
            return ANNOTATE__RESIZED;
        key = annotate__input_code(&t->input, c > 0xFF ? translate(c) : c,
                                   pk_now());
        if (key)
            return key;
    }
}

/* Keys that move and delete by words in other programs: with them Esc is not
 * what is meant. */
static bool edits(int key)
{
    return key == 8 || (key >= 'a' && key <= 'z') || (key >= 'A' && key <= 'Z');
}

static int wait_key(struct annotate__tty *t, bool text)
{
    annotate__tty_show(t);
    for (;;) {
        int key = t->next ? t->next : there_is(t);
        t->next = 0;
        if (key > 0 && t->input.after_esc && !t->input.pasting) {
            t->input.after_esc = false;
            if (text && edits(key))
                continue;
            t->next = key;
            return 0x1B;
        }
        if (key)
            return key;
        int also = t->also ? t->also(t->also_arg) : ANNOTATE__NOTHING_ELSE;
        bool alone = also == ANNOTATE__NOTHING_ELSE;
        if (!wait_input(alone ? NULL : &(struct timespec){0, 0}) ||
            (also < 0 && !alone))
            return ANNOTATE__HUNG_UP;
        if (also > 0)
            return ANNOTATE__NEWS;
    }
}

bool annotate__tty_forget(struct annotate__tty *t)
{
    bool any = t->next != 0, resized = false;
    int key;
    t->next = 0;
    while ((key = there_is(t)) != 0) {
        any |= key > 0 && !t->input.pasting;
        resized |= key == ANNOTATE__RESIZED;
    }
    if (resized)
        ungetch(KEY_RESIZE);
    return any;
}

int annotate__tty_typed(struct annotate__tty *t, bool *pasted)
{
    int key = wait_key(t, true);
    *pasted = key > 0 && t->input.pasting;
    return key;
}

int annotate__tty_key(struct annotate__tty *t)
{
    int key;
    do
        key = wait_key(t, false);
    while (key > 0 && t->input.pasting);
    return key;
}
