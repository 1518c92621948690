/* A gzip member through stdio; see gz.h. */
#include "common/gz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define ZLIB_CONST /* next_in may point to what is only read */
#include <zlib.h>

#include "common/mem.h"

struct gz {
    z_stream z;
    FILE *to;
};

bool pk_gz_named(const char *path)
{
    size_t n = strlen(path);
    return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

static int deflate_to(struct gz *g, int flush)
{
    unsigned char chunk[1 << 15];
    int z;
    do {
        g->z.next_out = chunk;
        g->z.avail_out = sizeof chunk;
        z = deflate(&g->z, flush);
        size_t got = sizeof chunk - g->z.avail_out;
        if (fwrite(chunk, 1, got, g->to) < got)
            return -1;
    } while (g->z.avail_out == 0 || (flush == Z_FINISH && z != Z_STREAM_END));
    return 0;
}

static ssize_t gz_write(void *cookie, const char *p, size_t n)
{
    struct gz *g = cookie;
    g->z.next_in = (const unsigned char *)p;
    g->z.avail_in = (uInt)n; /* what a stream buffers */
    return deflate_to(g, Z_NO_FLUSH) ? 0 : (ssize_t)n;
}

static int gz_close(void *cookie)
{
    struct gz *g = cookie;
    int rc = deflate_to(g, Z_FINISH);
    deflateEnd(&g->z);
    free(g);
    return rc;
}

FILE *pk_gz_stream(FILE *to)
{
    struct gz *g = pk_calloc(1, sizeof *g);
    /* 15 + 16: the largest window, with gzip's own header. */
    if (!g || deflateInit2(&g->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                           Z_DEFAULT_STRATEGY) != Z_OK) {
        free(g);
        return NULL;
    }
    g->to = to;
    FILE *f = fopencookie(
        g, "w", (cookie_io_functions_t){.write = gz_write, .close = gz_close});
    if (!f)
        (void)!gz_close(g);
    return f;
}
