/* What is known of a task, and what is written of it; see desk.h. */
#include "prefdb/team/desk.h"

#include <time.h>

/* A lease's holder has judged its pair: it is a repeat. */
#define HOLDER_JUDGED                                                          \
    " EXISTS (SELECT 1 FROM live_judgment AS h JOIN campaign AS k"             \
    "  ON k.id = lease.campaign AND k.dimension = h.dimension"                 \
    "  WHERE h.comparison = lease.comparison"                                  \
    "  AND h.annotator = lease.annotator)"

int prefdb__desk_open(struct prefdb__desk *d, struct prefdb *db,
                      int64_t campaign, const char *annotator,
                      struct pk_err *err)
{
    *d = (struct prefdb__desk){
        .db = db, .annotator = annotator, .now = (int64_t)time(NULL)};
    int64_t n[] = {campaign, d->now};
    int rc = prefdb__campaign(db, campaign, &d->c, err);
    return rc ? rc
              : prefdb__tell(db,
                             "DELETE FROM lease WHERE campaign = ?1"
                             " AND expires <= ?2 AND NOT" HOLDER_JUDGED,
                             n, 2, NULL, err);
}

/* Two spaces of names: the dimension is one of two constants. */
static const char *said_sql(enum prefdb_dimension d)
{
    return d == PREFDB_SAFETY
               ? "SELECT count(DISTINCT annotator) FILTER (WHERE annotator"
                 " <> ?2), ifnull(max(annotator = ?2), 0) FROM live_judgment"
                 " WHERE comparison = ?1 AND dimension = 'safety'"
                 " AND annotator <> ''"
               : "SELECT count(DISTINCT annotator) FILTER (WHERE annotator"
                 " <> ?2), ifnull(max(annotator = ?2), 0) FROM live_judgment"
                 " WHERE comparison = ?1 AND dimension = 'helpfulness'"
                 " AND annotator <> ''";
}

int prefdb__desk_row(struct prefdb__desk *d, const char *sql, const int64_t *n,
                     size_t n_in, int64_t *out, size_t n_out,
                     struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__ask(d->db, &s, sql, n, n_in, d->annotator, err);
    if (!rc && (rc = prefdb__step(d->db, s, err)) > 0)
        for (size_t i = 0; i < n_out; i++)
            out[i] = sqlite3_column_int64(s, (int)i);
    sqlite3_finalize(s);
    return rc;
}

int prefdb__desk_look(struct prefdb__desk *d, int64_t comparison,
                      struct prefdb__taken *t, struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison}, said[2] = {0}, held[2] = {0};
    int64_t skip = 0, gold = 0;
    int rc = prefdb__desk_row(d, said_sql(d->c.dimension), &comparison, 1, said,
                              2, err);
    if (rc > 0)
        rc = prefdb__desk_row(d,
                              "SELECT count(*) FILTER (WHERE annotator <> ?3"
                              " AND NOT" HOLDER_JUDGED "),"
                              " ifnull(max(annotator = ?3), 0) FROM lease"
                              " WHERE campaign = ?1 AND comparison = ?2",
                              n, 2, held, 2, err);
    if (rc > 0)
        rc = prefdb__desk_row(d,
                              "SELECT 1 FROM skip WHERE campaign = ?1"
                              " AND comparison = ?2 AND annotator = ?3",
                              n, 2, &skip, 1, err);
    if (rc >= 0)
        rc = prefdb__desk_row(d,
                              "SELECT 1 FROM campaign AS c"
                              " JOIN (SELECT ?2 AS comparison) AS j"
                              " WHERE c.id = ?1 AND ?3 <> ''"
                              " AND " PREFDB__IS_GOLD,
                              n, 2, &gold, 1, err);
    *t = (struct prefdb__taken){.judged = said[0],
                                .held = held[0],
                                .mine = said[1] != 0,
                                .skipped = skip != 0,
                                .in_hand = held[1] != 0,
                                .gold = gold != 0};
    return rc < 0 ? rc : 0;
}

int prefdb__desk_done(struct prefdb__desk *d, int64_t comparison,
                      struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison};
    return prefdb__tell(d->db,
                        "UPDATE task SET done = 1 WHERE campaign = ?1 AND"
                        " comparison = ?2",
                        n, 2, NULL, err);
}

int prefdb__desk_rewind(struct prefdb__desk *d, int64_t comparison,
                        const char *annotator, struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison};
    return prefdb__tell(d->db,
                        "UPDATE progress SET position ="
                        " min(position, ifnull((SELECT position - 1"
                        "  FROM task WHERE campaign = ?1"
                        "  AND comparison = ?2), position))"
                        " WHERE campaign = ?1"
                        " AND annotator = ifnull(?3, annotator)",
                        n, 2, annotator, err);
}

int prefdb__desk_drop_lease(struct prefdb__desk *d, int64_t comparison,
                            struct pk_err *err)
{
    int64_t n[] = {d->c.id, comparison};
    return prefdb__tell(d->db,
                        "DELETE FROM lease WHERE campaign = ?1 AND"
                        " comparison = ?2 AND annotator = ?3",
                        n, 2, d->annotator, err);
}

int prefdb__desk_place(struct prefdb__desk *d, struct prefdb__place *out,
                       struct pk_err *err)
{
    static const char get[] = "SELECT position, judged, skipped FROM progress"
                              " WHERE campaign = ?1 AND annotator = ?2";
    int64_t n[3] = {0};
    int rc = prefdb__desk_row(d, get, &d->c.id, 1, n, 3, err);
    if (rc == 0) {
        rc = prefdb__tell(d->db,
                          "INSERT INTO progress (campaign, annotator, position,"
                          " judged, skipped) SELECT ?1, ?2, 0,"
                          " (SELECT count(*)" PREFDB__OWN "),"
                          " (SELECT count(*) FROM skip WHERE campaign = ?1"
                          "  AND annotator = ?2)",
                          &d->c.id, 1, d->annotator, err);
        if (!rc)
            rc = prefdb__desk_row(d, get, &d->c.id, 1, n, 3, err);
    }
    *out = (struct prefdb__place){n[0], n[1], n[2]};
    return rc < 0 ? rc : 0;
}
