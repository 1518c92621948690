/* Resumable output (common/sink.h). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sink.h"
#include "tests/support.h"

static struct pk_err err;

/* A run that is given up before its first checkpoint leaves nothing; after it,
 * what the checkpoint said and no more. */
START_TEST(what_is_kept)
{
    struct pk_sink *s;
    cJSON *state, *mine = cJSON_CreateNumber(42);
    char *kept;
    char *path = temp_path("out");
    ck_ok(pk_sink_open(&s, path, "id", false, &state, &err));
    ck_assert_ptr_null(state);
    ck_ok(pk_sink_write(s, "one\n", 4, &err));
    pk_sink_close(s, &kept);
    ck_assert_ptr_null(kept);
    ck_ok(pk_sink_open(&s, path, "id", true, &state, &err));
    ck_assert_ptr_null(state);
    ck_ok(pk_sink_write(s, "one\n", 4, &err));
    ck_ok(pk_sink_checkpoint(s, mine, &err));
    ck_ok(pk_sink_write(s, "lost\n", 5, &err));
    pk_sink_close(s, &kept);
    ck_assert_str_eq(kept + strlen(path), ".partial");
    free(kept);
    ck_assert_int_eq(pk_sink_open(&s, path, "id", false, &state, &err),
                     PK_EUSAGE);
    ck_assert_int_eq(pk_sink_open(&s, path, "other", true, &state, &err),
                     PK_EUSAGE);
    ck_ok(pk_sink_open(&s, path, "id", true, &state, &err));
    ck_assert(cJSON_IsNumber(state) && state->valuedouble == 42);
    cJSON_Delete(state);
    ck_ok(pk_sink_write(s, "two\n", 4, &err));
    ck_ok(pk_sink_checkpoint(s, mine, &err));
    ck_ok(pk_sink_finish(s, &err));
    pk_sink_close(s, NULL);
    cJSON_Delete(mine);
    char *text = read_file(path, NULL);
    ck_assert_str_eq(text, "one\ntwo\n");
    free(text);
}
END_TEST

/* A file of the name that has no journal is somebody else's. */
START_TEST(foreign_partial)
{
    struct pk_sink *s;
    cJSON *state;
    char *path = temp_path("foreign");
    char *partial = temp_path("foreign.partial");
    write_file(partial, "rows\n", 5);
    for (int resume = 0; resume < 2; resume++) {
        ck_assert_int_eq(pk_sink_open(&s, path, "id", resume, &state, &err),
                         PK_EUSAGE);
        ck_assert_ptr_nonnull(strstr(err.text, "no unfinished run's"));
    }
    char *text = read_file(partial, NULL);
    ck_assert_str_eq(text, "rows\n");
    free(text);
    write_file(partial, "", 0); /* what a run leaves that was killed at once */
    ck_ok(pk_sink_open(&s, path, "id", false, &state, &err));
    pk_sink_close(s, NULL);
}
END_TEST

/* A file may grow to so many bytes, as on a disk that is full. */
static void allow(rlim_t bytes)
{
    const struct rlimit to = {bytes, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &to), 0);
}

/* Rows of a hundred bytes, from the `from`th on, until one cannot be written.
 */
static int write_rows(struct pk_sink *s, int from, int to)
{
    char row[101];
    int rc = 0;
    for (int i = from; i < to && !rc; i++) {
        snprintf(row, sizeof row, "%099d\n", i);
        rc = pk_sink_write(s, row, 100, &err);
    }
    return rc;
}

/* What a failed write has left of a row is never taken for a row. */
START_TEST(a_torn_row_is_cut_off)
{
    struct pk_sink *s;
    cJSON *state, *two = cJSON_CreateNumber(2);
    char *path = temp_path(_i ? "rows.gz" : "rows"), *kept;
    ck_ok(pk_sink_open(&s, path, "id", false, &state, &err));
    ck_ok(write_rows(s, 0, 2));
    ck_ok(pk_sink_checkpoint(s, two, &err));
    allow(2050);
    int rc = 0;
    for (int i = 2; i < 5000 && !rc; i += 100)
        rc = write_rows(s, i, i + 100);
    /* What was buffered shows at the checkpoint. */
    ck_assert(rc == PK_EIO || _i);
    ck_assert_int_eq(pk_sink_checkpoint(s, two, &err), PK_EIO);
    allow(RLIM_INFINITY);
    ck_assert_int_eq(pk_sink_checkpoint(s, two, &err), PK_EIO);
    pk_sink_close(s, &kept);
    ck_assert_ptr_nonnull(kept);
    free(kept);
    ck_ok(pk_sink_open(&s, path, "id", true, &state, &err));
    ck_assert(cJSON_IsNumber(state) && state->valuedouble == 2);
    cJSON_Delete(state);
    ck_ok(write_rows(s, 2, 3));
    ck_ok(pk_sink_checkpoint(s, two, &err));
    ck_ok(pk_sink_finish(s, &err));
    pk_sink_close(s, NULL);
    cJSON_Delete(two);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    if (!_i)
        ck_assert_int_eq(st.st_size, 300);
}
END_TEST

/* Killed between its last two acts, a run's file is taken back; held by a run
 * that is about to end, it is left alone. */
START_TEST(the_last_two_acts)
{
    struct pk_sink *s;
    cJSON *state, *mine = cJSON_CreateNumber(1);
    char *path = temp_path("done"), partial[4096];
    ck_ok(pk_sink_open(&s, path, "id", false, &state, &err));
    ck_ok(write_rows(s, 0, 3));
    ck_ok(pk_sink_checkpoint(s, mine, &err));
    pk_sink_close(s, NULL);
    snprintf(partial, sizeof partial, "%s.partial", path);
    ck_assert_int_eq(rename(partial, path), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(pk_sink_open(&s, path, "id", true, &state, &err),
                     PK_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "another run"));
    ck_assert_int_eq(access(path, F_OK), 0);
    close(fd);
    ck_ok(pk_sink_open(&s, path, "id", true, &state, &err));
    cJSON_Delete(state);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_ok(pk_sink_finish(s, &err));
    pk_sink_close(s, NULL);
    cJSON_Delete(mine);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* Through a link the file goes where the link leads. */
START_TEST(a_link_stays_one)
{
    struct pk_sink *s;
    cJSON *state;
    struct stat st;
    char *path = temp_path("behind"), *link = temp_path("link");
    FILE *f = fopen(path, "w");
    ck_assert(f && fclose(f) == 0);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_ok(pk_sink_open(&s, link, "id", false, &state, &err));
    ck_ok(write_rows(s, 0, 1));
    ck_ok(pk_sink_finish(s, &err));
    pk_sink_close(s, NULL);
    ck_assert(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    ck_assert(stat(path, &st) == 0 && st.st_size == 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sink");
    TCase *t = tcase_create("core");
    tcase_add_test(t, what_is_kept);
    tcase_add_test(t, foreign_partial);
    tcase_add_loop_test(t, a_torn_row_is_cut_off, 0, 2);
    tcase_add_test(t, the_last_two_acts);
    tcase_add_test(t, a_link_stays_one);
    suite_add_tcase(s, t);
    return run_suite(s);
}
