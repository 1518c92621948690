/* Writing a safetensors file, a piece at a time; see safetensors.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cli.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/out.h"
#include "infer/files/safetensors.h"
#include "infer/math/bf16.h"

enum { PIECE = 1 << 18 }; /* elements in memory at a time */

static size_t element_bytes(enum infer_dtype dtype)
{
    return dtype == INFER_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* The header, padded with spaces so that the data is 8-byte aligned. */
static int build_header(struct pk_buf *b, const struct infer_tensor *t,
                        size_t n, enum infer_dtype dtype)
{
    uint64_t at = 0;
    pk_buf_adds(b, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (; n-- > 0; t++) {
        uint64_t bytes = (uint64_t)t->rows * t->cols * element_bytes(dtype);
        pk_buf_addc(b, ',');
        pk_json_quote(b, t->name, strlen(t->name));
        pk_buf_addf(b, ":{\"dtype\":\"%s\",\"shape\":[",
                    dtype == INFER_BF16 ? "BF16" : "F32");
        if (t->decay) /* a matrix */
            pk_buf_addf(b, "%zu,", t->rows);
        pk_buf_addf(b, "%zu],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
                    t->cols, at, at + bytes);
        at += bytes;
    }
    pk_buf_addc(b, '}');
    while (b->len % 8 && !b->failed)
        pk_buf_addc(b, ' ');
    return b->failed;
}

/* A piece of a tensor, and what it is rounded to. */
struct piece {
    float *f32;
    uint16_t *bf16;
};

/* Finite numbers that bf16 has no room for become infinite. */
static bool overflows(const struct piece *p, size_t n)
{
    bool over = false;
    for (size_t k = 0; k < n; k++)
        over |= (p->bf16[k] & 0x7F80) == 0x7F80;
    return over;
}

static int write_tensor(FILE *f, const struct infer_tensor *t, size_t i,
                        const struct infer_source *from, const struct piece *p,
                        struct pk_err *err)
{
    const size_t n = t->rows * t->cols;
    int rc = 0;
    for (size_t at = 0; !rc && at < n; at += PIECE) {
        size_t len = n - at < PIECE ? n - at : PIECE;
        rc = pk_check_interrupt(err);
        if (!rc)
            rc = from->next(from->ctx, i, at, p->f32, len, err);
        if (!rc && p->bf16) {
            infer_to_bf16(p->bf16, p->f32, len);
            if (overflows(p, len))
                rc = pk_fail(err, PK_EDATA,
                             "tensor '%s' holds weights too large for bf16",
                             t->name);
            fwrite(p->bf16, sizeof *p->bf16, len, f);
        } else if (!rc) {
            fwrite(p->f32, sizeof *p->f32, len, f);
        }
        if (!rc && ferror(f))
            rc = pk_fail_errno(err, "cannot write tensor '%s'", t->name);
    }
    return rc;
}

static int write_all(FILE *f, const struct infer_tensor *t, size_t n,
                     enum infer_dtype dtype, const struct infer_source *from,
                     struct pk_err *err)
{
    bool half = dtype == INFER_BF16;
    struct piece p = {pk_calloc_aligned(PIECE, sizeof *p.f32),
                      half ? pk_calloc_aligned(PIECE, sizeof *p.bf16) : NULL};
    int rc = 0;
    if (!p.f32 || (half && !p.bf16))
        rc = pk_fail_mem(err, "a piece of a model");
    for (size_t i = 0; !rc && i < n; i++)
        rc = write_tensor(f, &t[i], i, from, &p, err);
    free(p.f32);
    free(p.bf16);
    return rc;
}

int infer_safetensors_write(const char *path, const struct infer_tensor *t,
                            size_t n, enum infer_dtype dtype,
                            const struct infer_source *from, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT((size_t)INFER_HEADER_MAX);
    struct pk_out *o = NULL;
    int rc = build_header(&b, t, n, dtype) == 0
                 ? pk_out_open(&o, path, err)
                 : pk_fail_mem(err, "a safetensors header");
    if (!rc) {
        FILE *f = pk_out_file(o);
        for (int i = 0; i < 8; i++)
            fputc((int)(b.len >> (8 * i) & 255), f);
        fwrite(b.data, 1, b.len, f);
        rc = write_all(f, t, n, dtype, from, err);
        if (rc && ferror(f))
            pk_err_prefix(err, "%s: ", path);
        if (!rc)
            rc = pk_out_commit(&o, err);
    }
    pk_out_abort(&o);
    pk_buf_release(&b);
    return rc;
}
