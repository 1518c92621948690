/* Private to batch*.c: a batch at work. */
#ifndef PREFKIT_INFER_GENERATE_BATCH_STATE_H
#define PREFKIT_INFER_GENERATE_BATCH_STATE_H

#include "common/rng.h"
#include "infer/generate/batch.h"
#include "infer/generate/decode.h"
#include "infer/generate/stream.h"

/* One response under way. */
struct infer_voice {
    struct infer_ask *ask;
    struct infer_response *out;
    struct pk_rng rng;
    struct infer_span *span;
    struct infer_stream stream;
    unsigned char *seen; /* (V) */
    size_t told;         /* bytes of text that the caller has */
    int32_t id;          /* the last token */
    bool done;
};

struct infer_batch {
    const struct infer_config *c;
    const struct infer_tokenizer *t;
    struct infer_batch_opts o;
    struct infer_kv *kv;
    size_t vocab; /* ids that are both the model's and a token's */

    struct infer_voice *voice; /* (rows); the first n_voices are under way */
    size_t n_voices;
    float *hidden, *logits;   /* (rows, C), (rows, V) */
    int32_t *order;           /* (rows, V), scratch */
    unsigned char *seen;      /* (rows, V) */
    struct infer_span **span; /* (rows), scratch */
    int32_t *id;              /* (rows), scratch */

    struct infer_ask *waiting, **last_waiting; /* some samples not started */
    struct infer_ask *started;                 /* all of them, not done */
    struct infer_ask *done, **last_done;
    struct infer_span *kept;   /* the last prompt's, or NULL */
    struct infer_ids kept_ids; /* what is kept of it */
    struct infer_batch_counts counts;
};

/* Slots of a response: its last token needs none. */
size_t infer_batch_room(const struct infer_batch *b, const struct infer_ask *a);

/* Give every row that is free to a response, as far as there is room. Prompts
 * are read on the way. */
PK_NODISCARD int infer_batch_admit(struct infer_batch *b, struct pk_err *err);

/* The ask's prompt is not needed any more, but perhaps kept. */
void infer_batch_leave(struct infer_batch *b, struct infer_ask *a);

#endif
