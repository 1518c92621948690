/* How much room on the disk a run will take, and how much there is. */
#ifndef PREFKIT_RM_TRAIN_DISK_H
#define PREFKIT_RM_TRAIN_DISK_H

#include "rm/train/run.h"

/* Bytes, of weights and tokenizer files: what else a folder holds is small. */
struct rm_disk {
    uint64_t model;       /* the output; with adapters, they are in it too */
    uint64_t checkpoint;  /* one on the way */
    uint64_t state;       /* at most: it is written anew beside the old one */
    size_t n_checkpoints; /* still to come, at most */
    uint64_t total;       /* of all these */
    uint64_t available;   /* where the output goes; UINT64_MAX: not known */
};

/* For a run on run->train from a base stored in bf16 (`half`) or not, whose
 * model is of this config. What lies in run->checkpoints already takes no room
 * again. */
PK_NODISCARD int rm_disk_plan(struct rm_disk *d, const struct rm_run *run,
                              const struct infer_config *c, bool half,
                              struct pk_err *err);

#endif
