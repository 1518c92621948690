/* RewardBench's numbers in the report's three forms. */
#include "rm/report/json.h"
#include "rm/report/page.h"
#include "rm/report/print.h"
#include "rm/report/svg.h"

static const int indents[] = {
    [RM_BENCH_ALL] = 2, [RM_BENCH_SECTION] = 4, [RM_BENCH_SUBSET] = 6};

void rm_text_bench(const struct rm_bench *b, size_t model, FILE *f)
{
    fprintf(f, "\nRewardBench's own score%21s%9s\n", "n", "%");
    for (size_t i = 0; i < b->n; i++) {
        const struct rm_bench_line *l = &b->line[i];
        fprintf(f, "%*s%-*s%12llu%9.1f\n", indents[l->level], "",
                32 - indents[l->level], l->name, (unsigned long long)l->n,
                100 * l->score[model]);
    }
}

void rm_json_bench(cJSON *in, const struct rm_report *r,
                   const struct rm_bench *b, int *bad)
{
    static const char *const levels[] = {"all", "section", "subset"};
    cJSON *list = rm_json_list(in, "rewardbench", bad);
    for (size_t i = 0; i < b->n; i++) {
        const struct rm_bench_line *l = &b->line[i];
        cJSON *o = rm_json_item(list, bad);
        rm_json_count(o, "version", (uint64_t)l->version, bad);
        rm_json_string(o, "level", levels[l->level], bad);
        rm_json_string(o, "name", l->name, bad);
        rm_json_count(o, "n", l->n, bad);
        cJSON *models = rm_json_list(o, "models", bad);
        for (size_t m = 0; m < b->n_models; m++) {
            cJSON *one = rm_json_item(models, bad);
            rm_json_string(one, "model", r->model[m].name, bad);
            rm_json_number(one, "bench_score", l->score[m], bad);
        }
    }
}

static void put_line(FILE *f, const struct rm_bench_line *l, size_t n_models)
{
    const char *cell = l->level == RM_BENCH_SUBSET ? "td" : "th";
    fprintf(f, "<tr><%s>", cell);
    for (int i = 2; i < indents[l->level]; i += 2)
        fputs("&ensp;", f);
    rm_html_text(f, l->name);
    fprintf(f, "</%s><td>%llu</td>", cell, (unsigned long long)l->n);
    for (size_t m = 0; m < n_models; m++)
        fprintf(f, "<td>%.1f</td>", 100 * l->score[m]);
    fputs("</tr>\n", f);
}

void rm_html_bench(FILE *f, const struct rm_report *r, const struct rm_bench *b)
{
    if (!b)
        return;
    fputs("<h3>RewardBench</h3>\n<p class=\"soft\">Its own score, in percent: "
          "equal scores are not right. Sections weigh subsets by their "
          "official sizes, and all of it is their mean. In version 2 the good "
          "answer must score highest of four, and Ties has a score of its "
          "own.</p>\n<div class=\"scroll\"><table><thead><tr><th></th>"
          "<th>n</th>",
          f);
    for (size_t m = 0; m < r->n_models; m++) {
        fputs("<th>", f);
        rm_svg_key(f, m);
        rm_html_text(f, r->model[m].name);
        fputs("</th>", f);
    }
    fputs("</tr></thead><tbody>\n", f);
    for (size_t i = 0; i < b->n; i++)
        put_line(f, &b->line[i], b->n_models);
    fputs("</tbody></table></div>\n", f);
}
