/* Reading the ratings of single responses. */
#include <stdlib.h>

#include "common/mem.h"
#include "prefdb/store/store.h"

int prefdb_ratings(struct prefdb *db, const struct prefdb_rating_query *q,
                   int (*f)(void *ctx, const struct prefdb_rating *r,
                            struct pk_err *err),
                   void *ctx, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT response, attribute, annotator, value, low, high FROM rating"
        " WHERE (?1 IS NULL OR attribute = ?1)"
        " AND ((?2 IS NULL AND ?3 IS NULL)"
        " OR response IN (" PREFDB__RESPONSES_OF "))"
        " ORDER BY response, id",
        err);
    if (rc)
        return rc;
    prefdb__bind_text(s, 1, q->attribute);
    if (q->split >= 0)
        prefdb__bind_text(s, 2, prefdb_split_name((enum prefdb_split)q->split));
    prefdb__bind_text(s, 3, q->source);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        const struct prefdb_rating r = {
            .response = sqlite3_column_int64(s, 0),
            .attribute = prefdb__text(s, 1),
            .annotator = prefdb__text(s, 2),
            .value = sqlite3_column_double(s, 3),
            .low = prefdb__real(s, 4),
            .high = prefdb__real(s, 5),
        };
        rc = f(ctx, &r, err);
    }
    sqlite3_finalize(s);
    return rc;
}

int prefdb_attributes(struct prefdb *db, struct prefdb_attribute **out,
                      size_t *n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT attribute, count(*), count(DISTINCT response),"
        " count(DISTINCT nullif(annotator, '')), avg(value), low, high"
        " FROM rating GROUP BY attribute, low, high"
        " ORDER BY attribute, low, high",
        err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        rc = 0;
        char *name = pk_strdup(prefdb__text(s, 0));
        if (!name || !pk_grow(out, &cap, *n + 1, sizeof **out)) {
            free(name);
            rc = pk_fail_mem(err, "a list of attributes");
            break;
        }
        (*out)[(*n)++] = (struct prefdb_attribute){
            .name = name,
            .ratings = (uint64_t)sqlite3_column_int64(s, 1),
            .responses = (uint64_t)sqlite3_column_int64(s, 2),
            .annotators = (uint64_t)sqlite3_column_int64(s, 3),
            .mean = sqlite3_column_double(s, 4),
            .low = prefdb__real(s, 5),
            .high = prefdb__real(s, 6),
        };
    }
    sqlite3_finalize(s);
    if (rc) {
        prefdb_attributes_free(*out, *n);
        *out = NULL;
        *n = 0;
    }
    return rc;
}

void prefdb_attributes_free(struct prefdb_attribute *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(v[i].name);
    free(v);
}
