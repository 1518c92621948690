/* Private to prefdb/: rows into a table, several at one statement, which is
 * most of what a row costs. They wait, bound but not in the table, until there
 * are as many as the statement takes, or somebody wants to read. */
#ifndef PREFKIT_PREFDB_STORE_INSERT_H
#define PREFKIT_PREFDB_STORE_INSERT_H

#include "prefdb/store/store.h"

#define PREFDB__TOGETHER 16 /* most rows of one statement */

struct prefdb__insert {
    struct prefdb *db;
    sqlite3_stmt *s;
    int columns, rows; /* of a row; of the statement */
    int n;             /* rows that wait */
};

/* `into`: "TABLE (COLUMN, ...)", with that many columns. Release also after an
 * error. A conflict is an error of the flush, which leaves what of the rows
 * came before: the transaction must be given up. */
PK_NODISCARD int prefdb__insert_open(struct prefdb__insert *x,
                                     struct prefdb *db, const char *into,
                                     int columns, int rows, struct pk_err *err);
void prefdb__insert_release(struct prefdb__insert *x);

/* A new row, for which there must be room (n < rows): the number before its
 * first parameter. All of them have to be bound, each to what lives until the
 * flush. */
static inline int prefdb__insert_row(struct prefdb__insert *x)
{
    return x->n++ * x->columns;
}

/* Write the rows that wait, or forget them. */
PK_NODISCARD int prefdb__insert_flush(struct prefdb__insert *x,
                                      struct pk_err *err);
void prefdb__insert_forget(struct prefdb__insert *x);

#endif
