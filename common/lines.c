/* Line reader over gunzip.h, which reads plain files as they are. */
#include "common/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cli.h"
#include "common/gunzip.h"
#include "common/mem.h"

struct pk_lines {
    struct pk_gunzip *gz;
    int fd;        /* gz's */
    off_t dropped; /* up to here */
    char *name;
    char *where;
    uint64_t number, size;
    size_t at, have; /* chunk[at..have) is unread */
    struct pk_buf line;
    bool too_long; /* the last call refused the line for that */
    bool torn;     /* the rest of a refused line is unread */
    char empty[1]; /* a line of nothing, before any other */
    char chunk[1 << 16];
};

int pk_lines_open(struct pk_lines **out, const char *path, struct pk_err *err)
{
    *out = NULL;
    int is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pk_fail_errno(err, "cannot open '%s'", path);
    struct stat st = {0};
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        return pk_fail(err, PK_EIO, "cannot read '%s': it is a directory",
                       path);
    }
    struct pk_lines *in = pk_calloc(1, sizeof *in);
    const char *name = is_stdin ? "standard input" : path;
    if (in) {
        in->name = pk_strdup(name);
        in->where = pk_calloc(strlen(name) + 24, 1);
        in->gz = pk_gunzip_open(fd);
        in->fd = fd;
    }
    if (!in || !in->name || !in->where || !in->gz) {
        if (!in || !in->gz)
            close(fd);
        pk_lines_close(in);
        return pk_fail_mem(err, "a line reader");
    }
    in->line.max = PK_LINE_MAX;
    in->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    *out = in;
    return 0;
}

/* A file is read once: what was read of a large one makes room in the system's
 * cache for what is made of it. */
static void drop(struct pk_lines *in)
{
    enum { STEP = 32 << 20 };
    off_t now = lseek(in->fd, 0, SEEK_CUR);
    if (now - in->dropped < STEP)
        return;
    posix_fadvise(in->fd, in->dropped, now - in->dropped, POSIX_FADV_DONTNEED);
    in->dropped = now;
}

/* 1: the chunk holds something; 0: the end. */
static int refill(struct pk_lines *in, struct pk_err *err)
{
    if (in->at < in->have)
        return 1;
    drop(in);
    const char *why;
    ssize_t n;
    do {
        /* Before each read: one that was cut short may have given something. */
        int rc = pk_check_interrupt(err);
        if (rc)
            return rc;
        n = pk_gunzip_read(in->gz, in->chunk, sizeof in->chunk, &why);
    } while (n < 0 && !why && errno == EINTR);
    if (n < 0 && !why)
        return pk_fail_errno(err, "cannot read '%s'", in->name);
    if (n < 0)
        return pk_fail(err, PK_EDATA,
                       "%s: damaged or cut-off gzip data after line %llu: %s",
                       in->name, (unsigned long long)in->number, why);
    in->at = 0;
    in->have = (size_t)n;
    return n > 0;
}

/* Past the end of a line that was refused. */
static int skip_rest(struct pk_lines *in, struct pk_err *err)
{
    int rc;
    while (in->torn && (rc = refill(in, err)) > 0) {
        char *nl = memchr(in->chunk + in->at, '\n', in->have - in->at);
        in->at = nl ? (size_t)(nl - in->chunk) + 1 : in->have;
        in->torn = !nl;
        if ((rc = pk_check_interrupt(err)))
            return rc;
    }
    return in->torn ? rc : 1;
}

/* One line, without its newline, into in->line; of one that is too long, its
 * beginning. */
static int read_line(struct pk_lines *in, struct pk_err *err)
{
    int any = 0, rc;
    in->too_long = false;
    rc = skip_rest(in, err);
    if (rc <= 0)
        return rc;
    pk_buf_reset(&in->line);
    while ((rc = refill(in, err)) > 0) {
        any = 1;
        char *from = in->chunk + in->at;
        size_t left = in->have - in->at;
        char *nl = memchr(from, '\n', left);
        size_t n = nl ? (size_t)(nl - from) : left;
        rc = pk_buf_add(&in->line, from, n);
        in->too_long = in->torn = rc == PK_EDATA;
        if (in->too_long)
            break;
        if (rc)
            return pk_fail_mem(err, "a line");
        in->at += n + (nl != NULL);
        if (nl)
            break;
    }
    if (rc < 0 && !in->too_long)
        return rc;
    in->number += (uint64_t)any;
    return any;
}

/* 1; or a file of another kind, by its first line. */
static int check_text(const struct pk_lines *in, const char *s, size_t n,
                      struct pk_err *err)
{
    static const char sqlite[] = "SQLite format 3"; /* and its NUL */
    if (!memchr(s, 0, n))
        return 1;
    if (n >= sizeof sqlite && memcmp(s, sqlite, sizeof sqlite) == 0)
        return pk_fail(err, PK_EDATA,
                       "%s is an SQLite database (a store?), not lines of text",
                       in->name);
    return pk_fail(err, PK_EDATA,
                   "%s is not UTF-8 text: its first line holds bytes of zero",
                   in->name);
}

/* 1, or what is wrong with the line that was read. */
static int check_length(const struct pk_lines *in, struct pk_err *err)
{
    return in->too_long ? pk_fail(err, PK_EDATA, "%s:%llu: " PK_LINE_TOO_LONG,
                                  in->name, (unsigned long long)in->number)
                        : 1;
}

int pk_lines_raw(struct pk_lines *in, char **line, size_t *len,
                 struct pk_err *err)
{
    *line = NULL;
    *len = 0;
    int rc = read_line(in, err);
    if (rc <= 0)
        return rc;
    char *s = in->line.data ? in->line.data : in->empty;
    size_t n = in->line.len;
    size_t bom =
        in->number == 1 && n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *line = s + bom;
    *len = n - bom;
    if (in->number == 1 && check_text(in, *line, *len, err) < 0) {
        in->too_long = false;
        return PK_EDATA;
    }
    return check_length(in, err);
}

int pk_lines_more(struct pk_lines *in, char **part, size_t *len,
                  struct pk_err *err)
{
    uint64_t number = in->number;
    *part = NULL;
    *len = 0;
    in->torn = false;
    int rc = read_line(in, err);
    in->number = number;
    if (rc <= 0)
        return rc;
    *part = in->line.data ? in->line.data : in->empty;
    *len = in->line.len;
    return check_length(in, err);
}

int pk_lines_next(struct pk_lines *in, char **line, size_t *len,
                  struct pk_err *err)
{
    int rc;
    while ((rc = pk_lines_raw(in, line, len, err)) > 0) {
        if (pk_blank_line(*line, *len))
            continue;
        if ((*line)[*len - 1] == '\r')
            (*line)[--*len] = 0;
        return 1;
    }
    return rc;
}

bool pk_lines_too_long(const struct pk_lines *in)
{
    return in->too_long;
}

int pk_lines_row(struct pk_lines *in, char **line, size_t *len,
                 struct pk_err *err)
{
    int rc = pk_lines_next(in, line, len, err);
    if (rc >= 0 || !in->too_long)
        return rc;
    *line = in->empty;
    *len = 0;
    return 1;
}

uint64_t pk_lines_number(const struct pk_lines *in)
{
    return in->number;
}

const char *pk_lines_name(const struct pk_lines *in)
{
    return in->name;
}

const char *pk_lines_where(struct pk_lines *in)
{
    snprintf(in->where, strlen(in->name) + 24, "%s:%llu", in->name,
             (unsigned long long)in->number);
    return in->where;
}

uint64_t pk_lines_bytes(const struct pk_lines *in)
{
    return pk_gunzip_at(in->gz);
}

uint64_t pk_lines_size(const struct pk_lines *in)
{
    return in->size;
}

void pk_lines_close(struct pk_lines *in)
{
    if (!in)
        return;
    pk_gunzip_close(in->gz);
    pk_buf_release(&in->line);
    free(in->name);
    free(in->where);
    free(in);
}
