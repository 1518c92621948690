/* common/out: whole or not at all. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lines.h"
#include "common/out.h"
#include "tests/support.h"

static struct pk_err err;

static size_t entries(const char *dir)
{
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    size_t n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void check_file(const char *path, const char *text)
{
    char *got = read_file(path, NULL);
    ck_assert_str_eq(got, text);
    free(got);
}

/* A folder of its own for each test. */
static char *fresh(const char *name)
{
    char *dir = temp_path(name);
    ck_assert_int_eq(mkdir(dir, 0777), 0);
    return dir;
}

static char *inside(const char *dir, const char *name)
{
    char rel[128];
    snprintf(rel, sizeof rel, "%s/%s", strrchr(dir, '/') + 1, name);
    return temp_path(rel);
}

START_TEST(file_commit)
{
    struct pk_out *o;
    char *dir = fresh("commit"), *path = inside(dir, "f");
    ck_ok(pk_out_open(&o, path, &err));
    fputs("new", pk_out_file(o));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_ok(pk_out_commit(&o, &err));
    ck_assert_ptr_null(o);
    check_file(path, "new");

    ck_ok(pk_out_open(&o, path, &err));
    fputs("newer", pk_out_file(o));
    fflush(pk_out_file(o));
    check_file(path, "new");
    ck_ok(pk_out_commit(&o, &err));
    check_file(path, "newer");
    ck_assert_uint_eq(entries(dir), 1);
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0666 & ~mask);
}
END_TEST

START_TEST(file_abort)
{
    struct pk_out *o;
    char *dir = fresh("abort"), *path = inside(dir, "f");
    write_file(path, "old", 3);
    ck_ok(pk_out_open(&o, path, &err));
    fputs("half", pk_out_file(o));
    pk_out_abort(&o);
    ck_assert_ptr_null(o);
    pk_out_abort(&o);
    check_file(path, "old");
    ck_assert_uint_eq(entries(dir), 1);
}
END_TEST

START_TEST(file_impossible)
{
    struct pk_out *o = (struct pk_out *)&err;
    char *dir = fresh("impossible");
    ck_assert_int_eq(pk_out_open(&o, dir, &err), PK_EIO);
    ck_assert_ptr_null(o);
    ck_assert_ptr_nonnull(strstr(err.text, "Is a directory"));
    ck_assert_int_eq(pk_out_open(&o, inside(dir, "no/f"), &err), PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
    ck_assert_int_eq(pk_out_open(&o, "", &err), PK_EIO);
    ck_assert_uint_eq(entries(dir), 0);

    /* The target turns into a folder while we write. */
    char *path = inside(dir, "f");
    ck_ok(pk_out_open(&o, path, &err));
    fputs("x", pk_out_file(o));
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(pk_out_commit(&o, &err), PK_EIO);
    ck_assert_ptr_null(o);
    ck_assert_uint_eq(entries(dir), 1);
}
END_TEST

/* A run that was killed leaves its temporary name behind; in containers the
 * next run may well have the same process id. */
START_TEST(leftovers)
{
    char *dir = fresh("left"), name[64];
    char *path = inside(dir, "f"), *model = inside(dir, "m");
    snprintf(name, sizeof name, "f.tmp.%ld", (long)getpid());
    write_file(inside(dir, name), "stale", 5);
    snprintf(name, sizeof name, "m.tmp.%ld", (long)getpid());
    ck_assert_int_eq(mkdir(inside(dir, name), 0777), 0);

    struct pk_out *o, *other;
    ck_ok(pk_out_open(&o, path, &err));
    ck_ok(pk_out_open(&other, path, &err));
    fputs("one", pk_out_file(o));
    fputs("two", pk_out_file(other));
    ck_ok(pk_out_commit(&o, &err));
    check_file(path, "one");
    ck_ok(pk_out_commit(&other, &err));
    check_file(path, "two");

    struct pk_outdir *d;
    ck_ok(pk_outdir_open(&d, model, &err));
    ck_ok(pk_outdir_commit(&d, &err));
    ck_assert_uint_eq(entries(dir), 4);
}
END_TEST

START_TEST(full_disk)
{
    struct pk_out *o;
    ck_ok(pk_out_open(&o, "/dev/full", &err));
    fputs("x", pk_out_file(o));
    ck_assert_int_eq(pk_out_commit(&o, &err), PK_EIO);
    ck_assert_ptr_null(o);
    ck_assert_ptr_nonnull(strstr(err.text, "/dev/full"));
    ck_assert_ptr_nonnull(strstr(err.text, "No space left"));

    FILE *f = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 1 << 16; i++)
        fputc('x', f);
    ck_assert_int_eq(pk_fclose(f, "numbers", &err), PK_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot write 'numbers'"));

    ck_ok(pk_out_open(&o, "/dev/null", &err));
    fputs("x", pk_out_file(o));
    ck_ok(pk_out_commit(&o, &err));
}
END_TEST

START_TEST(standard_output)
{
    struct pk_out *o;
    char *path = temp_path("stdout");
    ck_assert_ptr_nonnull(freopen(path, "w", stdout));
    ck_ok(pk_out_open(&o, "-", &err));
    fputs("said", pk_out_file(o));
    ck_ok(pk_out_commit(&o, &err));
    check_file(path, "said");
    ck_ok(pk_out_open(&o, "-", &err));
    pk_out_abort(&o);
    ck_assert_int_ge(fputs("still open", stdout), 0);

    ck_assert_ptr_nonnull(freopen("/dev/full", "w", stdout));
    ck_ok(pk_out_open(&o, "-", &err));
    fputs("lost", pk_out_file(o));
    ck_assert_int_eq(pk_out_commit(&o, &err), PK_EIO);
    ck_assert_ptr_null(o);
}
END_TEST

static void put(const struct pk_outdir *d, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", pk_outdir_path(d), name);
    write_file(path, name, strlen(name));
}

START_TEST(dir_commit)
{
    struct pk_outdir *d;
    char *dir = fresh("dirs"), *path = inside(dir, "model");
    ck_ok(pk_outdir_open(&d, path, &err));
    put(d, "a");
    put(d, "b");
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_ok(pk_outdir_commit(&d, &err));
    ck_assert_ptr_null(d);
    check_file(inside(dir, "model/b"), "b");
    ck_assert_uint_eq(entries(dir), 1);

    /* Not twice, and not over a file. */
    ck_assert_int_eq(pk_outdir_open(&d, path, &err), PK_EUSAGE);
    ck_assert_ptr_null(d);
    ck_assert_ptr_nonnull(strstr(err.text, "is there already"));
    ck_assert_int_eq(pk_outdir_open(&d, inside(dir, "model/b"), &err),
                     PK_EUSAGE);
    ck_assert_int_eq(pk_outdir_open(&d, inside(dir, "no/m"), &err), PK_EIO);
    ck_assert_int_eq(pk_outdir_open(&d, "", &err), PK_EUSAGE);
    ck_assert_int_eq(symlink("nowhere", inside(dir, "link")), 0);
    ck_assert_int_eq(pk_outdir_open(&d, inside(dir, "link"), &err), PK_EUSAGE);
    ck_assert_int_eq(unlink(inside(dir, "link")), 0);
    ck_assert_uint_eq(entries(path), 2);
    ck_assert_uint_eq(entries(dir), 1);
}
END_TEST

START_TEST(dir_abort)
{
    struct pk_outdir *d;
    char *dir = fresh("dirabort"), *path = inside(dir, "model/");
    ck_ok(pk_outdir_open(&d, path, &err));
    put(d, "a");
    pk_outdir_abort(&d);
    ck_assert_ptr_null(d);
    pk_outdir_abort(&d);
    ck_assert_uint_eq(entries(dir), 0);
}
END_TEST

/* Folders inside are a part of it, whether it is kept or not. */
START_TEST(dir_in_dir)
{
    struct pk_outdir *d;
    char *dir = fresh("dirdir"), *path = inside(dir, "model");
    for (int keep = 0; keep < 2; keep++) {
        char deep[300];
        ck_ok(pk_outdir_open(&d, path, &err));
        put(d, "a");
        snprintf(deep, sizeof deep, "%s/deep", pk_outdir_path(d));
        ck_assert_int_eq(mkdir(deep, 0777), 0);
        put(d, "deep/b");
        if (keep)
            ck_ok(pk_outdir_commit(&d, &err));
        else
            pk_outdir_abort(&d);
        ck_assert_uint_eq(entries(dir), keep);
    }
    check_file(inside(dir, "model/deep/b"), "deep/b");
    ck_assert_int_eq(pk_remove_folder(path), 0);
    ck_assert_uint_eq(entries(dir), 0);
    ck_assert_int_lt(pk_remove_folder(path), 0);
}
END_TEST

/* An empty folder may be named: it stays what it was until the end, and what
 * came into it meanwhile is not overwritten. */
START_TEST(dir_empty_target)
{
    struct pk_outdir *d;
    char *dir = fresh("empty"), *path = inside(dir, "model");
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_ok(pk_outdir_open(&d, path, &err));
    ck_assert_int_eq(access(path, F_OK), 0);
    pk_outdir_abort(&d);
    ck_assert_int_eq(access(path, F_OK), 0);

    ck_ok(pk_outdir_open(&d, path, &err));
    put(d, "ours");
    write_file(inside(dir, "model/theirs"), "x", 1);
    ck_assert_int_lt(pk_outdir_commit(&d, &err), 0);
    ck_assert_ptr_null(d);
    ck_assert_uint_eq(entries(path), 1);
    ck_assert_uint_eq(entries(dir), 1);

    ck_assert_int_eq(unlink(inside(dir, "model/theirs")), 0);
    ck_ok(pk_outdir_open(&d, inside(dir, "model/"), &err));
    put(d, "ours");
    ck_ok(pk_outdir_commit(&d, &err));
    check_file(inside(dir, "model/ours"), "ours");
}
END_TEST

/* What is there keeps its mode, and a link its target. */
START_TEST(file_behind_link)
{
    struct pk_out *o;
    struct stat st;
    char *dir = fresh("behind");
    char *path = inside(dir, "file"), *link = inside(dir, "link");
    FILE *f = fopen(path, "w");
    ck_assert(f && fclose(f) == 0 && chmod(path, 0600) == 0);
    ck_assert_int_eq(symlink("file", link), 0);
    ck_ok(pk_out_open(&o, link, &err));
    fputs("new", pk_out_file(o));
    ck_ok(pk_out_commit(&o, &err));
    check_file(path, "new");
    ck_assert(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    ck_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    ck_assert_uint_eq(entries(dir), 2);
}
END_TEST

/* A name that ends in .gz is true. */
START_TEST(file_compressed)
{
    struct pk_out *o;
    struct pk_lines *in;
    char *dir = fresh("packed"), *path = inside(dir, "f.gz"), *line;
    size_t n;
    ck_ok(pk_out_open(&o, path, &err));
    for (int i = 0; i < 100000; i++)
        fprintf(pk_out_file(o), "%d\n", i);
    ck_ok(pk_out_commit(&o, &err));
    char *raw = read_file(path, &n);
    ck_assert(n > 100 && n < 400000 && memcmp(raw, "\x1f\x8b", 2) == 0);
    free(raw);
    ck_ok(pk_lines_open(&in, path, &err));
    for (int i = 0; i < 100000; i++) {
        ck_assert_int_eq(pk_lines_next(in, &line, &n, &err), 1);
        ck_assert_int_eq(atoi(line), i);
    }
    ck_assert_int_eq(pk_lines_next(in, &line, &n, &err), 0);
    pk_lines_close(in);
    ck_ok(pk_out_open(&o, path, &err));
    fputs("given up", pk_out_file(o));
    pk_out_abort(&o);
    ck_assert_uint_eq(entries(dir), 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("out");
    TCase *t = tcase_create("out");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, file_commit);
    tcase_add_test(t, file_behind_link);
    tcase_add_test(t, file_compressed);
    tcase_add_test(t, file_abort);
    tcase_add_test(t, file_impossible);
    tcase_add_test(t, leftovers);
    tcase_add_test(t, full_disk);
    tcase_add_test(t, standard_output);
    tcase_add_test(t, dir_commit);
    tcase_add_test(t, dir_abort);
    tcase_add_test(t, dir_in_dir);
    tcase_add_test(t, dir_empty_target);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return run_suite(suite());
}
