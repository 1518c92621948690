/* The options of prefkit train; see options.h. The table is in
 * option_table.c. */
#include "rm/train/options.h"

#include <string.h>

#include "common/mem.h"
#include "rm/score/options.h"
#include "rm/train/option_keys.h"

static void add_source(struct rm_run *run, const char *name,
                       struct argp_state *state)
{
    if (pk_grow(&run->source, &run->cap_sources, run->n_sources + 1,
                sizeof *run->source))
        run->source[run->n_sources++] = name;
    else
        argp_failure(state, 5, 0, "out of memory");
}

static error_t parse_files(int key, char *arg, struct argp_state *state,
                           struct rm_train_args *a)
{
    switch (key) {
    case OPT_BASE:
        a->run.base = arg;
        return 0;
    case 'o':
        a->run.output = arg;
        return 0;
    case OPT_SOURCE:
        add_source(&a->run, arg, state);
        return 0;
    case OPT_MIX:
        a->mix = arg;
        a->own_mix = true;
        return 0;
    case OPT_LOG:
        a->log = arg;
        return 0;
    case OPT_CURVE:
        a->curve = arg;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    case OPT_SAVE_EVERY:
        a->save_every = rm_opt_size("--save-every", arg, 0, state);
        return 0;
    case OPT_CHECKPOINT:
        a->run.checkpoint_every =
            rm_opt_size("--checkpoint-every", arg, 0, state);
        return 0;
    case OPT_RESUME:
        a->resume = true;
        return 0;
    default:
        return rm_train_parse_recipe(key, arg, state, &a->run.recipe);
    }
}

/* What decides the other defaults. */
static error_t parse_defaults(int key, char *arg, struct argp_state *state,
                              struct rm_train_args *a)
{
    struct rm_run *run = &a->run;
    switch (key) {
    case OPT_RECIPE: {
        enum prefdb_dimension d;
        if (!rm_recipe_named(arg, &run->recipe, &d, &a->mix))
            argp_error(state, "there is no recipe '%s'", arg);
        if (a->has_dimension && run->dimension != d)
            argp_error(state, "%s is a recipe for %s", arg,
                       prefdb_dimension_name(d));
        a->recipe = arg;
        a->has_dimension = true;
        run->dimension = d;
        return 0;
    }
    case OPT_OBJECTIVE:
        if (!rm_parse_objective(arg, &a->objective))
            argp_error(state, "--objective takes reward or lm, not '%s'", arg);
        return 0;
    case OPT_DIMENSION: {
        enum prefdb_dimension d;
        if (!prefdb_parse_dimension(arg, &d))
            argp_error(state,
                       "--dimension takes helpfulness or safety, not '%s'",
                       arg);
        if (a->has_dimension && a->recipe && d != run->dimension)
            argp_error(state, "%s is a recipe for %s", a->recipe,
                       prefdb_dimension_name(run->dimension));
        a->has_dimension = true;
        run->dimension = d;
        return 0;
    }
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *name_of(int key)
{
    const struct argp_option *o = rm_train_table;
    while (o->key != key)
        o++;
    return o->name;
}

/* An option that changes nothing is a mistake of whoever gives it. */
static void check_effect(const struct rm_train_args *a,
                         struct argp_state *state)
{
    static const int lora[] = {OPT_LORA_ALPHA, OPT_LORA_DROPOUT,
                               OPT_LORA_TARGETS, 0};
    static const int reward[] = {OPT_MARGIN, OPT_SCALE,     OPT_SAFETY,
                                 OPT_CENTER, OPT_SMOOTHING, 0};
    const struct {
        const int *keys;
        bool used;
        const char *needs;
    } kinds[] = {{lora, a->run.recipe.lora.rank > 0, "needs --lora-rank"},
                 {reward, a->objective == RM_REWARD,
                  "is for reward models: --objective lm has no pairs to rank"}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (const int *key = kinds[k].keys; *key && !kinds[k].used; key++)
            if (a->said >> (*key - OPT_FIRST) & 1)
                argp_error(state, "--%s %s", name_of(*key), kinds[k].needs);
}

static void check(const struct rm_train_args *a, struct argp_state *state)
{
    const struct rm_recipe *r = &a->run.recipe;
    if (!a->has_dimension || !a->run.base || !a->run.output)
        argp_error(state, "--dimension (or --recipe), --base and --output are "
                          "needed");
    if (a->objective == RM_LANGUAGE &&
        (a->recipe || r->keep == RM_KEEP_ACCURACY))
        argp_error(state, "--recipe and --keep best-accuracy are for reward "
                          "models");
    if ((a->log && strcmp(a->log, "-") == 0) ||
        (a->curve && strcmp(a->curve, "-") == 0))
        argp_error(state, "--log and --curve take a file: the summary goes to "
                          "standard output");
    if ((r->keep != RM_KEEP_LAST || r->patience) && !r->valid_every)
        argp_error(state, "--keep and --patience need --valid-every");
    check_effect(a, state);
}

static error_t parse_all(int key, char *arg, struct argp_state *state)
{
    struct rm_train_args *a = state->input;
    /* Recipe and objective decide the defaults of the other options, wherever
     * they stand: they are read first. */
    if (a->first_pass) {
        if (key != OPT_RECIPE && key != OPT_OBJECTIVE && key != OPT_DIMENSION)
            return 0;
        return parse_defaults(key, arg, state, a);
    }
    if (key >= OPT_FIRST && key <= OPT_RESUME)
        a->said |= 1ull << (key - OPT_FIRST);
    switch (key) {
    case OPT_RECIPE:
    case OPT_OBJECTIVE:
    case OPT_DIMENSION:
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        if (key == ARGP_KEY_END)
            check(a, state);
        return pk_cli_args(
            key, arg, state,
            (const struct pk_cli_arg[]){{"DB", &a->run.store}, {0}});
    default:
        return parse_files(key, arg, state, a);
    }
}

static const struct argp argp = {
    .options = rm_train_table,
    .parser = parse_all,
    .args_doc = "DB",
    .doc = "Train one model for one dimension, on a store's train split.\v"
           "The loss is -log sigma(chosen - rejected - margin), the mean over "
           "the pairs of a step. Ties and \"both bad\" cannot be ranked and "
           "are left out, with their count. If the store has a valid split, "
           "the trained model's accuracy on it is told: as in eval, equal "
           "scores are ties, neither right nor wrong, and counted. The output "
           "directory "
           "is a Hugging Face LlamaForSequenceClassification (lm: "
           "LlamaForCausalLM) with prefkit.json beside it, which says what it "
           "was trained on. The same machine and seed give the same file to "
           "the byte.\n\n"
           "A run that is interrupted leaves its state in OUTPUT.state. With "
           "--checkpoint-every N it leaves the model of every N-th step in "
           "OUTPUT.checkpoints/step-NNNNNN, which `prefkit eval --run' draws "
           "accuracy from as in the paper's Figure 6. A loss "
           "or gradient that is not finite stops the run and names its pairs; "
           "the weights before that step are then in OUTPUT.last-good.\n\n"
           "Built with `make MPI=1`, several processes train one model: mpirun "
           "-n 4 prefkit train ... Each takes its share of every step's pairs; "
           "they stop between steps.\n\n"
           "Example: prefkit train prefs.db --dimension safety --base "
           "models/base --output models/safety --log safety.jsonl"};

void rm_train_args_parse(struct rm_train_args *a, int argc, char **argv)
{
    a->cli.verb = "train";
    a->save_every = 50;
    a->first_pass = true;
    pk_cli_parse(&argp, argc, argv, &a->cli);
    if (!a->recipe)
        a->run.recipe = rm_recipe_default(a->objective);
    a->first_pass = false;
    pk_cli_parse(&argp, argc, argv, &a->cli);
}
