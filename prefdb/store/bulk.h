/* Private to prefdb/: a connection through which very many rows of our own
 * making go into the store, in one transaction. */
#ifndef PREFKIT_PREFDB_STORE_BULK_H
#define PREFKIT_PREFDB_STORE_BULK_H

#include "prefdb/store/store.h"

struct prefdb__writeback;

struct prefdb__bulk {
    struct prefdb *db; /* NULL: not begun */
    struct prefdb__writeback *writeback;
};

/* Before the transaction. Until the end the connection checks neither foreign
 * keys nor CHECKs and runs no triggers: whoever writes has looked at the rows,
 * refers only to what it has found or added, and replaces nothing.
 *
 * A store that holds nothing yet, and that nobody else has open, is filled
 * without a -wal file: what is appended to it is written once, in its place,
 * and is on its way to the disk meanwhile. Whoever opens it then waits. End
 * also after an error. */
PK_NODISCARD int prefdb__bulk_begin(struct prefdb__bulk *b, struct prefdb *db,
                                    struct pk_err *err);
PK_NODISCARD int prefdb__bulk_end(struct prefdb__bulk *b, struct pk_err *err);

/* A store whose last writer was killed before prefdb__bulk_end, or whose other
 * users were in its way, gets its -wal file back; now or by the next writer. */
PK_NODISCARD int prefdb__use_wal(struct prefdb *db, struct pk_err *err);

#endif
