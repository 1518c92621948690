/* The options of prefkit train. */
#ifndef PREFKIT_RM_TRAIN_OPTIONS_H
#define PREFKIT_RM_TRAIN_OPTIONS_H

#include "common/cli.h"
#include "rm/train/run.h"

struct rm_train_args {
    struct pk_cli cli;
    struct rm_run run; /* what is asked for, and then what came of it */
    const char *log, *curve;
    size_t save_every;
    bool resume, json;
    /* While parsing. */
    const char *recipe, *mix;
    enum rm_objective objective;
    bool has_dimension, first_pass;
    uint64_t said; /* bit key - OPT_FIRST of every option that was given */
    bool own_mix;  /* --mix, and not a recipe's */
};

/* Does not return on wrong usage. rm_run_release(&a->run) afterwards. */
void rm_train_args_parse(struct rm_train_args *a, int argc, char **argv);

#endif
