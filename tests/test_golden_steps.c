/* Ten optimizer steps against torch's AdamW on the independent model
 * (scripts/make_golden.py): each loss, each gradient norm, the last weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rm/data/loss.h"
#include "rm/train/adamw.h"
#include "tests/golden.h"
#include "tests/support.h"

static struct golden g;
static struct pk_err err;

static const cJSON *reward(const char *key)
{
    return golden_item(golden_item(g.json, "reward"), key);
}

static double option(const char *key)
{
    return golden_item(reward("adamw"), key)->valuedouble;
}

/* The mean loss of one step's pairs, whose paths share one forest; adds its
 * gradient to grad. */
static double mean_loss(const cJSON *step, struct infer_params *grad)
{
    const cJSON *pairs = golden_item(step, "pairs");
    size_t which[GOLDEN_PATHS];
    double r[GOLDEN_PATHS], dout[GOLDEN_PATHS], sum = 0;
    struct rm_grades large;
    ck_assert(rm_parse_margin("large", &large));
    int n = cJSON_GetArraySize(pairs);
    const cJSON *pair[GOLDEN_PATHS / 2];
    for (int i = 0; i < n; i++) {
        pair[i] = cJSON_GetArrayItem(reward("pairs"),
                                     (int)golden_number(pairs, (size_t)i));
        which[2 * i] = (size_t)golden_item(pair[i], "chosen")->valueint;
        which[2 * i + 1] = (size_t)golden_item(pair[i], "rejected")->valueint;
    }
    golden_scores(&g, &g.p->w, which, 2 * (size_t)n, r);
    for (int i = 0; i < n; i++) {
        int strength = golden_item(pair[i], "strength")->valueint;
        double slope;
        sum +=
            rm_loss(r[2 * i], r[2 * i + 1], rm_grade(&large, strength), &slope);
        dout[2 * i] = slope / n;
        dout[2 * i + 1] = -slope / n;
    }
    golden_backward(&g, &g.p->w, which, 2 * (size_t)n, dout, grad);
    return sum / n;
}

static bool near(double got, double want)
{
    return fabs(got - want) <= 1e-4 * fabs(want) + 1e-5;
}

/* False as soon as a loss or a norm differs, or when the last weights do. */
static bool same_steps(void)
{
    struct rm_adamw adamw;
    struct rm_adamw_opts opts = {option("beta1"), option("beta2"),
                                 option("eps"), option("weight_decay"),
                                 option("clip")};
    struct infer_params *grad;
    bool same = true;
    ck_assert_str_eq(reward("steps_margin")->valuestring, "large");
    ck_ok(rm_adamw_init(&adamw, &opts, g.p, &err));
    ck_ok(infer_params_new(&grad, g.c, &err));
    const cJSON *step;
    cJSON_ArrayForEach(step, reward("steps"))
    {
        double norm;
        memset(grad->slab, 0, grad->n * sizeof *grad->slab);
        double loss = mean_loss(step, grad);
        ck_ok(rm_norm(grad->slab, grad->n, &norm, &err));
        same &= near(loss, golden_item(step, "loss")->valuedouble) &&
                near(norm, golden_item(step, "grad_norm")->valuedouble);
        rm_adamw_update(&adamw, g.p, grad, norm, option("lr"));
    }
    infer_params_free(grad);
    rm_adamw_release(&adamw);
    return same &&
           golden_same_tensors(&g, g.p, "steps.safetensors", 1e-4, &err);
}

START_TEST(ten_steps)
{
    golden_open(&g, "reward");
    ck_assert_int_eq(cJSON_GetArraySize(reward("steps")), 10);
    ck_assert_msg(same_steps(), "%s", err.text);
    golden_close(&g);
}
END_TEST

/* The weights after ten steps are not those before. */
START_TEST(steps_move)
{
    golden_open(&g, "reward");
    ck_assert(!golden_same_tensors(&g, g.p, "steps.safetensors", 1e-3, NULL));
    golden_close(&g);
}
END_TEST

/* The test of the test, for every fourth tensor: embedding, norms, matrices. */
START_TEST(steps_see_a_perturbed_weight)
{
    struct infer_tensor t;
    golden_open(&g, "reward");
    size_t count = infer_tensor_count(g.c);
    golden_close(&g);
    for (size_t i = 0; i < count; i += 4) {
        golden_open(&g, "reward");
        infer_tensor_at(g.c, i, &t);
        *golden_weight(&g, g.p, i) += 0.05F;
        ck_assert_msg(!same_steps(), "%s", t.name);
        golden_close(&g);
    }
}
END_TEST

/* What AdamW does to a weight that no path touches: it only decays. */
START_TEST(unused_rows_decay)
{
    golden_open(&g, "reward");
    const float *row = g.p->w.embed.f32; /* the pad token's */
    double before = (double)row[3];
    ck_assert(same_steps());
    double want = before * pow(1 - option("lr") * option("weight_decay"), 10);
    ck_assert_double_le(fabs((double)row[3] - want), 1e-6 * fabs(want));
    golden_close(&g);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("golden_steps");
    TCase *t = tcase_create("golden_steps");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, ten_steps);
    tcase_add_test(t, steps_move);
    tcase_add_test(t, steps_see_a_perturbed_weight);
    tcase_add_test(t, unused_rows_decay);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
