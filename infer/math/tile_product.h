/* Products on tiles, whatever their operands are: the engine behind
 * gemm_tiles.h, where its way of working is told. Private to gemm_tiles.c. */
#ifndef PREFKIT_INFER_MATH_TILE_PRODUCT_H
#define PREFKIT_INFER_MATH_TILE_PRODUCT_H

#include "infer/math/gemm.h"
#include "infer/math/tile_pack.h"

/* Where sums go. */
struct result {
    float *c;
    size_t rows, cols; /* cols apart */
    bool add;
};

/* A product of the resident operand with a streaming one. */
struct part {
    struct side stream;
    const uint16_t *tiles; /* stream, packed before: (panels, terms, 2 tiles);
                              NULL: each thread packs what it takes */
    struct result y;
    /* NULL, or a second stream of the same shape: y is silu of the first's
     * sums, times this one's. A panel is then a tile of either, not two. */
    const struct part *gated;
};

/* One or more that share their resident operand. */
struct product {
    const struct part *part;
    size_t parts;
    struct side resident;
    bool transposed;      /* sums are, on their way to y */
    size_t k;             /* tiles of terms, */
    size_t depth;         /* and how many of them are taken at a time */
    uint16_t *packed;     /* resident: (terms, blocks, tiles of terms, 2) */
    size_t first, blocks; /* the piece of it: its first row, and its blocks */
    float *mine;          /* what each thread needs: */
    size_t each;          /* so many floats */
};

/* Rows of the resident operand at a time, at most. Streams pass it once for
 * each such piece: where there are several, they are packed before. */
enum { INFER_TILE_RESIDENT = 512 };

/* A side as panels: so many numbers, at dst, 64-byte aligned. */
size_t infer_tile_side(const struct side *s);
void infer_tile_pack(uint16_t *dst, const struct side *s);

/* Floats of scratch that products of up to so many rows and terms take at most,
 * whose streams have so many numbers, in whole tiles, together. */
size_t infer_tile_product_floats(size_t rows, size_t terms, size_t together);

/* Compute all parts: p's first four fields are given. PK_EMEM. */
PK_NODISCARD int infer_tile_product(struct infer_gemm *g, struct product *p,
                                    struct pk_err *err);

#endif
