/* Scores against what people say of single responses: the paper's Figure 29
 * (A.3.6), mean sigma(r) by the median of a response's ratings. Only
 * arithmetic; nothing here reads a model or a store. */
#ifndef PREFKIT_RM_REPORT_RATED_H
#define PREFKIT_RM_REPORT_RATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { RM_RATING_LEVELS = 10 };

/* Responses that were rated alike. Ratings that take at most RM_RATING_LEVELS
 * values are levels as they are; others are cut into as many equal parts of
 * their range. */
struct rm_rated_level {
    double low, high;  /* equal where the level is one value */
    uint64_t n;        /* responses */
    double *mean, *sd; /* of sigma(r), (models); sd: 0 when n < 2 */
};

/* One thing that responses were rated for, on one scale: a 4 of 0 to 4 is none
 * of 1 to 5. */
struct rm_rated {
    char *attribute;  /* owned */
    double low, high; /* the scale's ends; NaN where not stated */
    size_t n_models;
    uint64_t n, ratings; /* responses; ratings of them */
    struct rm_rated_level level[RM_RATING_LEVELS];
    size_t n_levels;
    double *correlation; /* (models): Spearman's, of median and score */

    /* Private: until rm_rated_finish. */
    double *median, *score; /* (n), (n, models) */
    size_t cap, cap_scores;
};

PK_NODISCARD int rm_rated_init(struct rm_rated *r, const char *attribute,
                               double low, double high, size_t n_models,
                               struct pk_err *err);
bool rm_rated_is(const struct rm_rated *r, const char *attribute, double low,
                 double high);
void rm_rated_release(struct rm_rated *r);

/* A response with its n ratings (they are put in order) and its raw score by
 * each model. */
PK_NODISCARD int rm_rated_add(struct rm_rated *r, double *ratings, size_t n,
                              const double *scores, struct pk_err *err);

/* Levels and correlations, after the last response. */
PK_NODISCARD int rm_rated_finish(struct rm_rated *r, struct pk_err *err);

#endif
