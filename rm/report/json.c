/* The report as one JSON document: schemas/eval-report.schema.json. */
#include <stdlib.h>

#include "common/json.h"
#include "common/version.h"
#include "rm/report/json.h"
#include "rm/report/report.h"

static void add_tally(cJSON *o, const struct rm_tally *t, int *bad)
{
    double accuracy, low, high;
    bool decided = rm_tally_accuracy(t, &accuracy, &low, &high);
    rm_json_count(o, "n", rm_tally_n(t), bad);
    rm_json_count(o, "wins", t->wins, bad);
    rm_json_count(o, "losses", t->losses, bad);
    rm_json_count(o, "ties", t->ties, bad);
    rm_json_count(o, "comparisons", t->clusters.n, bad);
    if (decided) {
        rm_json_number(o, "accuracy", accuracy, bad);
        rm_json_number(o, "low", low, bad);
        rm_json_number(o, "high", high, bad);
    } else {
        *bad += cJSON_AddNullToObject(o, "accuracy") == NULL;
        *bad += cJSON_AddNullToObject(o, "low") == NULL;
        *bad += cJSON_AddNullToObject(o, "high") == NULL;
    }
}

static void add_group(cJSON *in, const struct rm_report *r,
                      const struct rm_group *g, int *bad)
{
    cJSON *o = rm_json_item(in, bad);
    rm_json_string(o, "by", rm_by_key(g->by), bad);
    rm_json_string(o, "value", rm_group_name(g), bad);
    add_tally(rm_json_object(o, "longer", bad), &g->longer, bad);
    struct rm_random x = rm_random_of(&g->longer);
    cJSON *random = rm_json_object(o, "random", bad);
    rm_json_count(random, "n", x.n, bad);
    rm_json_number(random, "accuracy", x.accuracy, bad);
    rm_json_number(random, "low", x.low, bad);
    rm_json_number(random, "high", x.high, bad);
    cJSON *models = rm_json_object(o, "models", bad);
    for (size_t m = 0; m < r->n_models; m++) {
        cJSON *t = rm_json_object(models, r->model[m].name, bad);
        add_tally(t, &g->model[m], bad);
        rm_json_number(t, "log_loss", rm_tally_log_loss(&g->model[m]), bad);
    }
}

/* Figure 6: all judgments, and the clearest ones. */
static void add_scaling(cJSON *in, const struct rm_report *r, int d, int *bad)
{
    const struct rm_section *s = &r->section[d];
    size_t n, strengths;
    const struct rm_group *clear = rm_groups_by(s, RM_BY_STRENGTH, &strengths);
    if (!rm_scaling_useful(r, (enum prefdb_dimension)d))
        return;
    size_t *order = rm_scaling_order(r, (enum prefdb_dimension)d, &n);
    *bad += order == NULL;
    cJSON *list = rm_json_list(in, "scaling", bad);
    for (size_t i = 0; order && i < n; i++) {
        cJSON *o = rm_json_item(list, bad);
        rm_json_string(o, "name", r->model[order[i]].name, bad);
        add_tally(rm_json_object(o, "all", bad), &s->group[0].model[order[i]],
                  bad);
        if (clear && clear->value == 3)
            add_tally(rm_json_object(o, "significantly_better", bad),
                      &clear->model[order[i]], bad);
    }
    free(order);
}

static void add_section(cJSON *in, const struct rm_report *r, int d, int *bad)
{
    const struct rm_section *s = &r->section[d];
    cJSON *o = rm_json_item(in, bad);
    rm_json_string(o, "dimension",
                   prefdb_dimension_name((enum prefdb_dimension)d), bad);
    rm_json_count(o, "judgments", s->judgments, bad);
    rm_json_count(o, "judged_comparisons", s->comparisons, bad);
    cJSON *left = rm_json_object(o, "left_out", bad);
    for (int i = 0; i < RM_N_REASONS; i++)
        rm_json_count(left, rm_reason_key((enum rm_reason)i), s->left_out.n[i],
                      bad);
    rm_json_count(o, "cut_responses", s->cut, bad);
    rm_json_count(o, "shortened_dialogues", s->shortened, bad);
    cJSON *groups = rm_json_list(o, "groups", bad);
    for (size_t i = 0; i < s->n_groups; i++)
        add_group(groups, r, &s->group[i], bad);
    if (s->used)
        add_scaling(o, r, d, bad);
    if (s->view)
        rm_report_json_more(o, r, (enum prefdb_dimension)d, bad);
}

static void add_model(cJSON *in, const struct rm_report *r, size_t m, int *bad)
{
    const struct rm_report_model *model = &r->model[m];
    cJSON *o = rm_json_item(in, bad);
    rm_json_string(o, "name", model->name, bad);
    if (model->run != RM_NO_RUN)
        rm_json_string(o, "run", r->model[model->run].name, bad);
    rm_json_string(o, "dir", model->dir, bad);
    rm_json_string(o, "fingerprint", model->fingerprint, bad);
    rm_json_count(o, "parameters", model->made.parameters, bad);
    if (!model->made.told)
        return;
    rm_json_count(o, "pairs_seen", model->made.seen, bad);
    rm_json_count(o, "pairs_trained", model->made.trained, bad);
    rm_json_count(o, "step", model->made.step, bad);
}

static void fill(cJSON *o, const struct rm_report *r, int *bad)
{
    rm_json_string(o, "schema", "prefkit-eval-report-2", bad);
    rm_json_string(o, "prefkit", PK_VERSION, bad);
    cJSON *store = rm_json_object(o, "store", bad);
    rm_json_string(store, "path", r->store, bad);
    rm_json_string(store, "fingerprint", r->store_fingerprint, bad);
    rm_json_string(o, "split", prefdb_split_name(r->split), bad);
    if (r->source)
        rm_json_string(o, "source", r->source, bad);
    rm_json_string(o, "precision", r->precision, bad);
    cJSON *models = rm_json_list(o, "models", bad);
    for (size_t m = 0; m < r->n_models; m++)
        add_model(models, r, m, bad);
    if (r->n_scored > r->n_models)
        models = rm_json_list(o, "checkpoints", bad);
    for (size_t m = r->n_models; m < r->n_scored; m++)
        add_model(models, r, m, bad);
    cJSON *sections = rm_json_list(o, "dimensions", bad);
    for (int d = 0; d < RM_N_DIMENSIONS; d++)
        if (r->section[d].judgments)
            add_section(sections, r, d, bad);
    rm_json_rated(o, r, bad);
}

int rm_report_json(const struct rm_report *r, FILE *f, struct pk_err *err)
{
    int bad = 0;
    cJSON *o = cJSON_CreateObject();
    fill(o, r, &bad);
    if (!bad)
        return pk_json_write(f, o, err);
    cJSON_Delete(o);
    return pk_fail_mem(err, "a report");
}
