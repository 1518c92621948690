/* RMSNorm and its adjoint; see kernels.h. */
#include <math.h>
#include <stdlib.h>

#include "common/lanes.h"
#include "common/mem.h"
#include "infer/math/kernels.h"

enum {
    ROW_CHUNK = 64, /* rows that one partial sum covers */
    RUN = 1024      /* numbers of a row that are computed at a time */
};

CPUS_INLINE double row_rstd(const float *x, const struct infer_rmsnorm *n)
{
    return 1.0 / sqrt(pk_dot(x, x, n->c) / (double)n->c + n->eps);
}

MANY_CPUS static double rstd_of(const float *x, const struct infer_rmsnorm *n)
{
    return row_rstd(x, n);
}

MANY_CPUS static void norm_run(float *restrict y, const float *x,
                               const float *w, float rstd, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * rstd * w[i];
}

static void norm_row(struct infer_values y, const struct infer_rmsnorm *n,
                     size_t r)
{
    const float *x = n->x + r * n->c;
    float rstd = (float)rstd_of(x, n), mem[RUN];
    for (size_t i = 0; i < n->c; i += RUN) {
        size_t at = r * n->c + i, some = n->c - i < RUN ? n->c - i : RUN;
        norm_run(infer_values_at(y, at, mem), x + i, n->w + i, rstd, some);
        infer_values_done(y, at, mem, some);
    }
}

void infer_rmsnorm(struct infer_values y, const struct infer_rmsnorm *n)
{
#pragma omp parallel for
    for (size_t r = 0; r < n->rows; r++)
        norm_row(y, n, r);
}

/* sum dy * w * x. */
CPUS_INLINE double dot_of_three(const float *dy, const float *w, const float *x,
                                size_t c)
{
    double lane[PK_LANES] = {0};
    float a[PK_LANES], b[PK_LANES], d[PK_LANES];
    for (size_t i = 0; i + PK_LANES <= c; i += PK_LANES)
        for (int k = 0; k < PK_LANES; k++)
            lane[k] += (double)dy[i + k] * (double)w[i + k] * (double)x[i + k];
    pk_lanes_tail(a, dy, c, 0);
    pk_lanes_tail(b, w, c, 0);
    pk_lanes_tail(d, x, c, 0);
    for (int k = 0; k < PK_LANES; k++)
        lane[k] += (double)a[k] * (double)b[k] * (double)d[k];
    return pk_lanes_sum(lane);
}

/* Row r: dx += rstd (g - x * rstd^2 * mean(g x)), where g = dy * w. */
MANY_CPUS static void backward_row(float *restrict dx, double *restrict dw,
                                   const float *restrict dy,
                                   const struct infer_rmsnorm *n, size_t r)
{
    size_t c = n->c;
    const float *x = n->x + r * c, *w = n->w;
    double rstd = row_rstd(x, n);
    dx += r * c;
    dy += r * c;
    double k = dot_of_three(dy, w, x, c) * rstd * rstd * rstd / (double)c;
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
            backward_row(dx, part + k * c, dy, n, r);
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
