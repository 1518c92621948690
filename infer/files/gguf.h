/* GGUF files (ggml-org/ggml, docs/gguf.md), versions 2 and 3, little-endian:
 * mapped, every length checked. Private to infer. */
#ifndef PREFKIT_INFER_FILES_GGUF_H
#define PREFKIT_INFER_FILES_GGUF_H

#include "common/buf.h"
#include "infer/infer.h"

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPES
};

struct gguf_text {
    const char *s; /* len bytes, in the map; NULL: there is none */
    size_t len;
};

/* Its length for a message: the bytes of a stranger's file may be many. */
static inline int gguf_shown(struct gguf_text t)
{
    return (int)(t.len < 100 ? t.len : 100);
}

struct gguf;

PK_NODISCARD int infer_gguf_open(struct gguf **out, const char *path,
                                 struct pk_err *err);
void infer_gguf_close(struct gguf *g);
bool infer_gguf_is(const char *path);

/* Metadata. *out is the fallback when the key is absent; PK_EDATA when its
 * value is not of the kind. */
PK_NODISCARD int infer_gguf_number(const struct gguf *g, const char *key,
                                   double fallback, double *out,
                                   struct pk_err *err);
PK_NODISCARD int infer_gguf_string(const struct gguf *g, const char *key,
                                   struct gguf_text *out, struct pk_err *err);

/* An array of numbers or of strings; n = 0 when the key is absent. */
struct gguf_array {
    enum gguf_type type;
    size_t n;
    const uint8_t *at; /* the next element */
};
PK_NODISCARD int infer_gguf_get_array(const struct gguf *g, const char *key,
                                      struct gguf_array *out,
                                      struct pk_err *err);
double infer_gguf_next_number(struct gguf_array *a);
struct gguf_text infer_gguf_next_string(struct gguf_array *a);

/* A tensor; NULL when there is none. */
struct gguf_tensor {
    struct gguf_text name;
    size_t ndim;
    uint64_t cols, rows; /* rows: all dimensions but the first */
    uint32_t type;
    const uint8_t *data;
};
const struct gguf_tensor *infer_gguf_find(const struct gguf *g,
                                          const char *name);
/* The i-th; NULL after the last. */
const struct gguf_tensor *infer_gguf_at(const struct gguf *g, size_t i);

/* Its cols * rows values as f32. */
void infer_gguf_widen(float *dst, const struct gguf_tensor *t);

/* The model and its weights; *p is the caller's. */
PK_NODISCARD int infer_gguf_load(const struct gguf *g, struct infer_config *c,
                                 struct infer_params **p, struct pk_err *err);
/* The tokenizer's own file (tokenizer.model when *spm, else tokenizer.json) and
 * its tokenizer_config.json, appended to two buffers. */
PK_NODISCARD int infer_gguf_tokenizer(const struct gguf *g, bool *spm,
                                      struct pk_buf *file,
                                      struct pk_buf *settings,
                                      struct pk_err *err);
/* The tokenizer's files, into the directory `dir`. */
PK_NODISCARD int infer_gguf_write_tokenizer(const struct gguf *g,
                                            const char *dir,
                                            struct pk_err *err);

#endif
