/* Row loops for several instruction sets; see simd.h. */
#include "infer/simd.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/lanes.h"

/* e^x for -87 <= x <= 0, without a branch, so that loops over it vectorise:
 * x = n ln 2 + f with |f| <= ln 2 / 2 (Cody and Waite's two-part ln 2), and
 * the Taylor polynomial of e^f, whose error there is under 6e-9. */
static inline float exp_approx(float x)
{
    float n = x * 1.44269504F;
    n = (n + 12582912.0F) - 12582912.0F; /* round: 1.5 * 2^23 */
    float f = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    float p = 1.0F / 5040.0F;
    p = p * f + 1.0F / 720.0F;
    p = p * f + 1.0F / 120.0F;
    p = p * f + 1.0F / 24.0F;
    p = p * f + 1.0F / 6.0F;
    p = p * f + 0.5F;
    p = p * f + 1.0F;
    p = p * f + 1.0F;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/* sigma(x), from e^-|x| so that nothing overflows. */
static inline float sigmoid(float x)
{
    float a = x < 0 ? x : -x;
    float e = exp_approx(a < -87.0F ? -87.0F : a);
    return (x < 0 ? e : 1.0F) / (1.0F + e);
}

/* to[k] = the larger of it and a[k]. */
CPUS_INLINE void larger(float *to, const float *a, int n)
{
    for (int k = 0; k < n; k++)
        to[k] = a[k] > to[k] ? a[k] : to[k];
}

/* Of n >= 1 numbers. More lanes than for sums: gcc 12 makes vectors of a
 * comparison only in a loop that it does not unroll whole. */
CPUS_INLINE float row_max(const float *p, size_t n)
{
    enum { WIDE = 4 * PK_LANES };
    float lane[WIDE];
    size_t i = 0;
    for (int k = 0; k < WIDE; k++)
        lane[k] = p[0];
    for (; i + WIDE <= n; i += WIDE)
        larger(lane, p + i, WIDE);
    larger(lane, p + i, (int)(n - i));
    larger(lane, lane + WIDE / 2, WIDE / 2);
    larger(lane, lane + PK_LANES, PK_LANES);
    float max = lane[0];
    for (int k = 1; k < PK_LANES; k++)
        max = lane[k] > max ? lane[k] : max;
    return max;
}

/* sum a[i] in double. */
CPUS_INLINE double row_sum(const float *a, size_t n)
{
    double lane[PK_LANES] = {0};
    float tail[PK_LANES];
    for (size_t i = 0; i + PK_LANES <= n; i += PK_LANES)
        for (int k = 0; k < PK_LANES; k++)
            lane[k] += (double)a[i + k];
    pk_lanes_tail(tail, a, n, 0);
    for (int k = 0; k < PK_LANES; k++)
        lane[k] += (double)tail[k];
    return pk_lanes_sum(lane);
}

MANY_CPUS void infer_softmax_row(float *p, size_t n, float scale)
{
    float max = row_max(p, n);
    for (size_t i = 0; i < n; i++) {
        float d = scale * (p[i] - max), y = exp_approx(d < -87.0F ? -87.0F : d);
        p[i] = d < -87.0F ? 0.0F : y;
    }
    float inverse = (float)(1.0 / row_sum(p, n));
    for (size_t i = 0; i < n; i++)
        p[i] *= inverse;
}

MANY_CPUS void infer_softmax_backward_row(float *dp, const float *p, size_t n,
                                          float scale)
{
    float dot = (float)pk_dot(dp, p, n);
    for (size_t i = 0; i < n; i++)
        dp[i] = scale * (p[i] * (dp[i] - dot));
}

MANY_CPUS void infer_swiglu_run(float *act, const float *gate, const float *up,
                                size_t n)
{
    for (size_t i = 0; i < n; i++)
        act[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

MANY_CPUS void infer_from_bf16(float *dst, const void *src, size_t n)
{
    const uint8_t *p = src;
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, sizeof h);
        uint32_t bits = (uint32_t)h << 16;
        memcpy(dst + i, &bits, sizeof bits);
    }
}

MANY_CPUS void infer_to_bf16(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, src + i, sizeof u);
        uint32_t nearest = (u + 0x7FFF + (u >> 16 & 1)) >> 16;
        bool nan = (u & 0x7FFFFFFF) > 0x7F800000;
        dst[i] = (uint16_t)(nan ? u >> 16 | 0x40 : nearest);
    }
}

MANY_CPUS void infer_swiglu_backward_run(float *restrict act,
                                         float *restrict dgate,
                                         float *restrict d,
                                         const float *restrict gate,
                                         const float *restrict up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float s = sigmoid(gate[i]), silu = gate[i] * s, g = d[i];
        act[i] = silu * up[i];
        dgate[i] = g * up[i] * s * (1.0F + gate[i] * (1.0F - s));
        d[i] = g * silu;
    }
}
