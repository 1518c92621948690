/* Atomic files and directories; see out.h. */
#include "common/out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/gz.h"
#include "common/mem.h"
#include "common/path.h"

struct pk_out {
    FILE *f;
    FILE *packed; /* where f's bytes go compressed; NULL: f is the file */
    char *path;
    char *temp; /* NULL: written directly */
};

struct pk_outdir {
    char *path, *temp;
};

/* Tries beside a path before giving up: a killed run leaves its temporary name
 * behind, and in a container the next one may well have the same process id. */
#define TEMP_TRIES 100

static char *temp_name(const char *path, int attempt)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    pk_buf_add(&b, path, n);
    pk_buf_addf(&b, ".tmp.%ld", (long)getpid());
    if (attempt)
        pk_buf_addf(&b, ".%d", attempt);
    if (b.failed)
        pk_buf_release(&b);
    return pk_buf_take(&b);
}

int pk_fclose(FILE *f, const char *name, struct pk_err *err)
{
    int bad = fflush(f) != 0 || ferror(f);
    int saved = errno;
    if (fclose(f) != 0 && !bad) {
        bad = 1;
        saved = errno;
    }
    if (!bad)
        return 0;
    errno = saved ? saved : EIO;
    return pk_fail_errno(err, "cannot write '%s'", name);
}

static void out_free(struct pk_out *o)
{
    if (!o)
        return;
    free(o->path);
    free(o->temp);
    free(o);
}

static int pack(struct pk_out *o, struct pk_err *err)
{
    o->packed = o->f;
    o->f = pk_gz_stream(o->packed);
    if (o->f)
        return 0;
    fclose(o->packed);
    unlink(o->temp);
    return pk_fail_mem(err, "compression");
}

/* The end of what is compressed: the file itself is left. */
static int unpack(struct pk_out *o, struct pk_err *err)
{
    if (!o->packed)
        return 0;
    int bad = ferror(o->f);
    bad |= fclose(o->f);
    o->f = o->packed;
    o->packed = NULL;
    return bad ? pk_fail_errno(err, "cannot write '%s'", o->path) : 0;
}

/* `was`: the file that is there now, whose mode the new one has; or NULL. */
static int open_temp(struct pk_out *o, const struct stat *was,
                     struct pk_err *err)
{
    int fd = -1;
    for (int i = 0; i == 0 || (i < TEMP_TRIES && errno == EEXIST); i++) {
        free(o->temp);
        o->temp = temp_name(o->path, i);
        if (!o->temp)
            return pk_fail_mem(err, "a path");
        fd = open(o->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            break;
    }
    if (fd >= 0 && (!was || fchmod(fd, was->st_mode & 07777) == 0))
        o->f = fdopen(fd, "wb");
    if (o->f)
        return pk_gz_named(o->path) ? pack(o, err) : 0;
    int rc = pk_fail_errno(err, "cannot create '%s'", o->path);
    if (fd >= 0) {
        close(fd);
        unlink(o->temp);
    }
    return rc;
}

int pk_out_open(struct pk_out **out, const char *path, struct pk_err *err)
{
    *out = NULL;
    struct pk_out *o = pk_calloc(1, sizeof *o);
    if (!o || !(o->path = pk_path_behind(path))) {
        out_free(o);
        return pk_fail_mem(err, "an output");
    }
    struct stat st;
    int rc = 0, there = stat(path, &st) == 0;
    if (!*path) {
        rc = pk_fail(err, PK_EIO, "cannot create a file without a name");
    } else if (strcmp(path, "-") == 0) {
        o->f = stdout;
    } else if (there && !S_ISREG(st.st_mode)) {
        o->f = S_ISDIR(st.st_mode) ? NULL : fopen(path, "wb");
        if (S_ISDIR(st.st_mode))
            errno = EISDIR;
        if (!o->f)
            rc = pk_fail_errno(err, "cannot write '%s'", path);
    } else {
        rc = open_temp(o, there ? &st : NULL, err);
    }
    if (rc) {
        out_free(o);
        return rc;
    }
    *out = o;
    return 0;
}

FILE *pk_out_file(struct pk_out *o)
{
    return o->f;
}

int pk_out_commit(struct pk_out **slot, struct pk_err *err)
{
    struct pk_out *o = *slot;
    int rc = 0;
    if (o->f == stdout) {
        if (fflush(stdout) != 0 || ferror(stdout))
            rc = pk_fail_errno(err, "cannot write standard output");
        o->f = NULL;
    } else {
        rc = unpack(o, err);
        if (!rc && o->temp && (fflush(o->f) != 0 || fsync(fileno(o->f)) != 0))
            rc = pk_fail_errno(err, "cannot write '%s'", o->path);
        FILE *f = o->f;
        o->f = NULL;
        int closed = pk_fclose(f, o->path, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    if (!rc && o->temp && rename(o->temp, o->path) != 0)
        rc = pk_fail_errno(err, "cannot rename to '%s'", o->path);
    if (rc) {
        pk_out_abort(slot);
        return rc;
    }
    if (o->temp)
        rc = pk_sync_parent(o->path, err);
    out_free(o);
    *slot = NULL;
    return rc;
}

void pk_out_abort(struct pk_out **slot)
{
    struct pk_out *o = *slot;
    if (!o)
        return;
    (void)!unpack(o, NULL);
    if (o->f && o->f != stdout)
        fclose(o->f);
    if (o->temp)
        unlink(o->temp);
    out_free(o);
    *slot = NULL;
}

/* 1 when there is something in the folder; -1 with errno. */
static int holds_something(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return -1;
    int found = 0;
    const struct dirent *e;
    while (!found && (e = readdir(d)))
        found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return found;
}

/* 0 when a folder can be put there: nothing is, or an empty folder, which
 * rename(2) replaces. */
static int check_free(const char *path, struct pk_err *err)
{
    if (!*path)
        return pk_fail(err, PK_EUSAGE, "an output directory needs a name");
    struct stat st;
    int rc = lstat(path, &st);
    if (rc == 0)
        rc = S_ISDIR(st.st_mode) ? holds_something(path) : 1;
    if (rc > 0 || (rc < 0 && errno == ENOTDIR))
        return pk_fail(err, PK_EUSAGE,
                       "'%s' is there already; name a new directory", path);
    if (rc < 0 && errno != ENOENT)
        return pk_fail_errno(err, "cannot use '%s'", path);
    return 0;
}

static void outdir_free(struct pk_outdir *d)
{
    if (!d)
        return;
    free(d->path);
    free(d->temp);
    free(d);
}

static int make_temp(struct pk_outdir *d, struct pk_err *err)
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        free(d->temp);
        d->temp = temp_name(d->path, i);
        if (!d->temp)
            return pk_fail_mem(err, "a path");
        if (mkdir(d->temp, 0777) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    return pk_fail_errno(err, "cannot create '%s'", d->path);
}

int pk_outdir_open(struct pk_outdir **out, const char *path, struct pk_err *err)
{
    *out = NULL;
    int rc = check_free(path, err);
    if (rc)
        return rc;
    struct pk_outdir *d = pk_calloc(1, sizeof *d);
    if (!d || !(d->path = pk_strdup(path)))
        rc = pk_fail_mem(err, "an output directory");
    else
        rc = make_temp(d, err);
    if (rc)
        outdir_free(d);
    else
        *out = d;
    return rc;
}

const char *pk_outdir_path(const struct pk_outdir *d)
{
    return d->temp;
}

/* For nftw, on all that lies in a folder before the folder itself. */
enum { OPEN_FOLDERS = 8, WALK = FTW_DEPTH | FTW_PHYS };

static int sync_one(const char *path, const struct stat *st, int kind,
                    struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int bad = fsync(fd);
    close(fd);
    return bad;
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

int pk_remove_folder(const char *path)
{
    return nftw(path, remove_one, OPEN_FOLDERS, WALK);
}

int pk_outdir_commit(struct pk_outdir **slot, struct pk_err *err)
{
    struct pk_outdir *d = *slot;
    int rc = 0;
    if (nftw(d->temp, sync_one, OPEN_FOLDERS, WALK) != 0)
        rc = pk_fail_errno(err, "cannot write '%s'", d->path);
    else if (rename(d->temp, d->path) != 0)
        rc = pk_fail_errno(err, "cannot rename to '%s'", d->path);
    if (rc) {
        pk_outdir_abort(slot);
        return rc;
    }
    rc = pk_sync_parent(d->path, err);
    outdir_free(d);
    *slot = NULL;
    return rc;
}

void pk_outdir_abort(struct pk_outdir **slot)
{
    struct pk_outdir *d = *slot;
    if (!d)
        return;
    (void)pk_remove_folder(d->temp);
    outdir_free(d);
    *slot = NULL;
}
