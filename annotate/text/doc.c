/* Texts cut into lines. Every line knows its place in the text, so that a
 * resized screen can come back to it. */
#include <stdint.h>
#include <stdlib.h>

#include "annotate/text/text.h"
#include "common/mem.h"
#include "common/utf8.h"

int annotate__doc_add(struct annotate__doc *d, const char *title,
                      const char *text, size_t len, struct pk_err *err)
{
    if (!pk_grow(&d->parts, &d->cap_parts, d->n_parts + 1, sizeof *d->parts))
        return pk_fail_mem(err, "a dialogue");
    d->parts[d->n_parts++] =
        (struct annotate__part){.title = title, .text = text, .len = len};
    return 0;
}

static int add_line(struct annotate__doc *d, struct annotate__line l,
                    struct pk_err *err)
{
    if (!pk_grow(&d->lines, &d->cap_lines, d->n_lines + 1, sizeof *d->lines))
        return pk_fail_mem(err, "lines of text");
    d->lines[d->n_lines++] = l;
    return 0;
}

/* Punctuation that closes what is before it, and begins no line. */
static bool closes(const char *s, size_t n)
{
    static const uint16_t marks[] = {
        0x2019, 0x201D, 0x2026, 0x3001, 0x3002, 0x3009, 0x300B,
        0x300D, 0x300F, 0x3011, 0x3015, 0x3017, 0xFF01, 0xFF09,
        0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF3D, 0xFF5D};
    uint32_t cp;
    if (!pk_utf8_decode(s, n, &cp))
        return false;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i] == cp)
            return true;
    return false;
}

/* Where the line that starts at `from` ends, and in *next where the one after
 * it starts. */
static size_t line_end(const struct annotate__part *p, size_t from,
                       size_t width, size_t *next)
{
    struct annotate__cell c;
    size_t column = 0, brk = 0, wide = 0, at = from;
    for (; at < p->len; at += c.bytes) {
        /* Behind a wide character a line may end, unless what follows is to
         * stay with it. */
        if (wide == at && wide && !closes(p->text + at, p->len - at))
            brk = at;
        if (annotate__plain_byte(p->text + at, p->len - at) && column < width) {
            column++;
            c.bytes = 1;
            if (p->text[at] == ' ')
                brk = at + 1;
            continue;
        }
        annotate__cell(p->text + at, p->len - at, column, &c);
        if (c.line_end) {
            *next = at + c.bytes;
            return at;
        }
        /* A space may hang over the edge; it is where to break. */
        if (column + c.width > width && at > from && !c.space)
            break;
        column += c.width;
        if (c.space)
            brk = at + c.bytes;
        if (c.width == 2)
            wide = at + c.bytes;
    }
    if (at < p->len && brk > from)
        at = brk;
    *next = at;
    return at;
}

/* A part's next line; *bytes of its text. A text that ends in a line end has no
 * line after it, and an empty text has one. */
static int wrap_line(struct annotate__doc *d, size_t width, size_t *bytes,
                     struct pk_err *err)
{
    const struct annotate__part *p = &d->parts[d->at];
    size_t from = d->from, next = from;
    *bytes = 0;
    if (!d->titled) {
        d->titled = true;
        d->open = true;
        if (p->title)
            return add_line(
                d, (struct annotate__line){.part = d->at, .title = true}, err);
    }
    if (!d->open && from >= p->len) {
        d->at++;
        d->from = 0;
        d->titled = false;
        return 0;
    }
    size_t to = line_end(p, from, width, &next);
    d->open = false;
    d->from = next;
    *bytes = next - from;
    return add_line(
        d, (struct annotate__line){.part = d->at, .from = from, .to = to}, err);
}

int annotate__doc_wrap_on(struct annotate__doc *d, size_t width, size_t bytes,
                          struct pk_err *err)
{
    size_t used = 0, one;
    int rc = 0;
    while (!rc && used < bytes && !annotate__doc_whole(d)) {
        rc = wrap_line(d, width ? width : 1, &one, err);
        used += one;
    }
    return rc;
}

int annotate__doc_grow(struct annotate__doc *d, const char *text, size_t len,
                       size_t width, struct pk_err *err)
{
    struct annotate__part *p = &d->parts[d->n_parts - 1];
    size_t from = d->lines[--d->n_lines].from;
    /* And the one before it: a CR that had a line of its own may have got its
     * LF, which makes the two that line's end. */
    if (d->n_lines && !d->lines[d->n_lines - 1].title)
        from = d->lines[--d->n_lines].from;
    p->text = text;
    p->len = len;
    d->at = d->n_parts - 1;
    d->from = from;
    d->titled = d->open = true;
    return annotate__doc_wrap_on(d, width, SIZE_MAX, err);
}

void annotate__doc_unwrap(struct annotate__doc *d)
{
    d->n_lines = d->at = d->from = 0;
    d->titled = false;
}

int annotate__doc_wrap(struct annotate__doc *d, size_t width,
                       struct pk_err *err)
{
    annotate__doc_unwrap(d);
    return annotate__doc_wrap_on(d, width, SIZE_MAX, err);
}

size_t annotate__doc_find(const struct annotate__doc *d, size_t part, size_t at)
{
    size_t low = 0, high = d->n_lines;
    while (low + 1 < high) {
        size_t mid = low + (high - low) / 2;
        const struct annotate__line *l = &d->lines[mid];
        bool after = l->part > part || (l->part == part && l->from > at);
        if (after)
            high = mid;
        else
            low = mid;
    }
    return low;
}

void annotate__doc_reset(struct annotate__doc *d)
{
    d->n_parts = 0;
    annotate__doc_unwrap(d);
}

void annotate__doc_release(struct annotate__doc *d)
{
    free(d->parts);
    free(d->lines);
    *d = (struct annotate__doc){0};
}
