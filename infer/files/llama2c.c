/* llama2.c's model files; see llama2c.h. */
#include "infer/files/llama2c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "infer/files/config.h"
#include "infer/files/params.h"

static int read_i32(FILE *f, int32_t *out)
{
    uint8_t b[4];
    if (fread(b, 1, 4, f) != 4)
        return -1;
    uint32_t u = 0;
    for (int i = 0; i < 4; i++)
        u |= (uint32_t)b[i] << (8 * i);
    memcpy(out, &u, sizeof u);
    return 0;
}

static int read_header(FILE *f, struct infer_config *c, const char *path,
                       struct pk_err *err)
{
    int32_t h[7];
    for (int i = 0; i < 7; i++)
        if (read_i32(f, &h[i]) != 0)
            return pk_fail(err, PK_EDATA, "%s: shorter than its header", path);
    bool shared = h[5] > 0;
    int64_t vocab = shared ? h[5] : -(int64_t)h[5];
    for (int i = 0; i < 7; i++)
        if (i != 5 && (h[i] < 1 || h[i] > 1 << 20))
            return pk_fail(err, PK_EDATA,
                           "%s: not a llama2.c model (its header says %d)",
                           path, (int)h[i]);
    if (vocab < 3 || vocab > 1 << 24 || h[0] % h[3] || h[4] > h[3])
        return pk_fail(err, PK_EDATA,
                       "%s: not a llama2.c model (its shape makes no sense)",
                       path);
    *c = (struct infer_config){.dim = (size_t)h[0],
                               .hidden = (size_t)h[1],
                               .layers = (size_t)h[2],
                               .heads = (size_t)h[3],
                               .kv_heads = (size_t)h[4],
                               .head_dim = (size_t)(h[0] / h[3]),
                               .vocab = (size_t)vocab,
                               .max_positions = (size_t)h[6],
                               .norm_eps = 1e-5,
                               .rope_theta = 10000,
                               .bos = 1,
                               .eos = 2,
                               .pad = -1,
                               .head = INFER_HEAD_LM,
                               .tied = shared};
    int rc = infer_config_check(c, err);
    return rc ? pk_err_prefix(err, "%s: ", path) : 0;
}

static int check_size(FILE *f, const struct infer_config *c, const char *path,
                      struct pk_err *err)
{
    const struct infer_dims d = infer_dims_of(c);
    double layer = 2.0 * (double)d.c + 2.0 * (double)d.q * (double)d.c +
                   2.0 * (double)d.kv * (double)d.c +
                   3.0 * (double)d.f * (double)d.c;
    double n = (double)c->vocab * (double)d.c * (c->tied ? 1 : 2) +
               (double)c->layers * layer + (double)d.c +
               (double)c->max_positions * (double)c->head_dim;
    struct stat st;
    if (fstat(fileno(f), &st) != 0)
        return pk_fail_errno(err, "cannot read '%s'", path);
    if ((double)st.st_size != 28 + 4 * n)
        return pk_fail(err, PK_EDATA,
                       "%s: %lld bytes, but its header makes it %.0f", path,
                       (long long)st.st_size, 28 + 4 * n);
    return 0;
}

static int read_tensors(FILE *f, const struct infer_config *c,
                        struct infer_params *p, struct pk_err *err)
{
    const struct infer_dims d = infer_dims_of(c);
    struct infer_layer *l = p->w.layer;
    size_t got = fread(p->w.embed.f32, d.c * sizeof(float), c->vocab, f);
    size_t want = c->vocab;
#define READ_KIND(field, rows, cols)                                           \
    for (size_t i = 0; i < c->layers; i++) {                                   \
        got += fread(l[i].field.f32, (cols) * sizeof(float), (rows), f);       \
        want += (rows);                                                        \
    }
    READ_KIND(attn_norm, 1, d.c)
    READ_KIND(wq, d.q, d.c)
    READ_KIND(wk, d.kv, d.c)
    READ_KIND(wv, d.kv, d.c)
    READ_KIND(wo, d.c, d.q)
    READ_KIND(ffn_norm, 1, d.c)
    READ_KIND(gate, d.f, d.c)
    READ_KIND(down, d.c, d.f)
    READ_KIND(up, d.f, d.c)
#undef READ_KIND
    got += fread(p->w.norm.f32, d.c * sizeof(float), 1, f);
    want++;
    long tables = (long)(c->max_positions * c->head_dim * sizeof(float));
    if (!c->tied && fseek(f, tables, SEEK_CUR) == 0) {
        got += fread(p->w.head.f32, d.c * sizeof(float), c->vocab, f);
        want += c->vocab;
    }
    int rc = got == want ? 0 : pk_fail(err, PK_EDATA, "it ends early");
    for (size_t i = 0; !rc && i < c->layers; i++) {
        rc = infer_unpair_rows(l[i].wq.f32, c->heads, c->head_dim, d.c, err);
        if (!rc)
            rc = infer_unpair_rows(l[i].wk.f32, c->kv_heads, c->head_dim, d.c,
                                   err);
    }
    return rc;
}

int infer_llama2c_load(const char *path, struct infer_config *c,
                       struct infer_params **p, struct pk_err *err)
{
    *p = NULL;
    FILE *f = fopen(path, "rb");
    if (!f)
        return pk_fail_errno(err, "cannot open '%s'", path);
    int rc = read_header(f, c, path, err);
    if (!rc)
        rc = check_size(f, c, path, err);
    if (!rc)
        rc = infer_params_new(p, c, err);
    if (!rc && (rc = read_tensors(f, c, *p, err)) < 0)
        pk_err_prefix(err, "%s: ", path);
    fclose(f);
    if (rc) {
        infer_params_free(*p);
        *p = NULL;
    }
    return rc;
}
