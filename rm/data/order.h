/* The order in which an epoch takes its pairs: dialogues are shuffled, and the
 * pairs of one come one after another, so that they are computed as one forest
 * (and, as InstructGPT has it, none is seen again within the epoch). A
 * dialogue with one pair is moved as a shuffle of pairs would move it. */
#ifndef PREFKIT_RM_DATA_ORDER_H
#define PREFKIT_RM_DATA_ORDER_H

#include "rm/data/pairs.h"

struct rm_order {
    int64_t *pair;   /* the epoch's: indices of pairs */
    int64_t *member; /* pairs by dialogue, dialogues as they first appear */
    int64_t *first;  /* of each dialogue's in `member`; dialogues + 1 */
    int64_t *turn;   /* scratch: dialogues as drawn */
    size_t n, dialogues;
};

PK_NODISCARD int rm_order_init(struct rm_order *o, const struct rm_pairs *p,
                               struct pk_err *err);
void rm_order_release(struct rm_order *o);

/* Into o->pair; the same for the same seed and stream. */
void rm_order_draw(struct rm_order *o, uint64_t seed, uint64_t stream);

/* Steps of an epoch of so many pairs, `batch` a step; the last has the pairs
 * that are left. */
size_t rm_epoch_steps(size_t pairs, size_t batch);
/* The pairs taken up to a step, an epoch's after the last one's. */
uint64_t rm_pairs_trained(size_t pairs, size_t batch, uint64_t step);

#endif
