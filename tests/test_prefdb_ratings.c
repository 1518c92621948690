/* Ratings of single responses: in our own rows, through the door, in `check`,
 * `merge` and the fingerprint. That every format that has them gives them, and
 * that they survive export and import, is in test_prefdb_formats.c. */
#include <math.h>

#include "prefdb/export/export.h"
#include "prefdb/store/check.h"
#include "prefdb/team/merge.h"
#include "tests/prefdb_support.h"

/* Three responses to one prompt; the second is in both comparisons. */
static const char rated_rows[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"a\":{\"content\":"
    "\"x\",\"ratings\":[{\"attribute\":\"clear\",\"value\":1.5,\"low\":0,"
    "\"high\":4,\"annotator\":\"ann\",\"created\":\"2026-01-01\",\"extra\":"
    "{\"k\":1}}]},\"b\":{\"content\":\"y\",\"ratings\":[{\"attribute\":"
    "\"clear\","
    "\"value\":4,\"low\":0,\"high\":4},{\"attribute\":\"score\",\"value\":-7}]}"
    ","
    "\"source\":\"s\",\"split\":\"test\"}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"a\":{\"content\":"
    "\"y\",\"ratings\":[{\"attribute\":\"score\",\"value\":-7},{\"attribute\":"
    "\"clear\",\"value\":4,\"low\":0,\"high\":4}]},\"b\":\"z\",\"source\":"
    "\"t\","
    "\"split\":\"test\"}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"response\":"
    "{\"content\":\"alone\",\"ratings\":[{\"attribute\":\"is_safe\",\"value\":"
    "1,"
    "\"low\":0,\"high\":1}]}}\n";

static struct prefdb *rated(const char *name)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store(name);
    ck_ok(import_text(db, "rated.jsonl", rated_rows, plain_import(NULL),
                      &report, &err));
    ck_assert_uint_eq(report.counts.ratings, 4);
    ck_assert_uint_eq(report.counts.rated, 2);
    ck_assert_int_eq(number(db, "SELECT ratings FROM import_log"), 4);
    return db;
}

struct sum {
    struct prefdb *db;
    int n;
    double value;
    char texts[64];
};

static int add(void *ctx, const struct prefdb_rating *r, struct pk_err *err)
{
    struct sum *s = ctx;
    struct prefdb_response x;
    size_t n = strlen(s->texts);
    if (prefdb_response_get(s->db, r->response, &x, err) < 0)
        return err->code;
    snprintf(s->texts + n, sizeof s->texts - n, "%s:%s ", x.text.text,
             r->attribute);
    s->n++;
    s->value += r->value;
    return 0;
}

START_TEST(test_door)
{
    static const struct {
        struct prefdb_rating_query q;
        const char *texts;
        double value;
    } cases[] = {
        {{NULL, -1, NULL}, "y:clear y:score x:clear alone:is_safe ", -0.5},
        {{"clear", -1, NULL}, "y:clear x:clear ", 5.5},
        {{NULL, PREFDB_TEST, NULL}, "y:clear y:score x:clear ", -1.5},
        {{NULL, PREFDB_TRAIN, NULL}, "", 0},
        {{NULL, PREFDB_TEST, "t"}, "y:clear y:score ", -3},
        {{"clear", -1, "s"}, "y:clear x:clear ", 5.5},
        {{"no such", -1, NULL}, "", 0},
    };
    struct pk_err err;
    struct prefdb *db = rated("door.db");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sum s = {.db = db};
        ck_ok(prefdb_ratings(db, &cases[i].q, add, &s, &err));
        ck_assert_str_eq(s.texts, cases[i].texts);
        ck_assert_double_eq(s.value, cases[i].value);
    }
    prefdb_close(db);
}
END_TEST

static int stop(void *ctx, const struct prefdb_rating *r, struct pk_err *err)
{
    int *n = ctx;
    (void)r;
    return ++*n == 2 ? pk_fail(err, PK_EINTR, "enough") : 0;
}

START_TEST(test_stop)
{
    struct pk_err err;
    struct prefdb *db = rated("stop.db");
    const struct prefdb_rating_query all = {NULL, -1, NULL};
    int n = 0;
    ck_assert_int_eq(prefdb_ratings(db, &all, stop, &n, &err), PK_EINTR);
    ck_assert_int_eq(n, 2);
    prefdb_close(db);
}
END_TEST

START_TEST(test_attributes)
{
    struct pk_err err;
    struct prefdb_attribute *v;
    size_t n;
    struct prefdb *db = rated("attributes.db");
    ck_ok(prefdb_attributes(db, &v, &n, &err));
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(v[0].name, "clear");
    ck_assert_uint_eq(v[0].ratings, 2);
    ck_assert_uint_eq(v[0].responses, 2);
    ck_assert_uint_eq(v[0].annotators, 1);
    ck_assert_double_eq(v[0].mean, 2.75);
    ck_assert_double_eq(v[0].high, 4);
    ck_assert_str_eq(v[2].name, "score");
    ck_assert(isnan(v[2].low) && isnan(v[2].high));
    prefdb_attributes_free(v, n);
    /* On another scale it is another thing. */
    struct prefdb__report report;
    ck_ok(import_text(db, "again.jsonl",
                      "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                      "\"response\":{\"content\":\"x\",\"ratings\":[{"
                      "\"attribute\":\"clear\",\"value\":5,\"low\":1,"
                      "\"high\":5}]}}\n",
                      plain_import(NULL), &report, &err));
    ck_ok(prefdb_attributes(db, &v, &n, &err));
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(v[1].name, "clear");
    ck_assert(v[0].low == 0 && v[0].high == 4 && v[0].mean == 2.75);
    ck_assert(v[1].low == 1 && v[1].high == 5 && v[1].mean == 5);
    ck_assert(v[1].ratings == 1 && v[1].responses == 1);
    prefdb_attributes_free(v, n);
    prefdb_close(db);
    db = new_store("none.db");
    ck_ok(prefdb_attributes(db, &v, &n, &err));
    ck_assert_uint_eq(n, 0);
    prefdb_attributes_free(v, n);
    prefdb_close(db);
}
END_TEST

static void count_found(void *ctx, const struct prefdb__found *f)
{
    int *n = ctx;
    *n += strcmp(f->kind, "rating") == 0 && f->row == 1;
}

/* Whatever is changed of a rating, check names it. */
START_TEST(test_check)
{
    static const char *const changes[] = {"uid = randomblob(16)",
                                          "response = 3",
                                          "attribute = 'x'",
                                          "value = 3",
                                          "low = -1",
                                          "high = 5",
                                          "annotator = 'eve'",
                                          "created = '2026-01-02'",
                                          "extra = '{}'"};
    struct pk_err err;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct prefdb *db = rated("check.db");
        int n = 0;
        const struct prefdb__listener to = {.found = count_found, .ctx = &n};
        char sql[128];
        ck_ok(prefdb__check(db, &to, &err));
        ck_assert_int_eq(n, 0);
        snprintf(sql, sizeof sql, "UPDATE rating SET %s WHERE id = 1",
                 changes[i]);
        ck_ok(prefdb__exec(db, sql, &err));
        ck_ok(prefdb__check(db, &to, &err));
        ck_assert_msg(n == 1, "%s: %d", changes[i], n);
        prefdb_close(db);
    }
}
END_TEST

START_TEST(test_merge)
{
    struct pk_err err;
    struct prefdb__merged m;
    char one[65], two[65];
    struct prefdb *db = rated("from.db"), *into = new_store("into.db");
    ck_ok(prefdb_fingerprint(db, one, &err));
    prefdb_close(db);
    for (int i = 0; i < 2; i++) {
        ck_ok(prefdb__merge(into, temp_path("from.db"), false, NULL, &m, &err));
        ck_assert_uint_eq(m.added[PREFDB__RATED], i ? 0 : 4);
        ck_assert_uint_eq(m.known[PREFDB__RATED], i ? 4 : 0);
    }
    ck_ok(prefdb_fingerprint(into, two, &err));
    ck_assert_str_eq(one, two);
    /* A rating more is another store. */
    ck_ok(prefdb__exec(into, "DELETE FROM rating WHERE id = 1", &err));
    ck_ok(prefdb_fingerprint(into, two, &err));
    ck_assert_str_ne(one, two);
    prefdb_close(into);
}
END_TEST

#define ROW(rating)                                                            \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"a\":{"           \
    "\"content\":"                                                             \
    "\"x\",\"ratings\":" rating "},\"b\":\"y\",\"source\":\"s\"}\n"

static const struct {
    const char *row, *reason;
} bad[] = {
    {ROW("[{\"attribute\":\"q\"}]"), "not a finite number"},
    {ROW("[{\"value\":1}]"), "\"attribute\" is missing"},
    {ROW("[{\"attribute\":\"\",\"value\":1}]"), "no attribute"},
    {ROW("[{\"attribute\":\"q\",\"value\":\"1\"}]"), "\"value\" is not"},
    {ROW("[{\"attribute\":\"q\",\"value\":5,\"low\":0,\"high\":4}]"),
     "not on its scale"},
    {ROW("[{\"attribute\":\"q\",\"value\":5,\"low\":0}]"), "not on its scale"},
    {ROW("[{\"attribute\":\"q\",\"value\":1,\"hihg\":4}]"), "\"hihg\""},
    {ROW("[1]"), "not an object"},
    {ROW("{}"), "not a list"},
};

/* _i is the row. */
START_TEST(test_bad)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("bad.db");
    ck_assert_int_eq(import_text(db, "bad.jsonl", bad[_i].row,
                                 plain_import(NULL), &report, &err),
                     PK_EDATA);
    ck_assert_msg(strstr(err.text, bad[_i].reason) != NULL, "%s", err.text);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM response"), 0);
    prefdb_close(db);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb_ratings");
    TCase *t = tcase_create("ratings");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_door);
    tcase_add_test(t, test_stop);
    tcase_add_test(t, test_attributes);
    tcase_add_test(t, test_check);
    tcase_add_test(t, test_merge);
    tcase_add_loop_test(t, test_bad, 0, (int)(sizeof bad / sizeof *bad));
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
