/* Private to annotate/: the pair on the screen, and what is asked below it. */
#ifndef PREFKIT_ANNOTATE_SCREEN_VIEW_H
#define PREFKIT_ANNOTATE_SCREEN_VIEW_H

#include "annotate/screen/layout.h"
#include "annotate/screen/screen.h"
#include "annotate/terminal/tty.h"
#include "annotate/text/diff.h"
#include "annotate/text/search.h"

/* What a live dialogue changes in the picture (live_screen.c). */
struct annotate__scene {
    bool writing;       /* the editor is where the responses would be */
    bool incomplete;    /* a response is still being written, or is broken */
    char head[64];      /* "turn 2 of 8" */
    char status[2][96]; /* beside "Left" and "Right" */
    const char *hint;   /* the last line, when there is nothing to say */
    const char *more;   /* while writing: the line above it */
    int (*store)(void *arg, struct pk_err *err); /* the half-made dialogue */
    void *store_arg;
};

struct annotate__view {
    struct annotate__tty tty;
    const struct annotate__scene *scene; /* NULL: stored pairs */
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
    struct annotate__pattern sought;
    struct annotate__hits hits; /* of this pair; empty until it is sought */
    unsigned char *marks;       /* of the line being drawn */
    size_t cap_marks;
    char message[256]; /* shown once */
    bool fresh;        /* the pair has not been on the screen yet */
    bool unstored;     /* the last attempt to store what is half made failed */
    bool gone;         /* the terminal, or a signal */
    int failed;        /* while there was nothing else to do, with its error */
    struct pk_err err;
};

/* The pair in hand is another: back to the top. */
PK_NODISCARD int annotate__view_pair(struct annotate__view *v,
                                     struct pk_err *err);
/* Wrap for the screen as it is now. */
PK_NODISCARD int annotate__view_wrap(struct annotate__view *v,
                                     struct pk_err *err);
/* All that it has left for later; before anything asks for a line further
 * down. Or a piece of it: many pages more. And one while no key comes: what
 * annotate__tty has as `also`. */
PK_NODISCARD int annotate__view_finish(struct annotate__view *v,
                                       struct pk_err *err);
PK_NODISCARD int annotate__view_more(struct annotate__view *v,
                                     struct pk_err *err);
int annotate__view_idle(void *view);
/* The same, and draw. */
PK_NODISCARD int annotate__view_draw(struct annotate__view *v,
                                     struct pk_err *err);
/* Keep what is half made: a verdict, or a live dialogue with its own. Other
 * writers are waited for a second, so that no key has to wait long, and not at
 * all where that was in vain the last time: the next key tries again. */
PK_NODISCARD int annotate__view_keep(struct annotate__view *v,
                                     struct pk_err *err);
/* A response has become longer, or, unless `grown`, another. */
PK_NODISCARD int annotate__view_text(struct annotate__view *v, int pane,
                                     const char *text, size_t len, bool grown,
                                     struct pk_err *err);
/* Go to a pane, and scroll it no more than this place of its text needs. */
void annotate__view_show(struct annotate__view *v, int pane, size_t part,
                         size_t at);
void annotate__view_scroll(struct annotate__view *v, enum annotate__request r);
void annotate__view_next_pane(struct annotate__view *v, bool back);

/* Of a conversation's texts, so that none can pass for a speaker's title. */
static inline int annotate__view_indent(int pane)
{
    return pane == ANNOTATE__PANE_CONTEXT ? 2 : 0;
}

/* ---- Finding words (find.c) ---- */

/* Ask for words, go to the first match from here on. */
PK_NODISCARD int annotate__view_search(struct annotate__view *v,
                                       struct pk_err *err);
/* The next match, or the last one. */
PK_NODISCARD int annotate__view_find(struct annotate__view *v, bool back,
                                     struct pk_err *err);

/* The conversation shown as the paper's turns. */
const char *annotate__role_title(enum prefdb_role role);

/* ---- Below or instead of the pair (ask_line.c, ask.c) ---- */

/* What a key says of the annotator, who is there; v->gone when there will be no
 * more. The key. */
int annotate__view_key(struct annotate__view *v, int key);

/* Edit a line: *ok false when it was given up, and `out` holds what was there
 * before, or, with v->gone, what was written. */
PK_NODISCARD int annotate__ask_line(struct annotate__view *v,
                                    const char *prompt, char *out, size_t size,
                                    bool *ok, struct pk_err *err);
/* A text to read on a screen of its own. */
PK_NODISCARD int annotate__ask_read(struct annotate__view *v, const char *title,
                                    const char *text, struct pk_err *err);
/* What is to be done where nothing is left to judge: to confirm (look again),
 * undo, unskip, help, guideline, quit. */
PK_NODISCARD int annotate__ask_end(struct annotate__view *v, const char *text,
                                   enum annotate__request *out,
                                   struct pk_err *err);
/* One of one's earlier verdicts: *judgment, or 0 for none. */
PK_NODISCARD int annotate__ask_past(struct annotate__view *v, int64_t *judgment,
                                    struct pk_err *err);

#endif
