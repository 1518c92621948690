/* One token for each of many sequences: the weights are read once for all. */
#include "infer/generate/decode_step.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/files/ahead.h"
#include "infer/files/params.h"
#include "infer/math/rope.h"
#include "infer/math/simd.h"
#include "infer/math/thin.h"

int infer_step_new(struct infer_kv *kv, size_t rows, struct pk_err *err)
{
    const struct infer_config *c = kv->c;
    const struct infer_dims d = infer_dims_of(c);
    struct infer_step *s = &kv->step;
    s->rows = rows;
    s->lora.gemm.thin = true;
    s->threads = (size_t)omp_get_max_threads();
    const struct {
        float **at;
        size_t n;
    } part[] = {{&s->rope, c->max_positions * c->head_dim},
                {&s->x, rows * d.c},
                {&s->h, rows * d.c},
                {&s->q, rows * d.q},
                {&s->att, rows * d.q},
                {&s->k, rows * d.kv},
                {&s->v, rows * d.kv},
                {&s->gate, rows * d.f},
                {&s->up, rows * d.f},
                {&s->act, rows * d.f},
                {&s->p, s->threads * c->heads * c->max_positions}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        n += (part[i].n + 15) & ~(size_t)15;
    s->mem = pk_calloc_aligned(n, sizeof *s->mem);
    s->row = pk_calloc(rows, sizeof *s->row);
    s->depth = pk_calloc(rows, sizeof *s->depth);
    s->first = pk_calloc(rows + 1, sizeof *s->first);
    if (!s->mem || !s->row || !s->depth || !s->first)
        return pk_fail_mem(err, "decoding");
    n = 0;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        *part[i].at = s->mem + n;
        n += (part[i].n + 15) & ~(size_t)15;
    }
    for (size_t i = 0; i < rows; i++)
        s->row[i] = i;
    return infer_rope_table(s->rope, c->max_positions, c, err);
}

void infer_step_release(struct infer_kv *kv)
{
    free(kv->step.mem);
    free(kv->step.row);
    free(kv->step.depth);
    free(kv->step.first);
    free(kv->step.piece);
    infer_lora_release(&kv->step.lora);
}

/* Each row's position, and its path with the new token, from the root on. */
static int find_paths(struct infer_step *s, struct infer_span *const *spans,
                      size_t n, struct pk_err *err)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        size_t end = infer_kv_len(spans[i]) + 1, deep = 0;
        for (const struct infer_span *p = spans[i]; p; p = p->parent)
            deep++;
        if (!pk_grow(&s->piece, &s->cap_pieces, used + deep, sizeof *s->piece))
            return pk_fail_mem(err, "the paths of a step");
        s->depth[i] = end - 1;
        s->first[i] = used;
        used += deep;
        size_t at = used;
        for (const struct infer_span *p = spans[i]; p; p = p->parent) {
            s->piece[--at] = (struct infer_piece){p->start, end - p->depth0};
            end = p->depth0;
        }
    }
    s->first[n] = used;
    return 0;
}

/* ---- Attention ----------------------------------------------------------- */

/* One row's query heads first..end, which the key/value heads of layer l
 * serve. Keys are taken a few at a time for all heads, as they lie. */
struct asking {
    const struct infer_kv *kv;
    const float *k, *v; /* the layer's */
    size_t row, first, end;
    float *p; /* (H, positions) */
};

enum { KEYS = 16 };

/* Call `f` for every few tokens of the path: n of them from slot `at`, whose
 * position is `depth`. */
static void each_few(const struct asking *a,
                     void (*f)(const struct asking *a, size_t at, size_t depth,
                               size_t n))
{
    const struct infer_step *s = &a->kv->step;
    size_t depth = 0;
    for (size_t i = s->first[a->row]; i < s->first[a->row + 1]; i++) {
        const struct infer_piece *p = &s->piece[i];
        for (size_t t = 0; t < p->n; t += KEYS)
            f(a, p->start + t, depth + t, p->n - t < KEYS ? p->n - t : KEYS);
        depth += p->n;
    }
}

static struct infer_reach reach_of(const struct asking *a, size_t n)
{
    const struct infer_config *c = a->kv->c;
    return (struct infer_reach){n, c->head_dim, c->kv_heads * c->head_dim};
}

static void score_few(const struct asking *a, size_t at, size_t depth, size_t n)
{
    const struct infer_config *c = a->kv->c;
    const struct infer_reach r = reach_of(a, n);
    size_t group = c->heads / c->kv_heads;
    const float *q = a->kv->step.q + a->row * c->heads * r.d;
    for (size_t h = a->first; h < a->end; h++)
        infer_thin_scores(&r, a->p + h * c->max_positions + depth, q + h * r.d,
                          a->k + at * r.ld + h / group * r.d);
}

static void add_few(const struct asking *a, size_t at, size_t depth, size_t n)
{
    const struct infer_config *c = a->kv->c;
    const struct infer_reach r = reach_of(a, n);
    size_t group = c->heads / c->kv_heads;
    float *out = a->kv->step.att + a->row * c->heads * r.d;
    for (size_t h = a->first; h < a->end; h++)
        infer_thin_values(&r, out + h * r.d,
                          a->p + h * c->max_positions + depth,
                          a->v + at * r.ld + h / group * r.d);
}

static void attend(const struct asking *a)
{
    const struct infer_config *c = a->kv->c;
    float *out = a->kv->step.att + a->row * c->heads * c->head_dim;
    float scale = (float)(1 / sqrt((double)c->head_dim));
    each_few(a, score_few);
    for (size_t h = a->first; h < a->end; h++)
        infer_softmax_row(a->p + h * c->max_positions,
                          a->kv->step.depth[a->row] + 1, scale);
    memset(out + a->first * c->head_dim, 0,
           (a->end - a->first) * c->head_dim * sizeof *out);
    each_few(a, add_few);
}

/* Of few rows, the heads are dealt out too: each is computed by itself. */
static void attention(const struct infer_kv *kv, size_t n, const float *k,
                      const float *v)
{
    const struct infer_config *c = kv->c;
    size_t threads = (size_t)omp_get_max_threads(), parts = 1;
    threads = threads < kv->step.threads ? threads : kv->step.threads;
    if (n < 2 * threads && c->heads > 1)
        parts = 2 * threads < c->heads ? 2 * threads : c->heads;
#pragma omp parallel for schedule(dynamic, 1) num_threads((int)threads)
    for (size_t i = 0; i < n * parts; i++) {
        size_t part = i % parts;
        struct asking a = {kv,
                           k,
                           v,
                           i / parts,
                           part * c->heads / parts,
                           (part + 1) * c->heads / parts,
                           kv->step.p + (size_t)omp_get_thread_num() *
                                            c->heads * c->max_positions};
        attend(&a);
    }
}

/* ---- The step ------------------------------------------------------------ */

static void store_rows(const struct infer_kv *kv,
                       struct infer_span *const *spans, size_t n, float *k,
                       float *v)
{
    size_t d = infer_dims_of(kv->c).kv;
    for (size_t i = 0; i < n; i++) {
        size_t slot = spans[i]->start + spans[i]->len;
        memcpy(k + slot * d, kv->step.k + i * d, d * sizeof *k);
        memcpy(v + slot * d, kv->step.v + i * d, d * sizeof *v);
    }
}

static void norm(float *y, const float *x, const struct infer_matrix *w,
                 size_t n, const struct infer_config *c)
{
    const struct infer_rmsnorm r = {x, w->f32, n, c->dim, c->norm_eps};
    infer_rmsnorm((struct infer_values){.f32 = y}, &r);
}

/* y = or += x w^T, with what an adapter adds. */
static int product(struct infer_step *s, float *y, const float *x,
                   const struct infer_matrix *w, size_t n, bool add,
                   struct pk_err *err)
{
    const struct infer_input in = {.x = {.f32 = x}, .rows = n};
    infer_thin_linear(y, x, w, n, add);
    return w->adapter ? infer_adapter_forward(&s->lora, y, w->adapter, in, err)
                      : 0;
}

/* att (n, H D) = attention of norm(x), whose keys and values are kept. */
static int attention_part(struct infer_kv *kv, struct infer_span *const *spans,
                          size_t n, size_t l, struct pk_err *err)
{
    const struct infer_config *c = kv->c;
    const struct infer_layer *w = &kv->w->layer[l];
    struct infer_step *s = &kv->step;
    size_t cache = l * kv->slots * infer_dims_of(c).kv;
    struct infer_rope rope = {s->rope,  s->row,      s->depth,
                              c->heads, c->head_dim, 0};
    int rc;
    norm(s->h, s->x, &w->attn_norm, n, c);
    if ((rc = product(s, s->q, s->h, &w->wq, n, false, err)) ||
        (rc = product(s, s->k, s->h, &w->wk, n, false, err)) ||
        (rc = product(s, s->v, s->h, &w->wv, n, false, err)))
        return rc;
    infer_rope((struct infer_values){.f32 = s->q}, s->q, n, &rope);
    rope.heads = c->kv_heads;
    infer_rope((struct infer_values){.f32 = s->k}, s->k, n, &rope);
    store_rows(kv, spans, n, kv->k + cache, kv->v + cache);
    attention(kv, n, kv->k + cache, kv->v + cache);
    return 0;
}

/* x (n, C) += attention(norm(x)), then x += swiglu(norm(x)). */
static int layer(struct infer_kv *kv, struct infer_span *const *spans, size_t n,
                 size_t l, struct pk_err *err)
{
    const struct infer_config *c = kv->c;
    const struct infer_layer *w = &kv->w->layer[l];
    struct infer_step *s = &kv->step;
    int rc = attention_part(kv, spans, n, l, err);
    if (!rc)
        rc = product(s, s->x, s->att, &w->wo, n, true, err);
    if (rc)
        return rc;
    norm(s->h, s->x, &w->ffn_norm, n, c);
    if ((rc = product(s, s->gate, s->h, &w->gate, n, false, err)) ||
        (rc = product(s, s->up, s->h, &w->up, n, false, err)))
        return rc;
    infer_swiglu((struct infer_values){.f32 = s->act}, s->gate, s->up,
                 n * c->hidden);
    return product(s, s->x, s->act, &w->down, n, true, err);
}

int infer_kv_step(struct infer_kv *kv, struct infer_span *const *spans,
                  const int32_t *ids, size_t n, float *hidden,
                  struct pk_err *err)
{
    struct infer_step *s = &kv->step;
    size_t dim = kv->c->dim;
    int rc = find_paths(s, spans, n, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        infer_matrix_values(&kv->w->embed, (size_t)ids[i] * dim, s->x + i * dim,
                            dim);
    for (size_t l = 0; l < kv->c->layers && rc == 0; l++) {
        if (kv->w->ahead)
            infer_ahead_layer(kv->w->ahead, l);
        rc = layer(kv, spans, n, l, err);
    }
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        spans[i]->len++;
    norm(hidden, s->x, &kv->w->norm, n, kv->c);
    return 0;
}

void infer_kv_logits(const struct infer_kv *kv, const float *hidden, size_t n,
                     size_t vocab, float *logits)
{
    struct infer_matrix head = kv->w->head;
    head.rows = vocab;
    infer_thin_linear(logits, hidden, &head, n, false);
}
