/* Private to prefdb/: CSV as RFC 4180 has it, a line at a time. A field in
 * quotes may hold commas, line ends and doubled quotes. */
#ifndef PREFKIT_PREFDB_IMPORT_CSV_H
#define PREFKIT_PREFDB_IMPORT_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct prefdb__csv {
    struct pk_buf text; /* the fields, one after the other */
    size_t *ends;       /* where each ends in it */
    size_t n, cap;
    bool open;           /* inside quotes at a line's end */
    const char *problem; /* what is wrong with the record; or NULL */
};

#define PREFDB__CSV_INIT(max_bytes)                                            \
    {                                                                          \
        .text = PK_BUF_INIT(max_bytes)                                         \
    }

/* Begin a record. */
void prefdb__csv_reset(struct prefdb__csv *c);

/* One more line of the record, without its '\n'. 1: the record is complete (or
 * has a problem, and the line's rest is passed over); 0: it goes on in the
 * next line; PK_EMEM; PK_EDATA when it passes the buffer's cap. */
PK_NODISCARD int prefdb__csv_line(struct prefdb__csv *c, const char *line,
                                  size_t len, struct pk_err *err);

/* Field i of n; *len bytes, not NUL-terminated. */
const char *prefdb__csv_field(const struct prefdb__csv *c, size_t i,
                              size_t *len);

void prefdb__csv_release(struct prefdb__csv *c);

#endif
