/* What the charts of the page are drawn with; see frame.h. */
#include "rm/report/frame.h"

#include <math.h>
#include <string.h>

#include "rm/report/print.h"
#include "rm/report/svg.h"

double rm_frame_across(const struct frame *p, double x)
{
    return p->left + (x - p->x0) / (p->x1 - p->x0) * (p->right - p->left);
}

double rm_frame_up(const struct frame *p, double y)
{
    return p->bottom - (y - p->y0) / (p->y1 - p->y0) * (p->bottom - p->top);
}

void rm_frame_line(const struct frame *p, const char *class, double x0,
                   double y0, double x1, double y1)
{
    fprintf(p->f,
            "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
            "y2=\"%.1f\"/>",
            class, x0, y0, x1, y1);
}

void rm_frame_label(const struct frame *p, const char *anchor, double x,
                    double y, const char *text)
{
    fprintf(p->f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y,
            anchor);
    rm_put_html(p->f, text, strlen(text));
    fputs("</text>", p->f);
}

void rm_frame_begin(const struct frame *p, double width, double height,
                    const char *what)
{
    fprintf(p->f,
            "<svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
            "aria-label=\"%s\">",
            width, height, what);
}

void rm_frame_ticks(const struct frame *p, bool x, double from, double step,
                    int count, int digits)
{
    for (int i = 0; i < count; i++) {
        double v = from + i * step;
        char number[32];
        /* Never "-0.0". */
        snprintf(number, sizeof number, "%.*f", digits, fabs(v) < 1e-9 ? 0 : v);
        if (x) {
            rm_frame_line(p, "grid", rm_frame_across(p, v), p->top,
                          rm_frame_across(p, v), p->bottom);
            rm_frame_label(p, "middle", rm_frame_across(p, v), p->bottom + 17,
                           number);
        } else {
            rm_frame_line(p, "grid", p->left, rm_frame_up(p, v), p->right,
                          rm_frame_up(p, v));
            rm_frame_label(p, "end", p->left - 5, rm_frame_up(p, v) + 4,
                           number);
        }
    }
}

static const char *const shapes[] = {
    "M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0-8.4 0z", /* circle */
    "M-3.8-3.8h7.6v7.6h-7.6z",                          /* square */
    "M0-4.9L4.7 3.6H-4.7z",                             /* triangle */
    "M0-5.2L5.2 0L0 5.2L-5.2 0z",                       /* diamond */
    "M0 4.9L4.7-3.6H-4.7z",                             /* triangle, down */
    "M-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",    /* plus */
    "M-4-4L4 4M4-4L-4 4",                               /* cross: longer */
    "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z", /* ring: random */
};
enum { MODELS = 6 }; /* of these looks are models' */

static size_t look(size_t judge)
{
    if (judge == RM_BASELINE || judge == RM_RANDOM)
        return judge == RM_BASELINE ? MODELS : MODELS + 1;
    return judge % MODELS;
}

void rm_frame_mark(FILE *f, size_t judge, double x, double y)
{
    fprintf(f,
            "<path class=\"m m%zu\" transform=\"translate(%.1f %.1f)\" "
            "d=\"%s\"/>",
            look(judge), x, y, shapes[look(judge)]);
}

void rm_frame_class(char out[16], const char *kind, size_t judge)
{
    snprintf(out, 16, "%s m%zu", kind, look(judge));
}

double rm_frame_step(double span)
{
    double step = pow(10, floor(log10(span / 6)));
    static const double times[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++)
        if (span / (step * times[i]) <= 6)
            return step * times[i];
    return step * 10;
}
