/* The parts of the page. */
#ifndef PREFKIT_RM_REPORT_PAGE_H
#define PREFKIT_RM_REPORT_PAGE_H

#include <stdio.h>

#include "rm/report/report.h"

/* A NUL-terminated text, escaped. */
void rm_html_text(FILE *f, const char *s);

/* "81.7</td><td ...>[75.7, 86.5]": a share in two cells; dashes for n = 0. */
void rm_html_share(FILE *f, const struct rm_hits *h);
void rm_html_accuracy(FILE *f, const struct rm_tally *t);

/* The table of numbers under a chart, up to its rows; and the end of both. */
void rm_html_numbers(FILE *f, const char *columns);
void rm_html_close(FILE *f);

/* Figure 6, where the models differ in size or in what they saw. */
void rm_html_scaling(FILE *f, const struct rm_report *r,
                     const struct rm_section *s);

/* Figure 29; nothing where no response was rated. */
void rm_html_rated(FILE *f, const struct rm_report *r);

/* RewardBench's own numbers; nothing for NULL. */
void rm_html_bench(FILE *f, const struct rm_report *r,
                   const struct rm_bench *b);

/* Calibration, thresholds and scores of one dimension, and its mistakes. */
void rm_html_scores(FILE *f, const struct rm_report *r,
                    const struct rm_section *s);
void rm_html_mistakes(FILE *f, const struct rm_report *r,
                      const struct rm_section *s);

#endif
