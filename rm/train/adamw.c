/* AdamW; see adamw.h. */
#include "rm/train/adamw.h"

#include <math.h>
#include <stdlib.h>

#include "common/lanes.h"
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

MANY_CPUS static double squares(const float *x, size_t n)
{
    return pk_dot(x, x, n);
}

int rm_norm(const float *x, size_t n, double *out, struct pk_err *err)
{
    *out = 0;
    size_t k = chunks(n);
    double *part = pk_calloc(k, sizeof *part);
    if (!part)
        return pk_fail_mem(err, "the gradient's norm");
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < k; i++)
        part[i] = squares(x + i * CHUNK, chunk_end(i, n) - i * CHUNK);
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

/* n elements of one tensor; their gradient becomes 0, since it is at hand. */
MANY_CPUS static void update(const struct step *s, float *restrict p,
                             float *restrict g, float *restrict m,
                             float *restrict v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float d = g[i] * s->scale;
        m[i] = s->beta1 * m[i] + (1 - s->beta1) * d;
        v[i] = s->beta2 * v[i] + (1 - s->beta2) * d * d;
        p[i] =
            p[i] * s->keep - s->rate * m[i] / (sqrtf(v[i]) * s->root + s->eps);
        g[i] = 0;
    }
}

/* The part of the slab from `from` to `to`, through the tensors in it. */
static void update_part(struct rm_adamw *a, struct infer_params *p,
                        struct infer_params *g, struct step s, double decay,
                        size_t from, size_t to)
{
    for (size_t i = 0; i < p->n_tensors; i++) {
        const struct infer_tensor *w = &p->tensor[i];
        size_t first = w->offset > from ? w->offset : from;
        size_t end = w->offset + w->rows * w->cols;
        end = end < to ? end : to;
        if (first >= end)
            continue;
        s.keep = (float)(w->decay ? 1 - decay : 1);
        update(&s, p->slab + first, g->slab + first, a->m + first, a->v + first,
               end - first);
    }
}

void rm_adamw_update(struct rm_adamw *a, struct infer_params *p,
                     struct infer_params *g, double norm, double lr)
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
    size_t n = p->n;
#pragma omp parallel for schedule(static)
    for (size_t k = 0; k < chunks(n); k++)
        update_part(a, p, g, s, lr * o->decay, k * CHUNK, chunk_end(k, n));
}
