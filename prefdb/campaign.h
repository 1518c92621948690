/* Private to prefdb/: what campaigns and leases share. */
#ifndef PREFKIT_PREFDB_CAMPAIGN_H
#define PREFKIT_PREFDB_CAMPAIGN_H

#include "prefdb/record.h"

/* PK_EUSAGE for a name that is empty, longer than 255 bytes or not UTF-8. */
PK_NODISCARD int prefdb__check_name(const char *what, const char *name,
                                    struct pk_err *err);

/* The settings of a campaign by its row number; PK_EUSAGE when there is none.
 * Texts are borrowed until the next call on db. */
PK_NODISCARD int prefdb__campaign(struct prefdb *db, int64_t id,
                                  struct prefdb_campaign *out,
                                  struct pk_err *err);

/* Prepare a statement and bind up to four whole numbers and then a text (or
 * NULL: none) to it, in order. */
PK_NODISCARD int prefdb__ask(struct prefdb *db, sqlite3_stmt **out,
                             const char *sql, const int64_t *numbers, size_t n,
                             const char *text, struct pk_err *err);

/* Such a statement run for its effect. */
PK_NODISCARD int prefdb__tell(struct prefdb *db, const char *sql,
                              const int64_t *numbers, size_t n,
                              const char *text, struct pk_err *err);

/* Tasks may be open again: after judgments came from elsewhere. Within a write
 * transaction. */
PK_NODISCARD int prefdb__tasks_reopen(struct prefdb *db, struct pk_err *err);

#endif
