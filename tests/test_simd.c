/* The row loops (infer/math/simd.h, infer/math/bf16.h): against doubles, and
 * against themselves as a processor without vectors beyond SSE2 runs them, bit
 * for bit.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "infer/math/bf16.h"
#include "infer/math/simd.h"
#include "tests/support.h"

/* The same file once more, in one version, under other names. */
#undef MANY_CPUS
#define MANY_CPUS
#undef CPUS_X86
#define infer_softmax_row          plain_softmax_row
#define infer_softmax_powers       plain_softmax_powers
#define infer_softmax_again        plain_softmax_again
#define infer_softmax_backward_row plain_softmax_backward_row
#define infer_swiglu_run           plain_swiglu_run
#define infer_swiglu_backward_run  plain_swiglu_backward_run
#define infer_from_bf16            plain_from_bf16
#define infer_to_bf16              plain_to_bf16
#undef PREFKIT_INFER_MATH_SIMD_H
#undef PREFKIT_INFER_MATH_BF16_H
#define infer_softmax plain_softmax
#include "infer/math/simd.c"

#include "infer/math/bf16.c"
#undef infer_softmax
#undef infer_softmax_row
#undef infer_softmax_powers
#undef infer_softmax_again
#undef infer_softmax_backward_row
#undef infer_swiglu_run
#undef infer_swiglu_backward_run
#undef infer_from_bf16
#undef infer_to_bf16

enum { MOST = 700 };

static const size_t lengths[] = {1,  2,  15,  16,  17,  31,  63,  64,
                                 65, 79, 127, 128, 191, 300, 512, MOST};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void randoms(float *x, size_t n, double spread, uint64_t stream)
{
    struct pk_rng r;
    pk_rng_seed(&r, 11, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(spread * pk_rng_normal(&r));
}

static void ck_near(double got, double want, double size, const char *what,
                    size_t i)
{
    ck_assert_msg(fabs(got - want) <= size, "%s %zu: %.9g, not %.9g", what, i,
                  got, want);
}

/* Every other number is hidden by -infinity in the second round; the spread
 * reaches from almost equal to almost all zero. */
START_TEST(softmax)
{
    static const double spreads[] = {0, 0.01, 3, 40, 1e4};
    float p[MOST], x[MOST];
    size_t n = lengths[_i];
    for (size_t s = 0; s < 2 * sizeof spreads / sizeof *spreads; s++) {
        const float scale = 0.125F;
        double max = -INFINITY, sum = 0;
        randoms(x, n, spreads[s / 2], s);
        for (size_t i = 1; s % 2 && i < n; i += 2)
            x[i] = -INFINITY;
        memcpy(p, x, n * sizeof *p);
        infer_softmax_row(p, n, scale);
        for (size_t i = 0; i < n; i++)
            max = fmax(max, (double)x[i]);
        for (size_t i = 0; i < n; i++)
            sum += exp((double)scale * ((double)x[i] - max));
        for (size_t i = 0; i < n; i++) {
            double want = exp((double)scale * ((double)x[i] - max)) / sum;
            double rounding =
                1 + fabs((double)scale * fmax((double)x[i] - max, -1e3));
            if (x[i] == -INFINITY)
                ck_assert(p[i] == 0);
            else
                ck_near((double)p[i], want, 3e-7 * rounding * want + 1e-37,
                        "softmax", i);
        }
    }
}
END_TEST

/* In two steps, and once more from the scores: the same bits. */
START_TEST(softmax_steps)
{
    float whole[MOST], p[MOST], again[MOST];
    size_t n = lengths[_i];
    const float scale = 0.125F;
    randoms(whole, n, 40, 1);
    memcpy(p, whole, sizeof p);
    memcpy(again, whole, sizeof p);
    struct infer_softmax s = infer_softmax_powers(p, n, scale);
    infer_softmax_again(again, n, scale, s);
    infer_softmax_row(whole, n, scale);
    for (size_t i = 0; i < n; i++)
        p[i] *= s.inverse;
    ck_assert_mem_eq(p, whole, n * sizeof *p);
    ck_assert_mem_eq(again, whole, n * sizeof *p);
}
END_TEST

START_TEST(softmax_backward)
{
    float p[MOST], dp[MOST], x[MOST];
    size_t n = lengths[_i];
    double dot = 0;
    randoms(p, n, 2, 1);
    randoms(x, n, 1, 2);
    infer_softmax_row(p, n, 1);
    for (size_t i = 0; i < n; i++)
        dot += (double)p[i] * (double)x[i];
    memcpy(dp, x, n * sizeof *dp);
    infer_softmax_backward_row(dp, p, n, 0.5F, (float)dot);
    for (size_t i = 0; i < n; i++)
        ck_near((double)dp[i], 0.5 * (double)p[i] * ((double)x[i] - dot),
                1e-6 * (double)p[i], "gradient", i);
}
END_TEST

START_TEST(swiglu)
{
    float gate[MOST], up[MOST], d[MOST], act[MOST], again[MOST], dgate[MOST];
    size_t n = lengths[_i];
    randoms(gate, n, 8, 1);
    randoms(up, n, 1, 2);
    randoms(d, n, 1, 3);
    gate[0] = _i % 2 ? -200 : 200; /* e^200 does not fit */
    infer_swiglu_run(act, gate, up, n);
    float dup[MOST];
    memcpy(dup, d, n * sizeof *d);
    infer_swiglu_backward_run(again, dgate, dup, gate, up, n);
    ck_assert_mem_eq(act, again, n * sizeof *act);
    for (size_t i = 0; i < n; i++) {
        double x = (double)gate[i], s = 1 / (1 + exp(-x)), u = (double)up[i];
        double g = (double)d[i], size = 1e-6 * (1 + fabs(x));
        ck_near((double)act[i], x * s * u, size * fabs(u), "act", i);
        ck_near((double)dup[i], g * x * s, size * fabs(g), "dup", i);
        ck_near((double)dgate[i], g * u * s * (1 + x * (1 - s)),
                size * fabs(g * u), "dgate", i);
    }
}
END_TEST

/* A row's bits are those of any processor. */
START_TEST(plain_bits)
{
    float a[5][MOST], b[5][MOST];
    uint16_t ha[MOST], hb[MOST];
    size_t n = lengths[_i];
    for (uint64_t i = 0; i < 5; i++)
        randoms(a[i], n, i == 0 ? 20 : 1, i);
    memcpy(b, a, sizeof b);
    infer_softmax_row(a[0], n, 0.3F);
    plain_softmax_row(b[0], n, 0.3F);
    infer_softmax_backward_row(a[1], a[0], n, 0.3F, 0.7F);
    plain_softmax_backward_row(b[1], b[0], n, 0.3F, 0.7F);
    struct infer_softmax of_a = infer_softmax_powers(a[4], n, 0.3F);
    struct plain_softmax of_b = plain_softmax_powers(b[4], n, 0.3F);
    ck_assert_mem_eq(&of_a, &of_b, sizeof of_a);
    infer_softmax_again(a[3], n, 0.3F, of_a);
    plain_softmax_again(b[3], n, 0.3F, of_b);
    infer_swiglu_backward_run(a[0], a[4], a[2], a[1], a[3], n);
    plain_swiglu_backward_run(b[0], b[4], b[2], b[1], b[3], n);
    infer_swiglu_run(a[1], a[2], a[3], n);
    plain_swiglu_run(b[1], b[2], b[3], n);
    infer_to_bf16(ha, a[2], n);
    plain_to_bf16(hb, b[2], n);
    infer_from_bf16(a[3], ha, n);
    plain_from_bf16(b[3], hb, n);
    for (size_t i = 0; i < 5; i++)
        ck_assert_mem_eq(a[i], b[i], n * sizeof **a);
    ck_assert_mem_eq(ha, hb, n * sizeof *ha);
}
END_TEST

/* Numbers of any bits, whole rows of them and their ends: subnormal ones,
 * zeros, infinities and NaN too; and rows where only one is such. */
START_TEST(rounding_bits)
{
    static const uint32_t odd[] = {0,          0x80000000, 1,
                                   0x80008001, 0x007FFFFF, 0x7F800000,
                                   0xFF800000, 0x7F800001, 0x7FFFFFFF};
    enum { ODD = sizeof odd / sizeof *odd };
    uint32_t u[MOST];
    float x[MOST];
    uint16_t got[MOST], want[MOST];
    struct pk_rng r;
    size_t n = lengths[_i];
    pk_rng_seed(&r, 12, (uint64_t)_i);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < n; i++)
            u[i] = (uint32_t)pk_rng_u64(&r);
        for (size_t i = 0; i < n && round % 2; i++)
            u[i] = (u[i] & 0xBFFFFFFF) | 0x00800000;
        if (round % 2)
            u[pk_rng_below(&r, n)] = odd[(size_t)round / 2 % ODD];
        memcpy(x, u, n * sizeof *x);
        infer_to_bf16(got, x, n);
        plain_to_bf16(want, x, n);
        ck_assert_mem_eq(got, want, n * sizeof *got);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("simd");
    TCase *t = tcase_create("simd");
    tcase_add_loop_test(t, softmax, 0, LENGTHS);
    tcase_add_loop_test(t, softmax_steps, 0, LENGTHS);
    tcase_add_loop_test(t, softmax_backward, 0, LENGTHS);
    tcase_add_loop_test(t, swiglu, 0, LENGTHS);
    tcase_add_loop_test(t, plain_bits, 0, LENGTHS);
    tcase_add_loop_test(t, rounding_bits, 0, LENGTHS);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
