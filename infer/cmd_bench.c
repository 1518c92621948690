/* prefkit bench: this machine's limit, and how close we run to it. */
#include <stdio.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/num.h"
#include "infer/bench.h"
#include "infer/shape.h"

enum { MAX_SHAPES = 16 };

struct args {
    struct pk_cli cli;
    const char *shape[MAX_SHAPES];
    size_t n;
    uint64_t rows, len;
    bool json;
};

static const struct argp_option options[] = {
    {"shape", 's', "SHAPE", 0,
     "A model shape as `init-model' takes it; may be given again (default: "
     "15M, 110M)",
     0},
    {"rows", 'r', "N", 0, "Rows of a forest (default 8)", 0},
    {"tokens", 'n', "N", 0, "Tokens of a row (default 512)", 0},
    {"json", 'j', NULL, 0, "One JSON document", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
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
    .doc = "Measure this machine's limits, and scoring against them: rows that "
           "share nothing, in fp32, with random weights. The fp32 limit is one "
           "matrix product in OpenBLAS (M 512, N and K 4096), the best of ten "
           "before and ten after; every figure is from the same run.\v"
           "Example:\n"
           "  prefkit bench --shape 1.1B --rows 4"};

struct report {
    double limit, bandwidth; /* GFLOP/s, GB/s */
    struct infer_bench forward[MAX_SHAPES];
};

static double gflops(const struct infer_bench *b)
{
    return b->flop / b->seconds * 1e-9;
}

static double tokens_per_second(const struct infer_bench *b)
{
    return (double)(b->rows * b->len) / b->seconds;
}

static int measure(const struct args *a, struct report *r, struct pk_err *err)
{
    int rc = infer_bench_fp32_limit(&r->limit, err);
    if (!rc)
        rc = infer_bench_bandwidth(&r->bandwidth, err);
    for (size_t i = 0; !rc && i < a->n; i++) {
        struct infer_config c;
        rc = infer_shape_parse(&c, a->shape[i], err);
        c.vocab = 32000;
        r->forward[i] =
            (struct infer_bench){(size_t)a->rows, (size_t)a->len, 0, 0};
        pk_note(&a->cli, "%s: measuring", a->shape[i]);
        if (!rc)
            rc = pk_check_interrupt(err);
        if (!rc)
            rc = infer_bench_forward(&r->forward[i], &c, err);
    }
    /* Again at the end: on a shared machine one look may be disturbed. */
    double again = 0;
    if (!rc)
        rc = infer_bench_fp32_limit(&again, err);
    r->limit = again > r->limit ? again : r->limit;
    return rc;
}

static void print_text(const struct args *a, const struct report *r)
{
    printf("limits: fp32 %.1f GFLOP/s, memory %.1f GB/s\n\n", r->limit,
           r->bandwidth);
    printf("%-32s %12s %10s %8s\n", "scoring in fp32", "tokens/s", "GFLOP/s",
           "limit %");
    for (size_t i = 0; i < a->n; i++)
        printf("%-32s %12.1f %10.1f %8.1f\n", a->shape[i],
               tokens_per_second(&r->forward[i]), gflops(&r->forward[i]),
               100 * gflops(&r->forward[i]) / r->limit);
}

static int print_json(const struct args *a, const struct report *r,
                      struct pk_err *err)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "schema", "prefkit/bench/1");
    pk_json_add_num(j, "fp32_limit_gflops", r->limit);
    pk_json_add_num(j, "memory_gb_per_second", r->bandwidth);
    cJSON *list = cJSON_AddArrayToObject(j, "forward");
    for (size_t i = 0; i < a->n; i++) {
        const struct infer_bench *b = &r->forward[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(list, row);
        cJSON_AddStringToObject(row, "shape", a->shape[i]);
        pk_json_add_int(row, "rows", (long long)b->rows);
        pk_json_add_int(row, "tokens_per_row", (long long)b->len);
        pk_json_add_num(row, "seconds", b->seconds);
        pk_json_add_num(row, "tokens_per_second", tokens_per_second(b));
        pk_json_add_num(row, "gflops", gflops(b));
        pk_json_add_num(row, "percent_of_limit", 100 * gflops(b) / r->limit);
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
    struct args a = {.cli.verb = "bench", .rows = 8, .len = 512};
    struct pk_err err = {0};
    struct report r;
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
