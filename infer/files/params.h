/* The table of a model's tensors: which matrix of struct infer_weights each of
 * them is; and where values for all of them come from. */
#ifndef PREFKIT_INFER_FILES_PARAMS_H
#define PREFKIT_INFER_FILES_PARAMS_H

#include "common/rng.h"
#include "infer/infer.h"

/* The tensors of a layer, in the order of INFER_LAYER_TENSORS. */
enum {
#define INFER_ONE(field, rows, cols, name) INFER_LAYER_##field,
    INFER_LAYER_TENSORS(INFER_ONE)
#undef INFER_ONE
        INFER_PER_LAYER
};

/* Tensor i (infer_tensor_at). */
struct infer_matrix *infer_weights_slot(const struct infer_config *c,
                                        struct infer_weights *w, size_t i);

/* n elements of a tensor from element `from` on, widened, and with what an
 * adapter changes in them. */
void infer_matrix_values(const struct infer_matrix *m, size_t from, float *dst,
                         size_t n);

/* Values of all tensors, asked for tensor by tensor and each from its start
 * on: so that a model need not be whole in memory to be written. */
struct infer_source {
    void *ctx;
    int (*next)(void *ctx, size_t tensor, size_t from, float *dst, size_t n,
                struct pk_err *err);
};

/* The random weights of infer_params_init. ctx is one of these. */
struct infer_random {
    const struct infer_config *c;
    uint64_t seed;
    struct pk_rng rng; /* of the tensor that is being made */
};
int infer_random_next(void *ctx, size_t tensor, size_t from, float *dst,
                      size_t n, struct pk_err *err);

/* Rows of each head from neighbouring rotary pairs (Meta's, llama2.c's and
 * GGUF's order) to first half and second half (Hugging Face's), in place. w
 * (heads * head_dim, cols). PK_EMEM. */
PK_NODISCARD int infer_unpair_rows(float *w, size_t heads, size_t head_dim,
                                   size_t cols, struct pk_err *err);

/* Has any matrix of a layer an adapter? Of weights that are not there yet
 * (w->layer is NULL), none. */
bool infer_has_adapters(const struct infer_weights *w,
                        const struct infer_config *c);

#endif
