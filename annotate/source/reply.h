/* Private to annotate/: a chat completion as it streams in, in the chunks of
 * OpenAI's API as llama.cpp, vLLM, Ollama and TGI write them.
 *
 * A reply is whole only when a finish_reason has been seen and no error.
 * [DONE] alone proves nothing: vLLM may write it after an aborted reply. */
#ifndef PREFKIT_ANNOTATE_SOURCE_REPLY_H
#define PREFKIT_ANNOTATE_SOURCE_REPLY_H

#include <cjson/cJSON.h>

#include "annotate/source/sse.h"

#define ANNOTATE__REPLY_MAX ((size_t)16 << 20) /* bytes of text */

struct annotate__reply {
    struct annotate__sse sse;
    struct pk_buf *text; /* the caller's: what is said is appended */
    size_t reasoning;    /* bytes of thought, which are none of the text */
    char finish[32];     /* finish_reason, "" before it */
    char model[160];     /* as the server names it */
    char error[400];     /* "" as long as all is well; printable */
    cJSON *usage;        /* owned, or NULL */
    bool done;           /* [DONE] */
};

void annotate__reply_init(struct annotate__reply *r, struct pk_buf *text);
void annotate__reply_release(struct annotate__reply *r);

/* Bytes of the body. What is wrong with them is in r->error, after which the
 * rest is ignored; the result is 0 or PK_EMEM. */
PK_NODISCARD int annotate__reply_feed(struct annotate__reply *r,
                                      const char *bytes, size_t n,
                                      struct pk_err *err);
PK_NODISCARD int annotate__reply_end(struct annotate__reply *r,
                                     struct pk_err *err);

static inline bool annotate__reply_whole(const struct annotate__reply *r)
{
    return r->finish[0] && !r->error[0];
}

/* Was it stopped before its end, by a limit or a filter? */
bool annotate__reply_cut(const struct annotate__reply *r);

/* The message of an error body, whichever server's shape it has, printable and
 * on one line; of a body that is none of them, its beginning. */
void annotate__reply_error(const char *body, size_t n, char *out, size_t size);

#endif
