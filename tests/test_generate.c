/* Responses to dialogues: what is kept between turns does not show, callers
 * see the text as it grows, and every way to end. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/utf8.h"
#include "infer/files/shape.h"
#include "infer/generate/batch.h"
#include "infer/generate/generate.h"
#include "infer/generate/rows.h"
#include "tests/schema.h"
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

/* ---- Many at once -------------------------------------------------------- */

enum { PROMPTS = 12, SAMPLES = 3 };

/* Prompts that share a long beginning, are beginnings of each other, are equal,
 * or share nothing. */
static void make_prompts(struct infer_ids *p)
{
    struct pk_rng r;
    pk_rng_seed(&r, 21, 0);
    for (size_t i = 0; i < PROMPTS; i++) {
        size_t n = 1 + pk_rng_below(&r, 80), from = 0;
        if (i > 2 && pk_rng_below(&r, 4)) {
            const struct infer_ids *other = &p[pk_rng_below(&r, i)];
            from = pk_rng_below(&r, 5) ? pk_rng_below(&r, other->len + 1)
                                       : other->len;
            for (size_t k = 0; k < from; k++)
                ck_ok(infer_ids_add(&p[i], other->id[k], &err));
        }
        while (p[i].len < n)
            ck_ok(infer_ids_add(&p[i], (int32_t)pk_rng_below(&r, 512), &err));
    }
}

static struct infer_request request_of(size_t i)
{
    static const char *const stop[] = {"e", "zz"};
    struct infer_request q = warm;
    q.stream = i << 20;
    q.sampling.repetition_penalty = i % 2 ? 1.2 : 1;
    q.sampling.temperature = i % 5 == 0 ? 0 : 1.2;
    q.max_tokens = i % 4 == 0 ? 1 : i == 1 ? 0 : 5 + i;
    q.stop = stop;
    q.n_stops = i % 3 == 0 ? 2 : 0;
    return q;
}

static void check_ask(const struct infer_ask *a,
                      struct infer_response (*want)[SAMPLES])
{
    ck_assert_uint_eq(a->samples, SAMPLES);
    for (size_t k = 0; k < SAMPLES; k++) {
        const struct infer_response *w = &want[a->number][k];
        const struct infer_response *got = &a->response[k];
        ck_assert_str_eq(got->text, w->text);
        ck_assert_uint_eq(got->tokens, w->tokens);
        ck_assert_int_eq(got->finish, w->finish);
    }
}

/* Ask all, in one order or the other; all of them come back, as alone. */
static void run_batch(const struct infer_batch_opts *o, bool backwards,
                      const struct infer_ids *prompt,
                      struct infer_response (*want)[SAMPLES])
{
    struct infer_batch *b;
    struct infer_ask *a;
    size_t asked = 0, done = 0;
    int rc = 1;
    ck_ok(infer_batch_new(&b, m, t, o, &err));
    while (asked < PROMPTS || rc) {
        while (asked < PROMPTS && infer_batch_wants(b)) {
            size_t i = backwards ? PROMPTS - 1 - asked : asked;
            const struct infer_request q = request_of(i);
            const struct infer_asked ask = {&prompt[i], i % 2, &q,
                                            SAMPLES,    i,     NULL};
            ck_ok(infer_batch_ask(b, &ask, &err));
            asked++;
        }
        ck_ok(rc = infer_batch_step(b, &err));
        for (; (a = infer_batch_done(b)); done++) {
            check_ask(a, want);
            infer_ask_free(a);
        }
    }
    ck_assert_uint_eq(done, PROMPTS);
    infer_batch_free(b);
}

/* Every response is the one that its prompt gets alone: whatever the number of
 * rows, the room, the order, the threads, and what is shared or kept. */
START_TEST(a_batch_is_each_alone)
{
    struct infer_ids prompt[PROMPTS] = {{0}};
    struct infer_response want[PROMPTS][SAMPLES];
    make_prompts(prompt);
    for (size_t i = 0; i < PROMPTS; i++)
        for (size_t k = 0; k < SAMPLES; k++) {
            struct infer_generator *g = generator();
            struct infer_request q = request_of(i);
            q.stream += k;
            ck_ok(infer_generate_ids(g, &prompt[i], i % 2, &q, &want[i][k],
                                     &err));
            infer_generator_free(g);
        }
    const struct infer_batch_opts how[] = {{1, 256, false},  {1, 256, true},
                                           {2, 300, false},  {5, 600, true},
                                           {8, 4000, false}, {36, 9000, false}};
    for (size_t h = 0; h < sizeof how / sizeof *how; h++) {
        omp_set_num_threads(1 + (int)h % 2);
        run_batch(&how[h], h % 3 == 1, prompt, want);
    }
    for (size_t i = 0; i < PROMPTS; i++) {
        for (size_t k = 0; k < SAMPLES; k++)
            free(want[i][k].text);
        infer_ids_release(&prompt[i]);
    }
}
END_TEST

START_TEST(a_batch_refuses)
{
    struct infer_batch *b;
    struct infer_ids prompt = {0};
    struct infer_request q = warm;
    const struct infer_batch_opts o = {4, 60, false};
    const struct infer_asked ask = {&prompt, true, &q, 2, 0, NULL};
    ck_ok(infer_batch_new(&b, m, t, &o, &err));
    ck_assert_int_eq(infer_batch_step(b, &err), 0);
    ck_assert_int_eq(infer_batch_ask(b, &ask, &err), PK_EDATA);
    for (int i = 0; i < 40; i++)
        ck_ok(infer_ids_add(&prompt, 7, &err));
    ck_assert_int_eq(infer_batch_ask(b, &ask, &err), PK_EDATA); /* 40 + 23 */
    q.max_tokens = 21;
    ck_ok(infer_batch_ask(b, &ask, &err));
    ck_ok(infer_batch_step(b, &err));
    prompt.id[3] = 512;
    ck_assert_int_eq(infer_batch_ask(b, &ask, &err), PK_EDATA);
    infer_batch_clear(b);
    ck_assert_int_eq(infer_batch_step(b, &err), 0);
    ck_assert_ptr_null(infer_batch_done(b));
    infer_ids_release(&prompt);
    infer_batch_free(b);
}
END_TEST

/* ---- Rows ---------------------------------------------------------------- */

/* What comes out is what the schema says. */
START_TEST(rows_are_as_their_schema)
{
    static const char rows[] =
        "{\"prompt\":\"What is a pot?\"}\n"
        "{\"prompt\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
        "{\"role\":\"user\",\"content\":\"Hm?\"}]}\n"
        "{\"text\":\"Once\"}\nnothing\n{\"prompt\":7}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"assistant\",\"content\":\"b\"},"
        "{\"role\":\"user\",\"content\":\"c\"}]}\n";
    const struct pk_cli cli = {.verb = "generate", .quiet = true};
    char *in = temp_path("in.jsonl"), *out = temp_path("out.jsonl");
    struct infer_rows_opts o = {.cli = &cli,
                                .model = temp_dir(),
                                .input = in,
                                .output = out,
                                .request = warm,
                                .samples = 2,
                                .batch = 3};
    write_file(in, rows, sizeof rows - 1);
    ck_assert_int_eq(infer_generate_rows(&o, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "2 rows could not be answered"));
    size_t len, n = 0;
    char *text = read_file(out, &len);
    for (char *s = text, *end; (end = strchr(s, '\n')); s = end + 1, n++) {
        cJSON *row;
        ck_ok(pk_json_parse(&row, s, (size_t)(end - s), &err));
        ck_schema(row, "schemas/generate-output.schema.json");
        const cJSON *r = cJSON_GetObjectItem(row, "responses");
        ck_assert_int_eq(cJSON_GetArraySize(r), n == 3 || n == 4 ? 0 : 2);
        cJSON_Delete(row);
    }
    ck_assert_uint_eq(n, 6);
    free(text);
    free(in);
    free(out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("generate");
    TCase *c = tcase_create("core");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, turns_share_their_beginning);
    tcase_add_test(c, listeners_get_the_text);
    tcase_add_test(c, cancelled_anywhere);
    tcase_add_test(c, ends);
    tcase_add_test(c, long_dialogues);
    tcase_add_test(c, requests_are_checked);
    tcase_add_test(c, a_batch_is_each_alone);
    tcase_add_test(c, a_batch_refuses);
    tcase_add_test(c, rows_are_as_their_schema);
    suite_add_tcase(s, c);
    return run_suite(s);
}
