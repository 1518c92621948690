/* Requests and replies over libmicrohttpd: one thread, no client of which waits
 * for another. A request's body is collected, parsed and tokenized; then its
 * connection is suspended until its texts are scored.
 *
 * A request that is refused is still read to its end (as long as it is not
 * longer than any that is taken), so that the client gets to read why. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/num.h"
#include "common/progress.h"
#include "rm/score/row.h"
#include "rm/serve/mhd.h"
#include "rm/serve/server.h"

/* All bodies in memory at a time, in times the longest one. */
enum { BODIES = 16 };

struct exchange {
    struct rm_server *s;
    struct MHD_Connection *c;
    const struct rm_shape *shape;
    void (*tell)(struct rm_server *s, struct pk_buf *out); /* what GET asks */
    struct pk_buf body;
    size_t seen; /* bytes of the body, kept or not */
    struct rm_ask ask;
    bool accepted; /* it is, or has been, in the queue */
    double whole;  /* when its last byte came */

    unsigned status; /* 0: no reply yet */
    char why[512];
    unsigned retry; /* seconds, for 503 */
};

/* ---- Replies ------------------------------------------------------------- */

static enum MHD_Result reply(struct exchange *x, unsigned status,
                             const char *type, struct pk_buf *text)
{
    const struct rm_mhd *mhd = x->s->mhd;
    size_t n = text->len;
    char *data = pk_buf_take(text);
    struct MHD_Response *r =
        data ? mhd->create_response_from_buffer(n, data, MHD_RESPMEM_MUST_FREE)
             : NULL;
    if (!r) {
        free(data);
        return MHD_NO;
    }
    char seconds[16];
    mhd->add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_UNAUTHORIZED)
        mhd->add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        snprintf(seconds, sizeof seconds, "%u", x->retry ? x->retry : 1);
        mhd->add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        mhd->add_response_header(r, MHD_HTTP_HEADER_ALLOW,
                                 x->tell ? "GET, HEAD" : "POST");
    if (x->s->draining)
        mhd->add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    rm_count_reply(x->s, x->shape, status);
    enum MHD_Result ok = mhd->queue_response(x->c, status, r);
    mhd->destroy_response(r);
    return ok;
}

/* An error as OpenAI's and vLLM's clients know it. */
static enum MHD_Result reply_error(struct exchange *x)
{
    struct pk_buf b = PK_BUF_INIT((size_t)1 << 16);
    const char *type = x->status == 404   ? "NotFoundError"
                       : x->status == 401 ? "AuthenticationError"
                       : x->status == 503 ? "OverloadedError"
                       : x->status >= 500 ? "InternalServerError"
                                          : "BadRequestError";
    pk_buf_adds(&b, "{\"error\":{\"message\":");
    pk_json_quote_reason(&b, x->why);
    pk_buf_addf(&b, ",\"type\":\"%s\",\"param\":null,\"code\":%u}}\n", type,
                x->status);
    enum MHD_Result ok =
        b.failed ? MHD_NO : reply(x, x->status, "application/json", &b);
    pk_buf_release(&b);
    return ok;
}

/* The reply will be this, once the request has been read. */
static void PK_PRINTF(3, 4)
    refuse(struct exchange *x, unsigned status, const char *fmt, ...)
{
    va_list ap;
    if (x->status)
        return;
    x->status = status;
    va_start(ap, fmt);
    vsnprintf(x->why, sizeof x->why, fmt, ap);
    va_end(ap);
}

/* Full: come again when the queue will have been worked off. */
static void refuse_later(struct exchange *x)
{
    x->retry = rm_queue_wait_seconds(x->s->queue);
    refuse(x, 503,
           "the server has as much to do as it takes on: try again "
           "later");
}

/* ---- The beginning of a request ------------------------------------------ */

/* In a time that tells nothing but the length of the secret. */
static bool same_secret(const char *secret, const char *given)
{
    size_t n = strlen(secret), g = strlen(given);
    unsigned char differ = n != g;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned char)(secret[i] ^ given[i % (g + 1)]);
    return differ == 0;
}

static bool token_fits(const struct rm_server *s, struct MHD_Connection *c)
{
    static const char scheme[] = "Bearer ";
    const size_t n = sizeof scheme - 1;
    const char *given = s->mhd->lookup_connection_value(
        c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!s->o->token)
        return true;
    if (!given || strncasecmp(given, scheme, n) != 0)
        return false;
    return same_secret(s->o->token, given + n);
}

static void route(struct exchange *x, const char *path, const char *method)
{
    static const struct {
        const char *path;
        void (*tell)(struct rm_server *, struct pk_buf *);
    } told[] = {{"/health", rm_write_health},
                {"/metrics", rm_write_metrics},
                {"/v1/models", rm_write_models}};
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(path, told[i].path) == 0)
            x->tell = told[i].tell;
    x->shape = rm_shape_at(path);
    if (!x->tell && !x->shape)
        refuse(x, 404, "there is nothing at %.100s", path);
    else if (x->tell ? !get : strcmp(method, "POST") != 0)
        refuse(x, 405, "%.100s takes %s", path, x->tell ? "GET" : "POST");
}

/* What can be said before the body has come. */
static void look(struct exchange *x, const char *path, const char *method)
{
    struct rm_server *s = x->s;
    uint64_t length = 0;
    const char *said = s->mhd->lookup_connection_value(
        x->c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    route(x, path, method);
    if (x->tell != rm_write_health && !token_fits(s, x->c)) {
        x->status = 0; /* who has no token is told nothing else */
        refuse(x, 401, "a bearer token is needed");
    }
    if (said && pk_parse_u64(said, 0, UINT64_MAX, &length) &&
        length > s->o->body_bytes)
        refuse(x, 413, "a request has at most %zu bytes here",
               s->o->body_bytes);
    if (x->shape && s->draining)
        refuse(x, 503, "the server is ending");
    if (x->shape && s->held + length > BODIES * s->o->body_bytes)
        refuse_later(x);
}

static enum MHD_Result begin(struct rm_server *s, struct MHD_Connection *c,
                             const char *path, const char *method, void **slot)
{
    struct exchange *x = pk_calloc(1, sizeof *x);
    if (!x)
        return MHD_NO;
    *slot = x;
    x->s = s;
    x->c = c;
    x->body.max = s->o->body_bytes;
    rm_ask_init(&x->ask, s->scorer);
    x->ask.reward = s->combine.name[0] ? &s->reward : NULL;
    look(x, path, method);
    /* A client that asks first need not send. */
    return x->status && s->mhd->lookup_connection_value(c, MHD_HEADER_KIND,
                                                        MHD_HTTP_HEADER_EXPECT)
               ? reply_error(x)
               : MHD_YES;
}

static enum MHD_Result take_body(struct exchange *x, const char *data, size_t n)
{
    struct rm_server *s = x->s;
    x->seen += n;
    if (!x->status && x->seen > s->o->body_bytes)
        refuse(x, 413, "a request has at most %zu bytes here",
               s->o->body_bytes);
    if (!x->status && s->held + n > BODIES * s->o->body_bytes)
        refuse_later(x);
    if (!x->status && pk_buf_add(&x->body, data, n) < 0)
        refuse(x, 500, "out of memory for the request");
    if (!x->status) {
        s->held += n;
    } else {
        s->held -= x->body.len;
        pk_buf_release(&x->body);
        x->body.len = 0;
    }
    /* Nobody reads to the end of what never ends. */
    return x->seen > 4 * s->o->body_bytes ? MHD_NO : MHD_YES;
}

/* ---- The end of a request ------------------------------------------------ */

/* From the scoring thread. */
static void resume(void *arg)
{
    struct exchange *x = arg;
    x->s->mhd->resume_connection(x->c);
}

static enum MHD_Result reply_scores(struct exchange *x)
{
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 4);
    struct pk_err err = {0};
    if (x->ask.failed.code)
        refuse(x, 500, "%s", x->ask.failed.text);
    else if (rm_ask_combine(&x->ask, &err) < 0 ||
             x->shape->write(&x->ask, &b, &err) < 0)
        refuse(x, 500, "%s", err.text);
    rm_count_asked(x->s, &x->ask, pk_now() - x->whole);
    enum MHD_Result ok =
        x->status ? reply_error(x) : reply(x, 200, x->shape->type, &b);
    pk_buf_release(&b);
    return ok;
}

static void read_request(struct exchange *x)
{
    struct pk_err err = {0};
    x->ask.id = x->s->next_id++;
    x->ask.named = x->s->mhd->lookup_connection_value(
        x->c, MHD_GET_ARGUMENT_KIND, "model");
    const char *body = x->body.data ? x->body.data : "";
    x->shape = rm_shape_of(x->shape, body, x->body.len);
    int rc = x->shape->read(&x->ask, body, x->body.len, &err);
    if (rc)
        refuse(x,
               rc == PK_ENO     ? 404
               : rc == PK_EDATA ? 400
                                : 500,
               "%s", err.text);
}

/* Into the queue, and the connection sleeps until the scores are there. */
static enum MHD_Result enqueue(struct exchange *x)
{
    struct rm_server *s = x->s;
    x->accepted = true;
    s->open++; /* before the queue is asked: it may close at any time */
    switch (rm_queue_reserve(s->queue, &x->ask)) {
    case RM_ROOM:
        x->ask.done = resume;
        x->ask.arg = x;
        s->mhd->suspend_connection(x->c);
        rm_queue_put(s->queue, &x->ask);
        return MHD_YES;
    case RM_ROOM_LATER:
        refuse_later(x);
        break;
    case RM_ROOM_NEVER:
        refuse(x, 413,
               "%zu texts with %llu tokens are more than the server takes at a "
               "time (%zu, %zu): send fewer",
               x->ask.texts, (unsigned long long)x->ask.tokens,
               s->o->limits.texts, s->o->limits.tokens);
        break;
    default:
        refuse(x, 503, "the server is ending");
    }
    return reply_error(x);
}

static enum MHD_Result answer(struct exchange *x)
{
    struct pk_buf b = PK_BUF_INIT((size_t)1 << 20);
    x->whole = pk_now();
    if (!x->status && x->shape)
        read_request(x);
    if (x->status)
        return reply_error(x);
    if (x->shape)
        return x->ask.texts ? enqueue(x) : reply_scores(x);
    x->tell(x->s, &b);
    bool ill = x->tell == rm_write_health && x->s->draining;
    enum MHD_Result ok =
        b.failed ? MHD_NO
                 : reply(x, ill ? 503 : 200,
                         x->tell == rm_write_metrics
                             ? "text/plain; version=0.0.4; charset=utf-8"
                             : "application/json",
                         &b);
    pk_buf_release(&b);
    return ok;
}

/* ---- What libmicrohttpd calls -------------------------------------------- */

static enum MHD_Result handle(void *arg, struct MHD_Connection *c,
                              const char *path, const char *method,
                              const char *version, const char *data, size_t *n,
                              void **slot)
{
    struct exchange *x = *slot;
    (void)version;
    if (!x)
        return begin(arg, c, path, method, slot);
    if (*n) {
        size_t got = *n;
        *n = 0;
        return take_body(x, data, got);
    }
    return x->accepted ? reply_scores(x) : answer(x);
}

static void completed(void *arg, struct MHD_Connection *c, void **slot,
                      enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *slot;
    (void)arg;
    (void)c;
    (void)why;
    if (!x)
        return;
    x->s->held -= x->body.len;
    x->s->open -= x->accepted;
    rm_ask_release(&x->ask);
    pk_buf_release(&x->body);
    free(x);
    *slot = NULL;
}

int rm_http_start(struct MHD_Daemon **out, struct rm_server *s, int socket,
                  struct pk_err *err)
{
    *out = s->mhd->start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC,
        0, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET, socket,
        MHD_OPTION_NOTIFY_COMPLETED, completed, s,
        MHD_OPTION_CONNECTION_TIMEOUT, s->o->idle_seconds,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->o->connections,
        MHD_OPTION_END);
    if (*out)
        return 0;
    close(socket);
    return pk_fail(err, PK_EIO, "the HTTP server cannot be started");
}
