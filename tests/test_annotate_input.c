/* annotate/input: what a terminal may send, and the keys that are in it. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "annotate/terminal/input.h"
#include "tests/support.h"

/* What a terminal sends, as the keys' names: a paste in brackets, text that is
 * in it after a '~'. Between bytes, `gap` seconds pass, in which an Esc that
 * waits becomes a key where `idle` says so. */
static char *keys_in(const char *bytes, size_t len, double gap, bool idle)
{
    static char out[4096];
    struct annotate__input in;
    char name[16];
    size_t n = 0;
    out[0] = 0;
    annotate__input_init(&in);
    for (size_t i = 0; i <= len; i++) {
        for (int rest = 0; rest < 2; rest++) {
            double now = 100 + (double)i * gap;
            int key =
                rest ? idle || i == len ? annotate__input_rest(&in, now) : 0
                : i < len
                    ? annotate__input_code(&in, (unsigned char)bytes[i], now)
                    : 0;
            if (!key)
                continue;
            if (in.after_esc && key > 0)
                n += (size_t)snprintf(out + n, sizeof out - n, "%sAlt",
                                      n ? " " : "");
            if (key == ANNOTATE__PASTE || key == ANNOTATE__PASTED)
                snprintf(name, sizeof name, "%c",
                         key == ANNOTATE__PASTE ? '<' : '>');
            else
                annotate__key_name(key, name);
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%s%s",
                                  n ? " " : "",
                                  key > 0 && in.pasting ? "~" : "", name);
            ck_assert_uint_lt(n, sizeof out);
        }
    }
    ck_assert(!in.pasting || strchr(out, '<'));
    return out;
}

/* Take the Escs away. */
static void without_esc(char *keys)
{
    char *esc;
    while ((esc = strstr(keys, "Esc")) != NULL) {
        size_t n = esc[3] ? 4 : 3;
        if (!esc[3] && esc > keys)
            esc--;
        memmove(esc, esc + n, strlen(esc + n) + 1);
    }
}

/* In one go, and each byte long after the one before. */
static void expect(const char *bytes, const char *keys)
{
    size_t len = strlen(bytes);
    ck_assert_str_eq(keys_in(bytes, len, 0, false), keys);
    ck_assert_str_eq(keys_in(bytes, len, 1000, false), keys);
}

/* So late, too, that Esc was a key before the rest came: the rest is none. */
static void expect_late(const char *bytes, const char *keys)
{
    char late[4096];
    expect(bytes, keys);
    snprintf(late, sizeof late, "%s",
             keys_in(bytes, strlen(bytes), 0.03, true));
    without_esc(late);
    ck_assert_str_eq(late, keys);
}

START_TEST(keys)
{
    expect("1", "1");
    expect("2\r0\n", "2 Enter 0 Enter");
    expect("\t \x7F\x08\x04", "Tab Space ^H ^H ^D");
    expect("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4 \xE2\x82\xAC "
                                                   "\xF0\x9F\x98\x80");
    expect("\x1B", "Esc");
}
END_TEST

/* Half a character and bytes that are none make none, and take none along. */
START_TEST(no_characters)
{
    expect("\xC3"
           "1",
           "1");
    expect("\xC3\xC3\xA4", "\xC3\xA4");
    expect("\xFF\x80q", "q");
    expect("\xE2\x82\x1B[A", "Up");
    expect("\xE2\x82\r2", "Enter 2");
}
END_TEST

START_TEST(sequences)
{
    expect_late("\x1B[A\x1B[B\x1B[C\x1B[D", "Up Down Right Left");
    expect_late("\x1BOA\x1BOB\x1BOH\x1BOF\x1BOP\x1BOM",
                "Up Down Home End F1 Enter");
    expect_late("\x1BOp\x1BOq\x1BOx\x1BOy\x1BOj\x1BOo",
                "0 1 8 9 * /"); /* the keypad */
    expect_late("\x1B[Z", "S-Tab");
    expect_late("\x1B[1~\x1B[4~\x1B[7~\x1B[8~", "Home End Home End");
    expect_late("\x1B[H\x1B[F\x1B[3~\x1B[5~\x1B[6~\x1B[11~",
                "Home End Del PgUp PgDn F1");
    expect_late("\x1B[[A", "F1");
}
END_TEST

/* Each has letters or digits in it that choose, confirm, skip or leave. */
START_TEST(no_keys)
{
    expect_late("\x1B[2~", "");                     /* Insert */
    expect_late("\x1B[15~\x1B[[B\x1B[[E", "");      /* F5, F2, F5 */
    expect_late("\x1B[1;5C\x1B[1;2A\x1B[3;5~", ""); /* with Ctrl, Shift */
    expect_late("\x1B[27;2;13~\x1B[13;2u", "");     /* Shift+Enter */
    expect_late("\x1B[I\x1B[O", "");                /* focus */
    expect_late("\x1B[<0;10;3M\x1B[<0;10;3m", "");  /* the mouse */
    expect_late("\x1B[M 01\x1B[M\x23qs", "");       /* as it was before that */
    expect_late("\x1B[?64;1;2;9c\x1B[10;20R", ""); /* what it is, where it is */
    expect("\x1B]11;rgb:1e1e/1e1e/1e1e\x07", "");  /* its background */
    expect("\x1B]11;rgb:0000/0000/0000\x1B\\", "");
    expect("\x1BP1$r0 q\x1B\\\x1B_G1;OK\x1B\\", "");
    expect_late("\x1B[200", ""); /* the rest will come */
}
END_TEST

/* A key with Alt and Esc with a key right behind it look alike. */
START_TEST(alt)
{
    ck_assert_str_eq(keys_in("\x1B"
                             "1\x1Bq2",
                             5, 0, false),
                     "Alt 1 Alt q 2");
    expect("\x1B\xC3\xA4\xC3\xA4", "Alt \xC3\xA4 \xC3\xA4");
    expect("\x1B\xC3\x1B[A", "Up");
    expect("\x1B\r3", "Alt Enter 3");
    expect("\x1B\x1B[A", "Esc Up");
    ck_assert_str_eq(keys_in("\x1B"
                             "1",
                             2, 0.2, true),
                     "Esc 1");
    ck_assert_str_eq(keys_in("\x1B\x1Bq", 3, 0.2, true), "Esc Esc q");
}
END_TEST

/* What is broken off swallows a key or two, never a day's. */
START_TEST(broken)
{
    expect("\x1B[\r2", "2");
    expect("\x1B[12\x1B[A9", "Up 9");
    expect("\x1B[[\x1B[A", "Up");
    expect("\x1B[[1", "");
    expect("\x1B]1;\r2", "2");
    expect("\x1B]1;\x1B[A2", "Up 2");
    char answer[1024] = "\x1B]";
    memset(answer + 2, '1', 600);
    ck_assert_uint_lt(strlen(keys_in(answer, 602, 0, false)), 2 * 100);
}
END_TEST

/* Esc, a while, and a bracket: that is a bracket. */
START_TEST(bracket)
{
    ck_assert_str_eq(keys_in("\x1B[1", 3, 1.5, true), "Esc [ 1");
    ck_assert_str_eq(keys_in("1[2O3", 5, 0, true), "1 [ 2 O 3");
}
END_TEST

START_TEST(pastes)
{
    expect_late("\x1B[200~9 q\x1B[201~2", "< ~9 ~Space ~q > 2");
    expect_late("\x1B[200~a\r\tb\x1B[201~", "< ~a ~Enter ~Tab ~b >");
    expect_late("\x1B[200~\xC3\xA4\x1B[201~", "< ~\xC3\xA4 >");
    expect_late("\x1B[200~\x1B[201~\x1B[200~\x1B[201~", "< > < >");
    /* Controls are no text. */
    expect_late("\x1B[200~a\x03\x04\x08\x7F\x1A"
                "b\x1B[201~",
                "< ~a ~b >");
    /* Escapes, of which only one ends it. */
    expect_late("\x1B[200~a\x1B"
                "1\x1B[31mb\x1B[0m\x1B[201~2",
                "< ~a ~1 ~b > 2");
    expect_late("\x1B[200~a\x1B\x1B[201~2", "< ~a > 2");
    expect_late("\x1B[200~a\x1B[\x1B[201~2", "< ~a > 2");
    expect_late("\x1B[200~a\x1B]0;t\x07\x1B[201~2", "< ~a ~] ~0 ~; ~t > 2");
    expect_late("\x1B[200~a\x1B[A\x1B[5~\x1BOM\x1B[201~2", "< ~a ~O ~M > 2");
    expect_late("\x1B[200~a\x1B[200~b\x1B[201~2", "< ~a ~b > 2");
    expect_late("\x1B[200~a\x1B[2010~\x1B[201;1~\x1B[2 201~b\x1B[201~2",
                "< ~a ~b > 2");
    /* An end without a beginning. */
    expect_late("\x1B[201~2", "2");
}
END_TEST

/* A key that ncurses has known already. */
START_TEST(known_keys)
{
    struct annotate__input in;
    annotate__input_init(&in);
    const int up = ANNOTATE__KEY_UP;
    ck_assert_int_eq(annotate__input_code(&in, up, 0), up);
    ck_assert_int_eq(annotate__input_code(&in, 0x1B, 0), 0);
    ck_assert_int_eq(annotate__input_code(&in, up, 0), up);
    ck_assert(in.after_esc);
    for (const char *p = "\x1B[200~"; *p; p++)
        if (annotate__input_code(&in, *p, 0))
            ck_assert_ptr_eq(strchr(p, 0), p + 1);
    ck_assert(in.pasting);
    ck_assert_int_eq(annotate__input_code(&in, up, 0), 0);
    ck_assert_int_eq(annotate__input_code(&in, 'x', 0), 'x');
}
END_TEST

int main(void)
{
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 1;
    Suite *s = suite_create("annotate_input");
    TCase *t = tcase_create("core");
    tcase_add_test(t, keys);
    tcase_add_test(t, no_characters);
    tcase_add_test(t, sequences);
    tcase_add_test(t, no_keys);
    tcase_add_test(t, alt);
    tcase_add_test(t, broken);
    tcase_add_test(t, bracket);
    tcase_add_test(t, pastes);
    tcase_add_test(t, known_keys);
    suite_add_tcase(s, t);
    return run_suite(s);
}
