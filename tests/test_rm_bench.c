/* RewardBench's sections and weights, against numbers worked out by hand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rm/report/analysis.h"
#include "tests/support.h"

static struct pk_err err;
static struct rm_judged judged;

static void setup(void)
{
    judged = (struct rm_judged){.n_models = 1};
}

static void teardown(void)
{
    rm_judged_release(&judged);
}

/* One comparison of a row that the store keeps as {"subset":...,"id":...}. */
static void add(const char *extra, double chosen, double rejected)
{
    struct rm_judgment one = {.judgment = (int64_t)judged.n};
    rm_bench_find(&one.bench, extra, 7);
    ck_assert_int_ne(one.bench.subset, 0);
    ck_ok(rm_judged_add(&judged, &one, &chosen, &rejected, &err));
}

static void ck_line(const struct rm_bench *b, const char *name, int version,
                    uint64_t n, double score)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct rm_bench_line *l = &b->line[i];
        if (l->version != version || strcmp(l->name, name) != 0)
            continue;
        ck_assert_uint_eq(l->n, n);
        ck_assert_msg(fabs(l->score[0] - score) < 1e-12, "%s: %.17g, not %.17g",
                      name, l->score[0], score);
        return;
    }
    ck_abort_msg("no line %s", name);
}

START_TEST(places)
{
    struct rm_bench_place p;
    rm_bench_find(&p, "", 7);
    ck_assert_int_eq(p.subset, 0);
    rm_bench_find(&p, "{\"subset\":\"my own\"}", 7);
    ck_assert_int_eq(p.subset, 0);
    rm_bench_find(&p, "{\"subset\":3}", 7);
    ck_assert_int_eq(p.subset, 0);
    rm_bench_find(&p, "{\"subset\":\"Ties\"}", 7); /* not of version 1 */
    ck_assert_int_eq(p.subset, 0);
    rm_bench_find(
        &p, "{\"id\":\"tied:12\",\"subset\":\"Ties\",\"num_correct\":3}", 7);
    ck_assert(p.subset && p.row == 12 && p.tied);
    rm_bench_find(
        &p, "{\"id\":\"ref:12\",\"subset\":\"Ties\",\"num_correct\":1}", 7);
    ck_assert(p.subset && p.row == 12 && !p.tied);
    rm_bench_find(&p, "{\"subset\":\"math-prm\"}", 7);
    ck_assert(p.subset && p.row == 7);
}
END_TEST

START_TEST(version_one)
{
    struct rm_bench *b;
    /* Reasoning: math 1 of 2, python 1 of 1; Chat: 0 of 1, since equal. */
    add("{\"subset\":\"math-prm\"}", 2, 1);
    add("{\"subset\":\"math-prm\"}", 1, 2);
    add("{\"subset\":\"hep-python\"}", 1, 0);
    add("{\"subset\":\"alpacaeval-easy\"}", 1, 1);
    ck_ok(rm_bench_make(&b, &judged, &err));
    ck_assert_uint_eq(b->n, 6); /* all, two sections, three subsets */
    double reasoning = (984 * 0.5 + 164 * 1) / (984.0 + 164);
    ck_line(b, "math-prm", 1, 2, 0.5);
    ck_line(b, "hep-python", 1, 1, 1);
    ck_line(b, "Reasoning", 1, 3, reasoning);
    ck_line(b, "Chat", 1, 1, 0);
    ck_line(b, "RewardBench", 1, 4, reasoning / 2);
    rm_bench_free(b);
}
END_TEST

START_TEST(best_of_four)
{
    static const char one[] =
        "{\"id\":\"a\",\"subset\":\"Focus\",\"num_correct\":1}";
    static const char two[] =
        "{\"id\":\"b\",\"subset\":\"Focus\",\"num_correct\":1}";
    static const char three[] =
        "{\"id\":\"c\",\"subset\":\"Focus\",\"num_correct\":1}";
    struct rm_bench *b;
    add(one, 3, 1);
    add(two, 3, 3); /* shares the highest with one other: a half */
    add(one, 3, 2);
    add(three, 3, 4);
    add(two, 3, 1);
    add(one, 3, 0);
    add(three, 3, 0);
    ck_ok(rm_bench_make(&b, &judged, &err));
    ck_line(b, "Focus", 2, 3, (1 + 0.5 + 0) / 3);
    ck_line(b, "RewardBench 2", 2, 3, 0.5);
    ck_assert_uint_eq(b->n, 2);
    rm_bench_free(b);
}
END_TEST

START_TEST(ties)
{
    static const char ref[] =
        "{\"id\":\"ref:%d\",\"subset\":\"Ties\",\"num_correct\":1}";
    static const char tied[] =
        "{\"id\":\"tied:%d\",\"subset\":\"Ties\",\"num_correct\":2}";
    char text[128];
    struct rm_bench *b;
    /* 1: the reference is right by 4; two right answers, 5 and 4, against 2. */
    snprintf(text, sizeof text, tied, 1);
    add(text, 5, 2);
    add(text, 4, 2);
    snprintf(text, sizeof text, ref, 1);
    add(text, 6, 2);
    /* 2: the reference is wrong by 1; 5 and 1 against 0. */
    snprintf(text, sizeof text, ref, 2);
    add(text, 1, 2);
    snprintf(text, sizeof text, tied, 2);
    add(text, 5, 0);
    add(text, 1, 0);
    ck_ok(rm_bench_make(&b, &judged, &err));
    /* tied 2 of 2; references 1 of 2; closer to each other: 1 (gap 2 over
     * spread 1) of 2 (gap 1 under spread 4), also with the reference. */
    double want = 0.3 * 1 + 0.3 * 0.5 + 0.2 * 0.5 + 0.2 * 0.5 +
                  0.01 * (tanh(2.0 / 1 - 1) + tanh(-1.0 / 4 - 1)) / 2;
    ck_line(b, "Ties", 2, 4, want);
    rm_bench_free(b);
}
END_TEST

START_TEST(none)
{
    struct rm_bench *b;
    struct rm_judgment one = {0};
    ck_ok(rm_judged_add(&judged, &one, (double[]){1}, (double[]){0}, &err));
    ck_ok(rm_bench_make(&b, &judged, &err));
    ck_assert_ptr_null(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_bench");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, places);
    tcase_add_test(t, version_one);
    tcase_add_test(t, best_of_four);
    tcase_add_test(t, ties);
    tcase_add_test(t, none);
    suite_add_tcase(s, t);
    return run_suite(s);
}
