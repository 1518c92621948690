/* AdamW; see adamw.h. */
#include "rm/adamw.h"

#include <math.h>
#include <stdlib.h>

#include "common/mem.h"

enum { CHUNK = 1 << 14 }; /* elements, whatever the number of threads */

int rm_adamw_init(struct rm_adamw *a, const struct rm_adamw_opts *opts,
                  const struct infer_params *p, struct pk_err *err)
{
    *a = (struct rm_adamw){.opts = *opts,
                           .m = pk_calloc_aligned(p->n, sizeof *a->m),
                           .v = pk_calloc_aligned(p->n, sizeof *a->v)};
    if (a->m && a->v)
        return 0;
    rm_adamw_release(a);
    return pk_fail_mem(err, "the optimizer's moments");
}

void rm_adamw_release(struct rm_adamw *a)
{
    free(a->m);
    free(a->v);
    a->m = a->v = NULL;
}

static size_t chunks(size_t n)
{
    return n / CHUNK + (n % CHUNK != 0);
}

static size_t chunk_end(size_t chunk, size_t n)
{
    size_t end = (chunk + 1) * CHUNK;
    return end < n ? end : n;
}

int rm_norm(const float *x, size_t n, double *out, struct pk_err *err)
{
    *out = 0;
    size_t k = chunks(n);
    double *part = pk_calloc(k, sizeof *part);
    if (!part)
        return pk_fail_mem(err, "the gradient's norm");
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < k; i++) {
        double sum = 0;
        for (size_t j = i * CHUNK; j < chunk_end(i, n); j++)
            sum += (double)x[j] * (double)x[j];
        part[i] = sum;
    }
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += part[i];
    free(part);
    *out = sqrt(sum);
    return 0;
}

/* What is the same for every element of one tensor in one step. */
struct step {
    float beta1, beta2, eps;
    float scale; /* of the gradient, by clipping */
    float keep;  /* of the parameter, after decay */
    float rate;  /* lr / (1 - beta1^t) */
    float root;  /* 1 / sqrt(1 - beta2^t) */
};

static void update(const struct step *s, float *restrict p,
                   const float *restrict g, float *restrict m,
                   float *restrict v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float d = g[i] * s->scale;
        m[i] = s->beta1 * m[i] + (1 - s->beta1) * d;
        v[i] = s->beta2 * v[i] + (1 - s->beta2) * d * d;
        p[i] =
            p[i] * s->keep - s->rate * m[i] / (sqrtf(v[i]) * s->root + s->eps);
    }
}

void rm_adamw_update(struct rm_adamw *a, struct infer_params *p,
                     const struct infer_params *g, double norm, double lr)
{
    const struct rm_adamw_opts *o = &a->opts;
    double t = (double)++a->step;
    struct step s = {
        .beta1 = (float)o->beta1,
        .beta2 = (float)o->beta2,
        .eps = (float)o->eps,
        .scale = (float)(o->clip > 0 && norm > o->clip ? o->clip / norm : 1),
        .rate = (float)(lr / (1 - pow(o->beta1, t))),
        .root = (float)(1 / sqrt(1 - pow(o->beta2, t)))};
    for (size_t i = 0; i < p->n_tensors; i++) {
        const struct infer_tensor *w = &p->tensor[i];
        size_t n = w->rows * w->cols, at = w->offset;
        s.keep = (float)(w->decay ? 1 - lr * o->decay : 1);
#pragma omp parallel for schedule(static)
        for (size_t k = 0; k < chunks(n); k++) {
            size_t from = at + k * CHUNK, len = chunk_end(k, n) - k * CHUNK;
            update(&s, p->slab + from, g->slab + from, a->m + from, a->v + from,
                   len);
        }
    }
}
