/* The agreement report as JSON: schemas/agreement-report.schema.json. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/num.h"
#include "prefdb/stats/agreement.h"

static void count(cJSON *o, const char *key, uint64_t n)
{
    pk_json_add_int(o, key, (long long)n);
}

/* {"value": ..., "se": ..., "low": ..., "high": ..., "comparisons": n}; what
 * can't be had is null, with the reason in "undefined". */
static cJSON *add_coef(cJSON *in, const char *key, const struct prefdb__coef *c)
{
    cJSON *o = cJSON_AddObjectToObject(in, key);
    pk_json_add_num(o, "value", c->value);
    pk_json_add_num(o, "se", c->se);
    pk_json_add_num(o, "low", c->low);
    pk_json_add_num(o, "high", c->high);
    count(o, "comparisons", c->units);
    if (c->undefined)
        cJSON_AddStringToObject(
            o, "undefined",
            c->undefined == PREFDB__UNANIMOUS ? "unanimous" : "no_overlap");
    return o;
}

/* The same and {..., "se_null": ..., "z": ..., "p": ...}. */
static void add_cohen(cJSON *in, const char *key, const struct prefdb__coef *c,
                      const struct prefdb__null *null)
{
    cJSON *o = add_coef(in, key, c);
    pk_json_add_num(o, "se_null", null->se);
    pk_json_add_num(o, "z", null->z);
    pk_json_add_num(o, "p", null->p);
}

static void add_share(cJSON *in, const char *key, uint64_t k, uint64_t n)
{
    double low, high;
    if (!n)
        return;
    cJSON *o = cJSON_AddObjectToObject(in, key);
    pk_wilson(k, n, &low, &high);
    count(o, "n", n);
    pk_json_add_num(o, "share", (double)k / (double)n);
    pk_json_add_num(o, "low", low);
    pk_json_add_num(o, "high", high);
}

static int add_pairs(cJSON *o, const struct prefdb__agreement *a,
                     struct prefdb__group *g, enum prefdb__scale_id s,
                     uint64_t most, struct pk_err *err)
{
    struct prefdb__twos t;
    int rc = prefdb__twos(g, s, &t, err);
    if (rc)
        return rc;
    cJSON *mean = cJSON_AddObjectToObject(o, "cohen_mean");
    count(mean, "pairs", t.defined);
    pk_json_add_num(mean, "kappa", t.plain);
    if (s == PREFDB__STRENGTH) {
        pk_json_add_num(mean, "linear", t.linear);
        pk_json_add_num(mean, "quadratic", t.quadratic);
    }
    cJSON *list = cJSON_AddArrayToObject(o, "pairs");
    for (size_t i = 0; i < t.n && i < most; i++) {
        cJSON *x = cJSON_CreateObject(), *who;
        cJSON_AddItemToArray(list, x);
        who = cJSON_AddArrayToObject(x, "annotators");
        cJSON_AddItemToArray(who, cJSON_CreateString(a->people.v[t.v[i].low]));
        cJSON_AddItemToArray(who, cJSON_CreateString(a->people.v[t.v[i].high]));
        pk_json_add_num(x, "same", t.v[i].same);
        add_cohen(x, "cohen", &t.v[i].plain, &t.v[i].plain_null);
        if (s == PREFDB__STRENGTH) {
            add_cohen(x, "cohen_linear", &t.v[i].linear, &t.v[i].linear_null);
            add_cohen(x, "cohen_quadratic", &t.v[i].quadratic,
                      &t.v[i].quadratic_null);
        }
    }
    free(t.v);
    return 0;
}

static int add_conger(cJSON *o, const struct prefdb__group *g,
                      enum prefdb__scale_id s, struct pk_err *err)
{
    struct prefdb__conger c;
    int rc = prefdb__group_conger(g, s, &c, err);
    if (rc || !c.had)
        return rc;
    add_coef(o, "conger", &c.plain);
    if (s == PREFDB__STRENGTH)
        add_coef(o, "conger_quadratic", &c.quadratic);
    return 0;
}

static int add_group(cJSON *o, const struct prefdb__agreement *a,
                     struct prefdb__group *g, uint64_t pairs,
                     struct pk_err *err)
{
    int rc = 0;
    count(o, "judgments", g->judgments);
    count(o, "comparisons", g->comparisons);
    count(o, "shared", g->shared);
    count(o, "anonymous", g->anonymous);
    cJSON *scales = cJSON_AddObjectToObject(o, "scales");
    for (int s = 0; s < PREFDB__SCALES && !rc; s++) {
        struct prefdb__coef c[PREFDB__COEFS];
        enum prefdb__scale_id id = (enum prefdb__scale_id)s;
        if (!prefdb__has_scale(g, id))
            continue;
        cJSON *x = cJSON_AddObjectToObject(scales, prefdb__scale_key(id));
        cJSON_AddStringToObject(x, "levels", prefdb__scale_levels(g, id));
        count(x, "n_levels", (uint64_t)prefdb__scale_of(g, id).q);
        count(x, "ratings", g->tally[s].ratings);
        rc = prefdb__coefs(g, id, c, err);
        for (int i = 0; i < PREFDB__COEFS && !rc; i++)
            if (!prefdb__coef_kinds[i].strength || id == PREFDB__STRENGTH)
                add_coef(x, prefdb__coef_kinds[i].key, &c[i]);
        if (!rc)
            rc = add_conger(x, g, id, err);
        if (!rc)
            rc = add_pairs(x, a, g, id, pairs, err);
    }
    return rc;
}

static cJSON *person_json(const struct prefdb__agreement *a,
                          const struct prefdb__person *p, int d)
{
    const struct prefdb__habits *h = &a->habits[2 * p->id + (uint32_t)d];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "annotator", a->people.v[p->id]);
    count(o, "judgments", h->judgments);
    add_share(o, "left", h->left, h->sided);
    add_share(o, "longer", h->longer, h->unequal);
    if (h->timed)
        pk_json_add_num(o, "median_seconds", h->median);
    add_share(o, "too_fast", h->fast, h->timed);
    add_share(o, "same_again", h->same, h->repeats);
    count(o, "undated_repeats", h->undated);
    add_share(o, "gold_right", h->right, h->gold);
    cJSON *scales = cJSON_AddObjectToObject(o, "scales");
    for (int s = 0; s < PREFDB__SCALES; s++) {
        if (!p->on[s].ratings)
            continue;
        cJSON *x = cJSON_AddObjectToObject(
            scales, prefdb__scale_key((enum prefdb__scale_id)s));
        count(x, "ratings", p->on[s].ratings);
        count(x, "shared", p->on[s].shared);
        pk_json_add_num(x, "like_the_others",
                        p->on[s].shared ? p->on[s].agree : (double)NAN);
        add_coef(x,
                 s == PREFDB__STRENGTH ? "alpha_ordinal_without"
                                       : "alpha_nominal_without",
                 &p->on[s].alpha);
        add_coef(x,
                 s == PREFDB__STRENGTH ? "ac2_ordinal_without" : "ac1_without",
                 &p->on[s].ac);
    }
    return o;
}

static int add_dimension(cJSON *list, struct prefdb__agreement *a, int d,
                         const struct prefdb__agreement_print *p,
                         struct pk_err *err)
{
    struct prefdb__person *people;
    size_t n;
    cJSON *o = cJSON_CreateObject(), *v;
    cJSON_AddItemToArray(list, o);
    cJSON_AddStringToObject(o, "dimension",
                            prefdb_dimension_name((enum prefdb_dimension)d));
    int rc = add_group(cJSON_AddObjectToObject(o, "all"), a, &a->all[d],
                       p->pairs, err);
    v = cJSON_AddArrayToObject(o, "sources");
    for (size_t i = 0; i < a->sources.n && !rc; i++) {
        struct prefdb__group *g = &a->groups[2 * i + (size_t)d];
        if (!g->judgments)
            continue;
        cJSON *x = cJSON_CreateObject();
        cJSON_AddItemToArray(v, x);
        cJSON_AddStringToObject(x, "source", a->sources.v[i]);
        rc = add_group(x, a, g, 0, err);
    }
    v = cJSON_AddArrayToObject(o, "annotators");
    if (!rc)
        rc = prefdb__people(a, (enum prefdb_dimension)d, &people, &n, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        cJSON_AddItemToArray(v, person_json(a, &people[i], d));
    free(people);
    return 0;
}

int prefdb__agreement_json(struct prefdb__agreement *a,
                           const struct prefdb__agreement_print *p,
                           struct pk_err *err)
{
    int rc = 0;
    cJSON *o = pk_json_report("prefkit-agreement-report-1", p->store);
    if (p->query->source)
        cJSON_AddStringToObject(o, "source", p->query->source);
    if (p->query->gold)
        cJSON_AddStringToObject(o, "gold", p->query->gold);
    pk_json_add_num(o, "reading_speed", p->query->reading_speed);
    cJSON *list = cJSON_AddArrayToObject(o, "dimensions");
    for (int d = 0; d < 2 && !rc; d++)
        if (a->all[d].judgments)
            rc = add_dimension(list, a, d, p, err);
    if (!rc)
        return pk_json_write(stdout, o, err);
    cJSON_Delete(o);
    return rc;
}
