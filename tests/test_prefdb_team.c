/* Many at one store: search, batches, splits, backups, imports that are killed.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "prefdb/store/backup.h"
#include "prefdb/store/search.h"
#include "prefdb/team/deal.h"
#include "tests/prefdb_team.h"

/* ---- Search, batches, splits, backups ------------------------------------ */

static int count_hit(void *ctx, const struct prefdb__hit *h, struct pk_err *err)
{
    (void)err;
    ck_assert_int_gt(h->comparison, 0);
    ck_assert_ptr_nonnull(strchr(h->snippet, '['));
    *(int *)ctx += h->answer ? 100 : 1;
    return 0;
}

static int hits(struct prefdb *db, const char *words)
{
    struct pk_err err;
    int n = 0;
    struct prefdb__search q = {
        .words = words, .role = -1, .limit = 1000, .hit = count_hit, .ctx = &n};
    ck_ok(prefdb__search(db, &q, NULL, &err));
    return n;
}

START_TEST(test_search)
{
    struct pk_err err;
    struct prefdb *db = store_of("s.db", 0, 10, NULL, NULL);
    ck_assert_int_eq(hits(db, "QUESTION"), 10);
    ck_assert_int_eq(hits(db, "yes 3"), 100);
    ck_assert_int_eq(hits(db, "no"), 1000);
    ck_assert_int_eq(hits(db, "\"question 4\""), 1);
    ck_assert_int_eq(hits(db, "absent"), 0);
    add(db, 10, 5, NULL, NULL); /* new turns are found too */
    ck_assert_int_eq(hits(db, "question"), 15);
    /* Nothing of FTS5's own language gets through. */
    static const char *const odd[] = {"a OR",       "\"",    "NEAR(",
                                      "content:no", "-",     "*",
                                      "a\"b\"c",    "'; --", "\"\" x"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        int n = 0;
        struct prefdb__search q = {.words = odd[i],
                                   .role = -1,
                                   .limit = 1000,
                                   .hit = count_hit,
                                   .ctx = &n};
        int rc = prefdb__search(db, &q, NULL, &err);
        ck_assert_msg(rc == 0 || rc == PK_EUSAGE, "%s: %s", odd[i], err.text);
    }
    ck_assert_int_eq(problems(db), 0);
    /* A searched store can still be merged. */
    prefdb_close(db);
    db = new_store("t.db");
    ck_assert_uint_eq(merge(db, "s.db").added[PREFDB__COMPARISONS], 15);
    prefdb_close(db);
}
END_TEST

/* A signal ends the work at its next step, within a statement too, and nothing
 * of it is kept. _i: which work. */
START_TEST(test_signal)
{
    struct pk_err err;
    int64_t moved = 0;
    struct prefdb__dealt dealt;
    struct prefdb__shares shares = {.share = {0, 0, 100}, .seed = "x"};
    struct prefdb__batch b = {.name = "w", .size = 0};
    struct prefdb__batched done;
    struct prefdb_campaign c = {
        .name = "c", .overlap = 1, .lease_seconds = 60, .guideline = ""};
    struct prefdb_fill f = {.order = PREFDB_OLDEST};
    struct prefdb *db = store_of("signal.db", 0, 2000, NULL, NULL);
    ck_ok(prefdb_campaign_put(db, &c, &err));
    int64_t before = number(db, "SELECT sum(split = 'test') FROM comparison");
    prefdb__stop_on_signal(db);
    pk_catch_signals();
    ck_assert_int_eq(raise(SIGINT), 0);
    int rc = _i == 0 ? prefdb__split(db, &shares, NULL, 0, false, &dealt, &err)
             : _i == 1 ? prefdb__batch_fill(db, &b, false, &done, &err)
                       : prefdb_campaign_fill(db, c.id, &f, &moved, &err);
    ck_assert_int_eq(rc, PK_EINTR);
    sqlite3_progress_handler(db->sql, 0, NULL, NULL);
    ck_assert_int_eq(number(db, "SELECT sum(split = 'test') FROM comparison"),
                     before);
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM comparison WHERE batch <> ''"), 0);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM task"), 0);
    prefdb_close(db);
}
END_TEST

/* Chinese and Japanese have no spaces between words. An index of an older
 * prefkit's, in which a run of characters was one word, is made anew. */
START_TEST(test_search_in_a_run)
{
    static const char rows[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":"
        "\"开封在中国的河南省。\"}],"
        "\"a\":\"café中国 naïve\",\"b\":\"東京タワーへ行く\"}\n";
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("cjk.db");
    ck_ok(
        import_text(db, "cjk.jsonl", rows, plain_import(NULL), &report, &err));
    ck_ok(prefdb__exec(
        db,
        "CREATE VIRTUAL TABLE search USING fts5 (content, content = 'turn',"
        " content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');"
        "INSERT INTO search (rowid, content) SELECT id, content FROM turn;"
        "INSERT INTO meta SELECT 'searched', max(id) FROM turn",
        &err));
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(hits(db, "中国"), 101);
        ck_assert_int_eq(hits(db, "国中"), 0);
        ck_assert_int_eq(hits(db, "中国 cafe"), 100);
        ck_assert_int_eq(hits(db, "中国河南省"), 0);
        ck_assert_int_eq(hits(db, "河南省 中国"), 1);
        ck_assert_int_eq(hits(db, "タワー"), 100);
        ck_assert_int_eq(hits(db, "NAIVE"), 100);
    }
    ck_assert_int_eq(problems(db), 0);
    prefdb_close(db);
}
END_TEST

START_TEST(test_batch)
{
    struct pk_err err;
    struct prefdb__batched done;
    struct prefdb__batch b = {.name = "week 1", .size = 60, .held_out = 10};
    struct prefdb *db = store_of("b.db", 0, 100, NULL, NULL);
    ck_ok(prefdb__exec(db, "UPDATE comparison SET split = 'train'", &err));
    ck_ok(prefdb__batch_fill(db, &b, true, &done, &err));
    ck_assert_int_eq(done.taken, 60);
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM comparison WHERE batch <> ''"), 0);
    ck_ok(prefdb__batch_fill(db, &b, false, &done, &err));
    ck_assert_int_eq(done.taken, 60);
    ck_assert_int_eq(done.held_out, 10);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison WHERE"
                                " batch = 'week 1' AND split = 'test'"),
                     10);
    b.name = "week 2";
    ck_ok(prefdb__batch_fill(db, &b, false, &done, &err));
    ck_assert_int_eq(done.taken, 40);
    ck_assert_int_eq(done.held_out, 10);
    ck_ok(prefdb__batch_fill(db, &b, false, &done, &err));
    ck_assert_int_eq(done.taken, 0);
    ck_assert_int_eq(done.held_out, 0);
    prefdb_close(db);
}
END_TEST

/* What was brought for testing or validation is not trained on. */
START_TEST(test_batch_keeps_tests)
{
    struct pk_err err;
    struct prefdb__batched done;
    struct prefdb__batch b = {.name = "w", .source = "bench", .held_out = 30};
    struct prefdb *db = store_of("kb.db", 0, 100, NULL, NULL);
    ck_assert_int_eq(prefdb__batch_fill(db, &b, false, &done, &err), PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "there is no source 'bench'"));
    ck_ok(prefdb__exec(db,
                       "UPDATE comparison SET split = CASE WHEN id <= 20 THEN"
                       " 'test' WHEN id <= 30 THEN 'valid' ELSE 'train' END",
                       &err));
    b.source = NULL;
    ck_ok(prefdb__batch_fill(db, &b, false, &done, &err));
    ck_assert_int_eq(done.taken, 100);
    ck_assert_int_eq(done.leaky, 20);
    ck_assert_int_eq(done.held_out, 30);
    ck_assert_int_eq(done.valid, 10);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison WHERE"
                                " split = CASE WHEN id <= 20 THEN 'test'"
                                " WHEN id <= 30 THEN 'valid' END"),
                     30);
    prefdb_close(db);
}
END_TEST

START_TEST(test_split)
{
    struct pk_err err;
    struct prefdb__dealt d;
    struct prefdb__shares shares = {.share = {50, 0, 50}, .seed = "x"};
    struct prefdb *db = store_of("p.db", 0, 200, NULL, NULL);
    ck_ok(prefdb__exec(db,
                       "UPDATE comparison SET split = 'train', source = 'r'"
                       " WHERE id <= 20",
                       &err));
    ck_ok(prefdb__split(db, &shares, NULL, 0, true, &d, &err));
    ck_assert_int_eq(d.split[PREFDB_VALID], 0);
    ck_assert_int_eq(d.split[0] + d.split[2], 200);
    ck_assert_int_gt(d.split[0], 70);
    ck_assert_int_gt(d.split[2], 70);
    static const char *const held[] = {"r"};
    ck_ok(prefdb__split(db, &shares, held, 1, false, &d, &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison WHERE"
                                " source = 'r' AND split = 'test'"),
                     20);
    ck_ok(prefdb__split(db, &shares, held, 1, false, &d, &err));
    ck_assert_int_eq(d.moved, 0);
    static const char *const typo[] = {"typo"};
    ck_assert_int_eq(prefdb__split(db, &shares, typo, 1, false, &d, &err),
                     PK_EUSAGE);
    /* What was brought for testing alone stays. */
    ck_ok(prefdb__split(db, &shares, NULL, 0, false, &d, &err));
    ck_assert_int_eq(d.kept, 20);
    ck_assert_int_eq(d.moved, 0);
    shares.all = true;
    ck_ok(prefdb__split(db, &shares, NULL, 0, false, &d, &err));
    ck_assert_int_eq(d.kept, 0);
    ck_assert_int_gt(d.moved, 0);
    prefdb_close(db);
}
END_TEST

/* The same letters and digits are one prompt, however it is written. */
START_TEST(test_near_identical)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb__dealt d;
    struct prefdb__shares shares = {.share = {1, 1, 1}, .seed = ""};
    struct prefdb *db = new_store("near.db");
    ck_ok(import_text(
        db, "near.jsonl",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello, World 1?\"}],"
        "\"a\":\"x\",\"b\":\"y\",\"split\":\"train\"}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"hello  world: 1\"}],"
        "\"a\":\"x\",\"b\":\"z\",\"split\":\"test\"}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello, world 2?\"}],"
        "\"a\":\"x\",\"b\":\"y\",\"split\":\"valid\"}\n",
        plain_import(NULL), &report, &err));
    ck_assert_int_eq(problems(db), 0);
    ck_assert_int_eq(found_leaks, 1);
    ck_ok(prefdb__split(db, &shares, NULL, 0, false, &d, &err));
    ck_assert_int_eq(number(db, "SELECT count(DISTINCT split) FROM comparison"
                                " WHERE id < 3"),
                     1);
    ck_assert_int_eq(problems(db), 0);
    ck_assert_int_eq(found_leaks, 0);
    prefdb_close(db);
}
END_TEST

START_TEST(test_backup)
{
    struct pk_err err;
    char fingerprint[65], again[65];
    struct prefdb *copy, *db = store_of("k.db", 0, 50, "ann", NULL);
    char *path = temp_path("k.backup");
    ck_ok(prefdb__backup(db, path, NULL, fingerprint, &err));
    ck_assert_int_eq(prefdb__backup(db, path, NULL, fingerprint, &err),
                     PK_EUSAGE);
    ck_assert_int_ne(
        prefdb__backup(db, temp_path("no/such/x"), NULL, fingerprint, &err), 0);
    ck_ok(prefdb_open(&copy, path, PREFDB_WRITE, &err));
    ck_ok(prefdb_fingerprint(copy, again, &err));
    ck_assert_str_eq(fingerprint, again);
    ck_assert_int_eq(problems(copy), 0);
    add(copy, 50, 1, "ann", NULL);
    ck_assert_int_eq(number(copy, "SELECT count(DISTINCT origin) FROM link"),
                     2);
    prefdb_close(copy);
    prefdb_close(db);
}
END_TEST

/* ---- Killed -------------------------------------------------------------- */

/* Imports killed at moments spread over their run: the store opens, passes
 * check, holds nothing or everything, and is completed by another import. */
START_TEST(test_killed_imports)
{
    enum { TIMES = 12 };
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("k.db");
    struct pk_buf b = PK_BUF_INIT(1 << 22);
    prefdb_close(db);
    for (int i = 0; i < 2000; i++)
        pk_buf_addf(&b,
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"Q%d\"}],"
                    "\"a\":\"yes %d\",\"b\":\"no\",\"judgments\":[{"
                    "\"dimension\":\"safety\",\"choice\":\"b\"}]}\n",
                    i, i);
    char *path = temp_path("k.db"), *rows = temp_path("k.jsonl");
    write_file(rows, b.data, b.len);
    pk_buf_release(&b);
    struct prefdb__import o = plain_import(rows);
    for (int i = 0; i < TIMES; i++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            if (prefdb_open(&db, path, PREFDB_WRITE, &err) == 0 &&
                prefdb__import_file(db, &o, &report, &err) == 0)
                _exit(0);
            _exit(1);
        }
        usleep((useconds_t)(i * 5000));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        ck_ok(prefdb_open(&db, path, PREFDB_WRITE, &err));
        int64_t n = number(db, "SELECT count(*) FROM comparison");
        ck_assert(n == 0 || n == 2000);
        if (i % 4 == 0)
            ck_assert_int_eq(problems(db), 0);
        prefdb_close(db);
    }
    ck_ok(prefdb_open(&db, path, PREFDB_WRITE, &err));
    ck_ok(prefdb__import_file(db, &o, &report, &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 2000);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 2000);
    ck_assert_int_eq(problems(db), 0);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prefdb team");
    TCase *rest = tcase_create("rest");
    tcase_set_timeout(rest, 60);
    tcase_add_test(rest, test_search);
    tcase_add_test(rest, test_search_in_a_run);
    tcase_add_test(rest, test_batch);
    tcase_add_test(rest, test_batch_keeps_tests);
    tcase_add_test(rest, test_split);
    tcase_add_test(rest, test_near_identical);
    tcase_add_test(rest, test_backup);
    tcase_add_test(rest, test_killed_imports);
    tcase_add_loop_test(rest, test_signal, 0, 3); /* last: it lasts */
    suite_add_tcase(s, rest);
    return run_suite(s);
}
