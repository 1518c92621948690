/* Private to annotate/: the screen, in ncurses. */
#ifndef PREFKIT_ANNOTATE_SCREEN_H
#define PREFKIT_ANNOTATE_SCREEN_H

#include "annotate/keys.h"
#include "annotate/session.h"

struct annotate__look {
    bool ascii; /* borders */
};

/* Until nothing is left or the annotator quits; the terminal is as it was. */
PK_NODISCARD int annotate__screen(struct annotate__session *s,
                                  const struct annotate__keys *keys,
                                  const struct annotate__look *look,
                                  struct pk_err *err);

#endif
