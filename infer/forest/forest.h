/* Inside the forest: what forward and backward walk over.
 *
 *     paths   1 5 9 9      packed   1 5 | 9 9 | 7          (tokens, N of them)
 *             1 5 7        segment  0     1     2
 *                          parent   -     0     0
 *                          depth0   0     2     2
 *
 * Segments lie in depth-first order, so a segment's parent comes before it. */
#ifndef PREFKIT_INFER_FOREST_FOREST_H
#define PREFKIT_INFER_FOREST_FOREST_H

#include "infer/infer.h"

#define INFER_NO_PARENT SIZE_MAX

struct infer_segment {
    size_t start, len; /* in the packed tokens */
    size_t depth0;     /* position of its first token */
    size_t parent;     /* a segment, or INFER_NO_PARENT */
};

/* Rows that a layer computes queries (and all that follows them) for: every
 * token, or the read-outs alone. Segment s has rows first[s]..first[s+1]. */
struct infer_rows {
    size_t n;
    const size_t *token; /* row -> packed token */
    const size_t *first; /* segments + 1 */
};

struct infer_packed {
    size_t n; /* tokens */
    const int32_t *token;
    const size_t *depth; /* position of each token */
    size_t n_segments;
    const struct infer_segment *segment;
    size_t max_depth; /* the longest path, in tokens */
    struct infer_rows all, reads;
    const size_t *readout; /* row of `reads` -> read-out index */
};

/* Borrowed until the forest changes. */
PK_NODISCARD int infer_forest_pack(struct infer_forest *f,
                                   const struct infer_packed **out,
                                   struct pk_err *err);

#endif
