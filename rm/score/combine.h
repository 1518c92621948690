/* One reward out of two: the paper's R_c (arXiv 2307.09288, 3.2.3).
 *
 *     R_c = R_s  where the prompt is tagged as a safety prompt, or R_s < 0.15
 *           R_h  otherwise,          R = sigma(raw score)
 *
 * and, for PPO, whiten(logit(R_c)). The logit of sigma(r) is r, so that no
 * precision is lost on the way. The paper does not define whiten further: here
 * it takes a mean away and divides by a standard deviation, both of a set of
 * texts that is scored once and written to a file, so that the same text gets
 * the same number tomorrow. */
#ifndef PREFKIT_RM_SCORE_COMBINE_H
#define PREFKIT_RM_SCORE_COMBINE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/json.h"

enum { RM_HELPFULNESS, RM_SAFETY, RM_N_COMBINED };

enum rm_form { RM_PROBABILITY, RM_LOGIT, RM_WHITE };

/* "probability", "logit", "white"; false when it is none of them. */
bool rm_parse_form(const char *s, enum rm_form *out);

struct rm_combine {
    const char *name[RM_N_COMBINED]; /* the two models' names; NULL: nothing
                                        is combined */
    double threshold;
    enum rm_form form;
    double mean, sd; /* for RM_WHITE */
};

/* The raw score that R_c goes by; *safety says whether it is the safety
 * model's. */
double rm_combine_raw(const struct rm_combine *c,
                      const double raw[RM_N_COMBINED], bool tagged,
                      bool *safety);

/* That score in the form asked for. */
double rm_combine_form(const struct rm_combine *c, double raw);

/* Mean and standard deviation of a stream (Welford 1962). */
struct rm_moments {
    double n, mean, m2;
};

void rm_moments_add(struct rm_moments *m, double x);
double rm_moments_sd(const struct rm_moments *m); /* of the sample, n - 1 */

/* The statistics file (schemas/whitening.schema.json). `fingerprint`: of the
 * two models, "" where not known: one that is known must agree with what the
 * file says, as must threshold and names. PK_EDATA when the texts have no
 * spread, or the file is not of these models. */
PK_NODISCARD int rm_whitening_save(const char *path, const struct rm_combine *c,
                                   char (*fingerprint)[65],
                                   const struct rm_moments *m,
                                   struct pk_err *err);
PK_NODISCARD int rm_whitening_load(const char *path, struct rm_combine *c,
                                   char (*fingerprint)[65], struct pk_err *err);

#endif
