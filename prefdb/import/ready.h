/* Private to prefdb/: all that can be done with a file's row without the store:
 * read as its format says, checked, its uids worked out. It is done beside the
 * writer, in the thread that reads ahead. */
#ifndef PREFKIT_PREFDB_IMPORT_READY_H
#define PREFKIT_PREFDB_IMPORT_READY_H

#include "prefdb/import/format.h"
#include "prefdb/store/keys.h"

/* What a row has become; all zeroes before the first. `keys` has one for each
 * of rows.v. */
struct prefdb__made {
    struct prefdb__rows rows;
    struct prefdb__keys *keys;
    size_t cap_keys, n_keys; /* n_keys of them have been used */
};

/* How rows are to be taken. `held` and `last` are ready.c's own. */
struct prefdb__plan {
    const char *path, *source;
    const struct prefdb__format *format; /* NULL: by the first row that one of
                                            them knows, from there on */
    int dimension, split;                /* or -1: by the row; by hash */
    const struct prefdb__pairs *pairs;   /* for votes on them; or NULL */
    cJSON *held; /* a row that waits for its partner, from row to row */
    /* What the row before has become, where it is still there: the turns that
     * both have need not be hashed again. */
    const struct prefdb__made *last;
};

/* PK_EUSAGE when the plan does not go with the format that has been settled. */
PK_NODISCARD int prefdb__plan_check(const struct prefdb__plan *p,
                                    struct pk_err *err);

/* PK_EDATA: the row is bad, and why. PK_EUSAGE as above. The row lives as long
 * as what is made of it. */
PK_NODISCARD int prefdb__make_ready(struct prefdb__plan *p, struct pk_sha256 *h,
                                    cJSON *row, struct prefdb__made *out,
                                    struct pk_err *err);

/* Empty it, keeping its memory unless that is much. */
void prefdb__made_reset(struct prefdb__made *m);
void prefdb__made_release(struct prefdb__made *m);

#endif
