/* A split of the store through a scorer, into a report. */
#ifndef PREFKIT_RM_SCORE_EVALUATE_H
#define PREFKIT_RM_SCORE_EVALUATE_H

#include "common/progress.h"
#include "rm/report/report.h"
#include "rm/score/scorer.h"

/* Fill the report's sections and finish it (the models' names in the report are
 * filled in, and its split and source say what is read) with every judgment of
 * the split for `dimension` (-1: each). Judgments are taken prompt by prompt,
 * so that all responses to a prompt share its tokens; memory grows with the
 * number of judgments by about 100 bytes each, and 16 a model. PK_EDATA when
 * there are none, or none that can be used; PK_EINTR after a signal. */
PK_NODISCARD int rm_evaluate(struct rm_report *r, struct prefdb *db,
                             struct rm_scorer *s, int dimension,
                             struct pk_progress *progress, struct pk_err *err);

/* Fill the report's ratings with every rated response of the split and the
 * source. */
PK_NODISCARD int rm_evaluate_ratings(struct rm_report *r, struct prefdb *db,
                                     struct rm_scorer *s, struct pk_err *err);

#endif
