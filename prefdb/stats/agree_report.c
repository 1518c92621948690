/* What to say about a group of judgments: every coefficient of every scale,
 * each annotator among the others, each pair; see agreement.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "prefdb/stats/agreement.h"

const struct prefdb__coef_kind prefdb__coef_kinds[PREFDB__COEFS] = {
    {"percent", "percent agreement", prefdb__percent, PREFDB__IDENTITY, false},
    {"percent_ordinal", "agreement, ordinal weights", prefdb__percent,
     PREFDB__ORDINAL, true},
    {"alpha_nominal", "Krippendorff's alpha, nominal", prefdb__alpha,
     PREFDB__IDENTITY, false},
    {"alpha_ordinal", "Krippendorff's alpha, ordinal", prefdb__alpha,
     PREFDB__ORDINAL, true},
    {"alpha_interval", "Krippendorff's alpha, interval", prefdb__alpha,
     PREFDB__QUADRATIC, true},
    {"fleiss", "Fleiss' kappa", prefdb__fleiss, PREFDB__IDENTITY, false},
    {"fleiss_quadratic", "Fleiss' kappa, quadratic weights", prefdb__fleiss,
     PREFDB__QUADRATIC, true},
    {"ac1", "Gwet's AC1", prefdb__gwet, PREFDB__IDENTITY, false},
    {"ac2_ordinal", "Gwet's AC2, ordinal weights", prefdb__gwet,
     PREFDB__ORDINAL, true},
    {"ac2_linear", "Gwet's AC2, linear weights", prefdb__gwet, PREFDB__LINEAR,
     true},
    {"ac2_quadratic", "Gwet's AC2, quadratic weights", prefdb__gwet,
     PREFDB__QUADRATIC, true},
    {"alpha_weighted_ordinal", "alpha with ordinal weights (irrCAC)",
     prefdb__alpha_weighted, PREFDB__ORDINAL, true},
    {"alpha_weighted_linear", "alpha with linear weights (irrCAC)",
     prefdb__alpha_weighted, PREFDB__LINEAR, true},
};

bool prefdb__has_scale(const struct prefdb__group *g, enum prefdb__scale_id s)
{
    return g->judgments && (s == PREFDB__CHOICE     ? true
                            : s == PREFDB__STRENGTH ? g->strengths
                                                    : g->labels);
}

struct prefdb__scale prefdb__scale_of(const struct prefdb__group *g,
                                      enum prefdb__scale_id s)
{
    struct prefdb__scale x = {.q = s == PREFDB__STRENGTH ? 7
                                   : s == PREFDB__LABEL  ? 4
                                   : g->ties             ? 3
                                                         : 2};
    for (int i = 0; i < x.q; i++)
        x.value[i] = i;
    return x;
}

const char *prefdb__scale_key(enum prefdb__scale_id s)
{
    static const char *const names[] = {"choice", "strength", "label"};
    return names[s];
}

const char *prefdb__scale_levels(const struct prefdb__group *g,
                                 enum prefdb__scale_id s)
{
    return s == PREFDB__STRENGTH ? "-3..3"
           : s == PREFDB__LABEL  ? "both safe, only a, only b, neither"
           : g->ties             ? "a, tie, b"
                                 : "a, b";
}

/* Where there are no ties, levels a (0) and b (2) become 0 and 1. */
static bool has_gap(const struct prefdb__group *g, enum prefdb__scale_id s)
{
    return s == PREFDB__CHOICE && !g->ties;
}

static void close_gap(const struct prefdb__group *g, enum prefdb__scale_id s,
                      struct prefdb__row *rows, size_t n)
{
    for (size_t i = 0; i < n && has_gap(g, s); i++) {
        rows[i].r[1] = rows[i].r[2];
        rows[i].r[2] = 0;
    }
}

int prefdb__coefs(const struct prefdb__group *g, enum prefdb__scale_id s,
                  struct prefdb__coef out[PREFDB__COEFS], struct pk_err *err)
{
    struct prefdb__row *rows;
    size_t n;
    struct prefdb__scale scale = prefdb__scale_of(g, s);
    int rc = prefdb__tally_rows(&g->tally[s], &rows, &n, err);
    if (rc)
        return rc;
    close_gap(g, s, rows, n);
    for (int i = 0; i < PREFDB__COEFS; i++) {
        const struct prefdb__coef_kind *k = &prefdb__coef_kinds[i];
        bool of_scale = !k->strength || s == PREFDB__STRENGTH;
        out[i] = k->f(rows, of_scale ? n : 0, &scale, k->weights);
    }
    free(rows);
    return 0;
}

int prefdb__group_conger(const struct prefdb__group *g, enum prefdb__scale_id s,
                         struct prefdb__conger *out, struct pk_err *err)
{
    struct prefdb__row *rows;
    struct prefdb__margin *margins;
    size_t n, raters;
    struct prefdb__scale scale = prefdb__scale_of(g, s);
    *out = (struct prefdb__conger){.had = g->tally[s].raters.n > 0};
    if (!out->had)
        return 0;
    int rc = prefdb__tally_rows(&g->tally[s], &rows, &n, err);
    if (rc)
        return rc;
    rc = prefdb__tally_margins(&g->tally[s], &margins, &raters, err);
    if (rc) {
        free(rows);
        return rc;
    }
    close_gap(g, s, rows, n);
    for (size_t i = 0; i < raters && has_gap(g, s); i++) {
        margins[i].n[1] = margins[i].n[2];
        margins[i].n[2] = 0;
    }
    out->plain =
        prefdb__conger(rows, n, margins, raters, &scale, PREFDB__IDENTITY);
    out->quadratic =
        prefdb__conger(rows, n, margins, raters, &scale, PREFDB__QUADRATIC);
    free(rows);
    free(margins);
    return 0;
}

struct people {
    const struct prefdb__group *g;
    enum prefdb__scale_id s;
    struct prefdb__person *v; /* by number */
};

static int take_rater(void *ctx, const struct prefdb__rater *r,
                      struct pk_err *err)
{
    struct people *p = ctx;
    struct prefdb__scale scale = prefdb__scale_of(p->g, p->s);
    enum prefdb__weights w =
        p->s == PREFDB__STRENGTH ? PREFDB__ORDINAL : PREFDB__IDENTITY;
    (void)err;
    close_gap(p->g, p->s, r->rows, r->n_rows);
    p->v[r->rater].on[p->s].ratings = r->ratings;
    p->v[r->rater].on[p->s].shared = r->shared;
    p->v[r->rater].on[p->s].agree = r->agree;
    p->v[r->rater].on[p->s].alpha =
        prefdb__alpha(r->rows, r->n_rows, &scale, w);
    p->v[r->rater].on[p->s].ac = prefdb__gwet(r->rows, r->n_rows, &scale, w);
    return 0;
}

struct rank {
    uint64_t judgments;
    struct prefdb__person person;
};

static int by_judgments(const void *x, const void *y)
{
    const struct rank *a = x, *b = y;
    if (a->judgments != b->judgments)
        return a->judgments > b->judgments ? -1 : 1;
    return a->person.id < b->person.id ? -1 : 1;
}

/* Those of v who have a name and judged, most judgments first, to its front. */
static int order(const struct prefdb__agreement *a, enum prefdb_dimension d,
                 struct prefdb__person *v, size_t *n, struct pk_err *err)
{
    struct rank *r = pk_calloc(a->people.n + 1, sizeof *r);
    if (!r)
        return pk_fail_mem(err, "the annotators");
    *n = 0;
    for (size_t i = 0; i < a->people.n; i++)
        if (a->people.v[i][0] && a->habits[2 * i + d].judgments)
            r[(*n)++] = (struct rank){a->habits[2 * i + d].judgments, v[i]};
    if (*n)
        qsort(r, *n, sizeof *r, by_judgments);
    for (size_t i = 0; i < *n; i++)
        v[i] = r[i].person;
    free(r);
    return 0;
}

int prefdb__people(const struct prefdb__agreement *a, enum prefdb_dimension d,
                   struct prefdb__person **out, size_t *n, struct pk_err *err)
{
    struct people p = {.g = &a->all[d]};
    int rc = 0;
    *out = NULL;
    *n = 0;
    p.v = pk_calloc(a->people.n + 1, sizeof *p.v);
    if (!p.v)
        return pk_fail_mem(err, "the annotators");
    for (size_t i = 0; i < a->people.n; i++)
        p.v[i].id = (uint32_t)i;
    for (int s = 0; s < PREFDB__SCALES && !rc; s++) {
        /* A copy without the pairs, as leaving out works on the tally. */
        struct prefdb__tally t = {.ratings = 0}, from = p.g->tally[s];
        from.pairs = (struct prefdb__bag){.n = 0};
        p.s = (enum prefdb__scale_id)s;
        if (!prefdb__has_scale(p.g, p.s))
            continue;
        rc = prefdb__tally_merge(&t, &from, err);
        if (!rc)
            rc = prefdb__tally_each_rater(&t, take_rater, &p, err);
        prefdb__tally_release(&t);
    }
    if (!rc)
        rc = order(a, d, p.v, n, err);
    if (rc)
        free(p.v);
    else
        *out = p.v;
    return rc;
}

static void add_mean(double *sum, double *weight, const struct prefdb__coef *c)
{
    if (c->undefined)
        return;
    *sum += (double)c->units * c->value;
    *weight += (double)c->units;
}

static int take_pair(void *ctx, const struct prefdb__pair *p,
                     struct pk_err *err)
{
    struct prefdb__twos *t = ctx;
    if (!pk_grow(&t->v, &t->cap, t->n + 1, sizeof *t->v))
        return pk_fail_mem(err, "pairs of annotators");
    struct prefdb__two *x = &t->v[t->n++];
    *x = (struct prefdb__two){
        .low = p->low,
        .high = p->high,
        .units = p->units,
        .plain = prefdb__cohen(p, &t->scale, PREFDB__IDENTITY),
        .linear = prefdb__cohen(p, &t->scale, PREFDB__LINEAR),
        .quadratic = prefdb__cohen(p, &t->scale, PREFDB__QUADRATIC),
        .plain_null = prefdb__cohen_null(p, &t->scale, PREFDB__IDENTITY),
        .linear_null = prefdb__cohen_null(p, &t->scale, PREFDB__LINEAR),
        .quadratic_null = prefdb__cohen_null(p, &t->scale, PREFDB__QUADRATIC)};
    for (int k = 0; k < t->scale.q; k++)
        x->same += (double)p->table[k][k] / (double)p->units;
    t->defined += !x->plain.undefined;
    return 0;
}

static int by_units(const void *x, const void *y)
{
    const struct prefdb__two *a = x, *b = y;
    if (a->units != b->units)
        return a->units > b->units ? -1 : 1;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return a->high < b->high ? -1 : a->high > b->high;
}

int prefdb__twos(struct prefdb__group *g, enum prefdb__scale_id s,
                 struct prefdb__twos *out, struct pk_err *err)
{
    double weight[3] = {0};
    *out = (struct prefdb__twos){.scale = prefdb__scale_of(g, s)};
    /* Kappa does not mind a level that is not used. */
    if (s == PREFDB__CHOICE)
        out->scale = (struct prefdb__scale){3, {0, 1, 2}};
    int rc = prefdb__tally_each_pair(&g->tally[s], take_pair, out, err);
    if (rc) {
        free(out->v);
        *out = (struct prefdb__twos){.n = 0};
        return rc;
    }
    for (size_t i = 0; i < out->n; i++) {
        add_mean(&out->plain, &weight[0], &out->v[i].plain);
        add_mean(&out->linear, &weight[1], &out->v[i].linear);
        add_mean(&out->quadratic, &weight[2], &out->v[i].quadratic);
    }
    out->plain = weight[0] > 0 ? out->plain / weight[0] : (double)NAN;
    out->linear = weight[1] > 0 ? out->linear / weight[1] : (double)NAN;
    out->quadratic = weight[2] > 0 ? out->quadratic / weight[2] : (double)NAN;
    if (out->n)
        qsort(out->v, out->n, sizeof *out->v, by_units);
    return 0;
}
