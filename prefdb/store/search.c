/* Full-text search over turns. Turns are only ever added, so the index is
 * brought up to date by adding the turns after the last that it has. */
#include "prefdb/store/search.h"

#include <string.h>

#include "common/cli.h"
#include "prefdb/store/tokens.h"

/* No copy of the text: it is read from turn. Accents and case do not count. */
static const char create[] =
    "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (content,"
    " content = 'turn', content_rowid = 'id',"
    " tokenize = '" PREFDB__TOKENS " remove_diacritics 2')";

/* Is there an index of an older prefkit's, in other words than ours? */
static const char stale[] =
    "SELECT count(*) FROM sqlite_schema WHERE name ="
    " 'search' AND instr(sql, '" PREFDB__TOKENS "') = 0";

enum { STEP = 20000 }; /* turns indexed in one transaction */

int prefdb__search_query(const char *words, struct pk_buf *b,
                         struct pk_err *err)
{
    bool in_word = false, phrase = false, any = false;
    for (const char *p = words; *p; p++) {
        bool space = strchr(" \t\n\r\f\v", *p) != NULL;
        if (*p == '"') {
            if (in_word)
                pk_buf_adds(b, "\" ");
            phrase = !phrase;
            in_word = false;
            continue;
        }
        if (space && !phrase) {
            if (in_word)
                pk_buf_adds(b, "\" ");
            in_word = false;
            continue;
        }
        if (!in_word)
            pk_buf_addc(b, '"');
        in_word = true;
        any = any || !space;
        pk_buf_addc(b, *p);
    }
    if (in_word)
        pk_buf_addc(b, '"');
    if (!any)
        return pk_fail(err, PK_EUSAGE, "no words to search for");
    return b->failed ? pk_fail_mem(err, "a query") : 0;
}

/* Index up to STEP turns more. 1: there may be others. */
static int index_some(struct prefdb *db, int64_t *upto, struct pk_err *err)
{
    char sql[400];
    int64_t last = 0;
    int rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = prefdb__exec(db, create, err);
    if (!rc) /* another process may have been faster */
        rc = prefdb__int(db, "SELECT value FROM meta WHERE key = 'searched'", 0,
                         upto, err);
    snprintf(sql, sizeof sql,
             "SELECT max(id) FROM (SELECT id FROM turn WHERE id > %lld"
             " ORDER BY id LIMIT %d)",
             (long long)*upto, (int)STEP);
    if (!rc)
        rc = prefdb__int(db, sql, 0, &last, err);
    if (!rc && last) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO search (rowid, content) SELECT id, content"
                 " FROM turn WHERE id > %lld AND id <= %lld;"
                 "INSERT INTO meta VALUES ('searched', %lld) ON CONFLICT (key)"
                 " DO UPDATE SET value = excluded.value",
                 (long long)*upto, (long long)last, (long long)last);
        rc = prefdb__exec(db, sql, err);
        *upto = last;
    }
    rc = prefdb__end(db, rc, err);
    return rc ? rc : last != 0;
}

/* Such an index is made anew. */
static int drop_stale(struct prefdb *db, struct pk_err *err)
{
    int64_t old = 0;
    int rc = prefdb__int(db, stale, 0, &old, err);
    if (rc || !old)
        return rc;
    rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = prefdb__int(db, stale, 0, &old, err); /* another may have been here */
    if (!rc && old)
        rc = prefdb__exec(db,
                          "DROP TABLE search;"
                          "DELETE FROM meta WHERE key = 'searched'",
                          err);
    return prefdb__end(db, rc, err);
}

static int update_index(struct prefdb *db, struct pk_progress *progress,
                        struct pk_err *err)
{
    int64_t upto = 0, searched, max;
    int rc = drop_stale(db, err);
    if (!rc)
        rc = prefdb__int(db, "SELECT max(id) FROM turn", 0, &max, err);
    if (!rc)
        rc = prefdb__int(db, "SELECT value FROM meta WHERE key = 'searched'",
                         -1, &searched, err);
    if (rc || searched == max)
        return rc;
    if (progress)
        progress->total = (uint64_t)max;
    while ((rc = index_some(db, &upto, err)) > 0) {
        if (progress)
            pk_progress_at(progress, (uint64_t)upto);
        if ((rc = pk_check_interrupt(err)) < 0)
            break;
    }
    return rc;
}

static const char find_sql[] =
    "SELECT f.rowid, t.role, t.parent,"
    " snippet(search, 0, '[', ']', '...', 24)"
    " FROM search AS f JOIN turn AS t ON t.id = f.rowid"
    " WHERE search MATCH ?1 AND (?2 IS NULL OR t.role = ?2)"
    " ORDER BY f.rank LIMIT ?3";

/* The first comparison that a turn is a part of: as an answer, else in the
 * context of one (a turn's descendants have larger row numbers). */
static const char answer_sql[] =
    "SELECT c.id, c.source FROM comparison AS c WHERE c.prompt = ?2 AND"
    " ?1 IN ((SELECT turn FROM response WHERE id = c.a),"
    "        (SELECT turn FROM response WHERE id = c.b)) LIMIT 1";
static const char context_sql[] =
    "WITH RECURSIVE down (id) AS (SELECT ?1 UNION ALL"
    " SELECT t.id FROM down JOIN turn AS t ON t.parent = down.id)"
    " SELECT c.id, c.source FROM down JOIN comparison AS c"
    " ON c.prompt = down.id LIMIT 1";

struct finder {
    struct prefdb *db;
    sqlite3_stmt *find, *answer, *context;
};

/* Lend the hit in f->find's row to the caller. */
static int report(struct finder *f, const struct prefdb__search *q,
                  struct pk_err *err)
{
    struct prefdb__hit h = {.turn = sqlite3_column_int64(f->find, 0),
                            .answer = true,
                            .snippet = prefdb__text(f->find, 3)};
    sqlite3_stmt *s = f->answer;
    if (!prefdb__parse_role(prefdb__text(f->find, 1), &h.role))
        return prefdb__damaged(f->db, "turn", h.turn, err);
    sqlite3_bind_int64(s, 1, h.turn);
    sqlite3_bind_int64(s, 2, sqlite3_column_int64(f->find, 2));
    int rc = prefdb__step(f->db, s, err);
    if (rc == 0) {
        sqlite3_reset(s);
        s = f->context;
        h.answer = false;
        sqlite3_bind_int64(s, 1, h.turn);
        rc = prefdb__step(f->db, s, err);
    }
    h.comparison = rc > 0 ? sqlite3_column_int64(s, 0) : 0;
    h.source = rc > 0 ? prefdb__text(s, 1) : "";
    if (rc >= 0)
        rc = q->hit(q->ctx, &h, err);
    sqlite3_reset(s);
    return rc;
}

int prefdb__search(struct prefdb *db, const struct prefdb__search *q,
                   struct pk_progress *progress, struct pk_err *err)
{
    struct pk_buf words = PK_BUF_INIT(1 << 16);
    struct finder f = {.db = db};
    int rc = prefdb__search_query(q->words, &words, err);
    if (!rc)
        rc = update_index(db, progress, err);
    if (!rc)
        rc = prefdb__prepare(db, &f.find, find_sql, err);
    if (!rc)
        rc = prefdb__prepare(db, &f.answer, answer_sql, err);
    if (!rc)
        rc = prefdb__prepare(db, &f.context, context_sql, err);
    if (!rc) {
        prefdb__bind_text(f.find, 1, words.data);
        prefdb__bind_text(
            f.find, 2,
            q->role < 0 ? NULL : prefdb__role_name((enum prefdb_role)q->role));
        sqlite3_bind_int64(f.find, 3, q->limit);
    }
    while (!rc && (rc = prefdb__step(db, f.find, err)) > 0)
        rc = report(&f, q, err);
    sqlite3_finalize(f.find);
    sqlite3_finalize(f.answer);
    sqlite3_finalize(f.context);
    pk_buf_release(&words);
    return rc;
}
