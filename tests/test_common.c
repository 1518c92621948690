/* The small modules of common/: buffers, memory, numbers, UTF-8, random
 * numbers, hashes, errors. JSON, lines, outputs and options have suites of
 * their own. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/late.h"
#include "common/mem.h"
#include "common/num.h"
#include "common/plain.h"
#include "common/rng.h"
#include "common/sha256.h"
#include "common/utf8.h"
#include "tests/support.h"

START_TEST(buf_grows_and_formats)
{
    struct pk_buf b = PK_BUF_INIT(1 << 20);
    ck_assert_int_eq(pk_buf_add(&b, "", 0), 0);
    ck_assert_str_eq(b.data, "");
    ck_assert_int_eq(pk_buf_addf(&b, "%s=%d", "n", 42), 0);
    ck_assert_int_eq(pk_buf_addc(&b, ';'), 0);
    ck_assert_int_eq(pk_buf_add(&b, "a\0b", 3), 0);
    ck_assert_uint_eq(b.len, 8);
    ck_assert_mem_eq(b.data, "n=42;a\0b", 9);
    pk_buf_reset(&b);
    ck_assert_uint_eq(b.len, 0);
    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(pk_buf_addf(&b, "%04d", i), 0);
    ck_assert_uint_eq(b.len, 20000);
    ck_assert_mem_eq(b.data + 4 * 4999, "4999", 5);
    char *p = pk_buf_take(&b);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.len, 0);
    free(p);
    pk_buf_release(&b);
}
END_TEST

START_TEST(buf_cap)
{
    struct pk_buf b = PK_BUF_INIT(8);
    ck_assert_int_eq(pk_buf_adds(&b, "12345678"), 0);
    ck_assert_int_eq(pk_buf_addc(&b, '9'), PK_EDATA);
    ck_assert_str_eq(b.data, "12345678");
    ck_assert_int_eq(b.failed, PK_EDATA);
    ck_assert_int_eq(pk_buf_addf(&b, "%d", 1), PK_EDATA);
    ck_assert_int_eq(pk_buf_add(&b, "", 0), PK_EDATA);
    pk_buf_reset(&b);
    ck_assert_int_eq(b.failed, 0);
    ck_assert_int_eq(pk_buf_add(&b, "x", SIZE_MAX), PK_EDATA);
    pk_buf_reset(&b);
    ck_assert_int_eq(pk_buf_addf(&b, "%s", "123456789"), PK_EDATA);
    ck_assert_uint_eq(b.len, 0);
    pk_buf_release(&b);
    ck_assert_int_eq(b.failed, 0);
}
END_TEST

START_TEST(mem_sizes)
{
    size_t n;
    ck_assert(pk_mul_size(SIZE_MAX / 2, 2, &n) && n == SIZE_MAX - 1);
    ck_assert(!pk_mul_size(SIZE_MAX / 2 + 1, 2, &n) && n == 0);
    ck_assert_ptr_null(pk_calloc_aligned(SIZE_MAX / 4, 8));
    ck_assert_ptr_null(pk_calloc_aligned(SIZE_MAX, 1));
    float *f = pk_calloc_aligned(17, sizeof *f);
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq((uintptr_t)f % 64, 0);
    for (size_t i = 0; i < 17; i++)
        ck_assert(f[i] == 0);
    free(f);
    ck_assert_ptr_null(pk_alloc_aligned(SIZE_MAX / 4, 8));
    f = pk_alloc_aligned(17, sizeof *f);
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq((uintptr_t)f % 64, 0);
    memset(f, 0, 17 * sizeof *f);
    free(f);
    free(pk_calloc(0, 8));

    int *v = NULL;
    size_t cap = 0;
    ck_assert(pk_grow(&v, &cap, 100, sizeof *v) && cap >= 100);
    int *kept = v;
    size_t had = cap;
    ck_assert(!pk_grow(&v, &cap, SIZE_MAX / 2, sizeof *v));
    ck_assert(v == kept && cap == had);
    free(v);

    char *s = pk_memdup0("a\0b", 3);
    ck_assert_mem_eq(s, "a\0b", 4);
    free(s);
}
END_TEST

START_TEST(num_parse)
{
    uint64_t u = 7;
    double d = 7;
    ck_assert(pk_parse_u64("18446744073709551615", 0, UINT64_MAX, &u));
    ck_assert(u == UINT64_MAX);
    ck_assert(pk_parse_u64("007", 1, 9, &u) && u == 7);
    static const char *const bad[] = {
        "",   "-1",  "+1",  " 1",  "1 ", "1x",
        "0x", "1.0", "0x1", "1e3", "10", "18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!pk_parse_u64(bad[i], 0, 9, &u), "'%s'", bad[i]);
    ck_assert(!pk_parse_u64("18446744073709551616", 0, UINT64_MAX, &u));
    ck_assert(u == 7);

    ck_assert(pk_parse_double("2e-5", 0, 1, &d) && d == 2e-5);
    ck_assert(pk_parse_double("-0.5", -1, 1, &d) && d == -0.5);
    static const char *const worse[] = {"",     " 1",  "1 ",  "nan",  "inf",
                                        "-inf", "1x",  "2",   "-2",   ".",
                                        "e5",   "1e9", "--1", "1e999"};
    for (size_t i = 0; i < sizeof worse / sizeof *worse; i++)
        ck_assert_msg(!pk_parse_double(worse[i], -1, 1, &d), "'%s'", worse[i]);
    ck_assert(d == -0.5);
}
END_TEST

/* R's binom through statsmodels: shared vectors. */
START_TEST(num_wilson)
{
    static const struct {
        uint64_t k, n;
        double low, high, tolerance;
    } v[] = {{18, 20, .6989663547715128, .972133518786232, 1e-14},
             {4, 20, .0806576625797981, .4160174322518935, 1e-14},
             {4, 200, .00780442641634947, .05028708690582643, 1e-14},
             {190, 200, .910421851861224, .972617354399236, 1e-14},
             {1, 30, .00590859, .16670391, 5e-9},
             {0, 30, 0, .11351339, 5e-9},
             {30, 30, 1 - .11351339, 1, 5e-9},
             {19, 38, .348499283643951, .651500716356049, 1e-14},
             {0, 0, 0, 1, 0}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        double low, high;
        pk_wilson(v[i].k, v[i].n, &low, &high);
        ck_assert_double_le(fabs(low - v[i].low), v[i].tolerance);
        ck_assert_double_le(fabs(high - v[i].high), v[i].tolerance);
        ck_assert(low >= 0 && high <= 1);
    }
    double low, high;
    pk_wilson(UINT64_MAX, UINT64_MAX, &low, &high);
    ck_assert(low > 0.999999 && high <= 1);
}
END_TEST

START_TEST(utf8_round_trip)
{
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        char s[4];
        uint32_t back;
        size_t n = pk_utf8_encode(cp, s);
        ck_assert_uint_eq(n, cp < 0x80      ? 1
                             : cp < 0x800   ? 2
                             : cp < 0x10000 ? 3
                                            : 4);
        if (pk_utf8_decode(s, n, &back) != n || back != cp ||
            pk_utf8_decode(s, n - 1, &back) != 0 || pk_utf8_check(s, n) != n)
            ck_abort_msg("U+%04X", cp);
    }
}
END_TEST

/* Every sequence of three bytes, and every one of four that has continuation
 * bytes behind its first: there must be as many well-formed ones as there are
 * code points of that length, so none is overlong, a surrogate or too large. */
START_TEST(utf8_counts)
{
    size_t count[5] = {0};
    uint32_t cp;
    for (uint32_t x = 0; x < 1 << 24; x++) {
        char s[] = {(char)(x >> 16), (char)(x >> 8), (char)x};
        size_t n = pk_utf8_decode(s, 3, &cp);
        count[n] += n == 3 || (n == 2 && s[2] == 0) ||
                    (n == 1 && s[1] == 0 && s[2] == 0);
    }
    for (uint32_t x = 0; x < 1 << 22; x++) {
        char s[] = {(char)(0xF0 | x >> 18), (char)(0x80 | (x >> 12 & 63)),
                    (char)(0x80 | (x >> 6 & 63)), (char)(0x80 | (x & 63))};
        count[4] += pk_utf8_decode(s, 4, &cp) == 4;
    }
    ck_assert_uint_eq(count[1], 0x80);
    ck_assert_uint_eq(count[2], 0x800 - 0x80);
    ck_assert_uint_eq(count[3], 0x10000 - 0x800 - 0x800);
    ck_assert_uint_eq(count[4], 0x100000);
}
END_TEST

START_TEST(utf8_check_stops)
{
    static const struct {
        const char *s;
        size_t len, good;
    } v[] = {{"", 0, 0},
             {"abc", 3, 3},
             {"a\xC3\xA9z", 4, 4},
             {"ab\xC0\xAF", 4, 2},        /* overlong '/' */
             {"ab\xE0\x80\xAF", 5, 2},    /* overlong '/' */
             {"\xED\xA0\x80", 3, 0},      /* a surrogate */
             {"x\xF4\x90\x80\x80", 5, 1}, /* beyond U+10FFFF */
             {"\xF8\x88\x80\x80\x80", 5, 0},
             {"ok\xE2\x82", 4, 2}, /* cut off */
             {"ok\x80", 3, 2},
             {"a\0b\xFF", 4, 3}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        ck_assert_uint_eq(pk_utf8_check(v[i].s, v[i].len), v[i].good);
}
END_TEST

/* The generator's published sequence from the state 1, 2, 3, 4; the rest was
 * computed from the authors' description in another language. */
/* What f prints; to be freed. */
static char *printed(void (*f)(FILE *out, const char *s), const char *s)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    ck_assert_ptr_nonnull(out);
    f(out, s);
    fclose(out);
    return text;
}

static void ck_printed(void (*f)(FILE *out, const char *s), const char *s,
                       const char *want)
{
    char *text = printed(f, s);
    ck_assert_str_eq(text, want);
    free(text);
}

static void put_text(FILE *out, const char *s)
{
    pk_plain_text(out, s, strlen(s), "  ");
}

static void put_column(FILE *out, const char *s)
{
    pk_plain_column(out, s, 8);
}

START_TEST(plain_text)
{
    ck_printed(put_text, "a\tb\n\x1b[31m", "a\tb\n  <ESC>[31m");
    ck_printed(pk_plain_name, "a\tb\n\x01\r", "a<TAB>b<LF><01><CR>");
    /* U+061C, U+202E, U+200B, U+E000, U+0080, a tag. */
    ck_printed(pk_plain_name, "\xd8\x9c\xe2\x80\xae\xe2\x80\x8b",
               "<ALM><RLO><ZWSP>");
    ck_printed(pk_plain_name, "\xee\x80\x80\xc2\x80\xf3\xa0\x81\x81",
               "<U+E000><U+0080><U+E0041>");
    ck_printed(pk_plain_name, "\xff\xe4\xb8", "<FF><E4><B8>");
    /* A joined emoji stays one. */
    ck_printed(put_text, "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
               "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb");
}
END_TEST

START_TEST(plain_columns)
{
    ck_printed(put_column, "", "        ");
    ck_printed(put_column, "abcdefgh", "abcdefgh");
    ck_printed(put_column, "abcdefghi", "abcde...");
    /* Two columns each: the third would be half out. */
    ck_printed(put_column, "\u4f60\u597d\u5417\u4f60",
               "\u4f60\u597d\u5417\u4f60");
    ck_printed(put_column, "\u4f60\u597d\u5417\u4f60x", "\u4f60\u597d... ");
    ck_printed(put_column, "e\u0301e", "e\u0301e      ");
    ck_printed(put_column, "\x1b[31m", "<ESC>...");
    ck_printed(put_column, "a\u200db", "ab      ");
}
END_TEST

START_TEST(rng_vectors)
{
    static const uint64_t published[] = {11520u,
                                         0u,
                                         1509978240u,
                                         1215971899390074240u,
                                         1216172134540287360u,
                                         607988272756665600u,
                                         16172922978634559625u,
                                         8476171486693032832u,
                                         10595114339597558777u,
                                         2904607092377533576u};
    struct pk_rng r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < 10; i++)
        ck_assert_uint_eq(pk_rng_u64(&r), published[i]);

    static const struct {
        uint64_t seed, stream, out[4];
    } v[] = {{0,
              0,
              {0xfb5405f7bd79c540u, 0x780c98e26cea5883u, 0x2a146e0980febc66u,
               0x4851477db8791fcau}},
             {42,
              0,
              {0x1ff785474f113b15u, 0x4b7867ceff5d8325u, 0x90ca7a95a9909966u,
               0x9c9ea6a358c5008fu}},
             {42,
              1,
              {0x584870a53e6ddcdfu, 0x24862b58ab088c44u, 0xb77af7ea4c59709eu,
               0x3999723345bddfc3u}},
             {UINT64_MAX,
              7,
              {0xacbcf3c47e82887du, 0xc9182a4741f2acc0u, 0xe9289664a658741du,
               0x7b3aa1f1e8d653eau}}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        pk_rng_seed(&r, v[i].seed, v[i].stream);
        for (size_t j = 0; j < 4; j++)
            ck_assert_uint_eq(pk_rng_u64(&r), v[i].out[j]);
    }
}
END_TEST

START_TEST(rng_derived)
{
    static const uint64_t below[] = {3, 0, 7, 9, 6, 5, 5, 6, 2, 0, 2, 6};
    struct pk_rng r;
    pk_rng_seed(&r, 42, 3);
    for (size_t i = 0; i < 12; i++)
        ck_assert_uint_eq(pk_rng_below(&r, 10), below[i]);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(pk_rng_below(&r, 1), 0);

    pk_rng_seed(&r, 42, 3);
    ck_assert(pk_rng_uniform(&r) == 0.26826721157191);
    ck_assert(pk_rng_uniform(&r) == 0.6616573025140208);
    ck_assert(pk_rng_uniform(&r) == 0.3148798229710733);

    pk_rng_seed(&r, 42, 3);
    ck_assert_double_eq_tol(pk_rng_normal(&r), -0.41652791099731157, 1e-15);
    ck_assert_double_eq_tol(pk_rng_normal(&r), 0.09057028023321252, 1e-15);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = pk_rng_normal(&r);
        sum += x;
        squares += x * x;
    }
    ck_assert_double_lt(fabs(sum / 1e5), 0.02);
    ck_assert_double_lt(fabs(squares / 1e5 - 1), 0.02);

    static const int64_t shuffled[] = {6, 1, 0, 2, 4, 5, 7, 3};
    int64_t order[] = {0, 1, 2, 3, 4, 5, 6, 7};
    pk_rng_seed(&r, 42, 3);
    pk_rng_shuffle(&r, order, 8);
    ck_assert_mem_eq(order, shuffled, sizeof order);
    pk_rng_shuffle(&r, order, 1);
    pk_rng_shuffle(&r, order, 0);
    ck_assert_mem_eq(order, shuffled, sizeof order);
}
END_TEST

static void check_hash(struct pk_sha256 *h, const char *hex)
{
    uint8_t out[32];
    char text[65];
    pk_sha256_final(h, out);
    pk_hex(out, 32, text);
    ck_assert_str_eq(text, hex);
    pk_sha256_reset(h);
}

/* FIPS 180-4's examples; the fields were hashed in another language. */
START_TEST(sha256_vectors)
{
    struct pk_err err;
    struct pk_sha256 *h;
    ck_ok(pk_sha256_new(&h, &err));
    check_hash(h, "e3b0c44298fc1c149afbf4c8996fb924"
                  "27ae41e4649b934ca495991b7852b855");
    pk_sha256_raw(h, "abc", 3);
    check_hash(h, "ba7816bf8f01cfea414140de5dae2223"
                  "b00361a396177a9cb410ff61f20015ad");
    for (int i = 0; i < 1000000; i += 10)
        pk_sha256_raw(h, "aaaaaaaaaa", 10);
    check_hash(h, "cdc76e5c9914fb9281a1c7e284d73e67"
                  "f1809a48a497200e046d39ccc7112cd0");
    pk_sha256_field(h, "ab", 2);
    pk_sha256_field(h, "c", 1);
    check_hash(h, "43ee655579de01ca739b3f95c1c2d3f4"
                  "6d353b2c0df818064ea594506cdb2617");
    pk_sha256_field(h, "a", 1);
    pk_sha256_field(h, "bc", 2);
    check_hash(h, "9a8acca1b6c6c0befd3fbc756aed625d"
                  "a998c998f7252e738c4ef061906b9b21");
    pk_sha256_u64(h, (UINT64_C(1) << 40) + 5);
    check_hash(h, "fafbf0ce4368508c99f78db1c6422ecb"
                  "788adc373629aa7dc3156ea3e3821439");
    pk_sha256_free(h);
    pk_sha256_free(NULL);
}
END_TEST

START_TEST(err_text)
{
    struct pk_err err;
    ck_assert_int_eq(pk_fail(&err, PK_EDATA, "row %d", 3), PK_EDATA);
    ck_assert_int_eq(err.code, PK_EDATA);
    ck_assert_int_eq(pk_err_prefix(&err, "%s:", "f"), PK_EDATA);
    ck_assert_str_eq(err.text, "f:row 3");
    errno = ENOENT;
    ck_assert_int_eq(pk_fail_errno(&err, "cannot open '%s'", "x"), PK_EIO);
    ck_assert_str_eq(err.text, "cannot open 'x': No such file or directory");
    errno = ENOMEM;
    ck_assert_int_eq(pk_fail_errno(&err, "x"), PK_EMEM);
    ck_assert_int_eq(pk_fail_mem(&err, "a buffer"), PK_EMEM);
    ck_assert_str_eq(err.text, "out of memory for a buffer");
    ck_assert_int_eq(pk_fail(NULL, PK_EIO, "unseen"), PK_EIO);
    ck_assert_int_eq(pk_err_prefix(NULL, "unseen"), PK_EBUG);
}
END_TEST

START_TEST(err_truncates)
{
    struct pk_err err;
    char name[4096];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    pk_fail(&err, PK_EDATA, "%s", name);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    errno = EIO;
    pk_fail_errno(&err, "%s", name);
    pk_err_prefix(&err, "%s", name);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    pk_fail(&err, PK_EDATA, "tail");
    pk_err_prefix(&err, "%s", name);
    ck_assert_int_eq(err.text[1022], 'n');
}
END_TEST

START_TEST(err_exit_status)
{
    static const int want[][2] = {
        {0, 0},      {5, 0},       {PK_ENO, 1},  {PK_EUSAGE, 2},  {PK_EDATA, 3},
        {PK_EIO, 4}, {PK_EMEM, 5}, {PK_EBUG, 5}, {PK_EINTR, 130}, {-999, 5}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        ck_assert_int_eq(pk_exit_status(want[i][0]), want[i][1]);
}
END_TEST

/* A library, and what is wrong with one. */
START_TEST(late_load)
{
    static const char *const good[] = {"cos", "sin", NULL};
    static const char *const bad[] = {"cos", "no_such_function", NULL};
    struct {
        double (*cos)(double), (*sin)(double);
    } table = {0};
    struct pk_late none = PK_LATE_INIT, some = PK_LATE_INIT;
    struct pk_err err;
    ck_assert_int_eq(pk_late_load(&none, &table, "libno-such.so.1", good, &err),
                     PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "libno-such.so.1"));
    ck_assert_int_eq(pk_late_load(&some, &table, "libm.so.6", bad, &err),
                     PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "no_such_function"));
    for (int i = 0; i < 2; i++)
        ck_ok(pk_late_load(&some, &table, i ? "not asked for" : "libm.so.6",
                           good, &err));
    ck_assert(table.cos(0) > 0.5 && table.sin(0) < 0.5);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("common");
    TCase *t = tcase_create("common");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, buf_grows_and_formats);
    tcase_add_test(t, buf_cap);
    tcase_add_test(t, mem_sizes);
    tcase_add_test(t, num_parse);
    tcase_add_test(t, num_wilson);
    tcase_add_test(t, utf8_round_trip);
    tcase_add_test(t, utf8_counts);
    tcase_add_test(t, utf8_check_stops);
    tcase_add_test(t, plain_text);
    tcase_add_test(t, plain_columns);
    tcase_add_test(t, rng_vectors);
    tcase_add_test(t, rng_derived);
    tcase_add_test(t, sha256_vectors);
    tcase_add_test(t, err_text);
    tcase_add_test(t, err_truncates);
    tcase_add_test(t, err_exit_status);
    tcase_add_test(t, late_load);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
