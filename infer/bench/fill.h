/* Random numbers by all threads, so that a large model fills in seconds: for
 * measuring alone. */
#ifndef PREFKIT_INFER_BENCH_FILL_H
#define PREFKIT_INFER_BENCH_FILL_H

#include <stddef.h>
#include <stdint.h>

#include "infer/math/bf16.h"

/* Uniform in [-scale, scale). */
static inline float infer_bench_number(size_t i, float scale)
{
    uint32_t x = (uint32_t)i * 2654435761u + 12345u;
    x = (x ^ (x >> 15)) * 2246822519u;
    return scale * ((float)(x >> 8) / 8388608.0F - 1.0F);
}

static inline void infer_bench_fill(float *p, size_t n, float scale)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i++)
        p[i] = infer_bench_number(i, scale);
}

static inline void infer_bench_fill_bf16(uint16_t *p, size_t n, float scale)
{
    enum { RUN = 1024 };
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN) {
        size_t some = n - i < RUN ? n - i : RUN;
        float x[RUN];
        for (size_t k = 0; k < some; k++)
            x[k] = infer_bench_number(i + k, scale);
        infer_to_bf16(p + i, x, some);
    }
}

#endif
