/* What a low-rank adapter adds to a matrix product, and its adjoints; with
 * dropout before it, as in PEFT. Everything is f32. */
#ifndef PREFKIT_INFER_FOREST_LORA_H
#define PREFKIT_INFER_FOREST_LORA_H

#include "infer/forest/forest.h"
#include "infer/math/gemm.h"

/* What is dropped is decided by a hash of the seed, the path to a token, the
 * adapter and the column, so that it is the same however a batch is cut, and
 * backward need not remember it. */
struct infer_dropout {
    double p;
    uint64_t seed;
    uint64_t *key; /* of each packed token; made by infer_dropout_plan */
    size_t cap;
};

/* Scratch that grows to what is needed; start from {0}. */
struct infer_lora_work {
    struct infer_dropout drop;
    struct infer_gemm gemm; /* fp32 */
    float *mem;
    size_t cap; /* floats */
};
void infer_lora_release(struct infer_lora_work *k);
PK_NODISCARD int infer_dropout_plan(struct infer_dropout *d,
                                    const struct infer_packed *f,
                                    struct pk_err *err);

/* Rows that go into a product, and the packed token that each is of. */
struct infer_input {
    struct infer_operand x; /* (rows, columns of W); for adapters in f32 */
    size_t rows;
    const size_t *token;
};

/* y (rows, out) += scale drop(x) A^T B^T. */
PK_NODISCARD int infer_adapter_forward(struct infer_lora_work *k, float *y,
                                       const struct infer_adapter *a,
                                       struct infer_input in,
                                       struct pk_err *err);

/* Given dy (rows, out): da and db (struct infer_adapter's of `da`) +=; and
 * dx (rows, in) +=, for which in.x is not read. */
PK_NODISCARD int infer_adapter_backward_w(struct infer_lora_work *k,
                                          const struct infer_adapter *da,
                                          const struct infer_adapter *a,
                                          const float *dy,
                                          struct infer_input in,
                                          struct pk_err *err);
PK_NODISCARD int infer_adapter_backward_x(struct infer_lora_work *k, float *dx,
                                          const struct infer_adapter *a,
                                          const float *dy,
                                          struct infer_input in,
                                          struct pk_err *err);

#endif
