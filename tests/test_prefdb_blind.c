/* Campaigns' gold and repeats: where they come, and what is told of them. */
#include <math.h>
#include <stdlib.h>

#include "prefdb/stats/agreement.h"
#include "prefdb/stats/campaign_report.h"
#include "prefdb/store/check.h"
#include "tests/prefdb_campaigns.h"
#include "tests/schema.h"

/* ---- Gold and repeats ---------------------------------------------------- */

enum { MANY = 60, GOLD = 5, EVERY = 4 };

/* Judge what comes, `most` pairs at most; ids[i] is negative for a repeat. */
static int work(struct prefdb *db, int64_t c, const char *who, int64_t *ids,
                int most)
{
    struct pk_err err;
    struct prefdb_task t;
    int64_t j;
    int n = 0;
    while (n < most) {
        ck_assert_int_ge(prefdb_next(db, c, who, &t, &err), 0);
        if (!t.comparison)
            break;
        ids[n++] = t.again ? -t.comparison : t.comparison;
        ck_ok(prefdb_submit(db, c, who, t.comparison, &says_a, &j, &err));
    }
    return n;
}

/* A store of MANY whose first GOLD pairs "lead" has judged, and a campaign. */
static struct prefdb *store_with_gold(const char *name, int64_t *c, int overlap,
                                      int repeat)
{
    struct pk_err err;
    int64_t ids[GOLD];
    struct prefdb *db = store_of(name, MANY);
    struct prefdb_fill f = {.order = PREFDB_OLDEST, .limit = GOLD};
    int64_t n, g = empty_campaign(db, "lead's");
    struct prefdb_campaign put = {.name = "checked",
                                  .overlap = overlap,
                                  .lease_seconds = 60,
                                  .gold = "lead",
                                  .gold_every = EVERY,
                                  .repeat_every = repeat};
    ck_assert_int_eq(fill(db, g, f), GOLD);
    ck_assert_int_eq(work(db, g, "lead", ids, GOLD), GOLD);
    f.limit = 0;
    ck_ok(prefdb_campaign_put(db, &put, &err));
    ck_ok(prefdb_campaign_fill(db, put.id, &f, &n, &err));
    ck_assert_int_eq(n, MANY);
    *c = put.id;
    return db;
}

START_TEST(test_gold)
{
    int64_t c, ids[2][2 * MANY];
    struct prefdb *db = store_with_gold("gold.db", &c, 2, 0);
    struct pk_err err;
    struct prefdb_progress p;
    int differ = 0;
    const char *who[] = {"ann", "bob"};
    for (int k = 0; k < 2; k++) {
        /* Every pair once: the gold ones mixed in, none of them as a task. */
        ck_assert_int_eq(work(db, c, who[k], ids[k], 2 * MANY), MANY);
        for (int run = 0; run < GOLD; run++) {
            int gold = 0;
            for (int i = 0; i < EVERY; i++)
                gold += ids[k][run * EVERY + i] <= GOLD;
            ck_assert_int_eq(gold, 1);
        }
        for (int i = GOLD * EVERY; i < MANY; i++)
            ck_assert_int_gt(ids[k][i], GOLD);
    }
    for (int i = 0; i < GOLD * EVERY; i++)
        differ += (ids[0][i] <= GOLD) != (ids[1][i] <= GOLD);
    ck_assert_int_gt(differ, 0);
    /* A third finds no task, so no gold either; the gold annotator no gold. */
    ck_assert_int_eq(work(db, c, "eve", ids[0], 1), 0);
    ck_assert_int_eq(work(db, c, "lead", ids[0], 1), 0);
    /* Whoever looks back finds the gold ones among the others. */
    ck_ok(prefdb_progress(db, c, "ann", &p, &err));
    ck_assert_int_eq(p.judged, MANY);
    ck_ok(prefdb__exec(db, "DELETE FROM progress", &err));
    ck_ok(prefdb_progress(db, c, "ann", &p, &err));
    ck_assert_int_eq(p.judged, MANY);
    ck_assert_int_eq(number(db, "SELECT max(n) FROM (SELECT count(DISTINCT"
                                " annotator) AS n FROM judgment WHERE"
                                " comparison > 5 GROUP BY comparison)"),
                     2);
    ck_assert_int_eq(problems(db), 0);
    prefdb_close(db);
}
END_TEST

/* Gold is not given up for a repeat that falls on its place; and a repeat comes
 * once, also where there is no gold left. */
START_TEST(test_gold_beside_repeats)
{
    enum { WITH = GOLD * EVERY, ALL = 13 * EVERY };
    static const char *const who[] = {"ann", "bob", "cem", "dee", "eli", "fay"};
    int64_t c, ids[ALL];
    struct prefdb *db = store_with_gold("both.db", &c, 6, EVERY);
    for (int k = 0; k < 6; k++) {
        int repeats = 0;
        ck_assert_int_eq(work(db, c, who[k], ids, ALL), ALL);
        for (int run = 0; run < GOLD; run++) {
            int gold = 0;
            for (int i = run * EVERY; i < (run + 1) * EVERY; i++)
                gold += ids[i] > 0 && ids[i] <= GOLD;
            ck_assert_int_eq(gold, 1);
        }
        for (int i = WITH; i < ALL; i++)
            repeats += ids[i] < 0;
        ck_assert_int_le(repeats, (ALL - WITH) / EVERY + 1);
        ck_assert_int_gt(repeats, 0);
    }
    prefdb_close(db);
}
END_TEST

START_TEST(test_repeats)
{
    struct pk_err err;
    int64_t c, ids[2 * MANY], j, old = 0;
    struct prefdb *db = store_with_gold("again.db", &c, 1, 5);
    struct prefdb_task t;
    struct prefdb_habits h;
    int n = work(db, c, "ann", ids, 40), repeats = 0;
    ck_assert_int_eq(n, 40);
    for (int i = 0; i < n; i++) {
        bool seen = false;
        for (int k = 0; k < i; k++)
            if (ids[k] == -ids[i]) {
                ck_assert_int_ge(i - k, 10);
                seen = true;
            }
        repeats += ids[i] < 0;
        ck_assert(seen == (ids[i] < 0));
    }
    /* One in every five once there are any, give or take a run's edge. */
    ck_assert_int_ge(repeats, 4);
    ck_assert_int_le(repeats, 7);
    /* In hand over a crash, and after its lease has run out; said otherwise
     * this time, beside the first. */
    do {
        ck_assert_int_gt(prefdb_next(db, c, "ann", &t, &err), 0);
        if (!t.again)
            ck_ok(prefdb_submit(db, c, "ann", t.comparison, &says_a, &j, &err));
    } while (!t.again);
    old = t.comparison;
    ck_ok(prefdb__exec(db, "UPDATE lease SET expires = 1", &err));
    ck_assert_int_gt(prefdb_next(db, c, "ann", &t, &err), 0);
    ck_assert(t.again);
    ck_assert_int_eq(t.comparison, old);
    ck_ok(prefdb__exec(db, "UPDATE lease SET expires = 1", &err));
    struct prefdb_verdict b = says_a;
    b.choice = PREFDB_B;
    ck_ok(prefdb_submit(db, c, "ann", old, &b, &j, &err));
    ck_assert_int_eq(prefdb_submit(db, c, "ann", old, &b, &j, &err), PK_ENO);
    ck_ok(prefdb_habits(db, c, "ann", NULL, &h, &err));
    ck_assert_uint_eq(h.repeats, (uint64_t)repeats + 1);
    ck_assert_uint_eq(h.same, (uint64_t)repeats);
    /* agreement's consistency and gold count the same. */
    struct prefdb__agreement a = {.cap_groups = 0};
    struct prefdb__agreement_query q = {
        .dimension = -1, .gold = "lead", .campaign = c, .reading_speed = 50};
    ck_ok(prefdb__agreement(db, &q, &a, &err));
    int64_t ann = prefdb__name_find(&a.people, "ann");
    ck_assert_int_ge(ann, 0);
    ck_assert_uint_eq(a.habits[2 * ann].repeats, (uint64_t)repeats + 1);
    ck_assert_uint_eq(a.habits[2 * ann].same, (uint64_t)repeats);
    ck_assert_uint_eq(a.habits[2 * ann].gold, GOLD);
    ck_assert_uint_eq(a.habits[2 * ann].judgments, h.judged);
    prefdb__agreement_release(&a);
    ck_assert_int_eq(problems(db), 0);
    prefdb_close(db);
}
END_TEST

/* The report as JSON, against its schema. */
START_TEST(test_report)
{
    struct pk_err err;
    int64_t c, ids[20];
    struct prefdb *db = store_with_gold("report.db", &c, 1, 5);
    const char *names[] = {NULL, "checked"};
    ck_assert_int_eq(work(db, c, "ann", ids, 20), 20);
    for (int i = 0; i < 2; i++) {
        char *path = temp_path("report.json"), *text;
        size_t n;
        cJSON *j;
        fflush(stdout);
        int old = dup(1);
        ck_assert_ptr_nonnull(freopen(path, "w", stdout));
        int rc = prefdb__campaign_report(db, "s.db", names[i], true, &err);
        fflush(stdout);
        ck_assert_int_ge(dup2(old, 1), 0);
        close(old);
        ck_assert_int_eq(rc, 0);
        text = read_file(path, &n);
        ck_ok(pk_json_parse(&j, text, n, &err));
        ck_schema(j, "schemas/campaigns.schema.json");
        const cJSON *all = cJSON_GetObjectItem(j, "campaigns");
        ck_assert_int_eq(cJSON_GetArraySize(all), i ? 1 : 2);
        const cJSON *people =
            cJSON_GetObjectItem(cJSON_GetArrayItem(all, 0), "annotators");
        ck_assert_int_eq(cJSON_GetArraySize(people), i ? 2 : 0);
        cJSON_Delete(j);
        free(text);
    }
    prefdb_close(db);
}
END_TEST

/* A check that is skipped is not forced on the annotator. */
START_TEST(test_blind_skipped)
{
    struct pk_err err;
    int64_t c, j, *ids;
    size_t n;
    struct prefdb *db = store_with_gold("skip.db", &c, 1, 0);
    struct prefdb_task t;
    int skipped = 0;
    while (prefdb_next(db, c, "ann", &t, &err) > 0) {
        if (t.comparison <= GOLD) {
            ck_ok(prefdb_skip(db, c, "ann", t.comparison, "", &err));
            skipped++;
        } else {
            ck_ok(prefdb_submit(db, c, "ann", t.comparison, &says_a, &j, &err));
        }
    }
    ck_assert_int_eq(skipped, GOLD);
    ck_ok(prefdb_history(db, c, "ann", &ids, &n, &err));
    ck_assert_uint_eq(n, MANY - GOLD);
    /* Withdrawn, it is a task again. */
    ck_ok(prefdb_revise(db, c, "ann", ids[3], NULL, &j, &err));
    ck_assert_int_gt(next(db, c, "ann"), GOLD);
    free(ids);
    prefdb_close(db);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb_blind");
    TCase *t = tcase_create("blind");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_gold);
    tcase_add_test(t, test_gold_beside_repeats);
    tcase_add_test(t, test_repeats);
    tcase_add_test(t, test_blind_skipped);
    tcase_add_test(t, test_report);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
