/* common/lines: plain, gzip, damaged, odd. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <zlib.h>

#include "common/lines.h"
#include "tests/support.h"

static struct pk_err err;

/* Every line of the file, each as "number:text|", into out; the last code. */
static int read_all(const char *path, char *out, size_t size)
{
    struct pk_lines *in;
    char *line;
    size_t len, n = 0;
    int rc;
    out[0] = 0;
    ck_ok(pk_lines_open(&in, path, &err));
    while ((rc = pk_lines_next(in, &line, &len, &err)) > 0) {
        ck_assert_uint_eq(line[len], 0);
        n += (size_t)snprintf(out + n, size - n, "%d:%s|",
                              (int)pk_lines_number(in), line);
        ck_assert_uint_lt(n, size);
    }
    ck_assert_ptr_null(line);
    ck_assert_uint_eq(len, 0);
    pk_lines_close(in);
    return rc;
}

static void expect(const char *text, size_t len, const char *lines)
{
    char got[4096];
    char *path = temp_path("lines");
    write_file(path, text, len);
    ck_ok(read_all(path, got, sizeof got));
    ck_assert_str_eq(got, lines);
}

START_TEST(plain)
{
    expect("", 0, "");
    expect("a", 1, "1:a|");
    expect("a\n", 2, "1:a|");
    expect("a\nb", 3, "1:a|2:b|");
    expect("a\r\nb\r\n", 6, "1:a|2:b|");
    expect("a\rb\n", 4, "1:a\rb|");
    expect("\n\n a \n \t\r\n\nb\n\n", 14, "3: a |6:b|");
    expect("\n", 1, "");
    expect("\xEF\xBB\xBF{}\n\xEF\xBB\xBF\n", 10, "1:{}|2:\xEF\xBB\xBF|");
    expect("\xEF\xBB\xBF", 3, "");
    expect("\xEF\xBB\xBF\r\nx\n", 7, "2:x|");
    expect("\x1f\n", 2, "1:\x1f|");
}
END_TEST

START_TEST(nul_bytes_are_kept)
{
    struct pk_lines *in;
    char *line, *path = temp_path("nul");
    size_t len;
    write_file(path, "x\na\0b\n", 6);
    ck_ok(pk_lines_open(&in, path, &err));
    ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 1);
    ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 1);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(line, "a\0b", 4);
    pk_lines_close(in);
}
END_TEST

/* By its first line a file is something else. */
START_TEST(no_text)
{
    static const struct {
        char bytes[24];
        const char *says;
    } files[] = {{"SQLite format 3\0\x10\0\n", "an SQLite database"},
                 {"\xFF\xFE{\0\"\0\n\0.........", "not UTF-8 text"},
                 {"{\"a\": \"\0\"}\n.........", "not UTF-8 text"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct pk_lines *in;
        char *line, *path = temp_path("no_text");
        size_t len;
        write_file(path, files[i].bytes, 19);
        ck_ok(pk_lines_open(&in, path, &err));
        ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), PK_EDATA);
        ck_assert_ptr_nonnull(strstr(err.text, files[i].says));
        pk_lines_close(in);
    }
}
END_TEST

/* Lines that end before, at and behind the reader's chunks of 64 KiB. */
START_TEST(chunk_edges)
{
    static char text[1 << 18];
    char *path = temp_path("edges"), *line;
    for (size_t n = 65534; n <= 65538; n++) {
        struct pk_lines *in;
        size_t len;
        memset(text, 'x', sizeof text);
        text[n] = text[2 * n + 1] = '\n';
        write_file(path, text, 3 * n);
        ck_ok(pk_lines_open(&in, path, &err));
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 1);
            ck_assert_uint_eq(len, i < 2 ? n : n - 2);
            line[0] = '!'; /* it may be written to */
        }
        ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 0);
        ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 0);
        pk_lines_close(in);
    }
}
END_TEST

/* Some lines that do not compress away, as one gzip member. */
static char *make_gzip(const char *path, size_t *len)
{
    gzFile gz = gzopen(path, "wb");
    ck_assert_ptr_nonnull(gz);
    unsigned x = 1;
    for (int i = 0; i < 200; i++) {
        x = x * 1664525u + 1013904223u;
        ck_assert_int_gt(gzprintf(gz, "{\"n\":%u}\n", x), 0);
    }
    ck_assert_int_eq(gzclose(gz), Z_OK);
    return read_file(path, len);
}

START_TEST(gzip)
{
    static char got[1 << 16];
    char *path = temp_path("a.gz");
    size_t len;
    char *whole = make_gzip(path, &len);
    ck_ok(read_all(path, got, sizeof got));
    ck_assert_ptr_nonnull(strstr(got, "|200:{"));
    ck_assert_ptr_null(strstr(got, "|201:{"));

    /* Members one after another, as cat makes them. */
    char *twice = malloc(2 * len);
    ck_assert_ptr_nonnull(twice);
    memcpy(twice, whole, len);
    memcpy(twice + len, whole, len);
    write_file(path, twice, 2 * len);
    ck_ok(read_all(path, got, sizeof got));
    ck_assert_ptr_nonnull(strstr(got, "|400:{"));
    free(twice);
    free(whole);
}
END_TEST

/* Zeros behind the last member are padding; rows are not. */
START_TEST(gzip_and_more)
{
    static char got[1 << 16];
    static const char row[] = "{\"n\":1}\n";
    char *path = temp_path("more.gz");
    size_t len;
    char *whole = make_gzip(path, &len);
    char *more = calloc(len + (1 << 17), 1);
    ck_assert_ptr_nonnull(more);
    memcpy(more, whole, len);
    for (size_t zeros = 1; zeros < 1 << 17; zeros = zeros * 3 + 1) {
        write_file(path, more, len + zeros);
        ck_ok(read_all(path, got, sizeof got));
        ck_assert_ptr_nonnull(strstr(got, "|200:{"));
    }
    for (size_t n = 1; n < sizeof row; n++) {
        memcpy(more + len, row, n);
        write_file(path, more, len + n);
        ck_assert_int_eq(read_all(path, got, sizeof got), PK_EDATA);
        ck_assert_ptr_nonnull(strstr(err.text, "what follows is not gzip"));
    }
    free(more);
    free(whole);
}
END_TEST

/* Cut off anywhere, or with any byte of its body or sums wrong. */
START_TEST(gzip_damaged)
{
    static char got[1 << 16];
    char *path = temp_path("cut.gz");
    size_t len;
    char *whole = make_gzip(path, &len);
    for (size_t n = 2; n < len; n += n < 20 || n > len - 20 ? 1 : 37) {
        write_file(path, whole, n);
        ck_assert_msg(read_all(path, got, sizeof got) == PK_EDATA,
                      "cut to %zu of %zu bytes", n, len);
        ck_assert_ptr_nonnull(strstr(err.text, "cut.gz: damaged or cut-off"));
    }
    for (size_t i = len - 8; i < len; i++) {
        whole[i] ^= 0x40;
        write_file(path, whole, len);
        ck_assert_int_eq(read_all(path, got, sizeof got), PK_EDATA);
        whole[i] ^= 0x40;
    }
    free(whole);
}
END_TEST

/* A line of exactly the limit is read; one byte more is refused. Compressed,
 * so that the file is small. */
START_TEST(longest_line)
{
    static char block[1 << 20];
    char *path = temp_path("long.gz"), *line;
    memset(block, 'x', sizeof block);
    for (int over = 0; over <= 1; over++) {
        struct pk_lines *in;
        size_t len;
        gzFile gz = gzopen(path, "wb1");
        ck_assert_ptr_nonnull(gz);
        gzputs(gz, "first\n");
        for (size_t n = 0; n < PK_LINE_MAX; n += sizeof block)
            ck_assert_int_eq(gzwrite(gz, block, sizeof block), sizeof block);
        gzputs(gz, over ? "x\nlast\n" : "\nlast\n");
        ck_assert_int_eq(gzclose(gz), Z_OK);
        ck_ok(pk_lines_open(&in, path, &err));
        ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 1);
        int rc = pk_lines_next(in, &line, &len, &err);
        if (over) {
            ck_assert_int_eq(rc, PK_EDATA);
            ck_assert(pk_lines_too_long(in));
            ck_assert(len > 0 && line[0] == 'x');
            ck_assert_ptr_nonnull(
                strstr(err.text, "long.gz:2: the line is longer than 64 MiB"));
        } else {
            ck_assert_int_eq(rc, 1);
            ck_assert_uint_eq(len, PK_LINE_MAX);
        }
        /* Either way it goes on behind it. */
        ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 1);
        ck_assert(!pk_lines_too_long(in));
        ck_assert_str_eq(line, "last");
        ck_assert_uint_eq(pk_lines_number(in), 3);
        ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 0);
        pk_lines_close(in);
    }
}
END_TEST

START_TEST(cannot_open)
{
    struct pk_lines *in = (struct pk_lines *)&err;
    ck_assert_int_eq(pk_lines_open(&in, temp_path("none"), &err), PK_EIO);
    ck_assert_ptr_null(in);
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
    ck_assert_int_eq(pk_lines_open(&in, temp_dir(), &err), PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "is a directory"));
    pk_lines_close(NULL);
}
END_TEST

START_TEST(standard_input)
{
    struct pk_lines *in;
    char *line;
    size_t len;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "one\ntwo", 7), 7);
    close(ends[1]);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    ck_ok(pk_lines_open(&in, "-", &err));
    ck_assert_str_eq(pk_lines_name(in), "standard input");
    ck_assert_uint_eq(pk_lines_size(in), 0);
    ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 1);
    ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 1);
    ck_assert_str_eq(line, "two");
    ck_assert_str_eq(pk_lines_where(in), "standard input:2");
    ck_assert_int_eq(pk_lines_next(in, &line, &len, &err), 0);
    pk_lines_close(in);
}
END_TEST

START_TEST(progress_bytes)
{
    struct pk_lines *in;
    char *line, *path = temp_path("p.gz");
    size_t len, flen;
    free(make_gzip(path, &flen));
    ck_ok(pk_lines_open(&in, path, &err));
    ck_assert_uint_eq(pk_lines_size(in), flen);
    ck_assert_uint_eq(pk_lines_bytes(in), 0);
    while (pk_lines_next(in, &line, &len, &err) > 0)
        ck_assert_uint_le(pk_lines_bytes(in), flen);
    ck_assert_uint_eq(pk_lines_bytes(in), flen);
    pk_lines_close(in);
}
END_TEST

enum { PART = 32 << 20, TMPFS = 0x01021994 };

/* How many of the first `n` bytes' pages are in the system's cache. */
static size_t resident(int fd, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    unsigned char *in = malloc(n / page);
    void *map = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert(in && map != MAP_FAILED);
    ck_assert_int_eq(mincore(map, n, in), 0);
    for (size_t i = 0; i < n / page; i++)
        count += in[i] & 1;
    munmap(map, n);
    free(in);
    return count;
}

/* What was read of a large file leaves the cache; every line comes all the
 * same, and once. */
START_TEST(large_file_makes_room)
{
    static char text[1 << 16];
    struct pk_lines *in;
    struct statfs fs;
    char *path = temp_path("large"), *line;
    size_t len, pages = PART / (size_t)sysconf(_SC_PAGESIZE);
    int rc, n = 0, fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < PART / (1 << 16) * 3 / 2; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        text[sizeof text - 1] = '\n';
        ck_assert_int_eq(write(fd, text, sizeof text), sizeof text);
    }
    ck_assert_int_eq(fsync(fd), 0);
    size_t before = resident(fd, PART);
    ck_ok(pk_lines_open(&in, path, &err));
    while ((rc = pk_lines_next(in, &line, &len, &err)) > 0) {
        ck_assert_uint_eq(len, sizeof text - 1);
        ck_assert_int_eq(line[len - 1], 'a' + n++ % 26);
    }
    ck_ok(rc);
    pk_lines_close(in);
    ck_assert_int_eq(n, PART / (1 << 16) * 3 / 2);
    ck_assert_int_eq(fstatfs(fd, &fs), 0);
    if (fs.f_type == TMPFS || before < pages / 2)
        puts("skipped: a file system that is its own cache");
    else
        ck_assert_uint_lt(resident(fd, PART), pages / 2);
    close(fd);
    unlink(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("lines");
    TCase *t = tcase_create("lines");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, plain);
    tcase_add_test(t, nul_bytes_are_kept);
    tcase_add_test(t, no_text);
    tcase_add_test(t, chunk_edges);
    tcase_add_test(t, gzip);
    tcase_add_test(t, gzip_and_more);
    tcase_add_test(t, gzip_damaged);
    tcase_add_test(t, longest_line);
    tcase_add_test(t, cannot_open);
    tcase_add_test(t, standard_input);
    tcase_add_test(t, progress_bytes);
    tcase_add_test(t, large_file_makes_room);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
