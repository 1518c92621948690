/* The kernels between matrix products; see kernels.h. */
#include "infer/kernels.h"

#include <string.h>

#include "infer/simd.h"

/* One head, in place: its pairs turned by the angles of t, (d/2, cos and sin).
 */
MANY_CPUS static void rotate(float *v, const float *t, float sign, size_t half)
{
    for (size_t i = 0; i < half; i++) {
        float c = t[2 * i], s = sign * t[2 * i + 1];
        float a = v[i], b = v[i + half];
        v[i] = a * c - b * s;
        v[i + half] = b * c + a * s;
    }
}

void infer_rope(float *x, size_t rows, const struct infer_rope *r)
{
    size_t half = r->d / 2;
    float sign = r->inverse ? -1.0F : 1.0F;
#pragma omp parallel for
    for (size_t row = 0; row < rows; row++) {
        const float *t = r->table + r->depth[r->row_token[row]] * half * 2;
        for (size_t h = 0; h < r->heads; h++)
            rotate(x + (row * r->heads + h) * r->d, t, sign, half);
    }
}

enum {
    RUN = 1 << 10
}; /* elements that a thread takes at a time, or three
       times as many: they stay in its first cache */

/* Where a run's numbers, from i on, are computed: where they belong, or in mem
 * to be rounded from there. */
static float *run_at(struct infer_values v, size_t i, float *mem)
{
    return v.f32 ? v.f32 + i : mem;
}

static void run_done(struct infer_values v, size_t i, const float *mem,
                     size_t n)
{
    if (v.bf16)
        infer_to_bf16(v.bf16 + i, mem, n);
}

void infer_swiglu(struct infer_values act, const float *gate, const float *up,
                  size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN) {
        float mem[RUN];
        size_t some = n - i < RUN ? n - i : RUN;
        infer_swiglu_run(run_at(act, i, mem), gate + i, up + i, some);
        run_done(act, i, mem, some);
    }
}

static void swiglu_backward_run(const struct infer_swiglu_grad *s, size_t i,
                                size_t n)
{
    float mem[3][RUN];
    float *dup = run_at(s->dup, i, mem[0]);
    if (dup != s->d + i)
        memcpy(dup, s->d + i, n * sizeof *dup);
    infer_swiglu_backward_run(run_at(s->act, i, mem[1]),
                              run_at(s->dgate, i, mem[2]), dup, s->gate + i,
                              s->up + i, n);
    run_done(s->dup, i, mem[0], n);
    run_done(s->act, i, mem[1], n);
    run_done(s->dgate, i, mem[2], n);
}

void infer_swiglu_backward(const struct infer_swiglu_grad *s, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN)
        swiglu_backward_run(s, i, n - i < RUN ? n - i : RUN);
}

void infer_gather(void *y, const void *x, const size_t *index, size_t base,
                  size_t rows, size_t bytes)
{
#pragma omp parallel for
    for (size_t r = 0; r < rows; r++)
        memcpy((char *)y + r * bytes,
               (const char *)x + (index[r] - base) * bytes, bytes);
}

void infer_scatter_add(float *x, const float *y, const size_t *index,
                       size_t rows, size_t c)
{
#pragma omp parallel for
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < c; i++)
            x[index[r] * c + i] += y[r * c + i];
}
