/* The learning rate of each step. */
#ifndef PREFKIT_RM_TRAIN_SCHEDULE_H
#define PREFKIT_RM_TRAIN_SCHEDULE_H

#include <stddef.h>

struct rm_schedule {
    double max;   /* the learning rate at the end of the warm-up */
    double floor; /* the last step's, as a fraction of max */
    size_t steps, warmup;
};

/* Llama 2, 3.2.2: linear warm-up over `warmup` of the steps (rounded up) but at
 * least 5, then a cosine down to a tenth of the maximum. */
struct rm_schedule rm_schedule_make(double max, size_t steps, double warmup);

/* Step 1..steps. The warm-up ends at max; a run shorter than its warm-up never
 * gets there. */
double rm_schedule_at(const struct rm_schedule *s, size_t step);

#endif
