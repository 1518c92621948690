/* What every Check suite shares; see support.h. */
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "infer/infer.h"

int run_suite(Suite *s)
{
    struct pk_err err;
    if (infer_blas_load(&err)) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void ck_close(const float *a, const float *b, size_t n, double rtol,
              double atol, const char *what)
{
    double worst = -1;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        double over = d - (atol + rtol * fabs((double)b[i]));
        if (!(over <= 0) && !(over <= worst)) {
            worst = over;
            at = i;
        }
    }
    ck_assert_msg(worst < 0, "%s: element %zu of %zu: %.9g, not %.9g", what, at,
                  n, (double)a[at], (double)b[at]);
}

static char dir[64];
static pid_t owner; /* of dir: a forked child must not remove it */

static void remove_dir(void)
{
    char cmd[96];
    if (owner != getpid())
        return;
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    if (system(cmd) != 0)
        fprintf(stderr, "cannot remove %s\n", dir);
}

const char *temp_dir(void)
{
    if (owner != getpid()) {
        owner = getpid();
        snprintf(dir, sizeof dir, "/tmp/prefkit-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        atexit(remove_dir);
    }
    return dir;
}

char *temp_path(const char *name)
{
    static char *kept[256];
    static size_t n;
    char path[256];
    snprintf(path, sizeof path, "%s/%s", temp_dir(), name);
    kept[n % 256] = pk_strdup(path);
    return kept[n++ % 256];
}

const char *data_dir(void)
{
    const char *d = getenv("PREFKIT_DATA");
    struct stat st;
    if (!d || !*d)
        d = "../shared/data";
    return stat(d, &st) == 0 && S_ISDIR(st.st_mode) ? d : NULL;
}

char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *p = malloc(n + 1);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(fread(p, 1, n, f), n);
    p[n] = 0;
    fclose(f);
    if (len)
        *len = n;
    return p;
}

void write_file(const char *path, const void *p, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_msg(f != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(p, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}
