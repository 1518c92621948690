/* annotate: text to cells, lines, differences, keys, the verdict, layout. */
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "annotate/judge/verdict.h"
#include "annotate/screen/layout.h"
#include "annotate/terminal/keys.h"
#include "annotate/text/diff.h"
#include "annotate/text/names.h"
#include "annotate/text/search.h"
#include "annotate/text/text.h"
#include "common/rng.h"
#include "common/utf8.h"
#include "tests/support.h"

static struct pk_err err;

/* ---- Text ---------------------------------------------------------------- */

static void ck_clean(const char *text, const char *want)
{
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    ck_assert_int_eq(annotate__clean(&b, text, strlen(text)), 0);
    ck_assert_str_eq(b.data ? b.data : "", want);
    pk_buf_release(&b);
}

START_TEST(hostile_text_becomes_marks)
{
    ck_clean("a\x1b[31mb", "a<ESC>[31mb");
    ck_clean("\x07\x08\x7f\x01", "<BEL><BS><DEL><01>");
    ck_clean("\xc2\x9b"
             "31m\xc2\x85",
             "<CSI>31m<NEL>");
    ck_clean("\xe2\x80\xae" /* RLO */ "x\xe2\x81\xa9", "<RLO>x<PDI>");
    ck_clean("\xff\xc3(\xed\xa0\x80", "<FF><C3>(<ED><A0><80>");
    ck_clean("a\r\nb\rc\n", "a\nb<CR>c\n");
    ck_clean("\xe2\x80\x8b\xef\xbb\xbf", "<ZWSP><BOM>");
    ck_clean("\xf3\xa0\x81\x81", "<U+E0041>"); /* a tag */
    ck_clean("a\tb", "a       b");
}
END_TEST

START_TEST(graphemes_keep_their_columns)
{
    static const struct {
        const char *text;
        size_t width;
    } rows[] = {{"abc", 3},
                {"\xe4\xbd\xa0\xe5\xa5\xbd", 4},         /* two CJK */
                {"e\xcc\x81", 1},                        /* e and an acute */
                {"\xf0\x9f\x99\x82", 2},                 /* an emoji */
                {"\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", 2}, /* with a skin tone */
                {"\xe2\x9d\xa4\xef\xb8\x8f", 1},         /* with VS16 */
                /* joined by ZWJ: as its parts */
                {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", 4},
                {"a\tb", 9}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(annotate__width(rows[i].text, strlen(rows[i].text)) ==
                          rows[i].width,
                      "row %zu: %zu columns", i,
                      annotate__width(rows[i].text, strlen(rows[i].text)));
}
END_TEST

/* What is taken for wide without being looked up is that. */
START_TEST(nothing_to_see_is_said)
{
    ck_assert_str_eq(annotate__blank("", 0), "(empty)");
    ck_assert_str_eq(annotate__blank(" \r\n\t", 4), "(only white space)");
    ck_assert_str_eq(annotate__blank(" \n.", 3), "");
}
END_TEST

START_TEST(wide_characters_are_two_columns)
{
    static const uint32_t ranges[][2] = {
        {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}, {0x3041, 0x3096}, {0x30A1, 0x30FA}};
    for (size_t r = 0; r < 4; r++) {
        for (uint32_t cp = ranges[r][0]; cp <= ranges[r][1]; cp++) {
            struct annotate__cell c;
            char s[8];
            size_t n = pk_utf8_encode(cp, s);
            int category = (int)utf8proc_category((utf8proc_int32_t)cp);
            ck_assert_int_eq(utf8proc_charwidth((utf8proc_int32_t)cp), 2);
            ck_assert(category == UTF8PROC_CATEGORY_LO);
            /* A mark after it is in its cell all the same. */
            memcpy(s + n, "\xcc\x81", 2);
            annotate__cell(s, n + 2, 0, &c);
            ck_assert_uint_eq(c.bytes, n + 2);
            ck_assert_uint_eq(c.width, 2);
        }
    }
}
END_TEST

START_TEST(nothing_random_reaches_the_terminal)
{
    struct pk_rng r;
    char text[256];
    pk_rng_seed(&r, 7, 0);
    for (int round = 0; round < 2000; round++) {
        struct pk_buf b = PK_BUF_INIT(1 << 20);
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (char)(pk_rng_u64(&r) >> 40);
        ck_assert_int_eq(annotate__clean(&b, text, sizeof text), 0);
        for (size_t i = 0; i < b.len; i++) {
            unsigned char c = (unsigned char)b.data[i];
            ck_assert(c >= 0x20 || c == '\n');
            ck_assert(c != 0x7F);
            /* C1 controls are C2 80 to C2 9F. */
            ck_assert(c != 0xC2 || (unsigned char)b.data[i + 1] >= 0xA0);
        }
        pk_buf_release(&b);
    }
}
END_TEST

static void ck_wrap(const char *text, size_t width, const char *const *want,
                    size_t n)
{
    struct annotate__doc d = {0};
    ck_ok(annotate__doc_add(&d, NULL, text, strlen(text), &err));
    ck_ok(annotate__doc_wrap(&d, width, &err));
    ck_assert_uint_eq(d.n_lines, n);
    for (size_t i = 0; i < n; i++) {
        const struct annotate__line *l = &d.lines[i];
        char *got = strndup(text + l->from, l->to - l->from);
        ck_assert_str_eq(got, want[i]);
        free(got);
    }
    annotate__doc_release(&d);
}

START_TEST(lines_break_after_spaces)
{
    ck_wrap("one two three", 8, (const char *[]){"one two ", "three"}, 2);
    ck_wrap("abcdefghij", 4, (const char *[]){"abcd", "efgh", "ij"}, 3);
    ck_wrap("a\n\nb\n", 9, (const char *[]){"a", "", "b"}, 3);
    ck_wrap("", 9, (const char *[]){""}, 1);
    /* A wide character does not hang over the edge. */
    ck_wrap("\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0", 5,
            (const char *[]){"\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xbd\xa0"}, 2);
    /* No line begins with what closes the one before it, where it can help. */
    ck_wrap("\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82\xe4\xbd\xa0", 4,
            (const char *[]){"\xe4\xbd\xa0", "\xe5\xa5\xbd\xe3\x80\x82",
                             "\xe4\xbd\xa0"},
            3);
    ck_wrap("\xe4\xbd\xa0\xe3\x80\x82\xe3\x80\x8d", 4,
            (const char *[]){"\xe4\xbd\xa0\xe3\x80\x82", "\xe3\x80\x8d"}, 2);
}
END_TEST

START_TEST(a_place_survives_another_width)
{
    struct annotate__doc d = {0};
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    for (int i = 0; i < 500; i++)
        pk_buf_addf(&b, "word%d%s", i, i % 40 ? " " : "\n");
    ck_ok(annotate__doc_add(&d, "User", "question", 8, &err));
    ck_ok(annotate__doc_add(&d, "Assistant", b.data, b.len, &err));
    for (size_t width = 20; width < 200; width += 7) {
        ck_ok(annotate__doc_wrap(&d, width, &err));
        for (size_t at = 0; at < b.len; at += 13) {
            const struct annotate__line *l =
                &d.lines[annotate__doc_find(&d, 1, at)];
            ck_assert(l->part == 1 && l->from <= at);
            ck_assert(l + 1 == d.lines + d.n_lines || l[1].from > at);
        }
    }
    annotate__doc_release(&d);
    pk_buf_release(&b);
}
END_TEST

/* In pieces of any size, the same lines. */
START_TEST(wrapped_a_piece_at_a_time)
{
    static const char *const texts[] = {
        "one two three\nfour\n\nfive six seven eight\n", "",
        "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0 e\xcc\x81", "\r\n\r"};
    struct annotate__doc d = {0}, pieces = {0};
    for (size_t i = 0; i < 4; i++) {
        const char *title = i % 2 ? "User" : NULL;
        ck_ok(annotate__doc_add(&d, title, texts[i], strlen(texts[i]), &err));
        ck_ok(annotate__doc_add(&pieces, title, texts[i], strlen(texts[i]),
                                &err));
    }
    ck_ok(annotate__doc_wrap(&d, 7, &err));
    ck_assert(annotate__doc_whole(&d));
    for (size_t bytes = 1; bytes < 70; bytes++) {
        annotate__doc_unwrap(&pieces);
        ck_ok(annotate__doc_wrap_on(&pieces, 7, bytes, &err));
        ck_assert(bytes > 40 || !annotate__doc_whole(&pieces));
        while (!annotate__doc_whole(&pieces))
            ck_ok(annotate__doc_wrap_on(&pieces, 7, bytes, &err));
        ck_assert_uint_eq(pieces.n_lines, d.n_lines);
        for (size_t i = 0; i < d.n_lines; i++) {
            ck_assert_uint_eq(pieces.lines[i].part, d.lines[i].part);
            ck_assert_uint_eq(pieces.lines[i].from, d.lines[i].from);
            ck_assert_uint_eq(pieces.lines[i].to, d.lines[i].to);
            ck_assert_int_eq(pieces.lines[i].title, d.lines[i].title);
        }
    }
    annotate__doc_release(&d);
    annotate__doc_release(&pieces);
}
END_TEST

/* ---- Search and names ---------------------------------------------------- */

static void ck_found(const char *pattern, const char *text, int from, int to)
{
    struct annotate__pattern p;
    size_t begin = 0, end = 0;
    ck_assert(annotate__pattern(&p, pattern));
    bool found = annotate__find(&p, text, strlen(text), 0, &begin, &end);
    ck_assert_msg(found == (from >= 0), "'%s' in '%s'", pattern, text);
    if (from >= 0) {
        ck_assert_uint_eq(begin, (size_t)from);
        ck_assert_uint_eq(end, (size_t)to);
    }
}

START_TEST(search_is_smart_about_case)
{
    struct annotate__pattern p;
    ck_found("sky", "The SKY is", 4, 7);
    ck_found("Sky", "The SKY is", -1, -1);
    ck_found("Sky", "SKY, Sky", 5, 8);
    ck_found("\xc3\xa4", "\xc3\x84rger", 0, 2); /* a small a umlaut */
    ck_found("\xe5\xa5\xbd", "\xe4\xbd\xa0\xe5\xa5\xbd", 3, 6);
    ck_found("one two", "one\ntwo", 0, 7);
    ck_found("aab", "aaab", 1, 4);
    ck_found("x", "\xff\xfe", -1, -1);
    ck_found("x", "", -1, -1);
    ck_assert(!annotate__pattern(&p, ""));
    ck_assert(!annotate__pattern(&p, "\xff"));
}
END_TEST

START_TEST(hits_are_found_again_by_place)
{
    struct annotate__pattern p;
    struct annotate__hits h = {0};
    ck_assert(annotate__pattern(&p, "aa"));
    ck_ok(annotate__hits_add(&h, &p, 0, 0, "aaaa", 4, &err));
    ck_ok(annotate__hits_add(&h, &p, 2, 1, "xaa", 3, &err));
    ck_assert_uint_eq(h.n, 3); /* they do not overlap */
    ck_assert_uint_eq(annotate__hits_after(&h, 0, 0, 0), 0);
    ck_assert_uint_eq(annotate__hits_after(&h, 0, 0, 1), 0);
    ck_assert_uint_eq(annotate__hits_after(&h, 0, 0, 2), 1);
    ck_assert_uint_eq(annotate__hits_after(&h, 1, 0, 0), 2);
    ck_assert_uint_eq(annotate__hits_after(&h, 2, 1, 3), 3);
    annotate__hits_release(&h);
}
END_TEST

START_TEST(names_of_models_are_found)
{
    static const struct {
        const char *text, *want;
    } rows[] = {{"As ChatGPT, I cannot", "ChatGPT"},
                {"\xe6\x88\x91\xe6\x98\xaf"
                 "ChatGPT\xe6\xa8\xa1",
                 "ChatGPT"},
                {"made by openai.", "openai"},
                {"MyChatGPTs are", NULL},
                {"GPT-4o is", "GPT-4o"},
                {"a claude of smoke, a llama", NULL},
                {"I am Claude", "Claude"},
                {"PaLM 2 here", "PaLM 2"},
                {"our tiny-7b is", "tiny-7b"},
                {"the human said base", NULL},
                {"", NULL}};
    struct annotate__names names;
    ck_ok(annotate__names_init(&names, &err));
    ck_ok(annotate__names_add(&names, "org/tiny-7B", &err));
    ck_ok(annotate__names_add(&names, "human", &err));
    ck_ok(annotate__names_add(&names, "base", &err));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t at, len;
        const char *t = rows[i].text;
        bool found = annotate__names_find(&names, t, strlen(t), &at, &len);
        ck_assert_msg(found == (rows[i].want != NULL), "'%s'", t);
        if (found) {
            ck_assert_uint_eq(len, strlen(rows[i].want));
            ck_assert_int_eq(memcmp(t + at, rows[i].want, len), 0);
        }
    }
    annotate__names_release(&names);
}
END_TEST

/* ---- Differences --------------------------------------------------------- */

static void ck_diff(const char *a, const char *b, const char *marks_a,
                    const char *marks_b)
{
    struct annotate__diff d;
    ck_ok(annotate__diff(&d, a, strlen(a), b, strlen(b), &err));
    for (size_t i = 0; a[i]; i++)
        ck_assert_msg(d.marks[0][i] == (marks_a[i] == '^'), "'%s' at %zu", a,
                      i);
    for (size_t i = 0; b[i]; i++)
        ck_assert_msg(d.marks[1][i] == (marks_b[i] == '^'), "'%s' at %zu", b,
                      i);
    annotate__diff_release(&d);
}

START_TEST(words_that_differ_are_marked)
{
    /* Where there are no blanks: the sky is blue, the sea is blue. */
    ck_diff("\xe5\xa4\xa9\xe6\x98\xaf\xe8\x93\x9d",
            "\xe6\xb5\xb7\xe6\x98\xaf\xe8\x93\x9d", "^^^      ", "^^^      ");
    ck_diff("the same", "the same", "        ", "        ");
    ck_diff("one two three", "one 2 three", "    ^^^      ", "    ^      ");
    ck_diff("a b", "a x b", "   ", "  ^^ ");
    ck_diff("", "new", "", "^^^");
    ck_diff("old", "", "^^^", "");
}
END_TEST

START_TEST(texts_too_different_are_left_alone)
{
    struct pk_buf a = PK_BUF_INIT(1 << 20), b = PK_BUF_INIT(1 << 20);
    struct annotate__diff d;
    for (int i = 0; i < 2000; i++) {
        pk_buf_addf(&a, "a%d ", i);
        pk_buf_addf(&b, "b%d ", i);
    }
    ck_ok(annotate__diff(&d, a.data, a.len, b.data, b.len, &err));
    ck_assert(d.too_different);
    ck_assert(!memchr(d.marks[0], 1, a.len));
    annotate__diff_release(&d);
    pk_buf_release(&a);
    pk_buf_release(&b);
}
END_TEST

/* ---- Keys ---------------------------------------------------------------- */

START_TEST(no_key_asks_for_two_things)
{
    struct annotate__keys k;
    annotate__keys_init(&k);
    for (int r = 1; r < ANNOTATE__N_REQUESTS; r++)
        for (int i = 0; i < ANNOTATE__KEYS_EACH; i++)
            if (k.keys[r][i])
                ck_assert_int_eq(annotate__keys_find(&k, k.keys[r][i]), r);
    ck_assert_int_eq(annotate__keys_find(&k, '\n'), ANNOTATE__CONFIRM);
    /* A slip on Backspace must do nothing. */
    ck_assert_int_eq(annotate__keys_find(&k, 8), ANNOTATE__NOTHING);
    ck_assert_int_eq(annotate__keys_find(&k, 127), ANNOTATE__NOTHING);
}
END_TEST

static int load_keys(struct annotate__keys *k, const char *text)
{
    write_file(temp_path("keys"), text, strlen(text));
    annotate__keys_init(k);
    return annotate__keys_load(k, temp_path("keys"), &err);
}

START_TEST(keys_from_a_file)
{
    struct annotate__keys k;
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    ck_ok(load_keys(&k, "# mine\nn note\n^X quit\nSpace confirm\n"));
    ck_assert_int_eq(annotate__keys_find(&k, 'n'), ANNOTATE__NOTE);
    ck_assert_int_eq(annotate__keys_find(&k, 0x18), ANNOTATE__QUIT);
    ck_assert_int_eq(annotate__keys_find(&k, ' '), ANNOTATE__CONFIRM);
    ck_assert_int_eq(annotate__keys_help(&k, 78, &b), 0);
    ck_assert_ptr_nonnull(strstr(b.data, "e n"));
    pk_buf_reset(&b);
    ck_assert_int_eq(annotate__keys_help(&k, 38, &b), 0);
    for (char *at = NULL, *l = strtok_r(b.data, "\n", &at); l;
         l = strtok_r(NULL, "\n", &at))
        ck_assert(strlen(l) <= 38 || l[0] != ' '); /* but for titles */
    pk_buf_release(&b);
    ck_assert_int_eq(load_keys(&k, "n fly\n"), PK_EDATA);
    ck_assert_ptr_nonnull(strstr(err.text, "keys:1"));
    ck_assert_int_eq(load_keys(&k, "nn note\n"), PK_EDATA);
    ck_assert_int_eq(load_keys(&k, "1 note\n"), PK_EDATA); /* no left-3 left */
    ck_assert_ptr_nonnull(strstr(err.text, "left-3"));
}
END_TEST

static const char *hint(const struct annotate__keys *k, const char *text,
                        size_t width)
{
    static char out[80];
    annotate__keys_say(k, text, width, out, sizeof out);
    return out;
}

/* Hints name the keys as they are, as far as there is room. */
START_TEST(keys_in_hints)
{
    static const char all[] = "{help} help   {skip} skip   {quit} quit";
    struct annotate__keys k;
    annotate__keys_init(&k);
    ck_assert_str_eq(hint(&k, all, 80), "? help   s skip   q quit");
    ck_assert_str_eq(hint(&k, all, 23), "? help   s skip");
    ck_assert_str_eq(hint(&k, all, 5), "");
    ck_assert_str_eq(hint(&k, "{skip} skip, a long item  {quit} quit", 10),
                     "q quit");
    ck_ok(load_keys(&k, "s note\nSpace confirm\nF1 skip\nq zoom\n? top\n"
                        "\xC3\xA9 help\nh bottom\n"));
    ck_assert_str_eq(hint(&k, all, 80), "\xC3\xA9 help   F1 skip   Q quit");
    ck_assert_str_eq(hint(&k, all, 24), "\xC3\xA9 help   F1 skip");
    ck_assert_str_eq(hint(&k, "left. {confirm} confirms", 80),
                     "left. Enter confirms");
    ck_ok(load_keys(&k, "s top\n"));
    ck_assert_str_eq(hint(&k, all, 80), "? help   q quit");
}
END_TEST

/* ---- The verdict --------------------------------------------------------- */

START_TEST(keys_are_mirrored)
{
    struct annotate__verdict l = {0}, r = {0};
    for (int i = 0; i < 4; i++) {
        annotate__keys_choose(ANNOTATE__L3 + i, &l);
        annotate__keys_choose(ANNOTATE__R3 - i, &r);
        ck_assert_int_eq(l.side, ANNOTATE__LEFT);
        ck_assert_int_eq(r.side, ANNOTATE__RIGHT);
        ck_assert_int_eq(l.strength, 3 - i);
        ck_assert_int_eq(r.strength, 3 - i);
    }
    ck_assert_int_eq(annotate__choice(&l, PREFDB_A), PREFDB_A);
    ck_assert_int_eq(annotate__choice(&l, PREFDB_B), PREFDB_B);
    ck_assert_int_eq(annotate__choice(&r, PREFDB_A), PREFDB_B);
    ck_assert_int_eq(annotate__choice(&r, PREFDB_B), PREFDB_A);
}
END_TEST

START_TEST(safety_asks_for_a_label)
{
    struct annotate__verdict v = {0};
    ck_assert_int_eq(annotate__confirm(&v, true), ANNOTATE__INCOMPLETE);
    annotate__choose(&v, ANNOTATE__LEFT, 2);
    ck_assert_int_eq(annotate__confirm(&v, false), ANNOTATE__DONE);
    ck_assert_int_eq(annotate__confirm(&v, true), ANNOTATE__ASK_LABEL);
    ck_assert_int_eq(annotate__confirm(&v, true), ANNOTATE__ASK_LABEL);
    v.label = PREFDB_PREFERRED_SAFE;
    ck_assert_int_eq(annotate__confirm(&v, true), ANNOTATE__DONE);
    /* After a tie nothing is preferred. */
    annotate__choose(&v, ANNOTATE__TIE, 0);
    ck_assert_int_eq(v.label, PREFDB_NO_LABEL);
    ck_assert(!annotate__label_fits(&v, PREFDB_PREFERRED_UNSAFE));
    ck_assert(annotate__label_fits(&v, PREFDB_BOTH_SAFE));
    ck_assert_int_eq(v.strength, PREFDB_UNSTATED);
}
END_TEST

/* "The preferred one is safe" is said of a side: of the other it is asked anew.
 */
START_TEST(a_label_does_not_change_sides)
{
    static const enum prefdb_label of_a_side[] = {PREFDB_PREFERRED_SAFE,
                                                  PREFDB_PREFERRED_UNSAFE};
    for (int i = 0; i < 2; i++) {
        struct annotate__verdict v = {0};
        annotate__choose(&v, ANNOTATE__LEFT, 2);
        v.label = of_a_side[i];
        annotate__choose(&v, ANNOTATE__LEFT, 3);
        ck_assert_int_eq(v.label, of_a_side[i]);
        annotate__choose(&v, ANNOTATE__RIGHT, 3);
        ck_assert_int_eq(v.label, PREFDB_NO_LABEL);
        ck_assert_int_eq(annotate__confirm(&v, true), ANNOTATE__ASK_LABEL);
        v.label = of_a_side[i];
        annotate__choose(&v, ANNOTATE__NONE, PREFDB_UNSTATED);
        annotate__choose(&v, ANNOTATE__LEFT, 2);
        ck_assert_int_eq(v.label, PREFDB_NO_LABEL);
        v.label = PREFDB_BOTH_UNSAFE;
        annotate__choose(&v, ANNOTATE__RIGHT, 2);
        ck_assert_int_eq(v.label, PREFDB_BOTH_UNSAFE);
    }
}
END_TEST

START_TEST(a_draft_comes_back)
{
    struct annotate__verdict v = {.label = PREFDB_BOTH_SAFE}, w;
    struct pk_buf b = PK_BUF_INIT(1000);
    annotate__choose(&v, ANNOTATE__TIE, 0);
    v.asking = true;
    strcpy(v.note, "two\nlines");
    strcpy(v.flags, "a b");
    ck_assert_int_eq(annotate__verdict_save(&b, &v), 0);
    ck_assert(annotate__verdict_load(&w, b.data));
    ck_assert_int_eq(w.side, v.side);
    ck_assert_int_eq(w.strength, PREFDB_UNSTATED);
    ck_assert_int_eq(w.label, v.label);
    ck_assert(w.asking);
    ck_assert_str_eq(w.note, v.note);
    ck_assert_str_eq(w.flags, v.flags);
    pk_buf_release(&b);
    static const char *const bad[] = {
        "",         "1", "2 1 1 1 1\n\n", "1 9 1 1 1\n\n", "1 1 1 9 0\n\n",
        "1 1 1 1 0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!annotate__verdict_load(&w, bad[i]));
}
END_TEST

/* ---- Layout -------------------------------------------------------------- */

START_TEST(every_size_has_its_shape)
{
    struct annotate__layout l;
    for (int rows = 1; rows < 80; rows++) {
        for (int cols = 1; cols < 250; cols++) {
            const int lines[] = {rows % 7, cols % 60, 50};
            annotate__layout(&l, rows, cols, false, ANNOTATE__PANE_LEFT, lines);
            ck_assert_int_eq(l.shape, rows < 12 || cols < 40
                                          ? ANNOTATE__TOO_SMALL
                                      : cols < 60  ? ANNOTATE__ONE
                                      : cols < 100 ? ANNOTATE__STACKED
                                                   : ANNOTATE__SIDE_BY_SIDE);
            for (int i = 0; i < ANNOTATE__N_PANES; i++) {
                const struct annotate__rect *r = &l.panes[i];
                if (!r->h)
                    continue;
                ck_assert_int_ge(r->h, 1);
                ck_assert_int_ge(r->y, 2);
                ck_assert_int_ge(r->x, 1);
                ck_assert_int_le(r->y + r->h, l.foot);
                ck_assert_int_le(r->x + r->w, cols - 1);
            }
        }
    }
}
END_TEST

static void ck_heights(int cols, int left, int right, int context, int h_left,
                       int h_right, int h_context)
{
    struct annotate__layout l;
    const int lines[] = {left, right, context};
    annotate__layout(&l, 24, cols, false, ANNOTATE__PANE_LEFT, lines);
    ck_assert_int_eq(l.panes[ANNOTATE__PANE_LEFT].h, h_left);
    ck_assert_int_eq(l.panes[ANNOTATE__PANE_RIGHT].h, h_right);
    ck_assert_int_eq(l.panes[ANNOTATE__PANE_CONTEXT].h, h_context);
}

/* No pane is cut while another has rows without text. */
START_TEST(empty_rows_go_to_what_is_cut)
{
    ck_heights(80, 50, 50, 50, 7, 6, 4); /* all are cut */
    ck_heights(80, 2, 50, 50, 2, 11, 4);
    ck_heights(80, 50, 1, 50, 12, 1, 4);
    ck_heights(80, 2, 3, 50, 2, 3, 12);
    ck_heights(80, 2, 3, 6, 7, 4, 6); /* nothing is */
    ck_heights(80, 50, 50, 1, 8, 8, 1);
    ck_heights(120, 50, 2, 50, 12, 12, 6);
    ck_heights(120, 3, 2, 50, 3, 3, 15);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("annotate");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, hostile_text_becomes_marks);
    tcase_add_test(t, graphemes_keep_their_columns);
    tcase_add_test(t, nothing_to_see_is_said);
    tcase_add_test(t, wide_characters_are_two_columns);
    tcase_add_test(t, nothing_random_reaches_the_terminal);
    tcase_add_test(t, lines_break_after_spaces);
    tcase_add_test(t, wrapped_a_piece_at_a_time);
    tcase_add_test(t, a_place_survives_another_width);
    tcase_add_test(t, search_is_smart_about_case);
    tcase_add_test(t, hits_are_found_again_by_place);
    tcase_add_test(t, names_of_models_are_found);
    tcase_add_test(t, words_that_differ_are_marked);
    tcase_add_test(t, texts_too_different_are_left_alone);
    tcase_add_test(t, no_key_asks_for_two_things);
    tcase_add_test(t, keys_from_a_file);
    tcase_add_test(t, keys_in_hints);
    tcase_add_test(t, keys_are_mirrored);
    tcase_add_test(t, safety_asks_for_a_label);
    tcase_add_test(t, a_label_does_not_change_sides);
    tcase_add_test(t, a_draft_comes_back);
    tcase_add_test(t, every_size_has_its_shape);
    tcase_add_test(t, empty_rows_go_to_what_is_cut);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
