/* safetensors from strangers: every byte that a header promises can be read. */
#include "infer/files/safetensors.h"
#include "tests/fuzz/memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_tensor(const struct infer_safetensors *st, const char *name)
{
    const struct infer_stored *t = infer_safetensors_find(st, name);
    if (!t || t->dtype == INFER_OTHER)
        return;
    size_t bytes = t->dtype == INFER_F32 ? 4 : 2;
    if (t->end - t->begin != t->n * bytes)
        abort();
    float *f = malloc(t->n * sizeof *f + 1);
    if (!f)
        return;
    infer_widen(f, t->data, t->dtype, t->n);
    free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infer_safetensors *st;
    struct pk_err err;
    char path[32];
    int fd = memfile(data, size, path);
    int rc = infer_safetensors_open(&st, path, &err);
    close(fd);
    if (rc < 0) {
        if (st || err.code != rc || rc != PK_EDATA)
            abort();
        return 0;
    }
    read_tensor(st, "a");
    read_tensor(st, "b");
    read_tensor(st, "model.norm.weight");
    infer_safetensors_close(st);
    return 0;
}
