/* Measuring the machine; see bench.h. */
#include "infer/bench/bench.h"

#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/progress.h"
#include "infer/bench/fill.h"
#include "infer/math/blas.h"
#include "infer/math/gemm_dnn.h"

enum { M = 512, N = 4096, K = 4096, PRODUCTS = 10 };

static double gflops(double seconds)
{
    return 2.0 * M * N * K / seconds * 1e-9;
}

int infer_bench_fp32_limit(double *out, struct pk_err *err)
{
    float *a = pk_calloc_aligned((size_t)M * K, sizeof *a);
    float *b = pk_calloc_aligned((size_t)N * K, sizeof *b);
    float *c = pk_calloc_aligned((size_t)M * N, sizeof *c);
    int rc = infer_blas_ready(err);
    const struct infer_blas *blas = infer_blas();
    if (!rc && !(a && b && c))
        rc = pk_fail_mem(err, "a matrix product");
    double best = INFINITY;
    if (!rc) {
        infer_bench_fill(a, (size_t)M * K, 1);
        infer_bench_fill(b, (size_t)N * K, 1);
    }
    for (int i = 0; !rc && i < PRODUCTS; i++) {
        double from = pk_now();
        blas->sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, 1, a, K,
                    b, K, 0, c, N);
        best = fmin(best, pk_now() - from);
    }
    *out = gflops(best);
    free(a);
    free(b);
    free(c);
    return rc;
}

int infer_bench_bf16_limit(double *out, struct pk_err *err)
{
    *out = 0;
    if (infer_dnn_missing())
        return 0;
    uint16_t *a = pk_calloc_aligned((size_t)M * K, sizeof *a);
    uint16_t *b = pk_calloc_aligned((size_t)N * K, sizeof *b);
    float *c = pk_calloc_aligned((size_t)M * N, sizeof *c);
    struct infer_dnn *dnn = NULL;
    const struct infer_dnn_product p = {M, N, K, false, true, false};
    int rc = a && b && c ? 0 : pk_fail_mem(err, "a matrix product");
    double best = INFINITY;
    if (!rc) {
        infer_bench_fill_bf16(a, (size_t)M * K, 1);
        infer_bench_fill_bf16(b, (size_t)N * K, 1);
    }
    for (int i = 0; !rc && i < PRODUCTS; i++) {
        double from = pk_now();
        rc = infer_dnn_multiply(&dnn, &p, c, a, b, err);
        best = fmin(best, pk_now() - from);
    }
    *out = gflops(best);
    infer_dnn_free(dnn);
    free(a);
    free(b);
    free(c);
    return rc;
}

int infer_bench_bandwidth(double *gbytes, struct pk_err *err)
{
    size_t n = (size_t)1 << 28; /* 1 GiB: past every cache */
    float *p = pk_calloc_aligned(n, sizeof *p);
    if (!p)
        return pk_fail_mem(err, "the bandwidth test");
    infer_bench_fill(p, n, 1);
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
