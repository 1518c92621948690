/* Training against this machine's limit.
 *
 *     bench_train 110M|1.1B     all parameters, pairs that share nothing
 *     bench_train shared        pairs as the paper's, as a forest and flat
 *     bench_train lora DIR      adapters of rank 16 on the model in DIR
 *     ... [STEPS [bf16]]
 *
 * Steps of 4 pairs of two 512-token answers (PyTorch's 8 rows of 512), or of 4
 * pairs with a shared context of 565 tokens and answers of 234 (the Meta row of
 * the paper's Table 6). A step counts 6 (adapters: 4) x trunk parameters x
 * unique tokens; the limit is the fp32 product of 512 by 4096 by 4096, measured
 * in the same run. The best step is told. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"
#include "infer/bench.h"
#include "infer/gemm.h"
#include "infer/shape.h"
#include "rm/train.h"

enum { PAIRS = 4 };

static struct pk_err err;

static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_train: %s\n", err.text);
    exit(pk_exit_status(rc));
}

/* ---- Made-up pairs ---- */

struct lengths {
    size_t context, answer;
    bool shared; /* one context for both answers, or one each */
};

static size_t put_path(struct rm_pairs *p, struct pk_rng *context,
                       struct pk_rng *answer, const struct lengths *l)
{
    size_t at = p->ids.len;
    for (size_t i = 0; i < l->context + l->answer; i++)
        must(infer_ids_add(
            &p->ids,
            (int32_t)(3 + pk_rng_below(i < l->context ? context : answer, 900)),
            &err));
    return at;
}

static void make_pairs(struct rm_pairs *p, size_t n, const struct lengths *l)
{
    struct pk_rng answer;
    pk_rng_seed(&answer, 1, 0);
    if (!pk_grow(&p->pair, &p->cap, n, sizeof *p->pair))
        abort();
    for (size_t i = 0; i < n; i++) {
        struct rm_pair x = {.judgment = (int64_t)i,
                            .target = {.p = 1, .safe = {-1, -1}},
                            .n_chosen = l->context + l->answer,
                            .n_rejected = l->context + l->answer};
        struct pk_rng context;
        pk_rng_seed(&context, 2, i);
        x.chosen = put_path(p, &context, &answer, l);
        pk_rng_seed(&context, 2, l->shared ? i : n + i);
        x.rejected = put_path(p, &context, &answer, l);
        x.unique = x.n_chosen + x.n_rejected -
                   rm_shared(p->ids.id + x.chosen, x.n_chosen,
                             p->ids.id + x.rejected, x.n_rejected);
        p->pair[p->n++] = x;
    }
}

/* ---- What a step takes ---- */

static double trunk(const struct infer_config *c)
{
    double n = 0;
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor t;
        infer_tensor_at(c, i, &t);
        if (strncmp(t.name, "model.layers.", 13) == 0 && t.rows > 1)
            n += (double)t.rows * (double)t.cols;
    }
    return n;
}

/* Products of one matrix and its adjoints, as a step makes them. */
static void products(const struct infer_matrix *w, size_t rows, bool adapters)
{
    struct infer_gemm g = {0};
    float *x = pk_calloc_aligned(rows * w->cols, sizeof *x);
    float *y = pk_calloc_aligned(rows * w->rows, sizeof *y);
    struct infer_matrix dw = {.rows = w->rows, .cols = w->cols};
    dw.f32 = pk_calloc_aligned(adapters ? 1 : w->rows * w->cols, sizeof(float));
    if (!x || !y || !dw.f32)
        abort();
    must(infer_linear(&g, y, x, w, rows, false, &err));
    must(infer_linear_dx(&g, x, y, w, rows, false, &err));
    if (!adapters)
        must(infer_linear_dw(&g, &dw, y, x, rows, &err));
    infer_gemm_release(&g);
    free(dw.f32);
    free(x);
    free(y);
}

/* Seconds of a step's matrix products of the first layer alone, for all of
 * them but the last, whose rows are few. */
static double product_seconds(const struct infer_config *c,
                              const struct infer_params *p, size_t rows)
{
    const struct infer_layer *l = &p->w.layer[0];
    double best = INFINITY;
    for (int i = 0; i < 3; i++) {
        double from = pk_now();
#define ONE(field, r, n, name)                                                 \
    if (l->field.rows > 1)                                                     \
        products(&l->field, rows, p->lora.rank > 0);
        INFER_LAYER_TENSORS(ONE)
#undef ONE
        best = fmin(best, pk_now() - from);
    }
    return best * (double)(c->layers - 1);
}

static double peak_gib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / (1 << 20);
}

struct told {
    double seconds; /* of the best step */
    double tokens;  /* unique, of a step */
};

static struct told train(struct infer_params *p, const struct infer_config *c,
                         const struct rm_recipe *r, const struct lengths *l,
                         size_t steps)
{
    struct rm_pairs pairs = {0};
    struct rm_trainer t;
    struct told best = {INFINITY, 0};
    make_pairs(&pairs, PAIRS * steps, l);
    must(rm_trainer_init(&t, p, c, &pairs, r, &err));
    while (!rm_trainer_done(&t)) {
        struct rm_step s = {0};
        double from = pk_now();
        while (s.step == 0)
            must(rm_trainer_advance(&t, &s, &err));
        best.seconds = fmin(best.seconds, pk_now() - from);
        best.tokens = (double)s.tokens;
    }
    rm_trainer_release(&t);
    rm_pairs_release(&pairs);
    return best;
}

static double limit(void)
{
    double gflops;
    must(infer_bench_fp32_limit(&gflops, &err));
    return gflops;
}

static void report(const char *what, const struct infer_config *c,
                   const struct infer_params *p, struct told t)
{
    double factor = p->lora.rank ? 4 : 6, most = limit();
    double rate = factor * trunk(c) * t.tokens / t.seconds * 1e-9;
    double inside = product_seconds(c, p, (size_t)t.tokens);
    printf("%s: %.2f s a step of %.0f tokens, %.0f tokens/s; %.0f GFLOP/s, "
           "%.1f%% of the fp32 limit (%.0f)\n",
           what, t.seconds, t.tokens, t.tokens / t.seconds, rate,
           100 * rate / most, most);
    printf("  matrix products alone %.2f s (%.1f%% of a step); peak resident "
           "%.2f GiB\n",
           inside, 100 * inside / t.seconds, peak_gib());
}

/* ---- The rows of the table ---- */

static struct rm_recipe recipe(bool half)
{
    struct rm_recipe r = rm_recipe_default(RM_REWARD);
    r.batch_pairs = PAIRS;
    r.lr = 1e-5;
    r.precision = half ? INFER_PRECISION_BF16 : INFER_PRECISION_FP32;
    return r;
}

static void full(const char *shape, size_t steps, bool half)
{
    static const struct lengths apart = {511, 1, false};
    struct infer_config c;
    struct infer_params *p;
    struct rm_recipe r = recipe(half);
    must(infer_shape_parse(&c, shape, &err));
    c.vocab = 1000;
    c.head = INFER_HEAD_SCORE;
    must(infer_params_new(&p, &c, &err));
    infer_params_init(p, &c, 1);
    p->w.precision = r.precision;
    r.recompute = strcmp(shape, "110M") != 0;
    report(shape, &c, p, train(p, &c, &r, &apart, steps));
    infer_params_free(p);
}

static void shared(size_t steps, bool half)
{
    static const struct lengths forest = {565, 234, true},
                                flat = {565, 234, false};
    struct infer_config c;
    struct infer_params *p;
    struct rm_recipe r = recipe(half);
    must(infer_shape_parse(&c, "110M", &err));
    c.vocab = 1000;
    c.head = INFER_HEAD_SCORE;
    must(infer_params_new(&p, &c, &err));
    infer_params_init(p, &c, 1);
    p->w.precision = r.precision;
    struct told a = train(p, &c, &r, &forest, steps);
    struct told b = train(p, &c, &r, &flat, steps);
    report("110M, contexts shared", &c, p, a);
    report("110M, flattened", &c, p, b);
    printf("  %.2f times the pairs a second of flattened training\n",
           b.seconds / a.seconds);
    infer_params_free(p);
}

static void lora(const char *dir, size_t steps, bool half)
{
    static const struct lengths apart = {255, 1, false};
    struct infer_model *m;
    struct infer_tokenizer *t;
    struct infer_params *p;
    struct rm_recipe r = recipe(half);
    const struct infer_open how = {.precision = r.precision};
    must(infer_model_open_as(&m, dir, &how, &err));
    must(infer_tokenizer_open(&t, dir, &err));
    struct infer_config c = *infer_model_config(m);
    infer_config_to_score(&c, t);
    r.lora.rank = 16;
    r.recompute = true;
    must(infer_params_lora(&p, &c, infer_model_weights(m),
                           infer_model_config(m), &r.lora, 1, &err));
    report("LoRA rank 16", &c, p, train(p, &c, &r, &apart, steps));
    infer_params_free(p);
    infer_tokenizer_close(t);
    infer_model_close(m);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "110M";
    int at = strcmp(what, "lora") == 0 ? 3 : 2;
    size_t steps = argc > at ? strtoul(argv[at], NULL, 10) : 3;
    bool half = argc > at + 1 && strcmp(argv[at + 1], "bf16") == 0;
    if (half && infer_bf16_missing()) {
        fprintf(stderr, "bench_train: no bf16 here: %s\n",
                infer_bf16_missing());
        return 2;
    }
    if (strcmp(what, "shared") == 0)
        shared(steps, half);
    else if (at == 3 && argc > 2)
        lora(argv[2], steps, half);
    else
        full(what, steps, half);
    return 0;
}
