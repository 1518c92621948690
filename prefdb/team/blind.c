/* Gold pairs and repeats, mixed in among the tasks: when, and which. Both are
 * drawn from a hash of the store's own random number, the campaign and the
 * annotator, so the same state gives the same pair again, and nobody who cannot
 * read the store can tell. */
#include <stdio.h>
#include <string.h>

#include "prefdb/team/desk.h"

#define AGO 10 /* a repeat comes so many of one's own judgments later */

static int draw(struct prefdb__desk *d, const char *what, int64_t number,
                uint64_t *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    uint8_t sum[32];
    char text[64];
    int rc = prefdb__prepare(d->db, &s,
                             "SELECT m.value, c.name FROM meta AS m"
                             " JOIN campaign AS c ON c.id = ?1"
                             " WHERE m.key = 'uid'",
                             err);
    if (!rc) {
        sqlite3_bind_int64(s, 1, d->c.id);
        rc = prefdb__step(d->db, s, err);
    }
    if (rc > 0) {
        struct pk_sha256 *h = d->db->sha;
        pk_sha256_reset(h);
        for (int i = 0; i < 2; i++)
            pk_sha256_field(h, sqlite3_column_blob(s, i),
                            (size_t)sqlite3_column_bytes(s, i));
        pk_sha256_field(h, d->annotator, strlen(d->annotator));
        snprintf(text, sizeof text, "%s %lld", what, (long long)number);
        pk_sha256_field(h, text, strlen(text));
        pk_sha256_final(h, sum);
        memcpy(out, sum, sizeof *out);
    } else if (rc == 0) {
        rc = prefdb__damaged(d->db, "meta", 0, err);
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

/* In every run of `every` pairs one place is drawn. Is it the n-th pair's? */
static int is_time(struct prefdb__desk *d, const char *what, int64_t every,
                   int64_t n, bool *out, struct pk_err *err)
{
    uint64_t r = 0;
    *out = false;
    if (!every || n < 0)
        return 0;
    int rc = draw(d, what, n / every, &r, err);
    *out = !rc && (int64_t)(r % (uint64_t)every) == n % every;
    return rc;
}

/* What both have in common: the judgments of one annotator up to `last`, gone
 * through from a drawn place on, around the end. In `sql` they are ?2's,
 * between ?3 and ?4, and ?5 is who is to judge. */
static int pick(struct prefdb__desk *d, const char *sql, const char *whose,
                int64_t last, uint64_t r, int64_t *comparison,
                struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int64_t first = 1;
    int rc = prefdb__ask(d->db, &s,
                         "SELECT ifnull(min(id), 1) FROM judgment"
                         " WHERE annotator = ?1 AND annotator <> ''",
                         NULL, 0, whose, err);
    if (!rc && (rc = prefdb__step(d->db, s, err)) > 0)
        first = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    s = NULL;
    if (rc < 0 || last < first)
        return rc < 0 ? rc : 0;
    int64_t at = first + (int64_t)(r % (uint64_t)(last - first + 1));
    int64_t from[] = {at, first}, to[] = {last, at - 1};
    rc = prefdb__ask(d->db, &s, sql, &d->c.id, 1, whose, err);
    for (int i = 0; i < 2 && !rc; i++) {
        sqlite3_bind_int64(s, 3, from[i]);
        sqlite3_bind_int64(s, 4, to[i]);
        prefdb__bind_text(s, 5, d->annotator);
        rc = prefdb__step(d->db, s, err);
        if (rc > 0)
            *comparison = sqlite3_column_int64(s, 0);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return rc;
}

/* One that the gold annotator has judged, and this one not. */
static int find_gold(struct prefdb__desk *d, int64_t n, int64_t *comparison,
                     struct pk_err *err)
{
    static const char sql[] =
        "SELECT j.comparison" PREFDB__OWN " AND j.id BETWEEN ?3 AND ?4"
        " AND NOT EXISTS (SELECT 1 FROM live_judgment AS m"
        "  WHERE m.comparison = j.comparison AND m.dimension = j.dimension"
        "  AND m.annotator = ?5)"
        " AND NOT EXISTS (SELECT 1 FROM skip AS k WHERE k.campaign = ?1"
        "  AND k.comparison = j.comparison AND k.annotator = ?5)"
        " ORDER BY j.id LIMIT 1";
    struct prefdb_campaign c;
    char gold[256];
    int64_t last = 0;
    uint64_t r = 0;
    int rc = prefdb__campaign(d->db, d->c.id, &c, err);
    if (rc || !c.gold)
        return rc;
    snprintf(gold, sizeof gold, "%s", c.gold);
    rc = prefdb__int(d->db, "SELECT max(id) FROM judgment", 0, &last, err);
    if (!rc)
        rc = draw(d, "which gold", n, &r, err);
    return rc ? rc : pick(d, sql, gold, last, r, comparison, err);
}

/* One that this annotator has judged once, a while ago. */
static int find_repeat(struct prefdb__desk *d, int64_t n, int64_t *comparison,
                       struct pk_err *err)
{
    static const char sql[] =
        "SELECT j.comparison" PREFDB__OWN " AND j.id BETWEEN ?3 AND ?4"
        " AND NOT EXISTS (SELECT 1 FROM live_judgment AS m"
        "  WHERE m.comparison = j.comparison AND m.dimension = j.dimension"
        "  AND m.annotator = ?5 AND m.id <> j.id)"
        " AND NOT EXISTS (SELECT 1 FROM skip AS k WHERE k.campaign = ?1"
        "  AND k.comparison = j.comparison AND k.annotator = ?5)"
        " ORDER BY j.id LIMIT 1";
    int64_t ago = AGO, last = 0;
    uint64_t r = 0;
    int rc = prefdb__desk_row(d,
                              "SELECT id FROM judgment WHERE annotator = ?2"
                              " AND annotator <> '' ORDER BY id DESC"
                              " LIMIT 1 OFFSET ?1",
                              &ago, 1, &last, 1, err);
    if (rc <= 0)
        return rc;
    rc = draw(d, "which repeat", n, &r, err);
    return rc ? rc : pick(d, sql, d->annotator, last, r, comparison, err);
}

int prefdb__desk_blind(struct prefdb__desk *d, int64_t n, int64_t *comparison,
                       struct pk_err *err)
{
    bool gold, repeat, gold_before, repeat_before;
    int rc = is_time(d, "gold", d->c.gold_every, n, &gold, err);
    if (!rc)
        rc = is_time(d, "repeat", d->c.repeat_every, n, &repeat, err);
    if (!rc)
        rc = is_time(d, "gold", d->c.gold_every, n - 1, &gold_before, err);
    if (!rc)
        rc =
            is_time(d, "repeat", d->c.repeat_every, n - 1, &repeat_before, err);
    if (rc)
        return rc;
    if (gold)
        return find_gold(d, n, comparison, err);
    /* Where both fell on one place the repeat comes after. */
    if (repeat || (gold_before && repeat_before))
        return find_repeat(d, n, comparison, err);
    return 0;
}
