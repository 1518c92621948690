/* The judgments of a dimension as pairs of token paths, in memory: what
 * training and validation run over. */
#ifndef PREFKIT_RM_DATA_PAIRS_H
#define PREFKIT_RM_DATA_PAIRS_H

#include "common/progress.h"
#include "rm/data/dialogue.h"
#include "rm/data/loss.h"

struct rm_pair {
    int64_t judgment, comparison; /* row numbers */
    uint64_t dialogue;  /* the same for all that begin with the same prompt */
    uint64_t annotator; /* a hash of the name; 0: not stated */
    enum prefdb_dimension dimension;
    size_t source;           /* in struct rm_pairs' sources */
    size_t chosen, rejected; /* first id of each path, in struct rm_pairs' ids;
                                the rejected follows the chosen */
    size_t n_chosen, n_rejected;
    size_t unique; /* tokens of both, what they share counted once */
    size_t answer; /* ids of the chosen path before its response; 0 unless
                      asked for */
    struct rm_target target;
    bool a;            /* the chosen response is the comparison's a */
    bool shortened;    /* its dialogue lost its oldest exchanges */
    unsigned char cut; /* of its two responses */
};

struct rm_source_count {
    char *name; /* owned */
    uint64_t pairs;
};

/* Zero before the first load. */
struct rm_pairs {
    struct rm_pair *pair; /* by dimension as loaded, then by judgment */
    size_t n, cap;
    struct infer_ids ids;
    uint64_t judgments; /* read; each is a pair, or counted as: */
    struct rm_left_out left_out;
    uint64_t merged, no_majority; /* by rm_votes_fold */
    uint64_t not_drawn;           /* pairs, by rm_mix_draw */
    /* Of the pairs there are, by rm_pairs_count: */
    uint64_t unstated;       /* strength not stated */
    uint64_t labeled;        /* with a safe label on either response */
    uint64_t cut, shortened; /* responses not closed by EOS; pairs whose
                                dialogue lost its oldest exchanges */
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
    bool answers;               /* find where the chosen response begins */
    size_t max_tokens; /* of a path: both of a pair lose as many exchanges as
                          the longer has to (with answers, each by itself) */
};

/* Read, encode and add, in the order of row numbers. What cannot be ranked or
 * encoded is counted in left_out. No judgments at all is not an error; with
 * need_sources, a named source without any is PK_EDATA. PK_EINTR after a
 * signal. After an error the pairs are released. */
PK_NODISCARD int rm_pairs_load(struct rm_pairs *out, struct prefdb *db,
                               const struct rm_pairs_query *q,
                               const struct infer_tokenizer *t,
                               struct pk_progress *progress,
                               struct pk_err *err);

/* Count again what is counted of the pairs there are. */
void rm_pairs_count(struct rm_pairs *p);

/* Ids that both of n and m ids begin with. */
size_t rm_shared(const int32_t *x, size_t n, const int32_t *y, size_t m);

void rm_pairs_release(struct rm_pairs *p);

#endif
