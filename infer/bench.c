/* Measuring the machine and the core on it; see bench.h. */
#include "infer/bench.h"

#include <math.h>
#include <stdlib.h>

#include <cblas.h>

#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"

/* Uniform in [-scale, scale), by all threads: a large model fills in seconds.
 */
static void fill(float *p, size_t n, float scale)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i++) {
        uint32_t x = (uint32_t)i * 2654435761u + 12345u;
        x = (x ^ (x >> 15)) * 2246822519u;
        p[i] = scale * ((float)(x >> 8) / 8388608.0F - 1.0F);
    }
}

int infer_bench_fp32_limit(double *gflops, struct pk_err *err)
{
    enum { M = 512, N = 4096, K = 4096 };
    float *a = pk_calloc_aligned((size_t)M * K, sizeof *a);
    float *b = pk_calloc_aligned((size_t)N * K, sizeof *b);
    float *c = pk_calloc_aligned((size_t)M * N, sizeof *c);
    int rc = a && b && c ? 0 : pk_fail_mem(err, "a matrix product");
    double best = INFINITY;
    if (!rc) {
        fill(a, (size_t)M * K, 1);
        fill(b, (size_t)N * K, 1);
    }
    for (int i = 0; !rc && i < 10; i++) {
        double from = pk_now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, 1, a, K,
                    b, K, 0, c, N);
        best = fmin(best, pk_now() - from);
    }
    *gflops = 2.0 * M * N * K / best * 1e-9;
    free(a);
    free(b);
    free(c);
    return rc;
}

int infer_bench_bandwidth(double *gbytes, struct pk_err *err)
{
    size_t n = (size_t)1 << 27; /* 512 MiB */
    float *p = pk_calloc_aligned(n, sizeof *p);
    if (!p)
        return pk_fail_mem(err, "the bandwidth test");
    fill(p, n, 1);
    double best = INFINITY;
    volatile float sink = 0;
    for (int i = 0; i < 5; i++) {
        double from = pk_now();
        float sum = 0;
#pragma omp parallel for reduction(+ : sum)
        for (size_t k = 0; k < n; k += 16) /* one element of each cache line */
            sum += p[k];
        sink = sum;
        best = fmin(best, pk_now() - from);
    }
    (void)sink;
    free(p);
    *gbytes = (double)(n * sizeof *p) / best * 1e-9;
    return 0;
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
        ids[0] = (int32_t)(r % vocab); /* nothing is shared */
        for (size_t i = 1; i < b->len; i++)
            ids[i] = (int32_t)pk_rng_below(&rng, vocab);
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
    double n = (double)(b->rows * b->len), reads = (double)b->rows;
    double C = (double)c->dim, F = (double)c->hidden;
    double q = (double)(c->heads * c->head_dim);
    double kv = (double)(c->kv_heads * c->head_dim);
    double keys = 2 * C * kv, rest = 2 * C * q + 3 * C * F;
    double whole = (double)c->layers - 1;
    double pairs = n * (double)(b->len + 1) / 2; /* query and key */
    return 2 * n * (keys * (whole + 1) + rest * whole) + 2 * reads * rest +
           4 * q * (pairs * whole + reads * (double)b->len);
}

int infer_bench_forward(struct infer_bench *b, const struct infer_config *c,
                        struct pk_err *err)
{
    struct infer_params *p = NULL;
    struct infer_forest *f = NULL;
    float *hidden = pk_calloc_aligned(b->rows * c->dim, sizeof *hidden);
    int rc = hidden ? 0 : pk_fail_mem(err, "read-outs");
    if (!rc)
        rc = infer_params_new(&p, c, err);
    if (!rc)
        rc = infer_forest_new(&f, err);
    if (!rc) {
        fill(p->slab, p->n, 0.03F);
        rc = add_rows(f, b, c->vocab, err);
    }
    b->seconds = INFINITY;
    for (int i = 0; !rc && i < 3; i++) {
        double from = pk_now();
        rc = infer_forward(c, &p->w, f, NULL, hidden, err);
        b->seconds = fmin(b->seconds, pk_now() - from);
    }
    b->flop = count_flop(b, c);
    infer_forest_free(f);
    infer_params_free(p);
    free(hidden);
    return rc;
}
