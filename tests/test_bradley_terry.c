/* Bradley-Terry against published fits (Agresti through BradleyTerry2, choix),
 * when a fit exists, and the ranking of a store's models. */
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "prefdb/stats/ranking.h"
#include "tests/prefdb_support.h"

static void near(double x, double want, double within, const char *what)
{
    ck_assert_msg(fabs(x - want) <= within, "%s: %.12g, wanted %.12g", what, x,
                  want);
}

/* The American League of 1987; rows beat columns. */
static const double league[7 * 7] = {0, 7,  9, 7, 7, 9, 11, 6,  0,  7, 5, 11, 9,
                                     9, 4,  6, 0, 7, 7, 8,  12, 6,  8, 6, 0,  6,
                                     7, 10, 6, 2, 6, 7, 0,  7,  12, 4, 4, 5,  6,
                                     6, 0,  6, 2, 4, 1, 3,  1,  7,  0};

START_TEST(test_league)
{
    static const double want[] = {1.581356, 1.436408, 1.294485, 1.247618,
                                  1.107698, .683853,  0};
    static const double errors[] = {.3433, .3396, .3367, .3359, .3339, .3319};
    static const double elo[] = {1092.27, 1067.09, 1042.44, 1034.29,
                                 1009.99, 936.36,  817.56};
    struct pk_err err;
    double wins[49], theta[7] = {0}, se[7], centred[7] = {0};
    bool finite;
    memcpy(wins, league, sizeof wins);
    struct prefdb__battles b = {7, wins};
    ck_ok(prefdb__bt_finite(&b, &finite, &err));
    ck_assert(finite);
    ck_ok(prefdb__bt_fit(&b, 0, 6, theta, se, &err));
    ck_ok(prefdb__bt_fit(&b, 0, -1, centred, NULL, &err));
    for (int i = 0; i < 7; i++) {
        near(theta[i], want[i], 5.1e-7, "ability");
        near(prefdb__elo(centred[i]), elo[i], .0051, "Elo");
        if (i < 6)
            near(se[i], errors[i], 5.1e-5, "error");
    }
    near(prefdb__bt_log_likelihood(&b, theta), -172.248176, 5.1e-7, "logL");
}
END_TEST

/* One game after another between A, B and C. */
static void play(double k, double r[3])
{
    static const struct {
        int a, b;
        double score;
    } games[] = {{0, 1, 1}, {1, 2, .5}, {2, 0, 1}, {1, 0, 1}};
    for (int i = 0; i < 3; i++)
        r[i] = 1000;
    for (size_t i = 0; i < sizeof games / sizeof games[0]; i++) {
        double *a = &r[games[i].a], *b = &r[games[i].b], was = *a;
        double other = 1 - games[i].score;
        *a = prefdb__elo_after(was, b, &games[i].score, 1, k);
        *b = prefdb__elo_after(*b, &was, &other, 1, k);
    }
}

START_TEST(test_online_elo)
{
    static const double want[2][3] = {
        {982.562794, 1001.403373, 1016.033833},
        {997.977041, 1000.022893, 1002.000066},
    };
    static const double others[] = {1609, 1477, 1388, 1586, 1720};
    static const double scores[] = {0, .5, 1, 1, 0};
    double r[3], expected = 0;
    for (int i = 0; i < 2; i++) {
        play(i ? 4 : 32, r);
        for (int j = 0; j < 3; j++)
            near(r[j], want[i][j], 5.1e-7, "online Elo");
    }
    for (int i = 0; i < 5; i++)
        expected += prefdb__elo_expected(1613, others[i]);
    near(expected, 2.867, 5.1e-4, "expected score");
    near(prefdb__elo_after(1613, others, scores, 5, 32), 1601.27, .0051,
         "a tournament");
}
END_TEST

START_TEST(test_choix)
{
    struct pk_err err;
    double wins[9] = {0, 2, 0, 0, 0, 1, 1, 0, 0}, theta[3] = {0};
    struct prefdb__battles b = {3, wins};
    ck_ok(prefdb__bt_fit(&b, 0, -1, theta, NULL, &err));
    /* given cut off, not rounded */
    near(theta[0], .419617624, 1.01e-9, "0");
    near(theta[1], -.419617624, 1.01e-9, "1");
    near(theta[2], 0, 1.01e-9, "2");
}
END_TEST

START_TEST(test_choix_regularised)
{
    static const int pairs[][2] = {{7, 3}, {2, 0}, {5, 2}, {4, 2}, {2, 1},
                                   {4, 5}, {6, 3}, {5, 4}, {7, 0}, {2, 3},
                                   {4, 0}, {0, 4}, {6, 5}, {3, 2}, {3, 4},
                                   {3, 4}, {5, 2}, {7, 3}, {7, 6}, {6, 5}};
    static const double want[] = {-.51974039, -.46280878, -.31376862,
                                  -.06854694, -.3185146,  -.00346107,
                                  .63032783,  1.05651257};
    struct pk_err err;
    double wins[64] = {0}, theta[8] = {0};
    struct prefdb__battles b = {8, wins};
    bool finite;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        wins[pairs[i][0] * 8 + pairs[i][1]]++;
    ck_ok(prefdb__bt_finite(&b, &finite, &err));
    ck_assert(!finite); /* nobody beat 7, and 1 beat nobody */
    ck_ok(prefdb__bt_fit(&b, 1, -1, theta, NULL, &err));
    for (int i = 0; i < 8; i++)
        near(theta[i], want[i], 5.1e-6, "ability");
}
END_TEST

START_TEST(test_finite)
{
    struct pk_err err;
    bool finite;
    /* A circle; the same without its last link; two islands; one model. */
    double wins[4][16] = {{0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0},
                          {0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0},
                          {0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0},
                          {0}};
    for (int i = 0; i < 3; i++) {
        struct prefdb__battles b = {4, wins[i]};
        ck_ok(prefdb__bt_finite(&b, &finite, &err));
        ck_assert_int_eq(finite, i == 0);
    }
    struct prefdb__battles one = {1, wins[3]};
    ck_ok(prefdb__bt_finite(&one, &finite, &err));
    ck_assert(finite);
}
END_TEST

START_TEST(test_binomial)
{
    static const struct {
        uint64_t n;
        double p;
    } cases[] = {{10, .3}, {1000, .5}, {1000000, .001}, {7, .99}, {200, .02}};
    struct pk_rng rng;
    pk_rng_seed(&rng, 5, 0);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        double n = (double)cases[c].n, p = cases[c].p, sum = 0, squares = 0;
        enum { DRAWS = 20000 };
        for (int i = 0; i < DRAWS; i++) {
            double x = (double)prefdb__binomial(&rng, cases[c].n, p);
            ck_assert(x <= n);
            sum += x;
            squares += (x - n * p) * (x - n * p);
        }
        /* Five standard errors. */
        near(sum / DRAWS, n * p, 5 * sqrt(n * p * (1 - p) / DRAWS), "mean");
        near(squares / DRAWS / (n * p * (1 - p)), 1, .08, "variance");
    }
    ck_assert_uint_eq(prefdb__binomial(&rng, 9, 0), 0);
    ck_assert_uint_eq(prefdb__binomial(&rng, 9, 1), 9);
    ck_assert_uint_eq(prefdb__binomial(&rng, 0, .5), 0);
}
END_TEST

/* x beats y three times of four, they tie once; z and an unnamed model; and a
 * judgment that was taken back. */
static void add_row(struct pk_buf *b, int i, const char *a, const char *c,
                    const char *choice)
{
    pk_buf_addf(b,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"q%d\"}],"
                "\"a\":{\"content\":\"one\",\"model\":%s},"
                "\"b\":{\"content\":\"two\",\"model\":%s},\"source\":\"s\","
                "\"judgments\":[{\"dimension\":\"helpfulness\","
                "\"choice\":\"%s\"}]}\n",
                i, a, c, choice);
}

static struct prefdb *arena(bool circle)
{
    struct pk_err err;
    struct prefdb__report report;
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    struct prefdb *db = new_store("arena.db");
    add_row(&b, 0, "\"x\"", "\"y\"", "a");
    add_row(&b, 1, "\"y\"", "\"x\"", "b");
    add_row(&b, 2, "\"x\"", "\"y\"", "a");
    add_row(&b, 3, "\"y\"", "\"x\"", "a");
    add_row(&b, 4, "\"x\"", "\"y\"", "tie");
    add_row(&b, 5, "null", "\"y\"", "a");
    add_row(&b, 6, "\"x\"", "\"x\"", "a");
    if (!circle)
        add_row(&b, 7, "\"z\"", "\"y\"", "b");
    ck_assert_int_eq(b.failed, 0);
    ck_ok(import_text(db, "arena.jsonl", b.data, plain_import(NULL), &report,
                      &err));
    pk_buf_release(&b);
    return db;
}

START_TEST(test_store)
{
    struct pk_err err;
    struct prefdb *db = arena(true);
    struct prefdb__rankings r = {.of = {{.n = 0}}}, again = r;
    ck_ok(prefdb__rankings(db, NULL, 200, 7, &r, &err));
    const struct prefdb__ranking *h = &r.of[PREFDB_HELPFULNESS];
    ck_assert_uint_eq(h->n, 2);
    ck_assert_uint_eq(h->battles, 5);
    ck_assert_uint_eq(h->ties, 1);
    ck_assert_uint_eq(h->unnamed, 1);
    ck_assert_uint_eq(h->same, 1);
    ck_assert(h->finite);
    ck_assert_str_eq(r.models.v[h->v[0].model], "x");
    ck_assert_double_eq(h->v[0].wins, 3.5);
    /* log(3.5 / 1.5), half of it on each side */
    near(h->v[0].theta, .5 * log(3.5 / 1.5), 1e-9, "x");
    near(h->v[1].theta, -.5 * log(3.5 / 1.5), 1e-9, "y");
    near(h->v[0].se, .5 / sqrt(5 * .7 * .3), 1e-9, "its error");
    ck_assert(h->v[0].low < h->v[0].theta && h->v[0].theta < h->v[0].high);
    ck_assert(h->unfinished > 0 && h->unfinished < 100);
    ck_assert_uint_eq(r.of[PREFDB_SAFETY].n, 0);
    /* The same seed, the same interval. */
    ck_ok(prefdb__rankings(db, NULL, 200, 7, &again, &err));
    ck_assert_double_eq(again.of[0].v[0].low, h->v[0].low);
    ck_assert_double_eq(again.of[0].v[0].high, h->v[0].high);
    prefdb__rankings_release(&r);
    prefdb__rankings_release(&again);
    prefdb_close(db);
}
END_TEST

START_TEST(test_store_infinite)
{
    struct pk_err err;
    struct prefdb *db = arena(false);
    struct prefdb__rankings r = {.of = {{.n = 0}}};
    ck_ok(prefdb__rankings(db, "s", 0, 7, &r, &err));
    const struct prefdb__ranking *h = &r.of[PREFDB_HELPFULNESS];
    ck_assert_uint_eq(h->n, 3);
    ck_assert(!h->finite);
    ck_assert_str_eq(r.models.v[h->v[2].model], "z");
    ck_assert(isfinite(h->v[2].theta) && isfinite(h->v[2].se));
    prefdb__rankings_release(&r);
    ck_ok(prefdb__rankings(db, "another", 0, 7, &r, &err));
    ck_assert_uint_eq(r.of[PREFDB_HELPFULNESS].n, 0);
    prefdb__rankings_release(&r);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bradley_terry");
    TCase *core = tcase_create("vectors");
    tcase_set_timeout(core, 60);
    tcase_add_test(core, test_league);
    tcase_add_test(core, test_online_elo);
    tcase_add_test(core, test_choix);
    tcase_add_test(core, test_choix_regularised);
    tcase_add_test(core, test_finite);
    tcase_add_test(core, test_binomial);
    suite_add_tcase(s, core);
    TCase *store = tcase_create("store");
    tcase_set_timeout(store, 60);
    tcase_add_test(store, test_store);
    tcase_add_test(store, test_store_infinite);
    suite_add_tcase(s, store);
    return run_suite(s);
}
