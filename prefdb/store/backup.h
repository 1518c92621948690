/* Private to prefdb/: a copy of a store that may be in use. */
#ifndef PREFKIT_PREFDB_STORE_BACKUP_H
#define PREFKIT_PREFDB_STORE_BACKUP_H

#include "common/progress.h"
#include "prefdb/store/store.h"

/* The store as it is at one moment, through SQLite's backup, into a new file
 * (PK_EUSAGE where there is one), which appears whole or not at all: it is
 * opened, checked by SQLite, and its fingerprint (to be kept in `fingerprint`)
 * compared before it gets its name. `progress` may be NULL. */
PK_NODISCARD int prefdb__backup(struct prefdb *db, const char *path,
                                struct pk_progress *progress,
                                char fingerprint[65], struct pk_err *err);

#endif
