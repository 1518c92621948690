/* Private to annotate/: the pair on the screen, and what is asked below it. */
#ifndef PREFKIT_ANNOTATE_VIEW_H
#define PREFKIT_ANNOTATE_VIEW_H

#include "annotate/diff.h"
#include "annotate/layout.h"
#include "annotate/screen.h"
#include "annotate/tty.h"

struct annotate__view {
    struct annotate__tty tty;
    struct annotate__session *s;
    const struct annotate__keys *keys;
    struct annotate__layout layout;
    struct annotate__doc docs[ANNOTATE__N_PANES];
    int wrapped[ANNOTATE__N_PANES]; /* the width that their lines are for */
    /* The text at each pane's top: it stays when lines change. */
    struct {
        size_t part, at;
        bool title;
    } tops[ANNOTATE__N_PANES];
    size_t top[ANNOTATE__N_PANES]; /* its line */
    enum annotate__pane focus;
    bool zoom, together, diff_on;
    struct annotate__diff diff;
    char message[256]; /* shown once */
    bool gone;         /* the terminal, or a signal */
};

/* The pair in hand is another: back to the top. */
PK_NODISCARD int annotate__view_pair(struct annotate__view *v,
                                     struct pk_err *err);
/* Wrap for the screen as it is now, and draw. */
PK_NODISCARD int annotate__view_draw(struct annotate__view *v,
                                     struct pk_err *err);
void annotate__view_scroll(struct annotate__view *v, enum annotate__request r);
void annotate__view_next_pane(struct annotate__view *v);

/* The conversation shown as the paper's turns. */
const char *annotate__role_title(enum prefdb_role role);

/* ---- Below the pair (ask.c) ---- */

/* Edit a line: false when it was given up; `out` holds what was there. */
PK_NODISCARD int annotate__ask_line(struct annotate__view *v,
                                    const char *prompt, char *out, size_t size,
                                    bool *ok, struct pk_err *err);
/* A text to read on a screen of its own. */
PK_NODISCARD int annotate__ask_read(struct annotate__view *v, const char *title,
                                    const char *text, struct pk_err *err);
/* One of one's earlier verdicts: *judgment, or 0 for none. */
PK_NODISCARD int annotate__ask_past(struct annotate__view *v, int64_t *judgment,
                                    struct pk_err *err);

#endif
