/* annotate: an endpoint with every fault there is, over real sockets. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "annotate/live/key_rule.h"
#include "annotate/source/endpoint_error.h"
#include "annotate/source/url.h"

#include "common/progress.h"
#include "tests/fake_endpoint.h"
#include "tests/support.h"

static struct pk_err err;
static struct annotate__hub *hub;
static int port;
static pid_t server;

static void set_up(void)
{
    int fd = fake_endpoint_listen(&port);
    ck_assert_int_ge(fd, 0);
    server = fork();
    if (server == 0)
        fake_endpoint_serve(fd);
    close(fd);
    setenv("no_proxy", "*", 1);
    setenv("TEST_KEY", "a-secret", 1);
    ck_ok(annotate__hub_open(&hub, &err));
}

static void tear_down(void)
{
    annotate__hub_close(hub);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

static struct annotate__source *endpoint(const char *fault)
{
    char url[128];
    struct annotate__source *s;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/%s/v1", port, fault);
    const struct annotate__endpoint_options o = {.name = "secret",
                                                 .url = url,
                                                 .key_env = "TEST_KEY",
                                                 .stall_seconds = 1};
    ck_ok(annotate__endpoint_open(&s, hub, &o, &err));
    return s;
}

static const struct prefdb_turn why[] = {
    {PREFDB_USER, "Why is it \"blue\"?", 17}};

static void ask(struct annotate__source *from, struct annotate__stream *s)
{
    const struct annotate__query q = {.turns = why,
                                      .n_turns = 1,
                                      .temperature = 0.7,
                                      .top_p = 0.9,
                                      .seed = 77,
                                      .max_tokens = 50};
    annotate__stream_init(s);
    ck_ok(annotate__hub_start(hub, from, &q, s, &err));
}

/* Until nothing runs any more. */
static void settle(void)
{
    bool changed;
    while (annotate__hub_busy(hub))
        ck_ok(annotate__hub_wait(hub, -1, 10, &changed, &err));
}

static const struct {
    const char *fault;
    enum annotate__phase phase;
    unsigned tries;
    const char *text; /* that it begins with, or NULL */
    const char *trouble;
} rows[] = {
    {"plain", ANNOTATE__WHOLE, 1, "Sunlight has", ""},
    {"bytes", ANNOTATE__WHOLE, 1,
     "Gr\xc3\xbc\xc3\x9f"
     "e \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x99\x82",
     ""},
    {"thinker", ANNOTATE__WHOLE, 1, "Because of scattering.", ""},
    {"holds-on", ANNOTATE__WHOLE, 1, "Because of scattering.", ""},
    {"limit", ANNOTATE__CUT, 1, "Because of scat", ""},
    {"flood", ANNOTATE__WHOLE, 1, "1 bbbb", ""},
    {"loading", ANNOTATE__WHOLE, 2, "Sunlight", ""},
    {"busy", ANNOTATE__WHOLE, 2, "Sunlight", ""},
    {"down", ANNOTATE__BROKEN, 1, NULL, "HTTP 503: no<ESC>[31m upstream"},
    {"later", ANNOTATE__BROKEN, 1, NULL, "HTTP 429: come back in an hour"},
    {"unknown", ANNOTATE__BROKEN, 1, NULL,
     "HTTP 404: model '[model]' not found on [server] (is the URL right"},
    {"denied", ANNOTATE__BROKEN, 1, NULL,
     "HTTP 401: Invalid API Key (is the key right?)"},
    {"moved", ANNOTATE__BROKEN, 1, NULL, "HTTP 301"},
    {"html", ANNOTATE__BROKEN, 1, NULL,
     "HTTP 200: <html>Welcome</html> (it is"},
    {"late-llama-old", ANNOTATE__BROKEN, 1, NULL, "slot gone"},
    {"late-llama", ANNOTATE__BROKEN, 1, NULL, "slot gone"},
    {"late-vllm", ANNOTATE__BROKEN, 1, NULL, "slot gone"},
    {"late-tgi", ANNOTATE__BROKEN, 1, NULL, "slot gone"},
    {"late-ollama", ANNOTATE__BROKEN, 1, NULL, "slot gone"},
    {"after-end", ANNOTATE__BROKEN, 1, NULL, "slot gone"},
    {"garbage", ANNOTATE__BROKEN, 1, NULL, "an event is no valid JSON"},
    {"latin", ANNOTATE__BROKEN, 1, NULL, "an event is no valid JSON"},
    {"no-finish", ANNOTATE__BROKEN, 1, NULL, "the stream ended before"},
    {"end-early", ANNOTATE__BROKEN, 1, NULL, "the stream ended before"},
    {"drop", ANNOTATE__BROKEN, 1, NULL, "the connection was lost"},
    {"stall", ANNOTATE__BROKEN, 1, NULL,
     "nothing came from the server for 1 s"},
    {"silent", ANNOTATE__BROKEN, 1, NULL,
     "nothing came from the server for 1 s"},
};

/* Silence is borne as long as is said, after some words too. */
START_TEST(a_stall_is_as_long_as_it_says)
{
    struct annotate__source *from = endpoint("stall");
    struct annotate__stream s;
    double start = pk_now();
    ask(from, &s);
    settle();
    double took = pk_now() - start;
    ck_assert_int_eq(s.phase, ANNOTATE__BROKEN);
    ck_assert_msg(took >= 1 && took < 2.5, "%g s", took);
    annotate__stream_release(&s);
    from->kind->close(from);
}
END_TEST

/* A reply that is not whole is never one to be rated, whatever came of it. */
START_TEST(every_fault_has_its_end)
{
    struct annotate__source *from = endpoint(rows[_i].fault);
    struct annotate__stream s;
    ask(from, &s);
    settle();
    ck_assert_msg(s.phase == rows[_i].phase, "%s: phase %d, %s", rows[_i].fault,
                  (int)s.phase, s.trouble);
    ck_assert_uint_eq(s.tries, rows[_i].tries);
    ck_assert_msg(
        strncmp(s.trouble, rows[_i].trouble, strlen(rows[_i].trouble)) == 0,
        "%s: %s", rows[_i].fault, s.trouble);
    if (rows[_i].text)
        ck_assert(strncmp(s.text.data, rows[_i].text, strlen(rows[_i].text)) ==
                  0);
    annotate__stream_release(&s);
    from->kind->close(from);
}
END_TEST

START_TEST(what_was_sent_is_what_is_kept)
{
    struct annotate__source *from = endpoint("echo");
    struct annotate__stream s;
    ask(from, &s);
    settle();
    ck_assert_int_eq(s.phase, ANNOTATE__WHOLE);
    ck_assert(strncmp(s.text.data, "Bearer a-secret\n", 16) == 0);
    char *kept =
             cJSON_PrintUnformatted(cJSON_GetObjectItem(s.record, "request")),
         *all = cJSON_PrintUnformatted(s.record);
    ck_assert_str_eq(s.text.data + 16, kept);
    ck_assert_str_eq(
        kept, "{\"model\":\"secret\",\"messages\":[{\"role\":\"user\","
              "\"content\":\"Why is it \\\"blue\\\"?\"}],\"temperature\":0.7,"
              "\"top_p\":0.9,\"max_tokens\":50,\"seed\":77,\"stream\":true,"
              "\"stream_options\":{\"include_usage\":true}}");
    ck_assert_ptr_null(strstr(all, "a-secret"));
    ck_assert_ptr_nonnull(strstr(all, "\"finish_reason\":\"stop\""));
    ck_assert_ptr_nonnull(strstr(all, "\"model\":\"fake-1\""));
    ck_assert_ptr_nonnull(strstr(all, "\"completion_tokens\":12"));
    free(kept);
    free(all);
    annotate__stream_release(&s);
    from->kind->close(from);
}
END_TEST

START_TEST(two_at_once_and_one_stopped)
{
    struct annotate__source *a = endpoint("endless"), *b = endpoint("plain");
    struct annotate__stream s, t;
    bool changed;
    ask(a, &s);
    ask(b, &t);
    while (t.phase != ANNOTATE__WHOLE || s.text.len < 20)
        ck_ok(annotate__hub_wait(hub, -1, 10, &changed, &err));
    ck_assert_int_eq(s.phase, ANNOTATE__WRITING);
    annotate__hub_stop(hub, &s);
    ck_assert(!annotate__hub_busy(hub));
    ck_assert_int_eq(s.phase, ANNOTATE__CUT);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(s.record, "stopped")));
    annotate__stream_release(&s);
    annotate__stream_release(&t);
    a->kind->close(a);
    b->kind->close(b);
}
END_TEST

START_TEST(stopped_before_it_began_is_nothing)
{
    struct annotate__source *from = endpoint("silent");
    struct annotate__stream s;
    ask(from, &s);
    annotate__hub_stop(hub, &s);
    ck_assert_int_eq(s.phase, ANNOTATE__BROKEN);
    annotate__stream_release(&s);
    from->kind->close(from);
}
END_TEST

START_TEST(no_server_is_told_in_plain_words)
{
    struct annotate__source *from;
    struct annotate__stream s;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    from = endpoint("plain");
    ask(from, &s);
    settle();
    ck_assert_int_eq(s.phase, ANNOTATE__BROKEN);
    ck_assert_uint_eq(s.tries, 3);
    ck_assert_str_eq(s.trouble, "no connection to the server (is it running?)");
    annotate__stream_release(&s);
    from->kind->close(from);
}
END_TEST

START_TEST(waking_ends_a_wait)
{
    bool changed;
    double before = pk_now();
    annotate__hub_wake(hub);
    ck_ok(annotate__hub_wait(hub, -1, 30, &changed, &err));
    ck_assert(pk_now() - before < 20);
}
END_TEST

START_TEST(names_are_masked_as_whole_words)
{
    char a[] = "a", served[] = "org/Base-7b", host[] = "gpu1", none[] = "";
    const struct annotate__endpoint_names n = {a, served, host, none};
    static const char *const cases[][2] = {
        {"a model 'a' at gpu1:8000 (A)",
         "[model] model '[model]' at [server] ([model])"},
        {"org/base-7b, org/base-7bx, xa ax gpu12",
         "[model], org/base-7bx, xa ax gpu12"},
        {"", ""}};
    char out[128];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        annotate__endpoint_mask(&n, cases[i][0], out, sizeof out);
        ck_assert_str_eq(out, cases[i][1]);
    }
    annotate__endpoint_mask(&n, "at a", out, 8); /* the room there is */
    ck_assert_str_eq(out, "at [mod");
}
END_TEST

START_TEST(urls_that_are_none)
{
    static const char *const urls[] = {"ftp://x/v1",  "x",
                                       "http://",     "http://u:p@host/v1",
                                       "http://h?k=", "http://a b/"};
    struct annotate__source *s;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        const struct annotate__endpoint_options o = {.name = "m",
                                                     .url = urls[i]};
        ck_assert_int_eq(annotate__endpoint_open(&s, hub, &o, &err), PK_EUSAGE);
        ck_assert_ptr_null(s);
    }
}
END_TEST

START_TEST(loopback_as_it_is_written)
{
    static const char *const here[] = {
        "http://localhost",        "https://LocalHost:8000/v1",
        "http://127.0.0.1#m",      "http://127.3.2.1:80/v1",
        "http://[::1]:8000/v1",    "http://me:word@localhost:80/v1",
        "http://localhost?q=@evil"};
    static const char *const away[] = {
        "http://gpu1:8000/v1",      "http://127.1/v1",
        "http://localhost.evil/v1", "http://127.0.0.1.evil/v1",
        "http://[::2]/v1",          "http://0.0.0.0/v1",
        "http://evil/localhost",    "models/base",
        "http://evil#127.0.0.1",    "http://localhost@evil/v1",
        "http://127.0.0.1:80@evil", "http://[::1]@evil/v1"};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        ck_assert_msg(annotate__loopback(here[i]), "%s", here[i]);
    for (size_t i = 0; i < sizeof away / sizeof *away; i++)
        ck_assert_msg(!annotate__loopback(away[i]), "%s", away[i]);
}
END_TEST

static const char *key_of(const struct annotate__live_options *o, size_t i,
                          const char *words)
{
    char words_out[256];
    const char *got = annotate__key_of(o, i, words_out, sizeof words_out);
    ck_assert_msg(words ? strstr(words_out, words) != NULL : !words_out[0],
                  "%s", words_out);
    return got ? got : "none";
}

/* A key reaches nobody whom it was not meant for, nor in the clear. */
START_TEST(keys_and_where_they_go)
{
    struct annotate__live_options o = {
        .n_models = 4,
        .models = {{.name = "a", .where = "https://api.one/v1"},
                   {.name = "b", .where = "http://gpu1:8000/v1"},
                   {.name = "c", .where = "http://127.0.0.1:8000"},
                   {.name = "d", .where = "models/base"}}};
    setenv("PREFKIT_API_KEY", "sk-1", 1);
    setenv("OWN_KEY", "sk-2", 1);
    /* Two hosts: none for the one, and plain http anyway for the other. */
    ck_assert_str_eq(key_of(&o, 0, "several hosts"), "none");
    ck_assert_str_eq(key_of(&o, 1, "--key-env b=PREFKIT_API_KEY"), "none");
    ck_assert_str_eq(key_of(&o, 2, NULL), "PREFKIT_API_KEY");
    ck_assert_str_eq(key_of(&o, 3, NULL), "PREFKIT_API_KEY");
    /* The other has one of its own, and that is said to be in the clear. */
    o.models[1].key_env = "OWN_KEY";
    o.models[1].key_named = true;
    ck_assert_str_eq(key_of(&o, 0, NULL), "PREFKIT_API_KEY");
    ck_assert_str_eq(key_of(&o, 1, "can be read on the way"), "OWN_KEY");
    /* For all, but of no model's name: as the default. */
    o.models[1].key_named = false;
    ck_assert_str_eq(key_of(&o, 1, "no key is sent to gpu1"), "none");
    /* Two models at one host. */
    o.models[1].where = "https://API.one:444/v1";
    ck_assert_str_eq(key_of(&o, 0, NULL), "PREFKIT_API_KEY");
    ck_assert_str_eq(key_of(&o, 1, NULL), "OWN_KEY");
    /* Without a key there is nothing to say. */
    unsetenv("PREFKIT_API_KEY");
    o.models[1].where = "http://gpu1:8000/v1";
    ck_assert_str_eq(key_of(&o, 0, NULL), "PREFKIT_API_KEY");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("annotate_endpoint");
    TCase *t = tcase_create("annotate_endpoint");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, every_fault_has_its_end, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_test(t, a_stall_is_as_long_as_it_says);
    tcase_add_test(t, loopback_as_it_is_written);
    tcase_add_test(t, keys_and_where_they_go);
    tcase_add_test(t, what_was_sent_is_what_is_kept);
    tcase_add_test(t, two_at_once_and_one_stopped);
    tcase_add_test(t, stopped_before_it_began_is_nothing);
    tcase_add_test(t, no_server_is_told_in_plain_words);
    tcase_add_test(t, waking_ends_a_wait);
    tcase_add_test(t, urls_that_are_none);
    tcase_add_test(t, names_are_masked_as_whole_words);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
