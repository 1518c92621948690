/* Sampling from a language model. A part of the door, infer/infer.h. */
#ifndef PREFKIT_INFER_INFER_GENERATE_H
#define PREFKIT_INFER_INFER_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/infer_text.h"

/* ---- Generation ---------------------------------------------------------- */

/* How a token is drawn, in this order: the penalty, the temperature, the top_k
 * likeliest, of these the smallest set that holds top_p of their probability
 * (Holtzman et al., arXiv 1904.09751). */
struct infer_sampling {
    double temperature; /* from 0: always the likeliest (the first of equals) */
    double top_p;       /* above 0; 1: all */
    size_t top_k;       /* 0: all */
    double repetition_penalty; /* above 0; 1: none. What prompt or response has
                                  already: a logit above 0 is divided by it, one
                                  below multiplied (Keskar et al., arXiv
                                  1909.05858) */
};
#define INFER_SAMPLING_INIT                                                    \
    {                                                                          \
        1, 1, 0, 1                                                             \
    }

/* What is asked for. The same request about the same dialogue gets the same
 * text, whatever was asked before and whatever else runs. */
struct infer_request {
    struct infer_sampling sampling;
    uint64_t seed, stream; /* different streams of one seed are independent */
    size_t max_tokens;     /* 0: as many as there are positions */
    /* The response ends before the first of these that comes, which is no part
     * of it. UTF-8, none empty. */
    const char *const *stop;
    size_t n_stops;
    /* Unless NULL, called on the caller's thread after every token, and from
     * time to time during a long prompt, with the text that is certain since
     * the last call (len may be 0): whole characters of valid UTF-8, and never
     * part of a stop string; bytes that can be no character are U+FFFD. A value
     * other than 0 cancels. */
    int (*on_text)(void *arg, const char *text, size_t len);
    void *arg;
};

enum infer_finish {
    INFER_FINISH_END,    /* a token that ends it */
    INFER_FINISH_STOP,   /* a stop string */
    INFER_FINISH_LENGTH, /* max_tokens, or the last position */
    INFER_FINISH_CANCELLED
};
/* "end", "stop", "length", "cancelled". Static. */
const char *infer_finish_name(enum infer_finish f);

struct infer_response {
    char *text; /* valid UTF-8, len bytes and a NUL; the caller frees it */
    size_t len;
    size_t tokens; /* those of a stop string too; the end token not */
    enum infer_finish finish;
    size_t prompt_tokens, kept; /* kept: not computed again */
    size_t dropped;             /* oldest exchanges left out to fit */
};

/* Answers dialogues, one after another, and keeps the keys and values of the
 * last prompt: the next turn computes only what is new in it. One thread at a
 * time; several generators share a model and a tokenizer, which outlive them.
 * Each takes 2 L K D floats for every position of the model. A generator
 * computes on the OpenMP team of the thread that calls it. PK_EDATA for a model
 * without a language model's head. */
struct infer_generator;
PK_NODISCARD int infer_generator_new(struct infer_generator **out,
                                     const struct infer_model *m,
                                     const struct infer_tokenizer *t,
                                     struct pk_err *err);
void infer_generator_free(struct infer_generator *g);

/* The response to a dialogue that ends with a user's turn, in the tokenizer's
 * chat format. A dialogue that leaves no room for max_tokens (or, if that is
 * less, for half of the positions) loses its oldest exchanges.
 * Errors: PK_EDATA as of infer_chat_encode, PK_EUSAGE for a request that cannot
 * be, PK_EMEM; then the generator may be used again. */
PK_NODISCARD int infer_generate(struct infer_generator *g,
                                const struct infer_message *msgs, size_t n,
                                const struct infer_request *q,
                                struct infer_response *out, struct pk_err *err);

#endif
