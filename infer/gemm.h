/* Every matrix product of the program: f32 through OpenBLAS.
 *
 * A product is cut into tiles whose size depends on the shape of the weights
 * alone, each computed by one thread, so the bits of the result do not depend
 * on the number of threads. In infer_linear they do not depend on the other
 * rows either: a row gives the same bits alone and among thousands. OpenBLAS
 * (measured, 0.3.21) breaks that only through its small-matrix kernel, used
 * for m n k <= 10^6, so smaller tiles are padded with rows of zeros. */
#ifndef PREFKIT_INFER_GEMM_H
#define PREFKIT_INFER_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* y (rows, out) = x (rows, in) w^T, or += with add. w (out, in). Overwrites or
 * adds to y; no overlap. PK_EMEM when a padded copy finds no memory. */
PK_NODISCARD int infer_linear(float *y, const float *x, const float *w,
                              size_t rows, size_t out, size_t in, bool add,
                              struct pk_err *err);

/* Its adjoints: dx (rows, in) = dy (rows, out) w, or += with add;
 * dw (out, in) += dy^T x. */
void infer_linear_dx(float *dx, const float *dy, const float *w, size_t rows,
                     size_t out, size_t in, bool add);
void infer_linear_dw(float *dw, const float *dy, const float *x, size_t rows,
                     size_t out, size_t in);

/* One small product on the calling thread, for attention's blocks:
 * C (m, n) = alpha op(A) op(B), or += with add. */
struct infer_mat {
    const float *p;
    size_t ld;
    bool t; /* transposed: element (i, j) of op(A) is p[j * ld + i] */
};
struct infer_block {
    size_t m, n, k;
    float alpha;
    bool add;
};
void infer_gemm_block(struct infer_block s, struct infer_mat a,
                      struct infer_mat b, float *c, size_t ldc);

#endif
