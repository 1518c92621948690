#include "annotate/terminal/editor.h"

#include <string.h>

#include "annotate/terminal/keys.h"
#include "common/utf8.h"

#define CTRL(c) ((c)&0x1F)

void annotate__editor_init(struct annotate__editor *e, size_t room)
{
    *e = (struct annotate__editor){.text.max = room, .room = room};
}

void annotate__editor_release(struct annotate__editor *e)
{
    pk_buf_release(&e->text);
    annotate__doc_release(&e->doc);
    annotate__editor_init(e, e->room);
}

int annotate__editor_set(struct annotate__editor *e, const char *text, size_t n,
                         struct pk_err *err)
{
    if (n >= e->room)
        return pk_fail(err, PK_EDATA, "a text of %zu bytes: at most %zu fit", n,
                       e->room - 1);
    if (pk_utf8_check(text, n) < n || memchr(text, 0, n))
        return pk_fail(err, PK_EDATA, "a text is not UTF-8");
    annotate__doc_reset(&e->doc);
    pk_buf_reset(&e->text);
    e->at = n;
    return pk_buf_add(&e->text, text, n) ? pk_fail_mem(err, "a text") : 0;
}

bool annotate__editor_blank(const struct annotate__editor *e)
{
    return !e->text.len || strspn(e->text.data, " \t\n\r\f\v") == e->text.len;
}

/* ---- Places -------------------------------------------------------------- */

static size_t next(const struct annotate__editor *e, size_t at)
{
    struct annotate__cell c;
    if (at >= e->text.len)
        return e->text.len;
    annotate__cell(e->text.data + at, e->text.len - at, 0, &c);
    return at + c.bytes;
}

/* The cell before: from the line's beginning on, since cells are only known
 * from where they start. */
static size_t last(const struct annotate__editor *e, size_t at)
{
    size_t from = at, to;
    if (!at)
        return 0;
    for (from--; from && e->text.data[from - 1] != '\n'; from--)
        ;
    while ((to = next(e, from)) < at)
        from = to;
    return from;
}

static size_t line_start(const struct annotate__editor *e, size_t at)
{
    while (at && e->text.data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const struct annotate__editor *e, size_t at)
{
    while (at < e->text.len && e->text.data[at] != '\n')
        at++;
    return at;
}

static size_t word_start(const struct annotate__editor *e, size_t at)
{
    const char *s = e->text.data;
    while (at && strchr(" \t\n", s[at - 1]))
        at--;
    while (at && !strchr(" \t\n", s[at - 1]))
        at--;
    return at;
}

/* The line of the wrapped text that the cursor is on: one after the last when
 * a line end closes the text. */
static size_t line_of(const struct annotate__editor *e)
{
    if (e->text.len && e->at == e->text.len &&
        e->text.data[e->text.len - 1] == '\n')
        return e->doc.n_lines;
    return annotate__doc_find(&e->doc, 0, e->at);
}

static size_t column_of(const struct annotate__editor *e, size_t line)
{
    if (line >= e->doc.n_lines)
        return 0;
    size_t from = e->doc.lines[line].from;
    return annotate__width(e->text.data + from, e->at - from);
}

static void vertical(struct annotate__editor *e, int by)
{
    if (!e->doc.n_lines)
        return; /* not wrapped since it changed */
    size_t line = line_of(e), column = column_of(e, line), used = 0;
    bool open = e->text.len && e->text.data[e->text.len - 1] == '\n';
    size_t lines = e->doc.n_lines + open;
    struct annotate__cell c;
    if ((by < 0 && !line) || (by > 0 && line + 1 >= lines))
        return;
    line = by < 0 ? line - 1 : line + 1;
    if (line == e->doc.n_lines) {
        e->at = e->text.len;
        return;
    }
    const struct annotate__line *l = &e->doc.lines[line];
    for (e->at = l->from; e->at < l->to && used < column; e->at += c.bytes) {
        annotate__cell(e->text.data + e->at, l->to - e->at, used, &c);
        used += c.width;
    }
    /* A broken line's end is the next one's beginning. */
    if (e->at == l->to && line + 1 < e->doc.n_lines &&
        e->doc.lines[line + 1].from == l->to && e->at > l->from)
        e->at = last(e, e->at);
}

/* ---- Changes ------------------------------------------------------------- */

static void cut(struct annotate__editor *e, size_t from, size_t to)
{
    if (from >= to)
        return;
    annotate__doc_reset(&e->doc);
    memmove(e->text.data + from, e->text.data + to, e->text.len - to + 1);
    e->text.len -= to - from;
    e->at = from;
}

static void insert(struct annotate__editor *e, const char *s, size_t n)
{
    size_t at = e->at, rest = e->text.len - at;
    if (e->text.len + n >= e->room || pk_buf_add(&e->text, s, n)) {
        e->full = true;
        return;
    }
    annotate__doc_reset(&e->doc);
    memmove(e->text.data + at + n, e->text.data + at, rest);
    memcpy(e->text.data + at, s, n);
    e->at += n;
}

static bool type(struct annotate__editor *e, int key, bool pasting)
{
    char utf8[4];
    if (key == '\r')
        key = '\n';
    bool text = (key >= 0x20 && key < ANNOTATE__KEY_UP && key != 0x7F) ||
                key == '\n' || (pasting && key == '\t');
    if (!text || (key >= 0xD800 && key <= 0xDFFF))
        return false;
    insert(e, utf8, pk_utf8_encode((uint32_t)key, utf8));
    return true;
}

static bool change(struct annotate__editor *e, int key)
{
    switch (key) {
    case 8:
        cut(e, last(e, e->at), e->at);
        return true;
    case ANNOTATE__KEY_DELETE:
        cut(e, e->at, next(e, e->at));
        return true;
    case CTRL('W'):
        cut(e, word_start(e, e->at), e->at);
        return true;
    case CTRL('U'):
        cut(e, line_start(e, e->at), e->at);
        return true;
    case CTRL('K'):
        cut(e, e->at, line_end(e, e->at));
        return true;
    default:
        return false;
    }
}

static bool move(struct annotate__editor *e, int key)
{
    switch (key) {
    case ANNOTATE__KEY_LEFT:
    case CTRL('B'):
        e->at = last(e, e->at);
        return true;
    case ANNOTATE__KEY_RIGHT:
    case CTRL('F'):
        e->at = next(e, e->at);
        return true;
    case ANNOTATE__KEY_UP:
    case CTRL('P'):
        vertical(e, -1);
        return true;
    case ANNOTATE__KEY_DOWN:
    case CTRL('N'):
        vertical(e, 1);
        return true;
    case ANNOTATE__KEY_HOME:
    case CTRL('A'):
        e->at = line_start(e, e->at);
        return true;
    case ANNOTATE__KEY_END:
    case CTRL('E'):
        e->at = line_end(e, e->at);
        return true;
    default:
        return false;
    }
}

bool annotate__editor_key(struct annotate__editor *e, int key, bool pasting)
{
    e->full = false;
    if (type(e, key, pasting))
        return true;
    return !pasting && (change(e, key) || move(e, key));
}

int annotate__editor_wrap(struct annotate__editor *e, size_t width,
                          size_t *line, size_t *column, struct pk_err *err)
{
    annotate__doc_reset(&e->doc);
    int rc = annotate__doc_add(&e->doc, NULL, e->text.data ? e->text.data : "",
                               e->text.len, err);
    if (!rc)
        rc = annotate__doc_wrap(&e->doc, width, err);
    *line = line_of(e);
    *column = column_of(e, *line);
    return rc;
}
