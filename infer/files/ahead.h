/* Weights larger than memory, read from their files layer by layer.
 *
 * A pass goes through the layers in order, and the next pass again: what the
 * kernel would throw out first is what is needed next. So the first layers,
 * as many as take half of memory, are left alone; the others are given back
 * after use, and a thread reads each layer while the one before is computed. */
#ifndef PREFKIT_INFER_FILES_AHEAD_H
#define PREFKIT_INFER_FILES_AHEAD_H

#include <stddef.h>

#include "common/err.h"

struct infer_ahead;

/* `keep`: bytes of layers that stay in memory. PK_EMEM. */
PK_NODISCARD int infer_ahead_new(struct infer_ahead **out, size_t layers,
                                 size_t keep, struct pk_err *err);
void infer_ahead_free(struct infer_ahead *s);

/* One tensor of a layer, in a mapped file; in ascending order of layers. */
PK_NODISCARD int infer_ahead_add(struct infer_ahead *s, size_t layer,
                                 const void *at, size_t bytes,
                                 struct pk_err *err);
PK_NODISCARD int infer_ahead_start(struct infer_ahead *s, struct pk_err *err);

/* A pass comes to this layer. Returns at once. */
void infer_ahead_layer(struct infer_ahead *s, size_t layer);

#endif
