/* Published numbers, to the digits in which they are given. */
#ifndef PREFKIT_TESTS_NEAR_H
#define PREFKIT_TESTS_NEAR_H

#include <check.h>
#include <math.h>

/* |x - want| is at most one in the last digit of `digits`. */
static inline void near(double x, double want, int digits, const char *what)
{
    ck_assert_msg(fabs(x - want) <= 1.01 * pow(10, -digits),
                  "%s: %.12g, wanted %.12g", what, x, want);
}

/* The p_e of a coefficient that is (p_a - p_e) / (1 - p_e). */
static inline double chance(double pa, double value)
{
    return (pa - value) / (1 - value);
}

#endif
