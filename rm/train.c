/* The training loop; see train.h. */
#include "rm/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cli.h"
#include "common/mem.h"
#include "common/rng.h"
#include "rm/pass.h"

const struct rm_recipe rm_recipe_default = {
    .seed = 1,
    .epochs = 1,
    .lr = 1e-5,
    .warmup = 0.03,
    .batch_pairs = 512,
    .margin = RM_MARGIN_NONE,
    .micro_tokens = 4096,
    .adamw = {
        .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-5, .decay = 0.1, .clip = 1}};

/* Streams of the seed; infer's own are small numbers. */
enum { STREAM_ORDER = 1000 };

static size_t batches(const struct rm_recipe *r, size_t pairs)
{
    return pairs / r->batch_pairs + (pairs % r->batch_pairs != 0);
}

size_t rm_train_steps(const struct rm_recipe *r, size_t pairs)
{
    return r->epochs * batches(r, pairs);
}

int rm_train_start(struct infer_params **out, struct infer_config *c,
                   const struct infer_model *base,
                   const struct infer_tokenizer *tokenizer, uint64_t seed,
                   struct pk_err *err)
{
    const struct infer_config *from = infer_model_config(base);
    *c = *from;
    if (c->head != INFER_HEAD_SCORE)
        infer_config_to_score(c, tokenizer);
    int rc = infer_params_new(out, c, err);
    if (rc)
        return rc;
    infer_params_init(*out, c, seed);
    infer_params_copy(*out, c, infer_model_weights(base), from);
    return 0;
}

/* Where a pair's two scores are read. */
struct reads {
    size_t chosen, rejected;
};

struct trainer {
    const struct infer_config *config;
    struct infer_params *params, *grads;
    const struct rm_pairs *pairs;
    const struct rm_recipe *recipe;
    struct rm_adamw adamw;
    struct rm_pass pass;
    struct reads *reads; /* of a micro-batch; never more than a batch */
    int64_t *order;      /* this epoch's: indices of pairs */
    struct pk_progress *progress;
    uint64_t done; /* pairs */
};

/* Put pairs order[from..] into the pass's forest, up to `budget` tokens but at
 * least one; returns their number, at most n. */
static int fill(struct rm_pass *pass, const struct rm_pairs *pairs,
                const int64_t *order, size_t n, size_t budget,
                struct reads *reads, size_t *taken, struct pk_err *err)
{
    size_t tokens = 0, k = 0;
    infer_forest_clear(pass->forest);
    for (; k < n; k++) {
        const struct rm_pair *p = &pairs->pair[order[k]];
        if (k > 0 && tokens + p->unique > budget)
            break;
        tokens += p->unique;
        int rc = infer_forest_add(pass->forest, pairs->ids.id + p->chosen,
                                  p->n_chosen, p->n_chosen - 1,
                                  &reads[k].chosen, err);
        if (rc == 0)
            rc = infer_forest_add(pass->forest, pairs->ids.id + p->rejected,
                                  p->n_rejected, p->n_rejected - 1,
                                  &reads[k].rejected, err);
        if (rc)
            return rc;
    }
    *taken = k;
    return 0;
}

/* A non-finite loss or gradient: names its judgments, as many as a message
 * holds. */
static int not_finite(const struct trainer *t, size_t step, const char *what,
                      const int64_t *order, size_t n, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(512);
    size_t k = 0;
    while (k < n && b.len < 400) {
        pk_buf_addf(&b, " %lld", (long long)t->pairs->pair[order[k]].judgment);
        k++;
    }
    if (k < n)
        pk_buf_addf(&b, " and %zu more", n - k);
    int rc = pk_fail(err, PK_EDATA,
                     "step %zu: the %s is not finite; nothing is written (a "
                     "smaller --lr may help); judgments%s",
                     step, what, b.data ? b.data : "");
    pk_buf_release(&b);
    return rc;
}

/* Loss and its gradient by the scores, for the n pairs of a micro-batch out of
 * `of` pairs of the batch. */
static int rank(struct trainer *t, const int64_t *order, size_t n, size_t of,
                struct rm_step *s, struct pk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct rm_pair *p = &t->pairs->pair[order[i]];
        double chosen = t->pass.score[t->reads[i].chosen];
        double rejected = t->pass.score[t->reads[i].rejected];
        double slope;
        double loss =
            rm_loss(chosen, rejected,
                    rm_margin_of(t->recipe->margin, p->strength), &slope);
        if (!isfinite(loss))
            return not_finite(t, s->step, "loss", &order[i], 1, err);
        rm_tally_add(&s->tally, chosen, rejected);
        s->loss += loss / (double)of;
        t->pass.dscore[t->reads[i].chosen] += slope / (double)of;
        t->pass.dscore[t->reads[i].rejected] -= slope / (double)of;
    }
    return 0;
}

static int accumulate(struct trainer *t, const int64_t *order, size_t n,
                      struct rm_step *s, struct pk_err *err)
{
    const struct infer_weights *w = &t->params->w;
    for (size_t at = 0, k; at < n; at += k) {
        int rc = pk_check_interrupt(err);
        if (rc == 0)
            rc = fill(&t->pass, t->pairs, order + at, n - at,
                      t->recipe->micro_tokens, t->reads, &k, err);
        if (rc == 0)
            rc = rm_pass_forward(&t->pass, t->config, w, err);
        if (rc == 0)
            rc = rank(t, order + at, k, n, s, err);
        if (rc == 0)
            rc = rm_pass_backward(&t->pass, t->config, w, &t->grads->w, err);
        if (rc)
            return rc;
        s->tokens += infer_forest_tokens(t->pass.forest);
        t->done += k;
        pk_progress_at(t->progress, t->done);
    }
    return 0;
}

static int one_step(struct trainer *t, const int64_t *order, size_t n,
                    struct rm_step *s, struct pk_err *err)
{
    double started = pk_now();
    memset(t->grads->slab, 0, t->grads->n * sizeof *t->grads->slab);
    int rc = accumulate(t, order, n, s, err);
    if (rc == 0)
        rc = rm_norm(t->grads->slab, t->grads->n, &s->grad_norm, err);
    if (rc == 0 && !isfinite(s->grad_norm))
        rc = not_finite(t, s->step, "gradient", order, n, err);
    if (rc)
        return rc;
    rm_adamw_update(&t->adamw, t->params, t->grads, s->grad_norm, s->lr);
    s->pairs = n;
    s->seconds = pk_now() - started;
    return 0;
}

/* The pass, and room for `most` pairs in it. */
static int prepare_pass(struct trainer *t, size_t most, bool train,
                        struct pk_err *err)
{
    int rc = rm_pass_init(&t->pass, train, err);
    if (rc)
        return rc;
    t->reads = pk_calloc(most, sizeof *t->reads);
    t->order = pk_calloc(t->pairs->n, sizeof *t->order);
    return t->reads && t->order ? 0 : pk_fail_mem(err, "the order of pairs");
}

static int prepare(struct trainer *t, struct pk_err *err)
{
    size_t n = t->pairs->n, most = t->recipe->batch_pairs;
    int rc = prepare_pass(t, n < most ? n : most, true, err);
    if (rc == 0)
        rc = infer_params_new(&t->grads, t->config, err);
    if (rc == 0)
        rc = rm_adamw_init(&t->adamw, &t->recipe->adamw, t->config, err);
    return rc;
}

static void release(struct trainer *t)
{
    rm_adamw_release(&t->adamw);
    rm_pass_release(&t->pass);
    infer_params_free(t->grads);
    free(t->reads);
    free(t->order);
}

static void in_order(struct trainer *t)
{
    for (size_t i = 0; i < t->pairs->n; i++)
        t->order[i] = (int64_t)i;
}

static void shuffle(struct trainer *t, size_t epoch)
{
    struct pk_rng rng;
    in_order(t);
    pk_rng_seed(&rng, t->recipe->seed, STREAM_ORDER + epoch);
    pk_rng_shuffle(&rng, t->order, t->pairs->n);
}

int rm_train(struct infer_params *p, const struct infer_config *c,
             const struct rm_pairs *pairs, const struct rm_recipe *r,
             struct pk_progress *progress,
             int (*on_step)(void *ctx, const struct rm_step *s,
                            struct pk_err *err),
             void *ctx, struct pk_err *err)
{
    struct trainer t = {.config = c,
                        .params = p,
                        .pairs = pairs,
                        .recipe = r,
                        .progress = progress};
    size_t per_epoch = batches(r, pairs->n), steps = r->epochs * per_epoch;
    struct rm_schedule schedule = rm_schedule_make(r->lr, steps, r->warmup);
    int rc = prepare(&t, err);
    for (size_t i = 0; i < steps && rc == 0; i++) {
        size_t from = i % per_epoch * r->batch_pairs, n = pairs->n - from;
        if (from == 0)
            shuffle(&t, i / per_epoch);
        if (n > r->batch_pairs)
            n = r->batch_pairs;
        struct rm_step s = {.step = i + 1, .steps = steps};
        s.lr = rm_schedule_at(&schedule, s.step);
        rc = one_step(&t, t.order + from, n, &s, err);
        if (rc == 0)
            rc = on_step(ctx, &s, err);
    }
    release(&t);
    return rc;
}

static int validate(struct trainer *t, size_t budget, struct rm_tally *out,
                    const struct infer_weights *w, struct pk_err *err)
{
    size_t n = t->pairs->n;
    for (size_t at = 0, k = 0; at < n; at += k) {
        int rc = pk_check_interrupt(err);
        if (rc == 0)
            rc = fill(&t->pass, t->pairs, t->order + at, n - at, budget,
                      t->reads, &k, err);
        if (rc == 0)
            rc = rm_pass_forward(&t->pass, t->config, w, err);
        if (rc)
            return rc;
        for (size_t i = 0; i < k; i++)
            rm_tally_add(out, t->pass.score[t->reads[i].chosen],
                         t->pass.score[t->reads[i].rejected]);
    }
    return 0;
}

int rm_validate(const struct infer_weights *w, const struct infer_config *c,
                const struct rm_pairs *pairs, size_t micro_tokens,
                struct rm_tally *out, struct pk_err *err)
{
    struct trainer t = {.config = c, .pairs = pairs};
    *out = (struct rm_tally){0};
    int rc = prepare_pass(&t, pairs->n, false, err);
    if (rc == 0) {
        in_order(&t);
        rc = validate(&t, micro_tokens, out, w, err);
    }
    release(&t);
    return rc;
}
