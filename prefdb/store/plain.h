/* Private to prefdb/: foreign text where a person reads it. */
#ifndef PREFKIT_PREFDB_STORE_PLAIN_H
#define PREFKIT_PREFDB_STORE_PLAIN_H

#include <stddef.h>
#include <stdio.h>

/* Print text that must not reach a terminal as it is: control characters (but
 * for newlines and tabs), C1 and bidirectional controls become <U+001B>, bytes
 * that are not UTF-8 <FF>; after each newline come `indent` blanks. */
void prefdb__print_plain(FILE *f, const char *text, size_t len, int indent);

#endif
