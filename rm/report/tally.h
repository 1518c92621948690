/* How often a judge was right, and how sure that is. */
#ifndef PREFKIT_RM_REPORT_TALLY_H
#define PREFKIT_RM_REPORT_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* Judgments of the same comparison, summed as they come in. */
struct rm_clusters {
    int64_t of;           /* the comparison whose judgments come in */
    double wins, decided; /* of it, so far */
    uint64_t n;        /* comparisons with a decided judgment, that one too */
    double ww, wd, dd; /* sums of products over those before it */
};

/* How many of n are hits, and of which comparisons they are. */
struct rm_hits {
    uint64_t hits, n;
    struct rm_clusters clusters;
};

/* One of a comparison (its row number, not 0), whose others come in one after
 * another. */
void rm_hits_add(struct rm_hits *h, int64_t comparison, bool hit);

/* The share of hits and its 95% Wilson interval; false when n = 0.
 *
 * Several judgments of one comparison tell less than as many of several: the
 * interval is that of n / deff judgments, where deff is the design effect, the
 * share's variance when whole comparisons are drawn (a ratio's, linearised)
 * over that when judgments are; 1 at least, and where all are hits, or none is,
 * Kish's for judgments that all agree. With one judgment a comparison it is 1.
 * Cochran, "Sampling Techniques" (1977), 6.3 and 11.7 (clusters). */
bool rm_hits_share(const struct rm_hits *h, double *share, double *low,
                   double *high);

/* How one judge (a model, or "the longer response wins") did on some
 * judgments. A tie, equal scores for both responses, is neither right nor
 * wrong: it has its own count, and accuracy is wins / (wins + losses). */
struct rm_tally {
    uint64_t wins, losses, ties;
    double log_loss; /* sum of -log sigma(chosen - rejected), nats */
    struct rm_clusters clusters;
};

/* One judgment by itself; or one of a comparison (its row number, not 0), whose
 * judgments come in one after another. */
void rm_tally_add(struct rm_tally *t, double chosen, double rejected);
void rm_tally_add_of(struct rm_tally *t, int64_t comparison, double chosen,
                     double rejected);
uint64_t rm_tally_n(const struct rm_tally *t);

/* Accuracy and its interval, as rm_hits_share's; false when nothing was
 * decided. */
bool rm_tally_accuracy(const struct rm_tally *t, double *accuracy, double *low,
                       double *high);
/* The design effect for a judge who tosses a coin for each comparison: of n_a
 * judgments for one response and n_b for the other he has one or the other
 * right. 1 at least. */
double rm_tally_coin_effect(const struct rm_tally *t);
double rm_tally_log_loss(const struct rm_tally *t); /* mean; 0 when n = 0 */

#endif
