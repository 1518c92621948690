/* How much memory a run will take, and how much there is. */
#ifndef PREFKIT_RM_TRAIN_MEMORY_H
#define PREFKIT_RM_TRAIN_MEMORY_H

#include "rm/train/train.h"

/* Bytes. */
struct rm_memory {
    size_t base;    /* the base's weights where they lie; set by the caller */
    size_t model;   /* weights, gradients, two moments; with adapters, the base
                       and these four of theirs */
    size_t pass;    /* the largest micro-batch: what forward keeps, what
                       backward takes */
    size_t pairs;   /* ids and tables, in memory already */
    size_t total;   /* model + pass: what is still to come */
    size_t tokens;  /* of that micro-batch */
    size_t longest; /* tokens of the largest pair, which no setting of
                       micro_tokens divides */
    size_t available;
    const char *limit; /* what sets `available`: "free memory", ... */
};

/* Elements of all tensors of a model. */
size_t rm_parameters(const struct infer_config *c);

/* What training on these pairs takes; m->base is set, the rest overwritten. */
void rm_memory_plan(struct rm_memory *m, const struct infer_config *c,
                    const struct rm_pairs *pairs, const struct rm_recipe *r);

/* What this process may still take (memory_left.h). */
void rm_memory_available(struct rm_memory *m);

/* PK_EMEM when the plan does not fit, naming the smallest change that would:
 * fewer micro tokens, else recomputation, else both, else shorter dialogues
 * too, else adapters, else none. */
PK_NODISCARD int rm_memory_check(const struct rm_memory *m,
                                 const struct infer_config *c,
                                 const struct rm_recipe *r, struct pk_err *err);

#endif
