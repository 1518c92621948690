/* A growing byte buffer; see buf.h. */
#include "common/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static int reserve(struct pk_buf *b, size_t more)
{
    if (b->failed)
        return b->failed;
    if (more > b->max || b->len > b->max - more)
        return b->failed = PK_EDATA;
    if (!pk_grow(&b->data, &b->cap, b->len + more + 1, 1))
        return b->failed = PK_EMEM;
    return 0;
}

int pk_buf_add(struct pk_buf *b, const void *p, size_t n)
{
    int rc = reserve(b, n);
    if (rc)
        return rc;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = 0;
    return 0;
}

int pk_buf_adds(struct pk_buf *b, const char *s)
{
    return pk_buf_add(b, s, strlen(s));
}

int pk_buf_addc(struct pk_buf *b, char c)
{
    return pk_buf_add(b, &c, 1);
}

int pk_buf_addf(struct pk_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    int rc = n < 0 ? PK_EBUG : reserve(b, (size_t)n);
    if (!rc) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return rc;
}

void pk_buf_reset(struct pk_buf *b)
{
    b->len = 0;
    b->failed = 0;
    if (b->data)
        b->data[0] = 0;
}

char *pk_buf_take(struct pk_buf *b)
{
    char *p = b->data;
    b->data = NULL;
    b->len = b->cap = 0;
    b->failed = 0;
    return p;
}

void pk_buf_release(struct pk_buf *b)
{
    free(pk_buf_take(b));
}
