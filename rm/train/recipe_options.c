/* Options that are a part of the recipe; see option_keys.h. */
#include <float.h>

#include "rm/score/options.h"
#include "rm/train/option_keys.h"

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

error_t rm_train_parse_recipe(int key, char *arg, struct argp_state *state,
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
