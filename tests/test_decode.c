/* Decoding against the plain forward pass, and llama2.c's files. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "infer/files/llama2c.h"
#include "infer/files/shape.h"
#include "infer/generate/decode.h"
#include "infer/generate/generate.h"
#include "infer/math/thin.h"
#include "tests/support.h"

static struct pk_err err;

static struct infer_config small(void)
{
    struct infer_config c;
    ck_ok(infer_shape_parse(
        &c, "dim=48,layers=3,heads=6,kv_heads=2,hidden=64,positions=96", &err));
    c.vocab = 70;
    return c;
}

/* Weights large enough for attention to matter. */
static struct infer_params *weights(const struct infer_config *c)
{
    struct infer_params *p;
    ck_ok(infer_params_new(&p, c, &err));
    infer_params_init(p, c, 5);
    for (size_t i = 0; i < p->n; i++)
        p->slab[i] *= 3;
    return p;
}

static void path_of(int32_t *ids, size_t n, uint64_t seed)
{
    struct pk_rng r;
    pk_rng_seed(&r, seed, 0);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)pk_rng_below(&r, 70);
}

/* Hidden states of a path's every position, by the plain forward pass. */
static float *plain(const struct infer_config *c, const struct infer_params *p,
                    const int32_t *ids, size_t n)
{
    size_t readout[96];
    float *out = calloc(n * c->dim, sizeof *out);
    float *hidden = calloc(n * c->dim, sizeof *hidden);
    struct infer_forest *f;
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_forest_add(f, ids, n, 0, readout, &err));
    ck_ok(infer_forward(c, &p->w, f, NULL, hidden, &err));
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * c->dim, hidden + readout[i] * c->dim,
               c->dim * sizeof *out);
    infer_forest_free(f);
    free(hidden);
    return out;
}

/* A prompt in one piece, in several, and on a chain of spans: the same bits,
 * those of the forward pass. */
START_TEST(reading_is_the_forward_pass)
{
    struct infer_config c = small();
    struct infer_params *p = weights(&c);
    int32_t ids[96];
    path_of(ids, 96, 1);
    float *want = plain(&c, p, ids, 96), got[48];
    struct infer_kv *kv;
    struct infer_span *a, *b, *d;
    ck_ok(infer_kv_new(&kv, &c, &p->w, 400, 1, &err));
    ck_ok(infer_kv_take(kv, NULL, 0, 96, &a, &err));
    for (size_t n = 0, step = 1; n < 96; n += step, step = 1 + n % 40) {
        step = step < 96 - n ? step : 96 - n;
        ck_ok(infer_kv_read(kv, a, ids + n, step, got, &err));
        ck_assert_mem_eq(got, want + (n + step - 1) * c.dim, sizeof got);
    }
    ck_assert_int_eq(infer_kv_read(kv, a, ids, 1, got, &err), PK_EDATA);
    ck_ok(infer_kv_take(kv, a, 41, 30, &b, &err));
    ck_ok(infer_kv_read(kv, b, ids + 41, 20, got, &err));
    ck_assert_mem_eq(got, want + 60 * c.dim, sizeof got);
    ck_ok(infer_kv_take(kv, b, 50, 46, &d, &err));
    infer_kv_drop(kv, a); /* b holds it, and d holds b */
    infer_kv_drop(kv, b);
    ck_ok(infer_kv_read(kv, d, ids + 50, 46, got, &err));
    ck_assert_mem_eq(got, want + 95 * c.dim, sizeof got);
    const int32_t foreign = 70;
    ck_assert_int_eq(infer_kv_read(kv, d, &foreign, 1, got, &err), PK_EDATA);
    infer_kv_free(kv);
    infer_params_free(p);
    free(want);
}
END_TEST

/* Many sequences a token at a time: close to the forward pass, and the bits of
 * each one alone, whatever stands beside it, however its path is cut, and with
 * one thread or two. */
START_TEST(steps_do_not_depend_on_the_batch)
{
    enum { SEQS = 7, PROMPT = 9, MORE = 50 };
    struct infer_config c = small();
    struct infer_params *p = weights(&c);
    int32_t ids[SEQS][PROMPT + MORE];
    float *alone[SEQS], got[SEQS * 48];
    struct infer_kv *kv;
    ck_ok(infer_kv_new(&kv, &c, &p->w, 800, SEQS, &err));
    for (int i = 0; i < SEQS; i++) {
        struct infer_span *s;
        path_of(ids[i], PROMPT + MORE, (uint64_t)i);
        memcpy(ids[i], ids[0], PROMPT * sizeof **ids);
        float *want = plain(&c, p, ids[i], PROMPT + MORE);
        alone[i] = calloc(MORE * c.dim, sizeof **alone);
        ck_ok(infer_kv_take(kv, NULL, 0, PROMPT + MORE, &s, &err));
        ck_ok(infer_kv_read(kv, s, ids[i], PROMPT, got, &err));
        for (size_t n = 0; n < MORE; n++) {
            float *to = alone[i] + n * c.dim;
            ck_ok(infer_kv_step(kv, &s, &ids[i][PROMPT + n], 1, to, &err));
            ck_close(to, want + (PROMPT + n) * c.dim, c.dim, 1e-3, 1e-4, "x");
        }
        infer_kv_drop(kv, s);
        free(want);
    }
    for (int threads = 1; threads <= 2; threads++) {
        struct infer_span *prompt, *s[SEQS];
        omp_set_num_threads(threads);
        ck_ok(infer_kv_take(kv, NULL, 0, PROMPT, &prompt, &err));
        ck_ok(infer_kv_read(kv, prompt, ids[0], PROMPT, got, &err));
        for (size_t i = 0; i < SEQS; i++)
            ck_ok(infer_kv_take(kv, prompt, PROMPT, MORE, &s[i], &err));
        /* One more joins in each step, and one leaves after MORE. */
        for (size_t t = 0; t < MORE + SEQS - 1; t++) {
            struct infer_span *now[SEQS];
            int32_t id[SEQS];
            size_t n = 0, who[SEQS];
            for (size_t i = 0; i < SEQS; i++)
                if (t >= i && t - i < MORE) {
                    who[n] = i;
                    id[n] = ids[i][PROMPT + t - i];
                    now[n++] = s[i];
                }
            ck_ok(infer_kv_step(kv, now, id, n, got, &err));
            for (size_t k = 0; k < n; k++)
                ck_assert_mem_eq(got + k * c.dim,
                                 alone[who[k]] + (t - who[k]) * c.dim,
                                 c.dim * sizeof *got);
        }
        for (size_t i = 0; i < SEQS; i++)
            infer_kv_drop(kv, s[i]);
        infer_kv_drop(kv, prompt);
    }
    for (int i = 0; i < SEQS; i++)
        free(alone[i]);
    infer_kv_free(kv);
    infer_params_free(p);
}
END_TEST

/* f32 and bf16 weights against sums in double, odd sizes; and a row alone has
 * the bits that it has among others. */
START_TEST(products_with_few_rows)
{
    struct pk_rng r;
    pk_rng_seed(&r, 2, 2);
    for (int round = 0; round < 200; round++) {
        size_t n = 1 + pk_rng_below(&r, 9), in = 1 + pk_rng_below(&r, 90),
               out = 1 + pk_rng_below(&r, 70);
        bool half = round % 2, add = round % 3 == 0;
        float *x = calloc(n * in, sizeof *x), *f = calloc(out * in, sizeof *f);
        float *y = calloc(n * out, sizeof *y), *one = calloc(out, sizeof *one);
        uint16_t *h = calloc(out * in, sizeof *h);
        for (size_t i = 0; i < n * in; i++)
            x[i] = (float)pk_rng_normal(&r);
        for (size_t i = 0; i < out * in; i++) {
            uint32_t bits;
            f[i] = (float)pk_rng_normal(&r);
            memcpy(&bits, &f[i], sizeof bits);
            bits &= half ? 0xFFFF0000u : 0xFFFFFFFFu;
            memcpy(&f[i], &bits, sizeof bits);
            h[i] = (uint16_t)(bits >> 16);
        }
        const struct infer_matrix w = {.f32 = half ? NULL : f,
                                       .bf16 = half ? h : NULL,
                                       .rows = out,
                                       .cols = in};
        for (size_t i = 0; i < n * out; i++)
            y[i] = 1;
        infer_thin_linear(y, x, &w, n, add);
        for (size_t i = 0; i < n; i++) {
            for (size_t o = 0; o < out; o++) {
                double want = add;
                for (size_t k = 0; k < in; k++)
                    want += (double)x[i * in + k] * (double)f[o * in + k];
                ck_assert_double_eq_tol((double)y[i * out + o], want, 2e-5);
                one[o] = 1;
            }
            infer_thin_linear(one, x + i * in, &w, 1, add);
            ck_assert_mem_eq(one, y + i * out, out * sizeof *one);
        }
        free(x);
        free(f);
        free(y);
        free(h);
        free(one);
    }
}
END_TEST

START_TEST(shapes_are_checked)
{
    struct infer_config c;
    ck_ok(infer_shape_parse(&c, "15M,positions=512", &err));
    ck_assert_uint_eq(c.dim, 288);
    ck_assert_uint_eq(c.max_positions, 512);
    ck_assert_uint_eq(c.head_dim, 48);
    const char *bad[] = {"",
                         "dim=64",
                         "16M",
                         "dim=64,layers=2,heads=5,hidden=9",
                         "dim=64,layers=2,heads=4,kv_heads=3,hidden=9",
                         "dim=64,layers=0,heads=4,hidden=9",
                         "dim=64,layers=2,heads=4,hidden=9x",
                         "dim=64,layers=2,heads=4,hidden=9,color=3",
                         "dim=12,layers=2,heads=4,hidden=9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(infer_shape_parse(&c, bad[i], &err) == PK_EUSAGE,
                      "'%s' was taken", bad[i]);
}
END_TEST

/* What llama2.c's own run prints for stories260K at temperature 0. */
static const char lily[] =
    "Once upon a time, there was a little girl named Lily. She loved to play "
    "outside in the park. One day, she saw a big, red ball. She wanted to play "
    "with it, but it was too high.\nLily's mom said, \"Lily, let's go to the "
    "park.\" Lily was sad and didn't know what to do. She said, \"I want to "
    "play with your ball, but I can't find it.\"\nLily was sad and didn't know "
    "what to do. She said, \"I'm sorry, Lily. I didn't know what to do.\"\n"
    "Lily didn't want to help her mom, so she";

static char *data_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/weights-stories260K/%s", data_dir(), name);
    return strdup(path);
}

START_TEST(stories260K_tells_of_Lily)
{
    if (!data_dir()) {
        puts("skipped: stories260K (no data directory)");
        return;
    }
    char *bin = data_file("stories260K.bin"), *tok = data_file("tok512.bin");
    struct infer_config c;
    struct infer_params *p;
    ck_ok(infer_llama2c_load(bin, &c, &p, &err));
    ck_assert(infer_llama2c_is_tokenizer(tok));
    char *sp = temp_path("tokenizer.model");
    ck_ok(infer_llama2c_write_tokenizer(tok, sp, &err));
    ck_assert(!infer_llama2c_is_tokenizer(sp));
    ck_ok(infer_model_save(temp_dir(), &c, &p->w, INFER_F32, sp, &err));

    struct infer_model *m;
    struct infer_tokenizer *t;
    struct infer_generator *g;
    ck_ok(infer_model_open(&m, temp_dir(), &err));
    ck_ok(infer_tokenizer_open(&t, temp_dir(), &err));
    ck_ok(infer_generator_new(&g, m, t, &err));
    struct infer_ids prompt = {0};
    const struct infer_request greedy = {.sampling = {0, 1, 0, 1},
                                         .max_tokens = 200};
    struct infer_response r;
    ck_ok(infer_ids_add(&prompt, infer_tokenizer_bos(t), &err));
    ck_ok(infer_generate_ids(g, &prompt, true, &greedy, &r, &err));
    ck_assert_str_eq(r.text, lily);
    ck_assert_uint_eq(r.tokens, 200);
    ck_assert_int_eq(r.finish, INFER_FINISH_LENGTH);
    free(r.text);
    infer_ids_release(&prompt);
    infer_generator_free(g);
    infer_tokenizer_close(t);
    infer_model_close(m);
    infer_params_free(p);
    free(bin);
    free(tok);
}
END_TEST

START_TEST(damaged_llama2c_files)
{
    struct infer_config c;
    struct infer_params *p;
    char *path = temp_path("bad.bin");
    const int32_t shape[7] = {64, 172, 5, 8, 4, 512, 512};
    const int32_t odd[7] = {64, 172, 5, 7, 4, 512, 512};
    const int32_t negative[7] = {64, -172, 5, 8, 4, 512, 512};
    const struct {
        const void *p;
        size_t n;
    } file[] = {{"", 0},   {shape, 20},    {shape, 28},
                {odd, 28}, {negative, 28}, {"not a model at all....", 22}};
    for (size_t i = 0; i < sizeof file / sizeof file[0]; i++) {
        write_file(path, file[i].p, file[i].n);
        ck_assert_int_eq(infer_llama2c_load(path, &c, &p, &err), PK_EDATA);
        ck_assert_ptr_null(p);
        ck_assert_int_eq(infer_llama2c_write_tokenizer(path, "/dev/null", &err),
                         PK_EDATA);
    }
    ck_assert_int_eq(infer_llama2c_load("/nonexistent", &c, &p, &err), PK_EIO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decode");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, reading_is_the_forward_pass);
    tcase_add_test(t, steps_do_not_depend_on_the_batch);
    tcase_add_test(t, products_with_few_rows);
    tcase_add_test(t, shapes_are_checked);
    tcase_add_test(t, stories260K_tells_of_Lily);
    tcase_add_test(t, damaged_llama2c_files);
    suite_add_tcase(s, t);
    return run_suite(s);
}
