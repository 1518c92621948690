/* Private to annotate/: the terminal, through ncurses. One at a time. */
#ifndef PREFKIT_ANNOTATE_TERMINAL_TTY_H
#define PREFKIT_ANNOTATE_TERMINAL_TTY_H

#include "annotate/terminal/input.h"
#include "annotate/text/text.h"

/* What annotate__tty_key may give beside keys and what
 * annotate/terminal/input.h has: another size; the terminal is gone, or a
 * signal has come; there is something new to draw. */
#define ANNOTATE__RESIZED (-1)
#define ANNOTATE__HUNG_UP (-2)
#define ANNOTATE__NEWS    (-5)

enum annotate__style {
    ANNOTATE__PLAIN,
    ANNOTATE__BOLD,
    ANNOTATE__DIM,
    ANNOTATE__CHOSEN, /* reverse */
    ANNOTATE__MARKED, /* underlined */
    ANNOTATE__FOUND,  /* reverse; the one gone to is underlined too */
    ANNOTATE__FOUND_HERE,
    ANNOTATE__N_STYLES
};

struct annotate__tty {
    bool ascii; /* borders; always where the locale is not UTF-8 */
    bool utf8, color;
    struct annotate__input input;
    int next; /* a key that came with an Esc, which is given first; or 0 */
    /* What else is waited for, if anything: called when there is no key.
     * 1: it has waited, and there is news; 0: it has waited, and there may be a
     * key; negative: nothing else is waited for now, or (PK_E*) it failed. */
    int (*also)(void *arg);
    void *also_arg;
};

#define ANNOTATE__NOTHING_ELSE (-1000)

PK_NODISCARD int annotate__tty_start(struct annotate__tty *t, bool ascii,
                                     struct pk_err *err);
void annotate__tty_stop(struct annotate__tty *t);

/* Wait for a key, which pasted text is not: of a paste come its beginning and
 * its end (annotate/terminal/input.h). Esc and a key that come at once are
 * both. */
int annotate__tty_key(struct annotate__tty *t);

/* The same where text is written: pasted characters come too, and say so; a
 * letter or Backspace with Alt, which looks as Esc and that key would, is none.
 */
int annotate__tty_typed(struct annotate__tty *t, bool *pasted);

/* Take no key that has come already: nobody can mean what is not on the screen
 * yet. Was there any? */
bool annotate__tty_forget(struct annotate__tty *t);

/* Give the terminal to another program, and take it back. */
void annotate__tty_lend(struct annotate__tty *t);
void annotate__tty_back(struct annotate__tty *t);

/* Has the program been asked to stop (^Z), or been resumed? And do what is to
 * be done then. */
bool annotate__tty_stopped(void);
void annotate__tty_job(struct annotate__tty *t);

/* What has been drawn is on the screen when this returns. */
void annotate__tty_show(struct annotate__tty *t);

/* Draw text from column x on, as far as `w` columns go; returns the columns
 * used. `marks`, if any, has a byte for each of the text: 0 for nothing, 1 for
 * marked, or one of the two styles for what was found. */
int annotate__tty_text(const struct annotate__tty *t, int y, int x, int w,
                       const char *s, size_t n, const unsigned char *marks,
                       enum annotate__style style);

/* The same for a text of our own. */
int annotate__tty_puts(const struct annotate__tty *t, int y, int x, int w,
                       const char *s, enum annotate__style style);

/* A rule across columns x..x+w, with a title in it; `strong`: in focus. */
void annotate__tty_rule(const struct annotate__tty *t, int y, int x, int w,
                        const char *title, bool strong);
void annotate__tty_bar(const struct annotate__tty *t, int y, int x, int h);

#endif
