/* Stores of earlier versions. A store of version 1 is made by the schema that
 * was version 1's (tests/fixtures/store/version1.sql), with rows. */
#include <stdlib.h>

#include "prefdb/store/check.h"
#include "prefdb/team/merge.h"
#include "tests/prefdb_support.h"

/* ---- The steps ----------------------------------------------------------- */

static const char *const fake_steps[] = {
    NULL,
    "CREATE TABLE added (x INTEGER) STRICT",
    "INSERT INTO added VALUES (7)",
    "INSERT INTO no_such_table VALUES (1)",
    NULL,
};

START_TEST(test_migrate)
{
    struct pk_err err;
    struct prefdb *db = dialogue_store("old.db");
    ck_ok(prefdb__migrate(db, fake_steps, 2, 4, &err));
    ck_assert_int_eq(number(db, "PRAGMA user_version"), 4);
    ck_assert_int_eq(number(db, "SELECT x FROM added"), 7);
    ck_assert_int_eq(number(db, "PRAGMA foreign_keys"), 1);
    /* A step that fails leaves everything as it was. */
    ck_assert_int_lt(prefdb__migrate(db, fake_steps, 4, 5, &err), 0);
    ck_assert_int_eq(number(db, "PRAGMA user_version"), 4);
    /* Another process was faster: nothing to do. */
    ck_ok(prefdb__migrate(db, fake_steps, 2, 4, &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM added"), 1);
    /* A step that breaks a reference is taken back. */
    static const char *const breaking[] = {
        NULL, NULL, NULL, "DELETE FROM response WHERE id = 1", NULL};
    ck_assert_int_eq(prefdb__migrate(db, breaking, 4, 5, &err), PK_EDATA);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM response"), 4);
    prefdb_close(db);
}
END_TEST

/* ---- From version 1 ------------------------------------------------------ */

/* What a store of version 2 with the same rows is asked for, but for what
 * version 1 had not. */
static const char copy_rows[] =
    "INSERT INTO old.meta SELECT * FROM main.meta;"
    "INSERT INTO old.turn SELECT * FROM main.turn;"
    "INSERT INTO old.response SELECT * FROM main.response;"
    "INSERT INTO old.comparison SELECT * FROM main.comparison;"
    "INSERT INTO old.judgment SELECT * FROM main.judgment;"
    "INSERT INTO old.link SELECT * FROM main.link;"
    "INSERT INTO old.import_log SELECT id, file, sha256, format, source, rows,"
    " comparisons, judgments, repeats, contradictory, bad, created"
    " FROM main.import_log;"
    "INSERT INTO old.campaign VALUES (7, 'c', 'safety', 2, 60, NULL, 1, 0,"
    " 'v1', 'Be fair.', '2026-01-01T00:00:00Z');"
    "INSERT INTO old.task VALUES (7, 1, 2, 0), (7, 2, 1, 0);"
    "INSERT INTO old.lease VALUES (7, 2, 'ann', 9000000000);"
    "INSERT INTO old.skip VALUES (7, 1, 'ann', 'unclear', '2026-01-01');"
    "INSERT INTO old.draft VALUES ('ann', 'k', 'v', '2026-01-01');"
    "PRAGMA old.application_id = 1346782274;"
    "PRAGMA old.user_version = 1;"
    "DETACH old";

/* The path of a store of version 1 with the rows of `from`. */
static char *old_store(struct prefdb *from)
{
    struct pk_err err;
    sqlite3 *sql;
    size_t n;
    char *path = temp_path("v1.db");
    char *schema = read_file("tests/fixtures/store/version1.sql", &n);
    unlink(path);
    ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(sql, "PRAGMA journal_mode = WAL", NULL, NULL, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(sql, schema, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(sql), SQLITE_OK);
    free(schema);
    char *attach = sqlite3_mprintf("ATTACH %Q AS old", path);
    ck_ok(prefdb__exec(from, attach, &err));
    sqlite3_free(attach);
    ck_ok(prefdb__exec(from, copy_rows, &err));
    return path;
}

static void on_found(void *ctx, const struct prefdb__found *f)
{
    (void)ctx;
    ck_abort_msg("%s %lld: %s", f->kind, (long long)f->row, f->what);
}

/* Every row is where it was, and `check` finds nothing. */
static void check_migrated(struct prefdb *db, const char *fingerprint)
{
    struct pk_err err;
    struct prefdb_campaign c;
    char print[65], *text;
    const struct prefdb__listener to = {.found = on_found};
    ck_assert_int_eq(number(db, "PRAGMA user_version"), PREFDB__VERSION);
    ck_assert_int_eq(number(db, "PRAGMA foreign_keys"), 1);
    ck_assert_int_eq(number(db, "PRAGMA legacy_alter_table"), 0);
    ck_ok(prefdb_fingerprint(db, print, &err));
    ck_assert_str_eq(print, fingerprint);
    ck_ok(prefdb__check(db, &to, &err));
    ck_ok(prefdb_campaign_get(db, "c", &c, &err));
    ck_assert_int_eq(c.id, 7);
    ck_assert_int_eq(c.overlap, 2);
    ck_assert(c.allow_tie && !c.allow_both_bad);
    ck_assert_str_eq(c.guideline, "v1");
    ck_assert_str_eq(c.guideline_text, "Be fair.");
    ck_assert_ptr_null(c.gold);
    ck_assert_int_eq(c.gold_every + c.repeat_every + c.turn_limit, 0);
    ck_ok(prefdb_guideline(db, 7, "v1", &text, &err));
    ck_assert_str_eq(text, "Be fair.");
    free(text);
    ck_assert_int_eq(number(db, "SELECT ratings FROM import_log"), 0);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM task JOIN campaign"
                                " ON campaign.id = task.campaign"),
                     2);
    ck_ok(prefdb_draft_get(db, "ann", "k", &text, &err));
    ck_assert_str_eq(text, "v");
    free(text);
}

START_TEST(test_version_1)
{
    struct pk_err err;
    struct prefdb *db = dialogue_store("new.db"), *old;
    char fingerprint[65];
    size_t before, after;
    ck_ok(prefdb_fingerprint(db, fingerprint, &err));
    char *path = old_store(db);
    prefdb_close(db);
    char *bytes = read_file(path, &before);
    /* A reader says what to do, and leaves the file as it is. */
    ck_assert_int_eq(prefdb_open(&old, path, PREFDB_READ, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "store version 1"));
    ck_assert_ptr_nonnull(strstr(err.text, "`prefkit init --upgrade`"));
    char *again = read_file(path, &after);
    ck_assert_uint_eq(before, after);
    ck_assert_mem_eq(bytes, again, after);
    free(bytes);
    free(again);
    ck_ok(prefdb_open(&old, path, PREFDB_WRITE, &err));
    check_migrated(old, fingerprint);
    prefdb_close(old);
    ck_ok(prefdb_open(&old, path, PREFDB_READ, &err));
    check_migrated(old, fingerprint);
    prefdb_close(old);
}
END_TEST

/* A migrated store has the very tables of a new one: merge, which compares
 * them, takes it. What is imported into it again is not doubled. */
START_TEST(test_as_new)
{
    struct pk_err err;
    struct prefdb__merged m;
    struct prefdb__report report;
    struct prefdb *db = dialogue_store("new.db"), *other = new_store("into.db"),
                  *old;
    char *path = old_store(db);
    prefdb_close(db);
    ck_ok(prefdb_open(&old, path, PREFDB_WRITE, &err));
    ck_ok(import_text(old, "two.jsonl", two_rows, plain_import(NULL), &report,
                      &err));
    ck_assert_uint_eq(report.counts.comparisons, 0);
    ck_assert_uint_eq(report.counts.judgments, 0);
    prefdb_close(old);
    ck_ok(prefdb__merge(other, path, false, NULL, &m, &err));
    ck_assert_uint_eq(m.added[PREFDB__JUDGMENTS], 2);
    prefdb_close(other);
}
END_TEST

/* A migration that fails leaves the store of version 1. */
START_TEST(test_cannot)
{
    struct pk_err err;
    struct prefdb *db = dialogue_store("new.db"), *old;
    char *path = old_store(db);
    prefdb_close(db);
    sqlite3 *sql;
    ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(sql, "CREATE TABLE rating (x)", NULL, NULL, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(sql), SQLITE_OK);
    ck_assert_int_lt(prefdb_open(&old, path, PREFDB_WRITE, &err), 0);
    ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
    sqlite3_stmt *s;
    ck_assert_int_eq(sqlite3_prepare_v2(sql,
                                        "SELECT guideline_text FROM campaign",
                                        -1, &s, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    sqlite3_finalize(s);
    ck_assert_int_eq(sqlite3_close(sql), SQLITE_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb_migrate");
    TCase *t = tcase_create("migrate");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_migrate);
    tcase_add_test(t, test_version_1);
    tcase_add_test(t, test_as_new);
    tcase_add_test(t, test_cannot);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
