/* Agreement coefficients against published numbers (irrCAC, R irr, SAS,
 * Wikipedia, Krippendorff), to the digits in which they are given. Bradley and
 * Terry's are in test_bradley_terry.c. */
#include <math.h>
#include <stdlib.h>

#include "common/num.h"
#include "prefdb/stats/agreement.h"
#include "tests/near.h"
#include "tests/prefdb_support.h"

#define L PREFDB__LEVELS

static struct prefdb__scale scale(int q, double first)
{
    struct prefdb__scale s = {.q = q};
    for (int i = 0; i < q; i++)
        s.value[i] = first + i;
    return s;
}

/* Units between '|', one rating a rater; '.' is missing. */
static struct prefdb__tally parse(const char *text, int first)
{
    struct pk_err err;
    struct prefdb__tally t = {0};
    struct prefdb__vote v[16];
    size_t n = 0;
    uint32_t rater = 0;
    for (;;) {
        while (*text == ' ')
            text++;
        if (*text == '|' || !*text) {
            ck_ok(prefdb__tally_add(&t, v, n, &err));
            n = rater = 0;
            if (!*text++)
                return t;
            continue;
        }
        char *end = (char *)text + 1;
        if (*text != '.')
            v[n++] = (struct prefdb__vote){rater,
                                           (int)strtol(text, &end, 10) - first};
        rater++;
        text = end;
    }
}

/* Rows given as counts. */
static struct prefdb__row *rows_of(const int *counts, size_t n, int q)
{
    struct prefdb__row *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        rows[i].units = 1;
        for (int k = 0; k < q; k++)
            rows[i].r[k] = (uint16_t)counts[i * (size_t)q + (size_t)k];
    }
    return rows;
}

static struct prefdb__row *rows_from(const char *text, int first, size_t *n)
{
    struct pk_err err;
    struct prefdb__row *rows;
    struct prefdb__tally t = parse(text, first);
    ck_ok(prefdb__tally_rows(&t, &rows, n, &err));
    prefdb__tally_release(&t);
    return rows;
}

static const char raw4[] =
    "1 1 . 1|2 2 3 2|3 3 3 3|3 3 3 3|2 2 2 2|1 2 3 4|4 4 4 4|1 1 2 1|2 2 2 2|"
    ". 5 5 5|. . 1 1|. . 3 .";

START_TEST(test_raw4)
{
    static const struct {
        enum prefdb__weights w;
        double pa, fleiss_pe, fleiss, ac_pe, ac, se;
    } want[] = {
        {PREFDB__IDENTITY, .81818, .23872, .76117, .19032, .77544, .14295},
        {PREFDB__LINEAR, .93939, .66710, .81794, .57096, .85874, .11733},
        {PREFDB__QUADRATIC, .97538, .81771, .86494, .71370, .91400, .10396},
        {PREFDB__ORDINAL, .96818, .78759, .85021, .68516, .89894, .10690}};
    struct prefdb__scale s = scale(5, 1);
    size_t n;
    struct prefdb__row *rows = rows_from(raw4, 1, &n);
    for (int i = 0; i < 4; i++) {
        struct prefdb__coef c = prefdb__gwet(rows, n, &s, want[i].w);
        double pa = prefdb__percent(rows, n, &s, want[i].w).value;
        double fleiss = prefdb__fleiss(rows, n, &s, want[i].w).value;
        near(pa, want[i].pa, 5, "p_a");
        near(fleiss, want[i].fleiss, 5, "Fleiss");
        near(chance(pa, fleiss), want[i].fleiss_pe, 5, "Fleiss' p_e");
        near(c.value, want[i].ac, 5, "AC");
        near(chance(pa, c.value), want[i].ac_pe, 5, "AC's p_e");
        near(c.se, want[i].se, 5, "AC's error");
        ck_assert_uint_eq(c.units, 11);
    }
    struct prefdb__coef ac1 = prefdb__gwet(rows, n, &s, PREFDB__IDENTITY);
    near(ac1.low, .461, 3, "AC1's interval");
    ck_assert_double_eq(ac1.high, 1);
    near(2 * prefdb__t_tail(ac1.value / ac1.se, 11), .00021, 5, "AC1's p");
    struct prefdb__coef ac2 = prefdb__gwet(rows, n, &s, PREFDB__ORDINAL);
    near(ac2.low, .664, 3, "AC2's interval");
    ck_assert_double_eq(ac2.high, 1);
    free(rows);
}
END_TEST

START_TEST(test_raw4_alpha)
{
    static const uint64_t paired[] = {9, 13, 10, 5, 3};
    struct prefdb__scale s = scale(5, 1);
    size_t n;
    struct prefdb__row *rows = rows_from(raw4, 1, &n);
    near(prefdb__alpha(rows, n, &s, PREFDB__IDENTITY).value, .743421, 6,
         "nominal alpha");
    near(prefdb__alpha(rows, n, &s, PREFDB__ORDINAL).value, .815388, 6,
         "ordinal alpha");
    near(prefdb__alpha(rows, n, &s, PREFDB__QUADRATIC).value, .849107, 6,
         "interval alpha");
    near(prefdb__alpha(rows, n, &s, PREFDB__RATIO).value, .797403, 6,
         "ratio alpha");
    for (int k = 0; k < 5; k++) {
        uint64_t nk = 0;
        for (size_t i = 0; i < n; i++) {
            const uint16_t *r = rows[i].r;
            if (r[0] + r[1] + r[2] + r[3] + r[4] > 1)
                nk += rows[i].units * r[k];
        }
        ck_assert_uint_eq(nk, paired[k]);
    }
    free(rows);
}
END_TEST

START_TEST(test_wikipedia_alpha)
{
    static const char text[] = ". 1 .|. . .|. 2 2|. 1 1|. 3 3|3 3 4|4 4 4|1 3 "
                               ".|2 . 2|1 . 1|1 . 1|3 . 3|3 . 3|. . .|3 . 4";
    struct prefdb__scale s = scale(4, 1);
    size_t n;
    struct prefdb__row *rows = rows_from(text, 1, &n);
    near(prefdb__alpha(rows, n, &s, PREFDB__IDENTITY).value, .691358, 6,
         "nominal");
    near(prefdb__alpha(rows, n, &s, PREFDB__QUADRATIC).value, .810845, 6,
         "interval");
    near(prefdb__alpha(rows, n, &s, PREFDB__ORDINAL).value, .806721, 6,
         "ordinal");
    near(prefdb__alpha(rows, n, &s, PREFDB__RATIO).value, .808944, 6, "ratio");
    free(rows);
}
END_TEST

/* irrCAC's: not ordinal alpha with ordinal weights. */
START_TEST(test_raw4_alpha_weighted)
{
    static const struct {
        enum prefdb__weights w;
        double alpha;
    } want[] = {{PREFDB__IDENTITY, .74342},
                {PREFDB__LINEAR, .80038},
                {PREFDB__QUADRATIC, .84911},
                {PREFDB__ORDINAL, .83364}};
    struct prefdb__scale s = scale(5, 1);
    size_t n;
    struct prefdb__row *rows = rows_from(raw4, 1, &n);
    for (int i = 0; i < 4; i++)
        near(prefdb__alpha_weighted(rows, n, &s, want[i].w).value,
             want[i].alpha, 5, "alpha with weights");
    free(rows);
}
END_TEST

/* A square table of two raters as rows of counts. */
static struct prefdb__row *rows_of_table(const struct prefdb__pair *p, int q,
                                         size_t *n)
{
    struct prefdb__row *rows = calloc((size_t)q * (size_t)q, sizeof *rows);
    *n = 0;
    for (int i = 0; i < q; i++)
        for (int j = 0; j < q; j++) {
            struct prefdb__row *r = &rows[(*n)++];
            r->r[i]++;
            r->r[j]++;
            r->units = p->table[i][j];
        }
    return rows;
}

START_TEST(test_cohen_sas)
{
    static const struct prefdb__pair t = {
        .table = {{0, 4, 1}, {0, 8, 0}, {0, 1, 5}}};
    struct prefdb__scale s = scale(3, 1);
    struct prefdb__coef c = prefdb__cohen(&t, &s, PREFDB__IDENTITY);
    near(c.value, .484163, 6, "kappa");
    near(c.se, .1380, 4, "its error");
    near(c.low, .2137, 4, "its interval");
    near(c.high, .7547, 4, "its interval");
    ck_assert_uint_eq(c.units, 19);
    struct prefdb__null null = prefdb__cohen_null(&t, &s, PREFDB__IDENTITY);
    near(null.se, .1484, 4, "the error under H0");
    near(null.z, 3.2626, 4, "z");
    near(null.p, .001104, 6, "p"); /* 2 (1 - Phi(3.2626)) */
    c = prefdb__cohen(&t, &s, PREFDB__LINEAR);
    near(c.value, .470120, 6, "linear kappa");
    near(c.se, .1457, 4, "its error");
    near(c.low, .1845, 4, "its interval");
    near(c.high, .7558, 4, "its interval");
    near(prefdb__cohen(&t, &s, PREFDB__QUADRATIC).value, .450161, 6,
         "quadratic kappa");
}
END_TEST

START_TEST(test_irrcac_tables)
{
    static const struct prefdb__pair x = {
        .table = {{13, 0, 0}, {0, 20, 7}, {0, 4, 56}}};
    static const struct prefdb__pair d = {
        .table = {
            {40, 6, 4, 15}, {4, 25, 1, 5}, {4, 2, 21, 9}, {17, 13, 12, 45}}};
    static const struct {
        int table;
        enum prefdb__weights w;
        double kappa, ac;
    } want[] = {{3, PREFDB__IDENTITY, .796409, .849331},
                {3, PREFDB__LINEAR, .842902, .900023},
                {3, PREFDB__QUADRATIC, .892157, .940237},
                {3, PREFDB__ORDINAL, .872108, .925192},
                {4, PREFDB__IDENTITY, .431501, .456158},
                {4, PREFDB__LINEAR, .406811, NAN},
                {4, PREFDB__QUADRATIC, .383186, NAN},
                {4, PREFDB__ORDINAL, .390453, .324069}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const struct prefdb__pair *t = want[i].table == 3 ? &x : &d;
        struct prefdb__scale s = scale(want[i].table, 1);
        size_t n;
        struct prefdb__row *rows = rows_of_table(t, s.q, &n);
        near(prefdb__cohen(t, &s, want[i].w).value, want[i].kappa, 6, "Cohen");
        if (!isnan(want[i].ac))
            near(prefdb__gwet(rows, n, &s, want[i].w).value, want[i].ac, 6,
                 "Gwet");
        free(rows);
    }
    struct prefdb__scale s = scale(3, 1), s4 = scale(4, 1);
    size_t n;
    struct prefdb__row *rows = rows_of_table(&x, 3, &n);
    near(prefdb__percent(rows, n, &s, PREFDB__IDENTITY).value, .89, 6, "p_a");
    near(prefdb__percent(rows, n, &s, PREFDB__ORDINAL).value, .963333, 6,
         "ordinal p_a");
    near(prefdb__fleiss(rows, n, &s, PREFDB__IDENTITY).value, .796240, 6,
         "Scott's pi");
    near(prefdb__cohen(&x, &s, PREFDB__IDENTITY).se, .0589, 3, "error");
    near(prefdb__cohen(&d, &s4, PREFDB__IDENTITY).se, .0460, 3, "error");
    free(rows);
}
END_TEST

START_TEST(test_conger)
{
    struct pk_err err;
    struct prefdb__margin *margins;
    struct prefdb__row *rows;
    size_t n, raters;
    struct prefdb__scale s = scale(5, 1), s3 = scale(3, 1);
    struct prefdb__tally t = parse(raw4, 1);
    ck_ok(prefdb__tally_rows(&t, &rows, &n, &err));
    ck_ok(prefdb__tally_margins(&t, &margins, &raters, &err));
    ck_assert_uint_eq(raters, 4);
    ck_assert_uint_eq(margins[0].n[1], 3); /* the first rater: units 2, 5, 9 */
    struct prefdb__coef c =
        prefdb__conger(rows, n, margins, raters, &s, PREFDB__IDENTITY);
    near(c.value, .763, 3, "Conger");
    ck_assert_uint_eq(c.units, 11);
    ck_assert(isnan(c.se));
    ck_assert_int_eq(
        prefdb__conger(rows, n, margins, 1, &s, PREFDB__IDENTITY).undefined,
        PREFDB__NO_OVERLAP);
    free(margins);
    free(rows);
    prefdb__tally_release(&t);
    /* Of two raters it is Cohen's, with any weights; a third who rated nothing
     * is not there. */
    static const struct prefdb__pair two = {
        .table = {{0, 4, 1}, {0, 8, 0}, {0, 1, 5}}};
    struct prefdb__margin m[3] = {{{0}}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            m[0].n[i] += two.table[i][j];
            m[2].n[j] += two.table[i][j];
        }
    rows = rows_of_table(&two, 3, &n);
    for (int w = PREFDB__IDENTITY; w <= PREFDB__ORDINAL; w++) {
        enum prefdb__weights kind = (enum prefdb__weights)w;
        near(prefdb__conger(rows, n, m, 3, &s3, kind).value,
             prefdb__cohen(&two, &s3, kind).value, 12, "Cohen");
    }
    free(rows);
}
END_TEST

START_TEST(test_fleiss)
{
    static const int wiki[] = {0, 0, 0, 0, 14, 0, 2, 6, 4, 2, 0, 0, 3,
                               5, 6, 0, 3, 9,  2, 0, 2, 2, 8, 1, 1, 7,
                               7, 0, 0, 0, 3,  2, 6, 3, 0, 2, 5, 3, 2,
                               2, 6, 5, 2, 1,  0, 0, 2, 2, 3, 7};
    /* Fleiss 1971: depression, personality disorder, schizophrenia, neurosis,
     * other. */
    static const int diagnoses[] = {
        0, 0, 0, 6, 0, 0, 3, 0, 0, 3, 0, 1, 4, 0, 1, 0, 0, 0, 0, 6, 0, 3,
        0, 3, 0, 2, 0, 4, 0, 0, 0, 0, 4, 0, 2, 2, 0, 3, 1, 0, 2, 0, 0, 4,
        0, 0, 0, 0, 0, 6, 1, 0, 0, 5, 0, 1, 1, 0, 4, 0, 0, 3, 3, 0, 0, 1,
        0, 0, 5, 0, 0, 2, 0, 3, 1, 0, 0, 5, 0, 1, 3, 0, 0, 1, 2, 5, 1, 0,
        0, 0, 0, 2, 0, 4, 0, 1, 0, 2, 0, 3, 0, 0, 0, 0, 6, 0, 1, 0, 5, 0,
        0, 2, 0, 1, 3, 2, 0, 0, 4, 0, 1, 0, 0, 4, 1, 0, 5, 0, 1, 0, 4, 0,
        0, 0, 2, 0, 2, 0, 4, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 6};
    static const int small[] = {7, 1, 3, 5}, other[] = {6, 1, 0, 0, 7, 0};
    struct prefdb__scale s5 = scale(5, 1), s2 = scale(2, 1), s3 = scale(3, 1);
    struct prefdb__row *rows = rows_of(wiki, 10, 5);
    double fleiss = prefdb__fleiss(rows, 10, &s5, PREFDB__IDENTITY).value;
    double pa = prefdb__percent(rows, 10, &s5, PREFDB__IDENTITY).value;
    near(fleiss, .20993, 5, "Wikipedia");
    near(pa, .37802, 5, "its p_a");
    near(chance(pa, fleiss), .21276, 5, "its p_e");
    near(prefdb__gwet(rows, 10, &s5, PREFDB__IDENTITY).value, .22561, 5,
         "its AC1");
    free(rows);
    rows = rows_of(diagnoses, 30, 5);
    near(prefdb__fleiss(rows, 30, &s5, PREFDB__IDENTITY).value, .4302445, 7,
         "diagnoses");
    free(rows);
    rows = rows_of(small, 2, 2);
    near(prefdb__fleiss(rows, 2, &s2, PREFDB__IDENTITY).value, .161905, 6,
         "small");
    pa = prefdb__percent(rows, 2, &s2, PREFDB__IDENTITY).value;
    near(2 * pa - 1, .214286, 6, "its free-marginal kappa");
    free(rows);
    rows = rows_of(other, 2, 3);
    near(prefdb__fleiss(rows, 2, &s3, PREFDB__IDENTITY).value, .708333, 6,
         "other");
    pa = prefdb__percent(rows, 2, &s3, PREFDB__IDENTITY).value;
    near((3 * pa - 1) / 2, .785714, 6, "its free-marginal kappa");
    free(rows);
}
END_TEST

START_TEST(test_anxiety)
{
    static const int r2[] = {3, 6, 4, 6, 2, 4, 2, 4, 3, 3,
                             2, 3, 3, 3, 2, 2, 1, 3, 3, 4};
    static const int r3[] = {2, 1, 4, 4, 3, 2, 1, 6, 1, 1,
                             1, 2, 3, 3, 1, 1, 3, 3, 2, 2};
    struct prefdb__pair t = {.units = 20};
    struct prefdb__scale s = scale(5, 1); /* positions of 1 2 3 4 6 */
    for (int i = 0; i < 20; i++)
        t.table[r2[i] - 1 - (r2[i] == 6)][r3[i] - 1 - (r3[i] == 6)]++;
    near(prefdb__cohen(&t, &s, PREFDB__IDENTITY).value, -.006289308, 9,
         "plain");
    near(prefdb__cohen(&t, &s, PREFDB__LINEAR).value, .1459075, 7, "linear");
    near(prefdb__cohen(&t, &s, PREFDB__QUADRATIC).value, .2520325, 7,
         "squared");
}
END_TEST

static const char preferences[] =
    "-3 -2 -3|2 1 2|0 0 1|-1 1 0|3 3 2|-2 -2 -1|1 . 1|0 -1 0|2 2 3|-1 -1 .";

START_TEST(test_preferences)
{
    struct prefdb__scale s = scale(7, -3), sign = scale(3, -1);
    size_t n;
    struct prefdb__row *rows = rows_from(preferences, -3, &n);
    near(prefdb__alpha(rows, n, &s, PREFDB__IDENTITY).value, .306647, 6, "a");
    near(prefdb__alpha(rows, n, &s, PREFDB__ORDINAL).value, .889506, 6, "a");
    near(prefdb__alpha(rows, n, &s, PREFDB__QUADRATIC).value, .886887, 6, "a");
    near(prefdb__gwet(rows, n, &s, PREFDB__IDENTITY).value, .341085, 6, "AC1");
    near(prefdb__gwet(rows, n, &s, PREFDB__LINEAR).value, .745763, 6, "AC2");
    near(prefdb__gwet(rows, n, &s, PREFDB__ORDINAL).value, .884005, 6, "AC2");
    near(prefdb__gwet(rows, n, &s, PREFDB__QUADRATIC).value, .922118, 6, "AC2");
    near(prefdb__fleiss(rows, n, &s, PREFDB__IDENTITY).value, .325397, 6, "F");
    near(prefdb__fleiss(rows, n, &s, PREFDB__ORDINAL).value, .836770, 6, "F");
    near(prefdb__fleiss(rows, n, &s, PREFDB__QUADRATIC).value, .885540, 6, "F");
    struct prefdb__coef a = prefdb__alpha(rows, n, &s, PREFDB__ORDINAL);
    ck_assert(a.se > 0 && a.low < a.value && a.high > a.value);
    free(rows);
    rows = rows_from("-1 -1 -1|1 1 1|0 0 1|-1 1 0|1 1 1|-1 -1 -1|1 . 1|0 -1 0|"
                     "1 1 1|-1 -1 .",
                     -1, &n);
    near(prefdb__percent(rows, n, &sign, PREFDB__IDENTITY).value, .766667, 6,
         "p_a");
    near(prefdb__alpha(rows, n, &sign, PREFDB__IDENTITY).value, .614286, 6,
         "a");
    near(prefdb__gwet(rows, n, &sign, PREFDB__IDENTITY).value, .661836, 6,
         "AC1");
    near(prefdb__fleiss(rows, n, &sign, PREFDB__IDENTITY).value, .623656, 6,
         "F");
    free(rows);
}
END_TEST

START_TEST(test_weights)
{
    static const double q3[] = {1, .666667, 0}, q4[] = {1, .833333, .5, 0};
    static const double q7[] = {1,       .952381, .857143, .714286,
                                .523810, .285714, 0};
    static const double *const want[] = {[3] = q3, [4] = q4, [7] = q7};
    for (int q = 3; q <= 7; q++) {
        double w[L][L];
        struct prefdb__scale s = scale(q, 0);
        prefdb__weights(&s, PREFDB__ORDINAL, w);
        for (int k = 0; k < q && want[q]; k++)
            near(w[0][k], want[q][k], 6, "ordinal");
    }
}
END_TEST

START_TEST(test_undefined)
{
    static const struct prefdb__pair one = {.table = {{0}, {0, 7}}},
                                     none = {.units = 0};
    struct prefdb__scale s = scale(3, 0);
    size_t n;
    struct prefdb__row *rows = rows_from("1 1|1 1|1 1 1|0", 0, &n);
    ck_assert_int_eq(prefdb__alpha(rows, n, &s, PREFDB__ORDINAL).undefined,
                     PREFDB__UNANIMOUS);
    ck_assert_int_eq(prefdb__fleiss(rows, n, &s, PREFDB__IDENTITY).undefined,
                     PREFDB__UNANIMOUS);
    struct prefdb__coef c = prefdb__gwet(rows, n, &s, PREFDB__IDENTITY);
    ck_assert_int_eq(c.undefined, PREFDB__UNANIMOUS);
    ck_assert_uint_eq(c.units, 3);
    ck_assert(isnan(c.value) && isnan(c.low));
    c = prefdb__percent(rows, n, &s, PREFDB__IDENTITY);
    ck_assert_int_eq(c.undefined, PREFDB__DEFINED);
    ck_assert_double_eq(c.value, 1);
    free(rows);
    rows = rows_from("1|2 .|0", 0, &n);
    ck_assert_int_eq(prefdb__percent(rows, n, &s, PREFDB__IDENTITY).undefined,
                     PREFDB__NO_OVERLAP);
    ck_assert_int_eq(prefdb__alpha(rows, n, &s, PREFDB__IDENTITY).undefined,
                     PREFDB__NO_OVERLAP);
    free(rows);
    ck_assert_int_eq(prefdb__gwet(NULL, 0, &s, PREFDB__IDENTITY).undefined,
                     PREFDB__NO_OVERLAP);
    ck_assert_int_eq(prefdb__cohen(&one, &s, PREFDB__IDENTITY).undefined,
                     PREFDB__UNANIMOUS);
    ck_assert_int_eq(prefdb__cohen(&none, &s, PREFDB__IDENTITY).undefined,
                     PREFDB__NO_OVERLAP);
    /* A rater who uses one level: kappa is 0 and chance has no variance. */
    static const struct prefdb__pair flat = {.table = {{3, 4}}};
    ck_assert_double_eq_tol(prefdb__cohen(&flat, &s, PREFDB__IDENTITY).value, 0,
                            1e-12);
    ck_assert(isnan(prefdb__cohen_null(&flat, &s, PREFDB__IDENTITY).z));
    ck_assert(isnan(prefdb__cohen_null(&one, &s, PREFDB__IDENTITY).se));
    ck_assert(isnan(prefdb__cohen_null(&none, &s, PREFDB__IDENTITY).p));
}
END_TEST

/* Units in agreement on every level: nothing undefined about that. */
START_TEST(test_perfect)
{
    struct prefdb__scale s = scale(3, 0);
    size_t n;
    struct prefdb__row *rows = rows_from("0 0|1 1|2 2|1 1", 0, &n);
    struct prefdb__coef c = prefdb__alpha(rows, n, &s, PREFDB__ORDINAL);
    ck_assert_int_eq(c.undefined, PREFDB__DEFINED);
    ck_assert_double_eq(c.value, 1);
    ck_assert_double_eq(prefdb__fleiss(rows, n, &s, PREFDB__LINEAR).value, 1);
    /* Four that agree do not make it certain that all would. */
    ck_assert(isnan(c.se) && isnan(c.low) && isnan(c.high));
    c = prefdb__percent(rows, n, &s, PREFDB__IDENTITY);
    ck_assert_double_eq(c.value, 1);
    ck_assert(isnan(c.se) && isnan(c.low) && isnan(c.high));
    static const struct prefdb__pair two = {
        .table = {{2, 0, 0}, {0, 2, 0}, {0, 0, 0}}};
    c = prefdb__cohen(&two, &s, PREFDB__IDENTITY);
    ck_assert_double_eq(c.value, 1);
    ck_assert(isnan(c.se) && isnan(c.low) && isnan(c.high));
    free(rows);
}
END_TEST

START_TEST(test_student)
{
    /* Tables of the t distribution. */
    near(prefdb__t_quantile(.025, 1), 12.7062047, 7, "1");
    near(prefdb__t_quantile(.025, 2), 4.30265273, 8, "2");
    near(prefdb__t_quantile(.025, 11), 2.20098516, 8, "11");
    near(prefdb__t_quantile(.005, 30), 2.74999565, 8, "30");
    near(prefdb__t_quantile(.025, 3e6), 1.95996479, 7, "3e6");
    near(prefdb__t_tail(0, 5), .5, 12, "0");
    near(prefdb__t_tail(-1, 1), .75, 12, "Cauchy");
}
END_TEST

START_TEST(test_wilson)
{
    static const struct {
        uint64_t k, n;
        double low, high;
        int digits;
    } want[] = {{18, 20, .6989663547715128, .972133518786232, 12},
                {4, 20, .0806576625797981, .4160174322518935, 12},
                {4, 200, .00780442641634947, .05028708690582643, 12},
                {190, 200, .910421851861224, .972617354399236, 12},
                {1, 30, .00590859, .16670391, 8},
                {0, 30, 0, .11351339, 8},
                {19, 38, .348499283643951, .651500716356049, 12}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        double low, high;
        pk_wilson(want[i].k, want[i].n, &low, &high);
        near(low, want[i].low, want[i].digits, "low");
        near(high, want[i].high, want[i].digits, "high");
    }
}
END_TEST

struct seen {
    double alpha[4], agree[4];
    uint64_t shared[4];
    size_t n;
};

static int see_rater(void *ctx, const struct prefdb__rater *r,
                     struct pk_err *err)
{
    struct seen *s = ctx;
    struct prefdb__scale five = scale(5, 1);
    (void)err;
    s->alpha[r->rater] =
        prefdb__alpha(r->rows, r->n_rows, &five, PREFDB__ORDINAL).value;
    s->agree[r->rater] = r->agree;
    s->shared[r->rater] = r->shared;
    s->n++;
    return 0;
}

/* Leave-one-out gives what the table without the column gives, and leaves the
 * tally as it was. */
START_TEST(test_leave_one_out)
{
    static const char *const less[] = {
        "1 . 1|2 3 2|3 3 3|3 3 3|2 2 2|2 3 4|4 4 4|1 2 1|2 2 2|5 5 5|. 1 1|. 3 "
        ".",
        "1 . 1|2 3 2|3 3 3|3 3 3|2 2 2|1 3 4|4 4 4|1 2 1|2 2 2|. 5 5|. 1 1|. 3 "
        ".",
        "1 1 1|2 2 2|3 3 3|3 3 3|2 2 2|1 2 4|4 4 4|1 1 1|2 2 2|. 5 5|. . 1|. . "
        ".",
        "1 1 .|2 2 3|3 3 3|3 3 3|2 2 2|1 2 3|4 4 4|1 1 2|2 2 2|. 5 5|. . 1|. . "
        "3"};
    struct pk_err err;
    struct seen seen = {.n = 0};
    struct prefdb__scale s = scale(5, 1);
    struct prefdb__tally t = parse(raw4, 1), sum = {0};
    ck_ok(prefdb__tally_each_rater(&t, see_rater, &seen, &err));
    ck_assert_uint_eq(seen.n, 4);
    for (int i = 0; i < 4; i++) {
        size_t n;
        struct prefdb__row *rows = rows_from(less[i], 1, &n);
        near(seen.alpha[i], prefdb__alpha(rows, n, &s, PREFDB__ORDINAL).value,
             12, less[i]);
        free(rows);
    }
    ck_assert_uint_eq(seen.shared[0], 9);
    near(seen.agree[0], (1 + 2. / 3 + 1 + 1 + 1 + 0 + 1 + 2. / 3 + 1) / 9, 12,
         "agreement with the others");
    /* Twice the table, by merging: the same alpha, to the (N - 1). */
    ck_ok(prefdb__tally_merge(&sum, &t, &err));
    ck_ok(prefdb__tally_merge(&sum, &t, &err));
    struct prefdb__row *rows;
    size_t n;
    ck_ok(prefdb__tally_rows(&sum, &rows, &n, &err));
    near(1 - prefdb__alpha(rows, n, &s, PREFDB__IDENTITY).value,
         (1 - .743421) * 79 / 78, 6, "merged");
    free(rows);
    prefdb__tally_release(&t);
    prefdb__tally_release(&sum);
}
END_TEST

static int see_pair(void *ctx, const struct prefdb__pair *p, struct pk_err *err)
{
    struct prefdb__pair *held = ctx;
    (void)err;
    if (p->low == 0 && p->high == 2)
        *held = *p;
    return 0;
}

START_TEST(test_pairs)
{
    struct pk_err err;
    struct prefdb__pair p = {.units = 0};
    struct prefdb__tally t = parse(raw4, 1);
    ck_ok(prefdb__tally_each_pair(&t, see_pair, &p, &err));
    ck_assert_uint_eq(p.units, 8);
    ck_assert_uint_eq(p.table[1][1], 2); /* units 5 and 9 */
    ck_assert_uint_eq(p.table[1][2], 1); /* unit 2 */
    ck_assert_uint_eq(p.table[0][2], 1); /* unit 6 */
    prefdb__tally_release(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("agreement");
    TCase *core = tcase_create("vectors");
    tcase_set_timeout(core, 60);
    tcase_add_test(core, test_raw4);
    tcase_add_test(core, test_raw4_alpha);
    tcase_add_test(core, test_raw4_alpha_weighted);
    tcase_add_test(core, test_conger);
    tcase_add_test(core, test_wikipedia_alpha);
    tcase_add_test(core, test_cohen_sas);
    tcase_add_test(core, test_irrcac_tables);
    tcase_add_test(core, test_fleiss);
    tcase_add_test(core, test_anxiety);
    tcase_add_test(core, test_preferences);
    tcase_add_test(core, test_weights);
    tcase_add_test(core, test_student);
    tcase_add_test(core, test_wilson);
    suite_add_tcase(s, core);
    TCase *edge = tcase_create("edges");
    tcase_set_timeout(edge, 60);
    tcase_add_test(edge, test_undefined);
    tcase_add_test(edge, test_perfect);
    tcase_add_test(edge, test_leave_one_out);
    tcase_add_test(edge, test_pairs);
    suite_add_tcase(s, edge);
    return run_suite(s);
}
