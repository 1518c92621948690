/* Lines of a text file, plain or gzip, or of standard input.
 *
 *     struct pk_lines *in;
 *     if (pk_lines_open(&in, "data.jsonl.gz", err)) ...
 *     while ((rc = pk_lines_next(in, &line, &len, err)) > 0)
 *         ... pk_lines_where(in) is "data.jsonl.gz:17" ...
 *     pk_lines_close(in);
 *
 * A line longer than PK_LINE_MAX, and a gzip file that ends early or has
 * something else behind it, are errors (PK_EDATA); after the former one may go
 * on (pk_lines_too_long). A byte-order mark at the start, and the '\r' of
 * "\r\n", are taken off; lines that hold only white space are passed over (they
 * keep their number). A file whose first line holds a NUL is no text
 * (PK_EDATA). */
#ifndef PREFKIT_COMMON_LINES_H
#define PREFKIT_COMMON_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define PK_LINE_MAX      ((size_t)64 << 20) /* bytes */
#define PK_LINE_TOO_LONG "the line is longer than 64 MiB"

/* White space within a line, as JSON has it. */
static inline bool pk_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Nothing else. */
static inline bool pk_blank_line(const char *s, size_t n)
{
    while (n && pk_blank(s[n - 1]))
        n--;
    return n == 0;
}

struct pk_lines;

/* `path` "-" is standard input. */
PK_NODISCARD int pk_lines_open(struct pk_lines **out, const char *path,
                               struct pk_err *err);

/* 1: *line (NUL-terminated, *len bytes, borrowed until the next call, may be
 * written to). 0: the end. Negative: an error. */
PK_NODISCARD int pk_lines_next(struct pk_lines *in, char **line, size_t *len,
                               struct pk_err *err);

/* The same for the next line as it is, blank or not, '\r' and all: for what
 * counts line ends as content (CSV). */
PK_NODISCARD int pk_lines_raw(struct pk_lines *in, char **line, size_t *len,
                              struct pk_err *err);

/* After an error: was it that the line (pk_lines_number's) is too long? Then
 * *line and *len are the beginning of it, and the next call goes on behind it:
 * whoever counts bad rows may take it for one. */
bool pk_lines_too_long(const struct pk_lines *in);

/* pk_lines_next for those who do: such a line is 1 too, and an empty one. */
PK_NODISCARD int pk_lines_row(struct pk_lines *in, char **line, size_t *len,
                              struct pk_err *err);

/* After a line that is too long: the next part of it or, again with PK_EDATA
 * and pk_lines_too_long, a part that is not its last. For readers to which line
 * ends mean nothing (a JSON list). */
PK_NODISCARD int pk_lines_more(struct pk_lines *in, char **part, size_t *len,
                               struct pk_err *err);

uint64_t pk_lines_number(const struct pk_lines *in); /* from 1 */
const char *pk_lines_name(const struct pk_lines *in);
const char *pk_lines_where(struct pk_lines *in); /* "name:number" */

/* Bytes of the file read so far, compressed as they lie there, and its size
 * (0 when unknown, as for a pipe). For progress. */
uint64_t pk_lines_bytes(const struct pk_lines *in);
uint64_t pk_lines_size(const struct pk_lines *in);

void pk_lines_close(struct pk_lines *in);

#endif
