/* Matrix products: against sums in double, weights in bf16 against the same
 * weights widened beforehand, products in bf16 and of few rows against fp32. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "infer/math/bf16.h"
#include "infer/math/gemm.h"
#include "tests/support.h"

static struct pk_err err;

static float *randoms(size_t n, uint64_t stream)
{
    struct pk_rng r;
    float *x = malloc((n ? n : 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    pk_rng_seed(&r, 7, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)pk_rng_normal(&r);
    return x;
}

/* Weights that bf16 holds, both ways. */
struct both {
    struct infer_matrix wide, narrow;
};

static struct both weights(size_t out, size_t in)
{
    size_t n = out * in;
    float *w = randoms(n, 1);
    uint16_t *h = malloc(n * sizeof *h);
    ck_assert_ptr_nonnull(h);
    infer_to_bf16(h, w, n);
    infer_from_bf16(w, h, n);
    return (struct both){{.f32 = w, .rows = out, .cols = in},
                         {.bf16 = h, .rows = out, .cols = in}};
}

static void free_both(struct both *b)
{
    free(b->wide.f32);
    free((void *)b->narrow.bf16);
}

static double sum_abs;

/* Element (i, j) of x w^T or x w, and in sum_abs the sum of the terms' sizes,
 * which rounding is in proportion to. */
static double element(const float *x, const float *w, size_t k, size_t wstep)
{
    double sum = 0;
    sum_abs = 0;
    for (size_t i = 0; i < k; i++) {
        double p = (double)x[i] * (double)w[i * wstep];
        sum += p;
        sum_abs += fabs(p);
    }
    return sum;
}

static void near(double got, double want, const char *what)
{
    ck_assert_msg(fabs(got - want) <= 1e-6 * sum_abs, "%s: %.9g, not %.9g",
                  what, got, want);
}

static const struct {
    size_t rows, out, in;
} shapes[] = {{1, 1, 1},     {1, 512, 2048},   {3, 5, 7},       {2, 513, 33},
              {5, 1025, 64}, {515, 40, 72},    {600, 700, 9},   {1, 4, 4096},
              {17, 96, 257}, {1030, 520, 130}, {487, 768, 2048}};

START_TEST(against_doubles)
{
    size_t rows = shapes[_i].rows, out = shapes[_i].out, in = shapes[_i].in;
    struct infer_gemm g = {0};
    struct both w = weights(out, in);
    float *x = randoms(rows * in, 2), *y = randoms(rows * out, 3);
    float *dx = randoms(rows * in, 4), *dy = randoms(rows * out, 5);
    float *dw = calloc(out * in, sizeof *dw);
    struct infer_matrix grad = {.f32 = dw, .rows = out, .cols = in};
    float y0 = y[rows * out - 1], dx0 = dx[rows * in - 1];
    ck_ok(infer_linear(&g, y, x, &w.narrow, rows, true, &err));
    ck_ok(infer_linear_dx(&g, dx, dy, &w.narrow, rows, true, &err));
    ck_ok(infer_linear_dw(&g, &grad, dy, x, rows, &err));
    for (size_t t = 0; t < 200; t++) { /* corners, and some between */
        size_t r = t < 4 ? t % 2 * (rows - 1) : t * 7919 % rows;
        size_t o = t < 4 ? t / 2 * (out - 1) : t * 104729 % out;
        size_t i = t < 4 ? t / 2 * (in - 1) : t * 1299709 % in;
        if (r == rows - 1 && o == out - 1)
            near((double)y[r * out + o] - (double)y0,
                 element(x + r * in, w.wide.f32 + o * in, in, 1), "y");
        if (r == rows - 1 && i == in - 1)
            near((double)dx[r * in + i] - (double)dx0,
                 element(dy + r * out, w.wide.f32 + i, out, in), "dx");
        double sum = 0;
        sum_abs = 0;
        for (size_t k = 0; k < rows; k++) {
            double p = (double)dy[k * out + o] * (double)x[k * in + i];
            sum += p;
            sum_abs += fabs(p);
        }
        near((double)dw[o * in + i], sum, "dw");
    }
    ck_ok(infer_linear(&g, y, x, &w.narrow, rows, false, &err));
    ck_ok(infer_linear_dx(&g, dx, dy, &w.narrow, rows, false, &err));
    for (size_t t = 0; t < 200; t++) {
        size_t r = t * 7919 % rows, o = t * 104729 % out, i = t * 31 % in;
        near((double)y[r * out + o],
             element(x + r * in, w.wide.f32 + o * in, in, 1), "y");
        near((double)dx[r * in + i],
             element(dy + r * out, w.wide.f32 + i, out, in), "dx");
    }
    infer_gemm_release(&g);
    free_both(&w);
    free(x), free(y), free(dx), free(dy), free(dw);
}
END_TEST

START_TEST(bf16_weights_give_the_same_bits)
{
    size_t rows = shapes[_i].rows, out = shapes[_i].out, in = shapes[_i].in;
    struct infer_gemm g = {0};
    struct both w = weights(out, in);
    float *x = randoms(rows * in, 2), *dy = randoms(rows * out, 5);
    float *a = calloc(rows * out, sizeof *a),
          *b = calloc(rows * out, sizeof *b);
    ck_ok(infer_linear(&g, a, x, &w.wide, rows, false, &err));
    ck_ok(infer_linear(&g, b, x, &w.narrow, rows, false, &err));
    ck_assert(memcmp(a, b, rows * out * sizeof *a) == 0);
    float *da = calloc(rows * in, sizeof *da),
          *db = calloc(rows * in, sizeof *db);
    ck_ok(infer_linear_dx(&g, da, dy, &w.wide, rows, false, &err));
    ck_ok(infer_linear_dx(&g, db, dy, &w.narrow, rows, false, &err));
    ck_assert(memcmp(da, db, rows * in * sizeof *da) == 0);
    infer_gemm_release(&g);
    free_both(&w);
    free(x), free(dy), free(a), free(b), free(da), free(db);
}
END_TEST

static bool no_bf16(void)
{
    if (infer_bf16_missing())
        printf("skipped: no products in bf16: %s\n", infer_bf16_missing());
    return infer_bf16_missing() != NULL;
}

/* Tests run in both precisions: every shape in fp32, then every one in bf16. */
enum { SHAPES = sizeof shapes / sizeof *shapes };

static struct infer_gemm gemm_of(int test)
{
    return (struct infer_gemm){.precision = test < SHAPES
                                                ? INFER_PRECISION_FP32
                                                : INFER_PRECISION_BF16};
}

START_TEST(a_row_gives_the_same_bits_in_any_batch)
{
    size_t i = (size_t)_i % SHAPES;
    size_t rows = shapes[i].rows, out = shapes[i].out, in = shapes[i].in;
    struct infer_gemm g = gemm_of(_i);
    if (g.precision == INFER_PRECISION_BF16 && no_bf16())
        return;
    struct both w = weights(out, in);
    float *x = randoms(rows * in, 2);
    float *all = calloc(rows * out, sizeof *all),
          *one = calloc(out, sizeof *one);
    ck_ok(infer_linear(&g, all, x, &w.narrow, rows, false, &err));
    for (size_t r = 0; r < rows; r += 1 + rows / 5) {
        ck_ok(infer_linear(&g, one, x + r * in, &w.narrow, 1, false, &err));
        ck_assert(memcmp(one, all + r * out, out * sizeof *one) == 0);
    }
    infer_gemm_release(&g);
    free_both(&w);
    free(x), free(all), free(one);
}
END_TEST

/* The same row throughout: at any place in any number of rows, also added to
 * what is there. */
START_TEST(a_row_gives_the_same_bits_at_any_place)
{
    static const size_t counts[] = {1, 2, 13, 40, 64, 301, 509, 512, 700};
    enum { MOST = 700 };
    size_t i = (size_t)_i % SHAPES, out = shapes[i].out, in = shapes[i].in;
    struct infer_gemm g = gemm_of(_i);
    if (g.precision == INFER_PRECISION_BF16 && no_bf16())
        return;
    struct both w = weights(out, in);
    float *x = randoms(MOST * in, 2), *y = calloc(MOST * out, sizeof *y);
    float *first = calloc(2 * out, sizeof *first);
    for (size_t r = 1; r < MOST; r++)
        memcpy(x + r * in, x, in * sizeof *x);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int add = 0; add < 2; add++) {
            float *want = first + (size_t)add * out;
            ck_ok(infer_linear(&g, y, x, &w.wide, counts[c], add, &err));
            if (c == 0)
                memcpy(want, y, out * sizeof *want);
            for (size_t r = 0; r < counts[c]; r++)
                ck_assert(memcmp(y + r * out, want, out * sizeof *want) == 0);
        }
    infer_gemm_release(&g);
    free_both(&w);
    free(x), free(y), free(first);
}
END_TEST

/* Attention's two blocks, against doubles, and each row with the bits that it
 * has at any other place. */
START_TEST(blocks)
{
    static const size_t dims[] = {1, 6, 8, 20, 48, 64, 80, 128, 256, 300};
    enum { ROWS = 32, KEYS = 64 };
    size_t d = dims[_i];
    const struct infer_block score = {ROWS, KEYS, d, false};
    struct infer_block value = {ROWS, d, KEYS, false};
    float *q = randoms(ROWS * d, 1), *k = randoms(KEYS * d, 2);
    float p[ROWS * KEYS], *o = calloc(ROWS * d, sizeof *o);
    for (size_t r = 1; r < ROWS; r++)
        memcpy(q + r * d, q, d * sizeof *q);
    infer_gemm_block(score, (struct infer_mat){q, d, false},
                     (struct infer_mat){k, d, true}, p, KEYS);
    for (size_t j = 0; j < KEYS; j++)
        near((double)p[j], element(q, k + j * d, d, 1), "score");
    for (int add = 0; add < 2; add++) {
        value.add = add;
        infer_gemm_block(value, (struct infer_mat){p, KEYS, false},
                         (struct infer_mat){k, d, false}, o, d);
        for (size_t j = 0; j < d; j++)
            near((double)o[j], (1 + add) * element(p, k + j, KEYS, d), "value");
        for (size_t r = 1; r < ROWS; r++) {
            ck_assert(memcmp(p + r * KEYS, p, KEYS * sizeof *p) == 0);
            ck_assert(memcmp(o + r * d, o, d * sizeof *o) == 0);
        }
    }
    free(q), free(k), free(o);
}
END_TEST

/* ---- bf16 ---------------------------------------------------------------- */

/* What rounding both factors to 8 bits does to a sum of k products of numbers
 * that are normally distributed: it grows as a random walk does. */
static double bf16_error(size_t k)
{
    return (16 + 3 * sqrt((double)k)) * 0x1p-8;
}

/* All of got against want to within `size`; NaN is not. */
static void ck_near(const float *got, const float *want, size_t n, double size,
                    const char *what)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs((double)got[i] - (double)want[i]) <= size,
                      "%s %zu: %.9g, not %.9g within %.3g", what, i,
                      (double)got[i], (double)want[i], size);
}

START_TEST(bf16_is_near_fp32)
{
    if (no_bf16())
        return;
    size_t rows = shapes[_i].rows, out = shapes[_i].out, in = shapes[_i].in;
    struct infer_gemm g = {0}, h = {.precision = INFER_PRECISION_BF16};
    struct both w = weights(out, in);
    float *x = randoms(rows * in, 2), *dy = randoms(rows * out, 5);
    for (int add = 0; add < 2; add++) {
        float *y = randoms(rows * out, 3), *yh = randoms(rows * out, 3);
        float *dx = randoms(rows * in, 4), *dxh = randoms(rows * in, 4);
        float *dw = randoms(out * in, 6), *dwh = randoms(out * in, 6);
        struct infer_matrix gw = {.f32 = dw, .rows = out, .cols = in};
        struct infer_matrix gwh = {.f32 = dwh, .rows = out, .cols = in};
        const struct infer_matrix *wh = add ? &w.narrow : &w.wide;
        ck_ok(infer_linear(&g, y, x, &w.wide, rows, add, &err));
        ck_ok(infer_linear(&h, yh, x, wh, rows, add, &err));
        ck_near(yh, y, rows * out, bf16_error(in), "y");
        ck_ok(infer_linear_dx(&g, dx, dy, &w.wide, rows, add, &err));
        ck_ok(infer_linear_dx(&h, dxh, dy, wh, rows, add, &err));
        ck_near(dxh, dx, rows * in, bf16_error(out), "dx");
        ck_ok(infer_linear_dw(&g, &gw, dy, x, rows, &err));
        ck_ok(infer_linear_dw(&h, &gwh, dy, x, rows, &err));
        ck_near(dwh, dw, out * in, bf16_error(rows), "dw");
        free(y), free(yh), free(dx), free(dxh), free(dw), free(dwh);
    }
    infer_gemm_release(&g);
    infer_gemm_release(&h);
    free_both(&w);
    free(x), free(dy);
}
END_TEST

static struct infer_operand rounded(const float *x, size_t n, uint16_t **mem)
{
    *mem = malloc(n * sizeof **mem);
    ck_assert_ptr_nonnull(*mem);
    infer_to_bf16(*mem, x, n);
    return (struct infer_operand){.bf16 = *mem};
}

/* Three products of one x and their adjoints: together as one by one, and in
 * bf16 of operands that are rounded already as of those that are not. */
struct three {
    size_t rows, in;
    struct infer_matrix w[3], dw[3];
    float *x, *y[3], *dy[3], *dx;
};

static void three_start(struct three *t, int shape)
{
    size_t rows = t->rows = shapes[shape].rows, in = t->in = shapes[shape].in;
    t->x = randoms(rows * in, 1);
    t->dx = randoms(rows * in, 2);
    for (size_t i = 0; i < 3; i++) {
        size_t out = shapes[shape].out + i;
        t->w[i] = (struct infer_matrix){
            .f32 = randoms(out * in, 3 + i), .rows = out, .cols = in};
        t->dw[i] = (struct infer_matrix){
            .f32 = randoms(out * in, 6 + i), .rows = out, .cols = in};
        t->y[i] = randoms(rows * out, 9 + i);
        t->dy[i] = randoms(rows * out, 12 + i);
    }
}

static void three_end(struct three *t)
{
    free(t->x), free(t->dx);
    for (size_t i = 0; i < 3; i++) {
        free(t->w[i].f32), free(t->dw[i].f32);
        free(t->y[i]), free(t->dy[i]);
    }
}

static void three_alone(struct three *t, struct infer_gemm *g)
{
    for (size_t i = 0; i < 3; i++) {
        ck_ok(infer_linear(g, t->y[i], t->x, &t->w[i], t->rows, true, &err));
        ck_ok(
            infer_linear_dx(g, t->dx, t->dy[i], &t->w[i], t->rows, true, &err));
        ck_ok(infer_linear_dw(g, &t->dw[i], t->dy[i], t->x, t->rows, &err));
    }
}

static void three_together(struct three *t, struct infer_gemm *g, bool half)
{
    uint16_t *mem[4] = {0};
    struct infer_linear to[3];
    struct infer_linear_grad of[3];
    struct infer_linears_grad back = {.of = of,
                                      .n = 3,
                                      .rows = t->rows,
                                      .x = {.f32 = t->x},
                                      .dx = t->dx,
                                      .add = true};
    if (half)
        back.x = rounded(t->x, t->rows * t->in, &mem[3]);
    for (size_t i = 0; i < 3; i++) {
        to[i] = (struct infer_linear){t->y[i], &t->w[i]};
        of[i] =
            (struct infer_linear_grad){{.f32 = t->dy[i]}, &t->w[i], &t->dw[i]};
        if (half)
            of[i].dy = rounded(t->dy[i], t->rows * t->w[i].rows, &mem[i]);
    }
    ck_ok(infer_linears(g, to, 3, back.x, t->rows, true, &err));
    ck_ok(infer_linears_backward(g, &back, &err));
    for (size_t i = 0; i < 4; i++)
        free(mem[i]);
}

static void ck_same_three(const struct three *a, const struct three *b)
{
    ck_assert_mem_eq(a->dx, b->dx, a->rows * a->in * sizeof *a->dx);
    for (size_t i = 0; i < 3; i++) {
        size_t out = a->w[i].rows;
        ck_assert_mem_eq(a->y[i], b->y[i], a->rows * out * sizeof *a->y[i]);
        ck_assert_mem_eq(a->dw[i].f32, b->dw[i].f32,
                         a->in * out * sizeof *a->dw[i].f32);
    }
}

START_TEST(together_as_alone)
{
    for (int way = 0; way < 3; way++) {
        struct infer_gemm g = {.precision = way ? INFER_PRECISION_BF16
                                                : INFER_PRECISION_FP32};
        struct three a, b;
        if (way && no_bf16())
            return;
        three_start(&a, _i);
        three_start(&b, _i);
        three_alone(&a, &g);
        three_together(&b, &g, way == 2);
        ck_same_three(&a, &b);
        three_end(&a);
        three_end(&b);
        infer_gemm_release(&g);
    }
}
END_TEST

/* Operands of few bits: every product and sum is exact, in any order. */
START_TEST(bf16_is_exact_on_small_numbers)
{
    enum { R = 37, O = 70, I = 129 };
    struct infer_gemm g = {0}, h = {.precision = INFER_PRECISION_BF16};
    float x[R * I], w[O * I], want[R * O], got[R * O];
    if (no_bf16())
        return;
    for (size_t i = 0; i < R * I; i++)
        x[i] = (float)(int)(i * 7 % 31) - 15;
    for (size_t i = 0; i < O * I; i++)
        w[i] = (float)(int)(i * 5 % 17) / 4 - 2;
    const struct infer_matrix m = {.f32 = w, .rows = O, .cols = I};
    ck_ok(infer_linear(&g, want, x, &m, R, false, &err));
    ck_ok(infer_linear(&h, got, x, &m, R, false, &err));
    ck_assert_int_eq(memcmp(want, got, sizeof want), 0);
    infer_gemm_release(&g);
    infer_gemm_release(&h);
}
END_TEST

/* ---- Few rows ------------------------------------------------------------ */

START_TEST(thin_products)
{
    size_t rows = shapes[_i].rows < 20 ? shapes[_i].rows : 20;
    size_t out = shapes[_i].out, in = shapes[_i].in;
    struct infer_gemm g = {.thin = true};
    struct both w = weights(out, in);
    float *x = randoms(rows * in, 2), *y = randoms(rows * out, 3);
    float *again = randoms(rows * out, 3), *one = randoms(out, 3);
    float last = y[rows * out - 1];
    ck_ok(infer_linear(&g, y, x, &w.narrow, rows, true, &err));
    double want =
        element(x + (rows - 1) * in, w.wide.f32 + (out - 1) * in, in, 1);
    near((double)y[rows * out - 1] - (double)last, want, "added");
    ck_ok(infer_linear(&g, y, x, &w.narrow, rows, false, &err));
    ck_ok(infer_linear(&g, again, x, &w.wide, rows, false, &err));
    ck_assert(memcmp(y, again, rows * out * sizeof *y) == 0);
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < out; o++)
            near((double)y[r * out + o],
                 element(x + r * in, w.wide.f32 + o * in, in, 1), "thin");
        ck_ok(infer_linear(&g, one, x + r * in, &w.narrow, 1, false, &err));
        ck_assert(memcmp(one, y + r * out, out * sizeof *one) == 0);
    }
    infer_gemm_release(&g);
    free_both(&w);
    free(x), free(y), free(again), free(one);
}
END_TEST

START_TEST(rounding)
{
    static const struct {
        uint32_t from;
        uint16_t to;
    } cases[] = {{0, 0},
                 {0x80000000, 0x8000},
                 {0x3F800000, 0x3F80},
                 {0x3F807FFF, 0x3F80},
                 {0x3F808000, 0x3F80}, /* a tie, to even */
                 {0x3F808001, 0x3F81},
                 {0x3F818000, 0x3F82}, /* a tie, to even */
                 {0xBF818000, 0xBF82},
                 {0x00000001, 0},
                 {0x00018000, 0x0002},
                 {0x7F7FFFFF, 0x7F80}, /* too large */
                 {0x7F800000, 0x7F80},
                 {0xFF800000, 0xFF80},
                 {0x7F800001, 0x7FC0}, /* NaN stays NaN */
                 {0xFFFFFFFF, 0xFFFF}};
    enum { N = sizeof cases / sizeof *cases };
    for (size_t i = 0; i < N; i++) {
        float x[33], back[33];
        uint16_t got[33];
        for (size_t k = 0; k < 33; k++)
            memcpy(x + k, &cases[i].from, sizeof x[k]);
        infer_to_bf16(got, x, 33);
        infer_from_bf16(back, got, 33);
        for (size_t k = 0; k < 33; k++) {
            uint32_t u;
            memcpy(&u, back + k, sizeof u);
            ck_assert_msg(got[k] == cases[i].to, "%08x: %04x", cases[i].from,
                          got[k]);
            ck_assert_uint_eq(u, (uint32_t)got[k] << 16);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gemm");
    TCase *t = tcase_create("gemm");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, against_doubles, 0, SHAPES);
    tcase_add_loop_test(t, bf16_weights_give_the_same_bits, 0, SHAPES);
    tcase_add_loop_test(t, a_row_gives_the_same_bits_in_any_batch, 0,
                        2 * SHAPES);
    tcase_add_loop_test(t, a_row_gives_the_same_bits_at_any_place, 0,
                        2 * SHAPES);
    tcase_add_loop_test(t, blocks, 0, 10);
    tcase_add_loop_test(t, bf16_is_near_fp32, 0, SHAPES);
    tcase_add_loop_test(t, together_as_alone, 0, SHAPES);
    tcase_add_test(t, bf16_is_exact_on_small_numbers);
    tcase_add_loop_test(t, thin_products, 0, SHAPES);
    tcase_add_test(t, rounding);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
