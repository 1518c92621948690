/* Names of files; see path.h. */
#include "common/path.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"

int pk_path(char **out, const char *dir, const char *name, struct pk_err *err)
{
    if (asprintf(out, "%s/%s", dir, name) >= 0)
        return 0;
    *out = NULL;
    return pk_fail_mem(err, "a path");
}

char *pk_path_behind(const char *path)
{
    struct stat st;
    char *behind = NULL;
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
        behind = realpath(path, NULL); /* NULL where it leads nowhere */
    return behind ? behind : pk_strdup(path);
}

static bool one(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_inode(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && one(&x, &y);
}

bool pk_still_named(int fd, const char *path)
{
    struct stat is, named;
    return fstat(fd, &is) == 0 && stat(path, &named) == 0 && one(&is, &named);
}

bool pk_same_file(const char *a, const char *b)
{
    if (access(a, F_OK) == 0 || access(b, F_OK) == 0)
        return same_inode(a, b);
    /* dirname and basename each write into what they are given. */
    char *dir[2] = {pk_strdup(a), pk_strdup(b)};
    char *name[2] = {pk_strdup(a), pk_strdup(b)};
    bool same = dir[0] && dir[1] && name[0] && name[1] &&
                strcmp(basename(name[0]), basename(name[1])) == 0 &&
                same_inode(dirname(dir[0]), dirname(dir[1]));
    for (int i = 0; i < 2; i++) {
        free(dir[i]);
        free(name[i]);
    }
    return same;
}

bool pk_in_folder(const char *path, const char *folder)
{
    char *behind = pk_path_behind(path);
    bool in = behind && same_inode(dirname(behind), folder);
    free(behind);
    return in;
}

int pk_sync_parent(const char *path, struct pk_err *err)
{
    char *copy = pk_strdup(path);
    if (!copy)
        return pk_fail_mem(err, "a path");
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL && errno != EROFS))
        rc = pk_fail_errno(err, "cannot flush the folder of '%s'", path);
    if (fd >= 0)
        close(fd);
    free(copy);
    return rc;
}
