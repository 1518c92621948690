/* A response's ratings into the store; see write.h. */
#include <math.h>

#include "prefdb/store/write.h"

static const char find_sql[] =
    "SELECT 1 FROM rating WHERE response = ?1 AND uid = ?2";
static const char add_sql[] =
    "INSERT INTO rating (response, uid, attribute, value, low, high, annotator,"
    " created, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

int prefdb__ratings_open(struct prefdb__ratings *r, struct prefdb *db,
                         struct pk_err *err)
{
    *r = (struct prefdb__ratings){.db = db};
    int rc = prefdb__prepare(db, &r->find, find_sql, err);
    return rc ? rc : prefdb__prepare(db, &r->add, add_sql, err);
}

void prefdb__ratings_release(struct prefdb__ratings *r)
{
    sqlite3_finalize(r->find);
    sqlite3_finalize(r->add);
    r->find = r->add = NULL;
}

static int add(struct prefdb__ratings *r, const struct prefdb__rating *x,
               const char *extra, struct pk_err *err)
{
    prefdb__bind_text(r->add, 3, x->attribute);
    prefdb__bind_real(r->add, 4, x->value);
    prefdb__bind_real(r->add, 5, x->low);
    prefdb__bind_real(r->add, 6, x->high);
    prefdb__bind_text(r->add, 7, x->annotator);
    prefdb__bind_text(r->add, 8, x->created);
    prefdb__bind_text(r->add, 9, extra);
    return prefdb__run(r->db, r->add, err);
}

int prefdb__ratings_put(struct prefdb__ratings *r, int64_t response,
                        const struct prefdb__response *x,
                        const struct prefdb__response_key *k,
                        struct prefdb__counts *counts, struct pk_err *err)
{
    for (size_t i = 0; i < x->n_ratings; i++) {
        sqlite3_stmt *both[] = {r->find, r->add};
        for (int s = 0; s < 2; s++) {
            sqlite3_bind_int64(both[s], 1, response);
            prefdb__bind_blob(both[s], 2, k->ratings[i].uid, PREFDB__UID);
        }
        int rc = prefdb__step(r->db, r->find, err);
        sqlite3_reset(r->find);
        if (rc == 0) {
            rc = add(r, &x->ratings[i], k->ratings[i].extra, err);
            counts->ratings++;
        } else if (rc > 0) {
            counts->rated++;
            rc = 0;
        }
        if (rc)
            return rc;
    }
    return 0;
}
