/* A connection for very many rows; see bulk.h. */
#include "prefdb/store/bulk.h"

#include <stdio.h>
#include <string.h>

#include "prefdb/store/writeback.h"

/* SQLite's triggers, on or off for this connection; prepared statements keep
 * what they were prepared with. */
static int set_triggers(struct prefdb *db, int on, struct pk_err *err)
{
    return sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, on, NULL)
               ? prefdb__fail(db, err)
               : 0;
}

/* To another journal: 1; 0 where others who have the store open prevent it, as
 * any journal will do. */
static int set_journal(struct prefdb *db, const char *name, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    char sql[48];
    int is = 0;
    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", name);
    int rc = sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        is = strcmp(prefdb__text(s, 0), name) == 0;
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        is = prefdb__fail(db, err);
    sqlite3_finalize(s);
    return is;
}

/* A page is written to the file when there is no more room for it in the cache:
 * with a large one, all would wait for the commit. */
static int begin_fresh(struct prefdb__bulk *b, struct pk_err *err)
{
    int rc = set_journal(b->db, "delete", err);
    if (rc <= 0)
        return rc;
    rc = prefdb__exec(b->db, "PRAGMA cache_size = -16384", err);
    b->writeback = prefdb__writeback_start(b->db->path);
    return rc;
}

int prefdb__bulk_begin(struct prefdb__bulk *b, struct prefdb *db,
                       struct pk_err *err)
{
    int64_t some = 0;
    *b = (struct prefdb__bulk){.db = db};
    int rc = prefdb__int(db, "SELECT 1 FROM turn LIMIT 1", 0, &some, err);
    if (!rc)
        rc = prefdb__exec(db,
                          "PRAGMA foreign_keys = OFF;"
                          "PRAGMA ignore_check_constraints = ON;"
                          "PRAGMA secure_delete = OFF",
                          err);
    if (!rc)
        rc = set_triggers(db, 0, err);
    return rc || some ? rc : begin_fresh(b, err);
}

int prefdb__use_wal(struct prefdb *db, struct pk_err *err)
{
    int rc = set_journal(db, "wal", err);
    return rc < 0 ? rc : 0;
}

int prefdb__bulk_end(struct prefdb__bulk *b, struct pk_err *err)
{
    if (!b->db)
        return 0;
    prefdb__writeback_stop(b->writeback);
    int rc = prefdb__use_wal(b->db, err);
    int on = set_triggers(b->db, 1, rc ? NULL : err);
    rc = rc ? rc : on;
    on = prefdb__exec(b->db,
                      "PRAGMA ignore_check_constraints = OFF;"
                      "PRAGMA secure_delete = ON",
                      rc ? NULL : err);
    rc = rc ? rc : on;
    on = prefdb__settle(b->db, rc ? NULL : err);
    *b = (struct prefdb__bulk){0};
    return rc ? rc : on;
}
