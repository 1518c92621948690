/* Formats whose rows are one prompt and a list of answers that a rank or a
 * score puts in order: a table, and one reader. Every pair of answers is a
 * comparison; the answers are shared. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format_pair.h"

struct prefdb__rank_spec {
    const char *prompt, *input, *history; /* or NULL */
    const char *list;
    const char *text;          /* of an element; NULL: it is the text */
    const char *model, *score; /* or NULL */
    bool hh;                   /* the prompt is in HH-RLHF's text form */
    bool low_is_best;          /* a rank, not a score */
    bool in_order;             /* best first, without a score */
    bool ties;                 /* equal scores are a tie, else nothing */
    /* The ratings, and the score by them. */
    int (*rate)(const cJSON *element, struct prefdb__item *x,
                struct pk_err *err);
};

/* UltraFeedback's four ratings, and their mean as the score. They are texts and
 * may be "N/A". overall_score is not used: it is known to be wrong for some
 * answers. */
static int rate_ultrafeedback(const cJSON *element, struct prefdb__item *x,
                              struct pk_err *err)
{
    const cJSON *a,
        *all = cJSON_GetObjectItemCaseSensitive(element, "annotations");
    double sum = 0;
    int rc = 0;
    cJSON_ArrayForEach(a, all)
    {
        const cJSON *r = cJSON_GetObjectItemCaseSensitive(a, "Rating");
        struct prefdb__mark m = {a->string, PREFDB__UNKNOWN, 1, 5};
        char *end = NULL;
        if (cJSON_IsNumber(r))
            m.value = r->valuedouble;
        else if (cJSON_IsString(r))
            m.value = strtod(r->valuestring, &end);
        if (!a->string || !(m.value >= m.low && m.value <= m.high) ||
            (end && *end))
            continue;
        rc = prefdb__rate_item(x, m, err);
        if (rc)
            return rc;
        sum += m.value;
    }
    x->score = x->n_ratings ? sum / (double)x->n_ratings : PREFDB__UNKNOWN;
    return 0;
}

/* NeMo-RL: the completion is a list of one message. */
static int element_text(const struct prefdb__rank_spec *s,
                        struct prefdb__rows *rows, cJSON *e, const char **out,
                        struct pk_err *err)
{
    if (!s->text) {
        *out = cJSON_IsString(e) ? e->valuestring : NULL;
        return *out ? 0 : pk_fail(err, PK_EDATA, "an answer is not a text");
    }
    if (!cJSON_IsObject(e))
        return pk_fail(err, PK_EDATA, "an answer is not an object");
    cJSON *v = prefdb__find(e, s->text);
    if (!cJSON_IsArray(v))
        return prefdb__need_text(rows, e, s->text, out, err);
    if (cJSON_GetArraySize(v) != 1 || !cJSON_IsObject(v->child))
        return pk_fail(err, PK_EDATA, "an answer is not one message");
    (void)prefdb__take(rows, v->child, "role");
    return prefdb__take_content(rows, v->child, out, err);
}

static int read_element(const struct prefdb__rank_spec *s,
                        struct prefdb__rows *rows, cJSON *e, size_t i,
                        struct prefdb__item *x, struct pk_err *err)
{
    *x = (struct prefdb__item){.score = PREFDB__UNKNOWN};
    int rc = element_text(s, rows, e, &x->text, err);
    if (!rc && !x->text)
        rc = pk_fail_mem(err, "an answer");
    if (!rc && s->model)
        rc = prefdb__take_name(rows, e, s->model, &x->model, err);
    if (!rc && s->score)
        rc = pk_json_num(e, s->score, PREFDB__UNKNOWN, &x->score, err);
    if (s->in_order)
        x->score = -(double)i;
    if (!rc && s->rate)
        rc = s->rate(e, x, err);
    if (s->low_is_best)
        x->score = -x->score;
    if (!rc && cJSON_IsObject(e))
        x->extra = prefdb__rest_of(e);
    return rc;
}

/* A prompt in HH's form ends with the empty turn that is to be filled. */
static int add_hh_prompt(struct prefdb__rows *rows, cJSON *row, const char *key,
                         struct pk_err *err)
{
    struct prefdb__record *base = &rows->base;
    const char *text = NULL;
    int rc = prefdb__need_text(rows, row, key, &text, err);
    if (!rc)
        rc = prefdb__read_hh(text, key, base, err);
    if (rc)
        return rc;
    const struct prefdb_turn *last = &base->context[base->n_context - 1];
    if (last->role == PREFDB_ASSISTANT && last->len == 0)
        base->n_context--;
    return 0;
}

static int add_prompt(const struct prefdb__rank_spec *s,
                      struct prefdb__rows *rows, cJSON *row, struct pk_err *err)
{
    cJSON *v = prefdb__find(row, s->prompt);
    if (s->hh)
        return add_hh_prompt(rows, row, s->prompt, err);
    if (cJSON_IsArray(v))
        return prefdb__take_messages(rows, &rows->base, v, s->prompt, SIZE_MAX,
                                     err);
    return prefdb__add_instruction(rows, row, s->prompt, s->input, s->history,
                                   err);
}

static int read_ranked(const struct prefdb__format *f, cJSON *row,
                       struct prefdb__rows *rows, struct pk_err *err)
{
    const struct prefdb__rank_spec *s = f->rank;
    struct prefdb__item items[PREFDB__ANSWERS];
    cJSON *e, *list;
    size_t n = 0;
    int rc = add_prompt(s, rows, row, err);
    if (rc)
        return rc;
    list = prefdb__take(rows, row, s->list);
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"%s\" is %s", s->list,
                       list ? "not a list" : "missing");
    if (cJSON_GetArraySize(list) > PREFDB__ANSWERS)
        return pk_fail(err, PK_EDATA, "there are more than %d answers",
                       PREFDB__ANSWERS);
    cJSON_ArrayForEach(e, list)
    {
        rc = read_element(s, rows, e, n, &items[n], err);
        if (rc)
            return rc;
        n++;
    }
    rc = prefdb__add_ranked(rows, items, n, s->ties, err);
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

#define RANK(...)                                                              \
    .read = read_ranked, .rank = &(const struct prefdb__rank_spec)             \
    {                                                                          \
        __VA_ARGS__                                                            \
    }

const struct prefdb__format prefdb__rank_formats[] = {
    {.name = "stackexchange",
     .what = "StackExchange preferences (HuggingFaceH4)",
     .keys = "question:s,answers:l",
     .dimension = PREFDB__HELPFUL,
     .rule = "the higher pm_score is preferred; equal ones: no judgment; no "
             "strength",
     RANK(.prompt = "question", .list = "answers", .text = "text",
          .score = "pm_score")},
    {.name = "ultrafeedback",
     .what = "UltraFeedback: four completions with ratings",
     .keys = "instruction:s,completions:l",
     .dimension = PREFDB__HELPFUL,
     .rule = "the higher mean of the ratings (N/A left out; overall_score is "
             "not used) is preferred; equal: tie; none: no judgment; no "
             "strength; the four are ratings, 1 to 5",
     RANK(.prompt = "instruction", .list = "completions", .text = "response",
          .model = "model", .rate = rate_ultrafeedback, .ties = true)},
    {.name = "nectar",
     .what = "Nectar: seven ranked answers",
     .keys = "prompt:s,answers:l",
     .dimension = PREFDB__HELPFUL,
     .rule = "the lower rank is preferred; equal: tie; no strength",
     RANK(.prompt = "prompt", .list = "answers", .text = "answer",
          .model = "model", .score = "rank", .low_is_best = true, .ties = true,
          .hh = true)},
    {.name = "nemo-rl",
     .what = "NeMo-RL preferences: context and ranked completions",
     .keys = "context:l,completions:l",
     .dimension = PREFDB__ASKED,
     .rule = "the lower rank is preferred; equal: tie; no strength",
     RANK(.prompt = "context", .list = "completions", .text = "completion",
          .score = "rank", .low_is_best = true, .ties = true)},
    {.name = "oasst-rank",
     .what = "LLaMA-Factory's old ranking layout: answers, best first",
     .keys = "instruction:s,output:l",
     .dimension = PREFDB__ASKED,
     .rule = "the earlier answer is preferred; no strength",
     RANK(.prompt = "instruction", .input = "input", .history = "history",
          .list = "output", .in_order = true)},
    {0}};
