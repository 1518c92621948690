/* Merging; see bpe.h. The rule (Sennrich et al., arXiv 1508.07909, as in
 * google/sentencepiece, src/bpe_model.cc): of all neighbours whose texts joined
 * are a piece, the pair with the highest score merges first, the leftmost of
 * equals, until none is left.
 *
 * Three things make it fast. Text is cut into words where no merge can cross.
 * A word that is a piece which encodes to itself is one look-up. And merging
 * looks up pairs of numbers, never text: a short word by scanning it for the
 * best pair, a long one with a heap, O(n log n). */
#include "infer/text/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/text/bpe_tables.h"

#define SHORT    64                /* symbols that are merged by scanning */
#define TEXT_MAX ((size_t)1 << 30) /* bytes; positions are 32 bits */

/* A symbol of a long text. Merging `next` into it gives `merged`. */
struct node {
    uint32_t symbol, offset, prev, next, merged;
};

/* How an unused piece was last about to be made. */
struct split {
    uint32_t left, right;
};

/* One call of bpe_encode. */
struct run {
    const struct infer_bpe *b;
    struct infer_ids *out;
    bool after_unknown; /* the id before is <unk> */
    struct node *node;
    size_t node_cap;
    uint64_t *heap; /* rank << 32 | node */
    size_t heap_len, heap_cap;
    struct split *split; /* by piece; only when there are unused pieces */
};

static size_t char_len(const char *s)
{
    unsigned char c = (unsigned char)*s;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* ---- Ids out ------------------------------------------------------------- */

static void push(struct run *r, int32_t id)
{
    r->out->id[r->out->len++] = id;
    r->after_unknown = false;
}

/* A character that is no piece: its bytes, or one <unk> for a run of them. */
static void push_unknown(struct run *r, const char *s)
{
    const struct infer_spm *m = r->b->m;
    const char *from = *s == ' ' ? SPM_SPACE : s;
    size_t n = *s == ' ' ? 3 : char_len(s);
    if (m->byte_fallback) {
        for (size_t i = 0; i < n; i++)
            push(r, m->byte_id[(unsigned char)from[i]]);
    } else if (!r->after_unknown) {
        push(r, m->unk);
        r->after_unknown = true;
    }
}

/* An unused piece goes back into what it was made of. Halves are shorter than
 * the whole, so this ends. */
static void push_split(struct run *r, uint32_t symbol, const char *s)
{
    const struct infer_bpe *b = r->b;
    if (symbol >= b->m->n) {
        push_unknown(r, s);
    } else if (b->m->piece[symbol].type != SPM_UNUSED ||
               b->symbol[symbol].len == char_len(s)) {
        push(r, (int32_t)symbol);
    } else {
        struct split half = r->split[symbol];
        push_split(r, half.left, s);
        push_split(r, half.right, s + b->symbol[half.left].len);
    }
}

static void push_symbol(struct run *r, uint32_t symbol, const char *s)
{
    if (symbol < r->b->m->n && !r->b->unused)
        push(r, (int32_t)symbol);
    else
        push_split(r, symbol, s);
}

/* ---- Short texts --------------------------------------------------------- */

struct word {
    uint32_t symbol[SHORT], offset[SHORT];
    uint32_t merged[SHORT], rank[SHORT]; /* of a symbol with the next one */
    size_t n;
};

static void look_up(const struct infer_bpe *b, struct word *w, size_t i)
{
    w->merged[i] = bpe_merge(b, w->symbol[i], w->symbol[i + 1]);
    w->rank[i] =
        w->merged[i] == BPE_NONE ? BPE_NONE : b->symbol[w->merged[i]].rank;
}

static void close_gap(uint32_t *v, size_t at, size_t n)
{
    memmove(v + at, v + at + 1, (n - at - 1) * sizeof *v);
}

static void infer_merge_word(const struct infer_bpe *b, struct word *w)
{
    for (size_t i = 0; i + 1 < w->n; i++)
        look_up(b, w, i);
    for (;;) {
        uint32_t best = BPE_NONE;
        size_t at = 0;
        for (size_t i = 0; i + 1 < w->n; i++)
            if (w->rank[i] < best) {
                best = w->rank[i];
                at = i;
            }
        if (best == BPE_NONE)
            return;
        w->symbol[at] = w->merged[at];
        close_gap(w->symbol, at + 1, w->n);
        close_gap(w->offset, at + 1, w->n);
        close_gap(w->merged, at, w->n);
        close_gap(w->rank, at, w->n);
        w->n--;
        if (at > 0)
            look_up(b, w, at - 1);
        if (at + 1 < w->n)
            look_up(b, w, at);
    }
}

/* ---- Long texts ---------------------------------------------------------- */

static void sift_down(uint64_t *heap, size_t n, size_t i)
{
    const uint64_t v = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (v <= heap[child])
            break;
        heap[i] = heap[child];
    }
    heap[i] = v;
}

static void heap_push(struct run *r, uint64_t v)
{
    size_t i = r->heap_len++;
    for (size_t up; i > 0 && r->heap[up = (i - 1) / 2] > v; i = up)
        r->heap[i] = r->heap[up];
    r->heap[i] = v;
}

static uint64_t heap_pop(struct run *r)
{
    uint64_t top = r->heap[0];
    r->heap[0] = r->heap[--r->heap_len];
    if (r->heap_len)
        sift_down(r->heap, r->heap_len, 0);
    return top;
}

/* Look up the pair that begins at node i. A pair that is of no use any more is
 * left in the heap; it shows when it comes out. */
static void look_up_node(struct run *r, uint32_t i)
{
    struct node *left = &r->node[i];
    left->merged = BPE_NONE;
    if (left->next == BPE_NONE)
        return;
    uint32_t right = r->node[left->next].symbol;
    left->merged = bpe_merge(r->b, left->symbol, right);
    if (left->merged == BPE_NONE)
        return;
    heap_push(r, (uint64_t)r->b->symbol[left->merged].rank << 32 | i);
    if (r->split && r->b->m->piece[left->merged].type == SPM_UNUSED)
        r->split[left->merged] = (struct split){left->symbol, right};
}

static void merge_nodes(struct run *r)
{
    while (r->heap_len) {
        uint64_t top = heap_pop(r);
        uint32_t i = (uint32_t)top;
        struct node *left = &r->node[i];
        if (left->merged == BPE_NONE ||
            r->b->symbol[left->merged].rank != (uint32_t)(top >> 32))
            continue;
        struct node *right = &r->node[left->next];
        left->symbol = left->merged;
        left->next = right->next;
        right->merged = BPE_NONE;
        if (left->next != BPE_NONE)
            r->node[left->next].prev = i;
        if (left->prev != BPE_NONE)
            look_up_node(r, left->prev);
        look_up_node(r, i);
    }
}

/* ---- From text to symbols ------------------------------------------------ */

/* The longest user-defined piece at the start of the text, or BPE_NONE: the
 * range of sorted pieces that begin like it is narrowed byte by byte. */
static uint32_t find_user(const struct infer_bpe *b, const char *s, size_t n)
{
    size_t lo = 0, hi = b->users;
    uint32_t found = BPE_NONE;
    for (size_t at = 0; at < n && lo < hi; at++) {
        const unsigned char c = (unsigned char)s[at];
        for (int upper = 0; upper < 2; upper++) {
            size_t from = lo, to = hi;
            while (from < to) {
                size_t mid = from + (to - from) / 2;
                const struct bpe_symbol *y = &b->symbol[b->user[mid]];
                unsigned char d =
                    at < y->len ? (unsigned char)b->text[y->offset + at] : 0;
                if (at >= y->len || d < c || (upper && d == c))
                    from = mid + 1;
                else
                    to = mid;
            }
            *(upper ? &hi : &lo) = from;
        }
        if (lo < hi && b->symbol[b->user[lo]].len == at + 1)
            found = b->user[lo];
    }
    return found;
}

static uint32_t next_symbol(const struct infer_bpe *b, const char *s, size_t n,
                            size_t *len)
{
    uint32_t user = b->users ? find_user(b, s, n) : BPE_NONE;
    if (user != BPE_NONE) {
        *len = b->symbol[user].len;
        return user;
    }
    *len = char_len(s);
    return *len == 1 ? b->ascii[(unsigned char)*s] : bpe_find(b, s, *len);
}

static bool fill_word(const struct infer_bpe *b, struct word *w, const char *s,
                      size_t n)
{
    w->n = 0;
    for (size_t at = 0, len; at < n; at += len) {
        if (w->n == SHORT)
            return false;
        w->symbol[w->n] = next_symbol(b, s + at, n - at, &len);
        w->offset[w->n++] = (uint32_t)at;
    }
    return true;
}

/* As infer_merge_word for any length, straight to the output. */
static int encode_long(struct run *r, const char *s, size_t n,
                       struct pk_err *err)
{
    size_t nodes = 0;
    for (size_t at = 0, len; at < n; at += len) {
        if (!pk_grow(&r->node, &r->node_cap, nodes + 1, sizeof *r->node))
            return pk_fail_mem(err, "a text's symbols");
        struct node *x = &r->node[nodes];
        x->symbol = next_symbol(r->b, s + at, n - at, &len);
        x->offset = (uint32_t)at;
        x->prev = (uint32_t)nodes - 1; /* BPE_NONE before the first */
        x->next = (uint32_t)++nodes;
    }
    r->node[nodes - 1].next = BPE_NONE;
    /* A merge takes one entry out and puts at most two in. */
    if (!pk_grow(&r->heap, &r->heap_cap, 2 * nodes, sizeof *r->heap))
        return pk_fail_mem(err, "a text's symbols");
    r->heap_len = 0;
    for (size_t i = 0; i < nodes; i++)
        look_up_node(r, (uint32_t)i);
    merge_nodes(r);
    for (uint32_t i = 0; i != BPE_NONE; i = r->node[i].next)
        push_symbol(r, r->node[i].symbol, s + r->node[i].offset);
    return 0;
}

/* A stretch of text that merges by itself. */
static int encode_chunk(struct run *r, const char *s, size_t n,
                        struct pk_err *err)
{
    const struct infer_bpe *b = r->b;
    /* A space is three bytes, and any byte at most one id. */
    if (!pk_grow(&r->out->id, &r->out->cap, r->out->len + 3 * n,
                 sizeof *r->out->id))
        return pk_fail_mem(err, "token ids");
    uint32_t symbol = bpe_find(b, s, n);
    if (symbol != BPE_NONE && b->symbol[symbol].whole) {
        push(r, (int32_t)symbol);
        return 0;
    }
    struct word w;
    if (b->unused || n > (size_t)4 * SHORT || !fill_word(b, &w, s, n))
        return encode_long(r, s, n, err);
    infer_merge_word(b, &w);
    for (size_t i = 0; i < w.n; i++)
        push_symbol(r, w.symbol[i], s + w.offset[i]);
    return 0;
}

/* Spaces, and what follows up to the next space. */
static size_t chunk_len(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i] == ' ')
        i++;
    while (i < n && s[i] != ' ')
        i++;
    return i;
}

static int encode_run(struct run *r, const char *text, size_t len,
                      struct pk_err *err)
{
    if (!r->b->cuttable)
        return encode_chunk(r, text, len, err);
    int rc = 0;
    for (size_t at = 0, n; !rc && at < len; at += n) {
        n = chunk_len(text + at, len - at);
        rc = encode_chunk(r, text + at, n, err);
    }
    return rc;
}

int infer_bpe_encode(const struct infer_bpe *b, const char *text, size_t len,
                     struct infer_ids *out, struct pk_err *err)
{
    struct run r = {.b = b, .out = out};
    int rc = 0;
    if (len > TEXT_MAX)
        return pk_fail(err, PK_EDATA, "a text is longer than %zu MiB",
                       TEXT_MAX >> 20);
    if (len == 0)
        return 0;
    if (b->unused && !(r.split = pk_calloc(b->m->n, sizeof *r.split)))
        return pk_fail_mem(err, "a text's symbols");
    rc = encode_run(&r, text, len, err);
    free(r.node);
    free(r.heap);
    free(r.split);
    return rc;
}

/* ---- The tables ---------------------------------------------------------- */

/* Mark the pieces that encode to themselves, by encoding them. */
static int mark_whole(struct infer_bpe *b, struct pk_err *err)
{
    struct infer_ids ids = {0};
    int rc = 0;
    for (size_t i = 0; !rc && b->cuttable && i < b->m->n; i++) {
        struct bpe_symbol *y = &b->symbol[i];
        if (!y->usable)
            continue;
        ids.len = 0;
        rc = infer_bpe_encode(b, b->text + y->offset, y->len, &ids, err);
        y->whole = !rc && ids.len == 1 && ids.id[0] == (int32_t)i;
    }
    infer_ids_release(&ids);
    return rc;
}

int infer_bpe_new(struct infer_bpe **out, const struct infer_spm *m,
                  struct pk_err *err)
{
    *out = NULL;
    struct infer_bpe *b = pk_calloc(1, sizeof *b);
    if (!b)
        return pk_fail_mem(err, "a tokenizer");
    b->m = m;
    int rc = infer_bpe_build(b, err);
    if (!rc)
        rc = mark_whole(b, err);
    if (rc)
        infer_bpe_free(b);
    else
        *out = b;
    return rc;
}

void infer_bpe_free(struct infer_bpe *b)
{
    if (!b)
        return;
    free(b->symbol);
    free(b->text);
    free(b->slot);
    free(b->pair);
    free(b->user);
    free(b);
}

const char *infer_bpe_text(const struct infer_bpe *b, int32_t id, size_t *len)
{
    *len = b->symbol[id].len;
    return b->text + b->symbol[id].offset;
}
