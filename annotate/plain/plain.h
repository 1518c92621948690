/* Private to annotate/: the whole job by line prompts, for screen readers,
 * dumb terminals and scripts. */
#ifndef PREFKIT_ANNOTATE_PLAIN_PLAIN_H
#define PREFKIT_ANNOTATE_PLAIN_PLAIN_H

#include <stdio.h>

#include "annotate/judge/session.h"

/* Lines in, lines out, and what is being judged. */
struct annotate__plain_io {
    struct annotate__session *s;
    FILE *in, *out;
    char *line; /* getline's */
    size_t cap;
    size_t shown; /* of the earlier verdicts */
    bool quit;
    /* What a confirmed verdict does; PK_ENO as annotate__submit. */
    int (*submit)(struct annotate__plain_io *p, struct pk_err *err);
    void *arg; /* its */
};

/* Say so, or no more, while the store is waited for. */
void annotate__plain_waits(struct annotate__plain_io *p, bool said);
/* One line, without its end; NULL at the end of the input or on a signal. */
char *annotate__plain_ask(struct annotate__plain_io *p, const char *prompt);
PK_NODISCARD int annotate__plain_pair(struct annotate__plain_io *p,
                                      struct pk_err *err);
/* What is said so far. */
void annotate__plain_verdict(struct annotate__plain_io *p);
/* Keep it; a store that cannot be written to is said, and no error. */
PK_NODISCARD int annotate__plain_keep(struct annotate__plain_io *p,
                                      struct pk_err *err);
/* A line of the annotator's about the pair in hand. */
PK_NODISCARD int annotate__plain_line(struct annotate__plain_io *p,
                                      const char *line, struct pk_err *err);

/* Reads lines from `in` until nothing is left, `q`, or its end. */
PK_NODISCARD int annotate__plain(struct annotate__session *s, FILE *in,
                                 FILE *out, struct pk_err *err);

#endif
