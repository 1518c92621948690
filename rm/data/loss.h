/* The losses of one pair, and the numbers that a stated strength gives them. */
#ifndef PREFKIT_RM_DATA_LOSS_H
#define PREFKIT_RM_DATA_LOSS_H

#include <stdbool.h>

/* One number for each strength. */
struct rm_grades {
    double of[4];    /* negligibly .. significantly better */
    double unstated; /* where no strength is stated */
};

/* "none", "small", "large" of the paper's Table 27, or four numbers, largest
 * strength first, as the table has them ("1,0.66,0.33,0"):
 *
 *            significantly   better   slightly   negligibly better or unsure
 *     none         0            0         0          0
 *     small        1           2/3       1/3         0
 *     large        3            2         1          0
 *
 * A pair without a strength has margin 0. False when `s` is none of these. */
bool rm_parse_margin(const char *s, struct rm_grades *out);

/* The factor of the ranking loss: "none" (1 for all), "strength", or four
 * numbers of at least 0. Scaled Bradley-Terry (Wang et al., HelpSteer2-
 * Preference, arXiv 2410.01257) weighs a pair by its strength 3, 2, 1; that
 * data has nothing below "slightly", so 1/2 for "negligibly" is our own, and 1
 * where nothing is stated. */
bool rm_parse_scale(const char *s, struct rm_grades *out);

double rm_grade(const struct rm_grades *g, int strength);

/* As the two above read it; "none" for both defaults. */
enum { RM_GRADES_TEXT = 80 };
void rm_margin_text(const struct rm_grades *g, char out[RM_GRADES_TEXT]);
void rm_scale_text(const struct rm_grades *g, char out[RM_GRADES_TEXT]);

/* -log sigma(chosen - rejected - margin), in nats: the paper's equation 2, and
 * equation 1 at margin 0. Exact in both tails: 0 towards +infinity, the
 * distance itself towards -infinity. *slope, if not NULL, is its derivative by
 * `chosen`, in [-1, 0]; by `rejected` it is the opposite. */
double rm_loss(double chosen, double rejected, double margin, double *slope);

/* What a pair's judgments say. */
struct rm_target {
    double p;       /* share of votes for the chosen response, in [1/2, 1] */
    int strength;   /* 0..3 or PREFDB_UNSTATED: of the votes for the chosen */
    int against;    /* of the others; PREFDB_UNSTATED when there are none */
    double safe[2]; /* share of votes that call the chosen, the rejected
                       response safe; -1 where no label says */
};

struct rm_loss_opts {
    struct rm_grades margin, scale;
    double smoothing; /* of the target: p becomes (1 - s) p + s (1 - p) */
    double safety;    /* weight of the safety auxiliary loss */
    double center;    /* weight of (chosen + rejected)^2 */
};

/* The parts of a pair's loss, weights in them, and their sum; and the gradient
 * of the sum by the chosen and the rejected score. */
struct rm_pair_loss {
    double total, ranking, safety, center;
    double slope[2];
};

/* With q the smoothed p, m the margins of both sides and s the scale:
 *
 *     ranking   s (q L(c - r - m_for) + (1 - q) L(r - c - m_against))
 *     safety    w (BCE(sigma(c), safe_c) + BCE(sigma(r), safe_r)) / 2
 *     center    w (c + r)^2           (as TRL's center_rewards_coefficient)
 *
 * L(z) = -log sigma(z). The paper names the safety loss and gives neither its
 * form nor its weight: both are ours. A response without a label adds none. */
struct rm_pair_loss rm_pair_loss(const struct rm_loss_opts *o,
                                 const struct rm_target *t, double chosen,
                                 double rejected);

#endif
