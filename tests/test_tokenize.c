/* `prefkit tokenize`, from file to file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/infer.h"
#include "tests/support.h"

#define MODEL "tests/fixtures/tokenizer"

/* Run the verb on rows with one more option (or NULL); its exit status. What it
 * wrote, if anything, is in *out: caller frees. */
static int run(const char *option, const char *rows, char **out)
{
    char *in_path = temp_path("in.jsonl"), *out_path = temp_path("out.jsonl");
    char *argv[] = {(char[]){"prefkit tokenize"},
                    (char[]){"--model"},
                    (char[]){MODEL},
                    (char[]){"--input"},
                    in_path,
                    (char[]){"--output"},
                    out_path,
                    (char[]){"--quiet"},
                    (char *)option,
                    NULL};
    write_file(in_path, rows, strlen(rows));
    write_file(out_path, "as it was\n", 10);
    int rc = infer_cmd_tokenize(option ? 9 : 8, argv);
    *out = read_file(out_path, NULL);
    return rc;
}

static void gives(const char *option, const char *rows, const char *want)
{
    char *out;
    ck_assert_int_eq(run(option, rows, &out), 0);
    ck_assert_str_eq(out, want);
    free(out);
}

START_TEST(text)
{
    gives(NULL, "{\"text\": \"a\", \"n\": 1.50}\n\n{\"text\":\"\"}\n",
          "{\"text\": \"a\", \"n\": 1.50,\"token_ids\":[284]}\n"
          "{\"text\":\"\",\"token_ids\":[]}\n");
    gives("--bos", "{\"text\":\"a\"}\n",
          "{\"text\":\"a\",\"token_ids\":[1,284]}\n");
    gives("--eos", "{\"text\":\"a\"}\n",
          "{\"text\":\"a\",\"token_ids\":[284,2]}\n");
    gives(NULL, "", "");
}
END_TEST

START_TEST(dialogues)
{
    static const char rows[] =
        "{\"messages\": [{\"role\": \"user\", \"content\": \" a \"},"
        " {\"role\": \"assistant\", \"content\": \"b\"}]}\n";
    struct pk_err err;
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    const struct infer_message m[] = {{INFER_USER, "a", 1},
                                      {INFER_ASSISTANT, "b", 1}};
    char want[2048];
    ck_ok(infer_tokenizer_open(&t, MODEL, &err));
    ck_ok(infer_chat_encode(t, m, 2, false, 0, &ids, NULL, &err));
    int n = snprintf(want, sizeof want,
                     "%.*s,\"token_ids\":", (int)sizeof rows - 3, rows);
    for (size_t i = 0; i < ids.len; i++)
        n += snprintf(want + n, sizeof want - (size_t)n, "%c%d", i ? ',' : '[',
                      ids.id[i]);
    snprintf(want + n, sizeof want - (size_t)n, "]}\n");
    gives(NULL, rows, want);
    gives("--chat", rows, want);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(decode)
{
    gives("--decode", "{\"token_ids\": [1, 284, 452, 2]}\n{\"token_ids\":[]}",
          "{\"token_ids\": [1, 284, 452, 2],\"text\":\"aa\"}\n"
          "{\"token_ids\":[],\"text\":\"\"}\n");
    /* A NUL, half a character, a quotation mark. */
    gives("--decode", "{\"token_ids\": [284, 3, 198, 37]}\n",
          "{\"token_ids\": [284, 3, 198, 37],"
          "\"text\":\"a\\u0000\xEF\xBF\xBD\\\"\"}\n");
}
END_TEST

static const struct {
    const char *option, *row;
} bad[] = {
    {NULL, "{\"text\": 1}"},
    {NULL, "{}"},
    {NULL, "[]"},
    {NULL, "{\"text\": \"a\""},
    {NULL, "{\"text\": \"\\u0000\"}"},
    {NULL, "{\"text\": \"\xFF\"}"},
    {NULL, "{\"text\": \"a\", \"token_ids\": []}"},
    {NULL, "{\"messages\": {}}"},
    {NULL, "{\"messages\": []}"},
    {NULL, "{\"messages\": [3]}"},
    {NULL, "{\"messages\": [{\"role\": \"user\"}]}"},
    {NULL, "{\"messages\": [{\"role\": \"tool\", \"content\": \"\"}]}"},
    {NULL, "{\"messages\": [{\"role\": \"assistant\", \"content\": \"\"}]}"},
    {"--max-tokens=3",
     "{\"messages\": [{\"role\":\"user\",\"content\":\"\"}]}"},
    {"--chat", "{\"text\": \"a\"}"},
    {"--decode", "{\"text\": \"a\"}"},
    {"--decode", "{\"token_ids\": 3}"},
    {"--decode", "{\"token_ids\": [1.5]}"},
    {"--decode", "{\"token_ids\": [-1]}"},
    {"--decode", "{\"token_ids\": [512]}"},
    {"--decode", "{\"token_ids\": [\"1\"]}"},
    {"--decode", "{\"token_ids\": [1e99]}"},
    {"--decode", "{\"token_ids\": [1], \"text\": null, \"decoded\": 1}"},
};

/* A good row before the bad one is not written either. */
START_TEST(bad_row_stops)
{
    char rows[512], *out;
    snprintf(rows, sizeof rows, "%s\n%s\n",
             bad[_i].option && strcmp(bad[_i].option, "--decode") == 0
                 ? "{\"token_ids\": [284]}"
                 : "{\"messages\": null, \"text\": \"a\"}",
             bad[_i].row);
    ck_assert_int_eq(run(bad[_i].option, rows, &out), 3);
    ck_assert_str_eq(out, "as it was\n");
    free(out);
}
END_TEST

START_TEST(wrong_usage)
{
    static const char *const options[] = {"--max-tokens=0", "--no-such",
                                          "more"};
    char *out;
    run(options[_i], "", &out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tokenize");
    TCase *c = tcase_create("tokenize");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, text);
    tcase_add_test(c, dialogues);
    tcase_add_test(c, decode);
    tcase_add_loop_test(c, bad_row_stops, 0, sizeof bad / sizeof *bad);
    tcase_add_loop_exit_test(c, wrong_usage, 2, 0, 3);
    suite_add_tcase(s, c);
    return run_suite(s);
}
