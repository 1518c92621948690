/* Resumable output; see sink.h. */
#include "common/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/gz.h"
#include "common/lines.h"
#include "common/mem.h"
#include "common/out.h"
#include "common/path.h"

static const char journal_schema[] = "prefkit:journal:1";

struct pk_sink {
    struct pk_out *direct; /* standard output, a pipe: nothing below */
    char *path, *partial, *journal;
    FILE *data, *log;
    char *identity;
    bool gzip;
    FILE *member;   /* the window's, where it is compressed; NULL: none begun */
    bool committed; /* a checkpoint is in the journal */
    bool finished;
    bool broken; /* a write has failed: how much of it is there is not known */
};

static char *with_tail(const char *path, const char *tail)
{
    struct pk_buf b = PK_BUF_INIT((size_t)1 << 16);
    pk_buf_adds(&b, path);
    if (pk_buf_adds(&b, tail))
        pk_buf_release(&b);
    return pk_buf_take(&b);
}

static int write_failed(struct pk_sink *s, struct pk_err *err)
{
    s->broken = true;
    return pk_fail_errno(err, "cannot write '%s'",
                         s->partial ? s->partial : s->path);
}

/* Where the window's bytes go; NULL when out of memory. */
static FILE *stream_of(struct pk_sink *s)
{
    if (s->direct)
        return pk_out_file(s->direct);
    if (s->gzip && !s->member)
        s->member = pk_gz_stream(s->data);
    return s->gzip ? s->member : s->data;
}

int pk_sink_write(struct pk_sink *s, const void *p, size_t n,
                  struct pk_err *err)
{
    FILE *f = stream_of(s);
    if (!f)
        return pk_fail_mem(err, "compression");
    return fwrite(p, 1, n, f) < n ? write_failed(s, err) : 0;
}

static int end_member(struct pk_sink *s, struct pk_err *err)
{
    FILE *f = s->member;
    s->member = NULL;
    return f && fclose(f) != 0 ? write_failed(s, err) : 0;
}

static bool flush_to_disk(FILE *f)
{
    return fflush(f) != 0 || fsync(fileno(f)) != 0;
}

/* One line of the journal. */
static int note(struct pk_sink *s, cJSON *line, struct pk_err *err)
{
    char *text = line ? cJSON_PrintUnformatted(line) : NULL;
    int rc = 0;
    if (!text)
        rc = pk_fail_mem(err, "the journal");
    else if (fprintf(s->log, "%s\n", text) < 0 || flush_to_disk(s->log))
        rc = pk_fail_errno(err, "cannot write '%s'", s->journal);
    free(text);
    return rc;
}

int pk_sink_checkpoint(struct pk_sink *s, const cJSON *state,
                       struct pk_err *err)
{
    if (s->direct)
        return fflush(pk_out_file(s->direct)) ? write_failed(s, err) : 0;
    if (s->broken)
        return pk_fail(err, PK_EIO, "'%s' could not be written whole",
                       s->partial);
    int rc = end_member(s, err);
    if (rc == 0 && flush_to_disk(s->data))
        rc = write_failed(s, err);
    if (rc)
        return rc;
    cJSON *line = cJSON_CreateObject(), *copy = cJSON_Duplicate(state, true);
    if (!line || !copy ||
        pk_json_add_int(line, "output_bytes", ftello(s->data)) ||
        !cJSON_AddItemToObject(line, "state", copy)) {
        cJSON_Delete(copy);
        cJSON_Delete(line);
        return pk_fail_mem(err, "the journal");
    }
    rc = note(s, line, err);
    cJSON_Delete(line);
    if (rc == 0)
        s->committed = true;
    return rc;
}

int pk_sink_finish(struct pk_sink *s, struct pk_err *err)
{
    if (s->direct)
        return pk_out_commit(&s->direct, err);
    int rc = 0;
    if (s->gzip && ftello(s->data) == 0) /* not a row: still a gzip file */
        rc =
            stream_of(s) ? end_member(s, err) : pk_fail_mem(err, "compression");
    if (rc == 0 && flush_to_disk(s->data))
        rc = write_failed(s, err);
    if (rc)
        return rc;
    if (rename(s->partial, s->path) != 0)
        return pk_fail_errno(err, "cannot rename to '%s'", s->path);
    rc = pk_sync_parent(s->path, err);
    if (rc)
        return rc;
    s->finished = true;
    unlink(s->journal);
    return 0;
}

void pk_sink_close(struct pk_sink *s, char **kept)
{
    bool keep = s && !s->finished && s->committed;
    if (kept)
        *kept = keep ? pk_strdup(s->partial) : NULL;
    if (!s)
        return;
    pk_out_abort(&s->direct);
    (void)!end_member(s, NULL);
    /* Before the file is let go of, lest it be another run's by then. */
    if (s->data && !s->finished && !keep) {
        unlink(s->partial);
        unlink(s->journal);
    }
    if (s->log)
        fclose(s->log);
    if (s->data)
        fclose(s->data);
    free(s->path);
    free(s->partial);
    free(s->journal);
    free(s->identity);
    free(s);
}

/* ---- Opening ---- */

/* Take one line of the journal in; false when it is not a whole one. */
static bool take_line(struct pk_sink *s, const char *line, size_t len,
                      double *bytes, cJSON **state, bool *other)
{
    cJSON *j;
    if (pk_json_parse(&j, line, len, NULL))
        return false;
    const char *id = NULL;
    (void)!pk_json_str(j, "identity", &id, NULL);
    if (id) {
        *other = strcmp(id, s->identity) != 0;
    } else if (pk_json_num(j, "output_bytes", -1, bytes, NULL) == 0 &&
               *bytes >= 0) {
        cJSON_Delete(*state);
        *state = cJSON_DetachItemFromObjectCaseSensitive(j, "state");
    }
    cJSON_Delete(j);
    return true;
}

/* What the journal says, if there is one: how long the output is (-1: it says
 * nothing), the caller's state, and how long the journal's whole lines are. */
static int read_journal(struct pk_sink *s, double *bytes, cJSON **state,
                        off_t *whole, struct pk_err *err)
{
    bool other = false;
    *bytes = -1;
    *whole = 0;
    FILE *f = fopen(s->journal, "rb");
    if (!f)
        return errno == ENOENT
                   ? 0
                   : pk_fail_errno(err, "cannot open '%s'", s->journal);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n' &&
           take_line(s, line, (size_t)n - 1, bytes, state, &other))
        *whole += n;
    free(line);
    fclose(f);
    return other ? pk_fail(err, PK_EUSAGE,
                           "%s is of a run with other models or options: "
                           "resume with the same, or remove it and %s to "
                           "start over",
                           s->journal, s->partial)
                 : 0;
}

/* Hold the open file against a second run. Once it is held it must still be the
 * file of that name, and what goes with it: another run may have finished
 * meanwhile. */
static int hold(struct pk_sink *s, int fd, const char *path, bool unfinished,
                struct pk_err *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && pk_still_named(fd, path) &&
        (!unfinished || access(s->journal, F_OK) == 0)) {
        s->data = fdopen(fd, "r+b");
        if (s->data)
            return 0;
    }
    close(fd);
    return pk_fail(err, PK_EUSAGE, "another run is writing '%s'", s->partial);
}

/* The run was killed between its last two acts: the file is in its place, the
 * journal still there. Its rows are taken back, to be put there again. */
static int take_back(struct pk_sink *s, double bytes, struct pk_err *err)
{
    struct stat st;
    if (access(s->partial, F_OK) == 0)
        return 0;
    int fd = open(s->path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    int rc = hold(s, fd, s->path, true, err);
    if (rc)
        return rc;
    if (fstat(fd, &st) == 0 && (double)st.st_size == bytes)
        return rename(s->path, s->partial) == 0
                   ? 0
                   : pk_fail_errno(err, "cannot create '%s'", s->partial);
    fclose(s->data); /* another file, then */
    s->data = NULL;
    return 0;
}

static int open_data(struct pk_sink *s, bool unfinished, struct pk_err *err)
{
    int fd = open(s->partial, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return fd < 0 ? pk_fail_errno(err, "cannot create '%s'", s->partial)
                  : hold(s, fd, s->partial, unfinished, err);
}

static int open_log(struct pk_sink *s, off_t keep, struct pk_err *err)
{
    int fd = open(s->journal, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    s->log = fd < 0 ? NULL : fdopen(fd, "r+b");
    if (!s->log) {
        int rc = pk_fail_errno(err, "cannot create '%s'", s->journal);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    if (ftruncate(fd, keep) != 0 || fseeko(s->log, keep, SEEK_SET) != 0)
        return pk_fail_errno(err, "cannot write '%s'", s->journal);
    if (keep)
        return 0;
    cJSON *head = cJSON_CreateObject();
    bool ok = head && cJSON_AddStringToObject(head, "schema", journal_schema) &&
              cJSON_AddStringToObject(head, "identity", s->identity);
    int rc = ok ? note(s, head, err) : pk_fail_mem(err, "the journal");
    cJSON_Delete(head);
    return rc;
}

static int go_on_at(struct pk_sink *s, double bytes, struct pk_err *err)
{
    struct stat st;
    if (fstat(fileno(s->data), &st) != 0)
        return pk_fail_errno(err, "cannot read '%s'", s->partial);
    if ((double)st.st_size < bytes)
        return pk_fail(err, PK_EDATA,
                       "%s is shorter than %s says: remove both to start over",
                       s->partial, s->journal);
    if (ftruncate(fileno(s->data), (off_t)bytes) != 0 ||
        fseeko(s->data, (off_t)bytes, SEEK_SET) != 0)
        return pk_fail_errno(err, "cannot write '%s'", s->partial);
    return 0;
}

/* A file of the name that is not ours: somebody's rows, the input perhaps. */
static int refuse_foreign(const struct pk_sink *s, struct pk_err *err)
{
    struct stat st;
    if (access(s->journal, F_OK) == 0 || stat(s->partial, &st) != 0 ||
        st.st_size == 0)
        return 0;
    return pk_fail(err, PK_EUSAGE,
                   "'%s' is there, and without '%s' is no unfinished run's: "
                   "the output would be written over it; remove or rename it",
                   s->partial, s->journal);
}

static int open_resumable(struct pk_sink *s, bool resume, cJSON **state,
                          struct pk_err *err)
{
    double bytes;
    off_t whole;
    int rc = read_journal(s, &bytes, state, &whole, err);
    if (rc && resume)
        return rc;
    bool unfinished = rc || bytes >= 0;
    if (unfinished && !resume)
        return pk_fail(err, PK_EUSAGE,
                       "'%s' is there, of an unfinished run: --resume goes on "
                       "with it; or remove it and '%s' to start over",
                       s->partial, s->journal);
    s->committed = unfinished;
    rc = unfinished ? take_back(s, bytes, err) : refuse_foreign(s, err);
    if (rc == 0 && !s->data)
        rc = open_data(s, unfinished, err);
    if (rc == 0)
        rc = go_on_at(s, unfinished ? bytes : 0, err);
    if (rc == 0)
        rc = open_log(s, unfinished ? whole : 0, err);
    return rc;
}

static bool goes_directly(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 || !*path ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

int pk_sink_open(struct pk_sink **out, const char *path, const char *identity,
                 bool resume, cJSON **state, struct pk_err *err)
{
    *out = NULL;
    *state = NULL;
    int rc = 0;
    bool direct = goes_directly(path);
    if (direct && resume)
        return pk_fail(err, PK_EUSAGE,
                       "--resume needs --output FILE: '%s' cannot be gone on "
                       "with",
                       path);
    struct pk_sink *s = pk_calloc(1, sizeof *s);
    if (!s)
        return pk_fail_mem(err, "an output");
    s->path = pk_path_behind(path);
    if (direct) {
        rc = s->path ? pk_out_open(&s->direct, path, err)
                     : pk_fail_mem(err, "an output");
    } else {
        s->gzip = pk_gz_named(path);
        s->partial = s->path ? with_tail(s->path, ".partial") : NULL;
        s->journal = s->path ? with_tail(s->path, ".journal") : NULL;
        s->identity = pk_strdup(identity);
        rc = s->path && s->partial && s->journal && s->identity
                 ? open_resumable(s, resume, state, err)
                 : pk_fail_mem(err, "an output");
    }
    if (rc) {
        cJSON_Delete(*state);
        *state = NULL;
        pk_sink_close(s, NULL);
        return rc;
    }
    *out = s;
    return 0;
}
