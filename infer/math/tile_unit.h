/* The processor's tile unit (Intel AMX) and the vector operations that feed it,
 * as the few operations that a matrix product needs. A tile is 1 KiB: 16 rows
 * of 32 bf16 numbers, or of 16 sums in f32.
 *
 * With PREFKIT_TILES_EMULATED, and on other processors, all of them are plain
 * C: so tests run the code that uses them on any machine. Private to
 * tile_pack.h.
 */
#ifndef PREFKIT_INFER_MATH_TILE_UNIT_H
#define PREFKIT_INFER_MATH_TILE_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "infer/math/bf16.h"

enum {
    TILE = 16,       /* rows of a tile, and sums in one of its rows */
    TILE_K = 32,     /* bf16 numbers in one of its rows */
    TILE_BF16 = 512, /* bf16 numbers in all */
    TILE_F32 = 256,  /* sums in all */
    TILE_UNITS = 8   /* tiles that the unit holds */
};

#ifndef __x86_64__
#define PREFKIT_TILES_EMULATED
#endif

#ifndef PREFKIT_TILES_EMULATED

#include <immintrin.h>

#define TILE_CODE                                                              \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,"     \
                          "amx-tile,amx-bf16")))

/* Tiles are named by number, known to the compiler. */
#define tile_zero(t)     _tile_zero(t)
#define tile_load(t, p)  _tile_loadd(t, p, 64)
#define tile_store(t, p) _tile_stored(t, p, 64)
/* Its 16 rows `ld` floats apart. */
#define tile_load_rows(t, p, ld)  _tile_loadd(t, p, (ld) * sizeof(float))
#define tile_store_rows(t, p, ld) _tile_stored(t, p, (ld) * sizeof(float))
/* c (16, 16) += a (16, 32) b, b as 16 pairs of rows: (16, 16, 2). */
#define tile_product(c, a, b) _tile_dpbf16ps(c, a, b)

/* All tiles of full size. The barrier: gcc 12 drops what is stored into the
 * description before it is loaded. */
TILE_CODE static inline void tiles_on(void)
{
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } t = {.palette = 1};
    for (int i = 0; i < TILE_UNITS; i++) {
        t.row_bytes[i] = 64;
        t.rows[i] = TILE;
    }
    __asm__ volatile("" : : "r"(&t) : "memory");
    _tile_loadconfig(&t);
}

/* The fence: other threads see what was streamed. */
TILE_CODE static inline void tiles_off(void)
{
    _mm_sfence();
    _tile_release();
}

/* What was stored is there before a tile is loaded: the compiler does not know
 * that loading one reads memory. */
#define tiles_see_memory() __asm__ volatile("" : : : "memory")

/* dst (32) = 16 numbers of a, then 16 of b, in bf16. */
TILE_CODE static inline void narrow_row(uint16_t *dst, const float *a,
                                        const float *b)
{
    __m512bh h = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(b), _mm512_loadu_ps(a));
    memcpy(dst, &h, sizeof h);
}

/* A row of 16 numbers to where it will not be read soon: past the caches, so
 * that the memory there is not read first. dst is 64-byte aligned. */
#define row_stream(dst, row)                                                   \
    _mm512_stream_si512((__m512i *)(dst), (__m512i)(row))

#else

#define TILE_CODE
#define row_stream(dst, row) memcpy(dst, &(row), sizeof(row))

static _Thread_local union {
    float f32[TILE_F32];
    uint16_t bf16[TILE_BF16];
} tile_unit[TILE_UNITS];

#define tile_zero(t)     memset(&tile_unit[t], 0, sizeof tile_unit[t])
#define tile_load(t, p)  memcpy(&tile_unit[t], p, sizeof tile_unit[t])
#define tile_store(t, p) memcpy(p, &tile_unit[t], sizeof tile_unit[t])

static inline float tile_number(uint16_t bf16)
{
    float f;
    infer_from_bf16(&f, &bf16, 1);
    return f;
}

static inline void tile_product(int c, int a, int b)
{
    for (int m = 0; m < TILE; m++)
        for (int k = 0; k < TILE_K; k++) {
            float x = tile_number(tile_unit[a].bf16[m * TILE_K + k]);
            const uint16_t *pairs = tile_unit[b].bf16 + k / 2 * TILE_K + k % 2;
            for (int n = 0; n < TILE; n++)
                tile_unit[c].f32[m * TILE + n] +=
                    x * tile_number(pairs[(ptrdiff_t)2 * n]);
        }
}

static inline void tile_load_rows(int t, const float *p, size_t ld)
{
    for (size_t r = 0; r < TILE; r++)
        memcpy(tile_unit[t].f32 + r * TILE, p + r * ld, TILE * sizeof *p);
}

static inline void tile_store_rows(int t, float *p, size_t ld)
{
    for (size_t r = 0; r < TILE; r++)
        memcpy(p + r * ld, tile_unit[t].f32 + r * TILE, TILE * sizeof *p);
}

static inline void tiles_on(void)
{
}

static inline void tiles_off(void)
{
}

static inline void tiles_see_memory(void)
{
}

static inline void narrow_row(uint16_t *dst, const float *a, const float *b)
{
    infer_to_bf16(dst, a, TILE);
    infer_to_bf16(dst + TILE, b, TILE);
}

#endif

/* 16 numbers of 32 bits, and 32 of 16, as the compiler's own vectors. */
typedef uint32_t tile_row __attribute__((vector_size(64), may_alias));
typedef float tile_sums __attribute__((vector_size(64), may_alias, aligned(4)));
typedef uint16_t tile_halves __attribute__((vector_size(64), may_alias));
typedef uint16_t tile_half_row
    __attribute__((vector_size(32), may_alias, aligned(2)));

/* dst (16, 2) = 16 numbers of a and 16 of b, in turn. */
TILE_CODE static inline void interleave(uint16_t *dst, const uint16_t *a,
                                        const uint16_t *b)
{
    *(tile_halves *)dst = __builtin_shufflevector(
        *(const tile_half_row *)a, *(const tile_half_row *)b, 0, 16, 1, 17, 2,
        18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12,
        28, 13, 29, 14, 30, 15, 31);
}

/* Which of four numbers, in each quarter of two rows; and which quarters. */
#define TILE_PICK(a, b, i, j, k, l)                                            \
    __builtin_shufflevector(a, b, (i), (j), (k), (l), (i) + 4, (j) + 4,        \
                            (k) + 4, (l) + 4, (i) + 8, (j) + 8, (k) + 8,       \
                            (l) + 8, (i) + 12, (j) + 12, (k) + 12, (l) + 12)
#define TILE_QUARTERS(a, b, i, j)                                              \
    __builtin_shufflevector(a, b, 4 * (i), 4 * (i) + 1, 4 * (i) + 2,           \
                            4 * (i) + 3, 4 * (j), 4 * (j) + 1, 4 * (j) + 2,    \
                            4 * (j) + 3, 16 + 4 * (i), 17 + 4 * (i),           \
                            18 + 4 * (i), 19 + 4 * (i), 16 + 4 * (j),          \
                            17 + 4 * (j), 18 + 4 * (j), 19 + 4 * (j))

/* A tile of 16 x 16 numbers of 32 bits, transposed: first within quarters, by
 * ones and twos, then the quarters. r may be the tile itself. */
TILE_CODE static inline void transpose_tile(tile_row r[TILE], const void *tile)
{
    const tile_row *x = tile;
    tile_row a[TILE], b[TILE];
    for (int i = 0; i < TILE; i += 2) {
        a[i] = TILE_PICK(x[i], x[i + 1], 0, 16, 1, 17);
        a[i + 1] = TILE_PICK(x[i], x[i + 1], 2, 18, 3, 19);
    }
    for (int i = 0; i < TILE; i += 4) {
        b[i] = TILE_PICK(a[i], a[i + 2], 0, 1, 16, 17);
        b[i + 1] = TILE_PICK(a[i], a[i + 2], 2, 3, 18, 19);
        b[i + 2] = TILE_PICK(a[i + 1], a[i + 3], 0, 1, 16, 17);
        b[i + 3] = TILE_PICK(a[i + 1], a[i + 3], 2, 3, 18, 19);
    }
    for (int i = 0; i < 4; i++) {
        tile_row even0 = TILE_QUARTERS(b[i], b[4 + i], 0, 2);
        tile_row odd0 = TILE_QUARTERS(b[i], b[4 + i], 1, 3);
        tile_row even1 = TILE_QUARTERS(b[8 + i], b[12 + i], 0, 2);
        tile_row odd1 = TILE_QUARTERS(b[8 + i], b[12 + i], 1, 3);
        r[i] = TILE_QUARTERS(even0, even1, 0, 2);
        r[4 + i] = TILE_QUARTERS(odd0, odd1, 0, 2);
        r[8 + i] = TILE_QUARTERS(even0, even1, 1, 3);
        r[12 + i] = TILE_QUARTERS(odd0, odd1, 1, 3);
    }
}

#endif
