#include "annotate/source/sse.h"

#include <string.h>

void annotate__sse_init(struct annotate__sse *p)
{
    *p = (struct annotate__sse){.line.max = ANNOTATE__SSE_MAX,
                                .data.max = ANNOTATE__SSE_MAX};
}

void annotate__sse_release(struct annotate__sse *p)
{
    pk_buf_release(&p->line);
    pk_buf_release(&p->data);
}

static int check(const struct pk_buf *b, struct pk_err *err)
{
    if (b->failed == PK_EDATA)
        return pk_fail(err, PK_EDATA, "an event is longer than %zu bytes",
                       ANNOTATE__SSE_MAX);
    return b->failed ? pk_fail_mem(err, "an event") : 0;
}

/* A blank line: what has been gathered is an event. */
static int dispatch(struct annotate__sse *p, const struct annotate__sse_to *to,
                    struct pk_err *err)
{
    bool error = p->error;
    int rc = check(&p->data, err);
    if (!rc && p->has_data)
        rc = to->event(to->arg, p->data.data ? p->data.data : "", p->data.len,
                       error, err);
    pk_buf_reset(&p->data);
    p->has_data = p->error = false;
    return rc;
}

static bool is_field(const char *line, size_t n, const char *name)
{
    return n == strlen(name) && memcmp(line, name, n) == 0;
}

static int field(struct annotate__sse *p, const char *line, size_t n,
                 struct pk_err *err)
{
    const char *colon = memchr(line, ':', n);
    size_t name = colon ? (size_t)(colon - line) : n;
    const char *value = line + name + (colon != NULL);
    size_t len = n - name - (colon != NULL);
    if (len && *value == ' ') {
        value++;
        len--;
    }
    bool error = is_field(line, name, "error");
    /* What else there may be, event and id and retry, changes nothing here. */
    if (!error && !is_field(line, name, "data"))
        return 0;
    if (p->has_data)
        pk_buf_addc(&p->data, '\n');
    pk_buf_add(&p->data, value, len);
    p->has_data = true;
    p->error |= error;
    return check(&p->data, err);
}

static int line(struct annotate__sse *p, const struct annotate__sse_to *to,
                struct pk_err *err)
{
    const char *s = p->line.data ? p->line.data : "";
    size_t n = p->line.len;
    int rc = check(&p->line, err);
    if (!rc && !p->begun && n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) {
        s += 3;
        n -= 3;
    }
    p->begun = true;
    if (!rc)
        rc = !n ? dispatch(p, to, err) : *s == ':' ? 0 : field(p, s, n, err);
    pk_buf_reset(&p->line);
    return rc;
}

int annotate__sse_feed(struct annotate__sse *p, const char *bytes, size_t n,
                       const struct annotate__sse_to *to, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        char c = bytes[i];
        bool second = p->after_cr && c == '\n';
        p->after_cr = c == '\r';
        if (second)
            continue;
        if (c == '\n' || c == '\r') {
            rc = line(p, to, err);
        } else {
            size_t run = 1;
            while (i + run < n && bytes[i + run] != '\n' &&
                   bytes[i + run] != '\r')
                run++;
            pk_buf_add(&p->line, bytes + i, run);
            rc = check(&p->line, err);
            i += run - 1;
        }
    }
    return rc;
}

int annotate__sse_end(struct annotate__sse *p,
                      const struct annotate__sse_to *to, struct pk_err *err)
{
    int rc = p->line.len ? line(p, to, err) : 0;
    return rc || !p->error ? rc : dispatch(p, to, err);
}
