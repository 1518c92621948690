/* Options that several verbs of this room take. */
#ifndef PREFKIT_RM_OPTIONS_H
#define PREFKIT_RM_OPTIONS_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#include "rm/scorer.h"

/* --rm NAME=DIR, one after another. */
struct rm_models {
    struct rm_named *model;
    size_t n, cap;
};

/* Add one. Wrong usage (no NAME, no DIR, a NAME twice) ends the program through
 * argp_error, as do the other two. */
void rm_opt_model(struct rm_models *m, const char *arg,
                  struct argp_state *state);
void rm_models_release(struct rm_models *m);

/* --precision: fp32 is what there is; auto means the best there is. */
void rm_opt_precision(const char *arg, struct argp_state *state);

/* --read-out eos|before-eos. */
enum infer_read_out rm_opt_read_out(const char *arg, struct argp_state *state);

/* The option's own words, in every verb that takes it. */
#define RM_READ_OUT_DOC                                                        \
    "Where a score is read when a model's pad_token_id is its "                \
    "end-of-sequence token: at it, or at the last token before it"

/* A whole number of at least `min`; `name` is the option's. */
size_t rm_opt_size(const char *name, const char *arg, uint64_t min,
                   struct argp_state *state);

/* A number in [min, max]. */
double rm_opt_double(const char *name, const char *arg, double min, double max,
                     struct argp_state *state);

#endif
