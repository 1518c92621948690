/* The paper's Figure 6, drawn and told: accuracy on all judgments, and on those
 * that say "significantly better", by what the models saw and how large they
 * are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/plain.h"
#include "rm/report/frame.h"
#include "rm/report/page.h"
#include "rm/report/print.h"
#include "rm/report/scaling.h"
#include "rm/report/svg.h"

/* The group of judgments that say "significantly better", or NULL. */
static const struct rm_group *clearest(const struct rm_section *s)
{
    size_t n;
    const struct rm_group *g = rm_groups_by(s, RM_BY_STRENGTH, &n);
    return n && g->value == 3 ? g : NULL;
}

/* Whose line a model is on: its run's, else its own. */
static size_t series(const struct rm_report *r, size_t model)
{
    size_t run = r->model[model].run;
    return run == RM_NO_RUN ? model : run;
}

static const char *series_name(const struct rm_report *r, size_t model)
{
    return r->model[series(r, model)].name;
}

/* What is done with the pairs that are counted. */
static const char *taken(enum rm_axis axis)
{
    return axis == RM_AXIS_TRAINED ? "trained on" : "seen";
}

/* ---- As text ------------------------------------------------------------- */

static void put_tally(FILE *f, const struct rm_tally *t)
{
    double accuracy, low, high;
    fprintf(f, "%7llu", (unsigned long long)rm_tally_n(t));
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        fprintf(f, "%7.1f  [%5.1f, %5.1f]", 100 * accuracy, 100 * low,
                100 * high);
    else
        fprintf(f, "%7s%16s", "-", "");
}

static void put_line(FILE *f, const struct rm_report *r, enum rm_axis axis,
                     size_t model, const struct rm_section *s)
{
    const struct rm_report_model *m = &r->model[model];
    const struct rm_group *clear = clearest(s);
    char parameters[16];
    rm_short_count(parameters, m->made.parameters);
    fputs("  ", f);
    pk_plain_column(f, series_name(r, model), 14);
    fprintf(f, "%7s%7llu%9llu", parameters, (unsigned long long)m->made.step,
            (unsigned long long)rm_scaling_seen(axis, &m->made));
    put_tally(f, &s->group[0].model[model]);
    if (clear)
        put_tally(f, &clear->model[model]);
    fputc('\n', f);
}

void rm_text_scaling(const struct rm_report *r, const struct rm_section *s,
                     FILE *f)
{
    size_t n;
    enum prefdb_dimension d = (enum prefdb_dimension)(s - r->section);
    const struct rm_group *clear = clearest(s);
    size_t *order = rm_scaling_useful(r, d) ? rm_scaling_order(r, d, &n) : NULL;
    if (!order)
        return;
    enum rm_axis axis = rm_scaling_axis(r, order, n);
    fprintf(f, "\nby size and pairs %s, on %s (Figure 6)\n", taken(axis),
            prefdb_dimension_name(d));
    fprintf(f, "%16s%7s%7s%9s%7s%7s  %s", "", "size", "step",
            axis == RM_AXIS_TRAINED ? "trained" : "seen", "n", "acc %",
            "95% interval");
    if (clear)
        fprintf(f, "%9s%7s  %s", "clear", "acc %", "95% interval");
    fputc('\n', f);
    for (size_t i = 0; i < n; i++)
        put_line(f, r, axis, order[i], s);
    fputs(axis == RM_AXIS_TRAINED
              ? "  (trained: pairs trained on, again in each epoch)\n"
              : "",
          f);
    fputs(clear ? "  (clear: those that say significantly better)\n" : "", f);
    free(order);
}

/* ---- As a chart ---------------------------------------------------------- */

/* What lies along x: by its logarithm, but for runs alone, whose models are as
 * many steps apart, from 0 on as it is. */
struct axis {
    enum rm_axis kind;
    bool plain;
    double low, high;
};

static double place(const struct axis *a, const struct rm_made *m)
{
    double x =
        (double)(a->kind == RM_AXIS_PARAMETERS ? m->parameters
                                               : rm_scaling_seen(a->kind, m));
    return a->plain ? x : log10(x);
}

static struct axis find_axis(const struct rm_report *r, const size_t *order,
                             size_t n)
{
    struct axis a = {rm_scaling_axis(r, order, n), true, INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++)
        a.plain &= r->model[order[i]].run != RM_NO_RUN;
    a.plain &= a.kind != RM_AXIS_PARAMETERS;
    for (size_t i = 0; i < n; i++) {
        double x = place(&a, &r->model[order[i]].made);
        a.low = fmin(a.low, x);
        a.high = fmax(a.high, x);
    }
    double room = fmax(0.05 * (a.high - a.low), 0.02);
    a.low = a.plain ? 0 : a.low - room;
    a.high += a.plain ? 0.02 * a.high : room;
    return a;
}

static void put_tick(const struct frame *p, double x, double count)
{
    char text[16];
    rm_short_count(text, (uint64_t)llround(count));
    rm_frame_line(p, "grid", rm_frame_across(p, x), p->top,
                  rm_frame_across(p, x), p->bottom);
    rm_frame_label(p, "middle", rm_frame_across(p, x), p->bottom + 17, text);
}

static void plain_ticks(const struct frame *p, const struct axis *a)
{
    double step = fmax(1, rm_frame_step(a->high));
    for (int i = 0; i * step <= a->high; i++)
        put_tick(p, i * step, i * step);
}

/* 1, 2 and 5 times the powers of ten; where these are many, the powers. */
static void log_ticks(const struct frame *p, const struct axis *a)
{
    static const double times[] = {1, 2, 5};
    int most = a->high - a->low > 2 ? 1 : 3;
    for (int k = (int)floor(a->low); k <= (int)ceil(a->high); k++) {
        for (int t = 0; t < most; t++) {
            double x = k + log10(times[t]);
            if (x >= a->low && x <= a->high)
                put_tick(p, x, pow(10, x));
        }
    }
}

/* Are these two neighbours, of one run, to be joined by a line and a band? */
static bool same_line(const struct rm_report *r, const struct axis *a,
                      const size_t *order, size_t i)
{
    return r->model[order[i]].run != RM_NO_RUN &&
           r->model[order[i]].run == r->model[order[i - 1]].run &&
           rm_scaling_joined(r, a->kind, order[i - 1], order[i]);
}

static void put_point(const struct frame *p, const struct rm_report *r,
                      const struct axis *a, size_t model,
                      const struct rm_tally *t, bool in_band)
{
    double accuracy, low, high, x = place(a, &r->model[model].made);
    char class[16];
    if (!rm_tally_accuracy(t, &accuracy, &low, &high))
        return;
    rm_frame_class(class, "w", series(r, model));
    fputs("<g><title>", p->f);
    rm_put_html(p->f, r->model[model].name, strlen(r->model[model].name));
    fprintf(p->f,
            ": %.1f%% [%.1f, %.1f], n %llu; step %llu, %llu pairs "
            "%s</title>",
            100 * accuracy, 100 * low, 100 * high,
            (unsigned long long)rm_tally_n(t),
            (unsigned long long)r->model[model].made.step,
            (unsigned long long)rm_scaling_seen(a->kind, &r->model[model].made),
            taken(a->kind));
    if (!in_band)
        rm_frame_line(p, class, rm_frame_across(p, x), rm_frame_up(p, low),
                      rm_frame_across(p, x), rm_frame_up(p, high));
    rm_frame_mark(p->f, series(r, model), rm_frame_across(p, x),
                  rm_frame_up(p, accuracy));
    fputs("</g>", p->f);
}

/* Between the intervals of two models of a run. */
static void put_band(const struct frame *p, size_t run, double x0, double x1,
                     const double ends[4])
{
    char class[16];
    rm_frame_class(class, "band", run);
    fprintf(p->f,
            "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f "
            "%.1fz\"/>",
            class, x0, rm_frame_up(p, ends[0]), x1, rm_frame_up(p, ends[2]), x1,
            rm_frame_up(p, ends[3]), x0, rm_frame_up(p, ends[1]));
}

/* From each point to the next of the same run, or size. */
static void put_lines(const struct frame *p, const struct rm_report *r,
                      const struct axis *a, const size_t *order, size_t n,
                      const struct rm_group *g)
{
    for (size_t i = 1; i < n; i++) {
        const struct rm_report_model *x = &r->model[order[i - 1]];
        const struct rm_report_model *y = &r->model[order[i]];
        double x0 = rm_frame_across(p, place(a, &x->made));
        double x1 = rm_frame_across(p, place(a, &y->made));
        double from, to, ends[4];
        char class[16] = "axis";
        if (!rm_scaling_joined(r, a->kind, order[i - 1], order[i]) ||
            !rm_tally_accuracy(&g->model[order[i - 1]], &from, &ends[0],
                               &ends[1]) ||
            !rm_tally_accuracy(&g->model[order[i]], &to, &ends[2], &ends[3]))
            continue;
        if (same_line(r, a, order, i)) {
            put_band(p, x->run, x0, x1, ends);
            rm_frame_class(class, "w", x->run);
        }
        rm_frame_line(p, class, x0, rm_frame_up(p, from), x1,
                      rm_frame_up(p, to));
    }
}

static void put_points(const struct frame *p, const struct rm_report *r,
                       const struct axis *a, const size_t *order, size_t n,
                       const struct rm_group *g)
{
    for (size_t i = 0; i < n; i++)
        put_point(p, r, a, order[i], &g->model[order[i]],
                  (i > 0 && same_line(r, a, order, i)) ||
                      (i + 1 < n && same_line(r, a, order, i + 1)));
}

static void draw(FILE *f, const struct rm_report *r, const size_t *order,
                 size_t n, const struct rm_group *g)
{
    struct axis a = find_axis(r, order, n);
    struct frame p = {.f = f,
                      .left = 40,
                      .right = 346,
                      .top = 10,
                      .bottom = 226,
                      .x0 = a.low,
                      .x1 = a.high};
    double bottom = 0.5, top = 0.5;
    for (size_t i = 0; i < n; i++) {
        double accuracy, low, high;
        if (!rm_tally_accuracy(&g->model[order[i]], &accuracy, &low, &high))
            continue;
        bottom = fmin(bottom, low);
        top = fmax(top, high);
    }
    p.y0 = floor(bottom * 10) / 10;
    p.y1 = fmax(ceil(top * 10) / 10, p.y0 + 0.1);
    rm_frame_begin(&p, 360, 262, "Accuracy by what the models saw");
    (a.plain ? plain_ticks : log_ticks)(&p, &a);
    rm_frame_ticks(&p, false, p.y0, 0.1, (int)lround((p.y1 - p.y0) * 10) + 1,
                   1);
    rm_frame_line(&p, "half", p.left, rm_frame_up(&p, 0.5), p.right,
                  rm_frame_up(&p, 0.5));
    put_lines(&p, r, &a, order, n, g);
    put_points(&p, r, &a, order, n, g);
    char what[32];
    snprintf(what, sizeof what, "pairs %s", taken(a.kind));
    rm_frame_label(&p, "middle", 193, 258,
                   a.kind == RM_AXIS_PARAMETERS ? "parameters" : what);
    fputs("</svg>", f);
}

/* The heads of the table of numbers. */
#define COLUMNS(x)                                                             \
    "<th></th><th>parameters</th><th>step</th><th>" x                          \
    "</th><th>n</th><th>acc&nbsp;%</th><th class=\"iv\">95% interval</th>"

/* ---- As a part of the page ----------------------------------------------- */

static void put_numbers(FILE *f, const struct rm_report *r, enum rm_axis axis,
                        size_t model, const struct rm_tally *t)
{
    const struct rm_made *made = &r->model[model].made;
    char parameters[16];
    rm_short_count(parameters, made->parameters);
    fputs("<tr><td>", f);
    rm_svg_key(f, series(r, model));
    rm_html_text(f, series_name(r, model));
    fprintf(f, "</td><td>%s</td><td>%llu</td><td>%llu</td><td>%llu</td>",
            parameters, (unsigned long long)made->step,
            (unsigned long long)rm_scaling_seen(axis, made),
            (unsigned long long)rm_tally_n(t));
    rm_html_accuracy(f, t);
    fputs("</tr>\n", f);
}

/* Whose lines they are, where there are runs. */
static void put_runs(FILE *f, const struct rm_report *r, const size_t *order,
                     size_t n)
{
    const char *before = ", or of one run, in the band of their intervals: ";
    for (size_t i = 0; i < n; i++) {
        const struct rm_report_model *m = &r->model[order[i]];
        char parameters[16];
        if (m->run == RM_NO_RUN ||
            (i > 0 && r->model[order[i - 1]].run == m->run))
            continue;
        rm_short_count(parameters, m->made.parameters);
        fputs(before, f);
        rm_svg_key(f, m->run);
        rm_html_text(f, r->model[m->run].name);
        fprintf(f, " (%s)", parameters);
        before = ", ";
    }
}

static void put_card(FILE *f, const struct rm_report *r, const size_t *order,
                     size_t n, const struct rm_group *g)
{
    bool all = g->by == RM_BY_ALL;
    enum rm_axis axis = rm_scaling_axis(r, order, n);
    fprintf(f,
            "<figure><figcaption><b>Accuracy by size and pairs %s"
            "</b>, %s<span>n %llu; lines join models of one size",
            taken(axis), all ? "all judgments" : "significantly better",
            (unsigned long long)rm_tally_n(&g->longer));
    put_runs(f, r, order, n);
    fputs("</span></figcaption>", f);
    draw(f, r, order, n, g);
    rm_html_numbers(f, axis == RM_AXIS_TRAINED ? COLUMNS("trained&nbsp;on")
                                               : COLUMNS("seen"));
    for (size_t i = 0; i < n; i++)
        put_numbers(f, r, axis, order[i], &g->model[order[i]]);
    rm_html_close(f);
}

static void put_meaning(FILE *f, enum rm_axis axis)
{
    fputs("<h3>Scaling</h3>\n<p class=\"soft\">As in Figure 6. ", f);
    fputs(axis == RM_AXIS_TRAINED
              ? "Trained on: the training pairs that the run which made the "
                "weights had taken up to that step, again in each epoch. "
              : "Seen: the training pairs that the run which made the weights "
                "had "
                "trained on, each counted once. ",
          f);
    fputs("A pair is a comparison or, where the run took each judgment by "
          "itself, a judgment. Models whose directory does not tell, or tells "
          "of another "
          "dimension, are left out.</p>\n<div class=\"cards\">\n",
          f);
}

void rm_html_scaling(FILE *f, const struct rm_report *r,
                     const struct rm_section *s)
{
    size_t n;
    enum prefdb_dimension d = (enum prefdb_dimension)(s - r->section);
    const struct rm_group *clear = clearest(s);
    size_t *order = rm_scaling_useful(r, d) ? rm_scaling_order(r, d, &n) : NULL;
    if (!order)
        return;
    put_meaning(f, rm_scaling_axis(r, order, n));
    put_card(f, r, order, n, &s->group[0]);
    if (clear)
        put_card(f, r, order, n, clear);
    fputs("</div>\n", f);
    free(order);
}
