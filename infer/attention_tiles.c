/* Attention's products on tiles; see attention_tiles.h. */
#include "infer/attention_tiles.h"

#include "infer/tile_pack.h"

size_t infer_tiles_path_floats(size_t n, size_t d)
{
    size_t wide = n > d ? n : d; /* a block's queries, or probabilities */
    return n * d + INFER_TILES_QUERIES * wide / 2;
}

struct infer_tiles_path infer_tiles_path_at(float *mem, size_t n, size_t d)
{
    uint16_t *at = (uint16_t *)mem;
    return (struct infer_tiles_path){at, at + n * d, at + 2 * n * d, n, d};
}

TILE_CODE void infer_tiles_begin(void)
{
    tiles_on();
}

TILE_CODE void infer_tiles_end(void)
{
    tiles_off();
}

/* Two tiles of rows from `row` on, all their terms: (terms, 2 tiles). */
TILE_CODE static void pack_rows(uint16_t *dst, const struct side *s, size_t row)
{
    for (size_t t = 0; t < s->k / TILE_K; t++)
        pack_two(dst + 2 * t * TILE_BF16, s, row, t);
}

TILE_CODE void infer_tiles_path_pack(struct infer_tiles_path *t, const float *k,
                                     const float *v, size_t n)
{
    const struct side keys = {k, NULL, n, t->d, t->d, .second = true};
    const struct side values = {
        v, NULL, t->d, n, t->d, .k_first = true, .second = true};
    t->n = n;
    for (size_t i = 0; i < n; i += PAIR)
        pack_rows(t->k + i * t->d, &keys, i);
    for (size_t i = 0; i < t->d; i += PAIR)
        pack_rows(t->v + i * n, &values, i);
}

/* c (PAIR rows, ld apart) = a b over n tiles of terms. */
TILE_CODE static inline void block(float *c, size_t ld, const uint16_t *a,
                                   const uint16_t *b, size_t n)
{
    tiles_see_memory();
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    multiply_steps(a, b, n);
    tile_store_rows(0, c, ld);
    tile_store_rows(1, c + TILE, ld);
    tile_store_rows(2, c + TILE * ld, ld);
    tile_store_rows(3, c + TILE * ld + TILE, ld);
}

TILE_CODE void infer_tiles_scores(const struct infer_tiles_path *t, float *p,
                                  const float *q, size_t keys, float scale)
{
    const struct side rows = {q, NULL, PAIR, t->d, t->d, .k_first = false};
    pack_rows(t->block, &rows, 0);
    for (size_t j = 0; j < keys; j += PAIR)
        block(p + j, keys, t->block, t->k + j * t->d, t->d / TILE_K);
    for (size_t i = 0; i < PAIR * keys; i++)
        p[i] *= scale;
}

TILE_CODE void infer_tiles_values(const struct infer_tiles_path *t, float *o,
                                  const float *p, size_t keys)
{
    const struct side rows = {p, NULL, PAIR, keys, keys, .k_first = false};
    pack_rows(t->block, &rows, 0);
    for (size_t j = 0; j < t->d; j += PAIR)
        block(o + j, t->d, t->block, t->v + j * t->n, keys / TILE_K);
}
