/* TRL's preference data: explicit {"prompt", "chosen", "rejected"}, or implicit
 * {"chosen", "rejected"} where both begin with the prompt; texts, or lists of
 * messages. A "margin" and every other column are kept with the judgment.
 * Where `prefkit best --pairs` says how its responses were made, the store's
 * columns have that too. */
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format.h"

/* Append a text as one turn, or a list of messages. */
static int read_part(struct prefdb__rows *rows, cJSON *row, const char *key,
                     enum prefdb_role role, struct prefdb__record *out,
                     struct pk_err *err)
{
    cJSON *v = prefdb__find(row, key);
    if (!v)
        return pk_fail(err, PK_EDATA, "\"%s\" is missing", key);
    if (cJSON_IsString(v))
        return prefdb__record_turn(out, role, v->valuestring,
                                   strlen(v->valuestring), err);
    if (!cJSON_IsArray(v))
        return pk_fail(err, PK_EDATA,
                       "\"%s\" is neither text nor a list of messages", key);
    return prefdb__take_messages(rows, out, v, key, SIZE_MAX, err);
}

/* The two dialogues, one after the other; *n_a: where the second begins. */
static int read_dialogues(struct prefdb__rows *rows, cJSON *row,
                          struct prefdb__record *out, size_t *n_a,
                          struct pk_err *err)
{
    int rc = prefdb__find(row, "prompt")
                 ? read_part(rows, row, "prompt", PREFDB_USER, out, err)
                 : 0;
    size_t n_prompt = out->n_context;
    if (!rc)
        rc = read_part(rows, row, "chosen", PREFDB_ASSISTANT, out, err);
    *n_a = out->n_context;
    for (size_t i = 0; i < n_prompt && !rc; i++) {
        struct prefdb_turn t = out->context[i];
        rc = prefdb__record_turn(out, t.role, t.text, t.len, err);
    }
    return rc ? rc
              : read_part(rows, row, "rejected", PREFDB_ASSISTANT, out, err);
}

/* Take a part out of the row whose messages hold nothing but their words. */
static void take_part(struct prefdb__rows *rows, cJSON *row, const char *key)
{
    bool more = false;
    cJSON *m;
    cJSON_ArrayForEach(m, prefdb__find(row, key)) more =
        prefdb__rest_of(m) || more;
    if (!more)
        (void)prefdb__take(rows, row, key);
}

static double within(const cJSON *o, const char *key, double high)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    bool ok =
        cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= high;
    return ok ? v->valuedouble : PREFDB__UNKNOWN;
}

/* What the columns hold of "chosen_generation" and "chosen_cut"; anything else
 * under these names is only kept. */
static void read_made(const cJSON *row, const char *made, const char *cut,
                      struct prefdb__response *r)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(row, made);
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(o, "model");
    r->cut = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, cut));
    if (!cJSON_IsObject(o))
        return;
    r->model = cJSON_IsString(model) ? model->valuestring : NULL;
    r->temperature = within(o, "temperature", 1e9);
    r->top_p = within(o, "top_p", 1);
    double seed = within(o, "seed", 9007199254740991.0);
    r->has_seed = !isnan(seed) && seed == floor(seed);
    r->seed = r->has_seed ? (int64_t)seed : 0;
}

static int read(const struct prefdb__format *f, cJSON *row,
                struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__record *out = prefdb__rows_add(rows);
    if (!out)
        return pk_fail_mem(err, "a comparison");
    static const char *const none[] = {NULL};
    size_t n_a = 0;
    if (!prefdb__find(row, "prompt") &&
        cJSON_IsString(cJSON_GetObjectItemCaseSensitive(row, "chosen")))
        return pk_fail(err, PK_EDATA,
                       "\"prompt\" is missing, and in plain text nothing says "
                       "where it ends");
    int rc = read_dialogues(rows, row, out, &n_a, err);
    if (!rc)
        rc = prefdb__split_dialogues(out, n_a, err);
    if (rc)
        return rc;
    read_made(row, "chosen_generation", "chosen_cut", &out->a);
    read_made(row, "rejected_generation", "rejected_cut", &out->b);
    take_part(rows, row, "prompt");
    take_part(rows, row, "chosen");
    take_part(rows, row, "rejected");
    return prefdb__judge_chosen(row, rows->dimension, none, out, err);
}

const struct prefdb__format prefdb__format_trl = {
    .name = "trl",
    .what = "TRL, OpenRLHF, axolotl's chatml.ultra: prompt, chosen, rejected, "
            "as texts or messages, margin",
    .keys = "chosen,rejected",
    .rule = "chosen is preferred; margin is kept, and is no strength",
    .dimension = PREFDB__ASKED,
    .read = read,
};
