/* Tokenizer files: directories with added tokens, models that are refused, and
 * files that are cut off or damaged. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/rng.h"
#include "infer/infer.h"
#include "tests/golden_tokens.h"
#include "tests/support.h"

#define TINY FIXTURES "tokenizer/tokenizer.model"

/* ---- Directories --------------------------------------------------------- */

static char *model_dir(const char *name, const char *added)
{
    char path[512];
    char *dir = temp_path(name);
    size_t len;
    char *model = read_file(TINY, &len);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    snprintf(path, sizeof path, "%s/tokenizer.model", dir);
    write_file(path, model, len);
    snprintf(path, sizeof path, "%s/added_tokens.json", dir);
    write_file(path, added, strlen(added));
    free(model);
    return dir;
}

START_TEST(added_tokens)
{
    struct pk_err err;
    struct infer_tokenizer *t;
    size_t len;
    char *text;
    char *dir = model_dir("dir", "{\"[B]\": 513, \"<s>\": 1, \"[A]\": 512}");
    ck_ok(infer_tokenizer_open(&t, dir, &err));
    ck_assert_uint_eq(infer_tokenizer_vocab(t), 514);
    ck_assert_ptr_nonnull(infer_tokenizer_piece(t, 513, &len));
    ck_assert_uint_eq(len, 0);
    ck_assert_ptr_null(infer_tokenizer_piece(t, 514, &len));
    struct infer_ids ids = {0};
    ck_ok(infer_tokenizer_encode(t, "[A][B]", 6, &ids, &err));
    for (size_t i = 0; i < ids.len; i++)
        ck_assert_int_lt(ids.id[i], 512);
    ck_ok(infer_ids_add(&ids, 512, &err));
    ck_ok(infer_tokenizer_decode(t, ids.id, ids.len, &text, &len, &err));
    ck_assert_str_eq(text, "[A][B]");
    free(text);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}
END_TEST

static const struct {
    const char *json, *says;
} bad_added[] = {
    {"{\"[A]\": 513}", "not a whole number"},
    {"{\"[A]\": 513, \"<s>\": 1}", "no id 512"},
    {"{\"[A]\": 512, \"[B]\": 512}", "two tokens"},
    {"{\"[A]\": 512.5}", "not a whole number"},
    {"{\"[A]\": -1}", "not a whole number"},
    {"{\"[A]\": \"512\"}", "not a whole number"},
    {"{\"[A]\": 1}", "of another piece"},
    {"{\"[A]\": 1e300}", "not a whole number"},
    {"[512]", "not a JSON object"},
    {"{\"[A]\": ", "not valid JSON"},
};

START_TEST(added_tokens_bad)
{
    struct pk_err err;
    struct infer_tokenizer *t;
    char name[32];
    snprintf(name, sizeof name, "bad%d", _i);
    char *dir = model_dir(name, bad_added[_i].json);
    ck_assert_int_eq(infer_tokenizer_open(&t, dir, &err), PK_EDATA);
    ck_assert_ptr_null(t);
    ck_assert_msg(strstr(err.text, bad_added[_i].says) &&
                      strstr(err.text, "added_tokens.json"),
                  "%s", err.text);
}
END_TEST

START_TEST(directory_without_model)
{
    struct pk_err err;
    struct infer_tokenizer *t;
    char path[512];
    char *dir = temp_path("empty");
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(infer_tokenizer_open(&t, dir, &err), PK_EIO);
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    write_file(path, "{}", 2);
    ck_assert_int_eq(infer_tokenizer_open(&t, dir, &err), PK_EDATA);
    ck_assert_ptr_nonnull(
        strstr(err.text, "tokenizer.json: \"model\" is missing"));
    ck_assert_int_eq(infer_tokenizer_open(&t, temp_path("none"), &err), PK_EIO);
}
END_TEST

/* ---- Hostile files ------------------------------------------------------- */

#define TAIL(bytes) bytes, sizeof(bytes) - 1

/* What is appended to the small model, and what the refusal says. */
static const struct {
    const char *tail;
    size_t len;
    const char *says;
} refused[] = {
    {TAIL("\x12\x02\x18\x01"), "a unigram model"},
    {TAIL("\x12\x02\x18\x04"), "a character model"},
    {TAIL("\x12\x03\x18\xFF\x7F"), "an unknown kind of model"},
    {TAIL("\x12\x03\xC0\x01\x01"), "white space as suffix"},
    {TAIL("\x1A\x03\x12\x01x"), "precompiled_charsmap"},
    {TAIL("\x1A\x02\x28\x00"), "unescaped white space"},
    {TAIL("\x2A\x03\x12\x01x"), "a denormalization table"},
    {TAIL("\x12\x03\x98\x02\x00"), "without byte fallback"},
    {TAIL("\x0A\x00"), "piece 512 is empty"},
    {TAIL("\x0A\x05\x0A\x03"
          "a\0b"),
     "NUL byte"},
    {TAIL("\x0A\x03\x0A\x01\xFF"), "not UTF-8"},
    {TAIL("\x0A\x08\x0A\x01~\x15\x00\x00\xC0\x7F"), "not a number"},
    {TAIL("\x0A\x08\x0A\x01~\x15\x00\x00\x80\x7F"), "not a number"},
    {TAIL("\x0A\x07\x0A\x03<q>\x18\x02"), "second unknown piece"},
    {TAIL("\x0A\x07\x0A\x03<q>\x18\x09"), "unknown type"},
    {TAIL("\x0A\x0B\x0A\x03<q>\x18\x81\x80\x80\x80\x10"), "unknown type"},
    {TAIL("\x0A\x07\x0A\x03<q>\x18\x06"), "is no byte"},
    {TAIL("\x0A\x07\x0A\x03"
          "a b\x18\x04"),
     "holds a space"},
    {TAIL("\x0A\x05\x0A\x01~\x18\x03"), "control piece of one character"},
    {TAIL("\x0A\x07\x0A\x03<s>\x18\x03"), "pieces 1 and 512 are the same"},
    {TAIL("\x0B"), "damaged"},
    {TAIL("\x02\x00"), "damaged"},
    {TAIL("\x0A\x7F"), "damaged"},
    {TAIL("\x08\x01"), "damaged"},
    {TAIL("\x0A\x02\x08\x01"), "damaged"},
    {TAIL("\x12\x02\x1A\x00"), "damaged"},
    {TAIL("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "damaged"},
    {TAIL("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "damaged"},
};

START_TEST(refuses)
{
    struct pk_err err;
    struct infer_tokenizer *t;
    char *path = model_with_tail(TINY, refused[_i].tail, refused[_i].len);
    ck_assert_int_eq(infer_tokenizer_open(&t, path, &err), PK_EDATA);
    ck_assert_ptr_null(t);
    ck_assert_msg(strstr(err.text, refused[_i].says) && strstr(err.text, path),
                  "%s", err.text);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

START_TEST(unknown_fields_pass)
{
    /* Field 200 of every wire type, and one in a piece. */
    static const char tail[] = "\xC0\x0C\x01\xC2\x0C\x01z\xC5\x0C\1\2\3\4"
                               "\xC1\x0C\1\2\3\4\5\6\7\x08";
    struct pk_err err;
    struct infer_tokenizer *t;
    char *path = model_with_tail(TINY, tail, sizeof tail - 1);
    ck_ok(infer_tokenizer_open(&t, path, &err));
    ck_assert_uint_eq(infer_tokenizer_vocab(t), 512);
    infer_tokenizer_close(t);
}
END_TEST

/* Open bytes as a model; if they are one after all, use it. */
static int try_model(const char *path, const char *model, size_t len)
{
    static const char text[] = " The kettle\xFF is in\0 the  garden.";
    struct pk_err err;
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    write_file(path, model, len);
    int rc = infer_tokenizer_open(&t, path, &err);
    if (!rc) {
        ck_ok(infer_tokenizer_encode(t, text, sizeof text - 1, &ids, &err));
        for (size_t i = 0; i < ids.len; i++)
            ck_assert_uint_lt((size_t)ids.id[i], infer_tokenizer_vocab(t));
    }
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
    return rc;
}

START_TEST(cut_off_anywhere)
{
    size_t len;
    char *model = read_file(TINY, &len), *path = temp_path("cut");
    for (size_t n = 0; n + 17 < len; n += 17)
        ck_assert_int_eq(try_model(path, model, n), PK_EDATA);
    free(model);
}
END_TEST

START_TEST(damaged_anywhere)
{
    size_t len;
    struct pk_rng r;
    char *model = read_file(TINY, &len), *path = temp_path("damaged");
    pk_rng_seed(&r, 11, 0);
    for (int i = 0; i < 300; i++) {
        size_t at[3];
        char was[3];
        for (int k = 0; k < 3; k++) {
            at[k] = (size_t)pk_rng_below(&r, len);
            was[k] = model[at[k]];
            model[at[k]] = (char)pk_rng_below(&r, 256);
        }
        int rc = try_model(path, model, len);
        ck_assert(rc == 0 || rc == PK_EDATA);
        for (int k = 2; k >= 0; k--)
            model[at[k]] = was[k];
    }
    ck_assert_int_eq(try_model(path, model, len), 0);
    free(model);
}
END_TEST

static TCase *new_case(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 120);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("tokenizer files");
    TCase *c = new_case(s, "directory");
    tcase_add_test(c, added_tokens);
    tcase_add_loop_test(c, added_tokens_bad, 0,
                        sizeof bad_added / sizeof *bad_added);
    tcase_add_test(c, directory_without_model);
    c = new_case(s, "hostile");
    tcase_add_loop_test(c, refuses, 0, sizeof refused / sizeof *refused);
    tcase_add_test(c, unknown_fields_pass);
    tcase_add_test(c, cut_off_anywhere);
    tcase_add_test(c, damaged_anywhere);
    return run_suite(s);
}
