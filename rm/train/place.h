/* Where a run's files go: looked at before anything is read or written. */
#ifndef PREFKIT_RM_TRAIN_PLACE_H
#define PREFKIT_RM_TRAIN_PLACE_H

#include "rm/train/run.h"

struct rm_place {
    char *state, *last_good; /* folders beside the output; owned */
    int lock; /* of the state's folder, which is there while it is held; -1 */
};

/* Set them, and run->checkpoints. PK_EUSAGE where another run has the place,
 * the output is there, an earlier run's models or (unless `resume`) its state
 * are in the way, or `log` or `curve` (each may be NULL) is a file of the
 * store, the base, or the other; PK_EIO where one cannot be written. Of several
 * ranks, all call it, and the first holds the place. rm_place_close afterwards,
 * also on failure: the state's folder goes if nothing is in it. */
PK_NODISCARD int rm_place_open(struct rm_place *p, struct rm_run *run,
                               const char *log, const char *curve, bool resume,
                               struct pk_err *err);
void rm_place_close(struct rm_place *p);

#endif
