/* What every Check suite shares. */
#ifndef PREFKIT_TESTS_SUPPORT_H
#define PREFKIT_TESTS_SUPPORT_H

#include <check.h>
#include <stddef.h>

#include "common/err.h"

/* Run one suite in its own runner; the exit status for main(). Suites fork
 * (CK_FORK=no to debug), so main() must not start OpenMP threads. */
int run_suite(Suite *s);

/* |a - b| <= atol + rtol * |b| for each of n elements; NaN fails. Reports the
 * worst element. */
void ck_close(const float *a, const float *b, size_t n, double rtol,
              double atol, const char *what);

/* 0 or more, or the test fails with the error's text. */
#define ck_ok(call)                                                            \
    do {                                                                       \
        int ck_rc_ = (call);                                                   \
        ck_assert_msg(ck_rc_ >= 0, "%s: %d: %s", #call, ck_rc_, err.text);     \
    } while (0)

/* A temporary directory, made once per process and removed at its end; the
 * second gives a path inside it (a new string, leaked on purpose: tests). */
const char *temp_dir(void);
char *temp_path(const char *name);

/* The folder with the real data, or NULL when it is not there: then say that
 * the test is skipped, and return. $PREFKIT_DATA, or ../shared/data. */
const char *data_dir(void);

/* A whole file; the test fails when it cannot be read. Caller frees. */
char *read_file(const char *path, size_t *len);
void write_file(const char *path, const void *p, size_t len);

#endif
