/* Decoding: the forward pass over one sequence's new tokens, with the keys and
 * values of the earlier ones kept. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/config.h"
#include "infer/tape.h"

struct infer_decoder {
    const struct infer_config *c;
    const struct infer_weights *w;
    struct infer_tape tape;
    float *k, *v; /* (L, cap, K D) */
    int32_t *token;
    size_t *position; /* 0, 1, 2, ... */
    size_t len, cap;
};

int infer_decoder_new(struct infer_decoder **out, const struct infer_config *c,
                      const struct infer_weights *w, size_t max_tokens,
                      struct pk_err *err)
{
    *out = NULL;
    struct infer_decoder *d = pk_calloc(1, sizeof *d);
    if (!d)
        return pk_fail_mem(err, "a decoder");
    size_t cap = max_tokens < c->max_positions ? max_tokens : c->max_positions;
    size_t cache = c->layers * cap * infer_dims_of(c).kv;
    d->c = c;
    d->w = w;
    d->cap = cap;
    d->k = pk_calloc_aligned(cache, sizeof *d->k);
    d->v = pk_calloc_aligned(cache, sizeof *d->v);
    d->token = pk_calloc(cap, sizeof *d->token);
    d->position = pk_calloc(cap, sizeof *d->position);
    if (!d->k || !d->v || !d->token || !d->position) {
        infer_decoder_free(d);
        return pk_fail_mem(err, "a decoder's keys and values");
    }
    for (size_t i = 0; i < cap; i++)
        d->position[i] = i;
    *out = d;
    return 0;
}

void infer_decoder_free(struct infer_decoder *d)
{
    if (!d)
        return;
    free(d->k);
    free(d->v);
    free(d->token);
    free(d->position);
    infer_tape_release(&d->tape);
    free(d);
}

size_t infer_decoder_len(const struct infer_decoder *d)
{
    return d->len;
}

void infer_decoder_rewind(struct infer_decoder *d, size_t n)
{
    if (n < d->len)
        d->len = n;
}

static int check(const struct infer_decoder *d, const int32_t *ids, size_t n,
                 struct pk_err *err)
{
    if (n == 0 || n > d->cap - d->len)
        return pk_fail(err, PK_EDATA,
                       "%zu tokens after %zu do not fit into %zu positions", n,
                       d->len, d->cap);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= d->c->vocab)
            return pk_fail(err, PK_EDATA,
                           "token id %d is outside the vocabulary of %zu",
                           (int)ids[i], d->c->vocab);
    return 0;
}

int infer_decoder_feed(struct infer_decoder *d, const int32_t *ids, size_t n,
                       float *hidden, struct pk_err *err)
{
    int rc = check(d, ids, n, err);
    if (rc)
        return rc;
    memcpy(d->token + d->len, ids, n * sizeof *ids);
    size_t total = d->len + n, readout = 0;
    const struct infer_segment segment = {.len = total,
                                          .parent = INFER_NO_PARENT};
    const size_t all_first[] = {0, n}, read_first[] = {0, 1};
    const struct infer_packed f = {
        .n = total,
        .token = d->token,
        .depth = d->position,
        .n_segments = 1,
        .segment = &segment,
        .max_depth = total,
        .all = {n, d->position + d->len, all_first},
        .reads = {1, d->position + total - 1, read_first},
        .readout = &readout};
    struct infer_pass p = {d->c, d->w, &f, &d->tape, err};
    d->tape.gemm.thin = n == 1;
    rc = infer_pass_plan(&p);
    size_t kv = d->cap * infer_dims_of(d->c).kv;
    for (size_t l = 0; !rc && l < d->c->layers; l++) {
        d->tape.layer[l].k = d->k + l * kv;
        d->tape.layer[l].v = d->v + l * kv;
    }
    if (!rc)
        rc = infer_pass_run(&p, hidden);
    if (!rc)
        d->len = total;
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
