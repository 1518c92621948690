/* `prefkit show DB COMPARISON`: one comparison with all that was said of it. */
#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/num.h"
#include "common/plain.h"
#include "prefdb/team/campaign.h"

struct args {
    struct pk_cli cli;
    const char *db, *which;
    bool json;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "As JSON", 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'j':
        a->json = true;
        return 0;
    default:
        return pk_cli_args(key, arg, state,
                           (const struct pk_cli_arg[]){
                               {"DB", &a->db}, {"COMPARISON", &a->which}, {0}});
    }
}

static int find_judged(struct prefdb *db, int64_t judgment, int64_t *id,
                       struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc =
        prefdb__ask(db, &s, "SELECT comparison FROM judgment WHERE id = ?1",
                    &judgment, 1, NULL, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        *id = sqlite3_column_int64(s, 0);
    else if (!rc)
        rc = pk_fail(err, PK_EUSAGE, "%s: there is no judgment %lld", db->path,
                     (long long)judgment);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

/* A row number, that of a judgment, or the first digits of a uid (8 at least).
 */
static int find(struct prefdb *db, const char *which, int64_t *id,
                struct pk_err *err)
{
    uint64_t row;
    sqlite3_stmt *s = NULL;
    if (*which == 'j' && pk_parse_u64(which + 1, 1, INT64_MAX, &row))
        return find_judged(db, (int64_t)row, id, err);
    if (pk_parse_u64(which, 1, INT64_MAX, &row) && strlen(which) < 8) {
        *id = (int64_t)row;
        return 0;
    }
    size_t n = strlen(which);
    if (n < 8 || n > 32 || strspn(which, "0123456789abcdef") != n)
        return pk_fail(err, PK_EUSAGE,
                       "'%.40s' is neither a row number, nor j and that of a "
                       "judgment, nor the first 8 to 32 digits of a uid",
                       which);
    int rc = prefdb__ask(db, &s,
                         "SELECT min(id), count(*) FROM comparison"
                         " WHERE lower(hex(uid)) GLOB ?1 || '*'",
                         NULL, 0, which, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        *id = sqlite3_column_int64(s, 0);
        int64_t count = sqlite3_column_int64(s, 1);
        rc = count == 1 ? 0
                        : pk_fail(err, PK_EUSAGE,
                                  "%s comparison has a uid that begins with %s",
                                  count ? "more than one" : "no", which);
    }
    sqlite3_finalize(s);
    return rc;
}

/* The columns of a row as members of an object: NULL is left out, text that is
 * JSON (column names that end in '*') is put in as it is. */
static cJSON *row_object(sqlite3_stmt *s)
{
    cJSON *o = cJSON_CreateObject();
    bool ok = o != NULL;
    for (int i = 0; i < sqlite3_column_count(s) && ok; i++) {
        const char *name = sqlite3_column_name(s, i);
        char key[64];
        size_t n = strlen(name);
        bool raw = n && name[n - 1] == '*';
        snprintf(key, sizeof key, "%.*s", (int)(raw ? n - 1 : n), name);
        switch (sqlite3_column_type(s, i)) {
        case SQLITE_NULL:
            break;
        case SQLITE_INTEGER:
            ok = pk_json_add_int(o, key, sqlite3_column_int64(s, i)) == 0;
            break;
        case SQLITE_FLOAT:
            ok = pk_json_add_num(o, key, sqlite3_column_double(s, i)) == 0;
            break;
        default:
            ok = raw ? cJSON_AddRawToObject(o, key, prefdb__text(s, i)) != NULL
                     : cJSON_AddStringToObject(o, key, prefdb__text(s, i)) !=
                           NULL;
        }
    }
    if (!ok) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

/* Every row of a query about `id`, as a list. */
static int rows(struct prefdb *db, const char *sql, int64_t id, cJSON **out,
                struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = cJSON_CreateArray();
    int rc = prefdb__ask(db, &s, sql, &id, 1, NULL, err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = cJSON_AddItemToArray(*out, row_object(s))
                 ? 0
                 : pk_fail_mem(err, "a comparison");
    sqlite3_finalize(s);
    return rc;
}

static const char comparison_sql[] =
    "SELECT 'prefkit-show-1' AS schema, id AS row, lower(hex(uid)) AS uid, "
    "source, nullif(batch, '') AS"
    " batch, split, extra AS 'extra*' FROM comparison WHERE id = ?1";
static const char context_sql[] =
    "WITH RECURSIVE up (id, parent, role, content) AS ("
    " SELECT t.id, t.parent, t.role, t.content FROM turn AS t"
    "  JOIN comparison AS c ON c.id = ?1 WHERE t.id = c.prompt"
    " UNION ALL SELECT t.id, t.parent, t.role, t.content FROM up"
    "  JOIN turn AS t ON t.id = up.parent AND t.id < up.id)"
    " SELECT role, content FROM up ORDER BY id";
static const char responses_sql[] =
    "SELECT iif(r.id = c.a, 'a', 'b') AS name, lower(hex(r.uid)) AS uid,"
    " r.model, r.temperature, r.top_p, r.seed, r.created, nullif(r.cut, 0) AS"
    " cut, r.extra AS 'extra*', t.content FROM comparison AS c"
    " JOIN response AS r ON r.id IN (c.a, c.b) JOIN turn AS t ON t.id = r.turn"
    " WHERE c.id = ?1 ORDER BY 1";
static const char judgments_sql[] =
    "SELECT j.id AS row, lower(hex(j.uid)) AS uid, j.dimension, j.choice,"
    " j.strength, j.label, j.shown_left, j.seconds, j.note, j.flags AS"
    " 'flags*', j.guideline, nullif(j.annotator, '') AS annotator, j.created,"
    " j.supersedes, j.extra AS 'extra*',"
    " (SELECT max(s.id) FROM judgment AS s WHERE s.supersedes = j.id) AS"
    " superseded_by FROM judgment AS j WHERE j.comparison = ?1 ORDER BY j.id";
static const char ratings_sql[] =
    "SELECT iif(x.response = c.a, 'a', 'b') AS response, x.attribute, x.value,"
    " x.low, x.high, nullif(x.annotator, '') AS annotator, x.created,"
    " x.extra AS 'extra*' FROM comparison AS c"
    " JOIN rating AS x ON x.response IN (c.a, c.b)"
    " WHERE c.id = ?1 ORDER BY 1, x.id";
static const char scores_sql[] =
    "SELECT iif(s.response = c.a, 'a', 'b') AS response, s.name, s.value,"
    " lower(hex(s.model)) AS model, s.created"
    " FROM comparison AS c JOIN score AS s ON s.response IN (c.a, c.b)"
    " WHERE c.id = ?1 ORDER BY s.name, s.created, model, 1";

static int load(struct prefdb *db, int64_t id, cJSON **out, struct pk_err *err)
{
    static const struct {
        const char *key, *sql;
    } parts[] = {{"messages", context_sql},
                 {"responses", responses_sql},
                 {"judgments", judgments_sql},
                 {"ratings", ratings_sql},
                 {"scores", scores_sql}};
    cJSON *list;
    int rc = rows(db, comparison_sql, id, &list, err);
    *out = rc ? NULL : cJSON_DetachItemFromArray(list, 0);
    cJSON_Delete(list);
    if (!rc && !*out)
        rc = pk_fail(err, PK_EUSAGE, "%s: there is no comparison %lld",
                     db->path, (long long)id);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !rc; i++) {
        rc = rows(db, parts[i].sql, id, &list, err);
        if (!rc)
            cJSON_AddItemToObject(*out, parts[i].key, list);
        else
            cJSON_Delete(list);
    }
    return rc;
}

static const char *text_of(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(o, key));
    return s ? s : "";
}

/* "key value" of every member but those that are said elsewhere. */
static void print_rest(const cJSON *o, const char *const *said)
{
    const cJSON *m;
    cJSON_ArrayForEach(m, o)
    {
        bool known = false;
        for (size_t i = 0; said[i] && !known; i++)
            known = strcmp(said[i], m->string) == 0;
        if (known)
            continue;
        printf(", %s ", m->string);
        const char *s = m->valuestring ? m->valuestring : "";
        pk_plain_text(stdout, s, strlen(s), "    ");
    }
    putchar('\n');
}

static void print_text(const cJSON *o)
{
    static const char *const top[] = {"schema",    "row",       "messages",
                                      "responses", "judgments", "ratings",
                                      "scores",    NULL};
    static const char *const rating[] = {"response", "attribute", "value",
                                         NULL};
    static const char *const score[] = {"response", "name", "value", NULL};
    static const char *const response[] = {"name", "uid", "content", NULL};
    static const char *const judgment[] = {"row", "uid", "dimension", NULL};
    const cJSON *m;
    printf("comparison %s", cJSON_GetObjectItem(o, "row")->valuestring);
    print_rest(o, top);
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(o, "messages"))
    {
        printf("\n%s:\n    ", text_of(m, "role"));
        pk_plain_text(stdout, text_of(m, "content"),
                      strlen(text_of(m, "content")), "    ");
        putchar('\n');
    }
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(o, "responses"))
    {
        printf("\nresponse %s", text_of(m, "name"));
        print_rest(m, response);
        printf("    ");
        pk_plain_text(stdout, text_of(m, "content"),
                      strlen(text_of(m, "content")), "    ");
        putchar('\n');
    }
    putchar('\n');
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(o, "judgments"))
    {
        printf("judgment %s: %s", cJSON_GetObjectItem(m, "row")->valuestring,
               text_of(m, "dimension"));
        print_rest(m, judgment);
    }
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(o, "ratings"))
    {
        const char *s = text_of(m, "attribute");
        printf("rating of %s: ", text_of(m, "response"));
        pk_plain_name(stdout, s);
        printf(" %s", cJSON_GetObjectItem(m, "value")->valuestring);
        print_rest(m, rating);
    }
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(o, "scores"))
    {
        printf("score of %s by ", text_of(m, "response"));
        pk_plain_name(stdout, text_of(m, "name"));
        printf(": %s", cJSON_GetObjectItem(m, "value")->valuestring);
        print_rest(m, score);
    }
}

int prefdb_cmd_show(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB COMPARISON",
        .doc = "Show one comparison: the dialogue, both responses, all "
               "judgments.\v"
               "COMPARISON is a row number, as `search` gives it, j and the "
               "row number of a judgment of it (j12), or the first 8 or more "
               "digits of a uid. Control characters are shown, not "
               "sent to the terminal."};
    struct args a = {.cli.verb = "show"};
    struct pk_err err;
    struct prefdb *db = NULL;
    cJSON *o = NULL;
    int64_t id = 0;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    int rc = prefdb_open(&db, a.db, PREFDB_READ, &err);
    if (!rc)
        rc = find(db, a.which, &id, &err);
    if (!rc)
        rc = load(db, id, &o, &err);
    if (!rc && a.json) {
        rc = pk_json_write(stdout, o, &err);
    } else {
        if (!rc)
            print_text(o);
        cJSON_Delete(o);
    }
    prefdb_close(db);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
