/* Scores, logits and gradients against an independent implementation in double
 * precision (scripts/make_golden.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden.h"
#include "tests/support.h"

static struct golden g;
static const size_t every[GOLDEN_PATHS] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static const cJSON *reward(const char *key)
{
    return golden_item(golden_item(g.json, "reward"), key);
}

/* All in one forest. */
static bool same_scores(const struct infer_weights *w)
{
    double got[GOLDEN_PATHS];
    golden_scores(&g, w, every, g.n, got);
    for (size_t i = 0; i < g.n; i++)
        if (!(fabs(got[i] - golden_number(reward("scores"), i)) <= 1e-5))
            return false;
    return true;
}

START_TEST(scores_together)
{
    golden_open(&g, "reward");
    ck_assert_uint_ge(g.n, 10);
    ck_assert(same_scores(infer_model_weights(g.model)));
    ck_assert(same_scores(&g.p->w));
    golden_close(&g);
}
END_TEST

START_TEST(scores_alone)
{
    golden_open(&g, "reward");
    for (size_t i = 0; i < g.n; i++) {
        double got, want = golden_number(reward("scores"), i);
        golden_scores(&g, &g.p->w, &i, 1, &got);
        ck_assert_msg(fabs(got - want) <= 1e-5, "path %zu: %.9g, not %.9g", i,
                      got, want);
    }
    golden_close(&g);
}
END_TEST

/* The test of the test: one perturbed weight of any tensor is seen. */
START_TEST(scores_see_a_perturbed_weight)
{
    golden_open(&g, "reward");
    for (size_t i = 0; i < infer_tensor_count(g.c); i++) {
        struct infer_tensor t;
        infer_tensor_at(g.c, i, &t);
        float *x = golden_weight(&g, g.p, i), kept = *x;
        *x += 0.05F;
        ck_assert_msg(!same_scores(&g.p->w), "%s", t.name);
        *x = kept;
    }
    ck_assert(same_scores(&g.p->w));
    golden_close(&g);
}
END_TEST

static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* The two paths of a pair, and its margin. */
static double pair_of(size_t i, const char *margin, size_t which[2])
{
    const cJSON *p = cJSON_GetArrayItem(reward("pairs"), (int)i);
    which[0] = (size_t)golden_item(p, "chosen")->valueint;
    which[1] = (size_t)golden_item(p, "rejected")->valueint;
    return golden_number(golden_item(reward("margins"), margin),
                         (size_t)golden_item(p, "strength")->valueint);
}

START_TEST(losses)
{
    static const char *const margins[] = {"none", "small", "large"};
    golden_open(&g, "reward");
    for (size_t m = 0; m < 3; m++) {
        char key[32];
        snprintf(key, sizeof key, "losses_%s", margins[m]);
        for (int i = 0; i < cJSON_GetArraySize(reward("pairs")); i++) {
            size_t which[2];
            double r[2], margin = pair_of((size_t)i, margins[m], which);
            golden_scores(&g, &g.p->w, which, 2, r);
            double want = golden_number(reward(key), (size_t)i);
            ck_assert_double_le(fabs(softplus(r[1] - r[0] + margin) - want),
                                2e-5);
        }
    }
    golden_close(&g);
}
END_TEST

/* The gradient of the mean loss over all pairs with small margins, all of them
 * in one forest, or one forest for each pair. */
static struct infer_params *gradient(bool together)
{
    struct pk_err err;
    struct infer_params *grad;
    double score[GOLDEN_PATHS], dout[GOLDEN_PATHS] = {0};
    size_t pairs = (size_t)cJSON_GetArraySize(reward("pairs"));
    ck_ok(infer_params_new(&grad, g.c, &err));
    golden_scores(&g, &g.p->w, every, g.n, score);
    for (size_t i = 0; i < pairs; i++) {
        size_t k[2];
        double margin = pair_of(i, "small", k);
        double s = 1 / (1 + exp(score[k[0]] - score[k[1]] - margin));
        double d[2] = {-s / (double)pairs, s / (double)pairs};
        dout[k[0]] += d[0];
        dout[k[1]] += d[1];
        if (!together)
            golden_backward(&g, &g.p->w, k, 2, d, grad);
    }
    if (together)
        golden_backward(&g, &g.p->w, every, g.n, dout, grad);
    return grad;
}

static bool same_gradient(const struct infer_params *grad, struct pk_err *why)
{
    return golden_same_tensors(&g, grad, "gradient.safetensors", 1e-4, why);
}

START_TEST(gradients)
{
    struct pk_err why;
    golden_open(&g, "reward");
    for (int together = 0; together <= 1; together++) {
        struct infer_params *grad = gradient(together);
        ck_assert_msg(same_gradient(grad, &why), "%s", why.text);
        infer_params_free(grad);
    }
    golden_close(&g);
}
END_TEST

START_TEST(gradients_see_a_perturbed_weight)
{
    golden_open(&g, "reward");
    for (size_t i = 0; i < infer_tensor_count(g.c); i++) {
        struct infer_tensor t;
        infer_tensor_at(g.c, i, &t);
        float *x = golden_weight(&g, g.p, i), kept = *x;
        *x += 0.1F;
        struct infer_params *grad = gradient(true);
        ck_assert_msg(!same_gradient(grad, NULL), "%s", t.name);
        infer_params_free(grad);
        *x = kept;
    }
    golden_close(&g);
}
END_TEST

/* One wrong element of any tensor, by a hundredth of the tensor's norm. */
START_TEST(gradients_see_a_wrong_element)
{
    golden_open(&g, "reward");
    struct infer_params *grad = gradient(true);
    for (size_t i = 0; i < infer_tensor_count(g.c); i++) {
        struct infer_tensor t;
        infer_tensor_at(g.c, i, &t);
        float *x = golden_weight(&g, grad, i), kept = *x;
        double norm = 0;
        for (size_t k = 0; k < t.rows * t.cols; k++)
            norm += pow((double)grad->slab[t.offset + k], 2);
        *x += (float)(0.01 * sqrt(norm));
        ck_assert_msg(!same_gradient(grad, NULL), "%s", t.name);
        *x = kept;
    }
    infer_params_free(grad);
    golden_close(&g);
}
END_TEST

/* The next token's logits of one path, V of them. */
static void logits_of(const int32_t *ids, size_t n, double *logits)
{
    struct pk_err err;
    struct infer_forest *f;
    size_t read;
    float hidden[64];
    ck_assert_uint_le(g.c->dim, 64);
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_forest_add(f, ids, n, n - 1, &read, &err));
    ck_ok(infer_forward(g.c, &g.p->w, f, NULL, hidden, &err));
    infer_forest_free(f);
    for (size_t v = 0; v < g.c->vocab; v++) {
        logits[v] = 0;
        for (size_t i = 0; i < g.c->dim; i++)
            logits[v] +=
                (double)hidden[i] * (double)g.p->w.head.f32[v * g.c->dim + i];
    }
}

START_TEST(causal)
{
    double logits[128];
    const cJSON *e;
    golden_open(&g, "causal");
    ck_assert(g.c->tied && g.p->w.head.f32 == g.p->w.embed.f32);
    ck_assert_uint_eq(g.c->head_dim, 10);
    cJSON_ArrayForEach(e, golden_item(g.json, "causal"))
    {
        int32_t ids[GOLDEN_LONGEST], next[GOLDEN_LONGEST];
        size_t n = golden_ids(golden_item(e, "path"), ids);
        logits_of(ids, n, logits);
        for (size_t v = 0; v < g.c->vocab; v++)
            ck_assert_double_le(
                fabs(logits[v] - golden_number(golden_item(e, "logits"), v)),
                1e-5);
        size_t more = golden_ids(golden_item(e, "greedy"), next);
        for (size_t i = 0; i < more; i++) {
            int32_t best = 0;
            logits_of(ids, n, logits);
            for (size_t v = 1; v < g.c->vocab; v++)
                if (logits[v] > logits[best])
                    best = (int32_t)v;
            ck_assert_int_eq(best, next[i]);
            ids[n++] = best;
        }
    }
    golden_close(&g);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("golden");
    TCase *t = tcase_create("golden");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, scores_together);
    tcase_add_test(t, scores_alone);
    tcase_add_test(t, scores_see_a_perturbed_weight);
    tcase_add_test(t, losses);
    tcase_add_test(t, gradients);
    tcase_add_test(t, gradients_see_a_perturbed_weight);
    tcase_add_test(t, gradients_see_a_wrong_element);
    tcase_add_test(t, causal);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
