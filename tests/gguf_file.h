/* A GGUF file built in memory, for tests. */
#ifndef PREFKIT_TESTS_GGUF_FILE_H
#define PREFKIT_TESTS_GGUF_FILE_H

#include <string.h>

#include "common/buf.h"
#include "infer/files/gguf.h"
#include "infer/infer.h"

/* Header entries and tensor data, joined by gguf_file_end. */
struct gguf_file {
    struct pk_buf meta, infos, data;
    uint64_t n_meta, n_tensors;
};

#define GGUF_FILE_INIT                                                         \
    {                                                                          \
        PK_BUF_INIT(1 << 24), PK_BUF_INIT(1 << 24), PK_BUF_INIT(1 << 24), 0, 0 \
    }

static inline void gguf_put_int(struct pk_buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        pk_buf_addc(b, (char)(v >> (8 * i)));
}

static inline void gguf_put_text(struct pk_buf *b, const char *s, size_t n)
{
    gguf_put_int(b, n, 8);
    pk_buf_add(b, s, n);
}

static inline void gguf_put_key(struct gguf_file *f, const char *key, int type)
{
    gguf_put_text(&f->meta, key, strlen(key));
    gguf_put_int(&f->meta, (uint64_t)type, 4);
    f->n_meta++;
}

static inline void gguf_put_u32(struct gguf_file *f, const char *key,
                                uint32_t v)
{
    gguf_put_key(f, key, GGUF_U32);
    gguf_put_int(&f->meta, v, 4);
}

static inline void gguf_put_f32(struct gguf_file *f, const char *key, double v)
{
    const float x = (float)v;
    uint32_t u;
    memcpy(&u, &x, 4);
    gguf_put_key(f, key, GGUF_F32);
    gguf_put_int(&f->meta, u, 4);
}

static inline void gguf_put_str(struct gguf_file *f, const char *key,
                                const char *s)
{
    gguf_put_key(f, key, GGUF_STRING);
    gguf_put_text(&f->meta, s, strlen(s));
}

static inline void gguf_put_array(struct gguf_file *f, const char *key,
                                  int type, size_t n)
{
    gguf_put_key(f, key, GGUF_ARRAY);
    gguf_put_int(&f->meta, (uint64_t)type, 4);
    gguf_put_int(&f->meta, n, 8);
}

/* A tensor of ggml type `type`; its data follows at the next 32 bytes. */
static inline void gguf_put_tensor(struct gguf_file *f, const char *name,
                                   size_t rows, size_t cols, int type)
{
    while (f->data.len % 32)
        pk_buf_addc(&f->data, 0);
    gguf_put_text(&f->infos, name, strlen(name));
    gguf_put_int(&f->infos, rows > 1 ? 2 : 1, 4);
    gguf_put_int(&f->infos, cols, 8);
    if (rows > 1)
        gguf_put_int(&f->infos, rows, 8);
    gguf_put_int(&f->infos, (uint64_t)type, 4);
    gguf_put_int(&f->infos, f->data.len, 8);
    f->n_tensors++;
}

static inline void gguf_file_end(struct gguf_file *f, struct pk_buf *out)
{
    pk_buf_adds(out, "GGUF");
    gguf_put_int(out, 3, 4);
    gguf_put_int(out, f->n_tensors, 8);
    gguf_put_int(out, f->n_meta, 8);
    pk_buf_add(out, f->meta.data, f->meta.len);
    pk_buf_add(out, f->infos.data, f->infos.len);
    while (out->len % 32)
        pk_buf_addc(out, 0);
    pk_buf_add(out, f->data.data, f->data.len);
    pk_buf_release(&f->meta);
    pk_buf_release(&f->infos);
    pk_buf_release(&f->data);
}

#endif
