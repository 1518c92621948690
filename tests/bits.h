/* What is equal to the bit where OpenBLAS's kernels keep a row's bits wherever
 * it lies; on the others (AVX2 without AVX-512, see infer/gemm.h) it is near.
 */
#ifndef PREFKIT_TESTS_BITS_H
#define PREFKIT_TESTS_BITS_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "infer/infer.h"
#include "tests/support.h"

static inline bool bits_kept(void)
{
    const char *kernel = infer_blas_kernel();
    return strcmp(kernel, "Haswell") != 0 && strcmp(kernel, "Zen") != 0;
}

static inline bool same_number(double a, double b)
{
    return bits_kept() ? a == b : fabs(a - b) <= 1e-5 * (1 + fabs(b));
}

static inline void ck_same(const float *a, const float *b, size_t n)
{
    if (bits_kept())
        ck_assert_mem_eq(a, b, n * sizeof *a);
    ck_close(a, b, n, 1e-5, 1e-5, "numbers");
}

#endif
