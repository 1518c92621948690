/* Figure 29 in the report's three forms: mean sigma(r) by the median of what
 * people said of a response. */
#include <math.h>
#include <string.h>

#include "common/plain.h"
#include "rm/report/frame.h"
#include "rm/report/json.h"
#include "rm/report/page.h"
#include "rm/report/print.h"
#include "rm/report/svg.h"

/* "3", or "1.5 to 2". */
static void name_level(char out[48], const struct rm_rated_level *l)
{
    if (l->low == l->high)
        snprintf(out, 48, "%.4g", l->low);
    else
        snprintf(out, 48, "%.4g to %.4g", l->low, l->high);
}

/* ", 0 to 4"; "" where the scale is not stated. */
static void name_scale(char out[64], const struct rm_rated *one)
{
    out[0] = 0;
    if (!isnan(one->low))
        snprintf(out, 64, ", %.4g to %.4g", one->low, one->high);
}

void rm_text_rated(const struct rm_report *r, FILE *f)
{
    for (size_t i = 0; i < r->n_rated; i++) {
        const struct rm_rated *one = &r->rated[i];
        char scale[64];
        name_scale(scale, one);
        fputs("\nRated for ", f);
        pk_plain_name(f, one->attribute);
        fprintf(f, "%s: %llu responses with %llu ratings\n", scale,
                (unsigned long long)one->n, (unsigned long long)one->ratings);
        for (size_t m = 0; m < r->n_models; m++) {
            fputs("  ", f);
            pk_plain_column(f, r->model[m].name, 20);
            fprintf(f, "  rank correlation %.3f\n  median rating%15s%12s%8s\n",
                    one->correlation[m], "n", "mean sigma", "sd");
            for (size_t k = 0; k < one->n_levels; k++) {
                const struct rm_rated_level *l = &one->level[k];
                char name[48];
                name_level(name, l);
                fprintf(f, "    %-18s%6llu%12.3f%8.3f\n", name,
                        (unsigned long long)l->n, l->mean[m], l->sd[m]);
            }
        }
    }
    if (r->unrated)
        fprintf(f, "%llu rated responses could not be scored\n",
                (unsigned long long)r->unrated);
}

static void add_level(cJSON *in, const struct rm_report *r,
                      const struct rm_rated_level *l, int *bad)
{
    cJSON *o = rm_json_item(in, bad);
    rm_json_number(o, "from", l->low, bad);
    rm_json_number(o, "to", l->high, bad);
    rm_json_count(o, "n", l->n, bad);
    cJSON *models = rm_json_list(o, "models", bad);
    for (size_t m = 0; m < r->n_models; m++) {
        cJSON *one = rm_json_item(models, bad);
        rm_json_string(one, "model", r->model[m].name, bad);
        rm_json_number(one, "mean", l->mean[m], bad);
        rm_json_number(one, "sd", l->sd[m], bad);
    }
}

void rm_json_rated(cJSON *in, const struct rm_report *r, int *bad)
{
    cJSON *list = rm_json_list(in, "ratings", bad);
    for (size_t i = 0; i < r->n_rated; i++) {
        const struct rm_rated *one = &r->rated[i];
        cJSON *o = rm_json_item(list, bad);
        rm_json_string(o, "attribute", one->attribute, bad);
        rm_json_number(o, "scale_low", one->low, bad);
        rm_json_number(o, "scale_high", one->high, bad);
        rm_json_count(o, "responses", one->n, bad);
        rm_json_count(o, "ratings", one->ratings, bad);
        cJSON *models = rm_json_list(o, "models", bad);
        for (size_t m = 0; m < r->n_models; m++) {
            cJSON *c = rm_json_item(models, bad);
            rm_json_string(c, "model", r->model[m].name, bad);
            rm_json_number(c, "rank_correlation", one->correlation[m], bad);
        }
        cJSON *levels = rm_json_list(o, "levels", bad);
        for (size_t k = 0; k < one->n_levels; k++)
            add_level(levels, r, &one->level[k], bad);
    }
    if (r->unrated)
        rm_json_count(in, "unrated_responses", r->unrated, bad);
}

/* ---- The page ------------------------------------------------------------ */

static void put_point(const struct frame *p, const struct rm_report *r,
                      size_t model, const struct rm_rated_level *l, double slot)
{
    double x = rm_frame_across(
        p, slot + ((double)model + 0.5) / (double)r->n_models * 0.7 + 0.15);
    double mean = l->mean[model], sd = l->sd[model];
    char class[16];
    rm_frame_class(class, "w", model);
    fputs("<g><title>", p->f);
    rm_put_html(p->f, r->model[model].name, strlen(r->model[model].name));
    fprintf(p->f, ": mean %.3f, sd %.3f, n %llu</title>", mean, sd,
            (unsigned long long)l->n);
    rm_frame_line(p, class, x, rm_frame_up(p, fmax(mean - sd, 0)), x,
                  rm_frame_up(p, fmin(mean + sd, 1)));
    rm_frame_mark(p->f, model, x, rm_frame_up(p, mean));
    fputs("</g>", p->f);
}

static void draw(FILE *f, const struct rm_report *r, const struct rm_rated *one)
{
    struct frame p = {.f = f,
                      .left = 40,
                      .right = 346,
                      .top = 10,
                      .bottom = 226,
                      .x1 = (double)one->n_levels,
                      .y1 = 1};
    rm_frame_begin(&p, 360, 262, "Mean score by rating");
    rm_frame_ticks(&p, false, 0, 0.25, 5, 2);
    for (size_t k = 0; k < one->n_levels; k++) {
        char name[48];
        snprintf(name, sizeof name, "%.3g", one->level[k].low);
        rm_frame_label(&p, "middle", rm_frame_across(&p, (double)k + 0.5),
                       p.bottom + 17, name);
        for (size_t m = 0; one->level[k].n && m < r->n_models; m++)
            put_point(&p, r, m, &one->level[k], (double)k);
    }
    rm_frame_label(&p, "middle", 193, 258, "median rating");
    fputs("</svg>", f);
}

static void put_card(FILE *f, const struct rm_report *r,
                     const struct rm_rated *one)
{
    fputs("<figure><figcaption><b>Mean sigma(r) by rating</b>, ", f);
    rm_html_text(f, one->attribute);
    char scale[64];
    name_scale(scale, one);
    fprintf(f, "%s<span>%llu responses with %llu ratings; rank correlation",
            scale, (unsigned long long)one->n,
            (unsigned long long)one->ratings);
    for (size_t m = 0; m < r->n_models; m++) {
        fputs(" <em>", f);
        rm_svg_key(f, m);
        fprintf(f, "%.3f</em> &ensp;", one->correlation[m]);
    }
    fputs("</span></figcaption>", f);
    draw(f, r, one);
    rm_html_numbers(f, "<th>rating</th><th></th><th>n</th><th>mean</th>"
                       "<th>sd</th>");
    for (size_t k = 0; k < one->n_levels; k++) {
        const struct rm_rated_level *l = &one->level[k];
        char name[48];
        name_level(name, l);
        for (size_t m = 0; m < r->n_models; m++) {
            fprintf(f, "<tr><td>%s</td><td>", name);
            rm_svg_key(f, m);
            fprintf(f, "</td><td>%llu</td><td>%.3f</td><td>%.3f</td></tr>\n",
                    (unsigned long long)l->n, l->mean[m], l->sd[m]);
        }
    }
    rm_html_close(f);
}

void rm_html_rated(FILE *f, const struct rm_report *r)
{
    if (r->n_rated == 0)
        return;
    fputs("<h2 id=\"ratings\">Ratings</h2>\n<p class=\"soft\">As in Figure "
          "29: what people say of a response by itself, the median of its "
          "ratings, against mean sigma(r) and one standard deviation each "
          "way. The rank correlation is Spearman&#39;s.</p>\n",
          f);
    if (r->unrated)
        fprintf(f, "<p>%llu rated responses could not be scored.</p>\n",
                (unsigned long long)r->unrated);
    fputs("<div class=\"cards\">\n", f);
    for (size_t i = 0; i < r->n_rated; i++)
        put_card(f, r, &r->rated[i]);
    fputs("</div>\n", f);
}
