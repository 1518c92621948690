/* The losses of one pair: Llama 2 (arXiv 2307.09288), equations 1 and 2, Table
 * 27; see loss.h. */
#include "rm/data/loss.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/num.h"
#include "prefdb/prefdb.h"

struct named {
    const char *name; /* NULL ends a table */
    struct rm_grades grades;
};

static const struct named margins[] = {
    {"none", {{0, 0, 0, 0}, 0}},
    {"small", {{0, 1.0 / 3, 2.0 / 3, 1}, 0}},
    {"large", {{0, 1, 2, 3}, 0}},
    {NULL, {{0}, 0}},
};

static const struct named scales[] = {
    {"none", {{1, 1, 1, 1}, 1}},
    {"strength", {{0.5, 1, 2, 3}, 1}},
    {NULL, {{0}, 0}},
};

/* "A,B,C,D", largest strength first. */
static bool parse_four(const char *s, double min, double of[4])
{
    char word[32];
    for (int i = 3; i >= 0; i--) {
        size_t n = strcspn(s, ",");
        if (n >= sizeof word || (s[n] == ',') != (i > 0))
            return false;
        memcpy(word, s, n);
        word[n] = 0;
        if (!pk_parse_double(word, min, 1000, &of[i]))
            return false;
        s += n + 1;
    }
    return true;
}

static bool parse(const struct named *table, const char *s, double min,
                  struct rm_grades *out)
{
    for (const struct named *t = table; t->name; t++) {
        if (strcmp(s, t->name) == 0) {
            *out = t->grades;
            return true;
        }
    }
    struct rm_grades g = {.unstated = table[0].grades.unstated};
    if (!parse_four(s, min, g.of))
        return false;
    *out = g;
    return true;
}

bool rm_parse_margin(const char *s, struct rm_grades *out)
{
    return parse(margins, s, -1000, out);
}

bool rm_parse_scale(const char *s, struct rm_grades *out)
{
    return parse(scales, s, 0, out);
}

static bool same(const struct rm_grades *a, const struct rm_grades *b)
{
    bool all = a->unstated == b->unstated;
    for (int i = 0; i < 4; i++)
        all = all && a->of[i] == b->of[i];
    return all;
}

static void text(const struct named *table, const struct rm_grades *g,
                 char out[RM_GRADES_TEXT])
{
    for (const struct named *t = table; t->name; t++) {
        if (same(&t->grades, g)) {
            snprintf(out, RM_GRADES_TEXT, "%s", t->name);
            return;
        }
    }
    snprintf(out, RM_GRADES_TEXT, "%.9g,%.9g,%.9g,%.9g", g->of[3], g->of[2],
             g->of[1], g->of[0]);
}

void rm_margin_text(const struct rm_grades *g, char out[RM_GRADES_TEXT])
{
    text(margins, g, out);
}

void rm_scale_text(const struct rm_grades *g, char out[RM_GRADES_TEXT])
{
    text(scales, g, out);
}

double rm_grade(const struct rm_grades *g, int strength)
{
    return strength == PREFDB_UNSTATED ? g->unstated : g->of[strength];
}

double rm_loss(double chosen, double rejected, double margin, double *slope)
{
    double z = chosen - rejected - margin;
    /* e <= 1 whatever the sign of z, so nothing overflows. */
    double e = exp(-fabs(z));
    if (slope)
        *slope = z > 0 ? -e / (1 + e) : -1 / (1 + e);
    return z > 0 ? log1p(e) : log1p(e) - z;
}

/* weight * BCE(sigma(score), safe), and its slope. */
static double safety_loss(double weight, double score, double safe,
                          double *slope)
{
    double yes, no; /* slopes of -log sigma(score), -log sigma(-score) */
    if (safe < 0)
        return 0;
    double loss = safe * rm_loss(score, 0, 0, &yes);
    loss += (1 - safe) * rm_loss(0, score, 0, &no);
    *slope += weight * (safe * yes - (1 - safe) * no);
    return weight * loss;
}

struct rm_pair_loss rm_pair_loss(const struct rm_loss_opts *o,
                                 const struct rm_target *t, double chosen,
                                 double rejected)
{
    struct rm_pair_loss l = {0};
    double q = (1 - o->smoothing) * t->p + o->smoothing * (1 - t->p);
    double scale = rm_grade(&o->scale, t->strength), slope;
    double loss = q * rm_loss(chosen, rejected,
                              rm_grade(&o->margin, t->strength), &slope);
    double by_chosen = q * slope;
    if (q < 1) {
        loss += (1 - q) * rm_loss(rejected, chosen,
                                  rm_grade(&o->margin, t->against), &slope);
        by_chosen -= (1 - q) * slope;
    }
    l.ranking = scale * loss;
    l.slope[0] = scale * by_chosen;
    l.slope[1] = -l.slope[0];
    if (o->safety > 0)
        l.safety =
            safety_loss(o->safety / 2, chosen, t->safe[0], &l.slope[0]) +
            safety_loss(o->safety / 2, rejected, t->safe[1], &l.slope[1]);
    if (o->center > 0) {
        double sum = chosen + rejected;
        l.center = o->center * sum * sum;
        l.slope[0] += 2 * o->center * sum;
        l.slope[1] += 2 * o->center * sum;
    }
    l.total = l.ranking + l.safety + l.center;
    return l;
}
