/* A run's state on disk: all that it needs to go on as if it had never been
 * stopped. A folder with up to two files, each written whole or not at all:
 *
 *     state   what the run was made from (JSON), where it stands, its history,
 *             the weights, both moments, and a gradient that is half summed
 *     best    the weights of the best validation so far
 *
 * Both carry a CRC-32 and are of the machine's own byte order. */
#ifndef PREFKIT_RM_TRAIN_STATE_H
#define PREFKIT_RM_TRAIN_STATE_H

#include "common/json.h"
#include "rm/train/train.h"

/* One step of the curve; NaN where there is nothing. Plain bytes. */
struct rm_point {
    double step, loss, accuracy, valid_loss, valid_accuracy;
};

/* What a run remembers beside its trainer. `fixed` is plain bytes. */
struct rm_record {
    struct rm_record_fixed {
        struct rm_step first, last;
        uint64_t told;      /* steps validated and logged */
        uint64_t best_step; /* 0: none yet */
        double best;        /* its loss, or its accuracy */
        uint64_t worse;     /* validations since */
        uint64_t stopped;   /* 1: stopped early, for want of improvement */
    } fixed;
    struct rm_point *point;
    size_t n, cap;
};

PK_NODISCARD int rm_record_add(struct rm_record *r, const struct rm_point *p,
                               struct pk_err *err);
void rm_record_release(struct rm_record *r);

bool rm_state_exists(const char *dir);

/* Make the folder if it is not there, and clear what a killed run left half
 * written in it. `identity`: what the run was made from. On failure an earlier
 * state is still there. */
PK_NODISCARD int rm_state_save(const char *dir, const cJSON *identity,
                               const struct rm_trainer *t,
                               const struct rm_record *r, struct pk_err *err);

/* Put the trainer (initialised) and the record (zero) where the saved ones
 * stood. PK_EDATA when the file is damaged, of another version, or when it was
 * made from something else: the message says what differs. */
PK_NODISCARD int rm_state_load(const char *dir, const cJSON *identity,
                               struct rm_trainer *t, struct rm_record *r,
                               struct pk_err *err);

PK_NODISCARD int rm_best_save(const char *dir, uint64_t step,
                              const struct infer_params *p, struct pk_err *err);
/* PK_EDATA when the file is not the best of `step`. */
PK_NODISCARD int rm_best_load(const char *dir, uint64_t step,
                              struct infer_params *p, struct pk_err *err);

/* Remove the folder and what is in it; quiet when it is not there. */
void rm_state_remove(const char *dir);

#endif
