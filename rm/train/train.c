/* The training loop; see train.h. */
#include "rm/train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"

/* Streams of the seed, one an epoch; infer's own are small numbers, a mix has
 * those from 500 on. */
enum { STREAM_ORDER = 1000 };

int rm_train_start(struct infer_params **out, struct infer_config *c,
                   const struct infer_model *base,
                   const struct infer_tokenizer *tokenizer,
                   const struct rm_recipe *r, struct pk_err *err)
{
    const struct infer_config *from = infer_model_config(base);
    *out = NULL;
    *c = *from;
    if (r->objective == RM_LANGUAGE && c->head != INFER_HEAD_LM)
        return pk_fail(err, PK_EDATA,
                       "%s is a reward model; a language model is trained from "
                       "one",
                       infer_model_dir(base));
    if (r->objective == RM_REWARD && c->head != INFER_HEAD_SCORE)
        infer_config_to_score(c, tokenizer);
    if (r->lora.rank)
        return infer_params_lora(out, c, infer_model_weights(base), from,
                                 &r->lora, r->seed, err);
    int rc = infer_params_new(out, c, err);
    if (rc)
        return rc;
    (*out)->w.precision = r->precision;
    infer_params_init(*out, c, r->seed);
    infer_params_copy(*out, c, infer_model_weights(base), from);
    return 0;
}

/* ---- Batches ---- */

size_t rm_pair_tokens(const struct rm_trainer *t, size_t i, size_t prev)
{
    const struct rm_pair *p = &t->pairs->pair[i];
    const int32_t *ids = t->pairs->ids.id;
    size_t n = t->recipe->objective == RM_REWARD ? p->unique : p->n_chosen - 1;
    if (prev == SIZE_MAX)
        return n;
    const struct rm_pair *q = &t->pairs->pair[prev];
    size_t both =
        rm_shared(ids + p->chosen, p->n_chosen, ids + q->chosen, q->n_chosen);
    return n - (both < n ? both : n);
}

/* By the ids of the chosen path: what begins alike comes together. */
static int by_path(const void *a, const void *b, void *arg)
{
    const struct rm_pairs *p = ((const struct rm_trainer *)arg)->pairs;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    const struct rm_pair *x = &p->pair[i], *y = &p->pair[j];
    const int32_t *xi = p->ids.id + x->chosen, *yi = p->ids.id + y->chosen;
    size_t k = rm_shared(xi, x->n_chosen, yi, y->n_chosen);
    if (k < x->n_chosen && k < y->n_chosen)
        return xi[k] < yi[k] ? -1 : 1;
    if (x->n_chosen != y->n_chosen)
        return x->n_chosen < y->n_chosen ? -1 : 1;
    return (i > j) - (i < j);
}

void rm_batch_order(struct rm_trainer *t)
{
    qsort_r(t->batch, t->n_batch, sizeof *t->batch, by_path, t);
    t->batch_targets = 0;
    for (size_t i = 0; i < t->n_batch; i++) {
        const struct rm_pair *p = &t->pairs->pair[t->batch[i]];
        t->batch_targets += p->n_chosen - p->answer;
    }
}

/* This rank's part of what is still to be done of a step: neighbours, for what
 * they share, and about as many tokens as the others'. */
static void take_share(struct rm_trainer *t)
{
    const struct rm_ranks *r = t->ranks;
    size_t all = 0, before = 0, prev = SIZE_MAX;
    t->share = t->end = (size_t)t->cursor.at;
    for (size_t i = t->end; i < t->n_batch; i++) {
        all += rm_pair_tokens(t, (size_t)t->batch[i], prev);
        prev = (size_t)t->batch[i];
    }
    prev = SIZE_MAX;
    for (size_t i = (size_t)t->cursor.at; i < t->n_batch; i++) {
        size_t n = rm_pair_tokens(t, (size_t)t->batch[i], prev);
        size_t owner = (2 * before + n) * r->n / (2 * all + 1);
        t->share += owner < r->mine;
        t->end += owner <= r->mine;
        before += n;
        prev = (size_t)t->batch[i];
    }
}

/* The pairs of the step that the cursor stands in. */
static void make_batch(struct rm_trainer *t)
{
    size_t n = t->pairs->n, size = t->recipe->batch_pairs;
    uint64_t epoch = t->cursor.step / t->per_epoch;
    size_t from = (size_t)(t->cursor.step % t->per_epoch) * size;
    if (t->order_epoch != epoch + 1) {
        rm_order_draw(&t->order, t->recipe->seed, STREAM_ORDER + epoch);
        t->order_epoch = epoch + 1;
    }
    t->n_batch = n - from < size ? n - from : size;
    memcpy(t->batch, t->order.pair + from, t->n_batch * sizeof *t->batch);
    rm_batch_order(t);
    take_share(t);
    /* Half a gradient that was saved is rank 0's to go on with. Otherwise it
     * is 0, as the last update or the load left it. */
    if (t->cursor.at > 0 && t->ranks->mine > 0)
        memset(t->grads->slab, 0, t->grads->n * sizeof *t->grads->slab);
    if (t->cursor.at == 0 || t->ranks->mine > 0) {
        t->cursor.so_far = (struct rm_step){.step = (size_t)t->cursor.step + 1,
                                            .steps = t->steps,
                                            .pairs = t->n_batch};
        t->cursor.so_far.lr =
            rm_schedule_at(&t->schedule, t->cursor.so_far.step);
    }
}

size_t rm_micro_batch(const struct rm_trainer *t, const int64_t *pair, size_t n)
{
    size_t tokens = 0, k = 0, prev = SIZE_MAX;
    for (; k < n; k++) {
        tokens += rm_pair_tokens(t, (size_t)pair[k], prev);
        if (k > 0 && tokens > t->recipe->micro_tokens)
            break;
        prev = (size_t)pair[k];
    }
    return k;
}

/* ---- The loop ---- */

int rm_trainer_init(struct rm_trainer *t, struct infer_params *p,
                    const struct infer_config *c, const struct rm_pairs *pairs,
                    const struct rm_recipe *r, struct pk_err *err)
{
    static const struct rm_ranks alone = {.n = 1};
    size_t steps = rm_train_steps(r, pairs->n);
    *t = (struct rm_trainer){.config = c,
                             .params = p,
                             .weights = &p->w,
                             .pairs = pairs,
                             .recipe = r,
                             .ranks = &alone,
                             .steps = steps,
                             .per_epoch = steps / r->epochs};
    t->schedule = rm_schedule_make(r->lr, steps, r->warmup);
    int rc = rm_pass_init(
        &t->pass, r->recompute ? INFER_KEEP_INPUTS : INFER_KEEP_ALL, err);
    if (rc == 0)
        rc = infer_params_like(&t->grads, c, p, err);
    if (rc == 0)
        rc = rm_adamw_init(&t->adamw, &r->adamw, p, err);
    if (rc == 0)
        rc = rm_order_init(&t->order, pairs, err);
    t->batch = pk_calloc(pairs->n, sizeof *t->batch);
    if (rc == 0 && !t->batch)
        rc = pk_fail_mem(err, "a batch");
    if (rc)
        rm_trainer_release(t);
    return rc;
}

void rm_trainer_release(struct rm_trainer *t)
{
    rm_adamw_release(&t->adamw);
    rm_pass_release(&t->pass);
    infer_params_free(t->grads);
    rm_order_release(&t->order);
    free(t->batch);
    free(t->read);
    free(t->target);
    *t = (struct rm_trainer){0};
}

bool rm_trainer_done(const struct rm_trainer *t)
{
    return t->cursor.step == t->steps;
}

uint64_t rm_trainer_pairs_done(const struct rm_trainer *t)
{
    return rm_pairs_trained(t->pairs->n, t->recipe->batch_pairs,
                            t->cursor.step) +
           t->cursor.at;
}

int rm_not_finite(const struct rm_trainer *t, const char *what,
                  const int64_t *pair, size_t n, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(512);
    size_t k = 0;
    while (k < n && b.len < 400) {
        pk_buf_addf(&b, " %lld", (long long)t->pairs->pair[pair[k]].judgment);
        k++;
    }
    if (k < n)
        pk_buf_addf(&b, " and %zu more", n - k);
    int rc = pk_fail(err, PK_EDATA,
                     "the %s is not finite (a smaller --lr may help); "
                     "judgments%s",
                     what, b.data ? b.data : "");
    pk_buf_release(&b);
    return t->cursor.so_far.step
               ? pk_err_prefix(err, "step %zu: ", t->cursor.so_far.step)
               : rc;
}

int rm_hidden(struct rm_trainer *t, const int64_t *pair, size_t n,
              struct pk_err *err)
{
    int rc = rm_fill(t, pair, n, err);
    /* Another draw each step, the same whatever a step is cut into. */
    if (t->pass.keep != INFER_KEEP_NOTHING)
        infer_tape_dropout(t->pass.tape, t->recipe->lora.dropout,
                           (t->recipe->seed << 32) + t->cursor.step);
    return rc ? rc : rm_pass_hidden(&t->pass, t->config, t->weights, err);
}

/* What all ranks did in a step, on all of them. */
static int sum_step(const struct rm_trainer *t, struct rm_step *s,
                    struct pk_err *err)
{
    double sum[] = {s->loss,
                    s->ranking,
                    s->safety,
                    s->center,
                    s->tally.log_loss,
                    (double)s->tally.wins,
                    (double)s->tally.losses,
                    (double)s->tally.ties,
                    (double)s->targets,
                    (double)s->right,
                    (double)s->tokens};
    int rc = rm_ranks_sum_doubles(t->ranks, sum, sizeof sum / sizeof *sum, err);
    s->loss = sum[0];
    s->ranking = sum[1];
    s->safety = sum[2];
    s->center = sum[3];
    s->tally = (struct rm_tally){.wins = (uint64_t)sum[5],
                                 .losses = (uint64_t)sum[6],
                                 .ties = (uint64_t)sum[7],
                                 .log_loss = sum[4]};
    s->targets = (uint64_t)sum[8];
    s->right = (uint64_t)sum[9];
    s->tokens = (uint64_t)sum[10];
    return rc;
}

/* `rc`: how this rank's share went. */
static int update(struct rm_trainer *t, int rc, struct rm_step *s,
                  struct pk_err *err)
{
    rc = rm_ranks_agree(t->ranks, rc, err);
    if (rc == 0)
        rc = sum_step(t, s, err);
    if (rc == 0)
        rc = rm_ranks_sum(t->ranks, t->grads->slab, t->grads->n, err);
    if (rc == 0)
        rc = rm_norm(t->grads->slab, t->grads->n, &s->grad_norm, err);
    if (rc == 0 && !isfinite(s->grad_norm))
        rc = rm_not_finite(t, "gradient", t->batch, t->n_batch, err);
    if (rc)
        return rc;
    rm_adamw_update(&t->adamw, t->params, t->grads, s->grad_norm, s->lr);
    t->cursor.step++;
    t->cursor.at = 0;
    t->n_batch = 0;
    return 0;
}

/* Forward, loss and backward of n pairs, added to *s and the gradient. */
static int learn(struct rm_trainer *t, const int64_t *pair, size_t n,
                 struct rm_step *s, struct pk_err *err)
{
    int rc = rm_hidden(t, pair, n, err);
    if (rc == 0)
        rc = t->recipe->objective == RM_REWARD
                 ? rm_reward_loss(t, pair, n, s, &t->grads->w, err)
                 : rm_language_loss(t, pair, n, s, &t->grads->w, err);
    if (rc == 0)
        rc = infer_backward(t->config, t->weights, t->pass.forest, t->pass.tape,
                            t->pass.dhidden, &t->grads->w, err);
    s->tokens += infer_forest_tokens(t->pass.forest);
    return rc;
}

int rm_trainer_advance(struct rm_trainer *t, struct rm_step *step,
                       struct pk_err *err)
{
    double started = pk_now();
    *step = (struct rm_step){0};
    if (t->n_batch == 0)
        make_batch(t);
    struct rm_step s = t->cursor.so_far;
    size_t n = rm_micro_batch(t, t->batch + t->share, t->end - t->share);
    /* A small step may leave a rank without pairs. */
    int rc = n ? learn(t, t->batch + t->share, n, &s, err) : 0;
    s.seconds += pk_now() - started;
    t->share += n;
    if (rc || t->share == t->end) {
        rc = update(t, rc, &s, err);
        *step = s;
    } else {
        t->cursor.at += n;
        t->cursor.so_far = s;
    }
    return rc;
}
