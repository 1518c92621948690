/* Export as pairs of chosen and rejected: the layouts, what the policies do
 * with ties, strengths and contradictory judgments, and that import takes the
 * rows back. */
#include <stdlib.h>

#include "prefdb/export/pairs.h"
#include "tests/prefdb_support.h"

#define ROW(prompt, judgments)                                                 \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"" prompt                  \
    "\"}],\"a\":\"A\",\"b\":\"Z\",\"judgments\":[" judgments "]}\n"
#define SAYS(who, rest)                                                        \
    "{\"dimension\":\"helpfulness\",\"annotator\":\"" who "\"," rest "}"
#define A3  "\"choice\":\"a\",\"strength\":3"
#define A0  "\"choice\":\"a\",\"strength\":0"
#define B1  "\"choice\":\"b\",\"strength\":1"
#define TIE "\"choice\":\"tie\""
#define BAD "\"choice\":\"both_bad\""

static const char store[] =
    ROW("two to one", SAYS("1", A3) "," SAYS("2", A0) "," SAYS("3", B1))
        ROW("split", SAYS("1", A3) "," SAYS("2", B1)) ROW("tie", SAYS("1", TIE))
            ROW("bad", SAYS("1", BAD)) ROW("unsure", SAYS("1", A0))
                ROW("silent", SAYS("1", "\"choice\":\"b\"")) ROW(
                    "half",
                    SAYS("1", A3) "," SAYS(
                        "2", TIE)) "{\"messages\":[{\"role\":\"system\","
                                   "\"content\":\"be\"},{\"role\":"
                                   "\"user\",\"content\":\"s\"}],\"a\":\"same "
                                   "start A\",\"b\":\"same start "
                                   "Z\",\"judgments\":[" SAYS("1", A3) "]}\n";

/* The rows, which the caller frees. */
static char *export_as(struct prefdb *db, struct prefdb__pairs_export o,
                       struct prefdb__pairs_done *done)
{
    struct pk_err err;
    size_t len;
    char *path = temp_path("pairs.jsonl");
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_ok(prefdb__export_pairs(db, &o, f, done, &err));
    ck_assert_int_eq(fclose(f), 0);
    return read_file(path, &len);
}

static struct prefdb *full_store(void)
{
    struct prefdb__report report;
    struct pk_err err;
    struct prefdb *db = new_store("export.db");
    ck_ok(import_text(db, "s.jsonl", store, plain_import(NULL), &report, &err));
    return db;
}

#define ANY .q = {.dimension = -1, .split = -1}

static const struct {
    struct prefdb__pairs_export o;
    struct prefdb__pairs_done done;
    const char *has, *has_not;
} policies[] = {
    {{ANY},
     {5, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1},
     "two to one",
     "margin"},
    {{ANY, .votes = PREFDB__LATEST},
     {5, 12, 4, .ties = 2, .both_bad = 1},
     "split",
     NULL},
    {{ANY, .votes = PREFDB__ALL},
     {9, 12, 0, .ties = 2, .both_bad = 1},
     "split",
     NULL},
    {{ANY, .votes = PREFDB__SOFT},
     {6, 12, 0, .ties = 1, .both_bad = 1},
     "\"probability\":0.5}",
     "\"tie\""},
    {{ANY, .votes = PREFDB__SOFT},
     {6, 12, 0, .ties = 1, .both_bad = 1},
     "\"probability\":0.666666667",
     NULL},
    {{ANY, .votes = PREFDB__SOFT, .keep_ties = true},
     {7, 12, 0, .both_bad = 1},
     "\"probability\":0.75",
     "\"bad\""},
    {{ANY, .margin = PREFDB__LARGE},
     {5, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1, .no_strength = 1},
     "\"margin\":2}",
     "0.333"},
    {{ANY, .margin = PREFDB__SMALL},
     {5, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1, .no_strength = 1},
     "\"margin\":0.666666667}",
     "\"margin\":2"},
    {{ANY, .drop_strength_0 = true},
     {4, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1, .strength_0 = 1},
     "silent",
     "unsure"},
    {{ANY, .same_after = 11},
     {4, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1, .same = 1},
     "silent",
     "same start"},
    {{ANY, .same_after = 12},
     {5, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1},
     "same start",
     NULL},
    {{ANY, .layout = PREFDB__HH},
     {4, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1, .unwritable = 1},
     "{\"chosen\":\"\\n\\nHuman: silent\\n\\nAssistant: Z\",\"rejected\":"
     "\"\\n\\nHuman: silent\\n\\nAssistant: A\"}",
     "system"},
    {{ANY, .layout = PREFDB__SWIFT, .margin = PREFDB__LARGE},
     {5, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1, .no_strength = 1},
     "{\"messages\":[{\"role\":\"user\",\"content\":\"two to one\"},{\"role\":"
     "\"assistant\",\"content\":\"A\"}],\"rejected_response\":\"Z\","
     "\"margin\":2}",
     NULL},
    {{ANY, .layout = PREFDB__FACTORY},
     {5, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1},
     "{\"conversations\":[{\"from\":\"system\",\"value\":\"be\"},{\"from\":"
     "\"human\",\"value\":\"s\"}],\"chosen\":{\"from\":\"gpt\",\"value\":"
     "\"same start A\"},\"rejected\":{\"from\":\"gpt\",\"value\":\"same start "
     "Z\"}}",
     NULL},
    {{ANY, .layout = PREFDB__OPENRLHF},
     {5, 12, 2, .ties = 1, .both_bad = 1, .undecided = 1},
     "{\"prompt\":[{\"role\":\"user\",\"content\":\"silent\"}],\"chosen\":"
     "[{\"role\":\"assistant\",\"content\":\"Z\"}],\"rejected\":[{\"role\":"
     "\"assistant\",\"content\":\"A\"}]}",
     NULL},
};

/* _i is the policy. */
START_TEST(test_policy)
{
    struct prefdb__pairs_done d, want = policies[_i].done;
    struct prefdb *db = full_store();
    char *text = export_as(db, policies[_i].o, &d);
    ck_assert_uint_eq(d.rows, want.rows);
    ck_assert_uint_eq(d.judgments, want.judgments);
    ck_assert_uint_eq(d.outvoted, want.outvoted);
    ck_assert_uint_eq(d.ties, want.ties);
    ck_assert_uint_eq(d.both_bad, want.both_bad);
    ck_assert_uint_eq(d.undecided, want.undecided);
    ck_assert_uint_eq(d.strength_0, want.strength_0);
    ck_assert_uint_eq(d.same, want.same);
    ck_assert_uint_eq(d.unwritable, want.unwritable);
    ck_assert_uint_eq(d.no_strength, want.no_strength);
    ck_assert_uint_eq(d.rows + d.outvoted + d.folded + d.ties + d.both_bad +
                          d.undecided + d.strength_0 + d.same + d.unwritable,
                      d.judgments);
    ck_assert_msg(strstr(text, policies[_i].has), "no %s in\n%s",
                  policies[_i].has, text);
    if (policies[_i].has_not)
        ck_assert_msg(!strstr(text, policies[_i].has_not), "%s in\n%s",
                      policies[_i].has_not, text);
    free(text);
    prefdb_close(db);
}
END_TEST

/* What a layout holds comes back as the same comparisons and choices. */
START_TEST(test_back)
{
    static const char *const names[] = {[PREFDB__TRL] = "trl",
                                        [PREFDB__HH] = "hh",
                                        [PREFDB__OPENRLHF] = "trl",
                                        [PREFDB__SWIFT] = "ms-swift",
                                        [PREFDB__FACTORY] =
                                            "llama-factory-sharegpt"};
    struct prefdb__pairs_done done, again;
    struct prefdb__report report;
    struct pk_err err;
    struct prefdb *db = full_store();
    struct prefdb__pairs_export o = {ANY, .layout = (enum prefdb__layout)_i};
    char *one = export_as(db, o, &done);
    prefdb_close(db);
    db = new_store("back.db");
    struct prefdb__import in = plain_import(NULL);
    in.dimension = PREFDB_HELPFULNESS;
    ck_ok(import_text(db, "back.jsonl", one, in, &report, &err));
    ck_assert_str_eq(report.format->name, names[_i]);
    ck_assert_uint_eq(report.counts.judgments, done.rows);
    char *two = export_as(db, o, &again);
    ck_assert_str_eq(one, two);
    free(one);
    free(two);
    prefdb_close(db);
}
END_TEST

/* Who said it twice has one vote, and it is the last; unnamed ones are each
 * somebody. */
START_TEST(test_one_vote_each)
{
    static const char said[] =
        ROW("p", SAYS("1", A3) "," SAYS("2", A0) "," SAYS("3", B1) "," SAYS(
                     "1", "\"choice\":\"b\",\"strength\":0"))
            ROW("q", SAYS("", A3) "," SAYS("", A0) "," SAYS("3", B1));
    struct prefdb__report report;
    struct prefdb__pairs_done d;
    struct pk_err err;
    struct prefdb *db = new_store("twice.db");
    ck_ok(import_text(db, "t.jsonl", said, plain_import(NULL), &report, &err));
    ck_assert_uint_eq(report.counts.judgments, 7);
    char *text =
        export_as(db, (struct prefdb__pairs_export){ANY, .votes = _i}, &d);
    ck_assert(d.rows == 2 && d.judgments == 7 && d.revoted == 1);
    ck_assert_uint_eq(d.outvoted, _i == PREFDB__SOFT ? 0 : 2);
    ck_assert_uint_eq(d.rows + d.outvoted + d.folded + d.revoted, d.judgments);
    ck_assert_ptr_nonnull(strstr(text, "\"chosen\":[{\"role\":\"assistant\","
                                       "\"content\":\"Z\"}]"));
    ck_assert_int_eq(strstr(text, "\"probability\":0.666666667") != NULL,
                     _i == PREFDB__SOFT);
    free(text);
    prefdb_close(db);
}
END_TEST

START_TEST(test_both_dimensions)
{
    struct prefdb__report report;
    struct prefdb__pairs_done done;
    struct pk_err err;
    struct prefdb *db = new_store("both.db");
    ck_ok(import_text(db, "s.jsonl",
                      ROW("p", SAYS("1", A3) ",{\"dimension\":\"safety\","
                                             "\"choice\":\"b\"}"),
                      plain_import(NULL), &report, &err));
    struct prefdb__pairs_export o = {ANY};
    FILE *f = fopen(temp_path("x.jsonl"), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(prefdb__export_pairs(db, &o, f, &done, &err), PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "--dimension"));
    o.q.dimension = PREFDB_SAFETY;
    ck_ok(prefdb__export_pairs(db, &o, f, &done, &err));
    ck_assert_uint_eq(done.rows, 1);
    ck_assert_int_eq(fclose(f), 0);
    prefdb_close(db);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb_export");
    TCase *t = tcase_create("pairs");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_policy, 0,
                        (int)(sizeof policies / sizeof *policies));
    tcase_add_loop_test(t, test_back, PREFDB__TRL, PREFDB__FACTORY + 1);
    tcase_add_loop_test(t, test_one_vote_each, PREFDB__MAJORITY,
                        PREFDB__MAJORITY + 1);
    tcase_add_loop_test(t, test_one_vote_each, PREFDB__SOFT, PREFDB__SOFT + 1);
    tcase_add_test(t, test_both_dimensions);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
