/* Private to annotate/: where responses come from, and the one place where a
 * live dialogue waits: for keys, for bytes from servers, for a local model's
 * thread.
 *
 * A source is a model variant, behind an endpoint (endpoint.h) or in a
 * directory (local.h). A stream is one response on its way from it. All calls
 * belong to one thread but annotate__hub_wake. */
#ifndef PREFKIT_ANNOTATE_SOURCE_SOURCE_H
#define PREFKIT_ANNOTATE_SOURCE_SOURCE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "prefdb/prefdb.h"

enum annotate__phase {
    ANNOTATE__UNASKED,
    ANNOTATE__WAITING,  /* asked; nothing has come yet */
    ANNOTATE__RETRYING, /* refused for now, to be asked again at retry_at */
    ANNOTATE__WRITING,
    ANNOTATE__WHOLE,
    ANNOTATE__CUT,   /* ended before its end: by a limit, or by the annotator */
    ANNOTATE__BROKEN /* never to be rated */
};

struct annotate__query {
    const struct prefdb_turn *turns; /* root first, the user's last */
    size_t n_turns;
    double temperature, top_p;
    int64_t seed;
    size_t max_tokens;
};

struct annotate__source;

struct annotate__stream {
    enum annotate__phase phase;
    struct pk_buf text;
    char
        trouble[512]; /* RETRYING and BROKEN: why, printable; no model's name */
    double retry_at;  /* on the clock of pk_now */
    unsigned tries;
    cJSON *record; /* what is kept beside the response: the request that was
                      really sent, how it ended */
    struct annotate__source *source;
    void *call;  /* the source's, while the stream runs */
    double due;  /* when it is to be pumped though nothing comes, or 0 */
    size_t told; /* bytes of text that a wait has reported (hub.c) */
};

#define ANNOTATE__TEXT_MAX ((size_t)16 << 20)

void annotate__stream_init(struct annotate__stream *s);
void annotate__stream_release(
    struct annotate__stream *s); /* not a running one */

static inline bool annotate__running(const struct annotate__stream *s)
{
    return s->phase == ANNOTATE__WAITING || s->phase == ANNOTATE__RETRYING ||
           s->phase == ANNOTATE__WRITING;
}

struct annotate__source_kind {
    /* What cannot be asked for makes a stream BROKEN; only PK_EMEM and the
     * like are errors. */
    int (*start)(struct annotate__source *, const struct annotate__query *,
                 struct annotate__stream *, struct pk_err *err);
    /* Take over what has come since. */
    int (*pump)(struct annotate__source *, struct annotate__stream *,
                struct pk_err *err);
    /* Give the call up; the stream keeps its text and its phase. */
    void (*stop)(struct annotate__source *, struct annotate__stream *);
    void (*close)(struct annotate__source *);
    /* For annotate__hub_await, else NULL: 1 not yet, 0 it is ready, or why it
     * never will be. */
    int (*ready)(struct annotate__source *, struct pk_err *err);
};

/* The first member of every source. */
struct annotate__source {
    const struct annotate__source_kind *kind;
    struct annotate__hub *hub;
};

/* ---- The hub ------------------------------------------------------------- */

struct annotate__hub;

PK_NODISCARD int annotate__hub_open(struct annotate__hub **out,
                                    struct pk_err *err);
void annotate__hub_close(struct annotate__hub *h); /* no stream runs */

PK_NODISCARD int annotate__hub_start(struct annotate__hub *h,
                                     struct annotate__source *from,
                                     const struct annotate__query *q,
                                     struct annotate__stream *s,
                                     struct pk_err *err);

/* The annotator has seen enough: what there is is CUT, nothing is BROKEN. */
void annotate__hub_stop(struct annotate__hub *h, struct annotate__stream *s);

/* A source that its room still makes ready: the hub is busy until it is, and a
 * wait returns why it never will be. Its `ready` wakes the hub. */
void annotate__hub_await(struct annotate__hub *h, struct annotate__source *s);
bool annotate__hub_ready(const struct annotate__hub *h); /* all of them are */

/* Streams run, or sources are awaited. */
bool annotate__hub_busy(const struct annotate__hub *h);

/* Wait until `fd` (or -1) can be read, a stream has changed or `seconds` have
 * passed: 1 in the first case. *changed: there is something new to show, which
 * a second of waiting for a server is too. */
PK_NODISCARD int annotate__hub_wait(struct annotate__hub *h, int fd,
                                    double seconds, bool *changed,
                                    struct pk_err *err);

/* From any thread: a wait that is under way ends, and streams are pumped. */
void annotate__hub_wake(struct annotate__hub *h);

void *annotate__hub_multi(struct annotate__hub *h);    /* libcurl's CURLM */
double annotate__hub_uniform(struct annotate__hub *h); /* [0, 1) */

#endif
