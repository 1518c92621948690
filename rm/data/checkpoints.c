/* The models that a run leaves on its way; see checkpoints.h. */
#include "rm/data/checkpoints.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/num.h"
#include "common/out.h"
#include "common/path.h"
#include "rm/data/identity.h"

#define NAME "step-"
enum { DIGITS = 6 }; /* so that a shell lists them in their order */

char *rm_beside(const char *output, const char *suffix)
{
    char *path;
    int n = (int)strlen(output);
    while (n > 1 && output[n - 1] == '/')
        n--;
    return asprintf(&path, "%.*s%s", n, output, suffix) < 0 ? NULL : path;
}

char *rm_checkpoint_dir(const char *folder, uint64_t step)
{
    char *path;
    int n = asprintf(&path, "%s/" NAME "%0*llu", folder, (int)DIGITS,
                     (unsigned long long)step);
    return n < 0 ? NULL : path;
}

/* Is it one's name, as it is written here; and then not a half-written one's.
 */
static bool parse_name(const char *name, uint64_t *step)
{
    char again[40];
    size_t n = strlen(NAME);
    if (strncmp(name, NAME, n) != 0 ||
        !pk_parse_u64(name + n, 1, UINT64_MAX, step))
        return false;
    snprintf(again, sizeof again, NAME "%0*llu", (int)DIGITS,
             (unsigned long long)*step);
    return strcmp(name, again) == 0;
}

static int by_step(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int rm_checkpoints_list(struct rm_checkpoints *out, const char *folder,
                        struct pk_err *err)
{
    uint64_t step;
    const struct dirent *e;
    *out = (struct rm_checkpoints){0};
    DIR *d = opendir(folder);
    if (!d)
        return errno == ENOENT
                   ? 0
                   : pk_fail_errno(err, "cannot read the folder '%s'", folder);
    int rc = 0;
    while (rc == 0 && (e = readdir(d))) {
        if (!parse_name(e->d_name, &step))
            continue;
        if (pk_grow(&out->step, &out->cap, out->n + 1, sizeof *out->step))
            out->step[out->n++] = step;
        else
            rc = pk_fail_mem(err, "the models of a run");
    }
    closedir(d);
    if (out->n)
        qsort(out->step, out->n, sizeof *out->step, by_step);
    if (rc) {
        free(out->step);
        *out = (struct rm_checkpoints){0};
    }
    return rc;
}

/* ---- Going on ---- */

static void remove_halves(const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    while (d && (e = readdir(d))) {
        char *path;
        if (strncmp(e->d_name, NAME, strlen(NAME)) != 0 ||
            !strstr(e->d_name, ".tmp.") ||
            pk_path(&path, folder, e->d_name, NULL))
            continue;
        (void)pk_remove_folder(path);
        free(path);
    }
    if (d)
        closedir(d);
}

/* `identity`: as a file has it. */
static int check_one(const char *folder, uint64_t step, const cJSON *identity,
                     struct pk_err *err)
{
    cJSON *was = NULL;
    struct pk_buf how = PK_BUF_INIT(800);
    char *path = NULL, *dir = rm_checkpoint_dir(folder, step);
    int rc = dir ? pk_path(&path, dir, "prefkit.json", err)
                 : pk_fail_mem(err, "a path");
    if (rc == 0)
        rc = pk_json_load(&was, path, (size_t)1 << 24, err);
    if (rc == 0 && rm_identity_differs(was, identity, &how))
        rc = pk_fail(err, PK_EDATA,
                     "%s is of another run: %s; run it as it was, or move %s "
                     "away to begin again",
                     dir, how.data ? how.data : "it differs", folder);
    cJSON_Delete(was);
    pk_buf_release(&how);
    free(path);
    free(dir);
    return rc;
}

int rm_checkpoints_resume(const char *folder, const cJSON *identity,
                          struct pk_err *err)
{
    struct rm_checkpoints c;
    cJSON *is = NULL;
    char *text = cJSON_PrintUnformatted(identity);
    int rc = text ? pk_json_parse(&is, text, strlen(text), err)
                  : pk_fail_mem(err, "a run's identity");
    free(text);
    if (rc == 0)
        rc = rm_checkpoints_list(&c, folder, err);
    if (rc == 0) {
        remove_halves(folder);
        for (size_t i = 0; i < c.n && rc == 0; i++)
            rc = check_one(folder, c.step[i], is, err);
        free(c.step);
    }
    cJSON_Delete(is);
    return rc;
}

int rm_checkpoint_make_room(char **out, const char *folder, uint64_t step,
                            struct pk_err *err)
{
    *out = NULL;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return pk_fail_errno(err, "cannot create '%s'", folder);
    char *dir = rm_checkpoint_dir(folder, step);
    if (!dir)
        return pk_fail_mem(err, "a path");
    if (pk_remove_folder(dir) != 0 && errno != ENOENT) {
        int rc = pk_fail_errno(err, "cannot replace '%s'", dir);
        free(dir);
        return rc;
    }
    *out = dir;
    return 0;
}
