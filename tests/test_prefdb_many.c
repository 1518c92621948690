/* Judgments by the batch: the same as one by one, whatever the threads. */
#include <stdlib.h>

#include "common/rng.h"
#include "tests/prefdb_support.h"

enum { ROWS = 400 };

/* ROWS comparisons from number `first` on: dialogues of one to four turns, with
 * texts of any length, judged by three people. */
static void add_rows(struct prefdb *db, int first)
{
    struct pk_err err;
    struct prefdb__report report;
    struct pk_buf b = PK_BUF_INIT(1 << 24);
    for (int i = first; i < first + ROWS; i++) {
        pk_buf_adds(&b, "{\"messages\":[");
        for (int k = 0; k <= i % 4 * 2; k++)
            pk_buf_addf(&b, "%s{\"role\":\"%s\",\"content\":\"%d.%d\"}",
                        k ? "," : "", k % 2 ? "assistant" : "user", i, k);
        pk_buf_addf(&b, "],\"a\":\"a%d%0*d\",\"b\":\"\",\"source\":\"s%d\"", i,
                    i * 7 % 3000, 0, i % 3);
        pk_buf_addf(&b,
                    ",\"judgments\":[{\"dimension\":\"helpfulness\","
                    "\"choice\":\"a\",\"annotator\":\"w%d\"}]}\n",
                    i % 3);
    }
    ck_assert_int_eq(b.failed, 0);
    ck_ok(import_text(db, "many.jsonl", b.data, plain_import(NULL), &report,
                      &err));
    ck_assert_uint_eq(report.counts.judgments, ROWS);
    pk_buf_release(&b);
}

static void ck_same_turn(const struct prefdb_turn *x,
                         const struct prefdb_turn *y)
{
    ck_assert_int_eq(x->role, y->role);
    ck_text(*x, y->text);
}

static void ck_same(const struct prefdb_example *x,
                    const struct prefdb_example *y)
{
    ck_assert_int_eq(x->judgment, y->judgment);
    ck_assert_int_eq(x->comparison, y->comparison);
    ck_assert_int_eq(x->prompt, y->prompt);
    ck_assert_int_eq(x->choice, y->choice);
    ck_assert_str_eq(x->source, y->source);
    ck_assert_str_eq(x->batch, y->batch);
    ck_assert_str_eq(x->annotator, y->annotator);
    ck_assert_str_eq(x->extra, y->extra);
    ck_same_turn(&x->a, &y->a);
    ck_same_turn(&x->b, &y->b);
    ck_assert_uint_eq(x->n_context, y->n_context);
    for (size_t i = 0; i < x->n_context; i++)
        ck_same_turn(&x->context[i], &y->context[i]);
}

START_TEST(as_one_by_one)
{
    static const size_t sizes[] = {1, 63, 128, 129, 900, 0, 500};
    struct pk_err err;
    struct pk_rng rng;
    struct prefdb *db = new_store("many.db");
    int64_t ids[1000];
    add_rows(db, 0);
    pk_rng_seed(&rng, 1, 0);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const struct prefdb_example *x;
        struct prefdb_example one;
        for (size_t i = 0; i < sizes[s]; i++)
            ids[i] = 1 + (int64_t)pk_rng_below(&rng, ROWS);
        ck_ok(prefdb_get_many(db, ids, sizes[s], &x, &err));
        for (size_t i = 0; i < sizes[s]; i++) {
            ck_ok(prefdb_get(db, ids[i], &one, &err));
            ck_same(&x[i], &one);
        }
    }
    prefdb_close(db);
}
END_TEST

/* What came after the first call is there in the next one. */
START_TEST(sees_new_rows)
{
    struct pk_err err;
    struct prefdb *db = new_store("grows.db");
    const struct prefdb_example *x;
    int64_t ids[2 * ROWS];
    for (int i = 0; i < 2 * ROWS; i++)
        ids[i] = 1 + i;
    add_rows(db, 0);
    ck_ok(prefdb_get_many(db, ids, ROWS, &x, &err));
    ck_assert_int_eq(prefdb_get_many(db, ids, (size_t)2 * ROWS, &x, &err),
                     PK_EDATA);
    add_rows(db, ROWS);
    ck_ok(prefdb_get_many(db, ids, (size_t)2 * ROWS, &x, &err));
    for (int i = 0; i < 2 * ROWS; i++)
        ck_assert_int_eq(x[i].judgment, ids[i]);
    prefdb_close(db);
}
END_TEST

/* What is read under one fingerprint is what it is of, whatever comes in
 * meanwhile. */
START_TEST(of_one_moment)
{
    struct pk_err err;
    struct prefdb *db = new_store("moment.db"), *reader;
    const struct prefdb_query any = {.dimension = -1, .split = -1};
    char before[65], now[65];
    int64_t *ids;
    size_t n;
    add_rows(db, 0);
    ck_ok(prefdb_open(&reader, temp_path("moment.db"), PREFDB_READ, &err));
    prefdb_read_end(reader); /* not begun: nothing */
    ck_ok(prefdb_read_begin(reader, &err));
    ck_ok(prefdb_fingerprint(reader, before, &err));
    add_rows(db, ROWS);
    ck_ok(prefdb_list(reader, &any, &ids, &n, &err));
    ck_assert_uint_eq(n, ROWS);
    free(ids);
    ck_ok(prefdb_fingerprint(reader, now, &err));
    ck_assert_str_eq(now, before);
    prefdb_read_end(reader);
    ck_ok(prefdb_list(reader, &any, &ids, &n, &err));
    ck_assert_uint_eq(n, 2 * ROWS);
    free(ids);
    prefdb_close(reader);
    prefdb_close(db);
}
END_TEST

/* The first error, whichever thread has it; nothing is lent, and the next call
 * is as good as any. */
START_TEST(first_error)
{
    static const int bad[][2] = {{0, 399}, {399, 399}, {150, 390}, {250, 260}};
    struct pk_err err;
    struct prefdb *db = new_store("error.db");
    const struct prefdb_example *x;
    int64_t ids[ROWS];
    add_rows(db, 0);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char want[40];
        for (int i = 0; i < ROWS; i++)
            ids[i] = 1 + i;
        ids[bad[k][1]] = 9999;
        ids[bad[k][0]] = 7777;
        ck_assert_int_eq(prefdb_get_many(db, ids, ROWS, &x, &err), PK_EDATA);
        ck_assert_ptr_null(x);
        snprintf(want, sizeof want, "there is no judgment 7777");
        ck_assert_ptr_nonnull(strstr(err.text, want));
        ck_assert_int_eq(prefdb_get_many(db, ids, ROWS, &x, NULL), PK_EDATA);
        ids[bad[k][0]] = ids[bad[k][1]] = 1;
        ck_ok(prefdb_get_many(db, ids, ROWS, &x, &err));
    }
    prefdb_close(db);
}
END_TEST

/* Without another connection, or inside of a transaction, one thread reads. */
START_TEST(alone)
{
    struct pk_err err;
    struct prefdb *db = new_store("alone.db");
    const struct prefdb_example *x;
    int64_t ids[ROWS];
    add_rows(db, 0);
    for (int i = 0; i < ROWS; i++)
        ids[i] = ROWS - i;
    ck_ok(prefdb_get_many(db, ids, ROWS, &x, &err));
    ck_ok(prefdb__exec(db, "BEGIN", &err));
    ck_ok(prefdb__exec(db, "UPDATE comparison SET source = 'renamed'", &err));
    ck_ok(prefdb_get_many(db, ids, ROWS, &x, &err));
    for (int i = 0; i < ROWS; i++)
        ck_assert_str_eq(x[i].source, "renamed");
    ck_ok(prefdb__exec(db, "ROLLBACK", &err));
    ck_assert_int_eq(unlink(temp_path("alone.db")), 0);
    ck_ok(prefdb_get_many(db, ids, ROWS, &x, &err));
    ck_assert_int_eq(x[ROWS - 1].judgment, 1);
    prefdb_close(db);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb_many");
    TCase *t = tcase_create("many");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, as_one_by_one);
    tcase_add_test(t, sees_new_rows);
    tcase_add_test(t, of_one_moment);
    tcase_add_test(t, first_error);
    tcase_add_test(t, alone);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
