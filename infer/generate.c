/* Responses, token by token; see infer.h. */
#include "infer/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "common/utf8.h"
#include "infer/stream.h"

enum { CHUNK = 256 }; /* tokens of a prompt between two looks at the caller */

struct infer_generator {
    const struct infer_config *c;
    const struct infer_weights *w;
    const struct infer_tokenizer *t;
    struct infer_decoder *d;
    struct infer_ids prompt; /* whose keys and values the decoder has */
    struct infer_stream stream;
    size_t vocab;           /* ids that are both the model's and a token's */
    float *hidden, *logits; /* (C), (V) */
    int32_t *order;         /* (V), scratch */
    unsigned char *seen;    /* (V) */
};

static int allocate(struct infer_generator *g, struct pk_err *err)
{
    size_t vocab = g->c->vocab;
    g->hidden = pk_calloc(g->c->dim, sizeof *g->hidden);
    g->logits = pk_calloc(vocab, sizeof *g->logits);
    g->order = pk_calloc(vocab, sizeof *g->order);
    g->seen = pk_calloc(vocab, sizeof *g->seen);
    if (!g->hidden || !g->logits || !g->order || !g->seen)
        return pk_fail_mem(err, "a generator");
    return infer_decoder_new(&g->d, g->c, g->w, g->c->max_positions, err);
}

int infer_generator_new(struct infer_generator **out,
                        const struct infer_model *m,
                        const struct infer_tokenizer *t, struct pk_err *err)
{
    *out = NULL;
    if (infer_model_config(m)->head != INFER_HEAD_LM)
        return pk_fail(err, PK_EDATA,
                       "%s: a reward model has no language to generate",
                       infer_model_dir(m));
    struct infer_generator *g = pk_calloc(1, sizeof *g);
    if (!g)
        return pk_fail_mem(err, "a generator");
    g->c = infer_model_config(m);
    g->w = infer_model_weights(m);
    g->t = t;
    g->vocab = infer_tokenizer_vocab(t);
    if (g->vocab > g->c->vocab)
        g->vocab = g->c->vocab;
    int rc = allocate(g, err);
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
    infer_ids_release(&g->prompt);
    infer_stream_release(&g->stream);
    free(g->hidden);
    free(g->logits);
    free(g->order);
    free(g->seen);
    free(g);
}

const char *infer_finish_name(enum infer_finish f)
{
    static const char *const names[] = {[INFER_FINISH_END] = "end",
                                        [INFER_FINISH_STOP] = "stop",
                                        [INFER_FINISH_LENGTH] = "length",
                                        [INFER_FINISH_CANCELLED] = "cancelled"};
    return names[f];
}

int infer_request_check(const struct infer_request *q, struct pk_err *err)
{
    const struct infer_sampling *s = &q->sampling;
    if (!(s->temperature >= 0 && isfinite(s->temperature)))
        return pk_fail(err, PK_EUSAGE, "the temperature must be from 0 up");
    if (!(s->top_p > 0 && s->top_p <= 1))
        return pk_fail(err, PK_EUSAGE, "top_p must be above 0 and at most 1");
    if (!(s->repetition_penalty > 0 && isfinite(s->repetition_penalty)))
        return pk_fail(err, PK_EUSAGE,
                       "the repetition penalty must be above 0");
    for (size_t i = 0; i < q->n_stops; i++) {
        size_t n = strlen(q->stop[i]);
        if (n == 0 || pk_utf8_check(q->stop[i], n) < n)
            return pk_fail(err, PK_EUSAGE, "a stop string is %s",
                           n ? "not UTF-8" : "empty");
    }
    return 0;
}

/* ---- One response -------------------------------------------------------- */

/* What is being answered. */
struct turn {
    struct infer_generator *g;
    const struct infer_request *q;
    struct infer_response *out;
    struct pk_rng rng;
    size_t told; /* bytes of text that the caller has */
};

/* Hand over what is certain; true: the caller cancels. */
static bool tell(struct turn *t)
{
    const struct infer_stream *s = &t->g->stream;
    size_t from = t->told;
    t->told = s->sure;
    return t->q->on_text &&
           t->q->on_text(t->q->arg, s->text.data ? s->text.data + from : "",
                         t->told - from) != 0;
}

static size_t common(const struct infer_ids *a, const struct infer_ids *b)
{
    size_t n = a->len < b->len ? a->len : b->len, i = 0;
    while (i < n && a->id[i] == b->id[i])
        i++;
    return i;
}

/* The prompt's keys and values, beginning with those that are there; the last
 * token is always computed, for its hidden state. 1: cancelled. */
static int read_prompt(struct turn *t, const struct infer_ids *prompt,
                       struct pk_err *err)
{
    struct infer_generator *g = t->g;
    size_t at = common(&g->prompt, prompt);
    at = at == prompt->len ? at - 1 : at;
    t->out->kept = at;
    infer_decoder_rewind(g->d, at);
    g->prompt.len = at;
    while (at < prompt->len) {
        size_t n = prompt->len - at < CHUNK ? prompt->len - at : CHUNK;
        int rc = infer_decoder_feed(g->d, prompt->id + at, n, g->hidden, err);
        for (size_t end = at + n; !rc && at < end; at++)
            rc = infer_ids_add(&g->prompt, prompt->id[at], err);
        if (rc)
            return rc;
        if (tell(t))
            return 1;
    }
    return 0;
}

static int next_token(struct turn *t, int32_t *id, struct pk_err *err)
{
    struct infer_generator *g = t->g;
    const struct infer_sampling *s = &t->q->sampling;
    int rc = infer_logits(g->w, g->hidden, g->logits, err);
    if (rc)
        return rc;
    if (s->repetition_penalty != 1)
        infer_penalize(g->logits, g->seen, g->vocab, s->repetition_penalty);
    *id = infer_sample(s, g->logits, g->order, g->vocab, &t->rng);
    g->seen[*id] = 1;
    return 0;
}

/* Until something ends it: t->out->finish. */
static int respond(struct turn *t, struct pk_err *err)
{
    struct infer_generator *g = t->g;
    for (;;) {
        int32_t id;
        int rc = next_token(t, &id, err);
        t->out->finish = INFER_FINISH_END;
        if (rc || id == infer_tokenizer_eos(g->t) ||
            infer_config_ends(g->c, id))
            return rc;
        t->out->tokens++;
        rc = infer_stream_add(&g->stream, id, err);
        t->out->finish = INFER_FINISH_STOP;
        if (rc || g->stream.stopped)
            return rc;
        t->out->finish = INFER_FINISH_LENGTH;
        if (t->out->tokens == t->q->max_tokens ||
            infer_decoder_len(g->d) == g->c->max_positions)
            return 0;
        t->out->finish = INFER_FINISH_CANCELLED;
        if (tell(t))
            return 0;
        if ((rc = infer_decoder_feed(g->d, &id, 1, g->hidden, err)))
            return rc;
    }
}

static int finish(struct turn *t, struct pk_err *err)
{
    struct infer_stream *s = &t->g->stream;
    int rc = infer_stream_end(s, err);
    if (rc)
        return rc;
    if (s->stopped)
        t->out->finish = INFER_FINISH_STOP;
    if (t->out->finish != INFER_FINISH_CANCELLED)
        tell(t);
    t->out->len = s->text.len;
    t->out->text = pk_buf_take(&s->text);
    return 0;
}

int infer_generate_ids(struct infer_generator *g,
                       const struct infer_ids *prompt, bool fresh,
                       const struct infer_request *q,
                       struct infer_response *out, struct pk_err *err)
{
    struct turn t = {.g = g, .q = q, .out = out};
    *out = (struct infer_response){.prompt_tokens = prompt->len};
    int rc = infer_request_check(q, err);
    if (rc)
        return rc;
    if (prompt->len == 0 || prompt->len >= g->c->max_positions)
        return pk_fail(err, PK_EDATA,
                       "a prompt of %zu tokens leaves no room in %zu positions",
                       prompt->len, g->c->max_positions);
    pk_rng_seed(&t.rng, q->seed, q->stream);
    infer_stream_start(&g->stream, g->t, fresh, q->stop, q->n_stops);
    memset(g->seen, 0, g->c->vocab);
    for (size_t i = 0; i < prompt->len; i++)
        if (prompt->id[i] >= 0 && (size_t)prompt->id[i] < g->c->vocab)
            g->seen[prompt->id[i]] = 1;
    rc = read_prompt(&t, prompt, err);
    if (rc == 1)
        out->finish = INFER_FINISH_CANCELLED;
    else if (rc == 0)
        rc = respond(&t, err);
    if (rc >= 0)
        rc = finish(&t, err);
    /* Keys and values that a response's steps computed may differ in their
     * last bits from a prompt's; what is kept must not show in the text. */
    infer_decoder_rewind(g->d, g->prompt.len);
    if (rc)
        g->prompt.len = 0;
    return rc;
}

int infer_generate(struct infer_generator *g, const struct infer_message *msgs,
                   size_t n, const struct infer_request *q,
                   struct infer_response *out, struct pk_err *err)
{
    struct infer_ids prompt = {0};
    struct infer_chat what;
    size_t positions = g->c->max_positions, half = positions / 2;
    size_t room = q->max_tokens && q->max_tokens < half ? q->max_tokens : half;
    *out = (struct infer_response){0};
    if (n == 0 || msgs[n - 1].role != INFER_USER)
        return pk_fail(err, PK_EDATA, "the last message is not the user's");
    int rc = infer_chat_encode(g->t, msgs, n, false, positions - room, &prompt,
                               &what, err);
    if (!rc)
        rc = infer_generate_ids(g, &prompt, true, q, out, err);
    if (!rc)
        out->dropped = what.dropped;
    infer_ids_release(&prompt);
    return rc;
}
