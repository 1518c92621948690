/* How a model does on pairs that are not trained on; see train.h. */
#include <stdlib.h>

#include "common/cli.h"
#include "common/mem.h"
#include "rm/score/combine.h"
#include "rm/train/train.h"

static void tally_rewards(const struct rm_trainer *t, const int64_t *pair,
                          size_t n, struct rm_validation *v,
                          struct rm_moments *m)
{
    for (size_t i = 0; i < n; i++) {
        const struct rm_target *target = &t->pairs->pair[pair[i]].target;
        double chosen = t->pass.score[t->read[2 * i]];
        double rejected = t->pass.score[t->read[2 * i + 1]];
        int strength =
            target->strength == PREFDB_UNSTATED ? 4 : target->strength;
        rm_moments_add(m, chosen);
        rm_moments_add(m, rejected);
        if (target->p > 0.5) {
            rm_tally_add(&v->tally, chosen, rejected);
            rm_tally_add(&v->by_strength[strength], chosen, rejected);
        }
    }
}

static int validate(struct rm_trainer *t, struct rm_validation *v,
                    struct rm_moments *m, struct pk_err *err)
{
    size_t n = t->n_batch;
    struct rm_step s = {0};
    for (size_t at = 0, k; at < n; at += k) {
        const int64_t *pair = t->batch + at;
        k = rm_micro_batch(t, pair, n - at);
        int rc = pk_check_interrupt(err);
        if (rc == 0)
            rc = rm_hidden(t, pair, k, err);
        if (rc)
            return rc;
        if (t->recipe->objective == RM_REWARD) {
            infer_score(t->config, t->weights, t->pass.hidden,
                        infer_forest_readouts(t->pass.forest), t->pass.score);
            tally_rewards(t, pair, k, v, m);
        } else if ((rc = rm_language_loss(t, pair, k, &s, NULL, err))) {
            return rc;
        }
    }
    v->targets = s.targets;
    v->right = s.right;
    v->loss = t->recipe->objective == RM_REWARD ? rm_tally_log_loss(&v->tally)
                                                : s.loss;
    return 0;
}

int rm_validate(const struct infer_weights *w, const struct infer_config *c,
                const struct rm_pairs *pairs, const struct rm_recipe *r,
                struct rm_validation *out, struct pk_err *err)
{
    struct rm_trainer t = {.config = c,
                           .weights = w,
                           .pairs = pairs,
                           .recipe = r,
                           .n_batch = pairs->n};
    struct rm_moments m = {0};
    *out = (struct rm_validation){0};
    int rc = rm_pass_init(&t.pass, INFER_KEEP_NOTHING, err);
    t.batch = pk_calloc(pairs->n, sizeof *t.batch);
    if (rc == 0 && !t.batch)
        rc = pk_fail_mem(err, "the order of pairs");
    if (rc == 0) {
        for (size_t i = 0; i < pairs->n; i++)
            t.batch[i] = (int64_t)i;
        rm_batch_order(&t);
        rc = validate(&t, out, &m, err);
    }
    out->mean = m.mean;
    out->sd = rm_moments_sd(&m);
    rm_trainer_release(&t);
    return rc;
}

static bool part_right(const struct rm_tally *t, uint64_t right,
                       uint64_t targets, double *accuracy)
{
    double low, high;
    if (targets == 0)
        return rm_tally_accuracy(t, accuracy, &low, &high);
    *accuracy = (double)right / (double)targets;
    return true;
}

bool rm_validation_accuracy(const struct rm_validation *v, double *accuracy)
{
    return part_right(&v->tally, v->right, v->targets, accuracy);
}

bool rm_step_accuracy(const struct rm_step *s, double *accuracy)
{
    return part_right(&s->tally, s->right, s->targets, accuracy);
}
