/* Handing tasks out and taking judgments in, by many processes at once.
 *
 * Each call is one IMMEDIATE transaction, so what it finds is what it changes.
 * An annotator goes through the open tasks in order from a remembered position,
 * before which there is nothing for that annotator; a task that others hold is
 * passed over but not forgotten. So the work of a call grows with the tasks
 * that are in hand, not with the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "prefdb/campaign.h"
#include "prefdb/write.h"

/* One call under way. */
struct desk {
    struct prefdb *db;
    struct prefdb_campaign c; /* its texts: only until the next statement */
    const char *annotator;
    int64_t now;
};

/* Who has said something about a task, and who has it in hand. */
struct taken {
    int64_t judged, held; /* by others; held: not judged by the holder */
    bool mine, skipped, in_hand;
};

static int desk_open(struct desk *d, struct prefdb *db, int64_t campaign,
                     const char *annotator, struct pk_err *err)
{
    *d = (struct desk){
        .db = db, .annotator = annotator, .now = (int64_t)time(NULL)};
    int64_t n[] = {campaign, d->now};
    int rc = prefdb__campaign(db, campaign, &d->c, err);
    return rc ? rc
              : prefdb__tell(db,
                             "DELETE FROM lease"
                             " WHERE campaign = ?1 AND expires <= ?2",
                             n, 2, NULL, err);
}

/* Two spaces of names: the dimension is one of two constants. */
static const char *said_sql(enum prefdb_dimension d)
{
    return d == PREFDB_SAFETY
               ? "SELECT count(DISTINCT annotator) FILTER (WHERE annotator"
                 " <> ?2), ifnull(max(annotator = ?2), 0) FROM live_judgment"
                 " WHERE comparison = ?1 AND dimension = 'safety'"
                 " AND annotator <> ''"
               : "SELECT count(DISTINCT annotator) FILTER (WHERE annotator"
                 " <> ?2), ifnull(max(annotator = ?2), 0) FROM live_judgment"
                 " WHERE comparison = ?1 AND dimension = 'helpfulness'"
                 " AND annotator <> ''";
}

/* Up to four numbers in the one row of a query. */
static int row_of(struct desk *d, const char *sql, const int64_t *n,
                  size_t n_in, int64_t *out, size_t n_out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__ask(d->db, &s, sql, n, n_in, d->annotator, err);
    if (!rc && (rc = prefdb__step(d->db, s, err)) > 0)
        for (size_t i = 0; i < n_out; i++)
            out[i] = sqlite3_column_int64(s, (int)i);
    sqlite3_finalize(s);
    return rc;
}

static int look(struct desk *d, int64_t comparison, struct taken *t,
                struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison}, said[2] = {0}, held[2] = {0}, skip = 0;
    int rc = row_of(d, said_sql(d->c.dimension), &comparison, 1, said, 2, err);
    if (rc > 0)
        rc = row_of(d,
                    "SELECT count(*) FILTER (WHERE annotator <> ?3),"
                    " ifnull(max(annotator = ?3), 0) FROM lease"
                    " WHERE campaign = ?1 AND comparison = ?2",
                    n, 2, held, 2, err);
    if (rc > 0)
        rc = row_of(d,
                    "SELECT 1 FROM skip WHERE campaign = ?1"
                    " AND comparison = ?2 AND annotator = ?3",
                    n, 2, &skip, 1, err);
    *t = (struct taken){.judged = said[0],
                        .held = held[0],
                        .mine = said[1] != 0,
                        .skipped = skip != 0,
                        .in_hand = held[1] != 0};
    return rc < 0 ? rc : 0;
}

static int set_done(struct desk *d, int64_t comparison, struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison};
    return prefdb__tell(d->db,
                        "UPDATE task SET done = 1 WHERE campaign = ?1 AND"
                        " comparison = ?2",
                        n, 2, NULL, err);
}

static int drop_lease(struct desk *d, int64_t comparison, struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison};
    return prefdb__tell(d->db,
                        "DELETE FROM lease WHERE campaign = ?1 AND"
                        " comparison = ?2 AND annotator = ?3",
                        n, 2, d->annotator, err);
}

/* ---- Next ---------------------------------------------------------------- */

/* Go through the tasks: 1 and *comparison when one is free for us. *start is
 * where to begin, and moves over what is nothing for us any more. */
static int seek(struct desk *d, int64_t *start, int64_t *comparison,
                bool *waiting, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    bool contiguous = true;
    int64_t at = *start;
    int rc = prefdb__prepare(d->db, &s,
                             "SELECT position, comparison FROM task"
                             " WHERE campaign = ?1 AND done = 0"
                             " AND position > ?2 ORDER BY position LIMIT 1",
                             err);
    while (!rc) {
        struct taken t;
        sqlite3_bind_int64(s, 1, d->c.id);
        sqlite3_bind_int64(s, 2, at);
        rc = prefdb__step(d->db, s, err);
        if (rc <= 0)
            break;
        at = sqlite3_column_int64(s, 0);
        *comparison = sqlite3_column_int64(s, 1);
        sqlite3_reset(s);
        rc = look(d, *comparison, &t, err);
        if (rc)
            break;
        bool full = t.judged + t.mine >= d->c.overlap;
        if (full)
            rc = set_done(d, *comparison, err);
        if (!full && !t.mine && !t.skipped) {
            if (t.judged + t.held < d->c.overlap) {
                rc = 1;
                break;
            }
            *waiting = true;
            contiguous = false;
        }
        if (contiguous)
            *start = at;
    }
    sqlite3_finalize(s);
    return rc;
}

static int quota_reached(struct desk *d, struct pk_err *err)
{
    int64_t n[] = {d->c.id}, judged = 0;
    if (!d->c.quota)
        return 0;
    int rc = row_of(d,
                    "SELECT count(*) FROM live_judgment AS j"
                    " JOIN task AS t ON t.campaign = ?1"
                    " AND t.comparison = j.comparison"
                    " JOIN campaign AS c ON c.id = ?1"
                    " WHERE j.annotator = ?2 AND j.annotator <> ''"
                    " AND j.dimension = c.dimension",
                    n, 1, &judged, 1, err);
    return rc < 0 ? rc : judged >= d->c.quota;
}

/* The first task for us, looked for from where we were; 0 when none. */
static int find_task(struct desk *d, int64_t *comparison, bool *waiting,
                     struct pk_err *err)
{
    int64_t n[] = {d->c.id, 0}, was = 0;
    int rc = quota_reached(d, err);
    if (rc)
        return rc < 0 ? rc : 0;
    rc = row_of(d,
                "SELECT position FROM progress"
                " WHERE campaign = ?1 AND annotator = ?2",
                n, 1, &was, 1, err);
    if (rc < 0)
        return rc;
    n[1] = was;
    int found = seek(d, &n[1], comparison, waiting, err);
    if (found < 0 || n[1] == was)
        return found;
    rc = prefdb__tell(d->db,
                      "INSERT INTO progress (campaign, position, annotator)"
                      " VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE"
                      " SET position = excluded.position",
                      n, 2, d->annotator, err);
    return rc ? rc : found;
}

static int next(struct desk *d, int64_t *comparison, int64_t *expires,
                bool *waiting, struct pk_err *err)
{
    int64_t n[] = {d->c.id, 0, d->now + d->c.lease_seconds};
    int rc = row_of(d,
                    "SELECT comparison FROM lease WHERE campaign = ?1"
                    " AND annotator = ?2 ORDER BY expires DESC LIMIT 1",
                    n, 1, comparison, 1, err);
    if (rc == 0)
        rc = find_task(d, comparison, waiting, err);
    if (rc <= 0)
        return rc;
    n[1] = *comparison;
    *expires = n[2];
    rc = prefdb__tell(d->db,
                      "INSERT INTO lease (campaign, comparison, expires,"
                      " annotator) VALUES (?1, ?2, ?3, ?4) ON CONFLICT"
                      " DO UPDATE SET expires = excluded.expires",
                      n, 3, d->annotator, err);
    return rc ? rc : 1;
}

int prefdb_next(struct prefdb *db, int64_t campaign, const char *annotator,
                int64_t *comparison, int64_t *expires, bool *waiting,
                struct pk_err *err)
{
    struct desk d;
    bool others = false;
    int64_t until = 0;
    *comparison = 0;
    int rc = prefdb__check_name("an annotator", annotator, err);
    /* A lease need not outlive a power cut: no wait for the disk. */
    if (!rc)
        rc = prefdb__exec(db, "PRAGMA synchronous = NORMAL", err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = desk_open(&d, db, campaign, annotator, err);
    int found = rc ? rc : next(&d, comparison, &until, &others, err);
    rc = prefdb__end(db, found < 0 ? found : 0, err);
    int full = prefdb__exec(db, "PRAGMA synchronous = FULL", rc ? NULL : err);
    if (!rc)
        rc = full;
    if (rc || !found)
        *comparison = 0;
    if (expires)
        *expires = until;
    if (waiting)
        *waiting = others;
    return rc ? rc : found;
}

/* ---- Submit, revise ------------------------------------------------------ */

/* Append the judgment; supersedes NULL, or the uid of an older one. */
static int judge(struct desk *d, struct prefdb__writer *w, int64_t comparison,
                 const struct prefdb_verdict *v, const uint8_t *supersedes,
                 int64_t *id, struct pk_err *err)
{
    struct prefdb__said said;
    int rc = prefdb__said_of(&said, &d->c, d->annotator, v, err);
    if (supersedes) {
        said.j.has_supersedes = true;
        memcpy(said.j.supersedes, supersedes, sizeof said.j.supersedes);
    }
    if (!rc)
        rc = prefdb__said_check(&said, err);
    if (!rc)
        rc = prefdb__writer_judge(w, comparison, &said.j, id, err);
    prefdb__said_release(&said);
    return rc;
}

static int submit(struct desk *d, struct prefdb__writer *w, int64_t comparison,
                  const struct prefdb_verdict *v, int64_t *judgment,
                  struct pk_err *err)
{
    struct taken t;
    int64_t n[] = {d->c.id, comparison}, at;
    int rc = row_of(d,
                    "SELECT position FROM task WHERE campaign = ?1"
                    " AND comparison = ?2 AND ?3 <> ''",
                    n, 2, &at, 1, err);
    if (rc == 0)
        return pk_fail(err, PK_EUSAGE, "comparison %lld is not a task of '%s'",
                       (long long)comparison, d->c.name);
    if (rc > 0)
        rc = look(d, comparison, &t, err);
    if (rc)
        return rc;
    if (t.mine)
        return pk_fail(err, PK_ENO, "%s has judged comparison %lld already",
                       d->annotator, (long long)comparison);
    if (t.judged + (t.in_hand ? 0 : t.held) >= d->c.overlap)
        return pk_fail(err, PK_ENO,
                       "comparison %lld has been judged %d times, or is in "
                       "the hands of others",
                       (long long)comparison, d->c.overlap);
    rc = judge(d, w, comparison, v, NULL, judgment, err);
    if (!rc)
        rc = drop_lease(d, comparison, err);
    if (!rc && t.judged + 1 >= d->c.overlap)
        rc = set_done(d, comparison, err);
    return rc;
}

/* Begin, with what both need. On success the caller ends the writer. */
static int desk_begin(struct desk *d, struct prefdb__writer **w,
                      struct prefdb *db, int64_t campaign,
                      const char *annotator, struct pk_err *err)
{
    *w = NULL;
    int rc = prefdb__check_name("an annotator", annotator, err);
    if (!rc)
        rc = prefdb__writer_begin(w, db, err);
    if (!rc)
        rc = desk_open(d, db, campaign, annotator, err);
    if (rc)
        prefdb__writer_abort(w);
    return rc;
}

static int desk_end(struct prefdb__writer **w, int rc, struct pk_err *err)
{
    if (!rc)
        return prefdb__writer_commit(w, err);
    prefdb__writer_abort(w);
    return rc;
}

int prefdb_submit(struct prefdb *db, int64_t campaign, const char *annotator,
                  int64_t comparison, const struct prefdb_verdict *v,
                  int64_t *judgment, struct pk_err *err)
{
    struct desk d;
    struct prefdb__writer *w;
    *judgment = 0;
    int rc = desk_begin(&d, &w, db, campaign, annotator, err);
    if (rc)
        return rc;
    rc = desk_end(&w, submit(&d, w, comparison, v, judgment, err), err);
    if (rc)
        *judgment = 0;
    return rc;
}

/* The task is open again, for everyone. */
static int reopen(struct desk *d, int64_t comparison, struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison};
    int rc = prefdb__tell(d->db,
                          "UPDATE task SET done = 0 WHERE campaign = ?1"
                          " AND comparison = ?2",
                          n, 2, NULL, err);
    return rc ? rc
              : prefdb__tell(d->db,
                             "UPDATE progress SET position ="
                             " min(position, (SELECT position - 1 FROM task"
                             " WHERE campaign = ?1 AND comparison = ?2))"
                             " WHERE campaign = ?1",
                             n, 2, NULL, err);
}

static int revise(struct desk *d, struct prefdb__writer *w, int64_t old,
                  const struct prefdb_verdict *v, int64_t *judgment,
                  struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    uint8_t uid[PREFDB__UID];
    int64_t comparison = 0;
    int64_t n[] = {d->c.id, old};
    int rc = prefdb__ask(d->db, &s,
                         "SELECT j.uid, j.comparison FROM live_judgment AS j"
                         " JOIN campaign AS c ON c.id = ?1"
                         "  AND c.dimension = j.dimension"
                         " JOIN task AS t ON t.campaign = ?1"
                         "  AND t.comparison = j.comparison"
                         " WHERE j.id = ?2 AND j.annotator = ?3",
                         n, 2, d->annotator, err);
    if (!rc && (rc = prefdb__step(d->db, s, err)) > 0 &&
        sqlite3_column_bytes(s, 0) == PREFDB__UID) {
        memcpy(uid, sqlite3_column_blob(s, 0), sizeof uid);
        comparison = sqlite3_column_int64(s, 1);
    }
    sqlite3_finalize(s);
    if (rc < 0)
        return rc;
    if (!comparison)
        return pk_fail(err, PK_ENO,
                       "judgment %lld is not a standing one by %s in this "
                       "campaign",
                       (long long)old, d->annotator);
    rc = judge(d, w, comparison, v, uid, judgment, err);
    return rc || v ? rc : reopen(d, comparison, err);
}

int prefdb_revise(struct prefdb *db, int64_t campaign, const char *annotator,
                  int64_t old, const struct prefdb_verdict *v,
                  int64_t *judgment, struct pk_err *err)
{
    struct desk d;
    struct prefdb__writer *w;
    *judgment = 0;
    int rc = desk_begin(&d, &w, db, campaign, annotator, err);
    if (rc)
        return rc;
    rc = desk_end(&w, revise(&d, w, old, v, judgment, err), err);
    if (rc)
        *judgment = 0;
    return rc;
}

/* ---- Skip, release, history ---------------------------------------------- */

static int skip(struct desk *d, int64_t comparison, const char *reason,
                struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    char now[21];
    int64_t n[] = {d->c.id, comparison};
    int rc = prefdb__ask(d->db, &s,
                         "INSERT INTO skip (campaign, comparison, annotator,"
                         " reason, created) SELECT ?1, t.comparison, ?3, ?4, ?5"
                         " FROM task AS t WHERE t.campaign = ?1"
                         " AND t.comparison = ?2 ON CONFLICT DO UPDATE"
                         " SET reason = excluded.reason",
                         n, 2, d->annotator, err);
    if (rc)
        return rc;
    prefdb__now(now);
    prefdb__bind_text(s, 4, reason ? reason : "");
    prefdb__bind_text(s, 5, now);
    rc = prefdb__run(d->db, s, err);
    sqlite3_finalize(s);
    if (!rc && sqlite3_changes(d->db->sql) == 0)
        rc = pk_fail(err, PK_EUSAGE, "comparison %lld is not a task of '%s'",
                     (long long)comparison, d->c.name);
    return rc ? rc : drop_lease(d, comparison, err);
}

int prefdb_skip(struct prefdb *db, int64_t campaign, const char *annotator,
                int64_t comparison, const char *reason, struct pk_err *err)
{
    struct desk d;
    int rc = prefdb__check_name("an annotator", annotator, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = desk_open(&d, db, campaign, annotator, err);
    if (!rc)
        rc = skip(&d, comparison, reason, err);
    return prefdb__end(db, rc, err);
}

int prefdb_release(struct prefdb *db, int64_t campaign, const char *annotator,
                   struct pk_err *err)
{
    int rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = prefdb__tell(db,
                      "DELETE FROM lease"
                      " WHERE campaign = ?1 AND annotator = ?2",
                      &campaign, 1, annotator, err);
    return prefdb__end(db, rc, err);
}

int prefdb_history(struct prefdb *db, int64_t campaign, const char *annotator,
                   size_t limit, int64_t **ids, size_t *n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t numbers[] = {campaign, limit > INT32_MAX ? -1 : (int64_t)limit};
    size_t cap = 0;
    *ids = NULL;
    *n = 0;
    int rc = prefdb__ask(db, &s,
                         "SELECT j.id FROM live_judgment AS j"
                         " JOIN campaign AS c ON c.id = ?1"
                         "  AND c.dimension = j.dimension"
                         " JOIN task AS t ON t.campaign = ?1"
                         "  AND t.comparison = j.comparison"
                         " WHERE j.annotator = ?3 AND j.annotator <> ''"
                         " ORDER BY j.id DESC LIMIT ?2",
                         numbers, 2, annotator, err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        rc = pk_grow(ids, &cap, *n + 1, sizeof **ids)
                 ? 0
                 : pk_fail_mem(err, "a history");
        if (!rc)
            (*ids)[(*n)++] = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    if (!rc && !*ids && !(*ids = pk_calloc(1, sizeof **ids)))
        rc = pk_fail_mem(err, "a history");
    if (rc) {
        free(*ids);
        *ids = NULL;
        *n = 0;
    }
    return rc;
}
