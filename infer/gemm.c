/* Matrix products in tiles; see gemm.h for why. */
#include "infer/gemm.h"

#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "common/mem.h"

enum {
    TILE = 512,             /* rows and columns of a tile of the result */
    SMALL_PRODUCT = 1000000 /* OpenBLAS's small-matrix kernel: up to here */
};

/* A product of one tile always fits BLAS's int: TILE by TILE by k, and k is a
 * dimension of a model or a number of tokens. */
static void sgemm(struct infer_block s, struct infer_mat a, struct infer_mat b,
                  float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, a.t ? CblasTrans : CblasNoTrans,
                b.t ? CblasTrans : CblasNoTrans, (blasint)s.m, (blasint)s.n,
                (blasint)s.k, s.alpha, a.p, (blasint)a.ld, b.p, (blasint)b.ld,
                s.add ? 1.0F : 0.0F, c, (blasint)ldc);
}

void infer_gemm_block(struct infer_block s, struct infer_mat a,
                      struct infer_mat b, float *c, size_t ldc)
{
    sgemm(s, a, b, c, ldc);
}

static size_t tiles(size_t n)
{
    return (n + TILE - 1) / TILE;
}

static size_t tile_len(size_t n, size_t i)
{
    return n - i * TILE < TILE ? n - i * TILE : TILE;
}

/* C (m, n) = or += op(A) op(B), tile by tile. */
static void gemm(struct infer_block s, struct infer_mat a, struct infer_mat b,
                 float *c, size_t ldc)
{
    size_t tm = tiles(s.m), tn = tiles(s.n);
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t t = 0; t < tm * tn; t++) {
        size_t i = t / tn, j = t % tn;
        struct infer_block tile = {tile_len(s.m, i), tile_len(s.n, j), s.k,
                                   s.alpha, s.add};
        struct infer_mat ai = a, bj = b;
        ai.p += a.t ? i * TILE : i * TILE * a.ld;
        bj.p += b.t ? j * TILE * b.ld : j * TILE;
        sgemm(tile, ai, bj, c + i * TILE * ldc + j * TILE, ldc);
    }
}

/* The fewest rows that keep a tile of `out` columns off the small kernel. */
static size_t enough_rows(size_t out, size_t in)
{
    size_t columns = out % TILE ? out % TILE : TILE;
    return SMALL_PRODUCT / (columns * in) + 1;
}

/* Few rows: with rows of zeros under them. */
static int linear_padded(float *y, const float *x, const float *w, size_t rows,
                         size_t out, size_t in, bool add, struct pk_err *err)
{
    size_t m = enough_rows(out, in);
    float *xp = pk_calloc_aligned(m * in, sizeof *xp);
    float *yp = pk_calloc_aligned(m * out, sizeof *yp);
    int rc = 0;
    if (!xp || !yp) {
        rc = pk_fail_mem(err, "a matrix product");
    } else {
        memcpy(xp, x, rows * in * sizeof *xp);
        if (add)
            memcpy(yp, y, rows * out * sizeof *yp);
        gemm((struct infer_block){m, out, in, 1, add},
             (struct infer_mat){xp, in, false}, (struct infer_mat){w, in, true},
             yp, out);
        memcpy(y, yp, rows * out * sizeof *y);
    }
    free(xp);
    free(yp);
    return rc;
}

int infer_linear(float *y, const float *x, const float *w, size_t rows,
                 size_t out, size_t in, bool add, struct pk_err *err)
{
    if (rows == 0)
        return 0;
    /* The last tile of rows may be short as well: peel it off. */
    size_t few = enough_rows(out, in);
    size_t last = rows % TILE;
    size_t whole = last && last < few ? rows - last : rows;
    if (whole)
        gemm((struct infer_block){whole, out, in, 1, add},
             (struct infer_mat){x, in, false}, (struct infer_mat){w, in, true},
             y, out);
    if (whole == rows)
        return 0;
    return linear_padded(y + whole * out, x + whole * in, w, last, out, in, add,
                         err);
}

void infer_linear_dx(float *dx, const float *dy, const float *w, size_t rows,
                     size_t out, size_t in, bool add)
{
    gemm((struct infer_block){rows, in, out, 1, add},
         (struct infer_mat){dy, out, false}, (struct infer_mat){w, in, false},
         dx, in);
}

void infer_linear_dw(float *dw, const float *dy, const float *x, size_t rows,
                     size_t out, size_t in)
{
    gemm((struct infer_block){out, in, rows, 1, true},
         (struct infer_mat){dy, out, true}, (struct infer_mat){x, in, false},
         dw, in);
}
