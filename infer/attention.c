/* Attention over a forest; see attention.h. */
#include "infer/attention.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/attention_tiles.h"
#include "infer/gemm.h"
#include "infer/simd.h"

enum {
    QUERIES = INFER_TILES_QUERIES, /* rows of a block */
    KEYS = 64 /* keys of a block; paths are padded to it with zeros */
};

/* One thread's memory, for one segment and one key/value head. */
struct scratch {
    float *k, *v;     /* (padded path, d) */
    float *q, *o;     /* (QUERIES, d) */
    float *p;         /* (QUERIES, padded path): scores, then probabilities */
    float *dk, *dv;   /* as k and v; backward only, like the rest */
    float *dp;        /* as p */
    float *dout, *dq; /* as q */
    struct infer_tiles_path tiles;
};

static size_t padded(size_t n)
{
    return (n + KEYS - 1) / KEYS * KEYS;
}

static size_t scratch_floats(const struct infer_attention *a, bool backward)
{
    size_t path = padded(a->forest->max_depth);
    size_t n = 2 * path * a->d + (size_t)QUERIES * (2 * a->d + path);
    if (a->tiles)
        n += infer_tiles_path_floats(path, a->d);
    return backward ? 2 * n : n;
}

static struct scratch cut_scratch(const struct infer_attention *a, float *at,
                                  bool backward)
{
    size_t path = padded(a->forest->max_depth), kv = path * a->d,
           q = QUERIES * a->d;
    struct scratch s = {.k = at, .v = at + kv, .q = at + 2 * kv};
    s.o = s.q + q;
    s.p = s.o + q;
    if (backward) {
        s.dk = s.p + QUERIES * path;
        s.dv = s.dk + kv;
        s.dq = s.dv + kv;
        s.dout = s.dq + q;
        s.dp = s.dout + q;
    }
    if (a->tiles)
        s.tiles = infer_tiles_path_at(s.p + QUERIES * path, path, a->d);
    return s;
}

/* What one task works on. */
struct task {
    const struct infer_attention *a;
    struct scratch s;
    size_t segment, group; /* group: the key/value head */
    size_t first, end;     /* rows of this segment */
    size_t path;           /* keys that its rows see, at most */
};

static size_t row_depth(const struct task *t, size_t row)
{
    return t->a->forest->depth[t->a->rows->token[row]];
}

static struct task make_task(const struct infer_attention *a, struct scratch s,
                             size_t segment, size_t group)
{
    const struct infer_rows *rows = a->rows;
    struct task t = {
        a, s, segment, group, rows->first[segment], rows->first[segment + 1],
        0};
    if (t.first < t.end)
        t.path = row_depth(&t, t.end - 1) + 1;
    return t;
}

/* Call `copy` for every part of the path: `n` rows of the packed arrays from
 * `token` on, which are positions `depth`.. of the path. */
static void each_part(const struct task *t,
                      void (*copy)(const struct task *t, size_t token,
                                   size_t depth, size_t n, const void *arg),
                      const void *arg)
{
    const struct infer_packed *f = t->a->forest;
    for (size_t i = t->segment; i != INFER_NO_PARENT;
         i = f->segment[i].parent) {
        const struct infer_segment *s = &f->segment[i];
        size_t n = s->len;
        if (s->depth0 + n > t->path)
            n = t->path - s->depth0;
        copy(t, s->start, s->depth0, n, arg);
    }
}

struct keys_values {
    const float *k, *v;
};

static void gather_part(const struct task *t, size_t token, size_t depth,
                        size_t n, const void *arg)
{
    const struct keys_values *kv = arg;
    size_t d = t->a->d, ld = t->a->kv_heads * d;
    for (size_t i = 0; i < n; i++) {
        size_t from = (token + i) * ld + t->group * d;
        memcpy(t->s.k + (depth + i) * d, kv->k + from, d * sizeof(float));
        memcpy(t->s.v + (depth + i) * d, kv->v + from, d * sizeof(float));
    }
}

static void gather_path(const struct task *t, const float *k, const float *v)
{
    struct keys_values kv = {k, v};
    size_t d = t->a->d, tail = (padded(t->path) - t->path) * d;
    each_part(t, gather_part, &kv);
    memset(t->s.k + t->path * d, 0, tail * sizeof(float));
    memset(t->s.v + t->path * d, 0, tail * sizeof(float));
}

/* A block of query rows of one head: n of them, from `row`. */
struct block {
    size_t row, n, head;
    size_t keys; /* visible to its last row, padded */
};

/* Copy the block's rows in, with rows of zeros after them. */
static void load_block(const struct task *t, const struct block *b, float *dst,
                       const float *src)
{
    size_t d = t->a->d, ld = t->a->heads * d;
    for (size_t i = 0; i < b->n; i++)
        memcpy(dst + i * d, src + (b->row + i) * ld + b->head * d,
               d * sizeof(float));
    memset(dst + b->n * d, 0, (QUERIES - b->n) * d * sizeof(float));
}

static void store_block(const struct task *t, const struct block *b, float *dst,
                        const float *src)
{
    size_t d = t->a->d, ld = t->a->heads * d;
    for (size_t i = 0; i < b->n; i++)
        memcpy(dst + (b->row + i) * ld + b->head * d, src + i * d,
               d * sizeof(float));
}

/* Softmax of each row over the keys it may see; 0 on the others. */
static void softmax_block(const struct task *t, const struct block *b)
{
    for (size_t i = 0; i < b->n; i++) {
        float *p = t->s.p + i * b->keys;
        size_t n = row_depth(t, b->row + i) + 1;
        infer_softmax_row(p, n);
        memset(p + n, 0, (b->keys - n) * sizeof *p);
    }
    memset(t->s.p + b->n * b->keys, 0,
           (QUERIES - b->n) * b->keys * sizeof(float));
}

/* s.p (QUERIES, keys) = the probabilities of a block, from q in s.q. */
static void probabilities(const struct task *t, const struct block *b)
{
    size_t d = t->a->d;
    float scale = (float)(1 / sqrt((double)d));
    struct infer_block shape = {QUERIES, KEYS, d, scale, false};
    if (t->a->tiles)
        infer_tiles_scores(&t->s.tiles, t->s.p, t->s.q, b->keys, scale);
    for (size_t j = 0; j < b->keys && !t->a->tiles; j += KEYS)
        infer_gemm_block(shape, (struct infer_mat){t->s.q, d, false},
                         (struct infer_mat){t->s.k + j * d, d, true},
                         t->s.p + j, b->keys);
    softmax_block(t, b);
}

/* s.o (QUERIES, d) = s.p v. */
static void values(const struct task *t, const struct block *b)
{
    size_t d = t->a->d;
    if (t->a->tiles)
        infer_tiles_values(&t->s.tiles, t->s.o, t->s.p, b->keys);
    for (size_t j = 0; j < b->keys && !t->a->tiles; j += KEYS)
        infer_gemm_block((struct infer_block){QUERIES, d, KEYS, 1, j > 0},
                         (struct infer_mat){t->s.p + j, b->keys, false},
                         (struct infer_mat){t->s.v + j * d, d, false}, t->s.o,
                         d);
}

static void forward_block(const struct task *t, const struct block *b,
                          float *out, const float *q)
{
    load_block(t, b, t->s.q, q);
    probabilities(t, b);
    values(t, b);
    store_block(t, b, out, t->s.o);
}

static struct block make_block(const struct task *t, size_t row, size_t head)
{
    size_t n = t->end - row < QUERIES ? t->end - row : QUERIES;
    return (struct block){row, n, head, padded(row_depth(t, row + n - 1) + 1)};
}

/* All queries of a segment to one key/value head. */
static void forward_task(struct task *t, float *out, const float *q,
                         const float *k, const float *v)
{
    size_t group = t->a->heads / t->a->kv_heads;
    gather_path(t, k, v);
    if (t->a->tiles)
        infer_tiles_path_pack(&t->s.tiles, t->s.k, t->s.v, padded(t->path));
    for (size_t h = t->group * group; h < (t->group + 1) * group; h++)
        for (size_t r = t->first; r < t->end; r += QUERIES) {
            struct block b = make_block(t, r, h);
            forward_block(t, &b, out, q);
        }
}

int infer_attention_forward(const struct infer_attention *a, float *out,
                            const float *q, const float *k, const float *v,
                            struct pk_err *err)
{
    size_t each = scratch_floats(a, false);
    float *mem =
        pk_alloc_aligned((size_t)omp_get_max_threads() * each, sizeof *mem);
    if (!mem)
        return pk_fail_mem(err, "attention");
#pragma omp parallel
    {
        struct scratch s =
            cut_scratch(a, mem + (size_t)omp_get_thread_num() * each, false);
        if (a->tiles)
            infer_tiles_begin();
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < a->forest->n_segments * a->kv_heads; i++) {
            struct task t = make_task(a, s, i / a->kv_heads, i % a->kv_heads);
            if (t.first < t.end)
                forward_task(&t, out, q, k, v);
        }
        if (a->tiles)
            infer_tiles_end();
    }
    free(mem);
    return 0;
}

/* ---- Backward ---- */

static void backward_block(const struct task *t, const struct block *b,
                           const struct infer_attention_grad *g)
{
    const struct scratch *s = &t->s;
    size_t d = t->a->d, n = b->n, keys = b->keys;
    float scale = (float)(1 / sqrt((double)d));
    load_block(t, b, s->q, g->q);
    load_block(t, b, s->dout, g->dout);
    probabilities(t, b);
    const struct infer_mat q = {s->q, d, false}, k = {s->k, d, false},
                           vt = {s->v, d, true}, dout = {s->dout, d, false},
                           pt = {s->p, keys, true}, dp = {s->dp, keys, false},
                           dpt = {s->dp, keys, true};
    infer_gemm_block((struct infer_block){keys, d, n, 1, true}, pt, dout, s->dv,
                     d);
    infer_gemm_block((struct infer_block){n, keys, d, 1, false}, dout, vt,
                     s->dp, keys);
    for (size_t i = 0; i < n; i++)
        infer_softmax_backward_row(s->dp + i * keys, s->p + i * keys, keys);
    infer_gemm_block((struct infer_block){n, d, keys, scale, false}, dp, k,
                     s->dq, d);
    infer_gemm_block((struct infer_block){keys, d, n, scale, true}, dpt, q,
                     s->dk, d);
    store_block(t, b, g->dq, s->dq);
}

static void scatter_part(const struct task *t, size_t token, size_t depth,
                         size_t n, const void *arg)
{
    const struct infer_attention_grad *g = arg;
    size_t d = t->a->d, ld = t->a->kv_heads * d;
    for (size_t i = 0; i < n; i++) {
        float *dk = g->dk + (token + i) * ld + t->group * d;
        float *dv = g->dv + (token + i) * ld + t->group * d;
        for (size_t j = 0; j < d; j++) {
            dk[j] += t->s.dk[(depth + i) * d + j];
            dv[j] += t->s.dv[(depth + i) * d + j];
        }
    }
}

static void backward_task(const struct task *t,
                          const struct infer_attention_grad *g)
{
    size_t group = t->a->heads / t->a->kv_heads;
    size_t kv = padded(t->path) * t->a->d;
    gather_path(t, g->k, g->v);
    memset(t->s.dk, 0, kv * sizeof(float));
    memset(t->s.dv, 0, kv * sizeof(float));
    for (size_t h = t->group * group; h < (t->group + 1) * group; h++)
        for (size_t r = t->first; r < t->end; r += QUERIES) {
            struct block b = make_block(t, r, h);
            backward_block(t, &b, g);
        }
    each_part(t, scatter_part, g);
}

/* One thread takes all segments of a key/value head, in order: several of them
 * add to the same ancestors. */
int infer_attention_backward(const struct infer_attention *a,
                             const struct infer_attention_grad *g,
                             struct pk_err *err)
{
    size_t each = scratch_floats(a, true);
    size_t kv = a->forest->n * a->kv_heads * a->d;
    float *mem =
        pk_alloc_aligned((size_t)omp_get_max_threads() * each, sizeof *mem);
    if (!mem)
        return pk_fail_mem(err, "attention's gradient");
    memset(g->dk, 0, kv * sizeof(float));
    memset(g->dv, 0, kv * sizeof(float));
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t group = 0; group < a->kv_heads; group++) {
        float *mine = mem + (size_t)omp_get_thread_num() * each;
        struct scratch s = cut_scratch(a, mine, true);
        for (size_t i = 0; i < a->forest->n_segments; i++) {
            struct task t = make_task(a, s, i, group);
            if (t.first < t.end)
                backward_task(&t, g);
        }
    }
    free(mem);
    return 0;
}

size_t infer_attention_floats(const struct infer_attention *a, bool backward)
{
    return (size_t)omp_get_max_threads() * scratch_floats(a, backward);
}
