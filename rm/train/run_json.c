/* A training run as JSON: provenance, summary; see run.h. */
#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "common/version.h"
#include "rm/data/identity.h"
#include "rm/train/run.h"

static int count(cJSON *o, const char *key, uint64_t n)
{
    return pk_json_add_int(o, key, (long long)n);
}

static int string(cJSON *o, const char *key, const char *s)
{
    return cJSON_AddStringToObject(o, key, s) ? 0 : PK_EMEM;
}

static int number(cJSON *o, const char *key, double x)
{
    return pk_json_add_num(o, key, x);
}

static int add_pairs(cJSON *parent, const char *key, const struct rm_pairs *p)
{
    cJSON *o = cJSON_AddObjectToObject(parent, key);
    int bad = count(o, "judgments", p->judgments) | count(o, "pairs", p->n);
    cJSON *left = cJSON_AddObjectToObject(o, "left_out");
    for (int i = 0; i < RM_N_REASONS; i++)
        bad |= count(left, rm_reason_key((enum rm_reason)i), p->left_out.n[i]);
    bad |= count(o, "merged", p->merged) |
           count(o, "no_majority", p->no_majority) |
           count(o, "not_drawn", p->not_drawn) |
           count(o, "strength_unstated", p->unstated) |
           count(o, "safety_labeled", p->labeled) |
           count(o, "cut_responses", p->cut) |
           count(o, "shortened_dialogues", p->shortened) |
           count(o, "tokens", p->flat) | count(o, "tokens_unique", p->unique);
    cJSON *sources = cJSON_AddObjectToObject(o, "sources");
    for (size_t i = 0; i < p->n_sources; i++)
        if (p->source[i].pairs)
            bad |= count(sources, p->source[i].name, p->source[i].pairs);
    return bad;
}

static int add_mix(cJSON *parent, const struct rm_mix *m)
{
    cJSON *list = cJSON_AddArrayToObject(parent, "mix");
    int bad = list == NULL;
    for (size_t i = 0; i < m->n && !bad; i++) {
        const struct rm_pool *p = &m->pool[i];
        cJSON *o = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(list, o)) {
            cJSON_Delete(o);
            return PK_EMEM;
        }
        bad = string(o, "dimension", prefdb_dimension_name(p->dimension));
        if (p->source)
            bad |= string(o, "source", p->source);
        bad |= number(o, p->of_mix ? "part_of_mix" : "part_of_pool", p->part) |
               count(o, "pairs", p->pairs) | count(o, "drawn", p->drawn);
    }
    return bad;
}

static int add_tally(cJSON *o, const struct rm_tally *t)
{
    double accuracy, low, high;
    int bad = count(o, "n", rm_tally_n(t)) | count(o, "wins", t->wins) |
              count(o, "losses", t->losses) | count(o, "ties", t->ties);
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        bad |= number(o, "accuracy", accuracy) | number(o, "low", low) |
               number(o, "high", high);
    return bad | number(o, "log_loss", rm_tally_log_loss(t));
}

static int template_hash(enum infer_chat_format chat, char out[65])
{
    const char *template = infer_chat_jinja(chat);
    return pk_sha256_of(template, template ? strlen(template) : 0, out, NULL);
}

static int add_origin(cJSON *o, const struct rm_run *r)
{
    cJSON *store = cJSON_AddObjectToObject(o, "store");
    int bad = string(store, "path", r->store) |
              string(store, "fingerprint", r->store_fingerprint);
    if (r->n_sources) {
        cJSON *only = cJSON_CreateStringArray(r->source, (int)r->n_sources);
        bad |= !cJSON_AddItemToObject(store, "only_sources", only);
    }
    cJSON *base = cJSON_AddObjectToObject(o, "base");
    return bad | string(base, "path", r->base) |
           string(base, "fingerprint", r->base_fingerprint) |
           string(base, "kind",
                  r->base_is_lm ? "language model" : "reward model");
}

static int add_recipe(cJSON *o, const struct rm_run *r)
{
    cJSON *recipe = rm_recipe_json(&r->recipe, r->train.n);
    if (!cJSON_AddItemToObject(o, "recipe", recipe)) {
        cJSON_Delete(recipe);
        return PK_EMEM;
    }
    return count(recipe, "threads", (uint64_t)r->threads) |
           count(recipe, "ranks", r->ranks.n);
}

cJSON *rm_run_identity(const struct rm_run *r)
{
    char template[65] = "";
    cJSON *o = cJSON_CreateObject();
    int bad = template_hash(r->chat, template) |
              string(o, "schema", "prefkit-provenance-1") |
              string(o, "prefkit", PK_VERSION) |
              string(o, "dimension", prefdb_dimension_name(r->dimension)) |
              string(o, "tokenizer", r->tokenizer) | add_origin(o, r) |
              count(o, "seed", r->recipe.seed) |
              string(o, "chat_template_sha256", template);
    if (r->recipe.objective == RM_REWARD)
        bad |= string(o, "read_out",
                      "the end-of-sequence token that closes the "
                      "response; the last token of a cut one");
    bad |= add_recipe(o, r) | add_mix(o, &r->mix) |
           add_pairs(o, "train", &r->train);
    if (r->valid.judgments)
        bad |= add_pairs(o, "valid", &r->valid);
    if (!bad)
        return o;
    cJSON_Delete(o);
    return NULL;
}

static int add_validation(cJSON *o, const struct rm_run *r,
                          const struct rm_validation *v)
{
    cJSON *out = cJSON_AddObjectToObject(o, "validation");
    int bad = number(out, "loss", v->loss);
    if (r->recipe.objective == RM_LANGUAGE)
        return bad | count(out, "tokens", v->targets) |
               count(out, "tokens_right", v->right);
    bad |= add_tally(out, &v->tally) | number(out, "score_mean", v->mean) |
           number(out, "score_sd", v->sd);
    cJSON *by = cJSON_AddObjectToObject(out, "by_strength");
    for (int i = 4; i >= 0; i--) {
        const struct rm_tally *t = &v->by_strength[i];
        if (rm_tally_n(t))
            bad |=
                add_tally(cJSON_AddObjectToObject(by, rm_strength_key(i)), t);
    }
    return bad;
}

static int add_results(cJSON *o, const struct rm_run *r, uint64_t step,
                       const struct rm_validation *v)
{
    const struct rm_step *s = &r->record.fixed.last;
    cJSON *last = cJSON_AddObjectToObject(o, "last_step");
    int bad = count(last, "step", s->step) | number(last, "loss", s->loss);
    bad |= r->recipe.objective == RM_REWARD
               ? add_tally(last, &s->tally)
               : count(last, "tokens", s->targets) |
                     count(last, "tokens_right", s->right);
    bad |= count(o, "kept_step", step) |
           count(o, "pairs_trained",
                 rm_pairs_trained(r->train.n, r->recipe.batch_pairs, step));
    if (!cJSON_AddBoolToObject(o, "stopped_early",
                               r->record.fixed.stopped != 0))
        bad = 1;
    return v ? bad | add_validation(o, r, v) : bad;
}

cJSON *rm_run_provenance(const struct rm_run *r, uint64_t step,
                         const struct rm_validation *v)
{
    char name[65];
    cJSON *o = rm_run_identity(r);
    if (o && rm_identity_name(o, name) == 0 && string(o, "run", name) == 0 &&
        add_results(o, r, step, v) == 0)
        return o;
    cJSON_Delete(o);
    return NULL;
}

cJSON *rm_run_provenance_kept(const struct rm_run *r)
{
    return rm_run_provenance(r, rm_run_kept_step(r),
                             r->validated ? &r->validation : NULL);
}

static int add_checkpoints(cJSON *parent, const struct rm_run *r)
{
    if (!r->checkpoint_every)
        return 0;
    cJSON *o = cJSON_AddObjectToObject(parent, "checkpoints");
    return string(o, "folder", r->checkpoints) |
           count(o, "every", r->checkpoint_every) |
           count(o, "models", r->n_checkpoints);
}

int rm_run_json(const struct rm_run *r, FILE *f, struct pk_err *err)
{
    cJSON *o = cJSON_CreateObject(), *made_from = rm_run_provenance_kept(r);
    int bad = !o || !made_from || string(o, "schema", "prefkit-train-1") ||
              string(o, "output", r->output) ||
              string(o, "fingerprint", r->fingerprint) ||
              number(o, "seconds", r->seconds) || add_checkpoints(o, r) ||
              !cJSON_AddItemToObject(o, "provenance", made_from);
    if (!bad)
        return pk_json_write(f, o, err);
    cJSON_Delete(made_from);
    cJSON_Delete(o);
    return pk_fail_mem(err, "a summary");
}
