/* annotate: the prompt's editor, texts that grow, and live dialogues on a store
 * with a fake endpoint. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "annotate/live/live.h"
#include "annotate/terminal/keys.h"
#include "tests/fake_endpoint.h"
#include "tests/support.h"

static struct pk_err err;

/* ---- Text that grows ----------------------------------------------------- */

START_TEST(growing_is_wrapping)
{
    static const char *const pieces[] = {"a",
                                         " ",
                                         "word ",
                                         "\n",
                                         "\t",
                                         "\r",
                                         "\xe4\xbd\xa0",
                                         "\xe3\x80\x82",
                                         "\xcc\x81",
                                         "longer-than-a-line-is-wide "};
    struct pk_rng r;
    pk_rng_seed(&r, 5, 0);
    for (int round = 0; round < 300; round++) {
        struct annotate__doc grown = {0}, whole = {0};
        struct pk_buf b = PK_BUF_INIT(1 << 16);
        size_t width = 4 + pk_rng_below(&r, 30);
        ck_ok(annotate__doc_add(&grown, NULL, "", 0, &err));
        ck_ok(annotate__doc_wrap(&grown, width, &err));
        for (int i = 0; i < 60; i++) {
            pk_buf_adds(&b, pieces[pk_rng_below(&r, 10)]);
            ck_ok(annotate__doc_grow(&grown, b.data, b.len, width, &err));
        }
        ck_ok(annotate__doc_add(&whole, NULL, b.data, b.len, &err));
        ck_ok(annotate__doc_wrap(&whole, width, &err));
        ck_assert_uint_eq(grown.n_lines, whole.n_lines);
        for (size_t i = 0; i < whole.n_lines; i++) {
            ck_assert_uint_eq(grown.lines[i].from, whole.lines[i].from);
            ck_assert_uint_eq(grown.lines[i].to, whole.lines[i].to);
        }
        annotate__doc_release(&grown);
        annotate__doc_release(&whole);
        pk_buf_release(&b);
    }
}
END_TEST

/* ---- The editor ---------------------------------------------------------- */

/* Keys as a text: ASCII is typed, \x01.. are control keys, and < > ^ v h e d
 * after a backquote the arrows, Home, End and Delete. */
static void press(struct annotate__editor *e, const char *keys)
{
    static const char names[] = "<>^vhed";
    static const int special[] = {ANNOTATE__KEY_LEFT,  ANNOTATE__KEY_RIGHT,
                                  ANNOTATE__KEY_UP,    ANNOTATE__KEY_DOWN,
                                  ANNOTATE__KEY_HOME,  ANNOTATE__KEY_END,
                                  ANNOTATE__KEY_DELETE};
    size_t line, column;
    for (; *keys; keys++) {
        int k = (unsigned char)*keys;
        if (k == '`')
            k = special[strchr(names, *++keys) - names];
        ck_assert(annotate__editor_key(e, k, false));
        ck_ok(annotate__editor_wrap(e, 20, &line, &column, &err));
    }
}

static void ck_editor(const char *keys, const char *want, size_t line,
                      size_t column)
{
    struct annotate__editor e;
    size_t at_line, at_column;
    annotate__editor_init(&e, ANNOTATE__PROMPT_MAX);
    press(&e, keys);
    ck_ok(annotate__editor_wrap(&e, 20, &at_line, &at_column, &err));
    ck_assert_str_eq(e.text.len ? e.text.data : "", want);
    ck_assert_msg(at_line == line && at_column == column, "'%s': at %zu, %zu",
                  want, at_line, at_column);
    annotate__editor_release(&e);
}

START_TEST(a_prompt_is_edited)
{
    ck_editor("abc", "abc", 0, 3);
    ck_editor("ac`<b", "abc", 0, 2);
    ck_editor("abc\x08\x08", "a", 0, 1);
    ck_editor("\x08\x17\x15\x0b`d", "", 0, 0);
    ck_editor("one\rtwo", "one\ntwo", 1, 3);
    ck_editor("one\r", "one\n", 1, 0);
    ck_editor("one\r`^x", "xone\n", 0, 1);
    ck_editor("one\rtwo`h`^`v`e!", "one\ntwo!", 1, 4);
    ck_editor("one two\x17", "one ", 0, 4);
    ck_editor("one\rtwo three\x15", "one\n", 1, 0);
    ck_editor("abc`h`d", "bc", 0, 0);
    ck_editor("abc`h`>\x0b", "a", 0, 1);
    /* Up and down by the lines of the screen. */
    ck_editor("aaaa bbbb cccc dddd eeee ffff`^",
              "aaaa bbbb cccc dddd eeee ffff", 0, 9);
    ck_editor("short\ra longer line`^`^`v", "short\na longer line", 1, 5);
}
END_TEST

START_TEST(a_character_is_edited_as_one)
{
    struct annotate__editor e;
    annotate__editor_init(&e, ANNOTATE__PROMPT_MAX);
    /* Two CJK, and an e with an accent that is a character of its own. */
    ck_ok(annotate__editor_set(&e,
                               "\xe4\xbd\xa0\xe5\xa5\xbd"
                               "e\xcc\x81",
                               9, &err));
    press(&e, "`<`<");
    ck_assert_uint_eq(e.at, 3);
    press(&e, "`d");
    ck_assert_str_eq(e.text.data, "\xe4\xbd\xa0"
                                  "e\xcc\x81");
    press(&e, "`e\x08");
    ck_assert_str_eq(e.text.data, "\xe4\xbd\xa0");
    ck_assert_int_eq(annotate__editor_set(&e, "\xff", 1, &err), PK_EDATA);
    ck_assert_int_eq(annotate__editor_set(&e, "a\0b", 3, &err), PK_EDATA);
    ck_assert_str_eq(e.text.data, "\xe4\xbd\xa0");
    /* Pasted, a tab is text and a control key is nothing. */
    ck_assert(annotate__editor_key(&e, '\t', true));
    ck_assert(!annotate__editor_key(&e, 4, true));
    ck_assert(!annotate__editor_key(&e, 0x15, true));
    ck_assert_str_eq(e.text.data, "\xe4\xbd\xa0\t");
    annotate__editor_release(&e);
}
END_TEST

START_TEST(any_keys_leave_text)
{
    struct annotate__editor e;
    struct pk_rng r;
    size_t line, column;
    annotate__editor_init(&e, ANNOTATE__PROMPT_MAX);
    pk_rng_seed(&r, 9, 0);
    for (int i = 0; i < 20000; i++) {
        int k = pk_rng_below(&r, 3)
                    ? (int)pk_rng_below(&r, 0x3000)
                    : ANNOTATE__KEY_UP + (int)pk_rng_below(&r, 11);
        (void)annotate__editor_key(&e, k, pk_rng_below(&r, 5) == 0);
        ck_assert_uint_le(e.at, e.text.len);
        if (i % 50 == 0) {
            ck_ok(annotate__editor_wrap(&e, 7, &line, &column, &err));
            ck_assert_uint_le(line, e.doc.n_lines);
        }
        if (e.text.len > 300)
            ck_ok(annotate__editor_set(&e, "", 0, &err));
    }
    annotate__editor_release(&e);
}
END_TEST

START_TEST(ranges)
{
    struct annotate__range r;
    ck_assert(annotate__range_parse(&r, "0.8", 0, 2));
    ck_assert(!r.between && r.low == r.high);
    ck_assert(annotate__range_parse(&r, "0.7,1", 0, 2));
    ck_assert(!r.between && r.high == 1);
    ck_assert(annotate__range_parse(&r, "0.6..1.2", 0, 2));
    ck_assert(r.between && r.low == 0.6 && r.high == 1.2);
    static const char *const bad[] = {"", "1,", "..", "2..1", "0.5,3", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!annotate__range_parse(&r, bad[i], 0, 2));
}
END_TEST

/* ---- Dialogues ----------------------------------------------------------- */

static int port;
static pid_t server;
static char *store;
static struct annotate__session session;
static struct annotate__live live;
static struct annotate__live_options how;
static char urls[4][64];

static void start_server(void)
{
    int fd = fake_endpoint_listen(&port);
    struct prefdb *db;
    ck_assert_int_ge(fd, 0);
    server = fork();
    if (server == 0)
        fake_endpoint_serve(fd);
    close(fd);
    setenv("no_proxy", "*", 1);
    store = temp_path("live.db");
    unlink(store);
    ck_ok(prefdb_open(&db, store, PREFDB_CREATE, &err));
    prefdb_close(db);
    how = (struct annotate__live_options){.temperature = {0.7, 1, false},
                                          .top_p = {0.95, 0.95, false},
                                          .max_tokens = 100,
                                          .turns = 3,
                                          .stall_seconds = 10,
                                          .source = "live",
                                          .seed = 11};
}

static void stop_server(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

static void model(const char *name, const char *fault)
{
    char *url = urls[how.n_models];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%d/%s/v1", port, fault);
    how.models[how.n_models++] =
        (struct annotate__model){name, url, NULL, false};
}

static void open_live(void)
{
    const struct annotate__options o = {.store = store,
                                        .annotator = "ana",
                                        .allow_tie = true,
                                        .allow_both_bad = true,
                                        .live = true};
    ck_ok(annotate__open(&session, &o, &err));
    ck_ok(annotate__live_open(&live, &session, &how, &err));
}

static void close_live(void)
{
    annotate__live_close(&live);
    annotate__close(&session);
}

static void ask(const char *prompt)
{
    ck_ok(annotate__editor_set(&live.prompt, prompt, strlen(prompt), &err));
    ck_ok(annotate__live_ask(&live, &err));
}

static void settle(void)
{
    bool changed;
    while (annotate__hub_busy(live.hub))
        ck_ok(annotate__live_wait(&live, -1, 10, &changed, &err));
}

static int judge(enum annotate__side side)
{
    bool chosen = side == ANNOTATE__LEFT || side == ANNOTATE__RIGHT;
    annotate__live_show(&live);
    annotate__choose(&session.v, side, chosen ? 2 : PREFDB_UNSTATED);
    return annotate__live_submit(&live, &err);
}

static size_t judgments(void)
{
    const struct prefdb_query all = {.dimension = -1, .split = -1};
    int64_t *ids;
    size_t n;
    ck_ok(prefdb_list(session.db, &all, &ids, &n, &err));
    free(ids);
    return n;
}

static void ck_turn(size_t i, enum prefdb_role role, const char *text)
{
    ck_assert_uint_lt(i, live.n_turns);
    ck_assert_int_eq(live.turns[i].role, role);
    ck_assert_str_eq(live.turns[i].text, text);
}

START_TEST(the_chosen_response_goes_on)
{
    how.system = "Be brief.";
    model("one", "plain");
    model("two", "other");
    open_live();
    ck_assert_int_eq(annotate__live_ask(&live, &err), PK_ENO); /* no prompt */
    ask("Why?");
    settle();
    char *right = strdup(live.sides[1].stream.text.data);
    ck_ok(judge(ANNOTATE__RIGHT));
    ck_assert(!live.asked);
    ck_assert_uint_eq(live.n_turns, 3);
    ck_turn(0, PREFDB_SYSTEM, "Be brief.");
    ck_turn(1, PREFDB_USER, "Why?");
    ck_turn(2, PREFDB_ASSISTANT, right);
    free(right);
    ask("And then?");
    settle();
    char *left = strdup(live.sides[0].stream.text.data);
    ck_ok(judge(ANNOTATE__TIE)); /* the left one's place was drawn */
    ck_turn(4, PREFDB_ASSISTANT, left);
    free(left);
    /* Another run goes on here. */
    close_live();
    open_live();
    ck_assert_uint_eq(live.n_turns, 5);
    ck_assert_uint_eq(live.turn, 2);
    ask("And?");
    settle();
    ck_ok(judge(ANNOTATE__LEFT)); /* the third turn is the last */
    ck_assert_uint_eq(live.n_turns, 1);
    ck_assert_uint_eq(live.turn, 0);
    ask("Something else?");
    settle();
    ck_ok(judge(ANNOTATE__BOTH_BAD)); /* nothing to go on from */
    ck_assert_uint_eq(live.n_turns, 1);
    ck_assert_uint_eq(judgments(), 4);
    close_live();
}
END_TEST

START_TEST(what_is_broken_is_never_judged)
{
    model("one", "plain");
    model("two", "drop");
    open_live();
    ask("Why?");
    settle();
    ck_assert_int_eq(judge(ANNOTATE__LEFT), PK_ENO);
    ck_assert_int_eq(judge(ANNOTATE__RIGHT), PK_ENO);
    ck_assert(live.asked);
    ck_assert_uint_eq(judgments(), 0);
    close_live();
}
END_TEST

START_TEST(nor_are_two_that_say_the_same)
{
    model("one", "plain");
    open_live();
    ask("Why?");
    settle();
    ck_assert_int_eq(judge(ANNOTATE__LEFT), PK_ENO);
    ck_assert_ptr_nonnull(strstr(err.text, "same"));
    ck_assert_uint_eq(judgments(), 0);
    close_live();
}
END_TEST

START_TEST(a_campaign_has_its_say)
{
    struct prefdb_campaign c = {.name = "week 7",
                                .dimension = PREFDB_HELPFULNESS,
                                .overlap = 2,
                                .lease_seconds = 60,
                                .quota = 2,
                                .turn_limit = 2,
                                .guideline = "g3",
                                .guideline_text = "Be fair."};
    const struct annotate__options o = {
        .store = store, .annotator = "ana", .campaign = "week 7", .live = true};
    struct prefdb_progress p;
    struct prefdb *db;
    ck_ok(prefdb_open(&db, store, PREFDB_WRITE, &err));
    ck_ok(prefdb_campaign_put(db, &c, &err));
    model("one", "plain");
    model("two", "other");
    ck_ok(annotate__open(&session, &o, &err));
    ck_ok(annotate__live_open(&live, &session, &how, &err));
    ask("Why?");
    settle();
    ck_assert_uint_eq(annotate__live_turns(&live), 2); /* of its, and 3 */
    ck_assert_int_eq(judge(ANNOTATE__TIE), PK_EUSAGE); /* it has none */
    ck_ok(judge(ANNOTATE__LEFT));
    ck_assert_str_eq(live.said, "kept");
    /* What its lead has changed goes for the next turn. */
    c.guideline = "g4";
    c.allow_tie = true;
    ck_ok(prefdb_campaign_put(db, &c, &err));
    ask("More?");
    ck_assert_str_eq(live.said, "the guideline is now g4");
    settle();
    ck_ok(judge(ANNOTATE__TIE));
    ck_assert_uint_eq(live.turn, 0); /* the dialogue has had its two */
    /* The quota is reached; and what was made is another's task too. */
    ck_assert_str_eq(live.said, "kept; this campaign asks for no more of you");
    ck_ok(annotate__editor_set(&live.prompt, "Again?", 6, &err));
    ck_assert_int_eq(annotate__live_ask(&live, &err), PK_ENO);
    ck_ok(prefdb_progress(db, c.id, "ana", &p, &err));
    ck_assert_int_eq(p.tasks, 2);
    ck_assert_int_eq(p.judged, 2);
    struct prefdb_task task;
    ck_assert_int_eq(prefdb_next(db, c.id, "bob", &task, &err), 1);
    prefdb_close(db);
    close_live();
}
END_TEST

/* As kill -9 leaves it: nothing is closed in order. */
START_TEST(what_was_whole_is_there_again)
{
    bool changed;
    int64_t seed[2];
    model("one", "plain");
    model("two", "endless");
    open_live();
    ask("Why?");
    int whole = live.sides[0].model == 0 ? 0 : 1;
    while (live.sides[whole].stream.phase != ANNOTATE__WHOLE ||
           !live.sides[!whole].stream.text.len)
        ck_ok(annotate__live_wait(&live, -1, 10, &changed, &err));
    annotate__live_show(&live);
    annotate__choose(&session.v, ANNOTATE__RIGHT, 1);
    snprintf(session.v.note, sizeof session.v.note, "a note");
    ck_ok(annotate__live_keep(&live, &err));
    for (int i = 0; i < 2; i++)
        seed[i] = live.sides[i].seed;
    stop_server(); /* what comes now comes from the draft */
    struct annotate__session left = session;
    struct annotate__live other = live;
    close(left.alone);
    left.alone = 0;
    open_live();
    ck_assert(live.asked);
    ck_assert_int_eq(live.sides[whole].stream.phase, ANNOTATE__WHOLE);
    ck_assert(strncmp(live.sides[whole].stream.text.data, "Sunlight", 8) == 0);
    ck_assert_ptr_nonnull(live.sides[whole].stream.record);
    ck_assert(annotate__running(&live.sides[!whole].stream));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(live.sides[i].seed, seed[i]);
    ck_assert_int_eq(session.v.side, ANNOTATE__RIGHT);
    ck_assert_str_eq(session.v.note, "a note");
    close_live();
    session = left;
    live = other;
    live.s = &session;
    for (int i = 0; i < 2; i++) /* the streams lay in the struct */
        annotate__hub_stop(live.hub, &live.sides[i].stream);
}
END_TEST

START_TEST(other_models_are_asked_anew)
{
    model("one", "plain");
    model("two", "other");
    open_live();
    ask("Why?");
    settle();
    close_live();
    how.n_models = 0;
    model("three", "plain");
    model("four", "other");
    open_live();
    ck_assert(!live.asked);
    ck_assert_uint_eq(live.n_turns, 0);
    ck_assert_str_eq(live.prompt.text.data, "Why?");
    close_live();
}
END_TEST

START_TEST(a_draft_that_cannot_be_read_is_no_obstacle)
{
    static const char *const drafts[] = {
        "",
        "{",
        "7",
        "[]",
        "{}",
        "{\"version\":2}",
        "{\"version\":1,\"turns\":[7]}",
        "{\"version\":1,\"turn\":-1,\"turns\":[{\"role\":\"user\","
        "\"content\":\"a\"}],\"sides\":[{},7]}"};
    model("one", "plain");
    open_live();
    for (size_t i = 0; i < sizeof drafts / sizeof drafts[0]; i++) {
        ck_ok(
            prefdb_draft_put(session.db, "ana", live.key[0], drafts[i], &err));
        close_live();
        open_live();
        ck_assert(!live.asked);
        ck_assert_uint_eq(live.turn, 0);
        ck_assert(strstr(live.said, "cannot be read") != NULL);
    }
    close_live();
}
END_TEST

START_TEST(thrown_away_is_kept_beside)
{
    model("one", "plain");
    model("two", "endless");
    open_live();
    ask("Why?");
    int endless = live.sides[0].model == 1 ? 0 : 1;
    bool changed;
    for (int i = 0; i < 2; i++) {
        while (!live.sides[endless].stream.text.len)
            ck_ok(annotate__live_wait(&live, -1, 10, &changed, &err));
        if (i == 0) {
            int64_t seed = live.sides[endless].seed;
            annotate__choose(&session.v, ANNOTATE__LEFT, 2);
            session.v.label = PREFDB_BOTH_SAFE;
            strcpy(session.v.note, "runs on");
            ck_ok(annotate__live_again(&live, endless, &err));
            ck_assert_int_ne(live.sides[endless].seed, seed);
            ck_assert_int_eq(session.v.side, ANNOTATE__NONE);
            ck_assert_int_eq(session.v.label, PREFDB_NO_LABEL);
            ck_assert_str_eq(session.v.note, "");
        }
    }
    const cJSON *thrown = live.sides[endless].discarded;
    ck_assert_int_eq(cJSON_GetArraySize(thrown), 1);
    thrown = cJSON_GetArrayItem(thrown, 0);
    ck_assert_str_eq(cJSON_GetObjectItem(thrown, "note")->valuestring,
                     "runs on");
    while (live.sides[!endless].stream.phase != ANNOTATE__WHOLE)
        ck_ok(annotate__live_wait(&live, -1, 10, &changed, &err));
    ck_ok(judge(ANNOTATE__LEFT)); /* before the end of the other */
    ck_assert(!annotate__hub_busy(live.hub));
    ck_assert_uint_eq(judgments(), 1);
    /* And the prompt can be taken back. */
    ask("More?");
    ck_ok(annotate__live_back(&live, &err));
    ck_assert_str_eq(live.prompt.text.data, "More?");
    ck_assert(!annotate__hub_busy(live.hub));
    ck_assert_uint_eq(live.n_turns, 2);
    close_live();
}
END_TEST

START_TEST(everything_is_drawn)
{
    int seen[3][3] = {{0}}, warm_left = 0;
    model("one", "plain");
    model("two", "plain");
    model("three", "plain");
    how.top_p = (struct annotate__range){0.5, 0.9, true};
    open_live();
    for (int i = 0; i < 120; i++) {
        ask("Why?");
        const struct annotate__answer *s = live.sides;
        ck_assert_uint_ne(s[0].model, s[1].model);
        ck_assert(s[0].temperature != s[1].temperature);
        ck_assert_int_ne(s[0].seed, s[1].seed);
        ck_assert(s[0].top_p >= 0.5 && s[0].top_p <= 0.9);
        seen[s[0].model][s[1].model]++;
        warm_left += s[0].temperature > s[1].temperature;
        ck_ok(annotate__live_back(&live, &err));
    }
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            ck_assert(a == b || seen[a][b] > 5);
    ck_assert(warm_left > 30 && warm_left < 90);
    close_live();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("annotate_live");
    TCase *t = tcase_create("editor"), *d = tcase_create("dialogues");
    tcase_add_test(t, growing_is_wrapping);
    tcase_add_test(t, a_prompt_is_edited);
    tcase_add_test(t, a_character_is_edited_as_one);
    tcase_add_test(t, any_keys_leave_text);
    tcase_add_test(t, ranges);
    suite_add_tcase(s, t);
    tcase_set_timeout(d, 60);
    tcase_add_checked_fixture(d, start_server, stop_server);
    tcase_add_test(d, the_chosen_response_goes_on);
    tcase_add_test(d, what_is_broken_is_never_judged);
    tcase_add_test(d, nor_are_two_that_say_the_same);
    tcase_add_test(d, a_campaign_has_its_say);
    tcase_add_test(d, what_was_whole_is_there_again);
    tcase_add_test(d, other_models_are_asked_anew);
    tcase_add_test(d, a_draft_that_cannot_be_read_is_no_obstacle);
    tcase_add_test(d, thrown_away_is_kept_beside);
    tcase_add_test(d, everything_is_drawn);
    suite_add_tcase(s, d);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
