/* Model directories: what is written comes back bit for bit, and what strangers
 * write is read as it is meant or refused in one line. */
#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "infer/files/safetensors.h"
#include "infer/infer.h"
#include "tests/support.h"

static struct pk_err err;

static const struct infer_config tiny = {.dim = 4,
                                         .layers = 2,
                                         .heads = 2,
                                         .kv_heads = 1,
                                         .head_dim = 2,
                                         .hidden = 3,
                                         .vocab = 5,
                                         .max_positions = 16,
                                         .norm_eps = 1e-5,
                                         .rope_theta = 10000,
                                         .bos = 1,
                                         .eos = 2,
                                         .pad = 0};

static void add_piece(struct pk_buf *b, const char *text, int type)
{
    size_t n = strlen(text);
    pk_buf_addf(b, "\n%c\n%c%s", (int)(n + 9), (int)n, text);
    pk_buf_add(b, "\x15\0\0\0\0\x18", 6);
    pk_buf_addc(b, (char)type);
}

/* The smallest SentencePiece BPE model: three special pieces and two more. */
static const char *tokenizer(void)
{
    static char *path;
    if (!path) {
        struct pk_buf b = PK_BUF_INIT(1024);
        add_piece(&b, "<unk>", 2);
        add_piece(&b, "<s>", 3);
        add_piece(&b, "</s>", 3);
        add_piece(&b, "\xE2\x96\x81", 1);
        add_piece(&b, "a", 1);
        pk_buf_add(&b, "\x12\x02\x18\x02", 4); /* trainer: BPE */
        pk_buf_add(&b, "\x1A\0", 2);           /* normalizer: defaults */
        path = temp_path("tokenizer.model");
        write_file(path, b.data, b.len);
        pk_buf_release(&b);
    }
    return path;
}

static char *file_in(const char *dir, const char *name)
{
    char rel[160];
    snprintf(rel, sizeof rel, "%s/%s", strrchr(dir, '/') + 1, name);
    return temp_path(rel);
}

static struct infer_params *random_params(const struct infer_config *c)
{
    struct infer_params *p;
    ck_ok(infer_params_new(&p, c, &err));
    infer_params_init(p, c, 3);
    p->w.embed.f32[0] = -0.0F;
    p->w.embed.f32[1] = FLT_MAX;
    p->w.embed.f32[2] = FLT_TRUE_MIN;
    p->w.norm.f32[1] = -FLT_MIN;
    return p;
}

/* A new directory with a saved model in it. */
static char *save(const char *name, const struct infer_config *c,
                  const struct infer_params *p)
{
    char *dir = temp_path(name);
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    ck_ok(infer_model_save(dir, c, &p->w, INFER_F32, tokenizer(), &err));
    return dir;
}

static void check_same(const struct infer_config *c,
                       const struct infer_params *p, const char *dir)
{
    struct infer_model *m;
    struct infer_params *got;
    ck_ok(infer_model_open(&m, dir, &err));
    const struct infer_config *d = infer_model_config(m);
    ck_assert(d->dim == c->dim && d->layers == c->layers &&
              d->heads == c->heads && d->kv_heads == c->kv_heads &&
              d->head_dim == c->head_dim && d->hidden == c->hidden &&
              d->vocab == c->vocab && d->max_positions == c->max_positions);
    ck_assert(d->norm_eps == c->norm_eps && d->rope_theta == c->rope_theta);
    ck_assert(d->bos == c->bos && d->eos == c->eos && d->pad == c->pad);
    ck_assert(d->head == c->head && d->tied == c->tied);
    ck_assert_str_eq(infer_model_dir(m), dir);
    ck_ok(infer_params_new(&got, c, &err));
    infer_params_copy(got, c, infer_model_weights(m), d);
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor t;
        infer_tensor_at(c, i, &t);
        ck_assert_msg(memcmp(got->slab + t.offset, p->slab + t.offset,
                             t.rows * t.cols * sizeof(float)) == 0,
                      "%s", t.name);
    }
    infer_params_free(got);
    infer_model_close(m);
}

static void check_same_file(const char *a, const char *b, const char *name)
{
    size_t na, nb;
    char *x = read_file(file_in(a, name), &na);
    char *y = read_file(file_in(b, name), &nb);
    ck_assert_msg(na == nb && memcmp(x, y, na) == 0, "%s", name);
    free(x);
    free(y);
}

START_TEST(round_trip)
{
    struct infer_config c = tiny;
    static const char *const names[] = {"score", "lm", "tied", "wide"};
    char again[32], one[65], two[65];
    c.head = _i == 0 ? INFER_HEAD_SCORE : INFER_HEAD_LM;
    c.tied = _i == 2;
    if (_i == 3) { /* heads wider than dim / heads; no special tokens */
        c.head_dim = 6;
        c.rope_theta = 500000.5;
        c.bos = c.eos = c.pad = -1;
    }
    struct infer_params *p = random_params(&c);
    char *dir = save(names[_i], &c, p);
    check_same(&c, p, dir);
    snprintf(again, sizeof again, "%s2", names[_i]);
    char *dir2 = save(again, &c, p);
    check_same_file(dir, dir2, "config.json");
    check_same_file(dir, dir2, "model.safetensors");
    check_same_file(dir, dir2, "tokenizer_config.json");
    ck_assert_int_eq(access(file_in(dir, "tokenizer.model"), R_OK), 0);

    struct infer_model *m;
    ck_ok(infer_model_open(&m, dir, &err));
    ck_ok(infer_model_fingerprint(m, one, &err));
    infer_model_close(m);
    p->w.norm.f32[0] += 1;
    ck_ok(infer_model_save(dir2, &c, &p->w, INFER_F32, tokenizer(), &err));
    ck_ok(infer_model_open(&m, dir2, &err));
    ck_ok(infer_model_fingerprint(m, two, &err));
    infer_model_close(m);
    ck_assert_uint_eq(strlen(one), 64);
    ck_assert_str_ne(one, two);
    infer_params_free(p);
}
END_TEST

/* ---- Files as others write them ---- */

static uint16_t to_half(float x, const char *dtype)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    if (strcmp(dtype, "BF16") == 0)
        return (uint16_t)(u >> 16);
    /* Exact for what the tests store: 0 and normal numbers of few bits. */
    uint32_t e = u >> 23 & 255;
    return e == 0 ? 0
                  : (uint16_t)((u >> 16 & 0x8000) | (e - 112) << 10 |
                               (u >> 13 & 1023));
}

/* Which tensors to write under which name and dtype. */
struct recipe {
    const char *dtype;
    const char *rename, *as; /* one tensor's other name */
    size_t begin, end;       /* tensors; end 0: all */
    size_t pad;              /* spaces behind the header */
};

static void write_tensors(const char *path, const struct infer_config *c,
                          const struct infer_params *p, const struct recipe *r)
{
    struct pk_buf head = PK_BUF_INIT(1 << 20), data = PK_BUF_INIT(1 << 20);
    size_t end = r->end ? r->end : infer_tensor_count(c);
    bool f32 = strcmp(r->dtype, "F32") == 0;
    for (size_t i = r->begin; i < end; i++) {
        struct infer_tensor t;
        infer_tensor_at(c, i, &t);
        bool other = r->rename && strcmp(t.name, r->rename) == 0;
        size_t at = data.len;
        for (size_t k = 0; k < t.rows * t.cols; k++) {
            float x = p->slab[t.offset + k];
            uint16_t h = to_half(x, r->dtype);
            pk_buf_add(&data, f32 ? (void *)&x : (void *)&h, f32 ? 4 : 2);
        }
        pk_buf_addf(&head, "%s\"%s\":{\"data_offsets\":[%zu,%zu],\"shape\":[",
                    i > r->begin ? "," : "{", other ? r->as : t.name, at,
                    data.len);
        if (t.decay)
            pk_buf_addf(&head, "%zu,", t.rows);
        pk_buf_addf(&head, "%zu],\"dtype\":\"%s\"}", t.cols, r->dtype);
    }
    pk_buf_addf(&head, "}%*s", (int)r->pad, "");
    struct pk_buf all = PK_BUF_INIT(1 << 20);
    uint64_t n = head.len;
    pk_buf_add(&all, &n, 8);
    pk_buf_add(&all, head.data, head.len);
    pk_buf_add(&all, data.data, data.len);
    ck_assert_int_eq(all.failed, 0);
    write_file(path, all.data, all.len);
    pk_buf_release(&all);
    pk_buf_release(&head);
    pk_buf_release(&data);
}

/* Weights that half precision holds exactly. */
static struct infer_params *plain_params(const struct infer_config *c)
{
    struct infer_params *p;
    ck_ok(infer_params_new(&p, c, &err));
    for (size_t k = 0; k < p->n; k++)
        p->slab[k] = (float)(int)(k % 61) / 16 - 1.5F;
    return p;
}

static void fingerprint_of(const char *dir, int threads, char out[65])
{
    struct infer_model *m;
    omp_set_num_threads(threads);
    ck_ok(infer_model_open(&m, dir, &err));
    ck_ok(infer_model_fingerprint(m, out, &err));
    infer_model_close(m);
}

/* A tensor that is hashed in several pieces, the last one not whole. */
START_TEST(known_by_every_value_and_its_tokenizer)
{
    struct infer_config c = tiny;
    c.vocab = 600001;
    const size_t last = c.vocab * c.dim - 1;
    struct infer_params *p = random_params(&c);
    char *dir = save("print", &c, p), one[65], two[65];
    fingerprint_of(dir, 1, one);
    fingerprint_of(dir, 3, two);
    ck_assert_str_eq(one, two);
    for (size_t i = 0; i < 2; i++) { /* in the second piece, and the last */
        p->w.embed.f32[i ? last : 1 << 20] += 1;
        ck_ok(infer_model_save(dir, &c, &p->w, INFER_F32, tokenizer(), &err));
        fingerprint_of(dir, 2, two);
        ck_assert_str_ne(one, two);
        memcpy(one, two, sizeof one);
    }
    size_t n;
    char *spm = read_file(file_in(dir, "tokenizer.model"), &n);
    char *a = memchr(spm + n - 16, 'a', 16);
    ck_assert_ptr_nonnull(a);
    *a = 'b';
    write_file(file_in(dir, "tokenizer.model"), spm, n);
    fingerprint_of(dir, 2, two);
    ck_assert_str_ne(one, two);
    free(spm);
    infer_params_free(p);
}
END_TEST

START_TEST(dtypes_and_alignment)
{
    static const char *const dtypes[] = {"F32", "F16", "BF16"};
    struct infer_params *p = plain_params(&tiny);
    char *dir = save("dtypes", &tiny, p);
    for (size_t d = 0; d < 3; d++) {
        for (size_t pad = 0; pad < 9; pad++) {
            struct recipe r = {.dtype = dtypes[d], .pad = pad};
            write_tensors(file_in(dir, "model.safetensors"), &tiny, p, &r);
            check_same(&tiny, p, dir);
        }
    }
    infer_params_free(p);
}
END_TEST

/* hidden (1, C) at the end of a path. */
static void hidden_of(const struct infer_config *c,
                      const struct infer_weights *w, float *hidden)
{
    struct infer_forest *f;
    static const int32_t path[] = {1, 3, 4, 4, 3, 2};
    size_t readout;
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_forest_add(f, path, 6, 5, &readout, &err));
    ck_ok(infer_forward(c, w, f, NULL, hidden, &err));
    infer_forest_free(f);
}

/* Stored in bf16: matrices stay as they lie, and give what the same weights in
 * f32 give, to the bit; the fingerprint is that of the values. */
START_TEST(saved_in_bf16)
{
    struct infer_config c = tiny;
    c.head = _i ? INFER_HEAD_LM : INFER_HEAD_SCORE;
    struct infer_params *p;
    struct infer_model *m, *again;
    float want[4], got[4];
    char one[65], two[65];
    ck_ok(infer_params_new(&p, &c, &err));
    infer_params_init(p, &c, 3);
    char *dir = temp_path(_i ? "half_lm" : "half_score");
    char *wide = temp_path(_i ? "half_lm_wide" : "half_score_wide");
    ck_assert(mkdir(dir, 0777) == 0 && mkdir(wide, 0777) == 0);
    ck_ok(infer_model_save(dir, &c, &p->w, INFER_BF16, tokenizer(), &err));
    ck_ok(infer_model_open(&m, dir, &err));
    const struct infer_weights *w = infer_model_weights(m);
    ck_assert(w->layer[1].gate.bf16 && !w->layer[1].gate.f32);
    ck_assert(w->embed.bf16 && w->norm.f32 && w->layer[0].ffn_norm.f32);
    ck_assert(_i ? w->head.bf16 != NULL : w->head.f32 != NULL);
    infer_params_copy(p, &c, w, &c);
    ck_ok(infer_model_save(wide, &c, w, INFER_F32, tokenizer(), &err));
    ck_ok(infer_model_open(&again, wide, &err));
    ck_assert_ptr_nonnull(infer_model_weights(again)->layer[1].gate.f32);
    hidden_of(&c, w, got);
    hidden_of(&c, infer_model_weights(again), want);
    ck_assert_int_eq(memcmp(want, got, sizeof want), 0);
    hidden_of(&c, &p->w, want);
    ck_assert_int_eq(memcmp(want, got, sizeof want), 0);
    ck_ok(infer_model_fingerprint(m, one, &err));
    ck_ok(infer_model_fingerprint(again, two, &err));
    ck_assert_str_eq(one, two);
    infer_model_close(again);
    infer_model_close(m);

    p->w.layer[1].up.f32[2] = FLT_MAX;
    ck_assert_int_eq(
        infer_model_save(dir, &c, &p->w, INFER_BF16, tokenizer(), &err),
        PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "too large for bf16"));
    infer_params_free(p);
}
END_TEST

/* Read layer by layer, with what was read given back: the same bits, pass after
 * pass, in either type. */
START_TEST(streamed)
{
    static const struct infer_open plain = {0}, stream = {.stream = true};
    struct infer_config c = {.dim = 128,
                             .layers = 5,
                             .heads = 4,
                             .kv_heads = 4,
                             .head_dim = 32,
                             .hidden = 256,
                             .vocab = 5,
                             .max_positions = 16,
                             .norm_eps = 1e-5,
                             .rope_theta = 10000,
                             .bos = 1,
                             .eos = 2,
                             .pad = 0};
    struct infer_params *p;
    struct infer_model *m;
    float want[128], got[128];
    char *dir = temp_path(_i ? "stream_half" : "stream_full");
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    ck_ok(infer_params_new(&p, &c, &err));
    infer_params_init(p, &c, 3);
    ck_ok(infer_model_save(dir, &c, &p->w, _i ? INFER_BF16 : INFER_F32,
                           tokenizer(), &err));
    infer_params_free(p);
    ck_ok(infer_model_open_as(&m, dir, &plain, &err));
    ck_assert_ptr_null(infer_model_weights(m)->ahead);
    hidden_of(&c, infer_model_weights(m), want);
    infer_model_close(m);
    ck_ok(infer_model_open_as(&m, dir, &stream, &err));
    ck_assert_ptr_nonnull(infer_model_weights(m)->ahead);
    for (int pass = 0; pass < 20; pass++) {
        hidden_of(&c, infer_model_weights(m), got);
        ck_assert_int_eq(memcmp(want, got, sizeof want), 0);
    }
    infer_model_close(m);
}
END_TEST

START_TEST(widening)
{
    uint16_t *h = malloc(65536 * sizeof *h + 1);
    float *got = malloc(65536 * sizeof *got);
    ck_assert(h && got);
    uint8_t *odd = (uint8_t *)h + 1; /* not aligned */
    for (uint32_t i = 0; i < 65536; i++)
        memcpy(odd + 2 * i, &(uint16_t){(uint16_t)i}, 2);
    infer_widen(got, odd, INFER_BF16, 65536);
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t u;
        memcpy(&u, &got[i], sizeof u);
        ck_assert_uint_eq(u, i << 16);
    }
    infer_widen(got, odd, INFER_F16, 65536);
    for (uint32_t i = 0; i < 65536; i++) {
        int e = (int)(i >> 10 & 31), m = (int)(i & 1023);
        double want = e == 31  ? (m ? (double)NAN : (double)INFINITY)
                      : e == 0 ? ldexp(m, -24)
                               : ldexp(1024 + m, e - 25);
        double x = (double)got[i];
        ck_assert(isnan(want) ? isnan(x) : x == (i & 0x8000 ? -want : want));
        ck_assert(isnan(want) || !signbit(x) == !(i & 0x8000));
    }
    free(got);
    free(h);
}
END_TEST

START_TEST(tied_under_either_name)
{
    struct infer_config c = tiny;
    c.head = INFER_HEAD_LM;
    c.tied = true;
    struct infer_params *p = plain_params(&c);
    char *dir = save("either", &c, p);
    struct recipe r = {.dtype = "F32",
                       .rename = "model.embed_tokens.weight",
                       .as = "lm_head.weight"};
    write_tensors(file_in(dir, "model.safetensors"), &c, p, &r);
    check_same(&c, p, dir);
    r.as = "something.else";
    write_tensors(file_in(dir, "model.safetensors"), &c, p, &r);
    struct infer_model *m;
    ck_assert_int_eq(infer_model_open(&m, dir, &err), PK_EDATA);
    infer_params_free(p);
}
END_TEST

static void refuse(const char *dir, const char *why)
{
    struct infer_model *m = (struct infer_model *)&err;
    memset(&err, 0, sizeof err);
    int rc = infer_model_open(&m, dir, &err);
    ck_assert_msg(rc == PK_EDATA, "%d, not refused for: %s", rc, why);
    ck_assert_ptr_null(m);
    ck_assert_msg(strstr(err.text, dir) != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, why) != NULL, "'%s' does not say '%s'",
                  err.text, why);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}

static void write_index(const char *dir, const char *text)
{
    write_file(file_in(dir, "model.safetensors.index.json"), text,
               strlen(text));
}

START_TEST(shards)
{
    struct infer_params *p = plain_params(&tiny);
    char *dir = save("shards", &tiny, p);
    size_t count = infer_tensor_count(&tiny);
    struct recipe one = {.dtype = "F32", .end = 7};
    struct recipe two = {.dtype = "BF16", .begin = 7, .end = count};
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    ck_assert_int_eq(unlink(file_in(dir, "model.safetensors")), 0);
    write_tensors(file_in(dir, "m-1.safetensors"), &tiny, p, &one);
    write_tensors(file_in(dir, "m-2.safetensors"), &tiny, p, &two);
    pk_buf_adds(&b, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    for (size_t i = 0; i < count; i++) {
        struct infer_tensor t;
        infer_tensor_at(&tiny, i, &t);
        pk_buf_addf(&b, "%s\"%s\":\"m-%d.safetensors\"", i ? "," : "", t.name,
                    i < 7 ? 1 : 2);
    }
    pk_buf_adds(&b, "}}");
    write_index(dir, b.data);
    check_same(&tiny, p, dir);

    /* Which of the two is meant? */
    struct recipe whole = {.dtype = "F32", .end = count};
    write_tensors(file_in(dir, "model.safetensors"), &tiny, p, &whole);
    refuse(dir, "shards too");
    ck_assert_int_eq(unlink(file_in(dir, "model.safetensors")), 0);

    /* In the map, but in another shard; then not even in the map. */
    char *at = strstr(b.data, "model.embed_tokens.weight\":\"m-1");
    ck_assert_ptr_nonnull(at);
    strchr(at, '-')[1] = '2';
    write_index(dir, b.data);
    refuse(dir, "'model.embed_tokens.weight' is missing");
    at[0] = 'M';
    write_index(dir, b.data);
    refuse(dir, "'model.embed_tokens.weight' is missing");

    write_index(dir, "{\"weight_map\":{\"a\":\"../m-1.safetensors\"}}");
    refuse(dir, "not a file of this directory");
    write_index(dir, "{\"weight_map\":{\"a\":1}}");
    refuse(dir, "names no file");
    write_index(dir, "{\"weight_map\":[]}");
    refuse(dir, "weight_map");
    write_index(dir, "[]");
    refuse(dir, "weight_map");
    write_index(dir, "{\"weight_map\":{}}");
    refuse(dir, "is missing");
    write_index(dir, "{");
    refuse(dir, "not valid JSON");
    write_index(dir, "{\"weight_map\":{\"a\":\"none.safetensors\"}}");
    struct infer_model *m;
    ck_assert_int_eq(infer_model_open(&m, dir, &err), PK_EIO);
    pk_buf_release(&b);
    infer_params_free(p);
}
END_TEST

START_TEST(missing_files)
{
    struct infer_model *m;
    struct infer_params *p = plain_params(&tiny);
    char *dir = save("missing", &tiny, p);
    ck_assert_int_eq(unlink(file_in(dir, "model.safetensors")), 0);
    ck_assert_int_eq(infer_model_open(&m, dir, &err), PK_EIO);
    ck_assert_ptr_null(m);
    ck_assert_int_eq(unlink(file_in(dir, "config.json")), 0);
    ck_assert_int_eq(infer_model_open(&m, dir, &err), PK_EIO);
    ck_assert_int_eq(infer_model_open(&m, "/nowhere", &err), PK_EIO);
    infer_model_close(NULL);
    infer_params_free(p);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("model_files");
    TCase *t = tcase_create("model_files");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, round_trip, 0, 4);
    tcase_add_test(t, known_by_every_value_and_its_tokenizer);
    tcase_add_test(t, dtypes_and_alignment);
    tcase_add_loop_test(t, saved_in_bf16, 0, 2);
    tcase_add_loop_test(t, streamed, 0, 2);
    tcase_add_test(t, widening);
    tcase_add_test(t, tied_under_either_name);
    tcase_add_test(t, shards);
    tcase_add_test(t, missing_files);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
