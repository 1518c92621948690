/* The judgments of one dimension as pairs of token paths, in memory: what
 * training and validation run over. */
#ifndef PREFKIT_RM_PAIRS_H
#define PREFKIT_RM_PAIRS_H

#include "common/progress.h"
#include "rm/dialogue.h"

struct rm_pair {
    int64_t judgment;
    size_t chosen, rejected; /* first id of each path, in struct rm_pairs' ids;
                                the rejected follows the chosen */
    size_t n_chosen, n_rejected;
    size_t unique; /* tokens of both, what they share counted once */
    int strength;
};

struct rm_source_count {
    char *name; /* owned */
    uint64_t pairs;
};

struct rm_pairs {
    struct rm_pair *pair;
    size_t n, cap;
    struct infer_ids ids;
    uint64_t judgments; /* read; n of them became pairs */
    struct rm_left_out left_out;
    uint64_t unstated;       /* pairs whose strength is not stated */
    uint64_t cut, shortened; /* responses not closed by EOS; dialogues that
                                lost their oldest exchanges */
    uint64_t flat, unique;   /* tokens of all paths; without what pairs share */
    struct rm_source_count *source;
    size_t n_sources, cap_sources;
};

struct rm_pairs_query {
    enum prefdb_dimension dimension;
    enum prefdb_split split;
    const char *const *source; /* only from these; none: from any */
    size_t n_sources;
    bool need_sources;          /* one without judgments is an error */
    bool keep_preferred_unsafe; /* else left out, as in the paper */
    size_t max_tokens;          /* of a path */
};

/* Read and encode, in the order of row numbers. What cannot be ranked or
 * encoded is counted in left_out. No judgments at all is not an error; with
 * need_sources, a named source without any is PK_EDATA. PK_EINTR after a
 * signal. */
PK_NODISCARD int rm_pairs_load(struct rm_pairs *out, struct prefdb *db,
                               const struct rm_pairs_query *q,
                               const struct infer_tokenizer *t,
                               struct pk_progress *progress,
                               struct pk_err *err);
void rm_pairs_release(struct rm_pairs *p);

#endif
