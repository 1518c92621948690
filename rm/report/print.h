/* What the forms of a report share: shares, names of things, and other
 * people's text made harmless in HTML. */
#ifndef PREFKIT_RM_REPORT_PRINT_H
#define PREFKIT_RM_REPORT_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "rm/report/report.h"

/* Text of the store for HTML, in elements and in quoted attributes, with the
 * marks of common/plain.h; newlines and tabs stay. */
void rm_put_html(FILE *f, const char *s, size_t len);

/* The share of hits with its 95% interval, in percent. */
struct rm_share {
    double share, low, high;
};
struct rm_share rm_share_of(const struct rm_hits *h);

/* "user", ... */
const char *rm_role_name(enum prefdb_role role);

/* Whether there is something to say about unsafe responses. */
bool rm_finder_useful(const struct rm_finder *f);

/* The name of struct rm_view's gap number i. */
const char *rm_gap_name(int i);

/* "1 ties, 4 preferred unsafe", with `before` in front of it; nothing when
 * nothing was left out. */
void rm_put_left_out(FILE *f, const struct rm_left_out *l, const char *before);

#endif
