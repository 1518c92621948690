/* The core against this machine's limits, as ratios.
 *
 *     bench_core [SHAPE...]      15M, 110M, 1.1B, 7B; default 110M 1.1B
 *
 * Scoring 512-token rows in fp32 and (by oneDNN) bf16 against the machine's
 * matrix product of the same run, and by our own tile kernel against the tile
 * unit's peak and oneDNN; 16 responses of 256 tokens to a 768-token prompt as a
 * forest against flattened rows; greedy decoding against the memory's
 * bandwidth (of 7B one row, in bf16, and decoding); and the memory that a
 * forest of 16k tokens takes beside a 7B model's weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/bench/bench.h"
#include "infer/files/shape.h"
#include "infer/math/gemm_dnn.h"
#include "infer/math/gemm_tiles.h"
#include "tests/bench/must.h"

static double gflops(const struct infer_bench *b)
{
    return b->flop / b->seconds * 1e-9;
}

static struct infer_bench forward(struct infer_bench_model *m, size_t rows,
                                  size_t len, size_t shared,
                                  enum infer_precision p)
{
    struct infer_bench b = {
        .rows = rows, .len = len, .shared = shared, .precision = p};
    must(infer_bench_forward(m, &b, &err));
    return b;
}

/* Both limits, taken beside what is measured against them. */
struct limits {
    double by[2];
};

static struct limits limits(void)
{
    struct limits l;
    must(infer_bench_fp32_limit(&l.by[INFER_PRECISION_FP32], &err));
    must(infer_bench_bf16_limit(&l.by[INFER_PRECISION_BF16], &err));
    return l;
}

/* What is measured of a shape: rows of 512 tokens; fp32 and a shared prompt
 * where that takes no hour. */
struct shape {
    const char *name;
    size_t rows;
    bool quick;
};

static void scoring(struct infer_bench_model *m, const struct shape *s,
                    enum infer_precision p)
{
    struct limits before = limits();
    struct infer_bench b = forward(m, s->rows, 512, 0, p);
    struct limits after = limits();
    double limit = before.by[p] > after.by[p] ? before.by[p] : after.by[p];
    printf("%-6s %s  512-token rows        %8.1f tokens/s  %5.1f%% of %.0f "
           "GFLOP/s\n",
           s->name, infer_precision_name(p), (double)b.tokens / b.seconds,
           100 * gflops(&b) / limit, limit);
}

/* Seconds of a pass on tiles, or by oneDNN. */
static double pass(struct infer_bench_model *m, const struct shape *s,
                   bool on_tiles, double *flop)
{
    infer_tiles_allow(on_tiles);
    struct infer_bench b = forward(m, s->rows, 512, 0, INFER_PRECISION_BF16);
    infer_tiles_allow(true);
    *flop = b.flop;
    return b.seconds;
}

/* Our own kernel against the tile unit's peak, and against oneDNN: the same
 * rows by both, in turn, and with the weights packed before. */
static void tiles(struct infer_bench_model *m, const struct shape *s)
{
    enum { ONEDNN, MAPPED, PACKED, WAYS };
    static const char *const name[] = {"oneDNN", "tiles", "tiles, packed"};
    double peak = infer_bench_tile_peak(), flop;
    double best[WAYS] = {INFINITY, INFINITY, INFINITY};
    for (int i = 0; i < 2 * WAYS; i++) {
        int way = i % WAYS;
        must(infer_bench_model_pack(m, way == PACKED, &err));
        best[way] = fmin(best[way], pass(m, s, way != ONEDNN, &flop));
    }
    must(infer_bench_model_pack(m, false, &err));
    for (int way = 0; way < WAYS; way++)
        printf("%-6s bf16  %-21s %8.1f tokens/s  %5.1f%% of the tiles' peak of "
               "%.0f GFLOP/s, %.2f times oneDNN\n",
               s->name, name[way], (double)(512 * s->rows) / best[way],
               flop / best[way] * 1e-7 / peak, peak, best[ONEDNN] / best[way]);
}

/* A sixteenth of the rows is the flattened batch: it takes as long for each. */
static void sharing(struct infer_bench_model *m, const char *shape,
                    enum infer_precision p)
{
    enum { RESPONSES = 16, PROMPT = 768, RESPONSE = 256 };
    struct infer_bench one = forward(m, 1, PROMPT + RESPONSE, 0, p);
    struct infer_bench all =
        forward(m, RESPONSES, PROMPT + RESPONSE, PROMPT, p);
    printf("%-6s %s  16 responses, forest   %8.2f a second  %5.2f times "
           "flattened\n",
           shape, infer_precision_name(p), RESPONSES / all.seconds,
           RESPONSES * one.seconds / all.seconds);
}

static void decoding(struct infer_bench_model *m, const char *shape)
{
    double seconds, bytes, bandwidth, again;
    must(infer_bench_bandwidth(&bandwidth, &err));
    must(infer_bench_decode(m, &seconds, &bytes, &err));
    must(infer_bench_bandwidth(&again, &err));
    bandwidth = again > bandwidth ? again : bandwidth;
    printf("%-6s bf16  greedy decoding       %8.2f tokens/s  %5.1f%% of %.1f "
           "GB/s\n",
           shape, 1 / seconds, 100 * bytes / seconds * 1e-9 / bandwidth,
           bandwidth);
}

static void one_shape(const char *name)
{
    bool big = strcmp(name, "7B") == 0;
    struct shape s = {.name = name, .rows = big ? 1 : 4, .quick = !big};
    struct infer_config c;
    struct infer_bench_model *m;
    must(infer_shape_parse(&c, name, &err));
    c.vocab = 32000;
    must(infer_bench_model_new(&m, &c, &err));
    if (infer_tiles_here() && !infer_dnn_missing())
        tiles(m, &s);
    decoding(m, name);
    for (int i = 0; i < 2; i++) {
        enum infer_precision precision =
            i ? INFER_PRECISION_FP32 : INFER_PRECISION_BF16;
        if (i ? !s.quick : infer_bf16_missing() != NULL)
            continue;
        infer_tiles_allow(infer_dnn_missing() != NULL);
        scoring(m, &s, precision);
        infer_tiles_allow(true);
        if (s.quick)
            sharing(m, name, precision);
    }
    infer_bench_model_free(m);
}

static void scratch(void)
{
    struct infer_config c;
    const struct infer_forest_size f = {16384, 4096, 64};
    must(infer_shape_parse(&c, "7B", &err));
    for (int p = 0; p < 2; p++) {
        const struct infer_weights w = {.precision = (enum infer_precision)p};
        if (p == INFER_PRECISION_FP32 || !infer_bf16_missing())
            printf("7B     %s  a forest of 16k tokens %6.2f GiB beside the "
                   "weights\n",
                   infer_precision_name(w.precision),
                   (double)infer_score_bytes(&c, &w, f) / (1 << 30));
    }
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"110M", "1.1B"};
    if (infer_blas_load(NULL))
        return 4;
    printf("OpenBLAS's %s kernels%s; bf16: %s\n", infer_blas_kernel(),
           infer_blas_asked(),
           infer_dnn_missing() ? infer_dnn_missing() : "oneDNN");
    scratch();
    for (int i = 1; i < argc; i++)
        one_shape(argv[i]);
    for (size_t i = 0; argc < 2 && i < sizeof usual / sizeof *usual; i++)
        one_shape(usual[i]);
    return 0;
}
