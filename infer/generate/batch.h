/* Many responses at once. Prompts are asked, each for some samples; responses
 * advance together, a token a step, and when one ends the next sample or prompt
 * takes its place. A response depends on its prompt, its request and its sample
 * number alone: not on the batch, the order or the number of threads. */
#ifndef PREFKIT_INFER_GENERATE_BATCH_H
#define PREFKIT_INFER_GENERATE_BATCH_H

#include "infer/infer.h"

struct infer_batch;

struct infer_batch_opts {
    size_t rows;  /* responses at once */
    size_t slots; /* tokens, prompts and responses, whose keys and values are
                     held: at least one prompt with its response */
    bool keep;    /* the last prompt's stay for the next one */
};

/* Borrows all. PK_EDATA for a model without a language model's head. */
PK_NODISCARD int infer_batch_new(struct infer_batch **out,
                                 const struct infer_model *m,
                                 const struct infer_tokenizer *t,
                                 const struct infer_batch_opts *o,
                                 struct pk_err *err);
void infer_batch_free(struct infer_batch *b);

/* A prompt that was asked. Belongs to the batch until it is done, then to the
 * caller. */
struct infer_ask {
    uint64_t number; /* the caller's, as is `arg` */
    void *arg;
    struct infer_response *response; /* (samples) */
    size_t samples;

    /* The batch's own. */
    struct infer_ids prompt;
    struct infer_request request;
    bool fresh;
    size_t started, finished, kept;
    struct infer_span *span; /* NULL until it is read */
    float *hidden;           /* (C), after the prompt */
    struct infer_ask *next;
};

struct infer_asked {
    const struct infer_ids *prompt;
    bool fresh; /* the response begins a text: its first piece's leading space
                   is none of it */
    const struct infer_request *request; /* copied; its strings are borrowed
                                            until the ask is done */
    size_t samples;                      /* sample k is drawn from stream + k */
    uint64_t number;
    void *arg;
};

/* Queue it. PK_EDATA when the prompt leaves no room for a token or has an id
 * outside the vocabulary, PK_EUSAGE for a request that cannot be. */
PK_NODISCARD int infer_batch_ask(struct infer_batch *b,
                                 const struct infer_asked *a,
                                 struct pk_err *err);

/* Could it do with another prompt now? */
bool infer_batch_wants(const struct infer_batch *b);

/* One token for every response under way, after reading prompts as far as there
 * is room. 0: nothing is left to do. 1: go on. After an error the batch can
 * only be freed, or cleared. */
PK_NODISCARD int infer_batch_step(struct infer_batch *b, struct pk_err *err);

/* The next prompt of which all responses are whole, in the order in which they
 * became so, or NULL. For infer_ask_free. */
struct infer_ask *infer_batch_done(struct infer_batch *b);
void infer_ask_free(struct infer_ask *a);

/* Forget what was asked and is not done. */
void infer_batch_clear(struct infer_batch *b);

struct infer_batch_counts {
    uint64_t read;          /* tokens of prompts, those shared or kept once */
    uint64_t under_way;     /* tokens of responses that are not whole yet */
    uint64_t tokens, steps; /* of responses; and the steps they took */
};
struct infer_batch_counts infer_batch_counts(const struct infer_batch *b);

/* PK_EUSAGE, saying which setting is wrong. */
PK_NODISCARD int infer_request_check(const struct infer_request *q,
                                     struct pk_err *err);

#endif
