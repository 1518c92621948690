/* The terminal taken, lent to others, taken back, given up. */
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/terminal/tty.h"

/* Set by signals, seen where keys are waited for. */
static volatile sig_atomic_t stopping, resumed;

static void on_signal(int sig)
{
    if (sig == SIGTSTP)
        stopping = 1;
    else
        resumed = 1;
}

/* ^Z and its end are ours while the screen is: ncurses knows nothing of
 * bracketed paste, without which a paste would be keys. Whoever starts a
 * program with ^Z ignored means it. */
static void catch_stops(bool ours)
{
    struct sigaction was;
    if (sigaction(SIGTSTP, NULL, &was) == 0 && was.sa_handler == SIG_IGN)
        return;
    struct sigaction sa = {.sa_handler = ours ? on_signal : SIG_DFL,
                           .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGTSTP, &sa, NULL);
    sigaction(SIGCONT, &sa, NULL);
}

static void send(const char *s)
{
    putp(s);
    fflush(stdout);
}

static void bracket_pastes(bool on)
{
    send(on ? "\033[?2004h" : "\033[?2004l");
}

static void colours(struct annotate__tty *t)
{
    const char *no_color = getenv("NO_COLOR");
    t->color = has_colors() && !(no_color && *no_color);
    if (!t->color)
        return;
    start_color();
    use_default_colors();
    init_pair(1, COLOR_CYAN, -1);
    init_pair(2, COLOR_YELLOW, -1);
}

int annotate__tty_start(struct annotate__tty *t, bool ascii, struct pk_err *err)
{
    set_escdelay(25);
    if (!newterm(NULL, stdout, stdin))
        return pk_fail(err, PK_EUSAGE,
                       "the terminal '%s' cannot be used; use --plain",
                       getenv("TERM"));
    annotate__input_init(&t->input);
    t->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    t->ascii = ascii || !t->utf8;
    colours(t);
    cbreak(); /* ^C and ^Z stay signals */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    keyok(KEY_MOUSE, FALSE); /* its first bytes would hide what the rest is */
    nodelay(stdscr, TRUE);
    def_prog_mode();
    catch_stops(true);
    bracket_pastes(true);
    return 0;
}

void annotate__tty_stop(struct annotate__tty *t)
{
    annotate__tty_lend(t);
}

void annotate__tty_lend(struct annotate__tty *t)
{
    (void)t;
    bracket_pastes(false);
    endwin();
    catch_stops(false);
}

/* It may have got another size meanwhile, which nobody has told us. */
static void look_at_size(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
        size.ws_col && is_term_resized(size.ws_row, size.ws_col))
        resizeterm(size.ws_row, size.ws_col);
}

void annotate__tty_back(struct annotate__tty *t)
{
    (void)t;
    catch_stops(true);
    reset_prog_mode();
    bracket_pastes(true);
    look_at_size();
    clearok(curscr, TRUE);
    refresh();
}

bool annotate__tty_stopped(void)
{
    return stopping || resumed;
}

void annotate__tty_job(struct annotate__tty *t)
{
    if (stopping) {
        annotate__tty_lend(t);
        stopping = 0;
        raise(SIGTSTP);
        resumed = 1;
    }
    if (resumed) { /* whoever had it may have left it in any state */
        resumed = 0;
        annotate__tty_back(t);
    }
}
