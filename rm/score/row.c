/* Rows of `score`, parsed; see row.h. */
#include "rm/score/row.h"

#include <math.h>
#include <string.h>

static int add_messages(struct rm_row *r, const cJSON *list, const char *key,
                        struct pk_err *err)
{
    int rc = infer_dialogue_read(&r->dialogue.all, list, err);
    return rc ? pk_err_prefix(err, "\"%s\": ", key) : 0;
}

static int parse_responses(struct rm_row *r, struct pk_err *err)
{
    size_t i = 0;
    const cJSON *one;
    if (!cJSON_IsArray(r->responses))
        return pk_fail(err, PK_EDATA, "\"responses\" is not a list");
    cJSON_ArrayForEach(one, r->responses)
    {
        i++;
        if (!cJSON_IsString(one))
            return pk_fail(err, PK_EDATA,
                           "\"responses\": number %zu is not a string", i);
    }
    r->n = i;
    r->list = true;
    return 0;
}

/* One response or several, to the dialogue so far. */
static int take_responses(struct rm_row *r, struct pk_err *err)
{
    const char *one = NULL;
    int rc;
    r->responses = cJSON_GetObjectItemCaseSensitive(r->json, "responses");
    if (r->responses && cJSON_GetObjectItemCaseSensitive(r->json, "response"))
        return pk_fail(err, PK_EDATA,
                       "\"response\" and \"responses\" are both there");
    if (r->responses) {
        rc = parse_responses(r, err);
    } else {
        rc = pk_json_need_str(r->json, "response", &one, err);
        r->n = 1;
    }
    /* Its place; rm_row_next fills the place of a list's. */
    if (rc == 0)
        rc = infer_dialogue_add(&r->dialogue.all, INFER_ASSISTANT,
                                one ? one : "", one ? strlen(one) : 0, err);
    return rc;
}

static int parse_prompt(struct rm_row *r, const cJSON *prompt,
                        struct pk_err *err)
{
    int rc;
    if (cJSON_IsString(prompt))
        rc = infer_dialogue_add(&r->dialogue.all, INFER_USER,
                                prompt->valuestring,
                                strlen(prompt->valuestring), err);
    else if (cJSON_IsArray(prompt))
        rc = add_messages(r, prompt, "prompt", err);
    else
        rc = pk_fail(err, PK_EDATA,
                     "\"prompt\" is neither a string nor a list of messages");
    return rc ? rc : take_responses(r, err);
}

static bool has(const struct rm_row *r, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(r->json, key) != NULL;
}

/* They end with the response; or, as generate writes them, the responses lie
 * beside them. */
static int parse_messages(struct rm_row *r, const cJSON *messages,
                          struct pk_err *err)
{
    if (!cJSON_IsArray(messages))
        return pk_fail(err, PK_EDATA, "\"messages\" is not a list");
    int rc = add_messages(r, messages, "messages", err);
    if (rc)
        return rc;
    const struct infer_dialogue *d = &r->dialogue.all;
    bool whole = d->n && d->msg[d->n - 1].role == INFER_ASSISTANT;
    if (d->n && !whole && (has(r, "response") || has(r, "responses")))
        return take_responses(r, err);
    if (whole && has(r, "responses"))
        return pk_fail(err, PK_EDATA,
                       "\"responses\" beside \"messages\" that end with a "
                       "response already");
    if (!whole)
        return pk_fail(err, PK_EDATA,
                       "the last of \"messages\" is not the assistant's: there "
                       "is no response to score");
    r->n = 1;
    return 0;
}

static int parse_text(struct rm_row *r, const cJSON *text, struct pk_err *err)
{
    if (!cJSON_IsString(text))
        return pk_fail(err, PK_EDATA, "\"text\" is not a string");
    if (has(r, "responses"))
        return pk_fail(err, PK_EDATA,
                       "\"responses\" beside \"text\", which is a whole "
                       "dialogue with its response");
    r->text = text->valuestring;
    r->n = 1;
    return 0;
}

int rm_ids_read(const cJSON *list, struct infer_ids *out, struct pk_err *err)
{
    const cJSON *id;
    size_t i = 0;
    cJSON_ArrayForEach(id, list)
    {
        double x = cJSON_IsNumber(id) ? id->valuedouble : -1;
        i++;
        if (!(x >= 0 && x <= INT32_MAX && x == floor(x)))
            return pk_fail(err, PK_EDATA,
                           "something that is no token id (number %zu)", i);
        int rc = infer_ids_add(out, (int32_t)x, err);
        if (rc)
            return rc;
    }
    return i ? 0 : pk_fail(err, PK_EDATA, "no token ids at all");
}

static int parse_ids(struct rm_row *r, const cJSON *list, struct pk_err *err)
{
    if (!cJSON_IsArray(list))
        return pk_fail(err, PK_EDATA, "\"token_ids\" is not a list");
    int rc = rm_ids_read(list, &r->ids, err);
    if (rc)
        return pk_err_prefix(err, "\"token_ids\" holds ");
    r->ready_made = true;
    r->n = 1;
    return 0;
}

/* "cut": true or false, or a list of them, one for each response. */
static int parse_cut(struct rm_row *r, struct pk_err *err)
{
    const cJSON *one;
    r->cut = cJSON_GetObjectItemCaseSensitive(r->json, "cut");
    if (!r->cut || cJSON_IsNull(r->cut)) {
        r->cut = NULL;
        return 0;
    }
    if (r->text)
        return pk_fail(err, PK_EDATA,
                       "\"cut\" beside \"text\", which tells itself whether it "
                       "is cut: by the token at its end");
    if (cJSON_IsBool(r->cut))
        return 0;
    bool ok = cJSON_IsArray(r->cut) && r->list &&
              (size_t)cJSON_GetArraySize(r->cut) == r->n;
    if (ok)
        cJSON_ArrayForEach(one, r->cut) ok = ok && cJSON_IsBool(one);
    return ok ? 0
              : pk_fail(err, PK_EDATA,
                        "\"cut\" is neither true or false nor a list of them "
                        "as long as \"responses\"");
}

static int parse(struct rm_row *r, struct pk_err *err)
{
    static const char *const kinds[] = {"messages", "prompt", "token_ids",
                                        "text"};
    const cJSON *v[4];
    int there = 0;
    for (int i = 0; i < 4; i++) {
        v[i] = cJSON_GetObjectItemCaseSensitive(r->json, kinds[i]);
        there += v[i] != NULL;
    }
    if (there != 1)
        return pk_fail(err, PK_EDATA,
                       "a row has exactly one of \"messages\", \"prompt\", "
                       "\"text\" and \"token_ids\"; this has %s",
                       there ? "several" : "none");
    int rc = v[0]   ? parse_messages(r, v[0], err)
             : v[1] ? parse_prompt(r, v[1], err)
             : v[2] ? parse_ids(r, v[2], err)
                    : parse_text(r, v[3], err);
    if (rc == 0)
        rc = parse_cut(r, err);
    const cJSON *tag =
        cJSON_GetObjectItemCaseSensitive(r->json, "safety_prompt");
    if (rc == 0 && tag && !cJSON_IsBool(tag) && !cJSON_IsNull(tag))
        rc = pk_fail(err, PK_EDATA,
                     "\"safety_prompt\" is neither true nor false");
    static const char *const ours[] = {"scores", "marks"};
    for (int i = 0; i < 2 && rc == 0; i++) {
        const cJSON *o = cJSON_GetObjectItemCaseSensitive(r->json, ours[i]);
        if (o && !cJSON_IsObject(o))
            rc = pk_fail(err, PK_EDATA, "\"%s\" is there and is not an object",
                         ours[i]);
    }
    return rc;
}

int rm_row_parse(struct rm_row *r, const char *line, size_t len,
                 struct pk_err *err)
{
    cJSON_Delete(r->json);
    r->dialogue.all.n = 0;
    r->dialogue.cut = false;
    r->responses = NULL;
    r->cut = NULL;
    r->text = NULL;
    r->ids.len = r->n = 0;
    r->list = r->ready_made = r->given = false;
    int rc = pk_json_parse(&r->json, line, len, err);
    if (rc)
        return rc;
    if (!cJSON_IsObject(r->json))
        return pk_fail(err, PK_EDATA, "the row is not a JSON object");
    rc = parse(r, err);
    r->next = r->responses ? r->responses->child : NULL;
    r->next_cut = r->cut && cJSON_IsArray(r->cut) ? r->cut->child : r->cut;
    return rc;
}

bool rm_row_tagged(const struct rm_row *r)
{
    return cJSON_IsTrue(
        cJSON_GetObjectItemCaseSensitive(r->json, "safety_prompt"));
}

bool rm_row_own_score(const struct rm_row *r, const char *name, size_t i,
                      double *out)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(r->json, "scores"), name);
    if (r->list)
        v = cJSON_IsArray(v) && (size_t)cJSON_GetArraySize(v) == r->n
                ? cJSON_GetArrayItem(v, (int)i)
                : NULL;
    if (!v || !cJSON_IsNumber(v))
        return false;
    *out = v->valuedouble;
    return true;
}

void rm_row_release(struct rm_row *r)
{
    cJSON_Delete(r->json);
    infer_dialogue_release(&r->dialogue.all);
    infer_ids_release(&r->ids);
    *r = (struct rm_row){0};
}

static bool take_next(struct rm_row *r)
{
    if (!r->list) {
        bool first = !r->given;
        r->given = true;
        return first;
    }
    if (!r->next)
        return false;
    struct infer_message *last = &r->dialogue.all.msg[r->dialogue.all.n - 1];
    last->text = r->next->valuestring;
    last->len = strlen(last->text);
    r->next = r->next->next;
    return true;
}

bool rm_row_next(struct rm_row *r, struct rm_text *out)
{
    if (!take_next(r))
        return false;
    if (r->ready_made) {
        *out = (struct rm_text){.ids = r->ids.id, .n_ids = r->ids.len};
        return true;
    }
    if (r->text) {
        *out =
            (struct rm_text){.marked = r->text, .marked_len = strlen(r->text)};
        return true;
    }
    r->dialogue.cut = cJSON_IsTrue(r->next_cut);
    if (r->next_cut && cJSON_IsArray(r->cut))
        r->next_cut = r->next_cut->next;
    *out = (struct rm_text){.dialogue = &r->dialogue};
    return true;
}
