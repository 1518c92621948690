/* Row loops for several instruction sets; see simd.h. */
#include "infer/math/simd.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/lanes.h"

/* e^x for -87 <= x <= 0, without a branch, so that loops over it vectorise:
 * x = n ln 2 + f with |f| <= ln 2 / 2 (Cody and Waite's two-part ln 2), and for
 * e^f the polynomial of degree 6 that begins 1 + f and is off by the least,
 * 3.1e-9; in pairs of terms, which wait less for one another than Horner's. */
static inline float exp_approx(float x)
{
    const float round = 12582912.0F; /* 1.5 * 2^23: n in its lowest bits */
    float m = x * 1.44269504F + round, n = m - round;
    float f = (x - n * 0.693359375F) + n * 2.12194440e-4F, f2 = f * f;
    float high = 0.041668389F + 0.00836874545F * f + 0.00138145406F * f2;
    float low = 0.49999994F + 0.166665211F * f;
    float p = (1.0F + f) + (low + high * f2) * f2;
    uint32_t bits;
    memcpy(&bits, &m, sizeof bits);
    bits = (bits + 127) << 23;
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
    for (int k = 0; k < WIDE; k++)
        lane[k] = p[n < WIDE ? 0 : k];
    for (size_t i = WIDE; i + WIDE <= n; i += WIDE)
        larger(lane, p + i, WIDE);
    if (n < WIDE)
        larger(lane, p, (int)n);
    else
        larger(lane, p + (n - WIDE), WIDE); /* again some of them */
    larger(lane, lane + WIDE / 2, WIDE / 2);
    larger(lane, lane + WIDE / 4, WIDE / 4);
    larger(lane, lane + WIDE / 8, WIDE / 8);
    larger(lane, lane + WIDE / 16, WIDE / 16);
    larger(lane, lane + WIDE / 32, WIDE / 32);
    return lane[0] > lane[1] ? lane[0] : lane[1];
}

CPUS_INLINE float power(float p, float max, float scale)
{
    float d = scale * (p - max), y = exp_approx(d < -87.0F ? -87.0F : d);
    return d < -87.0F ? 0.0F : y;
}

/* PK_LANES of a row, also added to sum. */
CPUS_INLINE void powers_of_lanes(float *p, float max, float scale, double *sum)
{
    for (int k = 0; k < PK_LANES; k++)
        p[k] = power(p[k], max, scale);
    for (int k = 0; k < PK_LANES; k++)
        sum[k] += (double)p[k];
}

CPUS_INLINE struct infer_softmax powers(float *p, size_t n, float scale)
{
    double sum[PK_LANES] = {0};
    float max = row_max(p, n), tail[PK_LANES];
    size_t i = 0;
    for (; i + PK_LANES <= n; i += PK_LANES)
        powers_of_lanes(p + i, max, scale, sum);
    if (i < n) {
        pk_lanes_tail(tail, p, n, -INFINITY);
        powers_of_lanes(tail, max, scale, sum);
        memcpy(p + i, tail, (n - i) * sizeof *p);
    }
    return (struct infer_softmax){max, (float)(1.0 / pk_lanes_sum(sum))};
}

MANY_CPUS struct infer_softmax infer_softmax_powers(float *p, size_t n,
                                                    float scale)
{
    return powers(p, n, scale);
}

MANY_CPUS void infer_softmax_row(float *p, size_t n, float scale)
{
    float inverse = powers(p, n, scale).inverse;
    for (size_t i = 0; i < n; i++)
        p[i] *= inverse;
}

MANY_CPUS void infer_softmax_again(float *p, size_t n, float scale,
                                   struct infer_softmax s)
{
    for (size_t i = 0; i < n; i++)
        p[i] = power(p[i], s.max, scale) * s.inverse;
}

MANY_CPUS void infer_softmax_backward_row(float *restrict dp, const float *p,
                                          size_t n, float scale, float dot)
{
    for (size_t i = 0; i < n; i++)
        dp[i] = scale * (p[i] * (dp[i] - dot));
}

MANY_CPUS void infer_swiglu_run(float *act, const float *gate, const float *up,
                                size_t n)
{
    for (size_t i = 0; i < n; i++)
        act[i] = gate[i] * sigmoid(gate[i]) * up[i];
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
