/* Private to prefdb/: lending out dialogues from a handle's own buffers. */
#ifndef PREFKIT_PREFDB_STORE_QUERY_H
#define PREFKIT_PREFDB_STORE_QUERY_H

#include "prefdb/store/store.h"

/* Copy a column's text, with a NUL, into db->text: its offset there and, if
 * wanted, its length. */
PK_NODISCARD int prefdb__keep_text(struct prefdb *db, sqlite3_stmt *s, int col,
                                   size_t *at, size_t *len, struct pk_err *err);

/* The path from turn `id` (0: none) up to its root, into db->turns, root first;
 * the texts follow each other at the end of db->text, last turn first. */
PK_NODISCARD int prefdb__context(struct prefdb *db, int64_t id, size_t *n_out,
                                 struct pk_err *err);

/* Once nothing more is added to db->text: the n turns with their texts, which
 * start at offset `at`. */
const struct prefdb_turn *prefdb__lend_context(struct prefdb *db, size_t n,
                                               size_t at);

#endif
