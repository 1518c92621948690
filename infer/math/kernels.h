/* The kernels between matrix products. Pure functions over pointers and sizes,
 * all f32; sums that matter are taken in double. Each output row depends on
 * its own inputs alone, and sums over rows are taken in chunks of fixed size,
 * in order: the bits never depend on the number of threads. */
#ifndef PREFKIT_INFER_MATH_KERNELS_H
#define PREFKIT_INFER_MATH_KERNELS_H

#include <stddef.h>

#include "common/err.h"
#include "infer/math/values.h"

/* y (rows, c) = x * rstd * w, rstd = 1 / sqrt(mean(x^2) + eps).
 * (Zhang and Sennrich, arXiv 1910.07467.) No overlap. */
struct infer_rmsnorm {
    const float *x; /* (rows, c) */
    const float *w; /* (c) */
    size_t rows, c;
    double eps;
};
void infer_rmsnorm(struct infer_values y, const struct infer_rmsnorm *n);

/* dx (rows, c) += and (unless dw is NULL) dw (c) += the gradients, given dy
 * (rows, c); rstd is computed again. PK_EMEM. */
PK_NODISCARD int infer_rmsnorm_backward(float *dx, float *dw, const float *dy,
                                        const struct infer_rmsnorm *n,
                                        struct pk_err *err);

/* y = each head of x (rows, heads * d), rotated by its row's position, pairing
 * element i with i + d/2 (Su et al., arXiv 2104.09864, in Hugging Face's
 * order). `row_token` gives each row's token and `depth` that token's
 * position. inverse: rotate back, which is the adjoint. y.f32 may be x. */
struct infer_rope {
    const float *table;
    const size_t *row_token, *depth;
    size_t heads, d;
    int inverse;
};
void infer_rope(struct infer_values y, const float *x, size_t rows,
                const struct infer_rope *r);

/* act = silu(gate) * up, n elements. (Shazeer, arXiv 2002.05202.) */
void infer_swiglu(struct infer_values act, const float *gate, const float *up,
                  size_t n);

/* Its adjoint, given d by act: dgate, dup, and act computed again (the same
 * bits) overwrite. All different memory, but that d may be dup.f32. */
struct infer_swiglu_grad {
    struct infer_values act, dgate, dup;
    const float *d, *gate, *up;
};
void infer_swiglu_backward(const struct infer_swiglu_grad *s, size_t n);

/* y (n) = x, rounded to bf16. */
void infer_round(uint16_t *y, const float *x, size_t n);

/* y (n) = x. No overlap. */
void infer_copy(float *y, const float *x, size_t n);

/* Rows of x, of so many bytes, picked out: y[i] = x[index[i] - base]. */
void infer_gather(void *y, const void *x, const size_t *index, size_t base,
                  size_t rows, size_t bytes);
/* Its adjoint, for base 0 and rows of c numbers: x[index[i]] += y[i] (indices
 * all different). */
void infer_scatter_add(float *x, const float *y, const size_t *index,
                       size_t rows, size_t c);

#endif
