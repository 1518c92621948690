#include "annotate/live/options.h"

#include <stdlib.h>
#include <string.h>

#include "common/num.h"

enum {
    KEY_LIVE = 0x200,
    KEY_MODEL,
    KEY_KEY_ENV,
    KEY_TEMPERATURE,
    KEY_TOP_P,
    KEY_MAX_TOKENS,
    KEY_TURNS,
    KEY_SYSTEM,
    KEY_STALL,
    KEY_SEED
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Live dialogues:", 2},
    {"live", KEY_LIVE, NULL, 0,
     "Write prompts, judge two models' responses as they come", 0},
    {"model", KEY_MODEL, "NAME=WHERE", 0,
     "A model variant, two or more: the URL of an OpenAI-compatible endpoint "
     "(http://host:8000/v1, with #MODEL where its server has another name for "
     "it), or a model directory. One alone answers twice",
     0},
    {"key-env", KEY_KEY_ENV, "[NAME=]VAR", 0,
     "The environment variable that holds the key, of one model or of all "
     "(default: PREFKIT_API_KEY). A key without a model's NAME is sent to this "
     "machine and over https, and only where all models elsewhere are at one "
     "host",
     0},
    {"temperature", KEY_TEMPERATURE, "X", 0,
     "X for both responses; X,Y one each, drawn which (default: 0.7,1); X..Y "
     "each drawn from between them",
     0},
    {"top-p", KEY_TOP_P, "X", 0, "The same for top-p (default: 0.95)", 0},
    {"max-tokens", KEY_MAX_TOKENS, "N", 0,
     "A response's longest (default: 1024)", 0},
    {"turns", KEY_TURNS, "N", 0,
     "Prompts in one dialogue (default: the campaign's number, which is also "
     "the most, or 8)",
     0},
    {"system", KEY_SYSTEM, "TEXT", 0,
     "The system turn of every dialogue; @FILE: from a file", 0},
    {"stall", KEY_STALL, "SECONDS", 0,
     "Give an endpoint up after so long without a byte (default: 60)", 0},
    {"seed", KEY_SEED, "N", 0,
     "Draw models, sides and temperatures from this seed", 0},
    {0}};

void annotate__live_args_init(struct annotate__live_args *a)
{
    *a = (struct annotate__live_args){.o = {.temperature = {0.7, 1, false},
                                            .top_p = {0.95, 0.95, false},
                                            .max_tokens = 1024,
                                            .stall_seconds = 60}};
}

void annotate__live_args_release(struct annotate__live_args *a)
{
    free(a->system);
}

static void add_model(struct annotate__live_args *a, char *arg,
                      struct argp_state *state)
{
    char *eq = strchr(arg, '=');
    if (!eq || eq == arg || !eq[1]) {
        argp_error(state, "--model takes NAME=URL or NAME=DIRECTORY");
        return;
    }
    if (a->o.n_models == ANNOTATE__MODELS)
        argp_error(state, "at most %d models", ANNOTATE__MODELS);
    *eq = 0;
    for (size_t i = 0; i < a->o.n_models; i++)
        if (strcmp(a->o.models[i].name, arg) == 0)
            argp_error(state, "two models are called '%s'", arg);
    a->o.models[a->o.n_models++] =
        (struct annotate__model){.name = arg, .where = eq + 1};
}

static void read_system(struct annotate__live_args *a, const char *arg,
                        struct argp_state *state)
{
    a->o.system = arg;
    if (arg[0] != '@')
        return;
    FILE *f = fopen(arg + 1, "r");
    free(a->system);
    a->system = calloc(1, ANNOTATE__PROMPT_MAX);
    size_t n =
        f && a->system ? fread(a->system, 1, ANNOTATE__PROMPT_MAX - 1, f) : 0;
    if (f)
        fclose(f);
    while (n && a->system[n - 1] == '\n')
        a->system[--n] = 0;
    if (!n)
        argp_error(state, "cannot read a text from '%s'", arg + 1);
    a->o.system = a->system;
}

/* Which variable goes with which model. */
static void settle_keys(struct annotate__live_args *a, struct argp_state *state)
{
    for (size_t k = 0; k < a->n_key_env; k++) {
        const char *arg = a->key_env[k], *eq = strchr(arg, '=');
        const char *variable = eq ? eq + 1 : arg;
        size_t n = eq ? (size_t)(eq - arg) : 0, found = 0;
        if (!getenv(variable))
            argp_error(state, "--key-env: there is no $%s", variable);
        for (size_t i = 0; i < a->o.n_models; i++) {
            struct annotate__model *m = &a->o.models[i];
            bool meant =
                !eq || (strlen(m->name) == n && strncmp(m->name, arg, n) == 0);
            if (meant && (eq || !m->key_named))
                m->key_env = variable;
            m->key_named |= meant && eq;
            found += meant;
        }
        if (!found)
            argp_error(state, "--key-env names no model of these: '%.*s'",
                       (int)n, arg);
    }
}

static void check(struct annotate__live_args *a, struct argp_state *state)
{
    if (a->live && !a->o.n_models)
        argp_error(state, "--live needs a --model, or better two");
    if (!a->live && a->only)
        argp_error(state, "--%s is for --live", a->only);
    settle_keys(a, state);
}

static error_t parse_number(int key, char *arg, struct argp_state *state)
{
    struct annotate__live_args *a = state->input;
    uint64_t n = 0;
    switch (key) {
    case KEY_TEMPERATURE:
        if (!annotate__range_parse(&a->o.temperature, arg, 0, 100))
            argp_error(state, "--temperature takes X, X,Y or X..Y, from 0");
        return 0;
    case KEY_TOP_P:
        if (!annotate__range_parse(&a->o.top_p, arg, 0.01, 1))
            argp_error(state, "--top-p takes X, X,Y or X..Y, up to 1");
        return 0;
    case KEY_MAX_TOKENS:
        if (!pk_parse_u64(arg, 1, 1 << 20, &n))
            argp_error(state, "--max-tokens takes a whole number from 1");
        a->o.max_tokens = n;
        return 0;
    case KEY_TURNS:
        if (!pk_parse_u64(arg, 1, 1000, &n))
            argp_error(state, "--turns takes a whole number from 1 to 1000");
        a->o.turns = (unsigned)n;
        return 0;
    case KEY_STALL:
        if (!pk_parse_u64(arg, 1, 86400, &n))
            argp_error(state, "--stall takes seconds, from 1");
        a->o.stall_seconds = (long)n;
        return 0;
    case KEY_SEED:
        if (!pk_parse_u64(arg, 1, UINT64_MAX, &a->o.seed))
            argp_error(state, "--seed takes a whole number from 1");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct annotate__live_args *a = state->input;
    for (size_t i = 0; options[i].name || options[i].doc; i++)
        if (options[i].name && options[i].key == key && key != KEY_LIVE)
            a->only = options[i].name;
    switch (key) {
    case KEY_LIVE:
        a->live = true;
        return 0;
    case KEY_MODEL:
        add_model(a, arg, state);
        return 0;
    case KEY_KEY_ENV:
        if (a->n_key_env == ANNOTATE__MODELS)
            argp_error(state, "too many --key-env");
        a->key_env[a->n_key_env++] = arg;
        return 0;
    case KEY_SYSTEM:
        read_system(a, arg, state);
        return 0;
    case ARGP_KEY_END:
        check(a, state);
        return 0;
    default:
        return parse_number(key, arg, state);
    }
}

const struct argp annotate__live_argp = {.options = options, .parser = parse};
