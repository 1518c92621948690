/* What a campaign's annotators are told, in every version. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "prefdb/team/campaign.h"

int prefdb_guideline(struct prefdb *db, int64_t campaign, const char *version,
                     char **text, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *text = NULL;
    int rc = prefdb__ask(db, &s,
                         "SELECT text FROM guideline"
                         " WHERE campaign = ?1 AND version = ?2",
                         &campaign, 1, version, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        *text = pk_strdup(prefdb__text(s, 0));
        rc = *text ? 0 : pk_fail_mem(err, "a guideline");
    }
    sqlite3_finalize(s);
    return rc;
}

int prefdb__guideline_put(struct prefdb *db, const struct prefdb_campaign *c,
                          struct pk_err *err)
{
    const char *version = c->guideline ? c->guideline : "";
    const char *text = c->guideline_text ? c->guideline_text : "";
    sqlite3_stmt *s = NULL;
    char *old, now[21];
    int rc = prefdb_guideline(db, c->id, version, &old, err);
    if (!rc && old && strcmp(old, text) != 0)
        rc = pk_fail(err, PK_EUSAGE,
                     "version '%.60s' of the guideline has another text; call "
                     "the new one by another version",
                     version);
    bool known = old != NULL;
    free(old);
    if (rc || known)
        return rc;
    rc = prefdb__ask(db, &s, "INSERT INTO guideline VALUES (?1, ?2, ?3, ?4)",
                     &c->id, 1, version, err);
    if (rc)
        return rc;
    prefdb__now(now);
    prefdb__bind_text(s, 3, text);
    prefdb__bind_text(s, 4, now);
    rc = prefdb__run(db, s, err);
    sqlite3_finalize(s);
    return rc;
}
