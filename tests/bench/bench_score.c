/* Batch scoring against this machine's limit.
 *
 *     bench_score [ROWS [15M|110M [auto|fp32|bf16]]]
 *
 * A file of ROWS dialogues shaped as the Meta row of the paper's Table 6 (three
 * exchanges of 31 and 234 tokens) goes through `score` with a random model
 * whose weights are stored in bf16: how near the whole run, reading, tokenizing
 * and writing included, comes to the fastest matrix product measured beside it;
 * how much of the time no forward pass was running; and whether four times the
 * rows take more memory. Then one file of 16 responses to each prompt goes
 * through it twice: as it is, and with a window of one response; the best of
 * three runs each, in turn, since other programs may be at the machine (of one
 * run each where that takes long).
 *
 * The paper's row would be 100,000 of them: what is printed is of the ROWS that
 * were run. Needs nothing but scripts/sample/tokenizer.model below the current
 * folder, and room for the model in $TMPDIR (or /tmp). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lines.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"
#include "infer/bench/bench.h"
#include "rm/score/batch.h"
#include "tests/bench/must.h"

#define TOKENIZER "scripts/sample/tokenizer.model"
enum { RESPONSES = 16, ROUNDS = 3, ENOUGH = 40 /* seconds of the first */ };

/* What the model's products are held against. */
static double limit_of(enum infer_precision p)
{
    double fp32, bf16 = 0;
    must(infer_bench_fp32_limit(&fp32, &err));
    must(infer_bench_bf16_limit(&bf16, &err));
    printf("limit          fp32 %.1f GFLOP/s, ", fp32);
    if (bf16 > 0)
        printf("bf16 %.1f GFLOP/s\n", bf16);
    else
        printf("no bf16: %s\n", infer_bf16_missing());
    return 1e9 * (p == INFER_PRECISION_BF16 ? bf16 : fp32);
}

static struct infer_config shape(bool large, const struct infer_tokenizer *t)
{
    struct infer_config c = {.dim = large ? 768 : 288,
                             .layers = large ? 12 : 6,
                             .heads = large ? 12 : 6,
                             .kv_heads = large ? 12 : 6,
                             .head_dim = large ? 64 : 48,
                             .hidden = large ? 2048 : 768,
                             .vocab = infer_tokenizer_vocab(t),
                             .max_positions = 4096,
                             .norm_eps = 1e-5,
                             .rope_theta = 10000,
                             .bos = infer_tokenizer_bos(t),
                             .eos = infer_tokenizer_eos(t),
                             .pad = -1,
                             .head = INFER_HEAD_SCORE};
    infer_config_to_score(&c, t);
    return c;
}

/* Floating-point operations of a dialogue of n tokens, counted as for every
 * layer: 2 x trunk parameters for each token, and attention's two products over
 * the causal half. (The last layer is computed for keys and values alone, but
 * at the read-out.) */
static double flops(const struct infer_config *c, double n)
{
    double q = (double)(c->heads * c->head_dim), d = (double)c->dim;
    double kv = (double)(c->kv_heads * c->head_dim), f = (double)c->hidden;
    double trunk = 2 * d * q + 2 * d * kv + 3 * d * f;
    return (double)c->layers * (2 * trunk * n + 4 * q * n * (n + 1) / 2);
}

static void make_model(const char *dir, const struct infer_config *c)
{
    struct infer_params *p;
    must(infer_params_new(&p, c, &err));
    infer_params_init(p, c, 1);
    mkdir(dir, 0777);
    must(infer_model_save(dir, c, &p->w, INFER_BF16, "scripts/sample", &err));
    infer_params_free(p);
}

/* About n tokens of text, quoted: pieces drawn from the vocabulary. */
static void put_text(FILE *f, const struct infer_tokenizer *t,
                     struct pk_rng *rng, int n)
{
    struct pk_buf text = PK_BUF_INIT((size_t)1 << 20);
    struct pk_buf quoted = PK_BUF_INIT((size_t)1 << 20);
    size_t vocab = infer_tokenizer_vocab(t), len;
    while (n > 0) {
        int32_t id = (int32_t)pk_rng_below(rng, vocab);
        const char *piece = infer_tokenizer_piece(t, id, &len);
        if (!piece || len < 2 || piece[0] != ' ' || strpbrk(piece, "[]<>"))
            continue;
        pk_buf_add(&text, piece, len);
        n--;
    }
    pk_json_quote(&quoted, text.data + 1, text.len - 1);
    fwrite(quoted.data, 1, quoted.len, f);
    pk_buf_release(&text);
    pk_buf_release(&quoted);
}

/* `rows` rows of `k` responses each to a context of two exchanges. */
static void make_rows(const char *path, const struct infer_tokenizer *t,
                      int rows, int k)
{
    FILE *f = fopen(path, "w");
    struct pk_rng rng;
    pk_rng_seed(&rng, 7, (uint64_t)k);
    for (int i = 0; f && i < rows; i++) {
        fputs("{\"prompt\":[", f);
        for (int m = 0; m < 5; m++) {
            fprintf(f, "%s{\"role\":\"%s\",\"content\":", m ? "," : "",
                    m % 2 ? "assistant" : "user");
            put_text(f, t, &rng, m % 2 ? 234 : 31);
            fputc('}', f);
        }
        fputs("],\"responses\":[", f);
        for (int r = 0; r < k; r++) {
            fputs(r ? "," : "", f);
            put_text(f, t, &rng, 234);
        }
        fputs("]}\n", f);
    }
    if (!f || fclose(f))
        abort();
}

static double memory_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

/* A file through `score`; window: --forest-tokens. */
static struct rm_batch_spent score(const char *path, const char *out,
                                   const struct rm_named *model,
                                   enum infer_precision precision,
                                   size_t window)
{
    struct pk_cli cli = {.verb = "bench", .quiet = true};
    struct rm_batch_spent spent;
    struct rm_batch b = {.cli = &cli,
                         .input = path,
                         .output = out,
                         .models = model,
                         .scorer.precision = precision,
                         .scorer.forest_tokens = window,
                         .spent = &spent,
                         .n_models = 1};
    must(rm_batch_run(&b, &err));
    return spent;
}

struct bench {
    int rows;
    bool large;
    enum infer_precision precision;
    char path[5][600]; /* of names */
};
enum { MODEL, FEW, ONE, MANY, OUT };
static const char *const names[] = {[MODEL] = "model",
                                    [FEW] = "few.jsonl",
                                    [ONE] = "one.jsonl",
                                    [MANY] = "many.jsonl",
                                    [OUT] = "out.jsonl"};

/* Prompts with 16 responses: an eighth as many responses as there are rows, and
 * no more than take a while. */
static int prompts(const struct bench *b)
{
    int n = b->rows / 8 / RESPONSES;
    return n < 1 ? 1 : n > 8 ? 8 : n;
}

static struct infer_config make_all(struct bench *b, const char *dir)
{
    struct infer_tokenizer *t;
    for (int i = 0; i < 5; i++)
        snprintf(b->path[i], sizeof b->path[i], "%s/%s", dir, names[i]);
    must(infer_tokenizer_open(&t, TOKENIZER, &err));
    struct infer_config c = shape(b->large, t);
    make_model(b->path[MODEL], &c);
    make_rows(b->path[FEW], t, (b->rows + 3) / 4, 1);
    make_rows(b->path[ONE], t, b->rows, 1);
    make_rows(b->path[MANY], t, prompts(b), RESPONSES);
    infer_tokenizer_close(t);
    return c;
}

static void tell_rows(const struct bench *b, const struct infer_config *c,
                      const struct rm_batch_spent *s, double limit)
{
    double n = (double)s->first.flat / b->rows;
    double rate = b->rows / s->seconds;
    printf("end to end     %d rows of %.0f tokens in %.1f s, %s: %.2f rows/s, "
           "%.0f tokens/s\n",
           b->rows, n, s->seconds, infer_precision_name(b->precision), rate,
           rate * n);
    printf(
        "of the limit   %.1f%% (%.1f GFLOP/s: 2 x trunk parameters x tokens, "
        "and attention)\n",
        100 * rate * flops(c, n) / limit, 1e-9 * rate * flops(c, n));
    printf(
        "no forward     %.2f%% of the time: reading, tokenizing and writing\n",
        100 * (s->seconds - s->model_seconds) / s->seconds);
}

/* The same file with what its responses share, and each response alone. */
static void compare(const struct bench *b, const struct rm_named *model)
{
    struct rm_batch_spent best[2];
    double started = pk_now();
    for (int i = 0; i < 2 * ROUNDS; i++) {
        if (i == 2 && pk_now() - started > ENOUGH)
            break;
        struct rm_batch_spent s =
            score(b->path[MANY], b->path[OUT], model, b->precision, i % 2);
        if (i < 2 || s.seconds < best[i % 2].seconds)
            best[i % 2] = s;
    }
    double n = prompts(b) * RESPONSES;
    printf("%d a prompt    %.2f responses/s (%.0f tokens each computed), %.2f "
           "one at a time (%.0f): %.2f times\n",
           RESPONSES, n / best[0].seconds, (double)best[0].first.unique / n,
           n / best[1].seconds, (double)best[1].first.unique / n,
           best[1].seconds / best[0].seconds);
}

static void run(struct bench *b, const struct infer_config *c)
{
    struct rm_named model = {"rm", b->path[MODEL]};
    double limit = limit_of(b->precision), few;
    score(b->path[FEW], b->path[OUT], &model, b->precision, 0);
    few = memory_mib();
    struct rm_batch_spent s =
        score(b->path[ONE], b->path[OUT], &model, b->precision, 0);
    tell_rows(b, c, &s, limit);
    printf("memory         %.0f MiB at most, %.0f for a quarter of the rows\n",
           memory_mib(), few);
    compare(b, &model);
}

int main(int argc, char **argv)
{
    struct bench b = {.rows = argc > 1 ? atoi(argv[1]) : 16,
                      .large = argc > 2 && strcmp(argv[2], "110M") == 0,
                      .precision = INFER_PRECISION_AUTO};
    const char *tmp = getenv("TMPDIR");
    char dir[512], command[600];
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(dir, sizeof dir, "%s/prefkit-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (argc > 3)
        must(infer_precision_parse(&b.precision, argv[3], &err));
    b.precision = infer_precision_choose(b.precision, true);
    if (b.rows < 1 || !mkdtemp(dir)) {
        fprintf(stderr,
                "usage: bench_score [ROWS [15M|110M [auto|fp32|bf16]]]\n");
        return 2;
    }
    struct infer_config c = make_all(&b, dir);
    run(&b, &c);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) != 0;
}
