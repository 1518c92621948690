/* Products of a few rows, which are as fast as the weights come from memory. */
#ifndef PREFKIT_INFER_THIN_H
#define PREFKIT_INFER_THIN_H

#include "infer/infer.h"

/* y (rows, out) = x (rows, in) w^T, or += with add, with the weights read once.
 * A row gets the same bits whatever the other rows, the threads and the
 * instruction set; in f32, also from weights stored in bf16. */
void infer_thin_linear(float *y, const float *x, const struct infer_matrix *w,
                       size_t rows, bool add);

#endif
