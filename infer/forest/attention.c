/* Attention over a forest; see attention.h. */
#include "infer/forest/attention.h"

#include <omp.h>
#include <stdlib.h>

#include "common/mem.h"
#include "infer/forest/attention_block.h"
#include "infer/math/gemm.h"

/* s.p, scores, becomes softmax but for the factor in each row's `soft`. */
static void powers(const struct infer_task *t, const struct infer_queries *b,
                   struct infer_softmax soft[INFER_QUERIES])
{
    float scale = infer_attention_scale(t->a);
    for (size_t i = 0; i < b->n; i++)
        soft[i] = infer_softmax_powers(t->s.p + i * b->keys,
                                       infer_queries_sees(t, b, i), scale);
    infer_queries_blind(t, b);
}

/* s.o (INFER_QUERIES, d) = s.p v. */
static void values(const struct infer_task *t, const struct infer_queries *b)
{
    const struct infer_scratch *s = &t->s;
    size_t d = t->a->d;
    if (t->a->tiles)
        infer_tiles_values(&s->tiles, s->o, s->p, b->keys);
    for (size_t j = 0; j < b->keys && !t->a->tiles; j += INFER_KEYS)
        infer_gemm_block(
            (struct infer_block){INFER_QUERIES, d, INFER_KEYS, j > 0},
            (struct infer_mat){s->p + j, b->keys, false},
            (struct infer_mat){s->v + j * d, d, false}, s->o, d);
}

/* s.o times the factors, which are kept for backward. */
static void factors(const struct infer_task *t, const struct infer_queries *b,
                    const struct infer_softmax *soft,
                    struct infer_softmax *keep)
{
    size_t d = t->a->d;
    for (size_t i = 0; i < b->n; i++) {
        for (size_t j = 0; j < d; j++)
            t->s.o[i * d + j] *= soft[i].inverse;
        if (keep)
            keep[infer_queries_at(t, b, i)] = soft[i];
    }
}

static void forward_block(const struct infer_task *t,
                          const struct infer_queries *b,
                          const struct infer_attended *x)
{
    struct infer_softmax soft[INFER_QUERIES];
    infer_queries_load(t, b, t->s.q, (struct infer_operand){.f32 = x->q});
    infer_queries_scores(t, b);
    powers(t, b, soft);
    values(t, b);
    factors(t, b, soft, x->soft);
    infer_queries_store(t, b, x->out, t->s.o);
}

/* All queries of a segment to one key/value head. */
static void forward_task(struct infer_task *t, const struct infer_attended *x)
{
    size_t group = t->a->heads / t->a->kv_heads;
    infer_task_gather(t, x->k, x->v, true);
    infer_task_pad(t);
    if (t->a->tiles)
        infer_tiles_path_pack(&t->s.tiles, t->s.k, t->s.v, infer_task_keys(t));
    for (size_t h = t->group * group; h < (t->group + 1) * group; h++)
        for (size_t r = t->first; r < t->end; r += INFER_QUERIES) {
            struct infer_queries b = infer_task_block(t, r, h);
            forward_block(t, &b, x);
        }
}

int infer_attention_forward(const struct infer_attention *a,
                            const struct infer_attended *x, struct pk_err *err)
{
    size_t each = infer_scratch_floats(a, false);
    float *mem =
        pk_alloc_aligned((size_t)omp_get_max_threads() * each, sizeof *mem);
    if (!mem)
        return pk_fail_mem(err, "attention");
#pragma omp parallel
    {
        float *mine = mem + (size_t)omp_get_thread_num() * each;
        struct infer_scratch s = infer_scratch_at(a, mine, false);
        if (a->tiles)
            infer_tiles_begin();
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < a->forest->n_segments * a->kv_heads; i++) {
            struct infer_task t =
                infer_task_of(a, s, i / a->kv_heads, i % a->kv_heads);
            if (t.first < t.end)
                forward_task(&t, x);
        }
        if (a->tiles)
            infer_tiles_end();
    }
    free(mem);
    return 0;
}

size_t infer_attention_forward_floats(const struct infer_attention *a)
{
    return (size_t)omp_get_max_threads() * infer_scratch_floats(a, false);
}
