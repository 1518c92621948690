/* How a model does on pairs that are not trained on; see train.h. */
#include <math.h>
#include <stdlib.h>

#include "common/cli.h"
#include "common/mem.h"
#include "rm/score/combine.h"
#include "rm/train/train.h"

/* Scores of the chosen and the rejected response, by pair. */
static int keep_rewards(const struct rm_trainer *t, const int64_t *pair,
                        size_t n, double *score, struct rm_moments *m,
                        struct pk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 2; k++) {
            double *at = &score[2 * pair[i] + k];
            *at = t->pass.score[t->read[2 * i + (size_t)k]];
            if (!isfinite(*at))
                return rm_not_finite(t, "score", &pair[i], 1, err);
            rm_moments_add(m, *at);
        }
    }
    return 0;
}

static int by_comparison(const void *a, const void *b, void *arg)
{
    const struct rm_pair *p = ((const struct rm_trainer *)arg)->pairs->pair;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    if (p[i].comparison != p[j].comparison)
        return p[i].comparison < p[j].comparison ? -1 : 1;
    return (i > j) - (i < j);
}

/* Comparison by comparison: their judgments are not independent. */
static void tally_rewards(struct rm_trainer *t, const double *score,
                          struct rm_validation *v)
{
    qsort_r(t->batch, t->n_batch, sizeof *t->batch, by_comparison, t);
    for (size_t i = 0; i < t->n_batch; i++) {
        const struct rm_pair *p = &t->pairs->pair[t->batch[i]];
        const double *of = &score[2 * t->batch[i]];
        int strength =
            p->target.strength == PREFDB_UNSTATED ? 4 : p->target.strength;
        if (p->target.p > 0.5) {
            rm_tally_add_of(&v->tally, p->comparison, of[0], of[1]);
            rm_tally_add_of(&v->by_strength[strength], p->comparison, of[0],
                            of[1]);
        }
    }
}

/* `score`: room for two of every pair. */
static int validate(struct rm_trainer *t, double *score,
                    struct rm_validation *v, struct rm_moments *m,
                    struct pk_err *err)
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
            rc = keep_rewards(t, pair, k, score, m, err);
        } else {
            rc = rm_language_loss(t, pair, k, &s, NULL, err);
        }
        if (rc)
            return rc;
    }
    if (t->recipe->objective == RM_REWARD)
        tally_rewards(t, score, v);
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
    double *score = pk_calloc(pairs->n, 2 * sizeof *score);
    if (rc == 0 && (!t.batch || !score))
        rc = pk_fail_mem(err, "the order of pairs");
    if (rc == 0) {
        for (size_t i = 0; i < pairs->n; i++)
            t.batch[i] = (int64_t)i;
        rm_batch_order(&t);
        rc = validate(&t, score, out, &m, err);
    }
    out->mean = m.mean;
    out->sd = rm_moments_sd(&m);
    free(score);
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
