/* One safetensors file: read by mapping it, written in one go.
 *
 * The format: eight bytes of header length (little-endian), a JSON header
 * {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...,
 * "__metadata__": {...}}, and the data. Everything in the header is checked
 * (bounds, sizes, overlaps, holes, duplicate names) first. */
#ifndef PREFKIT_INFER_SAFETENSORS_H
#define PREFKIT_INFER_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum infer_dtype { INFER_F32, INFER_F16, INFER_BF16, INFER_OTHER };

struct infer_stored {
    const char *name;
    enum infer_dtype dtype; /* INFER_OTHER: of no use to us, but well-formed */
    size_t ndim;
    uint64_t shape[4];
    uint64_t n; /* elements */
    void *data; /* in the map, read-only; not necessarily aligned */
    uint64_t begin, end;
};

struct infer_safetensors;

PK_NODISCARD int infer_safetensors_open(struct infer_safetensors **out,
                                        const char *path, struct pk_err *err);
void infer_safetensors_close(struct infer_safetensors *st);

/* NULL when there is none; borrowed until close. */
const struct infer_stored *
infer_safetensors_find(const struct infer_safetensors *st, const char *name);

/* Widen n elements to f32. src need not be aligned. */
void infer_widen(float *dst, const void *src, enum infer_dtype dtype,
                 uint64_t n);

/* What to write: f32 tensors of one or two dimensions. */
struct infer_to_store {
    const char *name;
    size_t ndim; /* 1: (cols); 2: (rows, cols) */
    uint64_t rows, cols;
    const float *data;
};

PK_NODISCARD int infer_safetensors_write(const char *path,
                                         const struct infer_to_store *t,
                                         size_t n, struct pk_err *err);

#endif
