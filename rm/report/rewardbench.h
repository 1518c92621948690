/* RewardBench's own numbers, where the store holds its rows (Lambert et al.,
 * arXiv 2403.13787; Malik et al., arXiv 2506.01937; allenai/reward-bench,
 * rewardbench/constants.py and utils.py). Equal scores are not right there, as
 * they are nowhere else in a report.
 *
 * Version 1: accuracy by subset; four sections, each the mean of its subsets
 * weighted by their official sizes (math-prm's is 984 for its 447 rows, as many
 * as the code's); and the mean of the sections.
 *
 * Version 2: in five subsets a prompt is right when the one good answer of four
 * scores highest (1/k of it where k share the highest score). Ties: 0.3 of the
 * prompts with several right answers and 0.3 of their references, right where
 * every right answer beats every wrong one; 0.2 each for right answers being
 * closer to each other than to the wrong ones, there and in the reference too;
 * and 0.01 of how much closer. The mean of the six. */
#ifndef PREFKIT_RM_REPORT_REWARDBENCH_H
#define PREFKIT_RM_REPORT_REWARDBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Where a comparison belongs. */
struct rm_bench_place {
    int subset;   /* 0: it is not RewardBench's; else its number from 1 */
    uint64_t row; /* of the data set; of Ties, the pair of prompts */
    bool tied;    /* of Ties: the prompt with several right answers */
};

/* By what the store keeps of the row (its "subset", "id" and "num_correct");
 * `prompt` tells rows without an id apart. */
void rm_bench_find(struct rm_bench_place *out, const char *extra,
                   int64_t prompt);

enum rm_bench_level { RM_BENCH_ALL, RM_BENCH_SECTION, RM_BENCH_SUBSET };

struct rm_bench_line {
    const char *name; /* static */
    int version;      /* 1 or 2 */
    enum rm_bench_level level;
    uint64_t n;    /* rows of the data set */
    double *score; /* (models), 0 to 1 */
};

/* Of each version: all, then its sections or subsets. */
struct rm_bench {
    struct rm_bench_line *line;
    size_t n, n_models;
};

struct rm_judged;

/* *out is the caller's, to be freed; NULL when no judgment is RewardBench's. */
PK_NODISCARD int rm_bench_make(struct rm_bench **out, const struct rm_judged *j,
                               struct pk_err *err);
void rm_bench_free(struct rm_bench *b);

#endif
