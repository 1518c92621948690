/* Private to prefdb/: the open store, and SQLite with our errors.
 *
 * A statement has one owner, which finalizes it. Text and blobs are bound
 * without a copy, so they must live until the statement is reset. */
#ifndef PREFKIT_PREFDB_STORE_STORE_H
#define PREFKIT_PREFDB_STORE_STORE_H

#include <sqlite3.h>

#include "common/buf.h"
#include "common/sha256.h"
#include "prefdb/prefdb.h"

#define PREFDB__APPLICATION_ID 0x50464442 /* "PFDB" */
#define PREFDB__VERSION        2          /* user_version */

/* How long a statement waits for a lock. */
#define PREFDB__BUSY_MS 10000

struct prefdb {
    sqlite3 *sql;
    char *path;
    bool writable;
    bool lazy; /* prefdb_lazy */
    int knows; /* the newest version that it may have */
    int wait;  /* prefdb_wait: seconds, whom to tell */
    void (*told)(void *arg);
    void *told_arg;
    struct pk_sha256 *sha;
    /* prefdb_get: its statements, and what it lends out. */
    sqlite3_stmt *get, *get_turn, *get_comparison;
    struct pk_buf text;
    struct prefdb_turn *turns;
    size_t cap_turns;
    struct prefdb__many *many; /* prefdb_get_many's, or NULL */
};

void prefdb__many_free(struct prefdb__many *m); /* NULL is fine */

const char *prefdb__role_name(enum prefdb_role r);
bool prefdb__parse_role(const char *s, enum prefdb_role *out);
bool prefdb__parse_choice(const char *s, int *out); /* enum prefdb_choice */
bool prefdb__parse_label(const char *s, enum prefdb_label *out);
bool prefdb__parse_strength(const char *s, int *out);

/* Remove a store and what SQLite keeps beside it. */
void prefdb__remove_files(const char *path);

/* SQLite's last error as ours: full disk, busy, damaged, not a database. */
int prefdb__fail(const struct prefdb *db, struct pk_err *err);
/* For a file that is no store of ours: PK_EDATA. */
int prefdb__fail_foreign(const char *path, struct pk_err *err);

/* PK_EDATA: a row that can't be, as no row that we write is. */
int prefdb__damaged(const struct prefdb *db, const char *what, int64_t row,
                    struct pk_err *err);

/* From here on a signal that is caught (common/cli.h) ends a long statement
 * too, with PK_EINTR: for verbs whose work is a few of them. */
void prefdb__stop_on_signal(struct prefdb *db);

/* The connection's settings: at first, and after it was used with others. */
PK_NODISCARD int prefdb__settle(struct prefdb *db, struct pk_err *err);

PK_NODISCARD int prefdb__exec(struct prefdb *db, const char *sql,
                              struct pk_err *err);
PK_NODISCARD int prefdb__prepare(struct prefdb *db, sqlite3_stmt **out,
                                 const char *sql, struct pk_err *err);
/* 1: a row. 0: done. */
PK_NODISCARD int prefdb__step(struct prefdb *db, sqlite3_stmt *s,
                              struct pk_err *err);
/* Call `f` on every row of a query, until it gives a code that is not 0, or a
 * signal comes. */
typedef int prefdb__row_fn(void *ctx, sqlite3_stmt *s, struct pk_err *err);
PK_NODISCARD int prefdb__each(struct prefdb *db, const char *sql,
                              prefdb__row_fn *f, void *ctx, struct pk_err *err);
/* Run a statement that gives no row, and reset it. */
PK_NODISCARD int prefdb__run(struct prefdb *db, sqlite3_stmt *s,
                             struct pk_err *err);
/* BEGIN IMMEDIATE, waiting for other writers as prefdb_wait has it: SQLite's
 * own busy handler is not fair, and may give up on one of many waiters. Where
 * db->lazy the commit does not wait for the disk. */
PK_NODISCARD int prefdb__begin(struct prefdb *db, struct pk_err *err);
/* COMMIT where rc is 0, else, or when that fails, ROLLBACK; the code. */
PK_NODISCARD int prefdb__end(struct prefdb *db, int rc, struct pk_err *err);

/* The first column of the first row, or `fallback` when there is none. */
PK_NODISCARD int prefdb__int(struct prefdb *db, const char *sql,
                             int64_t fallback, int64_t *out,
                             struct pk_err *err);

void prefdb__bind_text(sqlite3_stmt *s, int i, const char *text); /* or NULL */
void prefdb__bind_real(sqlite3_stmt *s, int i, double x); /* NaN: NULL */
void prefdb__bind_blob(sqlite3_stmt *s, int i, const void *p, size_t n);

/* Text of a column, "" for NULL; borrowed until the next step. */
const char *prefdb__text(sqlite3_stmt *s, int col);
double prefdb__real(sqlite3_stmt *s, int col); /* NULL: NaN */

/* Bring a store from version `from` to `to`, in one transaction; steps[v - 1]
 * is the SQL that makes version v + 1 of version v. Meanwhile, as table
 * rebuilds need, a table that is renamed takes no references with it, and
 * foreign keys are off; they are checked before the commit. A step may change
 * the text of a table in sqlite_schema too. */
PK_NODISCARD int prefdb__migrate(struct prefdb *db, const char *const *steps,
                                 int from, int to, struct pk_err *err);

/* Responses that no comparison holds (safety data of single responses), and
 * whether a store has any: it is only then that looking is worth it. */
#define PREFDB__SINGLES                                                        \
    "FROM response AS r WHERE r.id NOT IN"                                     \
    " (SELECT a FROM comparison UNION SELECT b FROM comparison)"
#define PREFDB__HAS_SINGLES "SELECT 1 FROM meta WHERE key = 'single'"

/* The responses of comparisons of split ?2 and source ?3, or any where NULL. */
#define PREFDB__RESPONSES_OF                                                   \
    "SELECT a FROM comparison WHERE (?2 IS NULL OR split = ?2)"                \
    " AND (?3 IS NULL OR source = ?3) UNION"                                   \
    " SELECT b FROM comparison WHERE (?2 IS NULL OR split = ?2)"               \
    " AND (?3 IS NULL OR source = ?3)"

/* Now, as the store writes times: "2026-01-31T12:00:00Z". */
void prefdb__now(char out[21]);

#endif
