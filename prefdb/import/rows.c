/* What a row becomes: its records, and taking the row apart; see rows.h. */
#include "prefdb/import/rows.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"

void prefdb__rows_reset(struct prefdb__rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        prefdb__record_reset(&rows->v[i]);
    prefdb__record_reset(&rows->base);
    cJSON_Delete(rows->taken);
    rows->taken = NULL;
    rows->n = 0;
    rows->reject = NULL;
    rows->equal = rows->unanswered = rows->other = rows->sourced = 0;
    rows->no_memory = false;
}

void prefdb__rows_release(struct prefdb__rows *rows)
{
    prefdb__rows_reset(rows);
    for (size_t i = 0; i < rows->made; i++)
        prefdb__record_release(&rows->v[i]);
    prefdb__record_release(&rows->base);
    cJSON_Delete(rows->held);
    free(rows->v);
    *rows = (struct prefdb__rows){0};
}

struct prefdb__record *prefdb__rows_add(struct prefdb__rows *rows)
{
    if (!pk_grow(&rows->v, &rows->cap, rows->n + 1, sizeof *rows->v)) {
        rows->no_memory = true;
        return NULL;
    }
    struct prefdb__record *r = &rows->v[rows->n];
    if (rows->n == rows->made) {
        *r = (struct prefdb__record){0};
        rows->made++;
    }
    rows->n++;
    prefdb__record_reset(r);
    for (size_t i = 0; i < rows->base.n_context; i++) {
        const struct prefdb_turn *t = &rows->base.context[i];
        if (prefdb__record_turn(r, t->role, t->text, t->len, NULL) < 0) {
            rows->no_memory = true;
            return NULL;
        }
    }
    r->split = rows->base.split;
    r->batch = rows->base.batch;
    return r;
}

enum prefdb_dimension prefdb__rows_dimension(const struct prefdb__rows *rows)
{
    return rows->dimension < 0 ? PREFDB_HELPFULNESS
                               : (enum prefdb_dimension)rows->dimension;
}

bool prefdb__wants(struct prefdb__rows *rows, enum prefdb_dimension d)
{
    bool other = rows->dimension >= 0 && rows->dimension != (int)d;
    rows->other += other;
    return !other;
}

/* The member named by the path's first part; *path is moved behind it. */
static cJSON *step(const cJSON *obj, const char **path)
{
    char name[64];
    size_t n = strcspn(*path, ".");
    snprintf(name, sizeof name, "%.*s", (int)n, *path);
    *path += n + ((*path)[n] == '.');
    if (!cJSON_IsArray(obj))
        return cJSON_GetObjectItemCaseSensitive(obj, name);
    return name[0] >= '0' && name[0] <= '9' && !name[1]
               ? cJSON_GetArrayItem(obj, name[0] - '0')
               : NULL;
}

static cJSON *find(cJSON *obj, const char *path, cJSON **parent)
{
    while (obj && *path) {
        *parent = obj;
        obj = step(obj, &path);
    }
    return cJSON_IsNull(obj) ? NULL : obj;
}

cJSON *prefdb__find(const cJSON *obj, const char *path)
{
    const cJSON *v = obj;
    while (v && *path)
        v = step(v, &path);
    return cJSON_IsNull(v) ? NULL : (cJSON *)v;
}

cJSON *prefdb__own(struct prefdb__rows *rows, cJSON *item)
{
    if (!rows->taken)
        rows->taken = cJSON_CreateArray();
    if (item && cJSON_AddItemToArray(rows->taken, item))
        return item;
    rows->no_memory = true;
    cJSON_Delete(item);
    return NULL;
}

const char *prefdb__own_text(struct prefdb__rows *rows, const char *s, size_t n)
{
    char *copy = pk_memdup0(s, n);
    cJSON *item = copy ? prefdb__own(rows, cJSON_CreateString(copy)) : NULL;
    rows->no_memory = rows->no_memory || !copy;
    free(copy);
    return item ? item->valuestring : NULL;
}

cJSON *prefdb__take(struct prefdb__rows *rows, cJSON *obj, const char *path)
{
    cJSON *parent = NULL, *v = find(obj, path, &parent);
    /* An element keeps its place among its neighbours. */
    if (!v || !cJSON_IsObject(parent))
        return v;
    return prefdb__own(rows, cJSON_DetachItemViaPointer(parent, v));
}

int prefdb__take_text(struct prefdb__rows *rows, cJSON *obj, const char *path,
                      const char **out, struct pk_err *err)
{
    const cJSON *v = prefdb__find(obj, path);
    *out = NULL;
    if (v && !cJSON_IsString(v))
        return pk_fail(err, PK_EDATA, "\"%s\" is not a string", path);
    if (v && (v = prefdb__take(rows, obj, path)))
        *out = v->valuestring;
    return 0;
}

int prefdb__need_text(struct prefdb__rows *rows, cJSON *obj, const char *path,
                      const char **out, struct pk_err *err)
{
    int rc = prefdb__take_text(rows, obj, path, out, err);
    if (rc == 0 && !*out)
        rc = pk_fail(err, PK_EDATA, "\"%s\" is missing", path);
    return rc;
}

int prefdb__take_name(struct prefdb__rows *rows, cJSON *obj, const char *path,
                      const char **out, struct pk_err *err)
{
    const cJSON *v = prefdb__find(obj, path);
    char text[40];
    if (!cJSON_IsNumber(v))
        return prefdb__take_text(rows, obj, path, out, err);
    const char *name = v->valuestring; /* of one with more digits than 15 */
    if (!name) {
        snprintf(text, sizeof text, "%.15g", v->valuedouble);
        name = text;
    }
    *out = prefdb__own_text(rows, name, strlen(name));
    (void)prefdb__take(rows, obj, path);
    return 0;
}

static bool is_date(const char *s)
{
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
            return false;
    return true;
}

void prefdb__take_time(struct prefdb__rows *rows, cJSON *obj, const char *path,
                       const char **out)
{
    const cJSON *v = prefdb__find(obj, path);
    struct tm tm;
    char text[32];
    *out = NULL;
    if (cJSON_IsString(v) && is_date(v->valuestring)) {
        v = prefdb__take(rows, obj, path);
        *out = v ? v->valuestring : NULL;
    }
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble < 4e9))
        return;
    /* A fraction of a second stays in the row. */
    bool whole = v->valuedouble == (double)(time_t)v->valuedouble;
    time_t t = (time_t)v->valuedouble;
    if (!gmtime_r(&t, &tm) ||
        !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return;
    *out = prefdb__own_text(rows, text, strlen(text));
    if (whole)
        (void)prefdb__take(rows, obj, path);
}

/* The texts of a list of parts, joined. */
static int join_parts(struct prefdb__rows *rows, cJSON *list, const char **out,
                      struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 2);
    cJSON *part;
    int rc = 0;
    cJSON_ArrayForEach(part, list)
    {
        const cJSON *type = cJSON_GetObjectItemCaseSensitive(part, "type");
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(part, "text");
        if ((type && (!cJSON_IsString(type) ||
                      strcmp(type->valuestring, "text") != 0)) ||
            !cJSON_IsString(text)) {
            rc = pk_fail(err, PK_EDATA, "a message is not all text");
            break;
        }
        pk_buf_adds(&b, text->valuestring);
    }
    if (!rc) {
        *out = prefdb__own_text(rows, b.data ? b.data : "", b.len);
        rows->no_memory = rows->no_memory || b.failed;
    }
    pk_buf_release(&b);
    return rc;
}

int prefdb__take_content(struct prefdb__rows *rows, cJSON *message,
                         const char **out, struct pk_err *err)
{
    const char *key =
        prefdb__has(message, "content") || !prefdb__has(message, "value")
            ? "content"
            : "value";
    if (!cJSON_IsArray(prefdb__find(message, key)))
        return prefdb__need_text(rows, message, key, out, err);
    return join_parts(rows, prefdb__take(rows, message, key), out, err);
}

static bool role_named(const char *s, enum prefdb_role *out)
{
    static const struct {
        const char *name;
        enum prefdb_role role;
    } names[] = {{"user", PREFDB_USER},         {"human", PREFDB_USER},
                 {"prompter", PREFDB_USER},     {"assistant", PREFDB_ASSISTANT},
                 {"gpt", PREFDB_ASSISTANT},     {"model", PREFDB_ASSISTANT},
                 {"chatbot", PREFDB_ASSISTANT}, {"system", PREFDB_SYSTEM}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, s) == 0) {
            *out = names[i].role;
            return true;
        }
    }
    return false;
}

static int take_message(struct prefdb__rows *rows, struct prefdb__record *r,
                        cJSON *m, struct pk_err *err)
{
    const char *role = NULL, *content = NULL;
    enum prefdb_role known;
    if (!cJSON_IsObject(m))
        return pk_fail(err, PK_EDATA, "it is not an object");
    int rc = prefdb__need_text(
        rows, m, prefdb__has(m, "from") ? "from" : "role", &role, err);
    if (!rc)
        rc = prefdb__take_content(rows, m, &content, err);
    if (rc)
        return rc;
    if (!role || !role_named(role, &known))
        return pk_fail(err, PK_EDATA,
                       "it has a role that is not system, user or assistant");
    return content ? prefdb__add_turn(r, known, content, err)
                   : pk_fail_mem(err, "a message");
}

int prefdb__take_messages(struct prefdb__rows *rows, struct prefdb__record *r,
                          cJSON *list, const char *key, size_t limit,
                          struct pk_err *err)
{
    cJSON *m;
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"%s\" is %s", key,
                       list ? "not a list of messages" : "missing");
    cJSON_ArrayForEach(m, list)
    {
        if (limit-- == 0)
            break;
        int rc = take_message(rows, r, m, err);
        if (rc) {
            pk_err_prefix(err, "a message in \"%s\": ", key);
            return rc;
        }
    }
    return 0;
}

int prefdb__add_turn(struct prefdb__record *r, enum prefdb_role role,
                     const char *text, struct pk_err *err)
{
    return prefdb__record_turn(r, role, text, strlen(text), err);
}

int prefdb__split_named(const char *s)
{
    static const struct {
        const char *name;
        enum prefdb_split split;
    } names[] = {{"train", PREFDB_TRAIN},      {"valid", PREFDB_VALID},
                 {"validation", PREFDB_VALID}, {"valid1", PREFDB_VALID},
                 {"valid2", PREFDB_VALID},     {"val", PREFDB_VALID},
                 {"dev", PREFDB_VALID},        {"test", PREFDB_TEST}};
    const char *tail = strrchr(s, '_'); /* SHP: "askculinary_train" */
    if (tail)
        s = tail + 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, s) == 0)
            return (int)names[i].split;
    return -1;
}
