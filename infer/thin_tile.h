/* The body of thin.c, included once for each instruction set: a vector type is
 * taken apart for the machine that its function is compiled for, and too early
 * for target_clones. THIN(name) is the name there. */

/* n <= LANES elements from p on, zeros after them. */
static inline __attribute__((always_inline)) void
THIN(load_f32)(v16 *out, const float *p, size_t n)
{
    if (n == LANES) {
        memcpy(out, p, sizeof *out);
        return;
    }
    memset(out, 0, sizeof *out);
    memcpy(out, p, n * sizeof *p);
}

static inline __attribute__((always_inline)) void
THIN(load_bf16)(v16 *out, const uint16_t *p, size_t n)
{
    h16 h = {0};
    if (n == LANES)
        memcpy(&h, p, sizeof h);
    else
        memcpy(&h, p, n * sizeof *p);
#ifdef __AVX512F__ /* GCC 12 makes four instructions of what is one */
    u16x wide = (u16x)_mm512_cvtepu16_epi32((__m256i)h) << 16;
#else
    u16x wide = __builtin_convertvector(h, u16x) << 16;
#endif
    memcpy(out, &wide, sizeof *out);
}

static inline __attribute__((always_inline)) void
THIN(load_w)(v16 *out, const struct infer_matrix *w, size_t at, size_t n,
             bool bf16)
{
    if (bf16)
        THIN(load_bf16)(out, w->bf16 + at, n);
    else
        THIN(load_f32)(out, w->f32 + at, n);
}

/* sum[i] = the sum of acc[i]'s lanes, halves added to halves, for all at once:
 * two vectors become one, half of whose lanes are each one's, and so on. */
static inline __attribute__((always_inline)) void
THIN(sum_lanes)(float sum[LANES], v16 acc[LANES])
{
#define HALF(...) __builtin_shufflevector(acc[i], acc[i + half], __VA_ARGS__)
    for (int i = 0, half = 8; i < half; i++)
        acc[i] =
            HALF(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
            HALF(8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    for (int i = 0, half = 4; i < half; i++)
        acc[i] =
            HALF(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
            HALF(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    for (int i = 0, half = 2; i < half; i++)
        acc[i] =
            HALF(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
            HALF(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    for (int i = 0, half = 1; i < half; i++)
        acc[i] =
            HALF(0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
            HALF(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
#undef HALF
    memcpy(sum, &acc[0], sizeof acc[0]);
}

/* One step of a tile along the columns. */
static inline __attribute__((always_inline)) void
THIN(accumulate)(v16 acc[LANES], const struct job *j, const size_t w_at[TILE],
                 size_t row, size_t col, size_t n, int rows, bool bf16)
{
    size_t in = j->w->cols;
    v16 w[TILE];
    for (int o = 0; o < TILE; o++)
        THIN(load_w)(&w[o], j->w, w_at[o] + col, n, bf16);
    for (int r = 0; r < rows; r++) {
        v16 x;
        THIN(load_f32)(&x, j->x + (row + (size_t)r) * in + col, n);
        for (int o = 0; o < TILE; o++)
            acc[r * TILE + o] += x * w[o];
    }
}

/* `rows` rows of x against up to TILE rows of w from o0 on. */
static inline __attribute__((always_inline)) void
THIN(tile)(const struct job *j, size_t row, int rows, size_t o0, bool bf16)
{
    size_t in = j->w->cols, out = j->w->rows, w_at[TILE];
    v16 acc[LANES];
    float sum[LANES];
    memset(acc, 0, sizeof acc);
    for (size_t o = 0; o < TILE; o++) /* past the end: the last row again */
        w_at[o] = (o0 + o < out ? o0 + o : out - 1) * in;
    size_t col = 0;
    for (; col + LANES <= in; col += LANES)
        THIN(accumulate)(acc, j, w_at, row, col, LANES, rows, bf16);
    if (col < in)
        THIN(accumulate)(acc, j, w_at, row, col, in - col, rows, bf16);
    THIN(sum_lanes)(sum, acc);
    for (int r = 0; r < rows; r++)
        for (size_t o = 0; o < TILE && o0 + o < out; o++) {
            float *y = j->y + (row + (size_t)r) * out + o0 + o;
            *y = (j->add ? *y : 0.0F) + sum[r * TILE + (int)o];
        }
}

static inline __attribute__((always_inline)) void
THIN(tiles)(const struct job *j, size_t o0, bool bf16)
{
    size_t row = 0;
    for (; row + TILE <= j->n; row += TILE)
        THIN(tile)(j, row, TILE, o0, bf16);
    switch (j->n - row) {
    case 3:
        THIN(tile)(j, row, 3, o0, bf16);
        break;
    case 2:
        THIN(tile)(j, row, 2, o0, bf16);
        break;
    case 1:
        THIN(tile)(j, row, 1, o0, bf16);
        break;
    default:
        break;
    }
}

/* Rows o0..end of w against all of x. */
static void THIN(chunk)(const struct job *j, size_t o0, size_t end)
{
    for (; o0 < end; o0 += TILE) {
        if (j->w->bf16)
            THIN(tiles)(j, o0, true);
        else
            THIN(tiles)(j, o0, false);
    }
}

/* p[t] = scale * q . k[t] for n keys, ld floats apart: 16 at a time, the last
 * one again past the end. */
static void THIN(scores)(const struct infer_reach *a, float *p, const float *q,
                         const float *k)
{
    for (size_t t = 0; t < a->n; t += LANES) {
        v16 acc[LANES], x, y;
        float sum[LANES];
        memset(acc, 0, sizeof acc);
        for (size_t i = 0; i < a->d; i += LANES) {
            size_t n = a->d - i < LANES ? a->d - i : LANES;
            THIN(load_f32)(&x, q + i, n);
            for (size_t r = 0; r < LANES; r++) {
                size_t row = t + r < a->n ? t + r : a->n - 1;
                THIN(load_f32)(&y, k + row * a->ld + i, n);
                acc[r] += x * y;
            }
        }
        THIN(sum_lanes)(sum, acc);
        for (size_t r = 0; r < LANES && t + r < a->n; r++)
            p[t + r] = sum[r] * a->scale;
    }
}

/* o (d) += the sum of p[t] v[t], one after the other. */
static void THIN(values)(const struct infer_reach *a, float *o, const float *p,
                         const float *v)
{
    for (size_t i = 0; i < a->d; i += LANES) {
        size_t n = a->d - i < LANES ? a->d - i : LANES;
        v16 acc, y;
        THIN(load_f32)(&acc, o + i, n);
        for (size_t t = 0; t < a->n; t++) {
            THIN(load_f32)(&y, v + t * a->ld + i, n);
            acc += p[t] * y;
        }
        memcpy(o + i, &acc, n * sizeof *o);
    }
}
