/* Options that several verbs of this room take. */
#ifndef PREFKIT_RM_SCORE_OPTIONS_H
#define PREFKIT_RM_SCORE_OPTIONS_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#include "rm/score/combine.h"
#include "rm/score/scorer.h"

/* --rm NAME=DIR, one after another. */
struct rm_models {
    struct rm_named *model;
    size_t n, cap;
};

/* One more; `option` is what it is called in a message. Two of one name, or
 * what is not NAME=DIR, is wrong usage. */
void rm_models_take(struct rm_models *m, const char *option, const char *arg,
                    struct argp_state *state);
void rm_models_release(struct rm_models *m);

/* What every verb takes that scores texts: --rm, --precision, --read-out,
 * --max-tokens, --forest-tokens, --verbose. A verb has rm_scoring_argp among
 * its argp's children and hands it a struct rm_scoring as input;
 * rm_unclosed_argp, with the same input, where texts come with their chat
 * format written out
 * (--unclosed). Wrong usage ends the program through argp_error, as in all
 * functions here. */
struct rm_scoring {
    struct rm_models models;
    struct rm_scorer_opts opts;
};
extern const struct argp rm_scoring_argp, rm_unclosed_argp;

/* --combine and how: a child too, with this as its input. Start from zero; the
 * threshold is then the paper's. */
struct rm_combining {
    struct rm_combine combine;
    const char *whitening; /* the file of statistics for RM_WHITE, or NULL */
    char *text;            /* the option's, cut into names; owned */
    bool as_given;         /* how, whatever about what */
};
extern const struct argp rm_combine_argp;
void rm_combining_release(struct rm_combining *c);
/* At the end: is all there that belongs together? */
void rm_combining_check(const struct rm_combining *c, const struct rm_models *m,
                        struct argp_state *state);

enum infer_precision rm_opt_precision(const char *arg,
                                      struct argp_state *state);

/* A whole number of at least `min`; `name` is the option's. */
size_t rm_opt_size(const char *name, const char *arg, uint64_t min,
                   struct argp_state *state);

/* A number in [min, max]. */
double rm_opt_double(const char *name, const char *arg, double min, double max,
                     struct argp_state *state);

#endif
