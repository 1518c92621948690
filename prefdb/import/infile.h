/* Private to prefdb/: the rows of a file, whether it is JSON lines, one JSON
 * array, or CSV with a header; plain or gzip; or standard input.
 *
 * A file whose first character is '[' is an array. One that is named *.csv, or
 * is not named as JSON and begins as a header does, is CSV, whose records
 * become objects of texts. Memory holds one row, of at most PK_LINE_MAX
 * bytes; a longer line of JSON lines is a row with a problem, and empty. */
#ifndef PREFKIT_PREFDB_IMPORT_INFILE_H
#define PREFKIT_PREFDB_IMPORT_INFILE_H

#include "common/lines.h"

struct prefdb__infile;

PK_NODISCARD int prefdb__infile_open(struct prefdb__infile **out,
                                     const char *path, struct pk_err *err);

/* 1: a row as JSON text (NUL-terminated, borrowed until the next call), which
 * need not be valid; 0: the end; negative: the file can't be read on. */
PK_NODISCARD int prefdb__infile_next(struct prefdb__infile *in, char **row,
                                     size_t *len, struct pk_err *err);

/* What is wrong with the row that was returned last, which then is the raw
 * text; NULL: nothing that shows here. */
const char *prefdb__infile_problem(const struct prefdb__infile *in);

/* From 1: the line on which the row begins; in an array, the element. */
uint64_t prefdb__infile_number(const struct prefdb__infile *in);
const char *prefdb__infile_unit(const struct prefdb__infile *in); /* "line" */
const char *prefdb__infile_name(const struct prefdb__infile *in);
const char *prefdb__infile_where(struct prefdb__infile *in); /* "name:17" */

/* As pk_lines_bytes and pk_lines_size. */
uint64_t prefdb__infile_bytes(const struct prefdb__infile *in);
uint64_t prefdb__infile_size(const struct prefdb__infile *in);

void prefdb__infile_close(struct prefdb__infile *in);

#endif
