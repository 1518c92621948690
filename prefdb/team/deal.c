/* Batches and splits; both deal whole root prompts, never single comparisons.
 * Working tables are temporary, and lie in memory (24 bytes a prompt). */
#include "prefdb/team/deal.h"

#include <stdio.h>
#include <string.h>

#include "common/cli.h"

#include "prefdb/team/campaign.h"

/* ---- Batches ------------------------------------------------------------- */

static int bind_batch(struct prefdb *db, const char *sql,
                      const struct prefdb__batch *b, int64_t n,
                      struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(db, &s, sql, err);
    if (rc)
        return rc;
    int params = sqlite3_bind_parameter_count(s);
    prefdb__bind_text(s, 1, b->name);
    if (params >= 2)
        prefdb__bind_text(s, 2, b->source);
    if (params >= 3)
        sqlite3_bind_int64(s, 3, n);
    rc = prefdb__run(db, s, err);
    sqlite3_finalize(s);
    return rc;
}

static int held_already(struct prefdb *db, const struct prefdb__batch *b,
                        int64_t *n, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *n = 0;
    int rc = prefdb__ask(db, &s,
                         "SELECT count(*) FROM comparison WHERE batch = ?1"
                         " AND batch <> '' AND split = 'test'",
                         NULL, 0, b->name, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        *n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

/* Prompts of the batch become test until there are enough: those in training
 * that are nowhere else, in the order of their hashes. */
static int hold_out(struct prefdb *db, const struct prefdb__batch *b,
                    int64_t want, struct pk_err *err)
{
    static const char *const sql =
        "UPDATE comparison SET split = 'test' WHERE id IN"
        " (SELECT id FROM temp.taken) AND root IN (SELECT root FROM"
        " (SELECT root, sum(mine) OVER (ORDER BY root ROWS UNBOUNDED PRECEDING)"
        "   - mine AS before FROM"
        "   (SELECT root, count(*) AS total, count(*) FILTER (WHERE id IN"
        "     (SELECT id FROM temp.taken) AND split = 'train') AS mine"
        "    FROM comparison"
        "    WHERE root IN (SELECT root FROM temp.taken) GROUP BY root)"
        "   WHERE total = mine) WHERE before < ?3)";
    return want > 0 ? bind_batch(db, sql, b, want, err) : 0;
}

static int count_taken(struct prefdb *db, enum prefdb_split split, int64_t *n,
                       struct pk_err *err)
{
    char sql[128];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM comparison WHERE split = '%s'"
             " AND id IN (SELECT id FROM temp.taken)",
             prefdb_split_name(split));
    return prefdb__int(db, sql, 0, n, err);
}

static int fill(struct prefdb *db, const struct prefdb__batch *b,
                struct prefdb__batched *out, struct pk_err *err)
{
    int64_t before, after = 0;
    int rc = prefdb__exec(db,
                          "CREATE TEMP TABLE IF NOT EXISTS taken"
                          " (id INTEGER PRIMARY KEY, root BLOB);"
                          "DELETE FROM temp.taken",
                          err);
    if (!rc)
        rc = held_already(db, b, &before, err);
    if (!rc)
        rc = bind_batch(db,
                        "INSERT INTO temp.taken SELECT id, root FROM comparison"
                        " WHERE batch = '' AND (?2 IS NULL OR source = ?2)"
                        " AND ?1 <> '' ORDER BY id LIMIT ?3",
                        b, b->size ? b->size : -1, err);
    if (!rc)
        rc = prefdb__int(db, "SELECT count(*) FROM temp.taken", 0, &out->taken,
                         err);
    /* What is for testing or validation stays so, and takes its prompt along.
     */
    if (!rc)
        rc = bind_batch(db,
                        "UPDATE comparison SET batch = ?1, split ="
                        " CASE WHEN root IN (SELECT root FROM comparison"
                        "  WHERE split = 'test' AND root IN"
                        "  (SELECT root FROM temp.taken)) THEN 'test'"
                        " ELSE split END"
                        " WHERE id IN (SELECT id FROM temp.taken)",
                        b, 0, err);
    if (!rc)
        rc = count_taken(db, PREFDB_TEST, &out->leaky, err);
    if (!rc)
        rc = count_taken(db, PREFDB_VALID, &out->valid, err);
    if (!rc)
        rc = hold_out(db, b, b->held_out - before - out->leaky, err);
    if (!rc)
        rc = held_already(db, b, &after, err);
    out->held_out = after - (rc ? after : before);
    return rc;
}

int prefdb__batch_fill(struct prefdb *db, const struct prefdb__batch *b,
                       bool dry_run, struct prefdb__batched *out,
                       struct pk_err *err)
{
    *out = (struct prefdb__batched){0};
    int rc = prefdb__check_name("a batch", b->name, err);
    if (!rc)
        rc = prefdb_check_names(db, b->source, NULL, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = fill(db, b, out, err);
    if (rc || !dry_run)
        return prefdb__end(db, rc, err);
    sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return 0;
}

/* ---- Splits -------------------------------------------------------------- */

/* The split of a root prompt: a number in [0, sum of the shares) from a hash
 * of the seed and the prompt's key. */
static enum prefdb_split share_of(struct pk_sha256 *h,
                                  const struct prefdb__shares *s,
                                  const uint8_t root[PREFDB__UID])
{
    uint8_t sum[32];
    uint64_t v = 0, total = 0;
    pk_sha256_reset(h);
    pk_sha256_field(h, "split", 5);
    pk_sha256_field(h, s->seed, strlen(s->seed));
    pk_sha256_field(h, root, PREFDB__UID);
    pk_sha256_final(h, sum);
    for (int i = 0; i < 8; i++)
        v = v << 8 | sum[i];
    for (int i = 0; i < 3; i++)
        total += s->share[i];
    v %= total;
    if (v < s->share[0])
        return PREFDB_TRAIN;
    return v < (uint64_t)s->share[0] + s->share[1] ? PREFDB_VALID : PREFDB_TEST;
}

/* Every root prompt and its split, in a temporary table. */
static int deal_roots(struct prefdb *db, const struct prefdb__shares *shares,
                      struct pk_err *err)
{
    sqlite3_stmt *read = NULL, *add = NULL;
    int rc = prefdb__exec(db,
                          "CREATE TEMP TABLE IF NOT EXISTS dealt"
                          " (root BLOB PRIMARY KEY, split TEXT)"
                          " WITHOUT ROWID; DELETE FROM temp.dealt",
                          err);
    if (!rc)
        rc = prefdb__prepare(
            db, &read, "SELECT DISTINCT root FROM comparison ORDER BY 1", err);
    if (!rc)
        rc = prefdb__prepare(db, &add, "INSERT INTO temp.dealt VALUES (?1, ?2)",
                             err);
    while (!rc && (rc = prefdb__step(db, read, err)) > 0) {
        const uint8_t *root = sqlite3_column_blob(read, 0);
        if (!root || sqlite3_column_bytes(read, 0) != PREFDB__UID) {
            rc = prefdb__damaged(db, "comparison", 0, err);
            break;
        }
        prefdb__bind_blob(add, 1, root, PREFDB__UID);
        prefdb__bind_text(add, 2,
                          prefdb_split_name(share_of(db->sha, shares, root)));
        rc = prefdb__run(db, add, err);
        if (!rc)
            rc = pk_check_interrupt(err);
    }
    sqlite3_finalize(read);
    sqlite3_finalize(add);
    return rc;
}

static int hold_source(struct prefdb *db, const char *source,
                       struct pk_err *err)
{
    int rc = prefdb_check_names(db, source, NULL, err);
    return rc ? rc
              : prefdb__tell(
                    db,
                    "UPDATE temp.dealt SET split = 'test' WHERE root IN"
                    " (SELECT root FROM comparison WHERE source = ?1)",
                    NULL, 0, source, err);
}

/* A source that is in the test split and nowhere else was brought as such. */
#define FOR_TESTING                                                            \
    " (SELECT source FROM comparison GROUP BY source"                          \
    "  HAVING min(split = 'test'))"

static int keep_tests(struct prefdb *db, struct prefdb__dealt *out,
                      struct pk_err *err)
{
    int rc = prefdb__int(
        db, "SELECT count(*) FROM comparison WHERE source IN" FOR_TESTING, 0,
        &out->kept, err);
    return rc ? rc
              : prefdb__exec(db,
                             "UPDATE temp.dealt SET split = 'test' WHERE root"
                             " IN (SELECT root FROM comparison WHERE source "
                             "IN" FOR_TESTING ")",
                             err);
}

static int split(struct prefdb *db, const struct prefdb__shares *s,
                 const char *const *held, size_t n_held,
                 struct prefdb__dealt *out, struct pk_err *err)
{
    int rc = deal_roots(db, s, err);
    if (!rc && !s->all)
        rc = keep_tests(db, out, err);
    for (size_t i = 0; i < n_held && !rc; i++)
        rc = hold_source(db, held[i], err);
    if (!rc)
        rc = prefdb__exec(db,
                          "UPDATE comparison SET split = d.split"
                          " FROM temp.dealt AS d WHERE d.root = comparison.root"
                          " AND d.split <> comparison.split",
                          err);
    out->moved = rc ? 0 : sqlite3_changes64(db->sql);
    for (int i = 0; i < 3 && !rc; i++) {
        char sql[96];
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM comparison WHERE split = '%s'",
                 prefdb_split_name((enum prefdb_split)i));
        rc = prefdb__int(db, sql, 0, &out->split[i], err);
    }
    return rc;
}

int prefdb__split(struct prefdb *db, const struct prefdb__shares *s,
                  const char *const *held, size_t n_held, bool dry_run,
                  struct prefdb__dealt *out, struct pk_err *err)
{
    *out = (struct prefdb__dealt){0};
    int rc = prefdb__begin(db, err);
    if (rc)
        return rc;
    rc = split(db, s, held, n_held, out, err);
    if (rc || !dry_run)
        return prefdb__end(db, rc, err);
    sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return 0;
}
