/* The charts of the page: plain SVG whose colours come from the page's style
 * sheet (rm/report/page.css), and whose width is what there is. Models are told
 * apart by the shape of their mark as well as by its colour. */
#ifndef PREFKIT_RM_REPORT_SVG_H
#define PREFKIT_RM_REPORT_SVG_H

#include <stdio.h>

#include "rm/report/report.h"

/* A judge's mark by itself, for a line of text: a model's by its number, or a
 * baseline's. */
#define RM_BASELINE SIZE_MAX       /* the longer response wins */
#define RM_RANDOM   (SIZE_MAX - 1) /* and choosing at random */
void rm_svg_key(FILE *f, size_t judge);

/* A row of a table: 0 to 100% across, the mark at the accuracy, a line along
 * its interval; and the row of the axis above them. */
void rm_svg_interval(FILE *f, size_t judge, const struct rm_tally *t);
void rm_svg_random(FILE *f, const struct rm_random *x);
void rm_svg_interval_axis(FILE *f);

void rm_svg_reliability(FILE *f, size_t model, const struct rm_calibration *c);
void rm_svg_gaps(FILE *f, const struct rm_report *r,
                 const struct rm_section *s);
void rm_svg_histogram(FILE *f, const struct rm_histogram *h);
void rm_svg_thresholds(FILE *f, const struct rm_finder *u);
void rm_svg_scatter(FILE *f, const struct rm_report *r, bool safe,
                    const struct rm_cells *c);

#endif
