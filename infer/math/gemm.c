/* Matrix products in tiles; see gemm.h for why. */
#include "infer/math/gemm.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "common/mem.h"
#include "infer/math/bf16.h"
#include "infer/math/blas.h"
#include "infer/math/gemm_avx2.h"
#include "infer/math/gemm_bf16.h"
#include "infer/math/gemm_dnn.h"
#include "infer/math/gemm_tiles.h"
#include "infer/math/thin.h"

enum {
    TILE_ROWS = 504,        /* of the result */
    TILE_COLS = 512,        /* of the result */
    ROWS = 12,              /* what a kernel takes at once divides this */
    SMALL_PRODUCT = 1000000 /* OpenBLAS's small-matrix kernel: up to here */
};

/* A product of one tile always fits BLAS's int: TILE_ROWS by TILE_COLS by k,
 * and k is a dimension of a model or a number of tokens. */
void infer_gemm_block(struct infer_block s, struct infer_mat a,
                      struct infer_mat b, float *c, size_t ldc)
{
    if (!a.t && infer_avx2_wanted()) {
        infer_avx2_block(s, a, b, c, ldc);
        return;
    }
    infer_blas()->sgemm(CblasRowMajor, a.t ? CblasTrans : CblasNoTrans,
                        b.t ? CblasTrans : CblasNoTrans, (blasint)s.m,
                        (blasint)s.n, (blasint)s.k, 1.0F, a.p, (blasint)a.ld,
                        b.p, (blasint)b.ld, s.add ? 1.0F : 0.0F, c,
                        (blasint)ldc);
}

void infer_gemm_release(struct infer_gemm *g)
{
    free(g->scratch);
    infer_dnn_free(g->dnn);
    *g = (struct infer_gemm){.precision = g->precision, .thin = g->thin};
}

float *infer_gemm_scratch(struct infer_gemm *g, size_t n, struct pk_err *err)
{
    if (n <= g->cap)
        return g->scratch;
    free(g->scratch);
    g->scratch = pk_alloc_aligned(n, sizeof *g->scratch);
    g->cap = g->scratch ? n : 0;
    if (!g->scratch)
        (void)pk_fail_mem(err, "a matrix product");
    return g->scratch;
}

/* ---- Tiles --------------------------------------------------------------- */

/* The second operand: f32, or bf16 that is widened a tile at a time. */
struct right {
    const float *f32;
    const uint16_t *bf16;
    size_t ld;
    bool t;
};

static struct right weights(const struct infer_matrix *w, bool t)
{
    return (struct right){w->f32, w->bf16, w->cols, t};
}

/* Floats that a thread needs to widen a tile. */
static size_t panel_floats(const struct right *b, size_t n, size_t k)
{
    return b->f32 ? 0 : (at_most(n, TILE_COLS) * k + 15) & ~(size_t)15;
}

/* n columns of op(B) from column j on, widened into mem if they must be. */
static struct infer_mat panel(const struct right *b, size_t j, size_t n,
                              size_t k, float *mem)
{
    size_t at = b->t ? j * b->ld : j;
    if (b->f32)
        return (struct infer_mat){b->f32 + at, b->ld, b->t};
    size_t rows = b->t ? n : k, cols = b->t ? k : n;
    for (size_t r = 0; r < rows; r++)
        infer_from_bf16(mem + r * cols, b->bf16 + at + r * b->ld, cols);
    return (struct infer_mat){mem, cols, b->t};
}

/* C (m, n) = or += op(A) op(B), tile by tile; `mem` has a panel for each
 * thread. Tiles under one another are neighbours in the order of work, so that
 * a panel is widened about once a thread. */
static void gemm(struct infer_block s, struct infer_mat a, struct right b,
                 float *c, float *mem)
{
    size_t tm = (s.m + TILE_ROWS - 1) / TILE_ROWS;
    size_t tn = (s.n + TILE_COLS - 1) / TILE_COLS;
    size_t len = panel_floats(&b, s.n, s.k);
#pragma omp parallel
    {
        size_t have = SIZE_MAX;
        struct infer_mat bj = {0};
#pragma omp for schedule(dynamic, 1)
        for (size_t t = 0; t < tm * tn; t++) {
            size_t j = t / tm * TILE_COLS, i = t % tm * TILE_ROWS;
            size_t n = at_most(s.n - j, TILE_COLS);
            if (j != have)
                bj = panel(&b, j, n, s.k,
                           mem + len * (size_t)omp_get_thread_num());
            have = j;
            struct infer_mat ai = a;
            ai.p += a.t ? i : i * a.ld;
            infer_gemm_block((struct infer_block){at_most(s.m - i, TILE_ROWS),
                                                  n, s.k, s.add},
                             ai, bj, c + i * s.n + j, s.n);
        }
    }
}

static size_t panels_floats(const struct right *b, size_t n, size_t k)
{
    return (size_t)omp_get_max_threads() * panel_floats(b, n, k);
}

/* ---- Products ------------------------------------------------------------ */

/* As many rows as a tile of `rows` must have in the end: off the small kernel,
 * and none left over for the kernels of a product's edge. */
static size_t padded_rows(size_t rows, const struct infer_matrix *w)
{
    size_t over = w->rows % TILE_COLS, columns = over ? over : TILE_COLS;
    size_t enough = SMALL_PRODUCT / (columns * w->cols) + 1;
    size_t m = rows > enough ? rows : enough;
    return (m + ROWS - 1) / ROWS * ROWS;
}

/* A tile of rows with rows of zeros under them, m together. */
static int linear_padded(struct infer_gemm *g, float *y, const float *x,
                         const struct infer_matrix *w, size_t rows, size_t m,
                         bool add, struct pk_err *err)
{
    size_t out = w->rows, in = w->cols;
    struct right b = weights(w, true);
    size_t panels = panels_floats(&b, out, in);
    float *mem = infer_gemm_scratch(g, panels + m * (in + out), err);
    if (!mem)
        return PK_EMEM;
    float *xp = mem + panels, *yp = xp + m * in;
    memcpy(xp, x, rows * in * sizeof *xp);
    memset(xp + rows * in, 0, (m - rows) * in * sizeof *xp);
    if (add)
        memcpy(yp, y, rows * out * sizeof *yp);
    gemm((struct infer_block){m, out, in, add},
         (struct infer_mat){xp, in, false}, b, yp, mem);
    memcpy(y, yp, rows * out * sizeof *y);
    return 0;
}

/* One product without padding. */
static int whole(struct infer_gemm *g, struct infer_block s, struct infer_mat a,
                 struct right b, float *c, struct pk_err *err)
{
    float *mem = NULL;
    if (!b.f32 &&
        !(mem = infer_gemm_scratch(g, panels_floats(&b, s.n, s.k), err)))
        return PK_EMEM;
    gemm(s, a, b, c, mem);
    return 0;
}

static int linear_avx2(struct infer_gemm *g, float *y, const float *x,
                       const struct infer_matrix *w, size_t rows, bool add,
                       struct pk_err *err)
{
    float *mem = infer_gemm_scratch(g, infer_avx2_floats(), err);
    if (!mem)
        return PK_EMEM;
    infer_avx2_linear(y, x, w, rows, add, mem);
    return 0;
}

static int linear_fp32(struct infer_gemm *g, float *y, const float *x,
                       const struct infer_matrix *w, size_t rows, bool add,
                       struct pk_err *err)
{
    if (g->thin) {
        infer_thin_linear(y, x, w, rows, add);
        return 0;
    }
    if (infer_avx2_wanted())
        return linear_avx2(g, y, x, w, rows, add, err);
    size_t out = w->rows, in = w->cols;
    size_t last = rows % TILE_ROWS, m = padded_rows(last, w);
    int rc = 0;
    if (m == last) /* the last tile needs no padding */
        last = 0;
    if (rows > last)
        rc = whole(g, (struct infer_block){rows - last, out, in, add},
                   (struct infer_mat){x, in, false}, weights(w, true), y, err);
    if (rc || !last)
        return rc;
    return linear_padded(g, y + (rows - last) * out, x + (rows - last) * in, w,
                         last, m, add, err);
}

int infer_linears(struct infer_gemm *g, const struct infer_linear *to, size_t n,
                  struct infer_operand x, size_t rows, bool add,
                  struct pk_err *err)
{
    int rc = infer_blas_ready(err); /* for infer_gemm_block, in every case */
    if (rc)
        return rc;
    if (g->precision == INFER_PRECISION_BF16 && !g->thin)
        return infer_bf16_linears(g, to, n, x, rows, add, err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = linear_fp32(g, to[i].y, x.f32, to[i].w, rows, add, err);
    return rc;
}

int infer_linear(struct infer_gemm *g, float *y, const float *x,
                 const struct infer_matrix *w, size_t rows, bool add,
                 struct pk_err *err)
{
    return infer_linears(g, &(struct infer_linear){y, w}, 1,
                         (struct infer_operand){.f32 = x}, rows, add, err);
}

bool infer_gated_here(const struct infer_gemm *g)
{
    return g->precision == INFER_PRECISION_BF16 && !g->thin &&
           infer_tiles_here();
}

int infer_gated(struct infer_gemm *g, float *y, const struct infer_matrix *gate,
                const struct infer_matrix *up, struct infer_operand x,
                size_t rows, struct pk_err *err)
{
    return infer_tiles_gated(g, y, gate, up, x, rows, err);
}

/* ---- Adjoints ------------------------------------------------------------ */

static int dx_fp32(struct infer_gemm *g, const struct infer_linears_grad *b,
                   size_t i, struct pk_err *err)
{
    const struct infer_linear_grad *of = &b->of[i];
    size_t out = of->w->rows, in = of->w->cols;
    return whole(g, (struct infer_block){b->rows, in, out, b->add || i > 0},
                 (struct infer_mat){of->dy.f32, out, false},
                 weights(of->w, false), b->dx, err);
}

static int dw_fp32(struct infer_gemm *g, const struct infer_linears_grad *b,
                   size_t i, struct pk_err *err)
{
    const struct infer_linear_grad *of = &b->of[i];
    size_t out = of->w->rows, in = of->w->cols;
    return whole(g, (struct infer_block){out, in, b->rows, true},
                 (struct infer_mat){of->dy.f32, out, true},
                 (struct right){.f32 = b->x.f32, .ld = in}, of->dw->f32, err);
}

int infer_linears_backward(struct infer_gemm *g,
                           const struct infer_linears_grad *b,
                           struct pk_err *err)
{
    int rc = infer_blas_ready(err);
    if (rc)
        return rc;
    if (g->precision == INFER_PRECISION_BF16)
        return infer_bf16_linears_backward(g, b, err);
    for (size_t i = 0; !rc && i < b->n; i++) {
        if (b->dx)
            rc = dx_fp32(g, b, i, err);
        if (!rc && infer_wants_dw(b, i))
            rc = dw_fp32(g, b, i, err);
    }
    return rc;
}

int infer_linear_dx(struct infer_gemm *g, float *dx, const float *dy,
                    const struct infer_matrix *w, size_t rows, bool add,
                    struct pk_err *err)
{
    return infer_linears_backward(
        g,
        &(struct infer_linears_grad){
            .of = &(struct infer_linear_grad){{.f32 = dy}, w, w},
            .n = 1,
            .rows = rows,
            .dx = dx,
            .add = add},
        err);
}

int infer_linear_dw(struct infer_gemm *g, const struct infer_matrix *dw,
                    const float *dy, const float *x, size_t rows,
                    struct pk_err *err)
{
    return infer_linears_backward(
        g,
        &(struct infer_linears_grad){
            .of = &(struct infer_linear_grad){{.f32 = dy}, dw, dw},
            .n = 1,
            .rows = rows,
            .x = {.f32 = x}},
        err);
}

/* ---- Scratch ------------------------------------------------------------- */

static size_t widest_panels_floats(const struct infer_gemm_sizes *s)
{
    const struct right b = {.ld = s->wide};
    return s->narrow ? panels_floats(&b, s->wide, s->wide) : 0;
}

size_t infer_gemm_floats(const struct infer_gemm_sizes *s)
{
    if (s->precision == INFER_PRECISION_BF16)
        return infer_bf16_floats(s);
    if (infer_avx2_wanted())
        return infer_avx2_floats();
    return widest_panels_floats(s) + 2 * s->wide * (TILE_ROWS + ROWS);
}

size_t infer_gemm_backward_floats(const struct infer_gemm_sizes *s)
{
    if (s->precision == INFER_PRECISION_BF16)
        return infer_bf16_backward_floats(s);
    return widest_panels_floats(s);
}
