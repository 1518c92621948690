/* Names of files; see path.h. */
#include "common/path.h"

#include <errno.h>
#include <fcntl.h>
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

int pk_sync_parent(const char *path, struct pk_err *err)
{
    char *dir = pk_strdup(path);
    if (!dir)
        return pk_fail_mem(err, "a path");
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        dir[--n] = 0;
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = 0;
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL && errno != EROFS))
        rc = pk_fail_errno(err, "cannot flush the folder of '%s'", path);
    if (fd >= 0)
        close(fd);
    free(dir);
    return rc;
}
