/* Hostile text to cells. Unicode 15.0's properties, as utf8proc has them. */
#include "annotate/text/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#include "common/plain.h"
#include "common/utf8.h"

/* Of one base character, so many combining marks are drawn: ncurses holds no
 * more in a cell. The rest become one mark with their number. */
#define MAX_COMBINING 4

/* A character without a name that an old terminal takes for a byte's control
 * has the mark of that byte. */
static void mark(struct annotate__cell *c, uint32_t cp)
{
    c->width = pk_mark(c->out, cp);
    if (cp < 0x100 && strncmp(c->out, "<U+", 3) == 0)
        c->width = pk_mark_byte(c->out, (unsigned char)cp);
    c->mark = true;
}

static bool is_combining(uint32_t cp)
{
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_MC:
        return utf8proc_charwidth((utf8proc_int32_t)cp) == 0;
    default:
        return false;
    }
}

/* Ideographs, syllables and kana: two columns each, and nothing that joins.
 * Texts of millions of them are wrapped at once. */
static bool is_wide(uint32_t cp)
{
    return (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0xAC00 && cp <= 0xD7A3) ||
           (cp >= 0x3041 && cp <= 0x3096) || (cp >= 0x30A1 && cp <= 0x30FA);
}

static void put(struct annotate__cell *c, uint32_t cp)
{
    size_t at = strlen(c->out);
    if (at + 4 < sizeof c->out)
        c->out[at + pk_utf8_encode(cp, c->out + at)] = 0;
}

/* The combining marks and joiners after a base: they belong to its cell, as
 * far as a cell can hold them. */
static void put_rest(const char *s, size_t n, struct annotate__cell *c)
{
    uint32_t cp;
    size_t k, marks = 0;
    while (c->bytes < n && (unsigned char)s[c->bytes] >= 0x80 &&
           (k = pk_utf8_decode(s + c->bytes, n - c->bytes, &cp)) > 0 &&
           !is_wide(cp)) {
        bool out = pk_joins(cp);
        if (!out && (!is_combining(cp) || marks == MAX_COMBINING))
            return;
        if (!out) {
            put(c, cp);
            marks++;
        }
        c->bytes += k;
    }
}

/* A combining mark without a base, or one of more than a cell holds. A long
 * run of them is one mark. */
static void stray(const char *s, size_t n, uint32_t cp,
                  struct annotate__cell *c)
{
    size_t count = 0, k;
    uint32_t next;
    c->bytes = 0;
    while (c->bytes < n &&
           (k = pk_utf8_decode(s + c->bytes, n - c->bytes, &next)) > 0 &&
           is_combining(next)) {
        c->bytes += k;
        count++;
    }
    if (count == 1) {
        put(c, 0x25CC); /* the dotted circle, for a mark that stands alone */
        put(c, cp);
        c->width = 1;
    } else {
        snprintf(c->out, sizeof c->out, "<+%zu>", count);
        c->width = strlen(c->out);
        c->mark = true;
    }
}

static bool ascii_cell(const char *s, size_t n, size_t column,
                       struct annotate__cell *c)
{
    unsigned char ch = (unsigned char)s[0];
    if (ch == '\n' || (ch == '\r' && n > 1 && s[1] == '\n')) {
        c->line_end = true;
        c->bytes = ch == '\n' ? 1 : 2;
        return true;
    }
    if (ch == '\t') {
        c->width = ANNOTATE__TAB - column % ANNOTATE__TAB;
        memset(c->out, ' ', c->width);
        c->out[c->width] = 0;
        c->space = true;
        return true;
    }
    if (ch < 0x20 || ch == 0x7F) {
        mark(c, ch);
        return true;
    }
    if (annotate__plain_byte(s, n)) {
        c->out[0] = (char)ch;
        c->out[1] = 0;
        c->width = 1;
        c->space = ch == ' ';
        return true;
    }
    return false;
}

void annotate__cell(const char *s, size_t n, size_t column,
                    struct annotate__cell *c)
{
    uint32_t cp;
    c->out[0] = 0;
    c->bytes = 1;
    c->width = 0;
    c->mark = c->space = c->line_end = false;
    if (ascii_cell(s, n, column, c))
        return;
    size_t k = pk_utf8_decode(s, n, &cp);
    if (!k) {
        mark(c, (unsigned char)s[0]);
        return;
    }
    c->bytes = k;
    if (is_wide(cp)) {
        put(c, cp);
        c->width = 2;
        put_rest(s, n, c);
    } else if (cp == 0x2028 || cp == 0x2029) {
        c->line_end = true;
    } else if (!pk_joins(cp) && is_combining(cp)) {
        stray(s, n, cp, c);
    } else if (pk_plain(cp) != PK_SHOWN ||
               utf8proc_charwidth((utf8proc_int32_t)cp) < 1) {
        mark(c, cp);
    } else {
        put(c, cp);
        c->width = (size_t)utf8proc_charwidth((utf8proc_int32_t)cp);
        c->space = cp == ' ' || cp == 0x3000;
        put_rest(s, n, c);
    }
}

const char *annotate__blank(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && (s[i] == ' ' || (s[i] >= '\t' && s[i] <= '\r')))
        i++;
    return i < n ? "" : n ? "(only white space)" : "(empty)";
}

size_t annotate__width(const char *s, size_t n)
{
    struct annotate__cell c;
    size_t width = 0;
    for (size_t i = 0; i < n; i += c.bytes) {
        annotate__cell(s + i, n - i, width, &c);
        width += c.width;
    }
    return width;
}

int annotate__clean(struct pk_buf *b, const char *s, size_t n)
{
    struct annotate__cell c;
    size_t column = 0;
    for (size_t i = 0; i < n; i += c.bytes) {
        annotate__cell(s + i, n - i, column, &c);
        column = c.line_end ? 0 : column + c.width;
        pk_buf_adds(b, c.line_end ? "\n" : c.out);
    }
    return b->failed;
}

void annotate__one_line(char *out, size_t size, const char *s, size_t n)
{
    struct annotate__cell c;
    size_t at = 0;
    for (size_t i = 0; i < n; i += c.bytes) {
        annotate__cell(s + i, n - i, 0, &c);
        const char *what = c.line_end ? " " : c.out;
        size_t len = strlen(what);
        if (at + len >= size)
            break;
        memcpy(out + at, what, len);
        at += len;
    }
    out[at] = 0;
}
