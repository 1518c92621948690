/* prefkit generate: sample responses, JSON lines in, JSON lines out. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/num.h"
#include "common/utf8.h"
#include "infer/generate/rows.h"

struct args {
    struct pk_cli cli;
    struct infer_rows_opts rows;
    const char **stop;
    size_t cap_stops;
};

enum {
    OPT_STOP = 300,
    OPT_PRECISION,
    OPT_BATCH,
    OPT_KV_BUDGET,
    OPT_RESUME,
    OPT_STRICT
};

static const struct argp_option options[] = {
    {"model", 'm', "DIR", 0, "The model directory", 0},
    {"input", 'i', "FILE", 0, "JSON lines (default -: standard input)", 0},
    {"output", 'o', "FILE", 0,
     "Where the rows go (default: -); compressed where FILE ends in .gz. The "
     "file appears when it is whole; until then its rows are in FILE.partial",
     0},
    {"resume", OPT_RESUME, NULL, 0,
     "Go on with the unfinished FILE.partial of a killed run, if there is one: "
     "FILE ends in the same bytes as of an unbroken run",
     0},
    {"strict", OPT_STRICT, NULL, 0,
     "Stop at the first row that cannot be answered; without this it comes out "
     "with the reason in \"error\"",
     0},
    {"precision", OPT_PRECISION, "auto|fp32|bf16", 0,
     "How to compute prompts (default auto); responses are computed in fp32",
     0},
    {"batch", OPT_BATCH, "N", 0,
     "Responses computed at once (default 32); no response depends on it", 0},
    {"kv-budget", OPT_KV_BUDGET, "MIB", 0,
     "Memory for keys and values (default: 1024, or what one response takes); "
     "fewer responses are computed at once where it is full",
     0},
    {"samples", 'k', "K", 0, "Responses per prompt (default 1)", 0},
    {"max-tokens", 'n', "N", 0, "Longest response, in tokens (default 256)", 0},
    {"temperature", 'T', "X", 0, "0 always takes the likeliest (default 1)", 0},
    {"top-p", 'p', "X", 0,
     "Sample from this share of the probability (default 1)", 0},
    {"top-k", 'K', "N", 0, "Sample from the N likeliest (default 0: all)", 0},
    {"repetition-penalty", 'R', "X", 0,
     "Make what prompt or response has already less likely (default 1: not)",
     0},
    {"stop", OPT_STOP, "TEXT", 0,
     "End a response before TEXT; may be given again", 0},
    {"seed", 'S', "N", 0, "Seed (default 1)", 0},
    {0}};

static void need(struct argp_state *state, bool ok, const char *what)
{
    if (!ok)
        argp_error(state, "%s", what);
}

static void add_stop(struct args *a, const char *text, struct argp_state *state)
{
    struct infer_request *q = &a->rows.request;
    need(state, *text && pk_utf8_check(text, strlen(text)) == strlen(text),
         "--stop takes text in UTF-8");
    if (!pk_grow(&a->stop, &a->cap_stops, q->n_stops + 1, sizeof *a->stop))
        argp_failure(state, 5, 0, "out of memory");
    else
        a->stop[q->n_stops++] = text;
    q->stop = a->stop;
}

/* How a response is drawn. */
static error_t parse_request(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    struct infer_request *q = &a->rows.request;
    struct infer_sampling *s = &q->sampling;
    uint64_t n;
    switch (key) {
    case 'n':
        need(state, pk_parse_u64(arg, 1, 1 << 24, &n),
             "--max-tokens takes a whole number from 1");
        q->max_tokens = (size_t)n;
        return 0;
    case 'T':
        need(state, pk_parse_double(arg, 0, 100, &s->temperature),
             "--temperature takes a number from 0 to 100");
        return 0;
    case 'p':
        need(state, pk_parse_double(arg, 1e-9, 1, &s->top_p),
             "--top-p takes a number above 0, at most 1");
        return 0;
    case 'K':
        need(state, pk_parse_u64(arg, 0, 1 << 24, &n),
             "--top-k takes a whole number");
        s->top_k = (size_t)n;
        return 0;
    case 'R':
        need(state, pk_parse_double(arg, 1e-3, 1e3, &s->repetition_penalty),
             "--repetition-penalty takes a number from 0.001 to 1000");
        return 0;
    case OPT_STOP:
        add_stop(a, arg, state);
        return 0;
    case 'S':
        need(state, pk_parse_u64(arg, 0, (1ULL << 53) - 1, &q->seed),
             "--seed takes a whole number below 2^53");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    struct infer_rows_opts *r = &a->rows;
    struct pk_err err;
    uint64_t n;
    switch (key) {
    case 'm':
        r->model = arg;
        return 0;
    case 'i':
        r->input = arg;
        return 0;
    case 'o':
        r->output = arg;
        return 0;
    case 'k':
        need(state, pk_parse_u64(arg, 1, 1 << 20, &r->samples),
             "--samples takes a whole number from 1");
        return 0;
    case OPT_BATCH:
        need(state, pk_parse_u64(arg, 1, 4096, &n),
             "--batch takes a whole number from 1 to 4096");
        r->batch = (size_t)n;
        return 0;
    case OPT_KV_BUDGET:
        need(state, pk_parse_u64(arg, 1, 1 << 24, &n),
             "--kv-budget takes a whole number of MiB");
        r->kv_budget = (size_t)n << 20;
        return 0;
    case OPT_PRECISION:
        need(state, infer_precision_parse(&r->precision, arg, &err) == 0,
             "--precision takes auto, fp32 or bf16");
        return 0;
    case OPT_RESUME:
        r->resume = true;
        return 0;
    case OPT_STRICT:
        r->strict = true;
        return 0;
    case ARGP_KEY_END:
        need(state, r->model != NULL, "--model is needed");
        need(state, !r->resume || strcmp(r->output, "-") != 0,
             "--resume needs --output FILE");
        return 0;
    default:
        return parse_request(key, arg, state);
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc =
        "Sample responses. Each row is {\"messages\": [...]} or {\"prompt\": "
        "TEXT or [MESSAGES]}, answered in the model's chat format, or "
        "{\"text\": TEXT}, which is continued as it stands; special tokens "
        "that it spells out, as \"<s>[INST] ...\" does, are those tokens.\v"
        "Rows come back whole, in order, with \"responses\": [TEXT, ...], "
        "\"cut\": [...], true where a response reached --max-tokens before its "
        "end, and \"generation\": the model, the settings, the seed, and each "
        "response's tokens and finish (end, stop, length). `prefkit score' "
        "reads them so, but for those of a \"text\". A row that cannot be "
        "answered comes back in its place "
        "with \"error\": REASON, or as {\"error\": REASON, \"line\": N} where "
        "it is not a JSON object; the exit status is then 3.\n\n"
        "A row's samples depend on the model, the settings, the seed and the "
        "row's number alone: the same come out with any --batch, any number "
        "of threads, and after a run that was killed.\n\n"
        "Examples:\n"
        "  prefkit generate --model base -k 8 -i prompts.jsonl -o out.jsonl\n"
        "  prefkit generate --model base --top-p 0.9 --stop 'User:' -i "
        "in.jsonl "
        "-o out.jsonl.gz --resume"};

int infer_cmd_generate(int argc, char **argv)
{
    struct args a = {.cli.verb = "generate",
                     .rows = {.precision = INFER_PRECISION_AUTO,
                              .input = "-",
                              .output = "-",
                              .request = {.sampling = INFER_SAMPLING_INIT,
                                          .max_tokens = 256,
                                          .seed = 1},
                              .samples = 1,
                              .batch = 32}};
    struct pk_err err = {0};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    a.rows.cli = &a.cli;
    pk_catch_signals();
    int rc = infer_generate_rows(&a.rows, &err);
    free(a.stop);
    return rc ? pk_cli_fail(&a.cli, &err) : 0;
}
