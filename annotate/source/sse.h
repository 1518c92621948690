/* Private to annotate/: server-sent events, as the WHATWG's HTML standard
 * parses them (9.2.6), with one thing of llama.cpp's: its servers before
 * September 2025 report a failure in a field called `error` instead of `data`.
 *
 * Bytes come in pieces of any size. An event that the stream's end cuts off is
 * none, but for an `error`. */
#ifndef PREFKIT_ANNOTATE_SOURCE_SSE_H
#define PREFKIT_ANNOTATE_SOURCE_SSE_H

#include <stdbool.h>

#include "common/buf.h"

#define ANNOTATE__SSE_MAX ((size_t)1 << 20) /* bytes of one event */

struct annotate__sse {
    struct pk_buf line, data;
    bool after_cr; /* a \n now belongs to the line end before it */
    bool begun;    /* the first line has been seen: no BOM from here on */
    bool has_data, error;
};

/* What each event is handed to; another result than 0 ends the feeding, and is
 * its result. `data` is NUL-terminated too. */
struct annotate__sse_to {
    int (*event)(void *arg, const char *data, size_t len, bool error,
                 struct pk_err *err);
    void *arg;
};

void annotate__sse_init(struct annotate__sse *p);
void annotate__sse_release(struct annotate__sse *p);

/* PK_EDATA for an event longer than ANNOTATE__SSE_MAX; PK_EMEM. */
PK_NODISCARD int annotate__sse_feed(struct annotate__sse *p, const char *bytes,
                                    size_t n, const struct annotate__sse_to *to,
                                    struct pk_err *err);
/* There is no more. */
PK_NODISCARD int annotate__sse_end(struct annotate__sse *p,
                                   const struct annotate__sse_to *to,
                                   struct pk_err *err);

#endif
