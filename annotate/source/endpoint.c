/* Asking an endpoint, and asking again. */
#include "annotate/source/endpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/source/curl.h"

#include "annotate/source/endpoint_error.h"
#include "annotate/source/reply.h"
#include "annotate/source/url.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/version.h"

#define TRIES     3 /* as openai-python: two after the first */
#define WAIT_MAX  120.0
#define ERROR_MAX ((size_t)64 << 10)

struct endpoint {
    struct annotate__source source;
    struct annotate__endpoint_names names;
    char *url, *base; /* of the completions; as it was given */
    struct curl_slist *headers;
    long stall;
};

struct call {
    struct endpoint *from;
    struct annotate__stream *stream;
    CURL *easy; /* NULL between two tries */
    char *body;
    struct annotate__reply reply;
    struct pk_buf refusal; /* a body that is no stream */
    bool begun, events;    /* the first bytes are there; they are a stream */
    bool ended;
    double heard; /* when something came last */
    CURLcode result;
    struct pk_err err; /* PK_EMEM in a callback */
};

/* ---- A request ----------------------------------------------------------- */

static cJSON *messages_of(const struct annotate__query *q)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < q->n_turns && list; i++) {
        cJSON *m = cJSON_CreateObject();
        char *text = pk_memdup0(q->turns[i].text, q->turns[i].len);
        bool ok = m && text &&
                  cJSON_AddStringToObject(m, "role", roles[q->turns[i].role]) &&
                  cJSON_AddStringToObject(m, "content", text);
        free(text);
        cJSON_AddItemToArray(list, m);
        if (!ok) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

/* Everything that a server could have a default for is said. */
static cJSON *body_of(const struct endpoint *e, const struct annotate__query *q)
{
    cJSON *j = cJSON_CreateObject(), *messages = messages_of(q), *options;
    bool ok = cJSON_AddStringToObject(j, "model", e->names.served) &&
              cJSON_AddItemToObject(j, "messages", messages) &&
              cJSON_AddNumberToObject(j, "temperature", q->temperature) &&
              cJSON_AddNumberToObject(j, "top_p", q->top_p) &&
              cJSON_AddNumberToObject(j, "max_tokens", (double)q->max_tokens) &&
              cJSON_AddNumberToObject(j, "seed", (double)q->seed) &&
              cJSON_AddTrueToObject(j, "stream") &&
              (options = cJSON_AddObjectToObject(j, "stream_options")) &&
              cJSON_AddTrueToObject(options, "include_usage");
    if (ok)
        return j;
    cJSON_Delete(j);
    return NULL;
}

static bool is_stream(CURL *easy)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    const char *type = NULL;
    curl->easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    return !type || (strncasecmp(type, "application/json", 16) != 0 &&
                     strncasecmp(type, "text/html", 9) != 0);
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct call *c = arg;
    long status = 0;
    c->heard = pk_now();
    if (!c->begun) {
        annotate__curl(NULL)->easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE,
                                           &status);
        c->events = status == 200 && is_stream(c->easy);
        c->begun = true;
    }
    n *= size;
    if (!c->events) { /* as much of it as a message may take */
        size_t room = ERROR_MAX - c->refusal.len;
        pk_buf_add(&c->refusal, bytes, n < room ? n : room);
        return n;
    }
    if (annotate__reply_feed(&c->reply, bytes, n, &c->err))
        return CURL_WRITEFUNC_ERROR;
    return c->reply.error[0] ? CURL_WRITEFUNC_ERROR : n;
}

static bool set_options(struct call *c, CURL *easy)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    const struct endpoint *e = c->from;
    unsigned bad = 0;
    bad |= curl->easy_setopt(easy, CURLOPT_URL, e->url);
    bad |= curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (annotate__loopback(e->url)) /* this machine needs no proxy */
        bad |= curl->easy_setopt(easy, CURLOPT_PROXY, "");
    bad |= curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    bad |= curl->easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    bad |= curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= curl->easy_setopt(easy, CURLOPT_USERAGENT, "prefkit/" PK_VERSION);
    bad |= curl->easy_setopt(easy, CURLOPT_HTTPHEADER, e->headers);
    bad |= curl->easy_setopt(easy, CURLOPT_POSTFIELDS, c->body);
    bad |= curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                             (curl_off_t)strlen(c->body));
    bad |= curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    bad |= curl->easy_setopt(easy, CURLOPT_WRITEDATA, c);
    bad |= curl->easy_setopt(easy, CURLOPT_PRIVATE, c);
    return bad == 0;
}

static void hang_up(struct call *c)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    if (!c->easy)
        return;
    curl->multi_remove_handle(annotate__hub_multi(c->from->source.hub),
                              c->easy);
    curl->easy_cleanup(c->easy);
    c->easy = NULL;
}

static int begin(struct call *c, struct pk_err *err)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    annotate__reply_release(&c->reply);
    annotate__reply_init(&c->reply, &c->stream->text);
    pk_buf_reset(&c->refusal);
    c->begun = c->events = c->ended = false;
    c->heard = pk_now();
    c->easy = curl->easy_init();
    if (!c->easy || !set_options(c, c->easy) ||
        curl->multi_add_handle(annotate__hub_multi(c->from->source.hub),
                               c->easy)) {
        curl->easy_cleanup(c->easy);
        c->easy = NULL;
        return pk_fail_mem(err, "a request");
    }
    c->stream->phase = ANNOTATE__WAITING;
    c->stream->trouble[0] = 0;
    return 0;
}

static void call_free(struct call *c)
{
    if (!c)
        return;
    hang_up(c);
    annotate__reply_release(&c->reply);
    pk_buf_release(&c->refusal);
    cJSON_free(c->body);
    free(c);
}

static int start(struct annotate__source *s, const struct annotate__query *q,
                 struct annotate__stream *out, struct pk_err *err)
{
    struct endpoint *e = (struct endpoint *)s;
    struct call *c = pk_calloc(1, sizeof *c);
    cJSON *body = body_of(e, q);
    out->record = cJSON_CreateObject();
    bool ok = c && body && out->record &&
              (c->body = cJSON_PrintUnformatted(body)) &&
              cJSON_AddStringToObject(out->record, "endpoint", e->base) &&
              cJSON_AddItemToObject(out->record, "request", body);
    if (!ok) {
        cJSON_Delete(body);
        call_free(c);
        return pk_fail_mem(err, "a request");
    }
    c->from = e;
    c->stream = out;
    c->refusal.max = ERROR_MAX;
    out->call = c;
    int rc = begin(c, err);
    if (rc) {
        call_free(c);
        out->call = NULL;
    }
    return rc;
}

/* ---- How it ended -------------------------------------------------------- */

static int keep(struct call *c, struct pk_err *err)
{
    cJSON *to = c->stream->record;
    struct annotate__reply *r = &c->reply;
    bool ok = cJSON_AddStringToObject(to, "finish_reason", r->finish);
    if (ok && r->model[0])
        ok = cJSON_AddStringToObject(to, "model", r->model);
    if (ok && r->reasoning)
        ok = cJSON_AddNumberToObject(to, "reasoning_bytes",
                                     (double)r->reasoning);
    if (ok && c->stream->tries > 1)
        ok = cJSON_AddNumberToObject(to, "tries", c->stream->tries);
    if (ok && r->usage) {
        ok = cJSON_AddItemToObject(to, "usage", r->usage);
        r->usage = NULL;
    }
    return ok ? 0 : pk_fail_mem(err, "a response");
}

static void broken(struct call *c, const char *why)
{
    c->stream->phase = ANNOTATE__BROKEN;
    annotate__endpoint_mask(&c->from->names, why, c->stream->trouble,
                            sizeof c->stream->trouble);
}

/* The seconds to wait before another try; negative: no other. */
static double pause_of(const struct call *c, bool may)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    struct curl_header *h;
    curl_off_t after = 0;
    if (!may || c->stream->tries >= TRIES)
        return -1;
    double wait = fmin(0.5 * (1 << (c->stream->tries - 1)), 8) *
                  (1 - 0.25 * annotate__hub_uniform(c->from->source.hub));
    if (curl->easy_header(c->easy, "retry-after-ms", 0, CURLH_HEADER, -1, &h) ==
        CURLHE_OK) {
        double ms = strtod(h->value, NULL);
        if (ms > 0)
            wait = ms / 1000;
    } else if (!curl->easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &after) &&
               after > 0) {
        wait = (double)after;
    }
    return wait <= WAIT_MAX ? wait : -1;
}

static bool worth_it(const struct call *c, long status)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    struct curl_header *h;
    if (c->stream->text.len)
        return false; /* something was shown: it cannot be taken back */
    if (!status)
        return annotate__endpoint_transient(c->easy, c->result);
    if (curl->easy_header(c->easy, "x-should-retry", 0, CURLH_HEADER, -1, &h) ==
        CURLHE_OK)
        return strcasecmp(h->value, "true") == 0;
    return status == 408 || status == 409 || status == 429 || status >= 500;
}

static void refused(struct call *c, long status)
{
    char why[512];
    if (status)
        annotate__endpoint_refusal(status, &c->from->names,
                                   c->refusal.data ? c->refusal.data : "",
                                   c->refusal.len, why, sizeof why);
    else
        annotate__endpoint_failure(c->easy, c->result, c->from->stall, why,
                                   sizeof why);
    double wait = pause_of(c, worth_it(c, status));
    broken(c, why);
    hang_up(c);
    if (wait < 0)
        return;
    c->stream->phase = ANNOTATE__RETRYING;
    c->stream->retry_at = pk_now() + wait;
}

static int settle(struct call *c, struct pk_err *err)
{
    struct annotate__reply *r = &c->reply;
    long status = 0;
    annotate__curl(NULL)->easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE,
                                       &status);
    if (c->err.code) {
        if (err)
            *err = c->err;
        return c->err.code;
    }
    if (!c->events && (c->result || status != 200)) {
        /* Cut off while it was refusing: the status is what counts. */
        refused(c, status != 200 ? status : 0);
        return 0;
    }
    if (!c->events) {
        annotate__endpoint_refusal(status, &c->from->names,
                                   c->refusal.data ? c->refusal.data : "",
                                   c->refusal.len, r->error, sizeof r->error);
        broken(c, r->error);
        return 0;
    }
    int rc = c->ended ? annotate__reply_end(r, err) : 0;
    if (rc)
        return rc;
    if (annotate__reply_whole(r)) {
        c->stream->phase =
            annotate__reply_cut(r) ? ANNOTATE__CUT : ANNOTATE__WHOLE;
        return keep(c, err);
    }
    if (r->error[0])
        broken(c, r->error);
    else if (c->result)
        refused(c, 0);
    else
        broken(c, "the stream ended before the response did");
    return 0;
}

static int pump(struct annotate__source *s, struct annotate__stream *stream,
                struct pk_err *err)
{
    struct call *c = stream->call;
    (void)s;
    if (!c->easy) {
        if (pk_now() < stream->retry_at)
            return 0;
        stream->tries++;
        return begin(c, err);
    }
    /* A generation takes as long as it takes, but not in silence. libcurl has
     * an average of seconds for that, which takes longer than it says. */
    stream->due = c->heard + (double)c->from->stall;
    if (!c->ended && pk_now() >= stream->due) {
        c->ended = true;
        c->result = CURLE_OPERATION_TIMEDOUT;
    }
    /* After [DONE] there is nothing to wait for, whatever the connection. */
    if (c->ended || (c->reply.done && annotate__reply_whole(&c->reply)))
        return settle(c, err);
    if (stream->text.len)
        stream->phase = ANNOTATE__WRITING;
    return 0;
}

static void stop(struct annotate__source *s, struct annotate__stream *stream)
{
    (void)s;
    call_free(stream->call);
}

int annotate__endpoint_perform(void *multi, struct pk_err *err)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    int left;
    CURLMsg *m;
    CURLMcode rc = curl->multi_perform(multi, &left);
    if (rc)
        return pk_fail(err, rc == CURLM_OUT_OF_MEMORY ? PK_EMEM : PK_EIO,
                       "libcurl: %s", curl->multi_strerror(rc));
    while ((m = curl->multi_info_read(multi, &left))) {
        struct call *c = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode result = m->data.result;
        curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
        c->ended = true;
        c->result = result;
    }
    return 0;
}

/* ---- Open, close --------------------------------------------------------- */

static void close_endpoint(struct annotate__source *s)
{
    const struct annotate__curl *curl = annotate__curl(NULL);
    struct endpoint *e = (struct endpoint *)s;
    curl->slist_free_all(e->headers);
    annotate__endpoint_names_release(&e->names);
    free(e->url);
    free(e->base);
    free(e);
}

static const struct annotate__source_kind kind = {start, pump, stop,
                                                  close_endpoint, NULL};

static bool add_header(struct endpoint *e, const char *text)
{
    struct curl_slist *more =
        annotate__curl(NULL)->slist_append(e->headers, text);
    if (more)
        e->headers = more;
    return more != NULL;
}

static int headers_of(struct endpoint *e, const char *key, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(8192);
    bool ok = add_header(e, "Content-Type: application/json") &&
              add_header(e, "Accept: text/event-stream") &&
              add_header(e, "Expect:");
    if (ok && key && *key) {
        for (const char *p = key; *p; p++)
            if (*p <= ' ' || *p > '~')
                return pk_fail(err, PK_EUSAGE,
                               "the key in $%s has a space or a character "
                               "that is not ASCII",
                               e->names.key_env);
        pk_buf_addf(&b, "Authorization: Bearer %s", key);
        ok = !b.failed && add_header(e, b.data);
    }
    pk_buf_release(&b);
    return ok ? 0 : pk_fail_mem(err, "a request");
}

int annotate__endpoint_open(struct annotate__source **out,
                            struct annotate__hub *h,
                            const struct annotate__endpoint_options *o,
                            struct pk_err *err)
{
    struct endpoint *e = pk_calloc(1, sizeof *e);
    *out = NULL;
    if (!e)
        return pk_fail_mem(err, "an endpoint");
    e->source = (struct annotate__source){&kind, h};
    e->stall = o->stall_seconds;
    int rc = annotate__endpoint_name(&e->names, o, &e->url, &e->base, err);
    if (!rc)
        rc = headers_of(e, o->key_env ? getenv(o->key_env) : NULL, err);
    if (rc) {
        close_endpoint(&e->source);
        return rc;
    }
    *out = &e->source;
    return 0;
}
