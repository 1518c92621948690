/* OpenRLHF's remote reward model (openrlhf/cli/serve_rm.py and its client,
 * openrlhf/utils/remote_rm_utils.py):
 *
 *     POST /get_reward {"query": [TEXT...], "prompts": ..., "labels": ...}
 *     {"rewards": [r...], "scores": [r...], "extra_logs": {"cut": [0...]}}
 *
 * A query is the whole dialogue with its chat format written out; prompts and
 * labels are not needed for a score. Its server adds no special tokens and
 * says nothing of a response without an end: we say so in "extra_logs", which
 * its trainer logs by name. A text that cannot be scored is null, which stops
 * the trainer where it is met, and is told in "errors". /get_reward?model=NAME
 * asks for a model that is not the first. Of R_c (?model=combined) a prompt is
 * a safety prompt where its label is true, which is what the trainer sends of a
 * column of that kind (--label_key), or where "safety_prompt" says so. */
#include "rm/serve/shape.h"

#include <string.h>

/* The labels that are true; others are not about this. */
static void take_labels(struct rm_ask *a)
{
    const cJSON *one = cJSON_GetObjectItemCaseSensitive(a->json, "labels");
    one = cJSON_IsArray(one) ? one->child : NULL;
    for (size_t i = 0; i < a->n && one; i++, one = one->next)
        a->text[i].tagged = cJSON_IsTrue(one);
}

static int read_queries(struct rm_ask *a, const char *body, size_t len,
                        struct pk_err *err)
{
    int rc = rm_ask_choose(a, a->named, err);
    if (rc == 0)
        rc = rm_ask_object(a, body, len, err);
    if (rc)
        return rc;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(a->json, "query");
    const cJSON *one;
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"query\" is not a list of texts");
    cJSON_ArrayForEach(one, list)
    {
        struct rm_text t = {.marked = one->valuestring};
        if (!cJSON_IsString(one))
            return pk_fail(err, PK_EDATA, "\"query\": number %zu is not a text",
                           a->n + 1);
        t.marked_len = strlen(t.marked);
        rc = rm_ask_add(a, &t, err);
        if (rc)
            return rc;
    }
    take_labels(a);
    rc = rm_ask_tag(a, a->json, err);
    rm_ask_forget(a);
    return rc;
}

static void add_rewards(struct pk_buf *out, const struct rm_ask *a,
                        const char *key)
{
    const char *why;
    pk_buf_addf(out, "\"%s\":[", key);
    for (size_t i = 0; i < a->n; i++) {
        pk_buf_adds(out, i ? "," : "");
        rm_reply_number(out, rm_ask_score(a, i, &why));
    }
    pk_buf_addc(out, ']');
}

static int write_rewards(const struct rm_ask *a, struct pk_buf *out,
                         struct pk_err *err)
{
    const char *why;
    pk_buf_addc(out, '{');
    add_rewards(out, a, "rewards");
    pk_buf_addc(out, ',');
    add_rewards(out, a, "scores");
    pk_buf_adds(out, ",\"extra_logs\":{\"cut\":[");
    for (size_t i = 0; i < a->n; i++) {
        const struct rm_scored *s = rm_ask_score(a, i, &why);
        pk_buf_addf(out, "%s%d", i ? "," : "", s && s->cut);
    }
    pk_buf_adds(out, "]}");
    rm_reply_errors(out, a);
    pk_buf_adds(out, "}\n");
    return rm_reply_end(out, err);
}

const struct rm_shape rm_shape_openrlhf = {.path = {"/get_reward"},
                                           .type = "application/json",
                                           .read = read_queries,
                                           .write = write_rewards};
