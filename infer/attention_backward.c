/* The adjoint of attention over a forest; see attention.h. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/attention_block.h"
#include "infer/gemm.h"
#include "infer/simd.h"

/* s.dp, by the probabilities s.p, becomes the gradient by q k^T. */
static void through_softmax(const struct infer_task *t,
                            const struct infer_queries *b)
{
    float scale = infer_attention_scale(t->a);
    for (size_t i = 0; i < b->n; i++)
        infer_softmax_backward_row(t->s.dp + i * b->keys, t->s.p + i * b->keys,
                                   b->keys, scale);
}

/* From q, dout and p of a block: dq, and what it adds to dk and dv. */
static void products(const struct infer_task *t, const struct infer_queries *b)
{
    const struct infer_scratch *s = &t->s;
    size_t d = t->a->d, n = b->n, keys = b->keys;
    const struct infer_mat q = {s->q, d, false}, k = {s->k, d, false},
                           vt = {s->v, d, true}, dout = {s->dout, d, false},
                           pt = {s->p, keys, true}, dp = {s->dp, keys, false},
                           dpt = {s->dp, keys, true};
    infer_gemm_block((struct infer_block){keys, d, n, true}, pt, dout, s->dv,
                     d);
    infer_gemm_block((struct infer_block){n, keys, d, false}, dout, vt, s->dp,
                     keys);
    through_softmax(t, b);
    infer_gemm_block((struct infer_block){n, d, keys, false}, dp, k, s->dq, d);
    infer_gemm_block((struct infer_block){keys, d, n, true}, dpt, q, s->dk, d);
}

/* The same on tiles. */
static void products_on_tiles(const struct infer_task *t,
                              const struct infer_queries *b)
{
    const struct infer_scratch *s = &t->s;
    const struct infer_tiles_path *path = &s->tiles;
    infer_tiles_add(path, s->dv, s->p, s->dout, b->keys);
    infer_tiles_dvalues(path, s->dp, s->dout, b->keys);
    through_softmax(t, b);
    infer_tiles_values(path, s->dq, s->dp, b->keys);
    infer_tiles_add(path, s->dk, s->dp, s->q, b->keys);
}

static void backward_block(const struct infer_task *t,
                           const struct infer_queries *b,
                           const struct infer_attention_grad *g)
{
    infer_queries_load(t, b, t->s.q, g->q);
    infer_queries_load(t, b, t->s.dout, g->dout);
    infer_queries_probabilities(t, b);
    if (t->a->tiles)
        products_on_tiles(t, b);
    else
        products(t, b);
    infer_queries_store(t, b, g->dq, t->s.dq);
}

/* n rows of y, ld apart, = or += x (n, d). */
static void give_rows(float *restrict y, size_t ld, const float *restrict x,
                      size_t n, size_t d, bool add)
{
    for (size_t i = 0; i < n; i++, y += ld, x += d)
        for (size_t j = 0; j < d; j++)
            y[j] = add ? y[j] + x[j] : x[j];
}

/* Its own tokens' are written for the first time, those before it added to. */
static void scatter_part(const struct infer_task *t, size_t token, size_t depth,
                         size_t n, const void *arg)
{
    const struct infer_attention_grad *g = arg;
    size_t d = t->a->d, ld = t->a->kv_heads * d, at = token * ld + t->group * d;
    bool add = token != t->a->forest->segment[t->segment].start;
    give_rows(g->dk + at, ld, t->s.dk + depth * d, n, d, add);
    give_rows(g->dv + at, ld, t->s.dv + depth * d, n, d, add);
}

/* Of its own tokens, those that no row sees. */
static void clear_unseen(const struct infer_task *t,
                         const struct infer_attention_grad *g)
{
    const struct infer_segment *s = &t->a->forest->segment[t->segment];
    size_t d = t->a->d, ld = t->a->kv_heads * d;
    size_t seen = t->path > s->depth0 ? t->path - s->depth0 : 0;
    for (size_t i = seen; i < s->len; i++) {
        size_t at = (s->start + i) * ld + t->group * d;
        memset(g->dk + at, 0, d * sizeof(float));
        memset(g->dv + at, 0, d * sizeof(float));
    }
}

static void backward_task(struct infer_task *t,
                          const struct infer_attention_grad *g)
{
    size_t group = t->a->heads / t->a->kv_heads;
    size_t keys = infer_task_keys(t), kv = keys * t->a->d;
    infer_task_gather(t, g->k, g->v);
    if (t->a->tiles)
        infer_tiles_path_pack_backward(&t->s.tiles, t->s.k, t->s.v, keys);
    memset(t->s.dk, 0, kv * sizeof(float));
    memset(t->s.dv, 0, kv * sizeof(float));
    for (size_t h = t->group * group; h < (t->group + 1) * group; h++)
        for (size_t r = t->first; r < t->end; r += INFER_QUERIES) {
            struct infer_queries b = infer_task_block(t, r, h);
            backward_block(t, &b, g);
        }
    infer_task_each_part(t, scatter_part, g);
}

/* A tree's segments, in order: several of them add to the same ancestors, which
 * come before them. */
static void backward_tree(const struct infer_attention *a,
                          const struct infer_attention_grad *g,
                          struct infer_scratch s, size_t root, size_t group)
{
    const struct infer_packed *f = a->forest;
    size_t i = root;
    do {
        struct infer_task t = infer_task_of(a, s, i, group);
        if (t.first < t.end)
            backward_task(&t, g);
        clear_unseen(&t, g);
        i++;
    } while (i < f->n_segments && f->segment[i].parent != INFER_NO_PARENT);
}

/* One thread takes a tree and a key/value head. */
int infer_attention_backward(const struct infer_attention *a,
                             const struct infer_attention_grad *g,
                             struct pk_err *err)
{
    const struct infer_packed *f = a->forest;
    size_t each = infer_scratch_floats(a, true);
    float *mem =
        pk_alloc_aligned((size_t)omp_get_max_threads() * each, sizeof *mem);
    if (!mem)
        return pk_fail_mem(err, "attention's gradient");
#pragma omp parallel
    {
        float *mine = mem + (size_t)omp_get_thread_num() * each;
        struct infer_scratch s = infer_scratch_at(a, mine, true);
        if (a->tiles)
            infer_tiles_begin();
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < f->n_segments * a->kv_heads; i++) {
            size_t segment = i / a->kv_heads;
            if (f->segment[segment].parent == INFER_NO_PARENT)
                backward_tree(a, g, s, segment, i % a->kv_heads);
        }
        if (a->tiles)
            infer_tiles_end();
    }
    free(mem);
    return 0;
}
