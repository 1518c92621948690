/* Private to prefdb/: a file's rows, read, hashed, parsed and made ready
 * (ready.h) by a thread of their own while the caller writes the ones before.
 * Memory is bounded by a few blocks of rows. */
#ifndef PREFKIT_PREFDB_IMPORT_AHEAD_H
#define PREFKIT_PREFDB_IMPORT_AHEAD_H

#include <stdint.h>

#include "prefdb/import/ready.h"

struct prefdb__row {
    char *line; /* NUL-terminated */
    size_t len;
    uint64_t number; /* of the line, from 1 */
    bool is_json;
    const struct prefdb__format *format; /* so far; NULL before one is known */
    int rc; /* of parsing and preparing; its reason is in `err` */
    struct pk_err *err;
    struct prefdb__made made;
};

struct prefdb__ahead;

/* Of the plan's path. */
PK_NODISCARD int prefdb__ahead_open(struct prefdb__ahead **out,
                                    const struct prefdb__plan *plan,
                                    struct pk_err *err);

/* 1: *row. It is lent together with others, until a call after the last of
 * these. 0: the end. PK_EINTR after a signal,
 * also while the thread waits for input. */
PK_NODISCARD int prefdb__ahead_next(struct prefdb__ahead *a,
                                    struct prefdb__row **row,
                                    struct pk_err *err);

/* Was that row the last of those that are lent together? */
bool prefdb__ahead_last(const struct prefdb__ahead *a);

/* The name of the input as errors give it; how far the row is in the file, and
 * how large that is, in bytes (0: unknown). */
const char *prefdb__ahead_name(const struct prefdb__ahead *a);
const char *prefdb__ahead_unit(const struct prefdb__ahead *a); /* as infile.h */
uint64_t prefdb__ahead_bytes(const struct prefdb__ahead *a);
uint64_t prefdb__ahead_size(const struct prefdb__ahead *a);

/* After the end: the row that still waits for its partner, now the caller's;
 * or NULL. */
cJSON *prefdb__ahead_held(struct prefdb__ahead *a);

/* After the end: SHA-256 of all rows, each with a newline (of a line that is
 * too long, the newline). */
void prefdb__ahead_hash(struct prefdb__ahead *a, uint8_t out[32]);

void prefdb__ahead_close(struct prefdb__ahead *a); /* NULL is fine */

#endif
