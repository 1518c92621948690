/* Private to annotate/: live dialogues by line prompts. */
#ifndef PREFKIT_ANNOTATE_PLAIN_LIVE_H
#define PREFKIT_ANNOTATE_PLAIN_LIVE_H

#include <stdio.h>

#include "annotate/live/live.h"

/* Reads lines from `in` until `q` or its end. Responses are printed when both
 * have had their end. */
PK_NODISCARD int annotate__plain_live(struct annotate__live *l, FILE *in,
                                      FILE *out, struct pk_err *err);

#endif
