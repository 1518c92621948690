/* One safetensors file: read by mapping it, written from one end to the other.
 *
 * The format: eight bytes of header length (little-endian), a JSON header
 * {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...,
 * "__metadata__": {...}}, and the data. Everything in the header is checked
 * (bounds, sizes, overlaps, holes, duplicate names) first. */
#ifndef PREFKIT_INFER_FILES_SAFETENSORS_H
#define PREFKIT_INFER_FILES_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "infer/files/params.h"

#define INFER_HEADER_MAX ((uint64_t)64 << 20) /* bytes */

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

size_t infer_safetensors_count(const struct infer_safetensors *st);
const struct infer_stored *
infer_safetensors_at(const struct infer_safetensors *st, size_t i);

/* Widen n elements to f32. src need not be aligned. */
void infer_widen(float *dst, const void *src, enum infer_dtype dtype,
                 uint64_t n);

/* Write n tensors in INFER_F32 or INFER_BF16 (to the nearest,
 * ties to even), a piece at a time. PK_EDATA for a value too large for bf16. */
PK_NODISCARD int infer_safetensors_write(const char *path,
                                         const struct infer_tensor *t, size_t n,
                                         enum infer_dtype dtype,
                                         const struct infer_source *from,
                                         struct pk_err *err);

#endif
