/* The responses of a store, scored into it. */
#ifndef PREFKIT_RM_SCORE_STORE_H
#define PREFKIT_RM_SCORE_STORE_H

#include "rm/score/batch.h"

/* Score every response that one of b's models has not scored yet, and write
 * the scores back as it goes: a run that was killed is gone on with by running
 * it again. Of `b`: models, scorer, cli. PK_EDATA when some responses cannot be
 * scored; the others have been. */
PK_NODISCARD int rm_score_store(const struct rm_batch *b, const char *store,
                                struct pk_err *err);

#endif
