/* A block of queries against the path of its segment: what attention's forward
 * and backward share. Private to them. */
#ifndef PREFKIT_INFER_FOREST_ATTENTION_BLOCK_H
#define PREFKIT_INFER_FOREST_ATTENTION_BLOCK_H

#include "infer/forest/attention.h"
#include "infer/forest/attention_tiles.h"

enum {
    INFER_QUERIES = INFER_TILES_QUERIES, /* rows of a block */
    INFER_KEYS = 64 /* keys of a block; paths are padded to it with zeros */
};

/* One thread's memory, for one segment and one key/value head. */
struct infer_scratch {
    float *k, *v;     /* (padded path, d) */
    float *q, *o;     /* (INFER_QUERIES, d) */
    float *p;         /* (INFER_QUERIES, padded path): scores, then
                         probabilities */
    float *dk, *dv;   /* as k and v; backward only, like the rest */
    float *dp;        /* as p */
    float *dout, *dq; /* as q */
    struct infer_tiles_path tiles;
};

size_t infer_scratch_floats(const struct infer_attention *a, bool backward);
struct infer_scratch infer_scratch_at(const struct infer_attention *a,
                                      float *mem, bool backward);

/* What one task works on: the rows of a segment, and the query heads of one
 * key/value head. */
struct infer_task {
    const struct infer_attention *a;
    struct infer_scratch s;
    size_t segment, group; /* group: the key/value head */
    size_t first, end;     /* rows of this segment; none where they are equal */
    size_t path;           /* keys that its rows see, at most */
};

struct infer_task infer_task_of(const struct infer_attention *a,
                                struct infer_scratch s, size_t segment,
                                size_t group);

/* So many keys with the padding after them. */
size_t infer_padded(size_t keys);

/* Keys of its path, with the padding. */
size_t infer_task_keys(const struct infer_task *t);

/* From k and v (N, K d) to the segment's place in s.k and s.v; and to its
 * ancestors' places theirs, unless they are there. */
void infer_task_gather(const struct infer_task *t, const float *k,
                       const float *v, bool ancestors);

/* Zeros after the path in s.k and s.v, to the end of a block. */
void infer_task_pad(const struct infer_task *t);

/* A block of query rows of one head: n of them, from `row`. */
struct infer_queries {
    size_t row, n, head;
    size_t keys; /* visible to its last row, padded */
};

/* The block from `row` on. */
struct infer_queries infer_task_block(const struct infer_task *t, size_t row,
                                      size_t head);

/* Which of (rows, H) row i of a block is. */
static inline size_t infer_queries_at(const struct infer_task *t,
                                      const struct infer_queries *b, size_t i)
{
    return (b->row + i) * t->a->heads + b->head;
}

/* Copy a block's rows of (rows, H d) in, with rows of zeros after them; and
 * back. */
void infer_queries_load(const struct infer_task *t,
                        const struct infer_queries *b, float *to,
                        struct infer_operand from);
void infer_queries_store(const struct infer_task *t,
                         const struct infer_queries *b, struct infer_values to,
                         const float *from);

/* What scores are multiplied by: 1 / sqrt(d). */
float infer_attention_scale(const struct infer_attention *a);

/* s.p (INFER_QUERIES, keys) = the scores of a block, from q in s.q. With tiles
 * the path is packed there. */
void infer_queries_scores(const struct infer_task *t,
                          const struct infer_queries *b);

/* Row i of a block in s.p: so many of its keys it sees. */
size_t infer_queries_sees(const struct infer_task *t,
                          const struct infer_queries *b, size_t i);
/* Zeros on the keys that the rows do not see, and in the rows after them. */
void infer_queries_blind(const struct infer_task *t,
                         const struct infer_queries *b);

/* Given dout: dq of a block, and what it adds to s.dk and s.dv. With tiles the
 * path is packed for it. */
void infer_queries_backward(const struct infer_task *t,
                            const struct infer_queries *b,
                            const struct infer_attended *x,
                            const struct infer_attention_grad *g);

#endif
