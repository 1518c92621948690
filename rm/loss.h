/* The ranking loss, and the margins that a stated strength gives it. */
#ifndef PREFKIT_RM_LOSS_H
#define PREFKIT_RM_LOSS_H

#include <stdbool.h>

/* Margins by strength, paper Table 27:
 *
 *            significantly   better   slightly   negligibly better or unsure
 *     none         0            0         0          0
 *     small        1           2/3       1/3         0
 *     large        3            2         1          0
 */
enum rm_margin { RM_MARGIN_NONE, RM_MARGIN_SMALL, RM_MARGIN_LARGE };

const char *rm_margin_name(enum rm_margin m);
bool rm_parse_margin(const char *s, enum rm_margin *out);

/* The margin of a judgment; strength 0..3, or PREFDB_UNSTATED, which gives 0.
 */
double rm_margin_of(enum rm_margin m, int strength);

/* -log sigma(chosen - rejected - margin), in nats: the paper's equation 2, and
 * equation 1 at margin 0. Exact in both tails: 0 towards +infinity, the
 * distance itself towards -infinity. *slope, if not NULL, is its derivative by
 * `chosen`, in [-1, 0]; by `rejected` it is the opposite. */
double rm_loss(double chosen, double rejected, double margin, double *slope);

#endif
