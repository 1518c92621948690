/* Where a run's files go; see place.h. */
#include "rm/train/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/out.h"
#include "common/path.h"
#include "rm/data/checkpoints.h"

/* An earlier run to this output that was stopped is in the way. */
static int check_earlier(const struct rm_place *p, const struct rm_run *run,
                         struct pk_err *err)
{
    struct rm_checkpoints c;
    if (rm_state_exists(p->state))
        return pk_fail(err, PK_EUSAGE,
                       "'%s' holds the state of a run that was stopped: go on "
                       "with --resume, or remove it",
                       p->state);
    int rc = rm_checkpoints_list(&c, run->checkpoints, err);
    if (rc)
        return rc;
    free(c.step);
    if (c.n)
        return pk_fail(err, PK_EUSAGE,
                       "'%s' holds models of an earlier run: go on with "
                       "--resume, or move it away",
                       run->checkpoints);
    return 0;
}

/* A file beside the model must not take the place of what is read. */
static int check_apart(const struct rm_run *run, const char *option,
                       const char *path, struct pk_err *err)
{
    if (!path)
        return 0;
    if (pk_in_folder(path, run->base))
        return pk_fail(err, PK_EUSAGE, "%s: '%s' is in the base's folder",
                       option, path);
    if (pk_same_file(path, run->output))
        return pk_fail(err, PK_EUSAGE, "%s: '%s' is where the model goes",
                       option, path);
    return prefdb_check_output(run->store, option, path, err);
}

/* It is written at the end: an unwritable place shows itself before the work.
 */
static int check_curve(const char *path, struct pk_err *err)
{
    struct pk_out *out;
    int rc = pk_out_open(&out, path, err);
    pk_out_abort(&out);
    return rc;
}

/* The log is opened when all is read; what is no file then. */
static int check_log(const char *path, struct pk_err *err)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode))
        return 0;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return pk_fail_errno(err, "cannot create '%s'", path);
    close(fd);
    if (!there)
        unlink(path);
    return 0;
}

static int check_files(const struct rm_run *run, const char *log,
                       const char *curve, struct pk_err *err)
{
    int rc = check_apart(run, "--log", log, err);
    if (rc == 0)
        rc = check_apart(run, "--curve", curve, err);
    if (rc == 0 && log && curve && pk_same_file(log, curve))
        rc = pk_fail(err, PK_EUSAGE, "--log and --curve are both '%s'", log);
    if (run->ranks.mine > 0)
        return rc;
    if (rc == 0 && log)
        rc = check_log(log, err);
    return rc == 0 && curve ? check_curve(curve, err) : rc;
}

/* ---- One run at a time ---- */

/* The folder, made if it is not there, and locked. */
static int lock_folder(const char *path, const char *output, int *fd,
                       struct pk_err *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return pk_fail_errno(err, "cannot create '%s'", path);
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENOENT
                   ? 0 /* a run that ended took it away just now */
                   : pk_fail_errno(err, "cannot open the folder '%s'", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return pk_fail(err, PK_EUSAGE, "another run is training into '%s'",
                       output);
    /* Some network file systems have no locks: then nobody is kept out. */
    if (errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP)
        return 0;
    return pk_fail_errno(err, "cannot lock '%s'", path);
}

/* Two runs would write their states and models over each other's. The lock goes
 * with the process, however it ends. */
static int take_place(struct rm_place *p, const char *output,
                      struct pk_err *err)
{
    for (;;) {
        int fd = -1, rc = lock_folder(p->state, output, &fd, err);
        if (rc == 0 && fd >= 0 && pk_still_named(fd, p->state)) {
            p->lock = fd;
            return 0;
        }
        if (fd >= 0)
            close(fd);
        if (rc)
            return rc;
    }
}

int rm_place_open(struct rm_place *p, struct rm_run *run, const char *log,
                  const char *curve, bool resume, struct pk_err *err)
{
    struct pk_outdir *out;
    *p = (struct rm_place){.state = rm_beside(run->output, ".state"),
                           .last_good = rm_beside(run->output, ".last-good"),
                           .lock = -1};
    run->checkpoints = rm_beside(run->output, ".checkpoints");
    if (!p->state || !p->last_good || !run->checkpoints)
        return pk_fail_mem(err, "a path");
    int rc = check_files(run, log, curve, err);
    if (rc == 0)
        rc = pk_outdir_open(&out, run->output, err);
    if (rc)
        return rc;
    pk_outdir_abort(&out);
    if (run->ranks.mine == 0)
        rc = take_place(p, run->output, err);
    return rc || resume ? rc : check_earlier(p, run, err);
}

void rm_place_close(struct rm_place *p)
{
    if (p->lock >= 0) {
        rmdir(p->state); /* if nothing is in it */
        close(p->lock);
    }
    free(p->state);
    free(p->last_good);
    *p = (struct rm_place){.lock = -1};
}
