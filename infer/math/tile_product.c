/* The engine of products on tiles; see tile_product.h. */
#include "infer/math/tile_product.h"

#include <omp.h>

#include "infer/math/simd.h"

enum {
    SUMS = PAIR * PAIR, /* of a block */
    DEPTH = 512,        /* terms at a time, at most: a panel of them; */
    ALONE = 768,        /* or all of them, if there are so few */
    RESIDENT = INFER_TILE_RESIDENT,
    TOGETHER = 8 /* panels whose sums wait for more terms together */
};

/* ---- Results ------------------------------------------------------------- */

/* The part of a tile that is inside the result. */
static void put_edge(const struct result *y, float *c, const float *tile,
                     size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows; r++, c += y->cols, tile += TILE)
        for (size_t t = 0; t < cols; t++)
            c[t] = y->add ? c[t] + tile[t] : tile[t];
}

/* A tile of sums into the result, at (i, j). */
TILE_CODE static inline void put(const struct result *y, size_t i, size_t j,
                                 const float *tile, bool transposed)
{
    if (i >= y->rows || j >= y->cols)
        return;
    float *c = y->c + i * y->cols + j;
    tile_row r[TILE];
    if (transposed)
        transpose_tile(r, tile);
    else
        memcpy(r, tile, sizeof r);
    if (i + TILE > y->rows || j + TILE > y->cols)
        put_edge(y, c, (const float *)r, at_most(y->rows - i, TILE),
                 at_most(y->cols - j, TILE));
    else if (y->add)
        for (size_t k = 0; k < TILE; k++, c += y->cols)
            *(tile_sums *)c += (tile_sums)r[k];
    else if ((uintptr_t)c % 64 == 0 && y->cols % TILE == 0)
        for (size_t k = 0; k < TILE; k++, c += y->cols)
            row_stream(c, r[k]);
    else
        for (size_t k = 0; k < TILE; k++, c += y->cols)
            memcpy(c, &r[k], sizeof r[k]);
}

/* ---- Products ------------------------------------------------------------ */

/* The resident piece's two tiles of rows b PAIR.. and terms (k + t) TILE_K..,
 * k being the first of n tiles of terms taken together. */
static uint16_t *packed(const struct product *p, size_t b, size_t k, size_t n,
                        size_t t)
{
    return p->packed + 2 * (k * p->blocks + b * n + t) * TILE_BF16;
}

/* Rows of y in a panel of the part's, and its panels. */
static inline size_t panel_rows(const struct part *part)
{
    return part->gated ? TILE : PAIR;
}

static inline size_t panels_of(const struct part *part)
{
    return units(part->stream.n, panel_rows(part));
}

/* A block's sums, 2 x 2 tiles, and where it lies on either side. */
struct block {
    const struct part *part;
    float *sums;
    size_t s, r;
};

/* Of a block's four tiles, is this one of the panel's first, or second? */
static inline size_t panel_tile(const struct block *b, size_t tile)
{
    return b->part->stream.second ? tile % 2 : tile / 2;
}

/* Row and column in y of one of a block's four tiles. */
static inline void place(const struct product *p, const struct block *b,
                         size_t tile, size_t *row, size_t *col)
{
    bool second = b->part->stream.second;
    size_t s = b->s + (b->part->gated ? 0 : panel_tile(b, tile) * TILE);
    size_t r = b->r + (second ? tile / 2 : tile % 2) * TILE;
    bool stream_rows = second == p->transposed;
    *row = stream_rows ? s : r;
    *col = stream_rows ? r : s;
}

TILE_CODE static inline void finish(const struct product *p,
                                    const struct block *b, size_t tile)
{
    size_t row, col;
    const float *sums = b->sums + tile * TILE_F32;
    float act[TILE_F32] __attribute__((aligned(64)));
    place(p, b, tile, &row, &col);
    if (b->part->gated) {
        if (panel_tile(b, tile) == 0)
            return; /* goes with the other one */
        size_t gate = b->part->stream.second ? tile - 1 : tile - 2;
        infer_swiglu_run(act, b->sums + gate * TILE_F32, sums, TILE_F32);
        sums = act;
    }
    put(&b->part->y, row, col, sums, p->transposed);
}

/* Have the lines that a block's sums go to at hand. */
static inline void fetch(const struct product *p, const struct block *b)
{
    const struct result *y = &b->part->y;
    for (size_t tile = 0; tile < 4; tile++) {
        size_t row, col;
        place(p, b, tile, &row, &col);
        for (size_t r = row; r < row + TILE && r < y->rows; r++)
            __builtin_prefetch(y->c + r * y->cols + col, 1, 3);
    }
}

/* ---- Blocks -------------------------------------------------------------- */

/* Tiles of terms from t on. */
static inline struct two_tiles from_terms(struct two_tiles x, size_t t)
{
    return (struct two_tiles){
        {x.tile[0] + 2 * t * TILE_BF16, x.tile[1] + 2 * t * TILE_BF16}};
}

/* sums = or (more) += a b over n tiles of terms. Meanwhile, as the unit is
 * busy, the block that was summed before goes where it belongs. */
TILE_CODE static inline void multiply(const struct product *p, float *sums,
                                      struct two_tiles a, struct two_tiles b,
                                      size_t n, bool more,
                                      const struct block *before)
{
    tiles_see_memory();
    if (more) {
        tile_load(0, sums);
        tile_load(1, sums + TILE_F32);
        tile_load(2, sums + (size_t)2 * TILE_F32);
        tile_load(3, sums + (size_t)3 * TILE_F32);
    } else {
        tile_zero(0);
        tile_zero(1);
        tile_zero(2);
        tile_zero(3);
    }
    for (size_t q = 0; q < 4; q++) {
        size_t from = q * n / 4, end = (q + 1) * n / 4;
        multiply_steps(from_terms(a, from), from_terms(b, from), end - from);
        if (before->sums)
            finish(p, before, q);
    }
    tile_store(0, sums);
    tile_store(1, sums + TILE_F32);
    tile_store(2, sums + (size_t)2 * TILE_F32);
    tile_store(3, sums + (size_t)3 * TILE_F32);
}

/* ---- Panels -------------------------------------------------------------- */

struct work {
    uint16_t *panel;     /* (depth, 2 tiles) */
    float *sums;         /* (TOGETHER panels, blocks, 2 x 2 tiles) */
    struct block before; /* summed, and not yet in its place */
};

/* Have the b-th block's share of a tile, of n tiles of terms, on its way: the
 * panel after this one lies far from the caches. */
static inline void fetch_share(const struct product *p, const uint16_t *tile,
                               size_t b, size_t n)
{
    enum { LINE = 32, LINES = TILE_BF16 / LINE }; /* numbers; of a tile */
    size_t some = units(n * LINES, p->blocks);
    for (size_t i = b * some; i < (b + 1) * some && i < n * LINES; i++)
        __builtin_prefetch(
            tile + 2 * (i / LINES) * TILE_BF16 + i % LINES * LINE, 0, 2);
}

/* The s-th panel of a part packed before, from tile k of terms on. */
static struct two_tiles ready_panel(const struct product *p,
                                    const struct part *part, size_t s, size_t k)
{
    if (!part->gated)
        return both_of(part->tiles + 2 * (s * p->k + k) * TILE_BF16);
    size_t at = (2 * (s / 2 * p->k + k) + s % 2) * TILE_BF16;
    return (struct two_tiles){{part->tiles + at, part->gated->tiles + at}};
}

/* Of a part's panels, the s-th: n tiles of terms from k on. */
TILE_CODE static struct two_tiles panel(const struct product *p,
                                        const struct work *w,
                                        const struct part *part, size_t s,
                                        size_t k, size_t n)
{
    size_t row = s * panel_rows(part);
    if (part->tiles)
        return ready_panel(p, part, s, k);
    for (size_t t = 0; t < n; t++) {
        uint16_t *at = w->panel + 2 * t * TILE_BF16;
        if (part->gated) {
            pack(at, &part->stream, row, (k + t) * TILE_K);
            pack(at + TILE_BF16, &part->gated->stream, row, (k + t) * TILE_K);
        } else {
            pack_two(at, &part->stream, row, k + t);
        }
    }
    return both_of(w->panel);
}

/* Of a part's panels, the s-th, whose sums are kept at `sums`, past the
 * resident piece: its terms from tile k on. Sums that wait for no more terms
 * take turns in two places, which stay in the first cache. */
TILE_CODE static void one_panel(const struct product *p, struct work *w,
                                const struct part *part, size_t s, size_t end,
                                size_t k, float *sums)
{
    size_t n = at_most(p->k - k, p->depth);
    bool last = k + n == p->k, only = n == p->k;
    const struct two_tiles stream = panel(p, w, part, s, k, n);
    for (size_t b = 0; b < p->blocks; b++) {
        float *at = sums + b * SUMS;
        if (only)
            at = w->before.sums == w->sums ? w->sums + SUMS : w->sums;
        const struct block now = {part, at, s * panel_rows(part),
                                  p->first + b * PAIR};
        const struct two_tiles r = both_of(packed(p, b, k, n, 0));
        if (last && part->y.add)
            fetch(p, &now);
        if (part->tiles && s + 1 < end) {
            const struct two_tiles next = ready_panel(p, part, s + 1, k);
            fetch_share(p, next.tile[0], b, n);
            fetch_share(p, next.tile[1], b, n);
        }
        multiply(p, now.sums, part->stream.second ? r : stream,
                 part->stream.second ? stream : r, n, k > 0, &w->before);
        w->before = last ? now : (struct block){0};
    }
}

/* A part's panels from..end: all their terms. */
TILE_CODE static void panels(const struct product *p, struct work *w,
                             const struct part *part, size_t from, size_t end)
{
    for (size_t k = 0; k < p->k; k += p->depth)
        for (size_t s = from; s < end; s++)
            one_panel(p, w, part, s, end, k,
                      w->sums + (s - from) * p->blocks * SUMS);
    for (size_t tile = 0; tile < 4; tile++)
        finish(p, &w->before, tile);
    w->before.sums = NULL;
}

/* ---- Shares -------------------------------------------------------------- */

/* A part's panels are dealt out in equal shares: how many go together. */
static size_t share(const struct part *part, size_t threads)
{
    size_t n = panels_of(part);
    return units(n, threads * units(n, threads * TOGETHER));
}

/* The i-th share of all parts' together. */
TILE_CODE static void one_share(const struct product *p, struct work *w,
                                size_t i, size_t threads)
{
    for (const struct part *part = p->part;; part++) {
        size_t n = panels_of(part), some = share(part, threads);
        if (i < units(n, some)) {
            panels(p, w, part, i * some, at_most((i + 1) * some, n));
            return;
        }
        i -= units(n, some);
    }
}

static size_t shares(const struct product *p, size_t threads)
{
    size_t n = 0;
    for (size_t i = 0; i < p->parts; i++)
        n += units(panels_of(&p->part[i]), share(&p->part[i], threads));
    return n;
}

/* Everything that the resident piece takes part in. */
TILE_CODE static void one_piece(const struct product *p)
{
#pragma omp parallel
    {
        size_t threads = (size_t)omp_get_num_threads();
        size_t n = shares(p, threads);
        float *mine = p->mine + (size_t)omp_get_thread_num() * p->each;
        struct work w = {.panel = (uint16_t *)mine,
                         .sums = mine + p->depth * TILE_BF16};
#pragma omp for collapse(2)
        for (size_t b = 0; b < p->blocks; b++)
            for (size_t t = 0; t < p->k; t++) {
                size_t k = t / p->depth * p->depth;
                pack_two(packed(p, b, k, at_most(p->k - k, p->depth), t - k),
                         &p->resident, p->first + b * PAIR, t);
            }
        tiles_on();
#pragma omp for schedule(dynamic, 1) nowait
        for (size_t i = 0; i < n; i++)
            one_share(p, &w, i, threads);
        tiles_off();
    }
}

/* Rows of the resident operand at a time, and tiles of terms. */
static size_t piece_rows(size_t rows)
{
    return at_most(whole(rows, PAIR), RESIDENT);
}

static size_t piece_depth(size_t k)
{
    return k <= ALONE / TILE_K ? k : units(k, units(k, DEPTH / TILE_K));
}

/* Floats of a packed piece, and of what a thread needs beside it. */
static size_t piece_floats(size_t rows, size_t k)
{
    return piece_rows(rows) * k * TILE;
}

static size_t thread_floats(size_t rows, size_t k)
{
    return piece_depth(k) * TILE_BF16 + piece_rows(rows) * TOGETHER * PAIR;
}

size_t infer_tile_product_floats(size_t rows, size_t terms, size_t together)
{
    size_t k = units(terms, TILE_K);
    return piece_floats(rows, k) +
           (size_t)omp_get_max_threads() * thread_floats(rows, k) +
           (rows > RESIDENT ? together / 2 : 0);
}

/* ---- Streams packed once ------------------------------------------------- */

size_t infer_tile_side(const struct side *s)
{
    return whole(s->n, PAIR) * whole(s->k, TILE_K);
}

void infer_tile_pack(uint16_t *dst, const struct side *s)
{
    size_t panels = units(s->n, PAIR), k = units(s->k, TILE_K);
#pragma omp parallel for
    for (size_t i = 0; i < panels; i++)
        for (size_t t = 0; t < k; t++)
            pack_two(dst + 2 * (i * k + t) * TILE_BF16, s, i * PAIR, t);
}

/* Parts, and those that are gated with them. */
struct streams {
    struct part part[INFER_LINEARS], gated[INFER_LINEARS];
    size_t numbers; /* of what is to be packed */
};

/* Those of p, to which it then points. */
static void take_streams(struct streams *s, struct product *p)
{
    s->numbers = 0;
    for (size_t i = 0; i < p->parts; i++) {
        s->part[i] = p->part[i];
        if (!s->part[i].tiles)
            s->numbers += infer_tile_side(&s->part[i].stream);
        if (!s->part[i].gated)
            continue;
        s->gated[i] = *s->part[i].gated;
        s->part[i].gated = &s->gated[i];
        if (!s->gated[i].tiles)
            s->numbers += infer_tile_side(&s->gated[i].stream);
    }
    p->part = s->part;
}

static uint16_t *pack_stream(struct part *part, uint16_t *mem)
{
    if (part->tiles)
        return mem;
    infer_tile_pack(mem, &part->stream);
    part->tiles = mem;
    return mem + infer_tile_side(&part->stream);
}

static void pack_streams(struct streams *s, size_t parts, uint16_t *mem)
{
    for (size_t i = 0; i < parts; i++) {
        mem = pack_stream(&s->part[i], mem);
        if (s->part[i].gated)
            mem = pack_stream(&s->gated[i], mem);
    }
}

int infer_tile_product(struct infer_gemm *g, struct product *p,
                       struct pk_err *err)
{
    size_t rows = p->resident.n, k = units(p->resident.k, TILE_K);
    size_t each = thread_floats(rows, k), all = piece_floats(rows, k);
    size_t threads = (size_t)omp_get_max_threads();
    struct streams streams = {0};
    if (rows > RESIDENT)
        take_streams(&streams, p);
    float *mem =
        infer_gemm_scratch(g, all + threads * each + streams.numbers / 2, err);
    if (!mem)
        return PK_EMEM;
    p->k = k;
    p->depth = piece_depth(k);
    p->packed = (uint16_t *)mem;
    p->mine = mem + all;
    p->each = each;
    if (rows > RESIDENT)
        pack_streams(&streams, p->parts,
                     (uint16_t *)(p->mine + threads * each));
    for (p->first = 0; p->first < rows; p->first += RESIDENT) {
        p->blocks = units(at_most(rows - p->first, RESIDENT), PAIR);
        one_piece(p);
    }
    return 0;
}
