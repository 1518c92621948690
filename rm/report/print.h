/* What the forms of a report share: names in columns, and other people's text
 * made harmless. */
#ifndef PREFKIT_RM_REPORT_PRINT_H
#define PREFKIT_RM_REPORT_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "rm/report/report.h"

/* A name in exactly `columns` columns, a long one shortened at its end. One
 * column a code point: names of sources are rarely anything else. */
void rm_put_name(FILE *f, const char *name, size_t columns);

/* Text of the store. Control characters but for tab and newline, marks that
 * change the direction of what follows, and bytes that are not UTF-8 are shown
 * as <U+202E> and <FF>. The second puts `indent` after each newline; the third
 * is for HTML, in elements and in quoted attributes. */
void rm_put_text(FILE *f, const char *s, size_t len, const char *indent);
void rm_put_html(FILE *f, const char *s, size_t len);

/* The share k of n with its 95% Wilson interval, in percent. */
struct rm_share {
    double share, low, high;
};
struct rm_share rm_share_of(uint64_t k, uint64_t n);

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
