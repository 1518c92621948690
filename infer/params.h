/* The table of a model's tensors: which pointer of struct infer_weights each
 * of them is. */
#ifndef PREFKIT_INFER_PARAMS_H
#define PREFKIT_INFER_PARAMS_H

#include "infer/infer.h"

/* Where tensor i (infer_tensor_at) is pointed to from. */
float **infer_weights_slot(const struct infer_config *c,
                           struct infer_weights *w, size_t i);

/* Rows of each head from neighbouring rotary pairs (Meta's, llama2.c's and
 * GGUF's order) to first half and second half (Hugging Face's), in place. w
 * (heads * head_dim, cols). PK_EMEM. */
PK_NODISCARD int infer_unpair_rows(float *w, size_t heads, size_t head_dim,
                                   size_t cols, struct pk_err *err);

#endif
