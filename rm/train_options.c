/* The options of prefkit train; see train_options.h. */
#include "rm/train_options.h"

#include <float.h>
#include <string.h>

#include "common/mem.h"
#include "rm/options.h"

enum {
    OPT_DIMENSION = 300,
    OPT_BASE,
    OPT_OBJECTIVE,
    OPT_SOURCE,
    OPT_MIX,
    OPT_JUDGMENTS,
    OPT_KEEP_UNSAFE,
    OPT_LOG,
    OPT_CURVE,
    OPT_JSON,
    OPT_RECIPE,
    OPT_SEED,
    OPT_EPOCHS,
    OPT_LR,
    OPT_BATCH,
    OPT_WARMUP,
    OPT_DECAY,
    OPT_CLIP,
    OPT_BETA1,
    OPT_BETA2,
    OPT_EPS,
    OPT_MARGIN,
    OPT_SCALE,
    OPT_SAFETY,
    OPT_CENTER,
    OPT_SMOOTHING,
    OPT_VALID_EVERY,
    OPT_PATIENCE,
    OPT_KEEP,
    OPT_PRECISION,
    OPT_MAX_TOKENS,
    OPT_MICRO_TOKENS,
    OPT_RECOMPUTE,
    OPT_LORA_RANK,
    OPT_LORA_ALPHA,
    OPT_LORA_DROPOUT,
    OPT_LORA_TARGETS,
    OPT_SAVE_EVERY,
    OPT_RESUME
};

static const struct argp_option options[] = {
    {"dimension", OPT_DIMENSION, "helpfulness|safety", 0,
     "Which judgments to learn from (needed, unless a recipe says)", 1},
    {"base", OPT_BASE, "DIR", 0,
     "The model to start from (needed): a language model, whose head is "
     "replaced by a fresh one, or an earlier reward model",
     1},
    {"output", 'o', "DIR", 0, "Where the model goes (needed)", 1},
    {"objective", OPT_OBJECTIVE, "reward|lm", 0,
     "lm trains a language model on the chosen responses, with the loss on "
     "their tokens alone (default: reward)",
     1},
    {"source", OPT_SOURCE, "NAME", 0,
     "Only judgments from this source; may be given again", 1},
    {"mix", OPT_MIX, "POOL=PART,...", 0,
     "What to train on. A pool is a dimension, or DIMENSION:SOURCE; a part is "
     "0 to 1 of the pool or, with %, of the whole mix: "
     "safety=1,helpfulness=10% (default: all of --dimension)",
     1},
    {"judgments", OPT_JUDGMENTS, "each|latest|majority|soft", 0,
     "Several judgments of one comparison are each a pair; or one pair: the "
     "latest entered, what most say, or the share of votes as a soft label "
     "(default: each, our choice)",
     1},
    {"keep-preferred-unsafe", OPT_KEEP_UNSAFE, NULL, 0,
     "Keep safety judgments that prefer an unsafe response to a safe one; the "
     "paper leaves them out, and so do we",
     1},
    {"log", OPT_LOG, "FILE", 0,
     "One JSON object per step, written as it happens and kept if the run "
     "fails",
     1},
    {"curve", OPT_CURVE, "FILE", 0, "Loss and accuracy, drawn as SVG", 1},
    {"json", OPT_JSON, NULL, 0, "The summary as one JSON document", 1},
    {0, 0, 0, 0, "The recipe (defaults are the paper's, where it has one):", 2},
    {"recipe", OPT_RECIPE, "llama2-helpfulness|llama2-safety", 0,
     "All that the paper says of one of its two models; options given beside "
     "it "
     "win. The mix is its 50/50 or 90/10. Ours, where it is silent: margin "
     "small for helpfulness and none for safety, and --safety-weight 1",
     2},
    {"epochs", OPT_EPOCHS, "N", 0, "Default: 1; lm: 2", 2},
    {"lr", OPT_LR, "X", 0,
     "Largest learning rate (default: 1e-5, 5e-6 from 50e9 parameters on, "
     "which is our reading of \"70B\"; lm: 2e-5)",
     2},
    {"batch-pairs", OPT_BATCH, "N", 0,
     "Pairs per step (default: 512; lm: 64 responses)", 2},
    {"warmup", OPT_WARMUP, "X", 0,
     "Part of the steps over which the rate rises, at least 5 steps (default: "
     "0.03); then it falls to a tenth along a cosine. For lm the paper gives "
     "neither: both are ours",
     2},
    {"weight-decay", OPT_DECAY, "X", 0, "On matrices only (default: 0.1)", 2},
    {"clip", OPT_CLIP, "X", 0,
     "Largest norm of the gradient (default: 1; 0: any)", 2},
    {"beta1", OPT_BETA1, "X", 0, "AdamW's (default: 0.9)", 2},
    {"beta2", OPT_BETA2, "X", 0, "AdamW's (default: 0.95)", 2},
    {"eps", OPT_EPS, "X", 0, "AdamW's (default: 1e-5)", 2},
    {"seed", OPT_SEED, "N", 0,
     "Of a fresh head, the mix, and the order of the pairs (default: 1)", 2},
    {0, 0, 0, 0, "The loss of a reward model:", 3},
    {"margin", OPT_MARGIN, "none|small|large|A,B,C,D", 0,
     "By strength, as in the paper's Table 27: 1, 2/3, 1/3, 0 or 3, 2, 1, 0, "
     "or "
     "four numbers from significantly better down; a pair without a strength "
     "has none (default: none, our choice)",
     3},
    {"scale", OPT_SCALE, "none|strength|A,B,C,D", 0,
     "Scaled Bradley-Terry: factor of the ranking loss by strength: 3, 2, 1 "
     "and "
     "1/2, the last being ours, or four numbers (default: none)",
     3},
    {"safety-weight", OPT_SAFETY, "X", 0,
     "Weight of the safety auxiliary loss: cross entropy of sigma(score) "
     "against the labels safe and unsafe, the mean over both responses. The "
     "paper states neither form nor weight: both are ours (default: 0)",
     3},
    {"center-weight", OPT_CENTER, "X", 0,
     "Weight of (chosen + rejected)^2, which keeps scores near 0 (default: 0)",
     3},
    {"label-smoothing", OPT_SMOOTHING, "X", 0,
     "Share of a label given to the other response (default: 0)", 3},
    {0, 0, 0, 0, "Low-rank adapters instead of all parameters (LoRA):", 6},
    {"lora-rank", OPT_LORA_RANK, "N", 0,
     "Train adapters of this rank on a base that stays as it is, and the score "
     "head; the output is the merged model, and OUTPUT/adapter the adapters in "
     "PEFT's form (default: 0, none)",
     6},
    {"lora-alpha", OPT_LORA_ALPHA, "X", 0,
     "Adapters count alpha / rank times (default: 16)", 6},
    {"lora-dropout", OPT_LORA_DROPOUT, "X", 0,
     "Share of an adapter's input dropped while training (default: 0)", 6},
    {"lora-targets", OPT_LORA_TARGETS, "NAME,...", 0,
     "Of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj "
     "(default: all)",
     6},
    {0, 0, 0, 0, "Validation, on the store's valid split:", 4},
    {"valid-every", OPT_VALID_EVERY, "N", 0,
     "Every N steps and after the last (default: only at the end)", 4},
    {"keep", OPT_KEEP, "last|best-loss|best-accuracy", 0,
     "Which validated weights to keep (default: last, as the paper has it)", 4},
    {"patience", OPT_PATIENCE, "N", 0,
     "Stop after N validations without improvement (default: never)", 4},
    {0, 0, 0, 0, "How it is computed:", 5},
    {"precision", OPT_PRECISION, "auto|fp32|bf16", 0,
     "What matrix products are computed in; weights, sums, gradients and "
     "moments "
     "are fp32 always. auto is bf16 where the base is stored so and this "
     "machine "
     "is faster with it (default: auto)",
     5},
    {"max-tokens", OPT_MAX_TOKENS, "N", 0,
     "Drop the oldest exchanges of a dialogue longer than N tokens (default: "
     "as many as the model takes)",
     5},
    {"micro-tokens", OPT_MICRO_TOKENS, "N", 0,
     "Tokens to compute at a time (default: 4096): fewer take less memory", 5},
    {"recompute", OPT_RECOMPUTE, NULL, 0,
     "Keep only what each layer takes in, and compute the layer again when its "
     "gradient is due: less memory, a third more work, the same bytes",
     5},
    {"save-every", OPT_SAVE_EVERY, "N", 0,
     "Steps between saves of the state in OUTPUT.state, from which --resume "
     "goes on (default: 50; 0: only when interrupted)",
     5},
    {"resume", OPT_RESUME, NULL, 0,
     "Go on from OUTPUT.state, if it is there: the end is the same to the byte",
     5},
    {0}};

static error_t parse_loss(int key, char *arg, struct argp_state *state,
                          struct rm_loss_opts *l)
{
    switch (key) {
    case OPT_MARGIN:
        if (!rm_parse_margin(arg, &l->margin))
            argp_error(state,
                       "--margin takes none, small, large or four numbers, not "
                       "'%s'",
                       arg);
        return 0;
    case OPT_SCALE:
        if (!rm_parse_scale(arg, &l->scale))
            argp_error(state,
                       "--scale takes none, strength or four numbers from 0, "
                       "not '%s'",
                       arg);
        return 0;
    case OPT_SAFETY:
        l->safety = rm_opt_double("--safety-weight", arg, 0, 1000, state);
        return 0;
    case OPT_CENTER:
        l->center = rm_opt_double("--center-weight", arg, 0, 1000, state);
        return 0;
    case OPT_SMOOTHING:
        l->smoothing = rm_opt_double("--label-smoothing", arg, 0, 0.5, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_optimizer(int key, char *arg, struct argp_state *state,
                               struct rm_recipe *r)
{
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
    case OPT_WARMUP:
        r->warmup = rm_opt_double("--warmup", arg, 0, 1, state);
        return 0;
    case OPT_DECAY:
        r->adamw.decay = rm_opt_double("--weight-decay", arg, 0, 1000, state);
        return 0;
    case OPT_CLIP:
        r->adamw.clip = rm_opt_double("--clip", arg, 0, DBL_MAX, state);
        return 0;
    case OPT_BETA1:
        r->adamw.beta1 = rm_opt_double("--beta1", arg, 0, 0.999999, state);
        return 0;
    case OPT_BETA2:
        r->adamw.beta2 = rm_opt_double("--beta2", arg, 0, 0.999999, state);
        return 0;
    case OPT_EPS:
        r->adamw.eps = rm_opt_double("--eps", arg, DBL_MIN, 1, state);
        return 0;
    case OPT_SEED:
        r->seed = rm_opt_size("--seed", arg, 0, state);
        return 0;
    default:
        return parse_loss(key, arg, state, &r->loss);
    }
}

static error_t parse_lora(int key, char *arg, struct argp_state *state,
                          struct rm_recipe *r)
{
    struct pk_err err;
    switch (key) {
    case OPT_LORA_RANK:
        r->lora.rank = rm_opt_size("--lora-rank", arg, 0, state);
        return 0;
    case OPT_LORA_ALPHA:
        r->lora.alpha = rm_opt_double("--lora-alpha", arg, 0, 1e6, state);
        return 0;
    case OPT_LORA_DROPOUT:
        r->lora.dropout = rm_opt_double("--lora-dropout", arg, 0, 0.99, state);
        return 0;
    case OPT_LORA_TARGETS:
        if (infer_lora_targets(&r->lora.targets, arg, &err) < 0)
            argp_error(state, "--lora-targets: %s", err.text);
        return 0;
    default:
        return parse_optimizer(key, arg, state, r);
    }
}

static void parse_precision(const char *arg, struct argp_state *state,
                            struct rm_recipe *r)
{
    const char *missing = infer_bf16_missing();
    r->precision = rm_opt_precision(arg, state);
    if (r->precision == INFER_PRECISION_BF16 && missing)
        argp_error(state, "--precision bf16 can't be had here: %s", missing);
}

static error_t parse_recipe(int key, char *arg, struct argp_state *state,
                            struct rm_recipe *r)
{
    switch (key) {
    case OPT_JUDGMENTS:
        if (!rm_parse_judgments(arg, &r->judgments))
            argp_error(state,
                       "--judgments takes each, latest, majority or soft, not "
                       "'%s'",
                       arg);
        return 0;
    case OPT_KEEP_UNSAFE:
        r->keep_preferred_unsafe = true;
        return 0;
    case OPT_VALID_EVERY:
        r->valid_every = rm_opt_size("--valid-every", arg, 0, state);
        return 0;
    case OPT_PATIENCE:
        r->patience = rm_opt_size("--patience", arg, 0, state);
        return 0;
    case OPT_KEEP:
        if (!rm_parse_keep(arg, &r->keep))
            argp_error(state,
                       "--keep takes last, best-loss or best-accuracy, not "
                       "'%s'",
                       arg);
        return 0;
    case OPT_PRECISION:
        parse_precision(arg, state, r);
        return 0;
    case OPT_MAX_TOKENS:
        r->max_tokens = rm_opt_size("--max-tokens", arg, 1, state);
        return 0;
    case OPT_RECOMPUTE:
        r->recompute = true;
        return 0;
    case OPT_MICRO_TOKENS:
        r->micro_tokens = rm_opt_size("--micro-tokens", arg, 1, state);
        return 0;
    default:
        return parse_lora(key, arg, state, r);
    }
}

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
    case OPT_RESUME:
        a->resume = true;
        return 0;
    default:
        return parse_recipe(key, arg, state, &a->run.recipe);
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
    if ((r->keep != RM_KEEP_LAST || r->patience) && !r->valid_every)
        argp_error(state, "--keep and --patience need --valid-every");
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
    .options = options,
    .parser = parse_all,
    .args_doc = "DB",
    .doc = "Train one model for one dimension, on a store's train split.\v"
           "The loss is -log sigma(chosen - rejected - margin), the mean over "
           "the pairs of a step. Ties and \"both bad\" cannot be ranked and "
           "are left out, with their count. If the store has a valid split, "
           "the trained model's accuracy on it is told. The output directory "
           "is a Hugging Face LlamaForSequenceClassification (lm: "
           "LlamaForCausalLM) with prefkit.json beside it, which says what it "
           "was trained on. The same machine and seed give the same file to "
           "the byte.\n\n"
           "A run that is interrupted leaves its state in OUTPUT.state. A loss "
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
