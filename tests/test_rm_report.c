/* The counts of a report, and its three forms, on a handmade set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/num.h"
#include "rm/report/report.h"
#include "tests/schema.h"
#include "tests/support.h"

#define ck_near(a, b, tol)                                                     \
    do {                                                                       \
        double a_ = (a), b_ = (b);                                             \
        ck_assert_msg(fabs(a_ - b_) <= (tol), "%s = %.17g, not %.17g", #a, a_, \
                      b_);                                                     \
    } while (0)

START_TEST(tallies)
{
    struct rm_tally t = {0};
    double accuracy, low, high;
    ck_assert(!rm_tally_accuracy(&t, &accuracy, &low, &high));
    ck_near(rm_tally_log_loss(&t), 0, 0);
    rm_tally_add(&t, 1, 0);
    rm_tally_add(&t, 3, 0);
    rm_tally_add(&t, 0, 1);
    rm_tally_add(&t, 2, 2);
    ck_assert_uint_eq(t.wins, 2);
    ck_assert_uint_eq(t.losses, 1);
    ck_assert_uint_eq(t.ties, 1);
    ck_assert_uint_eq(rm_tally_n(&t), 4);
    ck_assert(rm_tally_accuracy(&t, &accuracy, &low, &high));
    ck_near(accuracy, 2.0 / 3, 1e-15);
    /* Wilson's interval of 2 in 3, from the closed form. */
    ck_near(low, 0.20765960080204776, 1e-12);
    ck_near(high, 0.9385080552796037, 1e-12);
    double sum = log1p(exp(-1)) + log1p(exp(-3)) + log1p(exp(1)) + log(2);
    ck_near(rm_tally_log_loss(&t), sum / 4, 1e-15);
}
END_TEST

/* An accuracy is beyond the range of chance where its interval is beyond 1/2.
 */
START_TEST(at_random)
{
    struct rm_tally t = {0};
    struct rm_random x = rm_random_of(&t);
    ck_assert(x.n == 0 && x.accuracy == 0.5 && x.low == 0 && x.high == 1);
    t.wins = 3;
    x = rm_random_of(&t);
    ck_assert(x.low == 0 && x.high == 1);
    t.wins = 100;
    x = rm_random_of(&t);
    ck_near(x.low, 0.402001800772997, 1e-12);
    ck_near(x.high, 0.597998199227003, 1e-12);
    for (uint64_t n = 4; n < 300; n += 7) {
        t.wins = n;
        x = rm_random_of(&t);
        for (uint64_t k = 0; k <= n; k++) {
            double low, high, share = (double)k / (double)n;
            pk_wilson(k, n, &low, &high);
            if (fabs(low - 0.5) > 1e-12 && fabs(high - 0.5) > 1e-12)
                ck_assert_int_eq(share > x.high || share<x.low, low> 0.5 ||
                                 high < 0.5);
        }
    }
}
END_TEST

START_TEST(characters)
{
    ck_assert_uint_eq(rm_characters("", 0), 0);
    ck_assert_uint_eq(rm_characters("abc", 3), 3);
    ck_assert_uint_eq(rm_characters("a\xC3\xA9\xE2\x82\xAC", 6), 3);
    ck_assert_uint_eq(rm_characters("\xF0\x9F\x98\x80!", 5), 2);
    ck_assert_uint_eq(rm_characters("\xFFx\xC3", 3), 3);
}
END_TEST

/* dimension, source, strength, label, characters, scores of two models */
static const struct {
    enum prefdb_dimension dimension;
    const char *source;
    int strength;
    enum prefdb_label label;
    double chars[2], first[2], second[2];
} judgments[] = {
    {PREFDB_SAFETY, "zoo", 3, PREFDB_BOTH_SAFE, {5, 4}, {1, 0}, {0, 1}},
    {PREFDB_SAFETY, "zoo", 3, PREFDB_PREFERRED_SAFE, {4, 4}, {1, 0}, {0, 0}},
    {PREFDB_SAFETY, "ark", 0, PREFDB_BOTH_SAFE, {3, 4}, {0, 2}, {2, 0}},
    {PREFDB_SAFETY, "ark", -1, PREFDB_NO_LABEL, {9, 4}, {5, 4}, {5, 4}},
    {PREFDB_HELPFULNESS, "", 2, PREFDB_NO_LABEL, {1, 2}, {0, 1}, {0, 1}},
};

/* Is the first model a run's last, with two more on the way to it? */
static bool with_run;

static void fill(struct rm_report *r)
{
    struct pk_err err;
    ck_ok(rm_report_init(r, 2, with_run ? 4 : 2, &err));
    for (size_t m = 2; m < r->n_scored; m++) {
        r->model[m].name = m == 2 ? "first@1" : "first@2";
        r->model[m].dir = "models/first.checkpoints/step";
        r->model[m].made = (struct rm_made){21100,        true,         -1,
                                            40 * (m - 1), 40 * (m - 1), m - 1};
        r->model[m].run = r->model[0].run = 0;
        memset(r->model[m].fingerprint, 'c', 64);
    }
    r->model[0].name = "first";
    r->model[0].dir = "models/first";
    r->model[1].name = "second \"quoted\"";
    r->model[1].dir = "models/second";
    r->model[0].made = (struct rm_made){21100, true, -1, 155, 155, 4};
    r->model[1].made =
        (struct rm_made){7000000000, true, -1, 1418091, 1418091, 2770};
    r->store = "prefs.db";
    memset(r->store_fingerprint, '5', 64);
    memset(r->model[0].fingerprint, 'a', 64);
    memset(r->model[1].fingerprint, 'b', 64);
    r->split = PREFDB_TEST;
    for (size_t i = 0; i < sizeof judgments / sizeof judgments[0]; i++) {
        double chosen[] = {judgments[i].first[0], judgments[i].second[0],
                           judgments[i].second[0], (double)i};
        double rejected[] = {judgments[i].first[1], judgments[i].second[1],
                             judgments[i].second[1], 1.5};
        struct rm_verdict v = {.dimension = judgments[i].dimension,
                               .comparison = i < 2 ? 1 : (int64_t)i,
                               .source = judgments[i].source,
                               .strength = judgments[i].strength,
                               .label = judgments[i].label,
                               .turn = 1,
                               .bench = {.subset = 1 + (int)(i % 2), .row = i},
                               .chosen_chars = judgments[i].chars[0],
                               .rejected_chars = judgments[i].chars[1],
                               .chosen = chosen,
                               .rejected = rejected};
        ck_ok(rm_report_add(r, &v, &err));
        r->section[v.dimension].judgments++;
    }
    r->section[PREFDB_SAFETY].judgments += 3;
    r->section[PREFDB_SAFETY].comparisons = 6;
    rm_leave_out(&r->section[PREFDB_SAFETY].left_out, RM_TIE, 17);
    rm_leave_out(&r->section[PREFDB_SAFETY].left_out, RM_TIE, 18);
    rm_leave_out(&r->section[PREFDB_SAFETY].left_out, RM_BOTH_BAD, 19);
    ck_ok(rm_report_finish(r, &err));
    r->rated = pk_calloc(1, sizeof *r->rated);
    r->n_rated = 1;
    ck_ok(rm_rated_init(r->rated, "help<b>", 0, 2, 2, &err));
    for (int i = 0; i < 5; i++)
        ck_ok(rm_rated_add(r->rated, (double[]){i % 3}, 1,
                           (double[]){i, -i * i}, &err));
    ck_ok(rm_rated_finish(r->rated, &err));
}

/* Judgments of one comparison: with one each, nothing changes; the same word
 * said k times over is one word; where they part, they count by themselves at
 * most. */
START_TEST(several_judgments)
{
    double accuracy[2], low[2], high[2];
    struct rm_tally one = {0}, thrice = {0}, each = {0}, apart = {0};
    for (int64_t i = 1; i <= 60; i++) {
        double rejected = i % 3 == 0 ? 2 : 0;
        rm_tally_add(&one, 1, rejected);
        rm_tally_add_of(&each, i, 1, rejected);
        rm_tally_add_of(&apart, (i + 2) / 3, 1, rejected);
        for (int k = 0; k < 3; k++)
            rm_tally_add_of(&thrice, i, 1, rejected);
    }
    rm_tally_add_of(&each, 61, 1, 1); /* a tie is no judgment of any */
    const struct rm_tally *const other[] = {&each, &thrice, &apart};
    ck_assert(rm_tally_accuracy(&one, &accuracy[0], &low[0], &high[0]));
    for (int i = 0; i < 3; i++) {
        ck_assert(rm_tally_accuracy(other[i], &accuracy[1], &low[1], &high[1]));
        ck_assert(fabs(accuracy[1] - accuracy[0]) < 1e-15);
        ck_assert(fabs(low[1] - low[0]) < 1e-15);
        ck_assert(fabs(high[1] - high[0]) < 1e-15);
    }
    ck_assert(each.clusters.n == 60 && apart.clusters.n == 20);
    struct rm_random x = rm_random_of(&thrice), y = rm_random_of(&one);
    ck_assert(x.n == 180 && fabs(x.low - y.low) < 1e-15);
    x = rm_random_of(&apart); /* two against one: (2 - 1)^2 for three */
    ck_assert(x.n == 60 && fabs(x.low - y.low) < 1e-15);
    /* All right, in agreement. */
    struct rm_tally right = {0};
    for (int64_t i = 0; i < 40; i++)
        rm_tally_add_of(&right, 1 + i / 4, 1, 0);
    ck_assert(rm_tally_accuracy(&right, &accuracy[1], &low[1], &high[1]));
    pk_wilson(10, 10, &low[0], &high[0]);
    ck_assert(fabs(low[1] - low[0]) < 1e-15);
}
END_TEST

static void ck_tally(const struct rm_tally *t, uint64_t wins, uint64_t losses,
                     uint64_t ties)
{
    ck_assert_uint_eq(t->wins, wins);
    ck_assert_uint_eq(t->losses, losses);
    ck_assert_uint_eq(t->ties, ties);
}

START_TEST(groups)
{
    static const char *const names[] = {"all",
                                        "ark",
                                        "zoo",
                                        "",
                                        "",
                                        "unstated",
                                        "preferred_safe",
                                        "both_safe",
                                        "no label",
                                        "longer",
                                        "shorter",
                                        "same length",
                                        "first",
                                        "fewer than 100",
                                        "one judgment"};
    struct rm_report r;
    fill(&r);
    const struct rm_section *s = &r.section[PREFDB_SAFETY];
    ck_assert_uint_eq(s->n_groups, 15);
    for (size_t i = 0; i < 15; i++)
        if (names[i][0])
            ck_assert_str_eq(rm_group_name(&s->group[i]), names[i]);
    ck_assert_str_eq(rm_group_name(&s->group[3]), prefdb_strength_name(3));
    ck_assert_str_eq(rm_group_name(&s->group[4]), prefdb_strength_name(0));
    ck_tally(&s->group[0].model[0], 3, 1, 0);
    ck_tally(&s->group[0].model[1], 2, 1, 1);
    ck_tally(&s->group[0].longer, 2, 1, 1);
    ck_tally(&s->group[1].model[1], 2, 0, 0); /* ark */
    ck_tally(&s->group[2].model[1], 0, 1, 1); /* zoo */
    ck_tally(&s->group[3].model[0], 2, 0, 0); /* significantly better */
    ck_tally(&s->group[7].model[0], 1, 1, 0); /* both safe */
    /* Labels are a safety judgment's; here there are none to tell. */
    s = &r.section[PREFDB_HELPFULNESS];
    ck_assert_uint_eq(s->n_groups, 7);
    ck_tally(&s->group[0].model[0], 0, 1, 0);
    rm_report_release(&r);
}
END_TEST

enum form { SHORT, FULL, JSON, HTML };

static char *printed(const struct rm_report *r, enum form form)
{
    struct pk_err err;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(f);
    if (form == JSON)
        ck_ok(rm_report_json(r, f, &err));
    else if (form == HTML)
        rm_report_html(r, f);
    else
        rm_report_text(r, form == FULL, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

/* What a model may say to whoever reads the report. */
static const char hostile[] =
    "</dd><script>alert(1)</script>&\"'\x1B[2J\xE2\x80\xAE\xC2\x9B\nnext line";

static void say(struct rm_excerpt *e)
{
    e->text = pk_strdup(hostile);
    ck_assert_ptr_nonnull(e->text);
    e->len = strlen(hostile);
    e->more = 3;
}

/* The texts of every mistake, as rm_mistakes_read would put them there. */
static void give_texts(struct rm_report *r)
{
    for (int d = 0; d < RM_N_DIMENSIONS; d++) {
        for (size_t m = 0; m < r->n_models; m++) {
            struct rm_mistakes *all = &r->section[d].mistakes[m];
            for (size_t i = 0; i < all->n; i++) {
                struct rm_mistake *one = &all->mistake[i];
                one->source = pk_strdup("<b>\x07");
                one->prompt = pk_calloc(1, sizeof *one->prompt);
                one->n_prompt = 1;
                one->prompt[0].role = PREFDB_USER;
                say(&one->prompt[0].said);
                say(&one->chosen);
                say(&one->rejected);
            }
        }
    }
}

/* No control character but newlines, no line over 100 columns (but for texts),
 * no space at the end of one. */
static void ck_plain(const char *text, size_t columns)
{
    size_t column = 0;
    for (const char *p = text; *p; p++) {
        column = *p == '\n' ? 0 : column + 1;
        ck_assert_uint_le(column, columns);
        ck_assert(*p == '\n' || (unsigned char)*p >= ' ');
        ck_assert(p[0] != ' ' || p[1] != '\n');
    }
}

START_TEST(as_text)
{
    struct rm_report r;
    fill(&r);
    char *text = printed(&r, SHORT);
    ck_plain(text, 100);
    ck_assert_ptr_nonnull(strstr(text, "--full"));
    ck_assert_ptr_nonnull(strstr(text, "unsafe responses at 0.5"));
    ck_assert_ptr_nonnull(strstr(text, "not independent, and make it too"));
    ck_assert_ptr_null(strstr(text, "by turn"));
    ck_assert_ptr_nonnull(
        strstr(text, "safety: 7 judgments of 6 comparisons, 3 left out: 2 "
                     "ties, 1 both bad\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nfirst on safety\n"));
    ck_assert_ptr_nonnull(strstr(text, "by safety label"));
    ck_assert_ptr_nonnull(strstr(text, "(no source)"));
    free(text);
    rm_report_release(&r);
}
END_TEST

START_TEST(as_full_text)
{
    struct rm_report r;
    fill(&r);
    give_texts(&r);
    char *text = printed(&r, FULL);
    ck_plain(text, 100);
    static const char *const there[] = {
        "by turn",
        "Without a model on safety\n",
        "     4      66.7  [ 20.8,  93.9]     1       50.0  [  1.0,  99.0]\n",
        "by size and pairs seen, on safety (Figure 6)",
        "21.1k      4      155",
        "RewardBench's own score",
        "Rated for help<b>, 0 to 2: 5 responses with 5 ratings",
        "alpacaeval-easy",
        "7.0B   2770  1418091",
        "sigma(|difference|)",
        "bimodality",
        "unsafe when",
        "The most confident mistakes of first: 1 of 1",
        "    </dd><script>alert(1)</script>&\"'<ESC>[2J<RLO><CSI>\n"
        "    next line\n    ... and 3 characters more\n",
        "source <b><BEL>"};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        ck_assert_msg(strstr(text, there[i]) != NULL, "'%s' is not there",
                      there[i]);
    free(text);
    rm_report_release(&r);
}
END_TEST

START_TEST(as_html)
{
    struct rm_report r;
    fill(&r);
    give_texts(&r);
    char *text = printed(&r, HTML);
    for (const char *p = text; *p; p++)
        ck_assert(*p == '\n' || (unsigned char)*p >= ' ');
    ck_assert_ptr_null(strstr(text, "<script"));
    ck_assert_ptr_null(strstr(text, "\xE2\x80\xAE"));
    ck_assert_ptr_null(strstr(text, "\"quoted\""));
    ck_assert_ptr_nonnull(strstr(text, "second &quot;quoted&quot;"));
    ck_assert_ptr_nonnull(
        strstr(text, "&lt;/dd&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;"
                     "&quot;&#39;&lt;ESC&gt;[2J&lt;RLO&gt;&lt;CSI&gt;"
                     "\nnext line"));
    /* Nothing is loaded from anywhere. */
    ck_assert_ptr_null(strstr(text, "http:"));
    ck_assert_ptr_null(strstr(text, "https:"));
    ck_assert_ptr_null(strstr(text, "src="));
    ck_assert_ptr_null(strstr(text, "url("));
    ck_assert_ptr_null(strstr(text, "nan"));
    free(text);
    rm_report_release(&r);
}
END_TEST

/* Of the models on the way Figure 6 is told, and nothing else. */
START_TEST(on_the_way)
{
    struct rm_report r;
    struct pk_err err;
    cJSON *j;
    with_run = true;
    fill(&r);
    give_texts(&r);
    /* Asked for by --run: there without --full too. */
    char *text = printed(&r, SHORT), *html = printed(&r, HTML);
    ck_plain(text, 100);
    static const char *const lines[] = {
        "\n      with 2 more of its run\n",
        "  first           21.1k      1       40      4   66.7  [ 20.8,  93.9]",
        "  first           21.1k      2       80      4   50.0  [ 11.6,  88.4]",
        "  first           21.1k      4      155      4   75.0  [ 27.7,  95.9]",
        "  second \"quo...   7.0B   2770  1418091"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(text, lines[i]), "'%s' is not there", lines[i]);
    ck_assert_ptr_null(strstr(text, "first@1"));
    ck_assert_ptr_nonnull(strstr(html, "class=\"band m0\""));
    ck_assert_ptr_nonnull(strstr(html, "first@1: 66.7% [20.8, 93.9], n 4; "
                                       "step 1, 40 pairs seen"));
    ck_assert_ptr_null(strstr(html, "nan"));
    free(html);
    free(text);
    text = printed(&r, JSON);
    ck_ok(pk_json_parse(&j, text, strlen(text), &err));
    ck_schema(j, "schemas/eval-report.schema.json");
    const cJSON *way = cJSON_GetObjectItem(j, "checkpoints");
    ck_assert_int_eq(cJSON_GetArraySize(way), 2);
    way = cJSON_GetArrayItem(way, 1);
    ck_assert_str_eq(cJSON_GetObjectItem(way, "name")->valuestring, "first@2");
    ck_assert_str_eq(cJSON_GetObjectItem(way, "run")->valuestring, "first");
    ck_assert_int_eq(cJSON_GetObjectItem(way, "step")->valueint, 2);
    const cJSON *safety =
        cJSON_GetArrayItem(cJSON_GetObjectItem(j, "dimensions"), 1);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(safety, "models")),
                     2);
    const cJSON *scaling = cJSON_GetObjectItem(safety, "scaling");
    ck_assert_int_eq(cJSON_GetArraySize(scaling), 4);
    scaling = cJSON_GetArrayItem(scaling, 1);
    ck_assert_str_eq(cJSON_GetObjectItem(scaling, "name")->valuestring,
                     "first@2");
    scaling = cJSON_GetObjectItem(scaling, "all");
    ck_assert_int_eq(cJSON_GetObjectItem(scaling, "wins")->valueint, 2);
    ck_assert_int_eq(cJSON_GetObjectItem(scaling, "losses")->valueint, 2);
    cJSON_Delete(j);
    free(text);
    rm_report_release(&r);
}
END_TEST

/* Every accuracy, log loss, confidence, threshold and p of the JSON form is in
 * the other two. */
START_TEST(the_same_numbers)
{
    static const struct {
        const char *key, *before;
        int digits; /* after the point; -1: three that count */
        double times;
        const char *after;
    } numbers[] = {{"accuracy", "", 1, 100, ""},
                   {"low", "", 1, 100, ", "},
                   {"high", "", 1, 100, "]"},
                   {"log_loss", "", 4, 1, ""},
                   {"confidence", "", 3, 1, ""},
                   {"expected_error", "", 4, 1, ""},
                   {"precision", "", 1, 100, ""},
                   {"recall", "", 1, 100, ""},
                   {"below", "", 4, 1, ""},
                   {"bimodality", "", 3, 1, ""},
                   {"mean", "", 3, 1, ""},
                   {"sd", "", 3, 1, ""},
                   {"p", "", -1, 1, ""},
                   {"by", "by ", 3, 1, ""},
                   {"pairs_seen", "", 0, 1, ""},
                   {"bench_score", "", 1, 100, ""},
                   {"rank_correlation", "", 3, 1, ""}};
    struct rm_report r;
    with_run = _i;
    fill(&r);
    give_texts(&r);
    char *full = printed(&r, FULL), *html = printed(&r, HTML),
         *json = printed(&r, JSON);
    size_t found = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char key[64];
        snprintf(key, sizeof key, "\"%s\":", numbers[i].key);
        for (const char *p = json; (p = strstr(p, key)); found++) {
            p += strlen(key);
            char *end;
            double value = strtod(p, &end);
            if (end == p)
                continue; /* null, or another key of this name */
            value *= numbers[i].times;
            char shown[64], core[32];
            if (numbers[i].digits < 0)
                snprintf(core, sizeof core, "%.3g", value);
            else
                snprintf(core, sizeof core, "%.*f", numbers[i].digits, value);
            snprintf(shown, sizeof shown, "%s%s%s", numbers[i].before, core,
                     numbers[i].after);
            ck_assert_msg(strstr(full, shown) && strstr(html, shown),
                          "%s %s is not in all forms", key, shown);
        }
    }
    ck_assert_uint_gt(found, 100);
    free(full);
    free(html);
    free(json);
    rm_report_release(&r);
}
END_TEST

START_TEST(as_json)
{
    struct rm_report r;
    struct pk_err err;
    cJSON *j;
    fill(&r);
    give_texts(&r);
    char *text = printed(&r, JSON);
    ck_ok(pk_json_parse(&j, text, strlen(text), &err));
    ck_schema(j, "schemas/eval-report.schema.json");
    const cJSON *d = cJSON_GetObjectItem(j, "dimensions");
    ck_assert_int_eq(cJSON_GetArraySize(d), 2);
    d = cJSON_GetArrayItem(d, 1);
    ck_assert_str_eq(cJSON_GetObjectItem(d, "dimension")->valuestring,
                     "safety");
    const cJSON *left = cJSON_GetObjectItem(d, "left_out");
    ck_assert_int_eq(cJSON_GetObjectItem(left, "tie")->valueint, 2);
    const cJSON *all = cJSON_GetArrayItem(cJSON_GetObjectItem(d, "groups"), 0);
    const cJSON *m = cJSON_GetObjectItem(cJSON_GetObjectItem(all, "models"),
                                         "second \"quoted\"");
    ck_assert_int_eq(cJSON_GetObjectItem(m, "ties")->valueint, 1);
    ck_near(cJSON_GetObjectItem(m, "accuracy")->valuedouble, 2.0 / 3, 1e-8);
    ck_near(cJSON_GetObjectItem(m, "low")->valuedouble, 0.207659601, 1e-8);
    m = cJSON_GetObjectItem(all, "random");
    ck_assert_int_eq(cJSON_GetObjectItem(m, "n")->valueint, 4);
    ck_near(cJSON_GetObjectItem(m, "low")->valuedouble, 0.010009003864986,
            1e-8);
    cJSON_Delete(j);
    free(text);
    rm_report_release(&r);
}
END_TEST

/* Those that tell, by size and then by what they saw; drawn only where they
 * differ. */
START_TEST(scaling)
{
    static const struct rm_made made[] = {
        {2000, true, PREFDB_SAFETY, 9, 9, 3},
        {2000, false, -1, 0, 0, 0},
        {1000, true, -1, 90, 90, 30},
        {2000, true, PREFDB_SAFETY, 3, 3, 1},
        {3000, true, PREFDB_HELPFULNESS, 3, 3, 1}};
    static const size_t want[] = {2, 3, 0}, other[] = {2, 4};
    struct rm_report r;
    struct pk_err err;
    size_t n;
    ck_ok(rm_report_init(&r, 5, 5, &err));
    ck_assert(!rm_scaling_useful(&r, PREFDB_SAFETY)); /* nobody tells */
    for (size_t m = 0; m < 5; m++)
        r.model[m].made = made[m];
    ck_assert(rm_scaling_useful(&r, PREFDB_SAFETY));
    size_t *order = rm_scaling_order(&r, PREFDB_SAFETY, &n);
    ck_assert_uint_eq(n, 3);
    ck_assert_mem_eq(order, want, sizeof want);
    ck_assert_int_eq(rm_scaling_axis(&r, order, n), RM_AXIS_SEEN);
    ck_assert(rm_scaling_joined(&r, RM_AXIS_SEEN, 3, 0));
    ck_assert(!rm_scaling_joined(&r, RM_AXIS_SEEN, 2, 3));
    ck_assert(rm_scaling_joined(&r, RM_AXIS_PARAMETERS, 2, 3));
    free(order);
    order = rm_scaling_order(&r, PREFDB_HELPFULNESS, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_mem_eq(order, other, sizeof other);
    free(order);
    r.model[2].made = r.model[3].made = made[0];
    ck_assert(!rm_scaling_useful(&r, PREFDB_SAFETY)); /* all alike */
    r.model[2].made.parameters = 1000;
    order = rm_scaling_order(&r, PREFDB_SAFETY, &n);
    ck_assert_int_eq(rm_scaling_axis(&r, order, n), RM_AXIS_PARAMETERS);
    free(order);
    rm_report_release(&r);
}
END_TEST

/* Two runs of one size, of which one goes on with what it has seen. */
START_TEST(scaling_runs)
{
    static const struct rm_made made[] = {{2000, true, -1, 50, 100, 10},
                                          {2000, true, -1, 40, 40, 4},
                                          {2000, true, -1, 30, 30, 3},
                                          {2000, true, -1, 50, 80, 8},
                                          {2000, true, -1, 20, 20, 2}};
    static const size_t run[] = {0, 1, 0, 0, 1}, want[] = {2, 3, 0, 4, 1};
    struct rm_report r;
    struct pk_err err;
    size_t n;
    ck_ok(rm_report_init(&r, 2, 5, &err));
    for (size_t m = 0; m < 5; m++) {
        r.model[m].made = made[m];
        r.model[m].run = run[m];
    }
    size_t *order = rm_scaling_order(&r, PREFDB_SAFETY, &n);
    ck_assert_uint_eq(n, 5);
    ck_assert_mem_eq(order, want, sizeof want);
    ck_assert_int_eq(rm_scaling_axis(&r, order, n), RM_AXIS_TRAINED);
    ck_assert_int_eq(rm_scaling_axis(&r, order + 3, 2), RM_AXIS_SEEN);
    ck_assert_uint_eq(rm_scaling_seen(RM_AXIS_TRAINED, &made[0]), 100);
    ck_assert_uint_eq(rm_scaling_seen(RM_AXIS_SEEN, &made[0]), 50);
    ck_assert(rm_scaling_joined(&r, RM_AXIS_TRAINED, 3, 0));
    ck_assert(!rm_scaling_joined(&r, RM_AXIS_TRAINED, 0, 4));
    free(order);
    /* Of one run, in the second epoch: the same seen, and still a line. */
    for (size_t m = 1; m < 5; m++)
        r.model[m].made.told = m == 3;
    ck_assert(rm_scaling_useful(&r, PREFDB_SAFETY));
    rm_report_release(&r);
}
END_TEST

START_TEST(short_counts)
{
    static const struct {
        uint64_t n;
        const char *says;
    } counts[] = {{0, "0"},
                  {999, "999"},
                  {1000, "1.0k"},
                  {21120, "21.1k"},
                  {999949, "999.9k"},
                  {999950, "1.0M"},
                  {6738415616, "6.7B"}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char text[16];
        rm_short_count(text, counts[i].n);
        ck_assert_str_eq(text, counts[i].says);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_report");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, several_judgments);
    tcase_add_test(t, tallies);
    tcase_add_test(t, at_random);
    tcase_add_test(t, characters);
    tcase_add_test(t, groups);
    tcase_add_test(t, as_text);
    tcase_add_test(t, as_full_text);
    tcase_add_test(t, as_json);
    tcase_add_test(t, as_html);
    tcase_add_test(t, on_the_way);
    tcase_add_loop_test(t, the_same_numbers, 0, 2);
    tcase_add_test(t, scaling);
    tcase_add_test(t, scaling_runs);
    tcase_add_test(t, short_counts);
    suite_add_tcase(s, t);
    return run_suite(s);
}
