/* Low-rank adapters; see lora.h. */
#include "infer/forest/lora.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void infer_lora_release(struct infer_lora_work *k)
{
    infer_gemm_release(&k->gemm);
    free(k->mem);
    free(k->drop.key);
    *k = (struct infer_lora_work){0};
}

/* ---- Dropout ---- */

/* Steele, Lea and Flood's SplitMix64 finalizer. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

int infer_dropout_plan(struct infer_dropout *d, const struct infer_packed *f,
                       struct pk_err *err)
{
    if (!(d->p > 0))
        return 0;
    if (!pk_grow(&d->key, &d->cap, f->n, sizeof *d->key))
        return pk_fail_mem(err, "dropout");
    for (size_t i = 0; i < f->n_segments; i++) {
        const struct infer_segment *s = &f->segment[i];
        uint64_t key = mix(d->seed + 1);
        if (s->parent != INFER_NO_PARENT) {
            const struct infer_segment *up = &f->segment[s->parent];
            key = d->key[up->start + up->len - 1];
        }
        for (size_t t = s->start; t < s->start + s->len; t++)
            d->key[t] = key =
                mix(key + 0x9E3779B97F4A7C15U * (uint64_t)(f->token[t] + 1));
    }
    return 0;
}

/* y = or += x where it is kept, scaled up for what is not. */
static void drop_row(float *y, const float *x, size_t n, uint64_t key, double p,
                     bool add)
{
    uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
    uint32_t limit = (uint32_t)(p * 4294967296.0);
    float scale = (float)(1 / (1 - p));
    for (size_t j = 0; j < n; j++) {
        uint32_t h = ((low + (uint32_t)j) * 0x9E3779B1U) ^ high;
        h = (h ^ (h >> 16)) * 0x85EBCA6BU; /* MurmurHash3's finalizer */
        h = (h ^ (h >> 13)) * 0xC2B2AE35U;
        h ^= h >> 16;
        float kept = h < limit ? 0.0F : x[j] * scale;
        y[j] = add ? y[j] + kept : kept;
    }
}

static void drop(const struct infer_lora_work *k, const struct infer_adapter *a,
                 float *y, struct infer_input in, bool add)
{
    const struct infer_dropout *d = &k->drop;
    size_t n = a->a.cols;
#pragma omp parallel for
    for (size_t r = 0; r < in.rows; r++)
        drop_row(y + r * n, in.x.f32 + r * n, n,
                 mix(d->key[in.token[r]] + a->stream), d->p, add);
}

/* ---- Products ---- */

/* What goes into A: x itself, or x with some of it dropped, in scratch; and
 * room for two arrays of (rows, rank). NULL: no memory. */
struct parts {
    const float *x;
    float *u, *du, *dropped;
};

static int make_parts(struct infer_lora_work *k, const struct infer_adapter *a,
                      size_t rows, struct parts *out, struct pk_err *err)
{
    size_t u = (rows * a->a.rows + 15) & ~(size_t)15;
    size_t need = 2 * u + (k->drop.p > 0 ? rows * a->a.cols : 0);
    if (!k->mem || need > k->cap) {
        free(k->mem);
        k->mem = pk_calloc_aligned(need, sizeof *k->mem);
        k->cap = k->mem ? need : 0;
        if (!k->mem)
            return pk_fail_mem(err, "adapters");
    }
    *out = (struct parts){.u = k->mem, .du = k->mem + u};
    if (k->drop.p > 0)
        out->dropped = k->mem + 2 * u;
    return 0;
}

/* u (rows, rank) = scale drop(x) A^T */
static int inner(struct infer_lora_work *k, const struct infer_adapter *a,
                 struct infer_input in, struct parts *p, struct pk_err *err)
{
    int rc = make_parts(k, a, in.rows, p, err);
    if (rc)
        return rc;
    p->x = in.x.f32;
    if (p->dropped) {
        drop(k, a, p->dropped, in, false);
        p->x = p->dropped;
    }
    rc = infer_linear(&k->gemm, p->u, p->x, &a->a, in.rows, false, err);
    for (size_t i = 0; i < in.rows * a->a.rows; i++)
        p->u[i] *= a->scale;
    return rc;
}

/* du (rows, rank) = scale dy B, the gradient by drop(x) A^T */
static int inner_back(struct infer_lora_work *k, const struct infer_adapter *a,
                      const float *dy, size_t rows, const struct parts *p,
                      struct pk_err *err)
{
    int rc = infer_linear_dx(&k->gemm, p->du, dy, &a->b, rows, false, err);
    for (size_t i = 0; i < rows * a->a.rows; i++)
        p->du[i] *= a->scale;
    return rc;
}

int infer_adapter_forward(struct infer_lora_work *k, float *y,
                          const struct infer_adapter *a, struct infer_input in,
                          struct pk_err *err)
{
    struct parts p;
    int rc = inner(k, a, in, &p, err);
    return rc ? rc : infer_linear(&k->gemm, y, p.u, &a->b, in.rows, true, err);
}

int infer_adapter_backward_w(struct infer_lora_work *k,
                             const struct infer_adapter *da,
                             const struct infer_adapter *a, const float *dy,
                             struct infer_input in, struct pk_err *err)
{
    struct parts p;
    int rc = inner(k, a, in, &p, err);
    if (!rc)
        rc = infer_linear_dw(&k->gemm, &da->b, dy, p.u, in.rows, err);
    if (!rc)
        rc = inner_back(k, a, dy, in.rows, &p, err);
    if (!rc)
        rc = infer_linear_dw(&k->gemm, &da->a, p.du, p.x, in.rows, err);
    return rc;
}

int infer_adapter_backward_x(struct infer_lora_work *k, float *dx,
                             const struct infer_adapter *a, const float *dy,
                             struct infer_input in, struct pk_err *err)
{
    struct parts p;
    int rc = make_parts(k, a, in.rows, &p, err);
    if (!rc)
        rc = inner_back(k, a, dy, in.rows, &p, err);
    if (!rc)
        rc = infer_linear_dx(&k->gemm, p.dropped ? p.dropped : dx, p.du, &a->a,
                             in.rows, !p.dropped, err);
    if (!rc && p.dropped) {
        in.x.f32 = p.dropped;
        drop(k, a, dx, in, true);
    }
    return rc;
}
