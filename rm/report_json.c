/* The report as one JSON document: schemas/eval-report.schema.json. */
#include <stdlib.h>

#include "common/json.h"
#include "common/version.h"
#include "rm/report.h"

/* cJSON's own calls answer NULL when out of memory; so do these, and one check
 * at the end is enough: `bad` counts what failed. */
static cJSON *object(cJSON *in, const char *key, int *bad)
{
    cJSON *o = cJSON_AddObjectToObject(in, key);
    *bad += o == NULL;
    return o;
}

static cJSON *list(cJSON *in, const char *key, int *bad)
{
    cJSON *a = cJSON_AddArrayToObject(in, key);
    *bad += a == NULL;
    return a;
}

static cJSON *item(cJSON *in, int *bad)
{
    cJSON *o = cJSON_CreateObject();
    if (o && cJSON_AddItemToArray(in, o))
        return o;
    cJSON_Delete(o);
    ++*bad;
    return NULL;
}

static void string(cJSON *in, const char *key, const char *s, int *bad)
{
    *bad += cJSON_AddStringToObject(in, key, s) == NULL;
}

static void count(cJSON *in, const char *key, uint64_t n, int *bad)
{
    *bad += pk_json_add_int(in, key, (long long)n) != 0;
}

static void number(cJSON *in, const char *key, double x, int *bad)
{
    *bad += pk_json_add_num(in, key, x) != 0;
}

static void add_tally(cJSON *o, const struct rm_tally *t, int *bad)
{
    double accuracy, low, high;
    bool decided = rm_tally_accuracy(t, &accuracy, &low, &high);
    count(o, "n", rm_tally_n(t), bad);
    count(o, "wins", t->wins, bad);
    count(o, "losses", t->losses, bad);
    count(o, "ties", t->ties, bad);
    if (decided) {
        number(o, "accuracy", accuracy, bad);
        number(o, "low", low, bad);
        number(o, "high", high, bad);
    } else {
        *bad += cJSON_AddNullToObject(o, "accuracy") == NULL;
        *bad += cJSON_AddNullToObject(o, "low") == NULL;
        *bad += cJSON_AddNullToObject(o, "high") == NULL;
    }
}

static void add_group(cJSON *in, const struct rm_report *r,
                      const struct rm_group *g, int *bad)
{
    static const char *const by[] = {[RM_BY_ALL] = "all",
                                     [RM_BY_SOURCE] = "source",
                                     [RM_BY_STRENGTH] = "strength",
                                     [RM_BY_LABEL] = "label"};
    cJSON *o = item(in, bad);
    string(o, "by", by[g->by], bad);
    string(o, "value", rm_group_name(g), bad);
    add_tally(object(o, "longer", bad), &g->longer, bad);
    cJSON *models = object(o, "models", bad);
    for (size_t m = 0; m < r->n_models; m++) {
        cJSON *t = object(models, r->model[m].name, bad);
        add_tally(t, &g->model[m], bad);
        number(t, "log_loss", rm_tally_log_loss(&g->model[m]), bad);
    }
}

static void add_section(cJSON *in, const struct rm_report *r, int d, int *bad)
{
    const struct rm_section *s = &r->section[d];
    cJSON *o = item(in, bad);
    string(o, "dimension", prefdb_dimension_name((enum prefdb_dimension)d),
           bad);
    count(o, "judgments", s->judgments, bad);
    cJSON *left = object(o, "left_out", bad);
    for (int i = 0; i < RM_N_REASONS; i++)
        count(left, rm_reason_key((enum rm_reason)i), s->left_out.n[i], bad);
    count(o, "cut_responses", s->cut, bad);
    count(o, "shortened_dialogues", s->shortened, bad);
    cJSON *groups = list(o, "groups", bad);
    for (size_t i = 0; i < s->n_groups; i++)
        add_group(groups, r, &s->group[i], bad);
}

static void fill(cJSON *o, const struct rm_report *r, int *bad)
{
    string(o, "schema", "prefkit-eval-report-1", bad);
    string(o, "prefkit", PK_VERSION, bad);
    cJSON *store = object(o, "store", bad);
    string(store, "path", r->store, bad);
    string(store, "fingerprint", r->store_fingerprint, bad);
    string(o, "split", prefdb_split_name(r->split), bad);
    if (r->source)
        string(o, "source", r->source, bad);
    string(o, "precision", "fp32", bad);
    cJSON *models = list(o, "models", bad);
    for (size_t m = 0; m < r->n_models; m++) {
        cJSON *one = item(models, bad);
        string(one, "name", r->model[m].name, bad);
        string(one, "dir", r->model[m].dir, bad);
        string(one, "fingerprint", r->model[m].fingerprint, bad);
    }
    cJSON *sections = list(o, "dimensions", bad);
    for (int d = 0; d < RM_N_DIMENSIONS; d++)
        if (r->section[d].judgments)
            add_section(sections, r, d, bad);
}

int rm_report_json(const struct rm_report *r, FILE *f, struct pk_err *err)
{
    int bad = 0;
    cJSON *o = cJSON_CreateObject();
    fill(o, r, &bad);
    char *text = o && !bad ? cJSON_Print(o) : NULL;
    cJSON_Delete(o);
    if (!text)
        return pk_fail_mem(err, "a report");
    int rc = 0;
    if (fprintf(f, "%s\n", text) < 0)
        rc = pk_fail_errno(err, "cannot write the report");
    free(text);
    return rc;
}
