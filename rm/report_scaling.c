/* The paper's Figure 6, drawn and told: accuracy on all judgments, and on those
 * that say "significantly better", by what the models saw and how large they
 * are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rm/report_frame.h"
#include "rm/report_html.h"
#include "rm/report_print.h"
#include "rm/report_svg.h"
#include "rm/scaling.h"

/* The group of judgments that say "significantly better", or NULL. */
static const struct rm_group *clearest(const struct rm_section *s)
{
    size_t n;
    const struct rm_group *g = rm_groups_by(s, RM_BY_STRENGTH, &n);
    return n && g->value == 3 ? g : NULL;
}

/* ---- As text ------------------------------------------------------------- */

static void put_tally(FILE *f, const struct rm_tally *t)
{
    double accuracy, low, high;
    fprintf(f, "%8llu", (unsigned long long)rm_tally_n(t));
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        fprintf(f, "%7.1f  [%5.1f, %5.1f]", 100 * accuracy, 100 * low,
                100 * high);
    else
        fprintf(f, "%7s%16s", "-", "");
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
    fprintf(f, "\nby size and comparisons seen\n%16s%8s%9s%8s%7s  %s", "",
            "size", "seen", "n", "acc %", "95% interval");
    if (clear)
        fprintf(f, "%10s%7s  %s", "clear", "acc %", "95% interval");
    fputc('\n', f);
    for (size_t i = 0; i < n; i++) {
        const struct rm_made *made = &r->model[order[i]].made;
        char parameters[16];
        rm_short_count(parameters, made->parameters);
        fputs("  ", f);
        rm_put_name(f, r->model[order[i]].name, 14);
        fprintf(f, "%8s%9llu", parameters, (unsigned long long)made->seen);
        put_tally(f, &s->group[0].model[order[i]]);
        if (clear)
            put_tally(f, &clear->model[order[i]]);
        fputc('\n', f);
    }
    fputs(clear ? "  (clear: those that say significantly better)\n" : "", f);
    free(order);
}

/* ---- As a chart ---------------------------------------------------------- */

/* What lies along x: comparisons seen or, where all saw as many, parameters. */
struct axis {
    bool seen;
    double low, high; /* log10 */
};

static double place(const struct axis *a, const struct rm_made *m)
{
    return log10((double)(a->seen ? m->seen : m->parameters));
}

static struct axis find_axis(const struct rm_report *r, const size_t *order,
                             size_t n)
{
    struct axis a = {false, INFINITY, -INFINITY};
    for (size_t i = 1; i < n; i++)
        a.seen |= r->model[order[i]].made.seen != r->model[order[0]].made.seen;
    for (size_t i = 0; i < n; i++) {
        double x = place(&a, &r->model[order[i]].made);
        a.low = fmin(a.low, x);
        a.high = fmax(a.high, x);
    }
    double room = fmax(0.05 * (a.high - a.low), 0.02);
    a.low -= room;
    a.high += room;
    return a;
}

/* 1, 2 and 5 times the powers of ten; where these are many, the powers. */
static void log_ticks(const struct frame *p, const struct axis *a)
{
    static const double times[] = {1, 2, 5};
    int most = a->high - a->low > 2 ? 1 : 3;
    for (int k = (int)floor(a->low); k <= (int)ceil(a->high); k++) {
        for (int t = 0; t < most; t++) {
            double x = k + log10(times[t]);
            char text[16];
            if (x < a->low || x > a->high)
                continue;
            rm_short_count(text, (uint64_t)llround(pow(10, x)));
            frame_line(p, "grid", frame_across(p, x), p->top,
                       frame_across(p, x), p->bottom);
            frame_label(p, "middle", frame_across(p, x), p->bottom + 17, text);
        }
    }
}

static void put_point(const struct frame *p, const struct rm_report *r,
                      const struct axis *a, size_t model,
                      const struct rm_tally *t)
{
    double accuracy, low, high, x = place(a, &r->model[model].made);
    char class[16];
    if (!rm_tally_accuracy(t, &accuracy, &low, &high))
        return;
    frame_class(class, "w", model);
    fputs("<g><title>", p->f);
    rm_put_html(p->f, r->model[model].name, strlen(r->model[model].name));
    fprintf(p->f,
            ": %.1f%% [%.1f, %.1f], n %llu; %llu comparisons seen</title>",
            100 * accuracy, 100 * low, 100 * high,
            (unsigned long long)rm_tally_n(t),
            (unsigned long long)r->model[model].made.seen);
    frame_line(p, class, frame_across(p, x), frame_up(p, low),
               frame_across(p, x), frame_up(p, high));
    frame_mark(p->f, model, frame_across(p, x), frame_up(p, accuracy));
    fputs("</g>", p->f);
}

/* From each point to the next of the same size. */
static void put_lines(const struct frame *p, const struct rm_report *r,
                      const struct axis *a, const size_t *order, size_t n,
                      const struct rm_group *g)
{
    for (size_t i = 1; i < n; i++) {
        const struct rm_made *x = &r->model[order[i - 1]].made;
        const struct rm_made *y = &r->model[order[i]].made;
        double from, to, low, high;
        if ((!a->seen || x->parameters == y->parameters) &&
            rm_tally_accuracy(&g->model[order[i - 1]], &from, &low, &high) &&
            rm_tally_accuracy(&g->model[order[i]], &to, &low, &high))
            frame_line(p, "axis", frame_across(p, place(a, x)),
                       frame_up(p, from), frame_across(p, place(a, y)),
                       frame_up(p, to));
    }
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
    frame_begin(&p, 360, 262, "Accuracy by what the models saw");
    log_ticks(&p, &a);
    frame_ticks(&p, false, p.y0, 0.1, (int)lround((p.y1 - p.y0) * 10) + 1, 1);
    frame_line(&p, "half", p.left, frame_up(&p, 0.5), p.right,
               frame_up(&p, 0.5));
    put_lines(&p, r, &a, order, n, g);
    for (size_t i = 0; i < n; i++)
        put_point(&p, r, &a, order[i], &g->model[order[i]]);
    frame_label(&p, "middle", 193, 258,
                a.seen ? "comparisons seen" : "parameters");
    fputs("</svg>", f);
}

/* ---- As a part of the page ----------------------------------------------- */

static void put_card(FILE *f, const struct rm_report *r, const size_t *order,
                     size_t n, const struct rm_group *g)
{
    bool all = g->by == RM_BY_ALL;
    fprintf(f,
            "<figure><figcaption><b>Accuracy by size and comparisons seen"
            "</b>, %s<span>n %llu; lines join models of one "
            "size</span></figcaption>",
            all ? "all judgments" : "significantly better",
            (unsigned long long)rm_tally_n(&g->longer));
    draw(f, r, order, n, g);
    rm_html_numbers(f, "<th></th><th>parameters</th><th>seen</th><th>n</th>"
                       "<th>acc&nbsp;%</th><th class=\"iv\">95% "
                       "interval</th>");
    for (size_t i = 0; i < n; i++) {
        const struct rm_made *made = &r->model[order[i]].made;
        const struct rm_tally *t = &g->model[order[i]];
        char parameters[16];
        rm_short_count(parameters, made->parameters);
        fputs("<tr><td>", f);
        rm_svg_key(f, order[i]);
        rm_html_text(f, r->model[order[i]].name);
        fprintf(f, "</td><td>%s</td><td>%llu</td><td>%llu</td>", parameters,
                (unsigned long long)made->seen,
                (unsigned long long)rm_tally_n(t));
        rm_html_share(f, t->wins, t->wins + t->losses);
        fputs("</tr>\n", f);
    }
    rm_html_close(f);
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
    fputs("<h3>Scaling</h3>\n<p class=\"soft\">As in Figure 6. Seen: the "
          "comparisons that the run which made the weights had trained on, "
          "each counted once. Models whose directory does not tell, or tells "
          "of another dimension, are left out.</p>\n<div class=\"cards\">\n",
          f);
    put_card(f, r, order, n, &s->group[0]);
    if (clear)
        put_card(f, r, order, n, clear);
    fputs("</div>\n", f);
    free(order);
}
