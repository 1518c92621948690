/* AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping by the global
 * norm. All loops run over chunks of fixed size, so that the result does not
 * depend on the number of threads. Memory is what they wait for: the norm reads
 * a gradient once, and an update reads and writes everything once. */
#ifndef PREFKIT_RM_TRAIN_ADAMW_H
#define PREFKIT_RM_TRAIN_ADAMW_H

#include <stdint.h>

#include "infer/infer.h"

/* The paper's values (2.2 and 3.2.2): .9, .95, 1e-5, .1, 1. */
struct rm_adamw_opts {
    double beta1, beta2, eps;
    double decay; /* times the learning rate, off every matrix, the score head
                     among them; norms do not decay */
    double clip;  /* largest norm of the whole gradient; 0: not clipped */
};

struct rm_adamw {
    struct rm_adamw_opts opts;
    float *m, *v;  /* first and second moments, each as a slab of parameters */
    uint64_t step; /* updates made */
};

/* For parameters such as p. */
PK_NODISCARD int rm_adamw_init(struct rm_adamw *a,
                               const struct rm_adamw_opts *opts,
                               const struct infer_params *p,
                               struct pk_err *err);
void rm_adamw_release(struct rm_adamw *a);

/* The 2-norm of n elements, summed in double. Not finite if any is not. */
PK_NODISCARD int rm_norm(const float *x, size_t n, double *out,
                         struct pk_err *err);

/* One update of p by the gradient g (the same tensors), whose norm is
 * `norm`, after which g is 0: g is scaled down to the clip first, then, with t
 * counting from 1,
 *
 *     m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
 *     p = p (1 - lr decay) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 */
void rm_adamw_update(struct rm_adamw *a, struct infer_params *p,
                     struct infer_params *g, double norm, double lr);

#endif
