/* Private to prefdb/: a store's comparisons as our own JSON lines. */
#ifndef PREFKIT_PREFDB_EXPORT_EXPORT_H
#define PREFKIT_PREFDB_EXPORT_EXPORT_H

#include <stdio.h>

#include "prefdb/store/store.h"

struct prefdb__exported {
    uint64_t comparisons, judgments, singles;
};

/* Every comparison that the query lets through, in the order of the store, with
 * its judgments of that dimension, superseded ones included. With a dimension,
 * only comparisons that were judged on it. Then, when nothing is filtered, the
 * responses that no comparison holds. */
PK_NODISCARD int prefdb__export(struct prefdb *db, const struct prefdb_query *q,
                                FILE *f, struct prefdb__exported *done,
                                struct pk_err *err);

#endif
