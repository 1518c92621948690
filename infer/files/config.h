/* config.json: Hugging Face's description of a model. */
#ifndef PREFKIT_INFER_FILES_CONFIG_H
#define PREFKIT_INFER_FILES_CONFIG_H

#include "infer/infer.h"

/* Read and check; PK_EDATA, naming the field, for anything that this core
 * would not compute exactly as the file means it (another architecture, some
 * rotary scalings, biases, another activation), and for a pad token that makes
 * it doubtful where a score is read unless `read_out` says it. */
PK_NODISCARD int infer_config_load(struct infer_config *c, const char *path,
                                   enum infer_read_out read_out,
                                   struct pk_err *err);
/* `dtype`: of the weights beside it. */
PK_NODISCARD int infer_config_save(const struct infer_config *c,
                                   enum infer_dtype dtype, const char *path,
                                   struct pk_err *err);

/* The rules that every config obeys, wherever it comes from. */
PK_NODISCARD int infer_config_check(const struct infer_config *c,
                                    struct pk_err *err);

/* The named dimensions of INFER_LAYER_TENSORS. */
struct infer_dims {
    size_t one, c, q, kv, f;
};
struct infer_dims infer_dims_of(const struct infer_config *c);

#endif
