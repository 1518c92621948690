/* prefkit serve: reward models over HTTP. */
#include <signal.h>
#include <stdlib.h>

#include "rm/rm.h"
#include "rm/score/options.h"
#include "rm/serve/serve.h"

enum {
    OPT_WITHOUT_TOKEN = 300,
    OPT_QUEUE_TEXTS,
    OPT_QUEUE_TOKENS,
    OPT_BODY,
    OPT_CONNECTIONS,
    OPT_IDLE,
    OPT_GRACE
};

struct serve_args {
    struct pk_cli cli;
    struct rm_scoring scoring;
    struct rm_combining combining;
    struct rm_serve serve;
};

static const struct argp_option options[] = {
    {"listen", 'l', "HOST:PORT", 0,
     "Where to listen (default: 127.0.0.1:8000); port 0 is any that is free",
     0},
    {"without-token", OPT_WITHOUT_TOKEN, NULL, 0,
     "Listen beyond this machine though $" RM_SERVE_TOKEN " is not set", 0},
    {NULL, 0, NULL, 0, "Limits:", 10},
    {"queue-texts", OPT_QUEUE_TEXTS, "N", 0,
     "Texts that wait or are being scored, at most (default: 4096); who would "
     "add to them is told 503, and when to come again",
     10},
    {"queue-tokens", OPT_QUEUE_TOKENS, "N", 0,
     "Their tokens, at most (default: 262144)", 10},
    {"max-body", OPT_BODY, "BYTES", 0,
     "Of one request (default: 16777216); more is 413", 10},
    {"max-connections", OPT_CONNECTIONS, "N", 0, "At a time (default: 512)",
     10},
    {"idle", OPT_IDLE, "SECONDS", 0,
     "A connection that says nothing for so long is closed (default: 60)", 10},
    {"grace", OPT_GRACE, "SECONDS", 0,
     "How long clients may take to read the last replies when the server ends "
     "(default: 10)",
     10},
    {0}};

/* The token that clients must bring: only from the environment, where other
 * users of the machine do not see it. */
static void take_token(struct serve_args *a, struct argp_state *state)
{
    a->serve.token = getenv(RM_SERVE_TOKEN);
    if (a->serve.token && !*a->serve.token)
        argp_error(state, "$" RM_SERVE_TOKEN " is empty");
    if (a->serve.token && a->serve.open)
        argp_error(state, "--without-token, but $" RM_SERVE_TOKEN " is set");
}

static error_t parse_limits(int key, char *arg, struct argp_state *state)
{
    struct serve_args *a = state->input;
    struct rm_serve *o = &a->serve;
    switch (key) {
    case OPT_QUEUE_TEXTS:
        o->limits.texts = rm_opt_size("--queue-texts", arg, 1, state);
        return 0;
    case OPT_QUEUE_TOKENS:
        o->limits.tokens = rm_opt_size("--queue-tokens", arg, 1, state);
        return 0;
    case OPT_BODY:
        o->body_bytes = rm_opt_size("--max-body", arg, 1, state);
        return 0;
    case OPT_CONNECTIONS:
        o->connections = rm_opt_size("--max-connections", arg, 1, state);
        return 0;
    case OPT_IDLE:
        o->idle_seconds = (unsigned)rm_opt_double("--idle", arg, 1, 1e6, state);
        return 0;
    case OPT_GRACE:
        o->grace_seconds =
            (unsigned)rm_opt_double("--grace", arg, 0, 1e6, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct serve_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &a->scoring;
        state->child_inputs[2] = &a->combining;
        return 0;
    case 'l':
        a->serve.listen = arg;
        return 0;
    case OPT_WITHOUT_TOKEN:
        a->serve.open = true;
        return 0;
    case ARGP_KEY_END:
        if (a->scoring.models.n == 0)
            argp_error(state, "--rm NAME=DIR is needed");
        rm_combining_check(&a->combining, &a->scoring.models, state);
        take_token(a, state);
        return 0;
    default:
        return parse_limits(key, arg, state);
    }
}

static const struct argp_child children[] = {{&rm_scoring_argp, 0, NULL, 0},
                                             {&rm_unclosed_argp, 0, NULL, 0},
                                             {&rm_combine_argp, 0, NULL, 0},
                                             {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .children = children,
    .doc =
        "Reward models over HTTP, for programs that ask for rewards.\v"
        "  GET  /health, /metrics (Prometheus), /v1/models\n"
        "  POST /score        rows of `prefkit score', one a line, in and out\n"
        "  POST /get_reward   OpenRLHF's remote reward model; ?model=NAME\n"
        "  POST /classify, /pooling, /rerank, /v1/score, /v1/rerank: vLLM's\n\n"
        "The numbers are those of `prefkit score', to the bit, whatever else "
        "is "
        "asked at the same time: requests of all connections are computed "
        "together. They are raw scores, as vLLM gives them for a model whose "
        "config says \"regression\"; \"use_activation\": true asks vLLM's "
        "addresses for sigma(r). The first --rm answers unless a request names "
        "a model; /score gives every model's number.\n\n"
        "With --combine, /score adds \"combined\" as `prefkit score --combine' "
        "does, and the other addresses answer with it where the model "
        "\"combined\" is asked for. A safety prompt is marked as "
        "\"safety_prompt\""
        ": true in a row of /score; for vLLM's addresses in the request, for "
        "all "
        "its texts or as a list with one true or false for each; for "
        "/get_reward so too, or by a label that is true, which OpenRLHF sends "
        "where its label key is a column of true and false.\n\n"
        "A text that has its chat format written out (\"<s>[INST] ...\") is "
        "cut "
        "at the special tokens it spells out, each stretch tokenized by "
        "itself, with a BOS before it unless it has one: the ids that the same "
        "dialogue gets as messages. It is read at the end-of-sequence token at "
        "its end, behind which padding and white space are left off; one that "
        "does not end so is what --unclosed says. It is never shortened: a "
        "text too long is an error. An error of one text leaves the others "
        "their numbers.\n\n"
        "Listens on this machine alone, unless told otherwise; if "
        "$" RM_SERVE_TOKEN
        " is set, all but /health need it as a bearer token. "
        "SIGTERM and SIGINT end it: nothing more is accepted, what was "
        "accepted is answered, and the exit status is 0.\n\n"
        "Example: prefkit serve --rm help=models/help --listen 127.0.0.1:8000"};

int rm_cmd_serve(int argc, char **argv)
{
    struct serve_args a = {
        .cli.verb = "serve",
        .serve = {
            .listen = "127.0.0.1:8000",
            .limits = {.texts = 4096, .tokens = (size_t)16 * RM_FOREST_TOKENS},
            .body_bytes = (size_t)16 << 20,
            .connections = 512,
            .idle_seconds = 60,
            .grace_seconds = 10}};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    signal(SIGPIPE, SIG_IGN); /* a client may leave at any time */
    struct pk_err err = {0};
    a.scoring.opts.keep_bad = true; /* an error of one text */
    a.serve.cli = &a.cli;
    a.serve.models = a.scoring.models.model;
    a.serve.n_models = a.scoring.models.n;
    a.serve.scorer = a.scoring.opts;
    a.serve.combine = a.combining.combine;
    a.serve.whitening = a.combining.whitening;
    int rc = rm_serve_run(&a.serve, &err);
    rm_models_release(&a.scoring.models);
    rm_combining_release(&a.combining);
    return rc ? pk_cli_fail(&a.cli, &err) : 0;
}
