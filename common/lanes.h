/* Sums of f32 numbers in double by lanes, in one order whatever the processor's
 * vectors, for functions that are compiled for several (common/cpus.h). Lanes
 * are named by loops alone, so that the compiler keeps them in vectors: what
 * does not fill them is filled up with zeros. */
#ifndef PREFKIT_COMMON_LANES_H
#define PREFKIT_COMMON_LANES_H

#include <stddef.h>
#include <string.h>

#include "common/cpus.h"

enum { PK_LANES = 16 };

/* to (PK_LANES) = the last numbers of a row of n, those after the last whole
 * block of lanes, and `fill` behind them. */
CPUS_INLINE void pk_lanes_tail(float to[PK_LANES], const float *row, size_t n,
                               float fill)
{
    size_t tail = n % PK_LANES;
    for (int k = 0; k < PK_LANES; k++)
        to[k] = fill;
    memcpy(to, row + (n - tail), tail * sizeof *to);
}

/* By halves: few additions wait for one another. */
CPUS_INLINE double pk_lanes_sum(const double lane[PK_LANES])
{
    double sum[PK_LANES / 2];
    for (int k = 0; k < PK_LANES / 2; k++)
        sum[k] = lane[k] + lane[k + PK_LANES / 2];
    for (int n = PK_LANES / 4; n > 0; n /= 2)
        for (int k = 0; k < n; k++)
            sum[k] += sum[k + n];
    return sum[0];
}

/* sum a[i] * b[i]. */
CPUS_INLINE double pk_dot(const float *a, const float *b, size_t n)
{
    double lane[PK_LANES] = {0};
    float x[PK_LANES], y[PK_LANES];
    for (size_t i = 0; i + PK_LANES <= n; i += PK_LANES)
        for (int k = 0; k < PK_LANES; k++)
            lane[k] += (double)a[i + k] * (double)b[i + k];
    pk_lanes_tail(x, a, n, 0);
    pk_lanes_tail(y, b, n, 0);
    for (int k = 0; k < PK_LANES; k++)
        lane[k] += (double)x[k] * (double)y[k];
    return pk_lanes_sum(lane);
}

#endif
