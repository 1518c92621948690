/* Private to annotate/: the options of live dialogues. */
#ifndef PREFKIT_ANNOTATE_LIVE_OPTIONS_H
#define PREFKIT_ANNOTATE_LIVE_OPTIONS_H

#include <argp.h>

#include "annotate/live/live.h"

struct annotate__live_args {
    bool live;
    const char *only; /* an option given that is for live dialogues alone */
    struct annotate__live_options o;
    const char *key_env[ANNOTATE__MODELS]; /* "VAR" or "MODEL=VAR" */
    size_t n_key_env;
    char *system; /* owned: of a file */
};

void annotate__live_args_init(struct annotate__live_args *a);
void annotate__live_args_release(struct annotate__live_args *a);

/* A child of the verb's parser; its input is a struct annotate__live_args. */
extern const struct argp annotate__live_argp;

#endif
