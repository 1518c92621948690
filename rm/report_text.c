/* The report as tables: the paper's Table 7 (by source), Table 8 (by strength)
 * and the rows of Table 29 (by safety label). At most 100 columns. */
#include <string.h>

#include "common/utf8.h"
#include "rm/report.h"

enum { NAME_COLUMNS = 30 };

/* A name in exactly NAME_COLUMNS columns, a long one shortened at its end.
 * One column a code point: names of sources are rarely anything else. */
static void put_name(FILE *f, const char *name)
{
    size_t len = strlen(name), room = NAME_COLUMNS;
    bool fits = rm_characters(name, len) <= room;
    size_t i = 0, left = fits ? room : room - 3;
    while (i < len && left > 0) {
        uint32_t cp;
        size_t k = pk_utf8_decode(name + i, len - i, &cp);
        bool plain = k && cp >= 0x20 && cp != 0x7F;
        fwrite(plain ? name + i : "?", 1, plain ? k : 1, f);
        i += k ? k : 1;
        left--;
    }
    if (!fits)
        fputs("...", f);
    while (left-- > 0 && fits)
        fputc(' ', f);
}

static void put_row(FILE *f, const struct rm_group *g, size_t model)
{
    const struct rm_tally *t = &g->model[model];
    double accuracy, low, high;
    fputs("  ", f);
    put_name(f, rm_group_name(g));
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

static void put_table(FILE *f, const struct rm_report *r,
                      enum prefdb_dimension d, size_t model)
{
    static const char *const headings[] = {
        [RM_BY_SOURCE] = "by source",
        [RM_BY_STRENGTH] = "by strength",
        [RM_BY_LABEL] = "by safety label",
    };
    const struct rm_section *s = &r->section[d];
    fprintf(f, "\n%s on %s\n\n", r->model[model].name,
            prefdb_dimension_name(d));
    fprintf(f, "%-32s%9s%8s  %-14s%6s%9s%10s%8s\n", "", "n", "acc %",
            "95% interval", "ties", "log loss", "longer %", "ties");
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct rm_group *g = &s->group[i];
        if (i > 0 && g->by != s->group[i - 1].by)
            fprintf(f, "%s\n", headings[g->by]);
        put_row(f, g, model);
    }
}

static void put_left_out(FILE *f, const struct rm_report *r,
                         enum prefdb_dimension d)
{
    const struct rm_section *s = &r->section[d];
    uint64_t left = rm_left_out_total(&s->left_out);
    fprintf(f, "%s: %llu judgments", prefdb_dimension_name(d),
            (unsigned long long)s->judgments);
    if (left)
        fprintf(f, ", %llu left out:", (unsigned long long)left);
    const char *between = " ";
    for (int i = 0; i < RM_N_REASONS; i++) {
        if (!s->left_out.n[i])
            continue;
        fprintf(f, "%s%llu %s", between, (unsigned long long)s->left_out.n[i],
                rm_reason_words((enum rm_reason)i));
        between = ", ";
    }
    fputs("\n", f);
    if (s->cut)
        fprintf(f, "  %llu responses do not end: read at their last token\n",
                (unsigned long long)s->cut);
    if (s->shortened)
        fprintf(f, "  %llu dialogues lost their oldest exchanges to fit\n",
                (unsigned long long)s->shortened);
}

void rm_report_text(const struct rm_report *r, FILE *f)
{
    fprintf(f, "Accuracy on the %s split of %s%s%s, fp32\n",
            prefdb_split_name(r->split), r->store, r->source ? ", source " : "",
            r->source ? r->source : "");
    fprintf(f, "store %s\n", r->store_fingerprint);
    for (size_t m = 0; m < r->n_models; m++)
        fprintf(f, "model %s = %s\n      %s\n", r->model[m].name,
                r->model[m].dir, r->model[m].fingerprint);
    fputs("\n"
          "acc %: the chosen response scores higher, of the judgments on which "
          "the scores differ; equal\n"
          "scores are ties, neither right nor wrong. Interval: Wilson, 95%. "
          "Log loss: mean of\n"
          "-log sigma(chosen - rejected), in nats, ties included (0.6931: "
          "knows nothing). longer %: the\n"
          "same accuracy for \"the response with more characters wins\", and "
          "its ties.\n\n",
          f);
    for (int d = 0; d < RM_N_DIMENSIONS; d++)
        if (r->section[d].judgments)
            put_left_out(f, r, (enum prefdb_dimension)d);
    for (int d = 0; d < RM_N_DIMENSIONS; d++)
        for (size_t m = 0; m < r->n_models && r->section[d].used; m++)
            put_table(f, r, (enum prefdb_dimension)d, m);
}
