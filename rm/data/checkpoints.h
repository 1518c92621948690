/* The models that a run leaves on its way, from which eval draws how accuracy
 * grows with what was trained on (the paper's Figure 6):
 *
 *     OUTPUT.checkpoints/step-000050    a model's directory
 *     OUTPUT.checkpoints/step-000100    the next one
 *
 * Each is there whole or not at all, and is what OUTPUT would be had the run
 * ended at that step; of a run that trains adapters it is the adapters alone,
 * on their base. */
#ifndef PREFKIT_RM_DATA_CHECKPOINTS_H
#define PREFKIT_RM_DATA_CHECKPOINTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/json.h"

/* "OUTPUT.checkpoints" for ".checkpoints", without the slashes that `output`
 * may end in; the caller frees. NULL: out of memory. */
char *rm_beside(const char *output, const char *suffix);

/* The folder of one of them; the caller frees. NULL: out of memory. */
char *rm_checkpoint_dir(const char *folder, uint64_t step);

/* The steps whose models are in the folder, in order; none when there is no
 * such folder. free(c->step) afterwards. */
struct rm_checkpoints {
    uint64_t *step;
    size_t n, cap;
};
PK_NODISCARD int rm_checkpoints_list(struct rm_checkpoints *out,
                                     const char *folder, struct pk_err *err);

/* Before a run goes on: what a killed one left half written is removed, and
 * what is whole must be of the run of this identity (rm_run_identity), else
 * PK_EDATA with what differs. */
PK_NODISCARD int rm_checkpoints_resume(const char *folder,
                                       const cJSON *identity,
                                       struct pk_err *err);

/* Room for the model of a step in the folder, which is made if it is not there:
 * an earlier model of this step, which the state that the run went on from
 * knows nothing of, is removed. *out is the model's path, to be freed. */
PK_NODISCARD int rm_checkpoint_make_room(char **out, const char *folder,
                                         uint64_t step, struct pk_err *err);

#endif
