/* Taking judgments in, and in the place of earlier ones. */
#include <string.h>

#include "prefdb/store/write.h"
#include "prefdb/team/desk.h"

/* Append the judgment; supersedes NULL, or the uid of an older one. */
static int judge(struct prefdb__desk *d, struct prefdb__writer *w,
                 int64_t comparison, const struct prefdb_verdict *v,
                 const uint8_t *supersedes, int64_t *id, struct pk_err *err)
{
    struct prefdb__word said;
    int rc = prefdb__word_of(&said, &d->c, d->annotator, v, err);
    if (supersedes) {
        said.j.has_supersedes = true;
        memcpy(said.j.supersedes, supersedes, sizeof said.j.supersedes);
    }
    if (!rc)
        rc = prefdb__word_check(&said, err);
    if (!rc)
        rc = prefdb__writer_judge(w, comparison, &said.j, id, err);
    prefdb__word_release(&said);
    return rc;
}

/* May the annotator judge this task now? PK_ENO: too late. */
static int check_task(struct prefdb__desk *d, int64_t comparison,
                      const struct prefdb__taken *t, struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison}, at;
    int rc = prefdb__desk_row(d,
                              "SELECT position FROM task WHERE campaign = ?1"
                              " AND comparison = ?2 AND ?3 <> ''",
                              n, 2, &at, 1, err);
    if (rc == 0)
        return pk_fail(err, PK_EUSAGE, "comparison %lld is not a task of '%s'",
                       (long long)comparison, d->c.name);
    if (rc > 0 && t->judged + (t->in_hand ? 0 : t->held) >= d->c.overlap)
        return pk_fail(err, PK_ENO,
                       "comparison %lld has been judged %d times, or is in "
                       "the hands of others",
                       (long long)comparison, d->c.overlap);
    return rc < 0 ? rc : 0;
}

static int submit(struct prefdb__desk *d, struct prefdb__writer *w,
                  int64_t comparison, const struct prefdb_verdict *v,
                  int64_t *judgment, struct pk_err *err)
{
    struct prefdb__taken t;
    int rc = prefdb__desk_look(d, comparison, &t, err);
    if (rc)
        return rc;
    bool repeat = t.mine && t.in_hand;
    if (t.mine && !repeat)
        return pk_fail(err, PK_ENO, "%s has judged comparison %lld already",
                       d->annotator, (long long)comparison);
    if (!repeat && !t.gold)
        rc = check_task(d, comparison, &t, err);
    if (!rc)
        rc = judge(d, w, comparison, v, NULL, judgment, err);
    if (!rc)
        rc = prefdb__desk_drop_lease(d, comparison, err);
    if (!rc)
        rc = prefdb__progress_add(d->db, d->c.id, d->annotator, 1, 0, err);
    if (!rc && !repeat && t.judged + 1 >= d->c.overlap)
        rc = prefdb__desk_done(d, comparison, err);
    return rc;
}

/* The task is open again, for everyone. */
static int reopen(struct prefdb__desk *d, int64_t comparison,
                  struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison};
    int rc = prefdb__tell(d->db,
                          "UPDATE task SET done = 0 WHERE campaign = ?1"
                          " AND comparison = ?2",
                          n, 2, NULL, err);
    return rc ? rc : prefdb__desk_rewind(d, comparison, NULL, err);
}

static int revise(struct prefdb__desk *d, struct prefdb__writer *w, int64_t old,
                  const struct prefdb_verdict *v, int64_t *judgment,
                  struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    uint8_t uid[PREFDB__UID];
    int64_t comparison = 0;
    int rc = prefdb__ask(
        d->db, &s, "SELECT j.uid, j.comparison" PREFDB__OWN " AND j.id = ?3",
        &d->c.id, 1, d->annotator, err);
    if (!rc)
        sqlite3_bind_int64(s, 3, old);
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
    if (rc || v)
        return rc;
    rc = prefdb__progress_add(d->db, d->c.id, d->annotator, -1, 0, err);
    return rc ? rc : reopen(d, comparison, err);
}

typedef int action(struct prefdb__desk *d, struct prefdb__writer *w, int64_t on,
                   const struct prefdb_verdict *v, int64_t *judgment,
                   struct pk_err *err);

/* One of the two as a transaction, on a comparison or an earlier judgment. */
static int transact(action *act, struct prefdb *db, int64_t campaign,
                    const char *annotator, int64_t on,
                    const struct prefdb_verdict *v, int64_t *judgment,
                    struct pk_err *err)
{
    struct prefdb__desk d;
    struct prefdb__writer *w = NULL;
    *judgment = 0;
    int rc = prefdb__check_name("an annotator", annotator, err);
    if (!rc)
        rc = prefdb__writer_begin(&w, db, 1, err);
    if (!rc)
        rc = prefdb__desk_open(&d, db, campaign, annotator, err);
    if (!rc)
        rc = act(&d, w, on, v, judgment, err);
    if (!rc && v && v->draft_key)
        rc = prefdb__draft(db, annotator, v->draft_key, NULL, err);
    if (!rc)
        rc = prefdb__writer_commit(&w, err);
    else
        prefdb__writer_abort(&w);
    if (rc)
        *judgment = 0;
    return rc;
}

int prefdb_submit(struct prefdb *db, int64_t campaign, const char *annotator,
                  int64_t comparison, const struct prefdb_verdict *v,
                  int64_t *judgment, struct pk_err *err)
{
    return transact(submit, db, campaign, annotator, comparison, v, judgment,
                    err);
}

int prefdb_revise(struct prefdb *db, int64_t campaign, const char *annotator,
                  int64_t old, const struct prefdb_verdict *v,
                  int64_t *judgment, struct pk_err *err)
{
    return transact(revise, db, campaign, annotator, old, v, judgment, err);
}
