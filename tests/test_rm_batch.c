/* Batch scoring's parts: R_c and its statistics, rows that could not be scored,
 * the best of K. What runs a model is tested in tests/cli/score.sh. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"
#include "rm/score/best.h"
#include "rm/score/combine.h"
#include "rm/score/row_edit.h"
#include "tests/schema.h"
#include "tests/small_model.h"
#include "tests/support.h"

static double combined(struct rm_combine c, double help, double safe,
                       bool tagged, bool *safety)
{
    const double raw[] = {help, safe};
    return rm_combine_form(&c, rm_combine_raw(&c, raw, tagged, safety));
}

START_TEST(combining)
{
    struct rm_combine c = {{"h", "s"}, 0.15, RM_PROBABILITY, 0, 1};
    bool s;
    /* sigma(-1.8) is 0.1419, sigma(-1.7) is 0.1545. */
    ck_assert(fabs(combined(c, 2, -1.7, false, &s) - 0.880797078) < 1e-9 && !s);
    ck_assert(fabs(combined(c, 2, -1.8, false, &s) - 0.141851065) < 1e-9 && s);
    ck_assert(fabs(combined(c, 2, 0, true, &s) - 0.5) < 1e-12 && s);
    c.form = RM_LOGIT;
    ck_assert(combined(c, 60, 50, false, &s) == 60 && !s);
    c.form = RM_WHITE;
    c.mean = 1;
    c.sd = 4;
    ck_assert(combined(c, 3, 5, false, &s) == 0.5);
    enum rm_form f;
    ck_assert(rm_parse_form("white", &f) && f == RM_WHITE);
    ck_assert(!rm_parse_form("grey", &f));
}
END_TEST

START_TEST(whitening_file)
{
    static const double x[] = {1, 2, 4, 9};
    char print[2][65] = {"aa", ""}, other[2][65] = {"bb", ""};
    struct rm_combine c = {{"h", "s"}, 0.15, RM_WHITE, 0, 0};
    struct rm_moments m = {0};
    struct pk_err err;
    char *path = temp_path("white.json");
    ck_assert_int_eq(rm_whitening_save(path, &c, print, &m, &err), PK_EDATA);
    for (int i = 0; i < 4; i++)
        rm_moments_add(&m, x[i]);
    ck_assert(fabs(rm_moments_sd(&m) - sqrt(38 / 3.0)) < 1e-12);
    ck_ok(rm_whitening_save(path, &c, print, &m, &err));
    ck_ok(rm_whitening_load(path, &c, print, &err));
    ck_assert(c.mean == 4 && fabs(c.sd - sqrt(38 / 3.0)) < 1e-7);
    ck_assert_int_eq(rm_whitening_load(path, &c, other, &err), PK_EDATA);
    c.name[1] = "t";
    ck_assert_int_eq(rm_whitening_load(path, &c, print, &err), PK_EDATA);
    c.name[1] = "s";
    c.threshold = 0.2;
    ck_assert_int_eq(rm_whitening_load(path, &c, print, &err), PK_EDATA);
    write_file(path, "{}", 2);
    ck_assert_int_eq(rm_whitening_load(path, &c, print, &err), PK_EDATA);
}
END_TEST

static struct rm_scorer *open_scorer(void)
{
    struct rm_scorer *s;
    struct pk_err err;
    char *dir = temp_path("model");
    ck_ok(small_model(dir, INFER_HEAD_SCORE, &err));
    const struct rm_named named = {"help", dir};
    const struct rm_scorer_opts o = {0};
    ck_ok(rm_scorer_open(&s, &named, 1, &o, &err));
    return s;
}

static void ck_error_row(const struct rm_scorer *s, const char *line,
                         const char *want)
{
    struct pk_buf out = PK_BUF_INIT(1 << 16);
    struct pk_err err;
    ck_ok(rm_row_write_error(&out, line, strlen(line), s, "no \"x\": \xC3", 7,
                             &err));
    ck_assert_str_eq(out.data, want);
    pk_buf_release(&out);
}

/* What an earlier run said under the names of this one's models is not said
 * again, nor what was made of it. */
START_TEST(stale_rows)
{
    static const struct {
        const char *line, *scored, *failed;
    } rows[] = {
        {"{\"scores\":{\"help\":7},\"marks\":{\"cut\":true},\"a\":1}",
         "{\"scores\":{\"help\":0.5},\"a\":1}", "{\"a\":1,\"error\":\"x\"}"},
        {"{\"scores\":{\"help\":7,\"safe\":3,\"combined\":0.1},\"marks\":"
         "{\"dropped_exchanges\":2,\"combined_from\":\"safety\"}}",
         "{\"scores\":{\"help\":0.5,\"safe\":3},\"marks\":"
         "{\"dropped_exchanges\":2}}",
         "{\"scores\":{\"safe\":3},\"marks\":{\"dropped_exchanges\":2},"
         "\"error\":\"x\"}"},
        {"{\"scores\":{\"safe\":3,\"combined\":0.1},\"marks\":{\"cut\":true}}",
         "{\"scores\":{\"safe\":3,\"combined\":0.1,\"help\":0.5},\"marks\":"
         "{\"cut\":true}}",
         "{\"scores\":{\"safe\":3,\"combined\":0.1},\"marks\":{\"cut\":true},"
         "\"error\":\"x\"}"}};
    const struct rm_scored half = {.score = 0.5};
    struct rm_scorer *s = open_scorer();
    const struct rm_row_scores r = {.scorer = s, .scored = &half, .n = 1};
    struct pk_err err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pk_buf out = PK_BUF_INIT(1 << 16);
        const char *line = rows[i].line;
        ck_ok(rm_row_write(&out, line, strlen(line), &r, &err));
        ck_assert_str_eq(out.data, rows[i].scored);
        pk_buf_reset(&out);
        ck_ok(rm_row_write_error(&out, line, strlen(line), s, "x", 1, &err));
        ck_assert_str_eq(out.data, rows[i].failed);
        pk_buf_release(&out);
    }
    rm_scorer_close(s);
}
END_TEST

/* Of two runs' marks the worse stays where scores of both do. */
START_TEST(marks_of_two_runs)
{
    static const char line[] =
        "{\"scores\":{\"safe\":[1,2]},\"marks\":{\"cut\":[true,false],"
        "\"dropped_exchanges\":[3,0]}}";
    const struct rm_scored now[] = {{.score = 0.5, .dropped = 1},
                                    {.score = 1, .dropped = 2, .cut = true}};
    struct rm_scorer *s = open_scorer();
    const struct rm_row_scores r = {
        .scorer = s, .scored = now, .n = 2, .list = true};
    struct pk_buf out = PK_BUF_INIT(1 << 16);
    struct pk_err err;
    ck_ok(rm_row_write(&out, line, strlen(line), &r, &err));
    ck_assert_str_eq(out.data,
                     "{\"scores\":{\"safe\":[1,2],\"help\":[0.5,1]},\"marks\":"
                     "{\"cut\":[true,true],\"dropped_exchanges\":[3,2]}}");
    pk_buf_release(&out);
    rm_scorer_close(s);
}
END_TEST

START_TEST(error_rows)
{
    struct rm_scorer *s = open_scorer();
    ck_error_row(s, "{\"a\": 1}", "{\"a\": 1,\"error\":\"no \\\"x\\\": ?\"}");
    ck_error_row(s, "{\"error\":\"old\",\"a\":1}",
                 "{\"error\":\"no \\\"x\\\": ?\",\"a\":1}");
    ck_error_row(s, "{\"a\":", "{\"error\":\"no \\\"x\\\": ?\",\"line\":7}");
    ck_error_row(s, "[1]", "{\"error\":\"no \\\"x\\\": ?\",\"line\":7}");
    rm_scorer_close(s);
    /* And when it is scored after all, the error goes away. */
    static const char *const rows[][2] = {
        {"{\"error\":\"x\",\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1 , \"error\" : \"x,}\" }", "{\"a\":1 }"},
        {"{ \"error\": \"x\" }", "{}"},
        {"{\"a\":[{\"error\":1}]}", "{\"a\":[{\"error\":1}]}"}};
    for (int i = 0; i < 4; i++) {
        struct pk_buf out = PK_BUF_INIT(1 << 16);
        ck_assert_int_eq(
            rm_json_unset(&out, rows[i][0], strlen(rows[i][0]), "error"), 0);
        ck_assert_str_eq(out.data, rows[i][1]);
        pk_buf_release(&out);
    }
}
END_TEST

/* By enumeration of all subsets. */
static double enumerated(const double *v, int k, int n, int j)
{
    double sum = 0;
    int count = 0;
    for (unsigned set = 0; set < 1u << k; set++) {
        if (__builtin_popcount(set) != n)
            continue;
        int left = j;
        for (int i = 0; i < k; i++)
            if (set >> i & 1 && --left == 0)
                sum += v[i];
        count++;
    }
    return sum / count;
}

START_TEST(expected_order)
{
    static const double v[] = {-3, -1, 0.5, 0.5, 2, 7, 11};
    for (int n = 1; n <= 7; n++)
        for (int j = 1; j <= n; j++)
            ck_assert(fabs(rm_expected_order(v, 7, (size_t)n, (size_t)j) -
                           enumerated(v, 7, n, j)) < 1e-10);
    /* Many samples: 0..k-1 have n (k + 1) / (n + 1) - 1 as expected maximum. */
    double *many = calloc(5000, sizeof *many);
    for (int i = 0; i < 5000; i++)
        many[i] = i;
    ck_assert(fabs(rm_expected_order(many, 5000, 2500, 2500) -
                   (2500.0 * 5001 / 2501 - 1)) < 1e-4);
    free(many);
}
END_TEST

static char *best_of(const char *const *rows, int n, int history,
                     enum rm_best_form form, struct rm_best_counts *counts)
{
    struct pk_err err;
    struct rm_best *b;
    ck_ok(rm_best_new(&b, "h", false, &err));
    for (int i = 0; i < n; i++)
        ck_ok(rm_best_add(b, rows[i], strlen(rows[i]), i < history, &err));
    char *path = temp_path("best.jsonl");
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_ok(rm_best_write(b, form, f, &err));
    ck_assert_int_eq(fclose(f), 0);
    *counts = rm_best_counts(b);
    struct rm_best_point p[3];
    ck_assert_uint_eq(rm_best_most(b), 3);
    rm_best_curve(b, p, 3);
    ck_assert(p[0].prompts == 2 && p[1].prompts == 1 && p[2].prompts == 1);
    ck_assert(p[2].max == 3 && p[2].median == 2);
    ck_assert(fabs(p[1].max - (2 + 3 + 3) / 3.0) < 1e-12);
    rm_best_free(b);
    return read_file(path, NULL);
}

START_TEST(best)
{
    /* One prompt three times: as messages, as text, and in a list. */
    static const char *const rows[] = {
        "{\"prompt\":\"q\",\"response\":\"old\",\"scores\":{\"h\":2.5}}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
        "\"assistant\",\"content\":\"b\"}],\"scores\":{\"h\":2}}",
        "{\"prompt\":\"p\",\"response\":\"only\",\"scores\":{\"h\":0.5}}",
        "{\"prompt\":\"q\",\"responses\":[\"a\",\"c\"],"
        "\"scores\":{\"h\":[1,3]}}",
        "{\"prompt\":7,\"error\":\"x\"}"};
    struct rm_best_counts c;
    char *text = best_of(rows, 5, 1, RM_BEST_ROWS, &c);
    ck_assert_str_eq(text,
                     "{\"prompt\":\"q\",\"response\":\"c\",\"scores\":{\"h\":3}"
                     ",\"samples\":3}\n"
                     "{\"prompt\":\"p\",\"response\":\"only\",\"scores\":{"
                     "\"h\":0.5},\"samples\":1}\n");
    free(text);
    ck_assert(c.errors == 1 && c.prompts == 2 && c.responses == 4);
    ck_assert(c.from_history == 0 && c.pairs == 1);
    text = best_of(rows, 5, 1, RM_BEST_PAIRS, &c);
    ck_assert_str_eq(
        text, "{\"prompt\":\"q\",\"chosen\":\"c\",\"rejected\":\"a\"}\n");
    free(text);
    struct pk_err err;
    struct rm_best *b;
    ck_ok(rm_best_new(&b, "other", false, &err));
    ck_assert_int_eq(rm_best_add(b, rows[0], strlen(rows[0]), false, &err),
                     PK_EDATA);
    rm_best_free(b);
}
END_TEST

/* What generate said of a response goes with it, digit by digit: of a list, its
 * own. */
START_TEST(best_with_its_making)
{
    static const char *const row =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"responses\":"
        "[\"a\",\"b\",\"c\"],\"cut\":[false,false,true],\"generation\":{"
        "\"model\":\"m\",\"seed\":9007199254740993,\"stop\":[\"x\",\"y\",\"z\"]"
        ",\"tokens\":[4,"
        "5,6],\"finish\":[\"end\",\"stop\",\"length\"]},\"scores\":{\"h\":[1,0,"
        "2]}}";
    static const char *const prompt =
        "{\"prompt\":[{\"role\":\"user\",\"content\":\"q\"}],";
    struct pk_err err;
    for (int form = 0; form < 2; form++) {
        struct rm_best *b;
        char *text = NULL;
        size_t len;
        cJSON *j;
        ck_ok(rm_best_new(&b, "h", false, &err));
        ck_ok(rm_best_add(b, row, strlen(row), false, &err));
        FILE *f = open_memstream(&text, &len);
        ck_ok(rm_best_write(b, form ? RM_BEST_PAIRS : RM_BEST_ROWS, f, &err));
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_msg(strncmp(text, prompt, strlen(prompt)) == 0, "%s", text);
        ck_assert_str_eq(
            text + strlen(prompt),
            form ? "\"chosen\":\"c\",\"rejected\":\"b\",\"chosen_cut\":true,"
                   "\"chosen_generation\":{\"model\":\"m\",\"seed\":"
                   "9007199254740993,\"stop\":["
                   "\"x\",\"y\",\"z\"],\"tokens\":6,\"finish\":\"length\","
                   "\"sample\":3},\"rejected_generation\":{\"model\":\"m\","
                   "\"seed\":9007199254740993,\"stop\":[\"x\",\"y\",\"z\"],"
                   "\"tokens\":5,"
                   "\"finish\":\"stop\",\"sample\":2}}\n"
                 : "\"response\":\"c\",\"scores\":{\"h\":2},\"samples\":3,"
                   "\"cut\":true,\"generation\":{\"model\":\"m\",\"seed\":"
                   "9007199254740993,"
                   "\"stop\":[\"x\",\"y\",\"z\"],\"tokens\":6,\"finish\":"
                   "\"length\",\"sample\":3}}\n");
        ck_ok(pk_json_parse(&j, text, strlen(text), &err));
        ck_schema(j, "schemas/best.schema.json");
        cJSON_Delete(j);
        free(text);
        rm_best_free(b);
    }
}
END_TEST

/* One text, cut off and whole, is no pair; what is cut off can be left out. */
START_TEST(best_of_what_is_cut)
{
    static const char *const rows[] = {
        "{\"prompt\":\"q\",\"responses\":[\"a\",\"a\"],\"cut\":[true,false],"
        "\"scores\":{\"h\":[2,1]}}",
        "{\"prompt\":\"p\",\"response\":\"b\",\"cut\":true,\"scores\":{\"h\":"
        "1}}"};
    static const struct rm_best_counts want[] = {
        {.rows = 2, .prompts = 2, .responses = 3, .cut = 2},
        {.rows = 2, .prompts = 1, .responses = 1, .not_whole = 2, .none = 1}};
    struct pk_err err;
    for (int whole = 0; whole < 2; whole++) {
        struct rm_best *b;
        ck_ok(rm_best_new(&b, "h", whole, &err));
        for (int i = 0; i < 2; i++)
            ck_ok(rm_best_add(b, rows[i], strlen(rows[i]), false, &err));
        const struct rm_best_counts c = rm_best_counts(b);
        ck_assert_mem_eq(&c, &want[whole], sizeof c);
        rm_best_free(b);
    }
}
END_TEST

/* Whose prompt nobody can tell. */
START_TEST(best_of_no_prompt)
{
    static const char *const rows[] = {
        "{\"text\":\"<s>[INST] q [/INST] a </s>\",\"scores\":{\"h\":1}}",
        "{\"token_ids\":[1,2],\"scores\":{\"h\":1}}"};
    struct pk_err err;
    struct rm_best *b;
    ck_ok(rm_best_new(&b, "h", false, &err));
    ck_assert_int_eq(rm_best_add(b, rows[_i], strlen(rows[_i]), false, &err),
                     PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "what the prompt is"));
    rm_best_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_batch");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, combining);
    tcase_add_test(t, whitening_file);
    tcase_add_test(t, error_rows);
    tcase_add_test(t, stale_rows);
    tcase_add_test(t, marks_of_two_runs);
    tcase_add_test(t, expected_order);
    tcase_add_test(t, best);
    tcase_add_test(t, best_with_its_making);
    tcase_add_test(t, best_of_what_is_cut);
    tcase_add_loop_test(t, best_of_no_prompt, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s);
}
