/* Campaigns: their settings, and how far they are. Their tasks are chosen in
 * fill.c and handed out in lease.c. */
#include "prefdb/team/campaign.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "common/utf8.h"

int prefdb__check_name(const char *what, const char *name, struct pk_err *err)
{
    size_t n = name ? strlen(name) : 0;
    if (n == 0 || n > 255 || pk_utf8_check(name, n) < n)
        return pk_fail(err, PK_EUSAGE, "%s takes a name of 1 to 255 bytes",
                       what);
    return 0;
}

int prefdb__ask(struct prefdb *db, sqlite3_stmt **out, const char *sql,
                const int64_t *numbers, size_t n, const char *text,
                struct pk_err *err)
{
    int rc = prefdb__prepare(db, out, sql, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < n; i++)
        sqlite3_bind_int64(*out, (int)i + 1, numbers[i]);
    if (text)
        prefdb__bind_text(*out, (int)n + 1, text);
    return 0;
}

int prefdb__tell(struct prefdb *db, const char *sql, const int64_t *numbers,
                 size_t n, const char *text, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__ask(db, &s, sql, numbers, n, text, err);
    if (!rc)
        rc = prefdb__run(db, s, err);
    sqlite3_finalize(s);
    return rc;
}

int prefdb__tasks_reopen(struct prefdb *db, struct pk_err *err)
{
    return prefdb__exec(db,
                        "UPDATE task SET done = 0 WHERE done = 1;"
                        "DELETE FROM progress",
                        err);
}

static int check_campaign(const struct prefdb_campaign *c, struct pk_err *err)
{
    int rc = prefdb__check_name("a campaign", c->name, err);
    if (!rc && (c->overlap < 1 || c->overlap > 1000))
        rc = pk_fail(err, PK_EUSAGE, "the overlap is from 1 to 1000");
    if (!rc && c->lease_seconds < 1)
        rc = pk_fail(err, PK_EUSAGE, "a lease runs for a second at least");
    if (!rc && (c->quota < 0 || c->gold_every < 0 || c->repeat_every < 0 ||
                c->turn_limit < 0))
        rc = pk_fail(err, PK_EUSAGE, "a campaign's numbers are not negative");
    if (!rc && (c->gold_every == 1 || c->repeat_every == 1))
        rc = pk_fail(err, PK_EUSAGE,
                     "gold or repeats are one of 2 pairs at the most");
    if (!rc && c->gold_every && !(c->gold && *c->gold))
        rc = pk_fail(err, PK_EUSAGE, "gold tasks: by whose judgments?");
    return rc;
}

/* What labelers were shown was judged for one dimension; it stays that one. */
static int check_dimension(struct prefdb *db, const struct prefdb_campaign *c,
                           struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__ask(db, &s,
                         "SELECT dimension FROM campaign WHERE name = ?1 AND"
                         " EXISTS (SELECT 1 FROM task WHERE campaign = id)",
                         NULL, 0, c->name, err);
    const char *now = prefdb_dimension_name(c->dimension);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = strcmp(prefdb__text(s, 0), now) == 0
                 ? 0
                 : pk_fail(err, PK_EUSAGE,
                           "'%.60s' has tasks for %s: what is to be judged for "
                           "%s takes another campaign",
                           c->name, prefdb__text(s, 0), now);
    sqlite3_finalize(s);
    return rc;
}

static int put_campaign(struct prefdb *db, struct prefdb_campaign *c,
                        struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    char now[21];
    int rc = prefdb__prepare(
        db, &s,
        "INSERT INTO campaign (name, dimension, overlap, lease_seconds, quota,"
        " allow_tie, allow_both_bad, guideline, gold, gold_every,"
        " repeat_every, turn_limit, created)"
        " VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7, ?8, nullif(?9, ''),"
        " nullif(?10, 0), nullif(?11, 0), nullif(?12, 0), ?13)"
        " ON CONFLICT (name) DO UPDATE SET dimension = excluded.dimension,"
        " overlap = excluded.overlap, lease_seconds = excluded.lease_seconds,"
        " quota = excluded.quota, allow_tie = excluded.allow_tie,"
        " allow_both_bad = excluded.allow_both_bad,"
        " guideline = excluded.guideline, gold = excluded.gold,"
        " gold_every = excluded.gold_every,"
        " repeat_every = excluded.repeat_every,"
        " turn_limit = excluded.turn_limit RETURNING id",
        err);
    if (rc)
        return rc;
    prefdb__now(now);
    prefdb__bind_text(s, 1, c->name);
    prefdb__bind_text(s, 2, prefdb_dimension_name(c->dimension));
    sqlite3_bind_int(s, 3, c->overlap);
    sqlite3_bind_int64(s, 4, c->lease_seconds);
    sqlite3_bind_int64(s, 5, c->quota);
    sqlite3_bind_int(s, 6, c->allow_tie);
    sqlite3_bind_int(s, 7, c->allow_both_bad);
    prefdb__bind_text(s, 8, c->guideline ? c->guideline : "");
    prefdb__bind_text(s, 9, c->gold);
    sqlite3_bind_int64(s, 10, c->gold_every);
    sqlite3_bind_int64(s, 11, c->repeat_every);
    sqlite3_bind_int64(s, 12, c->turn_limit);
    prefdb__bind_text(s, 13, now);
    rc = prefdb__step(db, s, err);
    if (rc > 0)
        c->id = sqlite3_column_int64(s, 0);
    while (rc > 0)
        rc = prefdb__step(db, s, err);
    sqlite3_finalize(s);
    return rc;
}

int prefdb_campaign_put(struct prefdb *db, struct prefdb_campaign *c,
                        struct pk_err *err)
{
    int rc = check_campaign(c, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = check_dimension(db, c, err);
    if (!rc)
        rc = put_campaign(db, c, err);
    if (!rc)
        rc = prefdb__guideline_put(db, c, err);
    if (!rc) /* another overlap: what is done may not be */
        rc = prefdb__tasks_reopen(db, err);
    return prefdb__end(db, rc, err);
}

static int drop(struct prefdb *db, int64_t campaign, struct pk_err *err)
{
    static const char *const from[] = {
        "DELETE FROM progress WHERE campaign = ?1",
        "DELETE FROM guideline WHERE campaign = ?1",
        "DELETE FROM campaign WHERE id = ?1"};
    int64_t tasks;
    int rc = prefdb__tasks(db, campaign, &tasks, err);
    for (int i = 0; i < 3 && !rc && !tasks; i++)
        rc = prefdb__tell(db, from[i], &campaign, 1, NULL, err);
    return rc;
}

int prefdb_campaign_drop(struct prefdb *db, int64_t campaign,
                         struct pk_err *err)
{
    int rc = prefdb__begin(db, err);
    return rc ? rc : prefdb__end(db, drop(db, campaign, err), err);
}

/* Copy a column's text into db->text, which keeps its size from here on. */
static const char *keep(struct prefdb *db, sqlite3_stmt *s, int col)
{
    size_t at = db->text.len;
    pk_buf_add(&db->text, prefdb__text(s, col),
               (size_t)sqlite3_column_bytes(s, col));
    pk_buf_addc(&db->text, 0);
    return db->text.failed ? NULL : db->text.data + at;
}

static int read_campaign(struct prefdb *db, sqlite3_stmt *s,
                         struct prefdb_campaign *c, struct pk_err *err)
{
    *c = (struct prefdb_campaign){.id = sqlite3_column_int64(s, 0),
                                  .overlap = sqlite3_column_int(s, 3),
                                  .lease_seconds = sqlite3_column_int64(s, 4),
                                  .quota = sqlite3_column_int64(s, 5),
                                  .allow_tie = sqlite3_column_int(s, 6) != 0,
                                  .allow_both_bad =
                                      sqlite3_column_int(s, 7) != 0,
                                  .gold_every = sqlite3_column_int64(s, 11),
                                  .repeat_every = sqlite3_column_int64(s, 12),
                                  .turn_limit = sqlite3_column_int64(s, 13)};
    (void)prefdb_parse_order(prefdb__text(s, 14), &c->order);
    if (!prefdb_parse_dimension(prefdb__text(s, 2), &c->dimension))
        return prefdb__damaged(db, "campaign", c->id, err);
    /* Twice: the first round makes the buffer large enough to stay in place. */
    for (int i = 0; i < 2; i++) {
        pk_buf_reset(&db->text);
        c->name = keep(db, s, 1);
        c->guideline = keep(db, s, 8);
        c->guideline_text = keep(db, s, 9);
        c->gold = keep(db, s, 10);
        c->scored_by = keep(db, s, 15);
        c->against = keep(db, s, 16);
    }
    if (db->text.failed)
        return pk_fail_mem(err, "a campaign");
    if (!*c->gold)
        c->gold = NULL;
    if (!*c->scored_by)
        c->scored_by = NULL;
    if (!*c->against)
        c->against = NULL;
    return 0;
}

#define CAMPAIGN                                                               \
    "SELECT id, name, dimension, overlap, lease_seconds, quota, allow_tie,"    \
    " allow_both_bad, guideline, (SELECT text FROM guideline"                  \
    "  WHERE campaign = id AND version = guideline), gold, gold_every,"        \
    " repeat_every, turn_limit, task_order, scored_by, against FROM campaign " \
    "WHERE "

int prefdb__campaign(struct prefdb *db, int64_t id, struct prefdb_campaign *out,
                     struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = (struct prefdb_campaign){0};
    int rc = prefdb__ask(db, &s, CAMPAIGN "id = ?1", &id, 1, NULL, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = read_campaign(db, s, out, err);
    else if (!rc)
        rc = pk_fail(err, PK_EUSAGE, "%s: there is no campaign %lld", db->path,
                     (long long)id);
    sqlite3_finalize(s);
    return rc;
}

int prefdb_campaign_get(struct prefdb *db, const char *name,
                        struct prefdb_campaign *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = (struct prefdb_campaign){0};
    int rc = prefdb__ask(db, &s, CAMPAIGN "name = ?1", NULL, 0, name, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = read_campaign(db, s, out, err);
    else if (!rc)
        rc = pk_fail(err, PK_EUSAGE, "%s: there is no campaign '%.60s'",
                     db->path, name);
    sqlite3_finalize(s);
    return rc;
}

int prefdb_campaign_done(struct prefdb *db, int64_t campaign, int64_t *out,
                         struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = 0;
    int rc = prefdb__ask(
        db, &s,
        "SELECT ifnull(sum(t.done OR (SELECT count(DISTINCT j.annotator)"
        "  FROM live_judgment AS j WHERE j.comparison = t.comparison"
        "  AND j.dimension = c.dimension AND j.annotator <> '')"
        "  >= c.overlap), 0)"
        " FROM campaign AS c JOIN task AS t ON t.campaign = c.id"
        " WHERE c.id = ?1",
        &campaign, 1, NULL, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}
