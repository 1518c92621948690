/* Sampling whole responses; see generate.h. */
#include "infer/generate.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct infer_generator {
    const struct infer_config *c;
    const struct infer_weights *w;
    const struct infer_tokenizer *t;
    struct infer_decoder *d;
    size_t max_tokens, prompt;
    float *hidden, *first, *logits; /* first: hidden after the prompt */
    int32_t *order;
};

int infer_generator_new(struct infer_generator **out,
                        const struct infer_model *m,
                        const struct infer_tokenizer *t, size_t max_tokens,
                        struct pk_err *err)
{
    struct infer_generator *g = pk_calloc(1, sizeof *g);
    *out = NULL;
    if (!g)
        return pk_fail_mem(err, "a generator");
    g->c = infer_model_config(m);
    g->w = infer_model_weights(m);
    g->t = t;
    g->max_tokens = max_tokens;
    g->hidden = pk_calloc(g->c->dim, sizeof *g->hidden);
    g->first = pk_calloc(g->c->dim, sizeof *g->first);
    g->logits = pk_calloc(g->c->vocab, sizeof *g->logits);
    g->order = pk_calloc(g->c->vocab, sizeof *g->order);
    int rc =
        g->hidden && g->first && g->logits && g->order
            ? infer_decoder_new(&g->d, g->c, g->w, g->c->max_positions, err)
            : pk_fail_mem(err, "a generator");
    if (rc) {
        infer_generator_free(g);
        return rc;
    }
    *out = g;
    return 0;
}

void infer_generator_free(struct infer_generator *g)
{
    if (!g)
        return;
    infer_decoder_free(g->d);
    free(g->hidden);
    free(g->first);
    free(g->logits);
    free(g->order);
    free(g);
}

int infer_generator_prompt(struct infer_generator *g,
                           const struct infer_ids *prompt, struct pk_err *err)
{
    if (prompt->len == 0 || prompt->len >= g->c->max_positions)
        return pk_fail(err, PK_EDATA,
                       "a prompt of %zu tokens leaves no room in %zu positions",
                       prompt->len, g->c->max_positions);
    infer_decoder_rewind(g->d, 0);
    g->prompt = prompt->len;
    return infer_decoder_feed(g->d, prompt->id, prompt->len, g->first, err);
}

int infer_generator_sample(struct infer_generator *g,
                           const struct infer_sampling *s, struct pk_rng *rng,
                           struct infer_ids *ids, bool *cut, struct pk_err *err)
{
    const float *hidden = g->first;
    ids->len = 0;
    infer_decoder_rewind(g->d, g->prompt);
    for (;;) {
        int rc = infer_logits(g->c, g->w, hidden, g->logits, err);
        if (rc)
            return rc;
        int32_t id = infer_sample(s, g->logits, g->order, g->c->vocab, rng);
        *cut = false;
        if (id == infer_tokenizer_eos(g->t) || infer_config_ends(g->c, id))
            return 0;
        if ((rc = infer_ids_add(ids, id, err)) < 0)
            return rc;
        *cut = true;
        if (ids->len == g->max_tokens ||
            infer_decoder_len(g->d) == g->c->max_positions)
            return 0;
        rc = infer_decoder_feed(g->d, &id, 1, g->hidden, err);
        if (rc)
            return rc;
        hidden = g->hidden;
    }
}
