/* The kernels between matrix products; see kernels.h. */
#include "infer/math/kernels.h"

#include <string.h>

#include "infer/math/simd.h"

enum {
    RUN = 1 << 10,   /* elements that a thread takes at a time, or three times
                        as many: they stay in its first cache */
    MOVED = 1 << 14, /* when it has but to round or copy them */
    TURNED = 64      /* pairs of a head */
};

/* n pairs of a head, (x[i], x[i + half]), turned by the angles of t, (n, cos
 * and sin): their first numbers to a, their second to b. */
MANY_CPUS static void rotate(float *restrict a, float *restrict b,
                             const float *x, size_t half, const float *t,
                             float sign, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float c = t[2 * i], s = sign * t[2 * i + 1];
        a[i] = x[i] * c - x[i + half] * s;
        b[i] = x[i + half] * c + x[i] * s;
    }
}

/* The head that begins with number `at`. */
static void rotate_head(struct infer_values y, const float *x, size_t at,
                        const float *t, const struct infer_rope *r)
{
    float a[TURNED], b[TURNED], sign = r->inverse ? -1.0F : 1.0F;
    size_t half = r->d / 2;
    for (size_t i = 0; i < half; i += TURNED) {
        size_t n = half - i < TURNED ? half - i : TURNED;
        rotate(a, b, x + at + i, half, t + 2 * i, sign, n);
        infer_values_put(y, at + i, a, n);
        infer_values_put(y, at + half + i, b, n);
    }
}

void infer_rope(struct infer_values y, const float *x, size_t rows,
                const struct infer_rope *r)
{
#pragma omp parallel for
    for (size_t row = 0; row < rows; row++) {
        const float *t = r->table + r->depth[r->row_token[row]] * r->d;
        for (size_t h = 0; h < r->heads; h++)
            rotate_head(y, x, (row * r->heads + h) * r->d, t, r);
    }
}

void infer_round(uint16_t *y, const float *x, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += MOVED)
        infer_to_bf16(y + i, x + i, n - i < MOVED ? n - i : MOVED);
}

void infer_swiglu(struct infer_values act, const float *gate, const float *up,
                  size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN) {
        float mem[RUN];
        size_t some = n - i < RUN ? n - i : RUN;
        infer_swiglu_run(infer_values_at(act, i, mem), gate + i, up + i, some);
        infer_values_done(act, i, mem, some);
    }
}

static void swiglu_backward_run(const struct infer_swiglu_grad *s, size_t i,
                                size_t n)
{
    float mem[3][RUN];
    float *dup = infer_values_at(s->dup, i, mem[0]);
    if (dup != s->d + i)
        memcpy(dup, s->d + i, n * sizeof *dup);
    infer_swiglu_backward_run(infer_values_at(s->act, i, mem[1]),
                              infer_values_at(s->dgate, i, mem[2]), dup,
                              s->gate + i, s->up + i, n);
    infer_values_done(s->dup, i, mem[0], n);
    infer_values_done(s->act, i, mem[1], n);
    infer_values_done(s->dgate, i, mem[2], n);
}

void infer_swiglu_backward(const struct infer_swiglu_grad *s, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN)
        swiglu_backward_run(s, i, n - i < RUN ? n - i : RUN);
}

void infer_copy(float *y, const float *x, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += MOVED)
        memcpy(y + i, x + i, (n - i < MOVED ? n - i : MOVED) * sizeof *y);
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
