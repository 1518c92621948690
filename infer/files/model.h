/* A model that is open, for those who put adapters on it. */
#ifndef PREFKIT_INFER_FILES_MODEL_H
#define PREFKIT_INFER_FILES_MODEL_H

#include "infer/infer.h"

/* From now on m is the model with these adapters, which it owns then, with
 * config c, and is called `dir`. PK_EMEM; then nothing is owned. */
PK_NODISCARD int infer_model_adapt(struct infer_model *m,
                                   struct infer_params *adapters,
                                   const struct infer_config *c,
                                   const char *dir, struct pk_err *err);

/* No NaN, no infinity. */
bool infer_matrix_finite(const struct infer_matrix *w);

#endif
