/* The tokenizer: equal to SentencePiece on golden rows and live, and to Hugging
 * Face's tokenizers on golden rows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "infer/infer.h"
#include "tests/golden_tokens.h"
#include "tests/support.h"

#define TINY  FIXTURES "tokenizer/tokenizer.model"
#define PLAIN FIXTURES "plain.model"

static struct infer_tokenizer *open_tiny(void)
{
    struct pk_err err;
    struct infer_tokenizer *t;
    ck_ok(infer_tokenizer_open(&t, FIXTURES "tokenizer", &err));
    return t;
}

/* ---- Golden rows --------------------------------------------------------- */

static void check_golden_decode(struct golden *g, const char *text, size_t len)
{
    struct pk_err err;
    const char *hex;
    char *got, *want = NULL;
    size_t got_len, want_len = len;
    if (cJSON_GetObjectItem(g->row, "lossy"))
        return; /* has unknown tokens, of which libraries differ */
    ck_ok(pk_json_str(g->row, "decoded", &hex, &err));
    if (hex)
        want = unhex(hex, &want_len);
    ck_ok(infer_tokenizer_decode(g->t, g->ids.id, g->ids.len, &got, &got_len,
                                 &err));
    ck_assert_uint_eq(got_len, want_len);
    ck_assert_mem_eq(got, want ? want : text, want_len);
    ck_assert_int_eq(got[got_len], 0);
    free(got);
    free(want);
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
        const char *text, *hex;
        char *raw = NULL;
        size_t len = 0;
        ck_ok(pk_json_str(g.row, "text", &text, &err));
        ck_ok(pk_json_str(g.row, "hex", &hex, &err));
        if (hex)
            text = raw = unhex(hex, &len);
        else if (text)
            len = strlen(text);
        if (text) {
            ids.len = 0;
            ck_ok(infer_tokenizer_encode(g.t, text, len, &ids, &err));
            same_ids(&ids, &g.ids, pk_lines_where(g.in));
        }
        check_golden_decode(&g, text, len);
        free(raw);
    }
    ck_assert_uint_gt(rows, 30);
    infer_ids_release(&ids);
}

START_TEST(golden_own)
{
    check_golden("golden_tokens.jsonl");
}
END_TEST

START_TEST(golden_llama2)
{
    check_golden("golden_tokens_llama2.jsonl");
}
END_TEST

/* Of tokenizer.json: equal to Hugging Face's tokenizers. */
START_TEST(golden_json)
{
    check_golden("golden_json_tokens.jsonl");
}
END_TEST

/* ---- Live, against SentencePiece itself ---------------------------------- */

#define PYTHON "/usr/bin/python3"

static bool have_sentencepiece(void)
{
    if (system(PYTHON " -c 'import sentencepiece' 2>/dev/null") == 0)
        return true;
    puts("skipped: live comparison: python3-sentencepiece is not installed");
    return false;
}

/* A text of parts that are likely to go wrong. */
static size_t random_text(struct pk_rng *r, char *out, size_t max)
{
    static const char *const parts[] = {" ",
                                        "  ",
                                        "\xE2\x96\x81",
                                        "a",
                                        "the ",
                                        "\n",
                                        "12",
                                        "\t",
                                        "ing",
                                        "\xC3\xA9",
                                        "e",
                                        "kettle",
                                        "s",
                                        "\xFF",
                                        "\xE2",
                                        "\x96",
                                        "\xF0\x9F\x98\x80",
                                        "x",
                                        " garden",
                                        "<s>",
                                        "ab",
                                        "\xC3",
                                        "h",
                                        "\xE4\xB8\xAD",
                                        "o",
                                        ". The",
                                        "\xEF\xBF\xBD"};
    const size_t n = sizeof parts / sizeof *parts;
    size_t len = 0;
    for (uint64_t k = pk_rng_below(r, 120); k > 0; k--) {
        const char *part = parts[pk_rng_below(r, n)];
        size_t m = strlen(part);
        if (pk_rng_below(r, 8) == 0) { /* any byte, NUL among them */
            out[len++] = (char)pk_rng_below(r, 256);
        } else if (len + m < max) {
            memcpy(out + len, part, m);
            len += m;
        }
    }
    return len;
}

static void write_hex(FILE *f, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%02x", (unsigned char)s[i]);
    fputc('\n', f);
}

/* One hexadecimal text a line in, its ids out. */
static const char script[] =
    "import sys, sentencepiece\n"
    "sp = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1])\n"
    "for line in open(sys.argv[2]):\n"
    "    print(*sp.encode(bytes.fromhex(line)))\n";

static void check_live(const char *model, uint64_t seed)
{
    enum { TEXTS = 3000, MAX = 1 << 12 };
    struct pk_err err;
    struct pk_rng r;
    struct infer_tokenizer *t;
    struct infer_ids ids = {0};
    char text[MAX], cmd[1024];
    char *texts = temp_path("texts"), *live = temp_path("live.py");
    write_file(live, script, sizeof script - 1);
    FILE *f = fopen(texts, "w");
    ck_assert_ptr_nonnull(f);
    pk_rng_seed(&r, seed, 0);
    for (int i = 0; i < TEXTS; i++)
        write_hex(f, text, random_text(&r, text, sizeof text));
    ck_assert_int_eq(fclose(f), 0);
    ck_ok(infer_tokenizer_open(&t, model, &err));
    snprintf(cmd, sizeof cmd, PYTHON " '%s' '%s' '%s'", live, model, texts);
    FILE *p = popen(cmd, "r");
    ck_assert_ptr_nonnull(p);
    pk_rng_seed(&r, seed, 0);
    for (int i = 0; i < TEXTS; i++) {
        size_t len = random_text(&r, text, sizeof text);
        ids.len = 0;
        ck_ok(infer_tokenizer_encode(t, text, len, &ids, &err));
        for (size_t k = 0; k < ids.len; k++) {
            int want;
            ck_assert_int_eq(fscanf(p, "%d", &want), 1);
            ck_assert_msg(ids.id[k] == want, "text %d, id %zu: %d, not %d", i,
                          k, ids.id[k], want);
        }
        ck_assert_msg(fgetc(p) == '\n', "text %d: there are more ids", i);
    }
    ck_assert_int_eq(pclose(p), 0);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}

START_TEST(live_own)
{
    if (!have_sentencepiece())
        return;
    check_live(TINY, 1);
    check_live(PLAIN, 2);
}
END_TEST

START_TEST(live_llama2)
{
    if (!llama2_model())
        puts("skipped: live comparison: the Llama 2 tokenizer is not here");
    else if (have_sentencepiece())
        check_live(llama2_model(), 3);
}
END_TEST

/* ---- What the header promises -------------------------------------------- */

START_TEST(long_texts_come_back)
{
    static const char *const units[] = {"a",      " ",
                                        "kettle", "\n",
                                        " the",   "\xE4\xB8\xAD",
                                        "ab",     "\xF0\x9F\x98\x80"};
    struct pk_err err;
    struct infer_tokenizer *t = open_tiny();
    enum { N = 100000 };
    const char *unit = units[_i];
    size_t m = strlen(unit), len;
    char *text = malloc(N * m), *back;
    struct infer_ids ids = {0};
    for (size_t i = 0; i < N; i++)
        memcpy(text + i * m, unit, m);
    ck_ok(infer_tokenizer_encode(t, text, N * m, &ids, &err));
    ck_ok(infer_tokenizer_decode(t, ids.id, ids.len, &back, &len, &err));
    ck_assert_uint_eq(len, N * m);
    ck_assert_mem_eq(back, text, len);
    free(text);
    free(back);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(pieces)
{
    struct infer_tokenizer *t = open_tiny();
    size_t len;
    ck_assert_uint_eq(infer_tokenizer_vocab(t), 512);
    ck_assert_int_eq(infer_tokenizer_unk(t), 0);
    ck_assert_int_eq(infer_tokenizer_bos(t), 1);
    ck_assert_int_eq(infer_tokenizer_eos(t), 2);
    ck_assert_ptr_null(infer_tokenizer_piece(t, -1, &len));
    ck_assert_ptr_null(infer_tokenizer_piece(t, 512, &len));
    ck_assert_ptr_nonnull(infer_tokenizer_piece(t, 1, &len));
    ck_assert_uint_eq(len, 0);
    for (int b = 0; b < 256; b++) {
        const char *s = infer_tokenizer_piece(t, 3 + b, &len);
        ck_assert_uint_eq(len, 1);
        ck_assert_int_eq((unsigned char)*s, b);
    }
    const char *s = infer_tokenizer_piece(t, 0, &len);
    ck_assert_uint_eq(len, 5);
    ck_assert_mem_eq(s, " \xE2\x81\x87 ", 5);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(decode_refuses_foreign_ids)
{
    static const int32_t bad[] = {-1, 512, INT32_MAX, INT32_MIN};
    struct pk_err err;
    struct infer_tokenizer *t = open_tiny();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const int32_t ids[] = {300, bad[i]};
        char *text = (char *)&err;
        size_t len;
        ck_assert_int_eq(infer_tokenizer_decode(t, ids, 2, &text, &len, &err),
                         PK_EDATA);
        ck_assert_ptr_null(text);
        ck_assert_ptr_nonnull(strstr(err.text, "vocabulary of 512"));
    }
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(encode_appends)
{
    struct pk_err err;
    struct infer_tokenizer *t = open_tiny();
    struct infer_ids ids = {0};
    ck_ok(infer_ids_add(&ids, 1, &err));
    ck_ok(infer_tokenizer_encode(t, "", 0, &ids, &err));
    ck_assert_uint_eq(ids.len, 1);
    ck_ok(infer_tokenizer_encode(t, "a", 1, &ids, &err));
    ck_assert_uint_eq(ids.len, 2);
    ck_assert_int_eq(ids.id[0], 1);
    infer_ids_release(&ids);
    infer_tokenizer_close(t);
}
END_TEST

START_TEST(threads_agree)
{
    enum { N = 400, MAX = 1 << 12 };
    struct infer_tokenizer *t = open_tiny();
    int differ = 0;
#pragma omp parallel for num_threads(4) reduction(+ : differ)
    for (int i = 0; i < N; i++) {
        struct pk_rng r;
        struct infer_ids a = {0}, b = {0};
        char text[MAX];
        pk_rng_seed(&r, 7, (uint64_t)i % 10);
        size_t len = random_text(&r, text, sizeof text);
        if (infer_tokenizer_encode(t, text, len, &a, NULL) ||
            infer_tokenizer_encode(t, text, len, &b, NULL) || a.len != b.len ||
            (a.len && memcmp(a.id, b.id, a.len * sizeof *a.id) != 0))
            differ++;
        infer_ids_release(&a);
        infer_ids_release(&b);
    }
    ck_assert_int_eq(differ, 0);
    infer_tokenizer_close(t);
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
    Suite *s = suite_create("tokenizer");
    TCase *c = new_case(s, "sentencepiece");
    tcase_add_test(c, golden_own);
    tcase_add_test(c, golden_llama2);
    tcase_add_test(c, golden_json);
    tcase_add_test(c, live_own);
    tcase_add_test(c, live_llama2);
    c = new_case(s, "contract");
    tcase_add_loop_test(c, long_texts_come_back, 0, 8);
    tcase_add_test(c, pieces);
    tcase_add_test(c, decode_refuses_foreign_ids);
    tcase_add_test(c, encode_appends);
    tcase_add_test(c, threads_agree);
    return run_suite(s);
}
