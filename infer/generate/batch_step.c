/* A token for every response of a batch. */
#include <stdlib.h>
#include <string.h>

#include "infer/generate/batch_state.h"
#include "infer/generate/sample.h"

/* Draw a token from its row of logits. */
static void draw(struct infer_batch *b, size_t row)
{
    struct infer_voice *v = &b->voice[row];
    const struct infer_sampling *s = &v->ask->request.sampling;
    float *logits = b->logits + row * b->vocab;
    if (v->done)
        return;
    if (s->repetition_penalty != 1)
        infer_penalize(logits, v->seen, b->vocab, s->repetition_penalty);
    v->id =
        infer_sample(s, logits, b->order + row * b->vocab, b->vocab, &v->rng);
    v->seen[v->id] = 1;
}

/* Hand over what is certain; true: the caller cancels. */
static bool tell(struct infer_voice *v)
{
    const struct infer_request *q = &v->ask->request;
    size_t from = v->told;
    v->told = v->stream.sure;
    return q->on_text &&
           q->on_text(q->arg,
                      v->stream.text.data ? v->stream.text.data + from : "",
                      v->told - from) != 0;
}

/* Take the token in. v->done, and the reason, when that was the last one. */
static int take(struct infer_batch *b, struct infer_voice *v,
                struct pk_err *err)
{
    struct infer_response *out = v->out;
    if (v->done)
        return 0;
    v->done = true;
    out->finish = INFER_FINISH_END;
    if (v->id == infer_tokenizer_eos(b->t) || infer_config_ends(b->c, v->id))
        return 0;
    out->tokens++;
    out->finish = INFER_FINISH_STOP;
    int rc = infer_stream_add(&v->stream, v->id, err);
    if (rc || v->stream.stopped)
        return rc;
    out->finish = INFER_FINISH_LENGTH;
    if (out->tokens == v->ask->request.max_tokens ||
        infer_kv_len(v->span) == b->c->max_positions)
        return 0;
    out->finish = INFER_FINISH_CANCELLED;
    v->done = tell(v);
    return 0;
}

/* The response is whole: its text, and its place for another one. */
static int end(struct infer_batch *b, struct infer_voice *v, struct pk_err *err)
{
    struct infer_stream *s = &v->stream;
    struct infer_ask *a = v->ask;
    int rc = infer_stream_end(s, err);
    if (rc)
        return rc;
    if (s->stopped)
        v->out->finish = INFER_FINISH_STOP;
    if (v->out->finish != INFER_FINISH_CANCELLED)
        tell(v);
    v->out->len = s->text.len;
    v->out->text = pk_buf_take(&s->text);
    infer_kv_drop(b->kv, v->span);
    v->span = NULL;
    b->counts.tokens += v->out->tokens;
    if (++a->finished < a->samples)
        return 0;
    infer_batch_leave(b, a);
    *b->last_done = a;
    b->last_done = &a->next;
    return 0;
}

/* The last response goes to the place of one that has ended. */
static int end_all(struct infer_batch *b, struct pk_err *err)
{
    for (size_t i = 0; i < b->n_voices;) {
        struct infer_voice v = b->voice[i];
        if (!v.done) {
            i++;
            continue;
        }
        int rc = end(b, &b->voice[i], err);
        if (rc)
            return rc;
        v = b->voice[i];
        b->voice[i] = b->voice[--b->n_voices];
        b->voice[b->n_voices] = v;
    }
    return 0;
}

int infer_batch_step(struct infer_batch *b, struct pk_err *err)
{
    int rc = infer_batch_admit(b, err);
    size_t n = b->n_voices;
    if (!rc && n == 0 && b->waiting)
        rc = pk_fail(err, PK_EBUG, "a prompt finds no room in an empty batch");
    if (rc || n == 0)
        return rc;
    infer_kv_logits(b->kv, b->hidden, n, b->vocab, b->logits);
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < n; i++)
        draw(b, i);
    for (size_t i = 0; !rc && i < n; i++)
        rc = take(b, &b->voice[i], err);
    if (!rc)
        rc = end_all(b, err);
    if (rc)
        return rc;
    n = b->n_voices;
    for (size_t i = 0; i < n; i++) {
        b->span[i] = b->voice[i].span;
        b->id[i] = b->voice[i].id;
    }
    b->counts.steps++;
    rc = n ? infer_kv_step(b->kv, b->span, b->id, n, b->hidden, err) : 0;
    return rc ? rc : 1;
}
