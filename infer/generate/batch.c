/* Many responses at once; see batch.h. */
#include "infer/generate/batch_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

static int allocate(struct infer_batch *b, const struct infer_weights *w,
                    struct pk_err *err)
{
    size_t rows = b->o.rows, v = b->vocab;
    b->voice = pk_calloc(rows, sizeof *b->voice);
    b->hidden = pk_calloc_aligned(rows * b->c->dim, sizeof *b->hidden);
    b->logits = pk_calloc_aligned(rows * v, sizeof *b->logits);
    b->order = pk_calloc(rows * v, sizeof *b->order);
    b->seen = pk_calloc(rows * v, sizeof *b->seen);
    b->span = pk_calloc(rows, sizeof(struct infer_span *));
    b->id = pk_calloc(rows, sizeof *b->id);
    if (!b->voice || !b->hidden || !b->logits || !b->order || !b->seen ||
        !b->span || !b->id)
        return pk_fail_mem(err, "a batch of responses");
    for (size_t i = 0; i < rows; i++)
        b->voice[i].seen = b->seen + i * v;
    return infer_kv_new(&b->kv, b->c, w, b->o.slots, rows, err);
}

int infer_batch_new(struct infer_batch **out, const struct infer_model *m,
                    const struct infer_tokenizer *t,
                    const struct infer_batch_opts *o, struct pk_err *err)
{
    *out = NULL;
    if (infer_model_config(m)->head != INFER_HEAD_LM)
        return pk_fail(err, PK_EDATA,
                       "%s: a reward model has no language to generate",
                       infer_model_dir(m));
    struct infer_batch *b = pk_calloc(1, sizeof *b);
    if (!b)
        return pk_fail_mem(err, "a batch of responses");
    b->c = infer_model_config(m);
    b->t = t;
    b->o = *o;
    b->vocab = infer_tokenizer_vocab(t);
    if (b->vocab > b->c->vocab)
        b->vocab = b->c->vocab;
    b->last_waiting = &b->waiting;
    b->last_done = &b->done;
    int rc = allocate(b, infer_model_weights(m), err);
    if (rc) {
        infer_batch_free(b);
        return rc;
    }
    *out = b;
    return 0;
}

void infer_ask_free(struct infer_ask *a)
{
    if (!a)
        return;
    for (size_t k = 0; k < a->samples; k++)
        free(a->response[k].text);
    free(a->response);
    free(a->hidden);
    infer_ids_release(&a->prompt);
    free(a);
}

static void free_all(struct infer_ask *a)
{
    while (a) {
        struct infer_ask *next = a->next;
        infer_ask_free(a);
        a = next;
    }
}

void infer_batch_free(struct infer_batch *b)
{
    if (!b)
        return;
    free_all(b->waiting);
    free_all(b->started);
    free_all(b->done);
    for (size_t i = 0; b->voice && i < b->o.rows; i++)
        infer_stream_release(&b->voice[i].stream);
    infer_kv_free(b->kv); /* and all spans */
    infer_ids_release(&b->kept_ids);
    free(b->voice);
    free(b->hidden);
    free(b->logits);
    free(b->order);
    free(b->seen);
    free(b->span);
    free(b->id);
    free(b);
}

struct infer_batch_counts infer_batch_counts(const struct infer_batch *b)
{
    struct infer_batch_counts c = b->counts;
    for (size_t i = 0; i < b->n_voices; i++)
        c.under_way += b->voice[i].out->tokens;
    return c;
}

struct infer_ask *infer_batch_done(struct infer_batch *b)
{
    struct infer_ask *a = b->done;
    if (a && !(b->done = a->next))
        b->last_done = &b->done;
    return a;
}

static void drop_all(struct infer_batch *b, struct infer_ask **list)
{
    for (struct infer_ask *a = *list; a; a = a->next)
        infer_kv_drop(b->kv, a->span);
    free_all(*list);
    *list = NULL;
}

void infer_batch_clear(struct infer_batch *b)
{
    for (size_t i = 0; i < b->n_voices; i++)
        infer_kv_drop(b->kv, b->voice[i].span);
    b->n_voices = 0;
    drop_all(b, &b->waiting);
    b->last_waiting = &b->waiting;
    drop_all(b, &b->started);
    infer_kv_drop(b->kv, b->kept);
    b->kept = NULL;
}

/* ---- Asking -------------------------------------------------------------- */

size_t infer_batch_room(const struct infer_batch *b, const struct infer_ask *a)
{
    size_t room = b->c->max_positions - a->prompt.len;
    size_t most = a->request.max_tokens;
    return most && most <= room ? most - (most > 1) : room;
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

static int check(const struct infer_batch *b, const struct infer_ask *a,
                 struct pk_err *err)
{
    size_t n = a->prompt.len;
    if (n == 0 || n >= b->c->max_positions)
        return pk_fail(err, PK_EDATA,
                       "a prompt of %zu tokens leaves no room in %zu positions",
                       n, b->c->max_positions);
    for (size_t i = 0; i < n; i++)
        if (a->prompt.id[i] < 0 || (size_t)a->prompt.id[i] >= b->vocab)
            return pk_fail(err, PK_EDATA,
                           "token id %d is outside the vocabulary of %zu",
                           (int)a->prompt.id[i], b->vocab);
    if (n + infer_batch_room(b, a) > b->o.slots)
        return pk_fail(err, PK_EDATA,
                       "a prompt of %zu tokens and its response take the keys "
                       "and values of %zu tokens, and there is room for %zu",
                       n, n + infer_batch_room(b, a), b->o.slots);
    return 0;
}

int infer_batch_ask(struct infer_batch *b, const struct infer_asked *q,
                    struct pk_err *err)
{
    int rc = infer_request_check(q->request, err);
    if (rc)
        return rc;
    struct infer_ask *a = pk_calloc(1, sizeof *a);
    if (!a)
        return pk_fail_mem(err, "a prompt");
    a->request = *q->request;
    a->fresh = q->fresh;
    a->number = q->number;
    a->arg = q->arg;
    a->response = pk_calloc(q->samples, sizeof *a->response);
    a->hidden = pk_calloc(b->c->dim, sizeof *a->hidden);
    a->samples = a->response ? q->samples : 0;
    if (!a->response || !a->hidden)
        rc = pk_fail_mem(err, "a prompt");
    for (size_t i = 0; !rc && i < q->prompt->len; i++)
        rc = infer_ids_add(&a->prompt, q->prompt->id[i], err);
    if (!rc)
        rc = check(b, a, err);
    if (rc) {
        infer_ask_free(a);
        return rc;
    }
    *b->last_waiting = a;
    b->last_waiting = &a->next;
    return 0;
}

bool infer_batch_wants(const struct infer_batch *b)
{
    return b->n_voices < b->o.rows && !b->waiting;
}
