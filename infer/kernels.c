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

enum { RUN = 1 << 12 }; /* elements that one thread takes at a time */

void infer_swiglu(float *act, const float *gate, const float *up, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN)
        infer_swiglu_run(act + i, gate + i, up + i, n - i < RUN ? n - i : RUN);
}

void infer_swiglu_backward(float *act, float *dgate, float *d,
                           const float *gate, const float *up, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN)
        infer_swiglu_backward_run(act + i, dgate + i, d + i, gate + i, up + i,
                                  n - i < RUN ? n - i : RUN);
}

void infer_gather(float *y, const float *x, const size_t *index, size_t base,
                  size_t rows, size_t c)
{
#pragma omp parallel for
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * c, x + (index[r] - base) * c, c * sizeof *y);
}

void infer_scatter_add(float *x, const float *y, const size_t *index,
                       size_t rows, size_t c)
{
#pragma omp parallel for
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < c; i++)
            x[index[r] * c + i] += y[r * c + i];
}
