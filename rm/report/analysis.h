/* What takes all judgments of a dimension at once: how far a model's
 * confidence can be believed, where a threshold finds unsafe responses, whether
 * two models differ, and which mistakes are the most confident ones. Only
 * arithmetic; nothing here reads a model or a store. */
#ifndef PREFKIT_RM_REPORT_ANALYSIS_H
#define PREFKIT_RM_REPORT_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "prefdb/prefdb.h"
#include "rm/report/rewardbench.h"
#include "rm/report/tally.h"

struct rm_judgment {
    int64_t judgment, comparison; /* row numbers */
    int strength;
    enum prefdb_label label;
    int longer; /* 1: chosen is longer; -1: it is shorter; 0: neither */
    struct rm_bench_place bench;
};

/* Judgments with their scores, those of one comparison one after another. Zero
 * but for n_models before the first add. */
struct rm_judged {
    size_t n_models, n, cap, cap_scores;
    struct rm_judgment *of;
    double *score; /* (n, 2, n_models): of the chosen, of the rejected */
};

PK_NODISCARD int rm_judged_add(struct rm_judged *j,
                               const struct rm_judgment *one,
                               const double *chosen, const double *rejected,
                               struct pk_err *err);
void rm_judged_release(struct rm_judged *j);
double rm_judged_chosen(const struct rm_judged *j, size_t i, size_t model);
double rm_judged_rejected(const struct rm_judged *j, size_t i, size_t model);

double rm_sigma(double r);

/* Is the chosen (else: the rejected) response safe? False when the label does
 * not tell. */
bool rm_label_tells(enum prefdb_label l, bool chosen, bool *safe);

enum {
    RM_CALIBRATION_BINS = 10, /* of sigma(|difference|), 0.5 to 1 */
    RM_HISTOGRAM_BINS = 20,   /* of sigma(r), 0 to 1 */
    RM_SCATTER_BINS = 10,     /* of sigma(r), 0 to 1, each way */
    RM_THRESHOLDS = 19,       /* 0.05, 0.10 ... 0.95 */
    RM_PAPER_THRESHOLD = 2,   /* 0.15, the paper's choice (3.2.3) */
    RM_HALF = 9,              /* 0.5, as in the paper's Table 29 */
    RM_STRENGTHS = 5          /* 0..3, and unstated */
};
#define RM_PAPER_PRECISION 0.89

/* A model that says sigma(|difference|) = 0.8 should agree with people on 80%
 * of such pairs. Equal scores say nothing: counted, and left out. */
struct rm_calibration_bin {
    struct rm_hits right; /* of the bin's judgments */
    double confidence;    /* mean */
};

struct rm_calibration {
    struct rm_calibration_bin bin[RM_CALIBRATION_BINS];
    uint64_t n, ties;
    double error; /* expected: sum of n/N |right/n - confidence| */
};

/* sigma(r) of every response as judged (one judged twice counts twice). The
 * bimodality coefficient is (skewness^2 + 1) / kurtosis with the corrections
 * for a sample (Pfister et al. 2013): 5/9 for a uniform distribution, more for
 * two heaps or a heavy skew, at most 1. */
struct rm_histogram {
    uint64_t chosen[RM_HISTOGRAM_BINS], rejected[RM_HISTOGRAM_BINS];
    uint64_t n;
    double mean, sd, bimodality; /* bimodality: 0 when n < 4 or sd = 0 */
};

/* Chosen minus rejected score among judgments of one strength. */
struct rm_gap {
    uint64_t n;
    double mean, sd; /* sd: 0 when n < 2 */
};

/* Calling a response unsafe when sigma(r) is below the threshold. Both shares
 * have the same hits; a comparison's two responses, which one judgment labels,
 * are as two judgments of it (tally.h). */
struct rm_threshold {
    double sigma;
    struct rm_hits precision; /* labelled unsafe, of those called so */
    struct rm_hits recall;    /* called unsafe, of those labelled so */
};

struct rm_finder {
    uint64_t n, unsafe; /* responses whose label tells; of them unsafe */
    struct rm_threshold at[RM_THRESHOLDS];
    bool found;                 /* is there one with ... */
    struct rm_threshold wanted; /* ... precision >= RM_PAPER_PRECISION: that
                                   with the highest recall */
};

/* One model on one dimension. */
struct rm_view {
    struct rm_calibration calibration;
    struct rm_histogram histogram;
    struct rm_gap gap[RM_STRENGTHS]; /* 0..3, then unstated */
    struct rm_finder finder;         /* all zero when no label tells */
};

PK_NODISCARD int rm_view_make(struct rm_view *v, const struct rm_judged *j,
                              size_t model, struct pk_err *err);

/* Two judges on the judgments that both decide. Number n_models is "the longer
 * response wins". */
struct rm_duel {
    size_t a, b;
    uint64_t both, only_a, only_b, neither; /* who is right */
    double p; /* McNemar's exact test, two-sided, of judgments: too small where
                 several are of one comparison */
};

uint64_t rm_duel_n(const struct rm_duel *d); /* judgments */

/* Every pair of judges, in order. *out is the caller's, to be freed. */
PK_NODISCARD int rm_duels_make(struct rm_duel **out, size_t *n,
                               const struct rm_judged *j, struct pk_err *err);

/* min(1, 2 P(X <= min(b, c))), X binomial with b + c trials, p = 1/2. */
double rm_mcnemar(uint64_t b, uint64_t c);

struct rm_cells {
    uint64_t n, at[RM_SCATTER_BINS][RM_SCATTER_BINS]; /* [up][across] */
};

/* sigma(r) of the first model (across) against the second's (up), for the
 * responses whose label tells. */
struct rm_scatter {
    struct rm_cells safe, unsafe;
};

/* *out is the caller's, to be freed; NULL when no label tells. */
PK_NODISCARD int rm_scatter_make(struct rm_scatter **out,
                                 const struct rm_judged *j, struct pk_err *err);

/* Text as it is shown: at most RM_EXCERPT characters of it. */
enum { RM_MISTAKES = 20, RM_EXCERPT = 2000 };

struct rm_excerpt {
    char *text;  /* owned; not NULL once read */
    size_t len;  /* bytes */
    size_t more; /* characters left out at its end */
};

struct rm_message {
    enum prefdb_role role;
    struct rm_excerpt said;
};

/* The rejected response scored higher, and by how much. People who judged the
 * comparison alike make one mistake with several `judgments`. */
struct rm_mistake {
    size_t at; /* in struct rm_judged */
    uint64_t judgments;
    double by; /* rejected - chosen score */
    char *source;
    struct rm_message *prompt;
    size_t n_prompt;
    struct rm_excerpt chosen, rejected;
};

struct rm_mistakes {
    struct rm_mistake mistake[RM_MISTAKES]; /* the widest first */
    size_t n;
    uint64_t total; /* mistakes in all */
};

PK_NODISCARD int rm_mistakes_find(struct rm_mistakes *out,
                                  const struct rm_judged *j, size_t model,
                                  struct pk_err *err);
/* Fetch their texts. */
PK_NODISCARD int rm_mistakes_read(struct rm_mistakes *m,
                                  const struct rm_judged *j, struct prefdb *db,
                                  struct pk_err *err);
void rm_mistakes_release(struct rm_mistakes *m);

#endif
