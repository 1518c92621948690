#include "annotate/tty.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "common/cli.h"

#define PASTE_BEGIN (KEY_MAX + 1)
#define PASTE_END   (KEY_MAX + 2)

static void send(const char *s)
{
    putp(s);
    fflush(stdout);
}

int annotate__tty_start(struct annotate__tty *t, bool ascii, struct pk_err *err)
{
    const char *no_color = getenv("NO_COLOR");
    set_escdelay(25);
    if (!newterm(NULL, stdout, stdin))
        return pk_fail(err, PK_EUSAGE,
                       "the terminal '%s' cannot be used; use --plain",
                       getenv("TERM"));
    t->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    t->ascii = ascii || !t->utf8;
    t->color = has_colors() && !(no_color && *no_color);
    if (t->color) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_CYAN, -1);
        init_pair(2, COLOR_YELLOW, -1);
    }
    cbreak(); /* ^C and ^Z stay signals */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    define_key("\033[200~", PASTE_BEGIN);
    define_key("\033[201~", PASTE_END);
    send("\033[?2004h");
    return 0;
}

void annotate__tty_stop(struct annotate__tty *t)
{
    (void)t;
    send("\033[?2004l");
    endwin();
}

void annotate__tty_lend(struct annotate__tty *t)
{
    (void)t;
    def_prog_mode();
    send("\033[?2004l");
    endwin();
}

void annotate__tty_back(struct annotate__tty *t)
{
    (void)t;
    reset_prog_mode();
    send("\033[?2004h");
    clearok(curscr, TRUE);
    refresh();
}

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
        {KEY_ENTER, '\r'},
        {KEY_BACKSPACE, 8},
        {KEY_RESIZE, ANNOTATE__RESIZED},
        {PASTE_BEGIN, ANNOTATE__PASTE},
        {PASTE_END, ANNOTATE__PASTED},
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
    static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t block, before;
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        sigaddset(&block, held[i]);
    sigprocmask(SIG_BLOCK, &block, &before);
    if (!pk_interrupted())
        ppoll(&fd, 1, most, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !pk_interrupted() && !(fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

void annotate__tty_show(struct annotate__tty *t)
{
    (void)t;
    refresh();
}

int annotate__tty_key(struct annotate__tty *t)
{
    wint_t c;
    annotate__tty_show(t);
    for (;;) {
        int rc = get_wch(&c);
        if (rc == KEY_CODE_YES)
            return translate((int)c);
        if (rc == OK)
            return c == 127 ? 8 : c == '\n' ? '\r' : (int)c;
        int also = t->also ? t->also(t->also_arg) : ANNOTATE__NOTHING_ELSE;
        bool alone = also == ANNOTATE__NOTHING_ELSE;
        if (!wait_input(alone ? NULL : &(struct timespec){0, 0}) ||
            (also < 0 && !alone))
            return ANNOTATE__HUNG_UP;
        if (also > 0)
            return ANNOTATE__NEWS;
    }
}

static attr_t attr_of(const struct annotate__tty *t, enum annotate__style style)
{
    static const attr_t attrs[ANNOTATE__N_STYLES] = {
        [ANNOTATE__BOLD] = A_BOLD,
        [ANNOTATE__CHOSEN] = A_REVERSE,
        [ANNOTATE__MARKED] = A_UNDERLINE | A_BOLD,
        [ANNOTATE__FOUND] = A_REVERSE,
        [ANNOTATE__FOUND_HERE] = A_REVERSE | A_BOLD | A_UNDERLINE};
    attr_t a = attrs[style];
    if (t->color && style == ANNOTATE__DIM)
        a |= (attr_t)COLOR_PAIR(1);
    if (t->color && style == ANNOTATE__MARKED)
        a |= (attr_t)COLOR_PAIR(2);
    return a;
}

/* Would the C library, which ncurses asks, give it the width that we do? */
static bool agreed(const struct annotate__cell *c)
{
    mbstate_t state = {0};
    size_t n = strlen(c->out), k;
    int width = 0;
    for (size_t i = 0; i < n; i += k) {
        wchar_t wc;
        k = mbrtowc(&wc, c->out + i, n - i, &state);
        if (k == 0 || k > n - i)
            return false;
        int w = wcwidth(wc);
        if (w < 0)
            return false;
        width += w;
    }
    return (size_t)width == c->width;
}

static void draw(const struct annotate__tty *t, const struct annotate__cell *c)
{
    if ((unsigned char)c->out[0] < 0x80 && !c->out[1])
        addch((chtype)(unsigned char)c->out[0]);
    else if (agreed(c))
        addstr(c->out);
    else
        for (size_t i = 0; i < c->width; i++)
            addstr(i ? " " : t->utf8 ? "\xEF\xBF\xBD" : "?");
}

int annotate__tty_text(const struct annotate__tty *t, int y, int x, int w,
                       const char *s, size_t n, const unsigned char *marks,
                       enum annotate__style style)
{
    struct annotate__cell c;
    size_t column = 0;
    if (move(y, x) == ERR)
        return 0;
    for (size_t i = 0; i < n; i += c.bytes) {
        annotate__cell(s + i, n - i, column, &c);
        if (column + c.width > (size_t)w)
            break;
        enum annotate__style one = marks && marks[i] > ANNOTATE__MARKED
                                       ? (enum annotate__style)marks[i]
                                   : c.mark            ? ANNOTATE__CHOSEN
                                   : marks && marks[i] ? ANNOTATE__MARKED
                                                       : style;
        attr_set(attr_of(t, one),
                 t->color ? (short)PAIR_NUMBER(attr_of(t, one)) : (short)0,
                 NULL);
        draw(t, &c);
        column += c.width;
    }
    attr_set(A_NORMAL, 0, NULL);
    return (int)column;
}

int annotate__tty_puts(const struct annotate__tty *t, int y, int x, int w,
                       const char *s, enum annotate__style style)
{
    return annotate__tty_text(t, y, x, w, s, strlen(s), NULL, style);
}

void annotate__tty_rule(const struct annotate__tty *t, int y, int x, int w,
                        const char *title, bool strong)
{
    const char *dash = t->ascii ? "-" : "─";
    for (int i = 0; i < w; i++)
        annotate__tty_puts(t, y, x + i, 1, dash, ANNOTATE__DIM);
    if (!*title)
        return;
    /* Focus shows without colour too. */
    annotate__tty_puts(t, y, x + 1, w - 3, strong ? ">" : " ", ANNOTATE__BOLD);
    int n = annotate__tty_puts(t, y, x + 2, w - 4, title,
                               strong ? ANNOTATE__BOLD : ANNOTATE__PLAIN);
    annotate__tty_puts(t, y, x + 2 + n, 1, " ", ANNOTATE__PLAIN);
}

void annotate__tty_bar(const struct annotate__tty *t, int y, int x, int h)
{
    const char *bar = t->ascii ? "|" : "│", *first = t->ascii ? "+" : "┬";
    for (int i = 0; i < h; i++)
        annotate__tty_puts(t, y + i, x, 1, i ? bar : first, ANNOTATE__DIM);
}
