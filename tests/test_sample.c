/* Drawing tokens against a plain reference in double precision; text as its
 * tokens come: valid UTF-8 wherever it is cut, and stop strings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "infer/generate/sample.h"
#include "infer/generate/stream.h"
#include "tests/support.h"

static struct pk_err err;

/* ---- Sampling ------------------------------------------------------------ */

enum { V = 300 };

/* The likeliest first; the smaller id of equals. */
static void rank(const double *p, int *order)
{
    for (int i = 0; i < V; i++) {
        int at = i;
        for (; at > 0 && p[order[at - 1]] < p[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* p = what infer_sample should draw from. */
static void reference(const struct infer_sampling *s, const float *logits,
                      double *p)
{
    int order[V];
    double max = -INFINITY, sum = 0;
    for (int i = 0; i < V; i++)
        max = fmax(max, (double)logits[i]);
    for (int i = 0; i < V; i++)
        sum += p[i] = exp(((double)logits[i] - max) / s->temperature);
    rank(p, order);
    for (int i = s->top_k ? (int)s->top_k : V; i < V; i++) {
        sum -= p[order[i]];
        p[order[i]] = 0;
    }
    double held = 0, want = s->top_p * sum;
    int kept = 0;
    for (; kept < V && (held < want || s->top_p >= 1); kept++)
        held += p[order[kept]];
    for (int i = 0; i < V; i++)
        p[order[i]] = i < kept ? p[order[i]] / held : 0;
}

static void random_logits(float *logits, struct pk_rng *r, double scale)
{
    for (int i = 0; i < V; i++)
        logits[i] = (float)(scale * pk_rng_normal(r));
}

/* By counting; what is no candidate must never come. */
START_TEST(draws_follow_the_reference)
{
    static const struct infer_sampling how[] = {
        {1, 1, 0, 1},       {0.5, 1, 0, 1},   {2, 1, 0, 1},     {1, 0.9, 0, 1},
        {1, 0.3, 0, 1},     {1, 1, 5, 1},     {0.7, 0.8, 7, 1}, {1, 0.5, 40, 1},
        {1.3, 0.999, 0, 1}, {1, 0.95, 299, 1}};
    enum { DRAWS = 20000 };
    const struct infer_sampling *s = &how[_i];
    struct pk_rng r;
    float logits[V], copy[V];
    double p[V];
    int32_t order[V];
    size_t n[V] = {0};
    pk_rng_seed(&r, 3, (uint64_t)_i);
    random_logits(logits, &r, 2.5);
    reference(s, logits, p);
    for (int i = 0; i < DRAWS; i++) {
        memcpy(copy, logits, sizeof copy);
        n[infer_sample(s, copy, order, V, &r)]++;
    }
    for (int i = 0; i < V; i++) {
        if (p[i] == 0)
            ck_assert_msg(n[i] == 0, "token %d is none of the candidates", i);
        /* Five standard deviations. */
        double sigma = sqrt(p[i] * (1 - p[i]) / DRAWS);
        ck_assert_double_le(fabs((double)n[i] / DRAWS - p[i]),
                            5 * sigma + 1e-4);
    }
}
END_TEST

START_TEST(the_likeliest_and_equals)
{
    struct pk_rng r;
    int32_t order[8];
    float tie[8] = {1, 2, 2, 0, 2, -3, 2, 1}, copy[8];
    const struct infer_sampling cold = {0, 1, 0, 1}, first = {1, 1, 1, 1},
                                two = {1, 1, 2, 1}, tiny = {1e-300, 1, 0, 1},
                                half = {1e-9, 0.4, 0, 1};
    pk_rng_seed(&r, 1, 1);
    ck_assert_int_eq(infer_sample(&cold, tie, order, 8, &r), 1);
    ck_assert_int_eq(infer_sample(&first, tie, order, 8, &r), 1);
    for (int i = 0; i < 200; i++) {
        memcpy(copy, tie, sizeof copy);
        ck_assert_int_le(infer_sample(&two, copy, order, 8, &r), 2);
        memcpy(copy, tie, sizeof copy);
        int32_t id = infer_sample(&tiny, copy, order, 8, &r);
        ck_assert(tie[id] == 2);
        memcpy(copy, tie, sizeof copy); /* four of a quarter each: two */
        ck_assert_int_le(infer_sample(&half, copy, order, 8, &r), 2);
    }
    const float flat[8] = {0};
    size_t n[8] = {0};
    const struct infer_sampling all = {1, 0.9999999, 0, 1};
    for (int i = 0; i < 2000; i++) {
        memcpy(copy, flat, sizeof copy);
        n[infer_sample(&all, copy, order, 8, &r)]++;
    }
    for (int i = 0; i < 8; i++)
        ck_assert_uint_gt(n[i], 150);
}
END_TEST

START_TEST(what_was_said_is_penalized)
{
    struct pk_rng r;
    float logits[V], got[V];
    unsigned char seen[V];
    pk_rng_seed(&r, 8, 1);
    random_logits(logits, &r, 3);
    for (int i = 0; i < V; i++)
        seen[i] = pk_rng_below(&r, 3) == 0;
    for (double penalty = 0.7; penalty < 2; penalty += 0.3) {
        memcpy(got, logits, sizeof got);
        infer_penalize(got, seen, V, penalty);
        for (int i = 0; i < V; i++) {
            double x = (double)logits[i];
            double want = !seen[i] ? x : x > 0 ? x / penalty : x * penalty;
            ck_assert_double_eq_tol((double)got[i], want, 1e-6);
        }
    }
}
END_TEST

/* ---- Text ---------------------------------------------------------------- */

static struct infer_tokenizer *tokenizer(void)
{
    struct infer_tokenizer *t;
    ck_ok(infer_tokenizer_open(&t, "tests/fixtures/tokenizer", &err));
    return t;
}

/* The id of a byte piece. */
static int32_t byte(unsigned char b)
{
    return 3 + b;
}

/* What is certain grows, is valid wherever it ends, and stays as it was. */
static void follow(const struct infer_stream *s, char *copy, size_t *n)
{
    ck_assert_uint_ge(s->sure, *n);
    ck_assert_uint_le(s->sure, s->text.len);
    if (*n)
        ck_assert_mem_eq(s->text.data, copy, *n);
    if (s->sure)
        memcpy(copy, s->text.data, s->sure);
    *n = s->sure;
    ck_assert_uint_eq(pk_utf8_check(copy, *n), *n);
}

/* Whole characters, halves of them, and bytes that are none, cut after every
 * byte: as much as is certain is out, and the whole is what decoding gives. */
START_TEST(cut_at_every_byte)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
                               "\xE0\xA4\x95\xED\x9F\xBF\xF4\x8F\xBF\xBF"
                               "\xFF\xC0\xAFz\xE2\x82z\xF0\x9Fq\xED\xA0\x80"
                               "\xF4\x90\x80\x80\x80\xE2\x82";
    struct infer_tokenizer *t = tokenizer();
    struct infer_stream s = {0};
    for (size_t n = 0; n < sizeof text; n++) {
        int32_t ids[sizeof text];
        char copy[256], *want;
        size_t told = 0, len, whole = 0;
        infer_stream_start(&s, t, true, NULL, 0);
        for (size_t i = 0; i < n; i++) {
            ids[i] = byte((unsigned char)text[i]);
            ck_ok(infer_stream_add(&s, ids[i], &err));
            follow(&s, copy, &told);
            uint32_t cp;
            for (size_t k;
                 (k = pk_utf8_decode(text + whole, i + 1 - whole, &cp)) > 0;)
                whole += k;
            if (i < 20) /* up to there all is well: nothing is late */
                ck_assert_uint_eq(told, whole);
        }
        ck_ok(infer_stream_end(&s, &err));
        follow(&s, copy, &told);
        ck_assert_uint_eq(told, s.text.len);
        ck_ok(infer_tokenizer_decode(t, ids, n, &want, &len, &err));
        ck_assert_uint_eq(len, told);
        ck_assert_mem_eq(want, copy, len);
        free(want);
    }
    infer_stream_release(&s);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(random_tokens_give_what_decoding_gives)
{
    struct infer_tokenizer *t = tokenizer();
    struct infer_stream s = {0};
    struct pk_rng r;
    pk_rng_seed(&r, 4, 4);
    for (int round = 0; round < 2000; round++) {
        int32_t ids[40];
        char copy[4096], *want;
        size_t n = pk_rng_below(&r, 40), told = 0, len;
        infer_stream_start(&s, t, true, NULL, 0);
        for (size_t i = 0; i < n; i++) {
            bool bytes = pk_rng_below(&r, 2) == 0;
            ids[i] = (int32_t)(bytes ? 3 + pk_rng_below(&r, 256)
                                     : pk_rng_below(&r, 512));
            ck_ok(infer_stream_add(&s, ids[i], &err));
            follow(&s, copy, &told);
        }
        ck_ok(infer_stream_end(&s, &err));
        ck_ok(infer_tokenizer_decode(t, ids, n, &want, &len, &err));
        ck_assert_uint_eq(len, s.text.len);
        ck_assert_mem_eq(want, s.text.data, len + 1);
        free(want);
    }
    infer_stream_release(&s);
    infer_tokenizer_close(t);
}
END_TEST

/* Where a text must end: before the stop string that is the first to be whole,
 * the longest one if several are at that byte. */
static bool plain_stop(const char *text, const char *const *stop, size_t n,
                       size_t *at)
{
    size_t len = strlen(text);
    for (size_t end = 1; end <= len; end++) {
        size_t longest = 0;
        for (size_t i = 0; i < n; i++) {
            size_t k = strlen(stop[i]);
            if (k <= end && k > longest &&
                strncmp(text + end - k, stop[i], k) == 0)
                longest = k;
        }
        if (longest) {
            *at = end - longest;
            return true;
        }
    }
    *at = len;
    return false;
}

/* The longest end of the text that may be the beginning of a stop string. */
static size_t plain_held(const char *text, size_t len, const char *const *stop,
                         size_t n)
{
    for (size_t k = len; k > 0; k--)
        for (size_t i = 0; i < n; i++)
            if (k < strlen(stop[i]) && memcmp(text + len - k, stop[i], k) == 0)
                return k;
    return 0;
}

/* Few letters, so that everything overlaps; U+00E9 and U+20AC fall into bytes
 * that are tokens of their own. */
START_TEST(stop_strings)
{
    static const char *const letters[] = {"a", "b", "\xC3\xA9", "\xE2\x82\xAC"};
    struct infer_tokenizer *t = tokenizer();
    struct infer_stream s = {0};
    struct pk_rng r;
    size_t stopped = 0;
    pk_rng_seed(&r, 6, 6);
    for (int round = 0; round < 20000; round++) {
        char text[128] = "", stops[3][24] = {"", "", ""}, copy[128];
        const char *const stop[3] = {stops[0], stops[1], stops[2]};
        size_t n = pk_rng_below(&r, 4), told = 0, end, letter[24];
        for (size_t i = 0; i < n; i++)
            for (size_t k = 1 + pk_rng_below(&r, 5); k > 0; k--)
                strcat(stops[i], letters[pk_rng_below(&r, 4)]);
        size_t len = pk_rng_below(&r, 24);
        for (size_t i = 0; i < len; i++)
            strcat(text, letters[letter[i] = pk_rng_below(&r, 4)]);
        bool want = plain_stop(text, stop, n, &end);
        stopped += want;
        infer_stream_start(&s, t, false, stop, n);
        size_t fed = 0;
        for (const char *p = text; *p && !s.stopped; p++) {
            ck_ok(infer_stream_add(&s, byte((unsigned char)*p), &err));
            follow(&s, copy, &told);
            fed++;
            if (pk_utf8_check(text, fed) == fed && !s.stopped)
                ck_assert_uint_eq(told, fed - plain_held(text, fed, stop, n));
        }
        ck_ok(infer_stream_end(&s, &err));
        follow(&s, copy, &told);
        ck_assert_int_eq(s.stopped, want);
        ck_assert_uint_eq(told, end);
        ck_assert_mem_eq(copy, text, end);
    }
    ck_assert_uint_gt(stopped, 5000);
    infer_stream_release(&s);
    infer_tokenizer_close(t);
}
END_TEST

/* A stop string inside one token's piece, and the spaces between words. */
START_TEST(stop_inside_a_piece)
{
    static const char *const stop[] = {"he c"};
    struct infer_tokenizer *t = tokenizer();
    struct infer_stream s = {0};
    struct infer_ids ids = {0};
    ck_ok(infer_tokenizer_encode(t, "the cat and the cow", 19, &ids, &err));
    infer_stream_start(&s, t, true, stop, 1);
    size_t used = 0;
    while (used < ids.len && !s.stopped)
        ck_ok(infer_stream_add(&s, ids.id[used++], &err));
    ck_assert(s.stopped);
    ck_assert_str_eq(s.text.data, "t");
    ck_assert_uint_eq(s.sure, 1);
    infer_ids_release(&ids);
    infer_stream_release(&s);
    infer_tokenizer_close(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sample");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, draws_follow_the_reference, 0, 10);
    tcase_add_test(t, the_likeliest_and_equals);
    tcase_add_test(t, what_was_said_is_penalized);
    tcase_add_test(t, cut_at_every_byte);
    tcase_add_test(t, random_tokens_give_what_decoding_gives);
    tcase_add_test(t, stop_strings);
    tcase_add_test(t, stop_inside_a_piece);
    suite_add_tcase(s, t);
    return run_suite(s);
}
