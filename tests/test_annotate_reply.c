/* annotate: server-sent events and the chat completions in them, cut at every
 * byte boundary, and every server's way to fail. */
#include <stdlib.h>
#include <string.h>

#include "annotate/source/reply.h"
#include "tests/support.h"

static struct pk_err err;

/* ---- Events -------------------------------------------------------------- */

static int note(void *arg, const char *data, size_t len, bool error,
                struct pk_err *e)
{
    struct pk_buf *b = arg;
    (void)e;
    ck_assert_uint_eq(strlen(data), len);
    return pk_buf_addf(b, "%s[%s]", error ? "!" : "", data);
}

/* The events of a text that comes in pieces of `piece` bytes. */
static char *events(const char *text, size_t n, size_t piece)
{
    struct annotate__sse p;
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    const struct annotate__sse_to to = {note, &b};
    annotate__sse_init(&p);
    for (size_t i = 0; i < n; i += piece)
        ck_ok(annotate__sse_feed(&p, text + i, n - i < piece ? n - i : piece,
                                 &to, &err));
    ck_ok(annotate__sse_end(&p, &to, &err));
    annotate__sse_release(&p);
    pk_buf_adds(&b, "");
    return pk_buf_take(&b);
}

static const struct {
    const char *text, *want;
} streams[] = {
    {"data: a\n\ndata: b\n\n", "[a][b]"},
    {"data: a\r\n\r\ndata:b\r\rdata:  c\n\n", "[a][b][ c]"},
    {"data: one\ndata: two\n\n", "[one\ntwo]"},
    {": hello\n:\n\ndata: a\n: in between\n\n", "[a]"},
    {"event: x\nid: 7\nretry: 9\nnonsense\ndata\n\n", "[]"},
    {"\xEF\xBB\xBF"
     "data: a\n\n",
     "[a]"},
    {"data: cut off", ""},
    {"data: cut off\n", ""},
    {"error: {\"message\":\"x\"}\n\ndata: b\n\n", "![{\"message\":\"x\"}][b]"},
    {"data: a\n\nerror: late", "[a]![late]"},
    {"\n\n\r\n\ndata: gr\xc3\xbc\xc3\x9f \xf0\x9f\x99\x82\n\n",
     "[gr\xc3\xbc\xc3\x9f \xf0\x9f\x99\x82]"},
};

START_TEST(events_in_pieces_of_any_size)
{
    size_t n = strlen(streams[_i].text);
    for (size_t piece = 1; piece <= n; piece++) {
        char *got = events(streams[_i].text, n, piece);
        ck_assert_str_eq(got, streams[_i].want);
        free(got);
    }
}
END_TEST

START_TEST(an_event_has_its_limit)
{
    static const struct annotate__sse_to to = {note, NULL};
    struct annotate__sse p;
    size_t n = ANNOTATE__SSE_MAX + 1;
    char *much = malloc(n);
    ck_assert_ptr_nonnull(much);
    memset(much, 'x', n);
    annotate__sse_init(&p);
    ck_assert_int_eq(annotate__sse_feed(&p, much, n, &to, &err), PK_EDATA);
    annotate__sse_release(&p);
    /* Nor in many lines. */
    annotate__sse_init(&p);
    int rc = 0;
    for (int i = 0; i < 4 && !rc; i++) {
        ck_ok(annotate__sse_feed(&p, "data:", 5, &to, &err));
        ck_ok(annotate__sse_feed(&p, much, n / 2, &to, &err));
        rc = annotate__sse_feed(&p, "\n", 1, &to, &err);
    }
    ck_assert_int_eq(rc, PK_EDATA);
    annotate__sse_release(&p);
    free(much);
}
END_TEST

/* ---- Replies ------------------------------------------------------------- */

#define CHUNK(text)                                                            \
    "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define FINISH(why)                                                            \
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"" why "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

static const struct {
    const char *body, *text, *finish, *error;
} replies[] = {
    {CHUNK("a") CHUNK("b") FINISH("stop") DONE, "ab", "stop", ""},
    {"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}"
     ",\"finish_reason\":null}],\"model\":\"m\"}\n\n" CHUNK("a") FINISH("stop"),
     "a", "stop", ""},
    {CHUNK("a") FINISH("length") DONE, "a", "length", ""},
    {CHUNK("a") DONE, "a", "", ""},
    {CHUNK("a"), "a", "", ""},
    /* The usage in a chunk without choices, and thought that is no text. */
    {"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
     "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n" CHUNK("a")
         FINISH("stop") "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}"
                        "\n\n" DONE,
     "a", "stop", ""},
    {CHUNK("Gr\xc3\xbc\xc3\x9f"
           "e \\u4f60 \\ud83d\\ude42") FINISH("stop"),
     "Gr\xc3\xbc\xc3\x9f"
     "e \xe4\xbd\xa0 \xf0\x9f\x99\x82",
     "stop", ""},
    /* Failures, in each server's words. */
    {CHUNK("a") "error: {\"code\":500,\"message\":\"gone\"}\n\n", "a", "",
     "gone"},
    {CHUNK("a") "data: {\"error\":{\"code\":500,\"message\":\"gone\"}}\n\n",
     "a", "", "gone"},
    {CHUNK("a") "data: {\"object\":\"error\",\"message\":\"gone\"}\n\n" DONE,
     "a", "", "gone"},
    {CHUNK("a") "data: {\"error\":{\"message\":\"gone\",\"http_status_code\":"
                "422}}\n\n" DONE,
     "a", "", "gone"},
    {CHUNK("a") "data: {\"error\":\"gone\"}\n\n", "a", "", "gone"},
    {CHUNK("a") FINISH("stop") "data: {\"error\":\"gone\"}\n\n", "a", "stop",
     "gone"},
    {"data: {\"error\":{}}\n\n", "", "", "an error without a message"},
    {"data: {\"error\":\"one\\ntwo\\u001b[2J\"}\n\n", "", "",
     "one two<ESC>[2J"},
    {CHUNK("a") "data: {\"choices\": [{]}\n\n" CHUNK("b"), "a", "",
     "an event is no valid JSON"},
    {"data: 7\n\n", "", "", "an event is no JSON object"},
    /* What has no place for it changes nothing. */
    {"data: {\"choices\":7}\n\ndata: {\"choices\":[7,null]}\n\n"
     "data: {\"choices\":[{\"delta\":[],\"finish_reason\":3}]}\n\n",
     "", "", ""},
};

START_TEST(replies_in_pieces_of_any_size)
{
    size_t n = strlen(replies[_i].body);
    for (size_t piece = 1; piece <= n; piece++) {
        struct pk_buf text = PK_BUF_INIT(1 << 16);
        struct annotate__reply r;
        annotate__reply_init(&r, &text);
        for (size_t i = 0; i < n; i += piece)
            ck_ok(annotate__reply_feed(&r, replies[_i].body + i,
                                       n - i < piece ? n - i : piece, &err));
        ck_ok(annotate__reply_end(&r, &err));
        ck_assert_str_eq(text.data ? text.data : "", replies[_i].text);
        ck_assert_str_eq(r.finish, replies[_i].finish);
        ck_assert_str_eq(r.error, replies[_i].error);
        ck_assert(annotate__reply_whole(&r) ==
                  (replies[_i].finish[0] && !replies[_i].error[0]));
        ck_assert(annotate__reply_cut(&r) ==
                  (strcmp(replies[_i].finish, "length") == 0));
        annotate__reply_release(&r);
        pk_buf_release(&text);
    }
}
END_TEST

START_TEST(what_the_server_says_of_itself_is_kept)
{
    static const char body[] =
        "data: {\"model\":\"served-7b\",\"choices\":[{\"delta\":{\"content\":"
        "\"a\",\"reasoning\":\"1234\"}}],\"usage\":null}\n\n" FINISH(
            "stop") "data: "
                    "{\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n" DONE;
    struct pk_buf text = PK_BUF_INIT(64);
    struct annotate__reply r;
    annotate__reply_init(&r, &text);
    ck_ok(annotate__reply_feed(&r, body, strlen(body), &err));
    ck_assert(r.done && annotate__reply_whole(&r));
    ck_assert_str_eq(r.model, "served-7b");
    ck_assert_uint_eq(r.reasoning, 4);
    ck_assert_int_eq(
        (int)cJSON_GetNumberValue(cJSON_GetObjectItem(r.usage, "total_tokens")),
        3);
    annotate__reply_release(&r);
    pk_buf_release(&text);
}
END_TEST

START_TEST(error_bodies_of_all_servers)
{
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"{\"error\":{\"code\":401,\"message\":\"no key\",\"type\":\"x\"}}",
         "no key"},
        {"{\"object\":\"error\",\"message\":\"no key\",\"code\":401}",
         "no key"},
        {"{\"error\":\"Unauthorized\"}", "Unauthorized"},
        {"{\"error\":\"full\",\"error_type\":\"overloaded\"}", "full"},
        {"{\"detail\":\"Not Found\"}", "Not Found"},
        {"Bad\r\n Gateway\033[0m", "Bad  Gateway<ESC>[0m"},
        {"", ""},
    };
    char out[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        annotate__reply_error(rows[i].body, strlen(rows[i].body), out,
                              sizeof out);
        ck_assert_str_eq(out, rows[i].want);
    }
    char much[500];
    memset(much, 'x', sizeof much);
    annotate__reply_error(much, sizeof much, out, sizeof out);
    ck_assert_uint_lt(strlen(out), sizeof out);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("annotate_reply");
    TCase *t = tcase_create("annotate_reply");
    tcase_add_loop_test(t, events_in_pieces_of_any_size, 0,
                        sizeof streams / sizeof streams[0]);
    tcase_add_test(t, an_event_has_its_limit);
    tcase_add_loop_test(t, replies_in_pieces_of_any_size, 0,
                        sizeof replies / sizeof replies[0]);
    tcase_add_test(t, what_the_server_says_of_itself_is_kept);
    tcase_add_test(t, error_bodies_of_all_servers);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
