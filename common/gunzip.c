/* Plain files and gzip through one call; see gunzip.h. */
#include "common/gunzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/mem.h"

struct pk_gunzip {
    int fd;
    enum { NEW, PLAIN, BETWEEN, MEMBER } state;
    bool more;     /* a member has ended */
    bool zeros;    /* those that fill the file up have begun */
    uint64_t read; /* from fd */
    z_stream z;    /* its next_in is what is unread, plain too */
    unsigned char in[1 << 15];
};

struct pk_gunzip *pk_gunzip_open(int fd)
{
    struct pk_gunzip *in = pk_calloc(1, sizeof *in);
    /* 15 + 16: the largest window, within gzip's own header. */
    if (!in || inflateInit2(&in->z, 15 + 16) != Z_OK) {
        free(in);
        return NULL;
    }
    in->fd = fd;
    in->z.next_in = in->in;
    return in;
}

/* More behind what is unread: 1, 0 at the end, or -1. */
static int fill(struct pk_gunzip *in)
{
    if (in->z.avail_in)
        memmove(in->in, in->z.next_in, in->z.avail_in);
    in->z.next_in = in->in;
    ssize_t n =
        read(in->fd, in->in + in->z.avail_in, sizeof in->in - in->z.avail_in);
    if (n <= 0)
        return n < 0 ? -1 : 0;
    in->z.avail_in += (uInt)n;
    in->read += (uint64_t)n;
    return 1;
}

/* What the first two bytes say of the file. */
static int look(struct pk_gunzip *in)
{
    int rc = 1;
    while (in->z.avail_in < 2 && (rc = fill(in)) > 0) {
    }
    if (rc < 0)
        return rc;
    bool gzip = in->z.avail_in > 1 && in->in[0] == 0x1f && in->in[1] == 0x8b;
    in->state = gzip ? BETWEEN : PLAIN;
    return 0;
}

static ssize_t read_plain(struct pk_gunzip *in, char *to, size_t size)
{
    size_t n = in->z.avail_in < size ? in->z.avail_in : size;
    if (n == 0) {
        ssize_t got = read(in->fd, to, size);
        in->read += got > 0 ? (uint64_t)got : 0;
        return got;
    }
    memcpy(to, in->z.next_in, n);
    in->z.next_in += n;
    in->z.avail_in -= (uInt)n;
    return (ssize_t)n;
}

/* To the next member: 1, 0 where there is none, or -1. */
static int next_member(struct pk_gunzip *in, const char **why)
{
    for (;;) {
        int rc = in->z.avail_in ? 1 : fill(in);
        if (rc <= 0)
            return rc;
        if (*in->z.next_in)
            break;
        in->zeros = true;
        in->z.next_in++;
        in->z.avail_in--;
    }
    if (in->zeros) {
        *why = "something follows the zeros behind it";
        return -1;
    }
    inflateReset(&in->z);
    in->state = MEMBER;
    return 1;
}

/* What is wrong: of a member that has not begun yet, that it is none. */
static int damaged(const struct pk_gunzip *in, const char *what,
                   const char **why)
{
    *why = in->more && !in->z.total_out ? "what follows is no whole gzip data"
                                        : what;
    return -1;
}

/* One step within a member: 1, or -1. */
static int inflate_some(struct pk_gunzip *in, const char **why)
{
    int z = inflate(&in->z, Z_SYNC_FLUSH);
    if (z == Z_STREAM_END) {
        in->state = BETWEEN;
        in->more = true;
        return 1;
    }
    if (z == Z_MEM_ERROR) {
        errno = ENOMEM;
        return -1;
    }
    if (z != Z_OK && z != Z_BUF_ERROR)
        return damaged(in, in->z.msg ? in->z.msg : "it makes no sense", why);
    if (!in->z.avail_out || in->z.avail_in)
        return 1;
    int rc = fill(in);
    return rc ? rc : damaged(in, "unexpected end of file", why);
}

ssize_t pk_gunzip_read(struct pk_gunzip *in, char *to, size_t size,
                       const char **why)
{
    *why = NULL;
    if (in->state == NEW && look(in) < 0)
        return -1;
    if (in->state == PLAIN)
        return read_plain(in, to, size);
    in->z.next_out = (unsigned char *)to;
    in->z.avail_out = (uInt)size;
    int rc = 1;
    while (rc > 0 && in->z.avail_out)
        rc =
            in->state == BETWEEN ? next_member(in, why) : inflate_some(in, why);
    size_t got = size - in->z.avail_out;
    /* What was got before a failure is not lost, and a failure other than EINTR
     * comes again. */
    return got ? (ssize_t)got : rc;
}

uint64_t pk_gunzip_at(const struct pk_gunzip *in)
{
    return in->read - in->z.avail_in;
}

void pk_gunzip_close(struct pk_gunzip *in)
{
    if (!in)
        return;
    inflateEnd(&in->z);
    close(in->fd);
    free(in);
}
