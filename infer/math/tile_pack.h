/* The operands of products on tiles, and how they are packed: bf16 tiles in the
 * order in which the unit takes them. For gemm_tiles.c and attention_tiles.c.
 */
#ifndef PREFKIT_INFER_MATH_TILE_PACK_H
#define PREFKIT_INFER_MATH_TILE_PACK_H

#include <stddef.h>

#include "infer/math/tile_unit.h"

/* Products go by two tiles of either operand. */
enum { PAIR = 2 * TILE };

/* n in units of `unit`, and rounded up to them. */
static inline size_t units(size_t n, size_t unit)
{
    return (n + unit - 1) / unit;
}

static inline size_t whole(size_t n, size_t unit)
{
    return units(n, unit) * unit;
}

/* One side of a product: n rows (or columns of the result) of k terms, in f32
 * or bf16. */
struct side {
    const float *f32;
    const uint16_t *bf16;
    size_t n, k, ld;
    bool k_first; /* stored (k, n), not (n, k) */
    bool second;  /* the product's second operand: its terms go in pairs */
};

static inline uint16_t side_number(const struct side *s, size_t i, size_t k)
{
    size_t at = s->k_first ? k * s->ld + i : i * s->ld + k;
    uint16_t h;
    if (s->bf16)
        return s->bf16[at];
    infer_to_bf16(&h, s->f32 + at, 1);
    return h;
}

/* A tile with rows or terms beyond the operand's end: zeros. */
static inline void pack_edge(uint16_t *dst, const struct side *s, size_t i,
                             size_t k)
{
    memset(dst, 0, TILE_BF16 * sizeof *dst);
    for (size_t r = 0; r < TILE && i + r < s->n; r++)
        for (size_t t = 0; t < TILE_K && k + t < s->k; t++)
            dst[s->k_first ? t / 2 * TILE_K + 2 * r + t % 2 : r * TILE_K + t] =
                side_number(s, i + r, k + t);
}

/* A whole tile as it lies: (16 rows, 16 pairs of terms), or the other way
 * round. */
TILE_CODE static inline void pack_whole(uint16_t *dst, const struct side *s,
                                        size_t i, size_t k)
{
    size_t at = s->k_first ? k * s->ld + i : i * s->ld + k;
    for (size_t r = 0; r < TILE; r++, dst += TILE_K) {
        if (s->k_first && s->bf16) {
            const uint16_t *h = s->bf16 + at + 2 * r * s->ld;
            interleave(dst, h, h + s->ld);
        } else if (s->k_first) {
            const float *f = s->f32 + at + 2 * r * s->ld;
            uint16_t h[TILE_K];
            narrow_row(h, f, f + s->ld);
            interleave(dst, h, h + TILE);
        } else if (s->bf16) {
            memcpy(dst, s->bf16 + at + r * s->ld, TILE_K * sizeof *dst);
        } else {
            const float *f = s->f32 + at + r * s->ld;
            narrow_row(dst, f, f + TILE);
        }
    }
}

/* The tile of rows from i and terms from k on. */
TILE_CODE static inline void pack(uint16_t *dst, const struct side *s, size_t i,
                                  size_t k)
{
    if (i + TILE <= s->n && k + TILE_K <= s->k)
        pack_whole(dst, s, i, k);
    else
        pack_edge(dst, s, i, k);
    if (s->k_first != s->second)
        transpose_tile((tile_row *)dst, dst);
}

/* Both tiles of row s, in pairs, of a side, and terms k.. */
TILE_CODE static inline void pack_two(uint16_t *dst, const struct side *s,
                                      size_t row, size_t k)
{
    pack(dst, s, row, k * TILE_K);
    pack(dst + TILE_BF16, s, row + TILE, k * TILE_K);
}

/* Two tiles of an operand, and after each, 2 TILE_BF16 on, that of the next
 * terms. */
struct two_tiles {
    const uint16_t *tile[2];
};

/* Those packed by pack_two. */
static inline struct two_tiles both_of(const uint16_t *pair)
{
    return (struct two_tiles){{pair, pair + TILE_BF16}};
}

/* The next n tiles of terms of a and b. */
TILE_CODE static inline void multiply_steps(struct two_tiles a,
                                            struct two_tiles b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = 2 * i * TILE_BF16;
        tile_load(4, a.tile[0] + at);
        tile_load(6, b.tile[0] + at);
        tile_product(0, 4, 6);
        tile_load(7, b.tile[1] + at);
        tile_product(1, 4, 7);
        tile_load(5, a.tile[1] + at);
        tile_product(2, 5, 6);
        tile_product(3, 5, 7);
    }
}

#endif
