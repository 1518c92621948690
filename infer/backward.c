/* The adjoint of forward.c, layer by layer from the last. Norms and SwiGLU's
 * product are computed again from what the tape kept. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/config.h"
#include "infer/tape.h"

/* Scratch for gradients, each as large as the largest layer needs; of any
 * content to begin with. */
struct grads {
    float *dx;          /* (N, C) by what a layer gives out */
    float *dprev;       /* (N, C) by what it takes in */
    float *dh;          /* (N, C) by a norm's output */
    float *dq, *datt;   /* (N, H D) */
    float *dk, *dv;     /* (N, K D) */
    float *dgate, *dup; /* (N, F); dup first by SwiGLU's output */
    float *hr, *dhr;    /* (R, C) rows of h, in the last layer */
};

enum { N_GRADS = 11 };

/* Their sizes, padded, in the order of struct grads; returns the sum. */
static size_t grad_sizes(const struct infer_config *c, size_t n, size_t r,
                         size_t size[N_GRADS])
{
    const struct infer_dims d = infer_dims_of(c);
    const size_t exact[N_GRADS] = {n * d.c, n * d.c,  n * d.c,  n * d.q,
                                   n * d.q, n * d.kv, n * d.kv, n * d.f,
                                   n * d.f, r * d.c,  r * d.c};
    size_t total = 0;
    for (size_t i = 0; i < N_GRADS; i++) {
        size[i] = (exact[i] + 15) & ~(size_t)15;
        total += size[i];
    }
    return total;
}

static float *new_grads(struct grads *g, const struct infer_config *c,
                        const struct infer_packed *f)
{
    float **slot[N_GRADS] = {&g->dx,   &g->dprev, &g->dh, &g->dq,
                             &g->datt, &g->dk,    &g->dv, &g->dgate,
                             &g->dup,  &g->hr,    &g->dhr};
    size_t size[N_GRADS];
    size_t total = grad_sizes(c, f->n, f->reads.n, size);
    float *mem = pk_alloc_aligned(total, sizeof *mem);
    float *at = mem;
    for (size_t i = 0; mem && i < N_GRADS; i++) {
        *slot[i] = at;
        at += size[i];
    }
    return mem;
}

size_t infer_train_bytes(const struct infer_config *c,
                         struct infer_forest_size f, bool recompute)
{
    size_t size[N_GRADS];
    const struct infer_packed packed = {.n = f.tokens,
                                        .max_depth = f.longest,
                                        .all = {.n = f.tokens},
                                        .reads = {.n = f.readouts}};
    const struct infer_attention at = {.forest = &packed,
                                       .d = c->head_dim,
                                       .tiles = infer_attention_fits_tiles(c)};
    const struct infer_dims d = infer_dims_of(c);
    size_t wide = d.f > d.c ? d.f : d.c;
    size_t linears = infer_pass_product_floats(c, f.tokens),
           dw = infer_gemm_dw_floats(f.tokens, wide, wide);
    size_t floats =
        infer_pass_floats(
            c, &packed, recompute ? INFER_KEEP_INPUTS : INFER_KEEP_ALL, false) +
        grad_sizes(c, f.tokens, f.readouts, size) +
        infer_attention_floats(&at, true) + (linears > dw ? linears : dw) +
        2 * f.readouts * c->dim; /* hidden and its gradient */
    return floats * sizeof(float) + infer_forest_bytes(f);
}

/* A matrix and its gradient, either of which may be an adapter's alone. */
struct pair {
    const struct infer_matrix *w, *dw;
};

/* The adjoints of y (rows, out) = x w^T: by w, added, and by x. */
static int grad_w(const struct infer_pass *p, struct pair m, const float *dy,
                  struct infer_input x)
{
    struct infer_gemm *g = &p->t->gemm;
    int rc = 0;
    if (m.dw->f32)
        rc = infer_linear_dw(g, m.dw, dy, x.x, x.rows, p->err);
    if (!rc && m.dw->adapter)
        rc = infer_adapter_backward_w(&p->t->lora, m.dw->adapter, m.w->adapter,
                                      dy, x, p->err);
    return rc;
}

static int grad_x(const struct infer_pass *p, float *dx, const float *dy,
                  const struct infer_matrix *w, const struct infer_rows *rows,
                  bool add)
{
    struct infer_gemm *g = &p->t->gemm;
    const struct infer_input in = {NULL, rows->n, rows->token};
    int rc = infer_linear_dx(g, dx, dy, w, rows->n, add, p->err);
    if (!rc && w->adapter)
        rc = infer_adapter_backward_x(&p->t->lora, dx, w->adapter, dy, in,
                                      p->err);
    return rc;
}

/* dx (rows, C), by the layer's output, becomes the gradient by `mid`. */
static int feed_forward_back(const struct infer_pass *p, size_t layer,
                             const struct grads *g, struct infer_layer *dw)
{
    const struct infer_dims d = infer_dims_of(p->c);
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer);
    size_t n = rows->n * d.f;
    float *h = p->t->h, *act = p->t->act;
    const struct infer_rmsnorm norm = {a->mid, w->ffn_norm.f32, rows->n, d.c,
                                       p->c->norm_eps};
    const struct infer_input hs = {h, rows->n, rows->token};
    const struct infer_input acts = {act, rows->n, rows->token};
    infer_rmsnorm(h, &norm);
    int rc = grad_x(p, g->dup, g->dx, &w->down, rows, false);
    if (rc)
        return rc;
    infer_swiglu_backward(act, g->dgate, g->dup, a->gate, a->up, n);
    if ((rc = grad_w(p, (struct pair){&w->down, &dw->down}, g->dx, acts)) ||
        (rc = grad_w(p, (struct pair){&w->gate, &dw->gate}, g->dgate, hs)) ||
        (rc = grad_w(p, (struct pair){&w->up, &dw->up}, g->dup, hs)) ||
        (rc = grad_x(p, g->dh, g->dgate, &w->gate, rows, false)) ||
        (rc = grad_x(p, g->dh, g->dup, &w->up, rows, true)))
        return rc;
    return infer_rmsnorm_backward(g->dx, dw->ffn_norm.f32, g->dh, &norm,
                                  p->err);
}

/* Gradients by q, k and v, rotated back. */
static int attention_core_back(const struct infer_pass *p, size_t layer,
                               const struct grads *g)
{
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer);
    struct infer_attention at = infer_pass_attention(p, layer);
    struct infer_attention_grad ag = {g->dq, g->dk, g->dv, g->datt,
                                      a->q,  a->k,  a->v};
    int rc = infer_attention_backward(&at, &ag, p->err);
    if (rc)
        return rc;
    struct infer_rope rq = infer_pass_rope(p, p->c->heads, rows, 1);
    struct infer_rope rk = infer_pass_rope(p, p->c->kv_heads, &p->f->all, 1);
    infer_rope(g->dq, rows->n, &rq);
    infer_rope(g->dk, p->f->n, &rk);
    return 0;
}

/* dx (rows, C), by `mid`, gives dprev (N, C), by the layer's input. */
static int attention_back(const struct infer_pass *p, size_t layer,
                          const struct grads *g, struct infer_layer *dw)
{
    const struct infer_config *c = p->c;
    const struct infer_dims d = infer_dims_of(c);
    const struct infer_layer *w = &p->w->layer[layer];
    const struct infer_acts *a = &p->t->layer[layer];
    const struct infer_rows *rows = infer_pass_rows(p, layer);
    const struct infer_rows *all = &p->f->all;
    float *h = p->t->h;
    size_t n = p->f->n;
    bool last = layer + 1 == c->layers;
    const struct infer_input att = {a->att, rows->n, rows->token};
    const struct infer_input every = {h, n, all->token};
    const struct infer_input asking = {last ? g->hr : h, rows->n, rows->token};
    int rc;
    if ((rc = grad_w(p, (struct pair){&w->wo, &dw->wo}, g->dx, att)) ||
        (rc = grad_x(p, g->datt, g->dx, &w->wo, rows, false)) ||
        (rc = attention_core_back(p, layer, g)))
        return rc;
    const struct infer_rmsnorm norm = {a->x, w->attn_norm.f32, n, d.c,
                                       c->norm_eps};
    infer_rmsnorm(h, &norm);
    if (last)
        infer_gather(g->hr, h, rows->token, 0, rows->n, d.c);
    if ((rc = grad_w(p, (struct pair){&w->wq, &dw->wq}, g->dq, asking)) ||
        (rc = grad_w(p, (struct pair){&w->wk, &dw->wk}, g->dk, every)) ||
        (rc = grad_w(p, (struct pair){&w->wv, &dw->wv}, g->dv, every)) ||
        (rc = grad_x(p, g->dh, g->dk, &w->wk, all, false)) ||
        (rc = grad_x(p, g->dh, g->dv, &w->wv, all, true)) ||
        (rc = grad_x(p, last ? g->dhr : g->dh, g->dq, &w->wq, rows, !last)))
        return rc;
    if (last)
        infer_scatter_add(g->dh, g->dhr, rows->token, rows->n, d.c);
    memset(g->dprev, 0, n * d.c * sizeof(float));
    infer_scatter_add(g->dprev, g->dx, rows->token, rows->n, d.c);
    return infer_rmsnorm_backward(g->dprev, dw->attn_norm.f32, g->dh, &norm,
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
    infer_gather(g->dh, dhidden, p->f->readout, 0, reads, c->dim);
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
        float *swap = g->dx;
        g->dx = g->dprev;
        g->dprev = swap;
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
    float *mem = new_grads(&scratch, c, p.f);
    if (!mem)
        return pk_fail(err, PK_EMEM,
                       "out of memory for the gradients of a forest of %zu "
                       "tokens",
                       p.f->n);
    rc = run_back(&p, &scratch, dhidden, g);
    free(mem);
    return rc;
}
