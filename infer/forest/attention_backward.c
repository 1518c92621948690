/* The adjoint of attention over a forest; see attention.h.
 *
 * A thread takes a part of the forest, some segments in depth-first order, for
 * one key/value head. It enters and leaves them: s.k and s.v hold those of the
 * path that is open, and s.dk and s.dv what the segments below have given their
 * ancestors so far. So a token's are gathered once, and given back once.
 *
 * A part is a tree; or, where all dialogues begin alike, and are one tree
 * therefore, what lies below each child of its root. What these give the root
 * is kept, and added up in their order when all are done: which parts there are
 * depends on the forest alone, and so do the bits. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/forest/attention_block.h"

/* Segments first..end. */
struct part {
    size_t first, end;
    size_t give;  /* rows of the kept from here on are what it gives its root,
                     as many as that has tokens */
    size_t below; /* of a root alone: parts that gave to it, from `give` on */
};

/* What all threads work on. */
struct work {
    const struct infer_attention *a;
    const struct infer_attended *x;
    const struct infer_attention_grad *g;
    struct part *part; /* n of them, then the roots alone, from the end */
    size_t n, roots;   /* n + roots is at most the number of segments */
    float *kept_dk, *kept_dv; /* (N, K d) */
};

/* ---- Parts --------------------------------------------------------------- */

static size_t subtree_end(const struct infer_packed *f, size_t i)
{
    size_t depth0 = f->segment[i].depth0;
    do
        i++;
    while (i < f->n_segments && f->segment[i].depth0 > depth0);
    return i;
}

static size_t children(const struct infer_packed *f, size_t root, size_t end)
{
    size_t n = 0;
    for (size_t i = root + 1; i < end; i = subtree_end(f, i))
        n++;
    return n;
}

/* The tree's parts: several where keeping what they give takes no more rows
 * than the tree has. */
static void add_tree(struct work *w, size_t root, size_t end)
{
    const struct infer_packed *f = w->a->forest;
    const struct infer_segment *s = &f->segment[root];
    size_t stop = end < f->n_segments ? f->segment[end].start : f->n;
    size_t n = children(f, root, end);
    if (n < 2 || n * s->len > stop - s->start) {
        w->part[w->n++] = (struct part){root, end, s->start, 0};
        return;
    }
    w->roots++;
    w->part[f->n_segments - w->roots] =
        (struct part){root, root + 1, s->start, n};
    for (size_t i = root + 1, give = s->start; i < end; give += s->len) {
        size_t next = subtree_end(f, i);
        w->part[w->n++] = (struct part){i, next, give, 0};
        i = next;
    }
}

static void add_parts(struct work *w)
{
    const struct infer_packed *f = w->a->forest;
    for (size_t i = 0, end; i < f->n_segments; i = end) {
        end = subtree_end(f, i);
        add_tree(w, i, end);
    }
}

/* ---- Segments ------------------------------------------------------------ */

/* Its keys and values are there from now on, and no gradient by them yet; nor
 * in the padding, which blocks of its queries add zeros to. */
static void enter(const struct infer_task *t, const struct infer_attended *x)
{
    const struct infer_segment *s = &t->a->forest->segment[t->segment];
    size_t d = t->a->d, at = s->depth0 * d,
           n = infer_padded(s->depth0 + s->len) * d - at;
    infer_task_gather(t, x->k, x->v, false);
    memset(t->s.dk + at, 0, n * sizeof(float));
    memset(t->s.dv + at, 0, n * sizeof(float));
}

/* All query heads of the key/value head. */
static void backward_task(struct infer_task *t, const struct infer_attended *x,
                          const struct infer_attention_grad *g)
{
    size_t group = t->a->heads / t->a->kv_heads;
    infer_task_pad(t);
    if (t->a->tiles)
        infer_tiles_path_pack_backward(&t->s.tiles, t->s.k, t->s.v,
                                       infer_task_keys(t));
    for (size_t h = t->group * group; h < (t->group + 1) * group; h++)
        for (size_t r = t->first; r < t->end; r += INFER_QUERIES) {
            struct infer_queries b = infer_task_block(t, r, h);
            infer_queries_backward(t, &b, x, g);
        }
}

/* n rows of the task's head from `depth` on, out to dk and dv from `row` on. */
static void give_rows(const struct infer_task *t, float *dk, float *dv,
                      size_t row, size_t depth, size_t n)
{
    size_t d = t->a->d, ld = t->a->kv_heads * d;
    for (size_t i = 0; i < n; i++) {
        size_t to = (row + i) * ld + t->group * d, from = (depth + i) * d;
        memcpy(dk + to, t->s.dk + from, d * sizeof *dk);
        memcpy(dv + to, t->s.dv + from, d * sizeof *dv);
    }
}

static void leave(struct infer_task *t, const struct work *w)
{
    const struct infer_segment *s = &t->a->forest->segment[t->segment];
    if (t->first < t->end)
        backward_task(t, w->x, w->g);
    give_rows(t, w->g->dk, w->g->dv, s->start, s->depth0, s->len);
}

/* Leave all that is open below `parent`. */
static void leave_to(const struct work *w, struct infer_scratch s, size_t group,
                     size_t open, size_t parent)
{
    while (open != parent) {
        struct infer_task t = infer_task_of(w->a, s, open, group);
        leave(&t, w);
        open = w->a->forest->segment[open].parent;
    }
}

static void walk(const struct work *w, struct infer_scratch s,
                 const struct part *p, size_t group)
{
    const struct infer_segment *segment = w->a->forest->segment;
    size_t above = segment[p->first].parent, open = above;
    for (size_t i = p->first; i < p->end; i++) {
        leave_to(w, s, group, open, segment[i].parent);
        struct infer_task t = infer_task_of(w->a, s, i, group);
        enter(&t, w->x);
        open = i;
    }
    leave_to(w, s, group, open, above);
}

/* A tree, or what lies below a root, which is kept for it. */
static void walk_part(const struct work *w, struct infer_scratch s,
                      const struct part *p, size_t group)
{
    const struct infer_segment *segment = w->a->forest->segment;
    size_t root = segment[p->first].parent;
    if (root == INFER_NO_PARENT) {
        walk(w, s, p, group);
        return;
    }
    struct infer_task t = infer_task_of(w->a, s, root, group);
    enter(&t, w->x);
    walk(w, s, p, group);
    give_rows(&t, w->kept_dk, w->kept_dv, p->give, 0, segment[root].len);
}

static void add_kept(const struct infer_task *t, float *to, const float *kept,
                     size_t row, size_t n)
{
    size_t d = t->a->d, ld = t->a->kv_heads * d;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            to[i * d + j] += kept[(row + i) * ld + t->group * d + j];
}

/* A root whose parts are done. */
static void walk_root(const struct work *w, struct infer_scratch s,
                      const struct part *p, size_t group)
{
    size_t len = w->a->forest->segment[p->first].len;
    struct infer_task t = infer_task_of(w->a, s, p->first, group);
    enter(&t, w->x);
    for (size_t i = 0; i < p->below; i++) {
        add_kept(&t, s.dk, w->kept_dk, p->give + i * len, len);
        add_kept(&t, s.dv, w->kept_dv, p->give + i * len, len);
    }
    leave(&t, w);
}

/* ---- All ----------------------------------------------------------------- */

static void run(const struct work *w, float *mem, size_t each)
{
    const struct infer_attention *a = w->a;
#pragma omp parallel
    {
        float *mine = mem + (size_t)omp_get_thread_num() * each;
        struct infer_scratch s = infer_scratch_at(a, mine, true);
        if (a->tiles)
            infer_tiles_begin();
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < w->n * a->kv_heads; i++)
            walk_part(w, s, &w->part[i / a->kv_heads], i % a->kv_heads);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < w->roots * a->kv_heads; i++)
            walk_root(w, s,
                      &w->part[a->forest->n_segments - 1 - i / a->kv_heads],
                      i % a->kv_heads);
        if (a->tiles)
            infer_tiles_end();
    }
}

/* Rows that parts may give: 2 (N, K d). */
static size_t kept_floats(const struct infer_attention *a)
{
    return (2 * a->forest->n * a->kv_heads * a->d + 15) & ~(size_t)15;
}

size_t infer_attention_backward_floats(const struct infer_attention *a)
{
    return kept_floats(a) +
           (size_t)omp_get_max_threads() * infer_scratch_floats(a, true);
}

int infer_attention_backward(const struct infer_attention *a,
                             const struct infer_attended *x,
                             const struct infer_attention_grad *g,
                             struct pk_err *err)
{
    size_t kept = kept_floats(a);
    struct work w = {.a = a, .x = x, .g = g};
    float *mem =
        pk_alloc_aligned(infer_attention_backward_floats(a), sizeof *mem);
    w.part = pk_calloc(a->forest->n_segments, sizeof *w.part);
    int rc = mem && w.part ? 0 : pk_fail_mem(err, "attention's gradient");
    if (!rc) {
        w.kept_dk = mem;
        w.kept_dv = mem + a->forest->n * a->kv_heads * a->d;
        add_parts(&w);
        run(&w, mem + kept, infer_scratch_floats(a, true));
    }
    free(w.part);
    free(mem);
    return rc;
}
