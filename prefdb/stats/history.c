/* Judgments by batch and by date; see history.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "prefdb/stats/history.h"

/* A new slice; NULL when out of memory. */
static struct prefdb__slice *append(struct prefdb__slice **v, size_t *n,
                                    size_t *cap, const char *name)
{
    if (!pk_grow(v, cap, *n + 1, sizeof **v))
        return NULL;
    char *copy = pk_strdup(name);
    if (!copy)
        return NULL;
    (*v)[*n] = (struct prefdb__slice){.name = copy};
    return &(*v)[(*n)++];
}

static int no_sense(const struct prefdb *db, struct pk_err *err)
{
    return pk_fail(err, PK_EDATA,
                   "%s: a judgment does not make sense; run `prefkit check`",
                   db->path);
}

/* The batch's, made when it is new: a search from the end, as a batch's rows
 * lie together, mostly. NULL when out of memory. */
static struct prefdb__slice *
batch_of(struct prefdb__history *h, enum prefdb_dimension d, const char *batch)
{
    for (size_t i = h->n_batches; i-- > 0;)
        if (h->batches[i].dimension == d &&
            strcmp(h->batches[i].name, batch) == 0)
            return &h->batches[i];
    struct prefdb__slice *x =
        append(&h->batches, &h->n_batches, &h->cap_batches, batch);
    if (x)
        x->dimension = d;
    return x;
}

/* dimension, batch, strength */
static int read_batches(struct prefdb *db, struct prefdb__history *h,
                        struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(db, &s,
                             "SELECT j.dimension, c.batch, j.strength"
                             " FROM live_judgment AS j CROSS JOIN comparison"
                             " AS c ON c.id = j.comparison",
                             err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        enum prefdb_dimension d;
        const char *batch = prefdb__text(s, 1);
        int strength = sqlite3_column_type(s, 2) == SQLITE_NULL
                           ? PREFDB_UNSTATED
                           : sqlite3_column_int(s, 2);
        if (!prefdb_parse_dimension(prefdb__text(s, 0), &d) || strength > 3 ||
            strength < PREFDB_UNSTATED) {
            rc = no_sense(db, err);
            break;
        }
        struct prefdb__slice *x = batch_of(h, d, batch);
        if (!x) {
            rc = pk_fail_mem(err, "the batches");
            break;
        }
        x->judgments++;
        if (strength >= 0)
            x->strengths[strength]++;
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc;
}

/* dimension, period, count, annotators; `digits` of the date. */
static int read_periods(struct prefdb *db, struct prefdb__history *h,
                        int digits, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT dimension, substr(created, 1, ?1), count(*),"
        " count(DISTINCT nullif(annotator, '')) FROM live_judgment"
        " WHERE created IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
        err);
    if (!rc)
        sqlite3_bind_int(s, 1, digits);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        enum prefdb_dimension d;
        if (!prefdb_parse_dimension(prefdb__text(s, 0), &d)) {
            rc = no_sense(db, err);
            break;
        }
        struct prefdb__slice *x = append(&h->periods, &h->n_periods,
                                         &h->cap_periods, prefdb__text(s, 1));
        if (!x) {
            rc = pk_fail_mem(err, "the periods");
            break;
        }
        x->dimension = d;
        x->judgments = (uint64_t)sqlite3_column_int64(s, 2);
        x->annotators = (uint64_t)sqlite3_column_int64(s, 3);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc;
}

/* Text order, but runs of digits by their value. */
static int natural(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            size_t m, n;
            a += strspn(a, "0");
            b += strspn(b, "0");
            m = strspn(a, "0123456789");
            n = strspn(b, "0123456789");
            int c = m == n ? memcmp(a, b, n) : m < n ? -1 : 1;
            if (c)
                return c;
            a += m;
            b += n;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int by_batch(const void *x, const void *y)
{
    const struct prefdb__slice *a = x, *b = y;
    if (a->dimension != b->dimension)
        return a->dimension < b->dimension ? -1 : 1;
    int c = natural(a->name, b->name);
    return c ? c : strcmp(a->name, b->name);
}

int prefdb__history(struct prefdb *db, struct prefdb__history *out,
                    struct pk_err *err)
{
    int64_t days = 0;
    int rc = read_batches(db, out, err);
    if (rc)
        return rc;
    if (out->n_batches)
        qsort(out->batches, out->n_batches, sizeof *out->batches, by_batch);
    rc = prefdb__int(db,
                     "SELECT count(*) FROM (SELECT DISTINCT"
                     " substr(created, 1, 10) FROM live_judgment"
                     " WHERE created IS NOT NULL LIMIT 32)",
                     0, &days, err);
    return rc ? rc : read_periods(db, out, days > 31 ? 7 : 10, err);
}

void prefdb__history_release(struct prefdb__history *h)
{
    for (size_t i = 0; i < h->n_batches; i++)
        free(h->batches[i].name);
    for (size_t i = 0; i < h->n_periods; i++)
        free(h->periods[i].name);
    free(h->batches);
    free(h->periods);
    *h = (struct prefdb__history){.n_batches = 0};
}
