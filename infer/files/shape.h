/* The shape of a model, as an option spells it. */
#ifndef PREFKIT_INFER_FILES_SHAPE_H
#define PREFKIT_INFER_FILES_SHAPE_H

#include "infer/infer.h"

/* "15M", "110M", "1.1B", "7B", or
 * "dim=64,layers=2,heads=4,kv_heads=2,hidden=176" (also positions=, head_dim=,
 * theta=, eps=; a name may be followed by such changes: "15M,positions=512").
 * Fills everything but vocabulary and special tokens. PK_EUSAGE. */
PK_NODISCARD int infer_shape_parse(struct infer_config *c, const char *text,
                                   struct pk_err *err);

#endif
