/* infer_linears and its adjoints in bf16; see gemm.h. Private to gemm.c. On the
 * processor's tile unit where there is one (gemm_tiles.h), else through oneDNN.
 */
#ifndef PREFKIT_INFER_MATH_GEMM_BF16_H
#define PREFKIT_INFER_MATH_GEMM_BF16_H

#include "infer/math/gemm.h"

PK_NODISCARD int infer_bf16_linears(struct infer_gemm *g,
                                    const struct infer_linear *to, size_t n,
                                    struct infer_operand x, size_t rows,
                                    bool add, struct pk_err *err);
PK_NODISCARD int infer_bf16_linears_backward(struct infer_gemm *g,
                                             const struct infer_linears_grad *b,
                                             struct pk_err *err);

/* Floats of scratch that they take. */
size_t infer_bf16_floats(const struct infer_gemm_sizes *s);
size_t infer_bf16_backward_floats(const struct infer_gemm_sizes *s);

#endif
