/* Text that nobody vouches for, where a person reads it: what may not reach a
 * terminal or a page becomes a visible mark. The one list of what that is. */
#ifndef PREFKIT_COMMON_PLAIN_H
#define PREFKIT_COMMON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum pk_plain {
    PK_SHOWN, /* printed as it is */
    /* Joiners, variation selectors, skin tones: part of the character before
     * them. Terminals disagree about their width, so whoever counts columns
     * leaves them out. */
    PK_JOINS,
    /* Controls (newline and tab too: who prints texts lets these pass), bidi
     * controls, invisible characters, separators of lines, and what Unicode 15
     * has no character for. */
    PK_HIDDEN
};
enum pk_plain pk_plain(uint32_t cp);
bool pk_joins(uint32_t cp); /* is it PK_JOINS? */

#define PK_MARK 16 /* bytes that a mark has room in, its NUL too */

/* What stands for a hidden code point: <ESC>, <RLO>, <01>, <U+E000>; and for a
 * byte that is not UTF-8: <FF>. The mark's length. */
size_t pk_mark(char out[PK_MARK], uint32_t cp);
size_t pk_mark_byte(char out[PK_MARK], unsigned char byte);

/* The character at the beginning of a text, or the mark for it. */
struct pk_piece {
    char text[PK_MARK]; /* NUL-terminated UTF-8 */
    size_t bytes;       /* of the text that it stands for, at least 1 */
    size_t columns;     /* of a terminal; 0 for what joins or combines */
    enum pk_plain kind; /* a mark, where that is PK_HIDDEN */
};
void pk_piece(const char *s, size_t n, struct pk_piece *out); /* n > 0 */

/* A text of several lines: newlines, each with `indent` after it, and tabs stay
 * as they are. */
void pk_plain_text(FILE *f, const char *s, size_t n, const char *indent);

/* A name or a message, all of it, on one line. */
void pk_plain_name(FILE *f, const char *s);

/* A name in a column of so many columns, 4 or more: filled up with blanks, or
 * cut between two characters and ended with "...". */
void pk_plain_column(FILE *f, const char *s, size_t columns);

#endif
