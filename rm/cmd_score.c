/* prefkit score: JSON lines in, the same lines with their scores out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/num.h"
#include "rm/rm.h"
#include "rm/score/batch.h"
#include "rm/score/join.h"
#include "rm/score/options.h"
#include "rm/score/store.h"

enum {
    OPT_RESUME = 300,
    OPT_STRICT,
    OPT_SHARD,
    OPT_JOIN,
    OPT_STORE,
    OPT_RESCORE,
    OPT_WHITENING_SAVE
};

struct score_args {
    struct pk_cli cli;
    struct rm_scoring scoring;
    struct rm_batch batch;
    const char *store;
    struct rm_combining combining;
    bool join;
    char **files; /* shards to join; borrowed from argv */
    size_t n_files, cap_files;
};

static const struct argp_option options[] = {
    {"input", 'i', "FILE", 0, "Rows to score, plain or gzip (default: -)", 0},
    {"output", 'o', "FILE", 0,
     "Where the scored rows go (default: -); compressed where FILE ends in "
     ".gz. The file appears when it is whole; until then its rows are in "
     "FILE.partial",
     0},
    {"resume", OPT_RESUME, NULL, 0,
     "Go on with the unfinished FILE.partial of a killed run, if there is one: "
     "FILE ends in the same bytes as of an unbroken run",
     0},
    {"strict", OPT_STRICT, NULL, 0,
     "Stop at the first row that cannot be scored; without this it comes out "
     "with the reason in \"error\"",
     0},
    {NULL, 0, NULL, 0, "Many machines, and the store:", 10},
    {"shard", OPT_SHARD, "I/N", 0,
     "Score the I-th of N parts of the input, blocks of 256 rows in turn", 10},
    {"join", OPT_JOIN, NULL, 0,
     "Put the shards FILE... together, checked for gaps and overlaps", 10},
    {"store", OPT_STORE, "DB", 0,
     "Score the responses of a store that have no score by these models yet, "
     "and write their scores into it; by weights, tokenizer and chat format "
     "it is the same model, whatever the other options were",
     10},
    {"rescore", OPT_RESCORE, NULL, 0,
     "With --store, score all of its responses, also those that have scores",
     10},
    {"whitening-save", OPT_WHITENING_SAVE, "FILE", 0,
     "Write the statistics of this run's combined scores", 20},
    {0}};

static void take_shard(struct rm_batch *b, const char *arg,
                       struct argp_state *state)
{
    char index[24];
    uint64_t i = 0, n = 0;
    const char *slash = strchr(arg, '/');
    size_t len = slash ? (size_t)(slash - arg) : sizeof index;
    if (len < sizeof index) {
        memcpy(index, arg, len);
        index[len] = 0;
        if (!pk_parse_u64(slash + 1, 1, RM_SHARDS_MAX, &n) ||
            !pk_parse_u64(index, 1, n, &i))
            n = 0;
    }
    if (n == 0)
        argp_error(state, "--shard takes I/N, 1/N to N/N, not '%s'", arg);
    b->shard = (size_t)i;
    b->shards = (size_t)n;
}

static void take_file(struct score_args *a, char *arg, struct argp_state *state)
{
    if (!pk_grow(&a->files, &a->cap_files, a->n_files + 1, sizeof *a->files))
        argp_failure(state, 5, 0, "out of memory");
    else
        a->files[a->n_files++] = arg;
}

static void check_combine(const struct score_args *a, struct argp_state *state)
{
    const struct rm_batch *b = &a->batch;
    rm_combining_check(&a->combining, &a->scoring.models, state);
    if (!a->combining.combine.name[0] && b->whitening_to)
        argp_error(state, "--whitening-save: of what? --combine is needed");
    if (b->whitening_to && b->shards)
        argp_error(state, "--whitening-save needs the whole input: combine "
                          "after --join, without --rm");
}

static void check(const struct score_args *a, struct argp_state *state)
{
    const struct rm_batch *b = &a->batch;
    bool files = strcmp(b->input, "-") != 0 || strcmp(b->output, "-") != 0;
    if (a->join && (a->scoring.models.n || a->store || b->shards || b->resume ||
                    a->combining.combine.name[0] || strcmp(b->input, "-") != 0))
        argp_error(state, "--join takes shards and --output, nothing else");
    if (a->join && a->n_files == 0)
        argp_error(state, "--join needs the shards to put together");
    if (!a->join && a->n_files)
        argp_error(state, "'%s': rows are read with --input", a->files[0]);
    if (a->store && (files || b->shards || b->resume ||
                     a->combining.combine.name[0] || a->scoring.opts.read_out))
        argp_error(state, "--store reads and writes the store: --rm is all it "
                          "needs");
    if (b->rescore && !a->store)
        argp_error(state, "--rescore is of a --store");
    if (a->scoring.models.n == 0 && !a->join &&
        (a->store || !a->combining.combine.name[0]))
        argp_error(state, "--rm NAME=DIR is needed");
    if (b->resume && strcmp(b->output, "-") == 0)
        argp_error(state, "--resume needs --output FILE");
    check_combine(a, state);
}

static error_t parse_more(int key, char *arg, struct argp_state *state)
{
    struct score_args *a = state->input;
    struct rm_batch *b = &a->batch;
    switch (key) {
    case OPT_WHITENING_SAVE:
        b->whitening_to = arg;
        return 0;
    case ARGP_KEY_ARG:
        take_file(a, arg, state);
        return 0;
    case ARGP_KEY_END:
        check(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct score_args *a = state->input;
    struct rm_batch *b = &a->batch;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &a->scoring;
        state->child_inputs[2] = &a->combining;
        return 0;
    case 'i':
        b->input = arg;
        return 0;
    case 'o':
        b->output = arg;
        return 0;
    case OPT_RESUME:
        b->resume = true;
        return 0;
    case OPT_STRICT:
        b->strict = true;
        return 0;
    case OPT_SHARD:
        take_shard(b, arg, state);
        return 0;
    case OPT_JOIN:
        a->join = true;
        return 0;
    case OPT_STORE:
        a->store = arg;
        return 0;
    case OPT_RESCORE:
        b->rescore = true;
        return 0;
    default:
        return parse_more(key, arg, state);
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
    .args_doc = "\n--join [-o FILE] FILE...",
    .doc =
        "Score JSON lines with one or more reward models.\v"
        "A row is one of\n\n"
        "  {\"messages\": [..., {\"role\": \"assistant\", \"content\": ...}]}\n"
        "  {\"prompt\": TEXT or [MESSAGES], \"response\": TEXT}\n"
        "  {\"prompt\": TEXT or [MESSAGES], \"responses\": [TEXT, ...]}\n"
        "  {\"messages\": [MESSAGES], \"responses\": [TEXT, ...]}\n"
        "  {\"text\": TEXT}, its chat format written out: \"<s>[INST] ...\"\n"
        "  {\"token_ids\": [ID, ...]}\n\n"
        "and comes back whole, in order, with \"scores\": {NAME: number}, or "
        "{NAME: [numbers]} where there was a list. A score is raw: the head's "
        "output at the end-of-sequence token that closes the response; a text "
        "is cut at the special tokens it spells out, and read at its last "
        "token, as ready-made ids are. \"cut\": true "
        "in a row says that the response was cut off before its end: it is "
        "then read at its last token. Such scores are marked, as are those of "
        "dialogues that lost exchanges: \"marks\": {\"cut\": true, "
        "\"dropped_exchanges\": 2}. A row that cannot be scored comes back in "
        "its place with \"error\": REASON, or as {\"error\": REASON, \"line\": "
        "N} where it is not a JSON object; the exit status is then 3.\n\n"
        "A NAME of --combine that no --rm has is taken from the row's own "
        "\"scores\".\n\n"
        "Examples:\n"
        "  prefkit score --rm help=models/help -i in.jsonl -o out.jsonl\n"
        "  prefkit score --rm help=models/help --shard 3/8 -i in.jsonl "
        "-o part3.jsonl --resume\n"
        "  prefkit score --join -o out.jsonl part*.jsonl"};

int rm_cmd_score(int argc, char **argv)
{
    struct score_args a = {.cli.verb = "score",
                           .batch = {.input = "-", .output = "-"}};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    struct pk_err err = {0};
    a.scoring.opts.keep_bad = a.store == NULL;
    a.batch.cli = &a.cli;
    a.batch.scorer = a.scoring.opts;
    a.batch.models = a.scoring.models.model;
    a.batch.n_models = a.scoring.models.n;
    a.batch.combine = a.combining.combine;
    a.batch.whitening = a.combining.whitening;
    int rc;
    if (a.join) {
        rc = rm_join(a.files, a.n_files, a.batch.output, &a.cli, &err);
    } else if (a.store) {
        rc = rm_score_store(&a.batch, a.store, &err);
    } else {
        rc = rm_batch_run(&a.batch, &err);
    }
    rm_models_release(&a.scoring.models);
    rm_combining_release(&a.combining);
    free(a.files);
    return rc ? pk_cli_fail(&a.cli, &err) : 0;
}
