/* The language model's head under cross entropy, against doubles. */
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "infer/infer.h"
#include "tests/support.h"

enum { C = 12, V = 37, ROWS = 150, TARGETS = 168 };

static struct infer_config config(void)
{
    return (struct infer_config){
        .dim = C, .vocab = V, .head = INFER_HEAD_LM, .layers = 1};
}

static float hidden[ROWS * C], head[V * C];
static struct infer_target target[TARGETS];

static void fill(void)
{
    struct pk_rng r;
    pk_rng_seed(&r, 3, 1);
    for (size_t i = 0; i < ROWS * C; i++)
        hidden[i] = (float)pk_rng_normal(&r);
    for (size_t i = 0; i < V * C; i++)
        head[i] = (float)pk_rng_normal(&r);
    /* Row 7 has none, row 9 many. */
    for (size_t i = 0; i < TARGETS; i++) {
        size_t row = i < 8 ? i : i < 28 ? 9 : i - 18;
        target[i] = (struct infer_target){row == 7 ? 8 : row,
                                          (int32_t)pk_rng_below(&r, V),
                                          (float)pk_rng_uniform(&r)};
    }
}

/* Loss, and its gradients by hidden and head, straight from the formula. */
static double reference(double *dh, double *dw)
{
    double loss = 0;
    for (size_t i = 0; i < TARGETS; i++) {
        const float *x = hidden + target[i].row * C;
        double z[V], sum = 0, weight = (double)target[i].weight;
        for (size_t v = 0; v < V; v++) {
            z[v] = 0;
            for (size_t k = 0; k < C; k++)
                z[v] += (double)x[k] * (double)head[v * C + k];
            sum += exp(z[v]);
        }
        loss += weight * (log(sum) - z[target[i].id]);
        for (size_t v = 0; v < V; v++) {
            double d = weight *
                       (exp(z[v]) / sum - (v == (size_t)target[i].id ? 1 : 0));
            for (size_t k = 0; k < C; k++) {
                dh[target[i].row * C + k] += d * (double)head[v * C + k];
                dw[v * C + k] += d * (double)x[k];
            }
        }
    }
    return loss;
}

START_TEST(against_doubles)
{
    struct pk_err err;
    struct infer_config c = config();
    struct infer_weights w = {.head = {.f32 = head, .rows = V, .cols = C}};
    static float dh[ROWS * C], dw[V * C];
    static double rh[ROWS * C], rw[V * C];
    struct infer_weights g = {.head = {.f32 = dw, .rows = V, .cols = C}};
    struct infer_lm_grad grad = {dh, &g};
    struct infer_targets t = {target, TARGETS};
    struct infer_lm_sum with, without;
    fill();
    for (size_t i = 0; i < V * C; i++)
        dw[i] = 1; /* it adds */
    ck_ok(infer_lm_loss(&c, &w, hidden, ROWS, &t, &with, &grad, &err));
    ck_ok(infer_lm_loss(&c, &w, hidden, ROWS, &t, &without, NULL, &err));
    double loss = reference(rh, rw);
    ck_assert(fabs(with.loss - loss) < 1e-5 * loss);
    ck_assert(with.loss == without.loss && with.right == without.right);
    ck_assert(with.right > 0 && with.right < TARGETS);
    for (size_t i = 0; i < ROWS * C; i++)
        ck_assert_msg(fabs((double)dh[i] - rh[i]) < 2e-5, "dhidden %zu", i);
    for (size_t i = 0; i < V * C; i++)
        ck_assert_msg(fabs((double)dw[i] - 1 - rw[i]) < 1e-4, "dhead %zu", i);
}
END_TEST

START_TEST(bad_targets)
{
    struct pk_err err;
    struct infer_config c = config();
    struct infer_weights w = {.head = {.f32 = head, .rows = V, .cols = C}};
    struct infer_lm_sum sum;
    static const struct infer_target bad[][2] = {
        {{0, 1, 1}, {0, V, 1}},
        {{0, 1, 1}, {0, -1, 1}},
        {{0, 1, 1}, {ROWS, 1, 1}},
        {{3, 1, 1}, {2, 1, 1}},
    };
    fill();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct infer_targets t = {bad[i], 2};
        ck_assert_int_eq(
            infer_lm_loss(&c, &w, hidden, ROWS, &t, &sum, NULL, &err),
            PK_EDATA);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lm");
    TCase *t = tcase_create("head");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, against_doubles);
    tcase_add_test(t, bad_targets);
    suite_add_tcase(s, t);
    return run_suite(s);
}
