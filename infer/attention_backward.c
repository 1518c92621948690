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

/* ---- A tree -------------------------------------------------------------- */

/* Its segments are entered and left depth-first: s.k and s.v hold those of the
 * path that is open, and s.dk and s.dv what the segments below have given their
 * ancestors so far. So each is gathered once, and given back once. */

static void enter(const struct infer_task *t,
                  const struct infer_attention_grad *g)
{
    const struct infer_segment *s = &t->a->forest->segment[t->segment];
    size_t d = t->a->d, at = s->depth0 * d, n = s->len * d;
    infer_task_gather(t, g->k, g->v, false);
    memset(t->s.dk + at, 0, n * sizeof(float));
    memset(t->s.dv + at, 0, n * sizeof(float));
}

/* All query heads of the key/value head. */
static void backward_task(struct infer_task *t,
                          const struct infer_attention_grad *g)
{
    size_t group = t->a->heads / t->a->kv_heads;
    infer_task_pad(t);
    if (t->a->tiles)
        infer_tiles_path_pack_backward(&t->s.tiles, t->s.k, t->s.v,
                                       infer_task_keys(t));
    for (size_t h = t->group * group; h < (t->group + 1) * group; h++)
        for (size_t r = t->first; r < t->end; r += INFER_QUERIES) {
            struct infer_queries b = infer_task_block(t, r, h);
            backward_block(t, &b, g);
        }
}

static void leave(struct infer_task *t, const struct infer_attention_grad *g)
{
    const struct infer_segment *s = &t->a->forest->segment[t->segment];
    size_t d = t->a->d, ld = t->a->kv_heads * d;
    if (t->first < t->end)
        backward_task(t, g);
    for (size_t i = 0; i < s->len; i++) {
        size_t to = (s->start + i) * ld + t->group * d;
        size_t from = (s->depth0 + i) * d;
        memcpy(g->dk + to, t->s.dk + from, d * sizeof(float));
        memcpy(g->dv + to, t->s.dv + from, d * sizeof(float));
    }
}

/* Leave all that is open below `parent`. */
static void leave_to(const struct infer_attention *a,
                     const struct infer_attention_grad *g,
                     struct infer_scratch s, size_t group, size_t open,
                     size_t parent)
{
    while (open != parent) {
        struct infer_task t = infer_task_of(a, s, open, group);
        leave(&t, g);
        open = a->forest->segment[open].parent;
    }
}

static void backward_tree(const struct infer_attention *a,
                          const struct infer_attention_grad *g,
                          struct infer_scratch s, size_t root, size_t group)
{
    const struct infer_packed *f = a->forest;
    size_t open = INFER_NO_PARENT, i = root;
    do {
        leave_to(a, g, s, group, open, f->segment[i].parent);
        struct infer_task t = infer_task_of(a, s, i, group);
        enter(&t, g);
        open = i++;
    } while (i < f->n_segments && f->segment[i].parent != INFER_NO_PARENT);
    leave_to(a, g, s, group, open, INFER_NO_PARENT);
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
        memset(mine, 0, each * sizeof *mine);
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
