/* The language model's head under cross entropy, a block of rows at a time: no
 * (R, V) matrix is ever whole in memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/infer.h"
#include "infer/math/gemm.h"
#include "infer/math/simd.h"

enum { BLOCK = 128 }; /* rows whose logits are computed at once */

size_t infer_lm_bytes(const struct infer_config *c)
{
    return BLOCK * c->vocab * sizeof(float);
}

/* What one row came to. */
struct row {
    size_t first, n; /* its targets */
    double loss;
    uint64_t right;
};

/* Loss of one row; logits (V) become their gradient if wanted, and are lost in
 * any case. log(sum of e^l) is the largest less the log of its probability. */
static void one_row(struct row *r, const struct infer_target *t, float *logits,
                    size_t vocab, bool backward)
{
    size_t best = 0;
    for (size_t v = 1; v < vocab; v++)
        if (logits[v] > logits[best])
            best = v;
    double max = (double)logits[best], weight = 0, said = 0;
    for (size_t i = 0; i < r->n; i++) {
        said += (double)t[i].weight * (double)logits[(size_t)t[i].id];
        weight += (double)t[i].weight;
        r->right += (size_t)t[i].id == best;
    }
    infer_softmax_row(logits, vocab, 1);
    r->loss += weight * (max - log((double)logits[best])) - said;
    for (size_t v = 0; v < vocab && backward; v++)
        logits[v] *= (float)weight;
    for (size_t i = 0; i < r->n && backward; i++)
        logits[(size_t)t[i].id] -= t[i].weight;
}

struct head {
    const struct infer_config *c;
    const struct infer_weights *w;
    const float *hidden;
    const struct infer_target *target;
    float *logits; /* (BLOCK, V) */
    struct infer_gemm gemm;
    struct row row[BLOCK];
};

/* Rows from..from + n: loss, and their part of the gradients. */
static int block(struct head *h, size_t from, size_t n, float *dhidden,
                 struct infer_weights *g, struct pk_err *err)
{
    size_t c = h->c->dim, vocab = h->c->vocab;
    const float *x = h->hidden + from * c;
    int rc = infer_linear(&h->gemm, h->logits, x, &h->w->head, n, false, err);
    if (rc)
        return rc;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        one_row(&h->row[i], h->target + h->row[i].first, h->logits + i * vocab,
                vocab, g != NULL);
    if (!g)
        return 0;
    const struct infer_linear_grad head = {
        {.f32 = h->logits}, &h->w->head, &g->head};
    const struct infer_linears_grad grad = {.of = &head,
                                            .n = 1,
                                            .rows = n,
                                            .x = {.f32 = x},
                                            .dx = dhidden + from * c};
    return infer_linears_backward(&h->gemm, &grad, err);
}

static int check(const struct infer_config *c, size_t rows,
                 const struct infer_target *t, size_t n, struct pk_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (t[i].id < 0 || (size_t)t[i].id >= c->vocab || t[i].row >= rows ||
            (i && t[i].row < t[i - 1].row))
            return pk_fail(err, PK_EDATA,
                           "target %zu (token %d at read-out %zu) is outside "
                           "the vocabulary or out of order",
                           i, (int)t[i].id, t[i].row);
    return 0;
}

int infer_lm_loss(const struct infer_config *c, const struct infer_weights *w,
                  const float *hidden, size_t rows,
                  const struct infer_targets *targets, struct infer_lm_sum *out,
                  const struct infer_lm_grad *grad, struct pk_err *err)
{
    const struct infer_target *t = targets->target;
    *out = (struct infer_lm_sum){0};
    int rc = check(c, rows, t, targets->n, err);
    if (rc)
        return rc;
    struct head *h = pk_calloc(1, sizeof *h);
    float *logits = pk_calloc_aligned(BLOCK * c->vocab, sizeof *logits);
    if (!h || !logits) {
        free(h);
        free(logits);
        return pk_fail_mem(err, "a block of logits");
    }
    *h = (struct head){.c = c,
                       .w = w,
                       .hidden = hidden,
                       .target = t,
                       .logits = logits,
                       .gemm.precision = w->precision};
    size_t at = 0;
    for (size_t from = 0, n; from < rows && rc == 0; from += n) {
        n = rows - from < BLOCK ? rows - from : BLOCK;
        for (size_t i = 0; i < n; i++) {
            h->row[i] = (struct row){.first = at};
            while (at < targets->n && t[at].row == from + i)
                at++;
            h->row[i].n = at - h->row[i].first;
        }
        rc = block(h, from, n, grad ? grad->dhidden : NULL,
                   grad ? grad->g : NULL, err);
        for (size_t i = 0; i < n; i++) {
            out->loss += h->row[i].loss;
            out->right += h->row[i].right;
        }
    }
    infer_gemm_release(&h->gemm);
    free(logits);
    free(h);
    return rc;
}

int infer_logits(const struct infer_weights *w, const float *hidden,
                 float *logits, struct pk_err *err)
{
    struct infer_gemm g = {.thin = true};
    int rc = infer_linear(&g, logits, hidden, &w->head, 1, false, err);
    infer_gemm_release(&g);
    return rc;
}
