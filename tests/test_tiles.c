/* The tile unit's code on any machine: this suite compiles it with the unit's
 * operations in plain C, and links it in the library's place. So everything
 * below computes in bf16 on (emulated) tiles. */
#define PREFKIT_TILES_EMULATED
#include "infer/forest/attention_tiles.c"
#include "infer/math/gemm_tiles.c"
#include "infer/math/tile_product.c"
#include "infer/math/tiles_here.c"

#include <math.h>
#include <stdio.h>

#include "common/mem.h"
#include "common/rng.h"
#include "infer/forest/tape.h"
#include "infer/math/tile_weights.h"
#include "tests/support.h"

static struct pk_err err;

/* n numbers that bf16 holds. */
static float *randoms(size_t n, uint64_t stream)
{
    struct pk_rng r;
    float *x = pk_calloc_aligned(n, sizeof *x);
    ck_assert_ptr_nonnull(x);
    pk_rng_seed(&r, 7, stream);
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        x[i] = (float)pk_rng_normal(&r);
        infer_to_bf16(&h, x + i, 1);
        infer_from_bf16(x + i, &h, 1);
    }
    return x;
}

static struct infer_operand f32(const float *x)
{
    return (struct infer_operand){.f32 = x};
}

/* A matrix of strides, to sum over its columns or its rows. */
struct view {
    const float *p;
    size_t row, term;
};

/* All of c (m, n) against c0 + a b^T, terms first to last, in double. */
static void ck_product(const float *c, const float *c0, struct view a,
                       struct view b, size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double want = c0 ? (double)c0[i * n + j] : 0, size = 1;
            for (size_t t = 0; t < k; t++) {
                double x = (double)a.p[i * a.row + t * a.term] *
                           (double)b.p[j * b.row + t * b.term];
                want += x;
                size += fabs(x);
            }
            ck_assert_msg(fabs((double)c[i * n + j] - want) <= 1e-6 * size,
                          "(%zu, %zu): %.9g, not %.9g", i, j,
                          (double)c[i * n + j], want);
        }
}

/* rows, out, in: odd ones, whole tiles, more than a piece of rows or terms. */
static const size_t shapes[][3] = {
    {1, 1, 1},     {3, 5, 7},      {2, 513, 33},  {64, 96, 128},
    {515, 40, 72}, {600, 70, 9},   {17, 96, 257}, {32, 64, 1100},
    {70, 33, 800}, {33, 300, 544}, {1030, 36, 65}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

START_TEST(against_doubles)
{
    size_t R = shapes[_i][0], O = shapes[_i][1], I = shapes[_i][2];
    struct infer_gemm g = {0};
    float *x = randoms(R * I, 1), *w = randoms(O * I, 2);
    float *dy = randoms(R * O, 3);
    uint16_t *h = pk_calloc(O * I, sizeof *h);
    ck_assert_ptr_nonnull(h);
    infer_to_bf16(h, w, O * I);
    for (int add = 0; add < 2; add++) {
        const struct infer_matrix m = {.f32 = add ? NULL : w,
                                       .bf16 = add ? h : NULL,
                                       .rows = O,
                                       .cols = I};
        float *y = randoms(R * O, 4), *dx = randoms(R * I, 5);
        float *dw = randoms(O * I, 6), *y0 = randoms(R * O, 4);
        float *dx0 = randoms(R * I, 5), *dw0 = randoms(O * I, 6);
        const struct infer_matrix grad = {.f32 = dw, .rows = O, .cols = I};
        const struct infer_linear to = {y, &m};
        ck_ok(infer_tiles_linears(&g, &to, 1, f32(x), R, add, &err));
        ck_ok(infer_tiles_dx(&g, dx, f32(dy), &m, R, add, &err));
        ck_ok(infer_tiles_dw(&g, &grad, f32(dy), f32(x), R, &err));
        ck_product(y, add ? y0 : NULL, (struct view){x, I, 1},
                   (struct view){w, I, 1}, R, O, I);
        ck_product(dx, add ? dx0 : NULL, (struct view){dy, O, 1},
                   (struct view){w, 1, I}, R, I, O);
        ck_product(dw, dw0, (struct view){dy, 1, O}, (struct view){x, 1, I}, O,
                   I, R);
        free(y), free(dx), free(dw), free(y0), free(dx0), free(dw0);
    }
    infer_gemm_release(&g);
    free(x), free(w), free(dy), free(h);
}
END_TEST

START_TEST(together_as_apart)
{
    enum { R = 600, I = 200 };
    static const size_t out[] = {100, 7, 300};
    struct infer_gemm g = {0};
    struct infer_matrix m[3];
    struct infer_linear to[3];
    float *x = randoms(R * I, 1), *one = randoms(R * 300, 2);
    for (size_t i = 0; i < 3; i++) {
        m[i] = (struct infer_matrix){
            .f32 = randoms(out[i] * I, 3 + i), .rows = out[i], .cols = I};
        to[i] = (struct infer_linear){randoms(R * out[i], 9), &m[i]};
    }
    ck_ok(infer_tiles_linears(&g, to, 3, f32(x), R, false, &err));
    for (size_t i = 0; i < 3; i++) {
        const struct infer_linear alone = {one, &m[i]};
        ck_ok(infer_tiles_linears(&g, &alone, 1, f32(x), R, false, &err));
        ck_assert(memcmp(one, to[i].y, R * out[i] * sizeof *one) == 0);
        free(m[i].f32), free(to[i].y);
    }
    infer_gemm_release(&g);
    free(x), free(one);
}
END_TEST

START_TEST(a_row_gives_the_same_bits_in_any_batch)
{
    size_t R = shapes[_i][0], O = shapes[_i][1], I = shapes[_i][2];
    struct infer_gemm g = {0};
    float *x = randoms(R * I, 1), *w = randoms(O * I, 2);
    float *all = randoms(R * O, 3), *one = randoms(O, 3);
    const struct infer_matrix m = {.f32 = w, .rows = O, .cols = I};
    const struct infer_linear many = {all, &m}, alone = {one, &m};
    ck_ok(infer_tiles_linears(&g, &many, 1, f32(x), R, false, &err));
    for (size_t r = 0; r < R; r += 1 + R / 5) {
        ck_ok(
            infer_tiles_linears(&g, &alone, 1, f32(x + r * I), 1, false, &err));
        ck_assert(memcmp(one, all + r * O, O * sizeof *one) == 0);
    }
    infer_gemm_release(&g);
    free(x), free(w), free(all), free(one);
}
END_TEST

START_TEST(packed_weights_give_the_same_bits)
{
    size_t R = shapes[_i][0], O = shapes[_i][1], I = shapes[_i][2];
    struct infer_gemm g = {0};
    struct infer_matrix m = {.f32 = randoms(O * I, 2), .rows = O, .cols = I};
    float *x = randoms(R * I, 1);
    for (int add = 0; add < 2; add++) {
        float *plain = randoms(R * O, 3), *packed = randoms(R * O, 3);
        struct infer_linear to = {plain, &m};
        m.tiles = NULL;
        ck_ok(infer_tiles_linears(&g, &to, 1, f32(x), R, add, &err));
        uint16_t *t = pk_alloc_aligned(infer_tiles_weights(&m), sizeof *t);
        ck_assert_ptr_nonnull(t);
        infer_tiles_pack(t, &m);
        m.tiles = t;
        to.y = packed;
        ck_ok(infer_tiles_linears(&g, &to, 1, f32(x), R, add, &err));
        ck_assert(memcmp(plain, packed, R * O * sizeof *plain) == 0);
        free(t), free(plain), free(packed);
    }
    infer_gemm_release(&g);
    free(m.f32), free(x);
}
END_TEST

static struct infer_operand bf16(const float *x, size_t n)
{
    uint16_t *h = pk_alloc_aligned(n, sizeof *h);
    ck_assert_ptr_nonnull(h);
    infer_to_bf16(h, x, n);
    return (struct infer_operand){.bf16 = h};
}

START_TEST(rounded_operands_give_the_same_bits)
{
    size_t R = shapes[_i][0], O = shapes[_i][1], I = shapes[_i][2];
    struct infer_gemm g = {0};
    struct infer_matrix m = {.f32 = randoms(O * I, 1), .rows = O, .cols = I};
    float *x = randoms(R * I, 2), *dy = randoms(R * O, 3);
    float *y[2], *dx[2], *act[2];
    struct infer_matrix dw[2];
    const struct infer_operand xs[] = {f32(x), bf16(x, R * I)},
                               dys[] = {f32(dy), bf16(dy, R * O)};
    for (int i = 0; i < 2; i++) {
        dw[i] = (struct infer_matrix){
            .f32 = randoms(O * I, 4), .rows = O, .cols = I};
        y[i] = randoms(R * O, 5), dx[i] = randoms(R * I, 6);
        act[i] = randoms(R * O, 7);
        const struct infer_linear to = {y[i], &m};
        ck_ok(infer_tiles_linears(&g, &to, 1, xs[i], R, false, &err));
        ck_ok(infer_tiles_gated(&g, act[i], &m, &m, xs[i], R, &err));
        ck_ok(infer_tiles_dx(&g, dx[i], dys[i], &m, R, true, &err));
        ck_ok(infer_tiles_dw(&g, &dw[i], dys[i], xs[i], R, &err));
    }
    ck_assert_mem_eq(y[0], y[1], R * O * sizeof **y);
    ck_assert_mem_eq(act[0], act[1], R * O * sizeof **act);
    ck_assert_mem_eq(dx[0], dx[1], R * I * sizeof **dx);
    ck_assert_mem_eq(dw[0].f32, dw[1].f32, O * I * sizeof *dw->f32);
    for (int i = 0; i < 2; i++)
        free(y[i]), free(dx[i]), free(act[i]), free(dw[i].f32);
    infer_gemm_release(&g);
    free((void *)xs[1].bf16), free((void *)dys[1].bf16);
    free(m.f32), free(x), free(dy);
}
END_TEST

/* The two products and SwiGLU, or all in one: the same bits. */
START_TEST(gated_as_apart)
{
    size_t R = shapes[_i][0], O = shapes[_i][1], I = shapes[_i][2];
    struct infer_gemm g = {0};
    struct infer_matrix gate = {.f32 = randoms(O * I, 1), .rows = O, .cols = I};
    struct infer_matrix up = {.f32 = randoms(O * I, 2), .rows = O, .cols = I};
    float *x = randoms(R * I, 3), *act = randoms(R * O, 4);
    float *a = randoms(R * O, 5), *b = randoms(R * O, 6);
    const struct infer_linear to[] = {{a, &gate}, {b, &up}};
    uint16_t *t = pk_alloc_aligned(2 * infer_tiles_weights(&gate), sizeof *t);
    ck_assert_ptr_nonnull(t);
    ck_ok(infer_tiles_linears(&g, to, 2, f32(x), R, false, &err));
    infer_swiglu((struct infer_values){.f32 = a}, a, b, R * O);
    for (int packed = 0; packed < 2; packed++) {
        memset(act, 0xFF, R * O * sizeof *act);
        ck_ok(infer_tiles_gated(&g, act, &gate, &up, f32(x), R, &err));
        ck_assert(memcmp(act, a, R * O * sizeof *act) == 0);
        gate.tiles = t;
        up.tiles = t + infer_tiles_weights(&gate);
        infer_tiles_pack(t, &gate);
        infer_tiles_pack(t + infer_tiles_weights(&gate), &up);
    }
    infer_gemm_release(&g);
    free(gate.f32), free(up.f32), free(x), free(act), free(a), free(b), free(t);
}
END_TEST

/* One path of N keys, a block of queries, and all products in double. */
START_TEST(attention)
{
    enum { N = 192, D = 96, Q = INFER_TILES_QUERIES };
    float *k = randoms(N * D, 1), *v = randoms(N * D, 2),
          *q = randoms(Q * D, 3);
    float *p = randoms(Q * N, 4), *o = randoms(Q * D, 5);
    float *mem =
        pk_calloc_aligned(infer_tiles_path_floats(N, D, false), sizeof *mem);
    ck_assert_ptr_nonnull(mem);
    struct infer_tiles_path t = infer_tiles_path_at(mem, N, D, false);
    infer_tiles_path_pack(&t, k, v, N);
    for (size_t keys = 64; keys <= N; keys += 64) {
        infer_tiles_scores(&t, p, q, keys);
        ck_product(p, NULL, (struct view){q, D, 1}, (struct view){k, D, 1}, Q,
                   keys, D);
        float *half = randoms(Q * keys, 6);
        infer_tiles_values(&t, o, half, keys);
        ck_product(o, NULL, (struct view){half, keys, 1},
                   (struct view){v, 1, D}, Q, D, keys);
        free(half);
    }
    free(k), free(v), free(q), free(p), free(o), free(mem);
}
END_TEST

/* The same of the adjoint's products; values and keys have other paths. */
START_TEST(attention_backward)
{
    enum { N = 192, D = 96, Q = INFER_TILES_QUERIES };
    float *k = randoms(N * D, 1), *v = randoms(N * D, 2),
          *dout = randoms(Q * D, 3);
    float *dp = randoms(Q * N, 4), *dq = randoms(Q * D, 5);
    float *mem =
        pk_calloc_aligned(infer_tiles_path_floats(N, D, true), sizeof *mem);
    ck_assert_ptr_nonnull(mem);
    struct infer_tiles_path t = infer_tiles_path_at(mem, N, D, true);
    infer_tiles_path_pack_backward(&t, k, v, N);
    for (size_t keys = 64; keys <= N; keys += 64) {
        float *p = randoms(Q * keys, 6), *dv = randoms(N * D, 7),
              *before = randoms(N * D, 7);
        infer_tiles_dvalues(&t, dp, dout, keys);
        ck_product(dp, NULL, (struct view){dout, D, 1}, (struct view){v, D, 1},
                   Q, keys, D);
        infer_tiles_values(&t, dq, p, keys);
        ck_product(dq, NULL, (struct view){p, keys, 1}, (struct view){k, 1, D},
                   Q, D, keys);
        infer_tiles_add(&t, dv, p, dout, keys);
        ck_product(dv, before, (struct view){p, 1, keys},
                   (struct view){dout, 1, D}, keys, D, Q);
        ck_assert(memcmp(dv + keys * D, before + keys * D,
                         (N - keys) * D * sizeof *dv) == 0);
        free(p), free(dv), free(before);
    }
    free(k), free(v), free(dout), free(dp), free(dq), free(mem);
}
END_TEST

/* ---- The whole core ------------------------------------------------------ */

enum { PATHS = 6, PREFIX = 40, PATH = 75 };

static const struct infer_config config = {.dim = 64,
                                           .layers = 3,
                                           .heads = 4,
                                           .kv_heads = 2,
                                           .head_dim = 32,
                                           .hidden = 100,
                                           .vocab = 50,
                                           .max_positions = 128,
                                           .norm_eps = 1e-5,
                                           .rope_theta = 10000,
                                           .bos = -1,
                                           .eos = -1,
                                           .pad = -1,
                                           .head = INFER_HEAD_SCORE};

/* Paths that share their first tokens; some are cut short. */
static size_t path(int32_t *id, size_t i)
{
    struct pk_rng rng;
    pk_rng_seed(&rng, 11, 0);
    for (size_t k = 0; k < PATH; k++) {
        if (k == PREFIX)
            pk_rng_seed(&rng, 11, 1 + i);
        id[k] = (int32_t)pk_rng_below(&rng, config.vocab);
    }
    return PATH - 3 * i;
}

/* Paths from..end. */
static struct infer_forest *forest(size_t from, size_t end)
{
    struct infer_forest *f;
    ck_ok(infer_forest_new(&f, &err));
    for (size_t i = from; i < end; i++) {
        int32_t id[PATH];
        size_t read, n = path(id, i);
        ck_ok(infer_forest_add(f, id, n, n - 1, &read, &err));
        ck_assert_uint_eq(read, i - from);
    }
    return f;
}

static void forward(const struct infer_weights *w, size_t from, size_t end,
                    float *hidden)
{
    struct infer_forest *f = forest(from, end);
    ck_ok(infer_forward(&config, w, f, NULL, hidden, &err));
    infer_forest_free(f);
}

/* got is want to bf16's rounding, and is not want itself. */
static void ck_near(const float *got, const float *want, size_t n, double most,
                    const char *what)
{
    double far = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)got[i] - (double)want[i];
        far += d * d;
        size += (double)want[i] * (double)want[i];
    }
    ck_assert_msg(far > 0 && sqrt(far / size) < most, "%s: %g of %g", what,
                  sqrt(far), sqrt(size));
}

/* A model whose numbers are those of a trained one's size. */
static struct infer_params *model(void)
{
    struct infer_params *p;
    struct pk_rng rng;
    ck_ok(infer_params_new(&p, &config, &err));
    pk_rng_seed(&rng, 3, 1);
    for (size_t i = 0; i < infer_tensor_count(&config); i++) {
        struct infer_tensor t;
        infer_tensor_at(&config, i, &t);
        for (size_t k = 0; k < t.rows * t.cols; k++) {
            double x = pk_rng_normal(&rng), s = 1 / sqrt((double)t.cols);
            p->slab[t.offset + k] = (float)(t.decay ? s * x : 1 + 0.2 * x);
        }
    }
    return p;
}

START_TEST(scores_on_tiles)
{
    struct infer_params *p = model();
    float want[PATHS * 64], got[PATHS * 64], one[64];
    struct infer_weights w = p->w;
    ck_assert_ptr_null(infer_bf16_missing());
    w.precision = INFER_PRECISION_FP32;
    forward(&w, 0, PATHS, want);
    w.precision = INFER_PRECISION_BF16;
    forward(&w, 0, PATHS, got);
    ck_near(got, want, PATHS * config.dim, 0.02, "hidden");
    uint16_t *packed;
    ck_assert_uint_ge(infer_tile_weights_bytes(&config, &w),
                      2 * config.layers * 3 * config.hidden * config.dim);
    ck_ok(infer_tile_weights_new(&packed, &config, &w, &err));
    ck_assert_ptr_nonnull(w.layer[2].down.tiles);
    forward(&w, 0, PATHS, want);
    ck_assert(memcmp(want, got, sizeof got) == 0);
    for (size_t i = 0; i < PATHS; i++) { /* alone: the same bits */
        forward(&w, i, i + 1, one);
        ck_assert(memcmp(one, got + i * config.dim, config.dim * sizeof *one) ==
                  0);
    }
    free(packed);
    infer_params_free(p);
}
END_TEST

/* The gradient of random sums of what is read, in one precision. */
static void gradient(struct infer_params *p, enum infer_precision precision,
                     bool recompute, struct infer_params *g)
{
    struct infer_forest *f = forest(0, PATHS);
    struct infer_tape *tape;
    float *hidden = randoms(PATHS * config.dim, 1),
          *dhidden = randoms(PATHS * config.dim, 2);
    ck_ok(infer_tape_new(&tape, recompute ? INFER_KEEP_INPUTS : INFER_KEEP_ALL,
                         &err));
    p->w.precision = precision;
    ck_ok(infer_forward(&config, &p->w, f, tape, hidden, &err));
    ck_ok(infer_backward(&config, &p->w, f, tape, dhidden, &g->w, &err));
    infer_tape_free(tape);
    infer_forest_free(f);
    free(hidden), free(dhidden);
}

START_TEST(gradients_on_tiles)
{
    struct infer_params *p = model(), *want, *got, *again;
    ck_ok(infer_params_new(&want, &config, &err));
    ck_ok(infer_params_new(&got, &config, &err));
    ck_ok(infer_params_new(&again, &config, &err));
    gradient(p, INFER_PRECISION_FP32, false, want);
    gradient(p, INFER_PRECISION_BF16, false, got);
    gradient(p, INFER_PRECISION_BF16, true, again);
    for (size_t i = 0; i < infer_tensor_count(&config); i++) {
        struct infer_tensor t;
        infer_tensor_at(&config, i, &t);
        if (strcmp(t.name, "score.weight") == 0) /* no part of the trunk */
            continue;
        ck_near(got->slab + t.offset, want->slab + t.offset, t.rows * t.cols,
                0.03, t.name);
    }
    ck_assert(memcmp(got->slab, again->slab, got->n * sizeof *got->slab) == 0);
    infer_params_free(p), infer_params_free(want);
    infer_params_free(got), infer_params_free(again);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tiles");
    TCase *t = tcase_create("tiles");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, against_doubles, 0, SHAPES);
    tcase_add_loop_test(t, packed_weights_give_the_same_bits, 0, SHAPES);
    tcase_add_loop_test(t, rounded_operands_give_the_same_bits, 0, SHAPES);
    tcase_add_test(t, together_as_apart);
    tcase_add_loop_test(t, a_row_gives_the_same_bits_in_any_batch, 0, SHAPES);
    tcase_add_test(t, attention);
    tcase_add_loop_test(t, gated_as_apart, 0, SHAPES);
    tcase_add_test(t, attention_backward);
    tcase_add_test(t, scores_on_tiles);
    tcase_add_test(t, gradients_on_tiles);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
