/* SQLite's backup into a file beside its place, checked, then linked there. */
#include "prefdb/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/path.h"

static int copy_pages(struct prefdb *db, sqlite3 *to,
                      struct pk_progress *progress, struct pk_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", db->sql, "main");
    int rc = SQLITE_OK, stop = 0;
    if (!b)
        return pk_fail(err, PK_EIO, "cannot begin the backup: %s",
                       sqlite3_errmsg(to));
    while (rc == SQLITE_OK && !stop) {
        rc = sqlite3_backup_step(b, 4096);
        if (progress) {
            progress->total = (uint64_t)sqlite3_backup_pagecount(b);
            pk_progress_at(progress, progress->total -
                                         (uint64_t)sqlite3_backup_remaining(b));
        }
        stop = pk_check_interrupt(err);
    }
    int end = sqlite3_backup_finish(b);
    if (stop)
        return stop;
    return rc == SQLITE_DONE && end == SQLITE_OK
               ? 0
               : pk_fail(err, PK_EIO, "cannot write the backup: %s",
                         sqlite3_errmsg(to));
}

static int write_copy(struct prefdb *db, const char *temp,
                      struct pk_progress *progress, struct pk_err *err)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(temp, &to,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                 SQLITE_OPEN_EXCLUSIVE,
                             NULL);
    if (rc != SQLITE_OK)
        rc = to ? pk_fail(err, PK_EIO, "cannot create '%s': %s", temp,
                          sqlite3_errmsg(to))
                : pk_fail_mem(err, "a backup");
    else
        rc = copy_pages(db, to, progress, err);
    sqlite3_close(to);
    return rc;
}

/* Is the copy whole, and does it hold the same? */
static int verify(const char *temp, const char *want, struct pk_err *err)
{
    struct prefdb *copy;
    char got[65];
    int64_t bad = 1;
    int rc = prefdb_open(&copy, temp, PREFDB_READ, err);
    if (!rc)
        rc = prefdb__int(copy,
                         "SELECT count(*) FROM pragma_quick_check"
                         " WHERE quick_check <> 'ok'",
                         1, &bad, err);
    if (!rc)
        rc = prefdb_fingerprint(copy, got, err);
    prefdb_close(copy);
    if (!rc && (bad || strcmp(got, want) != 0))
        rc = pk_fail(err, PK_EIO,
                     "the backup is not what was written: is the disk sound?");
    return rc;
}

static int sync_file(const char *path, struct pk_err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) != 0
                 ? pk_fail_errno(err, "cannot write '%s'", path)
                 : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int publish(const char *temp, const char *path, struct pk_err *err)
{
    int rc = sync_file(temp, err);
    if (rc)
        return rc;
    if (link(temp, path) != 0)
        return errno == EEXIST
                   ? pk_fail(err, PK_EUSAGE, "'%s' is there already", path)
                   : pk_fail_errno(err, "cannot create '%s'", path);
    return pk_sync_parent(path, err);
}

int prefdb__backup(struct prefdb *db, const char *path,
                   struct pk_progress *progress, char fingerprint[65],
                   struct pk_err *err)
{
    char temp[PATH_MAX];
    if (access(path, F_OK) == 0)
        return pk_fail(err, PK_EUSAGE, "'%s' is there already", path);
    if (snprintf(temp, sizeof temp, "%s.tmp.%ld", path, (long)getpid()) >=
        (int)sizeof temp)
        return pk_fail(err, PK_EUSAGE, "the path is too long");
    /* A read transaction, so that every page is of one moment. */
    int rc = prefdb_read_begin(db, err);
    if (rc)
        return rc;
    rc = prefdb_fingerprint(db, fingerprint, err);
    if (!rc)
        rc = write_copy(db, temp, progress, err);
    prefdb_read_end(db);
    if (!rc)
        rc = verify(temp, fingerprint, err);
    if (!rc)
        rc = publish(temp, path, err);
    prefdb__remove_files(temp);
    return rc;
}
