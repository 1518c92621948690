/* Merging labelers' stores, and what of a store is proved. */
#include <stdlib.h>

#include "common/mem.h"
#include "tests/prefdb_team.h"

/* Everything that is content, in an order that row numbers have no part in. */
static char *content(struct prefdb *db)
{
    static const char *const sql[] = {
        "SELECT hex(t.uid) || ifnull(hex(p.uid), '') || t.role || t.content"
        " FROM turn AS t LEFT JOIN turn AS p ON p.id = t.parent ORDER BY 1",
        "SELECT hex(uid) || hex(root) || source || batch || split ||"
        " ifnull(extra, '') FROM comparison ORDER BY 1",
        "SELECT hex(j.uid) || j.annotator || ifnull(hex(o.uid), '')"
        " FROM judgment AS j LEFT JOIN judgment AS o ON o.id = j.supersedes"
        " ORDER BY 1",
        "SELECT hex(l.origin) || l.seq || hex(j.uid) || hex(l.hash)"
        " FROM link AS l JOIN judgment AS j ON j.id = l.judgment ORDER BY 1",
        "SELECT file || hex(sha256) || rows || comparisons || created"
        " FROM import_log ORDER BY 1"};
    struct pk_err err;
    struct pk_buf b = PK_BUF_INIT(1 << 24);
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        sqlite3_stmt *s = NULL;
        ck_ok(prefdb__prepare(db, &s, sql[i], &err));
        while (prefdb__step(db, s, &err) > 0) {
            pk_buf_adds(&b, prefdb__text(s, 0));
            pk_buf_addc(&b, '\n');
        }
        sqlite3_finalize(s);
    }
    ck_assert_int_eq(b.failed, 0);
    return pk_buf_take(&b);
}

/* ---- Merging ------------------------------------------------------------- */

START_TEST(test_merge_orders)
{
    static const char *const names[] = {"a.db", "b.db", "c.db"};
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    char *want = NULL;
    struct pk_err err;
    char fingerprint[2][65] = {"", ""};
    prefdb_close(store_of("a.db", 0, 20, "ann", NULL));
    prefdb_close(store_of("b.db", 10, 20, "bob", ",\"batch\":\"w1\""));
    prefdb_close(store_of("c.db", 5, 20, "ann",
                          ",\"batch\":\"w0\",\"split\":\"test\","
                          "\"extra\":{\"k\":1}"));
    for (size_t i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%zu.db", i);
        struct prefdb *db = new_store(name);
        for (int k = 0; k < 3; k++)
            merge(db, names[orders[i][k]]);
        char *got = content(db);
        ck_ok(prefdb_fingerprint(db, fingerprint[i > 0], &err));
        if (!want)
            want = pk_strdup(got);
        ck_assert_str_eq(got, want);
        ck_assert_str_eq(fingerprint[i > 0], fingerprint[0]);
        /* Again: nothing changes. */
        for (int k = 0; k < 3; k++) {
            struct prefdb__merged m = merge(db, names[k]);
            for (int t = 0; t < PREFDB__KINDS; t++)
                ck_assert_uint_eq(m.added[t], 0);
            ck_assert_uint_eq(m.links, 0);
        }
        free(got);
        got = content(db);
        ck_assert_str_eq(got, want);
        free(got);
        ck_assert_int_eq(problems(db), 0);
        ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 30);
        /* ann said the same of 5..19 in two stores: one judgment, two links. */
        ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 45);
        ck_assert_int_eq(number(db, "SELECT count(*) FROM link"), 60);
        ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"
                                    " WHERE split = 'test' AND batch = 'w0'"),
                         20);
        prefdb_close(db);
    }
    free(want);
}
END_TEST

START_TEST(test_merge_report)
{
    struct pk_err err;
    struct prefdb__merged m;
    prefdb_close(store_of("b.db", 10, 20, "bob", ",\"batch\":\"w1\""));
    struct prefdb *db =
        store_of("a.db", 0, 20, "ann", ",\"batch\":\"w0\",\"split\":\"train\"");
    char *before = content(db);
    ck_ok(prefdb__merge(db, temp_path("b.db"), true, NULL, &m, &err));
    char *after = content(db);
    ck_assert_str_eq(before, after); /* dry run */
    ck_assert_uint_eq(m.added[PREFDB__COMPARISONS], 10);
    ck_assert_uint_eq(m.known[PREFDB__COMPARISONS], 10);
    ck_assert_uint_eq(m.added[PREFDB__JUDGMENTS], 20);
    ck_assert_uint_eq(m.links, 20);
    ck_assert_uint_ge(m.conflicts, 10); /* batches, and some splits */
    ck_assert_ptr_nonnull(strstr(m.conflict[0], "its batch differs"));
    ck_assert_int_eq(
        prefdb__merge(db, temp_path("a.db"), false, NULL, &m, &err), PK_EUSAGE);
    free(before);
    free(after);
    prefdb_close(db);
}
END_TEST

static void put_guideline(const char *store, const char *campaign,
                          const char *version, const char *text)
{
    struct pk_err err;
    struct prefdb *db;
    struct prefdb_campaign c = {.name = campaign,
                                .dimension = PREFDB_SAFETY,
                                .overlap = 2,
                                .lease_seconds = 60,
                                .gold = "lead",
                                .gold_every = 9,
                                .guideline = version,
                                .guideline_text = text};
    ck_ok(prefdb_open(&db, temp_path(store), PREFDB_WRITE, &err));
    ck_ok(prefdb_campaign_put(db, &c, &err));
    prefdb_close(db);
}

/* What judgments name by its version is found again. */
START_TEST(test_merge_guidelines)
{
    struct pk_err err;
    struct prefdb_campaign c;
    char *text;
    prefdb_close(store_of("b.db", 0, 4, "bob", ""));
    put_guideline("b.db", "w1", "v1", "Be fair.");
    put_guideline("b.db", "w1", "v2", "Be kind.");
    put_guideline("b.db", "w2", "v1", "Be brief.");
    put_guideline("b.db", "mute", "", "");
    prefdb_close(store_of("a.db", 0, 2, "ann", ""));
    put_guideline("a.db", "w2", "v1", "Be long.");
    struct prefdb *db;
    ck_ok(prefdb_open(&db, temp_path("a.db"), PREFDB_WRITE, &err));
    struct prefdb__merged m = merge(db, "b.db");
    ck_assert_uint_eq(m.guidelines, 2);
    ck_assert_uint_eq(m.conflicts, 1);
    ck_assert_ptr_nonnull(strstr(m.conflict[0], "campaign 'w2'"));
    ck_ok(prefdb_campaign_get(db, "w1", &c, &err));
    ck_assert_str_eq(c.guideline, "v2");
    ck_assert_str_eq(c.guideline_text, "Be kind.");
    ck_assert_str_eq(c.gold, "lead");
    ck_assert_int_eq(c.gold_every, 9);
    ck_assert_int_eq(c.overlap, 2);
    ck_ok(prefdb_guideline(db, c.id, "v1", &text, &err));
    ck_assert_str_eq(text, "Be fair.");
    free(text);
    ck_ok(prefdb_campaign_get(db, "w2", &c, &err)); /* ours stays */
    ck_assert_str_eq(c.guideline_text, "Be long.");
    ck_assert_int_eq(prefdb_campaign_get(db, "mute", &c, &err), PK_EUSAGE);
    m = merge(db, "b.db");
    ck_assert_uint_eq(m.guidelines, 0);
    ck_assert_int_eq(problems(db), 0);
    prefdb_close(db);
}
END_TEST

static void copy_file(const char *from, const char *to)
{
    size_t len;
    char *p = read_file(temp_path(from), &len);
    write_file(temp_path(to), p, len);
    free(p);
}

/* Two copies of one file, each labeled further: each goes on with a chain of
 * its own. */
START_TEST(test_copied_store)
{
    struct pk_err err;
    struct prefdb *a, *b;
    prefdb_close(store_of("one.db", 0, 5, "ann", NULL));
    copy_file("one.db", "two.db");
    ck_ok(prefdb_open(&a, temp_path("one.db"), PREFDB_WRITE, &err));
    ck_ok(prefdb_open(&b, temp_path("two.db"), PREFDB_WRITE, &err));
    add(a, 5, 5, "ann", NULL);
    add(b, 10, 5, "bob", NULL);
    ck_assert_int_eq(number(a, "SELECT count(DISTINCT origin) FROM link"), 1);
    ck_assert_int_eq(number(b, "SELECT count(DISTINCT origin) FROM link"), 2);
    prefdb_close(b);
    struct prefdb__merged m = merge(a, "two.db");
    ck_assert_uint_eq(m.conflicts, 0);
    ck_assert_int_eq(number(a, "SELECT count(*) FROM judgment"), 15);
    ck_assert_int_eq(problems(a), 0);
    prefdb_close(a);
}
END_TEST

/* A file that was written over keeps its name for itself: its chain forks. */
START_TEST(test_forked_chain)
{
    struct pk_err err;
    struct prefdb *a, *b;
    prefdb_close(store_of("one.db", 0, 5, "ann", NULL));
    copy_file("one.db", "two.db");
    ck_ok(prefdb_open(&b, temp_path("two.db"), PREFDB_WRITE, &err));
    ck_ok(prefdb__log_place(b, &err)); /* as if it were the same file */
    add(b, 10, 5, "bob", NULL);
    prefdb_close(b);
    ck_ok(prefdb_open(&a, temp_path("one.db"), PREFDB_WRITE, &err));
    add(a, 5, 5, "ann", NULL);
    for (int i = 0; i < 2; i++) {
        struct prefdb__merged m = merge(a, "two.db");
        ck_assert_uint_eq(m.conflicts, 1);
        ck_assert_ptr_nonnull(strstr(m.conflict[0], "forks at judgment 6"));
        ck_assert_int_eq(number(a, "SELECT count(*) FROM judgment"), 15);
        ck_assert_int_eq(number(a, "SELECT count(*) FROM link"), 15);
        ck_assert_int_eq(problems(a), 0);
    }
    prefdb_close(a);
}
END_TEST

/* What must not be taken, and that nothing of it is. */
START_TEST(test_merge_hostile)
{
    static const char *const bad[] = {
        "UPDATE turn SET content = 'other' WHERE id = 3",
        "DROP TRIGGER judgment_no_update;"
        "UPDATE judgment SET annotator = 'eve' WHERE id = 2",
        "DROP TRIGGER link_no_delete; DELETE FROM link WHERE seq = 2",
        "CREATE TABLE more (x)",
        "DROP VIEW live_judgment; CREATE VIEW live_judgment AS"
        " SELECT * FROM judgment",
        "INSERT INTO turn SELECT 1000000000000, randomblob(16), parent, role,"
        " content, hash FROM turn WHERE id = 1",
        "UPDATE turn SET id = -1000000 WHERE id = 1;"
        "UPDATE turn SET parent = -1000000 WHERE parent = 1;"
        "UPDATE comparison SET prompt = -1000000 WHERE prompt = 1",
        "PRAGMA user_version = 99",
    };
    struct pk_err err;
    struct prefdb__merged m;
    struct prefdb *db = store_of("a.db", 0, 5, "ann", NULL);
    char *before = content(db);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct prefdb *other = store_of("bad.db", 5, 5, "bob", NULL);
        ck_ok(prefdb__exec(other, "PRAGMA foreign_keys = OFF", &err));
        ck_ok(prefdb__exec(other, bad[i], &err));
        prefdb_close(other);
        int rc = prefdb__merge(db, temp_path("bad.db"), false, NULL, &m, &err);
        ck_assert_msg(rc == PK_EDATA, "%s: %d", bad[i], rc);
        char *after = content(db);
        ck_assert_str_eq(before, after);
        free(after);
    }
    free(before);
    prefdb_close(db);
}
END_TEST

/* ---- Every byte of what is proved ---------------------------------------- */

static const struct {
    const char *table, *column;
} proved[] = {{"judgment", "uid"},        {"judgment", "comparison"},
              {"judgment", "dimension"},  {"judgment", "choice"},
              {"judgment", "strength"},   {"judgment", "label"},
              {"judgment", "shown_left"}, {"judgment", "seconds"},
              {"judgment", "note"},       {"judgment", "flags"},
              {"judgment", "guideline"},  {"judgment", "annotator"},
              {"judgment", "created"},    {"judgment", "supersedes"},
              {"judgment", "extra"},      {"turn", "uid"},
              {"turn", "parent"},         {"turn", "role"},
              {"turn", "content"},        {"turn", "hash"},
              {"response", "uid"},        {"response", "turn"},
              {"response", "model"},      {"response", "temperature"},
              {"response", "top_p"},      {"response", "seed"},
              {"response", "created"},    {"response", "cut"},
              {"response", "extra"},      {"comparison", "uid"},
              {"comparison", "prompt"},   {"comparison", "a"},
              {"comparison", "b"},        {"comparison", "source"},
              {"comparison", "root"}};

static const char full_row[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":"
    "\"assistant\",\"content\":\"Ho\"},{\"role\":\"user\",\"content\":\"?\"}],"
    "\"a\":{\"content\":\"x\",\"model\":\"m\",\"temperature\":0.5,\"top_p\":"
    "0.9,\"seed\":7,\"created\":\"2026-01-01\",\"extra\":{\"k\":1}},\"b\":{"
    "\"content\":\"y\",\"model\":\"m\",\"temperature\":0.5,\"top_p\":0.9,"
    "\"seed\":7,\"created\":\"2026-01-01\",\"extra\":{\"k\":1}},\"source\":"
    "\"s\",\"judgments\":[{\"dimension\":\"safety\",\"choice\":\"a\","
    "\"strength\":2,\"label\":\"both_safe\",\"shown_left\":\"a\",\"seconds\":3,"
    "\"note\":\"n\",\"flags\":[\"f\"],\"guideline\":\"g\",\"annotator\":\"ann\""
    ",\"created\":\"2026-01-01\",\"extra\":{\"k\":1}}]}\n";

struct named {
    const char *table;
    int64_t row;
    bool hit, any;
};

static void on_named(void *ctx, const struct prefdb__found *f)
{
    struct named *n = ctx;
    n->any = true;
    n->hit = n->hit || (strcmp(f->kind, n->table) == 0 && f->row == n->row);
}

/* One change to the value in each column (as raw as the file allows), and the
 * row that must be named. */
START_TEST(test_proved)
{
    struct pk_err err;
    struct prefdb__report report;
    const char *t = proved[_i].table, *c = proved[_i].column;
    struct prefdb *db = new_store("proved.db");
    char sql[600];
    ck_ok(import_text(db, "full.jsonl", full_row, plain_import(NULL), &report,
                      &err));
    add(db, 0, 3, "bob", NULL);
    ck_assert_int_eq(problems(db), 0);
    int64_t row = number(db, "SELECT 1");
    ck_ok(prefdb__exec(db,
                       "PRAGMA foreign_keys = OFF;"
                       "PRAGMA ignore_check_constraints = ON;"
                       "DROP TRIGGER judgment_no_update",
                       &err));
    if (strcmp(t, "turn") == 0)
        row = 3; /* with a parent */
    snprintf(sql, sizeof sql,
             "UPDATE %s SET %s = CASE typeof(%s) WHEN 'integer' THEN %s + 1"
             " WHEN 'real' THEN %s + 0.25 WHEN 'null' THEN 1 WHEN 'text' THEN"
             " char(unicode(%s) + 1) || substr(%s, 2) ELSE"
             " CAST(x'00' || substr(%s, 2) AS BLOB) END WHERE id = %lld",
             t, c, c, c, c, c, c, c, (long long)row);
    if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK) {
        /* A parent or a supersedes that would collide: refused, as good. */
        ck_assert_int_eq(sqlite3_errcode(db->sql) & 0xFF, SQLITE_CONSTRAINT);
        prefdb_close(db);
        return;
    }
    struct named n = {.table = t, .row = row};
    struct prefdb__listener to = {.found = on_named, .ctx = &n};
    ck_ok(prefdb__check(db, &to, &err));
    ck_assert_msg(n.any, "%s.%s: nothing found", t, c);
    ck_assert_msg(n.hit, "%s.%s: found, but row %lld is not named", t, c,
                  (long long)row);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prefdb merge");
    TCase *merging = tcase_create("merging");
    tcase_set_timeout(merging, 60);
    tcase_add_test(merging, test_merge_orders);
    tcase_add_test(merging, test_merge_report);
    tcase_add_test(merging, test_merge_guidelines);
    tcase_add_test(merging, test_copied_store);
    tcase_add_test(merging, test_forked_chain);
    tcase_add_test(merging, test_merge_hostile);
    tcase_add_loop_test(merging, test_proved, 0,
                        (int)(sizeof proved / sizeof proved[0]));
    suite_add_tcase(s, merging);
    return run_suite(s);
}
