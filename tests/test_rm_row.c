/* Rows of `score`: what is taken, what is refused and why, and how scores are
 * put into a row's own text. */
#include <stdlib.h>
#include <string.h>

#include "rm/score/row.h"
#include "rm/score/row_edit.h"
#include "tests/support.h"

static int parse(struct rm_row *r, const char *line, struct pk_err *err)
{
    return rm_row_parse(r, line, strlen(line), err);
}

static void ck_message(const struct rm_dialogue *d, size_t i,
                       enum infer_role role, const char *text)
{
    ck_assert_uint_lt(i, d->all.n);
    ck_assert_int_eq(d->all.msg[i].role, role);
    ck_assert_uint_eq(d->all.msg[i].len, strlen(text));
    ck_assert_mem_eq(d->all.msg[i].text, text, strlen(text));
}

START_TEST(messages)
{
    struct rm_row r = {0};
    struct rm_text t;
    struct pk_err err;
    ck_ok(parse(&r,
                "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                "{\"role\":\"user\",\"content\":\"q\"},"
                "{\"role\":\"assistant\",\"content\":\"\\u00e9\","
                "\"tool_calls\":[],\"function_call\":null}],\"id\":1}",
                &err));
    ck_assert(r.n == 1 && !r.list);
    ck_assert(rm_row_next(&r, &t));
    ck_assert_uint_eq(t.dialogue->all.n, 3);
    ck_message(t.dialogue, 0, INFER_SYSTEM, "s");
    ck_message(t.dialogue, 1, INFER_USER, "q");
    ck_message(t.dialogue, 2, INFER_ASSISTANT, "\xC3\xA9");
    ck_assert(!t.dialogue->cut);
    ck_assert(!rm_row_next(&r, &t));
    rm_row_release(&r);
}
END_TEST

/* As generate writes them. */
START_TEST(messages_and_responses)
{
    struct rm_row r = {0};
    struct rm_text t;
    struct pk_err err;
    ck_ok(parse(&r,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],"
                "\"responses\":[\"a\",\"b\"],\"cut\":[false,true]}",
                &err));
    ck_assert(r.n == 2 && r.list);
    for (int i = 0; i < 2; i++) {
        ck_assert(rm_row_next(&r, &t));
        ck_assert_uint_eq(t.dialogue->all.n, 2);
        ck_message(t.dialogue, 0, INFER_USER, "q");
        ck_message(t.dialogue, 1, INFER_ASSISTANT, i ? "b" : "a");
        ck_assert(t.dialogue->cut == (i == 1));
    }
    /* A response that the messages end with is the one that is meant. */
    ck_ok(parse(&r,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{"
                "\"role\":\"assistant\",\"content\":\"a\"}],\"response\":"
                "\"other\"}",
                &err));
    ck_assert(rm_row_next(&r, &t));
    ck_assert_uint_eq(t.dialogue->all.n, 2);
    ck_message(t.dialogue, 1, INFER_ASSISTANT, "a");
    rm_row_release(&r);
}
END_TEST

START_TEST(prompt_and_response)
{
    struct rm_row r = {0};
    struct rm_text t;
    struct pk_err err;
    ck_ok(
        parse(&r, "{\"prompt\":\"q\",\"response\":\"a\",\"cut\":true}", &err));
    ck_assert(rm_row_next(&r, &t));
    ck_assert_uint_eq(t.dialogue->all.n, 2);
    ck_message(t.dialogue, 0, INFER_USER, "q");
    ck_message(t.dialogue, 1, INFER_ASSISTANT, "a");
    ck_assert(t.dialogue->cut);
    ck_assert(!rm_row_next(&r, &t));
    rm_row_release(&r);
}
END_TEST

START_TEST(several_responses)
{
    static const char *const texts[] = {"a", "", "ccc"};
    static const bool cut[] = {false, true, false};
    struct rm_row r = {0};
    struct rm_text t;
    struct pk_err err;
    ck_ok(parse(&r,
                "{\"prompt\":[{\"role\":\"user\",\"content\":\"q\"}],"
                "\"responses\":[\"a\",\"\",\"ccc\"],"
                "\"cut\":[false,true,false]}",
                &err));
    ck_assert(r.n == 3 && r.list);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(rm_row_next(&r, &t));
        ck_assert_uint_eq(t.dialogue->all.n, 2);
        ck_message(t.dialogue, 1, INFER_ASSISTANT, texts[i]);
        ck_assert(t.dialogue->cut == cut[i]);
    }
    ck_assert(!rm_row_next(&r, &t));
    /* One flag for all; and no responses at all. */
    ck_ok(parse(&r,
                "{\"prompt\":\"q\",\"responses\":[\"a\",\"b\"],\"cut\":true}",
                &err));
    while (rm_row_next(&r, &t))
        ck_assert(t.dialogue->cut);
    ck_ok(parse(&r, "{\"prompt\":\"q\",\"responses\":[]}", &err));
    ck_assert(r.n == 0 && r.list && !rm_row_next(&r, &t));
    rm_row_release(&r);
}
END_TEST

START_TEST(ready_made_ids)
{
    struct rm_row r = {0};
    struct rm_text t;
    struct pk_err err;
    ck_ok(parse(&r, "{\"token_ids\":[1,5,2147483647]}", &err));
    ck_assert(rm_row_next(&r, &t));
    ck_assert_ptr_null(t.dialogue);
    ck_assert_uint_eq(t.n_ids, 3);
    ck_assert_int_eq(t.ids[2], 2147483647);
    ck_assert(!rm_row_next(&r, &t));
    rm_row_release(&r);
}
END_TEST

START_TEST(marked_text)
{
    struct rm_row r = {0};
    struct rm_text t;
    struct pk_err err;
    ck_ok(parse(&r, "{\"text\":\"<s>[INST] q [/INST] a </s>\"}", &err));
    ck_assert(r.n == 1 && !r.list && rm_row_next(&r, &t));
    ck_assert_ptr_null(t.dialogue);
    ck_assert_str_eq(t.marked, "<s>[INST] q [/INST] a </s>");
    ck_assert_uint_eq(t.marked_len, strlen(t.marked));
    ck_assert(!rm_row_next(&r, &t));
    rm_row_release(&r);
}
END_TEST

static const struct {
    const char *line, *reason;
} bad[] = {
    {"", "JSON"},
    {"[1]", "not a JSON object"},
    {"{}", "none"},
    {"{\"prompt\":\"q\",\"response\":\"a\",\"token_ids\":[1]}", "several"},
    {"{\"messages\":\"hi\"}", "\"messages\" is not a list"},
    {"{\"messages\":[]}", "no response"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", "no response"},
    {"{\"messages\":[7]}", "\"messages\": message 1: it is not"},
    {"{\"messages\":[{\"role\":\"bot\",\"content\":\"q\"}]}",
     "\"role\" is \"bot\""},
    {"{\"messages\":[{\"role\":\"user\"}]}", "message 1: \"content\" is mis"},
    {"{\"messages\":[{\"content\":\"q\"}]}", "message 1: \"role\" is missing"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
     "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{}]}]}",
     "message 2: no chat format here has a place for its \"tool_calls\""},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
     "{\"role\":\"assistant\",\"content\":\"\",\"function_call\":{}}]}",
     "a place for its \"function_call\""},
    {"{\"prompt\":7,\"response\":\"a\"}", "neither a string nor a list"},
    {"{\"prompt\":\"q\"}", "\"response\" is missing"},
    {"{\"prompt\":\"q\",\"response\":[\"a\"]}", "\"response\" is not a str"},
    {"{\"prompt\":\"q\",\"response\":\"a\",\"responses\":[]}", "both there"},
    {"{\"prompt\":\"q\",\"responses\":\"a\"}", "\"responses\" is not a list"},
    {"{\"prompt\":\"q\",\"responses\":[\"a\",null]}", "number 2 is not a str"},
    {"{\"prompt\":\"q\",\"responses\":[\"a\"],\"cut\":[]}", "\"cut\""},
    {"{\"prompt\":\"q\",\"response\":\"a\",\"cut\":1}", "\"cut\""},
    {"{\"prompt\":\"q\",\"response\":\"a\",\"cut\":[true]}", "\"cut\""},
    {"{\"text\":7}", "\"text\" is not a string"},
    {"{\"text\":\"x\",\"responses\":[\"a\"]}", "\"responses\" beside"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
     "{\"role\":\"assistant\",\"content\":\"a\"}],\"responses\":[\"b\"]}",
     "\"responses\" beside"},
    {"{\"text\":\"x\",\"prompt\":\"y\"}", "several"},
    {"{\"text\":\"x\",\"cut\":true}", "\"cut\" beside"},
    {"{\"token_ids\":[]}", "no token ids"},
    {"{\"token_ids\":{}}", "not a list"},
    {"{\"token_ids\":[1,2.5]}", "number 2"},
    {"{\"token_ids\":[-1]}", "number 1"},
    {"{\"token_ids\":[2147483648]}", "number 1"},
    {"{\"token_ids\":[1],\"scores\":3}", "\"scores\" is there"},
    {"{\"token_ids\":[1],\"marks\":[]}", "\"marks\" is there"},
};

START_TEST(bad_rows)
{
    struct rm_row r = {0};
    struct pk_err err;
    ck_assert_int_eq(parse(&r, bad[_i].line, &err), PK_EDATA);
    ck_assert_msg(strstr(err.text, bad[_i].reason) != NULL, "%s: %s",
                  bad[_i].line, err.text);
    /* And the next row is none the worse for it. */
    ck_ok(parse(&r, "{\"prompt\":\"q\",\"response\":\"a\"}", &err));
    ck_assert_uint_eq(r.n, 1);
    rm_row_release(&r);
}
END_TEST

static void ck_merge(const char *line, const char *members, const char *want)
{
    struct pk_buf out = PK_BUF_INIT(1 << 16);
    cJSON *m = cJSON_Parse(members);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(rm_json_merge(&out, line, strlen(line), "scores", m), 0);
    ck_assert_str_eq(out.data, want);
    cJSON_Delete(m);
    pk_buf_release(&out);
}

START_TEST(merging)
{
    ck_merge("{\"a\":1}", "{\"h\":0.5}", "{\"a\":1,\"scores\":{\"h\":0.5}}");
    ck_merge("{}", "{\"h\":1}", "{\"scores\":{\"h\":1}}");
    /* What we did not make stays to the byte: spaces, big numbers, escapes. */
    ck_merge("{ \"id\" : 12345678901234567890, \"s\":\"\\u00e9}\\\"\" }",
             "{\"h\":[1,2]}",
             "{ \"id\" : 12345678901234567890, \"s\":\"\\u00e9}\\\"\" ,"
             "\"scores\":{\"h\":[1,2]}}");
    /* Beside another model's score, and in place of our own. */
    ck_merge("{\"scores\": {\"s\": 1e-3 }, \"z\":0}", "{\"h\":2}",
             "{\"scores\": {\"s\": 1e-3 ,\"h\":2}, \"z\":0}");
    ck_merge("{\"scores\":{\"h\":1,\"s\":[3,{}]},\"z\":0}", "{\"h\":2,\"t\":4}",
             "{\"scores\":{\"h\":2,\"s\":[3,{}],\"t\":4},\"z\":0}");
    ck_merge("{\"scores\":{}}", "{\"h\":2}", "{\"scores\":{\"h\":2}}");
    /* A key that says "scores" in escapes is that key; one inside is not. */
    ck_merge("{\"sc\\u006fres\":{\"s\":1}}", "{\"h\":2}",
             "{\"sc\\u006fres\":{\"s\":1,\"h\":2}}");
    ck_merge("{\"x\":{\"scores\":1},\"y\":\"\\\"scores\\\":\"}", "{\"h\":2}",
             "{\"x\":{\"scores\":1},\"y\":\"\\\"scores\\\":\","
             "\"scores\":{\"h\":2}}");
    ck_merge("{\"a\":[{\"b\":[]},\"]\"],\"c\":null}", "{\"\\\"\":2}",
             "{\"a\":[{\"b\":[]},\"]\"],\"c\":null,"
             "\"scores\":{\"\\\"\":2}}");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rm_row");
    TCase *t = tcase_create("core");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, messages);
    tcase_add_test(t, messages_and_responses);
    tcase_add_test(t, prompt_and_response);
    tcase_add_test(t, several_responses);
    tcase_add_test(t, ready_made_ids);
    tcase_add_test(t, marked_text);
    tcase_add_loop_test(t, bad_rows, 0, sizeof bad / sizeof bad[0]);
    tcase_add_test(t, merging);
    suite_add_tcase(s, t);
    return run_suite(s);
}
