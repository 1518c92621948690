/* Private to annotate/: text that nobody vouches for, as cells of a terminal.
 *
 * A cell is what is drawn as one: a grapheme, or a visible mark, such as <ESC>
 * or <FF>, for what may not reach a terminal: control characters, bidi
 * overrides, invisible characters, bytes that are not UTF-8. What terminals
 * disagree about is not sent: joiners, variation selectors and skin tones are
 * left out, so that a joined emoji is drawn as its parts and columns stay
 * straight. Widths come from utf8proc. */
#ifndef PREFKIT_ANNOTATE_TEXT_TEXT_H
#define PREFKIT_ANNOTATE_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

#define ANNOTATE__TAB 8

struct annotate__cell {
    char out[48];  /* what to draw, NUL-terminated UTF-8; "" for a line's end */
    size_t bytes;  /* of the text that it stands for, at least 1 */
    size_t width;  /* columns */
    bool mark;     /* stands for what cannot be shown */
    bool space;    /* a line may be broken after it */
    bool line_end; /* \n, \r\n, U+2028, U+2029 */
};

/* The cell at s[0..n), n > 0, when it comes to stand in `column`. */
void annotate__cell(const char *s, size_t n, size_t column,
                    struct annotate__cell *c);

/* A letter of ASCII or a space, with nothing after it that could join it: what
 * most texts are made of. One byte, one column, drawn as it is. */
static inline bool annotate__plain_byte(const char *s, size_t n)
{
    return s[0] >= 0x20 && s[0] < 0x7F && (n < 2 || (unsigned char)s[1] < 0x80);
}

/* What to show where there is nothing to see: "(empty)", "(only white space)";
 * "" for a text that shows itself. */
const char *annotate__blank(const char *s, size_t n);

/* The columns that a text without line ends takes. */
size_t annotate__width(const char *s, size_t n);

/* Append the text as it may be printed, line ends as '\n'. 0 or PK_EMEM. */
int annotate__clean(struct pk_buf *b, const char *s, size_t n);

/* The same on one line, as far as there is room; always NUL-terminated. */
void annotate__one_line(char *out, size_t size, const char *s, size_t n);

/* ---- Documents: texts one after the other, wrapped --------------------------
 * Texts are borrowed. A part's title, if any, has a line of its own. */

struct annotate__part {
    const char *title; /* NULL: none */
    const char *text;
    size_t len;
};

struct annotate__line {
    size_t part, from, to; /* bytes of the part's text, without its line end */
    bool title;
};

struct annotate__doc {
    struct annotate__part *parts;
    size_t n_parts, cap_parts;
    struct annotate__line *lines;
    size_t n_lines, cap_lines;
    size_t at, from;   /* wrapped up to there: a part, and a byte of it */
    bool titled, open; /* its title has its line; it has no line yet */
};

PK_NODISCARD int annotate__doc_add(struct annotate__doc *d, const char *title,
                                   const char *text, size_t len,
                                   struct pk_err *err);

/* Cut every part into lines of at most `width` columns, after spaces where
 * that is possible. */
PK_NODISCARD int annotate__doc_wrap(struct annotate__doc *d, size_t width,
                                    struct pk_err *err);

/* The same a piece at a time: none, then about so many bytes of text more. All
 * of it has been wrapped when it is whole. */
void annotate__doc_unwrap(struct annotate__doc *d);
PK_NODISCARD int annotate__doc_wrap_on(struct annotate__doc *d, size_t width,
                                       size_t bytes, struct pk_err *err);
static inline bool annotate__doc_whole(const struct annotate__doc *d)
{
    return d->at >= d->n_parts;
}

/* The last part's text has become longer (and may be elsewhere): only its last
 * two lines are cut anew. It is the only part, wrapped to the same width. */
PK_NODISCARD int annotate__doc_grow(struct annotate__doc *d, const char *text,
                                    size_t len, size_t width,
                                    struct pk_err *err);

/* The line that holds this place of the text; 0 for an empty document. */
size_t annotate__doc_find(const struct annotate__doc *d, size_t part,
                          size_t at);

void annotate__doc_reset(struct annotate__doc *d);
void annotate__doc_release(struct annotate__doc *d);

#endif
