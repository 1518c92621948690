/* Keys and values, kept; see decode.h. */
#include "infer/generate/decode.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/generate/decode_step.h"

size_t infer_kv_slot_bytes(const struct infer_config *c)
{
    return 2 * c->layers * infer_dims_of(c).kv * sizeof(float);
}

int infer_kv_new(struct infer_kv **out, const struct infer_config *c,
                 const struct infer_weights *w, size_t slots, size_t rows,
                 struct pk_err *err)
{
    *out = NULL;
    struct infer_kv *kv = pk_calloc(1, sizeof *kv);
    if (!kv)
        return pk_fail_mem(err, "keys and values");
    size_t cache = c->layers * slots * infer_dims_of(c).kv;
    kv->c = c;
    kv->w = w;
    kv->slots = slots;
    /* Not cleared: what is read was written, and memory is taken as it is. */
    kv->k = pk_alloc_aligned(cache, sizeof *kv->k);
    kv->v = pk_alloc_aligned(cache, sizeof *kv->v);
    kv->token = pk_calloc(slots, sizeof *kv->token);
    kv->depth = pk_calloc(slots, sizeof *kv->depth);
    kv->slot = pk_calloc(slots, sizeof *kv->slot);
    if (!kv->k || !kv->v || !kv->token || !kv->depth || !kv->slot) {
        infer_kv_free(kv);
        return pk_fail(err, PK_EMEM,
                       "out of memory for the keys and values of %zu tokens "
                       "(%zu MiB)",
                       slots, slots * infer_kv_slot_bytes(c) >> 20);
    }
    for (size_t i = 0; i < slots; i++)
        kv->slot[i] = i;
    int rc = infer_step_new(kv, rows, err);
    if (rc)
        infer_kv_free(kv);
    else
        *out = kv;
    return rc;
}

void infer_kv_free(struct infer_kv *kv)
{
    if (!kv)
        return;
    for (size_t i = 0; i < kv->n_spans; i++)
        free(kv->span[i]);
    free(kv->span);
    free(kv->k);
    free(kv->v);
    free(kv->token);
    free(kv->depth);
    free(kv->slot);
    free(kv->segment);
    free(kv->first);
    infer_tape_release(&kv->tape);
    infer_step_release(kv);
    free(kv);
}

/* ---- Spans --------------------------------------------------------------- */

size_t infer_kv_len(const struct infer_span *s)
{
    return s->depth0 + s->len;
}

/* Spans lie in the order of their slots: the first gap that is wide enough,
 * and the index of the span after it. */
static bool find_gap(const struct infer_kv *kv, size_t cap, size_t *start,
                     size_t *index)
{
    size_t at = 0;
    for (size_t i = 0; i <= kv->n_spans; i++) {
        size_t end = i < kv->n_spans ? kv->span[i]->start : kv->slots;
        if (end - at >= cap) {
            *start = at;
            *index = i;
            return true;
        }
        if (i < kv->n_spans)
            at = kv->span[i]->start + kv->span[i]->cap;
    }
    return false;
}

int infer_kv_take(struct infer_kv *kv, struct infer_span *parent, size_t depth0,
                  size_t cap, struct infer_span **out, struct pk_err *err)
{
    size_t start, i;
    *out = NULL;
    if (!find_gap(kv, cap, &start, &i))
        return 0;
    struct infer_span *s = pk_calloc(1, sizeof *s);
    if (!s || !pk_grow(&kv->span, &kv->cap_spans, kv->n_spans + 1,
                       sizeof(struct infer_span *))) {
        free(s);
        return pk_fail_mem(err, "a sequence");
    }
    *s = (struct infer_span){parent, depth0, start, 0, cap, 1};
    if (parent)
        parent->users++;
    memmove(kv->span + i + 1, kv->span + i,
            (kv->n_spans - i) * sizeof(struct infer_span *));
    kv->span[i] = s;
    kv->n_spans++;
    *out = s;
    return 0;
}

void infer_kv_drop(struct infer_kv *kv, struct infer_span *s)
{
    while (s && --s->users == 0) {
        struct infer_span *parent = s->parent;
        size_t i = 0;
        while (kv->span[i] != s)
            i++;
        kv->n_spans--;
        memmove(kv->span + i, kv->span + i + 1,
                (kv->n_spans - i) * sizeof(struct infer_span *));
        free(s);
        s = parent;
    }
}

void infer_kv_cut(struct infer_span *s, size_t len)
{
    s->len = s->cap = len;
}

/* ---- A prompt ------------------------------------------------------------ */

static int check(const struct infer_kv *kv, const struct infer_span *s,
                 const int32_t *ids, size_t n, struct pk_err *err)
{
    if (n == 0 || n > s->cap - s->len ||
        infer_kv_len(s) + n > kv->c->max_positions)
        return pk_fail(err, PK_EDATA,
                       "%zu tokens after %zu do not fit into %zu positions", n,
                       infer_kv_len(s), kv->c->max_positions);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= kv->c->vocab)
            return pk_fail(err, PK_EDATA,
                           "token id %d is outside the vocabulary of %zu",
                           (int)ids[i], kv->c->vocab);
    return 0;
}

/* The path as a forest of one path: kv->segment, the root first, and kv->first,
 * the rows before each segment, of which only the last has any. The number of
 * segments, or 0 without memory. */
static size_t path_segments(struct infer_kv *kv, const struct infer_span *s)
{
    size_t n = 0, i;
    for (const struct infer_span *p = s; p; p = p->parent)
        n++;
    if (!pk_grow(&kv->segment, &kv->cap_segments, n, sizeof *kv->segment) ||
        !pk_grow(&kv->first, &kv->cap_first, 2 * (n + 1), sizeof *kv->first))
        return 0;
    memset(kv->first, 0, 2 * (n + 1) * sizeof *kv->first);
    size_t end = infer_kv_len(s);
    for (i = n; i-- > 0; s = s->parent) {
        kv->segment[i] = (struct infer_segment){
            s->start, end - s->depth0, s->depth0, i ? i - 1 : INFER_NO_PARENT};
        end = s->depth0;
    }
    return n;
}

int infer_kv_read(struct infer_kv *kv, struct infer_span *s, const int32_t *ids,
                  size_t n, float *hidden, struct pk_err *err)
{
    int rc = check(kv, s, ids, n, err);
    if (rc)
        return rc;
    size_t at = s->start + s->len, readout = 0, before = infer_kv_len(s);
    for (size_t i = 0; i < n; i++) {
        kv->token[at + i] = ids[i];
        kv->depth[at + i] = before + i;
    }
    s->len += n;
    size_t segments = path_segments(kv, s);
    struct infer_packed f = {
        .n = kv->slots,
        .token = kv->token,
        .depth = kv->depth,
        .n_segments = segments,
        .segment = kv->segment,
        .max_depth = before + n,
        .all = {n, kv->slot + at, kv->first},
        .reads = {1, kv->slot + at + n - 1, kv->first + segments + 1},
        .readout = &readout};
    struct infer_pass p = {kv->c, kv->w, &f, &kv->tape, err};
    rc = segments ? infer_pass_plan(&p) : pk_fail_mem(err, "a prompt's path");
    if (!rc) {
        kv->first[segments] = n;
        kv->first[2 * segments + 1] = 1;
        size_t layer = kv->slots * infer_dims_of(kv->c).kv;
        for (size_t l = 0; l < kv->c->layers; l++) {
            kv->tape.layer[l].k = kv->k + l * layer;
            kv->tape.layer[l].v = kv->v + l * layer;
        }
        rc = infer_pass_run(&p, hidden);
    }
    if (rc)
        s->len -= n;
    return rc;
}
