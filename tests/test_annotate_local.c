/* annotate: a model directory as a source, in threads. */
#include <string.h>

#include "annotate/source/local.h"
#include "common/utf8.h"
#include "infer/files/shape.h"
#include "infer/infer.h"
#include "tests/support.h"

static struct pk_err err;
static struct annotate__hub *hub;
static struct annotate__source *model;

static void set_up(void)
{
    struct infer_config c;
    struct infer_params *p;
    ck_ok(infer_shape_parse(
        &c, "dim=32,layers=2,heads=4,kv_heads=2,hidden=48,positions=256",
        &err));
    c.vocab = 512;
    c.eos = 2;
    ck_ok(infer_params_new(&p, &c, &err));
    infer_params_init(p, &c, 11);
    ck_ok(infer_model_save(temp_dir(), &c, &p->w, INFER_F32,
                           "tests/fixtures/tokenizer", &err));
    infer_params_free(p);
    ck_ok(annotate__hub_open(&hub, &err));
    ck_ok(annotate__local_open(&model, hub, "one", temp_dir(), &err));
}

static void tear_down(void)
{
    model->kind->close(model);
    annotate__hub_close(hub);
}

static void ask(struct annotate__stream *s, const char *prompt, int64_t seed,
                size_t max_tokens)
{
    const struct prefdb_turn turn = {PREFDB_USER, prompt, strlen(prompt)};
    const struct annotate__query q = {.turns = &turn,
                                      .n_turns = 1,
                                      .temperature = 1,
                                      .top_p = 0.95,
                                      .seed = seed,
                                      .max_tokens = max_tokens};
    annotate__stream_init(s);
    ck_ok(annotate__hub_start(hub, model, &q, s, &err));
}

static void settle(void)
{
    bool changed;
    while (annotate__hub_busy(hub))
        ck_ok(annotate__hub_wait(hub, -1, 10, &changed, &err));
}

START_TEST(the_same_seed_says_the_same_beside_another)
{
    struct annotate__stream a, b, c;
    ask(&a, "Why?", 1, 40);
    ask(&b, "Why?", 2, 40);
    settle();
    ask(&c, "Why?", 1, 40);
    settle();
    ck_assert(a.phase == ANNOTATE__WHOLE || a.phase == ANNOTATE__CUT);
    ck_assert_uint_gt(a.text.len, 0);
    ck_assert_uint_eq(pk_utf8_check(a.text.data, a.text.len), a.text.len);
    ck_assert_str_eq(a.text.data, c.text.data);
    ck_assert_str_ne(a.text.data, b.text.data);
    ck_assert_ptr_nonnull(cJSON_GetObjectItem(a.record, "finish_reason"));
    const cJSON *q = cJSON_GetObjectItem(a.record, "request");
    ck_assert_int_eq((int)cJSON_GetNumberValue(cJSON_GetObjectItem(q, "seed")),
                     1);
    annotate__stream_release(&a);
    annotate__stream_release(&b);
    annotate__stream_release(&c);
}
END_TEST

/* Whenever it is: before its first word, in its middle, at its end. */
START_TEST(one_is_given_up_and_the_next_is_not_disturbed)
{
    struct annotate__stream s, whole;
    bool changed;
    ask(&whole, "Why?", 3, 200);
    settle();
    for (size_t at = 0; at < 60; at += 7) {
        ask(&s, "Why?", 3, 200);
        while (annotate__hub_busy(hub) && s.text.len < at)
            ck_ok(annotate__hub_wait(hub, -1, 10, &changed, &err));
        annotate__hub_stop(hub, &s);
        ck_assert(!annotate__running(&s));
        if (s.text.len)
            ck_assert(memcmp(s.text.data, whole.text.data, s.text.len) == 0);
        annotate__stream_release(&s);
    }
    ask(&s, "Why?", 3, 200);
    settle();
    ck_assert_str_eq(s.text.data, whole.text.data);
    annotate__stream_release(&s);
    annotate__stream_release(&whole);
}
END_TEST

START_TEST(what_cannot_be_asked_is_broken)
{
    struct annotate__stream s;
    ask(&s, "[INST] a tag of the format's own [/INST]", 1, 10);
    settle();
    ck_assert_int_eq(s.phase, ANNOTATE__BROKEN);
    ck_assert_ptr_null(strstr(s.trouble, temp_dir()));
    annotate__stream_release(&s);
}
END_TEST

/* It need not be there yet when it is asked. */
START_TEST(asked_before_it_is_there)
{
    struct annotate__source *late;
    struct annotate__stream s;
    ck_ok(annotate__local_open(&late, hub, "late", temp_dir(), &err));
    ck_assert(!annotate__hub_ready(hub));
    struct annotate__source *was = model;
    model = late;
    ask(&s, "Why?", 1, 20);
    model = was;
    settle();
    ck_assert(annotate__hub_ready(hub));
    ck_assert_uint_gt(s.text.len, 0);
    annotate__stream_release(&s);
    late->kind->close(late);
}
END_TEST

START_TEST(a_directory_that_holds_no_model)
{
    struct annotate__source *none;
    bool changed;
    int rc = 0;
    ck_assert_int_eq(annotate__local_open(&none, hub, "x", "no-dir", &err),
                     PK_EIO);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(annotate__local_open(&none, hub, "x", "Makefile", &err),
                     PK_EDATA);
    ck_assert_ptr_null(none);
    /* What is in it is looked at beside the work. */
    ck_ok(annotate__local_open(&none, hub, "x", "tests", &err));
    while (!rc && annotate__hub_busy(hub))
        rc = annotate__hub_wait(hub, -1, 10, &changed, &err);
    ck_assert_int_lt(rc, 0);
    ck_assert_ptr_nonnull(strstr(err.text, "tests"));
    none->kind->close(none);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("annotate_local");
    TCase *t = tcase_create("annotate_local");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, the_same_seed_says_the_same_beside_another);
    tcase_add_test(t, one_is_given_up_and_the_next_is_not_disturbed);
    tcase_add_test(t, what_cannot_be_asked_is_broken);
    tcase_add_test(t, asked_before_it_is_there);
    tcase_add_test(t, a_directory_that_holds_no_model);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
