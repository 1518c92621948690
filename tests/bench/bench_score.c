/* Batch scoring against this machine's limit.
 *
 *     bench_score [ROWS [15M|110M [auto|fp32|bf16]]]
 *
 * A file of ROWS dialogues shaped as the Meta row of the paper's Table 6 (three
 * exchanges of 31 and 234 tokens) is scored by a random model whose weights are
 * stored in bf16: how near the whole, reading, tokenizing and writing included,
 * comes to the fastest matrix product measured beside it; how much of the time
 * is not the model's; what 16 responses to a prompt gain over one at a time;
 * and whether four times the rows take more memory. The paper's row would be
 * 100,000 of them: what is printed is of the ROWS that were run. */
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
#include "infer/bench.h"
#include "infer/gemm.h"
#include "infer/simd.h"
#include "rm/batch.h"
#include "rm/row.h"

#define TOKENIZER "scripts/sample/tokenizer.model"

static struct pk_err err;

static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_score: %s\n", err.text);
    exit(pk_exit_status(rc));
}

/* The fastest product of 512 rows by 4096 and 4096, in FLOP/s, as the core
 * computes it from weights in bf16: through the door that the model uses. */
static double bf16_limit(void)
{
    enum { M = 512, N = 4096, K = 4096 };
    float *x = pk_calloc_aligned((size_t)M * K, sizeof *x);
    float *y = pk_calloc_aligned((size_t)M * N, sizeof *y);
    float *wide = pk_calloc_aligned((size_t)N * K, sizeof *wide);
    uint16_t *w = pk_calloc_aligned((size_t)N * K, sizeof *w);
    struct infer_gemm g = {.precision = INFER_PRECISION_BF16};
    double best = 1e9;
    if (!x || !y || !wide || !w)
        abort();
    for (size_t i = 0; i < (size_t)N * K; i++)
        wide[i] = (float)(i % 251) / 251 - 0.5F;
    memcpy(x, wide, (size_t)M * K * sizeof *x);
    infer_to_bf16(w, wide, (size_t)N * K);
    const struct infer_matrix m = {.bf16 = w, .rows = N, .cols = K};
    for (int i = 0; i < 6; i++) {
        double t = pk_now();
        must(infer_linear(&g, y, x, &m, M, false, &err));
        t = pk_now() - t;
        best = t < best ? t : best;
    }
    infer_gemm_release(&g);
    free(x);
    free(y);
    free(wide);
    free(w);
    return 2.0 * M * N * K / best;
}

/* What the model's products are held against. */
static double limit_of(enum infer_precision p)
{
    double fp32, best;
    must(infer_bench_fp32_limit(&fp32, &err));
    best = 1e9 * fp32;
    printf("limit          fp32 %.1f GFLOP/s", fp32);
    if (infer_bf16_missing()) {
        printf(", no bf16: %s\n", infer_bf16_missing());
        return best;
    }
    double bf16 = bf16_limit();
    printf(", bf16 %.1f GFLOP/s\n", bf16 * 1e-9);
    return p == INFER_PRECISION_BF16 ? bf16 : best;
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

/* Floating-point operations of the matrices, for one token. */
static double flops(const struct infer_config *c)
{
    double q = (double)(c->heads * c->head_dim), d = (double)c->dim;
    double kv = (double)(c->kv_heads * c->head_dim), f = (double)c->hidden;
    return 2.0 * (double)c->layers * (2 * d * q + 2 * d * kv + 3 * d * f);
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

struct spent {
    double read, model, write;
    uint64_t responses;
    struct rm_totals tokens;
};

/* What rm_batch_run does, with a clock at every stage. */
static struct spent timed(const char *path, const struct rm_named *model,
                          enum infer_precision precision, size_t forest_tokens)
{
    struct spent s = {0};
    struct rm_scorer *scorer;
    struct rm_scorer_opts o = {.forest_tokens = forest_tokens,
                               .precision = precision};
    struct pk_lines *in;
    struct rm_row row = {0};
    struct pk_buf out = PK_BUF_INIT((size_t)1 << 30);
    char *line;
    size_t len;
    must(rm_scorer_open(&scorer, model, 1, &o, &err));
    must(pk_lines_open(&in, path, &err));
    bool alone = forest_tokens == 1;
    double t = pk_now();
    while (pk_lines_next(in, &line, &len, &err) > 0) {
        struct rm_text text;
        size_t index = 0, first = 0;
        enum rm_reason why;
        must(rm_row_parse(&row, line, len, &err));
        for (size_t i = 0; rm_row_next(&row, &text); i++) {
            must(rm_scorer_add(scorer, &text, &index, &why, &err));
            first = i ? first : index;
            s.responses++;
            if (alone || rm_scorer_full(scorer)) {
                double now = pk_now();
                s.read += now - t;
                must(rm_scorer_flush(scorer, &err));
                t = pk_now();
                s.model += t - now;
            }
        }
        double now = pk_now();
        s.read += now - t;
        must(rm_scorer_flush(scorer, &err)); /* a row is enough to be shared */
        t = pk_now();
        s.model += t - now;
        struct rm_row_scores r = {scorer, rm_scorer_get(scorer, 0, first),
                                  row.n, row.list, NULL};
        pk_buf_reset(&out);
        must(rm_row_write(&out, line, len, &r, &err));
        rm_scorer_clear(scorer);
        now = pk_now();
        s.write += now - t;
        t = now;
    }
    s.tokens = rm_scorer_totals(scorer, 0);
    pk_lines_close(in);
    rm_row_release(&row);
    rm_scorer_close(scorer);
    pk_buf_release(&out);
    return s;
}

static double whole(const struct spent *s)
{
    return s->read + s->model + s->write;
}

static double memory_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

/* Rows a second through rm_batch_run. */
static double end_to_end(const char *path, const char *out,
                         const struct rm_named *model,
                         enum infer_precision precision, int rows)
{
    struct pk_cli cli = {.verb = "bench", .quiet = true};
    struct rm_batch b = {.cli = &cli,
                         .input = path,
                         .output = out,
                         .models = model,
                         .scorer.precision = precision,
                         .n_models = 1};
    double t = pk_now();
    must(rm_batch_run(&b, &err));
    return rows / (pk_now() - t);
}

struct bench {
    int rows;
    bool large;
    enum infer_precision precision;
    char path[5][64]; /* of names */
};
enum { MODEL, FEW, ONE, MANY, OUT };
static const char *const names[] = {[MODEL] = "model",
                                    [FEW] = "few.jsonl",
                                    [ONE] = "one.jsonl",
                                    [MANY] = "many.jsonl",
                                    [OUT] = "out.jsonl"};

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
    make_rows(b->path[MANY], t, (b->rows + 15) / 16, 16);
    infer_tokenizer_close(t);
    return c;
}

static void run(struct bench *b, const struct infer_config *c)
{
    struct rm_named model = {(char[]){"rm"}, b->path[MODEL]};
    double limit = limit_of(b->precision), few, all;
    end_to_end(b->path[FEW], b->path[OUT], &model, b->precision, b->rows / 4);
    few = memory_mib();
    double rate =
        end_to_end(b->path[ONE], b->path[OUT], &model, b->precision, b->rows);
    all = memory_mib();
    struct spent s =
        timed(b->path[ONE], &model, b->precision, RM_FOREST_TOKENS);
    double tokens = (double)s.tokens.unique / b->rows;
    printf("end to end     %d rows of %.0f tokens in %s: %.2f rows/s, %.0f "
           "tokens/s\n",
           b->rows, tokens, infer_precision_name(b->precision), rate,
           rate * tokens);
    printf("of the limit   %.0f%% (matrices alone counted)\n",
           100 * rate * tokens * flops(c) / limit);
    printf("not the model  %.2f%% of the time: reading and tokenizing %.2f%%, "
           "writing %.2f%%\n",
           100 * (s.read + s.write) / whole(&s), 100 * s.read / whole(&s),
           100 * s.write / whole(&s));
    printf("memory         %.0f MiB at most, %.0f for a quarter of the rows\n",
           all, few);
    struct spent many =
        timed(b->path[MANY], &model, b->precision, RM_FOREST_TOKENS);
    struct spent alone = timed(b->path[MANY], &model, b->precision, 1);
    double fast = (double)many.responses / whole(&many);
    double slow = (double)alone.responses / whole(&alone);
    printf("16 a prompt    %.2f responses/s, %.2f one at a time: %.2f times\n",
           fast, slow, fast / slow);
}

int main(int argc, char **argv)
{
    struct bench b = {.rows = argc > 1 ? atoi(argv[1]) : 16,
                      .large = argc > 2 && strcmp(argv[2], "110M") == 0,
                      .precision = INFER_PRECISION_AUTO};
    char dir[] = "/tmp/prefkit-bench-XXXXXX", command[64];
    if (argc > 3)
        must(infer_precision_parse(&b.precision, argv[3], &err));
    b.precision = infer_precision_choose(b.precision, true);
    if (b.rows < 1 || !mkdtemp(dir))
        return 2;
    struct infer_config c = make_all(&b, dir);
    run(&b, &c);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) != 0;
}
