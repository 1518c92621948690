/* The charts of the page; see svg.h. */
#include "rm/report/svg.h"

#include <math.h>
#include <string.h>

#include "rm/report/frame.h"
#include "rm/report/print.h"

void rm_svg_key(FILE *f, size_t judge)
{
    fputs("<svg class=\"key\" viewBox=\"-7 -7 14 14\" aria-hidden=\"true\">",
          f);
    rm_frame_mark(f, judge, 0, 0);
    fputs("</svg>", f);
}

enum { ROW_WIDTH = 240, ROW_HEIGHT = 26 };

static struct frame row(FILE *f)
{
    return (struct frame){.f = f,
                          .left = 12,
                          .right = ROW_WIDTH - 12,
                          .bottom = ROW_HEIGHT,
                          .x1 = 100,
                          .y1 = 1};
}

static void row_grid(const struct frame *p)
{
    for (int x = 0; x <= 100; x += 25)
        rm_frame_line(p, x == 50 ? "half" : "grid", rm_frame_across(p, x), 0,
                      rm_frame_across(p, x), ROW_HEIGHT);
}

static void begin_row(const struct frame *p)
{
    fprintf(p->f,
            "<svg class=\"row\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">",
            ROW_WIDTH, ROW_HEIGHT);
    row_grid(p);
}

static void put_interval(const struct frame *p, size_t judge, double at,
                         double low, double high)
{
    char class[16];
    rm_frame_class(class, "w", judge);
    rm_frame_line(p, class, rm_frame_across(p, 100 * low), 13,
                  rm_frame_across(p, 100 * high), 13);
    rm_frame_mark(p->f, judge, rm_frame_across(p, 100 * at), 13);
}

void rm_svg_interval(FILE *f, size_t judge, const struct rm_tally *t)
{
    struct frame p = row(f);
    double accuracy, low, high;
    begin_row(&p);
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        put_interval(&p, judge, accuracy, low, high);
    fputs("</svg>", f);
}

void rm_svg_random(FILE *f, const struct rm_random *x)
{
    struct frame p = row(f);
    begin_row(&p);
    put_interval(&p, RM_RANDOM, x->accuracy, x->low, x->high);
    fputs("</svg>", f);
}

void rm_svg_interval_axis(FILE *f)
{
    struct frame p = row(f);
    fprintf(f, "<svg class=\"row\" viewBox=\"0 0 %d 18\" aria-hidden=\"true\">",
            ROW_WIDTH);
    for (int x = 0; x <= 100; x += 50) {
        char text[16];
        snprintf(text, sizeof text, "%d%s", x, x == 100 ? "%" : "");
        rm_frame_label(&p, "middle", rm_frame_across(&p, x), 13, text);
    }
    fputs("</svg>", f);
}

void rm_svg_reliability(FILE *f, size_t model, const struct rm_calibration *c)
{
    struct frame p = {.f = f,
                      .left = 40,
                      .right = 346,
                      .top = 10,
                      .bottom = 196,
                      .x0 = 0.5,
                      .x1 = 1,
                      .y1 = 1};
    rm_frame_begin(&p, 360, 270,
                   "Observed agreement against the model's confidence");
    rm_frame_ticks(&p, true, 0.5, 0.1, 6, 1);
    rm_frame_ticks(&p, false, 0, 0.25, 5, 2);
    rm_frame_line(&p, "ideal", rm_frame_across(&p, 0.5), rm_frame_up(&p, 0.5),
                  rm_frame_across(&p, 1), rm_frame_up(&p, 1));
    uint64_t most = 1;
    for (int i = 0; i < RM_CALIBRATION_BINS; i++)
        most = c->bin[i].right.n > most ? c->bin[i].right.n : most;
    for (int i = 0; i < RM_CALIBRATION_BINS; i++) {
        const struct rm_calibration_bin *b = &c->bin[i];
        if (b->right.n == 0)
            continue;
        struct rm_share s = rm_share_of(&b->right);
        double x = rm_frame_across(&p, b->confidence);
        fprintf(f,
                "<g><title>confidence %.3f: right %.1f%% [%.1f, %.1f], n "
                "%llu</title>",
                b->confidence, s.share, s.low, s.high,
                (unsigned long long)b->right.n);
        char class[16];
        rm_frame_class(class, "w", model);
        rm_frame_line(&p, class, x, rm_frame_up(&p, s.low / 100), x,
                      rm_frame_up(&p, s.high / 100));
        rm_frame_mark(f, model, x, rm_frame_up(&p, s.share / 100));
        double tall = 32 * (double)b->right.n / (double)most;
        fprintf(f,
                "<rect class=\"n\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"%.1f\"/></g>",
                rm_frame_across(&p, 0.5 + i * 0.05) + 1, 250 - tall,
                (p.right - p.left) / RM_CALIBRATION_BINS - 2, tall);
    }
    rm_frame_line(&p, "axis", p.left, 250, p.right, 250);
    rm_frame_label(&p, "end", p.left - 5, 250, "n");
    rm_frame_label(&p, "middle", 193, 265, "confidence, sigma(|difference|)");
    fputs("</svg>", f);
}

/* Room for every mean and one standard deviation each way, and for zero. */
static void gap_range(const struct rm_report *r, const struct rm_section *s,
                      struct frame *p, double *step)
{
    double low = 0, high = 0;
    for (size_t m = 0; m < r->n_models; m++) {
        for (int i = 0; i < RM_STRENGTHS; i++) {
            const struct rm_gap *g = &s->view[m].gap[i];
            if (g->n == 0)
                continue;
            low = fmin(low, g->mean - g->sd);
            high = fmax(high, g->mean + g->sd);
        }
    }
    if (high - low < 1e-9)
        high = low + 1;
    *step = rm_frame_step(high - low);
    p->y0 = floor(low / *step) * *step;
    p->y1 = ceil(high / *step) * *step;
}

static void put_gap(const struct frame *p, const struct rm_report *r,
                    size_t model, const struct rm_gap *g, double slot)
{
    double x = rm_frame_across(
        p, slot + ((double)model + 0.5) / (double)r->n_models * 0.7 + 0.15);
    char class[16];
    rm_frame_class(class, "w", model);
    fputs("<g><title>", p->f);
    rm_put_html(p->f, r->model[model].name, strlen(r->model[model].name));
    fprintf(p->f, ": mean %.3f, sd %.3f, n %llu</title>", g->mean, g->sd,
            (unsigned long long)g->n);
    rm_frame_line(p, class, x, rm_frame_up(p, g->mean - g->sd), x,
                  rm_frame_up(p, g->mean + g->sd));
    rm_frame_mark(p->f, model, x, rm_frame_up(p, g->mean));
    fputs("</g>", p->f);
}

void rm_svg_gaps(FILE *f, const struct rm_report *r, const struct rm_section *s)
{
    static const char *const names[] = {"negligibly", "slightly", "better",
                                        "significantly", "unstated"};
    struct frame p = {
        .f = f, .left = 40, .right = 346, .top = 10, .bottom = 226};
    int used = 0;
    for (int i = 0; i < RM_STRENGTHS; i++)
        used += s->view[0].gap[i].n > 0;
    double step;
    p.x1 = used;
    gap_range(r, s, &p, &step);
    rm_frame_begin(&p, 360, 262, "Mean score difference by strength");
    rm_frame_ticks(&p, false, p.y0, step, (int)lround((p.y1 - p.y0) / step) + 1,
                   step < 1 ? (int)ceil(-log10(step)) : 0);
    rm_frame_line(&p, "half", p.left, rm_frame_up(&p, 0), p.right,
                  rm_frame_up(&p, 0));
    int slot = 0;
    for (int i = 0; i < RM_STRENGTHS; i++) {
        if (s->view[0].gap[i].n == 0)
            continue;
        for (size_t m = 0; m < r->n_models; m++)
            put_gap(&p, r, m, &s->view[m].gap[i], slot);
        rm_frame_label(&p, "middle", rm_frame_across(&p, slot + 0.5), 242,
                       names[i]);
        slot++;
    }
    fputs("</svg>", f);
}

static void bar(const struct frame *p, const char *class, int bin, uint64_t n,
                double sign)
{
    if (n == 0)
        return;
    double x = rm_frame_across(p, bin / (double)RM_HISTOGRAM_BINS);
    double y = rm_frame_up(p, sign * (double)n), zero = rm_frame_up(p, 0);
    fprintf(p->f,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
            "height=\"%.1f\"><title>%.2f to %.2f: %llu</title></rect>",
            class, x + 0.5, fmin(y, zero),
            (p->right - p->left) / RM_HISTOGRAM_BINS - 1, fabs(y - zero),
            bin / 20.0, (bin + 1) / 20.0, (unsigned long long)n);
}

void rm_svg_histogram(FILE *f, const struct rm_histogram *h)
{
    struct frame p = {
        .f = f, .left = 40, .right = 346, .top = 10, .bottom = 226, .x1 = 1};
    double most = 1;
    for (int i = 0; i < RM_HISTOGRAM_BINS; i++) {
        most = fmax(most, (double)h->chosen[i]);
        most = fmax(most, (double)h->rejected[i]);
    }
    double step = fmax(1, rm_frame_step(2 * most));
    int side = (int)ceil(most / step);
    p.y1 = side * step;
    p.y0 = -p.y1;
    rm_frame_begin(&p, 360, 262, "Scores of chosen and rejected responses");
    for (int i = -side; i <= side; i++) {
        char number[32];
        snprintf(number, sizeof number, "%.0f", fabs(i * step));
        rm_frame_line(&p, "grid", p.left, rm_frame_up(&p, i * step), p.right,
                      rm_frame_up(&p, i * step));
        rm_frame_label(&p, "end", p.left - 5, rm_frame_up(&p, i * step) + 4,
                       number);
    }
    for (int i = 0; i < RM_HISTOGRAM_BINS; i++) {
        bar(&p, "chosen", i, h->chosen[i], 1);
        bar(&p, "rejected", i, h->rejected[i], -1);
    }
    rm_frame_line(&p, "axis", p.left, rm_frame_up(&p, 0), p.right,
                  rm_frame_up(&p, 0));
    for (int i = 0; i <= 4; i++) {
        char number[32];
        snprintf(number, sizeof number, "%.2f", i / 4.0);
        rm_frame_label(&p, "middle", rm_frame_across(&p, i / 4.0),
                       p.bottom + 17, number);
    }
    rm_frame_label(&p, "middle", 193, 258, "sigma(r)");
    rm_frame_label(&p, "middle", 193, p.top + 12, "chosen");
    rm_frame_label(&p, "middle", 193, p.bottom - 5, "rejected");
    fputs("</svg>", f);
}

static void curve(const struct frame *p, const struct rm_finder *u, bool recall)
{
    fprintf(p->f, "<path class=\"%s\" d=\"", recall ? "recall" : "precision");
    char pen = 'M';
    for (int i = 0; i < RM_THRESHOLDS; i++) {
        const struct rm_threshold *t = &u->at[i];
        double share, low, high;
        if (!rm_hits_share(recall ? &t->recall : &t->precision, &share, &low,
                           &high))
            continue;
        fprintf(p->f, "%c%.1f %.1f", pen, rm_frame_across(p, t->sigma),
                rm_frame_up(p, share));
        pen = 'L';
    }
    fputs("\"/>", p->f);
}

void rm_svg_thresholds(FILE *f, const struct rm_finder *u)
{
    struct frame p = {.f = f,
                      .left = 40,
                      .right = 346,
                      .top = 18,
                      .bottom = 226,
                      .x1 = 1,
                      .y1 = 1};
    rm_frame_begin(&p, 360, 262, "Precision and recall of unsafe by threshold");
    rm_frame_ticks(&p, true, 0, 0.25, 5, 2);
    rm_frame_ticks(&p, false, 0, 0.25, 5, 2);
    double paper = rm_frame_across(&p, u->at[RM_PAPER_THRESHOLD].sigma);
    rm_frame_line(&p, "half", paper, p.top, paper, p.bottom);
    rm_frame_label(&p, "middle", paper, p.top - 5, "0.15");
    if (u->found) {
        double x = rm_frame_across(&p, u->wanted.sigma);
        rm_frame_line(&p, "found", x, p.top, x, p.bottom);
        rm_frame_mark(f, RM_BASELINE, x,
                      rm_frame_up(&p, (double)u->wanted.precision.hits /
                                          (double)u->wanted.precision.n));
    }
    curve(&p, u, true);
    curve(&p, u, false);
    rm_frame_label(&p, "middle", 193, 258, "unsafe when sigma(r) is below");
    fputs("</svg>", f);
}

void rm_svg_scatter(FILE *f, const struct rm_report *r, bool safe,
                    const struct rm_cells *c)
{
    struct frame p = {.f = f,
                      .left = 48,
                      .right = 346,
                      .top = 10,
                      .bottom = 308,
                      .x1 = 1,
                      .y1 = 1};
    rm_frame_begin(&p, 360, 346,
                   safe ? "Scores of safe responses"
                        : "Scores of unsafe responses");
    rm_frame_ticks(&p, true, 0, 0.25, 5, 2);
    rm_frame_ticks(&p, false, 0, 0.25, 5, 2);
    uint64_t most = 1;
    for (int i = 0; i < RM_SCATTER_BINS * RM_SCATTER_BINS; i++) {
        uint64_t n = c->at[i / RM_SCATTER_BINS][i % RM_SCATTER_BINS];
        most = n > most ? n : most;
    }
    for (int y = 0; y < RM_SCATTER_BINS; y++) {
        for (int x = 0; x < RM_SCATTER_BINS; x++) {
            if (c->at[y][x] == 0)
                continue;
            /* Area tells the number; one response is still to be seen. */
            double radius = sqrt((double)c->at[y][x] / (double)most) * 14;
            fprintf(f,
                    "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" "
                    "r=\"%.2f\"><title>%llu</title></circle>",
                    safe ? "safe" : "unsafe",
                    rm_frame_across(&p, (x + 0.5) / 10),
                    rm_frame_up(&p, (y + 0.5) / 10), fmax(radius, 1.2),
                    (unsigned long long)c->at[y][x]);
        }
    }
    rm_frame_label(&p, "middle", 197, 340, r->model[0].name);
    fputs("<g transform=\"translate(11 159) rotate(-90)\">", f);
    rm_frame_label(&p, "middle", 0, 0, r->model[1].name);
    fputs("</g></svg>", f);
}
