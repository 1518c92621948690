/* Private to prefdb/: the judgments' hash chains. */
#ifndef PREFKIT_PREFDB_STORE_LOG_H
#define PREFKIT_PREFDB_STORE_LOG_H

#include "prefdb/store/insert.h"
#include "prefdb/store/record.h"

/* Where a chain ends; seq 0 and zeroes before its first link. */
struct prefdb__log_end {
    int64_t seq;
    uint8_t hash[32];
};

/* This store's own chain, open for appending. */
struct prefdb__log {
    struct prefdb *db;
    struct prefdb__insert links;
    uint8_t hashes[PREFDB__TOGETHER][32]; /* of those that wait */
    uint8_t origin[PREFDB__UID];
    struct prefdb__log_end end;
};

/* Within a write transaction; `together`: as many links at a time, at most
 * PREFDB__TOGETHER. A file that is a copy of another begins a chain of its own,
 * as two copies that went on with one would fork it. Release also after an
 * error. */
PK_NODISCARD int prefdb__log_open(struct prefdb__log *log, struct prefdb *db,
                                  int together, struct pk_err *err);
/* The link may wait in log->links (insert.h), where there must be room. */
void prefdb__log_append(struct prefdb__log *log, int64_t judgment,
                        const uint8_t digest[32]);
void prefdb__log_release(struct prefdb__log *log);

/* Remember where this file is, so that a copy is known as one. */
PK_NODISCARD int prefdb__log_place(struct prefdb *db, struct pk_err *err);

#endif
