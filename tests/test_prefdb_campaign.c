/* Campaigns: tasks chosen, handed out and judged, by many at one store. */
#include <math.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prefdb/stats/agreement.h"
#include "prefdb/stats/campaign_report.h"
#include "prefdb/store/check.h"
#include "tests/prefdb_campaigns.h"
#include "tests/schema.h"

/* ---- Leases -------------------------------------------------------------- */

/* Waits for the disk: SQLite's calls come here. */
static int waits;
int fdatasync(int fd)
{
    waits++;
    return (int)syscall(SYS_fdatasync, fd);
}
int fsync(int fd)
{
    waits++;
    return (int)syscall(SYS_fsync, fd);
}

static int since(void)
{
    int n = waits;
    waits = 0;
    return n;
}

/* A lease waits for no disk, where the log is new, nor after others have
 * written to it; a verdict does, always, and a lazy call before it makes no
 * difference. */
START_TEST(test_lazy)
{
    struct pk_err err;
    struct prefdb *db = store_of("lazy.db", 20), *other;
    int64_t c = campaign(db, 1, 3600), j;
    prefdb_close(db); /* and with it its log */
    ck_ok(prefdb_open(&db, temp_path("lazy.db"), PREFDB_WRITE, &err));
    ck_ok(prefdb_open(&other, temp_path("lazy.db"), PREFDB_WRITE, &err));
    since();
    int64_t first = next(db, c, "ann");
    ck_assert_int_gt(first, 0);
    ck_assert_int_eq(since(), 0);
    ck_ok(prefdb_submit(db, c, "ann", first, &says_a, &j, &err));
    ck_assert_int_ge(since(), 1);
    ck_assert_int_gt(next(other, c, "bob"), 0);
    int64_t second = next(db, c, "ann");
    ck_assert_int_eq(since(), 0);
    ck_ok(prefdb_draft_put(db, "ann", "k", "v", &err));
    ck_assert_int_ge(since(), 1);
    ck_ok(prefdb_lazy(db, true, &err));
    ck_ok(prefdb_draft_put(db, "ann", "k", "w", &err));
    ck_assert_int_gt(next(db, c, "ann"), 0);
    ck_ok(prefdb_draft_put(db, "ann", "k", "x", &err));
    ck_assert_int_eq(since(), 0);
    ck_ok(prefdb_lazy(db, false, &err));
    ck_ok(prefdb_submit(db, c, "ann", second, &says_a, &j, &err));
    ck_assert_int_ge(since(), 1);
    prefdb_close(other);
    prefdb_close(db);
}
END_TEST

/* A store whose log is none, or is being begun anew, is not written to without
 * the waits that keep it whole. */
START_TEST(test_lazy_whole)
{
    struct pk_err err;
    struct prefdb *db = store_of("whole.db", 20);
    int64_t c = campaign(db, 1, 3600);
    ck_ok(prefdb__exec(db, "PRAGMA wal_checkpoint(FULL)", &err));
    since();
    ck_assert_int_gt(next(db, c, "ann"), 0); /* the log begins anew */
    ck_assert_int_ge(since(), 1);
    ck_ok(prefdb__exec(db, "PRAGMA journal_mode = DELETE", &err));
    since();
    ck_assert_int_gt(next(db, c, "bob"), 0);
    ck_assert_int_ge(since(), 1);
    prefdb_close(db);
}
END_TEST

/* Settings are kept; a guideline's version keeps its text. */
START_TEST(test_settings)
{
    struct pk_err err;
    struct prefdb_campaign c = {.name = "c",
                                .dimension = PREFDB_SAFETY,
                                .overlap = 1,
                                .lease_seconds = 60,
                                .guideline = "v1",
                                .guideline_text = "Be fair.",
                                .gold = "eve",
                                .gold_every = 10,
                                .repeat_every = 20,
                                .turn_limit = 7},
                           got;
    struct prefdb_fill f = {
        .order = PREFDB_UNCERTAIN, .scored_by = "help", .against = "safe"};
    int64_t n;
    char *text;
    struct prefdb *db = dialogue_store("s.db");
    ck_ok(prefdb__exec(db,
                       "INSERT INTO score SELECT id, zeroblob(32), 'help', id,"
                       " '' FROM response UNION ALL SELECT id,"
                       " x'"
                       "01010101010101010101010101010101"
                       "01010101010101010101010101010101"
                       "', 'safe', -id, '' FROM response",
                       &err));
    ck_ok(prefdb_campaign_put(db, &c, &err));
    ck_ok(prefdb_campaign_fill(db, c.id, &f, &n, &err));
    ck_ok(prefdb_campaign_get(db, "c", &got, &err));
    ck_assert_str_eq(got.gold, "eve");
    ck_assert_int_eq(got.gold_every, 10);
    ck_assert_int_eq(got.repeat_every, 20);
    ck_assert_int_eq(got.turn_limit, 7);
    ck_assert_int_eq(got.order, PREFDB_UNCERTAIN);
    ck_assert_str_eq(got.scored_by, "help");
    ck_assert_str_eq(got.against, "safe");
    c.guideline_text = "Be kind.";
    ck_assert_int_eq(prefdb_campaign_put(db, &c, &err), PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "another text"));
    c.guideline = "v2";
    c.gold = NULL;
    ck_assert_int_eq(prefdb_campaign_put(db, &c, &err), PK_EUSAGE);
    c.gold_every = 0;
    ck_ok(prefdb_campaign_put(db, &c, &err));
    ck_ok(prefdb_campaign_get(db, "c", &got, &err));
    ck_assert_str_eq(got.guideline_text, "Be kind.");
    ck_assert_ptr_null(got.gold);
    ck_ok(prefdb_guideline(db, c.id, "v1", &text, &err));
    ck_assert_str_eq(text, "Be fair.");
    free(text);
    ck_ok(prefdb_guideline(db, c.id, "v3", &text, &err));
    ck_assert_ptr_null(text);
    prefdb_close(db);
}
END_TEST

START_TEST(test_leases)
{
    struct pk_err err;
    int64_t j, *ids;
    size_t n;
    struct prefdb_campaign got;
    struct prefdb *db = store_of("l.db", 3);
    int64_t c = campaign(db, 1, 3600);
    ck_ok(prefdb_campaign_get(db, "c", &got, &err));
    ck_assert_str_eq(got.guideline_text, "Be fair.");
    int64_t x = next(db, c, "ann");
    ck_assert_int_eq(next(db, c, "ann"), x); /* the one in hand */
    int64_t y = next(db, c, "bob");
    ck_assert_int_ne(y, x);
    int64_t z = next(db, c, "eve");
    ck_assert_int_eq(x + y + z, 6);
    struct prefdb_task none;
    ck_assert_int_eq(prefdb_next(db, c, "dan", &none, &err), 0);
    ck_assert(none.waiting);
    /* Another's task, and a choice that is not allowed. */
    ck_assert_int_eq(prefdb_submit(db, c, "dan", x, &says_a, &j, &err), PK_ENO);
    struct prefdb_verdict tie = says_a;
    tie.choice = PREFDB_TIE;
    ck_assert_int_eq(prefdb_submit(db, c, "ann", x, &tie, &j, &err), PK_EUSAGE);
    ck_ok(prefdb_submit(db, c, "ann", x, &says_a, &j, &err));
    ck_assert_int_eq(prefdb_submit(db, c, "ann", x, &says_a, &j, &err), PK_ENO);
    ck_assert_int_eq(prefdb_submit(db, c, "dan", x, &says_a, &j, &err), PK_ENO);
    ck_assert_int_eq(next(db, c, "ann"), 0);
    /* Released, skipped. */
    ck_ok(prefdb_release(db, c, "bob", &err));
    ck_assert_int_eq(next(db, c, "ann"), y);
    ck_ok(prefdb_skip(db, c, "ann", y, "unclear", &err));
    ck_assert_int_eq(next(db, c, "ann"), 0);
    /* Taken back: in hand again; but not from the hands of another. */
    ck_assert_int_eq(prefdb_unskip(db, c, "dan", &j, &err), PK_ENO);
    ck_ok(prefdb_unskip(db, c, "ann", &j, &err));
    ck_assert_int_eq(j, y);
    ck_assert_int_eq(prefdb_unskip(db, c, "ann", &j, &err), PK_ENO);
    ck_assert_int_eq(next(db, c, "ann"), y);
    ck_ok(prefdb_release(db, c, "ann", &err));
    ck_assert_int_eq(next(db, c, "ann"), y); /* found again, too */
    ck_ok(prefdb_skip(db, c, "ann", y, "unclear", &err));
    ck_assert_int_eq(next(db, c, "bob"), y);
    ck_assert_int_eq(prefdb_unskip(db, c, "ann", &j, &err), PK_ENO);
    /* Revise, withdraw: the task is open again. */
    ck_ok(prefdb_history(db, c, "ann", &ids, &n, &err));
    ck_assert_uint_eq(n, 1);
    struct prefdb_verdict b = says_a;
    b.choice = PREFDB_B;
    ck_assert_int_eq(prefdb_revise(db, c, "bob", ids[0], &b, &j, &err), PK_ENO);
    ck_ok(prefdb_revise(db, c, "ann", ids[0], &b, &j, &err));
    ck_assert_int_eq(prefdb_revise(db, c, "ann", ids[0], &b, &j, &err), PK_ENO);
    free(ids);
    ck_ok(prefdb_history(db, c, "ann", &ids, &n, &err));
    ck_assert_uint_eq(n, 1);
    struct prefdb_example e;
    ck_ok(prefdb_get(db, ids[0], &e, &err));
    ck_assert_int_eq(e.choice, PREFDB_B);
    ck_ok(prefdb_revise(db, c, "ann", ids[0], NULL, &j, &err));
    free(ids);
    ck_assert_int_eq(next(db, c, "dan"), x);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 3);
    ck_assert_int_eq(problems(db), 0);
    ck_ok(prefdb_get_comparison(db, x, &e, &err));
    ck_assert_int_eq(e.comparison, x);
    ck_assert_uint_eq(e.n_context, 1);
    prefdb_close(db);
}
END_TEST

/* A lease that has run out goes to another; who comes late is told. */
START_TEST(test_expired)
{
    struct pk_err err;
    int64_t j;
    struct prefdb *db = store_of("e.db", 1);
    int64_t c = campaign(db, 1, 3600);
    int64_t x = next(db, c, "ann");
    ck_assert_int_eq(next(db, c, "bob"), 0);
    ck_ok(prefdb__exec(db, "UPDATE lease SET expires = 1", &err));
    ck_assert_int_eq(next(db, c, "bob"), x);
    ck_assert_int_eq(prefdb_submit(db, c, "ann", x, &says_a, &j, &err), PK_ENO);
    ck_ok(prefdb_submit(db, c, "bob", x, &says_a, &j, &err));
    struct prefdb_progress p;
    ck_ok(prefdb_progress(db, c, "bob", &p, &err));
    ck_ok(prefdb_campaign_done(db, c, &j, &err));
    ck_assert_int_eq(p.tasks, 1);
    ck_assert_int_eq(j, 1);
    ck_assert_int_eq(p.judged, 1);
    prefdb_close(db);
}
END_TEST

START_TEST(test_drafts)
{
    struct pk_err err;
    char *value;
    struct prefdb *db = new_store("d.db");
    ck_ok(prefdb_draft_get(db, "ann", "k", &value, &err));
    ck_assert_ptr_null(value);
    ck_ok(prefdb_draft_put(db, "ann", "k", "half a thought", &err));
    ck_ok(prefdb_draft_put(db, "ann", "k", "half a thought, and", &err));
    ck_ok(prefdb_draft_get(db, "ann", "k", &value, &err));
    ck_assert_str_eq(value, "half a thought, and");
    free(value);
    ck_ok(prefdb_draft_put(db, "ann", "k", NULL, &err));
    ck_ok(prefdb_draft_get(db, "ann", "k", &value, &err));
    ck_assert_ptr_null(value);
    prefdb_close(db);
}
END_TEST

/* A draft of a verdict goes with it, in one: left behind, it would be there
 * again when the pair comes back as a repeat. */
START_TEST(test_draft_of_a_verdict)
{
    struct pk_err err;
    int64_t j, again;
    char *value;
    struct prefdb *db = store_of("v.db", 1);
    int64_t c = campaign(db, 1, 3600);
    int64_t x = next(db, c, "ann");
    struct prefdb_verdict v = says_a;
    v.draft_key = "k";
    v.choice = PREFDB_TIE; /* is not allowed */
    ck_ok(prefdb_draft_put(db, "ann", "k", "half", &err));
    ck_ok(prefdb_draft_put(db, "bob", "k", "another's", &err));
    ck_assert_int_eq(prefdb_submit(db, c, "ann", x, &v, &j, &err), PK_EUSAGE);
    ck_ok(prefdb_draft_get(db, "ann", "k", &value, &err));
    ck_assert_str_eq(value, "half");
    free(value);
    v.choice = PREFDB_A;
    ck_ok(prefdb_submit(db, c, "ann", x, &v, &j, &err));
    ck_ok(prefdb_draft_get(db, "ann", "k", &value, &err));
    ck_assert_ptr_null(value);
    ck_ok(prefdb_draft_put(db, "ann", "k", "half", &err));
    ck_ok(prefdb_revise(db, c, "ann", j, &v, &again, &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM draft"), 1);
    prefdb_close(db);
}
END_TEST

/* What was shown for one dimension is not filed under another. */
START_TEST(test_dimension)
{
    struct pk_err err;
    struct prefdb_campaign got;
    int64_t j;
    struct prefdb *db = store_of("dim.db", 2);
    struct prefdb_campaign c = {.name = "c",
                                .dimension = PREFDB_SAFETY,
                                .overlap = 1,
                                .lease_seconds = 60};
    ck_ok(prefdb_campaign_put(db, &c, &err));
    c.dimension = PREFDB_HELPFULNESS; /* nothing was shown yet */
    ck_ok(prefdb_campaign_put(db, &c, &err));
    int64_t id = campaign(db, 1, 3600), x = next(db, id, "ann");
    c.dimension = PREFDB_SAFETY;
    ck_assert_int_eq(prefdb_campaign_put(db, &c, &err), PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "'c' has tasks for helpfulness"));
    ck_ok(prefdb_campaign_get(db, "c", &got, &err));
    ck_assert_int_eq(got.dimension, PREFDB_HELPFULNESS);
    c.dimension = PREFDB_HELPFULNESS;
    c.quota = 9;
    ck_ok(prefdb_campaign_put(db, &c, &err));
    struct prefdb_verdict other = says_a;
    other.dimension = PREFDB_SAFETY;
    ck_assert_int_eq(prefdb_submit(db, id, "ann", x, &other, &j, &err), PK_ENO);
    ck_assert_ptr_nonnull(strstr(err.text, "asks for helpfulness now"));
    ck_ok(prefdb_submit(db, id, "ann", x, &says_a, &j, &err));
    ck_assert_int_eq(prefdb_revise(db, id, "ann", j, &other, &j, &err), PK_ENO);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 1);
    prefdb_close(db);
}
END_TEST

enum { LABELERS = 12, TASKS = 60, OVERLAP = 3 };

/* One labeler: take and judge until nothing is left; the number judged goes
 * into the pipe. Dies half way when told to. */
static void labeler(const char *path, int64_t c, int me, int out)
{
    struct prefdb *db;
    struct pk_err err;
    char who[32];
    int done = 0;
    snprintf(who, sizeof who, "labeler%d", me);
    if (prefdb_open(&db, path, PREFDB_WRITE, &err) < 0)
        _exit(2);
    for (;;) {
        struct prefdb_task task;
        int64_t j;
        int rc = prefdb_next(db, c, who, &task, &err);
        if (rc < 0)
            _exit(3);
        if (!rc && !task.waiting)
            break;
        if (!rc) {
            usleep(2000);
            continue;
        }
        rc = prefdb_submit(db, c, who, task.comparison, &says_a, &j, &err);
        if (rc < 0)
            _exit(4);
        done++;
    }
    prefdb_close(db);
    _exit(write(out, &done, sizeof done) == sizeof done ? 0 : 5);
}

START_TEST(test_twelve)
{
    struct pk_err err;
    struct prefdb *db = store_of("twelve.db", TASKS);
    int64_t c = campaign(db, OVERLAP, 3600);
    prefdb_close(db);
    char *path = temp_path("twelve.db");
    int ends[2], total = 0;
    pid_t child[LABELERS];
    ck_assert_int_eq(pipe(ends), 0);
    for (int i = 0; i < LABELERS; i++) {
        child[i] = fork();
        ck_assert_int_ge(child[i], 0);
        if (child[i] == 0)
            labeler(path, c, i, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < LABELERS; i++) {
        int status, n = 0;
        ck_assert_int_eq(waitpid(child[i], &status, 0), child[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "labeler %d ended with %d", i, status);
        ck_assert_int_eq(read(ends[0], &n, sizeof n), sizeof n);
        total += n;
    }
    close(ends[0]);
    ck_ok(prefdb_open(&db, path, PREFDB_WRITE, &err));
    ck_assert_int_eq(total, TASKS * OVERLAP);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"),
                     TASKS * OVERLAP);
    ck_assert_int_eq(number(db, "SELECT max(n) FROM (SELECT count(*) AS n FROM"
                                " judgment GROUP BY comparison)"),
                     OVERLAP);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM lease"), 0);
    ck_assert_int_eq(problems(db), 0);
    prefdb_close(db);
}
END_TEST

/* ---- Filling ------------------------------------------------------------- */

/* A few at a time until there are no more: each once, none of another source;
 * whether row numbers are drawn (many rows) or all are shuffled (few). */
START_TEST(test_fill_by_parts)
{
    struct prefdb *db = store_of("parts.db", 300);
    struct prefdb_fill f = {.source = "even", .order = PREFDB_RANDOM};
    int64_t c = empty_campaign(db, "parts"), total = 0, n;
    f.limit = 7;
    while ((n = fill(db, c, f)) > 0) {
        ck_assert_int_le(n, 7);
        total += n;
        f.seed++;
    }
    ck_assert_int_eq(total, 150);
    ck_assert_int_eq(number(db, "SELECT count(DISTINCT t.comparison) FROM task"
                                " AS t JOIN comparison AS c ON c.id ="
                                " t.comparison WHERE c.source = 'even'"),
                     150);
    ck_assert_int_eq(number(db, "SELECT max(position) FROM task"), 150);
    ck_assert_int_gt(number(db, "SELECT count(*) FROM task AS a JOIN task AS b"
                                " ON b.position = a.position + 1"
                                " WHERE b.comparison < a.comparison"),
                     30);
    prefdb_close(db);
}
END_TEST

/* Scores by a model such that r(a) - r(b) of comparison i + 1 is margins[i];
 * none where that is NaN. */
static void put_scores(struct prefdb *db, const char *name, char digit,
                       const double margins[], int n)
{
    struct pk_err err;
    char model[65];
    memset(model, digit, 64);
    model[64] = 0;
    for (int i = 0; i < n; i++) {
        char sql[80];
        struct prefdb_score s[2] = {{.model = model, .name = name},
                                    {.model = model, .name = name}};
        if (isnan(margins[i]))
            continue;
        snprintf(sql, sizeof sql, "SELECT a FROM comparison WHERE id = %d",
                 i + 1);
        s[0].response = number(db, sql);
        sql[7] = 'b';
        s[1].response = number(db, sql);
        s[0].value = margins[i];
        ck_ok(prefdb_scores_put(db, s, 2, &err));
    }
}

static void ck_order(struct prefdb *db, int64_t c, const int *want, int n)
{
    char sql[100];
    for (int i = 0; i < n; i++) {
        snprintf(sql, sizeof sql,
                 "SELECT comparison FROM task WHERE campaign = %d AND"
                 " position = %d",
                 (int)c, i + 1);
        ck_assert_int_eq(number(db, sql), want[i]);
    }
}

START_TEST(test_uncertain)
{
    static const double help[] = {3, -0.1, NAN, 1, -8};
    static const double safe[] = {2.5, -0.2, 1, -1, -9};
    struct pk_err err;
    struct prefdb *db = store_of("doubt.db", 5);
    struct prefdb_fill f = {.order = PREFDB_UNCERTAIN};
    int64_t n, c = empty_campaign(db, "one");
    ck_assert_int_eq(prefdb_campaign_fill(db, c, &f, &n, &err), PK_EUSAGE);
    f.scored_by = "help";
    ck_assert_int_eq(prefdb_campaign_fill(db, c, &f, &n, &err), PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "help"));
    put_scores(db, "help", 'a', help, 5);
    put_scores(db, "safe", 'b', safe, 5);
    ck_assert_int_eq(fill(db, c, f), 5);
    ck_order(db, c, (const int[]){2, 4, 1, 5, 3}, 5);
    /* sigma(1) and sigma(-1) are furthest apart, -8 and -9 closest. */
    f.against = "safe";
    c = empty_campaign(db, "two");
    ck_assert_int_eq(fill(db, c, f), 5);
    ck_order(db, c, (const int[]){4, 1, 2, 5, 3}, 5);
    prefdb_close(db);
}
END_TEST

/* ---- What one annotator has said ----------------------------------------- */

START_TEST(test_habits)
{
    struct pk_err err;
    struct prefdb *db = store_of("habits.db", 4);
    int64_t c = campaign(db, 2, 60), j;
    struct prefdb_habits h;
    struct prefdb_progress p;
    struct prefdb__report report;
    for (int i = 0; i < 3; i++) {
        struct prefdb_verdict v = says_a; /* shown left: b */
        v.strength = i;
        v.seconds = 1 << i;
        v.choice = i ? PREFDB_B : PREFDB_A;
        ck_ok(prefdb_submit(db, c, "ann", next(db, c, "ann"), &v, &j, &err));
    }
    ck_ok(prefdb_submit(db, c, "bob", next(db, c, "bob"), &says_a, &j, &err));
    ck_ok(prefdb_progress(db, c, "ann", &p, &err));
    ck_assert_int_eq(p.judged, 3);
    ck_assert_int_eq(p.tasks, 4);
    ck_ok(prefdb_habits(db, c, "ann", NULL, &h, &err));
    ck_assert_uint_eq(h.judged, 3);
    ck_assert_uint_eq(h.sided, 3);
    ck_assert_uint_eq(h.left, 2);
    ck_assert_uint_eq(h.strengths[1], 1);
    ck_assert_uint_eq(h.repeats, 0);
    ck_assert_double_eq(h.median, 2);
    ck_assert_double_eq(h.seconds, 7);
    /* What is imported counts too. */
    ck_ok(import_text(db, "more.jsonl",
                      "{\"messages\":[{\"role\":\"user\",\"content\":"
                      "\"Question 0?\"}],\"a\":\"yes 0\",\"b\":\"no\","
                      "\"source\":\"even\",\"judgments\":[{\"dimension\":"
                      "\"helpfulness\",\"choice\":\"a\",\"annotator\":"
                      "\"bob\"}]}\n",
                      plain_import(NULL), &report, &err));
    ck_ok(prefdb_progress(db, c, "bob", &p, &err));
    ck_assert_int_eq(p.judged, 2);
    ck_ok(prefdb_habits(db, c, "ann", "2999", &h, &err));
    ck_assert_uint_eq(h.judged, 0);
    ck_assert(isnan(h.median));
    prefdb_close(db);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb campaigns");
    TCase *t = tcase_create("campaigns");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_settings);
    tcase_add_test(t, test_leases);
    tcase_add_test(t, test_lazy);
    tcase_add_test(t, test_lazy_whole);
    tcase_add_test(t, test_expired);
    tcase_add_test(t, test_dimension);
    tcase_add_test(t, test_drafts);
    tcase_add_test(t, test_draft_of_a_verdict);
    tcase_add_test(t, test_twelve);
    tcase_add_test(t, test_fill_by_parts);
    tcase_add_test(t, test_uncertain);
    tcase_add_test(t, test_habits);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
