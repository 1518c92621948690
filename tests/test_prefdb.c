/* The store itself: opening, identity, the append-only log, and what
 * `check` finds. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prefdb/store/check.h"
#include "tests/prefdb_support.h"

/* ---- Opening ------------------------------------------------------------- */

START_TEST(test_create)
{
    struct pk_err err;
    struct prefdb *db = new_store("new.db");
    ck_assert_int_eq(number(db, "PRAGMA application_id"), 0x50464442);
    ck_assert_int_eq(number(db, "PRAGMA user_version"), PREFDB__VERSION);
    ck_assert_int_eq(number(db, "PRAGMA foreign_keys"), 1);
    ck_assert_int_eq(number(db, "PRAGMA trusted_schema"), 0);
    ck_assert_int_eq(number(db, "SELECT length(value) FROM meta"
                                " WHERE key = 'uid'"),
                     16);
    char *path = temp_path("new.db");
    struct prefdb *again;
    ck_assert_int_eq(prefdb_open(&again, path, PREFDB_CREATE, &err), PK_EUSAGE);
    ck_assert_ptr_null(again);
    ck_assert_ptr_nonnull(strstr(err.text, "is there already"));
    prefdb_close(db);
    prefdb_close(NULL);
}
END_TEST

static int open_code(const char *path, enum prefdb_mode mode,
                     struct pk_err *err)
{
    struct prefdb *db;
    int rc = prefdb_open(&db, path, mode, err);
    ck_assert(rc == 0 || db == NULL);
    prefdb_close(db);
    return rc;
}

START_TEST(test_not_ours)
{
    struct pk_err err;
    char *path = temp_path("x.db");
    ck_assert_int_eq(open_code(path, PREFDB_WRITE, &err), PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "prefkit init"));
    ck_assert_int_eq(access(path, F_OK), -1);
    write_file(path, "", 0);
    ck_assert_int_eq(open_code(path, PREFDB_READ, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "not a prefkit store"));
    char *junk = malloc(8192);
    memset(junk, 'j', 8192);
    write_file(path, junk, 8192);
    free(junk);
    ck_assert_int_eq(open_code(path, PREFDB_WRITE, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "not a prefkit store"));
    ck_assert_int_eq(open_code(temp_dir(), PREFDB_READ, &err), PK_EDATA);
    ck_assert_int_eq(open_code(temp_path("no/such/x.db"), PREFDB_CREATE, &err),
                     PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot create"));
    sqlite3 *other;
    unlink(path);
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(other, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    ck_assert_int_eq(open_code(path, PREFDB_WRITE, &err), PK_EDATA);
}
END_TEST

START_TEST(test_future)
{
    struct pk_err err;
    struct prefdb *db = new_store("future.db");
    ck_ok(prefdb__exec(db, "PRAGMA user_version = 99", &err));
    prefdb_close(db);
    char *path = temp_path("future.db");
    ck_assert_int_eq(open_code(path, PREFDB_READ, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "newer prefkit"));
    ck_assert_int_eq(open_code(path, PREFDB_WRITE, &err), PK_EDATA);
}
END_TEST

/* Truncated at any length, a store opens with an error or not at all: no crash,
 * and `check` or the opening says so. */
START_TEST(test_truncated)
{
    struct pk_err err;
    prefdb_close(dialogue_store("whole.db"));
    size_t len;
    char *bytes = read_file(temp_path("whole.db"), &len);
    char *path = temp_path("part.db");
    for (size_t n = 1; n < len; n += 1531) {
        struct prefdb *db;
        write_file(path, bytes, n);
        if (prefdb_open(&db, path, PREFDB_READ, &err) == 0) {
            struct prefdb__listener to = {0};
            int rc = prefdb__check(db, &to, &err);
            ck_assert(rc == 0 || err.text[0]);
        }
        prefdb_close(db);
    }
    free(bytes);
}
END_TEST

/* ---- Identity ------------------------------------------------------------ */

START_TEST(test_root_key)
{
    static const struct {
        const char *x, *y;
        bool same;
    } pairs[] = {{"How are you?", "how ARE  you", true},
                 {"How are you?", "How is she?", false},
                 {"caf\xc3\xa9", "CAF\xc3\xa9!", true},
                 {"caf\xc3\xa9", "cafe", false},
                 {"???", "!!!", false},
                 {"", "", true},
                 {"1 2", "12", true}};
    struct pk_err err;
    struct pk_sha256 *h;
    ck_ok(pk_sha256_new(&h, &err));
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        uint8_t x[PREFDB__UID], y[PREFDB__UID];
        prefdb__root_key(h, pairs[i].x, strlen(pairs[i].x), x);
        prefdb__root_key(h, pairs[i].y, strlen(pairs[i].y), y);
        ck_assert_msg((memcmp(x, y, sizeof x) == 0) == pairs[i].same,
                      "pair %zu", i);
    }
    int n[3] = {0};
    for (int i = 0; i < 10000; i++) {
        char text[32];
        uint8_t key[PREFDB__UID];
        snprintf(text, sizeof text, "prompt %d", i);
        prefdb__root_key(h, text, strlen(text), key);
        n[prefdb__split_of(key)]++;
    }
    ck_assert_int_lt(abs(n[PREFDB_TRAIN] - 8000), 200);
    ck_assert_int_lt(abs(n[PREFDB_TEST] - 1000), 150);
    pk_sha256_free(h);
}
END_TEST

/* The turns of a second dialogue that goes on from the first are shared. */
START_TEST(test_tree)
{
    struct prefdb *db = dialogue_store("tree.db");
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 6);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn WHERE parent IS"
                                " NULL"),
                     1);
    prefdb_close(db);
}
END_TEST

START_TEST(test_list_get)
{
    struct pk_err err;
    struct prefdb *db = dialogue_store("get.db");
    struct prefdb_query q = {.dimension = PREFDB_HELPFULNESS, .split = -1};
    struct prefdb_example x;
    int64_t *ids;
    size_t n;
    ck_ok(prefdb_list(db, &q, &ids, &n, &err));
    ck_assert_uint_eq(n, 1);
    ck_ok(prefdb_get(db, ids[0], &x, &err));
    free(ids);
    ck_assert_str_eq(x.source, "s");
    ck_assert_str_eq(x.batch, "");
    ck_assert_str_eq(x.annotator, "ann");
    ck_assert_int_eq(x.dimension, PREFDB_HELPFULNESS);
    ck_assert_int_eq(x.strength, PREFDB_UNSTATED);
    ck_assert_int_eq(x.label, PREFDB_NO_LABEL);
    ck_assert_uint_eq(x.n_context, 3);
    ck_text(x.context[0], "Hi");
    ck_text(x.context[1], "x");
    ck_text(x.context[2], "And?");
    ck_assert_int_eq(x.context[1].role, PREFDB_ASSISTANT);
    ck_text(x.choice == PREFDB_A ? x.a : x.b, "q");
    ck_text(x.choice == PREFDB_A ? x.b : x.a, "p");
    q = (struct prefdb_query){-1, -1, "nobody"};
    ck_ok(prefdb_list(db, &q, &ids, &n, &err));
    ck_assert_uint_eq(n, 0);
    ck_assert_ptr_nonnull(ids);
    free(ids);
    q = (struct prefdb_query){-1, -1, NULL};
    ck_ok(prefdb_list(db, &q, &ids, &n, &err));
    ck_assert_uint_eq(n, 2);
    free(ids);
    ck_assert_int_eq(prefdb_get(db, 999, &x, &err), PK_EDATA);
    prefdb_close(db);
}
END_TEST

/* A store that somebody made by hand: a prompt that is not there. */
START_TEST(test_no_prompt)
{
    static const char *const changes[] = {
        "PRAGMA foreign_keys = OFF; UPDATE comparison SET prompt = 99",
        "PRAGMA foreign_keys = OFF; UPDATE comparison SET prompt = 0",
        "PRAGMA foreign_keys = OFF; UPDATE turn SET parent = -5"
        " WHERE parent IS NULL"};
    struct pk_err err;
    struct prefdb_example x;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct prefdb *db = dialogue_store("prompt.db");
        ck_ok(prefdb__exec(db, changes[i], &err));
        ck_assert_int_eq(prefdb_get(db, 1, &x, &err), PK_EDATA);
        ck_assert_ptr_nonnull(strstr(err.text, "prefkit check"));
        prefdb_close(db);
    }
}
END_TEST

START_TEST(test_fingerprint_order)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = dialogue_store("one.db");
    struct prefdb *other = new_store("other.db");
    char first[65], second[65], empty[65];
    ck_ok(prefdb_fingerprint(other, empty, &err));
    char turned[sizeof two_rows];
    const char *second_row = strchr(two_rows, '\n') + 1;
    snprintf(turned, sizeof turned, "%s%.*s", second_row,
             (int)(second_row - two_rows), two_rows);
    ck_ok(import_text(other, "turned.jsonl", turned, plain_import(NULL),
                      &report, &err));
    ck_ok(prefdb_fingerprint(db, first, &err));
    ck_ok(prefdb_fingerprint(other, second, &err));
    ck_assert_str_eq(first, second);
    ck_assert_str_ne(first, empty);
    ck_assert_uint_eq(strlen(first), 64);
    prefdb_close(db);
    prefdb_close(other);
}
END_TEST

/* ---- The append-only log, and check -------------------------------------- */

START_TEST(test_append_only)
{
    static const char *const forbidden[] = {
        "UPDATE judgment SET choice = 'a'",
        "UPDATE judgment SET note = 'x' WHERE id = 1",
        "DELETE FROM judgment",
        "INSERT OR REPLACE INTO judgment SELECT * FROM judgment WHERE id = 1",
        "REPLACE INTO judgment (id, uid, comparison, dimension, choice)"
        " VALUES (1, randomblob(16), 1, 'safety', 'b')",
        "REPLACE INTO judgment (uid, comparison, dimension, choice)"
        " SELECT uid, comparison, dimension, 'b' FROM judgment",
        "INSERT INTO judgment (id, uid, comparison, dimension, choice)"
        " SELECT id, uid, comparison, dimension, 'b' FROM judgment WHERE id = 1"
        " ON CONFLICT DO UPDATE SET choice = 'b'",
        "UPDATE link SET hash = zeroblob(32)",
        "DELETE FROM link WHERE seq = 2",
        "REPLACE INTO link SELECT origin, seq, 1, hash FROM link",
    };
    struct prefdb *db = dialogue_store("log.db");
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        ck_assert_int_ne(sqlite3_exec(db->sql, forbidden[i], NULL, NULL, NULL),
                         SQLITE_OK);
        ck_assert_str_eq(sqlite3_errmsg(db->sql), "judgments are append-only");
    }
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 2);
    prefdb_close(db);
}
END_TEST

struct seen {
    int n;
    char kind[32], what[200];
    int64_t row;
    int chains;
    int64_t judgments;
};

static void on_found(void *ctx, const struct prefdb__found *f)
{
    struct seen *s = ctx;
    if (s->n++)
        return;
    snprintf(s->kind, sizeof s->kind, "%s", f->kind);
    snprintf(s->what, sizeof s->what, "%s", f->what);
    s->row = f->row;
}

static void on_chain(void *ctx, const struct prefdb__chain *c)
{
    struct seen *s = ctx;
    s->chains++;
    s->judgments = c->judgments;
}

static struct seen check(struct prefdb *db)
{
    struct pk_err err;
    struct seen s = {0};
    struct prefdb__listener to = {on_found, on_chain, &s};
    ck_ok(prefdb__check(db, &to, &err));
    return s;
}

START_TEST(test_check_clean)
{
    struct prefdb *db = dialogue_store("clean.db");
    struct seen s = check(db);
    ck_assert_int_eq(s.n, 0);
    ck_assert_int_eq(s.chains, 1);
    ck_assert_int_eq(s.judgments, 2);
    prefdb_close(db);
}
END_TEST

/* One change each, and the row that check must name. */
static const struct {
    const char *sql, *kind;
    int64_t row;
} tampered[] = {
    {"UPDATE turn SET content = 'Ho' WHERE id = 1", "turn", 1},
    {"UPDATE turn SET role = 'system' WHERE id = 1", "turn", 1},
    {"UPDATE turn SET parent = 2 WHERE id = 5", "turn", 5},
    {"INSERT INTO turn SELECT 99, randomblob(16), NULL, role, content, hash"
     " FROM turn WHERE id = 1",
     "turn", 99},
    {"UPDATE response SET model = 'm' WHERE id = 2", "response", 2},
    {"UPDATE response SET cut = 1 WHERE id = 3", "response", 3},
    {"UPDATE comparison SET source = 't' WHERE id = 2", "comparison", 2},
    {"UPDATE comparison SET root = zeroblob(16) WHERE id = 1", "comparison", 1},
    {"UPDATE comparison SET a = b, b = a WHERE id = 1", "comparison", 1},
    {"UPDATE comparison SET prompt = 2 WHERE id = 1", "comparison", 1},
    {"DROP TRIGGER judgment_no_update;"
     "UPDATE judgment SET choice = CASE choice WHEN 'a' THEN 'b' ELSE 'a' END"
     " WHERE id = 2",
     "judgment", 2},
    {"DROP TRIGGER judgment_no_update;"
     "UPDATE judgment SET strength = 1 WHERE id = 1",
     "judgment", 1},
    {"DROP TRIGGER link_no_update;"
     "UPDATE link SET hash = zeroblob(32) WHERE judgment = 2",
     "judgment", 2},
    {"DROP TRIGGER link_no_update;"
     "UPDATE link SET judgment = 3 - judgment",
     "judgment", 2},
    {"DROP TRIGGER link_no_delete; DELETE FROM link WHERE seq = 2", "judgment",
     2},
    {"DROP TRIGGER judgment_no_update;"
     "UPDATE judgment SET comparison = 2 WHERE id = 1",
     "judgment", 1},
    {"DROP TRIGGER judgment_no_delete; DROP TRIGGER link_no_delete;"
     "DELETE FROM link WHERE judgment = 1; DELETE FROM judgment WHERE id = 1",
     "judgment", 2},
    {"UPDATE comparison SET split = CASE split WHEN 'test' THEN 'train'"
     " ELSE 'test' END WHERE id = 1",
     "split", 1},
};

START_TEST(test_check_tampered)
{
    struct pk_err err;
    struct prefdb *db = dialogue_store("bent.db");
    ck_ok(prefdb__exec(db, tampered[_i].sql, &err));
    struct seen s = check(db);
    ck_assert_msg(s.n > 0, "%s: nothing found", tampered[_i].sql);
    ck_assert_str_eq(s.kind, tampered[_i].kind);
    ck_assert_int_eq(s.row, tampered[_i].row);
    prefdb_close(db);
}
END_TEST

/* An orphan with everything right but that nothing hangs on it. */
START_TEST(test_check_orphan)
{
    struct pk_err err;
    struct prefdb *db = dialogue_store("orphan.db");
    ck_ok(prefdb__exec(db,
                       "DROP TRIGGER judgment_no_delete;"
                       "DROP TRIGGER link_no_delete;"
                       "DELETE FROM link WHERE judgment = 2;"
                       "DELETE FROM judgment WHERE id = 2;"
                       "DELETE FROM comparison WHERE id = 2;"
                       "DELETE FROM response WHERE id IN (3, 4)",
                       &err));
    struct seen s = check(db);
    ck_assert_int_eq(s.n, 2);
    ck_assert_str_eq(s.kind, "orphan");
    prefdb_close(db);
}
END_TEST

/* ---- Trouble ------------------------------------------------------------- */

START_TEST(test_full_disk)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = dialogue_store("full.db");
    char before[65], after[65];
    ck_ok(prefdb_fingerprint(db, before, &err));
    ck_ok(prefdb__exec(db, "PRAGMA max_page_count = 40", &err));
    char *text = malloc(1 << 20);
    size_t n = 0;
    for (int i = 0; i < 2000; i++)
        n += (size_t)snprintf(
            text + n, (1 << 20) - n,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"q%d\"}],"
            "\"a\":\"x%d\",\"b\":\"y\"}\n",
            i, i);
    int rc =
        import_text(db, "many.jsonl", text, plain_import(NULL), &report, &err);
    free(text);
    ck_assert_int_eq(rc, PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "the disk is full"));
    ck_ok(prefdb_fingerprint(db, after, &err));
    ck_assert_str_eq(before, after);
    ck_assert_int_eq(check(db).n, 0);
    prefdb_close(db);
}
END_TEST

/* An import killed half way leaves what was there before. */
START_TEST(test_killed)
{
    struct pk_err err;
    struct prefdb *db = dialogue_store("killed.db");
    char before[65], after[65];
    ck_ok(prefdb_fingerprint(db, before, &err));
    prefdb_close(db);
    char *path = temp_path("killed.db"); /* the child's would be another */
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct prefdb__writer *w;
        if (prefdb_open(&db, path, PREFDB_WRITE, NULL) < 0 ||
            prefdb__writer_begin(&w, db, 1, NULL) < 0 ||
            prefdb__exec(db,
                         "PRAGMA cache_spill = 1; DELETE FROM import_log;"
                         "INSERT INTO turn VALUES (50, zeroblob(16), NULL,"
                         " 'user', hex(zeroblob(100000)), zeroblob(32))",
                         NULL) < 0)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_ok(prefdb_open(&db, path, PREFDB_WRITE, &err));
    ck_ok(prefdb_fingerprint(db, after, &err));
    ck_assert_str_eq(before, after);
    ck_assert_int_eq(check(db).n, 0);
    prefdb_close(db);
}
END_TEST

/* Root may write anywhere: be nobody for a while. */
static void leave_root(void)
{
    if (geteuid() == 0)
        ck_assert_int_eq(setresuid(65534, 65534, 0), 0);
}

static void be_root_again(void)
{
    uid_t real, effective, saved;
    ck_assert_int_eq(getresuid(&real, &effective, &saved), 0);
    if (saved == 0)
        ck_assert_int_eq(setresuid(0, 0, 0), 0);
}

/* A reader in a folder that can't be written to, and writers there. */
START_TEST(test_read_only)
{
    struct pk_err err;
    char *dir = temp_path("locked"), *path = temp_path("locked/x.db");
    ck_assert_int_eq(chmod(temp_dir(), 0755), 0);
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    prefdb_close(dialogue_store("locked/x.db"));
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(chmod(dir, 0555), 0);
    leave_root();
    int read = open_code(path, PREFDB_READ, &err);
    int write = open_code(path, PREFDB_WRITE, &err);
    int create = open_code(temp_path("locked/new.db"), PREFDB_CREATE, &err);
    be_root_again();
    ck_assert_int_eq(read, 0);
    ck_assert_int_eq(write, PK_EIO);
    ck_assert_int_eq(create, PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot create"));
    ck_assert_int_eq(chmod(dir, 0777), 0);
    ck_assert_int_eq(chmod(path, 0444), 0);
    leave_root();
    read = open_code(path, PREFDB_READ, &err);
    write = open_code(path, PREFDB_WRITE, &err);
    be_root_again();
    ck_assert_int_eq(read, 0);
    ck_assert_int_eq(write, PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "read-only"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prefdb");
    TCase *open = tcase_create("opening");
    tcase_set_timeout(open, 60);
    tcase_add_test(open, test_create);
    tcase_add_test(open, test_not_ours);
    tcase_add_test(open, test_future);
    tcase_add_test(open, test_truncated);
    tcase_add_test(open, test_read_only);
    suite_add_tcase(s, open);
    TCase *core = tcase_create("core");
    tcase_set_timeout(core, 60);
    tcase_add_test(core, test_root_key);
    tcase_add_test(core, test_tree);
    tcase_add_test(core, test_list_get);
    tcase_add_test(core, test_no_prompt);
    tcase_add_test(core, test_fingerprint_order);
    suite_add_tcase(s, core);
    TCase *log = tcase_create("log");
    tcase_set_timeout(log, 60);
    tcase_add_test(log, test_append_only);
    tcase_add_test(log, test_check_clean);
    tcase_add_loop_test(log, test_check_tampered, 0,
                        (int)(sizeof tampered / sizeof tampered[0]));
    tcase_add_test(log, test_check_orphan);
    suite_add_tcase(s, log);
    TCase *trouble = tcase_create("trouble");
    tcase_set_timeout(trouble, 60);
    tcase_add_test(trouble, test_full_disk);
    tcase_add_test(trouble, test_killed);
    suite_add_tcase(s, trouble);
    return run_suite(s);
}
