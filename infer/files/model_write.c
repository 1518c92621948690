/* Writing a model directory; see infer/infer.h and model_write.h. */
#include "infer/files/model_write.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/path.h"
#include "infer/files/config.h"
#include "infer/files/safetensors.h"
#include "infer/text/tokenizer_files.h"

int infer_model_write(const char *dir, const struct infer_config *c,
                      const struct infer_source *from, enum infer_dtype dtype,
                      const char *tokenizer_dir, struct pk_err *err)
{
    size_t n = infer_tensor_count(c);
    struct infer_tensor *t = pk_calloc(n, sizeof *t);
    if (!t)
        return pk_fail_mem(err, "a model's tensors");
    for (size_t i = 0; i < n; i++)
        infer_tensor_at(c, i, &t[i]);
    char *path;
    int rc = pk_path(&path, dir, "config.json", err);
    if (!rc)
        rc = infer_config_save(c, dtype, path, err);
    free(path);
    path = NULL;
    if (!rc)
        rc = pk_path(&path, dir, "model.safetensors", err);
    if (!rc)
        rc = infer_safetensors_write(path, t, n, dtype, from, err);
    free(path);
    free(t);
    if (!rc)
        rc = infer_tokenizer_save(dir, c, tokenizer_dir, err);
    return rc;
}

struct held {
    const struct infer_config *c;
    struct infer_weights w;
};

static int next_held(void *ctx, size_t tensor, size_t from, float *dst,
                     size_t n, struct pk_err *err)
{
    struct held *h = ctx;
    infer_matrix_values(infer_weights_slot(h->c, &h->w, tensor), from, dst, n);
    (void)err; /* nothing here can fail */
    return 0;
}

int infer_model_save(const char *dir, const struct infer_config *c,
                     const struct infer_weights *w, enum infer_dtype dtype,
                     const char *tokenizer_dir, struct pk_err *err)
{
    struct held h = {c, *w};
    const struct infer_source from = {&h, next_held};
    return infer_model_write(dir, c, &from, dtype, tokenizer_dir, err);
}
