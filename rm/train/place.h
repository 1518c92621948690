/* Where a run's files go: looked at before anything is read or written. */
#ifndef PREFKIT_RM_TRAIN_PLACE_H
#define PREFKIT_RM_TRAIN_PLACE_H

#include "rm/train/run.h"

/* Folders beside the output; owned. */
struct rm_place {
    char *state, *last_good;
};

/* Set them, and run->checkpoints. PK_EUSAGE where the output is there, an
 * earlier run's models or (unless `resume`) its state are in the way, or `log`
 * or `curve` (each may be NULL) is a file of the store, the base, or the other;
 * PK_EIO where one cannot be written. Of several ranks, all call it.
 * rm_place_close afterwards, also on failure. */
PK_NODISCARD int rm_place_open(struct rm_place *p, struct rm_run *run,
                               const char *log, const char *curve, bool resume,
                               struct pk_err *err);
void rm_place_close(struct rm_place *p);

#endif
