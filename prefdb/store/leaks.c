/* Prompts that are in more than one split; see write.h. */
#include "prefdb/store/write.h"

#include <string.h>

/* Is every comparison where its prompt's hash puts it? Then no prompt is in two
 * splits. A pass without sorting: most stores are so. */
static int all_by_hash(struct prefdb *db, bool *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(db, &s, "SELECT root, split FROM comparison", err);
    *out = true;
    while (!rc && *out && (rc = prefdb__step(db, s, err)) > 0) {
        const uint8_t *root = sqlite3_column_blob(s, 0);
        *out = root && sqlite3_column_bytes(s, 0) == PREFDB__UID &&
               strcmp(prefdb__text(s, 1),
                      prefdb_split_name(prefdb__split_of(root))) == 0;
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc;
}

int prefdb__leaks(struct prefdb *db, uint64_t *out, struct pk_err *err)
{
    bool none = false;
    int64_t n = 0;
    int rc = all_by_hash(db, &none, err);
    if (!rc && !none)
        rc = prefdb__int(db,
                         "SELECT count(*) FROM (SELECT 1 FROM comparison"
                         " GROUP BY root HAVING min(split) <> max(split))",
                         0, &n, err);
    *out = (uint64_t)n;
    return rc;
}
