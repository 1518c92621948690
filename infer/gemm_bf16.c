/* Products in bf16: operands rounded, rows in blocks of a fixed size. */
#include "infer/gemm_bf16.h"

#include <string.h>

#include "infer/gemm_dnn.h"
#include "infer/gemm_tiles.h"
#include "infer/simd.h"

enum {
    BLOCK = 512,  /* rows at a time, whatever their number */
    RUN = 1 << 14 /* elements that one thread rounds at a time */
};

/* n numbers to bf16, padded with zeros to `padded`. */
static void rounded(uint16_t *dst, const float *src, size_t n, size_t padded)
{
#pragma omp parallel for
    for (size_t i = 0; i < n; i += RUN)
        infer_to_bf16(dst + i, src + i, n - i < RUN ? n - i : RUN);
    memset(dst + n, 0, (padded - n) * sizeof *dst);
}

/* Scratch cut into arrays of 64-byte multiples. */
static size_t floats(size_t bytes)
{
    return (bytes + 63) / 64 * 16;
}

static size_t bf16_floats(size_t n)
{
    return floats(n * sizeof(uint16_t));
}

/* The weights in bf16: as they lie, or rounded into `mem`. */
static const uint16_t *weights(const struct infer_matrix *w, float *mem)
{
    size_t n = w->rows * w->cols;
    if (w->bf16)
        return w->bf16;
    rounded((uint16_t *)mem, w->f32, n, n);
    return (const uint16_t *)mem;
}

static size_t weights_floats(const struct infer_matrix *w)
{
    return w->bf16 ? 0 : bf16_floats(w->rows * w->cols);
}

static int one_linear(struct infer_gemm *g, float *y, const float *x,
                      const struct infer_matrix *w, size_t rows, bool add,
                      struct pk_err *err)
{
    size_t out = w->rows, in = w->cols;
    size_t wide = weights_floats(w), narrow = bf16_floats(BLOCK * in);
    float *mem = infer_gemm_scratch(g, wide + narrow + BLOCK * out, err);
    if (!mem)
        return PK_EMEM;
    const uint16_t *wh = weights(w, mem);
    uint16_t *xh = (uint16_t *)(mem + wide);
    float *part = mem + wide + narrow;
    const struct infer_dnn_product p = {BLOCK, out, in, false, true, add};
    int rc = 0;
    for (size_t r = 0; !rc && r < rows; r += BLOCK) {
        size_t n = rows - r < BLOCK ? rows - r : BLOCK;
        float *to = n < BLOCK ? part : y + r * out;
        rounded(xh, x + r * in, n * in, BLOCK * in);
        if (n < BLOCK) {
            memset(part, 0, BLOCK * out * sizeof *part);
            memcpy(part, y + r * out, add ? n * out * sizeof *part : 0);
        }
        rc = infer_dnn_multiply(&g->dnn, &p, to, xh, wh, err);
        if (!rc && n < BLOCK)
            memcpy(y + r * out, part, n * out * sizeof *part);
    }
    return rc;
}

int infer_bf16_linears(struct infer_gemm *g, const struct infer_linear *to,
                       size_t n, const float *x, size_t rows, bool add,
                       struct pk_err *err)
{
    int rc = 0;
    if (infer_tiles_here())
        return infer_tiles_linears(g, to, n, x, rows, add, err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = one_linear(g, to[i].y, x, to[i].w, rows, add, err);
    return rc;
}

int infer_bf16_dx(struct infer_gemm *g, float *dx, const float *dy,
                  const struct infer_matrix *w, size_t rows, bool add,
                  struct pk_err *err)
{
    size_t out = w->rows, in = w->cols, wide = weights_floats(w);
    if (infer_tiles_here())
        return infer_tiles_dx(g, dx, dy, w, rows, add, err);
    float *mem = infer_gemm_scratch(g, wide + bf16_floats(rows * out), err);
    if (!mem)
        return PK_EMEM;
    const uint16_t *wh = weights(w, mem);
    uint16_t *dyh = (uint16_t *)(mem + wide);
    rounded(dyh, dy, rows * out, rows * out);
    return infer_dnn_multiply(
        &g->dnn, &(struct infer_dnn_product){rows, in, out, false, false, add},
        dx, dyh, wh, err);
}

int infer_bf16_dw(struct infer_gemm *g, const struct infer_matrix *dw,
                  const float *dy, const float *x, size_t rows,
                  struct pk_err *err)
{
    size_t out = dw->rows, in = dw->cols, left = bf16_floats(rows * out);
    if (infer_tiles_here())
        return infer_tiles_dw(g, dw, dy, x, rows, err);
    float *mem = infer_gemm_scratch(g, left + bf16_floats(rows * in), err);
    if (!mem)
        return PK_EMEM;
    uint16_t *dyh = (uint16_t *)mem, *xh = (uint16_t *)(mem + left);
    rounded(dyh, dy, rows * out, rows * out);
    rounded(xh, x, rows * in, rows * in);
    return infer_dnn_multiply(
        &g->dnn, &(struct infer_dnn_product){out, in, rows, true, false, true},
        dw->f32, dyh, xh, err);
}
