/* fp32 products by a kernel of our own, for processors with AVX2 and no
 * AVX-512: OpenBLAS's kernels for those sum some elements of a result in
 * another order than others, by their place in it. Here each element is the
 * sum of its terms in ascending order, in runs of a fixed length, with FMA: a
 * row's bits depend on nothing but the row and the weights. Private to
 * gemm.c. */
#ifndef PREFKIT_INFER_MATH_GEMM_AVX2_H
#define PREFKIT_INFER_MATH_GEMM_AVX2_H

#include "infer/math/gemm.h"

/* Does OpenBLAS compute with such a kernel now? */
bool infer_avx2_wanted(void);

/* Floats of scratch that infer_avx2_linear takes, whatever the product. */
size_t infer_avx2_floats(void);

/* As infer_linear; `mem`, 64-byte aligned, has infer_avx2_floats(). */
void infer_avx2_linear(float *y, const float *x, const struct infer_matrix *w,
                       size_t rows, bool add, float *mem);

/* As infer_gemm_block, with a not transposed. */
void infer_avx2_block(struct infer_block s, struct infer_mat a,
                      struct infer_mat b, float *c, size_t ldc);

#endif
