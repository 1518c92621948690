/* Data parallel training over several processes (MPI): every rank holds the
 * whole model, takes its share of each step's pairs, and makes the same update
 * from the same summed gradient. Built with `make MPI=1`; without it there is
 * one rank, and every call here returns at once.
 *
 * All calls but rm_ranks_close are collective: every rank must come to each of
 * them, in the same order. A rank that has failed says so in rm_ranks_agree,
 * and all fail there together; one that dies without a word is seen by the
 * launcher, which ends the others. */
#ifndef PREFKIT_RM_TRAIN_RANKS_H
#define PREFKIT_RM_TRAIN_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct rm_ranks {
    size_t n, mine; /* mine: 0..n-1 */
    void *scratch;  /* for sums; NULL with one rank */
};

/* Join the others. PK_EUSAGE when a launcher started several processes of a
 * build without MPI: each would train alone and all write the same output. */
PK_NODISCARD int rm_ranks_open(struct rm_ranks *r, struct pk_err *err);

/* At the very end, whether all went well or all failed together. */
void rm_ranks_close(struct rm_ranks *r);

/* 0 when every rank brings 0; else, on all of them, the code and message of the
 * first rank that failed. */
PK_NODISCARD int rm_ranks_agree(const struct rm_ranks *r, int rc,
                                struct pk_err *err);

/* x[i] = the sum over ranks, taken in their order whatever the network does:
 * the same number of ranks gives the same bits, and all get the same. */
PK_NODISCARD int rm_ranks_sum(const struct rm_ranks *r, float *x, size_t n,
                              struct pk_err *err);
PK_NODISCARD int rm_ranks_sum_doubles(const struct rm_ranks *r, double *x,
                                      size_t n, struct pk_err *err);

/* Rank 0's bytes, for all. */
PK_NODISCARD int rm_ranks_tell(const struct rm_ranks *r, void *bytes, size_t n,
                               struct pk_err *err);

#endif
