/* Private to prefdb/: is everything in the store as we would have written it?
 */
#ifndef PREFKIT_PREFDB_STORE_CHECK_H
#define PREFKIT_PREFDB_STORE_CHECK_H

#include "prefdb/store/record.h"

/* One thing found. `kind` is one of a few names ("turn", "split", ...). */
struct prefdb__found {
    const char *kind;
    int64_t row; /* 0: no single row */
    const char *what;
};

/* Where a chain of judgments ends. */
struct prefdb__chain {
    char origin[33];
    int64_t judgments;
    char head[65];
};

/* Called in order; each may be NULL. */
struct prefdb__listener {
    void (*found)(void *ctx, const struct prefdb__found *f);
    void (*chain)(void *ctx, const struct prefdb__chain *c);
    void *ctx;
};

/* SQLite's own integrity, foreign keys, every hash and uid recomputed, turns
 * that lead nowhere, split leaks, the judgments' chains. Within the caller's
 * transaction, if there is one. 0 whatever is found; negative when the check
 * could not be done. */
PK_NODISCARD int prefdb__check(struct prefdb *db,
                               const struct prefdb__listener *to,
                               struct pk_err *err);

/* The hash of what a judgment says, from its row. */
PK_NODISCARD int prefdb__digest_of(struct prefdb *db, int64_t judgment,
                                   uint8_t out[32], struct pk_err *err);

#endif
