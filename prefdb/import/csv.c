/* CSV records; see csv.h. */
#include "prefdb/import/csv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void prefdb__csv_reset(struct prefdb__csv *c)
{
    pk_buf_reset(&c->text);
    c->n = 0;
    c->open = false;
    c->problem = NULL;
}

void prefdb__csv_release(struct prefdb__csv *c)
{
    pk_buf_release(&c->text);
    free(c->ends);
    *c = (struct prefdb__csv){0};
}

static bool end_field(struct prefdb__csv *c)
{
    if (!pk_grow(&c->ends, &c->cap, c->n + 1, sizeof *c->ends))
        return false;
    c->ends[c->n++] = c->text.len;
    return true;
}

/* The inside of quotes, from s: where it ends, behind the closing quote; the
 * line's end when it goes on. */
static const char *quoted(struct prefdb__csv *c, const char *s, const char *end)
{
    for (;;) {
        const char *q = memchr(s, '"', (size_t)(end - s));
        pk_buf_add(&c->text, s, (size_t)((q ? q : end) - s));
        if (!q) {
            pk_buf_addc(&c->text, '\n');
            c->open = true;
            return end;
        }
        s = q + 1;
        if (s == end || *s != '"') {
            c->open = false;
            return s;
        }
        pk_buf_addc(&c->text, '"');
        s++;
    }
}

/* A field that has no quotes. */
static const char *plain(struct prefdb__csv *c, const char *s, const char *end)
{
    const char *comma = memchr(s, ',', (size_t)(end - s));
    const char *to = comma ? comma : end;
    if (memchr(s, '"', (size_t)(to - s)))
        c->problem = "a quote inside a field that does not begin with one";
    pk_buf_add(&c->text, s, (size_t)(to - s));
    return to;
}

static int fail(const struct prefdb__csv *c, struct pk_err *err)
{
    return c->text.failed == PK_EDATA
               ? pk_fail(err, PK_EDATA, "a record is longer than %zu MiB",
                         c->text.max >> 20)
               : pk_fail_mem(err, "a record");
}

/* One field from *at on: 1 behind it, 0 when it goes on in the next line. */
static int read_field(struct prefdb__csv *c, const char **at, const char *stop,
                      const char *end)
{
    bool inside = c->open;
    if (inside || (*at < end && **at == '"')) {
        *at = quoted(c, inside ? *at : *at + 1, end);
        return !c->open;
    }
    *at = plain(c, *at, *at > stop ? end : stop);
    return 1;
}

int prefdb__csv_line(struct prefdb__csv *c, const char *line, size_t len,
                     struct pk_err *err)
{
    const char *s = line, *end = line + len;
    /* The '\r' of a line end; inside quotes it is content. */
    const char *stop = len && end[-1] == '\r' ? end - 1 : end;
    for (;; s++) {
        int whole = read_field(c, &s, stop, end);
        if (c->text.failed || (whole && !end_field(c)))
            return fail(c, err);
        if (!whole)
            return 0;
        if (s >= stop || c->problem)
            return 1;
        if (*s != ',') {
            c->problem = "text behind a closing quote";
            return 1;
        }
    }
}

const char *prefdb__csv_field(const struct prefdb__csv *c, size_t i,
                              size_t *len)
{
    size_t from = i ? c->ends[i - 1] : 0;
    *len = c->ends[i] - from;
    return c->text.data ? c->text.data + from : "";
}
