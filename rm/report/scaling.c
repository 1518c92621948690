/* What models were made of; see scaling.h. */
#include "rm/report/scaling.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "rm/data/order.h"
#include "rm/report/report.h"

/* So small that a product of two is a number still. */
static uint64_t count_at(const cJSON *o, const char *in, const char *key)
{
    if (in)
        o = cJSON_GetObjectItemCaseSensitive(o, in);
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    double x = cJSON_IsNumber(v) ? v->valuedouble : 0;
    return x >= 0 && x < (double)UINT32_MAX ? (uint64_t)x : 0;
}

int rm_made_read(struct rm_made *out, const char *dir,
                 const struct infer_config *c, struct pk_err *err)
{
    struct pk_buf path = PK_BUF_INIT((size_t)1 << 16);
    cJSON *j = NULL;
    *out = (struct rm_made){.dimension = -1};
    out->parameters = infer_parameters(c);
    if (pk_buf_addf(&path, "%s/prefkit.json", dir) < 0)
        return pk_fail_mem(err, "a path");
    if (pk_json_load(&j, path.data, (size_t)1 << 24, NULL) == 0) {
        /* Later epochs bring nothing new. */
        uint64_t pairs = count_at(j, "train", "pairs");
        uint64_t batch = count_at(j, "recipe", "batch_pairs");
        out->step = count_at(j, NULL, "kept_step");
        if (batch)
            out->trained = rm_pairs_trained(pairs, batch, out->step);
        out->seen = out->trained < pairs ? out->trained : pairs;
        out->told = out->seen > 0;
        const char *said = NULL;
        enum prefdb_dimension d;
        if (pk_json_str(j, "dimension", &said, NULL) == 0 && said &&
            prefdb_parse_dimension(said, &d))
            out->dimension = (int)d;
    }
    cJSON_Delete(j);
    pk_buf_release(&path);
    return 0;
}

static bool before(const struct rm_report_model *x,
                   const struct rm_report_model *y)
{
    const struct rm_made *a = &x->made, *b = &y->made;
    if (a->parameters != b->parameters)
        return a->parameters < b->parameters;
    if (x->run != y->run)
        return x->run < y->run;
    return a->seen != b->seen ? a->seen < b->seen : a->trained < b->trained;
}

static bool counts(const struct rm_made *m, enum prefdb_dimension d)
{
    return m->told && (m->dimension < 0 || m->dimension == (int)d);
}

size_t *rm_scaling_order(const struct rm_report *r, enum prefdb_dimension d,
                         size_t *n)
{
    size_t *order = pk_calloc(r->n_scored, sizeof *order);
    *n = 0;
    for (size_t m = 0; order && m < r->n_scored; m++) {
        if (!counts(&r->model[m].made, d))
            continue;
        size_t at = (*n)++;
        for (; at > 0 && before(&r->model[m], &r->model[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = m;
    }
    return order;
}

static bool same_run(const struct rm_report_model *a,
                     const struct rm_report_model *b)
{
    return a->run == b->run && a->run != RM_NO_RUN;
}

bool rm_scaling_useful(const struct rm_report *r, enum prefdb_dimension d)
{
    const struct rm_report_model *first = NULL;
    for (size_t m = 0; m < r->n_scored; m++) {
        const struct rm_report_model *a = &r->model[m];
        if (!counts(&a->made, d))
            continue;
        if (first && (a->made.parameters != first->made.parameters ||
                      a->made.seen != first->made.seen || same_run(a, first)))
            return true;
        first = a;
    }
    return false;
}

enum rm_axis rm_scaling_axis(const struct rm_report *r, const size_t *order,
                             size_t n)
{
    enum rm_axis axis = RM_AXIS_PARAMETERS;
    for (size_t i = 1; i < n; i++) {
        const struct rm_report_model *a = &r->model[order[i - 1]];
        const struct rm_report_model *b = &r->model[order[i]];
        if (same_run(a, b) && a->made.seen == b->made.seen)
            return RM_AXIS_TRAINED;
        if (a->made.seen != b->made.seen)
            axis = RM_AXIS_SEEN;
    }
    return axis;
}

uint64_t rm_scaling_seen(enum rm_axis axis, const struct rm_made *m)
{
    return axis == RM_AXIS_TRAINED ? m->trained : m->seen;
}

bool rm_scaling_joined(const struct rm_report *r, enum rm_axis axis, size_t one,
                       size_t next)
{
    const struct rm_report_model *a = &r->model[one], *b = &r->model[next];
    return axis == RM_AXIS_PARAMETERS ||
           (a->run == b->run && a->made.parameters == b->made.parameters);
}

void rm_short_count(char out[16], uint64_t n)
{
    static const char *const names[] = {"", "k", "M", "B", "T"};
    double x = (double)n;
    int k = 0;
    while (x >= 999.95 && k < 4) {
        x /= 1000;
        k++;
    }
    snprintf(out, 16, k ? "%.1f%s" : "%.0f%s", x, names[k]);
}
