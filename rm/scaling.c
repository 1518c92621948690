/* What models were made of; see scaling.h. */
#include "rm/scaling.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "rm/report.h"

static double number_at(const cJSON *o, const char *in, const char *key)
{
    if (in)
        o = cJSON_GetObjectItemCaseSensitive(o, in);
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(v) ? v->valuedouble : 0;
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
        /* The last batch is not always a whole one, and later epochs bring
         * nothing new. */
        double pairs = number_at(j, "train", "pairs");
        double taken = number_at(j, NULL, "kept_step") *
                       number_at(j, "recipe", "batch_pairs");
        out->seen = (uint64_t)fmin(fmax(fmin(pairs, taken), 0), 1e15);
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

static bool before(const struct rm_made *a, const struct rm_made *b)
{
    return a->parameters != b->parameters ? a->parameters < b->parameters
                                          : a->seen < b->seen;
}

static bool counts(const struct rm_made *m, enum prefdb_dimension d)
{
    return m->told && (m->dimension < 0 || m->dimension == (int)d);
}

size_t *rm_scaling_order(const struct rm_report *r, enum prefdb_dimension d,
                         size_t *n)
{
    size_t *order = pk_calloc(r->n_models, sizeof *order);
    *n = 0;
    for (size_t m = 0; order && m < r->n_models; m++) {
        if (!counts(&r->model[m].made, d))
            continue;
        size_t at = (*n)++;
        for (;
             at > 0 && before(&r->model[m].made, &r->model[order[at - 1]].made);
             at--)
            order[at] = order[at - 1];
        order[at] = m;
    }
    return order;
}

bool rm_scaling_useful(const struct rm_report *r, enum prefdb_dimension d)
{
    const struct rm_made *first = NULL;
    for (size_t m = 0; m < r->n_models; m++) {
        const struct rm_made *a = &r->model[m].made;
        if (!counts(a, d))
            continue;
        if (first &&
            (a->parameters != first->parameters || a->seen != first->seen))
            return true;
        first = a;
    }
    return false;
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
