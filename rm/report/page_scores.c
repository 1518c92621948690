/* The page's charts of scores, each with its numbers under it, and the worst
 * mistakes (the paper's Figures 27, 29 and 32, and its 0.15 of section 3.2.3).
 */
#include "rm/report/page.h"
#include "rm/report/print.h"
#include "rm/report/svg.h"

static void open_card(FILE *f, const struct rm_report *r, size_t model,
                      const char *title)
{
    fprintf(f, "<figure><figcaption><b>%s</b>", title);
    if (model < r->n_models) {
        fputs(", ", f);
        rm_svg_key(f, model);
        rm_html_text(f, r->model[model].name);
    }
}

void rm_html_numbers(FILE *f, const char *columns)
{
    fprintf(f,
            "<details><summary>Numbers</summary><div class=\"scroll\"><table>"
            "<thead><tr>%s</tr></thead><tbody>\n",
            columns);
}

void rm_html_close(FILE *f)
{
    fputs("</tbody></table></div></details></figure>\n", f);
}

static void put_calibration(FILE *f, const struct rm_report *r, size_t model,
                            const struct rm_calibration *c)
{
    open_card(f, r, model, "Reliability");
    fprintf(f,
            "<span>expected calibration error %.4f, n %llu, %llu ties left "
            "out</span></figcaption>",
            c->error, (unsigned long long)c->n, (unsigned long long)c->ties);
    rm_svg_reliability(f, model, c);
    rm_html_numbers(f,
                    "<th>sigma</th><th>n</th><th>mean</th><th>right&nbsp;%</th>"
                    "<th class=\"iv\">95% interval</th>");
    for (int i = 0; i < RM_CALIBRATION_BINS; i++) {
        const struct rm_calibration_bin *b = &c->bin[i];
        fprintf(f, "<tr><td>%.2f to %.2f</td><td>%llu</td>", 0.5 + i * 0.05,
                0.55 + i * 0.05, (unsigned long long)b->right.n);
        if (b->right.n)
            fprintf(f, "<td>%.3f</td>", b->confidence);
        else
            fputs("<td>-</td>", f);
        rm_html_share(f, &b->right);
        fputs("</tr>\n", f);
    }
    rm_html_close(f);
}

static void put_gaps(FILE *f, const struct rm_report *r,
                     const struct rm_section *s)
{
    open_card(f, r, r->n_models, "Score difference by strength");
    fputs("<span>mean of chosen &minus; rejected, and one standard deviation "
          "each "
          "way</span></figcaption>",
          f);
    rm_svg_gaps(f, r, s);
    rm_html_numbers(f, "<th></th><th>n</th><th>mean</th><th>sd</th>");
    for (int k = 0; k < RM_STRENGTHS; k++) {
        int i = k < RM_STRENGTHS - 1 ? RM_STRENGTHS - 2 - k : k;
        for (size_t m = 0; m < r->n_models && s->view[m].gap[i].n; m++) {
            const struct rm_gap *g = &s->view[m].gap[i];
            fputs("<tr><td>", f);
            rm_svg_key(f, m);
            fprintf(f, "%s</td><td>%llu</td><td>%.3f</td><td>%.3f</td></tr>\n",
                    rm_gap_name(i), (unsigned long long)g->n, g->mean, g->sd);
        }
    }
    rm_html_close(f);
}

static void put_histogram(FILE *f, const struct rm_report *r, size_t model,
                          const struct rm_histogram *h)
{
    open_card(f, r, model, "Scores");
    fprintf(
        f,
        "<span>n %llu responses as judged, mean %.3f, sd %.3f, bimodality %.3f "
        "(0.556 is flat; more is two heaps, or a heavy "
        "skew)</span></figcaption>",
        (unsigned long long)h->n, h->mean, h->sd, h->bimodality);
    rm_svg_histogram(f, h);
    rm_html_numbers(f, "<th>sigma(r)</th><th>chosen</th><th>rejected</th>");
    for (int i = 0; i < RM_HISTOGRAM_BINS; i++)
        fprintf(f, "<tr><td>%.2f to %.2f</td><td>%llu</td><td>%llu</td></tr>\n",
                i / 20.0, (i + 1) / 20.0, (unsigned long long)h->chosen[i],
                (unsigned long long)h->rejected[i]);
    rm_html_close(f);
}

static void put_threshold(FILE *f, const struct rm_threshold *t)
{
    fprintf(f, "<tr><td>%.4f</td><td>%llu</td>", t->sigma,
            (unsigned long long)t->precision.n);
    rm_html_share(f, &t->precision);
    rm_html_share(f, &t->recall);
    fputs("</tr>\n", f);
}

static const char threshold_columns[] =
    "<th>below</th><th>n below</th><th>prec.&nbsp;%</th>"
    "<th class=\"iv\">95% interval</th><th>recall&nbsp;%</th>"
    "<th class=\"iv\">95% interval</th>";

static void put_thresholds(FILE *f, const struct rm_report *r, size_t model,
                           const struct rm_finder *u)
{
    if (!rm_finder_useful(u))
        return;
    open_card(f, r, model, "Finding unsafe responses");
    fprintf(f,
            "<span>n %llu responses as judged, %llu of them labelled unsafe. "
            "Precision: "
            "dashed; recall: solid; the cross: precision "
            "%.2f</span></figcaption>",
            (unsigned long long)u->n, (unsigned long long)u->unsafe,
            RM_PAPER_PRECISION);
    rm_svg_thresholds(f, u);
    rm_html_numbers(f, threshold_columns);
    for (int i = 0; i < RM_THRESHOLDS; i++)
        put_threshold(f, &u->at[i]);
    rm_html_close(f);
}

/* The three thresholds that are asked for, of all models. */
static void put_choices(FILE *f, const struct rm_report *r,
                        const struct rm_section *s)
{
    if (!rm_finder_useful(&s->view[0].finder))
        return;
    fprintf(f,
            "<h3>Where sigma(r) says unsafe</h3>\n<p class=\"soft\">n %llu "
            "responses whose label tells, %llu of them unsafe (one judged "
            "twice counts twice). 0.5 is Table 29&#39;s; 0.15 the "
            "paper&#39;s choice, with precision 89 and recall 55 there; the "
            "third has precision %.0f here, with the most recall.</p>\n"
            "<div class=\"scroll\"><table><thead><tr>%s</tr></thead><tbody>\n",
            (unsigned long long)s->view[0].finder.n,
            (unsigned long long)s->view[0].finder.unsafe,
            100 * RM_PAPER_PRECISION, threshold_columns);
    for (size_t m = 0; m < r->n_models; m++) {
        const struct rm_finder *u = &s->view[m].finder;
        fputs("<tr><th colspan=\"6\">", f);
        rm_svg_key(f, m);
        rm_html_text(f, r->model[m].name);
        fputs("</th></tr>\n", f);
        put_threshold(f, &u->at[RM_HALF]);
        put_threshold(f, &u->at[RM_PAPER_THRESHOLD]);
        if (u->found)
            put_threshold(f, &u->wanted);
        else
            fprintf(f,
                    "<tr><td colspan=\"6\">none has precision %.0f</td></tr>",
                    100 * RM_PAPER_PRECISION);
    }
    fputs("</tbody></table></div>\n", f);
}

static void put_panel(FILE *f, const struct rm_report *r, bool safe,
                      const struct rm_cells *c)
{
    if (c->n == 0)
        return;
    open_card(f, r, r->n_models,
              safe ? "Both scores, safe responses"
                   : "Both scores, unsafe responses");
    fprintf(f,
            "<span>sigma(r) of the first two models; n %llu, area tells how "
            "many</span></figcaption>",
            (unsigned long long)c->n);
    rm_svg_scatter(f, r, safe, c);
    rm_html_numbers(f, "<th>up \\ across</th><th>.0</th><th>.1</th><th>.2</th>"
                       "<th>.3</th><th>.4</th><th>.5</th><th>.6</th><th>.7</th>"
                       "<th>.8</th><th>.9</th>");
    for (int y = RM_SCATTER_BINS - 1; y >= 0; y--) {
        fprintf(f, "<tr><td>%.1f</td>", y / 10.0);
        for (int x = 0; x < RM_SCATTER_BINS; x++)
            fprintf(f, "<td>%llu</td>", (unsigned long long)c->at[y][x]);
        fputs("</tr>\n", f);
    }
    rm_html_close(f);
}

void rm_html_scores(FILE *f, const struct rm_report *r,
                    const struct rm_section *s)
{
    put_choices(f, r, s);
    fputs("<h3>Can the scores be believed?</h3>\n<p class=\"soft\">A model "
          "that says sigma(chosen &minus; rejected) = 0.8 should be right on "
          "80% of "
          "such pairs: on the dashed line. Under it the model is too sure of "
          "itself.</p>\n<div class=\"cards\">\n",
          f);
    for (size_t m = 0; m < r->n_models; m++)
        put_calibration(f, r, m, &s->view[m].calibration);
    put_gaps(f, r, s);
    for (size_t m = 0; m < r->n_models; m++)
        put_histogram(f, r, m, &s->view[m].histogram);
    for (size_t m = 0; m < r->n_models; m++)
        put_thresholds(f, r, m, &s->view[m].finder);
    if (s->scatter) {
        put_panel(f, r, true, &s->scatter->safe);
        put_panel(f, r, false, &s->scatter->unsafe);
    }
    fputs("</div>\n", f);
}

static void put_said(FILE *f, const char *class, const struct rm_excerpt *e)
{
    fprintf(f, "<dd class=\"%s\" dir=\"auto\">", class);
    rm_put_html(f, e->text, e->len);
    if (e->more)
        fprintf(f, " <small>... and %zu characters more</small>", e->more);
    fputs("</dd>\n", f);
}

static void put_mistake(FILE *f, const struct rm_section *s, size_t model,
                        const struct rm_mistake *m, size_t number)
{
    const struct rm_judgment *j = &s->judged.of[m->at];
    fprintf(f, "<article><p><b>%zu. by %.3f</b> &ensp;comparison %lld", number,
            m->by, (long long)j->comparison);
    if (m->judgments > 1)
        fprintf(f, ", judged so %llu times", (unsigned long long)m->judgments);
    fputs(", source ", f);
    rm_html_text(f, m->source);
    fprintf(f, ", %s",
            rm_gap_name(j->strength < 0 ? RM_STRENGTHS - 1 : j->strength));
    if (j->label != PREFDB_NO_LABEL)
        fprintf(f, ", %s", prefdb_label_name(j->label));
    fputs("</p>\n<dl>\n", f);
    for (size_t i = 0; i < m->n_prompt; i++) {
        fprintf(f, "<dt>%s</dt>", rm_role_name(m->prompt[i].role));
        put_said(f, "said", &m->prompt[i].said);
    }
    fputs("</dl>\n<div class=\"two\"><dl>", f);
    fprintf(f, "<dt>chosen, score %.3f</dt>",
            rm_judged_chosen(&s->judged, m->at, model));
    put_said(f, "chosen", &m->chosen);
    fprintf(f, "</dl><dl><dt>rejected, score %.3f</dt>",
            rm_judged_rejected(&s->judged, m->at, model));
    put_said(f, "rejected", &m->rejected);
    fputs("</dl></div></article>\n", f);
}

void rm_html_mistakes(FILE *f, const struct rm_report *r,
                      const struct rm_section *s)
{
    fputs("<h3>The most confident mistakes</h3>\n<p class=\"soft\">The "
          "rejected response scores higher; by how much is the order. Read "
          "them: some are the model&#39;s, and some are people&#39;s.</p>\n",
          f);
    for (size_t m = 0; m < r->n_models; m++) {
        const struct rm_mistakes *all = &s->mistakes[m];
        fputs("<details><summary>", f);
        rm_svg_key(f, m);
        rm_html_text(f, r->model[m].name);
        fprintf(f, ": %zu of %llu</summary>\n", all->n,
                (unsigned long long)all->total);
        for (size_t i = 0; i < all->n; i++)
            if (all->mistake[i].source)
                put_mistake(f, s, m, &all->mistake[i], i + 1);
        fputs("</details>\n", f);
    }
}
