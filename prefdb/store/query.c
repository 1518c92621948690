/* Reading judgments: which there are, and one with all its texts. On the
 * training path, so statements and buffers stay with the handle. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "prefdb/store/query.h"
#include "prefdb/store/record.h"

int prefdb_fingerprint(struct prefdb *db, char out[65], struct pk_err *err)
{
    /* A uid is a hash of what it names, texts included; the order is that of
     * the uids. */
    static const struct {
        const char *what, *sql;
    } parts[] = {
        {"comparisons", "SELECT uid FROM comparison ORDER BY uid"},
        {"judgments", "SELECT uid FROM judgment ORDER BY uid"},
        {"responses", "SELECT r.uid " PREFDB__SINGLES " ORDER BY r.uid"},
        {"ratings", "SELECT uid FROM rating ORDER BY uid"}};
    enum { N = sizeof parts / sizeof *parts };
    /* A part that a store has nothing of leaves no trace. */
    int64_t has[N] = {1, 1};
    struct pk_sha256 *h;
    uint8_t sum[32];
    out[0] = 0;
    int rc = pk_sha256_new(&h, err);
    if (!rc)
        rc = prefdb__int(db, PREFDB__HAS_SINGLES, 0, &has[2], err);
    if (!rc)
        rc = prefdb__int(db, "SELECT 1 FROM rating LIMIT 1", 0, &has[3], err);
    for (int i = 0; i < N && !rc; i++) {
        sqlite3_stmt *s = NULL;
        if (!has[i])
            continue;
        pk_sha256_field(h, parts[i].what, strlen(parts[i].what));
        rc = prefdb__prepare(db, &s, parts[i].sql, err);
        while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
            pk_sha256_field(h, sqlite3_column_blob(s, 0),
                            (size_t)sqlite3_column_bytes(s, 0));
            rc = 0;
        }
        sqlite3_finalize(s);
    }
    if (!rc) {
        pk_sha256_final(h, sum);
        pk_hex(sum, sizeof sum, out);
    }
    pk_sha256_free(h);
    return rc;
}

int prefdb_list(struct prefdb *db, const struct prefdb_query *q, int64_t **ids,
                size_t *n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t *v = NULL;
    size_t cap = 0, count = 0;
    *ids = NULL;
    *n = 0;
    int rc =
        prefdb__prepare(db, &s,
                        "SELECT j.id FROM live_judgment AS j"
                        " CROSS JOIN comparison AS c ON c.id = j.comparison"
                        " WHERE (?1 IS NULL OR j.dimension = ?1)"
                        " AND (?2 IS NULL OR c.split = ?2)"
                        " AND (?3 IS NULL OR c.source = ?3) ORDER BY j.id",
                        err);
    if (rc)
        return rc;
    if (q->dimension >= 0)
        prefdb__bind_text(
            s, 1, prefdb_dimension_name((enum prefdb_dimension)q->dimension));
    if (q->split >= 0)
        prefdb__bind_text(s, 2, prefdb_split_name((enum prefdb_split)q->split));
    prefdb__bind_text(s, 3, q->source);
    while ((rc = prefdb__step(db, s, err)) > 0) {
        if (!pk_grow(&v, &cap, count + 1, sizeof *v)) {
            rc = pk_fail_mem(err, "a list of judgments");
            break;
        }
        v[count++] = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    if (rc < 0) {
        free(v);
        return rc;
    }
    if (!v && !(v = pk_calloc(1, sizeof *v)))
        return pk_fail_mem(err, "a list of judgments");
    *ids = v;
    *n = count;
    return 0;
}

static const char get_sql[] =
    "SELECT j.comparison, j.dimension, j.choice, j.strength, j.label,"
    " j.annotator, c.prompt, c.source, c.batch, c.split, ra.cut, rb.cut,"
    " ta.content, tb.content, j.shown_left, j.extra FROM judgment AS j"
    " JOIN comparison AS c ON c.id = j.comparison"
    " JOIN response AS ra ON ra.id = c.a JOIN response AS rb ON rb.id = c.b"
    " JOIN turn AS ta ON ta.id = ra.turn JOIN turn AS tb ON tb.id = rb.turn"
    " WHERE j.id = ?1";
static const char get_comparison_sql[] =
    "SELECT c.id, 'helpfulness', 'a', NULL, NULL, '', c.prompt, c.source,"
    " c.batch, c.split, ra.cut, rb.cut, ta.content, tb.content, NULL, NULL"
    " FROM comparison AS c"
    " JOIN response AS ra ON ra.id = c.a JOIN response AS rb ON rb.id = c.b"
    " JOIN turn AS ta ON ta.id = ra.turn JOIN turn AS tb ON tb.id = rb.turn"
    " WHERE c.id = ?1";

enum {
    COL_COMPARISON,
    COL_DIMENSION,
    COL_CHOICE,
    COL_STRENGTH,
    COL_LABEL,
    COL_ANNOTATOR,
    COL_PROMPT,
    COL_SOURCE,
    COL_BATCH,
    COL_SPLIT,
    COL_CUT_A,
    COL_CUT_B,
    COL_A,
    COL_B,
    COL_LEFT,
    COL_EXTRA
};

int prefdb__keep_text(struct prefdb *db, sqlite3_stmt *s, int col, size_t *at,
                      size_t *len, struct pk_err *err)
{
    const char *t = prefdb__text(s, col);
    size_t n = (size_t)sqlite3_column_bytes(s, col);
    *at = db->text.len;
    if (len)
        *len = n;
    if (pk_buf_add(&db->text, t, n) < 0 || pk_buf_addc(&db->text, 0) < 0)
        return pk_fail_mem(err, "a dialogue");
    return 0;
}

static int add_turn(struct prefdb *db, size_t n, enum prefdb_role role,
                    size_t *at, int col, struct pk_err *err)
{
    if (!pk_grow(&db->turns, &db->cap_turns, n + 1, sizeof *db->turns))
        return pk_fail_mem(err, "a dialogue");
    db->turns[n].role = role;
    int rc =
        prefdb__keep_text(db, db->get_turn, col, at, &db->turns[n].len, err);
    db->turns[n].text = NULL;
    return rc;
}

/* Down to row `id` of those that the statement goes through, from ?1 down: a
 * turn's parent is most often a few rows before it, where walking is faster
 * than looking it up. 1: it is there; 0: it is not. */
static int walk_to(struct prefdb *db, int64_t id, struct pk_err *err)
{
    enum { FAR = 16 };
    sqlite3_stmt *s = db->get_turn;
    for (int rows = 0;; rows++) {
        int rc = prefdb__step(db, s, err);
        if (rc <= 0 || sqlite3_column_int64(s, 0) <= id)
            return rc <= 0 ? rc : sqlite3_column_int64(s, 0) == id;
        if (rows == FAR) {
            sqlite3_reset(s);
            sqlite3_bind_int64(s, 1, id);
        }
    }
}

int prefdb__context(struct prefdb *db, int64_t id, size_t *n_out,
                    struct pk_err *err)
{
    size_t n = 0, at;
    int rc = 0;
    if (!db->get_turn)
        rc = prefdb__prepare(db, &db->get_turn,
                             "SELECT id, parent, role, content FROM turn"
                             " WHERE id <= ?1 ORDER BY id DESC",
                             err);
    if (rc)
        return rc;
    sqlite3_stmt *s = db->get_turn;
    sqlite3_bind_int64(s, 1, id);
    while (id && !rc) {
        enum prefdb_role role;
        rc = walk_to(db, id, err);
        if (rc < 0)
            break;
        int64_t parent = rc > 0 ? sqlite3_column_int64(s, 1) : 0;
        rc = rc > 0 && parent < id &&
                     prefdb__parse_role(prefdb__text(s, 2), &role)
                 ? add_turn(db, n++, role, &at, 3, err)
                 : prefdb__damaged(db, "turn", id, err);
        id = parent;
    }
    sqlite3_reset(s);
    for (size_t i = 0; i < n / 2; i++) {
        struct prefdb_turn held = db->turns[i];
        db->turns[i] = db->turns[n - 1 - i];
        db->turns[n - 1 - i] = held;
    }
    *n_out = n;
    return rc || n ? rc : prefdb__damaged(db, "turn", id, err);
}

const struct prefdb_turn *prefdb__lend_context(struct prefdb *db, size_t n,
                                               size_t at)
{
    for (size_t i = n; i-- > 0;) {
        db->turns[i].text = db->text.data + at;
        at += db->turns[i].len + 1;
    }
    return db->turns;
}

/* The columns that need no memory. False when they make no sense. */
static bool read_plain(sqlite3_stmt *s, int64_t id, struct prefdb_example *x)
{
    int choice, left = -1;
    bool sided = sqlite3_column_type(s, COL_LEFT) != SQLITE_NULL;
    *x = (struct prefdb_example){
        .judgment = id,
        .comparison = sqlite3_column_int64(s, COL_COMPARISON),
        .prompt = sqlite3_column_int64(s, COL_PROMPT),
        .strength = sqlite3_column_type(s, COL_STRENGTH) == SQLITE_NULL
                        ? PREFDB_UNSTATED
                        : sqlite3_column_int(s, COL_STRENGTH),
        .a.role = PREFDB_ASSISTANT,
        .b.role = PREFDB_ASSISTANT,
        .a_cut = sqlite3_column_int(s, COL_CUT_A) != 0,
        .b_cut = sqlite3_column_int(s, COL_CUT_B) != 0};
    if (!prefdb_parse_dimension(prefdb__text(s, COL_DIMENSION),
                                &x->dimension) ||
        !prefdb_parse_split(prefdb__text(s, COL_SPLIT), &x->split) ||
        !prefdb__parse_choice(prefdb__text(s, COL_CHOICE), &choice) ||
        (sided && !prefdb__parse_choice(prefdb__text(s, COL_LEFT), &left)))
        return false;
    x->shown_left = left;
    x->choice = (enum prefdb_choice)choice;
    return sqlite3_column_type(s, COL_LABEL) == SQLITE_NULL ||
           prefdb__parse_label(prefdb__text(s, COL_LABEL), &x->label);
}

static int read_texts(struct prefdb *db, sqlite3_stmt *s,
                      struct prefdb_example *x, struct pk_err *err)
{
    static const int cols[] = {COL_SOURCE, COL_BATCH, COL_ANNOTATOR,
                               COL_A,      COL_B,     COL_EXTRA};
    size_t at[6], len[6], context = 0;
    int rc = 0;
    pk_buf_reset(&db->text);
    for (int i = 0; i < 6 && !rc; i++)
        rc = prefdb__keep_text(db, s, cols[i], &at[i], &len[i], err);
    context = db->text.len;
    if (!rc)
        rc = prefdb__context(db, x->prompt, &x->n_context, err);
    if (rc)
        return rc;
    /* Nothing is added to the buffer from here on, so pointers hold. */
    const char *text = db->text.data;
    x->source = text + at[0];
    x->batch = text + at[1];
    x->annotator = text + at[2];
    x->a.text = text + at[3];
    x->a.len = len[3];
    x->b.text = text + at[4];
    x->b.len = len[4];
    x->extra = text + at[5];
    x->context = prefdb__lend_context(db, x->n_context, context);
    return 0;
}

static int get(struct prefdb *db, sqlite3_stmt **slot, const char *sql,
               const char *what, int64_t id, struct prefdb_example *out,
               struct pk_err *err)
{
    int rc = 0;
    *out = (struct prefdb_example){0};
    if (!*slot)
        rc = prefdb__prepare(db, slot, sql, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(*slot, 1, id);
    rc = prefdb__step(db, *slot, err);
    if (rc == 0)
        rc = pk_fail(err, PK_EDATA, "%s: there is no %s %lld", db->path, what,
                     (long long)id);
    else if (rc > 0)
        rc = read_plain(*slot, id, out) ? read_texts(db, *slot, out, err)
                                        : prefdb__damaged(db, what, id, err);
    sqlite3_reset(*slot);
    if (rc)
        *out = (struct prefdb_example){0};
    return rc;
}

int prefdb_get(struct prefdb *db, int64_t judgment, struct prefdb_example *out,
               struct pk_err *err)
{
    return get(db, &db->get, get_sql, "judgment", judgment, out, err);
}

int prefdb_get_comparison(struct prefdb *db, int64_t comparison,
                          struct prefdb_example *out, struct pk_err *err)
{
    int rc = get(db, &db->get_comparison, get_comparison_sql, "comparison",
                 comparison, out, err);
    out->judgment = 0;
    return rc;
}

int prefdb_words(struct prefdb *db, int64_t judgment, char **note, char **flags,
                 struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *note = *flags = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT ifnull(note, ''), ifnull((SELECT group_concat(value, ' ')"
        " FROM json_each(flags)), '') FROM judgment WHERE id = ?1",
        err);
    if (!rc) {
        sqlite3_bind_int64(s, 1, judgment);
        rc = prefdb__step(db, s, err);
    }
    if (rc == 0)
        rc = pk_fail(err, PK_EDATA, "%s: there is no judgment %lld", db->path,
                     (long long)judgment);
    if (rc > 0) {
        *note = pk_strdup(prefdb__text(s, 0));
        *flags = pk_strdup(prefdb__text(s, 1));
        rc = *note && *flags ? 0 : pk_fail_mem(err, "a note");
    }
    sqlite3_finalize(s);
    if (rc) {
        free(*note);
        free(*flags);
        *note = *flags = NULL;
    }
    return rc;
}

static int check_name(struct prefdb *db, const char *sql, const char *what,
                      const char *name, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (!name)
        return 0;
    int rc = prefdb__prepare(db, &s, sql, err);
    if (rc)
        return rc;
    prefdb__bind_text(s, 1, name);
    rc = prefdb__step(db, s, err);
    sqlite3_finalize(s);
    if (rc == 0)
        return pk_fail(err, PK_EUSAGE, "%s: there is no %s '%.60s'", db->path,
                       what, name);
    return rc < 0 ? rc : 0;
}

int prefdb_check_names(struct prefdb *db, const char *source, const char *batch,
                       struct pk_err *err)
{
    int rc = check_name(db,
                        "SELECT 1 FROM import_log WHERE source = ?1 UNION ALL"
                        " SELECT 1 FROM comparison WHERE source = ?1 LIMIT 1",
                        "source", source, err);
    return rc ? rc
              : check_name(db,
                           "SELECT 1 FROM comparison WHERE batch = ?1 LIMIT 1",
                           "batch", batch, err);
}
