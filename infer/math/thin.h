/* Products with few rows, for decoding, and attention by one row. The weights
 * are read once, as they lie (f32 or bf16), for all rows together. Sums are in
 * f32, 16 of them for each element, in an order that depends on the number of
 * columns alone: a row gives the same bits alone and among others, with any
 * number of threads. (The last bits depend on whether the processor has FMA,
 * and differ from infer_linear's.) */
#ifndef PREFKIT_INFER_MATH_THIN_H
#define PREFKIT_INFER_MATH_THIN_H

#include "infer/infer.h"

/* y (n, w->rows) = x (n, w->cols) w^T, or += with add. No overlap. */
void infer_thin_linear(float *y, const float *x, const struct infer_matrix *w,
                       size_t n, bool add);

/* One query's attention to n keys (or values) that lie ld floats apart. */
struct infer_reach {
    size_t n, d, ld;
};
/* p[t] = q . k[t]. */
void infer_thin_scores(const struct infer_reach *a, float *p, const float *q,
                       const float *k);
/* o (d) += p[0] v[0] + p[1] v[1] + ..., one after the other: the bits do not
 * depend on where a path is cut in pieces. */
void infer_thin_values(const struct infer_reach *a, float *o, const float *p,
                       const float *v);

#endif
