/* OpenAssistant's message trees: one tree a row. Wherever several answers
 * follow one message, each two of them are a comparison, by their ranks; an
 * answer without siblings becomes a response alone. What is known of a message
 * is kept with the response; what is known of a user's message, with the first
 * thing that answers it, as "prompt". */
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format.h"

#define DEPTH                                                                  \
    64 /* of messages; parsing allows no more than PK_JSON_DEPTH / 2 */

struct walk {
    struct prefdb__rows *rows;
    struct pk_err *err;
};

static int visit(struct walk *w, cJSON *prompter, int depth);

/* What the volunteers said of an answer, each label from 0 to 1 on average:
 * {"quality": {"value": 0.75, "count": 3}, ...}. */
static int read_labels(const cJSON *m, struct prefdb__item *x,
                       struct pk_err *err)
{
    const cJSON *label;
    int rc = 0;
    cJSON_ArrayForEach(label, cJSON_GetObjectItemCaseSensitive(m, "labels"))
    {
        struct prefdb__mark r = {label->string, PREFDB__UNKNOWN, 0, 1};
        if (!rc && cJSON_IsObject(label) && label->string)
            rc = prefdb__read_rating(label, "value", 0, 1, &r.value, err);
        if (!rc)
            rc = prefdb__rate_item(x, r, err);
    }
    return rc;
}

/* The answer's text and what else is known of it; its replies stay apart. */
static int read_answer(struct walk *w, cJSON *m, struct prefdb__item *x,
                       cJSON **replies)
{
    const char *role = NULL;
    double rank;
    *x = (struct prefdb__item){.score = PREFDB__UNKNOWN};
    *replies = NULL;
    if (!cJSON_IsObject(m))
        return pk_fail(w->err, PK_EDATA, "a reply is not an object");
    int rc = prefdb__need_text(w->rows, m, "text", &x->text, w->err);
    if (!rc)
        rc = prefdb__need_text(w->rows, m, "role", &role, w->err);
    if (!rc && (!role || strcmp(role, "assistant") != 0))
        rc = pk_fail(w->err, PK_EDATA,
                     "a reply to the prompter is not the assistant's");
    if (!rc)
        rc = pk_json_num(m, "rank", PREFDB__UNKNOWN, &rank, w->err);
    if (!rc)
        rc = prefdb__take_name(w->rows, m, "model_name", &x->model, w->err);
    if (!rc)
        rc = read_labels(m, x, w->err);
    if (rc)
        return rc;
    x->score = -rank; /* 0 is the best */
    *replies = prefdb__take(w->rows, m, "replies");
    x->extra = m; /* without its nulls, when its replies are done */
    return x->text ? 0 : pk_fail_mem(w->err, "an answer");
}

/* The user's messages that follow an answer. */
static int follow(struct walk *w, const struct prefdb__item *x, cJSON *replies,
                  int depth)
{
    struct prefdb__record *base = &w->rows->base;
    size_t before = base->n_context;
    cJSON *m;
    int rc = prefdb__add_turn(base, PREFDB_ASSISTANT, x->text, w->err);
    cJSON_ArrayForEach(m, replies) if (!rc) rc = visit(w, m, depth + 1);
    base->n_context = before;
    return rc;
}

/* Keep what is known of a prompt with the first record that answers it. */
static int keep_prompt(struct walk *w, size_t first, cJSON *prompter)
{
    if (!prefdb__rest_of(prompter))
        return 0;
    if (w->rows->n == first)
        return pk_fail(w->err, PK_EDATA, "a user's message has no answer");
    struct prefdb__record *r = &w->rows->v[first];
    cJSON **extra = r->single        ? &r->a.extra
                    : r->n_judgments ? &r->judgments[r->n_judgments - 1].extra
                                     : &r->extra;
    if (!*extra)
        *extra = cJSON_CreateObject();
    cJSON *copy = cJSON_Duplicate(prompter, 1);
    if (*extra && cJSON_AddItemToObject(*extra, "prompt", copy))
        return 0;
    cJSON_Delete(copy);
    return pk_fail_mem(w->err, "a row's JSON");
}

static int answers(struct walk *w, cJSON *list, int depth)
{
    struct prefdb__item items[PREFDB__ANSWERS];
    cJSON *replies[PREFDB__ANSWERS], *m;
    size_t n = 0;
    int rc = 0;
    if (cJSON_GetArraySize(list) > PREFDB__ANSWERS)
        return pk_fail(w->err, PK_EDATA, "there are more than %d answers",
                       PREFDB__ANSWERS);
    cJSON_ArrayForEach(m, list)
    {
        rc = read_answer(w, m, &items[n], &replies[n]);
        if (rc)
            return rc;
        items[n].extra = prefdb__rest_of(items[n].extra);
        n++;
    }
    rc = prefdb__add_ranked(w->rows, items, n, true, w->err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = follow(w, &items[i], replies[i], depth);
    return rc;
}

/* One message of the user's, and everything that follows it. */
static int visit(struct walk *w, cJSON *prompter, int depth)
{
    struct prefdb__rows *rows = w->rows;
    const char *text = NULL, *role = NULL;
    size_t turns = rows->base.n_context, first = rows->n;
    if (depth >= DEPTH)
        return pk_fail(w->err, PK_EDATA, "the tree is too deep");
    if (!cJSON_IsObject(prompter))
        return pk_fail(w->err, PK_EDATA, "a message is not an object");
    int rc = prefdb__need_text(rows, prompter, "text", &text, w->err);
    if (!rc)
        rc = prefdb__need_text(rows, prompter, "role", &role, w->err);
    if (rc)
        return rc;
    if (!text || !role)
        return pk_fail_mem(w->err, "a message");
    if (strcmp(role, "prompter") != 0)
        return pk_fail(w->err, PK_EDATA,
                       "a message that should be the prompter's is not");
    cJSON *list = prefdb__take(rows, prompter, "replies");
    if (cJSON_GetArraySize(list) == 0) { /* nobody has answered */
        rows->unanswered++;
        return 0;
    }
    rc = prefdb__add_turn(&rows->base, PREFDB_USER, text, w->err);
    if (!rc)
        rc = answers(w, list, depth);
    rows->base.n_context = turns;
    return rc ? rc : keep_prompt(w, first, prompter);
}

static int read(const struct prefdb__format *f, cJSON *row,
                struct prefdb__rows *rows, struct pk_err *err)
{
    (void)f;
    struct walk w = {rows, err};
    cJSON *root = prefdb__take(rows, row, "prompt");
    if (!root)
        return pk_fail(err, PK_EDATA, "\"prompt\" is missing");
    int rc = visit(&w, root, 0);
    return rc ? rc : prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_oasst = {
    .name = "oasst",
    .what = "OpenAssistant message trees",
    .keys = "message_tree_id:s,prompt:o",
    .dimension = PREFDB__HELPFUL,
    .rule = "of two answers to one message the lower rank is preferred; equal: "
            "tie; none: no judgment; an answer alone is a response without a "
            "comparison; a message without an answer is left out, and counted; "
            "labels are ratings, 0 to 1",
    .read = read,
};
