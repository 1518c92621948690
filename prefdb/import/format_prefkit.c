/* Our own JSON lines, schemas/comparison.schema.json: one comparison a row,
 * with its judgments. A member that the schema does not have is refused, as it
 * is probably a misspelling; "extra" is the place for one's own. */
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format.h"

/* May this name be shown in a message of one line? */
static bool is_plain(const char *name)
{
    size_t n = 0;
    while (name[n] > ' ' && name[n] < 0x7F)
        n++;
    return !name[n] && n <= 40;
}

/* Refuse members that are not in `known`. */
static int check_members(const cJSON *obj, const char *const *known,
                         const char *what, struct pk_err *err)
{
    const cJSON *m;
    cJSON_ArrayForEach(m, obj)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], m->string) != 0)
            i++;
        if (!known[i] && is_plain(m->string))
            return pk_fail(err, PK_EDATA, "\"%s\" is not a member of %s",
                           m->string, what);
        if (!known[i])
            return pk_fail(err, PK_EDATA, "%s has an unknown member", what);
    }
    return 0;
}

/* "extra", taken out of the object. */
static int take_extra(cJSON *obj, cJSON **out, struct pk_err *err)
{
    cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, "extra");
    if (!v || cJSON_IsNull(v))
        return 0;
    if (!cJSON_IsObject(v))
        return pk_fail(err, PK_EDATA, "\"extra\" is not an object");
    *out = cJSON_DetachItemViaPointer(obj, v);
    return 0;
}

/* ISO 8601: at least a date. */
static int read_time(const cJSON *obj, const char **out, struct pk_err *err)
{
    static const char shape[] = "dddd-dd-dd";
    int rc = pk_json_str(obj, "created", out, err);
    if (rc || !*out)
        return rc;
    for (size_t i = 0; shape[i]; i++) {
        char c = (*out)[i];
        if (shape[i] == 'd' ? c < '0' || c > '9' : c != shape[i])
            return pk_fail(err, PK_EDATA,
                           "\"created\" is not a time such as "
                           "\"2026-01-31T12:00:00Z\"");
    }
    return 0;
}

/* A number in a range, NaN when it is not there. */
static int read_range(const cJSON *obj, const char *key, double max,
                      double *out, struct pk_err *err)
{
    int rc = pk_json_num(obj, key, PREFDB__UNKNOWN, out, err);
    if (rc || isnan(*out) || (*out >= 0 && *out <= max))
        return rc;
    return pk_fail(err, PK_EDATA, "\"%s\" is out of range", key);
}

static int read_seed(const cJSON *obj, struct prefdb__response *r,
                     struct pk_err *err)
{
    double v;
    int rc = pk_json_num(obj, "seed", PREFDB__UNKNOWN, &v, err);
    if (rc || isnan(v))
        return rc;
    if (fabs(v) >= 9007199254740992.0 || v != floor(v)) /* or it is rounded */
        return pk_fail(err, PK_EDATA,
                       "\"seed\" is not a whole number below 2^53");
    r->has_seed = true;
    r->seed = (int64_t)v;
    return 0;
}

static int read_origin(cJSON *obj, struct prefdb__response *r,
                       struct pk_err *err)
{
    int cut = 0;
    int rc = pk_json_str(obj, "model", &r->model, err);
    if (!rc)
        rc = read_range(obj, "temperature", 1e9, &r->temperature, err);
    if (!rc)
        rc = read_range(obj, "top_p", 1, &r->top_p, err);
    if (!rc)
        rc = read_seed(obj, r, err);
    if (!rc)
        rc = read_time(obj, &r->created, err);
    if (!rc)
        rc = prefdb__read_bool(obj, "cut", 0, &cut, err);
    if (!rc)
        rc = take_extra(obj, &r->extra, err);
    r->cut = cut;
    return rc;
}

static int read_rating(cJSON *obj, struct prefdb__response *r,
                       struct pk_err *err)
{
    static const char *const known[] = {"attribute", "value",   "low",   "high",
                                        "annotator", "created", "extra", NULL};
    const char *attribute = NULL, *annotator = NULL;
    double value = PREFDB__UNKNOWN;
    if (!cJSON_IsObject(obj))
        return pk_fail(err, PK_EDATA, "it is not an object");
    int rc = check_members(obj, known, "a rating", err);
    if (!rc)
        rc = pk_json_need_str(obj, "attribute", &attribute, err);
    if (!rc)
        rc = pk_json_num(obj, "value", PREFDB__UNKNOWN, &value, err);
    if (rc)
        return rc;
    struct prefdb__rating *x = prefdb__response_rating(r, attribute, value);
    if (!x)
        return pk_fail_mem(err, "a rating");
    rc = pk_json_num(obj, "low", PREFDB__UNKNOWN, &x->low, err);
    if (!rc)
        rc = pk_json_num(obj, "high", PREFDB__UNKNOWN, &x->high, err);
    if (!rc)
        rc = pk_json_str(obj, "annotator", &annotator, err);
    if (!rc)
        rc = read_time(obj, &x->created, err);
    if (!rc)
        rc = take_extra(obj, &x->extra, err);
    x->annotator = annotator ? annotator : "";
    return rc;
}

static int read_ratings(cJSON *obj, struct prefdb__response *r,
                        struct pk_err *err)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(obj, "ratings"), *x;
    if (!list || cJSON_IsNull(list))
        return 0;
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"ratings\" is not a list");
    cJSON_ArrayForEach(x, list)
    {
        int rc = read_rating(x, r, err);
        if (rc) {
            pk_err_prefix(err, "in \"ratings\": ");
            return rc;
        }
    }
    return 0;
}

static int read_response(cJSON *row, const char *key,
                         struct prefdb__response *r, struct pk_err *err)
{
    static const char *const known[] = {
        "content", "model", "temperature", "top_p",   "seed",
        "created", "cut",   "extra",       "ratings", NULL};
    cJSON *v = cJSON_GetObjectItemCaseSensitive(row, key);
    const char *text = NULL;
    int rc = 0;
    if (cJSON_IsString(v)) {
        text = v->valuestring;
    } else if (!cJSON_IsObject(v)) {
        return pk_fail(err, PK_EDATA, "\"%s\" is %s", key,
                       v ? "neither text nor an object" : "missing");
    } else {
        rc = check_members(v, known, "a response", err);
        if (!rc)
            rc = pk_json_need_str(v, "content", &text, err);
        if (!rc)
            rc = read_origin(v, r, err);
        if (!rc)
            rc = read_ratings(v, r, err);
    }
    if (rc) {
        pk_err_prefix(err, "\"%s\": ", key);
        return rc;
    }
    r->turn = (struct prefdb_turn){PREFDB_ASSISTANT, text, strlen(text)};
    return 0;
}

static int read_choice(const cJSON *obj, struct prefdb__judgment *j,
                       struct pk_err *err)
{
    const char *s;
    int rc = pk_json_str(obj, "choice", &s, err);
    if (!rc && s && !prefdb__parse_choice(s, &j->choice))
        rc = pk_fail(err, PK_EDATA, "\"choice\" is not a, b, tie or both_bad");
    if (!rc)
        rc = pk_json_str(obj, "shown_left", &s, err);
    if (!rc && s &&
        (!prefdb__parse_choice(s, &j->shown_left) || j->shown_left > PREFDB_B))
        rc = pk_fail(err, PK_EDATA, "\"shown_left\" is not a or b");
    if (!rc)
        rc = pk_json_str(obj, "label", &s, err);
    if (!rc && s && !prefdb__parse_label(s, &j->label))
        rc = pk_fail(err, PK_EDATA, "\"label\" is not a safety label");
    return rc;
}

/* 0..3, or the grade's name. */
static int read_strength(const cJSON *obj, int *out, struct pk_err *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, "strength");
    if (!v || cJSON_IsNull(v) ||
        (cJSON_IsString(v) && prefdb__parse_strength(v->valuestring, out)))
        return 0;
    for (int i = 0; i <= 3 && cJSON_IsNumber(v); i++) {
        if (v->valuedouble == i) {
            *out = i;
            return 0;
        }
    }
    return pk_fail(err, PK_EDATA,
                   "\"strength\" is neither 0 to 3 nor a grade's name");
}

static int read_flags(cJSON *obj, cJSON **out, struct pk_err *err)
{
    cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, "flags");
    const cJSON *f;
    if (!v || cJSON_IsNull(v))
        return 0;
    bool ok = cJSON_IsArray(v);
    cJSON_ArrayForEach(f, v) ok = ok && cJSON_IsString(f);
    if (!ok)
        return pk_fail(err, PK_EDATA, "\"flags\" is not a list of texts");
    if (cJSON_GetArraySize(v))
        *out = cJSON_DetachItemViaPointer(obj, v);
    return 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 87 : -1;
}

static int read_supersedes(const cJSON *obj, struct prefdb__judgment *j,
                           struct pk_err *err)
{
    const char *s;
    int rc = pk_json_str(obj, "supersedes", &s, err);
    if (rc || !s)
        return rc;
    bool ok = strlen(s) == (size_t)2 * PREFDB__UID;
    for (size_t i = 0; ok && i < PREFDB__UID; i++) {
        int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);
        ok = hi >= 0 && lo >= 0;
        j->supersedes[i] = (uint8_t)(ok ? hi * 16 + lo : 0);
    }
    j->has_supersedes = ok;
    return ok ? 0
              : pk_fail(err, PK_EDATA,
                        "\"supersedes\" is not a uid of 32 hex digits");
}

static int read_words(cJSON *obj, struct prefdb__judgment *j,
                      struct pk_err *err)
{
    const char *annotator = NULL;
    int rc = pk_json_str(obj, "annotator", &annotator, err);
    if (!rc)
        rc = pk_json_str(obj, "note", &j->note, err);
    if (!rc)
        rc = pk_json_str(obj, "guideline", &j->guideline, err);
    if (!rc)
        rc = read_time(obj, &j->created, err);
    if (!rc)
        rc = read_range(obj, "seconds", 1e9, &j->seconds, err);
    if (!rc)
        rc = read_flags(obj, &j->flags, err);
    if (!rc)
        rc = take_extra(obj, &j->extra, err);
    j->annotator = annotator ? annotator : "";
    return rc;
}

static int read_judgment(cJSON *obj, struct prefdb__rows *rows,
                         struct prefdb__record *out, struct pk_err *err)
{
    static const char *const known[] = {
        "dimension", "choice",     "strength", "label",     "shown_left",
        "seconds",   "note",       "flags",    "guideline", "annotator",
        "created",   "supersedes", "extra",    NULL};
    const char *s = NULL;
    enum prefdb_dimension d = (enum prefdb_dimension)rows->dimension;
    if (!cJSON_IsObject(obj))
        return pk_fail(err, PK_EDATA, "it is not an object");
    int rc = check_members(obj, known, "a judgment", err);
    if (!rc)
        rc = pk_json_str(obj, "dimension", &s, err);
    if (!rc && !s && rows->dimension < 0)
        rc = pk_fail(err, PK_EDATA, "\"dimension\" is missing");
    if (!rc && s && !prefdb_parse_dimension(s, &d))
        rc = pk_fail(err, PK_EDATA,
                     "\"dimension\" is not helpfulness or safety");
    if (rc || !prefdb__wants(rows, d))
        return rc;
    struct prefdb__judgment *j =
        prefdb__record_judgment(out, d, PREFDB__WITHDRAWN);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    rc = read_choice(obj, j, err);
    if (!rc)
        rc = read_strength(obj, &j->strength, err);
    if (!rc)
        rc = read_supersedes(obj, j, err);
    return rc ? rc : read_words(obj, j, err);
}

static int read_judgments(cJSON *row, struct prefdb__rows *rows,
                          struct prefdb__record *out, struct pk_err *err)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(row, "judgments"), *j;
    if (!list || cJSON_IsNull(list))
        return 0;
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"judgments\" is not a list");
    cJSON_ArrayForEach(j, list)
    {
        int rc = read_judgment(j, rows, out, err);
        if (rc) {
            pk_err_prefix(err, "in \"judgments\": ");
            return rc;
        }
    }
    return 0;
}

static int read_place(const cJSON *row, struct prefdb__record *out,
                      struct pk_err *err)
{
    const char *split;
    enum prefdb_split s;
    int rc = pk_json_str(row, "source", &out->source, err);
    if (!rc)
        rc = pk_json_str(row, "batch", &out->batch, err);
    if (!rc)
        rc = pk_json_str(row, "split", &split, err);
    if (rc || !split)
        return rc;
    if (!prefdb_parse_split(split, &s))
        return pk_fail(err, PK_EDATA, "\"split\" is not train, valid or test");
    out->split = (int)s;
    return 0;
}

/* One message of the dialogue. */
static int read_message(const cJSON *m, struct prefdb__record *out,
                        struct pk_err *err)
{
    static const char *const known[] = {"role", "content", NULL};
    const char *role = NULL, *content = NULL;
    enum prefdb_role r;
    if (!cJSON_IsObject(m))
        return pk_fail(err, PK_EDATA, "it is not an object");
    int rc = check_members(m, known, "a message", err);
    if (!rc)
        rc = pk_json_need_str(m, "role", &role, err);
    if (!rc)
        rc = pk_json_need_str(m, "content", &content, err);
    if (rc)
        return rc;
    if (!prefdb__parse_role(role, &r))
        return pk_fail(err, PK_EDATA,
                       "it has a role that is not system, user or assistant");
    return prefdb__add_turn(out, r, content, err);
}

static int read_messages(const cJSON *row, struct prefdb__record *out,
                         struct pk_err *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(row, "messages"), *m;
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"messages\" is not a list of messages");
    cJSON_ArrayForEach(m, list)
    {
        int rc = read_message(m, out, err);
        if (rc) {
            pk_err_prefix(err, "a message in \"messages\": ");
            return rc;
        }
    }
    return 0;
}

static bool sniff(const cJSON *row)
{
    return (prefdb__has(row, "a") && prefdb__has(row, "b")) ||
           cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(row, "response"));
}

/* {"messages", "response"}: a response without a comparison. */
static int read_single(cJSON *row, struct prefdb__record *out,
                       struct pk_err *err)
{
    static const char *const known[] = {"messages", "response", NULL};
    out->single = true;
    int rc = check_members(row, known, "a row of one response", err);
    if (!rc)
        rc = read_messages(row, out, err);
    return rc ? rc : read_response(row, "response", &out->a, err);
}

static int read(const struct prefdb__format *f, cJSON *row,
                struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__record *out = prefdb__rows_add(rows);
    if (!out)
        return pk_fail_mem(err, "a comparison");
    static const char *const known[] = {"messages", "a",         "b",
                                        "source",   "batch",     "split",
                                        "extra",    "judgments", NULL};
    if (prefdb__has(row, "response"))
        return read_single(row, out, err);
    int rc = check_members(row, known, "a comparison", err);
    if (!rc)
        rc = read_messages(row, out, err);
    if (!rc)
        rc = read_response(row, "a", &out->a, err);
    if (!rc)
        rc = read_response(row, "b", &out->b, err);
    if (!rc)
        rc = read_place(row, out, err);
    if (!rc)
        rc = take_extra(row, &out->extra, err);
    return rc ? rc : read_judgments(row, rows, out, err);
}

const struct prefdb__format prefdb__format_prefkit = {
    .name = "prefkit",
    .what = "our own JSON lines (schemas/comparison.schema.json)",
    .keys = "messages:l",
    .sniff = sniff,
    .rule = "choice, strength 0 to 3, label, as they stand",
    .dimension = PREFDB__ROW,
    .read = read,
};
