/* Private to annotate/: live dialogues on the screen. */
#ifndef PREFKIT_ANNOTATE_SCREEN_LIVE_SCREEN_H
#define PREFKIT_ANNOTATE_SCREEN_LIVE_SCREEN_H

#include "annotate/live/live.h"
#include "annotate/screen/view.h"

/* The dialogue, the view of it, and what is being done. */
struct annotate__show {
    struct annotate__view v;
    struct annotate__live *l;
    struct annotate__scene scene;
    bool resting;         /* not asked, and the keys are commands, not text */
    double drawn;         /* the last time that news were */
    char said[256];       /* the message of the last picture */
    char trouble[2][640]; /* what is shown in a pane without a text */
    bool troubled[2];
    struct pk_err err; /* of a wait, to be handed on */
    int failed;
};

/* Until the annotator quits; the terminal is as it was. */
PK_NODISCARD int annotate__live_screen(struct annotate__live *l,
                                       const struct annotate__keys *keys,
                                       const struct annotate__look *look,
                                       struct pk_err *err);

/* ---- Between the files of it ---- */

/* What has come since is in the view. */
PK_NODISCARD int annotate__show_sync(struct annotate__show *w,
                                     struct pk_err *err);
/* Another pair, another prompt: all of the view anew. */
PK_NODISCARD int annotate__show_anew(struct annotate__show *w,
                                     struct pk_err *err);
PK_NODISCARD int annotate__show_draw(struct annotate__show *w,
                                     struct pk_err *err);
/* A key, while the streams go on (live_draw.c). */
int annotate__show_idle(void *show);

#endif
