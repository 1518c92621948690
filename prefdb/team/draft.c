/* Drafts: unfinished work, kept for the program that makes it. */
#include <string.h>

#include "common/mem.h"
#include "prefdb/team/campaign.h"

int prefdb__draft(struct prefdb *db, const char *annotator, const char *key,
                  const char *value, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    char now[21];
    int rc = prefdb__prepare(
        db, &s,
        value ? "INSERT INTO draft VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO"
                " UPDATE SET value = excluded.value, created = excluded.created"
              : "DELETE FROM draft WHERE annotator = ?1 AND key = ?2",
        err);
    if (rc)
        return rc;
    prefdb__now(now);
    prefdb__bind_text(s, 1, annotator);
    prefdb__bind_text(s, 2, key);
    if (value) {
        prefdb__bind_text(s, 3, value);
        prefdb__bind_text(s, 4, now);
    }
    rc = prefdb__run(db, s, err);
    sqlite3_finalize(s);
    return rc;
}

int prefdb_draft_put(struct prefdb *db, const char *annotator, const char *key,
                     const char *value, struct pk_err *err)
{
    int rc = prefdb__check_name("an annotator", annotator, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    return prefdb__end(db, prefdb__draft(db, annotator, key, value, err), err);
}

int prefdb_draft_get(struct prefdb *db, const char *annotator, const char *key,
                     char **value, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *value = NULL;
    int rc = prefdb__ask(
        db, &s, "SELECT value FROM draft WHERE annotator = ?1 AND key = ?2",
        NULL, 0, annotator, err);
    if (!rc) {
        prefdb__bind_text(s, 2, key);
        rc = prefdb__step(db, s, err);
    }
    if (rc > 0) {
        *value = pk_strdup(prefdb__text(s, 0));
        rc = *value ? 0 : pk_fail_mem(err, "a draft");
    }
    sqlite3_finalize(s);
    return rc;
}
