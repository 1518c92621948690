/* A training run as it is told; see run.h. */
#include "rm/run.h"

#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "common/version.h"

void rm_run_release(struct rm_run *r)
{
    rm_pairs_release(&r->train);
    rm_pairs_release(&r->valid);
}

static int count(cJSON *o, const char *key, uint64_t n)
{
    return pk_json_add_int(o, key, (long long)n);
}

static int string(cJSON *o, const char *key, const char *s)
{
    return cJSON_AddStringToObject(o, key, s) ? 0 : PK_EMEM;
}

static int add_pairs(cJSON *parent, const char *key, const struct rm_pairs *p)
{
    cJSON *o = cJSON_AddObjectToObject(parent, key);
    int bad = count(o, "judgments", p->judgments) | count(o, "pairs", p->n);
    cJSON *left = cJSON_AddObjectToObject(o, "left_out");
    for (int i = 0; i < RM_N_REASONS; i++)
        bad |= count(left, rm_reason_key((enum rm_reason)i), p->left_out.n[i]);
    bad |= count(o, "strength_unstated", p->unstated) |
           count(o, "cut_responses", p->cut) |
           count(o, "shortened_dialogues", p->shortened) |
           count(o, "tokens", p->flat) | count(o, "tokens_unique", p->unique);
    cJSON *sources = cJSON_AddObjectToObject(o, "sources");
    for (size_t i = 0; i < p->n_sources; i++)
        bad |= count(sources, p->source[i].name, p->source[i].pairs);
    return bad;
}

static int add_recipe(cJSON *parent, const struct rm_run *run)
{
    const struct rm_recipe *r = &run->recipe;
    const struct rm_adamw_opts *w = &r->adamw;
    cJSON *o = cJSON_AddObjectToObject(parent, "recipe");
    size_t steps = rm_train_steps(r, run->train.n);
    struct rm_schedule s = rm_schedule_make(r->lr, steps, r->warmup);
    int bad = count(o, "epochs", r->epochs) | count(o, "steps", steps) |
              count(o, "batch_pairs", r->batch_pairs) |
              pk_json_add_num(o, "lr", r->lr) |
              string(o, "schedule", "linear warm-up, cosine") |
              count(o, "warmup_steps", s.warmup) |
              pk_json_add_num(o, "lr_floor", s.floor) |
              string(o, "loss", "-log sigma(chosen - rejected - margin)") |
              string(o, "margin", rm_margin_name(r->margin)) |
              string(o, "optimizer", "adamw") |
              pk_json_add_num(o, "beta1", w->beta1) |
              pk_json_add_num(o, "beta2", w->beta2) |
              pk_json_add_num(o, "eps", w->eps) |
              pk_json_add_num(o, "weight_decay", w->decay) |
              pk_json_add_num(o, "clip", w->clip) |
              count(o, "max_tokens", run->max_tokens) |
              count(o, "micro_tokens", r->micro_tokens) |
              string(o, "precision", "fp32") |
              count(o, "threads", (uint64_t)run->threads);
    if (!cJSON_AddBoolToObject(o, "keep_preferred_unsafe",
                               run->keep_preferred_unsafe))
        bad = 1;
    return bad;
}

static int add_tally(cJSON *o, const struct rm_tally *t)
{
    double accuracy, low, high;
    int bad = count(o, "n", rm_tally_n(t)) | count(o, "wins", t->wins) |
              count(o, "losses", t->losses) | count(o, "ties", t->ties);
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        bad |= pk_json_add_num(o, "accuracy", accuracy) |
               pk_json_add_num(o, "low", low) |
               pk_json_add_num(o, "high", high);
    return bad | pk_json_add_num(o, "log_loss", rm_tally_log_loss(t));
}

static int template_hash(enum infer_chat_format chat, char out[65])
{
    const char *template = infer_chat_jinja(chat);
    struct pk_sha256 *h;
    uint8_t digest[32];
    if (pk_sha256_new(&h, NULL) < 0)
        return PK_EMEM;
    pk_sha256_raw(h, template ? template : "", template ? strlen(template) : 0);
    pk_sha256_final(h, digest);
    pk_sha256_free(h);
    pk_hex(digest, sizeof digest, out);
    return 0;
}

static int fill(cJSON *o, const struct rm_run *r)
{
    char template[65] = "";
    int bad = template_hash(r->chat, template) |
              string(o, "schema", "prefkit-provenance-1") |
              string(o, "prefkit", PK_VERSION) |
              string(o, "dimension", prefdb_dimension_name(r->dimension));
    cJSON *store = cJSON_AddObjectToObject(o, "store");
    bad |= string(store, "path", r->store) |
           string(store, "fingerprint", r->store_fingerprint);
    cJSON *base = cJSON_AddObjectToObject(o, "base");
    bad |=
        string(base, "path", r->base) |
        string(base, "fingerprint", r->base_fingerprint) |
        string(base, "kind", r->base_is_lm ? "language model" : "reward model");
    bad |= count(o, "seed", r->recipe.seed) |
           string(o, "chat_template_sha256", template) |
           string(o, "read_out",
                  "the end-of-sequence token that closes the "
                  "response; the last token of a cut one") |
           add_recipe(o, r) | add_pairs(o, "train", &r->train);
    cJSON *last = cJSON_AddObjectToObject(o, "last_step");
    bad |= pk_json_add_num(last, "loss", r->last.loss) |
           add_tally(last, &r->last.tally);
    if (r->valid.judgments) {
        bad |= add_pairs(o, "valid", &r->valid);
        bad |=
            add_tally(cJSON_AddObjectToObject(o, "validation"), &r->validation);
    }
    return bad;
}

cJSON *rm_run_provenance(const struct rm_run *r)
{
    cJSON *o = cJSON_CreateObject();
    if (o && fill(o, r) == 0)
        return o;
    cJSON_Delete(o);
    return NULL;
}

int rm_run_json(const struct rm_run *r, FILE *f, struct pk_err *err)
{
    cJSON *o = cJSON_CreateObject(), *made_from = rm_run_provenance(r);
    int bad = !o || !made_from || string(o, "schema", "prefkit-train-1") ||
              string(o, "output", r->output) ||
              string(o, "fingerprint", r->fingerprint) ||
              pk_json_add_num(o, "seconds", r->seconds) ||
              !cJSON_AddItemToObject(o, "provenance", made_from);
    if (bad)
        cJSON_Delete(made_from);
    char *text = bad ? NULL : cJSON_Print(o);
    cJSON_Delete(o);
    if (!text)
        return pk_fail_mem(err, "a summary");
    int rc = 0;
    if (fprintf(f, "%s\n", text) < 0)
        rc = pk_fail_errno(err, "cannot write the summary");
    free(text);
    return rc;
}

static void put_pairs(FILE *f, const char *title, const struct rm_pairs *p)
{
    uint64_t left = rm_left_out_total(&p->left_out);
    fprintf(f, "%-11s%zu pairs of %llu judgments", title, p->n,
            (unsigned long long)p->judgments);
    for (size_t i = 0; i < p->n_sources && p->n_sources > 1; i++)
        fprintf(f, "%s%llu %s", i ? ", " : ": ",
                (unsigned long long)p->source[i].pairs,
                p->source[i].name[0] ? p->source[i].name : "(no source)");
    fputs("\n", f);
    for (int i = 0; i < RM_N_REASONS && left; i++)
        if (p->left_out.n[i])
            fprintf(f, "  left out %llu: %s (the first is judgment %lld)\n",
                    (unsigned long long)p->left_out.n[i],
                    rm_reason_words((enum rm_reason)i),
                    (long long)p->left_out.first[i]);
    if (p->cut)
        fprintf(f, "  %llu responses do not end: read at their last token\n",
                (unsigned long long)p->cut);
    if (p->shortened)
        fprintf(f, "  %llu dialogues lost their oldest exchanges to fit\n",
                (unsigned long long)p->shortened);
}

static void put_accuracy(FILE *f, const struct rm_tally *t)
{
    double accuracy, low, high;
    if (rm_tally_accuracy(t, &accuracy, &low, &high))
        fprintf(f, "accuracy %.1f%% (95%%: %.1f to %.1f)", 100 * accuracy,
                100 * low, 100 * high);
    else
        fputs("nothing decided", f);
    fprintf(f, " on %llu pairs, %llu ties", (unsigned long long)rm_tally_n(t),
            (unsigned long long)t->ties);
}

void rm_run_text(const struct rm_run *r, FILE *f)
{
    const struct rm_recipe *c = &r->recipe;
    fprintf(f, "%-11s%s reward model in %s\n", "trained",
            prefdb_dimension_name(r->dimension), r->output);
    fprintf(f, "%-11s%s\n", "", r->fingerprint);
    fprintf(f, "%-11s%s, a %s\n", "from", r->base,
            r->base_is_lm ? "language model" : "reward model");
    put_pairs(f, "on", &r->train);
    if (c->margin != RM_MARGIN_NONE && r->train.unstated)
        fprintf(f, "  %llu pairs do not state a strength: margin 0\n",
                (unsigned long long)r->train.unstated);
    fprintf(f,
            "%-11s%zu steps of %zu pairs, %zu %s, lr %g, margin %s, seed %llu, "
            "fp32\n",
            "recipe", r->last.steps, c->batch_pairs, c->epochs,
            c->epochs == 1 ? "epoch" : "epochs", c->lr,
            rm_margin_name(c->margin), (unsigned long long)c->seed);
    fprintf(f, "%-11s%.4f at the first step, %.4f at the last; ", "loss",
            r->first.loss, r->last.loss);
    fprintf(f, "%.1f s\n", r->seconds);
    if (r->valid.judgments) {
        put_pairs(f, "validation", &r->valid);
        fputs("  ", f);
        put_accuracy(f, &r->validation);
        fprintf(f, ", log loss %.4f\n", rm_tally_log_loss(&r->validation));
    }
}

int rm_log_step(FILE *f, const struct rm_step *s, struct pk_err *err)
{
    double accuracy, low, high;
    char text[24] = "null"; /* every pair a tie */
    if (rm_tally_accuracy(&s->tally, &accuracy, &low, &high))
        snprintf(text, sizeof text, "%.9g", accuracy);
    if (fprintf(f,
                "{\"step\":%zu,\"loss\":%.9g,\"accuracy\":%s,\"lr\":%.9g,"
                "\"grad_norm\":%.9g,\"pairs\":%zu,\"tokens\":%llu,"
                "\"seconds\":%.6g}\n",
                s->step, s->loss, text, s->lr, s->grad_norm, s->pairs,
                (unsigned long long)s->tokens, s->seconds) < 0 ||
        fflush(f) != 0)
        return pk_fail_errno(err, "cannot write the log");
    return 0;
}
