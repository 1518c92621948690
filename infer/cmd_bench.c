/* prefkit bench: this machine's limit, and how close we run to it. */
#include <stdio.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/num.h"
#include "infer/bench/bench.h"
#include "infer/files/shape.h"

enum { MAX_SHAPES = 16 };

struct args {
    struct pk_cli cli;
    const char *shape[MAX_SHAPES];
    size_t n;
    uint64_t rows, len;
    enum infer_precision precision; /* AUTO: both */
    bool json;
};

static const struct argp_option options[] = {
    {"shape", 's', "SHAPE", 0,
     "A model shape as `init-model' takes it; may be given again (default: "
     "15M, 110M); 7B takes 14 GB",
     0},
    {"precision", 'p', "auto|fp32|bf16", 0,
     "What to measure (default auto: all that there is)", 0},
    {"rows", 'r', "N", 0, "Rows of a forest (default 8)", 0},
    {"tokens", 'n', "N", 0, "Tokens of a row (default 512)", 0},
    {"json", 'j', NULL, 0, "One JSON document", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    struct pk_err err;
    switch (key) {
    case 'p':
        if (infer_precision_parse(&a->precision, arg, &err) < 0)
            argp_error(state, "--precision: %s", err.text);
        return 0;
    case 's':
        if (a->n == MAX_SHAPES)
            argp_error(state, "at most %d shapes", MAX_SHAPES);
        else
            a->shape[a->n++] = arg;
        return 0;
    case 'r':
        if (!pk_parse_u64(arg, 1, 1 << 16, &a->rows))
            argp_error(state, "--rows takes a whole number from 1");
        return 0;
    case 'n':
        if (!pk_parse_u64(arg, 1, 1 << 16, &a->len))
            argp_error(state, "--tokens takes a whole number from 1");
        return 0;
    case 'j':
        a->json = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc = "Measure this machine's limits, and the core against them: scoring "
           "rows that share nothing, and greedy decoding, with random weights "
           "in bf16. The limits of fp32 and bf16 are one matrix product of "
           "OpenBLAS and oneDNN (M 512, N and K 4096), the best of ten before "
           "and ten after; decoding's is the memory's bandwidth. Every figure "
           "is from the same run.\v"
           "Example:\n"
           "  prefkit bench --shape 1.1B --rows 4"};

struct report {
    double fp32, bf16, bandwidth;              /* GFLOP/s, GB/s */
    struct infer_bench forward[MAX_SHAPES][2]; /* by precision */
    double token_seconds[MAX_SHAPES], token_bytes[MAX_SHAPES];
};

static double gflops(const struct infer_bench *b)
{
    return b->flop / b->seconds * 1e-9;
}

static double tokens_per_second(const struct infer_bench *b)
{
    return (double)b->tokens / b->seconds;
}

static double percent(const struct report *r, const struct infer_bench *b)
{
    return 100 * gflops(b) /
           (b->precision == INFER_PRECISION_BF16 ? r->bf16 : r->fp32);
}

static double decode_percent(const struct report *r, size_t i)
{
    return 100 * r->token_bytes[i] / r->token_seconds[i] * 1e-9 / r->bandwidth;
}

static bool wanted(const struct args *a, enum infer_precision p)
{
    if (p == INFER_PRECISION_BF16 && infer_bf16_missing())
        return false;
    return a->precision == INFER_PRECISION_AUTO || a->precision == p;
}

static int measure_shape(const struct args *a, struct report *r, size_t i,
                         struct pk_err *err)
{
    struct infer_config c;
    struct infer_bench_model *m = NULL;
    int rc = infer_shape_parse(&c, a->shape[i], err);
    c.vocab = 32000;
    if (!rc)
        rc = infer_bench_model_new(&m, &c, err);
    for (int p = 0; !rc && p < 2; p++) {
        struct infer_bench *b = &r->forward[i][p];
        *b = (struct infer_bench){.rows = (size_t)a->rows,
                                  .len = (size_t)a->len,
                                  .precision = (enum infer_precision)p};
        if (!wanted(a, b->precision))
            continue;
        pk_note(&a->cli, "%s: measuring in %s", a->shape[i],
                infer_precision_name(b->precision));
        rc = pk_check_interrupt(err);
        if (!rc)
            rc = infer_bench_forward(m, b, err);
    }
    if (!rc)
        rc = infer_bench_decode(m, &r->token_seconds[i], &r->token_bytes[i],
                                err);
    infer_bench_model_free(m);
    return rc;
}

/* Kept where it is higher: on a shared machine one look may be disturbed. */
static int measure_limits(struct report *r, struct pk_err *err)
{
    double fp32 = 0, bf16 = 0;
    int rc = infer_bench_fp32_limit(&fp32, err);
    if (!rc)
        rc = infer_bench_bf16_limit(&bf16, err);
    r->fp32 = fp32 > r->fp32 ? fp32 : r->fp32;
    r->bf16 = bf16 > r->bf16 ? bf16 : r->bf16;
    return rc;
}

static int measure(const struct args *a, struct report *r, struct pk_err *err)
{
    int rc = measure_limits(r, err);
    if (!rc)
        rc = infer_bench_bandwidth(&r->bandwidth, err);
    for (size_t i = 0; !rc && i < a->n; i++)
        rc = measure_shape(a, r, i, err);
    return rc ? rc : measure_limits(r, err);
}

static void print_text(const struct args *a, const struct report *r)
{
    printf("limits: fp32 %.1f GFLOP/s (OpenBLAS, %s%s), ", r->fp32,
           infer_blas_kernel(), infer_blas_asked());
    if (infer_bf16_missing())
        printf("no bf16 (%s), ", infer_bf16_missing());
    else
        printf("bf16 %.1f GFLOP/s (oneDNN), ", r->bf16);
    printf("memory %.1f GB/s\n\n", r->bandwidth);
    printf("%-28s %-7s %12s %10s %8s\n", "", "", "tokens/s", "GFLOP/s",
           "limit %");
    for (size_t i = 0; i < a->n; i++) {
        for (int p = 0; p < 2; p++) {
            const struct infer_bench *b = &r->forward[i][p];
            if (wanted(a, b->precision))
                printf("%-28s %-7s %12.1f %10.1f %8.1f\n", a->shape[i],
                       infer_precision_name(b->precision), tokens_per_second(b),
                       gflops(b), percent(r, b));
        }
        printf("%-28s %-7s %12.1f %10s %8.1f\n", a->shape[i], "decode",
               1 / r->token_seconds[i], "", decode_percent(r, i));
    }
}

static void add_forward(cJSON *list, const struct args *a,
                        const struct report *r, size_t i, int p)
{
    const struct infer_bench *b = &r->forward[i][p];
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(list, row);
    cJSON_AddStringToObject(row, "shape", a->shape[i]);
    cJSON_AddStringToObject(row, "precision",
                            infer_precision_name(b->precision));
    pk_json_add_int(row, "rows", (long long)b->rows);
    pk_json_add_int(row, "tokens_per_row", (long long)b->len);
    pk_json_add_num(row, "seconds", b->seconds);
    pk_json_add_num(row, "tokens_per_second", tokens_per_second(b));
    pk_json_add_num(row, "gflops", gflops(b));
    pk_json_add_num(row, "percent_of_limit", percent(r, b));
}

static int print_json(const struct args *a, const struct report *r,
                      struct pk_err *err)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "schema", "prefkit/bench/2");
    cJSON_AddStringToObject(j, "fp32_kernel", infer_blas_kernel());
    pk_json_add_num(j, "fp32_limit_gflops", r->fp32);
    if (!infer_bf16_missing())
        pk_json_add_num(j, "bf16_limit_gflops", r->bf16);
    pk_json_add_num(j, "memory_gb_per_second", r->bandwidth);
    cJSON *forward = cJSON_AddArrayToObject(j, "forward");
    cJSON *decode = cJSON_AddArrayToObject(j, "decode");
    for (size_t i = 0; i < a->n; i++) {
        for (int p = 0; p < 2; p++)
            if (wanted(a, (enum infer_precision)p))
                add_forward(forward, a, r, i, p);
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(decode, row);
        cJSON_AddStringToObject(row, "shape", a->shape[i]);
        pk_json_add_num(row, "tokens_per_second", 1 / r->token_seconds[i]);
        pk_json_add_num(row, "percent_of_bandwidth", decode_percent(r, i));
    }
    char *text = cJSON_PrintUnformatted(j);
    cJSON_Delete(j);
    if (!text)
        return pk_fail_mem(err, "a report");
    puts(text);
    cJSON_free(text);
    return 0;
}

int infer_cmd_bench(int argc, char **argv)
{
    struct args a = {.cli.verb = "bench",
                     .rows = 8,
                     .len = 512,
                     .precision = INFER_PRECISION_AUTO};
    struct pk_err err = {0};
    struct report r = {0};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    if (a.n == 0) {
        a.shape[a.n++] = "15M";
        a.shape[a.n++] = "110M";
    }
    pk_catch_signals();
    int rc = measure(&a, &r, &err);
    if (!rc && a.json)
        rc = print_json(&a, &r, &err);
    else if (!rc)
        print_text(&a, &r);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
