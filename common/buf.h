/* A growing byte buffer with a cap.
 *
 *     struct pk_buf b = PK_BUF_INIT(max_bytes);
 *     pk_buf_addf(&b, "%s=%d", name, n);
 *     ... b.data is NUL-terminated, b.len bytes long ...
 *     pk_buf_release(&b);
 *
 * Appends return 0, PK_EMEM, or PK_EDATA when the cap would be passed; then the
 * buffer keeps what it had and `failed` stays set, so that a run of appends
 * needs one check at its end. */
#ifndef PREFKIT_COMMON_BUF_H
#define PREFKIT_COMMON_BUF_H

#include <stddef.h>

#include "common/err.h"

struct pk_buf {
    char *data; /* NULL until something is added */
    size_t len, cap, max;
    int failed; /* 0, or the first code that an append returned */
};

#define PK_BUF_INIT(max_bytes)                                                 \
    {                                                                          \
        .max = (max_bytes)                                                     \
    }

int pk_buf_add(struct pk_buf *b, const void *p, size_t n);
int pk_buf_adds(struct pk_buf *b, const char *s);
int pk_buf_addc(struct pk_buf *b, char c);
int pk_buf_addf(struct pk_buf *b, const char *fmt, ...) PK_PRINTF(2, 3);

/* Empty it, keeping its memory. */
void pk_buf_reset(struct pk_buf *b);

/* Hand the bytes over: the caller frees them; the buffer is empty again. */
char *pk_buf_take(struct pk_buf *b);

void pk_buf_release(struct pk_buf *b);

#endif
