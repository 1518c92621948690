/* vLLM's /rerank and /v1/score (vllm/entrypoints/pooling/scoring): a prompt and
 * responses to it.
 *
 *     POST /rerank {"model": NAME, "query": PROMPT, "documents": [TEXT or
 *                   {"text": TEXT}...], "top_n": n}
 *     {"id": ..., "model": NAME, "usage": {...}, "results": [{"index": i,
 *      "document": {"text": TEXT}, "relevance_score": r}...]}, best first
 *
 *     POST /v1/score {"model": NAME, "text_1": PROMPT or [PROMPT...],
 *                     "text_2": TEXT or [TEXT...]}
 *     {..., "data": [{"index": i, "object": "score", "score": r}...]}
 *
 * A query is what the user says, or all messages before the response; a
 * document is the response. Documents that cannot be scored are in "errors". */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "rm/score/row_edit.h"
#include "rm/serve/vllm.h"

/* A response as such, or in an object. */
static const char *text_of(const cJSON *v)
{
    if (cJSON_IsObject(v))
        v = cJSON_GetObjectItemCaseSensitive(v, "text");
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static int add_pair(struct rm_ask *a, const cJSON *prompt, const cJSON *answer,
                    struct pk_err *err)
{
    struct rm_dialogue d = {0};
    const char *text = text_of(answer), *asked = text_of(prompt);
    int rc = 0;
    if (!text)
        return pk_fail(err, PK_EDATA, "response %zu is not a text", a->n + 1);
    if (cJSON_IsArray(prompt))
        rc = infer_dialogue_read(&d.all, prompt, err);
    else if (asked)
        rc = infer_dialogue_add(&d.all, INFER_USER, asked, strlen(asked), err);
    else
        rc = pk_fail(err, PK_EDATA,
                     "a prompt is neither a text nor a list of messages");
    if (rc == 0)
        rc = infer_dialogue_add(&d.all, INFER_ASSISTANT, text, strlen(text),
                                err);
    if (rc == 0)
        rc = rm_ask_add(a, &(struct rm_text){.dialogue = &d}, err);
    infer_dialogue_release(&d.all);
    return rc;
}

/* ---- /rerank ------------------------------------------------------------- */

static int read_documents(struct rm_ask *a, const char *body, size_t len,
                          struct pk_err *err)
{
    double top = 0;
    int rc = rm_vllm_begin(a, body, len, err);
    if (rc == 0)
        rc = pk_json_num(a->json, "top_n", 0, &top, err);
    if (rc)
        return rc;
    const cJSON *query = cJSON_GetObjectItemCaseSensitive(a->json, "query");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(a->json, "documents");
    const cJSON *one;
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"documents\" is not a list");
    if (!query)
        return pk_fail(err, PK_EDATA, "\"query\" is missing");
    cJSON_ArrayForEach(one, list)
    {
        rc = add_pair(a, query, one, err);
        if (rc)
            return rc;
    }
    return rm_ask_tag(a, a->json, err);
}

struct ranked {
    const struct rm_scored *s;
    size_t index;
};

static int best_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->s->score != y->s->score)
        return x->s->score < y->s->score ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Those that have a score, the best first; n of them. */
static struct ranked *rank(const struct rm_ask *a, size_t *n)
{
    struct ranked *r = pk_calloc(a->n + 1, sizeof *r);
    const char *why;
    *n = 0;
    for (size_t i = 0; r && i < a->n; i++) {
        const struct rm_scored *s = rm_ask_score(a, i, &why);
        if (s)
            r[(*n)++] = (struct ranked){s, i};
    }
    if (r)
        qsort(r, *n, sizeof *r, best_first);
    return r;
}

static int write_ranking(const struct rm_ask *a, struct pk_buf *out,
                         struct pk_err *err)
{
    size_t n;
    struct ranked *r = rank(a, &n);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(a->json, "documents");
    double top = 0;
    if (!r)
        return pk_fail_mem(err, "a ranking");
    (void)!pk_json_num(a->json, "top_n", 0, &top, NULL);
    if (top > 0 && top < (double)n)
        n = (size_t)top;
    rm_vllm_head(out, a, "rerank");
    rm_vllm_usage(out, a);
    pk_buf_adds(out, ",\"results\":[");
    for (size_t i = 0; i < n; i++) {
        const char *text = text_of(cJSON_GetArrayItem(list, (int)r[i].index));
        pk_buf_addf(out,
                    "%s{\"index\":%zu,\"document\":{\"text\":", i ? "," : "",
                    r[i].index);
        pk_json_quote(out, text, strlen(text));
        pk_buf_adds(out, "},\"relevance_score\":");
        rm_vllm_number(out, a, r[i].s);
        pk_buf_addc(out, '}');
    }
    pk_buf_addc(out, ']');
    rm_reply_errors(out, a);
    pk_buf_adds(out, "}\n");
    free(r);
    return rm_reply_end(out, err);
}

/* ---- /v1/score ----------------------------------------------------------- */

/* Prompts and responses by any of the names that vLLM takes. */
static const char *const names[][2] = {{"text_1", "text_2"},
                                       {"queries", "documents"},
                                       {"queries", "items"},
                                       {"data_1", "data_2"}};

bool rm_vllm_has_sides(const char *body, size_t len)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (rm_json_has(body, len, names[i][0]) &&
            rm_json_has(body, len, names[i][1]))
            return true;
    return false;
}

static void find_sides(const cJSON *o, const cJSON *side[2])
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int k = 0; k < 2; k++)
            side[k] = cJSON_GetObjectItemCaseSensitive(o, names[i][k]);
        if (side[0] && side[1])
            return;
    }
}

/* One prompt to all responses, or one to each. */
static int read_sides(struct rm_ask *a, const char *body, size_t len,
                      struct pk_err *err)
{
    const cJSON *side[2];
    int rc = rm_vllm_begin(a, body, len, err);
    if (rc)
        return rc;
    find_sides(a->json, side);
    if (!side[0] || !side[1])
        return pk_fail(err, PK_EDATA,
                       "\"text_1\" (prompts) and \"text_2\" (responses) are "
                       "needed");
    bool many = cJSON_IsArray(side[0]) && cJSON_GetArraySize(side[0]) > 1;
    bool list = cJSON_IsArray(side[1]);
    if (many &&
        (!list || cJSON_GetArraySize(side[0]) != cJSON_GetArraySize(side[1])))
        return pk_fail(err, PK_EDATA,
                       "there is neither one prompt nor one to each response");
    const cJSON *prompt = cJSON_IsArray(side[0]) ? side[0]->child : side[0];
    const cJSON *answer = list ? side[1]->child : side[1];
    if (!prompt || !answer)
        return pk_fail(err, PK_EDATA, "a side is empty");
    while (answer && rc == 0) {
        rc = add_pair(a, prompt, answer, err);
        prompt = many ? prompt->next : prompt;
        answer = list ? answer->next : NULL;
    }
    if (rc == 0)
        rc = rm_ask_tag(a, a->json, err);
    rm_ask_forget(a);
    return rc;
}

static int write_scores(const struct rm_ask *a, struct pk_buf *out,
                        struct pk_err *err)
{
    static const struct rm_vllm_entry e = {
        "score", "\"object\":\"score\",\"score\":", "}"};
    return rm_vllm_list(out, a, &e, err);
}

const struct rm_shape rm_shape_rerank = {
    .path = {"/rerank", "/v1/rerank", "/v2/rerank"},
    .type = "application/json",
    .read = read_documents,
    .write = write_ranking};

const struct rm_shape rm_shape_score = {.path = {"/v1/score"},
                                        .type = "application/json",
                                        .read = read_sides,
                                        .write = write_scores};
