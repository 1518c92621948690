/* A store as our own JSON lines (schemas/comparison.schema.json): what `import`
 * reads back into the same store. */
#include "prefdb/export/export.h"

#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/mem.h"

static const char comparison_sql[] =
    "SELECT c.id, c.prompt, c.a, c.b, c.source, nullif(c.batch, ''), c.split, "
    "c.extra"
    " FROM comparison AS c"
    " WHERE (?1 IS NULL OR EXISTS (SELECT 1 FROM judgment AS j"
    "        WHERE j.comparison = c.id AND j.dimension = ?1))"
    " AND (?2 IS NULL OR c.split = ?2) AND (?3 IS NULL OR c.source = ?3)"
    " ORDER BY c.id";
static const char turn_sql[] =
    "SELECT parent, role, content FROM turn WHERE id = ?1";
static const char response_sql[] =
    "SELECT t.content, r.model, r.temperature, r.top_p, r.seed, r.created,"
    " r.cut, r.extra FROM response AS r JOIN turn AS t ON t.id = r.turn"
    " WHERE r.id = ?1";
static const char rating_sql[] =
    "SELECT attribute, value, low, high, nullif(annotator, ''), created, extra"
    " FROM rating WHERE response = ?1 ORDER BY id";
static const char judgment_sql[] =
    "SELECT j.dimension, j.choice, j.strength, j.label, j.shown_left,"
    " j.seconds, j.note, j.flags, j.guideline, nullif(j.annotator, ''),"
    " j.created, nullif(lower(hex(s.uid)), ''), j.extra FROM judgment AS j"
    " LEFT JOIN judgment AS s ON s.id = j.supersedes"
    " WHERE j.comparison = ?1 AND (?2 IS NULL OR j.dimension = ?2)"
    " ORDER BY j.id";

struct run {
    struct prefdb *db;
    sqlite3_stmt *comparison, *turn, *response, *rating, *judgment;
    struct pk_buf line;
    int64_t *path; /* the turns of a context, last first */
    size_t cap_path;
    struct prefdb__exported *done;
};

/* The shortest decimal that reads back as x. */
static void add_real(struct pk_buf *b, double x)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    pk_buf_adds(b, text);
}

/* How a column becomes a member. A column that is NULL is left out. */
enum kind { TEXT, REAL, WHOLE, TRUTH, JSON };

struct member {
    const char *key;
    enum kind kind;
};

static void add_text(struct pk_buf *b, sqlite3_stmt *s, int col)
{
    const char *t = prefdb__text(s, col);
    pk_json_quote(b, t, (size_t)sqlite3_column_bytes(s, col));
}

/* `,"key":value` of every column from `col` on that is not NULL; no comma
 * before the first where the buffer ends with a brace. */
static void add_members(struct pk_buf *b, sqlite3_stmt *s, int col,
                        const struct member *m, size_t n)
{
    for (size_t i = 0; i < n; i++, col++) {
        if (sqlite3_column_type(s, col) == SQLITE_NULL ||
            (m[i].kind == TRUTH && !sqlite3_column_int(s, col)))
            continue;
        const char *comma = b->len && b->data[b->len - 1] == '{' ? "" : ",";
        pk_buf_addf(b, "%s\"%s\":", comma, m[i].key);
        switch (m[i].kind) {
        case TEXT:
            add_text(b, s, col);
            break;
        case REAL:
            add_real(b, sqlite3_column_double(s, col));
            break;
        case WHOLE:
            pk_buf_addf(b, "%lld", (long long)sqlite3_column_int64(s, col));
            break;
        case TRUTH:
            pk_buf_adds(b, "true");
            break;
        case JSON:
            pk_buf_adds(b, prefdb__text(s, col));
            break;
        }
    }
}

#define ADD_MEMBERS(b, s, col, m)                                              \
    add_members(b, s, col, m, sizeof(m) / sizeof(m)[0])

/* The numbers of the turns from `id` up to the root. */
static int climb(struct run *r, int64_t id, size_t *n_out, struct pk_err *err)
{
    size_t n = 0;
    int rc = 0;
    while (id && !rc) {
        if (!pk_grow(&r->path, &r->cap_path, n + 1, sizeof *r->path))
            return pk_fail_mem(err, "a dialogue");
        r->path[n++] = id;
        sqlite3_bind_int64(r->turn, 1, id);
        rc = prefdb__step(r->db, r->turn, err);
        int64_t parent = rc > 0 ? sqlite3_column_int64(r->turn, 0) : 0;
        rc = rc < 0         ? rc
             : parent >= id ? prefdb__damaged(r->db, "turn", id, err)
                            : 0;
        id = parent;
        sqlite3_reset(r->turn);
    }
    *n_out = n;
    return rc;
}

static int add_messages(struct run *r, int64_t prompt, struct pk_err *err)
{
    struct pk_buf *b = &r->line;
    size_t n = 0;
    int rc = climb(r, prompt, &n, err);
    pk_buf_adds(b, "{\"messages\":[");
    while (rc >= 0 && n-- > 0) {
        sqlite3_bind_int64(r->turn, 1, r->path[n]);
        rc = prefdb__step(r->db, r->turn, err);
        if (rc > 0) {
            pk_buf_adds(b, "{\"role\":");
            add_text(b, r->turn, 1);
            pk_buf_adds(b, ",\"content\":");
            add_text(b, r->turn, 2);
            pk_buf_adds(b, n ? "}," : "}");
        }
        sqlite3_reset(r->turn);
    }
    pk_buf_addc(b, ']');
    return rc < 0 ? rc : 0;
}

static int add_ratings(struct run *r, int64_t response, struct pk_err *err)
{
    static const struct member members[] = {
        {"attribute", TEXT}, {"value", REAL},   {"low", REAL},  {"high", REAL},
        {"annotator", TEXT}, {"created", TEXT}, {"extra", JSON}};
    int rc;
    size_t n = 0;
    sqlite3_bind_int64(r->rating, 1, response);
    while ((rc = prefdb__step(r->db, r->rating, err)) > 0) {
        pk_buf_adds(&r->line, n++ ? ",{" : ",\"ratings\":[{");
        ADD_MEMBERS(&r->line, r->rating, 0, members);
        pk_buf_addc(&r->line, '}');
    }
    if (n)
        pk_buf_addc(&r->line, ']');
    sqlite3_reset(r->rating);
    return rc;
}

static int add_response(struct run *r, const char *key, int64_t id,
                        struct pk_err *err)
{
    static const struct member members[] = {
        {"content", TEXT}, {"model", TEXT}, {"temperature", REAL},
        {"top_p", REAL},   {"seed", WHOLE}, {"created", TEXT},
        {"cut", TRUTH},    {"extra", JSON}};
    sqlite3_bind_int64(r->response, 1, id);
    int rc = prefdb__step(r->db, r->response, err);
    if (rc > 0) {
        pk_buf_addf(&r->line, ",\"%s\":{", key);
        ADD_MEMBERS(&r->line, r->response, 0, members);
        rc = add_ratings(r, id, err);
        pk_buf_addc(&r->line, '}');
    }
    sqlite3_reset(r->response);
    return rc < 0 ? rc : 0;
}

static int add_judgments(struct run *r, int64_t comparison, struct pk_err *err)
{
    static const struct member members[] = {
        {"dimension", TEXT}, {"choice", TEXT},     {"strength", WHOLE},
        {"label", TEXT},     {"shown_left", TEXT}, {"seconds", REAL},
        {"note", TEXT},      {"flags", JSON},      {"guideline", TEXT},
        {"annotator", TEXT}, {"created", TEXT},    {"supersedes", TEXT},
        {"extra", JSON}};
    int rc;
    size_t n = 0;
    sqlite3_bind_int64(r->judgment, 1, comparison);
    while ((rc = prefdb__step(r->db, r->judgment, err)) > 0) {
        pk_buf_adds(&r->line, n++ ? ",{" : ",\"judgments\":[{");
        ADD_MEMBERS(&r->line, r->judgment, 0, members);
        pk_buf_addc(&r->line, '}');
    }
    if (n)
        pk_buf_addc(&r->line, ']');
    r->done->judgments += n;
    sqlite3_reset(r->judgment);
    return rc;
}

static int export_row(struct run *r, FILE *f, struct pk_err *err)
{
    static const struct member members[] = {
        {"source", TEXT}, {"batch", TEXT}, {"split", TEXT}, {"extra", JSON}};
    sqlite3_stmt *s = r->comparison;
    pk_buf_reset(&r->line);
    int rc = add_messages(r, sqlite3_column_int64(s, 1), err);
    if (!rc)
        rc = add_response(r, "a", sqlite3_column_int64(s, 2), err);
    if (!rc)
        rc = add_response(r, "b", sqlite3_column_int64(s, 3), err);
    if (rc)
        return rc;
    ADD_MEMBERS(&r->line, s, 4, members);
    rc = add_judgments(r, sqlite3_column_int64(s, 0), err);
    if (rc)
        return rc;
    pk_buf_adds(&r->line, "}\n");
    if (r->line.failed)
        return pk_fail_mem(err, "a row");
    r->done->comparisons++;
    if (fwrite(r->line.data, 1, r->line.len, f) != r->line.len)
        return pk_fail_errno(err, "cannot write the rows");
    return 0;
}

/* Lone responses: {"messages": [...], "response": {...}}. */
static int export_singles(struct run *r, FILE *f, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t any;
    int rc = prefdb__int(r->db, PREFDB__HAS_SINGLES, 0, &any, err);
    if (rc || !any)
        return rc;
    rc = prefdb__prepare(r->db, &s,
                         "SELECT r.id, (SELECT t.parent FROM turn AS t"
                         " WHERE t.id = r.turn) " PREFDB__SINGLES
                         " ORDER BY r.id",
                         err);
    while (!rc && (rc = prefdb__step(r->db, s, err)) > 0) {
        pk_buf_reset(&r->line);
        rc = add_messages(r, sqlite3_column_int64(s, 1), err);
        if (!rc)
            rc = add_response(r, "response", sqlite3_column_int64(s, 0), err);
        pk_buf_adds(&r->line, "}\n");
        if (!rc && r->line.failed)
            rc = pk_fail_mem(err, "a row");
        r->done->singles++;
        if (!rc && fwrite(r->line.data, 1, r->line.len, f) != r->line.len)
            rc = pk_fail_errno(err, "cannot write the rows");
        if (!rc && r->done->singles % 256 == 0)
            rc = pk_check_interrupt(err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int prepare(struct run *r, const struct prefdb_query *q,
                   struct pk_err *err)
{
    int rc = prefdb__prepare(r->db, &r->comparison, comparison_sql, err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->turn, turn_sql, err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->response, response_sql, err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->rating, rating_sql, err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->judgment, judgment_sql, err);
    if (rc)
        return rc;
    if (q->dimension >= 0) {
        const char *d =
            prefdb_dimension_name((enum prefdb_dimension)q->dimension);
        prefdb__bind_text(r->comparison, 1, d);
        prefdb__bind_text(r->judgment, 2, d);
    }
    if (q->split >= 0)
        prefdb__bind_text(r->comparison, 2,
                          prefdb_split_name((enum prefdb_split)q->split));
    prefdb__bind_text(r->comparison, 3, q->source);
    return 0;
}

int prefdb__export(struct prefdb *db, const struct prefdb_query *q, FILE *f,
                   struct prefdb__exported *done, struct pk_err *err)
{
    struct run r = {
        .db = db, .done = done, .line = PK_BUF_INIT((size_t)1 << 30)};
    *done = (struct prefdb__exported){0};
    /* One transaction, so that rows and judgments are of one moment. */
    int rc = prefdb_read_begin(db, err);
    if (rc)
        return rc;
    rc = prepare(&r, q, err);
    while (!rc && (rc = prefdb__step(db, r.comparison, err)) > 0) {
        rc = export_row(&r, f, err);
        if (!rc && done->comparisons % 256 == 0)
            rc = pk_check_interrupt(err);
    }
    if (!rc && q->dimension < 0 && q->split < 0 && !q->source)
        rc = export_singles(&r, f, err);
    sqlite3_finalize(r.comparison);
    sqlite3_finalize(r.turn);
    sqlite3_finalize(r.response);
    sqlite3_finalize(r.rating);
    sqlite3_finalize(r.judgment);
    prefdb_read_end(db);
    pk_buf_release(&r.line);
    free(r.path);
    return rc;
}
