/* What a run is about to do, as notes: a summary comes too late for a wrong mix
 * or a rate that never rises. */
#ifndef PREFKIT_RM_TRAIN_ANNOUNCE_H
#define PREFKIT_RM_TRAIN_ANNOUNCE_H

#include "common/cli.h"
#include "rm/train/run.h"

/* Its recipe, its pairs, the mix, what was left out; a warning where all of it
 * is warm-up. */
void rm_train_announce(const struct rm_run *run, const struct pk_cli *cli);

#endif
