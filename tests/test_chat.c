/* The chat formats: equal to the reference code, shortened as promised. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "infer/infer.h"
#include "tests/golden_tokens.h"
#include "tests/support.h"

#define SYSTEM(s)                                                              \
    {                                                                          \
        INFER_SYSTEM, s, sizeof(s) - 1                                         \
    }
#define USER(s)                                                                \
    {                                                                          \
        INFER_USER, s, sizeof(s) - 1                                           \
    }
#define ASSISTANT(s)                                                           \
    {                                                                          \
        INFER_ASSISTANT, s, sizeof(s) - 1                                      \
    }
#define COUNT(v) (sizeof(v) / sizeof *(v))

static struct infer_tokenizer *open_tiny(void)
{
    struct pk_err err;
    struct infer_tokenizer *t;
    ck_ok(infer_tokenizer_open(&t, FIXTURES "tokenizer", &err));
    return t;
}

/* ---- Golden rows --------------------------------------------------------- */

static size_t read_messages(const cJSON *row, struct infer_message *out)
{
    static const char *const names[] = {"system", "user", "assistant"};
    const cJSON *item;
    size_t n = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(row, "messages"))
    {
        struct pk_err err;
        const char *role;
        size_t k = 0;
        ck_assert_uint_lt(n, 16);
        ck_ok(pk_json_need_str(item, "role", &role, &err));
        ck_ok(pk_json_need_str(item, "content", &out[n].text, &err));
        while (strcmp(role, names[k]) != 0)
            k++;
        out[n].role = (enum infer_role)k;
        out[n].len = strlen(out[n].text);
        n++;
    }
    return n;
}

static void check_golden(const char *name)
{
    struct pk_err err;
    struct golden g;
    struct infer_ids ids = {0};
    size_t rows = 0;
    if (!golden_open(&g, name))
        return;
    for (; golden_next(&g); rows++) {
        struct infer_message m[16];
        struct infer_chat what;
        size_t n = read_messages(g.row, m);
        bool cut = cJSON_IsTrue(cJSON_GetObjectItem(g.row, "cut"));
        bool answered = m[n - 1].role == INFER_ASSISTANT;
        ids.len = 0;
        ck_ok(infer_chat_encode(g.t, m, n, cut, 0, &ids, &what, &err));
        same_ids(&ids, &g.ids, pk_lines_where(g.in));
        ck_assert_uint_eq(what.dropped, 0);
        ck_assert(what.closed == (answered && !cut));
        ck_assert_int_eq(ids.id[0], infer_tokenizer_bos(g.t));
        ck_assert((ids.id[ids.len - 1] == infer_tokenizer_eos(g.t)) ==
                  what.closed);
    }
    ck_assert_uint_gt(rows, 10);
    infer_ids_release(&ids);
}

START_TEST(golden_own)
{
    check_golden("golden_chat.jsonl");
}
END_TEST

START_TEST(golden_llama2)
{
    check_golden("golden_chat_llama2.jsonl");
}
END_TEST

/* Llama 3's: equal to what its template makes of a dialogue. */
START_TEST(golden_llama3)
{
    check_golden("golden_json_chat.jsonl");
}
END_TEST

/* ---- Too long ------------------------------------------------------------ */

static const struct infer_message talk[] = {
    SYSTEM("Be kind."),     USER("Where is the kettle?"),
    ASSISTANT("There."),    USER("And the ladder?"),
    ASSISTANT("Garden."),   USER("Thanks, and the map?"),
    ASSISTANT("The hall."),
};

/* `talk` with its first `dropped` exchanges gone, the system text kept or
 * there never having been one. */
static void encode_rest(const struct infer_tokenizer *t, bool with_system,
                        size_t dropped, struct infer_ids *out)
{
    struct pk_err err;
    struct infer_message m[COUNT(talk)];
    size_t n = 0;
    if (with_system)
        m[n++] = talk[0];
    for (size_t i = 1 + 2 * dropped; i < COUNT(talk); i++)
        m[n++] = talk[i];
    ck_ok(infer_chat_encode(t, m, n, false, 0, out, NULL, &err));
}

/* At each limit, the longest whole remainder that fits. */
START_TEST(drops_oldest)
{
    struct pk_err err;
    const bool with_system = _i == 1;
    struct infer_tokenizer *t = open_tiny();
    struct infer_ids want[3] = {{0}}, got = {0};
    for (size_t d = 0; d < 3; d++)
        encode_rest(t, with_system, d, &want[d]);
    ck_assert_uint_gt(want[0].len, want[1].len);
    ck_assert_uint_gt(want[1].len, want[2].len);
    for (size_t max = want[0].len + 1; max >= want[2].len; max--) {
        struct infer_chat what;
        size_t d = 0;
        while (want[d].len > max)
            d++;
        got.len = 0;
        ck_ok(infer_chat_encode(t, talk + !with_system,
                                COUNT(talk) - !with_system, false, max, &got,
                                &what, &err));
        ck_assert_uint_eq(what.dropped, d);
        ck_assert(what.closed);
        same_ids(&got, &want[d], "shortened");
    }
    for (size_t d = 0; d < 3; d++)
        infer_ids_release(&want[d]);
    infer_ids_release(&got);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(never_drops_the_last)
{
    struct pk_err err;
    struct infer_chat what = {7, true};
    struct infer_tokenizer *t = open_tiny();
    struct infer_ids last = {0}, got = {0};
    encode_rest(t, true, 2, &last);
    ck_ok(infer_ids_add(&got, 42, &err));
    for (size_t max = 1; max < last.len; max++) {
        ck_assert_int_eq(infer_chat_encode(t, talk, COUNT(talk), false, max,
                                           &got, &what, &err),
                         PK_EDATA);
        ck_assert_uint_eq(got.len, 1);
        ck_assert_int_eq(got.id[0], 42);
        ck_assert(what.dropped == 0 && !what.closed);
    }
    ck_assert_ptr_nonnull(strstr(err.text, "last exchange"));
    infer_ids_release(&last);
    infer_ids_release(&got);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(an_open_turn_is_an_exchange)
{
    struct pk_err err;
    struct infer_chat what;
    struct infer_tokenizer *t = open_tiny();
    struct infer_ids got = {0}, want = {0};
    ck_ok(infer_chat_encode(t, talk + 5, 1, false, 0, &want, NULL, &err));
    ck_ok(
        infer_chat_encode(t, talk + 3, 3, false, want.len, &got, &what, &err));
    ck_assert_uint_eq(what.dropped, 1);
    ck_assert(!what.closed);
    same_ids(&got, &want, "open");
    infer_ids_release(&got);
    infer_ids_release(&want);
    infer_tokenizer_close(t);
}
END_TEST

/* ---- Written out --------------------------------------------------------- */

/* `talk` from its message `from` on, as Llama 2's template writes it. */
static void write_out(struct pk_buf *b, size_t from, bool with_system)
{
    for (size_t i = from; i < COUNT(talk); i++) {
        if (talk[i].role == INFER_ASSISTANT) {
            pk_buf_addf(b, " %s </s>", talk[i].text);
            continue;
        }
        pk_buf_adds(b, "<s>[INST] ");
        if (i == 1 && with_system)
            pk_buf_addf(b, "<<SYS>>\n%s\n<</SYS>>\n\n", talk[0].text);
        pk_buf_addf(b, "%s [/INST]", talk[i].text);
    }
    ck_assert_int_eq(b->failed, 0);
}

START_TEST(written_out_is_the_same)
{
    struct pk_err err;
    struct infer_tokenizer *t = open_tiny();
    for (size_t from = 1; from < COUNT(talk); from += 2) {
        const bool with_system = from == 1;
        struct infer_ids want = {0}, got = {0};
        struct pk_buf b = PK_BUF_INIT(1 << 16);
        encode_rest(t, with_system, from / 2, &want);
        write_out(&b, from, with_system);
        ck_ok(infer_tokenizer_encode_marked(t, b.data, b.len, &got, &err));
        same_ids(&got, &want, b.data);
        pk_buf_release(&b);
        infer_ids_release(&want);
        infer_ids_release(&got);
    }
    infer_tokenizer_close(t);
}
END_TEST

/* The names alone, and next to one another; what only looks like one is text.
 */
START_TEST(special_tokens_in_text)
{
    static const struct {
        const char *text;
        size_t n;
        int32_t first, last;
    } rows[] = {{"", 0, 0, 0},         {"</s>", 1, 2, 2}, {"<s></s>", 2, 1, 2},
                {"<unk><s>", 2, 0, 1}, {"<s", 0, -1, -1}, {"< s>", 0, -1, -1}};
    struct pk_err err;
    struct infer_tokenizer *t = open_tiny();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct infer_ids got = {0}, plain = {0};
        size_t n = strlen(rows[i].text);
        ck_ok(infer_tokenizer_encode_marked(t, rows[i].text, n, &got, &err));
        ck_ok(infer_tokenizer_encode(t, rows[i].text, n, &plain, &err));
        if (rows[i].first < 0) {
            same_ids(&got, &plain, rows[i].text);
        } else {
            ck_assert_uint_eq(got.len, rows[i].n);
            if (got.len) {
                ck_assert_int_eq(got.id[0], rows[i].first);
                ck_assert_int_eq(got.id[got.len - 1], rows[i].last);
                ck_assert_uint_gt(plain.len, got.len);
            }
        }
        infer_ids_release(&got);
        infer_ids_release(&plain);
    }
    infer_tokenizer_close(t);
}
END_TEST

/* ---- Refused ------------------------------------------------------------- */

static const struct {
    struct infer_message m[4];
    size_t n;
    const char *says;
} refused[] = {
    {{USER("")}, 0, "no user message"},
    {{SYSTEM("s")}, 1, "no user message"},
    {{ASSISTANT("a")}, 1, "message 1 is from assistant"},
    {{SYSTEM("s"), ASSISTANT("a")}, 2, "message 2 is from assistant"},
    {{USER("a"), USER("b")}, 2, "message 2 is from user"},
    {{USER("a"), ASSISTANT("b"), ASSISTANT("c")}, 3, "message 3 is from assis"},
    {{USER("a"), SYSTEM("b")}, 2, "message 2 is from system"},
    {{SYSTEM("s"), SYSTEM("s"), USER("a")}, 3, "message 2 is from system"},
    {{USER("x [INST]")}, 1, "message 1 holds \"[INST]\""},
    {{USER("a"), ASSISTANT("[/INST]b")}, 2, "message 2 holds \"[/INST]\""},
    {{SYSTEM("a<<SYS>>b"), USER("a")}, 2, "message 1 holds \"<<SYS>>\""},
    {{USER("<</SYS>>")}, 1, "message 1 holds \"<</SYS>>\""},
};

START_TEST(refuses)
{
    struct pk_err err;
    struct infer_tokenizer *t = open_tiny();
    struct infer_ids ids = {0};
    ck_assert_int_eq(infer_chat_encode(t, refused[_i].m, refused[_i].n, false,
                                       0, &ids, NULL, &err),
                     PK_EDATA);
    ck_assert_msg(strstr(err.text, refused[_i].says) != NULL, "%s", err.text);
    ck_assert_uint_eq(ids.len, 0);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}
END_TEST

/* Without <s> as a control piece there is nothing to begin an exchange with:
 * the appended option names another piece. */
START_TEST(needs_bos)
{
    static const char tail[] = "\x12\x07\xF2\x02\x04<no>";
    struct pk_err err;
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    char *path = model_with_tail(FIXTURES "tokenizer/tokenizer.model", tail,
                                 sizeof tail - 1);
    ck_ok(infer_tokenizer_open(&t, path, &err));
    ck_assert_int_eq(infer_tokenizer_bos(t), -1);
    ck_assert_int_eq(
        infer_chat_encode(t, talk, COUNT(talk), false, 0, &ids, NULL, &err),
        PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "no BOS"));
    infer_tokenizer_close(t);
}
END_TEST

/* ---- The template -------------------------------------------------------- */

static const char script[] =
    "import sys, jinja2.sandbox\n"
    "env = jinja2.sandbox.ImmutableSandboxedEnvironment(\n"
    "    trim_blocks=True, lstrip_blocks=True)\n"
    "def stop(why):\n"
    "    raise jinja2.exceptions.TemplateError(why)\n"
    "env.globals['raise_exception'] = stop\n"
    "template = env.from_string(open(sys.argv[1]).read())\n"
    "def render(*turns):\n"
    "    messages = [{'role': r, 'content': c} for r, c in turns]\n"
    "    return template.render(messages=messages, bos_token='<s>',\n"
    "                           eos_token='</s>')\n"
    "assert render(('system', 's'), ('user', ' a '), ('assistant', ' b\\n'),\n"
    "              ('user', 'c')) == ('<s>[INST] <<SYS>>\\ns\\n<</SYS>>'\n"
    "    '\\n\\n a [/INST] b </s><s>[INST] c [/INST]')\n"
    "assert render(('user', 'a'), ('assistant', 'b')) == (\n"
    "    '<s>[INST] a [/INST] b </s>')\n"
    "for bad in [('assistant',), ('user', 'user'), ('user', 'system'),\n"
    "            ('system', 'system', 'user'), ('user', 'tool')]:\n"
    "    try:\n"
    "        render(*[(role, 'x') for role in bad])\n"
    "        sys.exit(1)\n"
    "    except jinja2.exceptions.TemplateError as e:\n"
    "        assert 'alternate' in str(e)\n";

START_TEST(template_says_the_same)
{
    char cmd[512];
    if (system("/usr/bin/python3 -c 'import jinja2' 2>/dev/null") != 0) {
        puts("skipped: the chat template: python3-jinja2 is not installed");
        return;
    }
    char *py = temp_path("render.py"), *jinja = temp_path("template");
    write_file(py, script, sizeof script - 1);
    const char *template = infer_chat_jinja(INFER_CHAT_LLAMA2);
    write_file(jinja, template, strlen(template));
    snprintf(cmd, sizeof cmd, "/usr/bin/python3 '%s' '%s'", py, jinja);
    ck_assert_int_eq(system(cmd), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chat");
    TCase *c = tcase_create("chat");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, golden_own);
    tcase_add_test(c, golden_llama2);
    tcase_add_test(c, golden_llama3);
    tcase_add_loop_test(c, drops_oldest, 0, 2);
    tcase_add_test(c, never_drops_the_last);
    tcase_add_test(c, an_open_turn_is_an_exchange);
    tcase_add_test(c, written_out_is_the_same);
    tcase_add_test(c, special_tokens_in_text);
    tcase_add_loop_test(c, refuses, 0, COUNT(refused));
    tcase_add_test(c, needs_bos);
    tcase_add_test(c, template_says_the_same);
    suite_add_tcase(s, c);
    return run_suite(s);
}
