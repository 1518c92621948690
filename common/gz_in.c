/* Bytes of a file that may be compressed; see gz.h. zlib's own gzread takes
 * what follows the last member, rows too, for padding. */
#include "common/gz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/mem.h"

struct pk_gz_in {
    int fd;
    bool begun, gzip, between; /* between members, or behind the last */
    bool ended;                /* the file: what is left lies in `in` */
    uint64_t taken;
    z_stream z;
    size_t at, have; /* in[at..have) is not used yet */
    unsigned char in[1 << 16];
};

struct pk_gz_in *pk_gz_in_new(int fd)
{
    struct pk_gz_in *g = pk_calloc(1, sizeof *g);
    if (g)
        g->fd = fd;
    return g;
}

void pk_gz_in_free(struct pk_gz_in *g)
{
    if (!g)
        return;
    if (g->gzip)
        inflateEnd(&g->z);
    close(g->fd);
    free(g);
}

/* How many bytes lie ready: n, more, or all that are left; -1: errno. */
static ssize_t want(struct pk_gz_in *g, size_t n)
{
    while (g->have - g->at < n && !g->ended) {
        memmove(g->in, g->in + g->at, g->have - g->at);
        g->have -= g->at;
        g->at = 0;
        ssize_t got = read(g->fd, g->in + g->have, sizeof g->in - g->have);
        if (got < 0)
            return -1;
        g->ended = got == 0;
        g->have += (size_t)got;
        g->taken += (uint64_t)got;
    }
    return (ssize_t)(g->have - g->at);
}

/* Does gzip data begin here? -1: errno. */
static int starts_member(struct pk_gz_in *g)
{
    ssize_t n = want(g, 2);
    if (n < 2)
        return n < 0 ? -1 : 0;
    return g->in[g->at] == 0x1F && g->in[g->at + 1] == 0x8B;
}

static int begin(struct pk_gz_in *g)
{
    int gzip = starts_member(g);
    if (gzip < 0)
        return -1;
    /* 15 + 16: the largest window, with gzip's own header. */
    if (gzip && inflateInit2(&g->z, 15 + 16) != Z_OK)
        return -1;
    g->gzip = gzip;
    g->begun = true;
    return 0;
}

static ssize_t read_plain(struct pk_gz_in *g, char *to, size_t n)
{
    size_t ready = g->have - g->at;
    if (ready == 0) {
        ssize_t got = read(g->fd, to, n);
        g->taken += got > 0 ? (uint64_t)got : 0;
        return got;
    }
    n = n < ready ? n : ready;
    memcpy(to, g->in + g->at, n);
    g->at += n;
    return (ssize_t)n;
}

/* Behind the last member: 0, or an error. */
static int skip_zeros(struct pk_gz_in *g, const char **why)
{
    ssize_t n;
    while ((n = want(g, 1)) > 0)
        while (g->at < g->have)
            if (g->in[g->at++] != 0) {
                *why = "what follows is not gzip data";
                return -1;
            }
    return (int)n;
}

/* 1: in a member; 0: behind the last; or an error. */
static int next_member(struct pk_gz_in *g, const char **why)
{
    if (!g->between)
        return 1;
    int more = starts_member(g);
    if (more <= 0)
        return more < 0 ? -1 : skip_zeros(g, why);
    g->between = false;
    return inflateReset(&g->z) == Z_OK ? 1 : -1;
}

static ssize_t read_gzip(struct pk_gz_in *g, char *to, size_t n,
                         const char **why)
{
    z_stream *z = &g->z;
    z->next_out = (unsigned char *)to;
    z->avail_out = (uInt)n;
    while (z->avail_out == n) {
        ssize_t ready = next_member(g, why);
        if (ready <= 0)
            return ready;
        if ((ready = want(g, 1)) < 0)
            return -1;
        z->next_in = g->in + g->at;
        z->avail_in = (uInt)ready;
        int rc = inflate(z, Z_NO_FLUSH);
        g->at = g->have - z->avail_in;
        g->between = rc == Z_STREAM_END;
        if (ready == 0 || (rc != Z_OK && rc != Z_STREAM_END)) {
            *why = ready == 0 ? "unexpected end of file"
                   : z->msg   ? z->msg
                              : "it makes no sense";
            return -1;
        }
    }
    return (ssize_t)(n - z->avail_out);
}

ssize_t pk_gz_in_read(struct pk_gz_in *g, char *to, size_t n, const char **why)
{
    *why = NULL;
    if (!g->begun && begin(g) < 0)
        return -1;
    return g->gzip ? read_gzip(g, to, n, why) : read_plain(g, to, n);
}

uint64_t pk_gz_in_taken(const struct pk_gz_in *g)
{
    return g->taken - (g->have - g->at);
}
