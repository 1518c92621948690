/* The forest and what is computed over it, forward and backward. A part of the
 * door, infer/infer.h. */
#ifndef PREFKIT_INFER_INFER_FOREST_H
#define PREFKIT_INFER_INFER_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/infer_model.h"

/* ---- The forest ---------------------------------------------------------- */

/* The only batch type: a trie over token ids. Each path added shares what it
 * can with the paths before it; a token's position is its depth, and it
 * attends to its ancestors and itself. No padding, no mask. */
struct infer_forest;

PK_NODISCARD int infer_forest_new(struct infer_forest **out,
                                  struct pk_err *err);
void infer_forest_free(struct infer_forest *f);
void infer_forest_clear(struct infer_forest *f);

/* Insert a path of n tokens, n >= 1. Its tokens `from`..n-1 become read-outs;
 * readout[i] is the index of token from + i among the forest's read-outs (a
 * token that is one already keeps its index). For a reward, from = n - 1. */
PK_NODISCARD int infer_forest_add(struct infer_forest *f, const int32_t *ids,
                                  size_t n, size_t from, size_t *readout,
                                  struct pk_err *err);

size_t infer_forest_tokens(const struct infer_forest *f);   /* N, unique */
size_t infer_forest_flat(const struct infer_forest *f);     /* sum of paths */
size_t infer_forest_readouts(const struct infer_forest *f); /* R */

/* ---- Forward and backward ------------------------------------------------ */

/* A forward's memory, used again and again: the next forward finds it there.
 * What it keeps of every layer for a backward; what it doesn't is one set of
 * arrays that all layers use in turn. */
enum infer_keep {
    INFER_KEEP_NOTHING, /* there will be no backward */
    INFER_KEEP_INPUTS,  /* each layer's alone, and backward computes the layer
                           again: a third more work, a fraction of the memory,
                           the same bits */
    INFER_KEEP_ALL
};
struct infer_tape;
PK_NODISCARD int infer_tape_new(struct infer_tape **out, enum infer_keep keep,
                                struct pk_err *err);
void infer_tape_free(struct infer_tape *t);

/* Dropout before the adapters of the forwards that follow, and their backwards
 * (0: none). What is dropped for a token depends on the seed and on the path to
 * it alone: not on what else is in the forest. */
void infer_tape_dropout(struct infer_tape *t, double p, uint64_t seed);

/* hidden (R, C) f32 = the final norm's output at each read-out: what a head is
 * applied to. In the last layer only read-outs are computed. `tape` NULL: as
 * with one that keeps nothing, whose memory is taken and given back. PK_EDATA
 * when an id is outside the vocabulary or a path is longer than max_positions;
 * PK_EMEM. */
PK_NODISCARD int infer_forward(const struct infer_config *c,
                               const struct infer_weights *w,
                               struct infer_forest *f, struct infer_tape *tape,
                               float *hidden, struct pk_err *err);

/* The exact adjoint of the forward that filled `tape`, with the same weights
 * and forest: adds to every trunk gradient there is in `g` (all but g->head),
 * given dhidden (R, C), the loss's gradient by `hidden`. */
PK_NODISCARD int infer_backward(const struct infer_config *c,
                                const struct infer_weights *w,
                                struct infer_forest *f, struct infer_tape *tape,
                                const float *dhidden, struct infer_weights *g,
                                struct pk_err *err);

/* The score head: out[r] = hidden[r] . head, for R rows, and its adjoint:
 * dhidden (R, C) = dout[r] * head, and dhead (1, C) += sum dout[r] hidden[r].
 * Sums in double. */
void infer_score(const struct infer_config *c, const struct infer_weights *w,
                 const float *hidden, size_t n, double *out);
void infer_score_backward(const struct infer_config *c,
                          const struct infer_weights *w, const float *hidden,
                          size_t n, const double *dout, float *dhidden,
                          struct infer_weights *g);

/* The language model's head under cross entropy. A target is a token that
 * should follow a read-out; a read-out where paths part has several. */
struct infer_target {
    size_t row; /* read-out */
    int32_t id;
    float weight;
};

struct infer_targets {
    const struct infer_target *target; /* in ascending order of rows */
    size_t n;
};

struct infer_lm_sum {
    double loss;    /* sum of weight * -log p(id), nats */
    uint64_t right; /* targets with the largest logit (the first of equals) */
};

struct infer_lm_grad {
    float *dhidden;          /* (R, C): overwritten */
    struct infer_weights *g; /* g->head += */
};

/* Loss over the targets of hidden (R, C), and its gradient unless `grad` is
 * NULL. Logits exist for a block of rows at a time (infer_lm_bytes). Sums in
 * double; the bits do not depend on the number of threads. PK_EDATA for a
 * target outside the vocabulary or out of order, PK_EMEM. */
PK_NODISCARD int
infer_lm_loss(const struct infer_config *c, const struct infer_weights *w,
              const float *hidden, size_t rows,
              const struct infer_targets *targets, struct infer_lm_sum *out,
              const struct infer_lm_grad *grad, struct pk_err *err);
size_t infer_lm_bytes(const struct infer_config *c);

/* logits (1, V) of the next token, from a hidden state (1, C). */
PK_NODISCARD int infer_logits(const struct infer_weights *w,
                              const float *hidden, float *logits,
                              struct pk_err *err);

/* Bytes that infer_forward with a tape, and infer_backward after it, need at
 * most for a forest of so many tokens, paths and read-outs (to plan memory), in
 * a precision; and infer_forward without a tape, in w's precision and with its
 * adapters (of weights that are not there yet, w->layer is NULL: they are taken
 * to be stored in that precision). */
struct infer_forest_size {
    size_t tokens, longest, readouts;
};
size_t infer_score_bytes(const struct infer_config *c,
                         const struct infer_weights *w,
                         struct infer_forest_size f);
/* The same in its parts. */
struct infer_plan {
    size_t activations, attention, products, forest; /* bytes */
};
struct infer_plan infer_score_plan(const struct infer_config *c,
                                   const struct infer_weights *w,
                                   struct infer_forest_size f);
size_t infer_train_bytes(const struct infer_config *c, enum infer_precision p,
                         struct infer_forest_size f, bool recompute);
/* What adapters take beside that. */
size_t infer_lora_bytes(const struct infer_config *c,
                        const struct infer_lora *l, size_t tokens);

#endif
