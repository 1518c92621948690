/* The table of a model's tensors: which pointer of struct infer_weights each
 * of them is. */
#ifndef PREFKIT_INFER_PARAMS_H
#define PREFKIT_INFER_PARAMS_H

#include "infer/infer.h"

/* Where tensor i (infer_tensor_at) is pointed to from. */
float **infer_weights_slot(const struct infer_config *c,
                           struct infer_weights *w, size_t i);

#endif
