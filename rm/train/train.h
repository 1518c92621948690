/* The training loop, one micro-batch at a time. For the same machine, pairs,
 * recipe and start, the parameters come out the same to the bit, whatever the
 * number of threads; and a trainer that is put back where another one stood
 * (state.h) goes on exactly as that one would have.
 *
 * Several ranks (ranks.h) each hold a trainer of the same pairs and take their
 * share of every step; the sum is theirs all. The same number of ranks gives
 * the same bits, another number the same to rounding. */
#ifndef PREFKIT_RM_TRAIN_TRAIN_H
#define PREFKIT_RM_TRAIN_TRAIN_H

#include "rm/data/order.h"
#include "rm/data/pairs.h"
#include "rm/data/pass.h"
#include "rm/report/report.h"
#include "rm/train/adamw.h"
#include "rm/train/ranks.h"
#include "rm/train/recipe.h"
#include "rm/train/schedule.h"

/* What one optimizer step did. Plain bytes: a state file holds them. */
struct rm_step {
    size_t step, steps; /* 1..steps */
    double loss;        /* nats; the mean over the batch's pairs with all its
                           parts, or over its answer tokens */
    double ranking, safety, center; /* the parts; reward only */
    struct rm_tally tally;          /* chosen against rejected, before the step,
                                       of pairs that have a majority; reward only */
    uint64_t targets, right; /* answer tokens, and those with the largest logit;
                                language only */
    double lr, grad_norm;    /* the norm before clipping */
    size_t pairs;
    uint64_t tokens; /* computed: what paths share counted once a forest */
    double seconds;
};

/* Where a run stands. Plain bytes. */
struct rm_cursor {
    uint64_t step;         /* updates made */
    uint64_t at;           /* pairs of the next one already in its gradient;
                              with several ranks, of this one's share */
    struct rm_step so_far; /* of the next one */
};

struct rm_trainer {
    const struct infer_config *config; /* borrowed, as are the next four */
    struct infer_params *params;       /* NULL in a validation */
    const struct infer_weights *weights;
    const struct rm_pairs *pairs;
    const struct rm_recipe *recipe;
    const struct rm_ranks *ranks; /* this one alone, unless set after init */
    struct infer_params *grads;
    struct rm_adamw adamw;
    struct rm_cursor cursor;
    /* From here on: made from the above. */
    struct rm_pass pass;
    struct rm_schedule schedule;
    size_t steps, per_epoch;
    struct rm_order order;
    uint64_t order_epoch; /* that `order` is of, plus 1; 0: none yet */
    int64_t *batch;       /* this step's, paths that begin alike side by side */
    size_t n_batch;       /* 0: none yet, or the step is done */
    size_t share, end;    /* of the batch, still to be done by this rank */
    uint64_t batch_targets;      /* answer tokens in it */
    size_t *read;                /* read-outs of a micro-batch */
    struct infer_target *target; /* language only */
    size_t n_targets, cap_read, cap_targets;
};

/* Parameters to start from: the base's trunk, and its head if that is of the
 * kind wanted, else a fresh one from the seed; or adapters on the base's
 * weights, which are then borrowed, and that head. *c is the config of the
 * model to train. PK_EDATA when a language model is to be trained from a reward
 * model.
 */
PK_NODISCARD int rm_train_start(struct infer_params **out,
                                struct infer_config *c,
                                const struct infer_model *base,
                                const struct infer_tokenizer *tokenizer,
                                const struct rm_recipe *r, struct pk_err *err);

PK_NODISCARD int rm_trainer_init(struct rm_trainer *t, struct infer_params *p,
                                 const struct infer_config *c,
                                 const struct rm_pairs *pairs,
                                 const struct rm_recipe *r, struct pk_err *err);
void rm_trainer_release(struct rm_trainer *t);

bool rm_trainer_done(const struct rm_trainer *t);
uint64_t rm_trainer_pairs_done(const struct rm_trainer *t);

/* One micro-batch: forward, loss, backward. With the last one of its batch the
 * update is made, and *step is what the step did; else step->step is 0. Between
 * calls the state is whole (with several ranks, between steps): it may be
 * saved, changed for another run's, and gone on from. A failure of one rank is
 * that of all, with its message.
 *
 * A loss or gradient that is not finite is PK_EDATA with the judgments it is
 * of; the parameters and moments are then those before the step. */
PK_NODISCARD int rm_trainer_advance(struct rm_trainer *t, struct rm_step *step,
                                    struct pk_err *err);

/* How the model does on pairs that are not trained on. PK_EDATA with the
 * judgments where a score or loss is not finite. */
struct rm_validation {
    struct rm_tally tally;          /* as in a step; log loss at margin 0 */
    struct rm_tally by_strength[5]; /* 0..3; the last: not stated */
    double mean, sd;                /* of all scores */
    uint64_t targets, right;        /* language only, as in a step */
    double loss; /* mean: nats a pair at margin 0, or an answer token */
};

PK_NODISCARD int rm_validate(const struct infer_weights *w,
                             const struct infer_config *c,
                             const struct rm_pairs *pairs,
                             const struct rm_recipe *r,
                             struct rm_validation *out, struct pk_err *err);

/* Part of the pairs, or of the answer tokens, that the model has right; false
 * when nothing was decided. */
bool rm_validation_accuracy(const struct rm_validation *v, double *accuracy);
bool rm_step_accuracy(const struct rm_step *s, double *accuracy);

/* ---- Inside the loop: what an objective does with a micro-batch ---------- */

/* Tokens that pair i adds to a forest that `prev` (SIZE_MAX: none) has just
 * been added to, at most. */
size_t rm_pair_tokens(const struct rm_trainer *t, size_t i, size_t prev);

/* Sort the batch, so that what begins alike comes together, and count its
 * answer tokens. */
void rm_batch_order(struct rm_trainer *t);

/* How many of the n pairs make one forest: up to the budget of tokens, and at
 * least one of n >= 1. */
size_t rm_micro_batch(const struct rm_trainer *t, const int64_t *pair,
                      size_t n);

/* The hidden states of n pairs' read-outs, in the pass. */
PK_NODISCARD int rm_hidden(struct rm_trainer *t, const int64_t *pair, size_t n,
                           struct pk_err *err);

/* Put n pairs into the pass's forest, remembering their read-outs. */
PK_NODISCARD int rm_fill(struct rm_trainer *t, const int64_t *pair, size_t n,
                         struct pk_err *err);

/* From the hidden states: add to *s, and with `g` to the gradient of the loss,
 * whose mean is over `of` pairs or tokens. */
PK_NODISCARD int rm_reward_loss(struct rm_trainer *t, const int64_t *pair,
                                size_t n, struct rm_step *s,
                                struct infer_weights *g, struct pk_err *err);
PK_NODISCARD int rm_language_loss(struct rm_trainer *t, const int64_t *pair,
                                  size_t n, struct rm_step *s,
                                  struct infer_weights *g, struct pk_err *err);

/* PK_EDATA naming the step, if there is one, and the judgments of n pairs. */
int rm_not_finite(const struct rm_trainer *t, const char *what,
                  const int64_t *pair, size_t n, struct pk_err *err);

#endif
