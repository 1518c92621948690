/* Causal attention over a forest, grouped-query (Ainslie et al., arXiv
 * 2305.13245), with no T x T matrix in memory.
 *
 * Each segment's keys and values, its ancestors' before its own, are gathered
 * into one contiguous path per key/value head; queries go against it in blocks
 * of a fixed shape that start at position 0. So what a query row gets depends
 * on its path alone, not on how the forest is cut. */
#ifndef PREFKIT_INFER_FOREST_ATTENTION_H
#define PREFKIT_INFER_FOREST_ATTENTION_H

#include "infer/forest/forest.h"
#include "infer/math/simd.h"
#include "infer/math/values.h"

struct infer_attention {
    const struct infer_packed *forest;
    const struct infer_rows *rows; /* who asks */
    size_t heads, kv_heads, d;
    bool tiles; /* in bf16, on the processor's tile unit; d is a multiple of
                   32 */
};

/* out (rows, H d) = softmax(q k^T / sqrt(d)) v. q (rows, H d), k and v
 * (N, K d), rotated already. PK_EMEM. */
struct infer_attended {
    const float *q, *k, *v;
    struct infer_values out;
    struct infer_softmax *soft; /* (rows, H), for backward; or NULL */
};
PK_NODISCARD int infer_attention_forward(const struct infer_attention *a,
                                         const struct infer_attended *x,
                                         struct pk_err *err);

/* Overwrites dq (rows, H d), dk and dv (N, K d) with the gradients, given
 * dout (rows, H d). The probabilities are computed again, by what forward left
 * in soft; their adjoint's sum over a path, of p dp, is dout's product with
 * out (Dao et al., arXiv 2205.14135, appendix B.2). PK_EMEM. */
struct infer_attention_grad {
    float *dq, *dk, *dv;
    const float *dout;
};
PK_NODISCARD int infer_attention_backward(const struct infer_attention *a,
                                          const struct infer_attended *x,
                                          const struct infer_attention_grad *g,
                                          struct pk_err *err);

/* Floats that forward, and backward, takes beside its arguments, for all
 * threads. */
size_t infer_attention_forward_floats(const struct infer_attention *a);
size_t infer_attention_backward_floats(const struct infer_attention *a);

#endif
