/* Products in bf16: operands rounded, rows in blocks. */
#include "infer/math/gemm_bf16.h"

#include <string.h>

#include "infer/math/gemm_dnn.h"
#include "infer/math/gemm_tiles.h"
#include "infer/math/kernels.h"

enum { BLOCK = 512 }; /* rows at a time */

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
    infer_round((uint16_t *)mem, w->f32, n);
    return (const uint16_t *)mem;
}

static size_t weights_floats(const struct infer_matrix *w)
{
    return w->bf16 ? 0 : bf16_floats(w->rows * w->cols);
}

/* ---- Products ------------------------------------------------------------ */

/* As many rows as the product of so many must have, so that a row's bits do not
 * depend on their number. */
static size_t padded(size_t rows)
{
    return infer_dnn_rows_apart() ? rows : BLOCK;
}

/* Room for the result of a padded block: none where none is. */
static size_t result_floats(size_t out)
{
    return infer_dnn_rows_apart() ? 0 : BLOCK * out;
}

/* Of one x: the weights, and room for a block of x and, where rows are padded,
 * of a result. */
struct block {
    const uint16_t *w[INFER_LINEARS];
    uint16_t *x;
    float *y;
};

static int plan_block(struct infer_gemm *g, const struct infer_linear *to,
                      size_t n, struct block *b, struct pk_err *err)
{
    size_t in = to[0].w->cols, wide = 0, out = 0;
    for (size_t i = 0; i < n; i++) {
        wide += weights_floats(to[i].w);
        out = at_least(out, to[i].w->rows);
    }
    float *mem = infer_gemm_scratch(
        g, wide + bf16_floats(BLOCK * in) + result_floats(out), err);
    if (!mem)
        return PK_EMEM;
    for (size_t i = 0; i < n; i++) {
        b->w[i] = weights(to[i].w, mem);
        mem += weights_floats(to[i].w);
    }
    b->x = (uint16_t *)mem;
    b->y = mem + bf16_floats(BLOCK * in);
    return 0;
}

/* `to` rows of numbers rounded: so many of x, and zeros; where they lie, or in
 * the block. */
static const uint16_t *block_rows(const struct block *b, struct infer_operand x,
                                  size_t rows, size_t to, size_t in)
{
    size_t n = rows * in;
    if (x.bf16 && rows == to)
        return x.bf16;
    if (x.bf16)
        memcpy(b->x, x.bf16, n * sizeof *b->x);
    else
        infer_round(b->x, x.f32, n);
    memset(b->x + n, 0, (to * in - n) * sizeof *b->x);
    return b->x;
}

/* y (rows, out) = or += x w^T, in a product of that many rows or more. */
static int multiply_block(struct infer_gemm *g, const struct block *b,
                          const uint16_t *x, const uint16_t *w, float *y,
                          size_t rows, const struct infer_dnn_product *p,
                          struct pk_err *err)
{
    size_t out = p->n, size = rows * out * sizeof *y;
    if (rows == p->m)
        return infer_dnn_multiply(&g->dnn, p, y, x, w, err);
    memset(b->y, 0, p->m * out * sizeof *y);
    memcpy(b->y, y, p->add ? size : 0);
    int rc = infer_dnn_multiply(&g->dnn, p, b->y, x, w, err);
    if (!rc)
        memcpy(y, b->y, size);
    return rc;
}

int infer_bf16_linears(struct infer_gemm *g, const struct infer_linear *to,
                       size_t n, struct infer_operand x, size_t rows, bool add,
                       struct pk_err *err)
{
    size_t in = to[0].w->cols;
    struct block b;
    if (infer_tiles_here())
        return infer_tiles_linears(g, to, n, x, rows, add, err);
    int rc = plan_block(g, to, n, &b, err);
    for (size_t r = 0; !rc && r < rows; r += BLOCK) {
        size_t some = at_most(rows - r, BLOCK), m = padded(some);
        const uint16_t *xh =
            block_rows(&b, infer_operand_from(x, r * in), some, m, in);
        for (size_t i = 0; !rc && i < n; i++) {
            size_t out = to[i].w->rows;
            const struct infer_dnn_product p = {m, out, in, false, true, add};
            rc = multiply_block(g, &b, xh, b.w[i], to[i].y + r * out, some, &p,
                                err);
        }
    }
    return rc;
}

/* ---- Adjoints ------------------------------------------------------------ */

/* Rounded operands: x once for all, where it lies or in scratch, and room for
 * one dy and one matrix. */
struct operands {
    const uint16_t *x;
    uint16_t *dy;
    float *w;
};

static const uint16_t *all_rounded(struct infer_operand x, uint16_t *mem,
                                   size_t n)
{
    if (x.bf16)
        return x.bf16;
    infer_round(mem, x.f32, n);
    return mem;
}

static bool wants_any_dw(const struct infer_linears_grad *b)
{
    bool any = false;
    for (size_t i = 0; i < b->n; i++)
        any = any || infer_wants_dw(b, i);
    return any;
}

static int plan_operands(struct infer_gemm *g,
                         const struct infer_linears_grad *b, struct operands *o,
                         struct pk_err *err)
{
    bool any = wants_any_dw(b);
    size_t x = b->rows * b->of[0].w->cols, wide = 0, out = 0;
    size_t first = any && b->x.f32 ? bf16_floats(x) : 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct infer_matrix *w = b->of[i].w;
        wide = at_least(wide, b->dx ? weights_floats(w) : 0);
        out = at_least(out, b->of[i].dy.f32 ? w->rows : 0);
    }
    size_t left = bf16_floats(b->rows * out);
    float *mem = infer_gemm_scratch(g, first + left + wide, err);
    if (!mem)
        return PK_EMEM;
    *o = (struct operands){.dy = (uint16_t *)(mem + first),
                           .w = mem + first + left};
    if (any)
        o->x = all_rounded(b->x, (uint16_t *)mem, x);
    return 0;
}

static int one_by_dnn(struct infer_gemm *g, const struct infer_linears_grad *b,
                      size_t i, const struct operands *o, struct pk_err *err)
{
    const struct infer_linear_grad *of = &b->of[i];
    size_t out = of->w->rows, in = of->w->cols, n = b->rows * out;
    const struct infer_dnn_product dx = {b->rows, in,    out,
                                         false,   false, b->add || i > 0},
                                   dw = {out, in, b->rows, true, false, true};
    const uint16_t *dy = all_rounded(of->dy, o->dy, n);
    int rc = 0;
    if (b->dx)
        rc = infer_dnn_multiply(&g->dnn, &dx, b->dx, dy, weights(of->w, o->w),
                                err);
    if (!rc && infer_wants_dw(b, i))
        rc = infer_dnn_multiply(&g->dnn, &dw, of->dw->f32, dy, o->x, err);
    return rc;
}

static int one_on_tiles(struct infer_gemm *g,
                        const struct infer_linears_grad *b, size_t i,
                        struct pk_err *err)
{
    const struct infer_linear_grad *of = &b->of[i];
    int rc = 0;
    if (b->dx)
        rc = infer_tiles_dx(g, b->dx, of->dy, of->w, b->rows, b->add || i > 0,
                            err);
    if (!rc && infer_wants_dw(b, i))
        rc = infer_tiles_dw(g, of->dw, of->dy, b->x, b->rows, err);
    return rc;
}

int infer_bf16_linears_backward(struct infer_gemm *g,
                                const struct infer_linears_grad *b,
                                struct pk_err *err)
{
    bool tiles = infer_tiles_here();
    struct operands o = {0};
    int rc = tiles ? 0 : plan_operands(g, b, &o, err);
    for (size_t i = 0; !rc && i < b->n; i++)
        rc = tiles ? one_on_tiles(g, b, i, err) : one_by_dnn(g, b, i, &o, err);
    return rc;
}

/* ---- Scratch ------------------------------------------------------------- */

static size_t all_weights_floats(const struct infer_gemm_sizes *s)
{
    return s->narrow ? 0 : bf16_floats(s->most * s->most_in);
}

size_t infer_bf16_floats(const struct infer_gemm_sizes *s)
{
    if (infer_tiles_here())
        return infer_tiles_floats(s->rows, s->wide, s->most, s->most_in);
    return all_weights_floats(s) + bf16_floats(BLOCK * s->wide) +
           result_floats(s->wide);
}

size_t infer_bf16_backward_floats(const struct infer_gemm_sizes *s)
{
    if (infer_tiles_here())
        return at_least(infer_bf16_floats(s),
                        infer_tiles_floats(s->wide, s->rows, s->wide, s->rows));
    return all_weights_floats(s) + 2 * bf16_floats(s->rows * s->wide);
}
