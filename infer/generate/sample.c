/* Drawing a token from logits; see sample.h. */
#include "infer/generate/sample.h"

#include <math.h>
#include <stdlib.h>

#include "infer/math/simd.h"

static int32_t argmax(const float *logits, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return (int32_t)best;
}

/* The order of candidates: likelier first, then the smaller id. */
static bool before(const float *p, int32_t i, int32_t j)
{
    return p[i] != p[j] ? p[i] > p[j] : i < j;
}

static int compare(const void *a, const void *b, void *p)
{
    int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
    return before(p, i, j) ? -1 : i != j;
}

/* order[0..k) is a heap with the last of the candidates on top: put it right
 * from its root down. */
static void sift(const float *p, int32_t *order, size_t k)
{
    for (size_t i = 0, c; (c = 2 * i + 1) < k; i = c) {
        if (c + 1 < k && before(p, order[c], order[c + 1]))
            c++;
        if (!before(p, order[i], order[c]))
            return;
        int32_t t = order[i];
        order[i] = order[c];
        order[c] = t;
    }
}

/* The k likeliest of n, in no order. */
static size_t largest(const float *p, int32_t *order, size_t n, size_t k)
{
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t id = (int32_t)i;
        if (held < k) { /* grow the heap from its leaves up */
            size_t at = held++;
            while (at && before(p, order[(at - 1) / 2], id)) {
                order[at] = order[(at - 1) / 2];
                at = (at - 1) / 2;
            }
            order[at] = id;
        } else if (before(p, id, order[0])) {
            order[0] = id;
            sift(p, order, k);
        }
    }
    return held;
}

/* Those that can be in the smallest set that holds top_p: all tokens under
 * (1 - top_p) / 2n together hold less than what that set leaves out. */
static size_t likely(const float *p, int32_t *order, size_t n, double top_p)
{
    float least = (float)((1 - top_p) / (2 * (double)n));
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] >= least)
            order[kept++] = (int32_t)i;
    return kept;
}

static int32_t draw(const float *p, const int32_t *order, size_t n, double u)
{
    for (size_t i = 0; i + 1 < n; i++) {
        int32_t id = order ? order[i] : (int32_t)i;
        u -= (double)p[id];
        if (u < 0)
            return id;
    }
    return order ? order[n - 1] : (int32_t)(n - 1);
}

static double sum_of(const float *p, const int32_t *order, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)p[order ? order[i] : (int32_t)i];
    return sum;
}

void infer_penalize(float *logits, const unsigned char *seen, size_t n,
                    double penalty)
{
    const float over = (float)(1 / penalty), times = (float)penalty;
    for (size_t i = 0; i < n; i++)
        if (seen[i])
            logits[i] *= logits[i] > 0 ? over : times;
}

int32_t infer_sample(const struct infer_sampling *s, float *logits,
                     int32_t *order, size_t n, struct pk_rng *rng)
{
    const int32_t best = argmax(logits, n);
    if (s->temperature <= 0 || s->top_k == 1)
        return best;
    const double max = (double)logits[best];
    for (size_t i = 0; i < n; i++)
        logits[i] = (float)(((double)logits[i] - max) / s->temperature);
    infer_softmax_row(logits, n, 1);
    const bool by_rank = s->top_k > 0 && s->top_k < n;
    if (!by_rank && s->top_p >= 1)
        return draw(logits, NULL, n,
                    pk_rng_uniform(rng) * sum_of(logits, NULL, n));
    size_t kept = by_rank ? largest(logits, order, n, s->top_k)
                          : likely(logits, order, n, s->top_p);
    qsort_r(order, kept, sizeof *order, compare, logits);
    double sum = sum_of(logits, order, kept);
    if (s->top_p < 1) {
        double want = s->top_p * (by_rank ? sum : 1);
        size_t all = kept;
        sum = 0;
        for (kept = 0; kept < all && sum < want; kept++)
            sum += (double)logits[order[kept]];
    }
    return draw(logits, order, kept, pk_rng_uniform(rng) * sum);
}
