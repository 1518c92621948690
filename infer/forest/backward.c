/* The adjoint of forward.c, layer by layer from the last. Norms and SwiGLU's
 * product are computed again from what the tape kept. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/files/config.h"
#include "infer/forest/tape.h"

/* Scratch for gradients, each as large as the largest layer needs; of any
 * content to begin with. */
struct grads {
    float *dx;        /* by what a layer gives out: dread, then dall */
    float *dread;     /* (R, C) */
    float *dall;      /* (N, C) */
    float *dh;        /* (N, C) by a norm's output */
    float *dq, *datt; /* (N, H D) */
    float *dk, *dv;   /* (N, K D) */
    struct infer_values back_q, back_k; /* dq and dk, rotated back: where they
                                           are, or rounded in datt's place */
    float *dact;                        /* (N, F) by SwiGLU's output */
    float *dgate;    /* (N, F), and, where both are rounded, dup behind it;
                        else dup takes dact's place */
    float *hr, *dhr; /* (R, C) rows of h, in the last layer */
};

enum { N_GRADS = 11 };

/* Their sizes, padded, from dread on; returns the sum. */
static size_t grad_sizes(const struct infer_config *c, size_t n, size_t r,
                         size_t size[N_GRADS])
{
    const struct infer_dims d = infer_dims_of(c);
    const size_t exact[N_GRADS] = {r * d.c, n * d.c,  n * d.c,  n * d.q,
                                   n * d.q, n * d.kv, n * d.kv, n * d.f,
                                   n * d.f, r * d.c,  r * d.c};
    size_t total = 0;
    for (size_t i = 0; i < N_GRADS; i++) {
        size[i] = (exact[i] + 15) & ~(size_t)15;
        total += size[i];
    }
    return total;
}

/* Cut from the tape's memory. */
static int plan_grads(struct grads *g, const struct infer_pass *p)
{
    size_t size[N_GRADS];
    float *at[N_GRADS];
    struct infer_tape *t = p->t;
    size_t total = grad_sizes(p->c, p->f->n, p->f->reads.n, size);
    if (!t->grads || total > t->grads_cap) {
        free(t->grads);
        t->grads = pk_alloc_aligned(total, sizeof *t->grads);
        t->grads_cap = t->grads ? total : 0;
    }
    if (!t->grads) {
        (void)pk_fail(p->err, PK_EMEM,
                      "out of memory for the gradients of a forest of %zu "
                      "tokens",
                      p->f->n);
        return PK_EMEM;
    }
    at[0] = t->grads;
    for (size_t i = 1; i < N_GRADS; i++)
        at[i] = at[i - 1] + size[i - 1];
    *g = (struct grads){.dx = at[0],
                        .dread = at[0],
                        .dall = at[1],
                        .dh = at[2],
                        .dq = at[3],
                        .datt = at[4],
                        .dk = at[5],
                        .dv = at[6],
                        .dact = at[7],
                        .dgate = at[8],
                        .hr = at[9],
                        .dhr = at[10]};
    return 0;
}

size_t infer_train_bytes(const struct infer_config *c,
                         enum infer_precision precision,
                         struct infer_forest_size f, bool recompute)
{
    size_t size[N_GRADS];
    const struct infer_packed packed = {.n = f.tokens,
                                        .max_depth = f.longest,
                                        .all = {.n = f.tokens},
                                        .reads = {.n = f.readouts}};
    const struct infer_attention at = {.forest = &packed,
                                       .kv_heads = c->kv_heads,
                                       .d = c->head_dim,
                                       .tiles = infer_attention_fits_tiles(c)};
    /* Weights may be stored either way: what takes more is planned for. */
    struct infer_gemm_sizes products =
        infer_pass_product_sizes(c, f.tokens, precision);
    products.narrow = precision != INFER_PRECISION_BF16;
    size_t floats =
        infer_pass_floats(
            c, &packed, recompute ? INFER_KEEP_INPUTS : INFER_KEEP_ALL, false) +
        grad_sizes(c, f.tokens, f.readouts, size) +
        infer_attention_backward_floats(&at) +
        at_least(infer_gemm_floats(&products),
                 infer_gemm_backward_floats(&products)) +
        2 * f.readouts * c->dim; /* hidden and its gradient */
    return floats * sizeof(float) + infer_forest_bytes(f);
}

/* ---- Layers -------------------------------------------------------------- */

/* What goes back through products of one x (rows, in), and through their
 * adapters: dx overwritten, and their gradients added to. */
struct back {
    const struct infer_linear_grad *of;
    size_t n;
    const struct infer_rows *rows;
    struct infer_operand x; /* none: no gradients of the weights */
    float *dx;              /* NULL: none */
};

static int back(const struct infer_pass *p, const struct back *b)
{
    const struct infer_linears_grad grad = {
        .of = b->of, .n = b->n, .rows = b->rows->n, .x = b->x, .dx = b->dx};
    const struct infer_input in = {b->x, b->rows->n, b->rows->token};
    struct infer_lora_work *lora = &p->t->lora;
    int rc = infer_linears_backward(&p->t->gemm, &grad, p->err);
    for (size_t i = 0; !rc && i < b->n; i++) {
        const struct infer_linear_grad *of = &b->of[i];
        if (b->x.f32 && of->dw->adapter)
            rc = infer_adapter_backward_w(lora, of->dw->adapter, of->w->adapter,
                                          of->dy.f32, in, p->err);
        if (!rc && b->dx && of->w->adapter)
            rc = infer_adapter_backward_x(lora, b->dx, of->w->adapter,
                                          of->dy.f32, in, p->err);
    }
    return rc;
}

/* act, and gradients by what it is of, from g->dact. */
static struct infer_swiglu_grad swiglu_back(const struct infer_pass *p,
                                            size_t layer, const struct grads *g,
                                            size_t n)
{
    const struct infer_acts *a = &p->t->layer[layer];
    bool rounded = p->t->rounded;
    struct infer_swiglu_grad s = {.act = infer_pass_act(p),
                                  .dgate = infer_values_in(g->dgate, rounded),
                                  .dup = {.f32 = g->dact},
                                  .d = g->dact,
                                  .gate = a->gate,
                                  .up = a->up};
    if (rounded)
        s.dup = (struct infer_values){.bf16 = s.dgate.bf16 + n};
    infer_swiglu_backward(&s, n);
    return s;
}

/* dx (rows, C), by the layer's output, becomes the gradient by `mid`. */
static int feed_forward_back(const struct infer_pass *p, size_t layer,
                             const struct grads *g, struct infer_layer *dw)
{
    const struct infer_dims d = infer_dims_of(p->c);
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer);
    const struct infer_values h = infer_pass_h(p);
    const struct infer_operand none = {0};
    const struct infer_rmsnorm norm = {a->mid, w->ffn_norm.f32, rows->n, d.c,
                                       p->c->norm_eps};
    struct infer_linear_grad down = {{.f32 = g->dx}, &w->down, &dw->down};
    if (p->t->rounded) { /* once for both, where dh will be */
        const struct infer_values dy = infer_values_in(g->dh, true);
        infer_round(dy.bf16, g->dx, rows->n * d.c);
        down.dy = infer_operand_of(dy);
    }
    int rc = back(p, &(struct back){&down, 1, rows, none, g->dact});
    if (rc)
        return rc;
    const struct infer_swiglu_grad s = swiglu_back(p, layer, g, rows->n * d.f);
    const struct infer_linear_grad two[] = {
        {infer_operand_of(s.dgate), &w->gate, &dw->gate},
        {infer_operand_of(s.dup), &w->up, &dw->up}};
    const struct back by_down = {&down, 1, rows, infer_operand_of(s.act), NULL},
                      by_two = {two, 2, rows, infer_operand_of(h), g->dh};
    infer_rmsnorm(h, &norm);
    if ((rc = back(p, &by_down)) || (rc = back(p, &by_two)))
        return rc;
    return infer_rmsnorm_backward(g->dx, dw->ffn_norm.f32, g->dh, &norm,
                                  p->err);
}

/* Gradients by q, k and v, rotated back. */
static int attention_core_back(const struct infer_pass *p, size_t layer,
                               struct grads *g)
{
    const struct infer_rows *rows = infer_pass_rows(p, layer);
    struct infer_attention at = infer_pass_attention(p, layer);
    const struct infer_attended x = infer_pass_attended(p, layer);
    const struct infer_attention_grad ag = {g->dq, g->dk, g->dv, g->datt};
    int rc = infer_attention_backward(&at, &x, &ag, p->err);
    if (rc)
        return rc;
    struct infer_rope rq = infer_pass_rope(p, p->c->heads, rows, 1);
    struct infer_rope rk = infer_pass_rope(p, p->c->kv_heads, &p->f->all, 1);
    g->back_q = (struct infer_values){.f32 = g->dq};
    g->back_k = (struct infer_values){.f32 = g->dk};
    if (p->t->rounded) {
        g->back_q = infer_values_in(g->datt, true);
        g->back_k = (struct infer_values){.bf16 = g->back_q.bf16 +
                                                  rows->n * rq.heads * rq.d};
    }
    infer_rope(g->back_q, g->dq, rows->n, &rq);
    infer_rope(g->back_k, g->dk, p->f->n, &rk);
    return 0;
}

/* From dq, dk and dv to dh, by what they were computed from: h (N, C), of which
 * the last layer asks for some rows alone. */
static int project_back(const struct infer_pass *p, size_t layer,
                        const struct grads *g, struct infer_layer *dw)
{
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer),
                            *all = &p->f->all;
    const struct infer_linear_grad of[] = {
        {infer_operand_of(g->back_k), &w->wk, &dw->wk},
        {{.f32 = g->dv}, &w->wv, &dw->wv},
        {infer_operand_of(g->back_q), &w->wq, &dw->wq}};
    bool rounded = p->t->rounded;
    const struct infer_operand h = infer_operand_of(infer_pass_h(p)),
                               hr = infer_operand_of(
                                   infer_values_in(g->hr, rounded));
    if (rows == all)
        return back(p, &(struct back){of, 3, all, h, g->dh});
    infer_gather(g->hr, p->t->h, rows->token, 0, rows->n,
                 p->c->dim * infer_value_size(rounded));
    int rc = back(p, &(struct back){of, 2, all, h, g->dh});
    if (!rc)
        rc = back(p, &(struct back){of + 2, 1, rows, hr, g->dhr});
    if (!rc)
        infer_scatter_add(g->dh, g->dhr, rows->token, rows->n, p->c->dim);
    return rc;
}

/* dx (rows, C), by `mid`, becomes that by the layer's input (N, C). */
static int attention_back(const struct infer_pass *p, size_t layer,
                          struct grads *g, struct infer_layer *dw)
{
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer);
    size_t n = p->f->n, c = p->c->dim;
    const struct infer_rmsnorm norm = {a->x, w->attn_norm.f32, n, c,
                                       p->c->norm_eps};
    const struct infer_linear_grad wo = {{.f32 = g->dx}, &w->wo, &dw->wo};
    const struct infer_operand att = infer_operand_of(infer_pass_att(p, layer));
    int rc = back(p, &(struct back){&wo, 1, rows, att, g->datt});
    if (!rc)
        rc = attention_core_back(p, layer, g);
    if (rc)
        return rc;
    infer_rmsnorm(infer_pass_h(p), &norm);
    if ((rc = project_back(p, layer, g, dw)))
        return rc;
    if (g->dx != g->dall) {
        memset(g->dall, 0, n * c * sizeof(float));
        infer_scatter_add(g->dall, g->dx, rows->token, rows->n, c);
        g->dx = g->dall;
    }
    return infer_rmsnorm_backward(g->dx, dw->attn_norm.f32, g->dh, &norm,
                                  p->err);
}

/* Tokens in order for each slice of columns: the same sum at any number of
 * threads. */
static void embedding_back(const struct infer_pass *p, const float *dx,
                           float *dembed)
{
    enum { SLICE = 64 };
    size_t c = p->c->dim;
#pragma omp parallel for
    for (size_t k = 0; k < (c + SLICE - 1) / SLICE; k++) {
        size_t end = (k + 1) * SLICE < c ? (k + 1) * SLICE : c;
        for (size_t n = 0; n < p->f->n; n++)
            for (size_t i = k * SLICE; i < end; i++)
                dembed[(size_t)p->f->token[n] * c + i] += dx[n * c + i];
    }
}

static int run_back(const struct infer_pass *p, struct grads *g,
                    const float *dhidden, struct infer_weights *dw)
{
    const struct infer_config *c = p->c;
    size_t reads = p->f->reads.n;
    infer_gather(g->dh, dhidden, p->f->readout, 0, reads,
                 c->dim * sizeof(float));
    memset(g->dx, 0, reads * c->dim * sizeof(float));
    const struct infer_rmsnorm norm = {p->t->out, p->w->norm.f32, reads, c->dim,
                                       c->norm_eps};
    int rc = infer_rmsnorm_backward(g->dx, dw->norm.f32, g->dh, &norm, p->err);
    for (size_t l = c->layers; !rc && l-- > 0;) {
        if (p->t->keep == INFER_KEEP_INPUTS)
            rc = infer_pass_again(p, l);
        if (!rc)
            rc = feed_forward_back(p, l, g, &dw->layer[l]);
        if (!rc)
            rc = attention_back(p, l, g, &dw->layer[l]);
    }
    if (!rc && dw->embed.f32)
        embedding_back(p, g->dx, dw->embed.f32);
    return rc;
}

int infer_backward(const struct infer_config *c, const struct infer_weights *w,
                   struct infer_forest *forest, struct infer_tape *tape,
                   const float *dhidden, struct infer_weights *g,
                   struct pk_err *err)
{
    struct infer_pass p = {c, w, NULL, tape, err};
    int rc = infer_forest_pack(forest, &p.f, err);
    if (rc || p.f->n == 0)
        return rc;
    struct grads scratch;
    rc = plan_grads(&scratch, &p);
    return rc ? rc : run_back(&p, &scratch, dhidden, g);
}
