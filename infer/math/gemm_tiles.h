/* infer_linear and its adjoints in bf16 on the processor's tile unit (Intel
 * AMX), by a kernel of our own; see gemm.h. Private to gemm_bf16.c.
 *
 * A result is cut into blocks of two by two tiles, each summed in the unit's
 * registers over hundreds of terms at a time. Of a product's operands one, the
 * resident one, is packed into tiles once, a piece of it that the second-level
 * cache holds at a time; the other streams past it in panels two tiles wide,
 * packed by the thread that uses them. For y = x w^T the weights stream and the
 * transposed product is computed: row-major weights are then, as they lie, the
 * operand that needs no interleaving, and the sums are transposed on their way
 * out. For dx and dw no sum has to be.
 *
 * Packing panels takes a third of a product's time. Where a product has more
 * rows than one resident piece, all of its panels are packed before the first,
 * in scratch; and a model that is to score many short texts is packed once
 * (tile_weights.h), at its size in memory again.
 *
 * Measured on two cores of Sapphire Rapids servers (virtual, shared), best of
 * several, in the same run: 512 x 4096 x 4096 oneDNN 2.6 18% of the unit's
 * peak, mapped weights 30% (33 to 37% when the machine was quiet), packed ones
 * 36%; scoring 512-token rows with a model of 110M 1.4 times oneDNN from mapped
 * weights and 2.0 times from packed ones; from mapped ones 1.5 times with 1.1B,
 * 2.0 times with 7B.
 *
 * An element's terms are summed in one order, whatever the shape and whatever
 * the other rows: a row gives the same bits alone and among thousands, with any
 * number of threads. */
#ifndef PREFKIT_INFER_MATH_GEMM_TILES_H
#define PREFKIT_INFER_MATH_GEMM_TILES_H

#include "infer/math/gemm.h"

/* Are products computed on tiles? Where the processor has the unit and the
 * system, asked the first time, gives its state; and it is not forbidden: by
 * PREFKIT_TILES=0 in the environment, or (for tests and measurements) by
 * infer_tiles_allow. */
bool infer_tiles_here(void);
void infer_tiles_allow(bool yes);

/* Floats of scratch that products of up to so many rows and terms take at most,
 * with weights that go together of (out, in). */
size_t infer_tiles_floats(size_t rows, size_t terms, size_t out, size_t in);

/* A matrix in the order in which the unit takes it: so many bf16 numbers, at
 * dst, 64-byte aligned. Products with it then pack no weights and transpose no
 * sums, and have the same bits. */
size_t infer_tiles_weights(const struct infer_matrix *w);
void infer_tiles_pack(uint16_t *dst, const struct infer_matrix *w);

/* Of n products at once, whose weights all take the same x. */
PK_NODISCARD int infer_tiles_linears(struct infer_gemm *g,
                                     const struct infer_linear *to, size_t n,
                                     struct infer_operand x, size_t rows,
                                     bool add, struct pk_err *err);
/* y (rows, out) = silu(x gate^T) * (x up^T), element by element; gate and up
 * (out, in). The same bits as of the two products and infer_swiglu. */
PK_NODISCARD int infer_tiles_gated(struct infer_gemm *g, float *y,
                                   const struct infer_matrix *gate,
                                   const struct infer_matrix *up,
                                   struct infer_operand x, size_t rows,
                                   struct pk_err *err);
PK_NODISCARD int infer_tiles_dx(struct infer_gemm *g, float *dx,
                                struct infer_operand dy,
                                const struct infer_matrix *w, size_t rows,
                                bool add, struct pk_err *err);
PK_NODISCARD int infer_tiles_dw(struct infer_gemm *g,
                                const struct infer_matrix *dw,
                                struct infer_operand dy, struct infer_operand x,
                                size_t rows, struct pk_err *err);

#endif
