/* Agreement as a store tells it: groups, pairs of people, habits. */
#include <math.h>
#include <stdlib.h>

#include "prefdb/stats/agreement.h"
#include "tests/near.h"
#include "tests/prefdb_support.h"

/* Three people on five comparisons, safety and helpfulness; a choice that was
 * taken back, one that was asked twice, one without a name. Which response is
 * the store's a is its own affair: what is told does not depend on it. */
static const char rows[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"1\"}],"
    "\"a\":\"long answer\",\"b\":\"short\",\"source\":\"s\",\"judgments\":["
    "{\"dimension\":\"helpfulness\",\"choice\":\"a\",\"strength\":3,"
    "\"annotator\":\"p\",\"shown_left\":\"a\",\"seconds\":0.1},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"a\",\"strength\":0,"
    "\"annotator\":\"q\",\"shown_left\":\"b\",\"seconds\":20},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"b\",\"strength\":0,"
    "\"annotator\":\"r\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"b\",\"strength\":1},"
    "{\"dimension\":\"safety\",\"choice\":\"a\",\"annotator\":\"p\","
    "\"label\":\"preferred_safe\"},"
    "{\"dimension\":\"safety\",\"choice\":\"b\",\"annotator\":\"q\","
    "\"label\":\"preferred_unsafe\"},"
    "{\"dimension\":\"safety\",\"choice\":\"b\",\"annotator\":\"r\","
    "\"label\":\"preferred_safe\"}]}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"2\"}],"
    "\"a\":\"one\",\"b\":\"four\",\"source\":\"s\",\"judgments\":["
    "{\"dimension\":\"helpfulness\",\"choice\":\"b\",\"strength\":2,"
    "\"annotator\":\"p\",\"created\":\"2026-01-01\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"a\",\"strength\":1,"
    "\"annotator\":\"p\",\"created\":\"2026-01-03\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"a\",\"strength\":2,"
    "\"annotator\":\"p\",\"created\":\"2026-01-02\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"a\",\"strength\":1,"
    "\"annotator\":\"q\"}]}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"3\"}],"
    "\"a\":\"x\",\"b\":\"y\",\"source\":\"t\",\"judgments\":["
    "{\"dimension\":\"helpfulness\",\"choice\":\"tie\",\"annotator\":\"p\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"both_bad\","
    "\"annotator\":\"q\"}]}\n";

static struct prefdb__agreement measured(struct prefdb__agreement_query q)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb__agreement a = {.cap_groups = 0};
    struct prefdb *db = new_store("agree.db");
    ck_ok(
        import_text(db, "rows.jsonl", rows, plain_import(NULL), &report, &err));
    q.reading_speed = 50;
    ck_ok(prefdb__agreement(db, &q, &a, &err));
    prefdb_close(db);
    return a;
}

static const struct prefdb__habits *habits(const struct prefdb__agreement *a,
                                           const char *who)
{
    int64_t i = prefdb__name_find(&a->people, who);
    ck_assert_int_ge(i, 0);
    return &a->habits[2 * i + PREFDB_HELPFULNESS];
}

START_TEST(test_store_groups)
{
    struct pk_err err;
    struct prefdb__coef c[PREFDB__COEFS];
    struct prefdb__agreement a =
        measured((struct prefdb__agreement_query){.dimension = -1});
    const struct prefdb__group *all = &a.all[PREFDB_HELPFULNESS];
    ck_assert_uint_eq(all->judgments, 10);
    ck_assert_uint_eq(all->comparisons, 3);
    ck_assert_uint_eq(all->shared, 3);
    ck_assert_uint_eq(all->anonymous, 1);
    ck_assert(all->ties && all->strengths && !all->labels);
    /* "s" is forced choice, "t" knows no strengths. */
    const struct prefdb__group *s = &a.groups[PREFDB_HELPFULNESS];
    const struct prefdb__group *t = &a.groups[2 + PREFDB_HELPFULNESS];
    ck_assert_str_eq(a.sources.v[0], "s");
    ck_assert_int_eq(prefdb__scale_of(s, PREFDB__CHOICE).q, 2);
    ck_assert_int_eq(prefdb__scale_of(t, PREFDB__CHOICE).q, 3);
    ck_assert(!prefdb__has_scale(t, PREFDB__STRENGTH));
    /* Comparison 1: a a b; 2: p's latest word is a, as is q's. */
    ck_ok(prefdb__coefs(s, PREFDB__CHOICE, c, &err));
    near(c[PREFDB__C_PERCENT].value, (1. / 3 + 1) / 2, 12, "choice");
    ck_ok(prefdb__coefs(t, PREFDB__CHOICE, c, &err));
    ck_assert_int_eq(c[PREFDB__C_ALPHA].undefined, PREFDB__UNANIMOUS);
    /* Strength 0 is strength 0, whichever way it went. */
    ck_ok(prefdb__coefs(s, PREFDB__STRENGTH, c, &err));
    near(c[PREFDB__C_PERCENT].value, (1. / 3 + 1) / 2, 12, "strength");
    ck_assert_uint_eq(all->tally[PREFDB__STRENGTH].ratings, 5);
    /* p and q call the same response safe, r the other one. */
    const struct prefdb__group *safety = &a.all[PREFDB_SAFETY];
    ck_ok(prefdb__coefs(safety, PREFDB__LABEL, c, &err));
    near(c[PREFDB__C_PERCENT].value, 1. / 3, 12, "label");
    ck_assert_int_eq(prefdb__scale_of(safety, PREFDB__LABEL).q, 4);
    prefdb__agreement_release(&a);
}
END_TEST

START_TEST(test_store_habits)
{
    struct prefdb__agreement a = measured((struct prefdb__agreement_query){
        .dimension = PREFDB_HELPFULNESS, .gold = "q"});
    const struct prefdb__habits *p = habits(&a, "p"), *q = habits(&a, "q");
    ck_assert_uint_eq(p->judgments, 5);
    ck_assert_uint_eq(p->sided, 1);
    ck_assert_uint_eq(p->left, 1);
    ck_assert_uint_eq(p->unequal, 4);
    ck_assert_uint_eq(p->longer, 2);
    ck_assert_uint_eq(p->timed, 1);
    ck_assert_uint_eq(p->fast, 1);
    near(p->median, .1, 7, "median");
    ck_assert_uint_eq(p->repeats, 3);
    ck_assert_uint_eq(p->same, 1);
    ck_assert_uint_eq(p->gold, 3);
    ck_assert_uint_eq(p->right, 3);
    ck_assert_uint_eq(q->left, 0);
    ck_assert_uint_eq(q->sided, 1);
    ck_assert_uint_eq(q->fast, 0);
    ck_assert_uint_eq(q->gold, 0);
    ck_assert(isnan(habits(&a, "r")->median));
    ck_assert_uint_eq(habits(&a, "r")->right, 0);
    ck_assert_uint_eq(a.all[PREFDB_SAFETY].judgments, 0);
    prefdb__agreement_release(&a);
}
END_TEST

START_TEST(test_store_people)
{
    struct pk_err err;
    struct prefdb__person *v;
    struct prefdb__twos twos;
    size_t n;
    struct prefdb__agreement a = measured((struct prefdb__agreement_query){
        .dimension = PREFDB_HELPFULNESS, .source = "s"});
    ck_assert_uint_eq(a.sources.n, 1);
    ck_ok(prefdb__people(&a, PREFDB_HELPFULNESS, &v, &n, &err));
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(a.people.v[v[0].id], "p");
    ck_assert_uint_eq(v[0].on[PREFDB__CHOICE].shared, 2);
    near(v[0].on[PREFDB__CHOICE].agree, .75, 12, "like the others");
    /* Without r: a a, a a. */
    ck_assert_str_eq(a.people.v[v[2].id], "r");
    ck_assert_int_eq(v[2].on[PREFDB__CHOICE].alpha.undefined,
                     PREFDB__UNANIMOUS);
    free(v);
    ck_ok(prefdb__twos(&a.all[0], PREFDB__CHOICE, &twos, &err));
    ck_assert_uint_eq(twos.n, 3);
    ck_assert_uint_eq(twos.v[0].units, 2);
    near(twos.v[0].same, 1, 12, "p and q");
    free(twos.v);
    /* Forced choice: p says a a, q a a, r b; two of them differ from r on one
     * comparison, so that chance is (1 + 0 + 0) / 3, and p_a (1 / 3 + 1) / 2.
     */
    struct prefdb__conger conger;
    ck_ok(prefdb__group_conger(&a.all[0], PREFDB__CHOICE, &conger, &err));
    ck_assert(conger.had);
    near(conger.plain.value, .5, 12, "Conger");
    ck_ok(prefdb__group_conger(&a.groups[0], PREFDB__CHOICE, &conger, &err));
    ck_assert(!conger.had);
    prefdb__agreement_release(&a);
}
END_TEST

START_TEST(test_store_empty)
{
    struct pk_err err;
    struct prefdb__agreement a = {.cap_groups = 0};
    struct prefdb__agreement_query q = {.dimension = -1, .reading_speed = 50};
    struct prefdb *db = new_store("agree.db");
    ck_ok(prefdb__agreement(db, &q, &a, &err));
    ck_assert_uint_eq(a.all[0].judgments + a.all[1].judgments, 0);
    prefdb__agreement_release(&a);
    prefdb_close(db);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("agreement_store");
    TCase *store = tcase_create("store");
    tcase_set_timeout(store, 60);
    tcase_add_test(store, test_store_groups);
    tcase_add_test(store, test_store_habits);
    tcase_add_test(store, test_store_people);
    tcase_add_test(store, test_store_empty);
    suite_add_tcase(s, store);
    return run_suite(s);
}
