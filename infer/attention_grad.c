/* The adjoint of a block of queries against its path; see attention_block.h. */
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

/* From q, dout and p of a block: dq, where it belongs, and what it adds to dk
 * and dv. */
static void products(const struct infer_task *t, const struct infer_queries *b,
                     float *dq)
{
    const struct infer_scratch *s = &t->s;
    size_t d = t->a->d, ld = t->a->heads * d, n = b->n, keys = b->keys;
    const struct infer_mat q = {s->q, d, false}, k = {s->k, d, false},
                           vt = {s->v, d, true}, dout = {s->dout, d, false},
                           pt = {s->p, keys, true}, dp = {s->dp, keys, false},
                           dpt = {s->dp, keys, true};
    infer_gemm_block((struct infer_block){keys, d, n, true}, pt, dout, s->dv,
                     d);
    infer_gemm_block((struct infer_block){n, keys, d, false}, dout, vt, s->dp,
                     keys);
    through_softmax(t, b);
    infer_gemm_block((struct infer_block){n, d, keys, false}, dp, k,
                     dq + b->row * ld + b->head * d, ld);
    infer_gemm_block((struct infer_block){keys, d, n, true}, dpt, q, s->dk, d);
}

/* The same on tiles. */
static void products_on_tiles(const struct infer_task *t,
                              const struct infer_queries *b, float *dq)
{
    const struct infer_scratch *s = &t->s;
    const struct infer_tiles_path *path = &s->tiles;
    infer_tiles_add(path, s->dv, s->p, s->dout, b->keys);
    infer_tiles_dvalues(path, s->dp, s->dout, b->keys);
    through_softmax(t, b);
    infer_tiles_values(path, s->dq, s->dp, b->keys);
    infer_tiles_add(path, s->dk, s->dp, s->q, b->keys);
    infer_queries_store(t, b, (struct infer_values){.f32 = dq}, s->dq);
}

void infer_queries_backward(const struct infer_task *t,
                            const struct infer_queries *b,
                            const struct infer_attention_grad *g)
{
    infer_queries_load(t, b, t->s.q, g->q);
    infer_queries_load(t, b, t->s.dout, g->dout);
    infer_queries_probabilities(t, b);
    if (t->a->tiles)
        products_on_tiles(t, b, g->dq);
    else
        products(t, b, g->dq);
}
