/* How a model is trained; see recipe.h. */
#include "rm/train/recipe.h"

#include <string.h>

#include "rm/data/order.h"
#include "rm/train/schedule.h"

static const char *const objectives[] = {
    [RM_REWARD] = "reward", [RM_LANGUAGE] = "lm"};
static const char *const keeps[] = {[RM_KEEP_LAST] = "last",
                                    [RM_KEEP_LOSS] = "best-loss",
                                    [RM_KEEP_ACCURACY] = "best-accuracy"};

/* The index of a name in a table, or -1. */
static int find(const char *const *table, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i], s) == 0)
            return (int)i;
    return -1;
}

bool rm_parse_objective(const char *s, enum rm_objective *out)
{
    int i = find(objectives, sizeof objectives / sizeof *objectives, s);
    if (i >= 0)
        *out = (enum rm_objective)i;
    return i >= 0;
}

bool rm_parse_keep(const char *s, enum rm_keep *out)
{
    int i = find(keeps, sizeof keeps / sizeof *keeps, s);
    if (i >= 0)
        *out = (enum rm_keep)i;
    return i >= 0;
}

struct rm_recipe rm_recipe_default(enum rm_objective objective)
{
    struct rm_recipe r = {
        .objective = objective,
        .seed = 1,
        .epochs = 1,
        .warmup = 0.03,
        .batch_pairs = 512,
        .judgments = RM_EACH,
        .micro_tokens = 4096,
        .precision = INFER_PRECISION_AUTO,
        .lora = {.alpha = 16, .targets = INFER_LORA_ALL},
        .adamw = {
            .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-5, .decay = 0.1, .clip = 1}};
    (void)rm_parse_margin("none", &r.loss.margin);
    (void)rm_parse_scale("none", &r.loss.scale);
    if (objective == RM_LANGUAGE) { /* 3.1 */
        r.epochs = 2;
        r.lr = 2e-5;
        r.batch_pairs = 64;
    }
    return r;
}

static const struct named_recipe {
    const char *name;
    enum prefdb_dimension dimension;
    const char *mix, *margin;
    double safety;
} recipes[] = {
    {"llama2-helpfulness", PREFDB_HELPFULNESS, "helpfulness=1,safety=50%",
     "small", 0},
    {"llama2-safety", PREFDB_SAFETY, "safety=1,helpfulness=10%", "none", 1},
};

bool rm_recipe_named(const char *name, struct rm_recipe *out,
                     enum prefdb_dimension *dimension, const char **mix)
{
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        const struct named_recipe *r = &recipes[i];
        if (strcmp(r->name, name) != 0)
            continue;
        *out = rm_recipe_default(RM_REWARD);
        out->name = r->name;
        (void)rm_parse_margin(r->margin, &out->loss.margin);
        out->loss.safety = r->safety;
        *dimension = r->dimension;
        *mix = r->mix;
        return true;
    }
    return false;
}

double rm_recipe_lr(size_t parameters)
{
    return parameters >= (size_t)50 * 1000 * 1000 * 1000 ? 5e-6 : 1e-5;
}

size_t rm_train_steps(const struct rm_recipe *r, size_t pairs)
{
    return r->epochs * rm_epoch_steps(pairs, r->batch_pairs);
}

static int count(cJSON *o, const char *key, uint64_t n)
{
    return pk_json_add_int(o, key, (long long)n);
}

static int string(cJSON *o, const char *key, const char *s)
{
    return cJSON_AddStringToObject(o, key, s) ? 0 : PK_EMEM;
}

static int add_loss(cJSON *o, const struct rm_loss_opts *l)
{
    char margin[RM_GRADES_TEXT], scale[RM_GRADES_TEXT];
    rm_margin_text(&l->margin, margin);
    rm_scale_text(&l->scale, scale);
    return string(o, "loss", "-log sigma(chosen - rejected - margin)") |
           string(o, "margin", margin) | string(o, "scale", scale) |
           pk_json_add_num(o, "label_smoothing", l->smoothing) |
           pk_json_add_num(o, "safety_weight", l->safety) |
           pk_json_add_num(o, "center_weight", l->center);
}

static int add_optimizer(cJSON *o, const struct rm_recipe *r, size_t steps)
{
    const struct rm_adamw_opts *w = &r->adamw;
    struct rm_schedule s = rm_schedule_make(r->lr, steps, r->warmup);
    return pk_json_add_num(o, "lr", r->lr) |
           string(o, "schedule", "linear warm-up, cosine") |
           count(o, "warmup_steps", s.warmup) |
           pk_json_add_num(o, "lr_floor", s.floor) |
           string(o, "optimizer", "adamw") |
           pk_json_add_num(o, "beta1", w->beta1) |
           pk_json_add_num(o, "beta2", w->beta2) |
           pk_json_add_num(o, "eps", w->eps) |
           pk_json_add_num(o, "weight_decay", w->decay) |
           pk_json_add_num(o, "clip", w->clip);
}

static int add_lora(cJSON *parent, const struct infer_lora *l)
{
    char targets[INFER_LORA_TEXT];
    if (l->rank == 0)
        return 0;
    cJSON *o = cJSON_AddObjectToObject(parent, "lora");
    infer_lora_targets_text(l->targets, targets);
    return count(o, "rank", l->rank) | pk_json_add_num(o, "alpha", l->alpha) |
           pk_json_add_num(o, "dropout", l->dropout) |
           string(o, "targets", targets);
}

static int fill(cJSON *o, const struct rm_recipe *r, size_t pairs)
{
    size_t steps = rm_train_steps(r, pairs);
    int bad = r->name ? string(o, "name", r->name) : 0;
    bad |= string(o, "objective", objectives[r->objective]) |
           count(o, "epochs", r->epochs) | count(o, "steps", steps) |
           count(o, "batch_pairs", r->batch_pairs);
    bad |= r->objective == RM_REWARD
               ? add_loss(o, &r->loss)
               : string(o, "loss",
                        "-log p, mean over the chosen responses' tokens");
    bad |= add_optimizer(o, r, steps) | add_lora(o, &r->lora) |
           string(o, "judgments", rm_judgments_name(r->judgments)) |
           count(o, "max_tokens", r->max_tokens) |
           count(o, "micro_tokens", r->micro_tokens) |
           count(o, "valid_every", r->valid_every) |
           count(o, "patience", r->patience) |
           string(o, "keep", keeps[r->keep]) |
           string(o, "precision", infer_precision_name(r->precision));
    if (!cJSON_AddBoolToObject(o, "recompute", r->recompute) ||
        !cJSON_AddBoolToObject(o, "keep_preferred_unsafe",
                               r->keep_preferred_unsafe))
        bad = 1;
    return bad;
}

cJSON *rm_recipe_json(const struct rm_recipe *r, size_t pairs)
{
    cJSON *o = cJSON_CreateObject();
    if (o && fill(o, r, pairs) == 0)
        return o;
    cJSON_Delete(o);
    return NULL;
}

void rm_recipe_lines(const struct rm_recipe *r, size_t pairs,
                     struct pk_buf *first, struct pk_buf *second)
{
    char margin[RM_GRADES_TEXT], scale[RM_GRADES_TEXT];
    const struct rm_loss_opts *l = &r->loss;
    bool reward = r->objective == RM_REWARD;
    rm_margin_text(&l->margin, margin);
    rm_scale_text(&l->scale, scale);
    size_t steps = rm_train_steps(r, pairs);
    size_t warmup = rm_schedule_make(r->lr, steps, r->warmup).warmup;
    pk_buf_addf(first, "%zu step%s of %zu %s, %zu %s, lr %g, %zu of warm-up",
                steps, steps == 1 ? "" : "s", r->batch_pairs,
                reward ? "pairs" : "responses", r->epochs,
                r->epochs == 1 ? "epoch" : "epochs", r->lr, warmup);
    if (reward)
        pk_buf_addf(first, ", margin %s", margin);
    pk_buf_addf(first, ", seed %llu, %s", (unsigned long long)r->seed,
                infer_precision_name(r->precision));
    if (r->name)
        pk_buf_addf(second, ", %s", r->name);
    if (reward && strcmp(scale, "none") != 0)
        pk_buf_addf(second, ", scaled by %s", scale);
    if (reward && l->safety > 0)
        pk_buf_addf(second, ", safety loss x %g", l->safety);
    if (reward && l->center > 0)
        pk_buf_addf(second, ", centering x %g", l->center);
    if (reward && l->smoothing > 0)
        pk_buf_addf(second, ", label smoothing %g", l->smoothing);
    if (r->judgments != RM_EACH)
        pk_buf_addf(second, ", %s judgments", rm_judgments_name(r->judgments));
    if (r->lora.rank)
        pk_buf_addf(second, ", LoRA rank %zu, alpha %g, dropout %g",
                    r->lora.rank, r->lora.alpha, r->lora.dropout);
    if (r->keep != RM_KEEP_LAST)
        pk_buf_addf(second, ", keeps %s", keeps[r->keep]);
}
