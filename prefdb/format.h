/* Private to prefdb/: the formats that `import` reads. A new one is one file
 * and one row in the table of format.c. */
#ifndef PREFKIT_PREFDB_FORMAT_H
#define PREFKIT_PREFDB_FORMAT_H

#include "prefdb/record.h"

/* Where a judgment's dimension comes from. */
enum prefdb__dimension_from {
    PREFDB__ASKED, /* --dimension, which must be given */
    PREFDB__ROW,   /* the row; --dimension where a row does not say */
    PREFDB__FIXED  /* the format itself; --dimension is refused */
};

struct prefdb__format {
    const char *name, *what; /* what: one line, for --help */
    /* Does a file that begins with this row look like it? */
    bool (*sniff)(const cJSON *row);
    enum prefdb__dimension_from dimension;
    /* Fill an empty record from a row, an object, which may be taken apart.
     * `dimension` is the user's or -1. PK_EDATA with the reason, which names no
     * file or line. The text of the record is borrowed from the row. */
    int (*read)(cJSON *row, int dimension, struct prefdb__record *out,
                struct pk_err *err);
};

extern const struct prefdb__format prefdb__format_prefkit;
extern const struct prefdb__format prefdb__format_pku;
extern const struct prefdb__format prefdb__format_hh;
extern const struct prefdb__format prefdb__format_trl;

/* By position, NULL after the last; by name; by a file's first row. */
const struct prefdb__format *prefdb__format_at(size_t i);
const struct prefdb__format *prefdb__format_named(const char *name);
const struct prefdb__format *prefdb__format_of(const cJSON *row);

/* ---- For the formats ----------------------------------------------------- */

/* Append a list of {"role", "content"} to a record's context; `key` names it
 * in errors. */
PK_NODISCARD int prefdb__read_messages(const cJSON *list, const char *key,
                                       struct prefdb__record *out,
                                       struct pk_err *err);

/* The record's context now holds a whole dialogue of `n_a` turns and, after
 * it, another: make the turns they share the context, and their last answers a
 * and b. PK_EDATA when they part earlier. */
PK_NODISCARD int prefdb__split_dialogues(struct prefdb__record *out, size_t n_a,
                                         struct pk_err *err);

/* What is left of the row, less the members named in `known` (NULL at its
 * end), becomes the judgment's or record's *extra, if there is anything. */
PK_NODISCARD int prefdb__keep_rest(cJSON *row, const char *const *known,
                                   cJSON **extra, struct pk_err *err);

/* A row of chosen and rejected: one judgment that prefers a. */
PK_NODISCARD int prefdb__judge_chosen(cJSON *row, int dimension,
                                      const char *const *known,
                                      struct prefdb__record *out,
                                      struct pk_err *err);

/* Is there such a member, spelled exactly so? */
bool prefdb__has(const cJSON *row, const char *key);

/* true or false; `fallback` when absent or null. */
PK_NODISCARD int prefdb__read_bool(const cJSON *obj, const char *key,
                                   int fallback, int *out, struct pk_err *err);

#endif
