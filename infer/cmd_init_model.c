/* prefkit init-model: a randomly initialised model directory. */
#include <stdlib.h>

#include "common/cli.h"
#include "common/num.h"
#include "common/out.h"
#include "infer/files/model_write.h"
#include "infer/files/shape.h"

struct args {
    struct pk_cli cli;
    const char *dir, *shape, *tokenizer;
    uint64_t seed;
    enum infer_dtype dtype;
};

static const struct argp_option options[] = {
    {"shape", 's', "SHAPE", 0,
     "dim=,layers=,heads=,kv_heads=,hidden= (also head_dim=, positions=, "
     "theta=, eps=), or 15M, 110M, 1.1B, 7B",
     0},
    {"tokenizer", 'k', "FILE", 0,
     "A tokenizer.model, or a directory that holds one", 0},
    {"seed", 'S', "N", 0, "Seed of the random weights (default 1)", 0},
    {"dtype", 'd', "f32|bf16", 0,
     "What the weights are stored in; bf16 rounds them (default f32)", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    struct pk_err err;
    switch (key) {
    case 's':
        a->shape = arg;
        return 0;
    case 'k':
        a->tokenizer = arg;
        return 0;
    case 'S':
        if (!pk_parse_u64(arg, 0, UINT64_MAX, &a->seed))
            argp_error(state, "--seed takes a whole number");
        return 0;
    case 'd':
        if (infer_dtype_parse(&a->dtype, arg, &err) < 0)
            argp_error(state, "--dtype: %s", err.text);
        return 0;
    case ARGP_KEY_ARG:
        if (a->dir)
            argp_error(state, "one directory, please");
        a->dir = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->dir || !a->shape || !a->tokenizer)
            argp_error(state, "DIR, --shape and --tokenizer are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "DIR",
    .doc = "Make a randomly initialised language model, for tests and small "
           "experiments: a Hugging Face directory. Weights are written as "
           "they are drawn, so that a large model takes little memory.\v"
           "Example:\n"
           "  prefkit init-model base --tokenizer tokenizer.model \\\n"
           "      --shape dim=64,layers=2,heads=4,kv_heads=2,hidden=176"};

static int make(const struct args *a, struct infer_config *c,
                struct pk_err *err)
{
    struct infer_random random = {.c = c, .seed = a->seed};
    const struct infer_source from = {&random, infer_random_next};
    struct pk_outdir *d = NULL;
    int rc = pk_outdir_open(&d, a->dir, err);
    if (!rc)
        rc = infer_model_write(pk_outdir_path(d), c, &from, a->dtype,
                               a->tokenizer, err);
    if (!rc)
        rc = pk_outdir_commit(&d, err);
    pk_outdir_abort(&d);
    if (!rc)
        pk_note(&a->cli, "%s: %zu parameters, vocabulary %zu", a->dir,
                infer_parameters(c), c->vocab);
    return rc;
}

int infer_cmd_init_model(int argc, char **argv)
{
    struct args a = {.cli.verb = "init-model", .seed = 1};
    struct pk_err err = {0};
    struct infer_config c;
    struct infer_tokenizer *t = NULL;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    int rc = infer_shape_parse(&c, a.shape, &err);
    if (!rc)
        rc = infer_tokenizer_open(&t, a.tokenizer, &err);
    if (!rc) {
        c.vocab = infer_tokenizer_vocab(t);
        c.bos = infer_tokenizer_bos(t);
        c.eos = infer_tokenizer_eos(t);
        infer_tokenizer_close(t);
        pk_catch_signals();
        rc = make(&a, &c, &err);
    }
    return rc ? pk_cli_fail(&a.cli, &err) : 0;
}
