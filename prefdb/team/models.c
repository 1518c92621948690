/* Which models are behind the responses. */
#include <stdlib.h>

#include "common/mem.h"
#include "prefdb/team/campaign.h"

/* There is no index of models, so of a large store only its two ends are
 * looked at. */
static const char some_sql[] =
    "SELECT model FROM (SELECT model FROM response ORDER BY id LIMIT 1000)"
    " WHERE model <> '' UNION SELECT model FROM"
    " (SELECT model FROM response ORDER BY id DESC LIMIT 1000)"
    " WHERE model <> ''";
static const char pair_sql[] =
    "SELECT model FROM comparison AS c JOIN response AS r"
    " ON r.id IN (c.a, c.b) WHERE c.id = ?1 AND r.model <> ''";

int prefdb_models(struct prefdb *db, int64_t comparison, char ***names,
                  size_t *n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    size_t cap = 0;
    *names = NULL;
    *n = 0;
    int rc = prefdb__ask(db, &s, comparison ? pair_sql : some_sql, &comparison,
                         comparison != 0, NULL, err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        char *name = pk_strdup(prefdb__text(s, 0));
        rc = name && pk_grow(names, &cap, *n + 1, sizeof **names)
                 ? 0
                 : pk_fail_mem(err, "names of models");
        if (rc)
            free(name);
        else
            (*names)[(*n)++] = name;
    }
    sqlite3_finalize(s);
    return rc;
}

void prefdb_models_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}
