/* Private to prefdb/: the words of a text, for the search index. */
#ifndef PREFKIT_PREFDB_STORE_TOKENS_H
#define PREFKIT_PREFDB_STORE_TOKENS_H

#include <sqlite3.h>

/* FTS5's unicode61, but each Chinese or Japanese character is a word of its
 * own, as nothing stands between words there: what is searched for becomes a
 * phrase. The name is in the store, with the index that was made by it. */
#define PREFDB__TOKENS "prefkit_words"

/* For every connection that may come to an index. SQLite's status. */
int prefdb__tokens_register(sqlite3 *sql);

#endif
