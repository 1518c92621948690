/* prefkit convert: other weight formats to a model directory. */
#include <stdlib.h>

#include "common/cli.h"
#include "common/mem.h"
#include "common/out.h"
#include "common/path.h"
#include "infer/files/gguf.h"
#include "infer/files/llama2c.h"
#include "infer/infer.h"
#include "infer/text/tokenizer_files.h"

struct args {
    struct pk_cli cli;
    const char *in, *dir, *tokenizer;
    enum infer_dtype dtype;
};

static const struct argp_option options[] = {
    {"tokenizer", 'k', "FILE", 0,
     "tokenizer.model, or llama2.c's tokenizer.bin", 0},
    {"dtype", 'd', "f32|bf16", 0,
     "What the weights are stored in; bf16 rounds them (default f32)", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    struct pk_err err;
    switch (key) {
    case 'k':
        a->tokenizer = arg;
        return 0;
    case 'd':
        if (infer_dtype_parse(&a->dtype, arg, &err) < 0)
            argp_error(state, "--dtype: %s", err.text);
        return 0;
    case ARGP_KEY_ARG:
        if (a->dir)
            argp_error(state, "one file and one directory, please");
        *(a->in ? &a->dir : &a->in) = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->dir || (!a->tokenizer && !infer_gguf_is(a->in)))
            argp_error(
                state,
                "IN and DIR are needed, and --tokenizer unless IN is GGUF");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "IN DIR",
    .doc = "Convert a model to a Hugging Face directory. IN is a GGUF file "
           "(F32, F16, BF16 or Q8_0), which brings its tokenizer, or a "
           "llama2.c model.bin (version 0, f32).\v"
           "Example:\n"
           "  prefkit convert stories260K.bin stories --tokenizer tok512.bin"};

/* The tokenizer as a SentencePiece model inside the directory. */
static int put_tokenizer(const struct args *a, const char *dir, char **at,
                         struct pk_err *err)
{
    int rc = pk_path(at, dir, "tokenizer.model", err);
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

/* The model's weights, and in `written` where its tokenizer is: a file or a
 * directory (`dir` itself, when the tokenizer was written there). */
static int load_llama2c(const struct args *a, const char *dir,
                        struct infer_config *c, struct infer_params **p,
                        char **written, struct pk_err *err)
{
    int rc = infer_llama2c_load(a->in, c, p, err);
    if (rc)
        return rc;
    if (infer_llama2c_is_tokenizer(a->tokenizer))
        return put_tokenizer(a, dir, written, err);
    *written = pk_strdup(a->tokenizer);
    return *written ? 0 : pk_fail_mem(err, "a path");
}

static int load_gguf(const struct args *a, const char *dir,
                     struct infer_config *c, struct infer_params **p,
                     char **written, struct pk_err *err)
{
    struct gguf *g;
    int rc = infer_gguf_open(&g, a->in, err);
    if (rc)
        return rc;
    rc = infer_gguf_load(g, c, p, err);
    if (!rc && a->tokenizer)
        *written = pk_strdup(a->tokenizer);
    else if (!rc && (rc = infer_gguf_write_tokenizer(g, dir, err)) == 0)
        *written = pk_strdup(dir);
    infer_gguf_close(g);
    if (rc)
        return pk_err_prefix(err, "%s: ", a->in);
    return *written ? 0 : pk_fail_mem(err, "a path");
}

static int convert(const struct args *a, struct pk_err *err)
{
    struct infer_config c;
    struct infer_params *p = NULL;
    struct pk_outdir *d = NULL;
    char *tokenizer = NULL;
    int rc = pk_outdir_open(&d, a->dir, err);
    if (!rc)
        rc = (infer_gguf_is(a->in) ? load_gguf : load_llama2c)(
            a, pk_outdir_path(d), &c, &p, &tokenizer, err);
    if (!rc)
        rc = check_vocab(tokenizer, &c, err);
    if (!rc)
        rc = infer_model_save(pk_outdir_path(d), &c, &p->w, a->dtype, tokenizer,
                              err);
    if (!rc)
        rc = pk_outdir_commit(&d, err);
    if (!rc)
        pk_note(&a->cli, "%s: %zu parameters, vocabulary %zu", a->dir,
                infer_parameters(&c), c.vocab);
    pk_outdir_abort(&d);
    infer_params_free(p);
    free(tokenizer);
    return rc;
}

int infer_cmd_convert(int argc, char **argv)
{
    struct args a = {.cli.verb = "convert"};
    struct pk_err err = {0};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    return convert(&a, &err) ? pk_cli_fail(&a.cli, &err) : 0;
}
