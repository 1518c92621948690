/* Options that several verbs of this room take; see options.h. */
#include "rm/options.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/num.h"

void rm_models_release(struct rm_models *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->model[i].name);
        free(m->model[i].dir);
    }
    free(m->model);
    *m = (struct rm_models){0};
}

enum infer_precision rm_opt_precision(const char *arg, struct argp_state *state)
{
    struct pk_err err;
    enum infer_precision out = INFER_PRECISION_AUTO;
    if (infer_precision_parse(&out, arg, &err) < 0)
        argp_error(state, "--precision: %s", err.text);
    return out;
}

size_t rm_opt_size(const char *name, const char *arg, uint64_t min,
                   struct argp_state *state)
{
    uint64_t n = 0;
    if (!pk_parse_u64(arg, min, SIZE_MAX / 4, &n))
        argp_error(state, "%s takes a whole number from %llu, not '%s'", name,
                   (unsigned long long)min, arg);
    return (size_t)n;
}

double rm_opt_double(const char *name, const char *arg, double min, double max,
                     struct argp_state *state)
{
    double x = 0;
    if (!pk_parse_double(arg, min, max, &x))
        argp_error(state, "%s takes a number from %g to %g, not '%s'", name,
                   min, max, arg);
    return x;
}

/* ---- Scoring ------------------------------------------------------------- */

enum {
    OPT_RM = 600,
    OPT_PRECISION,
    OPT_READ_OUT,
    OPT_UNCLOSED,
    OPT_MAX_TOKENS,
    OPT_FOREST_TOKENS
};

static const struct argp_option scoring_options[] = {
    {"rm", OPT_RM, "NAME=DIR", 0,
     "A reward model and the name its scores get; may be given again", 0},
    {"precision", OPT_PRECISION, "auto|fp32|bf16", 0,
     "What matrix products are computed in (default auto: bf16 where the "
     "weights are stored so and the processor has a tile unit for it)",
     0},
    {"read-out", OPT_READ_OUT, "eos|before-eos", 0,
     "Where a score is read when a model's pad_token_id is its end-of-sequence "
     "token: at it, or at the last token before it",
     0},
    {"max-tokens", OPT_MAX_TOKENS, "N", 0,
     "Drop the oldest exchanges of a dialogue longer than N tokens (default: "
     "as many as the model takes); the response is never cut",
     0},
    {"forest-tokens", OPT_FOREST_TOKENS, "N", 0,
     "Tokens to compute at a time (default: 16384): more is faster and takes "
     "more memory",
     0},
    {0}};

static void take_model(struct rm_models *m, const char *arg,
                       struct argp_state *state)
{
    const char *eq = strchr(arg, '=');
    if (!eq || eq == arg || eq[1] == 0) {
        argp_error(state, "--rm takes NAME=DIR, not '%s'", arg);
        return;
    }
    struct rm_named new = {.name = pk_memdup0(arg, (size_t)(eq - arg)),
                           .dir = pk_strdup(eq + 1)};
    if (!new.name || !new.dir ||
        !pk_grow(&m->model, &m->cap, m->n + 1, sizeof *m->model)) {
        free(new.name);
        free(new.dir);
        argp_failure(state, 5, 0, "out of memory");
        return;
    }
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->model[i].name, new.name) == 0)
            argp_error(state, "--rm names '%s' twice", new.name);
    m->model[m->n++] = new;
}

static enum infer_read_out take_read_out(const char *arg,
                                         struct argp_state *state)
{
    struct pk_err err;
    enum infer_read_out out = INFER_READ_UNSAID;
    if (infer_read_out_parse(&out, arg, &err) < 0)
        argp_error(state, "--read-out: %s", err.text);
    return out;
}

static error_t parse_scoring(int key, char *arg, struct argp_state *state)
{
    struct rm_scoring *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        a->opts.precision = INFER_PRECISION_AUTO;
        return 0;
    case OPT_RM:
        take_model(&a->models, arg, state);
        return 0;
    case OPT_PRECISION:
        a->opts.precision = rm_opt_precision(arg, state);
        return 0;
    case OPT_READ_OUT:
        a->opts.read_out = take_read_out(arg, state);
        return 0;
    case OPT_MAX_TOKENS:
        a->opts.max_tokens = rm_opt_size("--max-tokens", arg, 1, state);
        return 0;
    case OPT_FOREST_TOKENS:
        a->opts.forest_tokens = rm_opt_size("--forest-tokens", arg, 1, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp rm_scoring_argp = {.options = scoring_options,
                                     .parser = parse_scoring};

static const struct argp_option unclosed_options[] = {
    {"unclosed", OPT_UNCLOSED, "cut|close|refuse", 0,
     "What a text with its chat format written out is that does not end with "
     "the end-of-sequence token: cut off before its end, read at its last "
     "token and marked (default); whole, and closed here; or an error",
     0},
    {0}};

static error_t parse_unclosed(int key, char *arg, struct argp_state *state)
{
    struct rm_scoring *a = state->input;
    if (key != OPT_UNCLOSED)
        return ARGP_ERR_UNKNOWN;
    if (!rm_parse_unclosed(arg, &a->opts.unclosed))
        argp_error(state, "--unclosed takes cut, close or refuse, not '%s'",
                   arg);
    return 0;
}

const struct argp rm_unclosed_argp = {.options = unclosed_options,
                                      .parser = parse_unclosed};
