/* The keys of prefkit train's options, their table, and the part of it that
 * makes a recipe. Private to options.c and its two halves. */
#ifndef PREFKIT_RM_TRAIN_OPTION_KEYS_H
#define PREFKIT_RM_TRAIN_OPTION_KEYS_H

#include <argp.h>

#include "rm/train/recipe.h"

enum {
    OPT_FIRST = 300,
    OPT_DIMENSION = OPT_FIRST,
    OPT_BASE,
    OPT_OBJECTIVE,
    OPT_SOURCE,
    OPT_MIX,
    OPT_JUDGMENTS,
    OPT_KEEP_UNSAFE,
    OPT_LOG,
    OPT_CURVE,
    OPT_JSON,
    OPT_RECIPE,
    OPT_SEED,
    OPT_EPOCHS,
    OPT_LR,
    OPT_BATCH,
    OPT_WARMUP,
    OPT_DECAY,
    OPT_CLIP,
    OPT_BETA1,
    OPT_BETA2,
    OPT_EPS,
    OPT_MARGIN,
    OPT_SCALE,
    OPT_SAFETY,
    OPT_CENTER,
    OPT_SMOOTHING,
    OPT_VALID_EVERY,
    OPT_PATIENCE,
    OPT_KEEP,
    OPT_PRECISION,
    OPT_MAX_TOKENS,
    OPT_MICRO_TOKENS,
    OPT_RECOMPUTE,
    OPT_LORA_RANK,
    OPT_LORA_ALPHA,
    OPT_LORA_DROPOUT,
    OPT_LORA_TARGETS,
    OPT_SAVE_EVERY,
    OPT_CHECKPOINT,
    OPT_RESUME
};

extern const struct argp_option rm_train_table[];

/* One option's value, into the recipe; ARGP_ERR_UNKNOWN for one that is no part
 * of it. Wrong usage ends the program through argp_error. */
error_t rm_train_parse_recipe(int key, char *arg, struct argp_state *state,
                              struct rm_recipe *r);

#endif
