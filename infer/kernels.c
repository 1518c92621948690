/* The kernels between matrix products; see kernels.h. */
#include "infer/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/simd.h"

enum { ROW_CHUNK = 64 }; /* rows that one partial sum covers */

static double row_rstd(const float *x, size_t c, double eps)
{
    double sum[4] = {0};
    size_t i = 0;
    for (; i + 4 <= c; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] += (double)x[i + k] * (double)x[i + k];
    for (; i < c; i++)
        sum[0] += (double)x[i] * (double)x[i];
    double mean = (sum[0] + sum[1] + sum[2] + sum[3]) / (double)c;
    return 1.0 / sqrt(mean + eps);
}

void infer_rmsnorm(float *y, const struct infer_rmsnorm *n)
{
    size_t c = n->c;
#pragma omp parallel for
    for (size_t r = 0; r < n->rows; r++) {
        const float *xr = n->x + r * c;
        float *yr = y + r * c, rstd = (float)row_rstd(xr, c, n->eps);
        for (size_t i = 0; i < c; i++)
            yr[i] = xr[i] * rstd * n->w[i];
    }
}

/* Row r: dx += rstd (g - x * rstd^2 * mean(g x)), where g = dy * w. */
static void rmsnorm_backward_row(float *dx, double *dw, const float *dy,
                                 const struct infer_rmsnorm *n, size_t r)
{
    size_t c = n->c;
    const float *x = n->x + r * c, *w = n->w;
    double rstd = row_rstd(x, c, n->eps), dot = 0;
    dx += r * c;
    dy += r * c;
    for (size_t i = 0; i < c; i++)
        dot += (double)dy[i] * (double)w[i] * (double)x[i];
    double k = dot * rstd * rstd * rstd / (double)c;
    for (size_t i = 0; i < c; i++) {
        dx[i] +=
            (float)(rstd * (double)dy[i] * (double)w[i] - k * (double)x[i]);
        dw[i] += (double)dy[i] * (double)x[i] * rstd;
    }
}

int infer_rmsnorm_backward(float *dx, float *dw, const float *dy,
                           const struct infer_rmsnorm *n, struct pk_err *err)
{
    size_t c = n->c, chunks = (n->rows + ROW_CHUNK - 1) / ROW_CHUNK;
    double *part = pk_calloc_aligned(chunks * c, sizeof *part);
    if (!part)
        return pk_fail_mem(err, "a norm's gradient");
#pragma omp parallel for
    for (size_t k = 0; k < chunks; k++) {
        size_t end = (k + 1) * ROW_CHUNK;
        for (size_t r = k * ROW_CHUNK; r < n->rows && r < end; r++)
            rmsnorm_backward_row(dx, part + k * c, dy, n, r);
    }
    for (size_t i = 0; dw && i < c; i++) {
        double sum = 0;
        for (size_t k = 0; k < chunks; k++)
            sum += part[k * c + i];
        dw[i] += (float)sum;
    }
    free(part);
    return 0;
}

void infer_rope(float *x, size_t rows, const struct infer_rope *r)
{
    size_t half = r->d / 2;
    float sign = r->inverse ? -1.0F : 1.0F;
#pragma omp parallel for
    for (size_t row = 0; row < rows; row++) {
        const float *t = r->table + r->depth[r->row_token[row]] * half * 2;
        for (size_t h = 0; h < r->heads; h++) {
            float *v = x + (row * r->heads + h) * r->d;
            for (size_t i = 0; i < half; i++) {
                float c = t[2 * i], s = sign * t[2 * i + 1];
                float a = v[i], b = v[i + half];
                v[i] = a * c - b * s;
                v[i + half] = b * c + a * s;
            }
        }
    }
}

enum { RUN = 1 << 12 }; /* elements that one thread takes at a time */

void infer_swiglu(float *act, const float *gate, const float *up, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN)
        infer_swiglu_run(act + i, gate + i, up + i, n - i < RUN ? n - i : RUN);
}

void infer_swiglu_backward(float *dgate, float *dup, const float *dact,
                           const float *gate, const float *up, size_t n)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN)
        infer_swiglu_backward_run(dgate + i, dup + i, dact + i, gate + i,
                                  up + i, n - i < RUN ? n - i : RUN);
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
