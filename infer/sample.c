/* Drawing a token from logits. */
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "infer/infer.h"

static int32_t argmax(const float *logits, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return (int32_t)best;
}

static int larger_first(const void *a, const void *b, void *arg)
{
    const float *p = arg;
    int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
    if (p[i] != p[j])
        return p[i] > p[j] ? -1 : 1;
    return (i > j) - (i < j);
}

int32_t infer_sample(const struct infer_sampling *s, float *logits,
                     int32_t *order, size_t n, struct pk_rng *rng)
{
    if (s->temperature <= 0)
        return argmax(logits, n);
    double max = (double)logits[argmax(logits, n)], sum = 0;
    for (size_t i = 0; i < n; i++) {
        logits[i] = (float)exp(((double)logits[i] - max) / s->temperature);
        sum += (double)logits[i];
        order[i] = (int32_t)i;
    }
    size_t kept = n;
    if (s->top_p < 1) {
        qsort_r(order, n, sizeof *order, larger_first, logits);
        double want = s->top_p * sum;
        sum = 0;
        for (kept = 0; kept < n && sum < want; kept++)
            sum += (double)logits[order[kept]];
    }
    double u = pk_rng_uniform(rng) * sum;
    for (size_t i = 0; i + 1 < kept; i++) {
        u -= (double)logits[order[i]];
        if (u < 0)
            return order[i];
    }
    return order[kept - 1];
}
