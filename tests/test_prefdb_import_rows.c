/* Import, row by row: what is refused and why, what is there already, what is
 * left when it is killed midway. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/json.h"
#include "tests/prefdb_rows.h"

/* ---- Bad rows ------------------------------------------------------------ */

#define OWN(rest)                                                              \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":\"x\","       \
    "\"b\":\"y\"" rest "}"
#define JUDGED(rest) OWN(",\"judgments\":[{" rest "}]")

static const struct {
    const char *format, *row, *reason;
} bad_rows[] = {
    {"prefkit", "7", "not a JSON object"},
    {"prefkit", "{\"messages\":", "not valid JSON"},
    {"prefkit", "{\"a\":\"x\\u0000\"}", "u0000"},
    {"prefkit", "{\"a\":\"\xff\"}", "not UTF-8"},
    {"prefkit", "{}", "\"messages\" is not a list"},
    {"prefkit", "{\"messages\":[],\"a\":\"x\",\"b\":\"y\"}", "no prompt"},
    {"prefkit", "{\"messages\":[1],\"a\":\"x\",\"b\":\"y\"}", "not an object"},
    {"prefkit",
     "{\"messages\":[{\"role\":\"boss\",\"content\":\"\"}],\"a\":\"x\","
     "\"b\":\"y\"}",
     "role"},
    {"prefkit", "{\"messages\":[{\"role\":\"user\"}],\"a\":\"x\",\"b\":\"y\"}",
     "\"content\" is missing"},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\",\"name\":\"n\"}],"
     "\"a\":\"x\",\"b\":\"y\"}",
     "a message in \"messages\": \"name\" is not a member of a message"},
    {"prefkit", OWN(",\"sauce\":\"s\""), "\"sauce\" is not a member"},
    {"prefkit", OWN(",\"b\":\"z\""), "\"b\" is there twice"},
    {"prefkit", OWN(",\"split\":\"tset\""), "\"split\" is not"},
    {"prefkit", OWN(",\"source\":5"), "\"source\" is not a string"},
    {"prefkit", OWN(",\"extra\":[]"), "\"extra\" is not an object"},
    {"prefkit", OWN(",\"judgments\":{}"), "\"judgments\" is not a list"},
    {"prefkit", OWN(",\"judgments\":[7]"), "not an object"},
    {"prefkit", JUDGED("\"choice\":\"a\""), "\"dimension\" is missing"},
    {"prefkit", JUDGED("\"dimension\":\"safety\""), "no choice"},
    {"prefkit", JUDGED("\"dimension\":\"fun\",\"choice\":\"a\""),
     "not helpfulness or safety"},
    {"prefkit", JUDGED("\"dimension\":\"safety\",\"choice\":\"c\""),
     "\"choice\" is not"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"strength\":4"),
     "\"strength\""},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"tie\",\"strength\":0"),
     "prefers neither"},
    {"prefkit",
     JUDGED("\"dimension\":\"helpfulness\",\"choice\":\"a\","
            "\"label\":\"both_safe\""),
     "safety label"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"tie\","
            "\"label\":\"preferred_safe\""),
     "preferred"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"seconds\":-1"),
     "out of range"},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"flags\":[1]"),
     "\"flags\""},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"created\":\"now\""),
     "\"created\""},
    {"prefkit",
     JUDGED("\"dimension\":\"safety\",\"choice\":\"a\",\"shown_left\":"
            "\"tie\""),
     "\"shown_left\""},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":\"x\","
     "\"b\":\"x\"}",
     "the same"},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":"
     "{\"content\":\"x\",\"top_p\":2},\"b\":\"y\"}",
     "\"a\": \"top_p\" is out of range"},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":"
     "{\"content\":\"x\",\"seed\":1.5},\"b\":\"y\"}",
     "\"seed\""},
    {"prefkit",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"a\":"
     "{\"content\":\"x\",\"seed\":9007199254740993},\"b\":\"y\"}",
     "\"seed\" is not a whole number below 2^53"},
    {"hh", "{\"chosen\":\"\\n\\nHuman: q\\n\\nAssistant: a\"}",
     "\"rejected\" is missing"},
    {"hh", "{\"chosen\":\"x\",\"rejected\":\"y\",\"chosen\":\"z\"}",
     "\"chosen\" is there twice"},
    {"hh", "{\"chosen\":5,\"rejected\":\"\"}", "\"chosen\" is not a string"},
    {"hh", "{\"chosen\":\"Hi\",\"rejected\":\"Ho\"}", "does not begin"},
    {"hh", HH("q\\n\\nAssistant: a", "q\\n\\nAssistant: a"), "the same"},
    {"hh", HH("p\\n\\nAssistant: a", "q\\n\\nAssistant: b"), "part before"},
    {"hh", HH("q\\n\\nAssistant: a\\n\\nAssistant: b", "q\\n\\nAssistant: c"),
     "part before"},
    {"hh", HH("q\\n\\nAssistant: a\\n\\nHuman: x", "q\\n\\nAssistant: c"),
     "does not end with the assistant"},
    {"hh",
     "{\"chosen\":\"\\n\\nAssistant: a\",\"rejected\":"
     "\"\\n\\nAssistant: b\"}",
     "no prompt"},
    {"trl", "{\"chosen\":\"x\",\"rejected\":\"y\"}", "\"prompt\" is missing"},
    {"trl", "{\"prompt\":\"p\",\"chosen\":1,\"rejected\":\"y\"}",
     "neither text nor a list"},
    {"trl", "{\"prompt\":\"p\",\"chosen\":\"x\"}", "\"rejected\" is missing"},
    {"trl", "{\"prompt\":\"p\",\"chosen\":[],\"rejected\":\"y\"}",
     "does not end with the assistant"},
    {"pku", "{\"prompt\":\"p\",\"response_0\":\"x\"}",
     "\"response_1\" is missing"},
    {"pku",
     "{\"prompt\":\"p\",\"response_0\":\"x\",\"response_1\":\"y\","
     "\"better_response_id\":2}",
     "not 0, 1 or -1"},
    {"pku",
     "{\"prompt\":\"p\",\"response_0\":\"x\",\"response_1\":\"y\","
     "\"is_response_0_safe\":\"yes\"}",
     "not true or false"},
    {"shp",
     "{\"history\":\"q\",\"human_ref_A\":\"x\",\"human_ref_B\":\"y\","
     "\"labels\":1,\"a\":{\"score\":1},\"score_A\":2}",
     "\"score\" is there twice"},
    {NULL, "{\"question\":\"q\"}", "no format"},
};

START_TEST(test_bad_row)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("bad.db");
    struct prefdb__import o = plain_import(NULL);
    const char *format = bad_rows[_i].format;
    if (format)
        o.format = prefdb__format_named(format);
    if (o.format && o.format->dimension == PREFDB__ASKED)
        o.dimension = PREFDB_SAFETY;
    int rc = import_text(db, "bad.jsonl", bad_rows[_i].row, o, &report, &err);
    ck_assert_int_eq(rc, PK_EDATA);
    ck_assert_msg(strstr(err.text, bad_rows[_i].reason) != NULL, "%s: %s",
                  bad_rows[_i].row, err.text);
    ck_assert_msg(strstr(err.text, "bad.jsonl:1: ") != NULL, "%s", err.text);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert_int_eq(number(db, "SELECT (SELECT count(*) FROM turn) +"
                                " (SELECT count(*) FROM import_log)"),
                     0);
    prefdb_close(db);
}
END_TEST

/* One bad row among good ones: nothing, or all but it, with its number. */
START_TEST(test_skip_bad)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("skip.db");
    const char *text = OWN() "\n\n{oops\n" JUDGED("\"choice\":\"a\"") "\n";
    ck_assert_int_eq(
        import_text(db, "m.jsonl", text, plain_import(NULL), &report, &err),
        PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "m.jsonl:3: "));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 0);
    struct prefdb__import o = plain_import(NULL);
    o.skip_bad = true;
    char *rejects = temp_path("rejects.jsonl");
    o.rejects = fopen(rejects, "wb");
    ck_ok(import_text(db, "m.jsonl", text, o, &report, &err));
    ck_assert_int_eq(fclose(o.rejects), 0);
    ck_assert_uint_eq(report.rows, 3);
    ck_assert_uint_eq(report.bad, 2);
    ck_assert_uint_eq(report.n_reasons, 2);
    ck_assert_uint_eq(report.reasons[0].lines[0], 3);
    ck_assert_uint_eq(report.reasons[1].lines[0], 4);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 1);
    char *got = read_file(rejects, NULL);
    ck_assert_ptr_nonnull(strstr(got, "\"line\":3,"));
    ck_assert_ptr_nonnull(strstr(got, "\"text\":\"{oops\"}\n"));
    ck_assert_ptr_nonnull(strstr(got, "\"line\":4,"));
    ck_assert_ptr_nonnull(strstr(got, "\"row\":{\"messages\""));
    free(got);
    prefdb_close(db);
}
END_TEST

START_TEST(test_repeats)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("rep.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_SAFETY;
    const char *text =
        "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\"}\n"
        "{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":\"y\"}\n"
        "{\"prompt\":\"p\",\"chosen\":\"y\",\"rejected\":\"x\"}\n";
    ck_ok(import_text(db, "r.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.counts.comparisons, 1);
    ck_assert_uint_eq(report.counts.known, 2);
    ck_assert_uint_eq(report.counts.judgments, 2);
    ck_assert_uint_eq(report.counts.repeats, 1);
    ck_assert_uint_eq(report.counts.unnamed, 1);
    ck_assert_uint_eq(report.counts.contradictory, 1);
    char before[65], after[65];
    ck_ok(prefdb_fingerprint(db, before, &err));
    ck_ok(import_text(db, "r.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 0);
    ck_assert_uint_eq(report.counts.repeats, 3);
    ck_assert_uint_eq(report.counts.unnamed, 0);
    /* Another split for what is there is not taken, and counted. */
    o.split = number(db, "SELECT split = 'test' FROM comparison") ? PREFDB_TRAIN
                                                                  : PREFDB_TEST;
    ck_ok(import_text(db, "r.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.counts.kept, 3);
    ck_ok(prefdb_fingerprint(db, after, &err));
    ck_assert_str_eq(before, after);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM import_log"), 3);
    prefdb_close(db);
}
END_TEST

/* Our own rows say what they are: --source does not change it, and --dimension
 * leaves out the judgments of the other one. Both are counted. */
START_TEST(test_own_rows_and_options)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("own.db");
    struct prefdb__import o = plain_import(NULL);
    o.dimension = PREFDB_SAFETY;
    o.source = "mine";
    const char *text = OWN(",\"source\":\"theirs\",\"judgments\":["
                           "{\"dimension\":\"safety\",\"choice\":\"a\"},"
                           "{\"dimension\":\"helpfulness\",\"choice\":\"b\"},"
                           "{\"choice\":\"b\"}]") "\n" OWN("") "\n";
    ck_ok(import_text(db, "own.jsonl", text, o, &report, &err));
    ck_assert_uint_eq(report.counts.comparisons, 2);
    ck_assert_uint_eq(report.sourced, 1);
    ck_assert_uint_eq(report.other, 1);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"
                                " WHERE dimension = 'safety'"),
                     2);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 2);
    prefdb_close(db);
}
END_TEST

/* Within one row, where the comparison is new. */
START_TEST(test_repeats_in_a_row)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("row.db");
    const char *text =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"a\":\"x\","
        "\"b\":"
        "\"y\",\"source\":\"s\",\"judgments\":["
        "{\"dimension\":\"safety\",\"choice\":\"a\",\"annotator\":\"ann\"},"
        "{\"dimension\":\"safety\",\"choice\":\"a\",\"annotator\":\"ann\"},"
        "{\"dimension\":\"safety\",\"choice\":\"b\",\"annotator\":\"ann\"}]}\n";
    ck_ok(
        import_text(db, "row.jsonl", text, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 2);
    ck_assert_uint_eq(report.counts.repeats, 1);
    ck_assert_uint_eq(report.counts.contradictory, 1);
    ck_assert_int_eq(number(db, "PRAGMA foreign_keys"), 1);
    prefdb_close(db);
}
END_TEST

/* Numbers that no double holds are kept as they were written. */
START_TEST(test_digits)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("digits.db");
    const char *text =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"a\":\"x\","
        "\"b\":"
        "\"y\",\"source\":\"s\",\"extra\":{\"id\":12345678901234567890,\"p\":"
        "0.10000000000000000001,\"q\":0.5}}\n";
    ck_ok(import_text(db, "d.jsonl", text, plain_import(NULL), &report, &err));
    ck_assert_int_eq(
        number(db, "SELECT extra = '{\"id\":12345678901234567890,\"p\":"
                   "0.10000000000000000001,\"q\":0.5}' FROM comparison"),
        1);
    ck_round_trip(db);
    prefdb_close(db);
}
END_TEST

/* A dialogue that goes on with either answer, turns back and begins anew, its
 * rows all in one file and each in a file of its own: what a row shares with
 * the one before need be neither hashed nor looked for again. */
START_TEST(test_shared_turns)
{
    static const char *const contexts[] = {
        "\"p\"",
        "\"p\",\"x\",\"q\"",
        "\"p\",\"x\",\"q\",\"y\",\"r\"",
        "\"p\",\"x\",\"q\",\"y\",\"r\",\"x\"",
        "\"p\",\"x\",\"q\",\"y\",\"s\"",
        "\"p\",\"y\",\"q\"",
        "\"p\",\"z\",\"q\"",
        "\"p\",\"x\"",
        "\"P\"",
        "\"p\"",
        "\"x\"",
        "\"p\",\"x\",\"q\"",
        "\"p\",\"x\",\"q\",\"y\",\"r\""};
    enum { N = sizeof contexts / sizeof *contexts };
    struct pk_err err;
    struct prefdb__report report;
    char row[N][1024], all[N * 1024] = "", one[65], many[65];
    struct prefdb *db = new_store("apart.db");
    for (int i = 0; i < N; i++) {
        const char *c = contexts[i];
        size_t n = 0;
        n += (size_t)snprintf(row[i], sizeof row[i], "{\"messages\":[");
        for (int k = 0; *c; k++, c += *c == ',')
            n += (size_t)snprintf(row[i] + n, sizeof row[i] - n,
                                  "%s{\"role\":\"%s\",\"content\":\"%.1s\"}",
                                  k ? "," : "", k % 2 ? "assistant" : "user",
                                  (c += 3) - 2);
        snprintf(row[i] + n, sizeof row[i] - n,
                 "],\"a\":\"%s\",\"b\":\"%s\",\"source\":\"s%d\","
                 "\"judgments\":[{\"dimension\":\"safety\",\"choice\":\"a\"}]}"
                 "\n",
                 i % 2 ? "y" : "x", i % 2 ? "x" : "y", i / 9);
        strcat(all, row[i]);
        ck_ok(import_text(db, "row.jsonl", row[i], plain_import(NULL), &report,
                          &err));
    }
    ck_ok(prefdb_fingerprint(db, many, &err));
    int64_t turns = number(db, "SELECT count(*) FROM turn");
    prefdb_close(db);
    db = new_store("together.db");
    ck_ok(import_text(db, "all.jsonl", all, plain_import(NULL), &report, &err));
    ck_ok(prefdb_fingerprint(db, one, &err));
    ck_assert_str_eq(one, many);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), turns);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), N);
    ck_round_trip(db);
    prefdb_close(db);
}
END_TEST

/* What an import did without is there again when it is done. */
START_TEST(test_guards)
{
    static const struct {
        const char *what;
        int64_t is;
    } guards[] = {{"PRAGMA foreign_keys", 1},
                  {"PRAGMA ignore_check_constraints", 0},
                  {"SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1},
                  {"PRAGMA cache_size", -65536}};
    struct prefdb *db = dialogue_store("guards.db");
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        ck_assert_int_eq(number(db, guards[i].what), guards[i].is);
    ck_assert_int_eq(
        sqlite3_exec(db->sql, "UPDATE judgment SET choice = 'b'", 0, 0, 0),
        SQLITE_CONSTRAINT);
    ck_assert_int_eq(
        sqlite3_exec(db->sql, "UPDATE comparison SET split = 'x'", 0, 0, 0),
        SQLITE_CONSTRAINT);
    prefdb_close(db);
}
END_TEST

/* A new store that somebody has open is filled too; they see it all at once. */
START_TEST(test_open_elsewhere)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *other, *db = new_store("both.db");
    ck_ok(prefdb_open(&other, temp_path("both.db"), PREFDB_READ, &err));
    ck_assert_int_eq(number(other, "SELECT count(*) FROM turn"), 0);
    ck_ok(import_text(db, "two.jsonl", two_rows, plain_import(NULL), &report,
                      &err));
    ck_assert_int_eq(number(other, "SELECT count(*) FROM comparison"), 2);
    prefdb_close(other);
    prefdb_close(db);
}
END_TEST

/* What is wrong with the store is no bad row, which one may go on without. */
START_TEST(test_damaged_store)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("damaged.db");
    char *path = temp_path("damaged.db"), zeros[512] = {0};
    ck_ok(import_text(db, "one.jsonl", OWN() "\n", plain_import(NULL), &report,
                      &err));
    long at = (long)number(db, "SELECT (rootpage - 1) * page_size"
                               " FROM sqlite_schema, pragma_page_size"
                               " WHERE type = 'index' AND"
                               " tbl_name = 'comparison' AND sql IS NULL");
    prefdb_close(db);
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(zeros, 1, sizeof zeros, f), sizeof zeros);
    ck_assert_int_eq(fclose(f), 0);
    ck_ok(prefdb_open(&db, path, PREFDB_WRITE, &err));
    struct prefdb__import o = plain_import(NULL);
    o.skip_bad = true;
    ck_assert_int_eq(
        import_text(db, "again.jsonl", OWN() "\n", o, &report, &err), PK_EDATA);
    ck_assert_uint_eq(report.bad, 0);
    ck_assert_ptr_nonnull(strstr(err.text, "damaged.db: the store is damaged"));
    ck_assert_ptr_null(strstr(err.text, "jsonl"));
    prefdb_close(db);
}
END_TEST

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

/* Import from a pipe that has no end, until the store is killed when much of it
 * is in the file. */
static void import_and_die(const char *path, off_t size)
{
    int fd[2];
    static char row[1 << 16];
    ck_assert_int_eq(pipe(fd), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct pk_err err;
        struct prefdb *db;
        struct prefdb__report report;
        struct prefdb__import o = plain_import("-");
        close(fd[1]);
        dup2(fd[0], STDIN_FILENO);
        _exit(prefdb_open(&db, path, PREFDB_WRITE, &err) == 0 &&
              prefdb__import_file(db, &o, &report, &err) == 0);
    }
    close(fd[0]);
    for (int i = 0; size_of(path) < size; i++) {
        char text[32768];
        memset(text, 'a' + i % 26, sizeof text - 1);
        text[sizeof text - 1] = 0;
        int n = snprintf(row, sizeof row,
                         "{\"messages\":[{\"role\":\"user\",\"content\":"
                         "\"%d\"}],\"a\":\"%s\",\"b\":\"no\"}\n",
                         i, text);
        ck_assert_int_eq(write(fd[1], row, (size_t)n), n);
    }
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(fd[1]);
}

/* Killed when pages of the import are in the store's file already. */
START_TEST(test_killed_midway)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("midway.db");
    char *path = temp_path("midway.db");
    char journal[600];
    prefdb_close(db);
    import_and_die(path, 1 << 20);
    snprintf(journal, sizeof journal, "%s-journal", path);
    ck_assert_int_gt(size_of(journal), 0);
    ck_ok(prefdb_open(&db, path, PREFDB_READ, &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 0);
    prefdb_close(db);
    import_and_die(path, 1 << 20);
    ck_ok(prefdb_open(&db, path, PREFDB_WRITE, &err));
    ck_assert_int_eq(size_of(journal), 0);
    ck_assert_int_eq(
        number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 0);
    ck_ok(import_text(db, "two.jsonl", two_rows, plain_import(NULL), &report,
                      &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM comparison"), 2);
    prefdb_close(db);
}
END_TEST

START_TEST(test_dry_run)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("dry.db");
    struct prefdb__import o = plain_import(NULL);
    o.dry_run = true;
    ck_ok(import_text(db, "own.jsonl", full_row, o, &report, &err));
    ck_assert_uint_eq(report.counts.comparisons, 1);
    ck_assert_int_eq(number(db, "SELECT (SELECT count(*) FROM turn) +"
                                " (SELECT count(*) FROM import_log)"),
                     0);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prefdb_import_rows");
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 60);
    tcase_add_loop_test(rows, test_bad_row, 0,
                        (int)(sizeof bad_rows / sizeof bad_rows[0]));
    tcase_add_test(rows, test_skip_bad);
    tcase_add_test(rows, test_repeats);
    tcase_add_test(rows, test_own_rows_and_options);
    tcase_add_test(rows, test_repeats_in_a_row);
    tcase_add_test(rows, test_digits);
    tcase_add_test(rows, test_shared_turns);
    tcase_add_test(rows, test_dry_run);
    suite_add_tcase(s, rows);
    TCase *bulk = tcase_create("bulk");
    tcase_set_timeout(bulk, 120);
    tcase_add_test(bulk, test_guards);
    tcase_add_test(bulk, test_damaged_store);
    tcase_add_test(bulk, test_open_elsewhere);
    tcase_add_test(bulk, test_killed_midway);
    suite_add_tcase(s, bulk);
    return run_suite(s);
}
