/* Training a reward model on pairs: Llama 2 (arXiv 2307.09288), section 3.2.2.
 * For the same machine, number of threads, pairs, recipe and start, the
 * parameters come out the same to the bit. */
#ifndef PREFKIT_RM_TRAIN_H
#define PREFKIT_RM_TRAIN_H

#include "common/progress.h"
#include "rm/adamw.h"
#include "rm/loss.h"
#include "rm/pairs.h"
#include "rm/report.h"
#include "rm/schedule.h"

struct rm_recipe {
    uint64_t seed; /* of a fresh head, and of the order of the pairs */
    size_t epochs;
    double lr;     /* the maximum */
    double warmup; /* part of the steps; at least 5 steps */
    size_t batch_pairs;
    enum rm_margin margin;
    size_t micro_tokens; /* unique tokens of one forward and backward */
    struct rm_adamw_opts adamw;
};

/* The paper's, where it says. */
extern const struct rm_recipe rm_recipe_default;

/* What one optimizer step did. */
struct rm_step {
    size_t step, steps;    /* 1..steps */
    double loss;           /* nats, mean over the batch's pairs, with margin */
    struct rm_tally tally; /* chosen against rejected, before the step */
    double lr, grad_norm;  /* the norm before clipping */
    size_t pairs;
    uint64_t tokens; /* computed: what paths share counted once a forest */
    double seconds;
};

size_t rm_train_steps(const struct rm_recipe *r, size_t pairs);

/* Parameters to start from: the base's trunk, and its head if it is a reward
 * model, else a fresh one from the seed. *c is the config of the reward model.
 */
PK_NODISCARD int rm_train_start(struct infer_params **out,
                                struct infer_config *c,
                                const struct infer_model *base,
                                const struct infer_tokenizer *tokenizer,
                                uint64_t seed, struct pk_err *err);

/* Train p in place. on_step is called after each step and may stop the training
 * by returning an error. A loss or gradient that is not finite stops it with
 * PK_EDATA and the judgments of the step; a signal with PK_EINTR. p is then of
 * no use. Progress counts pairs. */
PK_NODISCARD int
rm_train(struct infer_params *p, const struct infer_config *c,
         const struct rm_pairs *pairs, const struct rm_recipe *r,
         struct pk_progress *progress,
         int (*on_step)(void *ctx, const struct rm_step *s, struct pk_err *err),
         void *ctx, struct pk_err *err);

/* How the model ranks the pairs; log loss at margin 0. */
PK_NODISCARD int rm_validate(const struct infer_weights *w,
                             const struct infer_config *c,
                             const struct rm_pairs *pairs, size_t micro_tokens,
                             struct rm_tally *out, struct pk_err *err);

#endif
