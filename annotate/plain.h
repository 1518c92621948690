/* Private to annotate/: the whole job by line prompts, for screen readers,
 * dumb terminals and scripts. */
#ifndef PREFKIT_ANNOTATE_PLAIN_H
#define PREFKIT_ANNOTATE_PLAIN_H

#include <stdio.h>

#include "annotate/session.h"

/* Reads lines from `in` until nothing is left, `q`, or its end. */
PK_NODISCARD int annotate__plain(struct annotate__session *s, FILE *in,
                                 FILE *out, struct pk_err *err);

#endif
