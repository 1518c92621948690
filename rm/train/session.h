/* A training run from its first step, or from where it was stopped, to its last
 * one: steps, validation, log, state. */
#ifndef PREFKIT_RM_TRAIN_SESSION_H
#define PREFKIT_RM_TRAIN_SESSION_H

#include "rm/train/run.h"

/* Everything is borrowed. */
struct rm_session {
    struct rm_run *run; /* its checkpoint_every and checkpoints are set */
    struct rm_trainer *trainer;
    const char *state; /* the folder */
    size_t save_every; /* steps; 0: only when interrupted */
    const char *log;   /* path, or NULL */
    struct pk_progress *progress;
    /* What came of it: is there a state, and of which step. */
    bool saved;
    uint64_t saved_step;
};

/* Go on from the state there is, if `resume`; then train to the end, leaving a
 * model on the way where one is due, and put the weights that are to be kept
 * into the trainer's parameters. Of several
 * ranks, all train, and rank 0 validates, writes, and has those weights. After
 * a signal (PK_EINTR) the state is saved, whole micro-batches and all, but for
 * one that comes while the best weights are validated at the end. A loss
 * or gradient that is not finite is PK_EDATA, with *not_finite set and the
 * parameters as they were before that step; where a validation's is not, or
 * the last step's weights score nothing, it is PK_EDATA without. After another
 * failure the message says what is saved, to go on from. */
PK_NODISCARD int rm_session_run(struct rm_session *s, bool resume,
                                bool *not_finite, struct pk_err *err);

/* After a failure, told in *err, of what comes behind the last step: save the
 * state unless other weights than its have been put into the trainer, and say
 * what is saved. The code of *err. */
int rm_session_rescue(struct rm_session *s, struct pk_err *err);

#endif
