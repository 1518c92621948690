/* Private to prefdb/: agreement between annotators. Pure statistics over a
 * table of units (comparisons) and raters (annotators), with ratings missing.
 *
 * Every coefficient but Cohen's needs to know only how many raters put a unit
 * on which level (and Conger's how often each rater used each level). Units
 * that were rated alike are one row with a count, so that three million units
 * are some hundred rows.
 *
 * Formulas: Gwet, Handbook of Inter-Rater Reliability (percent agreement,
 * Fleiss, AC1, AC2, their variances); Krippendorff, Content Analysis (alpha);
 * Fleiss, Cohen and Everitt 1969 (the variances of weighted kappa); Conger 1980
 * (kappa of several raters, each with habits of their own). */
#ifndef PREFKIT_PREFDB_STATS_AGREE_H
#define PREFKIT_PREFDB_STATS_AGREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREFDB__LEVELS 8

/* A declared scale: levels that nobody used count too. `value` ascends; linear
 * and quadratic weights and the interval metric use it, ordinal ones the
 * position. */
struct prefdb__scale {
    int q; /* 2..PREFDB__LEVELS */
    double value[PREFDB__LEVELS];
};

/* `units` units, each with r[k] raters on level k. */
struct prefdb__row {
    uint16_t r[PREFDB__LEVELS];
    uint64_t units;
};

enum prefdb__weights {
    PREFDB__IDENTITY,
    PREFDB__LINEAR,
    PREFDB__QUADRATIC,
    PREFDB__ORDINAL,
    PREFDB__RATIO /* alpha's alone */
};

enum prefdb__undefined {
    PREFDB__DEFINED,
    PREFDB__NO_OVERLAP, /* no unit has two ratings */
    PREFDB__UNANIMOUS   /* every rating that has a second one is on one level:
                           chance can't be told from agreement */
};

/* When it is undefined, `value` is NaN. `se`, `low` and `high` (95%) are NaN
 * where they can't be had: undefined, or fewer than two units. */
struct prefdb__coef {
    enum prefdb__undefined undefined;
    double value, se, low, high;
    uint64_t units; /* with two ratings or more */
};

/* The standard error and the interval, se times `width` to each side within
 * floor to 1. Where all units say the same there is no telling how far others
 * would be from it: se stays NaN, as an error of 0 would pass for certainty. */
void prefdb__coef_interval(struct prefdb__coef *c, double se, double width,
                           double floor);

/* w[k][l], 1 on the diagonal; of any kind but RATIO. */
void prefdb__weights(const struct prefdb__scale *scale,
                     enum prefdb__weights kind,
                     double w[PREFDB__LEVELS][PREFDB__LEVELS]);

/* The share of pairs of raters that agree, by weights; never "unanimous". */
struct prefdb__coef prefdb__percent(const struct prefdb__row *rows, size_t n,
                                    const struct prefdb__scale *scale,
                                    enum prefdb__weights kind);
struct prefdb__coef prefdb__fleiss(const struct prefdb__row *rows, size_t n,
                                   const struct prefdb__scale *scale,
                                   enum prefdb__weights kind);
/* AC1 with identity weights, AC2 with others. */
struct prefdb__coef prefdb__gwet(const struct prefdb__row *rows, size_t n,
                                 const struct prefdb__scale *scale,
                                 enum prefdb__weights kind);

/* How often one rater used each level, on whatever units; all zero: not there.
 */
struct prefdb__margin {
    uint64_t n[PREFDB__LEVELS];
};

/* Conger's kappa: chance is what two different raters, each with their own
 * shares of the levels, agree on. Of two raters who rated the same units it is
 * Cohen's. margins[0..raters) are of the raters of these rows. Without a
 * standard error, which would need to know who rated which unit. */
struct prefdb__coef prefdb__conger(const struct prefdb__row *rows, size_t n,
                                   const struct prefdb__margin *margins,
                                   size_t raters,
                                   const struct prefdb__scale *scale,
                                   enum prefdb__weights kind);

/* Nominal (IDENTITY), ordinal (ORDINAL), interval (QUADRATIC) or ratio (RATIO,
 * of values that are not negative) alpha. These are its own metrics: ordinal
 * alpha is not alpha with ordinal weights. The standard error is the
 * jackknife's over units. */
struct prefdb__coef prefdb__alpha(const struct prefdb__row *rows, size_t n,
                                  const struct prefdb__scale *scale,
                                  enum prefdb__weights metric);

/* Alpha with weights of any kind but RATIO, which is irrCAC's: the squared
 * distance of two levels is 1 less their weight. With identity or quadratic
 * weights it is nominal or interval alpha; with ordinal weights it is not
 * ordinal alpha. */
struct prefdb__coef prefdb__alpha_weighted(const struct prefdb__row *rows,
                                           size_t n,
                                           const struct prefdb__scale *scale,
                                           enum prefdb__weights kind);

/* Two raters and the units that both rated: table[i][j] of them were put on i
 * by the rater of the lower number and on j by the other. */
struct prefdb__pair {
    uint32_t low, high;
    uint64_t units;
    uint64_t table[PREFDB__LEVELS][PREFDB__LEVELS];
};

/* The interval is the normal one. */
struct prefdb__coef prefdb__cohen(const struct prefdb__pair *pair,
                                  const struct prefdb__scale *scale,
                                  enum prefdb__weights kind);

/* Is kappa more than chance? Its standard error if the two raters had nothing
 * to do with each other (H0), z = kappa / se, and the two-sided p of z by the
 * normal distribution. NaN where kappa is undefined; z and p also where chance
 * has no variance, as when one rater used one level only. */
struct prefdb__null {
    double se, z, p;
};
struct prefdb__null prefdb__cohen_null(const struct prefdb__pair *pair,
                                       const struct prefdb__scale *scale,
                                       enum prefdb__weights kind);

/* Student's t with df degrees of freedom: P(T > t), and the t above which
 * `tail` (below one half) lies. */
double prefdb__t_tail(double t, double df);
double prefdb__t_quantile(double tail, double df);

#endif
