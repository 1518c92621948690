/* A response's text as its tokens come: valid UTF-8, and nothing that a stop
 * string could yet take back. */
#ifndef PREFKIT_INFER_GENERATE_STREAM_H
#define PREFKIT_INFER_GENERATE_STREAM_H

#include "common/buf.h"
#include "infer/text/tokenizer.h"

struct infer_stream {
    const struct infer_tokenizer *t;
    const char *const *stop; /* borrowed */
    size_t n_stops;
    struct tokenizer_text state;
    struct pk_buf text;
    size_t sure;  /* bytes of text that will stay */
    bool stopped; /* a stop string came; the text ends before it */
};

/* `fresh`: the response begins a text, and its first piece's leading space is
 * none of it. Release with infer_stream_release; may be started again. */
void infer_stream_start(struct infer_stream *s, const struct infer_tokenizer *t,
                        bool fresh, const char *const *stop, size_t n_stops);
PK_NODISCARD int infer_stream_add(struct infer_stream *s, int32_t id,
                                  struct pk_err *err);
/* Nothing follows: what was held back is text after all. */
PK_NODISCARD int infer_stream_end(struct infer_stream *s, struct pk_err *err);
void infer_stream_release(struct infer_stream *s);

#endif
