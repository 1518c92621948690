/* common/json: what is refused, what is read, what is written. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/json.h"
#include "common/rng.h"
#include "tests/support.h"

static struct pk_err err;

static cJSON *parse(const char *text)
{
    cJSON *j;
    ck_ok(pk_json_parse(&j, text, strlen(text), &err));
    ck_assert_ptr_nonnull(j);
    return j;
}

static void refuse(const char *text, size_t len, const char *why)
{
    cJSON *j = (cJSON *)&err;
    ck_assert_msg(pk_json_parse(&j, text, len, &err) == PK_EDATA, "'%s'", text);
    ck_assert_ptr_null(j);
    ck_assert_msg(strstr(err.text, why) != NULL, "'%s': %s", text, err.text);
}

START_TEST(accepts)
{
    static const char *const ok[] = {
        "{}",          " [] \r\n",           "\"a\"",         "null", "-1.5e3",
        "{\"a\":{}}",  "\"\\ud83d\\ude00\"", "\"\\\\u0000\"", "true", "[1,2]\t",
        "\"\xC3\xA9\""};
    for (size_t i = 0; i < sizeof ok / sizeof *ok; i++)
        cJSON_Delete(parse(ok[i]));
    cJSON *j = parse("\"\\ud83d\\ude00\\n\\u00e9\"");
    ck_assert_str_eq(j->valuestring, "\xF0\x9F\x98\x80\n\xC3\xA9");
    cJSON_Delete(j);
}
END_TEST

START_TEST(refuses)
{
    static const char *const bad[] = {
        "",         " ",     "{",          "[1,", "[1 2]", "{\"a\"}",
        "{\"a\":}", "{a:1}", "\"a",        "nul", "[1,]",  "{\"a\":1,",
        "\"\\x\"",  "'a'",   "{\"a\":1,}", "-",   "NaN",   "+1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i], strlen(bad[i]), "not valid JSON");
    refuse("{} x", 4, "follows the JSON value at byte 4");
    refuse("{}{}", 4, "follows the JSON value at byte 3");
    refuse("\"\\u0000\"", 8, "\\u0000");
    refuse("\"\\uD83D\"", 8, "\\ud83d, half of a character");
    refuse("\"\\ud83d\\ud83d\"", 14, "half of a character");
    refuse("\"\\ude42x\"", 9, "\\ude42, half of a character");
    refuse("{\"a\":\"x\\\\\\u0000\"}", 17, "\\u0000");
    refuse("{\"\\u0000\":1}", 12, "\\u0000");
    refuse("\"a\xFF\"", 4, "byte 3 is not UTF-8");
    refuse("\"\xED\xA0\x80\"", 5, "byte 2 is not UTF-8");
    refuse("\"a\0b\"", 5, "NUL");
    refuse("{}\0", 3, "NUL");
}
END_TEST

/* JSON has no raw control characters; a row that held one would be echoed as
 * something other programs refuse. */
START_TEST(refuses_control_characters)
{
    refuse("{\"a\":\"x\ny\"}", 11, "byte 8 is a control character");
    refuse("\"\t\"", 3, "byte 2 is a control character");
    refuse("{\x01}", 3, "byte 2 is a control character");
    refuse("{} \x0b", 4, "byte 4 is a control character");
    cJSON_Delete(parse("{\t\"a\":\r\n1}"));
    cJSON_Delete(parse("\"\\n\\t\x7f\""));
}
END_TEST

/* Few names are compared one by one, many are sorted. */
START_TEST(refuses_repeated_names)
{
    static const char *const bad[][2] = {
        {"{\"a\":1,\"b\":2,\"a\":1}", "\"a\" is there twice"},
        {"[{\"x\":{\"\":1,\"\":2}}]", "\"\" is there twice"},
        {"{\"\\n\":1,\"\\u000a\":2}", "\"\\n\" is there twice"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i][0], strlen(bad[i][0]), bad[i][1]);
    cJSON_Delete(
        parse("{\"a\":{\"a\":1},\"A\":2,\"aa\":[{\"a\":1},{\"a\":1}]}"));
    for (int n = 15; n < 40; n++) {
        struct pk_buf b = PK_BUF_INIT(4096);
        pk_buf_addc(&b, '{');
        for (int i = 0; i < n; i++)
            pk_buf_addf(&b, "\"%d\":%d,", i, i);
        size_t len = b.len;
        pk_buf_addf(&b, "\"%d\":0}", n);
        cJSON_Delete(parse(b.data));
        b.len = len;
        pk_buf_addf(&b, "\"%d\":0}", n / 2);
        char want[40];
        snprintf(want, sizeof want, "\"%d\" is there twice", n / 2);
        refuse(b.data, b.len, want);
        pk_buf_release(&b);
    }
}
END_TEST

/* With the strings in one room, and a copy that outlives it; made of what is
 * spare, and spare afterwards. */
static void ck_roomed(const char *text, size_t len, const char *want,
                      struct pk_json_spare *spare)
{
    cJSON *j;
    char *room = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(room);
    ck_ok(pk_json_parse_in(&j, text, len, room, spare, &err));
    cJSON *copy = pk_json_copy(j);
    char *printed = cJSON_PrintUnformatted(j);
    ck_assert_str_eq(printed, want);
    cJSON_free(printed);
    if (spare)
        pk_json_spare_add(spare, j);
    else
        cJSON_Delete(j);
    memset(room, 'x', len);
    free(room);
    printed = cJSON_PrintUnformatted(copy);
    ck_assert_str_eq(printed, want);
    cJSON_free(printed);
    cJSON_Delete(copy);
}

/* Our parser against cJSON's own: whatever ours takes, cJSON takes, and the
 * trees are the same; and what we print is what cJSON prints. */
static void same_as_cjson(const char *text, size_t len)
{
    cJSON *ours;
    if (pk_json_parse(&ours, text, len, &err) < 0)
        return;
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    cJSON *theirs = cJSON_ParseWithLength(text, len);
    ck_assert_msg(theirs != NULL, "only ours takes '%.*s'", (int)len, text);
    char *printed = cJSON_PrintUnformatted(theirs);
    char *same = cJSON_PrintUnformatted(ours);
    ck_assert_str_eq(same, printed);
    cJSON_free(same);
    ck_assert_int_eq(pk_json_print(&b, theirs), 0);
    ck_assert_str_eq(b.data, printed);
    struct pk_json_spare spare = {0};
    ck_roomed(text, len, printed, NULL);
    ck_roomed(text, len, printed, &spare);
    ck_roomed(text, len, printed, &spare);
    pk_json_spare_release(&spare);
    cJSON_free(printed);
    cJSON_Delete(ours);
    cJSON_Delete(theirs);
    pk_buf_release(&b);
}

static const char filler[] = "a text of forty plain characters and more";

static const char *const documents[] = {
    "{\"a\": [1, -2.5e3, true ,false,null], \"b\\n\" :"
    " {\"\\u00e9\\ud83d\\ude00\" : \"x\"} , \"c\":1}",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u001f\\u0041\x7f\", \"caf\xc3\xa9\", \"\"]",
    "[[],{},[[]],{\"\":[{}]},{\"a\":0,\"b\":-0,\"A\":0.5e-3}]",
    "{\"long\":\"a text that is much longer than eight characters, \\\" and "
    "on\"}",
    "[2147483647,-2147483648,2147483648,1e15,123456789012345,0.1,1E+2,3e-7]"};

START_TEST(like_cjson)
{
    struct pk_rng rng;
    const char *d = documents[_i];
    size_t n = strlen(d);
    char *text = malloc(n);
    ck_assert_ptr_nonnull(text);
    cJSON_Delete(parse(d));
    same_as_cjson(d, n);
    pk_rng_seed(&rng, 1, (uint64_t)_i);
    for (int round = 0; round < 20000; round++) {
        memcpy(text, d, n);
        for (uint64_t k = 1 + pk_rng_below(&rng, 3); k > 0; k--)
            text[pk_rng_below(&rng, n)] = d[pk_rng_below(&rng, n)];
        same_as_cjson(text, n);
    }
    free(text);
}
END_TEST

/* What ends a run of plain characters is found at every place in it, and what
 * does not, is not. */
START_TEST(plain_runs)
{
    static const char *const parts[] = {"\\n", "\\\"", "\x7f", "\xc3\xa9"};
    char text[100], want[40];
    for (int n = 0; n < 40; n++) {
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            int len = snprintf(text, sizeof text, "[\"%.*s%s%.*s\"]", n, filler,
                               parts[i], 40 - n, filler);
            same_as_cjson(text, (size_t)len);
            cJSON_Delete(parse(text));
        }
        int len = snprintf(text, sizeof text, "\"%.*s\x1f%.*s\"", n, filler,
                           40 - n, filler);
        snprintf(want, sizeof want, "byte %d is a control", n + 2);
        refuse(text, (size_t)len, want);
    }
}
END_TEST

/* What was one value is the next, whether its strings were its own or not;
 * what was taken out of it, or a bad text, takes nothing twice; and what is
 * spare has its limits. */
START_TEST(spare_values)
{
    static const char doc[] = "{\"a\":[1,1234567890123456789],\"b\":\"x\"}";
    struct pk_json_spare spare = {0};
    cJSON *j;
    char room[sizeof doc];
    for (int i = 0; i < 4; i++) {
        ck_ok(pk_json_parse_in(&j, doc, sizeof doc - 1, i % 2 ? room : NULL,
                               &spare, &err));
        ck_assert_uint_eq(spare.n, 0);
        pk_json_spare_add(&spare, j);
        ck_assert_uint_eq(spare.n, 5);
        ck_assert_int_eq(
            pk_json_parse_in(&j, doc, sizeof doc - 2, NULL, &spare, &err),
            PK_EDATA);
        ck_assert_uint_eq(spare.n, 0);
        ck_ok(pk_json_parse_in(&j, doc, sizeof doc - 1, NULL, &spare, &err));
        cJSON_Delete(cJSON_DetachItemFromObject(j, "a"));
        cJSON_Delete(j);
    }
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    pk_buf_adds(&b, "[0");
    for (int i = 1; i < 100000; i++)
        pk_buf_adds(&b, ",0");
    pk_buf_addc(&b, ']');
    ck_ok(pk_json_parse_in(&j, b.data, b.len, NULL, &spare, &err));
    pk_json_spare_add(&spare, j);
    ck_assert_uint_gt(spare.n, 1000);
    ck_assert_uint_lt(spare.n, 100000);
    pk_json_spare_release(&spare);
    ck_assert_uint_eq(spare.n, 0);
    pk_buf_release(&b);
}
END_TEST

/* The digits that a double cannot hold come out as they went in. */
START_TEST(digits)
{
    static const char *const same[] = {"9007199254740993",
                                       "-12345678901234567890",
                                       "[1e999]",
                                       "0.12345678901234567890",
                                       "0.5382087395561351",
                                       "[1.7976931348623157e+308]",
                                       "{\"a\":18446744073709551615,\"b\":0.5}",
                                       "314159265358979323846264338327950288419"
                                       "7169399375105820974944592307816"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct pk_buf b = PK_BUF_INIT(4096);
        cJSON *j = parse(same[i]), *copy = cJSON_Duplicate(j, 1);
        ck_assert_int_eq(pk_json_print(&b, copy), 0);
        ck_assert_str_eq(b.data, same[i]);
        pk_buf_release(&b);
        cJSON_Delete(copy);
        cJSON_Delete(j);
    }
    refuse("01", 2, "not valid JSON");
    refuse("[1.]", 4, "not valid JSON");
    refuse("[.5]", 4, "not valid JSON");
    refuse("[1e]", 4, "not valid JSON");
}
END_TEST

START_TEST(depth)
{
    char text[2 * PK_JSON_DEPTH + 8];
    for (size_t n = PK_JSON_DEPTH; n <= PK_JSON_DEPTH + 1; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        text[2 * n] = 0;
        if (n == PK_JSON_DEPTH)
            cJSON_Delete(parse(text));
        else
            refuse(text, 2 * n, "nested deeper than 100");
    }
    /* Brackets inside strings do not count. */
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    pk_buf_addc(&b, '"');
    for (int i = 0; i < 1000; i++)
        pk_buf_adds(&b, "[{\\\"");
    pk_buf_addc(&b, '"');
    cJSON_Delete(parse(b.data));
    pk_buf_release(&b);
    char *flood = malloc(1 << 20);
    ck_assert_ptr_nonnull(flood);
    memset(flood, '[', 1 << 20);
    refuse(flood, 1 << 20, "nested deeper");
    free(flood);
}
END_TEST

/* Nothing is read behind the text: every prefix of a document lies at the end
 * of a page whose neighbour may not be touched. */
START_TEST(prefixes_at_page_end)
{
    static const char doc[] =
        "{\"a\": [1, -2.5e3, true ,false,null], \"b\\n\" :"
        " {\"\\u00e9\\ud83d\\ude00\" : \"x\"} , \"c\":1}";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(map != MAP_FAILED);
    ck_assert_int_eq(mprotect(map + page, page, PROT_NONE), 0);
    for (size_t n = 0; n < sizeof doc; n++) {
        char *at = map + page - n;
        memcpy(at, doc, n);
        cJSON *j;
        int rc = pk_json_parse(&j, at, n, &err);
        ck_assert_int_eq(rc, n == sizeof doc - 1 ? 0 : PK_EDATA);
        cJSON_Delete(j);
    }
    munmap(map, 2 * page);
}
END_TEST

START_TEST(fields)
{
    cJSON *j = parse("{\"s\":\"t\",\"n\":2.5,\"z\":null,\"b\":true,"
                     "\"big\":1e999,\"N\":7}");
    const char *s;
    double n;
    ck_ok(pk_json_str(j, "s", &s, &err));
    ck_assert_str_eq(s, "t");
    ck_ok(pk_json_str(j, "z", &s, &err));
    ck_assert_ptr_null(s);
    ck_ok(pk_json_str(j, "absent", &s, &err));
    ck_assert_ptr_null(s);
    ck_assert_int_eq(pk_json_str(j, "n", &s, &err), PK_EDATA);
    ck_assert_str_eq(err.text, "\"n\" is not a string");
    ck_assert_ptr_null(s);
    ck_assert_int_eq(pk_json_need_str(j, "absent", &s, &err), PK_EDATA);
    ck_assert_str_eq(err.text, "\"absent\" is missing");
    ck_assert_int_eq(pk_json_need_str(j, "b", &s, &err), PK_EDATA);
    ck_ok(pk_json_need_str(j, "s", &s, &err));

    ck_ok(pk_json_num(j, "n", 1, &n, &err));
    ck_assert(n == 2.5);
    ck_ok(pk_json_num(j, "z", 1, &n, &err));
    ck_assert(n == 1);
    ck_assert_int_eq(pk_json_num(j, "s", 1, &n, &err), PK_EDATA);
    ck_assert_int_eq(pk_json_num(j, "b", 1, &n, &err), PK_EDATA);
    ck_assert_int_eq(pk_json_num(j, "big", 1, &n, &err), PK_EDATA);
    cJSON_Delete(j);
    j = parse("[1]");
    ck_ok(pk_json_str(j, "s", &s, &err));
    ck_assert_ptr_null(s);
    cJSON_Delete(j);
}
END_TEST

START_TEST(numbers_out)
{
    cJSON *j = cJSON_CreateObject();
    ck_assert_int_eq(pk_json_add_num(j, "a", 0.1), 0);
    pk_json_add_num(j, "b", NAN);
    pk_json_add_num(j, "c", -INFINITY);
    pk_json_add_num(j, "d", 3);
    pk_json_add_num(j, "e", (double)1.17549435e-38f);
    pk_json_add_num(j, "f", 1234567890123);
    pk_json_add_num(j, "g", 1e300);
    pk_json_add_int(j, "h", -9223372036854775807LL - 1);
    char *text = cJSON_PrintUnformatted(j);
    ck_assert_str_eq(text, "{\"a\":0.1,\"b\":null,\"c\":null,\"d\":3,"
                           "\"e\":1.17549435e-38,\"f\":1234567890123,"
                           "\"g\":1e+300,\"h\":-9223372036854775808}");
    free(text);
    cJSON_Delete(j);
}
END_TEST

START_TEST(quote)
{
    char all[256];
    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    memcpy(all + 127, "\xC3\xA9\xF0\x9F\x98\x80", 7);
    struct pk_buf b = PK_BUF_INIT(4096);
    ck_assert_int_eq(pk_json_quote(&b, all, strlen(all)), 0);
    for (size_t i = 0; i < b.len; i++)
        ck_assert((unsigned char)b.data[i] >= 0x20);
    cJSON *j = parse(b.data);
    ck_assert_str_eq(j->valuestring, all);
    cJSON_Delete(j);
    pk_buf_reset(&b);
    ck_assert_int_eq(pk_json_quote(&b, "", 0), 0);
    ck_assert_str_eq(b.data, "\"\"");
    pk_buf_release(&b);
    struct pk_buf small = PK_BUF_INIT(4);
    ck_assert_int_eq(pk_json_quote(&small, "abcdef", 6), PK_EDATA);
    pk_buf_release(&small);
}
END_TEST

START_TEST(splice)
{
    static const char *const v[][2] = {
        {"{}", "{\"k\":1}"},
        {"{ }", "{ \"k\":1}"},
        {"{\"a\":1}", "{\"a\":1,\"k\":1}"},
        {"{\"a\":1e0 } \r", "{\"a\":1e0 ,\"k\":1}"},
        {" {\"a\":{}}", " {\"a\":{},\"k\":1}"},
        {"{\"a\":\"{\"}", "{\"a\":\"{\",\"k\":1}"},
        {"{\"a\":12345678901234567890.10,\"b\":2}",
         "{\"a\":12345678901234567890.10,\"b\":2,\"k\":1}"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        struct pk_buf b = PK_BUF_INIT(4096);
        const char *in = v[i][0];
        ck_assert_int_eq(pk_json_splice(&b, in, strlen(in), "k", "1"), 0);
        ck_assert_str_eq(b.data, v[i][1]);
        cJSON_Delete(parse(b.data));
        pk_buf_release(&b);
    }
}
END_TEST

START_TEST(load)
{
    cJSON *j;
    char *path = temp_path("a.json");
    write_file(path, "{\"a\":1}\n", 8);
    ck_ok(pk_json_load(&j, path, 8, &err));
    cJSON_Delete(j);
    ck_assert_int_eq(pk_json_load(&j, path, 7, &err), PK_EDATA);
    ck_assert_ptr_null(j);
    ck_assert_ptr_nonnull(strstr(err.text, "a.json: larger than 7 bytes"));
    write_file(path, "{", 1);
    ck_assert_int_eq(pk_json_load(&j, path, 8, &err), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "a.json: not valid JSON"));
    write_file(path, "", 0);
    ck_assert_int_eq(pk_json_load(&j, path, 8, &err), PK_EDATA);
    ck_assert_int_eq(pk_json_load(&j, temp_path("none"), 8, &err), PK_EIO);
    ck_assert_int_eq(pk_json_load(&j, temp_dir(), 8, &err), PK_EIO);
    ck_assert_ptr_null(j);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("json");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, accepts);
    tcase_add_test(t, refuses);
    tcase_add_test(t, refuses_control_characters);
    tcase_add_test(t, refuses_repeated_names);
    tcase_add_loop_test(t, like_cjson, 0,
                        (int)(sizeof documents / sizeof *documents));
    tcase_add_test(t, plain_runs);
    tcase_add_test(t, spare_values);
    tcase_add_test(t, digits);
    tcase_add_test(t, depth);
    tcase_add_test(t, prefixes_at_page_end);
    tcase_add_test(t, fields);
    tcase_add_test(t, numbers_out);
    tcase_add_test(t, quote);
    tcase_add_test(t, splice);
    tcase_add_test(t, load);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
