/* Measuring the core on a model of random weights; see bench.h. */
#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"
#include "infer/bench/bench.h"
#include "infer/bench/fill.h"
#include "infer/files/params.h"
#include "infer/generate/decode.h"
#include "infer/math/tile_weights.h"

struct infer_bench_model {
    struct infer_config c;
    struct infer_weights w;
    uint16_t *matrices, *tiles;
    float *vectors; /* what has one row */
};

/* Elements of all matrices, and of all vectors. */
static void sizes(const struct infer_config *c, size_t *matrices,
                  size_t *vectors)
{
    *matrices = *vectors = 0;
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor t;
        infer_tensor_at(c, i, &t);
        *(t.rows > 1 ? matrices : vectors) += t.rows * t.cols;
    }
}

static void lay_out(struct infer_bench_model *m)
{
    uint16_t *half = m->matrices;
    float *f32 = m->vectors;
    for (size_t i = 0; i < infer_tensor_count(&m->c); i++) {
        struct infer_tensor t;
        infer_tensor_at(&m->c, i, &t);
        struct infer_matrix *at = infer_weights_slot(&m->c, &m->w, i);
        *at = (struct infer_matrix){.rows = t.rows, .cols = t.cols};
        if (t.rows > 1) {
            at->bf16 = half;
            half += t.rows * t.cols;
        } else {
            at->f32 = f32;
            f32 += t.cols;
        }
    }
}

int infer_bench_model_new(struct infer_bench_model **out,
                          const struct infer_config *c, struct pk_err *err)
{
    size_t matrices, vectors;
    sizes(c, &matrices, &vectors);
    struct infer_bench_model *m = *out = pk_calloc(1, sizeof *m);
    if (!m)
        return pk_fail_mem(err, "a model");
    m->c = *c;
    m->w.layer = pk_calloc(c->layers, sizeof *m->w.layer);
    m->matrices = pk_calloc_aligned(matrices, sizeof *m->matrices);
    m->vectors = pk_calloc_aligned(vectors, sizeof *m->vectors);
    if (!m->w.layer || !m->matrices || !m->vectors) {
        infer_bench_model_free(m);
        *out = NULL;
        return pk_fail(err, PK_EMEM, "out of memory for %zu parameters",
                       matrices);
    }
    infer_bench_fill_bf16(m->matrices, matrices, 0.03F);
    infer_bench_fill(m->vectors, vectors, 1);
    lay_out(m);
    return 0;
}

int infer_bench_model_pack(struct infer_bench_model *m, bool yes,
                           struct pk_err *err)
{
    if (yes)
        return infer_tile_weights_new(&m->tiles, &m->c, &m->w, err);
    free(m->tiles);
    m->tiles = NULL;
    lay_out(m);
    return 0;
}

void infer_bench_model_free(struct infer_bench_model *m)
{
    if (!m)
        return;
    free(m->w.layer);
    free(m->matrices);
    free(m->tiles);
    free(m->vectors);
    free(m);
}

const struct infer_weights *
infer_bench_model_weights(const struct infer_bench_model *m)
{
    return &m->w;
}

static int add_rows(struct infer_forest *f, const struct infer_bench *b,
                    size_t vocab, struct pk_err *err)
{
    struct pk_rng rng;
    int32_t *ids = pk_calloc(b->len, sizeof *ids);
    int rc = ids ? 0 : pk_fail_mem(err, "a row");
    pk_rng_seed(&rng, 1, 0);
    for (size_t r = 0; !rc && r < b->rows; r++) {
        size_t readout;
        for (size_t i = r ? b->shared : 0; i < b->len; i++)
            ids[i] = (int32_t)pk_rng_below(&rng, vocab);
        /* Where rows part, they part at once. */
        if (b->shared < b->len)
            ids[b->shared] = (int32_t)(r % vocab);
        rc = infer_forest_add(f, ids, b->len, b->len - 1, &readout, err);
    }
    free(ids);
    return rc;
}

/* The last layer computes queries, output and feed-forward for the read-outs
 * alone: that is counted, not the model's nominal size. */
static double count_flop(const struct infer_bench *b,
                         const struct infer_config *c)
{
    double rows = (double)b->rows, len = (double)b->len;
    double shared = (double)b->shared, n = (double)b->tokens;
    double C = (double)c->dim, F = (double)c->hidden;
    double q = (double)(c->heads * c->head_dim);
    double kv = (double)(c->kv_heads * c->head_dim);
    double keys = 2 * C * kv, rest = 2 * C * q + 3 * C * F;
    double whole = (double)c->layers - 1;
    /* Query and key: the shared part once, then each row's own. */
    double pairs = shared * (shared + 1) / 2 +
                   rows * (len * (len + 1) - shared * (shared + 1)) / 2;
    return 2 * n * (keys * (whole + 1) + rest * whole) + 2 * rows * rest +
           4 * q * (pairs * whole + rows * len);
}

int infer_bench_forward(struct infer_bench_model *m, struct infer_bench *b,
                        struct pk_err *err)
{
    struct infer_forest *f = NULL;
    struct infer_tape *tape = NULL;
    float *hidden = pk_calloc_aligned(b->rows * m->c.dim, sizeof *hidden);
    int rc = hidden ? 0 : pk_fail_mem(err, "read-outs");
    if (!rc)
        rc = infer_tape_new(&tape, INFER_KEEP_NOTHING, err);
    if (!rc)
        rc = infer_forest_new(&f, err);
    if (!rc)
        rc = add_rows(f, b, m->c.vocab, err);
    m->w.precision = b->precision;
    b->seconds = INFINITY;
    for (int i = 0; !rc && i < 3; i++) {
        double from = pk_now();
        rc = infer_forward(&m->c, &m->w, f, tape, hidden, err);
        b->seconds = fmin(b->seconds, pk_now() - from);
    }
    b->tokens = rc ? 0 : infer_forest_tokens(f);
    b->flop = count_flop(b, &m->c);
    infer_tape_free(tape);
    infer_forest_free(f);
    free(hidden);
    return rc;
}

/* All matrices but the embedding, of which a token reads one row. */
static double bytes_a_token(const struct infer_bench_model *m)
{
    size_t matrices, vectors;
    sizes(&m->c, &matrices, &vectors);
    size_t embedding = m->w.embed.rows * m->w.embed.cols;
    return (double)((matrices - embedding) * sizeof *m->matrices);
}

/* The next token after *id, which it becomes. */
static int one_token(struct infer_kv *kv, struct infer_span *span,
                     const struct infer_config *c, int32_t *id, float *room,
                     struct pk_err *err)
{
    float *logits = room + c->dim;
    int rc = infer_kv_step(kv, &span, id, 1, room, err);
    if (rc)
        return rc;
    infer_kv_logits(kv, room, 1, c->vocab, logits);
    *id = 0;
    for (size_t v = 1; v < c->vocab; v++)
        if (logits[v] > logits[*id])
            *id = (int32_t)v;
    return 0;
}

int infer_bench_decode(struct infer_bench_model *m, double *seconds,
                       double *bytes, struct pk_err *err)
{
    enum { PROMPT = 16, TOKENS = 8 };
    int32_t prompt[PROMPT] = {0}, id = 1;
    struct infer_kv *kv = NULL;
    struct infer_span *span = NULL;
    float *room = pk_calloc_aligned(m->c.dim + m->c.vocab, sizeof *room);
    int rc = room ? 0 : pk_fail_mem(err, "logits");
    m->w.precision = INFER_PRECISION_FP32;
    if (!rc)
        rc = infer_kv_new(&kv, &m->c, &m->w, PROMPT + TOKENS, 1, err);
    if (!rc)
        rc = infer_kv_take(kv, NULL, 0, PROMPT + TOKENS, &span, err);
    if (!rc)
        rc = infer_kv_read(kv, span, prompt, PROMPT, room, err);
    *seconds = INFINITY;
    for (int i = 0; !rc && i < TOKENS; i++) {
        double from = pk_now();
        rc = one_token(kv, span, &m->c, &id, room, err);
        *seconds = fmin(*seconds, pk_now() - from);
    }
    *bytes = bytes_a_token(m);
    if (span)
        infer_kv_drop(kv, span);
    infer_kv_free(kv);
    free(room);
    return rc;
}
