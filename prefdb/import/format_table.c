/* The table of formats whose rows are one prompt, two answers and a verdict. */
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format_pair.h"

/* ---- Verdicts ------------------------------------------------------------ */

static void says(struct prefdb__label *out, int choice, int strength)
{
    out->choice = choice;
    out->strength = strength;
}

/* -3 to 3, negative for the first; anything else is no verdict. */
static int judge_signed(const cJSON *row, const char *key,
                        struct prefdb__label *out, struct pk_err *err)
{
    double v;
    int rc = pk_json_num(row, key, NAN, &v, err);
    if (rc || isnan(v) || v < -3 || v > 3)
        return rc;
    if (v != floor(v))
        return pk_fail(err, PK_EDATA, "\"%s\" is not a whole number", key);
    if (v == 0)
        says(out, PREFDB_TIE, PREFDB_UNSTATED);
    else
        says(out, v < 0 ? PREFDB_A : PREFDB_B, (int)fabs(v));
    return 0;
}

static int judge_helpsteer2(cJSON *row, struct prefdb__label *out,
                            struct pk_err *err)
{
    return judge_signed(row, "preference_strength", out, err);
}

static int judge_helpsteer3(cJSON *row, struct prefdb__label *out,
                            struct pk_err *err)
{
    return judge_signed(row, "overall_preference", out, err);
}

static int judge_webgpt(cJSON *row, struct prefdb__label *out,
                        struct pk_err *err)
{
    double v;
    int rc = pk_json_num(row, "score_0", NAN, &v, err);
    if (!rc && !isnan(v))
        says(out,
             v > 0   ? PREFDB_A
             : v < 0 ? PREFDB_B
                     : PREFDB_TIE,
             PREFDB_UNSTATED);
    return rc;
}

static int judge_shp(cJSON *row, struct prefdb__label *out, struct pk_err *err)
{
    double label, ratio;
    int rc = pk_json_num(row, "labels", NAN, &label, err);
    if (!rc)
        rc = pk_json_num(row, "score_ratio", NAN, &ratio, err);
    if (rc || isnan(label))
        return rc;
    if (label != 0 && label != 1)
        return pk_fail(err, PK_EDATA, "\"labels\" is neither 0 nor 1");
    says(out, label == 1 ? PREFDB_A : PREFDB_B,
         isnan(ratio) ? PREFDB_UNSTATED
         : ratio < 2  ? 0
         : ratio < 4  ? 1
         : ratio < 10 ? 2
                      : 3);
    return 0;
}

static int judge_alpaca(cJSON *row, struct prefdb__label *out,
                        struct pk_err *err)
{
    double v;
    int rc = pk_json_num(row, "preference", NAN, &v, err);
    if (rc || isnan(v))
        return rc;
    if (v != 0 && (v < 1 || v > 2))
        return pk_fail(err, PK_EDATA, "\"preference\" is not within 1 to 2");
    says(out,
         v == 0 || v == 1.5 ? PREFDB_TIE
         : v < 1.5          ? PREFDB_A
                            : PREFDB_B,
         PREFDB_UNSTATED);
    return 0;
}

static int judge_scores(cJSON *row, struct prefdb__label *out,
                        struct pk_err *err)
{
    double a, b;
    int rc = pk_json_num(row, "score_chosen", NAN, &a, err);
    if (!rc)
        rc = pk_json_num(row, "score_rejected", NAN, &b, err);
    if (!rc)
        says(out, !isnan(a) && a == b ? PREFDB_TIE : PREFDB_A, PREFDB_UNSTATED);
    return rc;
}

static int judge_chosen(cJSON *row, struct prefdb__label *out,
                        struct pk_err *err)
{
    (void)row;
    (void)err;
    says(out, PREFDB_A, PREFDB_UNSTATED);
    return 0;
}

static int judge_nothing(cJSON *row, struct prefdb__label *out,
                         struct pk_err *err)
{
    (void)row;
    (void)out;
    (void)err;
    return 0;
}

/* winner_model_a, winner_model_b, winner_tie: one of them is 1. */
static int judge_arena55k(cJSON *row, struct prefdb__label *out,
                          struct pk_err *err)
{
    static const struct {
        const char *key;
        int choice;
    } winners[] = {{"winner_model_a", PREFDB_A},
                   {"winner_model_b", PREFDB_B},
                   {"winner_tie", PREFDB_TIE}};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, winners[i].key);
        bool won = cJSON_IsString(v) ? strcmp(v->valuestring, "1") == 0
                                     : cJSON_IsNumber(v) && v->valuedouble == 1;
        if (won)
            says(out, winners[i].choice, PREFDB_UNSTATED);
        n += won;
    }
    return n == 1 ? 0
                  : pk_fail(err, PK_EDATA,
                            "not exactly one of \"winner_model_a\", "
                            "\"winner_model_b\" and \"winner_tie\" is 1");
}

/* ---- Prompts ------------------------------------------------------------- */

/* The post as people saw it (Stiennon et al., arXiv 2009.01325): its parts
 * with their names, and then the question. */
static int compose_summarize(struct prefdb__rows *rows, cJSON *row,
                             struct pk_err *err)
{
    static const struct {
        const char *path, *name;
        bool leave;
    } parts[] = {{"info.subreddit", "SUBREDDIT: r/", true},
                 {"info.title", "TITLE: ", true},
                 {"info.post", "POST: ", false},
                 {"info.article", "ARTICLE: ", false}};
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 2);
    bool any = false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const cJSON *v = prefdb__find(row, parts[i].path);
        if (!cJSON_IsString(v))
            continue;
        pk_buf_addf(&b, "%s%s\n\n", parts[i].name, v->valuestring);
        any = any || !parts[i].leave;
        if (!parts[i].leave)
            (void)prefdb__take(rows, row, parts[i].path);
    }
    pk_buf_adds(&b, "TL;DR:");
    const char *text = prefdb__own_text(rows, b.data ? b.data : "", b.len);
    pk_buf_release(&b);
    if (!any)
        return pk_fail(err, PK_EDATA,
                       "\"info\" has neither \"post\" nor \"article\"");
    return text ? prefdb__add_turn(&rows->base, PREFDB_USER, text, err)
                : pk_fail_mem(err, "a prompt");
}

/* The messages stand in both answers; "prompt" and "messages" repeat them. */
static int compose_binarized(struct prefdb__rows *rows, cJSON *row,
                             struct pk_err *err)
{
    (void)err;
    const cJSON *chosen = cJSON_GetObjectItemCaseSensitive(row, "chosen");
    const cJSON *first = prefdb__find(chosen, "0.content");
    const cJSON *prompt = cJSON_GetObjectItemCaseSensitive(row, "prompt");
    const cJSON *again = cJSON_GetObjectItemCaseSensitive(row, "messages");
    if (cJSON_IsString(first) && cJSON_Compare(first, prompt, 1))
        (void)prefdb__take(rows, row, "prompt");
    if (again && cJSON_Compare(chosen, again, 1))
        (void)prefdb__take(rows, row, "messages");
    return 0;
}

/* ---- The table ----------------------------------------------------------- */

static const struct prefdb__label winners[] = {
    {"model_a", PREFDB_A, PREFDB_UNSTATED},
    {"model_b", PREFDB_B, PREFDB_UNSTATED},
    {"tie", PREFDB_TIE, PREFDB_UNSTATED},
    {"tie (bothbad)", PREFDB_BOTH_BAD, PREFDB_UNSTATED},
    {"both_bad", PREFDB_BOTH_BAD, PREFDB_UNSTATED},
    {0}};
static const struct prefdb__label zero_one[] = {
    {"0", PREFDB_A, PREFDB_UNSTATED}, {"1", PREFDB_B, PREFDB_UNSTATED}, {0}};
static const struct prefdb__label one_two[] = {
    {"1", PREFDB_A, PREFDB_UNSTATED}, {"2", PREFDB_B, PREFDB_UNSTATED}, {0}};
static const struct prefdb__label minus_plus[] = {
    {"-1", PREFDB_A, PREFDB_UNSTATED},
    {"0", PREFDB_TIE, PREFDB_UNSTATED},
    {"1", PREFDB_B, PREFDB_UNSTATED},
    {0}};
static const struct prefdb__label tulu[] = {
    {"a-is-better", PREFDB_A, 2},         {"a-is-slightly-better", PREFDB_A, 1},
    {"tie", PREFDB_TIE, PREFDB_UNSTATED}, {"b-is-slightly-better", PREFDB_B, 1},
    {"b-is-better", PREFDB_B, 2},         {0}};

#define PAIR(...)                                                              \
    .read = prefdb__read_pair, .pair = &(const struct prefdb__pair_spec)       \
    {                                                                          \
        __VA_ARGS__                                                            \
    }
#define CHOSEN_RULE "chosen is preferred; no strength"
/* Two whole dialogues and who won. */
#define ARENA                                                                  \
    PAIR(.a = "conversation_a", .b = "conversation_b",                         \
         .form = PREFDB__DIALOGUE, .length = "turn", .model_a = "model_a",     \
         .model_b = "model_b", .annotator = "judge", .created = "tstamp",      \
         .marks = {{"_a", "_b"}})

const struct prefdb__format prefdb__pair_formats[] = {
    {.name = "summarize",
     .what = "OpenAI summarize from feedback, comparisons",
     .keys = "info:o,summaries:l,choice:n",
     .dimension = PREFDB__HELPFUL,
     .label_key = "choice",
     .labels = zero_one,
     .rule = "extra.confidence is kept, and is no strength",
     PAIR(.compose = compose_summarize, .a = "summaries.0.text",
          .b = "summaries.1.text", .model_a = "summaries.0.policy",
          .model_b = "summaries.1.policy", .annotator = "worker",
          .batch = "batch", .split = "split", .list = "summaries",
          .marks = {{"__a", "__b"}})},
    {.name = "webgpt",
     .what = "OpenAI WebGPT comparisons",
     .keys = "question:o,answer_0:s,answer_1:s,score_0:n",
     .dimension = PREFDB__HELPFUL,
     .rule = "score_0 above 0: a; below: b; 0: tie; the scores are kept, and "
             "are no strength",
     PAIR(.prompt = "question.full_text", .a = "answer_0", .b = "answer_1",
          .judge = judge_webgpt, .marks = {{"_0", "_1"}})},
    {.name = "shp",
     .what = "Stanford Human Preferences, SHP and SHP-2",
     .keys = "history:s,human_ref_A:s,human_ref_B:s,labels:n",
     .dimension = PREFDB__HELPFUL,
     .rule = "labels 1: a, 0: b; strength 0 where score_ratio is below 2, 1 "
             "below 4, 2 below 10, 3 from there",
     PAIR(.prompt = "history", .a = "human_ref_A", .b = "human_ref_B",
          .judge = judge_shp, .split = "domain", .marks = {{"_A", "_B"}})},
    {.name = "ultrafeedback-binarized",
     .what =
         "UltraFeedback binarized: chosen and rejected messages with scores",
     .keys = "prompt:s,chosen:l,rejected:l,score_chosen:n,score_rejected:n",
     .dimension = PREFDB__HELPFUL,
     .rule = "chosen is preferred; equal scores: tie; no strength; the scores "
             "are ratings",
     PAIR(.compose = compose_binarized, .a = "chosen", .b = "rejected",
          .form = PREFDB__DIALOGUE, .judge = judge_scores, .rating = "score",
          .rate_a = "score_chosen", .rate_b = "score_rejected",
          .marks = {{"_chosen", "_rejected"}})},
    {.name = "helpsteer2",
     .what = "NVIDIA HelpSteer2 preference",
     .keys = "prompt:s,response_1:s,response_2:s,preference_strength:n",
     .dimension = PREFDB__HELPFUL,
     .rule = "preference_strength -3 to 3, negative for response 1, is choice "
             "and strength; 0: tie; outside (-100): no judgment",
     PAIR(.prompt = "prompt", .prompt_form = PREFDB__TURNS, .a = "response_1",
          .b = "response_2", .judge = judge_helpsteer2, .split = "split")},
    {.name = "helpsteer3",
     .what = "NVIDIA HelpSteer3 preference",
     .keys = "context:l,response1:s,response2:s,overall_preference:n",
     .dimension = PREFDB__HELPFUL,
     .rule = "overall_preference -3 to 3, negative for response 1, is choice "
             "and strength; 0: tie; outside: no judgment",
     PAIR(.prompt = "context", .a = "response1", .b = "response2",
          .judge = judge_helpsteer3)},
    {.name = "mt-bench",
     .what = "MT-Bench human and GPT-4 judgments; turn says how much of the "
             "dialogue",
     .keys = "model_a:s,model_b:s,winner:s,conversation_a:l,conversation_b:l,"
             "judge,turn:n",
     .dimension = PREFDB__HELPFUL,
     .label_key = "winner",
     .labels = winners,
     ARENA},
    {.name = "arena-33k",
     .what = "LMSYS Chatbot Arena conversations, 33k",
     .keys = "model_a:s,model_b:s,winner:s,conversation_a:l,conversation_b:l,"
             "judge,turn:n,tstamp:n",
     .dimension = PREFDB__HELPFUL,
     .label_key = "winner",
     .labels = winners,
     ARENA},
    {.name = "arena-55k",
     .what = "LMSYS Chatbot Arena, the 55k CSV",
     .keys = "model_a:s,model_b:s,prompt:s,response_a:s,response_b:s,"
             "winner_tie",
     .dimension = PREFDB__HELPFUL,
     .rule = "winner_model_a: a; winner_model_b: b; winner_tie: tie",
     PAIR(.prompt = "prompt", .prompt_form = PREFDB__ENCODED, .a = "response_a",
          .b = "response_b", .form = PREFDB__ENCODED, .model_a = "model_a",
          .model_b = "model_b", .judge = judge_arena55k)},
    {.name = "arena-140k",
     .what = "LMArena human preference, 140k",
     .keys = "model_a:s,model_b:s,winner:s,conversation_a:l,conversation_b:l,"
             "evaluation_session_id:s",
     .dimension = PREFDB__HELPFUL,
     .label_key = "winner",
     .labels = winners,
     PAIR(.a = "conversation_a", .b = "conversation_b",
          .form = PREFDB__DIALOGUE, .model_a = "model_a", .model_b = "model_b",
          .created = "timestamp", .marks = {{"_a", "_b"}})},
    {.name = "alpaca-eval",
     .what = "AlpacaEval annotations",
     .keys = "instruction:s,output_1:s,output_2:s",
     .dimension = PREFDB__HELPFUL,
     .rule = "preference below 1.5: a; above: b; 1.5 or 0: tie; null: no "
             "judgment; it is kept, and is no strength",
     PAIR(.prompt = "instruction", .input = "input", .a = "output_1",
          .b = "output_2", .model_a = "generator_1", .model_b = "generator_2",
          .annotator = "annotator", .judge = judge_alpaca)},
    {.name = "rewardbench",
     .what = "RewardBench 1",
     .keys = "prompt:s,chosen:s,rejected:s,chosen_model:s,rejected_model:s,"
             "subset:s",
     .dimension = PREFDB__HELPFUL,
     .evaluation = true,
     .rule = CHOSEN_RULE,
     PAIR(.prompt = "prompt", .a = "chosen", .b = "rejected",
          .model_a = "chosen_model", .model_b = "rejected_model",
          .judge = judge_chosen)},
    {.name = "llama-factory",
     .what = "LLaMA-Factory, alpaca ranking; hiyouga's dpo sets",
     .keys = "instruction:s,chosen:s,rejected:s",
     .dimension = PREFDB__ASKED,
     .rule = CHOSEN_RULE,
     PAIR(.system = "system", .history = "history", .prompt = "instruction",
          .input = "input", .a = "chosen", .b = "rejected",
          .judge = judge_chosen)},
    {.name = "llama-factory-sharegpt",
     .what = "LLaMA-Factory, sharegpt ranking",
     .keys = "conversations:l,chosen:o,rejected:o",
     .dimension = PREFDB__ASKED,
     .rule = CHOSEN_RULE,
     PAIR(.system = "system", .prompt = "conversations", .a = "chosen",
          .b = "rejected", .judge = judge_chosen)},
    {.name = "axolotl",
     .what = "axolotl chat_template.default",
     .keys = "messages:l,chosen:o,rejected:o",
     .dimension = PREFDB__ASKED,
     .rule = CHOSEN_RULE,
     PAIR(.prompt = "messages", .a = "chosen", .b = "rejected",
          .judge = judge_chosen)},
    {.name = "axolotl-intel",
     .what = "axolotl chatml.intel (Orca pairs)",
     .keys = "question:s,chosen:s,rejected:s",
     .dimension = PREFDB__ASKED,
     .rule = CHOSEN_RULE,
     PAIR(.system = "system", .prompt = "question", .a = "chosen",
          .b = "rejected", .judge = judge_chosen)},
    {.name = "axolotl-icr",
     .what = "axolotl chatml.icr",
     .keys = "input:s,chosen:s,rejected:s",
     .dimension = PREFDB__ASKED,
     .rule = CHOSEN_RULE,
     PAIR(.system = "system", .prompt = "input", .a = "chosen", .b = "rejected",
          .judge = judge_chosen)},
    {.name = "axolotl-argilla",
     .what = "axolotl chatml.argilla",
     .keys = "instruction:s,chosen_response:s,rejected_response:s",
     .dimension = PREFDB__ASKED,
     .rule = CHOSEN_RULE,
     PAIR(.system = "system", .prompt = "instruction", .a = "chosen_response",
          .b = "rejected_response", .judge = judge_chosen,
          .marks = {{"chosen_", "rejected_"}})},
    {.name = "tulu",
     .what = "Tulu human evaluation (open-instruct), judgements",
     .keys = "prompt:s,completion_a:s,completion_b:s,preference:s",
     .dimension = PREFDB__HELPFUL,
     .label_key = "preference",
     .labels = tulu,
     PAIR(.prompt = "prompt", .a = "completion_a", .b = "completion_b",
          .model_a = "model_a", .model_b = "model_b", .annotator = "annotator",
          .marks = {{"completion_a_", "completion_b_"}})},
    {.name = "lfqa",
     .what = "Long-form QA, expert judgements",
     .keys = "question:s,answer_a:s,answer_b:s,overall_preference:n",
     .dimension = PREFDB__HELPFUL,
     .label_key = "overall_preference",
     .labels = minus_plus,
     .rule = "justification is the note",
     PAIR(.prompt = "question", .a = "answer_a", .b = "answer_b",
          .note = "justification",
          .marks = {{"answer_a_", "answer_b_"}, {"_a", "_b"}})},
    {.name = "llmbar",
     .what = "LLMBar",
     .keys = "input:s,output_1:s,output_2:s,label:n",
     .dimension = PREFDB__HELPFUL,
     .label_key = "label",
     .labels = one_two,
     PAIR(.prompt = "input", .a = "output_1", .b = "output_2")},
    {.name = "llmfao",
     .what = "llmfao, pairs (their votes are a file of their own: "
             "llmfao-votes)",
     .keys = "text:s,result_x:s,result_y:s",
     .dimension = PREFDB__HELPFUL,
     .rule = "no judgment",
     PAIR(.prompt = "text", .a = "result_x", .b = "result_y",
          .model_a = "model_x", .model_b = "model_y", .judge = judge_nothing)},
    {0}};
