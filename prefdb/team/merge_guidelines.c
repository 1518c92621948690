/* Judgments name a version of their campaign's guideline: its text comes with
 * them when stores are merged. */
#include <stdio.h>
#include <string.h>

#include "prefdb/team/merge.h"

/* A campaign that is not here comes as its settings, without tasks. */
static int bring_campaign(struct prefdb *db, struct prefdb *from,
                          const char *name, struct pk_err *err)
{
#define SETTINGS                                                               \
    "name, dimension, overlap, lease_seconds, quota, allow_tie,"               \
    " allow_both_bad, guideline, gold, gold_every, repeat_every, turn_limit,"  \
    " created"
    sqlite3_stmt *read = NULL, *add = NULL;
    int rc = prefdb__prepare(
        from, &read, "SELECT " SETTINGS " FROM campaign WHERE name = ?1", err);
    if (!rc)
        rc = prefdb__prepare(db, &add,
                             "INSERT INTO campaign (" SETTINGS ") VALUES (?1,"
                             " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
                             " ?13)",
                             err);
    if (!rc) {
        prefdb__bind_text(read, 1, name);
        rc = prefdb__step(from, read, err);
    }
    for (int i = 0; rc > 0 && i < sqlite3_column_count(read); i++)
        sqlite3_bind_value(add, i + 1, sqlite3_column_value(read, i));
    if (rc > 0)
        rc = prefdb__run(db, add, err);
    sqlite3_finalize(read);
    sqlite3_finalize(add);
    return rc;
}

/* What we have under that campaign and version: 1 the same text, 0 none, 2
 * another one. *campaign is 0 where there is none of that name. */
static int find(struct prefdb *db, sqlite3_stmt *row, int64_t *campaign,
                struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *campaign = 0;
    int rc = prefdb__prepare(db, &s,
                             "SELECT c.id, CASE WHEN g.text IS NULL THEN 0"
                             " WHEN g.text = ?3 THEN 1 ELSE 2 END"
                             " FROM campaign AS c LEFT JOIN guideline AS g"
                             " ON g.campaign = c.id AND g.version = ?2"
                             " WHERE c.name = ?1",
                             err);
    for (int i = 0; i < 3 && !rc; i++)
        sqlite3_bind_value(s, i + 1, sqlite3_column_value(row, i));
    if (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        *campaign = sqlite3_column_int64(s, 0);
        rc = sqlite3_column_int(s, 1);
    }
    sqlite3_finalize(s);
    return rc;
}

static int add(struct prefdb *db, sqlite3_stmt *row, int64_t campaign,
               struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(
        db, &s, "INSERT INTO guideline VALUES (?1, ?2, ?3, ?4)", err);
    if (rc)
        return rc;
    sqlite3_bind_int64(s, 1, campaign);
    for (int i = 1; i < 4; i++)
        sqlite3_bind_value(s, i + 1, sqlite3_column_value(row, i));
    rc = prefdb__run(db, s, err);
    sqlite3_finalize(s);
    return rc;
}

static int bring(struct prefdb *db, struct prefdb *from, sqlite3_stmt *row,
                 struct prefdb__merged *out, struct pk_err *err)
{
    int64_t campaign;
    int found = find(db, row, &campaign, err);
    if (found == 2) {
        if (out->conflicts++ < PREFDB__CONFLICTS)
            snprintf(out->conflict[out->conflicts - 1], sizeof out->conflict[0],
                     "campaign '%.50s': guideline '%.50s' has another text "
                     "there",
                     prefdb__text(row, 0), prefdb__text(row, 1));
        return 0;
    }
    if (found)
        return found < 0 ? found : 0;
    int rc = campaign ? 0 : bring_campaign(db, from, prefdb__text(row, 0), err);
    if (!rc && !campaign)
        rc = find(db, row, &campaign, err);
    if (!rc)
        rc = add(db, row, campaign, err);
    out->guidelines += !rc;
    return rc;
}

int prefdb__merge_guidelines(struct prefdb *db, struct prefdb *from,
                             struct prefdb__merged *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(from, &s,
                             "SELECT c.name, g.version, g.text, g.created"
                             " FROM guideline AS g JOIN campaign AS c"
                             " ON c.id = g.campaign WHERE g.text <> ''"
                             " ORDER BY c.name, g.version",
                             err);
    while (!rc && (rc = prefdb__step(from, s, err)) > 0)
        rc = bring(db, from, s, out, err);
    sqlite3_finalize(s);
    return rc;
}
