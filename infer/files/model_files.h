/* The safetensors of a model directory: one file, or shards with their index.
 * Private to model.c. */
#ifndef PREFKIT_INFER_FILES_MODEL_FILES_H
#define PREFKIT_INFER_FILES_MODEL_FILES_H

#include "common/json.h"
#include "infer/files/safetensors.h"

struct infer_shard {
    char *name;
    struct infer_safetensors *file;
};

struct infer_model_files {
    const char *dir; /* borrowed, while it is opened */
    struct infer_shard *shard;
    size_t n_shards;
    cJSON *weight_map; /* tensor name to shard name; NULL: one file */
};

/* f is zero. To be closed on failure, too. PK_EDATA, PK_EIO, PK_EMEM. */
PK_NODISCARD int infer_model_files_open(struct infer_model_files *f,
                                        const char *dir, struct pk_err *err);
void infer_model_files_close(struct infer_model_files *f);

/* NULL when there is none; borrowed until close. */
const struct infer_stored *
infer_model_files_find(const struct infer_model_files *f, const char *name);

#endif
