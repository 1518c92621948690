/* The report as a page: its frame and the accuracies (the paper's Tables 7, 8
 * and 29). It loads nothing and runs nothing, and says so to the browser, since
 * it shows text that strangers and models wrote. */
#include "rm/report/page.h"

#include <string.h>

#include "common/version.h"
#include "rm/report/print.h"
#include "rm/report/svg.h"

/* The style sheet is longer than the 4095 bytes that ISO C promises. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char style[] =
#include "rm/report/page.inc"
    ;
#pragma GCC diagnostic pop

void rm_html_text(FILE *f, const char *s)
{
    rm_put_html(f, s, strlen(s));
}

static void put_share(FILE *f, const struct rm_share *s, bool known)
{
    if (known)
        fprintf(f, "<td>%.1f</td><td class=\"iv\">[%.1f, %.1f]</td>", s->share,
                s->low, s->high);
    else
        fputs("<td>-</td><td></td>", f);
}

void rm_html_share(FILE *f, const struct rm_hits *h)
{
    struct rm_share s = rm_share_of(h);
    put_share(f, &s, h->n > 0);
}

void rm_html_accuracy(FILE *f, const struct rm_tally *t)
{
    double accuracy, low, high;
    bool known = rm_tally_accuracy(t, &accuracy, &low, &high);
    struct rm_share s = {100 * accuracy, 100 * low, 100 * high};
    put_share(f, &s, known);
}

static void put_head(FILE *f, const struct rm_report *r)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
          "'none'; style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, "
          "initial-scale=1\">\n<title>Reward model accuracy: ",
          f);
    rm_html_text(f, r->store);
    fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n",
            style);
    fprintf(f, "<h1>Reward model accuracy</h1>\n<p>The %s split of ",
            prefdb_split_name(r->split));
    rm_html_text(f, r->store);
    if (r->source) {
        fputs(", source ", f);
        rm_html_text(f, r->source);
    }
    fputs(".</p>\n", f);
}

static void put_row(FILE *f, const char *name, size_t judge,
                    const struct rm_tally *t, bool model)
{
    fprintf(f, "<tr%s><td>", model ? "" : " class=\"base\"");
    rm_svg_key(f, judge);
    rm_html_text(f, name);
    fprintf(f, "</td><td>%llu</td>", (unsigned long long)rm_tally_n(t));
    rm_html_accuracy(f, t);
    fputs("<td class=\"bar\">", f);
    rm_svg_interval(f, judge, t);
    fprintf(f, "</td><td>%llu</td>", (unsigned long long)t->ties);
    if (model)
        fprintf(f, "<td>%.4f</td></tr>\n", rm_tally_log_loss(t));
    else
        fputs("<td></td></tr>\n", f);
}

static void put_random(FILE *f, const struct rm_tally *longer)
{
    struct rm_random x = rm_random_of(longer);
    fputs("<tr class=\"base\"><td>", f);
    rm_svg_key(f, RM_RANDOM);
    fprintf(f,
            "%s</td><td>%llu</td><td>%.1f</td><td class=\"iv\">[%.1f, %.1f]"
            "</td><td class=\"bar\">",
            rm_random_name, (unsigned long long)x.n, 100 * x.accuracy,
            100 * x.low, 100 * x.high);
    rm_svg_random(f, &x);
    fputs("</td><td></td><td></td></tr>\n", f);
}

/* A table with a block for each group: its models, then the baselines. */
static void put_groups(FILE *f, const struct rm_report *r,
                       const struct rm_group *g, size_t n)
{
    fputs("<div class=\"scroll\"><table class=\"groups\"><thead><tr><th></th>"
          "<th>n</th><th>acc&nbsp;%</th><th class=\"iv\">95% interval</th>"
          "<th class=\"bar\">",
          f);
    rm_svg_interval_axis(f);
    fputs("</th><th>ties</th><th>log loss</th></tr></thead>\n", f);
    for (size_t i = 0; i < n; i++) {
        fputs("<tbody>", f);
        if (g[i].by != RM_BY_ALL) {
            fputs("<tr><th colspan=\"4\" scope=\"rowgroup\">", f);
            rm_html_text(f, rm_group_name(&g[i]));
            fputs("</th><td class=\"bar\"></td><td colspan=\"2\"></td></tr>\n",
                  f);
        }
        for (size_t m = 0; m < r->n_models; m++)
            put_row(f, r->model[m].name, m, &g[i].model[m], true);
        put_row(f, "longer wins", RM_BASELINE, &g[i].longer, false);
        put_random(f, &g[i].longer);
        fputs("</tbody>\n", f);
    }
    fputs("</table></div>\n", f);
}

static void put_kind(FILE *f, const struct rm_report *r,
                     const struct rm_section *s, enum rm_by by,
                     const char *title, const char *note)
{
    size_t n;
    const struct rm_group *g = rm_groups_by(s, by, &n);
    if (n == 0)
        return;
    fprintf(f, "<h3>%s</h3>\n<p class=\"soft\">%s</p>\n", title, note);
    put_groups(f, r, g, n);
}

static void put_tile(FILE *f, const char *name, size_t judge,
                     const struct rm_tally *t)
{
    double accuracy, low, high;
    fputs("<div class=\"tile\">", f);
    rm_svg_key(f, judge);
    rm_html_text(f, name);
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        fprintf(f, "<b>%.1f<i>&thinsp;%%</i></b><small>[%.1f, %.1f], n %llu",
                100 * accuracy, 100 * low, 100 * high,
                (unsigned long long)rm_tally_n(t));
    else
        fprintf(f, "<b>-</b><small>n %llu", (unsigned long long)rm_tally_n(t));
    if (t->ties)
        fprintf(f, ", %llu ties", (unsigned long long)t->ties);
    fputs("</small></div>\n", f);
}

static void put_tiles(FILE *f, const struct rm_report *r,
                      const struct rm_section *s)
{
    fputs("<div class=\"tiles\">\n", f);
    for (size_t m = 0; m < r->n_models; m++)
        put_tile(f, r->model[m].name, m, &s->group[0].model[m]);
    put_tile(f, "longer wins", RM_BASELINE, &s->group[0].longer);
    struct rm_random x = rm_random_of(&s->group[0].longer);
    fputs("<div class=\"tile\">", f);
    rm_svg_key(f, RM_RANDOM);
    fprintf(f,
            "%s<b>%.1f<i>&thinsp;%%</i></b><small>95%% in [%.1f, %.1f], n "
            "%llu</small></div>\n</div>\n",
            rm_random_name, 100 * x.accuracy, 100 * x.low, 100 * x.high,
            (unsigned long long)x.n);
}

static void put_left_out(FILE *f, const struct rm_section *s)
{
    fprintf(f, "<p>%llu judgments of %llu comparisons",
            (unsigned long long)s->judgments,
            (unsigned long long)s->comparisons);
    uint64_t left = rm_left_out_total(&s->left_out);
    if (left)
        fprintf(f, ", %llu of them left out", (unsigned long long)left);
    rm_put_left_out(f, &s->left_out, ": ");
    fputs(".", f);
    if (s->cut)
        fprintf(f, " %llu responses do not end: read at their last token.",
                (unsigned long long)s->cut);
    if (s->shortened)
        fprintf(f, " %llu dialogues lost their oldest exchanges to fit.",
                (unsigned long long)s->shortened);
    fputs("</p>\n", f);
}

static void put_duels(FILE *f, const struct rm_report *r,
                      const struct rm_section *s)
{
    fputs("<h3>One against another</h3>\n<p class=\"soft\">On the judgments "
          "that both decide, who is right: p is McNemar&#39;s exact test, "
          "two-sided. Several judgments of one comparison are not independent, "
          "and make p too small.</p>\n<div class=\"scroll\"><table><thead><tr>"
          "<th></th><th>n</th><th>both</th><th>first<br>only</th>"
          "<th>second<br>only</th><th>neither</th><th>p</th></tr></thead>\n"
          "<tbody>\n",
          f);
    for (size_t i = 0; i < s->n_duels; i++) {
        const struct rm_duel *u = &s->duel[i];
        fputs("<tr><td>", f);
        rm_html_text(f, rm_judge_name(r, u->a));
        fputs(" <span class=\"soft\">against</span> ", f);
        rm_html_text(f, rm_judge_name(r, u->b));
        fprintf(f,
                "</td><td>%llu</td><td>%llu</td><td>%llu</td><td>%llu</td>"
                "<td>%llu</td><td>%.3g</td></tr>\n",
                (unsigned long long)rm_duel_n(u), (unsigned long long)u->both,
                (unsigned long long)u->only_a, (unsigned long long)u->only_b,
                (unsigned long long)u->neither, u->p);
    }
    fputs("</tbody></table></div>\n", f);
}

static void put_misleads(FILE *f, const struct rm_report *r,
                         const struct rm_section *s)
{
    put_kind(f, r, s, RM_BY_LENGTH,
             "When the chosen response is longer, or "
             "shorter",
             "In characters. A model that has learnt length instead of quality "
             "is good at one and bad at the other.");
    put_kind(f, r, s, RM_BY_TURN, "By turn",
             "Which of the user&#39;s turns the responses answer.");
    put_kind(f, r, s, RM_BY_PROMPT, "By length of what comes before",
             "Characters of the whole dialogue before the response.");
    put_kind(f, r, s, RM_BY_VOTES, "By agreement of people",
             "Comparisons with one judgment; with several that all say the "
             "same; with several that do not. Where people split, no model "
             "can be right about all of them.");
}

static void put_section(FILE *f, const struct rm_report *r,
                        enum prefdb_dimension d)
{
    const struct rm_section *s = &r->section[d];
    const char *name = prefdb_dimension_name(d);
    fprintf(f, "<h2 id=\"%s\">%s</h2>\n", name, name);
    put_left_out(f, s);
    if (!s->used)
        return;
    put_tiles(f, r, s);
    put_kind(f, r, s, RM_BY_SOURCE, "By test set",
             "A test set is a source of the store, as in the paper&#39;s "
             "Table 7. The dashed line is chance.");
    put_duels(f, r, s);
    put_kind(f, r, s, RM_BY_STRENGTH, "By strength",
             "How much better people said the chosen response is, as in "
             "Table 8.");
    put_kind(f, r, s, RM_BY_LABEL, "By safety label", "As in Table 29.");
    rm_html_bench(f, r, s->bench);
    rm_html_scaling(f, r, s);
    rm_html_scores(f, r, s);
    put_misleads(f, r, s);
    rm_html_mistakes(f, r, s);
}

static void put_model(FILE *f, const struct rm_report *r, size_t model)
{
    const struct rm_report_model *m = &r->model[model];
    fputs("<dt>", f);
    rm_svg_key(f, m->run == RM_NO_RUN ? model : m->run);
    rm_html_text(f, m->name);
    fputs(" = ", f);
    rm_html_text(f, m->dir);
    fprintf(f, "</dt><dd><code>%s</code></dd>\n", m->fingerprint);
}

static void put_origin(FILE *f, const struct rm_report *r)
{
    fputs("<h2 id=\"origin\">Where these numbers come from</h2>\n<p>", f);
    fprintf(f, "prefkit %s, %s; split %s", PK_VERSION, r->precision,
            prefdb_split_name(r->split));
    fputs(". The same store and models give the same numbers.</p>\n<dl>\n"
          "<dt>store ",
          f);
    rm_html_text(f, r->store);
    fprintf(f, "</dt><dd><code>%s</code></dd>\n", r->store_fingerprint);
    for (size_t m = 0; m < r->n_models; m++)
        put_model(f, r, m);
    fputs("</dl>\n", f);
    if (r->n_scored == r->n_models)
        return;
    fputs("<details><summary>Models on the way</summary><dl>\n", f);
    for (size_t m = r->n_models; m < r->n_scored; m++)
        put_model(f, r, m);
    fputs("</dl></details>\n", f);
}

void rm_report_html(const struct rm_report *r, FILE *f)
{
    put_head(f, r);
    fputs("<p class=\"soft\"><b>acc %</b>: the chosen response scores higher, "
          "of the judgments on which the scores differ. Equal scores are "
          "<b>ties</b>, neither right nor wrong. Intervals: Wilson, 95%, wider "
          "where "
          "judgments are of the same comparisons and agree (design effect). "
          "<b>Log loss</b>: mean of &minus;log sigma(chosen &minus; rejected), "
          "in nats, "
          "ties included; 0.6931 knows nothing. <b>Longer wins</b>: the same "
          "accuracy for &quot;the response with more characters "
          "wins&quot;. <b>At random</b>: half, and the range that 95% of coin "
          "tosses come to lie in.</p>\n<p>",
          f);
    for (int d = 0; d < RM_N_DIMENSIONS; d++) {
        const char *name = prefdb_dimension_name((enum prefdb_dimension)d);
        if (r->section[d].judgments)
            fprintf(f, "<a href=\"#%s\">%s</a> &emsp;", name, name);
    }
    if (r->n_rated)
        fputs("<a href=\"#ratings\">ratings</a> &emsp;", f);
    fputs("<a href=\"#origin\">origin</a></p>\n", f);
    for (int d = 0; d < RM_N_DIMENSIONS; d++)
        if (r->section[d].judgments)
            put_section(f, r, (enum prefdb_dimension)d);
    rm_html_rated(f, r);
    put_origin(f, r);
    fputs("</main>\n</body>\n</html>\n", f);
}
