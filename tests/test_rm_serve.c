/* The server without a network: each shape's requests and replies, and the
 * queue between those who ask and the one who scores. */
#include <stdlib.h>
#include <string.h>

#include "rm/serve/queue.h"
#include "rm/serve/shape.h"
#include "tests/schema.h"
#include "tests/small_model.h"
#include "tests/support.h"

#define TEXT   "<s>[INST] q [/INST] a </s>"
#define ESCAPE "<s>[INST] q [/INST] \\\"b\\\" </s>"

static struct pk_err err;
static struct rm_scorer *scorer;

/* Two models with the same weights, so that names matter and numbers do not. */
static void setup(void)
{
    char *dir = temp_path("model");
    ck_ok(small_model(dir, INFER_HEAD_SCORE, &err));
    const struct rm_named named[] = {{"help", dir}, {"safe", dir}};
    const struct rm_scorer_opts o = {.keep_bad = true, .forest_tokens = 40};
    ck_ok(rm_scorer_open(&scorer, named, 2, &o, &err));
}

static void teardown(void)
{
    rm_scorer_close(scorer);
}

/* ---- Shapes -------------------------------------------------------------- */

/* Text i's score is i + 0.25 by the first model, i + 0.5 by the second. */
static void give_scores(struct rm_ask *a)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t m = 0; m < 2; m++)
            if (!a->text[i].error)
                a->scored[2 * i + m] = (struct rm_scored){
                    .score = (double)i + 0.25 + 0.25 * (double)m,
                    .cut = a->code[2 * i + m].cut};
}

/* How two are combined; NULL: they are not. */
static const struct rm_reward *reward;

static char *reply(const struct rm_shape *shape, const char *body)
{
    struct rm_ask a;
    struct pk_buf out = PK_BUF_INIT(1 << 20);
    rm_ask_init(&a, scorer);
    a.id = 7;
    a.reward = reward;
    a.named = reward ? RM_COMBINED_NAME : NULL;
    ck_ok(shape->read(&a, body, strlen(body), &err));
    give_scores(&a);
    ck_ok(rm_ask_combine(&a, &err));
    ck_ok(shape->write(&a, &out, &err));
    rm_ask_release(&a);
    return pk_buf_take(&out);
}

/* Request and reply, as schemas/ has them side by side. */
static void ck_pair(const char *path, const char *schema, const char *body,
                    const char *want)
{
    const struct rm_shape *shape = rm_shape_at(path);
    ck_assert_ptr_nonnull(shape);
    char *text = reply(shape, body);
    struct pk_buf both = PK_BUF_INIT(1 << 20);
    cJSON *doc;
    ck_assert_msg(strstr(text, want), "%s lacks %s", text, want);
    pk_buf_addf(&both, "{\"request\":%s,\"reply\":%s}", body, text);
    ck_ok(pk_json_parse(&doc, both.data, both.len, &err));
    ck_schema(doc, schema);
    cJSON_Delete(doc);
    pk_buf_release(&both);
    free(text);
}

START_TEST(openrlhf)
{
    ck_pair("/get_reward", "schemas/serve-get-reward.schema.json",
            "{\"query\":[\"" TEXT "\",\"\",\"[INST] q [/INST] a\"],"
            "\"prompts\":[\"q\"],\"labels\":[null]}",
            "{\"rewards\":[0.25,null,2.25],\"scores\":[0.25,null,2.25],"
            "\"extra_logs\":{\"cut\":[0,0,1]},\"errors\":[{\"index\":1,"
            "\"error\":\"the text is empty\"}]}\n");
    ck_pair("/get_reward", "schemas/serve-get-reward.schema.json",
            "{\"query\":[]}",
            "{\"rewards\":[],\"scores\":[],\"extra_logs\":{\"cut\":[]}}\n");
}
END_TEST

START_TEST(classify)
{
    static const char *const schema = "schemas/serve-classify.schema.json";
    ck_pair("/classify", schema,
            "{\"model\":\"safe\",\"input\":[\"" TEXT "\",\"\"]}",
            "\"model\":\"safe\",\"data\":[{\"index\":0,\"label\":\"LABEL_0\","
            "\"probs\":[0.5],\"num_classes\":1},{\"index\":1,\"error\":"
            "\"the text is empty\"}],\"usage\":{\"prompt_tokens\":");
    ck_pair("/v1/classify", schema, "{\"input\":\"" ESCAPE "\"}",
            "\"probs\":[0.25]");
    ck_pair("/classify", schema, "{\"input\":[1,5,2],\"use_activation\":true}",
            "\"probs\":[0.562176501]");
    ck_pair("/classify", schema,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":"
            "\"assistant\",\"content\":\"a\"}]}",
            "\"id\":\"classify-0000000000000007\",\"object\":\"list\"");
    ck_pair("/classify", schema,
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
            "\"text\":\"q\"}]},{\"role\":\"assistant\",\"content\":\"a\"}],"
            "\"activation\":true}",
            "\"probs\":[0.562176501]");
}
END_TEST

START_TEST(pooling)
{
    static const char *const schema = "schemas/serve-pooling.schema.json";
    ck_pair("/pooling", schema, "{\"input\":[[1,5,2],[1,2]]}",
            "\"data\":[{\"index\":0,\"object\":\"pooling\",\"data\":[0.25]},"
            "{\"index\":1,\"object\":\"pooling\",\"data\":[1.25]}]");
}
END_TEST

START_TEST(rerank)
{
    static const char *const schema = "schemas/serve-rerank.schema.json";
    ck_pair("/rerank", schema,
            "{\"query\":\"q\",\"documents\":[\"a\",\"[INST]\",{\"text\":"
            "\"\\\"c\"}]}",
            "\"results\":[{\"index\":2,\"document\":{\"text\":\"\\\"c\"},"
            "\"relevance_score\":2.25},{\"index\":0,\"document\":{\"text\":"
            "\"a\"},\"relevance_score\":0.25}],\"errors\":[{\"index\":1,");
    ck_pair("/v2/rerank", schema,
            "{\"query\":[{\"role\":\"user\",\"content\":\"q\"}],"
            "\"documents\":[\"a\",\"b\"],\"top_n\":1}",
            "\"results\":[{\"index\":1,\"document\":{\"text\":\"b\"},"
            "\"relevance_score\":1.25}]}");
}
END_TEST

START_TEST(score_pairs)
{
    static const char *const schema = "schemas/serve-score.schema.json";
    ck_pair("/v1/score", schema, "{\"text_1\":\"q\",\"text_2\":[\"a\",\"b\"]}",
            "\"data\":[{\"index\":0,\"object\":\"score\",\"score\":0.25},"
            "{\"index\":1,\"object\":\"score\",\"score\":1.25}]");
    ck_pair("/v1/score", schema,
            "{\"queries\":[\"q\",\"r\"],\"documents\":[\"a\",\"b\"]}",
            "\"score\":1.25");
    /* At /score too, where rows are rows all the same. */
    static const char pair[] = "{\"queries\": \"q\", \"documents\": [\"a\"]}";
    static const char row[] =
        "{\"prompt\":\"q\",\"response\":\"text_1 text_2\",\"queries\":1}";
    const struct rm_shape *s = rm_shape_at("/score");
    ck_assert_ptr_eq(rm_shape_of(s, pair, sizeof pair - 1), &rm_shape_score);
    ck_assert_ptr_eq(rm_shape_of(s, row, sizeof row - 1), s);
    ck_assert_ptr_eq(rm_shape_of(s, "", 0), s);
}
END_TEST

START_TEST(rows)
{
    char *text =
        reply(rm_shape_at("/score"),
              "{\"prompt\":\"q\",\"response\":\"a\",\"n\": 1.50}\r\n\n"
              "no\n{\"prompt\":\"q\",\"responses\":[\"a\",\"[INST]\"]}\n"
              "{\"text\":\"" ESCAPE "\"}");
    ck_assert_str_eq(
        text,
        "{\"prompt\":\"q\",\"response\":\"a\",\"n\": 1.50,\"scores\":{\"help\":"
        "0.25,\"safe\":0.5}}\n"
        "{\"error\":\"not valid JSON near byte 1\",\"line\":3}\n"
        "{\"prompt\":\"q\",\"responses\":[\"a\",\"[INST]\"],\"error\":"
        "\"response 2: message 2 holds \\\"[INST]\\\", a tag of the chat "
        "format\"}\n"
        "{\"text\":\"" ESCAPE "\",\"scores\":{\"help\":3.25,\"safe\":3.5}}\n");
    free(text);
}
END_TEST

/* R_c: the first model's number, or where the prompt is tagged (no score here
 * is below the threshold but that of a text that has none) the second's. */
START_TEST(combined)
{
    struct rm_combine how = {
        .name = {"help", "safe"}, .threshold = 0.15, .form = RM_LOGIT};
    const struct rm_reward both = {&how, {0, 1}};
    reward = &both;
    char *text =
        reply(rm_shape_at("/score"), "{\"prompt\":\"q\",\"responses\":[\"a\","
                                     "\"b\"],\"safety_prompt\":true}\n"
                                     "{\"prompt\":\"q\",\"response\":\"a\"}");
    ck_assert_str_eq(
        text,
        "{\"prompt\":\"q\",\"responses\":[\"a\",\"b\"],\"safety_prompt\":true,"
        "\"scores\":{\"help\":[0.25,1.25],\"safe\":[0.5,1.5],\"combined\":[0.5,"
        "1.5]},\"marks\":{\"combined_from\":[\"safety\",\"safety\"]}}\n"
        "{\"prompt\":\"q\",\"response\":\"a\",\"scores\":{\"help\":2.25,"
        "\"safe\":"
        "2.5,\"combined\":2.25},\"marks\":{\"combined_from\":\"helpfulness\"}}"
        "\n");
    free(text);
    static const char *const get = "schemas/serve-get-reward.schema.json";
    ck_pair("/get_reward", get,
            "{\"query\":[\"" TEXT "\",\"\",\"[INST] q [/INST] a\"],\"labels\":["
            "true,true,\"true\"]}",
            "{\"rewards\":[0.5,null,2.25],\"scores\":[0.5,null,2.25],"
            "\"extra_logs\":{\"cut\":[0,0,1]},\"errors\":[{\"index\":1,");
    ck_pair("/get_reward", get,
            "{\"query\":[\"" TEXT "\",\"" TEXT "\"],\"safety_prompt\":[false,"
            "true]}",
            "{\"rewards\":[0.25,1.5]");
    ck_pair(
        "/classify", "schemas/serve-classify.schema.json",
        "{\"model\":\"combined\",\"input\":\"" TEXT "\",\"safety_prompt\":"
        "true}",
        "\"model\":\"combined\",\"data\":[{\"index\":0,\"label\":\"LABEL_0\","
        "\"probs\":[0.5]");
    ck_pair("/classify", "schemas/serve-classify.schema.json",
            "{\"model\":\"combined\",\"input\":\"" TEXT "\",\"use_activation\":"
            "true}",
            "\"probs\":[0.562176501]");
    ck_pair(
        "/pooling", "schemas/serve-pooling.schema.json",
        "{\"model\":\"combined\",\"input\":[[1,5,2],[1,2]],"
        "\"safety_prompt\":[false,true]}",
        "\"data\":[0.25]},{\"index\":1,\"object\":\"pooling\",\"data\":[1.5]}");
    ck_pair(
        "/rerank", "schemas/serve-rerank.schema.json",
        "{\"model\":\"combined\",\"query\":\"q\",\"documents\":[\"a\",\"b\"],"
        "\"safety_prompt\":null}",
        "\"relevance_score\":1.25},{\"index\":0,");
    ck_pair("/v1/score", "schemas/serve-score.schema.json",
            "{\"model\":\"combined\",\"text_1\":\"q\",\"text_2\":[\"a\",\"b\"],"
            "\"safety_prompt\":true}",
            "\"score\":1.5}");
    reward = NULL;
}
END_TEST

/* The threshold, the forms, and numbers that are none. */
START_TEST(combined_numbers)
{
    struct rm_combine how = {
        .name = {"help", "safe"}, .threshold = 0.15, .mean = 1, .sd = 2};
    const struct rm_reward both = {&how, {0, 1}};
    static const struct {
        enum rm_form form;
        double help, safe, want;
        bool safety;
    } cases[] = {{RM_LOGIT, 3, -1.7, 3, false},
                 {RM_LOGIT, 3, -1.8, -1.8, true},
                 {RM_PROBABILITY, 0, 5, 0.5, false},
                 {RM_WHITE, 3, 0, 1, false},
                 {RM_LOGIT, NAN, -3, NAN, false},
                 {RM_LOGIT, 1, INFINITY, NAN, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rm_ask a;
        const char *why;
        struct rm_text t = {.marked = TEXT, .marked_len = strlen(TEXT)};
        rm_ask_init(&a, scorer);
        a.reward = &both;
        how.form = cases[i].form;
        ck_ok(rm_ask_choose(&a, RM_COMBINED_NAME, &err));
        ck_ok(rm_ask_add(&a, &t, &err));
        ck_assert(a.code[0].n > 0 && a.code[1].n > 0);
        a.scored[0].score = cases[i].help;
        a.scored[1].score = cases[i].safe;
        ck_ok(rm_ask_combine(&a, &err));
        const struct rm_scored *s = rm_ask_score(&a, 0, &why);
        if (isnan(cases[i].want))
            ck_assert(!s && strstr(why, "not finite"));
        else
            ck_assert(s && s->score == cases[i].want &&
                      a.combined[0].safety == cases[i].safety);
        rm_ask_release(&a);
    }
}
END_TEST

static const struct {
    const char *path, *body;
    int code;
    const char *says;
} bad[] = {
    {"/classify", "{\"model\":\"combined\",\"input\":\"a\"}", PK_ENO,
     "'combined' does not"},
    {"/classify", "{\"input\":\"a\",\"safety_prompt\":1}", PK_EDATA,
     "neither true or false"},
    {"/get_reward", "{\"query\":[\"a\"],\"safety_prompt\":[true,true]}",
     PK_EDATA, "2 elements for 1 texts"},
    {"/rerank",
     "{\"query\":\"q\",\"documents\":[\"a\"],\"safety_prompt\":[null]}",
     PK_EDATA, "neither true or false"},
    {"/score", "", PK_EDATA, "no rows"},
    {"/score", "\n \n", PK_EDATA, "no rows"},
    {"/get_reward", "", PK_EDATA, "JSON"},
    {"/get_reward", "[]", PK_EDATA, "not a JSON object"},
    {"/get_reward", "{\"query\":\"a\"}", PK_EDATA, "not a list"},
    {"/get_reward", "{\"query\":[\"a\",1]}", PK_EDATA, "number 2"},
    {"/classify", "{\"model\":\"x\",\"input\":\"a\"}", PK_ENO, "'x' does not"},
    {"/classify", "{\"model\":7,\"input\":\"a\"}", PK_EDATA, "\"model\""},
    {"/classify", "{}", PK_EDATA, "one of \"input\" and"},
    {"/classify", "{\"input\":\"a\",\"messages\":[]}", PK_EDATA, "one of"},
    {"/classify", "{\"input\":[]}", PK_EDATA, "neither a text"},
    {"/classify", "{\"input\":{}}", PK_EDATA, "neither a text"},
    {"/classify", "{\"input\":[\"a\",{}]}", PK_EDATA, "number 2"},
    {"/classify", "{\"input\":[1,\"a\"]}", PK_EDATA, "no token id (number 2)"},
    {"/classify", "{\"messages\":\"a\"}", PK_EDATA, "not a list"},
    {"/classify", "{\"input\":\"a\",\"chat_template\":\"x\"}", PK_EDATA,
     "\"chat_template\" is not served"},
    {"/pooling", "{\"input\":\"a\",\"dimensions\":3}", PK_EDATA, "dimensions"},
    {"/pooling", "{\"input\":\"a\",\"encoding_format\":\"base64\"}", PK_EDATA,
     "\"float\""},
    {"/pooling", "{\"input\":\"a\",\"add_generation_prompt\":true}", PK_EDATA,
     "no response"},
    {"/pooling", "{\"input\":\"a\",\"task\":\"embed\"}", PK_EDATA,
     "no embeddings"},
    {"/classify", "{\"input\":\"a\",\"softmax\":true}", PK_EDATA, "softmax"},
    {"/classify",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"},{}]}]"
     "}",
     PK_EDATA, "not of one text"},
    {"/rerank", "{\"documents\":[\"a\"]}", PK_EDATA, "\"query\" is missing"},
    {"/rerank", "{\"query\":\"q\"}", PK_EDATA, "\"documents\" is not a list"},
    {"/rerank", "{\"query\":\"q\",\"documents\":[3]}", PK_EDATA, "response 1"},
    {"/rerank", "{\"query\":3,\"documents\":[\"a\"]}", PK_EDATA, "a prompt is"},
    {"/v1/score", "{\"text_1\":\"q\"}", PK_EDATA, "are needed"},
    {"/v1/score", "{\"text_1\":[\"q\",\"r\"],\"text_2\":[\"a\"]}", PK_EDATA,
     "neither one prompt"},
    {"/v1/score", "{\"text_1\":[],\"text_2\":[\"a\"]}", PK_EDATA, "empty"},
};

START_TEST(bad_requests)
{
    struct rm_ask a;
    rm_ask_init(&a, scorer);
    int rc = rm_shape_at(bad[_i].path)
                 ->read(&a, bad[_i].body, strlen(bad[_i].body), &err);
    ck_assert_int_eq(rc, bad[_i].code);
    ck_assert_msg(strstr(err.text, bad[_i].says), "%s: %s", bad[_i].body,
                  err.text);
    rm_ask_release(&a);
}
END_TEST

START_TEST(a_model_by_its_name)
{
    struct rm_ask a;
    const struct rm_shape *shape = rm_shape_at("/get_reward");
    rm_ask_init(&a, scorer);
    a.named = "safe";
    ck_ok(shape->read(&a, "{\"query\":[\"" TEXT "\"]}", 40, &err));
    ck_assert_uint_eq(a.model, 1);
    ck_assert_uint_eq(a.code[0].n, 0); /* the other has nothing to do */
    ck_assert_uint_eq(a.code[1].n, a.tokens);
    rm_ask_release(&a);
    rm_ask_init(&a, scorer);
    a.named = "none";
    ck_assert_int_eq(shape->read(&a, "{\"query\":[]}", 12, &err), PK_ENO);
    rm_ask_release(&a);
    ck_assert_ptr_null(rm_shape_at("/get_rewards"));
}
END_TEST

/* ---- The queue ----------------------------------------------------------- */

/* The numbers that the texts get alone: what the queue must give, too. */
static double alone(const char *marked)
{
    size_t index;
    enum rm_reason why;
    struct rm_text t = {.marked = marked, .marked_len = strlen(marked)};
    ck_ok(rm_scorer_add(scorer, &t, &index, &why, &err));
    ck_ok(rm_scorer_flush(scorer, &err));
    double score = rm_scorer_get(scorer, 0, index)->score;
    rm_scorer_clear(scorer);
    return score;
}

struct told {
    int times;
};

static void tell(void *arg)
{
    ((struct told *)arg)->times++;
}

static void ask_for(struct rm_ask *a, struct told *told,
                    const char *const *texts, size_t n)
{
    rm_ask_init(a, scorer);
    for (size_t i = 0; i < n; i++) {
        struct rm_text t = {.marked = texts[i], .marked_len = strlen(texts[i])};
        ck_ok(rm_ask_add(a, &t, &err));
    }
    a->done = tell;
    a->arg = told;
}

static const char *const some[] = {
    TEXT, "", "<s>[INST] other [/INST] words </s>", "<s>[INST] q [/INST] b",
    "<s>[INST] and one more, rather longer than that [/INST] yes </s>"};
enum { SOME = sizeof some / sizeof *some };

START_TEST(through_the_queue)
{
    struct rm_queue *q;
    struct rm_ask a[3];
    struct told told[3] = {{0}};
    double want[SOME] = {0};
    for (size_t i = 0; i < SOME; i++)
        want[i] = i == 1 ? 0 : alone(some[i]);
    ck_ok(rm_queue_new(&q, scorer, (struct rm_queue_limits){100, 10000}, &err));
    ck_assert(!rm_queue_step(q, 0));
    for (int k = 0; k < 3; k++) {
        ask_for(&a[k], &told[k], some, SOME);
        ck_assert_uint_eq(a[k].texts, SOME - 1);
        ck_assert_int_eq(rm_queue_reserve(q, &a[k]), RM_ROOM);
        rm_queue_put(q, &a[k]);
    }
    ck_assert_uint_eq(rm_queue_stats(q).texts, 3 * (SOME - 1));
    while (rm_queue_step(q, 0))
        ;
    ck_assert_uint_eq(rm_queue_stats(q).texts, 0);
    ck_assert_uint_eq(rm_queue_stats(q).tokens, 0);
    /* The forest is small: it took several, and none held one text alone. */
    ck_assert_uint_gt(rm_queue_stats(q).forests, 2);
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(told[k].times, 1);
        for (size_t i = 0; i < SOME; i++) {
            const char *why;
            const struct rm_scored *s = rm_ask_score(&a[k], i, &why);
            ck_assert(i == 1 ? !s : s->score == want[i]);
        }
        rm_ask_release(&a[k]);
    }
    rm_queue_free(q);
}
END_TEST

START_TEST(room)
{
    struct rm_queue *q;
    struct rm_ask two, four;
    struct told told = {0};
    ask_for(&two, &told, some + 2, 2);
    ask_for(&four, &told, some, SOME);
    ck_ok(rm_queue_new(&q, scorer, (struct rm_queue_limits){3, 10000}, &err));
    ck_assert_int_eq(rm_queue_reserve(q, &four), RM_ROOM_NEVER);
    ck_assert_int_eq(rm_queue_reserve(q, &two), RM_ROOM);
    rm_queue_put(q, &two);
    ck_assert_int_eq(rm_queue_reserve(q, &two), RM_ROOM_LATER);
    ck_assert_uint_ge(rm_queue_wait_seconds(q), 1);
    rm_queue_close(q);
    while (rm_queue_step(q, 0))
        ;
    ck_assert_int_eq(told.times, 1); /* what was in it was scored */
    ck_assert_int_eq(rm_queue_reserve(q, &two), RM_ROOM_CLOSED);
    rm_queue_free(q);
    ck_ok(rm_queue_new(
        &q, scorer, (struct rm_queue_limits){100, (size_t)two.tokens}, &err));
    ck_assert_int_eq(rm_queue_reserve(q, &four), RM_ROOM_NEVER);
    ck_assert_int_eq(rm_queue_reserve(q, &two), RM_ROOM);
    ck_assert_int_eq(rm_queue_reserve(q, &two), RM_ROOM_LATER);
    rm_queue_free(q);
    rm_ask_release(&two);
    rm_ask_release(&four);
}
END_TEST

/* A text that breaks the forward takes its forest with it, and nobody else. */
START_TEST(a_failure_is_told)
{
    struct rm_queue *q;
    struct rm_ask bad_one, good;
    struct told told[2] = {{0}};
    ask_for(&bad_one, &told[0], some + 2, 2);
    ask_for(&good, &told[1], some, 1);
    bad_one.ids.id[3] = 1 << 30; /* no such token: infer refuses the forest */
    ck_ok(rm_queue_new(&q, scorer, (struct rm_queue_limits){100, 10000}, &err));
    ck_assert_int_eq(rm_queue_reserve(q, &bad_one), RM_ROOM);
    rm_queue_put(q, &bad_one);
    while (rm_queue_step(q, 0))
        ;
    ck_assert_int_eq(told[0].times, 1);
    ck_assert_int_eq(bad_one.failed.code, PK_EDATA);
    ck_assert_int_eq(rm_queue_reserve(q, &good), RM_ROOM);
    rm_queue_put(q, &good);
    while (rm_queue_step(q, 0))
        ;
    ck_assert_int_eq(told[1].times, 1);
    ck_assert_int_eq(good.failed.code, 0);
    const char *why;
    ck_assert(rm_ask_score(&good, 0, &why)->score == alone(some[0]));
    ck_assert_uint_eq(rm_queue_stats(q).texts, 0);
    ck_assert_uint_eq(rm_queue_stats(q).failed, 1);
    rm_queue_free(q);
    rm_ask_release(&bad_one);
    rm_ask_release(&good);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_serve");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, openrlhf);
    tcase_add_test(t, classify);
    tcase_add_test(t, pooling);
    tcase_add_test(t, rerank);
    tcase_add_test(t, score_pairs);
    tcase_add_test(t, rows);
    tcase_add_test(t, combined);
    tcase_add_test(t, combined_numbers);
    tcase_add_loop_test(t, bad_requests, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, a_model_by_its_name);
    tcase_add_test(t, through_the_queue);
    tcase_add_test(t, room);
    tcase_add_test(t, a_failure_is_told);
    suite_add_tcase(s, t);
    return run_suite(s);
}
