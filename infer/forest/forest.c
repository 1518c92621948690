/* The forest: a trie over token ids, packed into segments; see forest.h. */
#include "infer/forest/forest.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define NONE UINT32_MAX

/* One token of the trie. Children hang in insertion order. */
struct node {
    int32_t token;
    uint32_t parent, first_child, last_child, next;
    uint32_t readout; /* index, or NONE */
};

struct infer_forest {
    struct node *node;
    size_t n, cap;
    uint32_t first_root, last_root;
    uint32_t *slot; /* hash of (parent, token) -> node; a power of two */
    size_t n_slots;
    size_t n_reads, flat;

    bool is_packed;
    struct infer_packed packed;
    int32_t *token;
    size_t *depth, *identity, *all_first, *read_token, *read_first, *readout;
    struct infer_segment *segment;
};

int infer_forest_new(struct infer_forest **out, struct pk_err *err)
{
    struct infer_forest *f = pk_calloc(1, sizeof *f);
    *out = f;
    if (!f)
        return pk_fail_mem(err, "a forest");
    infer_forest_clear(f);
    return 0;
}

static void unpack(struct infer_forest *f)
{
    free(f->token);
    free(f->depth);
    free(f->identity);
    free(f->all_first);
    free(f->read_token);
    free(f->read_first);
    free(f->readout);
    free(f->segment);
    f->token = NULL;
    f->segment = NULL;
    f->depth = f->identity = f->all_first = NULL;
    f->read_token = f->read_first = f->readout = NULL;
    f->is_packed = false;
}

void infer_forest_clear(struct infer_forest *f)
{
    unpack(f);
    f->n = f->n_reads = f->flat = 0;
    f->first_root = f->last_root = NONE;
    if (f->slot)
        memset(f->slot, 0xFF, f->n_slots * sizeof *f->slot);
}

void infer_forest_free(struct infer_forest *f)
{
    if (!f)
        return;
    unpack(f);
    free(f->node);
    free(f->slot);
    free(f);
}

/* ---- The trie ---- */

static size_t hash(uint32_t parent, int32_t token)
{
    uint64_t x = (uint64_t)parent << 32 | (uint32_t)token;
    x = (x ^ (x >> 31)) * 0x9E3779B97F4A7C15u;
    return (size_t)(x ^ (x >> 29));
}

/* The slot that holds the child, or the empty one where it belongs. */
static uint32_t *lookup(struct infer_forest *f, uint32_t parent, int32_t token)
{
    size_t mask = f->n_slots - 1, i = hash(parent, token) & mask;
    while (f->slot[i] != NONE && (f->node[f->slot[i]].parent != parent ||
                                  f->node[f->slot[i]].token != token))
        i = (i + 1) & mask;
    return &f->slot[i];
}

/* Room for `more` nodes, the table at most half full. */
static int reserve(struct infer_forest *f, size_t more, struct pk_err *err)
{
    size_t want = f->n + more, slots = f->n_slots ? f->n_slots : 64;
    if (want >= NONE / 2)
        return pk_fail(err, PK_EMEM, "a forest of %zu tokens is too large",
                       want);
    if (!pk_grow(&f->node, &f->cap, want, sizeof *f->node))
        return pk_fail_mem(err, "a forest");
    while (slots < 2 * want)
        slots *= 2;
    if (slots == f->n_slots)
        return 0;
    uint32_t *slot = malloc(slots * sizeof *slot);
    if (!slot)
        return pk_fail_mem(err, "a forest");
    memset(slot, 0xFF, slots * sizeof *slot);
    free(f->slot);
    f->slot = slot;
    f->n_slots = slots;
    for (uint32_t i = 0; i < f->n; i++)
        *lookup(f, f->node[i].parent, f->node[i].token) = i;
    return 0;
}

static uint32_t add_child(struct infer_forest *f, uint32_t parent,
                          int32_t token)
{
    uint32_t *slot = lookup(f, parent, token);
    if (*slot != NONE)
        return *slot;
    uint32_t i = *slot = (uint32_t)f->n++;
    f->node[i] = (struct node){token, parent, NONE, NONE, NONE, NONE};
    uint32_t *first =
        parent == NONE ? &f->first_root : &f->node[parent].first_child;
    uint32_t *last =
        parent == NONE ? &f->last_root : &f->node[parent].last_child;
    if (*last == NONE)
        *first = i;
    else
        f->node[*last].next = i;
    *last = i;
    return i;
}

int infer_forest_add(struct infer_forest *f, const int32_t *ids, size_t n,
                     size_t from, size_t *readout, struct pk_err *err)
{
    if (n == 0 || from >= n)
        return pk_fail(err, PK_EDATA, "an empty path has no read-out");
    int rc = reserve(f, n, err);
    if (rc)
        return rc;
    unpack(f);
    uint32_t at = NONE;
    for (size_t i = 0; i < n; i++) {
        at = add_child(f, at, ids[i]);
        if (i < from)
            continue;
        if (f->node[at].readout == NONE)
            f->node[at].readout = (uint32_t)f->n_reads++;
        readout[i - from] = f->node[at].readout;
    }
    f->flat += n;
    return 0;
}

size_t infer_forest_tokens(const struct infer_forest *f)
{
    return f->n;
}

size_t infer_forest_flat(const struct infer_forest *f)
{
    return f->flat;
}

size_t infer_forest_readouts(const struct infer_forest *f)
{
    return f->n_reads;
}

/* ---- Packing ---- */

static int allocate(struct infer_forest *f, struct pk_err *err)
{
    f->token = pk_calloc(f->n, sizeof *f->token);
    f->depth = pk_calloc(f->n, sizeof *f->depth);
    f->identity = pk_calloc(f->n, sizeof *f->identity);
    f->all_first = pk_calloc(f->n + 1, sizeof *f->all_first);
    f->read_token = pk_calloc(f->n_reads, sizeof *f->read_token);
    f->read_first = pk_calloc(f->n + 1, sizeof *f->read_first);
    f->readout = pk_calloc(f->n_reads, sizeof *f->readout);
    f->segment = pk_calloc(f->n, sizeof *f->segment);
    if (f->token && f->depth && f->identity && f->all_first && f->read_token &&
        f->read_first && f->readout && f->segment)
        return 0;
    unpack(f);
    return pk_fail_mem(err, "a forest");
}

/* An only child continues its parent's segment. */
static bool starts_segment(const struct infer_forest *f, uint32_t i)
{
    uint32_t parent = f->node[i].parent;
    return parent == NONE ||
           f->node[parent].first_child != f->node[parent].last_child;
}

/* The node after i in depth-first order. */
static uint32_t next_node(const struct infer_forest *f, uint32_t i)
{
    if (f->node[i].first_child != NONE)
        return f->node[i].first_child;
    while (i != NONE && f->node[i].next == NONE)
        i = f->node[i].parent;
    return i == NONE ? NONE : f->node[i].next;
}

/* Depth-first: tokens, depths, segments, read-outs. `seg_of` maps a node to
 * its segment. */
static void walk(struct infer_forest *f, uint32_t *seg_of)
{
    struct infer_packed *p = &f->packed;
    size_t at = 0, segs = 0, reads = 0;
    for (uint32_t i = f->first_root; i != NONE; i = next_node(f, i), at++) {
        const struct node *v = &f->node[i];
        uint32_t parent_seg = v->parent == NONE ? NONE : seg_of[v->parent];
        if (starts_segment(f, i)) {
            struct infer_segment *s = &f->segment[segs];
            *s = (struct infer_segment){.start = at, .parent = INFER_NO_PARENT};
            if (parent_seg != NONE) {
                s->parent = parent_seg;
                s->depth0 =
                    f->segment[parent_seg].depth0 + f->segment[parent_seg].len;
            }
            f->all_first[segs] = at;
            f->read_first[segs] = reads;
            seg_of[i] = (uint32_t)segs++;
        } else {
            seg_of[i] = parent_seg;
        }
        struct infer_segment *s = &f->segment[seg_of[i]];
        f->token[at] = v->token;
        f->identity[at] = at;
        f->depth[at] = s->depth0 + s->len++;
        if (f->depth[at] + 1 > p->max_depth)
            p->max_depth = f->depth[at] + 1;
        if (v->readout != NONE) {
            f->read_token[reads] = at;
            f->readout[reads++] = v->readout;
        }
    }
    f->all_first[segs] = at;
    f->read_first[segs] = reads;
    p->n_segments = segs;
}

int infer_forest_pack(struct infer_forest *f, const struct infer_packed **out,
                      struct pk_err *err)
{
    *out = &f->packed;
    if (f->is_packed)
        return 0;
    uint32_t *seg_of = pk_calloc(f->n, sizeof *seg_of);
    if (!seg_of)
        return pk_fail_mem(err, "a forest");
    int rc = allocate(f, err);
    if (!rc) {
        f->packed = (struct infer_packed){.n = f->n};
        walk(f, seg_of);
        f->packed.token = f->token;
        f->packed.depth = f->depth;
        f->packed.segment = f->segment;
        f->packed.readout = f->readout;
        f->packed.all = (struct infer_rows){f->n, f->identity, f->all_first};
        f->packed.reads =
            (struct infer_rows){f->n_reads, f->read_token, f->read_first};
        f->is_packed = true;
    }
    free(seg_of);
    return rc;
}
