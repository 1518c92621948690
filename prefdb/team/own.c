/* What one annotator has said in one campaign. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "prefdb/team/campaign.h"

int prefdb__tasks(struct prefdb *db, int64_t campaign, int64_t *out,
                  struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = 0;
    int rc = prefdb__ask(
        db, &s, "SELECT ifnull(max(position), 0) FROM task WHERE campaign = ?1",
        &campaign, 1, NULL, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

int prefdb__progress_add(struct prefdb *db, int64_t campaign,
                         const char *annotator, int64_t judged, int64_t skipped,
                         struct pk_err *err)
{
    int64_t n[] = {campaign, judged, skipped};
    return prefdb__tell(db,
                        "UPDATE progress SET judged = judged + ?2,"
                        " skipped = skipped + ?3"
                        " WHERE campaign = ?1 AND annotator = ?4",
                        n, 3, annotator, err);
}

int prefdb_progress(struct prefdb *db, int64_t campaign, const char *annotator,
                    struct prefdb_progress *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = (struct prefdb_progress){0};
    int rc = prefdb__tasks(db, campaign, &out->tasks, err);
    if (!rc)
        rc = prefdb__ask(db, &s,
                         "SELECT ifnull((SELECT judged FROM progress"
                         "  WHERE campaign = ?1 AND annotator = ?2),"
                         " (SELECT count(*)" PREFDB__OWN "))",
                         &campaign, 1, annotator, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        out->judged = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

int prefdb_history(struct prefdb *db, int64_t campaign, const char *annotator,
                   int64_t **ids, size_t *n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    size_t cap = 0;
    *ids = NULL;
    *n = 0;
    int rc =
        prefdb__ask(db, &s, "SELECT j.id" PREFDB__OWN " ORDER BY j.id DESC",
                    &campaign, 1, annotator, err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        rc = pk_grow(ids, &cap, *n + 1, sizeof **ids)
                 ? 0
                 : pk_fail_mem(err, "a history");
        if (!rc)
            (*ids)[(*n)++] = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    if (!rc && !*ids && !(*ids = pk_calloc(1, sizeof **ids)))
        rc = pk_fail_mem(err, "a history");
    if (rc) {
        free(*ids);
        *ids = NULL;
        *n = 0;
    }
    return rc;
}

/* ---- Habits -------------------------------------------------------------- */

struct times {
    double *v;
    size_t n, cap;
};

enum { COL_CHOICE, COL_STRENGTH, COL_LEFT, COL_SECONDS, COL_EARLIER };

/* `since` is ?3. The judgment before this one of the same comparison tells
 * whether a repeat was judged alike. */
static const char habits_sql[] =
    "SELECT j.choice, j.strength, j.shown_left, j.seconds,"
    " (SELECT e.choice FROM live_judgment AS e"
    "  WHERE e.comparison = j.comparison AND e.annotator = j.annotator"
    "  AND e.dimension = j.dimension AND e.id < j.id"
    "  ORDER BY e.id DESC LIMIT 1)" PREFDB__OWN
    " AND (?3 IS NULL OR j.created >= ?3)";

static int count(struct prefdb_habits *h, sqlite3_stmt *s, struct times *t,
                 struct pk_err *err)
{
    int choice;
    bool repeat = sqlite3_column_type(s, COL_EARLIER) != SQLITE_NULL;
    const char *said = prefdb__text(s, COL_CHOICE);
    if (!prefdb__parse_choice(said, &choice))
        return pk_fail(err, PK_EDATA, "a judgment's choice is '%.20s'", said);
    bool chose = choice == PREFDB_A || choice == PREFDB_B;
    int strength = sqlite3_column_type(s, COL_STRENGTH) == SQLITE_NULL
                       ? PREFDB_UNSTATED
                       : sqlite3_column_int(s, COL_STRENGTH);
    h->judged++;
    h->ties += !chose;
    if (chose && strength >= 0 && strength <= 3)
        h->strengths[strength]++;
    if (chose && sqlite3_column_type(s, COL_LEFT) != SQLITE_NULL) {
        h->sided++;
        h->left += strcmp(prefdb__text(s, COL_LEFT), said) == 0;
    }
    h->repeats += repeat;
    h->same += repeat && strcmp(prefdb__text(s, COL_EARLIER), said) == 0;
    if (sqlite3_column_type(s, COL_SECONDS) == SQLITE_NULL)
        return 0;
    if (!pk_grow(&t->v, &t->cap, t->n + 1, sizeof *t->v))
        return pk_fail_mem(err, "the times");
    t->v[t->n++] = sqlite3_column_double(s, COL_SECONDS);
    return 0;
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

int prefdb_habits(struct prefdb *db, int64_t campaign, const char *annotator,
                  const char *since, struct prefdb_habits *out,
                  struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    struct times t = {0};
    *out = (struct prefdb_habits){.median = (double)NAN};
    int rc = prefdb__ask(db, &s, habits_sql, &campaign, 1, annotator, err);
    if (!rc)
        prefdb__bind_text(s, 3, since);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = count(out, s, &t, err);
    sqlite3_finalize(s);
    for (size_t i = 0; i < t.n; i++)
        out->seconds += t.v[i];
    if (t.n) {
        qsort(t.v, t.n, sizeof *t.v, by_size);
        out->median = 0.5 * (t.v[(t.n - 1) / 2] + t.v[t.n / 2]);
    }
    free(t.v);
    return rc;
}
