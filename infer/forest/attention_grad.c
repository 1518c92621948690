/* The adjoint of a block of queries against its path; see attention_block.h. */
#include "infer/forest/attention_block.h"

#include "common/lanes.h"
#include "infer/math/gemm.h"
#include "infer/math/simd.h"

/* s.p, scores, becomes the probabilities. */
static void probabilities(const struct infer_task *t,
                          const struct infer_queries *b,
                          const struct infer_softmax *soft)
{
    float scale = infer_attention_scale(t->a);
    for (size_t i = 0; i < b->n; i++)
        infer_softmax_again(t->s.p + i * b->keys, infer_queries_sees(t, b, i),
                            scale, soft[infer_queries_at(t, b, i)]);
    infer_queries_blind(t, b);
}

/* dot (n): of each row's output with its gradient. */
static void output_dots(const struct infer_task *t,
                        const struct infer_queries *b, float *dot)
{
    size_t d = t->a->d;
    for (size_t i = 0; i < b->n; i++)
        dot[i] = (float)pk_dot(t->s.o + i * d, t->s.dout + i * d, d);
}

/* s.dp, by the probabilities s.p, becomes the gradient by q k^T. */
static void through_softmax(const struct infer_task *t,
                            const struct infer_queries *b, const float *dot)
{
    float scale = infer_attention_scale(t->a);
    for (size_t i = 0; i < b->n; i++)
        infer_softmax_backward_row(t->s.dp + i * b->keys, t->s.p + i * b->keys,
                                   b->keys, scale, dot[i]);
}

/* From q, dout, p and the dots of a block: dq, where it belongs, and what it
 * adds to dk and dv. */
static void products(const struct infer_task *t, const struct infer_queries *b,
                     const float *dot, float *dq)
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
    through_softmax(t, b, dot);
    infer_gemm_block((struct infer_block){n, d, keys, false}, dp, k,
                     dq + infer_queries_at(t, b, 0) * d, ld);
    infer_gemm_block((struct infer_block){keys, d, n, true}, dpt, q, s->dk, d);
}

/* The same on tiles. */
static void products_on_tiles(const struct infer_task *t,
                              const struct infer_queries *b, const float *dot,
                              float *dq)
{
    const struct infer_scratch *s = &t->s;
    const struct infer_tiles_path *path = &s->tiles;
    infer_tiles_add(path, s->dv, s->p, s->dout, b->keys);
    infer_tiles_dvalues(path, s->dp, s->dout, b->keys);
    through_softmax(t, b, dot);
    infer_tiles_values(path, s->dq, s->dp, b->keys);
    infer_tiles_add(path, s->dk, s->dp, s->q, b->keys);
    infer_queries_store(t, b, (struct infer_values){.f32 = dq}, s->dq);
}

void infer_queries_backward(const struct infer_task *t,
                            const struct infer_queries *b,
                            const struct infer_attended *x,
                            const struct infer_attention_grad *g)
{
    float dot[INFER_QUERIES];
    infer_queries_load(t, b, t->s.q, (struct infer_operand){.f32 = x->q});
    infer_queries_load(t, b, t->s.o, infer_operand_of(x->out));
    infer_queries_load(t, b, t->s.dout, (struct infer_operand){.f32 = g->dout});
    infer_queries_scores(t, b);
    probabilities(t, b, x->soft);
    output_dots(t, b, dot);
    if (t->a->tiles)
        products_on_tiles(t, b, dot, g->dq);
    else
        products(t, b, dot, g->dq);
}
