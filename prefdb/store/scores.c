/* Responses and the scores that reward models gave them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "prefdb/store/query.h"

/* The fingerprints as a JSON list, for json_each; NULL when out of memory. */
static char *list_of(const struct prefdb_response_query *q)
{
    cJSON *list = cJSON_CreateStringArray(q->models, (int)q->n_models);
    char *text = list ? cJSON_PrintUnformatted(list) : NULL;
    cJSON_Delete(list);
    return text;
}

static int collect(struct prefdb *db, sqlite3_stmt *s, int64_t **ids, size_t *n,
                   struct pk_err *err)
{
    int64_t *v = NULL;
    size_t cap = 0, count = 0;
    int rc = 0;
    while (rc == 0 && (rc = prefdb__step(db, s, err)) > 0) {
        rc = 0;
        if (!pk_grow(&v, &cap, count + 1, sizeof *v))
            rc = pk_fail_mem(err, "a list of responses");
        else
            v[count++] = sqlite3_column_int64(s, 0);
    }
    if (rc == 0 && !v && !(v = pk_calloc(1, sizeof *v)))
        rc = pk_fail_mem(err, "a list of responses");
    if (rc) {
        free(v);
        return rc;
    }
    *ids = v;
    *n = count;
    return 0;
}

int prefdb_responses(struct prefdb *db, const struct prefdb_response_query *q,
                     int64_t **ids, size_t *n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *ids = NULL;
    *n = 0;
    char *models = q->n_models ? list_of(q) : NULL;
    if (q->n_models && !models)
        return pk_fail_mem(err, "a list of models");
    int rc = prefdb__prepare(
        db, &s,
        "SELECT r.id FROM response AS r JOIN turn AS t ON t.id = r.turn"
        " WHERE (?1 IS NULL OR"
        " EXISTS (SELECT 1 FROM json_each(?1) AS m WHERE NOT EXISTS"
        " (SELECT 1 FROM score AS s WHERE s.response = r.id"
        "  AND lower(hex(s.model)) = m.value)))"
        " AND ((?2 IS NULL AND ?3 IS NULL)"
        " OR r.id IN (" PREFDB__RESPONSES_OF "))"
        " ORDER BY t.parent, t.id, r.id",
        err);
    if (rc == 0) {
        prefdb__bind_text(s, 1, models);
        if (q->split >= 0)
            prefdb__bind_text(s, 2,
                              prefdb_split_name((enum prefdb_split)q->split));
        prefdb__bind_text(s, 3, q->source);
        rc = collect(db, s, ids, n, err);
    }
    sqlite3_finalize(s);
    free(models);
    return rc;
}

static int read_response(struct prefdb *db, sqlite3_stmt *s,
                         struct prefdb_response *out, struct pk_err *err)
{
    size_t at, len, context;
    pk_buf_reset(&db->text);
    int rc = prefdb__keep_text(db, s, 2, &at, &len, err);
    context = db->text.len;
    if (rc == 0)
        rc = prefdb__context(db, sqlite3_column_int64(s, 0), &out->n_context,
                             err);
    if (rc)
        return rc;
    out->cut = sqlite3_column_int(s, 1) != 0;
    out->text = (struct prefdb_turn){PREFDB_ASSISTANT, db->text.data + at, len};
    out->context = prefdb__lend_context(db, out->n_context, context);
    return 0;
}

int prefdb_response_get(struct prefdb *db, int64_t response,
                        struct prefdb_response *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = (struct prefdb_response){.response = response};
    int rc = prefdb__prepare(db, &s,
                             "SELECT t.parent, r.cut, t.content"
                             " FROM response AS r JOIN turn AS t"
                             " ON t.id = r.turn WHERE r.id = ?1",
                             err);
    if (rc)
        return rc;
    sqlite3_bind_int64(s, 1, response);
    rc = prefdb__step(db, s, err);
    if (rc == 0)
        rc = pk_fail(err, PK_EDATA, "%s: there is no response %lld", db->path,
                     (long long)response);
    else if (rc > 0)
        rc = read_response(db, s, out, err);
    sqlite3_finalize(s);
    if (rc)
        *out = (struct prefdb_response){0};
    return rc;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static int read_fingerprint(const char *hex, uint8_t out[32],
                            struct pk_err *err)
{
    bool ok = strlen(hex) == 64;
    for (size_t i = 0; i < 32 && ok; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return ok ? 0
              : pk_fail(err, PK_EDATA, "'%.80s' is no model's fingerprint",
                        hex);
}

static int put(struct prefdb *db, sqlite3_stmt *s, const struct prefdb_score *x,
               const char *now, struct pk_err *err)
{
    uint8_t model[32];
    if (!isfinite(x->value))
        return pk_fail(err, PK_EDATA,
                       "the score of response %lld by %s is not finite",
                       (long long)x->response, x->name);
    int rc = read_fingerprint(x->model, model, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(s, 1, x->response);
    prefdb__bind_blob(s, 2, model, sizeof model);
    prefdb__bind_text(s, 3, x->name);
    sqlite3_bind_double(s, 4, x->value);
    prefdb__bind_text(s, 5, now);
    return prefdb__run(db, s, err);
}

int prefdb_scores_put(struct prefdb *db, const struct prefdb_score *scores,
                      size_t n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    char now[21];
    prefdb__now(now);
    int rc = prefdb__exec(db, "BEGIN IMMEDIATE", err);
    if (rc)
        return rc;
    rc = prefdb__prepare(
        db, &s,
        "INSERT INTO score (response, model, name, value, created)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (response, model) DO UPDATE"
        " SET name = excluded.name, value = excluded.value,"
        " created = excluded.created"
        " WHERE name <> excluded.name OR value <> excluded.value",
        err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put(db, s, &scores[i], now, err);
    sqlite3_finalize(s);
    if (rc == 0)
        rc = prefdb__exec(db, "COMMIT", err);
    if (rc)
        sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int prefdb_score_get(struct prefdb *db, int64_t response, const char *model,
                     double *value, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    uint8_t print[32];
    *value = 0;
    int rc = read_fingerprint(model, print, err);
    if (rc == 0)
        rc = prefdb__prepare(db, &s,
                             "SELECT value FROM score"
                             " WHERE response = ?1 AND model = ?2",
                             err);
    if (rc)
        return rc;
    sqlite3_bind_int64(s, 1, response);
    prefdb__bind_blob(s, 2, print, sizeof print);
    rc = prefdb__step(db, s, err);
    if (rc > 0)
        *value = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    return rc;
}
