/* The rest of the report as JSON: calibration, thresholds, scores, comparisons
 * of models, mistakes. */
#include <stdio.h>

#include "rm/report/json.h"
#include "rm/report/print.h"

cJSON *rm_json_object(cJSON *in, const char *key, int *bad)
{
    cJSON *o = cJSON_AddObjectToObject(in, key);
    *bad += o == NULL;
    return o;
}

cJSON *rm_json_list(cJSON *in, const char *key, int *bad)
{
    cJSON *a = cJSON_AddArrayToObject(in, key);
    *bad += a == NULL;
    return a;
}

cJSON *rm_json_item(cJSON *in, int *bad)
{
    cJSON *o = cJSON_CreateObject();
    if (o && cJSON_AddItemToArray(in, o))
        return o;
    cJSON_Delete(o);
    ++*bad;
    return NULL;
}

void rm_json_string(cJSON *in, const char *key, const char *s, int *bad)
{
    *bad += cJSON_AddStringToObject(in, key, s) == NULL;
}

void rm_json_count(cJSON *in, const char *key, uint64_t n, int *bad)
{
    *bad += pk_json_add_int(in, key, (long long)n) != 0;
}

void rm_json_number(cJSON *in, const char *key, double x, int *bad)
{
    *bad += pk_json_add_num(in, key, x) != 0;
}

void rm_json_share(cJSON *in, const char *key, const struct rm_hits *h,
                   int *bad)
{
    static const char *const ends[] = {"", "_low", "_high"};
    double value[3];
    bool known = rm_hits_share(h, &value[0], &value[1], &value[2]);
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", key, ends[i]);
        if (known)
            rm_json_number(in, name, value[i], bad);
        else
            *bad += cJSON_AddNullToObject(in, name) == NULL;
    }
}

static void add_calibration(cJSON *in, const struct rm_calibration *c, int *bad)
{
    cJSON *o = rm_json_object(in, "calibration", bad);
    rm_json_count(o, "n", c->n, bad);
    rm_json_count(o, "ties", c->ties, bad);
    rm_json_number(o, "expected_error", c->error, bad);
    cJSON *bins = rm_json_list(o, "bins", bad);
    for (int i = 0; i < RM_CALIBRATION_BINS; i++) {
        const struct rm_calibration_bin *b = &c->bin[i];
        cJSON *one = rm_json_item(bins, bad);
        rm_json_number(one, "from", 0.5 + i * 0.05, bad);
        rm_json_number(one, "to", 0.55 + i * 0.05, bad);
        rm_json_count(one, "n", b->right.n, bad);
        rm_json_count(one, "right", b->right.hits, bad);
        if (b->right.n)
            rm_json_number(one, "confidence", b->confidence, bad);
        else
            *bad += cJSON_AddNullToObject(one, "confidence") == NULL;
        rm_json_share(one, "accuracy", &b->right, bad);
    }
}

static void add_histogram(cJSON *in, const struct rm_histogram *h, int *bad)
{
    cJSON *o = rm_json_object(in, "scores", bad);
    rm_json_count(o, "n", h->n, bad);
    rm_json_number(o, "mean", h->mean, bad);
    rm_json_number(o, "sd", h->sd, bad);
    rm_json_number(o, "bimodality", h->bimodality, bad);
    cJSON *bins = rm_json_list(o, "bins", bad);
    for (int i = 0; i < RM_HISTOGRAM_BINS; i++) {
        cJSON *one = rm_json_item(bins, bad);
        rm_json_number(one, "from", i / 20.0, bad);
        rm_json_number(one, "to", (i + 1) / 20.0, bad);
        rm_json_count(one, "chosen", h->chosen[i], bad);
        rm_json_count(one, "rejected", h->rejected[i], bad);
    }
}

static void add_gaps(cJSON *in, const struct rm_gap *gap, int *bad)
{
    cJSON *list = rm_json_list(in, "differences", bad);
    for (int i = 0; i < RM_STRENGTHS; i++) {
        if (gap[i].n == 0)
            continue;
        cJSON *one = rm_json_item(list, bad);
        rm_json_string(one, "strength", rm_gap_name(i), bad);
        rm_json_count(one, "n", gap[i].n, bad);
        rm_json_number(one, "mean", gap[i].mean, bad);
        rm_json_number(one, "sd", gap[i].sd, bad);
    }
}

static void add_threshold(cJSON *o, const struct rm_threshold *t, int *bad)
{
    rm_json_number(o, "below", t->sigma, bad);
    rm_json_count(o, "flagged", t->precision.n, bad);
    rm_json_count(o, "hits", t->precision.hits, bad);
    rm_json_share(o, "precision", &t->precision, bad);
    rm_json_share(o, "recall", &t->recall, bad);
}

static void add_finder(cJSON *in, const struct rm_finder *u, int *bad)
{
    if (!rm_finder_useful(u))
        return;
    cJSON *o = rm_json_object(in, "unsafe", bad);
    rm_json_count(o, "n", u->n, bad);
    rm_json_count(o, "unsafe", u->unsafe, bad);
    cJSON *list = rm_json_list(o, "thresholds", bad);
    for (int i = 0; i < RM_THRESHOLDS; i++)
        add_threshold(rm_json_item(list, bad), &u->at[i], bad);
    rm_json_number(o, "wanted_precision", RM_PAPER_PRECISION, bad);
    if (u->found)
        add_threshold(rm_json_object(o, "found", bad), &u->wanted, bad);
    else
        *bad += cJSON_AddNullToObject(o, "found") == NULL;
}

static void add_excerpt(cJSON *o, const struct rm_excerpt *e, int *bad)
{
    rm_json_string(o, "content", e->text, bad);
    if (e->more)
        rm_json_count(o, "characters_more", e->more, bad);
}

static void add_mistake(cJSON *in, const struct rm_section *s, size_t model,
                        const struct rm_mistake *m, int *bad)
{
    const struct rm_judgment *j = &s->judged.of[m->at];
    cJSON *o = rm_json_item(in, bad);
    rm_json_number(o, "by", m->by, bad);
    rm_json_count(o, "comparison", (uint64_t)j->comparison, bad);
    rm_json_count(o, "judgment", (uint64_t)j->judgment, bad);
    rm_json_count(o, "judgments", m->judgments, bad);
    rm_json_string(o, "source", m->source, bad);
    rm_json_string(
        o, "strength",
        rm_gap_name(j->strength < 0 ? RM_STRENGTHS - 1 : j->strength), bad);
    if (j->label != PREFDB_NO_LABEL)
        rm_json_string(o, "label", prefdb_label_name(j->label), bad);
    cJSON *prompt = rm_json_list(o, "messages", bad);
    for (size_t i = 0; i < m->n_prompt; i++) {
        cJSON *one = rm_json_item(prompt, bad);
        rm_json_string(one, "role", rm_role_name(m->prompt[i].role), bad);
        add_excerpt(one, &m->prompt[i].said, bad);
    }
    cJSON *c = rm_json_object(o, "chosen", bad);
    rm_json_number(c, "score", rm_judged_chosen(&s->judged, m->at, model), bad);
    add_excerpt(c, &m->chosen, bad);
    c = rm_json_object(o, "rejected", bad);
    rm_json_number(c, "score", rm_judged_rejected(&s->judged, m->at, model),
                   bad);
    add_excerpt(c, &m->rejected, bad);
}

static void add_mistakes(cJSON *in, const struct rm_section *s, size_t model,
                         int *bad)
{
    const struct rm_mistakes *all = &s->mistakes[model];
    cJSON *o = rm_json_object(in, "mistakes", bad);
    rm_json_count(o, "total", all->total, bad);
    cJSON *list = rm_json_list(o, "widest", bad);
    for (size_t i = 0; i < all->n; i++)
        if (all->mistake[i].source)
            add_mistake(list, s, model, &all->mistake[i], bad);
}

static void add_duels(cJSON *in, const struct rm_report *r,
                      const struct rm_section *s, int *bad)
{
    cJSON *list = rm_json_list(in, "comparisons", bad);
    for (size_t i = 0; i < s->n_duels; i++) {
        const struct rm_duel *u = &s->duel[i];
        cJSON *one = rm_json_item(list, bad);
        rm_json_string(one, "first", rm_judge_name(r, u->a), bad);
        rm_json_string(one, "second", rm_judge_name(r, u->b), bad);
        rm_json_count(one, "n", rm_duel_n(u), bad);
        rm_json_count(one, "both", u->both, bad);
        rm_json_count(one, "first_only", u->only_a, bad);
        rm_json_count(one, "second_only", u->only_b, bad);
        rm_json_count(one, "neither", u->neither, bad);
        rm_json_number(one, "p", u->p, bad);
    }
}

static void add_panel(cJSON *in, const char *key, const struct rm_cells *c,
                      int *bad)
{
    cJSON *o = rm_json_object(in, key, bad);
    rm_json_count(o, "n", c->n, bad);
    cJSON *rows = rm_json_list(o, "cells", bad);
    for (int y = 0; y < RM_SCATTER_BINS; y++) {
        double row[RM_SCATTER_BINS];
        for (int x = 0; x < RM_SCATTER_BINS; x++)
            row[x] = (double)c->at[y][x];
        cJSON *list = cJSON_CreateDoubleArray(row, RM_SCATTER_BINS);
        *bad += !list || !cJSON_AddItemToArray(rows, list);
    }
}

static void add_scatter(cJSON *in, const struct rm_report *r,
                        const struct rm_scatter *s, int *bad)
{
    if (!s)
        return;
    cJSON *o = rm_json_object(in, "scatter", bad);
    rm_json_string(o, "across", r->model[0].name, bad);
    rm_json_string(o, "up", r->model[1].name, bad);
    add_panel(o, "safe", &s->safe, bad);
    add_panel(o, "unsafe", &s->unsafe, bad);
}

void rm_report_json_more(cJSON *in, const struct rm_report *r,
                         enum prefdb_dimension d, int *bad)
{
    const struct rm_section *s = &r->section[d];
    add_duels(in, r, s, bad);
    cJSON *views = rm_json_object(in, "models", bad);
    for (size_t m = 0; m < r->n_models; m++) {
        const struct rm_view *v = &s->view[m];
        cJSON *o = rm_json_object(views, r->model[m].name, bad);
        add_calibration(o, &v->calibration, bad);
        add_gaps(o, v->gap, bad);
        add_finder(o, &v->finder, bad);
        add_histogram(o, &v->histogram, bad);
        add_mistakes(o, s, m, bad);
    }
    add_scatter(in, r, s->scatter, bad);
    if (s->bench)
        rm_json_bench(in, r, s->bench, bad);
}
