/* Every format that import reads, each on a small file of our own with its
 * traps (tests/fixtures/formats/): what it becomes, and that the way through
 * our own rows into another store loses nothing. In these files the better
 * answer is the one that sorts first. */
#include <stdlib.h>

#include "common/json.h"
#include "prefdb/export/export.h"
#include "prefdb/team/merge.h"
#include "tests/prefdb_support.h"
#include "tests/schema.h"

#define FIXTURES "tests/fixtures/formats/"

static const struct {
    const char *file;
    bool asked; /* needs --dimension */
    uint64_t rows, bad, comparisons, judgments, single, unjudged;
    int ties, both_bad;
    int strengths[4];
    int upset;          /* judgments that prefer what sorts later */
    const char *reason; /* of a bad row */
} cases[] = {
    {"prefkit.jsonl", .rows = 3, 0, 2, 3, 1, 1, 1, 1, {1}},
    {"hh.jsonl", true, 3, 1, 2, 2, .reason = "part before the last answer"},
    {"trl.jsonl", true, 5, 2, 3, 3, .reason = "\"prompt\" is missing"},
    {"ms-swift.jsonl", true, 4, 2, 2, 2, .reason = "the same"},
    {"llama-factory.json", true, 3, 1, 2, 2, .reason = "\"history\""},
    {"llama-factory-sharegpt.json", true, 2, 1, 1, 1, .reason = "a role"},
    {"axolotl.jsonl", true, 2, 1, 1, 1, .reason = "\"content\" is missing"},
    {"axolotl-intel.jsonl", true, 2, 0, 2, 2, .ties = 0},
    {"axolotl-icr.jsonl", true, 1, 0, 1, 1, .ties = 0},
    {"axolotl-argilla.jsonl", true, 1, 0, 1, 1, .ties = 0},
    {"nemo-rl.jsonl", true, 3, 1, 4, 4, .ties = 1, .reason = "one message"},
    {"oasst-rank.json", true, 3, 1, 3, 3, 1, .reason = "all the same"},
    {"argilla.jsonl", true, 4, 1, 3, 3, 0, 1, 1, .reason = "does not rank"},
    {"argilla2.json", true, 2, 0, 2, 3, .ties = 1},
    {"label-studio.json", true, 4, 1, 3, 3, 0, 1, .reason = "\"answer2\""},
    {"summarize.jsonl", .rows = 4, 1, 3, 3, .reason = "summarize's labels"},
    {"webgpt.jsonl", .rows = 3, 0, 3, 3, .ties = 1},
    {"shp.jsonl", .rows = 6, 1, 5, 5, .strengths = {1, 1, 1, 1},
     .reason = "\"labels\""},
    {"stackexchange.jsonl", .rows = 4, 1, 8, 7, 1, 1, .reason = "no response"},
    {"ultrafeedback.jsonl", .rows = 2, 0, 9, 7, 0, 2, 1},
    {"ultrafeedback-binarized.jsonl", .rows = 4, 1, 3, 3, .ties = 1,
     .reason = "the same"},
    {"helpsteer2.jsonl", .rows = 6, 1, 5, 4, 0, 1, 1, .strengths = {0, 1, 1, 1},
     .reason = "a turn in \"prompt\""},
    {"helpsteer2-ratings.jsonl", .rows = 10, 4, 3, 3, .ties = 1,
     .strengths = {0, 1, 0, 1}, .reason = "no partner"},
    {"helpsteer3.jsonl", .rows = 5, 1, 4, 3, 0, 1, 1, .strengths = {0, 0, 1, 1},
     .reason = "whole number"},
    {"pku.jsonl", .rows = 6, 1, 5, 7, 0, 1, .reason = "not 0, 1 or -1"},
    {"beavertails.jsonl", .rows = 4, 1, 0, 0, 3,
     .reason = "\"response\" is missing"},
    {"mt-bench.jsonl", .rows = 5, 2, 2, 3, .ties = 1, .reason = "part before"},
    {"arena-33k.jsonl", .rows = 4, 0, 4, 4, 0, 0, 1, 1},
    {"arena-55k.csv", .rows = 10, 7, 3, 3, .ties = 1,
     .reason = "not as many fields"},
    {"arena-140k.jsonl", .rows = 5, 1, 4, 4, 0, 0, 1, 1,
     .reason = "not all text"},
    {"alpaca-eval.json", .rows = 6, 1, 5, 4, 0, 1, 2,
     .reason = "not within 1 to 2"},
    {"alpaca-eval-items.jsonl", .rows = 1, 0, 4, 3, 0, 1, 1},
    {"oasst.jsonl", .rows = 3, 2, 4, 2, 1, 2, .reason = "prompter's"},
    {"nectar.jsonl", .rows = 2, 0, 7, 7, .ties = 1},
    {"rewardbench.jsonl", .rows = 3, 1, 2, 2, .reason = "the same"},
    {"rewardbench2.jsonl", .rows = 3, 1, 5, 5, .reason = "no response"},
    {"tulu.jsonl", .rows = 7, 2, 4, 5, .ties = 1, .strengths = {0, 2, 2},
     .reason = "tulu's labels"},
    {"pandalm.jsonl", .rows = 4, 1, 3, 8, .ties = 1, .upset = 2,
     .reason = "\"response2\""},
    {"llmfao.jsonl", .rows = 3, 0, 3, 0, 0, 3},
    {"llmfao-votes.jsonl", .rows = 4, 1, 2, 3, .ties = 1,
     .reason = "no pair has"},
    {"lfqa.jsonl", .rows = 4, 0, 4, 3, 0, 1, 1},
    {"qa-feedback.jsonl", .rows = 3, 1, 9, 9, .ties = 1,
     .reason = "six values"},
    {"llmbar.jsonl", .rows = 3, 1, 2, 2, .reason = "llmbar's labels"},
};
enum { CASES = sizeof cases / sizeof *cases };

static struct prefdb *import_case(int i, struct prefdb__report *report)
{
    struct pk_err err;
    char path[128];
    struct prefdb__pairs *pairs = NULL;
    struct prefdb *db = new_store("case.db");
    snprintf(path, sizeof path, FIXTURES "%s", cases[i].file);
    struct prefdb__import o = plain_import(path);
    o.skip_bad = true;
    if (cases[i].asked)
        o.dimension = PREFDB_SAFETY;
    if (strcmp(cases[i].file, "llmfao-votes.jsonl") == 0)
        ck_ok(prefdb__pairs_load(&pairs, FIXTURES "llmfao.jsonl", &err));
    o.pairs = pairs;
    ck_ok(prefdb__import_file(db, &o, report, &err));
    prefdb__pairs_free(pairs);
    return db;
}

static bool has_reason(const struct prefdb__report *r, const char *text)
{
    for (size_t i = 0; i < r->n_reasons; i++) {
        ck_assert_uint_ge(r->reasons[i].lines[0], 1);
        if (strstr(r->reasons[i].text, text))
            return true;
    }
    return false;
}

/* _i is the case. */
START_TEST(test_case)
{
    struct prefdb__report r;
    char name[64], sql[200];
    struct prefdb *db = import_case(_i, &r);
    snprintf(name, sizeof name, "%s", cases[_i].file);
    *strchr(name, '.') = 0;
    ck_assert_ptr_nonnull(r.format);
    ck_assert_str_eq(r.format->name, name);
    ck_assert_uint_eq(r.rows, cases[_i].rows);
    ck_assert_uint_eq(r.bad, cases[_i].bad);
    ck_assert_uint_eq(r.counts.comparisons, cases[_i].comparisons);
    ck_assert_uint_eq(r.counts.judgments, cases[_i].judgments);
    ck_assert_uint_eq(r.counts.single, cases[_i].single);
    ck_assert_uint_eq(r.counts.unjudged, cases[_i].unjudged);
    if (cases[_i].reason)
        ck_assert_msg(has_reason(&r, cases[_i].reason), "%s: %s", name,
                      r.n_reasons ? r.reasons[0].text : "no reason");
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM judgment WHERE choice = 'tie'"),
        cases[_i].ties);
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM judgment WHERE choice = 'both_bad'"),
        cases[_i].both_bad);
    for (int s = 0; s < 4; s++) {
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM judgment WHERE strength = %d", s);
        ck_assert_int_eq(number(db, sql), cases[_i].strengths[s]);
    }
    ck_assert_int_eq(
        number(db, "SELECT count(*) FROM judgment AS j"
                   " JOIN comparison AS c ON c.id = j.comparison"
                   " JOIN response AS ra ON ra.id = c.a"
                   " JOIN response AS rb ON rb.id = c.b"
                   " JOIN turn AS ta ON ta.id = ra.turn"
                   " JOIN turn AS tb ON tb.id = rb.turn WHERE"
                   " (choice = 'a' AND trim(ta.content) > trim(tb.content)) OR"
                   " (choice = 'b' AND trim(tb.content) > trim(ta.content))"),
        cases[_i].upset);
    prefdb_close(db);
}
END_TEST

/* ---- Nothing is lost ----------------------------------------------------- */

static char *export_to(struct prefdb *db, const char *name, size_t *len)
{
    struct prefdb_query all = {.dimension = -1, .split = -1};
    struct prefdb__exported done;
    struct pk_err err;
    char *path = temp_path(name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_ok(prefdb__export(db, &all, f, &done, &err));
    ck_assert_int_eq(fclose(f), 0);
    return read_file(path, len);
}

/* Every row that we write is as our schema says. */
static void check_schema(const char *name, const char *text)
{
    struct pk_err err;
    while (*text) {
        size_t n = strcspn(text, "\n");
        cJSON *row;
        ck_ok(pk_json_parse(&row, text, n, &err));
        ck_schema(row, name);
        cJSON_Delete(row);
        text += n + (text[n] == '\n');
    }
}

/* _i is the case. */
START_TEST(test_round_trip)
{
    struct prefdb__report report;
    struct pk_err err;
    char first[65], second[65];
    size_t n1, n2;
    struct prefdb *db = import_case(_i, &report);
    ck_ok(prefdb_fingerprint(db, first, &err));
    char *one = export_to(db, "one.jsonl", &n1);
    prefdb_close(db);
    check_schema("schemas/comparison.schema.json", one);
    db = new_store("again.db");
    ck_ok(prefdb__import_file(
        db,
        &(struct prefdb__import){
            .path = temp_path("one.jsonl"), .dimension = -1, .split = -1},
        &report, &err));
    ck_assert_uint_eq(report.bad, 0);
    ck_ok(prefdb_fingerprint(db, second, &err));
    ck_assert_str_eq(first, second);
    char *two = export_to(db, "two.jsonl", &n2);
    ck_assert_uint_eq(n1, n2);
    ck_assert_mem_eq(one, two, n1);
    prefdb_close(db);
    free(one);
    free(two);
}
END_TEST

/* Merging brings lone responses too. */
START_TEST(test_merge)
{
    struct prefdb__report report;
    struct prefdb__merged merged;
    struct pk_err err;
    char first[65], second[65];
    int i = 0;
    while (strcmp(cases[i].file, "beavertails.jsonl") != 0)
        i++;
    struct prefdb *db = import_case(i, &report);
    ck_ok(prefdb_fingerprint(db, first, &err));
    prefdb_close(db);
    db = new_store("merged.db");
    ck_ok(prefdb__merge(db, temp_path("case.db"), false, NULL, &merged, &err));
    ck_ok(prefdb_fingerprint(db, second, &err));
    ck_assert_str_eq(first, second);
    prefdb_close(db);
}
END_TEST

/* ---- In particular ------------------------------------------------------- */

static const struct {
    const char *file, *sql;
} facts[] = {
    /* Answers that are ranked are stored once. */
    {"nectar.jsonl", "SELECT count(*) = 6 FROM response"},
    {"nectar.jsonl", "SELECT count(*) = 0 FROM turn WHERE content = ''"},
    {"ultrafeedback.jsonl",
     "SELECT count(*) = 7 AND sum(extra ->> '$.critique' = 'c') = 7"
     " FROM response"},
    {"oasst.jsonl", "SELECT count(*) = 1 FROM response WHERE model = 'm'"},
    {"oasst.jsonl",
     "SELECT count(*) = 2 FROM response AS r JOIN turn AS t ON t.id = r.turn"
     " WHERE t.content IN ('A2', 'B2')"},
    /* What belongs to one side stays with it. */
    {"webgpt.jsonl",
     "SELECT count(*) = 3 FROM judgment WHERE extra ->> '$.a.tokens' IS NOT"
     " NULL AND extra ->> '$.b.quotes' IS NOT NULL AND"
     " (extra ->> '$.a.score') = -(extra ->> '$.b.score')"},
    {"shp.jsonl",
     "SELECT count(*) = 5 FROM judgment AS j JOIN comparison AS c"
     " ON c.id = j.comparison JOIN response AS r ON r.id = c.a"
     " JOIN turn AS t ON t.id = r.turn WHERE (j.extra ->> '$.a.score' = 340)"
     " = ((j.extra ->> '$.post_id' IN ('p1', 'p3', 'p5'))"
     " = (t.content = 'A'))"},
    {"shp.jsonl", "SELECT group_concat(split) = 'train,train,valid,valid,valid'"
                  " FROM comparison"},
    {"tulu.jsonl",
     "SELECT count(*) = 5 FROM judgment"
     " WHERE extra ->> '$.a.is_acceptable' <> extra ->> '$.b.is_acceptable'"},
    {"summarize.jsonl",
     "SELECT content = 'SUBREDDIT: r/legaladvice' || x'0a0a' || 'TITLE: T' ||"
     " x'0a0a' || 'POST: My post 1' || x'0a0a' || 'TL;DR:' FROM turn"
     " WHERE id = 1"},
    {"summarize.jsonl",
     "SELECT group_concat(split) = 'valid,train,test' FROM comparison"},
    {"summarize.jsonl",
     "SELECT extra ->> '$.extra.confidence' = 8 AND annotator = 'w1'"
     " FROM judgment WHERE id = 1"},
    /* Evaluation only. */
    {"rewardbench.jsonl",
     "SELECT count(*) = 2 AND min(split) = 'test' AND max(split) = 'test'"
     " FROM comparison"},
    {"rewardbench2.jsonl",
     "SELECT min(split) = 'test' AND max(split) = 'test' FROM comparison"},
    /* Turns. */
    {"helpsteer2.jsonl",
     "SELECT group_concat(role || ':' || content, '|') ="
     " 'user:hello|assistant:hi' || x'0a' || '|user:more' || x'0a' || 'lines'"
     " FROM turn WHERE id IN (SELECT t.parent FROM turn AS t JOIN turn AS u"
     " ON u.parent = t.id WHERE u.content LIKE 'more%') OR content LIKE"
     " 'more%' OR id = (SELECT u.parent FROM turn AS u WHERE"
     " u.content LIKE 'more%')"},
    {"mt-bench.jsonl",
     "SELECT count(*) = 3 FROM judgment WHERE"
     " extra ->> '$.a.conversation[3].content' LIKE 'later %'"},
    {"arena-55k.csv",
     "SELECT content = 'Say \"hi\", now' || x'0a' || 'please' FROM turn"
     " WHERE id = 1"},
    {"arena-33k.jsonl",
     "SELECT min(created) = '2023-04-24T15:53:12Z' FROM judgment"},
    {"llama-factory.json",
     "SELECT count(*) = 1 FROM turn WHERE content = 'I' || x'0a' || 'in'"},
    /* People. */
    {"argilla.jsonl",
     "SELECT group_concat(annotator) = 'u1,u2,u1' FROM judgment"},
    {"label-studio.json",
     "SELECT count(*) = 1 FROM judgment WHERE annotator = '7'"
     " AND extra ->> '$.completed_by.email' = 'e@x'"},
    {"label-studio.json", "SELECT count(*) = 1 FROM judgment WHERE"
                          " extra ->> '$.id' = 5 AND extra ->> '$.row.id' = 2"},
    {"label-studio.json",
     "SELECT min(seconds) = 12.25 AND min(created) LIKE '2024-01-02T%'"
     " FROM judgment"},
    {"pandalm.jsonl", "SELECT count(DISTINCT annotator) = 3 FROM judgment"},
    {"lfqa.jsonl", "SELECT min(note) = 'since 1' FROM judgment"},
    {"llmfao-votes.jsonl",
     "SELECT min(extra ->> '$.slug') = 's' FROM comparison"},
    {"beavertails.jsonl",
     "SELECT count(*) = 3 AND sum(extra ->> '$.is_safe') = 1 FROM response"},
    /* Ratings, beside what is kept of the source's own words. */
    {"beavertails.jsonl",
     "SELECT group_concat(attribute || value || low || high, ' ') ="
     " 'is_safe0.00.01.0 is_safe1.00.01.0 is_safe0.00.01.0' FROM rating"},
    {"helpsteer2-ratings.jsonl",
     "SELECT count(*) = 5 * count(DISTINCT response)"
     " AND count(DISTINCT response) = 6 AND min(high) = 4 FROM rating"},
    {"helpsteer2-ratings.jsonl",
     "SELECT sum(x.value = r.extra ->> ('$.' || x.attribute)) = count(*)"
     " FROM rating AS x JOIN response AS r ON r.id = x.response"},
    {"ultrafeedback.jsonl",
     "SELECT sum(x.value = r.extra ->> ('$.annotations.' || x.attribute ||"
     " '.Rating') + 0) = count(*) AND count(*) > 20 AND max(x.high) = 5"
     " FROM rating AS x JOIN response AS r ON r.id = x.response"},
    {"ultrafeedback-binarized.jsonl",
     "SELECT sum(value) = 37.5 AND count(*) = 6"
     " AND count(low) = 0 AND min(attribute) = 'score' FROM rating"},
    {"pku.jsonl", "SELECT count(*) = 10 AND sum(value) = 6 FROM rating"
                  " WHERE attribute = 'is_safe'"},
    {"pku.jsonl",
     "SELECT sum(x.value = 3 * (t.content = 'Z')) = count(*) AND"
     " count(*) = 10 FROM rating AS x JOIN response AS r ON r.id = x.response"
     " JOIN turn AS t ON t.id = r.turn WHERE attribute = 'severity_level'"},
    {"oasst.jsonl",
     "SELECT count(*) > 2 AND min(attribute) = 'spam' AND max(high) = 1"
     " FROM rating"},
    /* Every label of the paper. */
    {"pku.jsonl",
     "SELECT group_concat(label) = 'preferred_safe,both_safe,both_unsafe,"
     "preferred_unsafe' FROM judgment"},
};
enum { FACTS = sizeof facts / sizeof *facts };

/* _i is the fact. */
START_TEST(test_fact)
{
    struct prefdb__report r;
    int i = 0;
    while (strcmp(cases[i].file, facts[_i].file) != 0)
        i++;
    struct prefdb *db = import_case(i, &r);
    ck_assert_msg(number(db, facts[_i].sql) == 1, "%s: not so: %s",
                  facts[_i].file, facts[_i].sql);
    prefdb_close(db);
}
END_TEST

START_TEST(test_evaluation_only)
{
    struct prefdb__report report;
    struct pk_err err;
    struct prefdb *db = new_store("eval.db");
    struct prefdb__import o = plain_import(FIXTURES "rewardbench.jsonl");
    o.skip_bad = true;
    o.split = PREFDB_TRAIN;
    ck_assert_int_eq(prefdb__import_file(db, &o, &report, &err), PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "evaluation"));
    o.split = PREFDB_TEST;
    ck_ok(prefdb__import_file(db, &o, &report, &err));
    prefdb_close(db);
}
END_TEST

START_TEST(test_votes_need_pairs)
{
    struct prefdb__report report;
    struct pk_err err;
    struct prefdb *db = new_store("votes.db");
    struct prefdb__import o = plain_import(FIXTURES "llmfao-votes.jsonl");
    ck_assert_int_eq(prefdb__import_file(db, &o, &report, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "--pairs"));
    prefdb_close(db);
}
END_TEST

/* What is rejected is written down as our schema says, and so is the report.
 * _i is the case. */
START_TEST(test_rejects)
{
    struct prefdb__report report;
    struct pk_err err;
    char *path = temp_path("rejects.jsonl"), *text, file[128];
    size_t len;
    struct prefdb *db = new_store("rejects.db");
    snprintf(file, sizeof file, FIXTURES "%s", cases[_i].file);
    struct prefdb__import o = plain_import(file);
    o.dimension = cases[_i].asked ? PREFDB_SAFETY : -1;
    o.skip_bad = true;
    o.rejects = fopen(path, "wb");
    ck_assert_ptr_nonnull(o.rejects);
    ck_ok(prefdb__import_file(db, &o, &report, &err));
    ck_assert_int_eq(fclose(o.rejects), 0);
    text = read_file(path, &len);
    check_schema("schemas/reject.schema.json", text);
    size_t n = 0;
    for (const char *s = text; *s; s++)
        n += *s == '\n';
    ck_assert_uint_eq(n, report.bad);
    /* A row that was waiting for a partner is the one that is written. */
    if (strcmp(cases[_i].file, "helpsteer2-ratings.jsonl") == 0) {
        ck_assert_ptr_nonnull(strstr(text, "\"response\":\"O\""));
        ck_assert_ptr_nonnull(strstr(text, "\"response\":\"L\""));
    }
    free(text);
    cJSON *files, *top = prefdb__report("rejects.db", &files);
    ck_assert(prefdb__report_add(files, &o, &report));
    text = cJSON_PrintUnformatted(top);
    check_schema("schemas/import-report.schema.json", text);
    cJSON_free(text);
    cJSON_Delete(top);
    prefdb_close(db);
}
END_TEST

/* Every format has a case, a description, and is the one that is found. */
START_TEST(test_all_formats)
{
    const struct prefdb__format *f;
    char *path = temp_path("formats.txt"), *text;
    size_t len;
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    prefdb__formats_print(out);
    ck_assert_int_eq(fclose(out), 0);
    text = read_file(path, &len);
    for (size_t i = 0; (f = prefdb__format_at(i)); i++) {
        char head[80];
        int k = 0;
        size_t n = strlen(f->name);
        ck_assert_ptr_eq(prefdb__format_named(f->name), f);
        while (k < CASES && (strncmp(cases[k].file, f->name, n) != 0 ||
                             cases[k].file[n] != '.'))
            k++;
        ck_assert_msg(k < CASES, "no case for %s", f->name);
        snprintf(head, sizeof head, "\n%s\n", f->name);
        ck_assert_ptr_nonnull(strstr(text, head));
        ck_assert(f->labels || f->rule);
    }
    free(text);
}
END_TEST

/* ---- The real data ------------------------------------------------------- */

static const struct {
    const char *file, *format;
    bool asked;
    uint64_t rows, bad, comparisons, judgments;
} real[] = {
    {"alpaca-eval-gpt4/items", "alpaca-eval-items", false, 460, 0, 7351, 7351},
    {"dpo-multiturn/pairs", "llama-factory-sharegpt", true, 181, 0, 177, 177},
    {"hhh-alignment/pairs", "trl", true, 146, 0, 146, 146},
    {"lfqa-experts/judgements", "lfqa", false, 159, 0, 88, 159},
    {"llmbar/pairs", "llmbar", false, 533, 1, 531, 531},
    {"llmfao-crowd/pairs", "llmfao", false, 1298, 0, 1298, 0},
    {"oasst-rank-zh/ranked", "oasst-rank", true, 491, 2, 1115, 1115},
    {"pandalm/testset", "pandalm", false, 602, 6, 529, 1654},
    {"pku-saferlhf-safety/pairs", "trl", true, 3062, 0, 2038, 2125},
    {"qa-feedback/dev", "qa-feedback", false, 290, 0, 1740, 1740},
    {"tulu-human-eval/judgements", "tulu", false, 685, 25, 565, 658},
};

START_TEST(test_real)
{
    const char *dir = data_dir();
    if (!dir) {
        printf("skipped: the real data is not there\n");
        return;
    }
    struct prefdb__report r;
    struct pk_err err;
    char path[512];
    struct prefdb *db = new_store("real.db");
    snprintf(path, sizeof path, "%s/%s.jsonl.gz", dir, real[_i].file);
    struct prefdb__import o = plain_import(path);
    o.skip_bad = true;
    o.dimension = real[_i].asked ? PREFDB_SAFETY : -1;
    ck_ok(prefdb__import_file(db, &o, &r, &err));
    ck_assert_str_eq(r.format->name, real[_i].format);
    ck_assert_uint_eq(r.rows, real[_i].rows);
    ck_assert_uint_eq(r.bad, real[_i].bad);
    ck_assert_uint_eq(r.counts.comparisons, real[_i].comparisons);
    ck_assert_uint_eq(r.counts.judgments, real[_i].judgments);
    prefdb_close(db);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("prefdb_formats");
    TCase *t = tcase_create("formats");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_case, 0, CASES);
    tcase_add_loop_test(t, test_round_trip, 0, CASES);
    tcase_add_loop_test(t, test_fact, 0, FACTS);
    tcase_add_test(t, test_merge);
    tcase_add_test(t, test_evaluation_only);
    tcase_add_test(t, test_votes_need_pairs);
    tcase_add_loop_test(t, test_rejects, 0, CASES);
    tcase_add_test(t, test_all_formats);
    tcase_add_loop_test(t, test_real, 0, (int)(sizeof real / sizeof *real));
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
