/* Scores against ratings, on handmade sets. */
#include <math.h>

#include "rm/report/analysis.h"
#include "rm/report/rated.h"
#include "tests/support.h"

static struct pk_err err;
static struct rm_rated rated;

static void setup(void)
{
    ck_ok(rm_rated_init(&rated, "helpfulness", 0, 4, 1, &err));
}

static void teardown(void)
{
    rm_rated_release(&rated);
}

static void add(double a, double b, double c, double score)
{
    double ratings[] = {a, b, c};
    ck_ok(rm_rated_add(&rated, ratings, 3, &score, &err));
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

START_TEST(another_scale_is_another_thing)
{
    ck_assert(rm_rated_is(&rated, "helpfulness", 0, 4));
    ck_assert(!rm_rated_is(&rated, "honesty", 0, 4));
    ck_assert(!rm_rated_is(&rated, "helpfulness", 1, 5));
    ck_assert(!rm_rated_is(&rated, "helpfulness", (double)NAN, (double)NAN));
    rated.low = rated.high = (double)NAN; /* not stated */
    ck_assert(rm_rated_is(&rated, "helpfulness", (double)NAN, (double)NAN));
}
END_TEST

START_TEST(levels_are_the_medians)
{
    add(7, 1, 2, 1); /* 2 */
    add(5, 5, 1, 3); /* 5 */
    add(2, 2, 2, 2); /* 2 */
    ck_ok(rm_rated_finish(&rated, &err));
    ck_assert_uint_eq(rated.n, 3);
    ck_assert_uint_eq(rated.ratings, 9);
    ck_assert_uint_eq(rated.n_levels, 2);
    const struct rm_rated_level *l = rated.level;
    ck_assert(l[0].low == 2 && l[0].high == 2 && l[0].n == 2);
    ck_assert(l[1].low == 5 && l[1].n == 1 && l[1].sd[0] == 0);
    double a = rm_sigma(1), b = rm_sigma(2), mean = (a + b) / 2;
    ck_assert(near(l[0].mean[0], mean));
    ck_assert(near(l[0].sd[0],
                   sqrt((a - mean) * (a - mean) + (b - mean) * (b - mean))));
    ck_assert(near(l[1].mean[0], rm_sigma(3)));
    /* Ranks 0.5, 2, 0.5 against 0, 2, 1. */
    ck_assert(near(rated.correlation[0], 1.5 / sqrt(1.5 * 2)));
}
END_TEST

START_TEST(many_values_are_cut_into_parts)
{
    for (int i = 0; i <= 20; i++)
        add(i, i, i, 0);
    ck_ok(rm_rated_finish(&rated, &err));
    ck_assert_uint_eq(rated.n_levels, RM_RATING_LEVELS);
    uint64_t sum = 0;
    for (int i = 0; i < RM_RATING_LEVELS; i++) {
        ck_assert(near(rated.level[i].low, 2 * i));
        ck_assert(near(rated.level[i].high, 2 * i + 2));
        ck_assert(near(rated.level[i].mean[0], 0.5));
        sum += rated.level[i].n;
    }
    ck_assert_uint_eq(sum, 21);
    ck_assert_uint_eq(rated.level[9].n, 3); /* its end belongs to it */
    ck_assert(rated.correlation[0] == 0);   /* the scores do not vary */
}
END_TEST

START_TEST(an_even_number_of_ratings)
{
    double ratings[] = {4, 1}, score = 0;
    ck_ok(rm_rated_add(&rated, ratings, 2, &score, &err));
    ck_ok(rm_rated_finish(&rated, &err));
    ck_assert(rated.n_levels == 1 && rated.level[0].low == 2.5);
}
END_TEST

START_TEST(nothing_rated)
{
    ck_ok(rm_rated_finish(&rated, &err));
    ck_assert_uint_eq(rated.n_levels, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_rated");
    TCase *t = tcase_create("core");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, another_scale_is_another_thing);
    tcase_add_test(t, levels_are_the_medians);
    tcase_add_test(t, many_values_are_cut_into_parts);
    tcase_add_test(t, an_even_number_of_ratings);
    tcase_add_test(t, nothing_rated);
    suite_add_tcase(s, t);
    return run_suite(s);
}
