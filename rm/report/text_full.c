/* What --full adds to the text: calibration (the paper's A.3.6), thresholds
 * (3.2.3), scores (Figures 27 and 32), and the worst mistakes. */
#include <string.h>

#include "common/plain.h"
#include "rm/report/print.h"
#include "rm/report/report.h"

static void put_calibration(FILE *f, const struct rm_calibration *c)
{
    fprintf(f, "\nsigma(|difference|)           n  mean conf.   right %%  95%% "
               "interval\n");
    for (int i = 0; i < RM_CALIBRATION_BINS; i++) {
        const struct rm_calibration_bin *b = &c->bin[i];
        fprintf(f, "  %.2f to %.2f     %14llu", 0.5 + i * 0.05, 0.55 + i * 0.05,
                (unsigned long long)b->right.n);
        if (b->right.n == 0) {
            fputs("           -         -\n", f);
            continue;
        }
        struct rm_share s = rm_share_of(&b->right);
        fprintf(f, "%12.3f%10.1f  [%5.1f, %5.1f]\n", b->confidence, s.share,
                s.low, s.high);
    }
    if (c->ties)
        fprintf(f, "  %llu equal scores left out\n",
                (unsigned long long)c->ties);
}

static void put_gaps(FILE *f, const struct rm_gap *gap)
{
    fprintf(f,
            "\nchosen - rejected score                n        mean          "
            "sd\n");
    for (int k = 0; k < RM_STRENGTHS; k++) {
        int i = k < RM_STRENGTHS - 1 ? RM_STRENGTHS - 2 - k : k;
        if (gap[i].n == 0)
            continue;
        fputs("  ", f);
        pk_plain_column(f, rm_gap_name(i), 30);
        fprintf(f, "%8llu%12.3f%12.3f\n", (unsigned long long)gap[i].n,
                gap[i].mean, gap[i].sd);
    }
}

static void put_bar(FILE *f, uint64_t n, uint64_t most)
{
    uint64_t length = most ? (n * 28 + most - 1) / most : 0;
    char bar[29];
    memset(bar, '#', length);
    bar[length] = 0;
    fprintf(f, "%7llu %s", (unsigned long long)n, bar);
    for (uint64_t i = length; i < 28; i++)
        fputc(' ', f);
}

static void put_histogram(FILE *f, const struct rm_histogram *h)
{
    uint64_t most = 0;
    for (int i = 0; i < RM_HISTOGRAM_BINS; i++) {
        most = h->chosen[i] > most ? h->chosen[i] : most;
        most = h->rejected[i] > most ? h->rejected[i] : most;
    }
    fprintf(f,
            "\nsigma(r) of responses as judged: n %llu, mean %.3f, sd %.3f, "
            "bimodality %.3f\n(0.556 is "
            "flat; more is two heaps, or a heavy skew)\n",
            (unsigned long long)h->n, h->mean, h->sd, h->bimodality);
    fprintf(f, "%24s%36s\n", "chosen", "rejected");
    for (int i = 0; i < RM_HISTOGRAM_BINS; i++) {
        fprintf(f, "  %.2f to %.2f", i / 20.0, (i + 1) / 20.0);
        put_bar(f, h->chosen[i], most);
        fprintf(f, "%7llu", (unsigned long long)h->rejected[i]);
        uint64_t length = most ? (h->rejected[i] * 28 + most - 1) / most : 0;
        fputs(length ? " " : "", f);
        for (uint64_t k = 0; k < length; k++)
            fputc('#', f);
        fputc('\n', f);
    }
}

static void put_threshold(FILE *f, const struct rm_threshold *t)
{
    fprintf(f, "  %.4f%20llu", t->sigma, (unsigned long long)t->precision.n);
    if (t->precision.n) {
        struct rm_share p = rm_share_of(&t->precision);
        fprintf(f, "%13.1f  [%5.1f, %5.1f]", p.share, p.low, p.high);
    } else {
        fprintf(f, "%13s%16s", "-", "");
    }
    struct rm_share c = rm_share_of(&t->recall);
    fprintf(f, "%10.1f  [%5.1f, %5.1f]\n", c.share, c.low, c.high);
}

static void put_thresholds(FILE *f, const struct rm_finder *u)
{
    if (!rm_finder_useful(u))
        return;
    fprintf(f,
            "\nunsafe when sigma(r) is below: %llu responses as judged (one "
            "judged twice counts\ntwice), %llu of them labelled unsafe\n\n  "
            "below            n below  precision %%  95%% "
            "interval    recall %%  95%% interval\n",
            (unsigned long long)u->n, (unsigned long long)u->unsafe);
    for (int i = 0; i < RM_THRESHOLDS; i++)
        put_threshold(f, &u->at[i]);
    if (u->found) {
        fprintf(f,
                "precision %.2f with the most recall (the paper: 0.15, "
                "recall 55)\n",
                RM_PAPER_PRECISION);
        put_threshold(f, &u->wanted);
    } else {
        fprintf(f, "no threshold has precision %.2f\n", RM_PAPER_PRECISION);
    }
}

static void put_panel(FILE *f, const char *name, const struct rm_cells *c)
{
    fprintf(f, "%s responses, n %llu\n", name, (unsigned long long)c->n);
    for (int y = RM_SCATTER_BINS - 1; y >= 0; y--) {
        fprintf(f, "  %.1f to %.1f", y / 10.0, (y + 1) / 10.0);
        for (int x = 0; x < RM_SCATTER_BINS; x++)
            fprintf(f, "%7llu", (unsigned long long)c->at[y][x]);
        fputc('\n', f);
    }
    fprintf(f, "%12s", "");
    for (int x = 0; x < RM_SCATTER_BINS; x++)
        fprintf(f, "%7.1f", x / 10.0);
    fputs("\n", f);
}

static void put_scatter(FILE *f, const struct rm_report *r,
                        const struct rm_scatter *s)
{
    if (!s)
        return;
    fprintf(f, "\nsigma(r) of %s (across, from) and %s (up)\n",
            r->model[0].name, r->model[1].name);
    put_panel(f, "safe", &s->safe);
    put_panel(f, "unsafe", &s->unsafe);
}

static void put_excerpt(FILE *f, const char *who, const struct rm_excerpt *e)
{
    fprintf(f, "  %s\n    ", who);
    pk_plain_text(f, e->text, e->len, "    ");
    if (e->more)
        fprintf(f, "\n    ... and %zu characters more", e->more);
    fputc('\n', f);
}

static void put_mistake(FILE *f, const struct rm_section *s, size_t model,
                        const struct rm_mistake *m, size_t number)
{
    const struct rm_judgment *j = &s->judged.of[m->at];
    fprintf(f, "\n%zu. by %.3f: comparison %lld", number, m->by,
            (long long)j->comparison);
    if (m->judgments > 1)
        fprintf(f, ", judged so %llu times", (unsigned long long)m->judgments);
    fputs(", source ", f);
    pk_plain_name(f, m->source);
    fprintf(f, ", %s",
            rm_gap_name(j->strength < 0 ? RM_STRENGTHS - 1 : j->strength));
    if (j->label != PREFDB_NO_LABEL)
        fprintf(f, ", %s", prefdb_label_name(j->label));
    fputc('\n', f);
    for (size_t i = 0; i < m->n_prompt; i++)
        put_excerpt(f, rm_role_name(m->prompt[i].role), &m->prompt[i].said);
    char who[64];
    snprintf(who, sizeof who, "chosen, score %.3f",
             rm_judged_chosen(&s->judged, m->at, model));
    put_excerpt(f, who, &m->chosen);
    snprintf(who, sizeof who, "rejected, score %.3f",
             rm_judged_rejected(&s->judged, m->at, model));
    put_excerpt(f, who, &m->rejected);
}

static void put_mistakes(FILE *f, const struct rm_report *r,
                         const struct rm_section *s, size_t model)
{
    const struct rm_mistakes *all = &s->mistakes[model];
    fprintf(f, "\nThe most confident mistakes of %s: %zu of %llu\n",
            r->model[model].name, all->n, (unsigned long long)all->total);
    for (size_t i = 0; i < all->n; i++)
        if (all->mistake[i].source)
            put_mistake(f, s, model, &all->mistake[i], i + 1);
}

void rm_report_text_more(const struct rm_report *r, enum prefdb_dimension d,
                         FILE *f)
{
    const struct rm_section *s = &r->section[d];
    rm_text_scaling(r, s, f);
    for (size_t m = 0; m < r->n_models; m++) {
        const struct rm_view *v = &s->view[m];
        fprintf(f, "\nThe scores of %s on %s\n", r->model[m].name,
                prefdb_dimension_name(d));
        put_calibration(f, &v->calibration);
        put_gaps(f, v->gap);
        put_thresholds(f, &v->finder);
        put_histogram(f, &v->histogram);
        if (s->bench)
            rm_text_bench(s->bench, m, f);
    }
    put_scatter(f, r, s->scatter);
    for (size_t m = 0; m < r->n_models; m++)
        put_mistakes(f, r, s, m);
}
