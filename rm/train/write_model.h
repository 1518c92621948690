/* What a training run leaves: a model's directory, whole or not at all. */
#ifndef PREFKIT_RM_TRAIN_WRITE_MODEL_H
#define PREFKIT_RM_TRAIN_WRITE_MODEL_H

#include "rm/train/run.h"

/* Write the model to `path`, with its provenance, and read it back: a directory
 * that does not open is never put in its place. run->fingerprint is set. With
 * adapters it is the merged model, in the numbers that the base is stored in
 * (f32, or bf16), and path/adapter has the adapters themselves, in f32. A
 * validated run's validation is then, where it is bf16, that of the merged
 * model as it is written, and path/adapter tells how the adapters did. */
PK_NODISCARD int rm_write_model(struct rm_run *run,
                                const struct infer_config *c,
                                struct infer_params *p, const char *path,
                                struct pk_err *err);

/* The model of the step that was just made, into run->checkpoints
 * (checkpoints.h); `v`, or NULL, is how it does on the valid split. With
 * adapters it is these alone, on their base. */
PK_NODISCARD int rm_write_checkpoint(struct rm_run *run,
                                     const struct infer_config *c,
                                     struct infer_params *p,
                                     const struct rm_validation *v,
                                     struct pk_err *err);

#endif
