/* Adapters against the model they are merged into: what comes out, gradients,
 * dropout, and PEFT's files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/rng.h"
#include "infer/generate/decode.h"
#include "infer/infer.h"
#include "tests/support.h"

#define TOKENIZER "tests/fixtures/plain.model"

static struct pk_err err;

static struct infer_config shape(enum infer_head head)
{
    return (struct infer_config){.dim = 24,
                                 .layers = 3,
                                 .heads = 3,
                                 .kv_heads = 1,
                                 .head_dim = 8,
                                 .hidden = 30,
                                 .vocab = 64,
                                 .max_positions = 64,
                                 .norm_eps = 1e-5,
                                 .rope_theta = 10000,
                                 .bos = 1,
                                 .eos = 2,
                                 .pad = 0,
                                 .head = head};
}

static struct infer_params *random_params(const struct infer_config *c)
{
    struct infer_params *p;
    ck_ok(infer_params_new(&p, c, &err));
    infer_params_init(p, c, 5);
    for (size_t i = 0; i < p->n_tensors; i++)
        for (size_t k = 0; k < p->tensor[i].rows * p->tensor[i].cols; k++)
            if (p->tensor[i].decay)
                p->slab[p->tensor[i].offset + k] *= 8;
    return p;
}

/* Adapters whose B is not zero. */
static struct infer_params *random_adapters(const struct infer_config *c,
                                            const struct infer_params *base,
                                            const struct infer_lora *l)
{
    struct infer_params *p;
    struct pk_rng r;
    ck_ok(infer_params_lora(&p, c, &base->w, c, l, 3, &err));
    ck_assert_uint_eq(p->tensor[p->n_tensors - 1].offset +
                          p->tensor[p->n_tensors - 1].cols,
                      p->n - (16 - c->dim % 16) % 16);
    pk_rng_seed(&r, 7, 0);
    for (size_t k = 0; k < p->n; k++)
        p->slab[k] += (float)(0.2 * pk_rng_normal(&r));
    return p;
}

/* The same model with the adapters in its weights. */
static struct infer_params *merged(const struct infer_config *c,
                                   const struct infer_params *p)
{
    struct infer_params *m;
    ck_ok(infer_params_new(&m, c, &err));
    infer_params_copy(m, c, &p->w, c);
    return m;
}

enum { PATHS = 5, LEN = 12 };

static void plant(struct infer_forest *f, size_t only, size_t *read)
{
    struct pk_rng r;
    pk_rng_seed(&r, 21, 0);
    for (size_t i = 0; i < PATHS; i++) {
        int32_t id[LEN];
        for (size_t k = 0; k < LEN; k++)
            id[k] = (int32_t)(k < 6 ? 7 + k : pk_rng_below(&r, 60));
        if (only == SIZE_MAX || only == i)
            ck_ok(infer_forest_add(f, id, LEN, LEN - 1, read, &err));
    }
}

/* Hidden states (R, C), and the gradient of their sum weighted by position. */
struct result {
    float *hidden;
    size_t n;
    struct infer_params *g;
};

static struct result run(const struct infer_config *c,
                         const struct infer_params *p, size_t only, double drop)
{
    struct infer_forest *f;
    struct infer_tape *tape;
    struct result r;
    size_t read;
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_tape_new(
        &tape, only != SIZE_MAX ? INFER_KEEP_INPUTS : INFER_KEEP_ALL, &err));
    infer_tape_dropout(tape, drop, 11);
    plant(f, only, &read);
    r.n = infer_forest_readouts(f) * c->dim;
    r.hidden = pk_calloc_aligned(r.n, sizeof(float));
    float *d = pk_calloc_aligned(r.n, sizeof *d);
    for (size_t i = 0; i < r.n; i++)
        d[i] = (float)cos((double)(i % c->dim));
    ck_ok(infer_params_like(&r.g, c, p, &err));
    ck_ok(infer_forward(c, &p->w, f, tape, r.hidden, &err));
    ck_ok(infer_backward(c, &p->w, f, tape, d, &r.g->w, &err));
    free(d);
    infer_tape_free(tape);
    infer_forest_free(f);
    return r;
}

static void end(struct result *r)
{
    free(r->hidden);
    infer_params_free(r->g);
}

static void close_enough(const float *a, const float *b, size_t n,
                         double tolerance, const char *what)
{
    double largest = 0, off = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        off = fmax(off, fabs((double)a[i] - (double)b[i]));
    }
    ck_assert_msg(off <= tolerance * largest && largest > 0,
                  "%s: off by %g of %g", what, off, largest);
}

/* dA = scale B^T dW and dB = scale dW A^T, where dW is that of the merged
 * matrix. */
static void check_adapter(const struct infer_matrix *w,
                          const struct infer_matrix *g,
                          const struct infer_matrix *dw)
{
    const struct infer_adapter *a = w->adapter, *ga = g->adapter;
    size_t rank = a->a.rows, in = a->a.cols, out = a->b.rows;
    float *da = pk_calloc(rank * in, sizeof *da);
    float *db = pk_calloc(out * rank, sizeof *db);
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t k = 0; k < rank; k++) {
                float d = a->scale * dw->f32[o * in + i];
                da[k * in + i] += d * a->b.f32[o * rank + k];
                db[o * rank + k] += d * a->a.f32[k * in + i];
            }
    close_enough(ga->a.f32, da, rank * in, 1e-4, "A");
    close_enough(ga->b.f32, db, out * rank, 1e-4, "B");
    free(da);
    free(db);
}

START_TEST(as_if_merged)
{
    struct infer_config c = shape(INFER_HEAD_SCORE);
    struct infer_lora l = {4, 8, 0, INFER_LORA_ALL};
    struct infer_params *base = random_params(&c);
    struct infer_params *p = random_adapters(&c, base, &l);
    struct infer_params *m = merged(&c, p);
    struct result a = run(&c, p, SIZE_MAX, 0), b = run(&c, m, SIZE_MAX, 0);
    close_enough(a.hidden, b.hidden, a.n, 1e-4, "hidden");
    for (size_t i = 0; i < c.layers; i++) {
#define CHECK(field, rows, cols, name)                                         \
    if (p->w.layer[i].field.adapter)                                           \
        check_adapter(&p->w.layer[i].field, &a.g->w.layer[i].field,            \
                      &b.g->w.layer[i].field);
        INFER_LAYER_TENSORS(CHECK)
#undef CHECK
    }
    end(&a);
    end(&b);
    infer_params_free(m);
    infer_params_free(p);
    infer_params_free(base);
}
END_TEST

/* What is dropped depends on a path alone, forward and backward, kept or
 * computed again; another seed or none gives something else. */
/* A response's tokens, one after the other, go through the adapters too. */
static void decode(const struct infer_config *c, const struct infer_params *p,
                   float *hidden)
{
    static const int32_t id[] = {7, 8, 9, 40, 41, 42};
    struct infer_kv *kv;
    struct infer_span *s;
    ck_ok(infer_kv_new(&kv, c, &p->w, 8, 1, &err));
    ck_ok(infer_kv_take(kv, NULL, 0, 8, &s, &err));
    ck_ok(infer_kv_read(kv, s, id, 3, hidden, &err));
    for (size_t i = 3; i < 6; i++)
        ck_ok(infer_kv_step(kv, &s, &id[i], 1, hidden, &err));
    infer_kv_drop(kv, s);
    infer_kv_free(kv);
}

START_TEST(steps_as_if_merged)
{
    const struct infer_lora l = {4, 8, 0, INFER_LORA_ALL};
    const struct infer_config c = shape(INFER_HEAD_SCORE);
    struct infer_params *base = random_params(&c);
    struct infer_params *p = random_adapters(&c, base, &l);
    struct infer_params *m = merged(&c, p);
    float with[24], whole[24], without[24];
    decode(&c, p, with);
    decode(&c, m, whole);
    decode(&c, base, without);
    close_enough(with, whole, c.dim, 1e-4, "hidden");
    ck_assert_int_ne(memcmp(with, without, sizeof with), 0);
    infer_params_free(m);
    infer_params_free(p);
    infer_params_free(base);
}
END_TEST

START_TEST(dropout_by_path)
{
    struct infer_config c = shape(INFER_HEAD_SCORE);
    struct infer_lora l = {4, 8, 0.3, INFER_LORA_ALL};
    struct infer_params *base = random_params(&c), *sum;
    struct infer_params *p = random_adapters(&c, base, &l);
    struct result all = run(&c, p, SIZE_MAX, 0.3),
                  none = run(&c, p, SIZE_MAX, 0);
    ck_ok(infer_params_like(&sum, &c, p, &err));
    for (size_t i = 0; i < PATHS; i++) {
        struct result one = run(&c, p, i, 0.3);
        close_enough(one.hidden, all.hidden + i * c.dim, c.dim, 1e-5, "a path");
        for (size_t k = 0; k < sum->n; k++)
            sum->slab[k] += one.g->slab[k];
        end(&one);
    }
    close_enough(all.g->slab, sum->slab, sum->n, 1e-4, "gradient");
    ck_assert_int_ne(memcmp(all.hidden, none.hidden, all.n * sizeof(float)), 0);
    end(&all);
    end(&none);
    infer_params_free(sum);
    infer_params_free(p);
    infer_params_free(base);
}
END_TEST

/* The gradient through dropout, against differences. */
START_TEST(dropout_gradient)
{
    struct infer_config c = shape(INFER_HEAD_SCORE);
    struct infer_lora l = {2, 4, 0.5, INFER_LORA_ALL};
    struct infer_params *base = random_params(&c);
    struct infer_params *p = random_adapters(&c, base, &l);
    struct result at = run(&c, p, SIZE_MAX, 0.5);
    double along = 0, length = 0, value[2];
    const double step = 1e-3;
    for (size_t k = 0; k < p->n; k++)
        length += pow((double)at.g->slab[k], 2);
    length = sqrt(length);
    along = length; /* of the unit vector along the gradient */
    for (int side = 0; side < 2; side++) {
        double by = (side ? -2 : 1) * step / length;
        for (size_t k = 0; k < p->n; k++)
            p->slab[k] += (float)(by * (double)at.g->slab[k]);
        struct result r = run(&c, p, SIZE_MAX, 0.5);
        value[side] = 0;
        for (size_t i = 0; i < r.n; i++)
            value[side] += cos((double)(i % c.dim)) * (double)r.hidden[i];
        end(&r);
    }
    double slope = (value[0] - value[1]) / (2 * step);
    ck_assert_msg(fabs(slope - along) <= 0.02 * along, "%g, not %g", slope,
                  along);
    end(&at);
    infer_params_free(p);
    infer_params_free(base);
}
END_TEST

START_TEST(targets)
{
    unsigned t;
    char text[INFER_LORA_TEXT];
    ck_ok(infer_lora_targets(&t, "all", &err));
    ck_assert_uint_eq(t, INFER_LORA_ALL);
    infer_lora_targets_text(t, text);
    ck_assert_str_eq(text, "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,"
                           "down_proj");
    ck_ok(infer_lora_targets(&t, "v_proj,q_proj", &err));
    infer_lora_targets_text(t, text);
    ck_assert_str_eq(text, "q_proj,v_proj");
    static const char *const bad[] = {"", "q", "q_proj,", "norm", ",q_proj"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(infer_lora_targets(&t, bad[i], &err), PK_EUSAGE);
}
END_TEST

/* Written as PEFT does and opened again: the same adapters; and refused when
 * they are not all there, or not meant as we would compute them. */
START_TEST(files)
{
    struct infer_config c = shape(INFER_HEAD_SCORE);
    struct infer_lora l = {4, 8, 0.1, 0};
    struct infer_model *m;
    char *dir = temp_path("base"), *out = temp_path("adapter");
    ck_ok(infer_lora_targets(&l.targets, "q_proj,down_proj", &err));
    struct infer_params *base = random_params(&c);
    struct infer_params *p = random_adapters(&c, base, &l);
    ck_assert_int_eq(mkdir(dir, 0777) | mkdir(out, 0777), 0);
    ck_ok(infer_model_save(dir, &c, &base->w, INFER_F32, TOKENIZER, &err));
    ck_ok(infer_lora_save(out, &c, p, dir, &err));
    ck_ok(infer_model_open(&m, out, &err));
    ck_assert_str_eq(infer_model_dir(m), out);
    struct result a = run(&c, p, 0, 0);
    struct infer_params *want = merged(&c, p), *is;
    ck_ok(infer_params_new(&is, &c, &err));
    infer_params_copy(is, &c, infer_model_weights(m), &c);
    ck_assert_mem_eq(want->slab, is->slab, want->n * sizeof *want->slab);
    infer_model_close(m);
    end(&a);
    infer_params_free(want);
    infer_params_free(is);

    char *config = temp_path("adapter/adapter_config.json");
    size_t len;
    char *text = read_file(config, &len);
    static const char *const change[][2] = {
        {"\"LORA\"", "\"IA3\" "},
        {"\"use_dora\":\tfalse", "\"use_dora\":\ttrue "},
        {"\"none\"", "\"all\" "},
        {"\"down_proj\"", "\"gate_proj\""},
        {"\"score\"", "\"embed\""},
        {"\"r\":\t4", "\"r\":\t3"},
        {"\"r\":\t4", "\"r\":\t0"}};
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        char *new = pk_calloc(len + 16, 1);
        const char *at = strstr(text, change[i][0]);
        ck_assert_msg(at != NULL, "%s", change[i][0]);
        int n = sprintf(new, "%.*s%s%s", (int)(at - text), text, change[i][1],
                        at + strlen(change[i][0]));
        write_file(config, new, (size_t)n);
        ck_assert_msg(infer_model_open(&m, out, &err) == PK_EDATA, "%s",
                      change[i][1]);
        ck_assert_ptr_null(m);
        free(new);
    }
    free(text);
    infer_params_free(p);
    infer_params_free(base);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("lora");
    TCase *t = tcase_create("lora");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, as_if_merged);
    tcase_add_test(t, steps_as_if_merged);
    tcase_add_test(t, dropout_by_path);
    tcase_add_test(t, dropout_gradient);
    tcase_add_test(t, targets);
    tcase_add_test(t, files);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
