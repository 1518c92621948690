/* Responses to dialogues: what is kept between turns does not show, callers
 * see the text as it grows, and every way to end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/utf8.h"
#include "infer/generate.h"
#include "infer/shape.h"
#include "tests/support.h"

#define TOKENIZER "tests/fixtures/tokenizer"

static struct pk_err err;

/* A model of random weights large enough that what it says depends on what it
 * was told. */
static struct infer_model *m;
static struct infer_tokenizer *t;

static void setup(void)
{
    struct infer_config c;
    struct infer_params *p;
    ck_ok(infer_shape_parse(
        &c, "dim=48,layers=3,heads=6,kv_heads=2,hidden=64,positions=256",
        &err));
    c.vocab = 512;
    c.eos = 2;
    ck_ok(infer_params_new(&p, &c, &err));
    infer_params_init(p, &c, 11);
    for (size_t i = 0; i < p->n; i++)
        p->slab[i] *= 4;
    ck_ok(infer_model_save(temp_dir(), &c, &p->w, INFER_F32, TOKENIZER, &err));
    infer_params_free(p);
    ck_ok(infer_model_open(&m, temp_dir(), &err));
    ck_ok(infer_tokenizer_open(&t, temp_dir(), &err));
}

static void teardown(void)
{
    infer_tokenizer_close(t);
    infer_model_close(m);
}

static struct infer_generator *generator(void)
{
    struct infer_generator *g;
    ck_ok(infer_generator_new(&g, m, t, &err));
    return g;
}

static struct infer_message say(enum infer_role role, const char *text)
{
    return (struct infer_message){role, text, strlen(text)};
}

static const struct infer_request warm = {
    .sampling = {1, 0.98, 60, 1.1}, .seed = 7, .stream = 3, .max_tokens = 24};

/* Two turns with one generator, and each with a new one. */
START_TEST(turns_share_their_beginning)
{
    struct infer_message said[5] = {
        say(INFER_SYSTEM, "Be brief."), say(INFER_USER, "What is a kettle?"),
        say(INFER_ASSISTANT, "A pot."), say(INFER_USER, "And a pot?")};
    struct infer_generator *g = generator();
    struct infer_response one, two, again, alone;
    ck_ok(infer_generate(g, said, 2, &warm, &one, &err));
    ck_assert_uint_eq(one.kept, 0);
    ck_assert_uint_gt(one.tokens, 0);
    ck_ok(infer_generate(g, said, 4, &warm, &two, &err));
    ck_assert_uint_gt(two.kept, one.prompt_tokens / 2);
    ck_ok(infer_generate(g, said, 2, &warm, &again, &err));
    ck_assert_uint_eq(again.kept, one.prompt_tokens - 1);
    ck_assert_str_eq(one.text, again.text);
    struct infer_generator *fresh = generator();
    ck_ok(infer_generate(fresh, said, 4, &warm, &alone, &err));
    ck_assert_uint_eq(alone.kept, 0);
    ck_assert_str_eq(two.text, alone.text);
    ck_assert_str_ne(one.text, two.text);
    free(one.text);
    free(two.text);
    free(again.text);
    free(alone.text);
    infer_generator_free(g);
    infer_generator_free(fresh);
}
END_TEST

/* A caller that writes down what it is told, and cancels after some calls. */
struct listener {
    char text[4096];
    size_t len, calls, enough;
};

static int listen(void *arg, const char *text, size_t len)
{
    struct listener *l = arg;
    ck_assert_uint_eq(pk_utf8_check(text, len), len);
    ck_assert_uint_lt(l->len + len, sizeof l->text);
    memcpy(l->text + l->len, text, len);
    l->len += len;
    return ++l->calls == l->enough;
}

START_TEST(listeners_get_the_text)
{
    const struct infer_message ask = say(INFER_USER, "Tell me of the sea.");
    struct infer_generator *g = generator();
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct listener l = {.enough = SIZE_MAX};
        struct infer_request q = warm;
        struct infer_response r;
        q.seed = seed;
        q.on_text = listen;
        q.arg = &l;
        ck_ok(infer_generate(g, &ask, 1, &q, &r, &err));
        ck_assert_uint_eq(l.len, r.len);
        ck_assert_mem_eq(l.text, r.text, r.len);
        ck_assert_uint_ge(l.calls, r.tokens);
        free(r.text);
    }
    infer_generator_free(g);
}
END_TEST

/* Cancelled after any number of calls: the text so far is a beginning of the
 * whole, and the next answer is as if nothing had been. */
START_TEST(cancelled_anywhere)
{
    char *long_ask = calloc(1, 700); /* a byte is a token: two chunks or so */
    memset(long_ask, 'x', 150);
    const struct infer_message ask = say(INFER_USER, long_ask);
    struct infer_generator *g = generator();
    struct infer_response whole, r;
    ck_ok(infer_generate(g, &ask, 1, &warm, &whole, &err));
    for (size_t n = 1; n <= whole.tokens; n += 5) {
        struct listener l = {.enough = n};
        struct infer_request q = warm;
        q.on_text = listen;
        q.arg = &l;
        ck_ok(infer_generate(g, &ask, 1, &q, &r, &err));
        ck_assert_int_eq(r.finish, INFER_FINISH_CANCELLED);
        ck_assert_uint_eq(l.calls, n);
        ck_assert_uint_le(r.tokens, n);
        free(r.text);
        ck_ok(infer_generate(g, &ask, 1, &warm, &r, &err));
        ck_assert_str_eq(r.text, whole.text);
        free(r.text);
    }
    free(whole.text);
    free(long_ask);
    infer_generator_free(g);
}
END_TEST

START_TEST(ends)
{
    const struct infer_message ask = say(INFER_USER, "Go on.");
    struct infer_generator *g = generator();
    struct infer_request q = warm;
    struct infer_response whole, r;
    q.max_tokens = 0;
    ck_ok(infer_generate(g, &ask, 1, &q, &whole, &err));
    /* Up to the last position, the one where the last token would go too. */
    if (whole.finish == INFER_FINISH_LENGTH)
        ck_assert_uint_eq(whole.prompt_tokens + whole.tokens, 256 + 1);
    q.max_tokens = 1;
    ck_ok(infer_generate(g, &ask, 1, &q, &r, &err));
    ck_assert_uint_eq(r.tokens, 1);
    ck_assert_int_eq(r.finish, INFER_FINISH_LENGTH);
    free(r.text);
    free(whole.text);
    q.max_tokens = 40;
    ck_ok(infer_generate(g, &ask, 1, &q, &whole, &err));
    /* Any four bytes out of the middle that begin a character stop it there. */
    ck_assert_uint_gt(whole.len, 20);
    for (size_t at = whole.len / 4; at < whole.len * 3 / 4;
         at += 1 + whole.len / 10) {
        char text[16];
        size_t n = 4;
        while (n < 12 && pk_utf8_check(whole.text + at, n) < n)
            n++;
        if (n == 12)
            continue;
        memcpy(text, whole.text + at, n);
        text[n] = 0;
        const char *const stop[] = {text};
        q.stop = stop;
        q.n_stops = 1;
        ck_ok(infer_generate(g, &ask, 1, &q, &r, &err));
        ck_assert_int_eq(r.finish, INFER_FINISH_STOP);
        ck_assert_uint_eq(r.len, strstr(whole.text, text) - whole.text);
        ck_assert_mem_eq(r.text, whole.text, r.len);
        free(r.text);
    }
    free(whole.text);
    infer_generator_free(g);
}
END_TEST

/* A dialogue longer than there is room for loses its oldest exchanges. */
START_TEST(long_dialogues)
{
    enum { TURNS = 21 };
    struct infer_message said[TURNS];
    struct infer_generator *g = generator();
    struct infer_response r;
    for (int i = 0; i < TURNS; i++)
        said[i] = say(i % 2 ? INFER_ASSISTANT : INFER_USER,
                      i % 2 ? "A kettle is a pot." : "What is a kettle then?");
    ck_ok(infer_generate(g, said, TURNS, &warm, &r, &err));
    ck_assert_uint_gt(r.dropped, 0);
    ck_assert_uint_le(r.prompt_tokens + warm.max_tokens, 256);
    free(r.text);
    char *longest = calloc(1, 1000);
    memset(longest, 'q', 999);
    said[0] = say(INFER_USER, longest);
    ck_assert_int_eq(infer_generate(g, said, 1, &warm, &r, &err), PK_EDATA);
    ck_assert_ptr_null(r.text);
    ck_assert_int_eq(infer_generate(g, said, 0, &warm, &r, &err), PK_EDATA);
    ck_assert_int_eq(infer_generate(g, said + 1, 1, &warm, &r, &err), PK_EDATA);
    free(longest);
    infer_generator_free(g);
}
END_TEST

START_TEST(requests_are_checked)
{
    static const char *const empty[] = {"x", ""}, *const broken[] = {"\xC3"};
    const struct infer_message ask = say(INFER_USER, "Hm?");
    struct infer_generator *g = generator();
    struct infer_response r;
    const struct infer_request bad[] = {
        {.sampling = {-1, 1, 0, 1}},
        {.sampling = {1, 0, 0, 1}},
        {.sampling = {1, 1.5, 0, 1}},
        {.sampling = {1, 1, 0, 0}},
        {.sampling = INFER_SAMPLING_INIT, .stop = empty, .n_stops = 2},
        {.sampling = INFER_SAMPLING_INIT, .stop = broken, .n_stops = 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(infer_generate(g, &ask, 1, &bad[i], &r, &err),
                         PK_EUSAGE);
    infer_generator_free(g);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("generate");
    TCase *c = tcase_create("core");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, turns_share_their_beginning);
    tcase_add_test(c, listeners_get_the_text);
    tcase_add_test(c, cancelled_anywhere);
    tcase_add_test(c, ends);
    tcase_add_test(c, long_dialogues);
    tcase_add_test(c, requests_are_checked);
    suite_add_tcase(s, c);
    return run_suite(s);
}
