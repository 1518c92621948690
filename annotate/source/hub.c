/* One wait for everything. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "annotate/source/curl.h"
#include "annotate/source/endpoint.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"

#define MOST    8  /* streams at once */
#define SOURCES 16 /* awaited at once */

struct annotate__hub {
    const struct annotate__curl *curl;
    CURLM *multi;
    int pipe[2];
    struct annotate__stream *running[MOST];
    size_t n;
    struct annotate__source *awaited[SOURCES];
    size_t n_awaited;
    double told; /* when a wait last said that something changed */
    struct pk_rng rng;
};

void annotate__stream_init(struct annotate__stream *s)
{
    *s = (struct annotate__stream){.text.max = ANNOTATE__TEXT_MAX};
}

void annotate__stream_release(struct annotate__stream *s)
{
    pk_buf_release(&s->text);
    cJSON_Delete(s->record);
    annotate__stream_init(s);
}

int annotate__hub_open(struct annotate__hub **out, struct pk_err *err)
{
    struct annotate__hub *h = pk_calloc(1, sizeof *h);
    uint64_t seed = 0;
    *out = NULL;
    if (!h)
        return pk_fail_mem(err, "the streams");
    h->pipe[0] = h->pipe[1] = -1;
    const struct annotate__curl *curl = h->curl = annotate__curl(err);
    int rc = curl ? 0 : PK_EIO;
    if (!rc && (curl->global_init(CURL_GLOBAL_DEFAULT) ||
                !(h->multi = curl->multi_init())))
        rc = pk_fail_mem(err, "libcurl");
    if (!rc && pipe2(h->pipe, O_NONBLOCK | O_CLOEXEC))
        rc = pk_fail_errno(err, "cannot make a pipe");
    if (rc) {
        annotate__hub_close(h);
        return rc;
    }
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint64_t)getpid();
    pk_rng_seed(&h->rng, seed, 0);
    *out = h;
    return 0;
}

void annotate__hub_close(struct annotate__hub *h)
{
    if (!h)
        return;
    if (h->curl && h->multi)
        h->curl->multi_cleanup(h->multi);
    for (int i = 0; i < 2; i++)
        if (h->pipe[i] >= 0)
            close(h->pipe[i]);
    if (h->curl)
        h->curl->global_cleanup();
    free(h);
}

void *annotate__hub_multi(struct annotate__hub *h)
{
    return h->multi;
}

double annotate__hub_uniform(struct annotate__hub *h)
{
    return pk_rng_uniform(&h->rng);
}

void annotate__hub_wake(struct annotate__hub *h)
{
    /* A full pipe will wake it just as well. */
    (void)!write(h->pipe[1], "", 1);
}

void annotate__hub_await(struct annotate__hub *h, struct annotate__source *s)
{
    if (h->n_awaited < SOURCES) /* else its streams will say what there is */
        h->awaited[h->n_awaited++] = s;
}

bool annotate__hub_ready(const struct annotate__hub *h)
{
    return h->n_awaited == 0;
}

bool annotate__hub_busy(const struct annotate__hub *h)
{
    return h->n > 0 || h->n_awaited > 0;
}

/* Has one of those that are awaited come, or failed to? */
static int look_out(struct annotate__hub *h, struct pk_err *err)
{
    for (size_t i = h->n_awaited; i-- > 0;) {
        int rc = h->awaited[i]->kind->ready(h->awaited[i], err);
        if (rc > 0)
            continue;
        h->awaited[i] = h->awaited[--h->n_awaited];
        if (rc)
            return rc;
    }
    return 0;
}

int annotate__hub_start(struct annotate__hub *h, struct annotate__source *from,
                        const struct annotate__query *q,
                        struct annotate__stream *s, struct pk_err *err)
{
    annotate__stream_release(s);
    if (h->n == MOST)
        return pk_fail(err, PK_EBUG, "more than %d streams", MOST);
    s->source = from;
    s->phase = ANNOTATE__WAITING;
    s->tries = 1;
    int rc = from->kind->start(from, q, s, err);
    if (!rc && annotate__running(s))
        h->running[h->n++] = s;
    return rc;
}

static void forget(struct annotate__hub *h, size_t i)
{
    struct annotate__stream *s = h->running[i];
    s->source->kind->stop(s->source, s);
    s->call = NULL;
    h->running[i] = h->running[--h->n];
}

void annotate__hub_stop(struct annotate__hub *h, struct annotate__stream *s)
{
    for (size_t i = 0; i < h->n; i++) {
        if (h->running[i] != s)
            continue;
        forget(h, i);
        s->phase = s->text.len ? ANNOTATE__CUT : ANNOTATE__BROKEN;
        snprintf(s->trouble, sizeof s->trouble, "%s",
                 s->text.len ? "" : "it was stopped before it began");
        if (s->record)
            cJSON_AddBoolToObject(s->record, "stopped", true);
        return;
    }
}

/* Pump every stream; those that have ended are forgotten. */
static int pump(struct annotate__hub *h, bool *changed, struct pk_err *err)
{
    for (size_t i = h->n; i-- > 0;) {
        struct annotate__stream *s = h->running[i];
        enum annotate__phase was = s->phase;
        int rc = s->source->kind->pump(s->source, s, err);
        if (rc)
            return rc;
        *changed |= s->phase != was || s->text.len != s->told;
        s->told = s->text.len;
        if (!annotate__running(s))
            forget(h, i);
    }
    return 0;
}

/* How long, at most: until the next retry, or a second where one is counted. */
static double until(const struct annotate__hub *h, double now, double seconds)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct annotate__stream *s = h->running[i];
        if (s->phase != ANNOTATE__WRITING)
            seconds = fmin(seconds, h->told + 1 - now);
        if (s->phase == ANNOTATE__RETRYING)
            seconds = fmin(seconds, s->retry_at - now);
        else if (s->due > 0)
            seconds = fmin(seconds, s->due - now);
    }
    return fmax(seconds, 0);
}

static bool counting(const struct annotate__hub *h, double now)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->running[i]->phase != ANNOTATE__WRITING)
            return now >= h->told + 1;
    return false;
}

int annotate__hub_wait(struct annotate__hub *h, int fd, double seconds,
                       bool *changed, struct pk_err *err)
{
    char drain[64];
    struct curl_waitfd extra[2] = {
        {.fd = h->pipe[0], .events = CURL_WAIT_POLLIN},
        {.fd = fd, .events = CURL_WAIT_POLLIN}};
    *changed = false;
    double ms = ceil(until(h, pk_now(), seconds) * 1000);
    CURLMcode rc =
        h->curl->multi_poll(h->multi, extra, fd >= 0 ? 2 : 1, (int)ms, NULL);
    if (rc)
        return pk_fail(err, rc == CURLM_OUT_OF_MEMORY ? PK_EMEM : PK_EIO,
                       "libcurl: %s", h->curl->multi_strerror(rc));
    while (read(h->pipe[0], drain, sizeof drain) > 0)
        ;
    int failed = annotate__endpoint_perform(h->multi, err);
    if (!failed)
        failed = look_out(h, err);
    if (!failed)
        failed = pump(h, changed, err);
    double now = pk_now();
    *changed |= counting(h, now);
    if (*changed)
        h->told = now;
    return failed ? failed : fd >= 0 && extra[1].revents;
}
