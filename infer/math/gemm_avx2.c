/* fp32 products with AVX2 and FMA; see gemm_avx2.h.
 *
 * The usual way (Goto and van de Geijn, "Anatomy of High-Performance Matrix
 * Multiplication", 2008): a run of RUN terms at a time, the right operand in
 * strips of WIDE columns and the left one in blocks of rows, both copied to
 * where caches like them, and HIGH by WIDE elements of the result summed in
 * registers. What is missing at an edge is computed as zeros and not stored, so
 * that edges give the bits of the middle. */
#include "infer/math/gemm_avx2.h"

#include <string.h>
#include <strings.h>

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <omp.h>

#define AVX2   __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) AVX2

enum {
    LANES = 8,
    HIGH = 6,         /* rows of the result in registers */
    WIDE = 2 * LANES, /* columns of it */
    RUN = 256,        /* terms summed before they are added to the result */
    ROWS = 16 * HIGH, /* rows of the left operand at a time: in L2 */
    TILE_ROWS = 504,  /* of the result, for one thread at a time */
    TILE_COLS = 256,  /* and columns */
    BLOCK_ROWS = HIGH * HIGH, /* of a small product, in memory on the stack */
    BLOCK_COLS = 4 * WIDE
};

/* ---- The right operand --------------------------------------------------- */

/* Where it lies: element (p, j) at p * down + j * across. */
struct right {
    const float *f32;
    const uint16_t *bf16; /* or these */
    size_t down, across;
};

static struct right from(struct right b, size_t p, size_t j)
{
    size_t at = p * b.down + j * b.across;
    if (b.bf16)
        b.bf16 += at;
    else
        b.f32 += at;
    return b;
}

INLINE __m256 load(const struct right *b, size_t at)
{
    if (!b->bf16)
        return _mm256_loadu_ps(b->f32 + at);
    __m128i half = _mm_loadu_si128((const __m128i *)(b->bf16 + at));
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

static float element(const struct right *b, size_t at)
{
    if (!b->bf16)
        return b->f32[at];
    uint32_t bits = (uint32_t)b->bf16[at] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* r (8, 8) to its transpose. */
INLINE void transpose(__m256 r[LANES])
{
    __m256 a[LANES], b[LANES];
    for (int i = 0; i < LANES; i += 2) {
        a[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        a[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4) {
        b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
        b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xEE);
        b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
        b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

/* strip (k, WIDE) = k rows of b's first n columns, each of them contiguous
 * (b->down is 1), and zeros. */
AVX2 static void pack_columns(float *strip, const struct right *b, size_t n,
                              size_t k)
{
    size_t p = 0;
    for (; p + LANES <= k; p += LANES)
        for (size_t j = 0; j < WIDE; j += LANES) {
            __m256 r[LANES];
            for (size_t i = 0; i < LANES; i++)
                r[i] = j + i < n ? load(b, p + (j + i) * b->across)
                                 : _mm256_setzero_ps();
            transpose(r);
            for (size_t i = 0; i < LANES; i++)
                _mm256_store_ps(strip + (p + i) * WIDE + j, r[i]);
        }
    for (; p < k; p++)
        for (size_t j = 0; j < WIDE; j++)
            strip[p * WIDE + j] = j < n ? element(b, p + j * b->across) : 0;
}

/* The same where rows are contiguous (b->across is 1). */
AVX2 static void pack_rows(float *strip, const struct right *b, size_t n,
                           size_t k)
{
    for (size_t p = 0; p < k; p++, strip += WIDE) {
        size_t at = p * b->down;
        for (size_t j = 0; j < WIDE; j += LANES)
            if (j + LANES <= n)
                _mm256_store_ps(strip + j, load(b, at + j));
            else
                for (size_t i = j; i < j + LANES; i++)
                    strip[i] = i < n ? element(b, at + i) : 0;
    }
}

/* ---- Tiles --------------------------------------------------------------- */

INLINE void put(float *to, __m256 v, bool add)
{
    _mm256_storeu_ps(to, add ? _mm256_add_ps(_mm256_loadu_ps(to), v) : v);
}

/* c (HIGH, WIDE) = or += the k terms of a (HIGH, k) and a strip.
 * The sums have names because GCC 12 would keep an array of them in memory. */
INLINE void kernel(const float *a, const float *strip, size_t k, bool add,
                   float *c, size_t ldc)
{
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define START(r)                                                               \
    __m256 l##r = _mm256_setzero_ps(), h##r = l##r;                            \
    __builtin_prefetch(c + (r)*ldc);                                           \
    __builtin_prefetch(c + (r)*ldc + WIDE - 1);
#define TERM(r)                                                                \
    x = _mm256_broadcast_ss(a + (r)*k + p);                                    \
    l##r = _mm256_fmadd_ps(x, b0, l##r);                                       \
    h##r = _mm256_fmadd_ps(x, b1, h##r);
#define PUT(r)                                                                 \
    put(c + (r)*ldc, l##r, add);                                               \
    put(c + (r)*ldc + LANES, h##r, add);
    EACH_ROW(START)
    for (size_t p = 0; p < k; p++) {
        __m256 x, b0 = _mm256_load_ps(strip + p * WIDE);
        __m256 b1 = _mm256_load_ps(strip + p * WIDE + LANES);
        EACH_ROW(TERM)
    }
    EACH_ROW(PUT)
#undef EACH_ROW
#undef START
#undef TERM
#undef PUT
}

struct edge {
    size_t rows, cols;
};

AVX2 static void whole_kernel(const float *a, const float *strip, size_t k,
                              bool add, float *c, size_t ldc)
{
    kernel(a, strip, k, add, c, ldc);
}

AVX2 static void edge_kernel(struct edge e, const float *a, const float *strip,
                             size_t k, bool add, float *c, size_t ldc)
{
    float all[HIGH * WIDE];
    kernel(a, strip, k, false, all, WIDE);
    for (size_t r = 0; r < e.rows; r++)
        for (size_t j = 0; j < e.cols; j++) {
            float *to = c + r * ldc + j;
            *to = add ? *to + all[r * WIDE + j] : all[r * WIDE + j];
        }
}

/* What a tile is computed in: strips of `cols` columns and `rows` rows,
 * multiples of WIDE and HIGH, by RUN; a shorter run lies closer together, so
 * that small products fit in L1. */
struct room {
    size_t rows, cols;
    float *strips, *left;
};

static size_t room_floats(size_t rows, size_t cols)
{
    return (rows + cols) * RUN;
}

static struct room room_at(float *mem, size_t rows, size_t cols)
{
    return (struct room){rows, cols, mem, mem + cols * RUN};
}

/* s.m rows of left, one run of s.k terms, against s.n columns in strips. */
static void one_run(struct infer_block s, const struct room *room, float *c,
                    size_t ldc)
{
    for (size_t j = 0; j < s.n; j += WIDE)
        for (size_t i = 0; i < s.m; i += HIGH) {
            const struct edge e = {at_most(s.m - i, HIGH),
                                   at_most(s.n - j, WIDE)};
            const float *a = room->left + i * s.k,
                        *strip = room->strips + j * s.k;
            float *to = c + i * ldc + j;
            if (e.rows == HIGH && e.cols == WIDE)
                whole_kernel(a, strip, s.k, s.add, to, ldc);
            else
                edge_kernel(e, a, strip, s.k, s.add, to, ldc);
        }
}

static void pack_left(const struct room *room, const float *a, size_t ld,
                      size_t m, size_t k)
{
    size_t up = (m + HIGH - 1) / HIGH * HIGH;
    for (size_t i = 0; i < m; i++)
        memcpy(room->left + i * k, a + i * ld, k * sizeof *a);
    memset(room->left + m * k, 0, (up - m) * k * sizeof *a);
}

static void pack_right(const struct room *room, struct right b, size_t n,
                       size_t k)
{
    for (size_t j = 0; j < n; j += WIDE) {
        const struct right at = from(b, 0, j);
        float *strip = room->strips + j * k;
        if (b.across == 1)
            pack_rows(strip, &at, at_most(n - j, WIDE), k);
        else
            pack_columns(strip, &at, at_most(n - j, WIDE), k);
    }
}

/* c (m, n) = or += a b; n <= room->cols. */
static void tile(struct infer_block s, const float *a, size_t lda,
                 struct right b, float *c, size_t ldc, const struct room *room)
{
    for (size_t p = 0; p < s.k; p += RUN) {
        size_t k = at_most(s.k - p, RUN);
        pack_right(room, from(b, p, 0), s.n, k);
        for (size_t i = 0; i < s.m; i += room->rows) {
            size_t m = at_most(s.m - i, room->rows);
            pack_left(room, a + i * lda + p, lda, m, k);
            one_run((struct infer_block){m, s.n, k, s.add || p > 0}, room,
                    c + i * ldc, ldc);
        }
    }
}

/* ---- Products ------------------------------------------------------------ */

bool infer_avx2_wanted(void)
{
    const char *kernel_name = infer_blas_kernel();
    return strcasecmp(kernel_name, "Haswell") == 0 ||
           strcasecmp(kernel_name, "Zen") == 0;
}

size_t infer_avx2_floats(void)
{
    return (size_t)omp_get_max_threads() * room_floats(ROWS, TILE_COLS);
}

/* Tiles under one another are neighbours in the order of work: the second finds
 * its weights in a cache. */
void infer_avx2_linear(float *y, const float *x, const struct infer_matrix *w,
                       size_t rows, bool add, float *mem)
{
    const size_t out = w->rows, in = w->cols;
    const struct right b = {w->f32, w->bf16, 1, in};
    size_t tm = (rows + TILE_ROWS - 1) / TILE_ROWS;
    size_t tn = (out + TILE_COLS - 1) / TILE_COLS;
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t t = 0; t < tm * tn; t++) {
        size_t i = t % tm * TILE_ROWS, j = t / tm * TILE_COLS;
        const struct room room = room_at(mem + (size_t)omp_get_thread_num() *
                                                   room_floats(ROWS, TILE_COLS),
                                         ROWS, TILE_COLS);
        tile((struct infer_block){at_most(rows - i, TILE_ROWS),
                                  at_most(out - j, TILE_COLS), in, add},
             x + i * in, in, from(b, 0, j), y + i * out + j, out, &room);
    }
}

void infer_avx2_block(struct infer_block s, struct infer_mat a,
                      struct infer_mat b, float *c, size_t ldc)
{
    float mem[(BLOCK_ROWS + BLOCK_COLS) * RUN] __attribute__((aligned(64)));
    const struct room room = room_at(mem, BLOCK_ROWS, BLOCK_COLS);
    const struct right right = {b.p, NULL, b.t ? 1 : b.ld, b.t ? b.ld : 1};
    for (size_t j = 0; j < s.n; j += BLOCK_COLS) {
        struct infer_block part = s;
        part.n = at_most(s.n - j, BLOCK_COLS);
        tile(part, a.p, a.ld, from(right, 0, j), c + j, ldc, &room);
    }
}

#else /* never wanted, so never called */

bool infer_avx2_wanted(void)
{
    return false;
}

size_t infer_avx2_floats(void)
{
    return 0;
}

void infer_avx2_linear(float *y, const float *x, const struct infer_matrix *w,
                       size_t rows, bool add, float *mem)
{
    (void)y, (void)x, (void)w, (void)rows, (void)add, (void)mem;
}

void infer_avx2_block(struct infer_block s, struct infer_mat a,
                      struct infer_mat b, float *c, size_t ldc)
{
    (void)s, (void)a, (void)b, (void)c, (void)ldc;
}

#endif
