/* prefkit train: one reward model for one dimension, straight from the store.
 */
#include <errno.h>
#include <float.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"
#include "common/out.h"
#include "rm/options.h"
#include "rm/rm.h"
#include "rm/run.h"

enum {
    OPT_DIMENSION = 300,
    OPT_BASE,
    OPT_SEED,
    OPT_EPOCHS,
    OPT_LR,
    OPT_BATCH,
    OPT_MARGIN,
    OPT_SOURCE,
    OPT_KEEP,
    OPT_WARMUP,
    OPT_DECAY,
    OPT_CLIP,
    OPT_PRECISION,
    OPT_MAX_TOKENS,
    OPT_MICRO_TOKENS,
    OPT_LOG,
    OPT_JSON
};

struct train_args {
    struct pk_cli cli;
    const char *log;
    const char **source;
    size_t n_sources, cap_sources;
    bool has_dimension, json;
    struct rm_run run; /* what is asked for, and then what came of it */
};

static const struct argp_option options[] = {
    {"dimension", OPT_DIMENSION, "helpfulness|safety", 0,
     "Which judgments to learn from (needed)", 1},
    {"base", OPT_BASE, "DIR", 0,
     "The model to start from (needed): a language model, whose head is "
     "replaced by a fresh one, or an earlier reward model",
     1},
    {"output", 'o', "DIR", 0, "Where the reward model goes (needed)", 1},
    {"source", OPT_SOURCE, "NAME", 0,
     "Only judgments from this source; may be given again", 1},
    {"keep-preferred-unsafe", OPT_KEEP, NULL, 0,
     "Keep safety judgments that prefer an unsafe response to a safe one; the "
     "paper leaves them out, and so do we",
     1},
    {"log", OPT_LOG, "FILE", 0,
     "One JSON object per step, written as it happens and kept if the run "
     "fails",
     1},
    {"json", OPT_JSON, NULL, 0, "The summary as one JSON document", 1},
    {0, 0, 0, 0, "The recipe (defaults are the paper's, where it has one):", 2},
    {"epochs", OPT_EPOCHS, "N", 0, "Default: 1", 2},
    {"lr", OPT_LR, "X", 0, "Largest learning rate (default: 1e-5)", 2},
    {"batch-pairs", OPT_BATCH, "N", 0, "Pairs per step (default: 512)", 2},
    {"margin", OPT_MARGIN, "none|small|large", 0,
     "By strength, as in the paper's Table 27: 1, 2/3, 1/3, 0 or 3, 2, 1, 0; a "
     "pair without a strength has none (default: none, our choice)",
     2},
    {"warmup", OPT_WARMUP, "X", 0,
     "Part of the steps over which the rate rises, at least 5 steps (default: "
     "0.03); then it falls to a tenth along a cosine",
     2},
    {"weight-decay", OPT_DECAY, "X", 0, "On matrices only (default: 0.1)", 2},
    {"clip", OPT_CLIP, "X", 0,
     "Largest norm of the gradient (default: 1; 0: any)", 2},
    {"seed", OPT_SEED, "N", 0,
     "Of a fresh head and the order of the pairs (default: 1)", 2},
    {0, 0, 0, 0, "How it is computed:", 3},
    {"precision", OPT_PRECISION, "auto|fp32", 0,
     "fp32 is all that this version has", 3},
    {"max-tokens", OPT_MAX_TOKENS, "N", 0,
     "Drop the oldest exchanges of a dialogue longer than N tokens (default: "
     "as many as the model takes)",
     3},
    {"micro-tokens", OPT_MICRO_TOKENS, "N", 0,
     "Tokens to compute at a time (default: 4096): fewer take less memory", 3},
    {0}};

static error_t parse_recipe(int key, char *arg, struct argp_state *state,
                            struct rm_run *run)
{
    struct rm_recipe *r = &run->recipe;
    switch (key) {
    case OPT_EPOCHS:
        r->epochs = rm_opt_size("--epochs", arg, 1, state);
        return 0;
    case OPT_LR:
        r->lr = rm_opt_double("--lr", arg, DBL_MIN, 1000, state);
        return 0;
    case OPT_BATCH:
        r->batch_pairs = rm_opt_size("--batch-pairs", arg, 1, state);
        return 0;
    case OPT_MARGIN:
        if (!rm_parse_margin(arg, &r->margin))
            argp_error(state, "--margin takes none, small or large, not '%s'",
                       arg);
        return 0;
    case OPT_WARMUP:
        r->warmup = rm_opt_double("--warmup", arg, 0, 1, state);
        return 0;
    case OPT_DECAY:
        r->adamw.decay = rm_opt_double("--weight-decay", arg, 0, 1000, state);
        return 0;
    case OPT_CLIP:
        r->adamw.clip = rm_opt_double("--clip", arg, 0, DBL_MAX, state);
        return 0;
    case OPT_SEED:
        r->seed = rm_opt_size("--seed", arg, 0, state);
        return 0;
    case OPT_PRECISION:
        rm_opt_precision(arg, state);
        return 0;
    case OPT_MAX_TOKENS:
        run->max_tokens = rm_opt_size("--max-tokens", arg, 1, state);
        return 0;
    case OPT_MICRO_TOKENS:
        r->micro_tokens = rm_opt_size("--micro-tokens", arg, 1, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void add_source(struct train_args *a, const char *name,
                       struct argp_state *state)
{
    if (pk_grow(&a->source, &a->cap_sources, a->n_sources + 1,
                sizeof *a->source))
        a->source[a->n_sources++] = name;
    else
        argp_failure(state, 5, 0, "out of memory");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct train_args *a = state->input;
    switch (key) {
    case OPT_DIMENSION:
        a->has_dimension = prefdb_parse_dimension(arg, &a->run.dimension);
        if (!a->has_dimension)
            argp_error(state,
                       "--dimension takes helpfulness or safety, not '%s'",
                       arg);
        return 0;
    case OPT_BASE:
        a->run.base = arg;
        return 0;
    case 'o':
        a->run.output = arg;
        return 0;
    case OPT_SOURCE:
        add_source(a, arg, state);
        return 0;
    case OPT_KEEP:
        a->run.keep_preferred_unsafe = true;
        return 0;
    case OPT_LOG:
        a->log = arg;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->run.store)
            argp_error(state, "one store at a time: '%s' is a second", arg);
        a->run.store = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->run.store || !a->has_dimension || !a->run.base ||
            !a->run.output)
            argp_error(state, "a store DB, --dimension, --base and --output "
                              "are needed");
        return 0;
    default:
        return parse_recipe(key, arg, state, &a->run);
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "DB",
    .doc = "Train one reward model for one dimension, on a store's train "
           "split.\v"
           "The loss is -log sigma(chosen - rejected - margin), the mean over "
           "the pairs of a step. Ties and \"both bad\" cannot be ranked and "
           "are left out, with their count. If the store has a valid split, "
           "the trained model's accuracy on it is told. The output directory "
           "is a Hugging Face LlamaForSequenceClassification with prefkit.json "
           "beside it, which says what it was trained on. The same machine, "
           "threads and seed give the same file to the byte.\n\n"
           "Example: prefkit train prefs.db --dimension safety --base "
           "models/base --output models/safety --log safety.jsonl"};

/* What is open while the verb runs. */
struct open {
    struct infer_model *base;
    struct infer_tokenizer *tokenizer;
    struct prefdb *db;
    struct pk_outdir *out;
    struct infer_params *params;
    struct infer_config config;
    FILE *log;
};

static int open_base(struct open *o, struct rm_run *run, struct pk_err *err)
{
    int rc = infer_model_open(&o->base, run->base, err);
    if (rc == 0)
        rc = infer_tokenizer_open(&o->tokenizer, run->base, err);
    if (rc)
        return rc;
    const struct infer_config *c = infer_model_config(o->base);
    rc = rm_check_vocabulary(o->tokenizer, c, run->base, err);
    if (rc)
        return rc;
    if (run->max_tokens > c->max_positions)
        return pk_fail(err, PK_EUSAGE,
                       "--max-tokens %zu is more than the %zu positions of %s",
                       run->max_tokens, c->max_positions, run->base);
    if (!run->max_tokens)
        run->max_tokens = c->max_positions;
    run->base_is_lm = c->head == INFER_HEAD_LM;
    run->chat = infer_tokenizer_chat(o->tokenizer);
    return infer_model_fingerprint(o->base, run->base_fingerprint, err);
}

static int load(struct open *o, const struct train_args *a,
                enum prefdb_split split, struct rm_pairs *pairs,
                struct pk_err *err)
{
    struct rm_pairs_query q = {.dimension = a->run.dimension,
                               .split = split,
                               .source = a->source,
                               .n_sources = a->n_sources,
                               .need_sources = split == PREFDB_TRAIN,
                               .keep_preferred_unsafe =
                                   a->run.keep_preferred_unsafe,
                               .max_tokens = a->run.max_tokens};
    struct pk_progress progress;
    pk_progress_start(&progress, &a->cli, "judgments read", 0);
    int rc = rm_pairs_load(pairs, o->db, &q, o->tokenizer, &progress, err);
    pk_progress_end(&progress);
    return rc;
}

static int load_both(struct open *o, struct train_args *a, struct pk_err *err)
{
    struct rm_run *run = &a->run;
    const char *dimension = prefdb_dimension_name(run->dimension);
    int rc = prefdb_open(&o->db, run->store, PREFDB_READ, err);
    if (rc == 0)
        rc = prefdb_fingerprint(o->db, run->store_fingerprint, err);
    if (rc == 0)
        rc = load(o, a, PREFDB_TRAIN, &run->train, err);
    if (rc == 0 && run->train.judgments == 0)
        rc = pk_fail(err, PK_EDATA, "%s: the train split holds no %s judgments",
                     run->store, dimension);
    else if (rc == 0 && run->train.n == 0)
        rc = pk_fail(err, PK_EDATA,
                     "%s: none of the %llu %s judgments of the train split can "
                     "be ranked and encoded",
                     run->store, (unsigned long long)run->train.judgments,
                     dimension);
    if (rc == 0)
        rc = load(o, a, PREFDB_VALID, &run->valid, err);
    return rc;
}

/* Where a step is told. */
struct listener {
    struct rm_run *run;
    FILE *log; /* or NULL */
};

static int on_step(void *ctx, const struct rm_step *s, struct pk_err *err)
{
    struct listener *l = ctx;
    if (s->step == 1)
        l->run->first = *s;
    l->run->last = *s;
    return l->log ? rm_log_step(l->log, s, err) : 0;
}

static int train(struct open *o, struct train_args *a, struct pk_err *err)
{
    struct rm_run *run = &a->run;
    struct listener listener = {.run = run, .log = o->log};
    struct pk_progress progress;
    pk_note(&a->cli,
            "%zu pairs, %zu steps, %llu tokens an epoch (sharing saves "
            "%.0f%%), fp32, %d threads",
            run->train.n, rm_train_steps(&run->recipe, run->train.n),
            (unsigned long long)run->train.unique,
            100 * (1 - (double)run->train.unique / (double)run->train.flat),
            run->threads);
    int rc = rm_train_start(&o->params, &o->config, o->base, o->tokenizer,
                            run->recipe.seed, err);
    if (rc)
        return rc;
    pk_progress_start(&progress, &a->cli, "pairs",
                      run->train.n * run->recipe.epochs);
    rc = rm_train(o->params, &o->config, &run->train, &run->recipe, &progress,
                  on_step, &listener, err);
    pk_progress_end(&progress);
    if (rc == 0)
        rc = rm_validate(&o->params->w, &o->config, &run->valid,
                         run->recipe.micro_tokens, &run->validation, err);
    return rc;
}

static int save_provenance(const char *dir, const struct rm_run *run,
                           struct pk_err *err)
{
    cJSON *o = rm_run_provenance(run);
    char *text = o ? cJSON_Print(o) : NULL;
    char *path = NULL;
    int rc = 0;
    cJSON_Delete(o);
    if (!text || asprintf(&path, "%s/prefkit.json", dir) < 0) {
        free(text);
        return pk_fail_mem(err, "prefkit.json");
    }
    FILE *f = fopen(path, "wb");
    if (!f) {
        rc = pk_fail_errno(err, "cannot create '%s'", path);
    } else {
        fprintf(f, "%s\n", text); /* pk_fclose sees what went wrong */
        rc = pk_fclose(f, path, err);
    }
    free(path);
    free(text);
    return rc;
}

/* Write the model, and read it back: a directory that does not open is never
 * put in its place. */
static int save(struct open *o, struct rm_run *run, struct pk_err *err)
{
    const char *dir = pk_outdir_path(o->out);
    struct infer_model *back = NULL;
    int rc = infer_model_save(dir, &o->config, &o->params->w, run->base, err);
    if (rc == 0)
        rc = save_provenance(dir, run, err);
    if (rc == 0)
        rc = infer_model_open(&back, dir, err);
    if (rc == 0)
        rc = infer_model_fingerprint(back, run->fingerprint, err);
    infer_model_close(back);
    return rc ? rc : pk_outdir_commit(&o->out, err);
}

static int run_all(struct open *o, struct train_args *a, struct pk_err *err)
{
    double started = pk_now();
    struct rm_run *run = &a->run;
    int rc = open_base(o, run, err);
    if (rc == 0)
        rc = pk_outdir_open(&o->out, run->output, err);
    if (rc == 0)
        rc = load_both(o, a, err);
    if (rc == 0 && a->log && !(o->log = fopen(a->log, "w")))
        rc = pk_fail_errno(err, "cannot create '%s'", a->log);
    if (rc == 0)
        rc = train(o, a, err);
    if (rc == 0)
        rc = save(o, run, err);
    if (o->log) {
        int closed = pk_fclose(o->log, a->log, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    run->seconds = pk_now() - started;
    return rc;
}

int rm_cmd_train(int argc, char **argv)
{
    struct train_args a = {.cli.verb = "train"};
    a.run.recipe = rm_recipe_default;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    a.run.threads = omp_get_max_threads();
    struct pk_err err = {0};
    struct open o = {0};
    int rc = run_all(&o, &a, &err);
    if (rc == 0 && a.json)
        rc = rm_run_json(&a.run, stdout, &err);
    else if (rc == 0)
        rm_run_text(&a.run, stdout);
    infer_params_free(o.params);
    prefdb_close(o.db);
    infer_tokenizer_close(o.tokenizer);
    infer_model_close(o.base);
    pk_outdir_abort(&o.out);
    rm_run_release(&a.run);
    free(a.source);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
