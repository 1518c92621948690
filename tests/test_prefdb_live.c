/* Pairs made and judged in one sitting: what is written, and that it leaves the
 * store and comes back as it was. */
#include <stdlib.h>

#include "prefdb/export/export.h"
#include "prefdb/store/check.h"
#include "tests/prefdb_support.h"

static struct pk_err err;

#define TURN(r, s) ((struct prefdb_turn){(r), (s), strlen(s)})

static struct prefdb_made made(const char *text, const char *model, double t)
{
    return (struct prefdb_made){
        .text = text,
        .len = strlen(text),
        .model = model,
        .created = "2026-01-31T12:00:00.000001Z",
        .temperature = t,
        .top_p = 0.95,
        .seed = 1234567,
        .has_seed = true,
        .extra = "{\"finish_reason\":\"stop\",\"request\":{\"temperature\":0.7,"
                 "\"seed\":1234567}}"};
}

static int64_t campaign_of(struct prefdb *db)
{
    struct prefdb_campaign c = {.name = "live",
                                .dimension = PREFDB_SAFETY,
                                .overlap = 1,
                                .lease_seconds = 60,
                                .guideline = "g2"};
    ck_ok(prefdb_campaign_put(db, &c, &err));
    return c.id;
}

static const struct prefdb_verdict said = {.dimension = PREFDB_SAFETY,
                                           .choice = PREFDB_A, /* left */
                                           .strength = 2,
                                           .label = PREFDB_PREFERRED_SAFE,
                                           .shown_left = PREFDB_A,
                                           .seconds = 12.345678901,
                                           .note = "a note",
                                           .flags =
                                               (const char *const[]){"odd"},
                                           .n_flags = 1};

static int submit(struct prefdb *db, int64_t campaign, const char *left,
                  const char *right, const struct prefdb_verdict *v,
                  int64_t *id)
{
    const struct prefdb_turn context[] = {
        TURN(PREFDB_SYSTEM, "Be kind."), TURN(PREFDB_USER, "Why?"),
        TURN(PREFDB_ASSISTANT, "Because."), TURN(PREFDB_USER, "Because what?")};
    struct prefdb_live pair = {.context = context,
                               .n_context = 4,
                               .left = made(left, "old", 0.7),
                               .right = made(right, "new", 1.1),
                               .source = "live",
                               .draft_key = "live/1",
                               .draft = "the next turn"};
    pair.right.cut = true;
    return prefdb_live_submit(db, campaign, "ana", &pair, v, id, &err);
}

static char *exported(struct prefdb *db)
{
    const struct prefdb_query all = {.dimension = -1, .split = -1};
    struct prefdb__exported done;
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    ck_ok(prefdb__export(db, &all, f, &done, &err));
    fclose(f);
    return text;
}

START_TEST(a_pair_is_kept_as_it_was_judged)
{
    /* Whichever of the two the store calls a: both ways round. */
    struct prefdb *db = new_store("live.db");
    int64_t campaign = campaign_of(db), id, old;
    struct prefdb_example x;
    char *draft;
    for (int i = 0; i < 8; i++) {
        char left[24], right[24];
        snprintf(left, sizeof left, "left %d", i);
        snprintf(right, sizeof right, "right %d", i);
        ck_ok(submit(db, campaign, left, right, &said, &id));
        ck_ok(prefdb_get(db, id, &x, &err));
        bool a = x.choice == PREFDB_A;
        ck_text(a ? x.a : x.b, left);
        ck_text(a ? x.b : x.a, right);
        ck_assert(a ? x.b_cut : x.a_cut);
        ck_assert(!(a ? x.a_cut : x.b_cut));
        ck_assert_int_eq(x.strength, 2);
        ck_assert_int_eq(x.label, PREFDB_PREFERRED_SAFE);
        ck_assert_uint_eq(x.n_context, 4);
    }
    ck_assert_int_eq(number(db, "SELECT count(DISTINCT choice) FROM judgment"),
                     2);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"
                                " WHERE choice = shown_left"
                                " AND guideline = 'g2'"),
                     8);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM response WHERE model ="
                                " CASE cut WHEN 1 THEN 'new' ELSE 'old' END"),
                     16);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM task"), 8);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 20);
    ck_ok(prefdb_draft_get(db, "ana", "live/1", &draft, &err));
    ck_assert_str_eq(draft, "the next turn");
    free(draft);
    /* The very same pair is not judged twice. */
    ck_assert_int_eq(submit(db, campaign, "left 7", "right 7", &said, &old),
                     PK_ENO);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM judgment"), 8);
    /* It can be revised like any other. */
    struct prefdb_verdict other = said;
    other.choice = PREFDB_B;
    ck_ok(prefdb_revise(db, campaign, "ana", id, &other, &id, &err));
    prefdb_close(db);
}
END_TEST

START_TEST(it_leaves_the_store_and_comes_back)
{
    struct prefdb *db = new_store("live.db"), *again = new_store("again.db");
    struct prefdb__report report;
    char one[65], two[65];
    int64_t campaign = campaign_of(db), id;
    for (int i = 0; i < 4; i++) {
        char left[24];
        snprintf(left, sizeof left, "left %d", i);
        ck_ok(submit(db, campaign, left, "right", &said, &id));
    }
    char *rows = exported(db);
    ck_ok(import_text(again, "rows.jsonl", rows, plain_import(NULL), &report,
                      &err));
    ck_assert_uint_eq(report.counts.judgments, 4);
    char *back = exported(again);
    ck_assert_str_eq(rows, back);
    ck_ok(prefdb_fingerprint(db, one, &err));
    ck_ok(prefdb_fingerprint(again, two, &err));
    ck_assert_str_eq(one, two);
    /* And into the store that made it: nothing new. */
    ck_ok(
        import_text(db, "rows.jsonl", rows, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.repeats, 4);
    ck_assert_uint_eq(report.counts.judgments + report.counts.comparisons, 0);
    free(rows);
    free(back);
    prefdb_close(db);
    prefdb_close(again);
}
END_TEST

START_TEST(what_makes_no_sense_leaves_nothing)
{
    struct prefdb *db = new_store("live.db");
    int64_t campaign = campaign_of(db), id;
    struct prefdb_verdict v = said;
    ck_assert_int_eq(submit(db, campaign, "same", "same", &v, &id), PK_EUSAGE);
    ck_assert_int_eq(submit(db, campaign, "\xff", "b", &v, &id), PK_EUSAGE);
    ck_assert_int_eq(submit(db, campaign + 1, "a", "b", &v, &id), PK_EUSAGE);
    v.dimension = PREFDB_HELPFULNESS;
    ck_assert_int_eq(submit(db, campaign, "a", "b", &v, &id), PK_ENO);
    v.dimension = PREFDB_SAFETY;
    v.choice = PREFDB_TIE;
    v.strength = PREFDB_UNSTATED;
    v.label = PREFDB_NO_LABEL;
    ck_assert_int_eq(submit(db, campaign, "a", "b", &v, &id), PK_EUSAGE);
    ck_assert_int_eq(id, 0);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM turn"), 0);
    ck_assert_int_eq(number(db, "SELECT count(*) FROM draft"), 0);
    prefdb_close(db);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb_live");
    TCase *t = tcase_create("prefdb_live");
    tcase_add_test(t, a_pair_is_kept_as_it_was_judged);
    tcase_add_test(t, it_leaves_the_store_and_comes_back);
    tcase_add_test(t, what_makes_no_sense_leaves_nothing);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
