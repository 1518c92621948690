/* Which comparisons become a campaign's tasks, and in which order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"
#include "common/rng.h"
#include "prefdb/team/campaign.h"

struct chosen {
    int64_t *v;
    size_t n, cap;
};

static int add(struct chosen *to, int64_t id, struct pk_err *err)
{
    if (!pk_grow(&to->v, &to->cap, to->n + 1, sizeof *to->v))
        return pk_fail_mem(err, "a list of tasks");
    to->v[to->n++] = id;
    return 0;
}

/* ?1 the campaign, ?2 and ?3 the source and the batch, or NULL. */
#define CANDIDATE                                                              \
    " (?2 IS NULL OR c.source = ?2) AND (?3 IS NULL OR c.batch = ?3)"          \
    " AND NOT EXISTS (SELECT 1 FROM task AS t"                                 \
    "  WHERE t.campaign = ?1 AND t.comparison = c.id)"

static int candidates(struct prefdb *db, sqlite3_stmt **s, const char *sql,
                      int64_t campaign, const struct prefdb_fill *f,
                      struct pk_err *err)
{
    int rc = prefdb__ask(db, s, sql, &campaign, 1, NULL, err);
    if (rc)
        return rc;
    prefdb__bind_text(*s, 2, f->source);
    prefdb__bind_text(*s, 3, f->batch);
    return 0;
}

/* The oldest first; `limit` 0: all. */
static int oldest(struct prefdb *db, int64_t campaign,
                  const struct prefdb_fill *f, int64_t limit,
                  struct chosen *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = candidates(db, &s,
                        "SELECT c.id FROM comparison AS c WHERE" CANDIDATE
                        " ORDER BY c.id LIMIT ?4",
                        campaign, f, err);
    if (!rc)
        sqlite3_bind_int64(s, 4, limit ? limit : -1);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = add(out, sqlite3_column_int64(s, 0), err);
    sqlite3_finalize(s);
    return rc;
}

/* ---- At random ----------------------------------------------------------- */

#define TRIES 20 /* row numbers drawn for each task that is wanted */

/* A few of many: row numbers are drawn, so that the work does not grow with
 * the store. What is drawn twice, is not there or does not fit is passed over;
 * *out may come short. */
static int draw(struct prefdb *db, int64_t campaign,
                const struct prefdb_fill *f, struct pk_rng *rng,
                struct chosen *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t max;
    int rc = prefdb__int(db, "SELECT max(id) FROM comparison", 0, &max, err);
    if (rc || max < TRIES * f->limit)
        return rc;
    unsigned char *drawn = pk_calloc((size_t)max / 8 + 1, 1);
    if (!drawn)
        return pk_fail_mem(err, "a list of tasks");
    rc = candidates(db, &s,
                    "SELECT c.id FROM comparison AS c WHERE c.id = ?4"
                    " AND" CANDIDATE,
                    campaign, f, err);
    for (int64_t i = 0; i < TRIES * f->limit && !rc; i++) {
        uint64_t id = 1 + pk_rng_below(rng, (uint64_t)max);
        unsigned char bit = (unsigned char)(1u << id % 8);
        if (out->n == (size_t)f->limit)
            break;
        if (drawn[id / 8] & bit)
            continue;
        drawn[id / 8] |= bit;
        sqlite3_bind_int64(s, 4, (int64_t)id);
        rc = prefdb__step(db, s, err);
        if (rc > 0)
            rc = add(out, (int64_t)id, err);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    free(drawn);
    return rc;
}

static int at_random(struct prefdb *db, int64_t campaign,
                     const struct prefdb_fill *f, struct chosen *out,
                     struct pk_err *err)
{
    struct pk_rng rng;
    int rc = 0;
    pk_rng_seed(&rng, f->seed, 0);
    if (f->limit) {
        rc = draw(db, campaign, f, &rng, out, err);
        if (rc || out->n == (size_t)f->limit)
            return rc;
        out->n = 0;
    }
    rc = oldest(db, campaign, f, 0, out, err);
    if (!rc && out->n)
        pk_rng_shuffle(&rng, out->v, out->n);
    return rc;
}

/* ---- The most uncertain first -------------------------------------------- */

struct doubt {
    int64_t id;
    double certain; /* the smaller, the sooner; infinite without scores */
};

static int by_doubt(const void *x, const void *y)
{
    const struct doubt *a = x, *b = y;
    if (a->certain != b->certain)
        return a->certain < b->certain ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* r(a) - r(b) by the scores of that name; NaN where one is missing. */
static int margin(struct prefdb *db, sqlite3_stmt *s, int64_t comparison,
                  const char *name, double *out, struct pk_err *err)
{
    *out = (double)NAN;
    sqlite3_bind_int64(s, 1, comparison);
    prefdb__bind_text(s, 2, name);
    int rc = prefdb__step(db, s, err);
    if (rc > 0 && sqlite3_column_type(s, 0) != SQLITE_NULL)
        *out = sqlite3_column_double(s, 0);
    sqlite3_reset(s);
    return rc < 0 ? rc : 0;
}

/* One model is uncertain where its margin is small; two where they disagree,
 * which is told by the probabilities that their margins stand for, since
 * scores of two models are not comparable. */
static double certainty(double one, double two, bool both)
{
    double c =
        both ? -fabs(1 / (1 + exp(-one)) - 1 / (1 + exp(-two))) : fabs(one);
    return isnan(c) ? (double)INFINITY : c;
}

static int weigh(struct prefdb *db, const struct prefdb_fill *f,
                 struct chosen *out, struct doubt *d, struct pk_err *err)
{
    static const char sql[] =
        "SELECT sa.value - sb.value FROM comparison AS c"
        " JOIN score AS sa ON sa.response = c.a AND sa.name = ?2"
        " JOIN score AS sb ON sb.response = c.b AND sb.name = ?2"
        "  AND sb.model = sa.model"
        " WHERE c.id = ?1 ORDER BY sa.created DESC LIMIT 1";
    sqlite3_stmt *s = NULL;
    bool both = f->against != NULL;
    size_t scored = 0;
    int rc = prefdb__prepare(db, &s, sql, err);
    for (size_t i = 0; i < out->n && !rc; i++) {
        double one, two = 0;
        rc = margin(db, s, out->v[i], f->scored_by, &one, err);
        if (!rc && both)
            rc = margin(db, s, out->v[i], f->against, &two, err);
        d[i] = (struct doubt){out->v[i], certainty(one, two, both)};
        scored += isfinite(d[i].certain) != 0;
        if (!rc)
            rc = pk_check_interrupt(err);
    }
    sqlite3_finalize(s);
    if (!rc && out->n && !scored)
        rc = pk_fail(err, PK_EUSAGE,
                     "%s: no pair has scores by '%.60s'%s%.60s%s; `prefkit "
                     "score --store` makes them",
                     db->path, f->scored_by, both ? " and by '" : "",
                     both ? f->against : "", both ? "'" : "");
    return rc;
}

static int uncertain(struct prefdb *db, int64_t campaign,
                     const struct prefdb_fill *f, struct chosen *out,
                     struct pk_err *err)
{
    int rc = oldest(db, campaign, f, 0, out, err);
    struct doubt *d = rc ? NULL : pk_calloc(out->n + 1, sizeof *d);
    if (!rc && !d)
        rc = pk_fail_mem(err, "a list of tasks");
    if (!rc)
        rc = weigh(db, f, out, d, err);
    if (!rc)
        qsort(d, out->n, sizeof *d, by_doubt);
    for (size_t i = 0; i < out->n && !rc; i++)
        out->v[i] = d[i].id;
    free(d);
    return rc;
}

/* -------------------------------------------------------------------------- */

static int choose(struct prefdb *db, int64_t campaign,
                  const struct prefdb_fill *f, struct chosen *out,
                  struct pk_err *err)
{
    int rc = f->order == PREFDB_OLDEST
                 ? oldest(db, campaign, f, f->limit, out, err)
             : f->order == PREFDB_RANDOM ? at_random(db, campaign, f, out, err)
                                         : uncertain(db, campaign, f, out, err);
    if (f->limit && (uint64_t)f->limit < out->n)
        out->n = (size_t)f->limit;
    return rc;
}

int prefdb__tasks_add(struct prefdb *db, int64_t campaign, const int64_t *ids,
                      size_t n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t last;
    int rc = prefdb__tasks(db, campaign, &last, err);
    if (!rc)
        rc = prefdb__ask(
            db, &s,
            "INSERT INTO task (campaign, position, comparison) VALUES"
            " (?1, ?2, ?3)",
            &campaign, 1, NULL, err);
    for (size_t i = 0; i < n && !rc; i++) {
        sqlite3_bind_int64(s, 2, last + 1 + (int64_t)i);
        sqlite3_bind_int64(s, 3, ids[i]);
        rc = prefdb__run(db, s, err);
        if (!rc && n > 1) /* one alone is a labeler's own: it is kept */
            rc = pk_check_interrupt(err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int note_order(struct prefdb *db, int64_t campaign,
                      const struct prefdb_fill *f, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__ask(db, &s,
                         "UPDATE campaign SET task_order = ?2, scored_by = ?3,"
                         " against = ?4 WHERE id = ?1",
                         &campaign, 1, prefdb_order_name(f->order), err);
    if (!rc) {
        prefdb__bind_text(s, 3, f->scored_by);
        prefdb__bind_text(s, 4, f->against);
        rc = prefdb__run(db, s, err);
    }
    sqlite3_finalize(s);
    return rc;
}

int prefdb_campaign_fill(struct prefdb *db, int64_t campaign,
                         const struct prefdb_fill *f, int64_t *added,
                         struct pk_err *err)
{
    struct prefdb_campaign c;
    struct chosen chosen = {0};
    *added = 0;
    if (f->order == PREFDB_UNCERTAIN && !f->scored_by)
        return pk_fail(err, PK_EUSAGE,
                       "the most uncertain first: by which model's scores?");
    int rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = prefdb__campaign(db, campaign, &c, err);
    if (!rc)
        rc = choose(db, campaign, f, &chosen, err);
    if (!rc)
        rc = prefdb__tasks_add(db, campaign, chosen.v, chosen.n, err);
    if (!rc)
        rc = note_order(db, campaign, f, err);
    free(chosen.v);
    rc = prefdb__end(db, rc, err);
    *added = rc ? 0 : (int64_t)chosen.n;
    return rc;
}
