/* One row of `generate`; see row.h. */
#include "infer/generate/row.h"

#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "common/mem.h"
#include "common/sha256.h"
#include "common/version.h"
#include "infer/generate/generate.h"

int infer_row_new(struct infer_row **out, const char *line, size_t len,
                  struct pk_err *err)
{
    struct infer_row *r = pk_calloc(1, sizeof *r);
    *out = r;
    if (r && (r->line = pk_memdup0(line, len))) {
        r->len = len;
        return 0;
    }
    free(r);
    *out = NULL;
    return pk_fail_mem(err, "a row");
}

void infer_row_free(struct infer_row *r)
{
    if (!r)
        return;
    infer_ask_free(r->done);
    free(r->error);
    free(r->line);
    free(r);
}

/* ---- Asking -------------------------------------------------------------- */

/* What a row may hold of a prompt; exactly one is there. */
struct asked {
    const cJSON *messages, *prompt;
    const char *text;
};

static int read_asked(struct asked *a, const cJSON *row, struct pk_err *err)
{
    static const char *const ours[] = {"responses", "cut", "generation",
                                       "error"};
    if (!cJSON_IsObject(row))
        return pk_fail(err, PK_EDATA, "not a JSON object");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (cJSON_GetObjectItemCaseSensitive(row, ours[i]))
            return pk_fail(err, PK_EDATA, "the row has \"%s\" already",
                           ours[i]);
    *a = (struct asked){cJSON_GetObjectItemCaseSensitive(row, "messages"),
                        cJSON_GetObjectItemCaseSensitive(row, "prompt"), NULL};
    int rc = pk_json_str(row, "text", &a->text, err);
    if (!rc && !!a->messages + !!a->prompt + !!a->text != 1)
        rc = pk_fail(err, PK_EDATA,
                     "one of \"messages\", \"prompt\" and \"text\" is needed");
    return rc;
}

static int encode_dialogue(const struct asked *a, size_t positions,
                           size_t max_tokens, const struct infer_tokenizer *t,
                           struct infer_ids *out, size_t *dropped,
                           struct pk_err *err)
{
    struct infer_dialogue d = {0};
    int rc;
    const char *text = cJSON_GetStringValue(a->prompt);
    if (a->messages || cJSON_IsArray(a->prompt))
        rc =
            infer_dialogue_read(&d, a->messages ? a->messages : a->prompt, err);
    else if (text)
        rc = infer_dialogue_add(&d, INFER_USER, text, strlen(text), err);
    else
        rc = pk_fail(err, PK_EDATA, "\"prompt\" is not a string or a list");
    if (!rc)
        rc = infer_prompt_encode(t, d.msg, d.n, positions, max_tokens, out,
                                 dropped, err);
    infer_dialogue_release(&d);
    return rc;
}

/* Special tokens that it spells out are those tokens, as in a text that is
 * scored; one BOS is before it, also where it spells one out. */
static int encode_text(const char *text, const struct infer_tokenizer *t,
                       struct infer_ids *out, struct pk_err *err)
{
    const int32_t bos = infer_tokenizer_bos(t);
    struct infer_ids own = {0};
    int rc = infer_tokenizer_encode_marked(t, text, strlen(text), &own, err);
    bool told = own.len > 0 && own.id[0] == bos;
    if (rc == 0 && bos >= 0 && !told)
        rc = infer_ids_add(out, bos, err);
    for (size_t i = 0; i < own.len && rc == 0; i++)
        rc = infer_ids_add(out, own.id[i], err);
    infer_ids_release(&own);
    return rc;
}

int infer_row_ask(struct infer_row *r, struct infer_batch *b, size_t positions,
                  const struct infer_tokenizer *t,
                  const struct infer_request *q, size_t samples,
                  struct pk_err *err)
{
    cJSON *row;
    struct asked a = {0};
    struct infer_ids ids = {0};
    struct infer_request own = *q;
    own.stream = r->number << 20;
    int rc = pk_json_parse(&row, r->line, r->len, err);
    if (rc)
        return rc;
    rc = read_asked(&a, row, err);
    if (!rc)
        rc = a.text ? encode_text(a.text, t, &ids, err)
                    : encode_dialogue(&a, positions, q->max_tokens, t, &ids,
                                      &r->dropped, err);
    /* A text that is continued keeps the space before its next word. */
    const struct infer_asked ask = {.prompt = &ids,
                                    .fresh = !a.text || !*a.text,
                                    .request = &own,
                                    .samples = samples,
                                    .number = r->number,
                                    .arg = r};
    if (!rc)
        rc = infer_batch_ask(b, &ask, err);
    infer_ids_release(&ids);
    cJSON_Delete(row);
    return rc;
}

/* ---- Writing ------------------------------------------------------------- */

static int add_settings(struct infer_row_writer *w, const struct infer_model *m,
                        const char *print)
{
    const struct infer_sampling *s = &w->q->sampling;
    cJSON *o = w->settings = cJSON_CreateObject();
    bool ok =
        cJSON_AddStringToObject(o, "model", infer_model_dir(m)) &&
        cJSON_AddStringToObject(o, "fingerprint", print) &&
        cJSON_AddStringToObject(
            o, "precision",
            infer_precision_name(infer_model_weights(m)->precision)) &&
        !pk_json_add_num(o, "temperature", s->temperature) &&
        !pk_json_add_num(o, "top_p", s->top_p) &&
        !pk_json_add_int(o, "top_k", (long long)s->top_k) &&
        !pk_json_add_num(o, "repetition_penalty", s->repetition_penalty) &&
        !pk_json_add_int(o, "max_tokens", (long long)w->q->max_tokens) &&
        !pk_json_add_int(o, "seed", (long long)w->q->seed);
    cJSON *stop = ok ? cJSON_AddArrayToObject(o, "stop") : NULL;
    for (size_t i = 0; stop && i < w->q->n_stops; i++)
        ok =
            ok && cJSON_AddItemToArray(stop, cJSON_CreateString(w->q->stop[i]));
    return ok && stop ? 0 : PK_EMEM;
}

int infer_row_writer_init(struct infer_row_writer *w,
                          const struct infer_model *m,
                          const struct infer_request *q, uint64_t samples,
                          struct pk_err *err)
{
    char print[65];
    struct pk_sha256 *sha = NULL;
    *w = (struct infer_row_writer){.q = q,
                                   .out = PK_BUF_INIT(3 * PK_LINE_MAX),
                                   .half = PK_BUF_INIT(3 * PK_LINE_MAX),
                                   .value = PK_BUF_INIT(PK_LINE_MAX)};
    int rc = infer_model_fingerprint(m, print, err);
    if (!rc)
        rc = pk_sha256_new(&sha, err);
    char *text = NULL;
    if (!rc && (add_settings(w, m, print) ||
                !(text = cJSON_PrintUnformatted(w->settings))))
        rc = pk_fail_mem(err, "the settings");
    if (!rc) {
        pk_sha256_field(sha, PK_VERSION, strlen(PK_VERSION));
        pk_sha256_field(sha, text, strlen(text));
        pk_sha256_u64(sha, infer_model_config(m)->max_positions);
        pk_sha256_u64(sha, samples);
        pk_sha256_end(sha, w->identity);
        sha = NULL;
    }
    free(text);
    pk_sha256_free(sha);
    return rc;
}

void infer_row_writer_release(struct infer_row_writer *w)
{
    cJSON_Delete(w->settings);
    pk_buf_release(&w->out);
    pk_buf_release(&w->half);
    pk_buf_release(&w->value);
}

/* w->out = w->half with one more member; then that is the next half. */
static int splice(struct infer_row_writer *w, const char *key,
                  const char *value)
{
    pk_buf_reset(&w->out);
    int rc = pk_json_splice(&w->out, w->half.data, w->half.len, key, value);
    pk_buf_reset(&w->half);
    return rc ? rc : pk_buf_add(&w->half, w->out.data, w->out.len);
}

static int splice_list(struct infer_row_writer *w, const char *key,
                       const struct infer_row *r,
                       void (*add)(struct pk_buf *b,
                                   const struct infer_response *a))
{
    pk_buf_reset(&w->value);
    for (size_t k = 0; k < r->done->samples; k++) {
        pk_buf_addc(&w->value, k ? ',' : '[');
        add(&w->value, &r->done->response[k]);
    }
    pk_buf_addc(&w->value, ']');
    return w->value.failed ? w->value.failed : splice(w, key, w->value.data);
}

static void add_text(struct pk_buf *b, const struct infer_response *a)
{
    pk_json_quote(b, a->text, a->len);
}

static void add_cut(struct pk_buf *b, const struct infer_response *a)
{
    pk_buf_adds(b, a->finish == INFER_FINISH_LENGTH ? "true" : "false");
}

static int splice_generation(struct infer_row_writer *w,
                             const struct infer_row *r)
{
    cJSON *o = cJSON_Duplicate(w->settings, true);
    bool ok = o && !pk_json_add_int(o, "row", (long long)r->number) &&
              !pk_json_add_int(o, "prompt_tokens",
                               (long long)r->done->response[0].prompt_tokens);
    if (ok && r->dropped)
        ok = !pk_json_add_int(o, "dropped_exchanges", (long long)r->dropped);
    cJSON *tokens = ok ? cJSON_AddArrayToObject(o, "tokens") : NULL;
    cJSON *finish = tokens ? cJSON_AddArrayToObject(o, "finish") : NULL;
    ok = finish != NULL;
    for (size_t k = 0; ok && k < r->done->samples; k++) {
        const struct infer_response *a = &r->done->response[k];
        ok = cJSON_AddItemToArray(tokens,
                                  cJSON_CreateNumber((double)a->tokens)) &&
             cJSON_AddItemToArray(
                 finish, cJSON_CreateString(infer_finish_name(a->finish)));
    }
    char *text = ok ? cJSON_PrintUnformatted(o) : NULL;
    int rc = text ? splice(w, "generation", text) : PK_EMEM;
    cJSON_free(text);
    cJSON_Delete(o);
    return rc;
}

/* The row with its "error", or that alone where it is no object or has one. */
static int splice_error(struct infer_row_writer *w, const struct infer_row *r)
{
    cJSON *row;
    bool whole = pk_json_parse(&row, r->line, r->len, NULL) == 0 &&
                 cJSON_IsObject(row) &&
                 !cJSON_GetObjectItemCaseSensitive(row, "error");
    cJSON_Delete(row);
    pk_buf_reset(&w->value);
    pk_json_quote_reason(&w->value, r->error);
    if (w->value.failed)
        return w->value.failed;
    if (whole)
        return splice(w, "error", w->value.data);
    pk_buf_reset(&w->out);
    return pk_buf_addf(&w->out, "{\"error\":%s,\"line\":%llu}", w->value.data,
                       (unsigned long long)r->number);
}

int infer_row_write(struct infer_row_writer *w, const struct infer_row *r,
                    struct pk_err *err)
{
    pk_buf_reset(&w->half);
    int rc = pk_buf_add(&w->half, r->line, r->len);
    if (!rc && r->error)
        rc = splice_error(w, r);
    if (!rc && !r->error)
        rc = splice_list(w, "responses", r, add_text);
    if (!rc && !r->error)
        rc = splice_list(w, "cut", r, add_cut);
    if (!rc && !r->error)
        rc = splice_generation(w, r);
    if (!rc)
        rc = pk_buf_addc(&w->out, '\n');
    return rc ? pk_fail(err, rc, "line %llu: no room for the row",
                        (unsigned long long)r->number)
              : 0;
}
