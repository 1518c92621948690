/* A model directory from values that come a piece at a time. */
#ifndef PREFKIT_INFER_FILES_MODEL_WRITE_H
#define PREFKIT_INFER_FILES_MODEL_WRITE_H

#include "infer/files/params.h"

/* infer_model_save, for values that need not be in memory. */
PK_NODISCARD int
infer_model_write(const char *dir, const struct infer_config *c,
                  const struct infer_source *from, enum infer_dtype dtype,
                  const char *tokenizer_dir, struct pk_err *err);

#endif
