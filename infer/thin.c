/* Products of a few rows; see thin.h. */
#include "infer/thin.h"

#include <string.h>

#include "infer/simd.h"

enum {
    LANES = 64,  /* partial sums of a product */
    AT_ONCE = 64 /* outputs that one thread takes at a time */
};

MANY_CPUS static float dot_f32(const float *x, const float *w, size_t n)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += x[i + k] * w[i + k];
    for (; i < n; i++)
        lane[i % LANES] += x[i] * w[i];
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lane[k] += lane[k + half];
    return lane[0];
}

static inline float wide(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

MANY_CPUS static float dot_bf16(const float *x, const uint16_t *w, size_t n)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += x[i + k] * wide(w[i + k]);
    for (; i < n; i++)
        lane[i % LANES] += x[i] * wide(w[i]);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lane[k] += lane[k + half];
    return lane[0];
}

void infer_thin_linear(float *y, const float *x, const struct infer_matrix *w,
                       size_t rows, bool add)
{
    size_t out = w->rows, in = w->cols;
#pragma omp parallel for schedule(static)
    for (size_t from = 0; from < out; from += AT_ONCE) {
        size_t end = from + AT_ONCE < out ? from + AT_ONCE : out;
        for (size_t o = from; o < end; o++) {
            for (size_t r = 0; r < rows; r++) {
                float *at = y + r * out + o;
                float dot = w->f32 ? dot_f32(x + r * in, w->f32 + o * in, in)
                                   : dot_bf16(x + r * in, w->bf16 + o * in, in);
                *at = add ? *at + dot : dot;
            }
        }
    }
}
