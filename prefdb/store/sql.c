/* SQLite with our errors; see store.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/cli.h"
#include "prefdb/store/store.h"

int prefdb__fail_foreign(const char *path, struct pk_err *err)
{
    return pk_fail(err, PK_EDATA,
                   "%s: not a prefkit store; `prefkit init` makes one, "
                   "`prefkit import` reads files into it",
                   path);
}

int prefdb__fail(const struct prefdb *db, struct pk_err *err)
{
    const char *path = db->path;
    switch (sqlite3_errcode(db->sql)) {
    case SQLITE_NOMEM:
        return pk_fail_mem(err, "the store");
    case SQLITE_FULL:
        return pk_fail(err, PK_EIO, "%s: the disk is full", path);
    case SQLITE_BUSY:
        return pk_fail(err, PK_EIO,
                       "%s: another process is writing to it; try again", path);
    case SQLITE_INTERRUPT:
        return pk_interrupted() ? pk_check_interrupt(err)
                                : pk_fail(err, PK_EIO, "%s: interrupted", path);
    case SQLITE_READONLY:
        return pk_fail(err, PK_EIO, "%s: the store is read-only", path);
    case SQLITE_NOTADB:
        return prefdb__fail_foreign(path, err);
    case SQLITE_CORRUPT:
        return pk_fail(err, PK_EDATA, "%s: the store is damaged: %s", path,
                       sqlite3_errmsg(db->sql));
    case SQLITE_CONSTRAINT:
        return pk_fail(err, PK_EBUG, "%s: the store refused a row: %s", path,
                       sqlite3_errmsg(db->sql));
    case SQLITE_IOERR:
        return pk_fail(err, PK_EIO, "%s: %s (%s)", path,
                       sqlite3_errmsg(db->sql),
                       strerror(sqlite3_system_errno(db->sql)));
    default:
        return pk_fail(err, PK_EIO, "%s: %s", path, sqlite3_errmsg(db->sql));
    }
}

static int stop(void *arg)
{
    (void)arg;
    return pk_interrupted();
}

void prefdb__stop_on_signal(struct prefdb *db)
{
    enum { STEPS = 10000 }; /* of SQLite's machine: less than a millisecond */
    sqlite3_progress_handler(db->sql, STEPS, stop, NULL);
}

int prefdb__damaged(const struct prefdb *db, const char *what, int64_t row,
                    struct pk_err *err)
{
    return pk_fail(err, PK_EDATA,
                   "%s: %s %lld does not make sense; run `prefkit check`",
                   db->path, what, (long long)row);
}

int prefdb__exec(struct prefdb *db, const char *sql, struct pk_err *err)
{
    return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : prefdb__fail(db, err);
}

int prefdb__prepare(struct prefdb *db, sqlite3_stmt **out, const char *sql,
                    struct pk_err *err)
{
    return sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, out,
                              NULL) == SQLITE_OK
               ? 0
               : prefdb__fail(db, err);
}

int prefdb__step(struct prefdb *db, sqlite3_stmt *s, struct pk_err *err)
{
    switch (sqlite3_step(s)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return prefdb__fail(db, err);
    }
}

int prefdb__each(struct prefdb *db, const char *sql, prefdb__row_fn *f,
                 void *ctx, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    uint64_t n = 0;
    int rc = prefdb__prepare(db, &s, sql, err);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        rc = f(ctx, s, err);
        if (!rc && ++n % 1024 == 0)
            rc = pk_check_interrupt(err);
    }
    sqlite3_finalize(s);
    return rc;
}

int prefdb__run(struct prefdb *db, sqlite3_stmt *s, struct pk_err *err)
{
    int rc = prefdb__step(db, s, err);
    sqlite3_reset(s);
    return rc < 0 ? rc : 0;
}

/* Is the open file no longer the one of its name? What is written then would be
 * lost, or, since the log is found by the name, ruin another store. What is in
 * the log goes into the file that it belongs to, wherever that is now. */
static int refuse_moved(struct prefdb *db, struct pk_err *err)
{
    int moved = 0;
    if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ||
        !moved)
        return 0;
    if (!sqlite3_get_autocommit(db->sql))
        sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_wal_checkpoint_v2(db->sql, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL,
                              NULL);
    return pk_fail(err, PK_EIO,
                   "%s: the store was moved, deleted or replaced while it was "
                   "open; nothing more is written to it",
                   db->path);
}

/* BEGIN IMMEDIATE, a second at a time. */
static int wait_begin(struct prefdb *db)
{
    int rc, waited = 0;
    sqlite3_busy_timeout(db->sql, db->wait ? 1000 : 0);
    do {
        rc = sqlite3_exec(db->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc == SQLITE_BUSY && ++waited == 1 && db->told)
            db->told(db->told_arg);
    } while (rc == SQLITE_BUSY && waited < db->wait && !pk_interrupted());
    sqlite3_busy_timeout(db->sql, PREFDB__BUSY_MS);
    return rc;
}

void prefdb_wait(struct prefdb *db, int seconds, void (*told)(void *arg),
                 void *arg)
{
    db->wait = seconds;
    db->told = told;
    db->told_arg = arg;
}

/* Has a newer program made it a store that this one does not know? */
static int refuse_newer(struct prefdb *db, struct pk_err *err)
{
    int64_t now;
    int rc = prefdb__int(db, "PRAGMA user_version", 0, &now, err);
    if (!rc && now <= db->knows)
        return 0;
    sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return rc ? rc
              : pk_fail(err, PK_EIO,
                        "%s: a newer prefkit has upgraded the store while it "
                        "was open; nothing more is written to it by this one",
                        db->path);
}

static int begin(struct prefdb *db, struct pk_err *err)
{
    int rc = refuse_moved(db, err);
    if (rc)
        return rc;
    if (wait_begin(db) != SQLITE_OK)
        return prefdb__fail(db, err);
    rc = refuse_moved(db, err);
    return rc ? rc : refuse_newer(db, err);
}

/* Is there a log, and nothing in it? */
static bool fresh_log(struct prefdb *db)
{
    struct stat st;
    const char *file = sqlite3_db_filename(db->sql, "main");
    return file && stat(sqlite3_filename_wal(file), &st) == 0 &&
           st.st_size == 0;
}

/* Nobody waits for a commit in NORMAL, but for the log's header when the log
 * begins anew: else older transactions in it could come back. In a log that has
 * never been written to there are none, so there OFF is as good. */
static int begin_lazy(struct prefdb *db, struct pk_err *err)
{
    for (bool fresh = fresh_log(db);; fresh = false) {
        int rc = prefdb__exec(db,
                              fresh ? "PRAGMA synchronous = OFF"
                                    : "PRAGMA synchronous = NORMAL",
                              err);
        if (!rc)
            rc = begin(db, err);
        /* Nobody else writes now. */
        if (rc || !fresh || fresh_log(db))
            return rc;
        sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    }
}

int prefdb_lazy(struct prefdb *db, bool on, struct pk_err *err)
{
    db->lazy = on;
    return on ? 0 : prefdb__exec(db, "PRAGMA synchronous = FULL", err);
}

int prefdb__begin(struct prefdb *db, struct pk_err *err)
{
    return db->lazy ? begin_lazy(db, err) : begin(db, err);
}

int prefdb__end(struct prefdb *db, int rc, struct pk_err *err)
{
    if (!rc)
        rc = prefdb__exec(db, "COMMIT", err);
    if (rc)
        sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int prefdb__int(struct prefdb *db, const char *sql, int64_t fallback,
                int64_t *out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = fallback;
    int rc = prefdb__prepare(db, &s, sql, err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

void prefdb__bind_text(sqlite3_stmt *s, int i, const char *text)
{
    sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
}

void prefdb__bind_real(sqlite3_stmt *s, int i, double x)
{
    if (isnan(x))
        sqlite3_bind_null(s, i);
    else
        sqlite3_bind_double(s, i, x + 0.0); /* -0 is 0 */
}

void prefdb__bind_blob(sqlite3_stmt *s, int i, const void *p, size_t n)
{
    sqlite3_bind_blob64(s, i, p, n, SQLITE_STATIC);
}

const char *prefdb__text(sqlite3_stmt *s, int col)
{
    const unsigned char *t = sqlite3_column_text(s, col);
    return t ? (const char *)t : "";
}

double prefdb__real(sqlite3_stmt *s, int col)
{
    return sqlite3_column_type(s, col) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(s, col);
}

void prefdb__now(char out[21])
{
    time_t t = time(NULL);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* The steps themselves; the caller has opened the transaction. */
static int apply(struct prefdb *db, const char *const *steps, int from, int to,
                 struct pk_err *err)
{
    int64_t now, broken;
    int rc = prefdb__int(db, "PRAGMA user_version", 0, &now, err);
    /* Another process may have done it while we waited for the lock. */
    if (rc || now != from)
        return rc;
    for (int v = from; v < to; v++)
        if ((rc = prefdb__exec(db, steps[v - 1], err)) < 0)
            return rc;
    rc = prefdb__int(db, "SELECT count(*) FROM pragma_foreign_key_check", 0,
                     &broken, err);
    if (rc)
        return rc;
    if (broken)
        return pk_fail(err, PK_EDATA,
                       "%s: cannot bring the store from version %d to %d: "
                       "%lld references would break",
                       db->path, from, to, (long long)broken);
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", to);
    return prefdb__exec(db, sql, err);
}

/* What steps need to do, and nothing else may. */
static int allow_steps(struct prefdb *db, bool on, struct pk_err *err)
{
    if (sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, !on, NULL))
        return prefdb__fail(db, err);
    return prefdb__exec(db,
                        on ? "PRAGMA foreign_keys = OFF;"
                             "PRAGMA legacy_alter_table = ON;"
                             "PRAGMA writable_schema = ON"
                           : "PRAGMA foreign_keys = ON;"
                             "PRAGMA legacy_alter_table = OFF;"
                             "PRAGMA writable_schema = RESET",
                        err);
}

int prefdb__migrate(struct prefdb *db, const char *const *steps, int from,
                    int to, struct pk_err *err)
{
    if (to > db->knows)
        db->knows = to;
    int rc = allow_steps(db, true, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (!rc)
        rc = prefdb__end(db, apply(db, steps, from, to, err), err);
    int off = allow_steps(db, false, rc ? NULL : err);
    return rc ? rc : off;
}
