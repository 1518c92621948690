/* Several judgments of one comparison: one pair, or several. */
#ifndef PREFKIT_RM_DATA_VOTES_H
#define PREFKIT_RM_DATA_VOTES_H

#include "rm/data/pairs.h"

/* X(name, how --judgments spells it) */
#define RM_JUDGMENTS(X)                                                        \
    X(EACH, "each")     /* a pair of its own for each */                       \
    X(LATEST, "latest") /* the one with the largest row number */              \
    X(MAJORITY,                                                                \
      "majority")   /* the response most votes are for; none: no pair */       \
    X(SOFT, "soft") /* one pair whose target is the share of votes */

enum rm_judgments {
#define RM_ENUM(name, text) RM_##name,
    RM_JUDGMENTS(RM_ENUM)
#undef RM_ENUM
};

const char *rm_judgments_name(enum rm_judgments j);
bool rm_parse_judgments(const char *s, enum rm_judgments *out);

/* Make one pair out of the pairs of each comparison and dimension, in the order
 * of row numbers. A named annotator has one vote, the latest. Its judgment is
 * the first that votes as it does; strengths are means of those stated, rounded
 * (a half up); safe labels are shares of votes, and of the majority's votes
 * with MAJORITY. Counts what is merged (p->merged), and votes without a
 * majority (p->no_majority). */
void rm_votes_fold(struct rm_pairs *p, enum rm_judgments how);

#endif
