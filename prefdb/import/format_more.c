/* Formats of one row each that no table describes: ms-swift, BeaverTails,
 * HelpSteer2's ratings, RewardBench 2, QA-Feedback, and AlpacaEval's items
 * with one baseline and many candidates. */
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format_pair.h"

static int judge_last(struct prefdb__rows *rows, int choice, int strength,
                      struct pk_err *err)
{
    struct prefdb__judgment *j = prefdb__record_judgment(
        &rows->v[rows->n - 1], prefdb__rows_dimension(rows), choice);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    j->strength = strength;
    return 0;
}

/* ---- ms-swift ------------------------------------------------------------ */

static bool is_swift(const cJSON *row)
{
    return prefdb__has(row, "rejected_response") ||
           prefdb__has(row, "rejected_messages");
}

/* {"messages": [..., the chosen answer], "rejected_response": text}, or
 * "rejected_messages": a whole dialogue. */
static int read_swift(const struct prefdb__format *f, cJSON *row,
                      struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__record *r = prefdb__rows_add(rows);
    const char *text = NULL;
    if (!r)
        return pk_fail_mem(err, "a comparison");
    int rc = prefdb__take_messages(rows, r, prefdb__find(row, "messages"),
                                   "messages", SIZE_MAX, err);
    size_t n_a = r->n_context;
    if (!rc && prefdb__find(row, "rejected_messages")) {
        rc = prefdb__take_messages(rows, r,
                                   prefdb__find(row, "rejected_messages"),
                                   "rejected_messages", SIZE_MAX, err);
    } else if (!rc) {
        rc = prefdb__need_text(rows, row, "rejected_response", &text, err);
        for (size_t i = 0; !rc && i + 1 < n_a; i++) {
            struct prefdb_turn t = r->context[i];
            rc = prefdb__record_turn(r, t.role, t.text, t.len, err);
        }
        if (!rc && !text)
            rc = pk_fail_mem(err, "an answer");
        if (!rc)
            rc = prefdb__add_turn(r, PREFDB_ASSISTANT, text, err);
    }
    if (!rc)
        rc = prefdb__split_dialogues(r, n_a, err);
    if (!rc)
        rc = judge_last(rows, PREFDB_A, PREFDB_UNSTATED, err);
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_swift = {
    .name = "ms-swift",
    .what = "ms-swift: messages that end with the chosen answer, "
            "rejected_response or rejected_messages, margin",
    .keys = "messages:l",
    .sniff = is_swift,
    .dimension = PREFDB__ASKED,
    .rule = "the last of messages is preferred; margin is kept, and is no "
            "strength",
    .read = read_swift,
};

/* ---- BeaverTails --------------------------------------------------------- */

static int read_beavertails(const struct prefdb__format *f, cJSON *row,
                            struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__item x = {.score = PREFDB__UNKNOWN};
    int safe,
        rc = prefdb__add_instruction(rows, row, "prompt", NULL, NULL, err);
    if (!rc)
        rc = prefdb__need_text(rows, row, "response", &x.text, err);
    if (!rc)
        rc = prefdb__read_bool(row, "is_safe", -1, &safe, err);
    if (!rc)
        rc = prefdb__rate_item(&x, (struct prefdb__mark){"is_safe", safe, 0, 1},
                               err);
    if (!rc && !x.text)
        rc = pk_fail_mem(err, "a response");
    if (!rc)
        rc = prefdb__add_single(rows, &x, err);
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_beavertails = {
    .name = "beavertails",
    .what = "BeaverTails: single responses with a safety label",
    .keys = "prompt:s,response:s,is_safe:b",
    .dimension = PREFDB__FIXED,
    .rule = "no comparison and no judgment: a response, with is_safe as a "
            "rating of 0 or 1; is_safe and category are kept with it",
    .read = read_beavertails,
};

/* ---- HelpSteer2, ratings ------------------------------------------------- */

static int rated(struct prefdb__rows *rows, cJSON *row, struct prefdb__item *x,
                 struct pk_err *err)
{
    static const char *const names[] = {"helpfulness", "correctness",
                                        "coherence", "complexity", "verbosity"};
    *x = (struct prefdb__item){.score = PREFDB__UNKNOWN};
    int rc = prefdb__need_text(rows, row, "response", &x->text, err);
    if (!rc && !x->text)
        rc = pk_fail_mem(err, "a response");
    for (size_t i = 0; i < sizeof names / sizeof *names && !rc; i++) {
        struct prefdb__mark m = {names[i], PREFDB__UNKNOWN, 0, 4};
        rc = prefdb__read_rating(row, names[i], 0, 4, &m.value, err);
        if (!rc)
            rc = prefdb__rate_item(x, m, err);
        if (i == 0)
            x->score = m.value;
    }
    return rc;
}

static int judge_rated(struct prefdb__rows *rows, double d, struct pk_err *err)
{
    if (isnan(d) || rows->n == 0)
        return 0;
    if (d == 0)
        return judge_last(rows, PREFDB_TIE, PREFDB_UNSTATED, err);
    double size = fabs(d) > 3 ? 3 : fabs(d);
    return judge_last(rows, d > 0 ? PREFDB_A : PREFDB_B,
                      size == floor(size) ? (int)size : PREFDB_UNSTATED, err);
}

/* What is wrong with the row, if anything; it stays whole. */
static int check_rated(struct prefdb__rows *rows, const cJSON *row,
                       struct pk_err *err)
{
    struct prefdb__item x;
    cJSON *copy = cJSON_Duplicate(row, 1);
    int rc = copy ? rated(rows, copy, &x, err) : pk_fail_mem(err, "a row");
    cJSON_Delete(copy);
    return rc;
}

/* Keep the row for the one that follows. */
static int hold(struct prefdb__rows *rows, const cJSON *row, struct pk_err *err)
{
    rows->held = pk_json_copy(row);
    return rows->held ? 0 : pk_fail_mem(err, "a row");
}

/* Two rows in a row are a pair; the first waits in rows->held. Where the next
 * one does not fit, it is the first that is bad, and the next that waits. */
static int read_ratings(const struct prefdb__format *f, cJSON *row,
                        struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__item x, y;
    const cJSON *prompt = cJSON_GetObjectItemCaseSensitive(row, "prompt");
    if (!cJSON_IsString(prompt))
        return pk_fail(err, PK_EDATA, "\"prompt\" is missing");
    int rc = check_rated(rows, row, err);
    if (rc)
        return rc;
    if (!rows->held)
        return hold(rows, row, err);
    cJSON *first = prefdb__own(rows, rows->held);
    rows->held = NULL;
    if (!first)
        return pk_fail_mem(err, "a row");
    if (!cJSON_Compare(cJSON_GetObjectItemCaseSensitive(first, "prompt"),
                       prompt, 1)) {
        rc = hold(rows, row, err);
        if (rc)
            return rc;
        rows->reject = first;
        return pk_fail(err, PK_EDATA,
                       "the row before it has no partner: the prompts differ");
    }
    rc = rated(rows, first, &x, err);
    if (!rc)
        rc = rated(rows, row, &y, err);
    if (!rc)
        rc = prefdb__add_instruction(rows, row, "prompt", NULL, NULL, err);
    if (rc)
        return rc;
    (void)prefdb__take(rows, first, "prompt");
    x.extra = prefdb__rest_of(first);
    y.extra = prefdb__rest_of(row);
    rc = prefdb__add_pair(rows, &x, &y, -1, err);
    if (!rc)
        rc = judge_rated(rows, x.score - y.score, err);
    while (row->child) /* it is with the second answer */
        cJSON_Delete(cJSON_DetachItemViaPointer(row, row->child));
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_helpsteer2_ratings = {
    .name = "helpsteer2-ratings",
    .what = "NVIDIA HelpSteer2 ratings: two rows in a row are a pair",
    .keys = "prompt:s,response:s,helpfulness:n,correctness:n",
    .dimension = PREFDB__HELPFUL,
    .rule = "the higher helpfulness is preferred, with the difference (3 for "
            "4) as strength; equal: tie; all five are ratings, 0 to 4",
    .read = read_ratings,
};

/* ---- RewardBench 2 ------------------------------------------------------- */

static int read_bench(const struct prefdb__format *f, cJSON *row,
                      struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    int rc = prefdb__add_instruction(rows, row, "prompt", NULL, NULL, err);
    if (rc)
        return rc;
    const cJSON *good = prefdb__take(rows, row, "chosen"), *g;
    const cJSON *bad = prefdb__take(rows, row, "rejected"), *b;
    if (cJSON_GetArraySize(good) > PREFDB__ANSWERS ||
        cJSON_GetArraySize(bad) > PREFDB__ANSWERS)
        return pk_fail(err, PK_EDATA, "there are more than %d answers",
                       PREFDB__ANSWERS);
    cJSON_ArrayForEach(g, good)
    {
        cJSON_ArrayForEach(b, bad)
        {
            if (!cJSON_IsString(g) || !cJSON_IsString(b))
                return pk_fail(err, PK_EDATA, "an answer is not a text");
            struct prefdb__item x = {.text = g->valuestring},
                                y = {.text = b->valuestring};
            rc = prefdb__add_pair(rows, &x, &y, PREFDB_A, err);
            if (rc)
                return rc;
        }
    }
    return prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_rewardbench2 = {
    .name = "rewardbench2",
    .what = "RewardBench 2: lists of chosen and of rejected answers",
    .keys = "prompt:s,chosen:l,rejected:l,num_correct:n,subset:s",
    .dimension = PREFDB__HELPFUL,
    .evaluation = true,
    .rule = "each chosen answer is preferred to each rejected one; no "
            "strength",
    .read = read_bench,
};

/* ---- AlpacaEval, one baseline and many candidates ------------------------ */

static int read_side(struct prefdb__rows *rows, cJSON *o,
                     struct prefdb__item *x, struct pk_err *err)
{
    if (!cJSON_IsObject(o))
        return pk_fail(err, PK_EDATA, "an answer is not an object");
    int rc = prefdb__need_text(rows, o, "output", &x->text, err);
    if (!rc)
        rc = prefdb__take_name(rows, o, "generator", &x->model, err);
    return rc || x->text ? rc : pk_fail_mem(err, "an answer");
}

static int read_candidate(struct prefdb__rows *rows,
                          const struct prefdb__item *baseline, cJSON *o,
                          struct pk_err *err)
{
    struct prefdb__item y = {.score = PREFDB__UNKNOWN};
    double p = NAN;
    size_t before = rows->n;
    int rc = read_side(rows, o, &y, err);
    if (!rc)
        rc = pk_json_num(o, "preference", NAN, &p, err);
    if (!rc && !isnan(p) && p != 0 && (p < 1 || p > 2))
        rc = pk_fail(err, PK_EDATA, "\"preference\" is not within 1 to 2");
    if (!rc)
        rc = prefdb__add_pair(rows, baseline, &y,
                              isnan(p)             ? -1
                              : p == 0 || p == 1.5 ? PREFDB_TIE
                              : p < 1.5            ? PREFDB_A
                                                   : PREFDB_B,
                              err);
    if (rc || rows->n == before || !prefdb__rest_of(o))
        return rc;
    struct prefdb__record *r = &rows->v[rows->n - 1];
    cJSON **extra = r->n_judgments ? &r->judgments[0].extra : &r->extra;
    *extra = cJSON_Duplicate(o, 1);
    return *extra ? 0 : pk_fail_mem(err, "a row's JSON");
}

static int read_items(const struct prefdb__format *f, cJSON *row,
                      struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct prefdb__item x = {.score = PREFDB__UNKNOWN};
    int rc = prefdb__add_instruction(rows, row, "instruction", NULL, NULL, err);
    if (!rc)
        rc = read_side(rows, prefdb__take(rows, row, "baseline"), &x, err);
    cJSON *o, *list = prefdb__take(rows, row, "candidates");
    if (!rc && !cJSON_IsArray(list))
        rc = pk_fail(err, PK_EDATA, "\"candidates\" is not a list");
    if (rc)
        return rc;
    cJSON_ArrayForEach(o, list)
    {
        rc = read_candidate(rows, &x, o, err);
        if (rc)
            return rc;
    }
    return prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_alpaca_items = {
    .name = "alpaca-eval-items",
    .what = "AlpacaEval, regrouped: one baseline and its candidates",
    .keys = "instruction:s,baseline:o,candidates:l",
    .dimension = PREFDB__HELPFUL,
    .rule = "preference below 1.5: the baseline; above: the candidate; 1.5 or "
            "0: tie; it is kept, and is no strength",
    .read = read_items,
};

/* ---- QA-Feedback --------------------------------------------------------- */

static int read_qa(const struct prefdb__format *f, cJSON *row,
                   struct prefdb__rows *rows, struct pk_err *err)
{
    enum { N = 4 };
    struct prefdb__item x[N] = {{0}};
    int rc = prefdb__add_instruction(rows, row, "question", NULL, NULL, err);
    for (int i = 0; i < N && !rc; i++) {
        char key[24];
        snprintf(key, sizeof key, "prediction %d", i + 1);
        rc = prefdb__need_text(rows, row, key, &x[i].text, err);
        if (!rc && !x[i].text)
            rc = pk_fail_mem(err, "an answer");
    }
    cJSON *list = prefdb__find(row, "preference");
    if (!rc && cJSON_GetArraySize(list) != N * (N - 1) / 2)
        rc = pk_fail(err, PK_EDATA, "\"preference\" has not six values");
    for (int i = 0, k = 0; i < N && !rc; i++) {
        for (int j = i + 1; j < N && !rc; j++, k++) {
            struct prefdb__label l;
            rc = prefdb__label_of(f, "preference", cJSON_GetArrayItem(list, k),
                                  &l, err);
            if (!rc)
                rc = prefdb__add_pair(rows, &x[i], &x[j], l.choice, err);
        }
    }
    if (!rc && rows->equal == 0) /* all of it was taken */
        (void)prefdb__take(rows, row, "preference");
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

static const struct prefdb__label qa_labels[] = {
    {"0", PREFDB_TIE, PREFDB_UNSTATED},
    {"1", PREFDB_A, PREFDB_UNSTATED},
    {"2", PREFDB_B, PREFDB_UNSTATED},
    {0}};

const struct prefdb__format prefdb__format_qa_feedback = {
    .name = "qa-feedback",
    .what = "QA-Feedback: four predictions and their six comparisons",
    .keys = "question:s,prediction 1:s,preference:l",
    .dimension = PREFDB__HELPFUL,
    .label_key = "preference",
    .labels = qa_labels,
    .rule = "in the order 12, 13, 14, 23, 24, 34",
    .read = read_qa,
};
