/* What the charts of the page are drawn with. Private to report_svg*.c. */
#ifndef PREFKIT_RM_REPORT_FRAME_H
#define PREFKIT_RM_REPORT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A chart's frame, in its own units (a unit is a pixel where there is room),
 * and what its edges stand for. */
struct frame {
    FILE *f;
    double left, right, top, bottom;
    double x0, x1, y0, y1;
};

double rm_frame_across(const struct frame *p, double x);
double rm_frame_up(const struct frame *p, double y);
void rm_frame_line(const struct frame *p, const char *class, double x0,
                   double y0, double x1, double y1);
void rm_frame_label(const struct frame *p, const char *anchor, double x,
                    double y, const char *text);
void rm_frame_begin(const struct frame *p, double width, double height,
                    const char *what);

/* Grid lines and numbers along x (at the bottom) or y (at the left). */
void rm_frame_ticks(const struct frame *p, bool x, double from, double step,
                    int count, int digits);

/* A judge's mark, a model's by its number (they come again after six), for
 * RM_BASELINE a baseline's; and the class of its colour: "w m3". */
void rm_frame_mark(FILE *f, size_t judge, double x, double y);
void rm_frame_class(char out[16], const char *kind, size_t judge);

/* A step of 1, 2 or 5 times a power of ten that takes `span` in at most six. */
double rm_frame_step(double span);

#endif
