/* Tensors that a file has and its model has no place for. */
#ifndef PREFKIT_INFER_FILES_FOREIGN_H
#define PREFKIT_INFER_FILES_FOREIGN_H

#include "infer/infer_model.h"

/* Would the model compute something else with the tensor of this name (in a
 * Hugging Face directory), which is none of the config's: a bias, a layer past
 * the last, a norm that this architecture lacks? Not what other programs keep
 * beside the weights: rotary frequencies, another head. */
bool infer_tensor_foreign(const struct infer_config *c, const char *name);

/* The same of a layer's tensor, by what stands before its name: "blk.", and
 * its names without ".weight". */
bool infer_layer_tensor(const struct infer_config *c, const char *before,
                        const char *const names[], const char *name);

#endif
