/* The forest against each of its paths alone: forward and backward, on random
 * tries and several shapes of model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "common/mem.h"
#include "common/rng.h"
#include "infer/infer.h"
#include "tests/support.h"

enum { PATHS = 24, LONGEST = 96 };

static struct pk_err err;

/* Paths as they were added, and where their read-outs begin. */
struct grove {
    size_t n;
    int32_t id[PATHS][LONGEST];
    size_t len[PATHS], from[PATHS];
};

/* dim, layers, heads, key/value heads, head dim, hidden, vocabulary, kind */
enum { SCORE, LM, TIED };
static const size_t shapes[][8] = {
    {32, 2, 4, 4, 8, 48, 13, SCORE},  /* as many key/value heads as heads */
    {48, 3, 6, 2, 8, 100, 40, SCORE}, /* grouped */
    {24, 1, 3, 1, 8, 30, 7, SCORE},   /* one key/value head, one layer */
    {17, 2, 3, 3, 10, 31, 19, TIED},  /* wide heads, odd sizes */
    {64, 2, 5, 1, 2, 1, 300, LM},     /* narrow heads */
    {1, 1, 1, 1, 2, 1, 3, SCORE}};    /* the smallest there is */
enum { SHAPES = sizeof shapes / sizeof *shapes };

static struct infer_config shape(int i)
{
    const size_t *s = shapes[i];
    return (struct infer_config){.dim = s[0],
                                 .layers = s[1],
                                 .heads = s[2],
                                 .kv_heads = s[3],
                                 .head_dim = s[4],
                                 .hidden = s[5],
                                 .vocab = s[6],
                                 .max_positions = 4096,
                                 .norm_eps = 1e-5,
                                 .rope_theta = 10000,
                                 .bos = -1,
                                 .eos = -1,
                                 .pad = -1,
                                 .head = s[7] == SCORE ? INFER_HEAD_SCORE
                                                       : INFER_HEAD_LM,
                                 .tied = s[7] == TIED};
}

/* Of a scale at which attention is far from uniform. */
static struct infer_params *weights(const struct infer_config *c, uint64_t seed)
{
    struct infer_params *p;
    struct pk_rng rng;
    ck_ok(infer_params_new(&p, c, &err));
    pk_rng_seed(&rng, seed, 1);
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor t;
        infer_tensor_at(c, i, &t);
        double scale = i == 0 ? 1 : 1.3 / sqrt((double)t.cols);
        for (size_t k = 0; k < t.rows * t.cols; k++) {
            double x = pk_rng_normal(&rng);
            p->slab[t.offset + k] = (float)(t.decay ? scale * x : 1 + 0.2 * x);
        }
    }
    return p;
}

/* A new path, or one that leaves an earlier one anywhere: after its first
 * token, inside, at its end, or nowhere at all (a copy, or a beginning). */
static void random_grove(struct grove *v, struct pk_rng *rng, size_t vocab)
{
    v->n = 1 + pk_rng_below(rng, PATHS);
    for (size_t i = 0; i < v->n; i++) {
        size_t n = 0;
        if (i > 0 && pk_rng_below(rng, 4) > 0) {
            size_t k = pk_rng_below(rng, i);
            n = 1 + pk_rng_below(rng, v->len[k]);
            memcpy(v->id[i], v->id[k], n * sizeof **v->id);
        }
        size_t more = pk_rng_below(rng, 3) ? pk_rng_below(rng, 30) : 0;
        more += n + more == 0;
        while (more-- > 0 && n < LONGEST)
            v->id[i][n++] = (int32_t)pk_rng_below(rng, vocab);
        v->len[i] = n;
        v->from[i] = pk_rng_below(rng, 3) ? n - 1 : pk_rng_below(rng, n);
    }
}

/* As dialogues do. */
static void begin_alike(struct grove *v)
{
    for (size_t i = 0; i < v->n; i++)
        v->id[i][0] = 0;
}

static bool same_prefix(const struct grove *v, size_t a, size_t b, size_t n)
{
    return v->len[a] >= n && v->len[b] >= n &&
           memcmp(v->id[a], v->id[b], n * sizeof **v->id) == 0;
}

/* The forest of paths order[0..n), in that order (NULL: as they are);
 * read[i][j] is the index of token from + j of path i. */
static void plant(struct infer_forest *f, const struct grove *v,
                  const int64_t *order, size_t (*read)[LONGEST])
{
    for (size_t k = 0; k < v->n; k++) {
        size_t i = order ? (size_t)order[k] : k;
        ck_ok(infer_forest_add(f, v->id[i], v->len[i], v->from[i], read[i],
                               &err));
    }
}

static float *floats(size_t n)
{
    float *p = pk_calloc(n, sizeof *p);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* |a - b| <= rtol |b| + floor, in the 2-norm. */
static bool close_to(const float *a, const float *b, size_t n, double rtol,
                     double floor)
{
    double d = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        d += pow((double)a[i] - (double)b[i], 2);
        norm += pow((double)b[i], 2);
    }
    return sqrt(d) <= rtol * sqrt(norm) + floor;
}

START_TEST(counts)
{
    static struct grove v;
    static size_t read[PATHS][LONGEST];
    struct infer_forest *f;
    struct pk_rng rng;
    pk_rng_seed(&rng, 5, 0);
    ck_ok(infer_forest_new(&f, &err));
    for (int round = 0; round < 200; round++) {
        size_t unique = 0, flat = 0, reads = 0;
        random_grove(&v, &rng, 3);
        infer_forest_clear(f);
        plant(f, &v, NULL, read);
        for (size_t i = 0; i < v.n; i++) {
            flat += v.len[i];
            for (size_t j = 0; j < v.len[i]; j++) {
                bool fresh = true, known = false;
                for (size_t k = 0; k < i; k++) {
                    bool same = same_prefix(&v, i, k, j + 1);
                    fresh &= !same;
                    if (!same || j < v.from[i] || j < v.from[k])
                        continue;
                    known = true;
                    ck_assert_uint_eq(read[i][j - v.from[i]],
                                      read[k][j - v.from[k]]);
                }
                unique += fresh;
                if (j >= v.from[i] && !known)
                    ck_assert_uint_eq(read[i][j - v.from[i]], reads++);
            }
        }
        ck_assert_uint_eq(infer_forest_tokens(f), unique);
        ck_assert_uint_eq(infer_forest_flat(f), flat);
        ck_assert_uint_eq(infer_forest_readouts(f), reads);
    }
    infer_forest_free(f);
    infer_forest_free(NULL);
}
END_TEST

/* A random linear functional of the hidden states: u[i] is its part on path
 * i's read-outs. `together` runs one forest, else one for each path. Hidden
 * states come back by path; its gradient is added to g. */
struct run {
    const struct infer_config *c;
    const struct infer_params *p;
    const struct grove *v;
    float *u[PATHS], *hidden[PATHS];
    struct infer_params *g;
};

static void run_forest(struct run *r, const struct grove *v, size_t first,
                       const int64_t *order, struct infer_forest *f,
                       struct infer_tape *tape)
{
    static size_t read[PATHS][LONGEST];
    size_t dim = r->c->dim;
    plant(f, v, order, read);
    size_t n = infer_forest_readouts(f);
    float *hidden = floats(n * dim), *d = floats(n * dim);
    ck_ok(infer_forward(r->c, &r->p->w, f, tape, hidden, &err));
    for (size_t i = 0; i < v->n; i++) {
        for (size_t j = 0; j < v->len[i] - v->from[i]; j++) {
            size_t at = read[i][j] * dim;
            memcpy(r->hidden[first + i] + j * dim, hidden + at,
                   dim * sizeof *hidden);
            for (size_t k = 0; k < dim; k++)
                d[at + k] += r->u[first + i][j * dim + k];
        }
    }
    if (tape && r->g)
        ck_ok(infer_backward(r->c, &r->p->w, f, tape, d, &r->g->w, &err));
    free(hidden);
    free(d);
}

static void run_start(struct run *r, const struct infer_config *c,
                      const struct infer_params *p, const struct grove *v,
                      uint64_t seed)
{
    struct pk_rng rng;
    *r = (struct run){.c = c, .p = p, .v = v};
    pk_rng_seed(&rng, seed, 9);
    for (size_t i = 0; i < v->n; i++) {
        size_t n = (v->len[i] - v->from[i]) * c->dim;
        r->u[i] = floats(n);
        r->hidden[i] = floats(n);
        for (size_t k = 0; k < n; k++)
            r->u[i][k] = (float)pk_rng_normal(&rng);
    }
    ck_ok(infer_params_new(&r->g, c, &err));
}

static void run_end(struct run *r)
{
    for (size_t i = 0; i < r->v->n; i++) {
        free(r->u[i]);
        free(r->hidden[i]);
    }
    infer_params_free(r->g);
}

static void run_together(struct run *r, const int64_t *order, bool recompute)
{
    struct infer_forest *f;
    struct infer_tape *tape;
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_tape_new(&tape, recompute ? INFER_KEEP_INPUTS : INFER_KEEP_ALL,
                         &err));
    run_forest(r, r->v, 0, order, f, tape);
    infer_tape_free(tape);
    infer_forest_free(f);
}

static void run_alone(struct run *r)
{
    static struct grove one;
    struct infer_forest *f;
    struct infer_tape *tape;
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_tape_new(&tape, INFER_KEEP_ALL, &err));
    for (size_t i = 0; i < r->v->n; i++) {
        one.n = 1;
        memcpy(one.id[0], r->v->id[i], sizeof one.id[0]);
        one.len[0] = r->v->len[i];
        one.from[0] = r->v->from[i];
        infer_forest_clear(f);
        run_forest(r, &one, i, NULL, f, tape);
    }
    infer_tape_free(tape);
    infer_forest_free(f);
}

static void same_hidden(const struct run *a, const struct run *b)
{
    size_t dim = a->c->dim;
    for (size_t i = 0; i < a->v->n; i++)
        for (size_t j = 0; j < a->v->len[i] - a->v->from[i]; j++)
            ck_assert_msg(close_to(a->hidden[i] + j * dim,
                                   b->hidden[i] + j * dim, dim, 1e-5, 0),
                          "path %zu, read-out %zu", i, j);
}

static void same_gradients(const struct run *a, const struct run *b)
{
    double all = 0;
    for (size_t k = 0; k < b->g->n; k++)
        all += pow((double)b->g->slab[k], 2);
    for (size_t i = 0; i < infer_tensor_count(a->c); i++) {
        struct infer_tensor t;
        infer_tensor_at(a->c, i, &t);
        /* The floor: some gradients are zero but for rounding, as that of
         * the queries when every path is one token. */
        ck_assert_msg(close_to(a->g->slab + t.offset, b->g->slab + t.offset,
                               t.rows * t.cols, 1e-4, 1e-7 * sqrt(all)),
                      "%s", t.name);
    }
    if (!a->c->tied)
        for (size_t k = 0; k < a->c->dim; k++)
            ck_assert(a->g->w.head.f32[k] == 0);
}

/* _i is the shape. */
START_TEST(forest_is_its_paths)
{
    static struct grove v;
    struct infer_config c = shape(_i);
    struct infer_params *p = weights(&c, 7);
    struct pk_rng rng;
    pk_rng_seed(&rng, 100, (uint64_t)_i);
    for (uint64_t round = 0; round < 5; round++) {
        struct run together, alone, shuffled;
        random_grove(&v, &rng, c.vocab);
        if (round % 2)
            begin_alike(&v);
        run_start(&together, &c, p, &v, round);
        run_start(&alone, &c, p, &v, round);
        run_start(&shuffled, &c, p, &v, round);
        run_together(&together, NULL, false);
        run_alone(&alone);
        same_hidden(&together, &alone);
        same_gradients(&together, &alone);

        int64_t order[PATHS];
        for (size_t i = 0; i < v.n; i++)
            order[i] = (int64_t)i;
        pk_rng_shuffle(&rng, order, v.n);
        run_together(&shuffled, order, false);
        same_hidden(&shuffled, &alone);
        same_gradients(&shuffled, &alone);
        run_end(&together);
        run_end(&alone);
        run_end(&shuffled);
    }
    infer_params_free(p);
}
END_TEST

/* Nor do bits depend on how many threads there are: on one tree, and on many.
 */
START_TEST(threads)
{
    static struct grove v;
    struct infer_config c = shape(_i);
    struct infer_params *p = weights(&c, 6);
    struct pk_rng rng;
    pk_rng_seed(&rng, 500, (uint64_t)_i);
    int before = omp_get_max_threads();
    for (uint64_t round = 0; round < 4; round++) {
        struct run one, many;
        random_grove(&v, &rng, c.vocab);
        if (round % 2)
            begin_alike(&v);
        run_start(&one, &c, p, &v, round);
        run_start(&many, &c, p, &v, round);
        omp_set_num_threads(1);
        run_together(&one, NULL, false);
        omp_set_num_threads(2 + (int)round);
        run_together(&many, NULL, false);
        ck_assert_mem_eq(one.g->slab, many.g->slab,
                         one.g->n * sizeof *one.g->slab);
        for (size_t i = 0; i < v.n; i++)
            ck_assert_mem_eq(one.hidden[i], many.hidden[i],
                             (v.len[i] - v.from[i]) * c.dim *
                                 sizeof **one.hidden);
        run_end(&one);
        run_end(&many);
    }
    omp_set_num_threads(before);
    infer_params_free(p);
}
END_TEST

/* A layer computed again has the same bits, and so has what comes of them; on
 * models deep enough that the layers' arrays are used in turn. */
START_TEST(recomputed)
{
    static struct grove v;
    struct infer_config c = shape(_i);
    c.layers += 2;
    struct infer_params *p = weights(&c, 8);
    struct run kept, again;
    struct pk_rng rng;
    pk_rng_seed(&rng, 300, (uint64_t)_i);
    random_grove(&v, &rng, c.vocab);
    run_start(&kept, &c, p, &v, 1);
    run_start(&again, &c, p, &v, 1);
    run_together(&kept, NULL, false);
    run_together(&again, NULL, true);
    ck_assert_mem_eq(kept.g->slab, again.g->slab,
                     kept.g->n * sizeof *kept.g->slab);
    run_end(&kept);
    run_end(&again);
    infer_params_free(p);
    struct infer_forest_size n = {.tokens = 512, .longest = 64, .readouts = 64};
    ck_assert_uint_lt(infer_train_bytes(&c, INFER_PRECISION_FP32, n, true),
                      infer_train_bytes(&c, INFER_PRECISION_FP32, n, false));
}
END_TEST

/* One forest and one tape for everything, smaller, larger and smaller again:
 * the same bits as new ones; and without a tape the same hidden states. */
START_TEST(reuse_gives_the_same_bits)
{
    static struct grove v;
    struct infer_config c = shape(_i);
    struct infer_params *p = weights(&c, 8);
    struct infer_forest *f;
    struct infer_tape *tape;
    struct pk_rng rng;
    pk_rng_seed(&rng, 200, (uint64_t)_i);
    ck_ok(infer_forest_new(&f, &err));
    ck_ok(infer_tape_new(&tape, INFER_KEEP_ALL, &err));
    for (uint64_t round = 0; round < 4; round++) {
        struct run fresh, used, bare;
        random_grove(&v, &rng, c.vocab);
        run_start(&fresh, &c, p, &v, round);
        run_start(&used, &c, p, &v, round);
        run_start(&bare, &c, p, &v, round);
        run_together(&fresh, NULL, false);
        infer_forest_clear(f);
        ck_assert_uint_eq(infer_forest_tokens(f), 0);
        ck_assert_uint_eq(infer_forest_flat(f), 0);
        ck_assert_uint_eq(infer_forest_readouts(f), 0);
        run_forest(&used, &v, 0, NULL, f, tape);
        ck_assert_mem_eq(used.g->slab, fresh.g->slab,
                         fresh.g->n * sizeof(float));
        infer_forest_clear(f);
        run_forest(&bare, &v, 0, NULL, f, NULL);
        for (size_t i = 0; i < v.n; i++)
            ck_assert_mem_eq(used.hidden[i], fresh.hidden[i],
                             (v.len[i] - v.from[i]) * c.dim * sizeof(float));
        same_hidden(&bare, &fresh);
        run_end(&fresh);
        run_end(&used);
        run_end(&bare);
    }
    infer_tape_free(tape);
    infer_forest_free(f);
    infer_params_free(p);
}
END_TEST

/* A tape that one model has used serves another, of more layers. */
START_TEST(tape_for_another_model)
{
    static struct grove v;
    struct infer_tape *tape;
    struct infer_forest *f;
    struct pk_rng rng;
    pk_rng_seed(&rng, 300, 0);
    random_grove(&v, &rng, 3);
    ck_ok(infer_tape_new(&tape, INFER_KEEP_ALL, &err));
    ck_ok(infer_forest_new(&f, &err));
    for (int i = SHAPES; i-- > 0;) {
        struct infer_config c = shape(i);
        struct infer_params *p = weights(&c, 9);
        struct run fresh, used;
        run_start(&fresh, &c, p, &v, 1);
        run_start(&used, &c, p, &v, 1);
        run_together(&fresh, NULL, false);
        infer_forest_clear(f);
        run_forest(&used, &v, 0, NULL, f, tape);
        ck_assert_mem_eq(used.g->slab, fresh.g->slab,
                         fresh.g->n * sizeof(float));
        run_end(&fresh);
        run_end(&used);
        infer_params_free(p);
    }
    infer_forest_free(f);
    infer_tape_free(tape);
}
END_TEST

START_TEST(backward_adds)
{
    static struct grove v;
    struct infer_config c = shape(1);
    struct infer_params *p = weights(&c, 10);
    struct run once, twice;
    struct pk_rng rng;
    pk_rng_seed(&rng, 400, 0);
    random_grove(&v, &rng, c.vocab);
    run_start(&once, &c, p, &v, 1);
    run_start(&twice, &c, p, &v, 1);
    run_together(&once, NULL, false);
    run_together(&twice, NULL, false);
    run_together(&twice, NULL, false);
    for (size_t k = 0; k < once.g->n; k++)
        once.g->slab[k] *= 2;
    same_gradients(&twice, &once);
    run_end(&once);
    run_end(&twice);
    infer_params_free(p);
}
END_TEST

/* More tokens than one block of rows: a long prompt with several answers. */
START_TEST(large_forest)
{
    enum { PROMPT = 700, ANSWER = 330, ANSWERS = 6, ALL = PROMPT + ANSWER };
    static int32_t id[ANSWERS][ALL];
    struct infer_config c = shape(1);
    struct infer_params *p = weights(&c, 11);
    struct infer_forest *f;
    struct pk_rng rng;
    size_t read[ANSWERS], zero;
    pk_rng_seed(&rng, 500, 0);
    ck_ok(infer_forest_new(&f, &err));
    for (size_t i = 0; i < ANSWERS; i++) {
        for (size_t k = 0; k < ALL; k++)
            id[i][k] = i > 0 && k < PROMPT
                           ? id[0][k]
                           : (int32_t)pk_rng_below(&rng, c.vocab);
        id[i][PROMPT] = (int32_t)i; /* they part at once */
        ck_ok(infer_forest_add(f, id[i], ALL, ALL - 1, &read[i], &err));
    }
    ck_assert_uint_eq(infer_forest_tokens(f), PROMPT + ANSWERS * ANSWER);
    float *together = floats(ANSWERS * c.dim), *alone = floats(c.dim);
    ck_ok(infer_forward(&c, &p->w, f, NULL, together, &err));
    for (size_t i = 0; i < ANSWERS; i++) {
        infer_forest_clear(f);
        ck_ok(infer_forest_add(f, id[i], ALL, ALL - 1, &zero, &err));
        ck_ok(infer_forward(&c, &p->w, f, NULL, alone, &err));
        ck_assert(close_to(together + read[i] * c.dim, alone, c.dim, 1e-5, 0));
    }
    free(together);
    free(alone);
    infer_forest_free(f);
    infer_params_free(p);
}
END_TEST

START_TEST(refused)
{
    struct infer_config c = shape(0);
    struct infer_params *p = weights(&c, 12);
    struct infer_forest *f;
    int32_t ids[LONGEST] = {0};
    float *hidden = floats(LONGEST * c.dim);
    size_t read[LONGEST];
    ck_ok(infer_forest_new(&f, &err));
    struct infer_tape *tape;
    ck_ok(infer_tape_new(&tape, INFER_KEEP_ALL,
                         &err)); /* an empty forest is none of these */
    ck_ok(infer_forward(&c, &p->w, f, tape, hidden, &err));
    ck_ok(infer_backward(&c, &p->w, f, tape, hidden, &p->w, &err));
    infer_tape_free(tape);
    ck_assert_int_eq(infer_forest_add(f, ids, 0, 0, read, &err), PK_EDATA);
    ck_assert_int_eq(infer_forest_add(f, ids, 3, 3, read, &err), PK_EDATA);
    ck_assert_uint_eq(infer_forest_tokens(f), 0);
    ck_assert_uint_eq(infer_forest_flat(f), 0);

    static const int32_t bad[] = {-1, 13, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ids[1] = bad[i];
        infer_forest_clear(f);
        ck_ok(infer_forest_add(f, ids, 3, 2, read, &err));
        ck_assert_int_eq(infer_forward(&c, &p->w, f, NULL, hidden, &err),
                         PK_EDATA);
        ck_assert_ptr_nonnull(strstr(err.text, "vocabulary"));
    }
    ids[1] = 1;
    c.max_positions = 5;
    for (size_t n = 5; n <= 6; n++) {
        infer_forest_clear(f);
        ck_ok(infer_forest_add(f, ids, n, n - 1, read, &err));
        ck_assert_int_eq(infer_forward(&c, &p->w, f, NULL, hidden, &err),
                         n == 5 ? 0 : PK_EDATA);
    }
    free(hidden);
    infer_forest_free(f);
    infer_params_free(p);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("forest");
    TCase *t = tcase_create("forest");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, counts);
    tcase_add_loop_test(t, forest_is_its_paths, 0, SHAPES);
    tcase_add_loop_test(t, threads, 0, SHAPES);
    tcase_add_loop_test(t, recomputed, 0, SHAPES);
    tcase_add_loop_test(t, reuse_gives_the_same_bits, 0, SHAPES);
    tcase_add_test(t, tape_for_another_model);
    tcase_add_test(t, backward_adds);
    tcase_add_test(t, large_forest);
    tcase_add_test(t, refused);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
