/* Merging by rules; see merge.h. A heap of candidates, O(n log n). */
#include "infer/text/merge.h"

#include <stdlib.h>

#include "common/mem.h"

#define NONE UINT32_MAX

/* ---- Rules --------------------------------------------------------------- */

static size_t hash(uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 32);
}

/* The pair's rule, or the free place for one. */
static struct merge_rule *find(const struct merge_rules *r, uint32_t left,
                               uint32_t right)
{
    for (size_t i = hash(left, right) & r->mask;; i = (i + 1) & r->mask) {
        struct merge_rule *p = &r->rule[i];
        if (p->merged == NONE || (p->left == left && p->right == right))
            return p;
    }
}

int infer_merge_rules_new(struct merge_rules *r, size_t n, struct pk_err *err)
{
    size_t size = 16;
    while (size < 2 * n)
        size *= 2;
    r->rule = pk_calloc(size, sizeof *r->rule);
    if (!r->rule)
        return pk_fail_mem(err, "a tokenizer's merges");
    r->mask = size - 1;
    for (size_t i = 0; i < size; i++)
        r->rule[i].merged = NONE;
    return 0;
}

void infer_merge_rules_add(struct merge_rules *r, const struct merge_rule *rule)
{
    *find(r, rule->left, rule->right) = *rule;
}

/* ---- A word -------------------------------------------------------------- */

int infer_merge_word_add(struct infer_merge_word *w, uint32_t id,
                         struct pk_err *err)
{
    if (w->n >= NONE - 1 ||
        !pk_grow(&w->symbol, &w->cap, w->n + 1, sizeof *w->symbol))
        return pk_fail_mem(err, "a text's symbols");
    uint32_t i = (uint32_t)w->n++;
    w->symbol[i] = (struct merge_symbol){id, i ? i - 1 : NONE, i + 1};
    return 0;
}

void infer_merge_word_release(struct infer_merge_word *w)
{
    free(w->symbol);
    free(w->heap);
    *w = (struct infer_merge_word){0};
}

static void push(struct infer_merge_word *w, struct merge_candidate c)
{
    size_t i = w->heap_n++;
    for (size_t up; i > 0 && w->heap[up = (i - 1) / 2].order > c.order; i = up)
        w->heap[i] = w->heap[up];
    w->heap[i] = c;
}

static struct merge_candidate pop(struct infer_merge_word *w)
{
    const struct merge_candidate top = w->heap[0];
    const struct merge_candidate last = w->heap[--w->heap_n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->heap_n; i = child) {
        if (child + 1 < w->heap_n &&
            w->heap[child + 1].order < w->heap[child].order)
            child++;
        if (last.order <= w->heap[child].order)
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return top;
}

/* The pair that begins at symbol i, if a rule joins it. */
static void consider(struct infer_merge_word *w, const struct merge_rules *r,
                     uint32_t i)
{
    const struct merge_symbol *s = &w->symbol[i];
    if (s->next == NONE)
        return;
    const struct merge_rule *m = find(r, s->id, w->symbol[s->next].id);
    if (m->merged != NONE)
        push(w,
             (struct merge_candidate){(uint64_t)m->rank << 32 | i, m->merged});
}

/* A candidate whose halves have changed since shows it when it comes out: no
 * rule makes the same of them any more. (If one does, it merges now, at the
 * old rank: so tokenizers has it.) A symbol that was merged away is NONE, and
 * no rule knows that. */
static void merge_all(struct infer_merge_word *w, const struct merge_rules *r)
{
    while (w->heap_n) {
        const struct merge_candidate c = pop(w);
        const uint32_t i = (uint32_t)c.order;
        struct merge_symbol *left = &w->symbol[i];
        if (left->id == NONE || left->next == NONE)
            continue;
        struct merge_symbol *right = &w->symbol[left->next];
        if (find(r, left->id, right->id)->merged != c.merged)
            continue;
        left->id = c.merged;
        left->next = right->next;
        right->id = NONE;
        if (left->next != NONE)
            w->symbol[left->next].prev = i;
        if (left->prev != NONE)
            consider(w, r, left->prev);
        consider(w, r, i);
    }
}

int infer_merge_word(struct infer_merge_word *w, const struct merge_rules *r,
                     struct infer_ids *out, struct pk_err *err)
{
    if (w->n == 0)
        return 0;
    w->symbol[w->n - 1].next = NONE;
    /* A merge takes one candidate out and puts at most two in. */
    w->heap_n = 0;
    if (!pk_grow(&w->heap, &w->heap_cap, 2 * w->n, sizeof *w->heap) ||
        !pk_grow(&out->id, &out->cap, out->len + w->n, sizeof *out->id))
        return pk_fail_mem(err, "a text's symbols");
    for (uint32_t i = 0; i < w->n; i++)
        consider(w, r, i);
    merge_all(w, r);
    for (uint32_t i = 0; i != NONE; i = w->symbol[i].next)
        out->id[out->len++] = (int32_t)w->symbol[i].id;
    return 0;
}
