/* Calibration, thresholds, comparisons of models and mistakes, by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/num.h"
#include "rm/report/analysis.h"
#include "tests/support.h"

#define ck_near(a, b, tol)                                                     \
    do {                                                                       \
        double a_ = (a), b_ = (b);                                             \
        ck_assert_msg(fabs(a_ - b_) <= (tol), "%s = %.17g, not %.17g", #a, a_, \
                      b_);                                                     \
    } while (0)

/* Five judgments by two models; the second always says the opposite. */
static const double chosen[] = {2, -1, 0.5, 3, 1.5};
static const double rejected[] = {-2, 1, 0.5, -1, 1.25};
static const enum prefdb_label labels[] = {
    PREFDB_PREFERRED_SAFE, PREFDB_BOTH_UNSAFE, PREFDB_NO_LABEL,
    PREFDB_PREFERRED_SAFE, PREFDB_BOTH_SAFE};
static const int longer[] = {1, 1, -1, 0, -1};

static void fill(struct rm_judged *j)
{
    struct pk_err err;
    *j = (struct rm_judged){.n_models = 2};
    for (int i = 0; i < 5; i++) {
        struct rm_judgment one = {.judgment = i + 1,
                                  .comparison = 10 + i,
                                  .strength = i == 4 ? PREFDB_UNSTATED : i % 2,
                                  .label = labels[i],
                                  .longer = longer[i]};
        double c[] = {chosen[i], -chosen[i]}, r[] = {rejected[i], -rejected[i]};
        ck_ok(rm_judged_add(j, &one, c, r, &err));
    }
}

START_TEST(judged)
{
    struct rm_judged j;
    fill(&j);
    ck_assert_uint_eq(j.n, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_near(rm_judged_chosen(&j, i, 0), chosen[i], 0);
        ck_near(rm_judged_rejected(&j, i, 1), -rejected[i], 0);
    }
    rm_judged_release(&j);
}
END_TEST

START_TEST(calibration)
{
    struct rm_judged j;
    struct rm_view v;
    struct pk_err err;
    fill(&j);
    ck_ok(rm_view_make(&v, &j, 0, &err));
    const struct rm_calibration *c = &v.calibration;
    /* Differences 4, -2, 0, 4, 0.25: one tie, four decided. */
    ck_assert_uint_eq(c->ties, 1);
    ck_assert_uint_eq(c->n, 4);
    ck_assert_uint_eq(c->bin[9].right.n, 2);
    ck_assert_uint_eq(c->bin[9].right.hits, 2);
    ck_near(c->bin[9].confidence, 1 / (1 + exp(-4)), 1e-15);
    ck_assert_uint_eq(c->bin[7].right.n, 1); /* sigma(2) = 0.88 */
    ck_assert_uint_eq(c->bin[7].right.hits, 0);
    ck_assert_uint_eq(c->bin[1].right.n, 1); /* sigma(0.25) = 0.56 */
    ck_assert_uint_eq(c->bin[1].right.hits, 1);
    double s4 = 1 / (1 + exp(-4)), s2 = 1 / (1 + exp(-2)),
           s1 = 1 / (1 + exp(-0.25));
    ck_near(c->error, 0.5 * (1 - s4) + 0.25 * s2 + 0.25 * (1 - s1), 1e-15);
    rm_judged_release(&j);
}
END_TEST

START_TEST(scores)
{
    struct rm_judged j;
    struct rm_view v;
    struct pk_err err;
    fill(&j);
    ck_ok(rm_view_make(&v, &j, 0, &err));
    /* Computed apart, with numpy. */
    ck_assert_uint_eq(v.histogram.n, 10);
    ck_near(v.histogram.mean, 0.6061308547964471, 1e-12);
    ck_near(v.histogram.sd, 0.2886951723556959, 1e-12);
    ck_near(v.histogram.bimodality, 0.43187981592891467, 1e-12);
    ck_assert_uint_eq(v.histogram.chosen[17], 1);  /* sigma(2) = 0.881 */
    ck_assert_uint_eq(v.histogram.rejected[2], 1); /* sigma(-2) = 0.119 */
    ck_assert_uint_eq(v.histogram.rejected[12], 1);
    /* Strength 0: 4 and 0; 1: -2 and 4; unstated: 0.25. */
    ck_assert_uint_eq(v.gap[0].n, 2);
    ck_near(v.gap[0].mean, 2, 1e-15);
    ck_near(v.gap[0].sd, sqrt(8), 1e-15);
    ck_near(v.gap[1].mean, 1, 1e-15);
    ck_assert_uint_eq(v.gap[2].n, 0);
    ck_assert_uint_eq(v.gap[4].n, 1);
    ck_near(v.gap[4].mean, 0.25, 1e-15);
    ck_near(v.gap[4].sd, 0, 0);
    rm_judged_release(&j);
}
END_TEST

START_TEST(thresholds)
{
    struct rm_judged j;
    struct rm_view v;
    struct pk_err err;
    fill(&j);
    ck_ok(rm_view_make(&v, &j, 0, &err));
    const struct rm_finder *f = &v.finder;
    /* Unsafe: -2, -1 (chosen), 1, -1 (rejected). Safe: 2, 3, 1.5, 1.25. */
    ck_assert_uint_eq(f->n, 8);
    ck_assert_uint_eq(f->unsafe, 4);
    ck_assert_uint_eq(f->at[RM_PAPER_THRESHOLD].precision.n, 1);
    ck_assert_uint_eq(f->at[RM_PAPER_THRESHOLD].precision.hits, 1);
    ck_assert_uint_eq(f->at[RM_HALF].precision.n, 3);
    ck_assert_uint_eq(f->at[RM_HALF].precision.hits, 3);
    ck_assert(f->found);
    ck_assert_uint_eq(f->wanted.precision.n, 4);
    ck_assert_uint_eq(f->wanted.precision.hits, 4);
    ck_near(f->wanted.sigma, 1 / (1 + exp(-1.125)), 1e-15);
    ck_assert_uint_eq(f->wanted.recall.hits, 4);
    ck_assert_uint_eq(f->wanted.recall.n, 4);
    /* The other model has it the wrong way round. */
    ck_ok(rm_view_make(&v, &j, 1, &err));
    ck_assert(!v.finder.found);
    rm_judged_release(&j);
}
END_TEST

/* `times` judgments of each of 40 comparisons. All scores are of one bin, and
 * every third comparison is ranked the wrong way round; of one in five the
 * chosen response is the unsafe one. */
static void fill_alike(struct rm_view *v, int times)
{
    struct rm_judged j = {.n_models = 1};
    struct pk_err err;
    for (int i = 0; i < 40 * times; i++) {
        int of = i / times;
        enum prefdb_label label =
            of % 5 ? PREFDB_PREFERRED_SAFE : PREFDB_PREFERRED_UNSAFE;
        struct rm_judgment one = {
            .judgment = i + 1, .comparison = of + 1, .label = label};
        double c = of % 3 == 0 ? -0.01 : 0.01, r = -c;
        ck_ok(rm_judged_add(&j, &one, &c, &r, &err));
    }
    ck_ok(rm_view_make(v, &j, 0, &err));
    rm_judged_release(&j);
}

static void ck_interval(const struct rm_hits *h, const struct rm_hits *as,
                        uint64_t times)
{
    double share[2], low[2], high[2];
    ck_assert_uint_eq(h->hits, as->hits * times);
    ck_assert_uint_eq(h->n, as->n * times);
    ck_assert(rm_hits_share(h, &share[0], &low[0], &high[0]));
    ck_assert(rm_hits_share(as, &share[1], &low[1], &high[1]));
    ck_near(share[0], share[1], 1e-15);
    ck_near(low[0], low[1], 1e-12);
    ck_near(high[0], high[1], 1e-12);
    ck_assert(low[0] < share[0] && high[0] > share[0]);
}

/* What is said three times of the same comparisons is as sure as said once. */
START_TEST(judged_alike)
{
    struct rm_view one, thrice;
    fill_alike(&one, 1);
    fill_alike(&thrice, 3);
    ck_interval(&thrice.calibration.bin[0].right, &one.calibration.bin[0].right,
                3);
    const struct rm_finder *f = &one.finder, *g = &thrice.finder;
    ck_interval(&g->at[RM_HALF].precision, &f->at[RM_HALF].precision, 3);
    ck_interval(&g->at[RM_HALF].recall, &f->at[RM_HALF].recall, 3);
    ck_near(one.calibration.error, thrice.calibration.error, 1e-12);
}
END_TEST

/* One judgment labels two responses: where both are below the threshold, and
 * both unsafe, that is one comparison's word and not two. */
START_TEST(labelled_together)
{
    struct rm_judged j = {.n_models = 1};
    struct rm_view v;
    struct pk_err err;
    for (int i = 0; i < 20; i++) {
        struct rm_judgment one = {.judgment = i + 1,
                                  .comparison = i + 1,
                                  .label = i % 4 ? PREFDB_BOTH_SAFE
                                                 : PREFDB_BOTH_UNSAFE};
        double c = i % 2 ? 2 : -2, r = c - 0.5;
        ck_ok(rm_judged_add(&j, &one, &c, &r, &err));
    }
    ck_ok(rm_view_make(&v, &j, 0, &err));
    double share, low[2], high[2];
    const struct rm_threshold *half = &v.finder.at[RM_HALF];
    ck_assert(half->precision.hits == 10 && half->precision.n == 20);
    ck_assert(rm_hits_share(&half->precision, &share, &low[0], &high[0]));
    pk_wilson(5, 10, &low[1], &high[1]);
    ck_near(low[0], low[1], 1e-12);
    ck_near(high[0], high[1], 1e-12);
    rm_judged_release(&j);
}
END_TEST

/* Equal scores cannot be told apart by any threshold. */
START_TEST(threshold_ties)
{
    struct pk_err err;
    struct rm_judged j = {.n_models = 1};
    struct rm_view v;
    struct rm_judgment one = {.label = PREFDB_PREFERRED_SAFE};
    double zero = 0;
    ck_ok(rm_judged_add(&j, &one, &zero, &zero, &err));
    ck_ok(rm_view_make(&v, &j, 0, &err));
    ck_assert(!v.finder.found);
    ck_assert_uint_eq(v.finder.at[RM_HALF].precision.n, 0);
    ck_assert_uint_eq(v.calibration.n, 0);
    ck_near(v.calibration.error, 0, 0);
    ck_near(v.histogram.bimodality, 0, 0);
    rm_judged_release(&j);
}
END_TEST

START_TEST(mcnemar)
{
    ck_near(rm_mcnemar(0, 0), 1, 0);
    ck_near(rm_mcnemar(10, 0), 0.001953125, 1e-15);
    ck_near(rm_mcnemar(1, 5), 0.21875, 1e-14);
    ck_near(rm_mcnemar(5, 1), 0.21875, 1e-14);
    ck_near(rm_mcnemar(7, 7), 1, 0);
    /* Exact, in rational numbers: 1.5510640568246042e-23. */
    ck_near(rm_mcnemar(4500, 5500) / 1.5510640568246042e-23, 1, 1e-8);
}
END_TEST

START_TEST(duels)
{
    struct rm_judged j;
    struct rm_duel *d;
    struct pk_err err;
    size_t n;
    fill(&j);
    ck_ok(rm_duels_make(&d, &n, &j, &err));
    ck_assert_uint_eq(n, 3);
    ck_assert_uint_eq(d[0].a, 0);
    ck_assert_uint_eq(d[0].b, 1);
    ck_assert_uint_eq(d[0].only_a, 3);
    ck_assert_uint_eq(d[0].only_b, 1);
    ck_assert_uint_eq(d[0].both + d[0].neither, 0);
    ck_assert_uint_eq(rm_duel_n(&d[0]), 4);
    ck_near(d[0].p, 0.625, 1e-14);
    /* Against the longer: both decide the first, second and fifth. */
    ck_assert_uint_eq(d[1].b, 2);
    ck_assert_uint_eq(d[1].both, 1);
    ck_assert_uint_eq(d[1].only_a, 1);
    ck_assert_uint_eq(d[1].only_b, 1);
    ck_assert_uint_eq(d[1].neither, 0);
    ck_near(d[1].p, 1, 0);
    free(d);
    rm_judged_release(&j);
}
END_TEST

START_TEST(scatter)
{
    struct rm_judged j;
    struct rm_scatter *s;
    struct pk_err err;
    fill(&j);
    ck_ok(rm_scatter_make(&s, &j, &err));
    ck_assert_uint_eq(s->safe.n, 4);
    ck_assert_uint_eq(s->unsafe.n, 4);
    ck_assert_uint_eq(s->safe.at[1][8], 2);   /* 2 and 1.5 */
    ck_assert_uint_eq(s->unsafe.at[7][2], 2); /* -1, twice */
    free(s);
    for (size_t i = 0; i < j.n; i++)
        j.of[i].label = PREFDB_NO_LABEL;
    ck_ok(rm_scatter_make(&s, &j, &err));
    ck_assert_ptr_null(s);
    rm_judged_release(&j);
}
END_TEST

/* The widest first; people who agree make one mistake; twenty at most. */
START_TEST(mistakes)
{
    struct pk_err err;
    struct rm_judged j = {.n_models = 1};
    struct rm_mistakes m;
    for (int i = 0; i < 60; i++) {
        struct rm_judgment one = {.judgment = i, .comparison = i / 2};
        double c = 0, r = i / 2;
        ck_ok(rm_judged_add(&j, &one, &c, &r, &err));
    }
    ck_ok(rm_mistakes_find(&m, &j, 0, &err));
    ck_assert_uint_eq(m.total, 58);
    ck_assert_uint_eq(m.n, RM_MISTAKES);
    for (size_t i = 0; i < m.n; i++) {
        ck_assert_int_eq(j.of[m.mistake[i].at].comparison, 29 - (int)i);
        ck_assert_int_eq(j.of[m.mistake[i].at].judgment, 58 - 2 * (int)i);
        ck_assert_uint_eq(m.mistake[i].judgments, 2);
        ck_near(m.mistake[i].by, 29 - (double)i, 0);
    }
    rm_mistakes_release(&m);
    rm_judged_release(&j);
}
END_TEST

START_TEST(label_tells)
{
    bool safe;
    ck_assert(!rm_label_tells(PREFDB_NO_LABEL, true, &safe));
    ck_assert(rm_label_tells(PREFDB_PREFERRED_SAFE, true, &safe) && safe);
    ck_assert(rm_label_tells(PREFDB_PREFERRED_SAFE, false, &safe) && !safe);
    ck_assert(rm_label_tells(PREFDB_PREFERRED_UNSAFE, true, &safe) && !safe);
    ck_assert(rm_label_tells(PREFDB_PREFERRED_UNSAFE, false, &safe) && safe);
    ck_assert(rm_label_tells(PREFDB_BOTH_SAFE, false, &safe) && safe);
    ck_assert(rm_label_tells(PREFDB_BOTH_UNSAFE, true, &safe) && !safe);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_analysis");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, judged);
    tcase_add_test(t, calibration);
    tcase_add_test(t, scores);
    tcase_add_test(t, thresholds);
    tcase_add_test(t, threshold_ties);
    tcase_add_test(t, judged_alike);
    tcase_add_test(t, labelled_together);
    tcase_add_test(t, mcnemar);
    tcase_add_test(t, duels);
    tcase_add_test(t, scatter);
    tcase_add_test(t, mistakes);
    tcase_add_test(t, label_tells);
    suite_add_tcase(s, t);
    return run_suite(s);
}
