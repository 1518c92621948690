/* Decoding many sequences at once: tokens a second by batch, for a model of
 * random weights in f32 and in bf16.
 *
 *     bench_generate [SHAPE [CONTEXT [STEPS]]]     (110M 256 16)
 *
 * Each sequence has CONTEXT tokens of its own before the first step; a step is
 * a token for each, logits included. "memory" is the share of the bandwidth,
 * measured in the same run, that reading all weights once a step takes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/progress.h"
#include "infer/bench/bench.h"
#include "infer/files/shape.h"
#include "infer/generate/decode.h"

struct bench {
    struct infer_config c;
    size_t context, steps;
    double bandwidth;
};

static void die(const struct pk_err *err)
{
    fprintf(stderr, "bench_generate: %s\n", err->text);
    exit(pk_exit_status(err->code));
}

/* The same numbers cut to bf16, in memory of their own. */
static void to_bf16(struct infer_matrix *m, uint16_t *to, const float *slab)
{
    if (m->rows == 1)
        return;
    size_t n = m->rows * m->cols;
    uint16_t *at = to + (m->f32 - slab);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, m->f32 + i, sizeof bits);
        at[i] = (uint16_t)(bits >> 16);
    }
    m->f32 = NULL;
    m->bf16 = at;
}

static void weights_to_bf16(struct infer_params *p, size_t layers, uint16_t *to)
{
    to_bf16(&p->w.embed, to, p->slab);
    to_bf16(&p->w.head, to, p->slab);
    for (size_t l = 0; l < layers; l++) {
#define CUT(field, rows, cols, name) to_bf16(&p->w.layer[l].field, to, p->slab);
        INFER_LAYER_TENSORS(CUT)
#undef CUT
    }
}

/* Seconds of the fastest step. */
static double fastest_step(const struct bench *b, const struct infer_weights *w,
                           size_t n)
{
    struct pk_err err = {0};
    const struct infer_config *c = &b->c;
    struct infer_kv *kv;
    struct infer_span **s = pk_calloc(n, sizeof(struct infer_span *));
    int32_t *ids = pk_calloc(n + b->context, sizeof *ids);
    float *hidden = pk_calloc(n * c->dim, sizeof *hidden);
    float *logits = pk_calloc(n * c->vocab, sizeof *logits);
    size_t room = b->context + b->steps;
    if (!s || !ids || !hidden || !logits) {
        (void)pk_fail_mem(&err, "a batch");
        die(&err);
    }
    if (infer_kv_new(&kv, c, w, n * room, n, &err))
        die(&err);
    for (size_t i = 0; i < b->context; i++)
        ids[i] = (int32_t)(i * 7919 % c->vocab);
    for (size_t i = 0; i < n; i++)
        if (infer_kv_take(kv, NULL, 0, room, &s[i], &err) ||
            infer_kv_read(kv, s[i], ids, b->context, hidden, &err))
            die(&err);
    double best = INFINITY;
    for (size_t t = 0; t < b->steps; t++) {
        double from = pk_now();
        if (infer_kv_step(kv, s, ids, n, hidden, &err))
            die(&err);
        infer_kv_logits(kv, hidden, n, c->vocab, logits);
        best = fmin(best, pk_now() - from);
    }
    infer_kv_free(kv);
    free(s);
    free(ids);
    free(hidden);
    free(logits);
    return best;
}

static void measure(const struct bench *b, const struct infer_params *p,
                    size_t bytes, const char *kind)
{
    static const size_t batch[] = {1, 4, 16, 64};
    double one = 0;
    for (size_t i = 0; i < sizeof batch / sizeof *batch; i++) {
        double s = fastest_step(b, &p->w, batch[i]);
        double rate = (double)batch[i] / s;
        one = one > 0 ? one : rate;
        double read = (double)(p->n * bytes) / s * 1e-9;
        printf("%-6s %6zu %12.1f %8.2f %10.1f%%\n", kind, batch[i], rate,
               rate / one, 100 * read / b->bandwidth);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct bench b = {.context = argc > 2 ? strtoul(argv[2], NULL, 10) : 256,
                      .steps = argc > 3 ? strtoul(argv[3], NULL, 10) : 16};
    const char *shape = argc > 1 ? argv[1] : "110M";
    struct infer_params *p;
    struct pk_err err = {0};
    if (infer_shape_parse(&b.c, shape, &err))
        die(&err);
    b.c.vocab = 32000;
    if (infer_params_new(&p, &b.c, &err) ||
        infer_bench_bandwidth(&b.bandwidth, &err))
        die(&err);
    infer_params_init(p, &b.c, 1);
    printf("%s, context %zu; memory %.1f GB/s\n%-6s %6s %12s %8s %11s\n", shape,
           b.context, b.bandwidth, "stored", "batch", "tokens/s", "ratio",
           "memory");
    measure(&b, p, sizeof(float), "f32");
    uint16_t *half = pk_calloc_aligned(p->n, sizeof *half);
    if (!half) {
        (void)pk_fail_mem(&err, "weights");
        die(&err);
    }
    weights_to_bf16(p, b.c.layers, half);
    measure(&b, p, sizeof *half, "bf16");
    free(half);
    infer_params_free(p);
    return 0;
}
