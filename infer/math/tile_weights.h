/* A model's layers once more, in the order in which the processor's tile unit
 * takes them (gemm_tiles.h): for as much memory as they take in bf16, forests
 * need not pack them, again and again. */
#ifndef PREFKIT_INFER_MATH_TILE_WEIGHTS_H
#define PREFKIT_INFER_MATH_TILE_WEIGHTS_H

#include "infer/infer_model.h"

size_t infer_tile_weights_bytes(const struct infer_config *c,
                                struct infer_weights *w);

/* *slab, to be freed, is what w's matrices point to then. PK_EMEM. */
PK_NODISCARD int infer_tile_weights_new(uint16_t **slab,
                                        const struct infer_config *c,
                                        struct infer_weights *w,
                                        struct pk_err *err);

#endif
