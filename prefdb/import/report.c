/* What an import did, as JSON (schemas/import-report.schema.json). */
#include "common/json.h"
#include "prefdb/import/import.h"

cJSON *prefdb__report(const char *store, cJSON **files)
{
    cJSON *o = pk_json_report("prefkit-import-report-1", store);
    *files = cJSON_AddArrayToObject(o, "files");
    if (*files)
        return o;
    cJSON_Delete(o);
    return NULL;
}

static bool add_reasons(cJSON *o, const struct prefdb__report *r)
{
    cJSON *reasons = cJSON_AddArrayToObject(o, "reasons");
    bool ok = reasons != NULL;
    for (size_t i = 0; ok && i < r->n_reasons; i++) {
        const struct prefdb__reason *x = &r->reasons[i];
        cJSON *item = cJSON_CreateObject();
        ok = cJSON_AddItemToArray(reasons, item) &&
             cJSON_AddStringToObject(item, "reason", x->text) &&
             pk_json_add_int(item, "rows", (long long)x->n) == 0;
        cJSON *lines = ok ? cJSON_AddArrayToObject(item, "lines") : NULL;
        for (uint64_t k = 0; lines && k < x->n && k < PREFDB__LINES; k++)
            cJSON_AddItemToArray(lines,
                                 cJSON_CreateNumber((double)x->lines[k]));
    }
    return ok;
}

bool prefdb__report_add(cJSON *list, const struct prefdb__import *a,
                        const struct prefdb__report *r)
{
    const struct prefdb__counts *c = &r->counts;
    const struct {
        const char *key;
        uint64_t n;
    } numbers[] = {{"rows", r->rows},
                   {"comparisons", c->comparisons},
                   {"comparisons_known", c->known},
                   {"comparisons_kept", c->kept},
                   {"judgments", c->judgments},
                   {"repeats", c->repeats},
                   {"repeats_unnamed", c->unnamed},
                   {"contradictory", c->contradictory},
                   {"ratings", c->ratings},
                   {"ratings_known", c->rated},
                   {"unjudged", c->unjudged},
                   {"single_responses", c->single},
                   {"equal_pairs", r->equal},
                   {"unanswered", r->unanswered},
                   {"other_dimension", r->other},
                   {"own_source", r->sourced},
                   {"empty_answers", c->empty},
                   {"bad", r->bad},
                   {"leaks", r->leaks}};
    cJSON *o = cJSON_CreateObject();
    bool ok = cJSON_AddItemToArray(list, o);
    ok = ok && cJSON_AddStringToObject(o, "file", a->path);
    ok = ok && cJSON_AddStringToObject(o, "sha256", r->sha256);
    ok = ok && cJSON_AddStringToObject(o, "format",
                                       r->format ? r->format->name : "unknown");
    ok = ok && cJSON_AddStringToObject(o, "source", r->source);
    ok = ok && (!*r->shared ||
                cJSON_AddStringToObject(o, "source_shared_with", r->shared));
    ok = ok && cJSON_AddStringToObject(o, "unit", r->unit);
    ok = ok && cJSON_AddBoolToObject(o, "dry_run", a->dry_run);
    for (size_t i = 0; ok && i < sizeof numbers / sizeof numbers[0]; i++)
        ok = pk_json_add_int(o, numbers[i].key, (long long)numbers[i].n) == 0;
    return ok && add_reasons(o, r);
}
