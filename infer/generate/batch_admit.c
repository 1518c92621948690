/* Prompts into a batch: what of them is there already, room, reading. */
#include <stdlib.h>
#include <string.h>

#include "infer/generate/batch_state.h"

enum {
    CHUNK = 256,    /* tokens of a prompt between two looks at the caller */
    LEAST_SHARE = 8 /* tokens: fewer are not worth another prompt's room */
};

static size_t common(const struct infer_ids *a, const struct infer_ids *b)
{
    size_t n = a->len < b->len ? a->len : b->len, i = 0;
    while (i < n && a->id[i] == b->id[i])
        i++;
    return i;
}

/* The n first tokens of a prompt that are there already, less than all of them,
 * since the last one's hidden state is needed; and the span of the last. */
struct share {
    struct infer_span *span;
    size_t n;
};

/* Is another prompt's beginning more, and worth that its rest stays too? */
static void consider(struct share *s, const struct infer_ids *want,
                     struct infer_span *span, const struct infer_ids *have)
{
    size_t n = common(want, have);
    n = n == want->len ? n - 1 : n;
    if (n < LEAST_SHARE || n <= s->n || 2 * n < have->len)
        return;
    while (span->depth0 >= n)
        span = span->parent;
    *s = (struct share){span, n};
}

static struct share find_share(const struct infer_batch *b,
                               const struct infer_ask *a)
{
    struct share s = {0};
    if (b->kept)
        consider(&s, &a->prompt, b->kept, &b->kept_ids);
    for (const struct infer_ask *r = b->started; r; r = r->next)
        if (infer_kv_len(r->span) == r->prompt.len)
            consider(&s, &a->prompt, r->span, &r->prompt);
    return s;
}

static void forget_kept(struct infer_batch *b)
{
    infer_kv_drop(b->kv, b->kept);
    b->kept = NULL;
}

/* Room for the prompt's own tokens and for one response; else none is taken. */
static int take_both(struct infer_batch *b, struct infer_ask *a,
                     struct infer_span **response, struct pk_err *err)
{
    struct share s = find_share(b, a);
    if (b->kept && s.span == b->kept && b->kept->users == 1) {
        /* Nobody needs the rest of it. */
        infer_kv_cut(b->kept, s.n - b->kept->depth0);
        b->kept_ids.len = s.n;
    }
    int rc =
        infer_kv_take(b->kv, s.span, s.n, a->prompt.len - s.n, &a->span, err);
    if (!rc && a->span)
        rc = infer_kv_take(b->kv, a->span, a->prompt.len,
                           infer_batch_room(b, a), response, err);
    a->kept = s.n;
    if (*response)
        return 0;
    infer_kv_drop(b->kv, a->span);
    a->span = NULL;
    return rc;
}

static int take_room(struct infer_batch *b, struct infer_ask *a,
                     struct infer_span **response, struct pk_err *err)
{
    *response = NULL;
    if (a->span)
        return infer_kv_take(b->kv, a->span, a->prompt.len,
                             infer_batch_room(b, a), response, err);
    int rc = take_both(b, a, response, err);
    if (!rc && !*response && b->kept && b->n_voices == 0) {
        forget_kept(b); /* that leaves all of it */
        rc = take_both(b, a, response, err);
    }
    /* What is kept lives on under the new prompt, or is not needed. */
    if (!rc && *response)
        forget_kept(b);
    return rc;
}

/* What is not read of the prompt yet; *cancelled by its caller. */
static int read_prompt(struct infer_batch *b, struct infer_ask *a,
                       bool *cancelled, struct pk_err *err)
{
    const struct infer_request *q = &a->request;
    for (size_t at;
         !*cancelled && (at = infer_kv_len(a->span)) < a->prompt.len;) {
        size_t n = a->prompt.len - at < CHUNK ? a->prompt.len - at : CHUNK;
        int rc =
            infer_kv_read(b->kv, a->span, a->prompt.id + at, n, a->hidden, err);
        if (rc)
            return rc;
        b->counts.read += n;
        *cancelled = q->on_text && q->on_text(q->arg, "", 0) != 0;
    }
    return 0;
}

static void start_voice(struct infer_batch *b, struct infer_ask *a,
                        struct infer_span *span, bool cancelled)
{
    size_t row = b->n_voices++, k = a->started++;
    struct infer_voice *v = &b->voice[row];
    const struct infer_request *q = &a->request;
    v->ask = a;
    v->out = &a->response[k];
    v->span = span;
    v->told = 0;
    v->done = cancelled;
    *v->out = (struct infer_response){.prompt_tokens = a->prompt.len,
                                      .kept = k ? a->prompt.len : a->kept,
                                      .finish = INFER_FINISH_CANCELLED};
    pk_rng_seed(&v->rng, q->seed, q->stream + k);
    infer_stream_start(&v->stream, b->t, a->fresh, q->stop, q->n_stops);
    if (q->sampling.repetition_penalty != 1) {
        memset(v->seen, 0, b->vocab);
        for (size_t i = 0; i < a->prompt.len; i++)
            v->seen[a->prompt.id[i]] = 1;
    }
    memcpy(b->hidden + row * b->c->dim, a->hidden,
           b->c->dim * sizeof *b->hidden);
    if (a->started < a->samples)
        return;
    b->waiting = a->next;
    if (!b->waiting)
        b->last_waiting = &b->waiting;
    a->next = b->started;
    b->started = a;
}

int infer_batch_admit(struct infer_batch *b, struct pk_err *err)
{
    while (b->waiting && b->n_voices < b->o.rows) {
        struct infer_ask *a = b->waiting;
        struct infer_span *response;
        bool cancelled = false;
        int rc = take_room(b, a, &response, err);
        if (rc || !response)
            return rc;
        rc = read_prompt(b, a, &cancelled, err);
        if (rc) {
            infer_kv_drop(b->kv, response);
            return rc;
        }
        start_voice(b, a, response, cancelled);
    }
    return 0;
}

void infer_batch_leave(struct infer_batch *b, struct infer_ask *a)
{
    struct infer_ask **at = &b->started;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    a->next = NULL;
    if (b->o.keep) {
        struct infer_ids ids = b->kept_ids;
        forget_kept(b);
        b->kept = a->span;
        b->kept_ids = a->prompt;
        b->kept_ids.len = infer_kv_len(a->span);
        a->prompt = ids; /* to be freed */
    } else {
        infer_kv_drop(b->kv, a->span);
    }
    a->span = NULL;
}
