/* Handing tasks out, to many processes at once.
 *
 * An annotator goes through the open tasks in order from a remembered position,
 * before which there is nothing for that annotator; a task that others hold is
 * passed over but not forgotten. So the work of a call grows with the tasks
 * that are in hand, not with the store. */
#include "prefdb/team/desk.h"

/* A transaction at an annotator's desk; to be ended, where this went well. */
static int begin(struct prefdb__desk *d, struct prefdb *db, int64_t campaign,
                 const char *annotator, struct pk_err *err)
{
    int rc = prefdb__check_name("an annotator", annotator, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = prefdb__desk_open(d, db, campaign, annotator, err);
    return rc ? prefdb__end(db, rc, err) : 0;
}

/* ---- Next ---------------------------------------------------------------- */

/* Go through the tasks: 1 and *comparison when one is free for us. *start is
 * where to begin, and moves over what is nothing for us any more. */
static int seek(struct prefdb__desk *d, int64_t *start, int64_t *comparison,
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
        struct prefdb__taken t;
        sqlite3_bind_int64(s, 1, d->c.id);
        sqlite3_bind_int64(s, 2, at);
        rc = prefdb__step(d->db, s, err);
        if (rc <= 0)
            break;
        at = sqlite3_column_int64(s, 0);
        *comparison = sqlite3_column_int64(s, 1);
        sqlite3_reset(s);
        rc = prefdb__desk_look(d, *comparison, &t, err);
        if (rc)
            break;
        bool full = t.gold || t.judged + t.mine >= d->c.overlap;
        if (full)
            rc = prefdb__desk_done(d, *comparison, err);
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

/* The first task for us, looked for from where we were, or what is mixed in
 * before it; 0 when none. */
static int find_task(struct prefdb__desk *d, struct prefdb_task *out,
                     struct pk_err *err)
{
    struct prefdb__place at;
    int rc = prefdb__desk_place(d, &at, err);
    if (rc || (d->c.quota && at.judged >= d->c.quota))
        return rc;
    int64_t n[] = {d->c.id, at.position};
    int found = seek(d, &n[1], &out->comparison, &out->waiting, err);
    if (found >= 0 && n[1] != at.position)
        rc = prefdb__tell(d->db,
                          "UPDATE progress SET position = ?2"
                          " WHERE campaign = ?1 AND annotator = ?3",
                          n, 2, d->annotator, err);
    if (rc || found <= 0)
        return rc ? rc : found;
    rc = prefdb__desk_blind(d, at.judged + at.skipped, &out->comparison, err);
    return rc < 0 ? rc : found;
}

/* Take it, or keep it for longer. */
static int hold(struct prefdb__desk *d, int64_t comparison, int64_t expires,
                struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison, expires};
    return prefdb__tell(d->db,
                        "INSERT INTO lease (campaign, comparison, expires,"
                        " annotator) VALUES (?1, ?2, ?3, ?4) ON CONFLICT"
                        " DO UPDATE SET expires = excluded.expires",
                        n, 3, d->annotator, err);
}

static int next(struct prefdb__desk *d, struct prefdb_task *out,
                struct pk_err *err)
{
    int rc = prefdb__desk_row(d,
                              "SELECT comparison FROM lease WHERE campaign = ?1"
                              " AND annotator = ?2 ORDER BY expires DESC"
                              " LIMIT 1",
                              &d->c.id, 1, &out->comparison, 1, err);
    if (rc == 0)
        rc = find_task(d, out, err);
    if (rc <= 0)
        return rc;
    struct prefdb__taken t;
    rc = prefdb__desk_look(d, out->comparison, &t, err);
    if (rc)
        return rc;
    out->again = t.mine;
    out->expires = d->now + d->c.lease_seconds;
    rc = hold(d, out->comparison, out->expires, err);
    return rc ? rc : 1;
}

int prefdb_next(struct prefdb *db, int64_t campaign, const char *annotator,
                struct prefdb_task *out, struct pk_err *err)
{
    struct prefdb__desk d;
    *out = (struct prefdb_task){0};
    bool lazy = db->lazy;
    /* A lease need not outlive a power cut. */
    int rc = prefdb_lazy(db, true, err), found = 0;
    if (!rc)
        rc = begin(&d, db, campaign, annotator, err);
    if (!rc) {
        found = next(&d, out, err);
        rc = prefdb__end(db, found < 0 ? found : 0, err);
    }
    int after = prefdb_lazy(db, lazy, rc ? NULL : err);
    if (!rc)
        rc = after;
    if (rc || !found)
        *out = (struct prefdb_task){.waiting = out->waiting};
    return rc ? rc : found;
}

/* ---- Skip, take back, release -------------------------------------------- */

static int skip(struct prefdb__desk *d, int64_t comparison, const char *reason,
                struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    char now[32];
    int64_t n[] = {d->c.id, comparison};
    int rc = prefdb__ask(d->db, &s,
                         "INSERT INTO skip (campaign, comparison, annotator,"
                         " reason, created) SELECT ?1, t.comparison, ?3, ?4, ?5"
                         " FROM (SELECT comparison FROM task"
                         "  WHERE campaign = ?1 AND comparison = ?2"
                         "  UNION SELECT comparison FROM lease"
                         "  WHERE campaign = ?1 AND comparison = ?2"
                         "  AND annotator = ?3) AS t"
                         " WHERE true ON CONFLICT DO UPDATE"
                         " SET reason = excluded.reason",
                         n, 2, d->annotator, err);
    if (rc)
        return rc;
    prefdb_now(now);
    prefdb__bind_text(s, 4, reason ? reason : "");
    prefdb__bind_text(s, 5, now);
    rc = prefdb__run(d->db, s, err);
    sqlite3_finalize(s);
    if (!rc && sqlite3_changes(d->db->sql) == 0)
        rc = pk_fail(err, PK_EUSAGE, "comparison %lld is not a task of '%s'",
                     (long long)comparison, d->c.name);
    if (!rc)
        rc = prefdb__progress_add(d->db, d->c.id, d->annotator, 0, 1, err);
    return rc ? rc : prefdb__desk_drop_lease(d, comparison, err);
}

int prefdb_skip(struct prefdb *db, int64_t campaign, const char *annotator,
                int64_t comparison, const char *reason, struct pk_err *err)
{
    struct prefdb__desk d;
    int rc = begin(&d, db, campaign, annotator, err);
    return rc ? rc : prefdb__end(db, skip(&d, comparison, reason, err), err);
}

static int give_back(struct prefdb *db, int64_t campaign, const char *annotator,
                     struct pk_err *err)
{
    return prefdb__tell(db,
                        "DELETE FROM lease"
                        " WHERE campaign = ?1 AND annotator = ?2",
                        &campaign, 1, annotator, err);
}

/* The comparison skipped last. */
static int find_skipped(struct prefdb__desk *d, int64_t *comparison,
                        struct pk_err *err)
{
    struct prefdb__taken t;
    int rc = prefdb__desk_row(d,
                              "SELECT comparison FROM skip WHERE campaign = ?1"
                              " AND annotator = ?2 ORDER BY created DESC"
                              " LIMIT 1",
                              &d->c.id, 1, comparison, 1, err);
    if (rc == 0)
        return pk_fail(err, PK_ENO, "no pair is skipped");
    if (rc > 0)
        rc = prefdb__desk_look(d, *comparison, &t, err);
    if (!rc && !t.gold && !t.mine && t.judged + t.held >= d->c.overlap)
        rc = pk_fail(err, PK_ENO,
                     "others have judged the pair you skipped, or have it in "
                     "hand");
    return rc;
}

static int unskip(struct prefdb__desk *d, int64_t *comparison,
                  struct pk_err *err)
{
    int rc = find_skipped(d, comparison, err);
    if (rc)
        return rc;
    int64_t n[] = {d->c.id, *comparison};
    rc = prefdb__tell(d->db,
                      "DELETE FROM skip WHERE campaign = ?1"
                      " AND comparison = ?2 AND annotator = ?3",
                      n, 2, d->annotator, err);
    if (!rc)
        rc = prefdb__progress_add(d->db, d->c.id, d->annotator, 0, -1, err);
    if (!rc)
        rc = prefdb__desk_rewind(d, *comparison, d->annotator, err);
    if (!rc)
        rc = give_back(d->db, d->c.id, d->annotator, err);
    return rc ? rc : hold(d, *comparison, d->now + d->c.lease_seconds, err);
}

int prefdb_unskip(struct prefdb *db, int64_t campaign, const char *annotator,
                  int64_t *comparison, struct pk_err *err)
{
    struct prefdb__desk d;
    *comparison = 0;
    int rc = begin(&d, db, campaign, annotator, err);
    return rc ? rc : prefdb__end(db, unskip(&d, comparison, err), err);
}

int prefdb_release(struct prefdb *db, int64_t campaign, const char *annotator,
                   struct pk_err *err)
{
    int rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = give_back(db, campaign, annotator, err);
    return prefdb__end(db, rc, err);
}
