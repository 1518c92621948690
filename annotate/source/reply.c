#include "annotate/source/reply.h"

#include <stdio.h>
#include <string.h>

#include "annotate/text/text.h"
#include "common/json.h"

void annotate__reply_init(struct annotate__reply *r, struct pk_buf *text)
{
    *r = (struct annotate__reply){.text = text};
    annotate__sse_init(&r->sse);
}

void annotate__reply_release(struct annotate__reply *r)
{
    annotate__sse_release(&r->sse);
    cJSON_Delete(r->usage);
    r->usage = NULL;
}

bool annotate__reply_cut(const struct annotate__reply *r)
{
    return strcmp(r->finish, "length") == 0 ||
           strcmp(r->finish, "content_filter") == 0;
}

/* ---- Errors, in every shape ---------------------------------------------- */

static const char *str(const cJSON *obj, const char *key)
{
    const char *s = NULL;
    return pk_json_str(obj, key, &s, NULL) ? NULL : s;
}

/* What went wrong, or NULL when nothing did: {"error": {"message"}},
 * {"error": "text"}, {"object": "error", "message"}, {"detail": "text"}. */
static const char *error_of(const cJSON *j)
{
    const cJSON *e = cJSON_GetObjectItemCaseSensitive(j, "error");
    const char *object = str(j, "object"), *text = NULL;
    if (cJSON_IsString(e))
        return e->valuestring;
    if (cJSON_IsObject(e)) {
        text = str(e, "message");
        return text ? text : "an error without a message";
    }
    if (e && !cJSON_IsNull(e) && !cJSON_IsFalse(e))
        return "an error without a message";
    if (object && strcmp(object, "error") == 0) {
        text = str(j, "message");
        return text ? text : "an error without a message";
    }
    return NULL;
}

void annotate__reply_error(const char *body, size_t n, char *out, size_t size)
{
    cJSON *j;
    const char *text = NULL;
    if (!pk_json_parse(&j, body, n, NULL)) {
        text = error_of(j);
        if (!text)
            text = str(j, "detail");
        if (!text)
            text = str(j, "message");
    }
    if (text)
        annotate__one_line(out, size, text, strlen(text));
    else
        annotate__one_line(out, size, body, n);
    cJSON_Delete(j);
}

static void fail(struct annotate__reply *r, const char *text)
{
    annotate__one_line(r->error, sizeof r->error, text, strlen(text));
    if (!r->error[0])
        snprintf(r->error, sizeof r->error, "an error without a message");
}

/* ---- Chunks -------------------------------------------------------------- */

static int take_choice(struct annotate__reply *r, const cJSON *choice,
                       struct pk_err *err)
{
    const cJSON *delta = cJSON_GetObjectItemCaseSensitive(choice, "delta");
    const char *text = str(delta, "content"), *thought, *finish;
    thought = str(delta, "reasoning_content");
    if (!thought)
        thought = str(delta, "reasoning");
    if (thought)
        r->reasoning += strlen(thought);
    if (text && pk_buf_adds(r->text, text)) {
        if (r->text->failed == PK_EMEM)
            return pk_fail_mem(err, "a response");
        fail(r, "the response is longer than 16 MiB");
    }
    finish = str(choice, "finish_reason");
    if (finish && *finish)
        annotate__one_line(r->finish, sizeof r->finish, finish, strlen(finish));
    return 0;
}

static int take_chunk(struct annotate__reply *r, const cJSON *j,
                      struct pk_err *err)
{
    const cJSON *choices = cJSON_GetObjectItemCaseSensitive(j, "choices"),
                *usage = cJSON_GetObjectItemCaseSensitive(j, "usage");
    const char *error = error_of(j), *model = str(j, "model");
    if (error) {
        fail(r, error);
        return 0;
    }
    if (!cJSON_IsObject(j)) {
        fail(r, "an event is no JSON object");
        return 0;
    }
    if (model && *model)
        annotate__one_line(r->model, sizeof r->model, model, strlen(model));
    if (cJSON_IsObject(usage)) {
        cJSON_Delete(r->usage);
        r->usage = cJSON_Duplicate(usage, 1);
        if (!r->usage)
            return pk_fail_mem(err, "a response");
    }
    /* Empty in the chunk that carries the usage. */
    const cJSON *first = cJSON_GetArrayItem(choices, 0);
    return cJSON_IsObject(first) && !r->finish[0] ? take_choice(r, first, err)
                                                  : 0;
}

static int take_event(void *arg, const char *data, size_t len, bool error,
                      struct pk_err *err)
{
    struct annotate__reply *r = arg;
    cJSON *j;
    if (r->error[0])
        return 0;
    if (error) {
        annotate__reply_error(data, len, r->error, sizeof r->error);
        if (!r->error[0])
            fail(r, "");
        return 0;
    }
    if (strcmp(data, "[DONE]") == 0) {
        r->done = true;
        return 0;
    }
    struct pk_err why;
    int rc = pk_json_parse(&j, data, len, &why);
    if (rc == PK_EMEM)
        return pk_fail_mem(err, "a response");
    if (rc) {
        fail(r, "an event is no valid JSON");
        return 0;
    }
    rc = take_chunk(r, j, err);
    cJSON_Delete(j);
    return rc;
}

/* Bytes that are no events are the server's fault, and end the reply. */
static int settle(struct annotate__reply *r, int rc, const struct pk_err *why,
                  struct pk_err *err)
{
    if (rc == PK_EDATA) {
        fail(r, why->text);
        return 0;
    }
    if (rc && err)
        *err = *why;
    return rc;
}

int annotate__reply_feed(struct annotate__reply *r, const char *bytes, size_t n,
                         struct pk_err *err)
{
    const struct annotate__sse_to to = {take_event, r};
    struct pk_err why = {0};
    if (r->error[0])
        return 0;
    return settle(r, annotate__sse_feed(&r->sse, bytes, n, &to, &why), &why,
                  err);
}

int annotate__reply_end(struct annotate__reply *r, struct pk_err *err)
{
    const struct annotate__sse_to to = {take_event, r};
    struct pk_err why = {0};
    if (r->error[0])
        return 0;
    return settle(r, annotate__sse_end(&r->sse, &to, &why), &why, err);
}
