/* What a reward model and a language model each do with a micro-batch; see
 * train.h. */
#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "rm/train/train.h"

static int grow_reads(struct rm_trainer *t, size_t n, struct pk_err *err)
{
    if (!pk_grow(&t->read, &t->cap_read, n, sizeof *t->read))
        return pk_fail_mem(err, "read-outs");
    return 0;
}

/* Both paths, each read at its last token: read[2 i] and read[2 i + 1]. */
static int add_pair(struct rm_trainer *t, const struct rm_pair *p,
                    size_t read[2], struct pk_err *err)
{
    const int32_t *ids = t->pairs->ids.id;
    int rc = infer_forest_add(t->pass.forest, ids + p->chosen, p->n_chosen,
                              p->n_chosen - 1, &read[0], err);
    if (rc == 0)
        rc = infer_forest_add(t->pass.forest, ids + p->rejected, p->n_rejected,
                              p->n_rejected - 1, &read[1], err);
    return rc;
}

/* The chosen path without its last token, read where the next token is one of
 * the response's. */
static int add_response(struct rm_trainer *t, const struct rm_pair *p,
                        struct pk_err *err)
{
    const int32_t *ids = t->pairs->ids.id + p->chosen;
    size_t n = p->n_chosen - p->answer;
    if (n == 0 || p->answer == 0)
        return 0;
    int rc = grow_reads(t, n, err);
    if (rc == 0 && !pk_grow(&t->target, &t->cap_targets, t->n_targets + n,
                            sizeof *t->target))
        rc = pk_fail_mem(err, "targets");
    if (rc == 0)
        rc = infer_forest_add(t->pass.forest, ids, p->n_chosen - 1,
                              p->answer - 1, t->read, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        t->target[t->n_targets++] =
            (struct infer_target){.row = t->read[i],
                                  .id = ids[p->answer + i],
                                  .weight = 1 / (float)t->batch_targets};
    return rc;
}

static int by_row(const void *a, const void *b)
{
    const struct infer_target *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

int rm_fill(struct rm_trainer *t, const int64_t *pair, size_t n,
            struct pk_err *err)
{
    bool reward = t->recipe->objective == RM_REWARD;
    infer_forest_clear(t->pass.forest);
    t->n_targets = 0;
    int rc = reward ? grow_reads(t, 2 * n, err) : 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct rm_pair *p = &t->pairs->pair[pair[i]];
        rc = reward ? add_pair(t, p, t->read + 2 * i, err)
                    : add_response(t, p, err);
    }
    if (rc == 0 && t->n_targets)
        qsort(t->target, t->n_targets, sizeof *t->target, by_row);
    return rc;
}

int rm_reward_loss(struct rm_trainer *t, const int64_t *pair, size_t n,
                   struct rm_step *s, struct infer_weights *g,
                   struct pk_err *err)
{
    struct rm_pass *pass = &t->pass;
    size_t rows = infer_forest_readouts(pass->forest);
    double of = (double)t->n_batch;
    infer_score(t->config, t->weights, pass->hidden, rows, pass->score);
    for (size_t i = 0; i < rows; i++)
        pass->dscore[i] = 0;
    for (size_t i = 0; i < n; i++) {
        const struct rm_target *target = &t->pairs->pair[pair[i]].target;
        const size_t *read = t->read + 2 * i;
        double chosen = pass->score[read[0]], rejected = pass->score[read[1]];
        struct rm_pair_loss l =
            rm_pair_loss(&t->recipe->loss, target, chosen, rejected);
        if (!isfinite(l.total))
            return rm_not_finite(t, "loss", &pair[i], 1, err);
        if (target->p > 0.5)
            rm_tally_add(&s->tally, chosen, rejected);
        s->loss += l.total / of;
        s->ranking += l.ranking / of;
        s->safety += l.safety / of;
        s->center += l.center / of;
        pass->dscore[read[0]] += l.slope[0] / of;
        pass->dscore[read[1]] += l.slope[1] / of;
    }
    infer_score_backward(t->config, t->weights, pass->hidden, rows,
                         pass->dscore, pass->dhidden, g);
    return 0;
}

int rm_language_loss(struct rm_trainer *t, const int64_t *pair, size_t n,
                     struct rm_step *s, struct infer_weights *g,
                     struct pk_err *err)
{
    const struct infer_targets targets = {t->target, t->n_targets};
    const struct infer_lm_grad grad = {t->pass.dhidden, g};
    struct infer_lm_sum sum;
    int rc = infer_lm_loss(t->config, t->weights, t->pass.hidden,
                           infer_forest_readouts(t->pass.forest), &targets,
                           &sum, g ? &grad : NULL, err);
    if (rc == 0 && !isfinite(sum.loss))
        rc = rm_not_finite(t, "loss", pair, n, err);
    s->loss += sum.loss;
    s->targets += t->n_targets;
    s->right += sum.right;
    return rc;
}
