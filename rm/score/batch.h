/* Batch scoring: JSON lines in, the same lines with their scores out.
 *
 * Rows wait in a window until their forest is full; a window's cut depends on
 * the input and the options alone, and a score does not depend on the window
 * (infer/math/gemm.h, infer/forest/attention.h), so a run that was killed and
 * resumed ends in the same bytes as one that was not. */
#ifndef PREFKIT_RM_SCORE_BATCH_H
#define PREFKIT_RM_SCORE_BATCH_H

#include "common/cli.h"
#include "rm/score/combine.h"
#include "rm/score/scorer.h"

/* Rows are dealt to shards in blocks, so that rows that lie together, and share
 * their prompt, stay together. */
enum { RM_SHARD_BLOCK = 256, RM_SHARDS_MAX = 1000000 };

/* What a run took. */
struct rm_batch_spent {
    double seconds;         /* from the first row to the output in its place */
    double model_seconds;   /* of them in the models' forward passes */
    struct rm_totals first; /* tokens of the first model */
};

struct rm_batch {
    const struct pk_cli *cli;
    const char *input, *output; /* a path, or "-" */
    const struct rm_named *models;
    size_t n_models;
    struct rm_scorer_opts scorer;
    bool resume;
    bool strict;          /* a bad row stops the run */
    bool rescore;         /* of a store: also what has its scores already */
    size_t shard, shards; /* 1..shards of them; 0 of 0: not sharded */
    struct rm_combine combine;
    const char *whitening;        /* for RM_WHITE: the statistics to use */
    const char *whitening_to;     /* where this run's statistics go, or NULL */
    struct rm_batch_spent *spent; /* filled by a run that ends well, or NULL */
};

#define RM_BATCH_COUNTS(X)                                                     \
    X(read)        /* rows of the input, other shards' too */                  \
    X(rows)        /* written */                                               \
    X(responses)   /* scored */                                                \
    X(errors)      /* rows that could not be scored */                         \
    X(first_error) /* the line of the first */                                 \
    X(cut)         /* responses that do not end */                             \
    X(shortened)   /* dialogues that lost exchanges */                         \
    X(dropped)     /* the exchanges */

struct rm_batch_counts {
#define RM_COUNT(name) uint64_t name;
    RM_BATCH_COUNTS(RM_COUNT)
#undef RM_COUNT
};

/* Run it, with progress, and a summary as notes. PK_EDATA when rows could not
 * be scored: then they are in the output, which is complete. */
PK_NODISCARD int rm_batch_run(const struct rm_batch *b, struct pk_err *err);

/* PK_EDATA, and in words that some rows of a file could not be scored. */
int rm_batch_say_errors(const char *file, uint64_t first, uint64_t errors,
                        uint64_t rows, struct pk_err *err);

/* One name for what scores depend on (models, options, version), the shard
 * aside. */
PK_NODISCARD int rm_batch_identity(const struct rm_batch *b,
                                   const struct rm_scorer *s, char out[65],
                                   struct pk_err *err);

#endif
