/* A dialogue cut into exchanges, and the formats that spell one. Private to
 * infer. */
#ifndef PREFKIT_INFER_TEXT_CHAT_H
#define PREFKIT_INFER_TEXT_CHAT_H

#include "common/buf.h"
#include "infer/infer.h"

/* A user turn and the answer to it (NULL: not answered yet). */
struct chat_exchange {
    const struct infer_message *user, *answer;
};

struct chat_dialogue {
    const struct infer_tokenizer *t;
    const struct infer_message *system; /* NULL: none */
    struct chat_exchange *exchange;
    size_t n;
    bool closed; /* the last answer has its end */
};

/* Append exchange i; `first`: it opens the dialogue, with the system text if
 * there is one. */
struct chat_format {
    const char *name, *jinja;
    const char *const *tags; /* what a text must not hold; NULL at the end */
    int (*exchange)(const struct chat_dialogue *d, size_t i, bool first,
                    struct infer_ids *out, struct pk_err *err);
};

extern const struct chat_format infer_chat_llama2, infer_chat_llama3;

/* Text without white space at its ends (what Python's str.strip takes off). */
void infer_chat_add_stripped(struct pk_buf *b, const char *s, size_t n);

#endif
