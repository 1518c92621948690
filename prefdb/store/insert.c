/* Rows into a table; see insert.h. */
#include "prefdb/store/insert.h"

static void add_row(struct pk_buf *b, int first, int columns)
{
    for (int i = 0; i < columns; i++)
        pk_buf_addf(b, "%s?%d", i ? "," : "(", first + i);
    pk_buf_addc(b, ')');
}

/* FAIL in place of ABORT: SQLite need not be able to take back the rows of a
 * statement that fails in its midst. */
int prefdb__insert_open(struct prefdb__insert *x, struct prefdb *db,
                        const char *into, int columns, int rows,
                        struct pk_err *err)
{
    *x = (struct prefdb__insert){.db = db, .columns = columns, .rows = rows};
    struct pk_buf b = PK_BUF_INIT(1 << 14);
    pk_buf_addf(&b, "INSERT OR FAIL INTO %s SELECT * FROM (VALUES ", into);
    for (int i = 0; i < rows; i++) {
        pk_buf_adds(&b, i ? "," : "");
        add_row(&b, 1 + i * columns, columns);
    }
    pk_buf_addf(&b, ") LIMIT ?%d", 1 + rows * columns);
    int rc = b.failed ? pk_fail_mem(err, "a statement")
                      : prefdb__prepare(db, &x->s, b.data, err);
    pk_buf_release(&b);
    return rc;
}

int prefdb__insert_flush(struct prefdb__insert *x, struct pk_err *err)
{
    if (!x->n)
        return 0;
    sqlite3_bind_int(x->s, 1 + x->rows * x->columns, x->n);
    x->n = 0;
    return prefdb__run(x->db, x->s, err);
}

void prefdb__insert_forget(struct prefdb__insert *x)
{
    x->n = 0;
}

void prefdb__insert_release(struct prefdb__insert *x)
{
    sqlite3_finalize(x->s);
    *x = (struct prefdb__insert){0};
}
