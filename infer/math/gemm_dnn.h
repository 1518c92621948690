/* bf16 matrix products through oneDNN (built in unless `make ONEDNN=0`), with
 * f32 sums and results. */
#ifndef PREFKIT_INFER_MATH_GEMM_DNN_H
#define PREFKIT_INFER_MATH_GEMM_DNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Why there are none here, in a few words; NULL: there are. Processors that
 * have AVX-512 but no bf16 in it have none: oneDNN (2.6) gets through it there,
 * no faster than f32, but a row's bits depend on its place where there are 12
 * threads or more. */
const char *infer_dnn_missing(void);
/* Does a row of a product have the same bits whatever the number of rows? Its
 * kernels for avx512_bf16 sum each element in the same order for any m (oneDNN
 * 2.6, measured: m 1 to 512, 1 to 64 threads); those for a tile unit (AMX) were
 * not measured. */
bool infer_dnn_rows_apart(void);

/* oneDNN's engine and stream; one for each caller. Primitives it keeps itself,
 * by shape. */
struct infer_dnn;
void infer_dnn_free(struct infer_dnn *d);

/* c (m, n) = or += op(a) op(b), row-major and dense. *d is made when it is
 * NULL. PK_EMEM, or PK_EBUG for what oneDNN refuses. */
struct infer_dnn_product {
    size_t m, n, k;
    bool a_t, b_t; /* a is stored (k, m), b is stored (n, k) */
    bool add;
};
PK_NODISCARD int infer_dnn_multiply(struct infer_dnn **d,
                                    const struct infer_dnn_product *p, float *c,
                                    const uint16_t *a, const uint16_t *b,
                                    struct pk_err *err);

#endif
