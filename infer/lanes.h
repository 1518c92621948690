/* Sums in double by lanes, in one order whatever the processor's vectors, for
 * functions that are compiled for several (common/cpus.h). Private to infer/.
 */
#ifndef PREFKIT_INFER_LANES_H
#define PREFKIT_INFER_LANES_H

#include <stddef.h>

enum { LANES = 16 };

static inline double lanes_sum(const double lane[LANES])
{
    double sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

/* sum a[i] * b[i] in double; the tail goes into its lanes. */
static inline double row_dot(const float *a, const float *b, size_t n)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++)
        lane[i % LANES] += (double)a[i] * (double)b[i];
    return lanes_sum(lane);
}

#endif
