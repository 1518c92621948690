/* Decoding against the plain forward pass, and llama2.c's files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "infer/generate.h"
#include "infer/llama2c.h"
#include "infer/shape.h"
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

START_TEST(decoding_is_the_forward_pass)
{
    struct infer_config c = small();
    struct infer_params *p = weights(&c);
    int32_t ids[96];
    path_of(ids, 96, 1);
    size_t readout[96];
    float *want = calloc(96 * c.dim, sizeof *want), got[48];
    struct infer_forest *f;
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_forest_add(f, ids, 96, 0, readout, &err));
    ck_ok(infer_forward(&c, &p->w, f, NULL, want, &err));
    struct infer_decoder *d;
    ck_ok(infer_decoder_new(&d, &c, &p->w, 96, &err));
    /* 40 at once, one by one to 60, back to 17, 5 at a time to the end. */
    size_t step[] = {40, 1, 5}, until[] = {40, 60, 92};
    for (int phase = 0; phase < 3; phase++) {
        if (phase == 2)
            infer_decoder_rewind(d, 17);
        for (size_t n = infer_decoder_len(d); n < until[phase];) {
            ck_ok(infer_decoder_feed(d, ids + n, step[phase], got, &err));
            n += step[phase];
            ck_close(got, want + readout[n - 1] * c.dim, c.dim, 2e-5, 2e-5,
                     "hidden");
        }
    }
    ck_assert_int_eq(infer_decoder_feed(d, ids, 5, got, &err), PK_EDATA);
    ck_assert_uint_eq(infer_decoder_len(d), 92);
    infer_decoder_free(d);
    infer_forest_free(f);
    infer_params_free(p);
    free(want);
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
    tcase_add_test(t, decoding_is_the_forward_pass);
    tcase_add_test(t, shapes_are_checked);
    tcase_add_test(t, stories260K_tells_of_Lily);
    tcase_add_test(t, damaged_llama2c_files);
    suite_add_tcase(s, t);
    return run_suite(s);
}
