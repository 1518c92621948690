/* Options that several verbs of this room take; see options.h. */
#include "rm/score/options.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/num.h"

void rm_models_release(struct rm_models *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free((char *)m->model[i].name);
        free((char *)m->model[i].dir);
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
    if (pk_parse_double(arg, min, max, &x))
        return x;
    if (min == DBL_MIN)
        argp_error(state, "%s takes a number above 0, up to %g, not '%s'", name,
                   max, arg);
    argp_error(state, "%s takes a number from %g to %g, not '%s'", name, min,
               max, arg);
    return x;
}

/* ---- Scoring ------------------------------------------------------------- */

enum {
    OPT_RM = 600,
    OPT_PRECISION,
    OPT_READ_OUT,
    OPT_UNCLOSED,
    OPT_MAX_TOKENS,
    OPT_FOREST_TOKENS,
    OPT_VERBOSE
};

static const struct argp_option scoring_options[] = {
    {"rm", OPT_RM, "NAME=DIR", 0,
     "A reward model and the name its scores get; may be given again", 0},
    {"precision", OPT_PRECISION, "auto|fp32|bf16", 0,
     "What matrix products are computed in (default auto: bf16 where the "
     "weights are stored so and the processor multiplies in it)",
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
    {"verbose", OPT_VERBOSE, NULL, 0,
     "Say what memory is planned, by kind, and at the end what was used", 0},
    {0}};

void rm_models_take(struct rm_models *m, const char *option, const char *arg,
                    struct argp_state *state)
{
    const char *eq = strchr(arg, '=');
    if (!eq || eq == arg || eq[1] == 0) {
        argp_error(state, "%s takes NAME=DIR, not '%s'", option, arg);
        return;
    }
    struct rm_named new = {.name = pk_memdup0(arg, (size_t)(eq - arg)),
                           .dir = pk_strdup(eq + 1)};
    if (!new.name || !new.dir ||
        !pk_grow(&m->model, &m->cap, m->n + 1, sizeof *m->model)) {
        free((char *)new.name);
        free((char *)new.dir);
        argp_failure(state, 5, 0, "out of memory");
        return;
    }
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->model[i].name, new.name) == 0)
            argp_error(state, "%s names '%s' twice", option, new.name);
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
        rm_models_take(&a->models, "--rm", arg, state);
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
    case OPT_VERBOSE:
        a->opts.verbose = true;
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

/* ---- Two models as one --------------------------------------------------- */

enum { OPT_COMBINE = 620, OPT_COMBINE_AS, OPT_THRESHOLD, OPT_WHITENING };

static const struct argp_option combine_options[] = {
    {NULL, 0, NULL, 0, "Helpfulness and safety as one reward:", 20},
    {"combine", OPT_COMBINE, "helpfulness=NAME,safety=NAME", 0,
     "Add \"combined\": the safety model's score where the row says "
     "\"safety_prompt\": true or sigma of that score is below the threshold, "
     "else the helpfulness model's",
     20},
    {"combine-as", OPT_COMBINE_AS, "probability|logit|white", 0,
     "sigma(r) (default), r, or r less a mean and by a standard deviation", 20},
    {"combine-threshold", OPT_THRESHOLD, "X", 0,
     "Safety by sigma(score) below this (default: 0.15)", 20},
    {"whitening", OPT_WHITENING, "FILE", 0, "The statistics for white", 20},
    {0}};

/* helpfulness=NAME,safety=NAME, in either order. */
static void take_combine(struct rm_combining *a, const char *arg,
                         struct argp_state *state)
{
    static const char *const roles[] = {"helpfulness=", "safety="};
    free(a->text);
    a->text = pk_strdup(arg);
    a->combine.name[0] = a->combine.name[1] = NULL;
    char *rest = a->text, *part;
    bool ok = rest != NULL;
    while (ok && (part = strsep(&rest, ","))) {
        int r = strncmp(part, roles[0], strlen(roles[0])) != 0;
        size_t n = strlen(roles[r]);
        ok = strncmp(part, roles[r], n) == 0 && part[n] && !a->combine.name[r];
        a->combine.name[r] = part + n;
    }
    if (!ok || !a->combine.name[0] || !a->combine.name[1])
        argp_error(state,
                   "--combine takes helpfulness=NAME,safety=NAME, not '%s'",
                   arg);
}

static error_t parse_combine(int key, char *arg, struct argp_state *state)
{
    struct rm_combining *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        a->combine.threshold = 0.15;
        return 0;
    case OPT_COMBINE:
        take_combine(a, arg, state);
        return 0;
    case OPT_COMBINE_AS:
        a->as_given = true;
        if (!rm_parse_form(arg, &a->combine.form))
            argp_error(state,
                       "--combine-as takes probability, logit or white, not "
                       "'%s'",
                       arg);
        return 0;
    case OPT_THRESHOLD:
        a->as_given = true;
        a->combine.threshold =
            rm_opt_double("--combine-threshold", arg, 0, 1, state);
        return 0;
    case OPT_WHITENING:
        a->whitening = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp rm_combine_argp = {.options = combine_options,
                                     .parser = parse_combine};

void rm_combining_check(const struct rm_combining *c, const struct rm_models *m,
                        struct argp_state *state)
{
    bool white = c->combine.form == RM_WHITE;
    if (!c->combine.name[0] && (c->as_given || c->whitening))
        argp_error(state, "how to combine, but not what: --combine is needed");
    if (white != (c->whitening != NULL))
        argp_error(state, white ? "--combine-as white needs --whitening FILE; "
                                  "`score --whitening-save' makes one"
                                : "--whitening is for --combine-as white");
    for (size_t i = 0; i < m->n && c->combine.name[0]; i++)
        if (strcmp(m->model[i].name, "combined") == 0)
            argp_error(state, "with --combine no model can be called "
                              "'combined'");
}

void rm_combining_release(struct rm_combining *c)
{
    free(c->text);
    c->text = NULL;
}
