/* The loops where time goes outside matrix products, for several instruction
 * sets (common/cpus.h). */
#ifndef PREFKIT_INFER_MATH_SIMD_H
#define PREFKIT_INFER_MATH_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include "common/cpus.h"

/* p (n) = softmax(scale p), n >= 1, scale > 0. e^x below e^-87 of the largest
 * counts as 0; the sum is taken in double. */
void infer_softmax_row(float *p, size_t n, float scale);

/* The same in two steps. p (n) = e^(scale (p - max)): what is left to do is
 * times `inverse`. Later, from the row as it was before: softmax(scale p). */
struct infer_softmax {
    float max, inverse; /* 1 / the sum of the powers */
};
struct infer_softmax infer_softmax_powers(float *p, size_t n, float scale);
void infer_softmax_again(float *p, size_t n, float scale,
                         struct infer_softmax s);

/* Its adjoint: dp (n) = scale p (dp - dot), where dot is sum(dp p). */
void infer_softmax_backward_row(float *restrict dp, const float *p, size_t n,
                                float scale, float dot);

/* act = silu(gate) * up, n elements. */
void infer_swiglu_run(float *act, const float *gate, const float *up, size_t n);

/* Its adjoint: d, by act, becomes that by up; and act again. */
void infer_swiglu_backward_run(float *restrict act, float *restrict dgate,
                               float *restrict d, const float *restrict gate,
                               const float *restrict up, size_t n);

#endif
