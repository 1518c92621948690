/* prefkit convert: other weight formats to a model directory. */
#include <stdlib.h>

#include "common/cli.h"
#include "common/out.h"
#include "infer/infer.h"
#include "infer/llama2c.h"
#include "infer/tokenizer_files.h"

struct args {
    struct pk_cli cli;
    const char *in, *dir, *tokenizer;
};

static const struct argp_option options[] = {
    {"tokenizer", 'k', "FILE", 0,
     "tokenizer.model, or llama2.c's tokenizer.bin", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'k':
        a->tokenizer = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->dir)
            argp_error(state, "one file and one directory, please");
        *(a->in ? &a->dir : &a->in) = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->dir || !a->tokenizer)
            argp_error(state, "IN, DIR and --tokenizer are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "IN DIR",
    .doc = "Convert a model to a Hugging Face directory. IN is a llama2.c "
           "model.bin (version 0, f32).\v"
           "Example:\n"
           "  prefkit convert stories260K.bin stories --tokenizer tok512.bin"};

/* The tokenizer as a SentencePiece model inside the directory. */
static int put_tokenizer(const struct args *a, const char *dir, char **at,
                         struct pk_err *err)
{
    int rc = infer_path(at, dir, "tokenizer.model", err);
    if (!rc)
        rc = infer_llama2c_write_tokenizer(a->tokenizer, *at, err);
    return rc;
}

static int check_vocab(const char *tokenizer, const struct infer_config *c,
                       struct pk_err *err)
{
    struct infer_tokenizer *t;
    int rc = infer_tokenizer_open(&t, tokenizer, err);
    if (rc)
        return rc;
    size_t n = infer_tokenizer_vocab(t);
    infer_tokenizer_close(t);
    if (n != c->vocab)
        return pk_fail(err, PK_EDATA,
                       "the model has a vocabulary of %zu, the tokenizer one "
                       "of %zu",
                       c->vocab, n);
    return 0;
}

static int convert(const struct args *a, struct pk_err *err)
{
    struct infer_config c;
    struct infer_params *p = NULL;
    struct pk_outdir *d = NULL;
    char *written = NULL;
    const char *tokenizer = a->tokenizer;
    int rc = infer_llama2c_load(a->in, &c, &p, err);
    if (!rc)
        rc = pk_outdir_open(&d, a->dir, err);
    if (!rc && infer_llama2c_is_tokenizer(a->tokenizer)) {
        rc = put_tokenizer(a, pk_outdir_path(d), &written, err);
        tokenizer = written;
    }
    if (!rc)
        rc = check_vocab(tokenizer, &c, err);
    if (!rc)
        rc = infer_model_save(pk_outdir_path(d), &c, &p->w, tokenizer, err);
    if (!rc)
        rc = pk_outdir_commit(&d, err);
    if (!rc)
        pk_note(&a->cli, "%s: %zu parameters, vocabulary %zu", a->dir, p->n,
                c.vocab);
    pk_outdir_abort(&d);
    infer_params_free(p);
    free(written);
    return rc;
}

int infer_cmd_convert(int argc, char **argv)
{
    struct args a = {.cli.verb = "convert"};
    struct pk_err err = {0};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    return convert(&a, &err) ? pk_cli_fail(&a.cli, &err) : 0;
}
