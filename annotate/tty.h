/* Private to annotate/: the terminal, through ncurses. One at a time. */
#ifndef PREFKIT_ANNOTATE_TTY_H
#define PREFKIT_ANNOTATE_TTY_H

#include "annotate/keys.h"
#include "annotate/text.h"

/* What annotate__tty_key may give beside keys: another size; the terminal is
 * gone, or a signal has come; bracketed paste begins, and has ended. */
#define ANNOTATE__RESIZED (-1)
#define ANNOTATE__HUNG_UP (-2)
#define ANNOTATE__PASTE   (-3)
#define ANNOTATE__PASTED  (-4)
#define ANNOTATE__NEWS    (-5) /* there is something new to draw */

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

/* Wait for a key. */
int annotate__tty_key(struct annotate__tty *t);

/* Give the terminal to another program, and take it back. */
void annotate__tty_lend(struct annotate__tty *t);
void annotate__tty_back(struct annotate__tty *t);

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
