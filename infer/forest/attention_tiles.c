/* Attention's products on tiles; see attention_tiles.h. */
#include "infer/forest/attention_tiles.h"

#include "infer/math/tile_pack.h"

/* bf16 numbers of a block's rows, n or d numbers each. */
static size_t block_numbers(size_t n, size_t d)
{
    return INFER_TILES_QUERIES * (n > d ? n : d);
}

size_t infer_tiles_path_floats(size_t n, size_t d, bool backward)
{
    size_t numbers = 2 * n * d + block_numbers(n, d);
    if (backward)
        numbers += n * d + INFER_TILES_QUERIES * d;
    return numbers / 2;
}

struct infer_tiles_path infer_tiles_path_at(float *mem, size_t n, size_t d,
                                            bool backward)
{
    uint16_t *at = (uint16_t *)mem;
    struct infer_tiles_path t = {
        .k = at, .v = at + n * d, .block = at + 2 * n * d, .n = n, .d = d};
    if (backward) {
        t.dv = t.block + block_numbers(n, d);
        t.columns = t.dv + n * d;
    }
    return t;
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

/* m (n, d), packed so that rows of d numbers multiply its rows, or rows of n
 * numbers its columns. */
TILE_CODE static void pack_tokens(uint16_t *dst, const float *m, size_t n,
                                  size_t d)
{
    const struct side s = {m, NULL, n, d, d, .second = true};
    for (size_t i = 0; i < n; i += PAIR)
        pack_rows(dst + i * d, &s, i);
}

TILE_CODE static void pack_columns(uint16_t *dst, const float *m, size_t n,
                                   size_t d)
{
    const struct side s = {m, NULL, d, n, d, .k_first = true, .second = true};
    for (size_t i = 0; i < d; i += PAIR)
        pack_rows(dst + i * n, &s, i);
}

TILE_CODE void infer_tiles_path_pack(struct infer_tiles_path *t, const float *k,
                                     const float *v, size_t n)
{
    t->n = n;
    pack_tokens(t->k, k, n, t->d);
    pack_columns(t->v, v, n, t->d);
}

TILE_CODE void infer_tiles_path_pack_backward(struct infer_tiles_path *t,
                                              const float *k, const float *v,
                                              size_t n)
{
    t->n = n;
    pack_tokens(t->k, k, n, t->d);
    pack_columns(t->v, k, n, t->d);
    pack_tokens(t->dv, v, n, t->d);
}

TILE_CODE static inline void store_block(float *c, size_t ld)
{
    tile_store_rows(0, c, ld);
    tile_store_rows(1, c + TILE, ld);
    tile_store_rows(2, c + TILE * ld, ld);
    tile_store_rows(3, c + TILE * ld + TILE, ld);
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
    multiply_steps(both_of(a), both_of(b), n);
    store_block(c, ld);
}

/* c += a b over one tile of terms. */
TILE_CODE static inline void add_block(float *c, size_t ld, const uint16_t *a,
                                       const uint16_t *b)
{
    tiles_see_memory();
    tile_load_rows(0, c, ld);
    tile_load_rows(1, c + TILE, ld);
    tile_load_rows(2, c + TILE * ld, ld);
    tile_load_rows(3, c + TILE * ld + TILE, ld);
    multiply_steps(both_of(a), both_of(b), 1);
    store_block(c, ld);
}

/* y (32, keys) = x m^T, x (32, d), m's tokens packed. */
TILE_CODE static void by_tokens(const struct infer_tiles_path *t, float *y,
                                const float *x, const uint16_t *m, size_t keys)
{
    const struct side rows = {x, NULL, PAIR, t->d, t->d, .k_first = false};
    pack_rows(t->block, &rows, 0);
    for (size_t j = 0; j < keys; j += PAIR)
        block(y + j, keys, t->block, m + j * t->d, t->d / TILE_K);
}

TILE_CODE void infer_tiles_scores(const struct infer_tiles_path *t, float *p,
                                  const float *q, size_t keys)
{
    by_tokens(t, p, q, t->k, keys);
}

TILE_CODE void infer_tiles_dvalues(const struct infer_tiles_path *t, float *dp,
                                   const float *dout, size_t keys)
{
    by_tokens(t, dp, dout, t->dv, keys);
}

TILE_CODE void infer_tiles_values(const struct infer_tiles_path *t, float *o,
                                  const float *p, size_t keys)
{
    const struct side rows = {p, NULL, PAIR, keys, keys, .k_first = false};
    pack_rows(t->block, &rows, 0);
    for (size_t j = 0; j < t->d; j += PAIR)
        block(o + j, t->d, t->block, t->v + j * t->n, keys / TILE_K);
}

/* The block's 32 rows are one tile of terms. */
TILE_CODE void infer_tiles_add(const struct infer_tiles_path *t, float *m,
                               const float *p, const float *x, size_t keys)
{
    const struct side rows = {p, NULL, keys, PAIR, keys, .k_first = true};
    const struct side columns = {
        x, NULL, t->d, PAIR, t->d, .k_first = true, .second = true};
    for (size_t i = 0; i < t->d; i += PAIR)
        pack_two(t->columns + i * TILE_K, &columns, i, 0);
    for (size_t j = 0; j < keys; j += PAIR) {
        pack_two(t->block, &rows, j, 0);
        for (size_t i = 0; i < t->d; i += PAIR)
            add_block(m + j * t->d + i, t->d, t->block,
                      t->columns + i * TILE_K);
    }
}
