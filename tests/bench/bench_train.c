/* Training against this machine's limit.
 *
 *     bench_train 110M|1.1B     all parameters, pairs that share nothing
 *     bench_train shared        pairs as the paper's, as a forest and flat
 *     bench_train 7B            adapters of rank 16 on a base in bf16, made up
 *                               in memory; any other shape: lora SHAPE
 *     ... [STEPS [fp32|bf16 [TOKENS]]]
 *
 * Steps of 4 pairs of two answers of TOKENS (512: PyTorch's 8 rows of 512; with
 * adapters 256); or of 6 pairs with a shared context of 565 tokens and answers
 * of 234 (the Meta row of the paper's Table 6): two forests of three as they
 * are, three of two when flattened, as in a batch of hundreds. A step counts 6
 * (adapters: 4) x trunk parameters x unique tokens. The limits are the products
 * of 512 by 4096 by 4096, in fp32 and in bf16 (0 where that can't be had),
 * measured in the same run. Everything is of the best step. Needs no file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"
#include "infer/bench/bench.h"
#include "infer/files/shape.h"
#include "infer/math/gemm.h"
#include "rm/train/memory.h"
#include "rm/train/train.h"
#include "tests/bench/must.h"
#include "tests/bench/train_kinds.h"

enum { PAIRS = 4, SHARED_PAIRS = 6 };

/* ---- Made-up pairs ---- */

struct lengths {
    size_t context, answer;
    bool shared;  /* one context for both answers, or one each */
    size_t steps; /* of the recipe's batches */
};

static size_t put_path(struct rm_pairs *p, struct pk_rng *context,
                       struct pk_rng *answer, const struct lengths *l)
{
    size_t at = p->ids.len;
    for (size_t i = 0; i < l->context + l->answer; i++) {
        struct pk_rng *rng = i < l->context ? context : answer;
        int32_t id = (int32_t)(3 + pk_rng_below(rng, 900));
        must(infer_ids_add(&p->ids, i ? id : 1, &err)); /* all begin alike */
    }
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
                            .dialogue = i,
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

struct told {
    double seconds; /* of the best step */
    double kind[KINDS];
    double tokens;  /* unique, of a step */
    size_t planned; /* bytes */
    double peak;    /* MiB; of the process so far */
};

static double peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / (1 << 10);
}

/* One training, and the best of its updates. */
struct training {
    struct rm_pairs pairs;
    struct rm_trainer t;
    struct told told;
};

static void begin(struct training *g, struct infer_params *p,
                  const struct infer_config *c, const struct rm_recipe *r,
                  const struct lengths *l, size_t base)
{
    struct rm_memory m = {.base = base};
    *g = (struct training){.told.seconds = INFINITY};
    make_pairs(&g->pairs, r->batch_pairs * l->steps, l);
    rm_memory_plan(&m, c, &g->pairs, r);
    g->told.planned = m.total + m.pairs;
    must(rm_trainer_init(&g->t, p, c, &g->pairs, r, &err));
}

static void update(struct training *g)
{
    struct rm_step s = {0};
    double from = pk_now();
    kinds_start();
    while (s.step == 0)
        must(rm_trainer_advance(&g->t, &s, &err));
    double seconds = pk_now() - from;
    if (seconds < g->told.seconds) {
        g->told.seconds = seconds;
        kinds_read(g->told.kind);
    }
    g->told.tokens = (double)s.tokens;
}

static struct told end(struct training *g)
{
    g->told.peak = peak_mib();
    rm_trainer_release(&g->t);
    rm_pairs_release(&g->pairs);
    return g->told;
}

static struct told train(struct infer_params *p, const struct infer_config *c,
                         const struct rm_recipe *r, const struct lengths *l,
                         size_t base)
{
    struct training g;
    begin(&g, p, c, r, l, base);
    while (!rm_trainer_done(&g.t))
        update(&g);
    return end(&g);
}

/* ---- What is told ---- */

struct limits {
    double fp32, bf16; /* GFLOP/s */
};

static struct limits limits(void)
{
    struct limits l;
    must(infer_bench_fp32_limit(&l.fp32, &err));
    must(infer_bench_bf16_limit(&l.bf16, &err));
    return l;
}

static void put_kinds(const struct told *t)
{
    double inside = t->kind[KIND_PRODUCTS] + t->kind[KIND_ADAPTERS_PRODUCTS] +
                    t->kind[KIND_ATTENTION_PRODUCTS];
    fputs("  of a step:", stdout);
    for (int k = KINDS - 1; k >= 0; k--)
        if (t->kind[k] > 0)
            printf(" %s %.1f%%%s", kind_name((enum kind)k),
                   100 * t->kind[k] / t->seconds, k ? "," : "\n");
    printf("  outside matrix products: %.1f%%\n",
           100 * (1 - inside / t->seconds));
}

static void report(const char *what, const struct infer_config *c,
                   const struct infer_params *p, struct told t)
{
    bool half = p->w.precision == INFER_PRECISION_BF16;
    double factor = p->lora.rank ? 4 : 6, n = trunk(c);
    double rate = factor * n * t.tokens / t.seconds * 1e-9;
    struct limits l = limits();
    printf("%s, %s: %.2f s a step of %.0f tokens, %.0f tokens/s\n", what,
           infer_precision_name(p->w.precision), t.seconds, t.tokens,
           t.tokens / t.seconds);
    printf("  %.0f GFLOP/s, %.0f x %.1fM parameters x tokens: %.1f%% of the %s "
           "limit (fp32 %.0f, bf16 %.0f GFLOP/s)\n",
           rate, factor, n * 1e-6, 100 * rate / (half ? l.bf16 : l.fp32),
           infer_precision_name(p->w.precision), l.fp32, l.bf16);
    printf("  memory: %.0f MiB planned, %.0f resident at most\n",
           (double)t.planned / (1 << 20), t.peak);
    put_kinds(&t);
}

/* ---- The rows of the table ---- */

struct run {
    size_t steps, tokens; /* tokens: of an answer */
    enum infer_precision precision;
};

static struct rm_recipe recipe(const struct run *run)
{
    struct rm_recipe r = rm_recipe_default(RM_REWARD);
    r.batch_pairs = PAIRS;
    r.lr = 1e-5;
    r.precision = run->precision;
    return r;
}

static void shape(struct infer_config *c, const char *name, size_t vocab)
{
    must(infer_shape_parse(c, name, &err));
    c->vocab = vocab;
    c->head = INFER_HEAD_SCORE;
}

static struct infer_params *whole(const struct infer_config *c,
                                  const struct rm_recipe *r)
{
    struct infer_params *p;
    must(infer_params_new(&p, c, &err));
    infer_params_init(p, c, 1);
    p->w.precision = r->precision;
    return p;
}

static void full(const char *name, const struct run *run)
{
    const struct lengths apart = {run->tokens - 1, 1, false, run->steps};
    struct infer_config c;
    struct rm_recipe r = recipe(run);
    shape(&c, name, 1000);
    r.recompute = strcmp(name, "1.1B") == 0;
    struct infer_params *p = whole(&c, &r);
    report(name, &c, p, train(p, &c, &r, &apart, 0));
    infer_params_free(p);
}

/* Both in turn, step by step, so that a slow spell of the machine is one of
 * both; what is resident is of the two together. */
static void shared(const struct run *run)
{
    const struct lengths forest = {565, 234, true, run->steps},
                         flat = {565, 234, false, run->steps};
    struct infer_config c;
    struct rm_recipe r = recipe(run);
    r.batch_pairs = SHARED_PAIRS;
    shape(&c, "110M", 1000);
    struct infer_params *p = whole(&c, &r);
    struct training in_forest, in_paths;
    begin(&in_forest, p, &c, &r, &forest, 0);
    begin(&in_paths, p, &c, &r, &flat, 0);
    while (!rm_trainer_done(&in_forest.t)) {
        update(&in_forest);
        update(&in_paths);
    }
    struct told a = end(&in_forest), b = end(&in_paths);
    report("110M, contexts shared", &c, p, a);
    report("110M, flattened", &c, p, b);
    printf("  %.2f times the pairs a second of flattened training\n",
           b.seconds / a.seconds);
    infer_params_free(p);
}

static void lora(const char *name, const struct run *run)
{
    const struct lengths apart = {run->tokens - 1, 1, false, run->steps};
    struct infer_config c;
    struct infer_bench_model *m;
    struct infer_params *p;
    struct rm_recipe r = recipe(run);
    char what[80];
    shape(&c, name, 32000);
    must(infer_bench_model_new(&m, &c, &err));
    struct infer_weights base = *infer_bench_model_weights(m);
    base.precision = run->precision;
    r.lora.rank = 16;
    r.recompute = true;
    must(infer_params_lora(&p, &c, &base, &c, &r.lora, 1, &err));
    snprintf(what, sizeof what, "%.50s, LoRA rank 16", name);
    report(what, &c, p,
           train(p, &c, &r, &apart, infer_parameters(&c) * sizeof(uint16_t)));
    infer_params_free(p);
    infer_bench_model_free(m);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "110M";
    bool adapters = strcmp(what, "lora") == 0 || strcmp(what, "7B") == 0;
    int at = strcmp(what, "lora") == 0 ? 3 : 2;
    struct run run = {.steps = 3,
                      .tokens = adapters ? 256 : 512,
                      .precision = INFER_PRECISION_AUTO};
    if (argc > at)
        run.steps = strtoul(argv[at], NULL, 10);
    if (argc > at + 1)
        must(infer_precision_parse(&run.precision, argv[at + 1], &err));
    if (argc > at + 2)
        run.tokens = strtoul(argv[at + 2], NULL, 10);
    if (run.steps < 1 || run.tokens < 2 || at > argc) {
        fprintf(stderr, "usage: bench_train 110M|1.1B|shared|7B|lora SHAPE "
                        "[STEPS [fp32|bf16 [TOKENS]]]\n");
        return 2;
    }
    if (run.precision == INFER_PRECISION_AUTO)
        run.precision = infer_precision_choose(run.precision, true);
    if (run.precision == INFER_PRECISION_BF16 && infer_bf16_missing()) {
        printf("%s: no bf16 here: %s\n", what, infer_bf16_missing());
        return 0;
    }
    if (strcmp(what, "shared") == 0)
        shared(&run);
    else if (adapters)
        lora(argv[at - 1], &run);
    else
        full(what, &run);
    return 0;
}
