/* Responses read for scoring, and their scores written back. */
#include <math.h>
#include <stdlib.h>

#include "tests/prefdb_support.h"

static const char one[] =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static const char two[] =
    "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static const char rows[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\","
    "\"content\":\"q\"}],\"a\":{\"content\":\"yes\",\"cut\":true},\"b\":\"no\","
    "\"source\":\"x\",\"split\":\"train\",\"judgments\":[]}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"}],\"a\":\"1\",\"b\":"
    "\"2\",\"source\":\"y\",\"split\":\"test\",\"judgments\":[]}\n"
    "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\","
    "\"content\":\"q\"}],\"a\":\"maybe\",\"b\":\"no\",\"source\":\"x\","
    "\"split\":\"train\",\"judgments\":[]}\n";

static struct prefdb *store(void)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store("scores.db");
    ck_ok(
        import_text(db, "rows.jsonl", rows, plain_import(NULL), &report, &err));
    return db;
}

static size_t list(struct prefdb *db, struct prefdb_response_query q,
                   int64_t **ids)
{
    struct pk_err err;
    size_t n;
    ck_ok(prefdb_responses(db, &q, ids, &n, &err));
    return n;
}

START_TEST(reading)
{
    struct pk_err err;
    struct prefdb *db = store();
    const char *models[] = {one};
    struct prefdb_response_query q = {models, 1, -1, NULL};
    int64_t *ids, last = 0;
    size_t n = list(db, q, &ids), cut = 0;
    ck_assert_uint_eq(n, 5);
    /* Those to one prompt side by side. */
    int changes = 0;
    for (size_t i = 0; i < n; i++) {
        struct prefdb_response r;
        ck_ok(prefdb_response_get(db, ids[i], &r, &err));
        ck_assert_int_eq(r.response, ids[i]);
        ck_assert(r.n_context == 1 || r.n_context == 2);
        if (r.n_context == 2) {
            ck_text(r.context[0], "s");
            ck_text(r.context[1], "q");
            ck_assert_int_eq(r.context[0].role, PREFDB_SYSTEM);
        } else {
            ck_text(r.context[0], "p");
        }
        cut += r.cut;
        if (r.cut)
            ck_text(r.text, "yes");
        changes += i > 0 && (int64_t)r.n_context != last;
        last = (int64_t)r.n_context;
    }
    ck_assert_int_eq(changes, 1);
    ck_assert_uint_eq(cut, 1);
    free(ids);
    q.source = "y";
    ck_assert_uint_eq(list(db, q, &ids), 2);
    free(ids);
    q.split = PREFDB_TRAIN;
    ck_assert_uint_eq(list(db, q, &ids), 0);
    free(ids);
    struct prefdb_response r;
    ck_assert_int_eq(prefdb_response_get(db, 999, &r, &err), PK_EDATA);
    prefdb_close(db);
}
END_TEST

START_TEST(writing)
{
    struct pk_err err;
    struct prefdb *db = store();
    const char *models[] = {one, two};
    struct prefdb_response_query q = {models, 2, -1, NULL};
    int64_t *ids, *left;
    double v;
    ck_assert_uint_eq(list(db, q, &ids), 5);
    struct prefdb_score s[] = {{ids[0], one, "h", 0.1},
                               {ids[0], two, "s", -2.5},
                               {ids[1], one, "h", 3}};
    ck_ok(prefdb_scores_put(db, s, 3, &err));
    /* The same again changes nothing; another number replaces it. */
    ck_ok(prefdb_scores_put(db, s, 3, &err));
    ck_assert_int_eq(number(db, "SELECT count(*) FROM score"), 3);
    s[2].value = 4;
    ck_ok(prefdb_scores_put(db, s, 3, &err));
    ck_assert_int_eq(prefdb_score_get(db, ids[1], one, &v, &err), 1);
    ck_assert(v == 4);
    ck_assert_int_eq(prefdb_score_get(db, ids[0], two, &v, &err), 1);
    ck_assert(v == -2.5);
    ck_assert_int_eq(prefdb_score_get(db, ids[1], two, &v, &err), 0);
    /* Only the first has both. */
    ck_assert_uint_eq(list(db, q, &left), 4);
    free(left);
    q.n_models = 1;
    ck_assert_uint_eq(list(db, q, &left), 3);
    free(left);
    free(ids);
    prefdb_close(db);
}
END_TEST

/* All or none. */
START_TEST(refused)
{
    struct pk_err err;
    struct prefdb *db = store();
    struct prefdb_score s[] = {{1, one, "h", 0.1}, {2, one, "h", NAN}};
    ck_assert_int_eq(prefdb_scores_put(db, s, 2, &err), PK_EDATA);
    s[1] = (struct prefdb_score){2, "12", "h", 1};
    ck_assert_int_eq(prefdb_scores_put(db, s, 2, &err), PK_EDATA);
    s[1] = (struct prefdb_score){999, one, "h", 1};
    ck_assert_int_lt(prefdb_scores_put(db, s, 2, &err), 0);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM score"), 0);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prefdb_scores");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, reading);
    tcase_add_test(t, writing);
    tcase_add_test(t, refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
