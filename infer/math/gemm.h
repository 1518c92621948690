/* Every matrix product of the program: in fp32 through OpenBLAS, in bf16
 * on the tile unit or through oneDNN, and by kernels of our own where rows are
 * few or OpenBLAS's bits will not do. Another backend is another file behind
 * the functions here.
 *
 * fp32: a product is cut into tiles whose size depends on the shape of the
 * weights alone, each computed by one thread, so the bits of the result do not
 * depend on the number of threads. In infer_linear they do not depend on the
 * other rows either: a row gives the same bits alone and among thousands.
 * OpenBLAS (measured, 0.3.21) breaks that only through its small-matrix kernel,
 * used for m n k <= 10^6, and where rows are left over from the 12 (or a part
 * of them) that its kernels take at once: so tiles are padded with rows of
 * zeros.
 * Its kernels for AVX2 break it everywhere: where they are in use, infer_linear
 * and blocks are computed by a kernel of our own (infer/math/gemm_avx2.h), at
 * 80 to 90% of its speed (Zen 3, one thread, 512 rows) and as fast with few
 * rows.
 *
 * Weights stored in bf16 are widened a tile at a time just before they are
 * used: the same bits as from weights widened beforehand.
 *
 * bf16: operands are rounded to bf16, sums and results are f32. On a processor
 * with a tile unit (AMX) by a kernel of our own (infer/math/gemm_tiles.h),
 * which rounds and packs as it goes; elsewhere through oneDNN, which uses
 * weights stored in bf16 as they lie, and others rounded into scratch for each
 * product: rows go in blocks of a fixed number, the last one padded where
 * oneDNN's bits would depend on it (infer_dnn_rows_apart). Either way a row's
 * bits do not depend on the others; but on the machine they may. */
#ifndef PREFKIT_INFER_MATH_GEMM_H
#define PREFKIT_INFER_MATH_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "infer/infer.h"
#include "infer/math/values.h"

static inline size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

static inline size_t at_least(size_t n, size_t least)
{
    return n > least ? n : least;
}

/* What products need beside their operands: what to compute in, and scratch,
 * which grows to what the largest product takes and is used again. Start from
 * {.precision = ...}; one for each caller.
 *
 * thin: infer_linear is asked for a token or so of each of a few sequences, and
 * is as fast as the weights come from memory (infer/math/thin.h): in f32
 * whatever the precision, and again with a row's bits its own. */
struct infer_gemm {
    enum infer_precision precision;
    bool thin;
    float *scratch;
    size_t cap; /* floats */
    struct infer_dnn *dnn;
};
void infer_gemm_release(struct infer_gemm *g);

/* Floats of scratch that infer_linears, or infer_linears_backward, takes at
 * most: of up to so many rows; a matrix's rows and columns up to `wide`, and
 * all that go together up to (most, most_in). Not what OpenBLAS and oneDNN take
 * inside. */
struct infer_gemm_sizes {
    enum infer_precision precision;
    bool narrow; /* weights are stored in bf16 */
    size_t rows, wide, most, most_in;
};
size_t infer_gemm_floats(const struct infer_gemm_sizes *s);
size_t infer_gemm_backward_floats(const struct infer_gemm_sizes *s);

/* Room for n floats, of any content, until the next product; NULL with the
 * error set. */
float *infer_gemm_scratch(struct infer_gemm *g, size_t n, struct pk_err *err);

/* y (rows, out) = x (rows, in) w^T, or += with add. w (out, in). Overwrites or
 * adds to y; no overlap. PK_EMEM when scratch finds no memory, PK_EIO when
 * OpenBLAS cannot be loaded, as below. */
PK_NODISCARD int infer_linear(struct infer_gemm *g, float *y, const float *x,
                              const struct infer_matrix *w, size_t rows,
                              bool add, struct pk_err *err);

/* The same for up to INFER_LINEARS products of one x: to[i].y = or += x
 * to[i].w^T. Some backends then read x once for all of them. Rounded operands
 * are for bf16 alone, here and below. */
enum { INFER_LINEARS = 3 };
struct infer_linear {
    float *y;
    const struct infer_matrix *w;
};
PK_NODISCARD int infer_linears(struct infer_gemm *g,
                               const struct infer_linear *to, size_t n,
                               struct infer_operand x, size_t rows, bool add,
                               struct pk_err *err);

/* The first half of a feed-forward, without room for it: y (rows, out) =
 * silu(x gate^T) * (x up^T) (infer_swiglu), in one product. Only where
 * infer_gated_here. */
bool infer_gated_here(const struct infer_gemm *g);
PK_NODISCARD int infer_gated(struct infer_gemm *g, float *y,
                             const struct infer_matrix *gate,
                             const struct infer_matrix *up,
                             struct infer_operand x, size_t rows,
                             struct pk_err *err);

/* The adjoints of infer_linears: from each dy (rows, out), dx (rows, in) =, or
 * += with add, the sum of all dy w, in order; and dw (out, in) += dy^T x.
 * Without dx, or without x, or where dw.f32 is NULL, not that one. Some
 * backends then read x, and each dy, once. */
struct infer_linear_grad {
    struct infer_operand dy;
    const struct infer_matrix *w, *dw;
};
struct infer_linears_grad {
    const struct infer_linear_grad *of; /* n: 1 to INFER_LINEARS */
    size_t n, rows;
    struct infer_operand x;
    float *dx;
    bool add;
};
PK_NODISCARD int infer_linears_backward(struct infer_gemm *g,
                                        const struct infer_linears_grad *of,
                                        struct pk_err *err);

/* Is dw of this one asked for? */
static inline bool infer_wants_dw(const struct infer_linears_grad *b, size_t i)
{
    return (b->x.f32 || b->x.bf16) && b->of[i].dw->f32;
}

/* One of the two, of one product. */
PK_NODISCARD int infer_linear_dx(struct infer_gemm *g, float *dx,
                                 const float *dy, const struct infer_matrix *w,
                                 size_t rows, bool add, struct pk_err *err);
PK_NODISCARD int infer_linear_dw(struct infer_gemm *g,
                                 const struct infer_matrix *dw, const float *dy,
                                 const float *x, size_t rows,
                                 struct pk_err *err);

/* One small product on the calling thread, for attention's blocks:
 * C (m, n) = op(A) op(B), or += with add. One of the above has been
 * called before: they can say that there is no OpenBLAS. */
struct infer_mat {
    const float *p;
    size_t ld;
    bool t; /* transposed: element (i, j) of op(A) is p[j * ld + i] */
};
struct infer_block {
    size_t m, n, k;
    bool add;
};
void infer_gemm_block(struct infer_block s, struct infer_mat a,
                      struct infer_mat b, float *c, size_t ldc);

#endif
