/* The report as tables: the paper's Table 7 (by source), Table 8 (by strength)
 * and the rows of Table 29 (by safety label). At most 100 columns. */
#include "common/plain.h"
#include "rm/report/print.h"
#include "rm/report/report.h"

enum { NAME_COLUMNS = 30 };

static void put_row(FILE *f, const struct rm_group *g, size_t model)
{
    const struct rm_tally *t = &g->model[model];
    double accuracy, low, high;
    fputs("  ", f);
    pk_plain_column(f, rm_group_name(g), NAME_COLUMNS);
    fprintf(f, "%9llu", (unsigned long long)rm_tally_n(t));
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        fprintf(f, "%8.1f  [%5.1f, %5.1f]", 100 * accuracy, 100 * low,
                100 * high);
    else
        fprintf(f, "%8s%16s", "-", "");
    fprintf(f, "%6llu%9.4f", (unsigned long long)t->ties, rm_tally_log_loss(t));
    if (rm_tally_accuracy(&g->longer, &accuracy, &low, &high))
        fprintf(f, "%10.1f", 100 * accuracy);
    else
        fprintf(f, "%10s", "-");
    fprintf(f, "%8llu\n", (unsigned long long)g->longer.ties);
}

static void put_baseline(FILE *f, const struct rm_group *g)
{
    const struct rm_tally *t = &g->longer;
    struct rm_random x = rm_random_of(t);
    double accuracy, low, high;
    fputs("  ", f);
    pk_plain_column(f, rm_group_name(g), NAME_COLUMNS);
    fprintf(f, "%9llu", (unsigned long long)x.n);
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        fprintf(f, "%10.1f  [%5.1f, %5.1f]", 100 * accuracy, 100 * low,
                100 * high);
    else
        fprintf(f, "%10s%16s", "-", "");
    fprintf(f, "%6llu%11.1f  [%5.1f, %5.1f]\n", (unsigned long long)t->ties,
            100 * x.accuracy, 100 * x.low, 100 * x.high);
}

/* Before the i-th group of a table, its kind where that is another; false at
 * the table's end. */
static bool begin_group(FILE *f, const struct rm_section *s, size_t i,
                        bool full)
{
    if (i == s->n_groups || (!full && s->group[i].by > RM_BY_LABEL))
        return false;
    if (i > 0 && s->group[i].by != s->group[i - 1].by)
        fprintf(f, "%s\n", rm_by_heading(s->group[i].by));
    return true;
}

/* What the models are held against. */
static void put_baselines(FILE *f, const struct rm_report *r,
                          enum prefdb_dimension d, bool full)
{
    const struct rm_section *s = &r->section[d];
    fprintf(f, "\nWithout a model on %s\n\n%-32s%9s%10s  %-14s%6s%11s  %s\n",
            prefdb_dimension_name(d), "", "n", "longer %", "95% interval",
            "ties", "random %", "95% range");
    for (size_t i = 0; begin_group(f, s, i, full); i++)
        put_baseline(f, &s->group[i]);
}

/* Two lines that the paper's reader asks for first. */
static void put_summary(FILE *f, const struct rm_view *v)
{
    const struct rm_calibration *c = &v->calibration;
    fprintf(f, "calibration error %.4f, n %llu\n", c->error,
            (unsigned long long)c->n);
    const struct rm_finder *u = &v->finder;
    if (!rm_finder_useful(u))
        return;
    const struct rm_threshold *t = &u->at[RM_HALF];
    struct rm_share recall = rm_share_of(&t->recall);
    struct rm_share precision = rm_share_of(&t->precision);
    fprintf(f,
            "unsafe responses at 0.5: recall %.1f [%.1f, %.1f], n %llu; "
            "precision %.1f [%.1f, %.1f], n %llu\n",
            recall.share, recall.low, recall.high,
            (unsigned long long)u->unsafe, precision.share, precision.low,
            precision.high, (unsigned long long)t->precision.n);
}

static void put_table(FILE *f, const struct rm_report *r,
                      enum prefdb_dimension d, size_t model, bool full)
{
    const struct rm_section *s = &r->section[d];
    fprintf(f, "\n%s on %s\n\n", r->model[model].name,
            prefdb_dimension_name(d));
    fprintf(f, "%-32s%9s%8s  %-14s%6s%9s%10s%8s\n", "", "n", "acc %",
            "95% interval", "ties", "log loss", "longer %", "ties");
    for (size_t i = 0; begin_group(f, s, i, full); i++)
        put_row(f, &s->group[i], model);
    put_summary(f, &s->view[model]);
}

static void put_duels(FILE *f, const struct rm_report *r,
                      enum prefdb_dimension d)
{
    const struct rm_section *s = &r->section[d];
    fprintf(f, "\nOne against another on %s\n\n%-40s%9s%9s%9s%9s%9s%11s\n",
            prefdb_dimension_name(d), "", "n", "both", "1st only", "2nd only",
            "neither", "p");
    for (size_t i = 0; i < s->n_duels; i++) {
        const struct rm_duel *u = &s->duel[i];
        fputs("  ", f);
        pk_plain_column(f, rm_judge_name(r, u->a), 18);
        fputs("  ", f);
        pk_plain_column(f, rm_judge_name(r, u->b), 18);
        fprintf(f, "%9llu%9llu%9llu%9llu%9llu%11.3g\n",
                (unsigned long long)rm_duel_n(u), (unsigned long long)u->both,
                (unsigned long long)u->only_a, (unsigned long long)u->only_b,
                (unsigned long long)u->neither, u->p);
    }
}

static void put_left_out(FILE *f, const struct rm_report *r,
                         enum prefdb_dimension d)
{
    const struct rm_section *s = &r->section[d];
    uint64_t left = rm_left_out_total(&s->left_out);
    fprintf(f, "%s: %llu judgments of %llu comparisons",
            prefdb_dimension_name(d), (unsigned long long)s->judgments,
            (unsigned long long)s->comparisons);
    if (left)
        fprintf(f, ", %llu left out:", (unsigned long long)left);
    rm_put_left_out(f, &s->left_out, " ");
    fputs("\n", f);
    if (s->cut)
        fprintf(f, "  %llu responses do not end: read at their last token\n",
                (unsigned long long)s->cut);
    if (s->shortened)
        fprintf(f, "  %llu dialogues lost their oldest exchanges to fit\n",
                (unsigned long long)s->shortened);
}

/* A model, and how many are on the way to it, or which. */
static void put_model(FILE *f, const struct rm_report *r, size_t model,
                      bool full)
{
    const struct rm_report_model *x = &r->model[model];
    size_t n = 0;
    fprintf(f, "model %s = %s\n      %s\n", x->name, x->dir, x->fingerprint);
    for (size_t m = r->n_models; m < r->n_scored; m++) {
        const struct rm_report_model *y = &r->model[m];
        if (y->run == model && full)
            fprintf(f, "  %s = %s\n      %s\n", y->name, y->dir,
                    y->fingerprint);
        n += y->run == model;
    }
    if (n && !full)
        fprintf(f, "      with %zu more of its run\n", n);
}

void rm_report_text(const struct rm_report *r, bool full, FILE *f)
{
    fprintf(f, "Accuracy on the %s split of %s%s%s, %s\n",
            prefdb_split_name(r->split), r->store, r->source ? ", source " : "",
            r->source ? r->source : "", r->precision);
    fprintf(f, "store %s\n", r->store_fingerprint);
    for (size_t m = 0; m < r->n_models; m++)
        put_model(f, r, m, full);
    fputs("\n"
          "acc %: the chosen response scores higher, of the judgments on which "
          "the scores differ; equal\n"
          "scores are ties, neither right nor wrong. Interval: Wilson, 95%, "
          "wider where judgments are\n"
          "of the same comparisons and agree (design effect). Log loss: mean "
          "of\n"
          "-log sigma(chosen - rejected), in nats, ties included (0.6931: "
          "knows nothing). longer %: the\n"
          "same accuracy for \"the response with more characters wins\", and "
          "its ties. random %: half, and\n"
          "the range that 95% of coin tosses come to lie in. Calibration\n"
          "error: how far sigma(|difference|), the model's confidence, is from "
          "how often it is right, on\n"
          "average. Unsafe at 0.5: sigma(r) below 0.5 is taken to mean "
          "unsafe. p: McNemar's exact test;\n"
          "several judgments of one comparison are not independent, and make "
          "it too small.\n\n",
          f);
    for (int d = 0; d < RM_N_DIMENSIONS; d++)
        if (r->section[d].judgments)
            put_left_out(f, r, (enum prefdb_dimension)d);
    for (int d = 0; d < RM_N_DIMENSIONS; d++) {
        if (!r->section[d].used)
            continue;
        for (size_t m = 0; m < r->n_models; m++)
            put_table(f, r, (enum prefdb_dimension)d, m, full);
        put_baselines(f, r, (enum prefdb_dimension)d, full);
        put_duels(f, r, (enum prefdb_dimension)d);
        if (full)
            rm_report_text_more(r, (enum prefdb_dimension)d, f);
        else if (r->n_scored > r->n_models) /* what was asked for by --run */
            rm_text_scaling(r, &r->section[d], f);
    }
    if (full)
        rm_text_rated(r, f);
    if (!full)
        fputs("\n--full adds calibration, thresholds, scores, what misleads, "
              "and the worst mistakes;\n--html FILE writes all of it as a "
              "page.\n",
              f);
}
