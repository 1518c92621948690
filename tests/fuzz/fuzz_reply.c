/* A chat completion from a stranger: in one piece and in two it is the same,
 * and nothing of it reaches a terminal as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/source/reply.h"
#include "common/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The body cut before `at`. */
static void read_reply(struct annotate__reply *r, struct pk_buf *text,
                       const char *body, size_t n, size_t at)
{
    annotate__reply_init(r, text);
    if (annotate__reply_feed(r, body, at, NULL) ||
        annotate__reply_feed(r, body + at, n - at, NULL) ||
        annotate__reply_end(r, NULL))
        abort(); /* out of memory alone is an error here */
}

static void must_be_printable(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7F)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pk_buf one = PK_BUF_INIT(ANNOTATE__REPLY_MAX), two = one;
    struct annotate__reply a, b;
    read_reply(&a, &one, (const char *)data, size, 0);
    read_reply(&b, &two, (const char *)data, size, size / 2);
    if (one.len != two.len ||
        (one.len && memcmp(one.data, two.data, one.len)) ||
        strcmp(a.finish, b.finish) != 0 || strcmp(a.error, b.error) != 0 ||
        a.reasoning != b.reasoning)
        abort();
    if (one.len && pk_utf8_check(one.data, one.len) < one.len)
        abort();
    must_be_printable(a.error);
    must_be_printable(a.finish);
    must_be_printable(a.model);
    annotate__reply_release(&a);
    annotate__reply_release(&b);
    pk_buf_release(&one);
    pk_buf_release(&two);
    return 0;
}
