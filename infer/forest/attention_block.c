/* A block of queries against its path; see attention_block.h. */
#include "infer/forest/attention_block.h"

#include <math.h>
#include <string.h>

#include "infer/math/gemm.h"

size_t infer_padded(size_t keys)
{
    return (keys + INFER_KEYS - 1) / INFER_KEYS * INFER_KEYS;
}

size_t infer_scratch_floats(const struct infer_attention *a, bool backward)
{
    size_t path = infer_padded(a->forest->max_depth);
    size_t n = 2 * path * a->d + (size_t)INFER_QUERIES * (2 * a->d + path);
    if (backward)
        n *= 2;
    return a->tiles ? n + infer_tiles_path_floats(path, a->d, backward) : n;
}

struct infer_scratch infer_scratch_at(const struct infer_attention *a,
                                      float *mem, bool backward)
{
    size_t path = infer_padded(a->forest->max_depth), kv = path * a->d,
           q = INFER_QUERIES * a->d;
    struct infer_scratch s = {.k = mem, .v = mem + kv, .q = mem + 2 * kv};
    s.o = s.q + q;
    s.p = s.o + q;
    mem = s.p + INFER_QUERIES * path;
    if (backward) {
        s.dk = mem;
        s.dv = s.dk + kv;
        s.dq = s.dv + kv;
        s.dout = s.dq + q;
        s.dp = s.dout + q;
        mem = s.dp + INFER_QUERIES * path;
    }
    if (a->tiles)
        s.tiles = infer_tiles_path_at(mem, path, a->d, backward);
    return s;
}

size_t infer_task_keys(const struct infer_task *t)
{
    return infer_padded(t->path);
}

static size_t row_depth(const struct infer_task *t, size_t row)
{
    return t->a->forest->depth[t->a->rows->token[row]];
}

struct infer_task infer_task_of(const struct infer_attention *a,
                                struct infer_scratch s, size_t segment,
                                size_t group)
{
    const struct infer_rows *rows = a->rows;
    struct infer_task t = {
        a, s, segment, group, rows->first[segment], rows->first[segment + 1],
        0};
    if (t.first < t.end)
        t.path = row_depth(&t, t.end - 1) + 1;
    return t;
}

static void gather_segment(const struct infer_task *t,
                           const struct infer_segment *of, const float *k,
                           const float *v)
{
    size_t d = t->a->d, ld = t->a->kv_heads * d;
    for (size_t i = 0; i < of->len; i++) {
        size_t to = (of->depth0 + i) * d;
        size_t from = (of->start + i) * ld + t->group * d;
        memcpy(t->s.k + to, k + from, d * sizeof(float));
        memcpy(t->s.v + to, v + from, d * sizeof(float));
    }
}

void infer_task_gather(const struct infer_task *t, const float *k,
                       const float *v, bool ancestors)
{
    const struct infer_segment *segment = t->a->forest->segment;
    size_t i = t->segment;
    do {
        gather_segment(t, &segment[i], k, v);
        i = segment[i].parent;
    } while (ancestors && i != INFER_NO_PARENT);
}

void infer_task_pad(const struct infer_task *t)
{
    size_t d = t->a->d, tail = (infer_task_keys(t) - t->path) * d;
    memset(t->s.k + t->path * d, 0, tail * sizeof(float));
    memset(t->s.v + t->path * d, 0, tail * sizeof(float));
}

struct infer_queries infer_task_block(const struct infer_task *t, size_t row,
                                      size_t head)
{
    size_t n = t->end - row < INFER_QUERIES ? t->end - row : INFER_QUERIES;
    return (struct infer_queries){row, n, head,
                                  infer_padded(row_depth(t, row + n - 1) + 1)};
}

void infer_queries_load(const struct infer_task *t,
                        const struct infer_queries *b, float *to,
                        struct infer_operand from)
{
    size_t d = t->a->d;
    for (size_t i = 0; i < b->n; i++)
        infer_operand_get(to + i * d, from, infer_queries_at(t, b, i) * d, d);
    memset(to + b->n * d, 0, (INFER_QUERIES - b->n) * d * sizeof(float));
}

void infer_queries_store(const struct infer_task *t,
                         const struct infer_queries *b, struct infer_values to,
                         const float *from)
{
    size_t d = t->a->d;
    for (size_t i = 0; i < b->n; i++)
        infer_values_put(to, infer_queries_at(t, b, i) * d, from + i * d, d);
}

float infer_attention_scale(const struct infer_attention *a)
{
    return (float)(1 / sqrt((double)a->d));
}

void infer_queries_scores(const struct infer_task *t,
                          const struct infer_queries *b)
{
    size_t d = t->a->d;
    struct infer_block shape = {INFER_QUERIES, INFER_KEYS, d, false};
    if (t->a->tiles)
        infer_tiles_scores(&t->s.tiles, t->s.p, t->s.q, b->keys);
    for (size_t j = 0; j < b->keys && !t->a->tiles; j += INFER_KEYS)
        infer_gemm_block(shape, (struct infer_mat){t->s.q, d, false},
                         (struct infer_mat){t->s.k + j * d, d, true},
                         t->s.p + j, b->keys);
}

size_t infer_queries_sees(const struct infer_task *t,
                          const struct infer_queries *b, size_t i)
{
    return row_depth(t, b->row + i) + 1;
}

void infer_queries_blind(const struct infer_task *t,
                         const struct infer_queries *b)
{
    for (size_t i = 0; i < b->n; i++) {
        size_t n = infer_queries_sees(t, b, i);
        memset(t->s.p + i * b->keys + n, 0, (b->keys - n) * sizeof(float));
    }
    memset(t->s.p + b->n * b->keys, 0,
           (INFER_QUERIES - b->n) * b->keys * sizeof(float));
}
