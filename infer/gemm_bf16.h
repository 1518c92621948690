/* infer_linears and its adjoints in bf16; see gemm.h. Private to gemm.c. On the
 * processor's tile unit where there is one (gemm_tiles.h), else through oneDNN.
 */
#ifndef PREFKIT_INFER_GEMM_BF16_H
#define PREFKIT_INFER_GEMM_BF16_H

#include "infer/gemm.h"

PK_NODISCARD int infer_bf16_linears(struct infer_gemm *g,
                                    const struct infer_linear *to, size_t n,
                                    const float *x, size_t rows, bool add,
                                    struct pk_err *err);
PK_NODISCARD int infer_bf16_dx(struct infer_gemm *g, float *dx, const float *dy,
                               const struct infer_matrix *w, size_t rows,
                               bool add, struct pk_err *err);
PK_NODISCARD int infer_bf16_dw(struct infer_gemm *g,
                               const struct infer_matrix *dw, const float *dy,
                               const float *x, size_t rows, struct pk_err *err);

#endif
