/* Forward over a forest. In the last layer only keys and values are computed
 * for every token, and everything else for the read-outs alone. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/files/ahead.h"
#include "infer/files/config.h"
#include "infer/files/params.h"
#include "infer/forest/tape.h"
#include "infer/math/gemm_tiles.h"
#include "infer/math/rope.h"

enum {
    BLOCK = 2048, /* rows of the feed-forward at once, without a tape */
    SOFT = sizeof(struct infer_softmax) / sizeof(float)
};

int infer_tape_new(struct infer_tape **out, enum infer_keep keep,
                   struct pk_err *err)
{
    *out = pk_calloc(1, sizeof **out);
    if (!*out)
        return pk_fail_mem(err, "a tape");
    (*out)->keep = keep;
    return 0;
}

void infer_tape_free(struct infer_tape *t)
{
    if (!t)
        return;
    infer_tape_release(t);
    free(t);
}

void infer_tape_release(struct infer_tape *t)
{
    infer_gemm_release(&t->gemm);
    infer_lora_release(&t->lora);
    free(t->mem);
    free(t->layer);
    free(t->grads);
}

void infer_tape_dropout(struct infer_tape *t, double p, uint64_t seed)
{
    t->lora.drop.p = p;
    t->lora.drop.seed = seed;
}

/* ---- Memory ---- */

/* Cuts one block of memory into arrays; with base NULL it only counts. */
struct cutter {
    float *base;
    size_t used; /* floats */
};

static float *cut(struct cutter *m, size_t rows, size_t cols)
{
    float *at = m->base ? m->base + m->used : NULL;
    m->used += (rows * cols + 15) & ~(size_t)15;
    return at;
}

/* One layer's values; with nothing kept, of all layers. */
static void lay_out_layer(struct infer_tape *t, struct infer_acts *a,
                          const struct infer_config *c, size_t n, size_t rows,
                          struct cutter *m)
{
    const struct infer_dims d = infer_dims_of(c);
    bool train = t->keep != INFER_KEEP_NOTHING;
    a->x = cut(m, n, d.c);
    a->q = cut(m, rows, d.q);
    a->k = cut(m, n, d.kv);
    a->v = cut(m, n, d.kv);
    a->att = train ? cut(m, rows, d.q) : t->h; /* h is free by then */
    a->soft = train ? (void *)cut(m, rows, c->heads * SOFT) : NULL;
    a->mid = cut(m, rows, d.c);
    a->gate = a->up = NULL;
    if (t->gated)
        return;
    a->gate = cut(m, train ? rows : t->block, d.f);
    a->up = cut(m, train ? rows : t->block, d.f);
}

static void lay_out(struct infer_tape *t, const struct infer_config *c,
                    const struct infer_packed *f, struct cutter *m)
{
    const struct infer_dims d = infer_dims_of(c);
    bool train = t->keep != INFER_KEEP_NOTHING, all = t->keep == INFER_KEEP_ALL;
    size_t n = f->all.n;
    t->h = cut(m, n, !train && d.q > d.c ? d.q : d.c);
    t->block = train || n < BLOCK ? n : BLOCK;
    for (size_t l = 0; l < c->layers; l++) {
        struct infer_acts *a = &t->layer[l];
        if (l == 0 || all) {
            bool last = all && l + 1 == c->layers;
            lay_out_layer(t, a, c, n, last ? f->reads.n : n, m);
            continue;
        }
        *a = t->layer[0];
        if (train)
            a->x = cut(m, n, d.c);
    }
    t->out = cut(m, f->reads.n, d.c);
    t->act = cut(m, t->block, d.f);
    t->rope = cut(m, f->max_depth, c->head_dim);
}

size_t infer_pass_floats(const struct infer_config *c,
                         const struct infer_packed *f, enum infer_keep keep,
                         bool gated)
{
    struct infer_acts layer[2];
    struct infer_config two = *c;
    struct infer_tape t = {.keep = keep, .layer = layer, .gated = gated};
    struct cutter last = {0}, both = {0};
    /* All layers but the last take the same. */
    two.layers = 1;
    lay_out(&t, &two, f, &last);
    if (c->layers == 1)
        return last.used;
    two.layers = 2;
    lay_out(&t, &two, f, &both);
    return last.used + (c->layers - 1) * (both.used - last.used);
}

/* What a trie and its packing take for a token, and a read-out more. */
size_t infer_forest_bytes(struct infer_forest_size f)
{
    enum { TRIE = 160, READ = 32 };
    return f.tokens * TRIE + f.readouts * READ;
}

bool infer_attention_fits_tiles(const struct infer_config *c)
{
    return infer_tiles_here() && c->head_dim % 32 == 0;
}

/* SwiGLU is computed as its products are, where it need not be kept. */
static bool is_gated(const struct infer_config *c,
                     const struct infer_weights *w)
{
    const struct infer_gemm g = {.precision = w->precision};
    return infer_gated_here(&g) && !infer_has_adapters(w, c);
}

/* The most weights that go into products together: gate and up, or queries,
 * keys and values. */
struct infer_gemm_sizes infer_pass_product_sizes(const struct infer_config *c,
                                                 size_t rows,
                                                 enum infer_precision precision)
{
    const struct infer_dims d = infer_dims_of(c);
    size_t wide = at_least(d.f, at_least(d.c, d.q));
    return (struct infer_gemm_sizes){.precision = precision,
                                     .rows = rows,
                                     .wide = wide,
                                     .most = at_least(2 * d.f, d.q + 2 * d.kv),
                                     .most_in = d.c};
}

struct infer_plan infer_score_plan(const struct infer_config *c,
                                   const struct infer_weights *w,
                                   struct infer_forest_size f)
{
    const struct infer_dims d = infer_dims_of(c);
    const struct infer_packed packed = {.n = f.tokens,
                                        .max_depth = f.longest,
                                        .all = {.n = f.tokens},
                                        .reads = {.n = f.readouts}};
    const struct infer_attention at = {.forest = &packed,
                                       .d = c->head_dim,
                                       .tiles = infer_attention_fits_tiles(c)};
    struct infer_gemm_sizes products =
        infer_pass_product_sizes(c, f.tokens, w->precision);
    size_t pass =
        infer_pass_floats(c, &packed, INFER_KEEP_NOTHING, is_gated(c, w));
    products.narrow = w->layer ? w->layer[0].wq.bf16 != NULL
                               : w->precision == INFER_PRECISION_BF16;
    return (struct infer_plan){
        (pass + f.readouts * d.c) * sizeof(float),
        infer_attention_forward_floats(&at) * sizeof(float),
        infer_gemm_floats(&products) * sizeof(float), infer_forest_bytes(f)};
}

size_t infer_score_bytes(const struct infer_config *c,
                         const struct infer_weights *w,
                         struct infer_forest_size f)
{
    const struct infer_plan p = infer_score_plan(c, w, f);
    return p.activations + p.attention + p.products + p.forest;
}

int infer_pass_plan(const struct infer_pass *p)
{
    struct infer_tape *t = p->t;
    const struct infer_config *c = p->c;
    const struct infer_packed *f = p->f;
    if (t->n_layers < c->layers) {
        free(t->layer);
        t->n_layers = 0;
        t->layer = pk_calloc(c->layers, sizeof *t->layer);
        if (!t->layer)
            return pk_fail_mem(p->err, "a forward pass");
        t->n_layers = c->layers;
    }
    t->gemm.precision = p->w->precision;
    t->gated = t->keep == INFER_KEEP_NOTHING && is_gated(c, p->w);
    t->rounded =
        p->w->precision == INFER_PRECISION_BF16 && !infer_has_adapters(p->w, c);
    struct cutter count = {0};
    lay_out(t, c, f, &count);
    if (count.used > t->cap) {
        free(t->mem);
        t->cap = 0;
        t->mem = pk_calloc_aligned(count.used, sizeof *t->mem);
        if (!t->mem)
            return pk_fail(p->err, PK_EMEM,
                           "out of memory for a forest of %zu tokens (%zu MiB)",
                           f->n, count.used * sizeof(float) >> 20);
        t->cap = count.used;
    }
    struct cutter real = {.base = t->mem};
    lay_out(t, c, f, &real);
    return 0;
}

/* ---- The pass ---- */

const struct infer_rows *infer_pass_rows(const struct infer_pass *p,
                                         size_t layer)
{
    return layer + 1 == p->c->layers ? &p->f->reads : &p->f->all;
}

static bool on_tiles(const struct infer_pass *p)
{
    return p->w->precision == INFER_PRECISION_BF16 &&
           infer_attention_fits_tiles(p->c);
}

struct infer_attention infer_pass_attention(const struct infer_pass *p,
                                            size_t layer)
{
    return (struct infer_attention){p->f,           infer_pass_rows(p, layer),
                                    p->c->heads,    p->c->kv_heads,
                                    p->c->head_dim, on_tiles(p)};
}

struct infer_attended infer_pass_attended(const struct infer_pass *p,
                                          size_t layer)
{
    const struct infer_acts *a = &p->t->layer[layer];
    return (struct infer_attended){a->q, a->k, a->v, infer_pass_att(p, layer),
                                   a->soft};
}

struct infer_values infer_pass_h(const struct infer_pass *p)
{
    return infer_values_in(p->t->h, p->t->rounded);
}

struct infer_values infer_pass_act(const struct infer_pass *p)
{
    return infer_values_in(p->t->act, p->t->rounded && !p->t->gated);
}

struct infer_values infer_pass_att(const struct infer_pass *p, size_t layer)
{
    return infer_values_in(p->t->layer[layer].att, p->t->rounded);
}

struct infer_rope infer_pass_rope(const struct infer_pass *p, size_t heads,
                                  const struct infer_rows *rows, int inverse)
{
    return (struct infer_rope){p->t->rope, rows->token,    p->f->depth,
                               heads,      p->c->head_dim, inverse};
}

/* Each y = or += x w^T, with what its adapter adds. */
static int linears(const struct infer_pass *p, const struct infer_linear *to,
                   size_t n, struct infer_input x, bool add)
{
    int rc = infer_linears(&p->t->gemm, to, n, x.x, x.rows, add, p->err);
    for (size_t i = 0; !rc && i < n; i++)
        if (to[i].w->adapter)
            rc = infer_adapter_forward(&p->t->lora, to[i].y, to[i].w->adapter,
                                       x, p->err);
    return rc;
}

static int linear(const struct infer_pass *p, float *y, struct infer_input x,
                  const struct infer_matrix *w, bool add)
{
    return linears(p, &(struct infer_linear){y, w}, 1, x, add);
}

/* q of the layer's rows, k and v of all, from h (N, C); mid is scratch. */
static int project(const struct infer_pass *p, size_t layer, float *k, float *v)
{
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer),
                            *all = &p->f->all;
    const struct infer_linear to[] = {{k, &w->wk}, {v, &w->wv}, {a->q, &w->wq}};
    bool rounded = p->t->rounded;
    const struct infer_input every = {infer_operand_of(infer_pass_h(p)), all->n,
                                      all->token};
    if (rows == all)
        return linears(p, to, 3, every, false);
    infer_gather(a->mid, p->t->h, rows->token, all->token[0], rows->n,
                 p->c->dim * infer_value_size(rounded));
    const struct infer_input asking = {
        infer_operand_of(infer_values_in(a->mid, rounded)), rows->n,
        rows->token};
    int rc = linears(p, to, 2, every, false);
    return rc ? rc : linear(p, a->q, asking, &w->wq, false);
}

/* mid (rows, C) = x + attention(norm(x)) */
static int attention_part(const struct infer_pass *p, size_t layer)
{
    const struct infer_config *c = p->c;
    const struct infer_dims d = infer_dims_of(c);
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer);
    size_t n = p->f->all.n, first = p->f->all.token[0];
    float *k = a->k + first * d.kv, *v = a->v + first * d.kv;
    const struct infer_rmsnorm norm = {a->x, w->attn_norm.f32, n, d.c,
                                       c->norm_eps};
    infer_rmsnorm(infer_pass_h(p), &norm);
    int rc = project(p, layer, k, v);
    if (rc)
        return rc;
    struct infer_rope rq = infer_pass_rope(p, c->heads, rows, 0);
    struct infer_rope rk = infer_pass_rope(p, c->kv_heads, &p->f->all, 0);
    infer_rope((struct infer_values){.f32 = a->q}, a->q, rows->n, &rq);
    infer_rope((struct infer_values){.f32 = k}, k, n, &rk);
    struct infer_attention at = infer_pass_attention(p, layer);
    struct infer_attended x = infer_pass_attended(p, layer);
    rc = infer_attention_forward(&at, &x, p->err);
    if (rc)
        return rc;
    infer_gather(a->mid, a->x, rows->token, first, rows->n,
                 d.c * sizeof(float));
    const struct infer_input att = {infer_operand_of(infer_pass_att(p, layer)),
                                    rows->n, rows->token};
    return linear(p, a->mid, att, &w->wo, true);
}

/* Gate and up of a block of rows, and, unless they alone are asked for, act =
 * swiglu of them: at once where they need not be kept. */
static int gate_and_up(const struct infer_pass *p, size_t layer,
                       struct infer_input x, bool alone)
{
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_linear to[] = {{a->gate, &w->gate}, {a->up, &w->up}};
    if (p->t->gated)
        return infer_gated(&p->t->gemm, p->t->act, &w->gate, &w->up, x.x,
                           x.rows, p->err);
    int rc = linears(p, to, 2, x, false);
    if (!rc && !alone)
        infer_swiglu(infer_pass_act(p), a->gate, a->up, x.rows * w->gate.rows);
    return rc;
}

/* out (rows, C) = mid + swiglu(norm(mid)), a block of rows at a time (all of
 * them in one where gate and up are kept). Without `out`, gate and up alone. */
static int feed_forward_part(const struct infer_pass *p, size_t layer,
                             float *out)
{
    const struct infer_dims d = infer_dims_of(p->c);
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const size_t *token = infer_pass_rows(p, layer)->token;
    size_t rows = infer_pass_rows(p, layer)->n;
    const struct infer_operand h = infer_operand_of(infer_pass_h(p)),
                               act = infer_operand_of(infer_pass_act(p));
    const struct infer_rmsnorm norm = {a->mid, w->ffn_norm.f32, rows, d.c,
                                       p->c->norm_eps};
    infer_rmsnorm(infer_pass_h(p), &norm);
    if (out)
        infer_copy(out, a->mid, rows * d.c);
    for (size_t r = 0; r < rows; r += p->t->block) {
        size_t n = rows - r < p->t->block ? rows - r : p->t->block;
        const struct infer_input hr = {infer_operand_from(h, r * d.c), n,
                                       token + r};
        const struct infer_input acts = {act, n, token + r};
        int rc = gate_and_up(p, layer, hr, !out);
        if (!rc && out)
            rc = linear(p, out + r * d.c, acts, &w->down, true);
        if (rc)
            return rc;
    }
    return 0;
}

int infer_pass_again(const struct infer_pass *p, size_t layer)
{
    int rc = attention_part(p, layer);
    return rc ? rc : feed_forward_part(p, layer, NULL);
}

static int check_forest(const struct infer_config *c,
                        const struct infer_packed *f, struct pk_err *err)
{
    if (f->max_depth > c->max_positions)
        return pk_fail(err, PK_EDATA,
                       "a path of %zu tokens is longer than the model's %zu "
                       "positions",
                       f->max_depth, c->max_positions);
    for (size_t i = 0; i < f->n; i++)
        if (f->token[i] < 0 || (size_t)f->token[i] >= c->vocab)
            return pk_fail(err, PK_EDATA,
                           "token id %d is outside the vocabulary of %zu",
                           (int)f->token[i], c->vocab);
    return 0;
}

int infer_pass_run(const struct infer_pass *p, float *hidden)
{
    const struct infer_config *c = p->c;
    const struct infer_packed *f = p->f;
    struct infer_tape *t = p->t;
    int rc = infer_rope_table(t->rope, f->max_depth, c, p->err);
    if (rc)
        return rc;
    for (size_t i = 0; i < f->all.n; i++)
        infer_matrix_values(&p->w->embed,
                            (size_t)f->token[f->all.token[i]] * c->dim,
                            t->layer[0].x + i * c->dim, c->dim);
    for (size_t l = 0; l < c->layers; l++) {
        float *out = l + 1 < c->layers ? t->layer[l + 1].x : t->out;
        if (p->w->ahead)
            infer_ahead_layer(p->w->ahead, l);
        rc = attention_part(p, l);
        if (!rc)
            rc = feed_forward_part(p, l, out);
        if (rc)
            return rc;
    }
    const struct infer_rmsnorm norm = {t->out, p->w->norm.f32, f->reads.n,
                                       c->dim, c->norm_eps};
    infer_rmsnorm((struct infer_values){.f32 = t->h}, &norm);
    for (size_t r = 0; r < f->reads.n; r++)
        memcpy(hidden + f->readout[r] * c->dim, t->h + r * c->dim,
               c->dim * sizeof(float));
    return 0;
}

int infer_forward(const struct infer_config *c, const struct infer_weights *w,
                  struct infer_forest *forest, struct infer_tape *tape,
                  float *hidden, struct pk_err *err)
{
    struct infer_tape own = {0};
    struct infer_pass p = {c, w, NULL, tape ? tape : &own, err};
    int rc = infer_forest_pack(forest, &p.f, err);
    if (!rc)
        rc = check_forest(c, p.f, err);
    if (rc || p.f->n == 0)
        return rc;
    rc = infer_pass_plan(&p);
    if (!rc)
        rc = infer_dropout_plan(&p.t->lora.drop, p.f, err);
    if (!rc)
        rc = infer_pass_run(&p, hidden);
    infer_tape_release(&own);
    return rc;
}
