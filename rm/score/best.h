/* The best of K: rejection sampling (arXiv 2307.09288, 3.2.3).
 *
 * Scored rows come in (schemas/score-output.schema.json); for each prompt the
 * response with the highest score stands, over all rows that have that prompt,
 * wherever they are. One row a prompt is kept in memory. */
#ifndef PREFKIT_RM_SCORE_BEST_H
#define PREFKIT_RM_SCORE_BEST_H

#include <stdio.h>

#include "common/cli.h"
#include "rm/score/row.h"

struct rm_best;

/* `by`: the name of the score. `whole`: responses that were cut off before
 * their end do not compete. */
PK_NODISCARD int rm_best_new(struct rm_best **out, const char *by, bool whole,
                             struct pk_err *err);
void rm_best_free(struct rm_best *b);

/* Take a scored row. `history`: a row that rm_best_write wrote in an earlier
 * round, which stands for itself but is no sample for the curve. A row with an
 * "error" is counted and passed over. PK_EDATA for one that has no score by
 * that name. */
PK_NODISCARD int rm_best_add(struct rm_best *b, const char *line, size_t len,
                             bool history, struct pk_err *err);

enum rm_best_form {
    RM_BEST_ROWS, /* {"prompt", "response", "scores", "samples"}, and "cut" and
                     "generation" where the row told of them */
    RM_BEST_PAIRS /* {"prompt", "chosen", "rejected"}, and "chosen_cut",
                     "chosen_generation", ...: best and worst, as `import
                     --format trl` reads; prompts whose best and worst score the
                     same, or are the same text, are left out */
};

/* Prompts in the order of their first row. */
PK_NODISCARD int rm_best_write(const struct rm_best *b, enum rm_best_form form,
                               FILE *f, struct pk_err *err);

struct rm_best_counts {
    uint64_t rows, errors, prompts, responses, from_history, pairs;
    uint64_t cut;             /* of the best */
    uint64_t not_whole, none; /* responses left out for it; prompts then left
                                 with none */
};
struct rm_best_counts rm_best_counts(const struct rm_best *b);

/* One point of Figure 7: over the prompts with at least n samples, the mean of
 * what the maximum, and the median, of n of their samples is expected to be
 * (drawn without replacement: exact, not simulated). */
struct rm_best_point {
    size_t n;
    uint64_t prompts;
    double max, median;
};

/* Fill out[0..count) for n = 1..count, count at most the most samples that a
 * prompt has (rm_best_most). */
void rm_best_curve(const struct rm_best *b, struct rm_best_point *out,
                   size_t count);
size_t rm_best_most(const struct rm_best *b);

/* The expected j-th smallest (j from 1) of n drawn without replacement from the
 * k values in v, ascending. */
double rm_expected_order(const double *v, size_t k, size_t n, size_t j);

#endif
