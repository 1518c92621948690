/* Private to batch*.c: a run of `score` at work, and what of it a killed run
 * needs to go on. */
#ifndef PREFKIT_RM_SCORE_BATCH_JOB_H
#define PREFKIT_RM_SCORE_BATCH_JOB_H

#include "common/lines.h"
#include "common/progress.h"
#include "common/sha256.h"
#include "common/sink.h"
#include "rm/score/batch.h"
#include "rm/score/row.h"

#define RM_OWN_SCORE SIZE_MAX /* not a model's: the row brings it along */

/* A row that waits for its scores. */
struct rm_waiting {
    size_t at, len;  /* its text in raw; a bad row's reason follows it */
    size_t first, n; /* its responses, in the scorer */
    uint64_t number; /* its line */
    bool list, bad;
};

/* What R_c makes one number of. */
struct rm_pair {
    double raw[RM_N_COMBINED], chosen;
    bool tagged;
};

struct rm_job {
    const struct rm_batch *b;
    struct rm_scorer *scorer;
    struct pk_lines *in;
    struct pk_sink *sink;
    struct pk_progress progress;
    struct rm_row row;
    struct rm_waiting *wait;
    size_t n_wait, cap_wait;
    struct rm_pair *pair; /* by number in the scorer */
    size_t cap_pair;
    struct rm_combined *combined; /* of one row */
    size_t cap_combined;
    size_t model[RM_N_COMBINED]; /* in the scorer, or RM_OWN_SCORE */
    char print[RM_N_COMBINED][65];
    struct pk_buf raw, line; /* the waiting rows' text; one row to write */
    char run[65];            /* rm_batch_identity */

    /* What a checkpoint holds. */
    struct rm_batch_counts counts;
    struct rm_moments fit;
    uint8_t chain[32];        /* a hash over all rows read */
    struct rm_totals *before; /* of earlier runs, by model */
    bool done;                /* nothing is left but to put it in place */

    bool started, completed; /* rows are being read; the output is in place */
    uint64_t saved;          /* counts.read at the last checkpoint */
    struct pk_sha256 *sha;
};

/* The input's next row, taken into the chain; 0 at the end. A line that is too
 * long is a row like any other, and no JSON: *len is 0 then. */
PK_NODISCARD int rm_job_next(struct rm_job *j, char **line, size_t *len,
                             struct pk_err *err);

/* Open the output and, if it is resumed, read the input up to where it was.
 * PK_EDATA when that is not what the killed run had read. */
PK_NODISCARD int rm_job_begin(struct rm_job *j, struct pk_err *err);
PK_NODISCARD int rm_job_checkpoint(struct rm_job *j, bool done,
                                   struct pk_err *err);
/* After the last row: a shard's last line, and the last checkpoint. */
PK_NODISCARD int rm_job_end(struct rm_job *j, struct pk_err *err);

/* Tokens of all runs together. */
struct rm_totals rm_job_totals(const struct rm_job *j, size_t model);

#endif
