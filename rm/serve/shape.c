/* What the shapes share; see shape.h. */
#include "rm/serve/shape.h"

#include <string.h>

#include "rm/score/row.h"
#include "rm/serve/vllm.h"

static const struct rm_shape *const shapes[RM_N_SHAPES] = {
    &rm_shape_rows,    &rm_shape_openrlhf, &rm_shape_classify,
    &rm_shape_pooling, &rm_shape_rerank,   &rm_shape_score};

const struct rm_shape *rm_shape_at(const char *path)
{
    for (size_t i = 0; i < RM_N_SHAPES; i++)
        for (int p = 0; p < 4 && shapes[i]->path[p]; p++)
            if (strcmp(shapes[i]->path[p], path) == 0)
                return shapes[i];
    return NULL;
}

const struct rm_shape *rm_shape_of(const struct rm_shape *s, const char *body,
                                   size_t len)
{
    bool pairs = s == &rm_shape_rows && rm_vllm_has_sides(body, len);
    return pairs ? &rm_shape_score : s;
}

size_t rm_shape_number(const struct rm_shape *s)
{
    size_t i = 0;
    while (shapes[i] != s)
        i++;
    return i;
}

const struct rm_shape *rm_shape_numbered(size_t i)
{
    return shapes[i];
}

int rm_ask_choose(struct rm_ask *a, const char *name, struct pk_err *err)
{
    if (a->reward && name && strcmp(name, RM_COMBINED_NAME) == 0) {
        a->model = RM_COMBINED;
        return 0;
    }
    for (size_t m = 0; m < rm_scorer_models(a->scorer); m++)
        if (!name || strcmp(rm_scorer_name(a->scorer, m), name) == 0) {
            a->model = m;
            return 0;
        }
    return pk_fail(err, PK_ENO, "the model '%.100s' does not exist", name);
}

int rm_ask_tag(struct rm_ask *a, const cJSON *request, struct pk_err *err)
{
    const cJSON *tag =
        cJSON_GetObjectItemCaseSensitive(request, "safety_prompt");
    const cJSON *one = cJSON_IsArray(tag) ? tag->child : tag;
    if (!tag || cJSON_IsNull(tag))
        return 0;
    if (cJSON_IsArray(tag) && (size_t)cJSON_GetArraySize(tag) != a->n)
        return pk_fail(err, PK_EDATA,
                       "\"safety_prompt\" has %d elements for %zu texts",
                       cJSON_GetArraySize(tag), a->n);
    for (size_t i = 0; i < a->n; i++) {
        if (!cJSON_IsBool(one))
            return pk_fail(err, PK_EDATA,
                           "\"safety_prompt\" is neither true or false nor a "
                           "list of them");
        a->text[i].tagged = cJSON_IsTrue(one);
        one = cJSON_IsArray(tag) ? one->next : one;
    }
    return 0;
}

int rm_ask_object(struct rm_ask *a, const char *body, size_t len,
                  struct pk_err *err)
{
    int rc = pk_json_parse(&a->json, body, len, err);
    if (rc == 0 && !cJSON_IsObject(a->json))
        rc = pk_fail(err, PK_EDATA, "the request is not a JSON object");
    return rc;
}

void rm_ask_forget(struct rm_ask *a)
{
    cJSON_Delete(a->json);
    a->json = NULL;
}

void rm_reply_number(struct pk_buf *out, const struct rm_scored *s)
{
    if (s)
        pk_buf_addf(out, RM_SCORE_FORMAT, s->score);
    else
        pk_buf_adds(out, "null");
}

void rm_reply_errors(struct pk_buf *out, const struct rm_ask *a)
{
    const char *why;
    bool any = false;
    for (size_t i = 0; i < a->n; i++) {
        if (rm_ask_score(a, i, &why))
            continue;
        pk_buf_addf(
            out, "%s{\"index\":%zu,\"error\":", any ? "," : ",\"errors\":[", i);
        pk_json_quote_reason(out, why);
        pk_buf_addc(out, '}');
        any = true;
    }
    if (any)
        pk_buf_addc(out, ']');
}

int rm_reply_end(const struct pk_buf *out, struct pk_err *err)
{
    return out->failed ? pk_fail_mem(err, "a reply") : 0;
}
