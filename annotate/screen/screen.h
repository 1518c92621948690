/* Private to annotate/: the screen, in ncurses. */
#ifndef PREFKIT_ANNOTATE_SCREEN_SCREEN_H
#define PREFKIT_ANNOTATE_SCREEN_SCREEN_H

#include "annotate/judge/session.h"
#include "annotate/terminal/keys.h"

struct annotate__look {
    bool ascii; /* borders */
};

struct annotate__view;

/* What a key asks for, in a pair that the session has in hand. And a line of
 * ours, shown once. */
PK_NODISCARD int annotate__screen_key(struct annotate__view *v, int key,
                                      bool *quit, struct pk_err *err);
void annotate__screen_say(struct annotate__view *v, const char *text);
/* Say so, or no more, while the store is waited for. */
void annotate__screen_waits(struct annotate__view *v, bool shown);
/* The terminal has gone, or a signal has come: which of them. */
PK_NODISCARD int annotate__screen_gone(const struct annotate__view *v,
                                       struct pk_err *err);
void annotate__screen_release(struct annotate__view *v);

/* Until nothing is left or the annotator quits; the terminal is as it was. */
PK_NODISCARD int annotate__screen(struct annotate__session *s,
                                  const struct annotate__keys *keys,
                                  const struct annotate__look *look,
                                  struct pk_err *err);

#endif
