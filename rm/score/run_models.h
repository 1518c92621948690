/* The models that eval takes: those of --rm, and all that a run has left, of
 * --run (checkpoints.h). */
#ifndef PREFKIT_RM_SCORE_RUN_MODELS_H
#define PREFKIT_RM_SCORE_RUN_MODELS_H

#include "common/cli.h"
#include "rm/score/options.h"

struct rm_all_models {
    struct rm_models models; /* owned; the first n_given are what was given, */
    size_t n_given;          /* the rest are on the way to one of them: */
    size_t *run;             /* whose run a model is of; RM_NO_RUN */
};

/* Of --rm NAME=DIR, the directories; of --run NAME=OUTPUT, OUTPUT itself, or
 * with a note the newest model on the way of a run that is not at its end, as
 * NAME; and the others on the way, in their order, as NAME@STEP. PK_EDATA when
 * a folder holds models of two runs, PK_EIO when it holds none. */
PK_NODISCARD int rm_models_all(struct rm_all_models *out,
                               const struct rm_models *given,
                               const struct rm_models *runs,
                               const struct pk_cli *cli, struct pk_err *err);
void rm_all_models_release(struct rm_all_models *m);

#endif
