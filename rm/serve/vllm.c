/* vLLM's /classify and /pooling (vllm/entrypoints/pooling): what many clients
 * of reward models speak.
 *
 *     {"model": NAME, "input": TEXT or [TEXT...] or [ID...] or [[ID...]...]}
 *     {"model": NAME, "messages": [...]}
 *     {"id": ..., "object": "list", "created": ..., "model": NAME,
 *      "data": [{"index": 0, "label": "LABEL_0", "probs": [r],
 *                "num_classes": 1}...],
 *      "usage": {"prompt_tokens": n, "total_tokens": n, ...}}
 *
 * A text has its chat format written out, and gets a BOS unless it spells one
 * out or "add_special_tokens" is false. The number is the raw score, as vLLM
 * has it for a model whose config says "regression" (ours do); with
 * "use_activation": true it is sigma of it. What would change the text that is
 * scored is refused. An entry of "data" whose text cannot be scored has "error"
 * in place of its number.
 *
 * "model": "combined" is R_c where it is served; "safety_prompt": true, or a
 * list of true and false, says which texts answer safety prompts. */
#include "rm/serve/vllm.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "rm/score/row.h"

/* ---- What the requests share --------------------------------------------- */

static bool is_true(const cJSON *o, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static const cJSON *given(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return v && !cJSON_IsNull(v) ? v : NULL;
}

/* sigma of R_c: a probability is that already, a whitened one has none.
 * "activation" is an older name. */
static int activate(struct rm_ask *a, struct pk_err *err)
{
    a->activated =
        is_true(a->json, "use_activation") || is_true(a->json, "activation");
    if (!a->activated || a->model != RM_COMBINED)
        return 0;
    if (a->reward->how->form == RM_WHITE)
        return pk_fail(err, PK_EDATA,
                       "\"use_activation\": a whitened reward has no "
                       "probability");
    a->activated = a->reward->how->form == RM_LOGIT;
    return 0;
}

/* Options that would give another text or number than the one asked for. */
static int check_options(const cJSON *o, struct pk_err *err)
{
    static const char *const other[] = {"truncate_prompt_tokens", "dimensions",
                                        "chat_template",
                                        "chat_template_kwargs"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (given(o, other[i]))
            return pk_fail(err, PK_EDATA,
                           "\"%s\" is not served: a text is scored as a whole, "
                           "in the model's own chat format",
                           other[i]);
    if (is_true(o, "add_generation_prompt"))
        return pk_fail(err, PK_EDATA,
                       "\"add_generation_prompt\": there would be no response "
                       "to score");
    if (is_true(o, "softmax"))
        return pk_fail(err, PK_EDATA,
                       "\"softmax\": of one class it is 1, whatever the text");
    const cJSON *task = given(o, "task"), *form = given(o, "encoding_format");
    if (task &&
        (!cJSON_IsString(task) || (strcmp(task->valuestring, "classify") != 0 &&
                                   strcmp(task->valuestring, "score") != 0)))
        return pk_fail(err, PK_EDATA,
                       "\"task\" is \"classify\" here: there are scores, and "
                       "no embeddings");
    if (form &&
        (!cJSON_IsString(form) || strcmp(form->valuestring, "float") != 0))
        return pk_fail(err, PK_EDATA, "\"encoding_format\" is \"float\" here");
    return 0;
}

int rm_vllm_begin(struct rm_ask *a, const char *body, size_t len,
                  struct pk_err *err)
{
    const char *name = NULL;
    int rc = rm_ask_object(a, body, len, err);
    if (rc == 0)
        rc = pk_json_str(a->json, "model", &name, err);
    if (rc == 0)
        rc = rm_ask_choose(a, name, err);
    if (rc)
        return rc;
    rc = activate(a, err);
    return rc ? rc : check_options(a->json, err);
}

void rm_vllm_number(struct pk_buf *out, const struct rm_ask *a,
                    const struct rm_scored *s)
{
    struct rm_scored shown = *s;
    if (a->activated)
        shown.score = 1 / (1 + exp(-s->score));
    rm_reply_number(out, &shown);
}

void rm_vllm_head(struct pk_buf *out, const struct rm_ask *a, const char *kind)
{
    pk_buf_addf(out, "{\"id\":\"%s-%016llx\",\"object\":\"list\",", kind,
                (unsigned long long)a->id);
    pk_buf_addf(out, "\"created\":%lld,\"model\":", (long long)time(NULL));
    const char *name = rm_ask_model_name(a);
    pk_json_quote(out, name, strlen(name));
}

void rm_vllm_usage(struct pk_buf *out, const struct rm_ask *a)
{
    unsigned long long n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += rm_ask_tokens(a, i);
    pk_buf_addf(out,
                ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu,"
                "\"completion_tokens\":0,\"prompt_tokens_details\":null}",
                n, n);
}

/* ---- One dialogue after another ------------------------------------------ */

static int add_ids(struct rm_ask *a, const cJSON *list, struct pk_err *err)
{
    struct infer_ids ids = {0};
    struct pk_err why = {0};
    int rc = rm_ids_read(list, &ids, &why);
    if (rc == 0)
        rc = rm_ask_add(a, &(struct rm_text){.ids = ids.id, .n_ids = ids.len},
                        err);
    else
        rc = pk_fail(err, rc, "\"input\": %s", why.text);
    infer_ids_release(&ids);
    return rc;
}

static int add_one(struct rm_ask *a, const cJSON *one, struct pk_err *err)
{
    const cJSON *special =
        cJSON_GetObjectItemCaseSensitive(a->json, "add_special_tokens");
    if (cJSON_IsArray(one))
        return add_ids(a, one, err);
    if (!cJSON_IsString(one))
        return pk_fail(err, PK_EDATA,
                       "\"input\": number %zu is neither a text nor token ids",
                       a->n + 1);
    struct rm_text t = {.marked = one->valuestring,
                        .marked_len = strlen(one->valuestring),
                        .no_bos = cJSON_IsFalse(special)};
    return rm_ask_add(a, &t, err);
}

static int add_input(struct rm_ask *a, const cJSON *input, struct pk_err *err)
{
    const cJSON *one = cJSON_IsArray(input) ? input->child : NULL;
    if (cJSON_IsString(input) || cJSON_IsNumber(one))
        return add_one(a, input, err);
    if (!one)
        return pk_fail(err, PK_EDATA,
                       "\"input\" is neither a text nor token ids, nor a list "
                       "of them");
    int rc = 0;
    for (; one && rc == 0; one = one->next)
        rc = add_one(a, one, err);
    return rc;
}

static int add_messages(struct rm_ask *a, const cJSON *list, struct pk_err *err)
{
    struct rm_dialogue d = {.cut = is_true(a->json, "continue_final_message")};
    int rc = cJSON_IsArray(list)
                 ? infer_dialogue_read(&d.all, list, err)
                 : pk_fail(err, PK_EDATA, "\"messages\" is not a list");
    if (rc == 0)
        rc = rm_ask_add(a, &(struct rm_text){.dialogue = &d}, err);
    infer_dialogue_release(&d.all);
    return rc;
}

static int read_texts(struct rm_ask *a, const char *body, size_t len,
                      struct pk_err *err)
{
    int rc = rm_vllm_begin(a, body, len, err);
    if (rc)
        return rc;
    const cJSON *input = given(a->json, "input");
    const cJSON *messages = given(a->json, "messages");
    if (!input == !messages)
        return pk_fail(err, PK_EDATA,
                       "a request has one of \"input\" and \"messages\"");
    rc = input ? add_input(a, input, err) : add_messages(a, messages, err);
    if (rc == 0)
        rc = rm_ask_tag(a, a->json, err);
    rm_ask_forget(a);
    return rc;
}

/* ---- Replies ------------------------------------------------------------- */

int rm_vllm_list(struct pk_buf *out, const struct rm_ask *a,
                 const struct rm_vllm_entry *e, struct pk_err *err)
{
    rm_vllm_head(out, a, e->kind);
    pk_buf_adds(out, ",\"data\":[");
    for (size_t i = 0; i < a->n; i++) {
        const char *why;
        const struct rm_scored *s = rm_ask_score(a, i, &why);
        pk_buf_addf(out, "%s{\"index\":%zu,", i ? "," : "", i);
        pk_buf_adds(out, s ? e->before : "\"error\":");
        if (s)
            rm_vllm_number(out, a, s);
        else
            pk_json_quote_reason(out, why);
        pk_buf_adds(out, s ? e->after : "}");
    }
    pk_buf_addc(out, ']');
    rm_vllm_usage(out, a);
    pk_buf_adds(out, "}\n");
    return rm_reply_end(out, err);
}

static int write_classes(const struct rm_ask *a, struct pk_buf *out,
                         struct pk_err *err)
{
    static const struct rm_vllm_entry e = {"classify",
                                           "\"label\":\"LABEL_0\",\"probs\":[",
                                           "],\"num_classes\":1}"};
    return rm_vllm_list(out, a, &e, err);
}

static int write_pooled(const struct rm_ask *a, struct pk_buf *out,
                        struct pk_err *err)
{
    static const struct rm_vllm_entry e = {
        "pool", "\"object\":\"pooling\",\"data\":[", "]}"};
    return rm_vllm_list(out, a, &e, err);
}

const struct rm_shape rm_shape_classify = {
    .path = {"/classify", "/v1/classify"},
    .type = "application/json",
    .read = read_texts,
    .write = write_classes};

const struct rm_shape rm_shape_pooling = {.path = {"/pooling", "/v1/pooling"},
                                          .type = "application/json",
                                          .read = read_texts,
                                          .write = write_pooled};
