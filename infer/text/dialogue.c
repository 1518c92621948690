/* Dialogues as lists of messages, and their one JSON form. */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "infer/infer.h"

int infer_dialogue_add(struct infer_dialogue *d, enum infer_role role,
                       const char *text, size_t len, struct pk_err *err)
{
    if (!pk_grow(&d->msg, &d->cap, d->n + 1, sizeof *d->msg))
        return pk_fail_mem(err, "a dialogue");
    d->msg[d->n++] = (struct infer_message){role, text, len};
    return 0;
}

void infer_dialogue_release(struct infer_dialogue *d)
{
    free(d->msg);
    *d = (struct infer_dialogue){0};
}

/* A text, or OpenAI's list of parts, one text: several would have to be put
 * together, and programs differ in how. */
static int read_content(const cJSON *item, const char **out, struct pk_err *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(item, "content");
    if (!cJSON_IsArray(v))
        return pk_json_need_str(item, "content", out, err);
    const cJSON *part = v->child;
    const char *type =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, "type"));
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, "text"));
    if (!part || part->next || !type || !text || strcmp(type, "text") != 0) {
        pk_fail(err, PK_EDATA,
                "its \"content\" is a list, but not of one text");
        return PK_EDATA; /* here, so that a static analyser sees it */
    }
    *out = text;
    return 0;
}

/* What a message says beside its content; a dialogue without it is another
 * one. */
static int refuse_calls(const cJSON *item, struct pk_err *err)
{
    static const char *const keys[] = {"tool_calls", "function_call"};
    for (int i = 0; i < 2; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(item, keys[i]);
        bool none = i == 0 && cJSON_IsArray(v) && !v->child;
        if (v && !cJSON_IsNull(v) && !none)
            return pk_fail(err, PK_EDATA,
                           "no chat format here has a place for its \"%s\"",
                           keys[i]);
    }
    return 0;
}

static int read_message(struct infer_dialogue *d, const cJSON *item,
                        struct pk_err *err)
{
    static const char *const names[] = {[INFER_SYSTEM] = "system",
                                        [INFER_USER] = "user",
                                        [INFER_ASSISTANT] = "assistant"};
    const char *role = NULL, *content = NULL;
    if (!cJSON_IsObject(item))
        return pk_fail(err, PK_EDATA, "it is not an object");
    int rc = pk_json_need_str(item, "role", &role, err);
    if (!rc)
        rc = refuse_calls(item, err);
    if (!rc)
        rc = read_content(item, &content, err);
    if (rc)
        return rc;
    for (int i = 0; i < 3; i++)
        if (strcmp(role, names[i]) == 0)
            return infer_dialogue_add(d, (enum infer_role)i, content,
                                      strlen(content), err);
    return pk_fail(err, PK_EDATA,
                   "\"role\" is \"%.40s\", not system, user or assistant",
                   role);
}

int infer_dialogue_read(struct infer_dialogue *d, const cJSON *array,
                        struct pk_err *err)
{
    if (!cJSON_IsArray(array))
        return pk_fail(err, PK_EDATA, "\"messages\" is not a list");
    const cJSON *item;
    int i = 0;
    cJSON_ArrayForEach(item, array)
    {
        int rc = read_message(d, item, err);
        i++;
        if (rc)
            return pk_err_prefix(err, "message %d: ", i);
    }
    return 0;
}
