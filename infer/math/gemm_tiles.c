/* Products on the tile unit; see gemm_tiles.h. */
#include "infer/math/gemm_tiles.h"

#include "infer/math/tile_product.h"

size_t infer_tiles_floats(size_t rows, size_t terms, size_t out, size_t in)
{
    const size_t parts = INFER_LINEARS; /* each in whole tiles */
    return infer_tile_product_floats(rows, terms,
                                     (out + parts * PAIR) * whole(in, TILE_K));
}

static struct side weights_side(const struct infer_matrix *w, bool second)
{
    return (struct side){w->f32,  w->bf16, w->rows,
                         w->cols, w->cols, .second = second};
}

size_t infer_tiles_weights(const struct infer_matrix *w)
{
    const struct side s = weights_side(w, true);
    return infer_tile_side(&s);
}

void infer_tiles_pack(uint16_t *dst, const struct infer_matrix *w)
{
    const struct side s = weights_side(w, true);
    infer_tile_pack(dst, &s);
}

/* Weights packed before (`ready`), for this product or for many, have their
 * terms in pairs, so that sums need no transposing; else they are the operand
 * that lies as the unit takes it. */
static struct part weights_part(const struct infer_matrix *w, bool ready,
                                struct result y)
{
    return (struct part){weights_side(w, ready), ready ? w->tiles : NULL, y,
                         NULL};
}

/* Parts of weights with x (rows, in) as what is resident. */
static int multiply_weights(struct infer_gemm *g, const struct part *part,
                            size_t n, struct infer_operand x, size_t rows,
                            struct pk_err *err)
{
    size_t in = part->stream.k;
    bool ready = part->stream.second;
    struct product p = {
        .part = part,
        .parts = n,
        .resident = {x.f32, x.bf16, rows, in, in, .second = !ready},
        .transposed = !ready};
    return infer_tile_product(g, &p, err);
}

int infer_tiles_linears(struct infer_gemm *g, const struct infer_linear *to,
                        size_t n, struct infer_operand x, size_t rows, bool add,
                        struct pk_err *err)
{
    struct part part[INFER_LINEARS] = {0};
    bool ready = true;
    for (size_t i = 0; i < n; i++)
        ready = ready && to[i].w->tiles;
    ready = ready || rows > INFER_TILE_RESIDENT;
    for (size_t i = 0; i < n; i++) {
        const struct result y = {to[i].y, rows, to[i].w->rows, add};
        part[i] = weights_part(to[i].w, ready, y);
    }
    return multiply_weights(g, part, n, x, rows, err);
}

int infer_tiles_gated(struct infer_gemm *g, float *y,
                      const struct infer_matrix *gate,
                      const struct infer_matrix *up, struct infer_operand x,
                      size_t rows, struct pk_err *err)
{
    bool ready = (gate->tiles && up->tiles) || rows > INFER_TILE_RESIDENT;
    const struct result act = {y, rows, gate->rows, false};
    const struct part second = weights_part(up, ready, act);
    struct part part = weights_part(gate, ready, act);
    part.gated = &second;
    return multiply_weights(g, &part, 1, x, rows, err);
}

/* One product: of what streams, with what is resident. */
static int multiply_one(struct infer_gemm *g, struct side stream,
                        struct side resident, struct result y,
                        struct pk_err *err)
{
    const struct part part = {.stream = stream, .y = y};
    struct product p = {.part = &part, .parts = 1, .resident = resident};
    return infer_tile_product(g, &p, err);
}

int infer_tiles_dx(struct infer_gemm *g, float *dx, struct infer_operand dy,
                   const struct infer_matrix *w, size_t rows, bool add,
                   struct pk_err *err)
{
    size_t out = w->rows, in = w->cols;
    const struct side columns = {w->f32,          w->bf16,       in, out, in,
                                 .k_first = true, .second = true};
    const struct side resident = {dy.f32, dy.bf16, rows,
                                  out,    out,     .k_first = false};
    return multiply_one(g, columns, resident,
                        (struct result){dx, rows, in, add}, err);
}

int infer_tiles_dw(struct infer_gemm *g, const struct infer_matrix *dw,
                   struct infer_operand dy, struct infer_operand x, size_t rows,
                   struct pk_err *err)
{
    size_t out = dw->rows, in = dw->cols;
    const struct side by_y = {dy.f32, dy.bf16, out, rows, out, .k_first = true};
    const struct side by_x = {x.f32,           x.bf16,        in, rows, in,
                              .k_first = true, .second = true};
    return multiply_one(g, by_y, by_x, (struct result){dw->f32, out, in, true},
                        err);
}
