/* Opening, making and closing a store. */
#include "prefdb/store/store.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/path.h"
#include "common/version.h"
#include "prefdb/store/bulk.h"
#include "prefdb/store/log.h"
#include "prefdb/store/tokens.h"

/* The schema is longer than the 4095 bytes that ISO C promises. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char schema[] =
#include "schemas/prefdb.inc"
    ;
static const char from_1[] =
#include "schemas/migrate_1_2.inc"
    ;
#pragma GCC diagnostic pop

/* steps[v - 1] makes version v + 1 of version v. */
static const char *const steps[] = {from_1, NULL};
_Static_assert(sizeof steps / sizeof steps[0] == PREFDB__VERSION,
               "one step for every version but the newest, and NULL");

/* No statement of ours comes near these; one that a store from a stranger
 * brings in its schema may. */
static const struct {
    int what, most;
} limits[] = {{SQLITE_LIMIT_SQL_LENGTH, 1 << 17},
              {SQLITE_LIMIT_COLUMN, 100},
              {SQLITE_LIMIT_EXPR_DEPTH, 100},
              {SQLITE_LIMIT_COMPOUND_SELECT, 10},
              {SQLITE_LIMIT_VDBE_OP, 100000},
              {SQLITE_LIMIT_FUNCTION_ARG, 16},
              {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
              {SQLITE_LIMIT_VARIABLE_NUMBER, 300},
              {SQLITE_LIMIT_TRIGGER_DEPTH, 10}};

/* What every connection needs, before it reads anything. */
static int configure(struct prefdb *db, struct pk_err *err)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db->sql, limits[i].what, limits[i].most);
    sqlite3_busy_timeout(db->sql, PREFDB__BUSY_MS);
    if (sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) ||
        prefdb__tokens_register(db->sql))
        return prefdb__fail(db, err);
    return prefdb__settle(db, err);
}

int prefdb__settle(struct prefdb *db, struct pk_err *err)
{
    return prefdb__exec(db,
                        "PRAGMA trusted_schema = OFF;"
                        "PRAGMA cell_size_check = ON;"
                        "PRAGMA foreign_keys = ON;"
                        "PRAGMA synchronous = FULL;"
                        "PRAGMA cache_size = -65536;"
                        "PRAGMA temp_store = MEMORY",
                        err);
}

/* `file` is a path, or a URI with SQLITE_OPEN_URI. */
static int connect_to(struct prefdb *db, const char *file, int flags,
                      struct pk_err *err)
{
    sqlite3_close(db->sql);
    db->sql = NULL;
    if (sqlite3_open_v2(file, &db->sql, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return db->sql ? prefdb__fail(db, err) : pk_fail_mem(err, "the store");
    return configure(db, err);
}

/* "file:PATH?immutable=1", for a store in a folder that cannot be written to:
 * SQLite would need to make its -shm file there. */
static int connect_immutable(struct prefdb *db, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT((size_t)4 * PATH_MAX);
    pk_buf_adds(&b, "file:");
    for (const char *p = db->path; *p; p++)
        if (strchr("%?#", *p))
            pk_buf_addf(&b, "%%%02X", (unsigned char)*p);
        else
            pk_buf_addc(&b, *p);
    int rc = pk_buf_adds(&b, "?immutable=1");
    if (rc)
        rc = pk_fail_mem(err, "a path");
    else
        rc =
            connect_to(db, b.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    pk_buf_release(&b);
    return rc;
}

static bool folder_writable(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir =
        slash ? pk_memdup0(path, (size_t)(slash - path) + 1) : pk_strdup(".");
    bool ok = dir && access(dir, W_OK) == 0;
    free(dir);
    return ok;
}

/* Is there something of a transaction beside the store? */
static bool has_journal(const char *path)
{
    static const char *const tails[] = {"-wal", "-journal"};
    char side[PATH_MAX];
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(side, sizeof side, "%s%s", path, tails[i]);
        if (access(side, F_OK) == 0)
            return true;
    }
    return false;
}

/* Is it ours, and of our version? *version is the file's. An import into a new
 * store keeps readers out (bulk.h): they wait as writers do, up to a minute. */
static int identify(struct prefdb *db, int *version, struct pk_err *err)
{
    int64_t app, v;
    int rc, tries = 0;
    do
        rc = prefdb__int(db, "PRAGMA application_id", 0, &app, err);
    while (rc && sqlite3_errcode(db->sql) == SQLITE_BUSY && ++tries < 6);
    if (!rc)
        rc = prefdb__int(db, "PRAGMA user_version", 0, &v, err);
    if (rc)
        return rc;
    if (app != PREFDB__APPLICATION_ID || v < 1)
        return prefdb__fail_foreign(db->path, err);
    if (v > PREFDB__VERSION)
        return pk_fail(err, PK_EDATA,
                       "%s: written by a newer prefkit (store version %lld, "
                       "this program knows up to %d)",
                       db->path, (long long)v, PREFDB__VERSION);
    *version = (int)v;
    return 0;
}

static int open_existing(struct prefdb *db, bool write, struct pk_err *err)
{
    struct stat st;
    if (stat(db->path, &st) != 0) {
        int missing = errno == ENOENT;
        int rc = pk_fail_errno(err, "cannot open '%s'", db->path);
        if (missing)
            pk_err_suffix(err, "; `prefkit init` makes a store");
        return rc;
    }
    if (!S_ISREG(st.st_mode))
        return prefdb__fail_foreign(db->path, err);
    /* A reader, too, opens for writing where it may, so that the last one to
     * close takes the -wal file away; it is held to reading below. */
    int rc = !write && !folder_writable(db->path) && !has_journal(db->path)
                 ? connect_immutable(db, err)
                 : connect_to(db, db->path, SQLITE_OPEN_READWRITE, err);
    if (!rc && !write)
        rc = prefdb__exec(db, "PRAGMA query_only = ON", err);
    int version = 0;
    if (!rc)
        rc = identify(db, &version, err);
    if (rc)
        return rc;
    if (write && sqlite3_db_readonly(db->sql, "main"))
        return pk_fail(err, PK_EIO, "%s: the store is read-only", db->path);
    if (write && !folder_writable(db->path))
        return pk_fail(err, PK_EIO, "%s: its folder is read-only", db->path);
    if (version == PREFDB__VERSION)
        return write ? prefdb__use_wal(db, err) : 0;
    if (!write)
        return pk_fail(err, PK_EDATA,
                       "%s: written by an older prefkit (store version %d); "
                       "`prefkit init --upgrade` brings it up to date",
                       db->path, version);
    return prefdb__migrate(db, steps, version, PREFDB__VERSION, err);
}

/* Of a store's name: itself, and what SQLite keeps beside it. */
static const char *const tails[] = {"", "-wal", "-shm", "-journal"};

void prefdb__remove_files(const char *path)
{
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char *file;
        if (asprintf(&file, "%s%s", path, tails[i]) < 0)
            continue;
        unlink(file);
        free(file);
    }
}

/* An empty store in the file at `temp`, closed again. */
static int build(struct prefdb *db, const char *temp, struct pk_err *err)
{
    uint8_t uid[16];
    char hex[33], now[21], sql[512];
    if (getrandom(uid, sizeof uid, 0) != (ssize_t)sizeof uid)
        return pk_fail_errno(err, "cannot get random bytes");
    pk_hex(uid, sizeof uid, hex);
    prefdb__now(now);
    snprintf(sql, sizeof sql,
             "INSERT INTO meta VALUES ('uid', x'%s'), ('created', '%s'),"
             " ('prefkit', '" PK_VERSION "');"
             "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;"
             "PRAGMA journal_mode = WAL",
             hex, now, PREFDB__APPLICATION_ID, PREFDB__VERSION);
    int rc =
        connect_to(db, temp, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    /* Pages that hold a few answers each: fewer of them, and fewer levels. */
    if (!rc)
        rc = prefdb__exec(db, "PRAGMA page_size = 16384; BEGIN", err);
    if (!rc)
        rc = prefdb__exec(db, schema, err);
    if (!rc)
        rc = prefdb__exec(db, sql, err);
    sqlite3_close(db->sql);
    db->sql = NULL;
    return rc;
}

/* Made beside its place, then linked there: whole or not at all, and never
 * over another file. */
static int create(struct prefdb *db, struct pk_err *err)
{
    struct stat st;
    if (lstat(db->path, &st) == 0)
        return pk_fail(err, PK_EUSAGE, "'%s' is there already", db->path);
    struct pk_buf b = PK_BUF_INIT(PATH_MAX);
    if (pk_buf_addf(&b, "%s.tmp.%ld", db->path, (long)getpid()) < 0)
        return pk_fail(err, PK_EUSAGE, "the path is too long");
    int rc = build(db, b.data, err);
    if (rc && err && err->code == PK_EIO && !folder_writable(db->path))
        rc = pk_fail(err, PK_EIO,
                     "cannot create '%s': its folder is missing or read-only",
                     db->path);
    if (!rc && link(b.data, db->path) != 0)
        rc = errno == EEXIST
                 ? pk_fail(err, PK_EUSAGE, "'%s' is there already", db->path)
                 : pk_fail_errno(err, "cannot create '%s'", db->path);
    if (!rc)
        rc = pk_sync_parent(db->path, err);
    prefdb__remove_files(b.data);
    pk_buf_release(&b);
    return rc;
}

/* SQLite counts its memory, behind a lock around every allocation: a tenth of
 * an import, for figures that nobody asks for. (Too late where the program has
 * used SQLite before; then it goes on counting.) */
static void count_no_memory(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int prefdb_open(struct prefdb **out, const char *path, enum prefdb_mode mode,
                struct pk_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *out = NULL;
    pthread_once(&once, count_no_memory);
    struct prefdb *db = pk_calloc(1, sizeof *db);
    if (!db || !(db->path = pk_strdup(path))) {
        free(db);
        return pk_fail_mem(err, "the store");
    }
    db->writable = mode != PREFDB_READ;
    db->knows = PREFDB__VERSION;
    prefdb_wait(db, 60, NULL, NULL);
    db->text.max = (size_t)1 << 30;
    int rc = pk_sha256_new(&db->sha, err);
    if (!rc && mode == PREFDB_CREATE)
        rc = create(db, err);
    if (!rc)
        rc = open_existing(db, db->writable, err);
    if (!rc && mode == PREFDB_CREATE)
        rc = prefdb__log_place(db, err);
    if (rc) {
        db->writable = false;
        prefdb_close(db);
        return rc;
    }
    *out = db;
    return 0;
}

void prefdb_close(struct prefdb *db)
{
    if (!db)
        return;
    prefdb__many_free(db->many);
    sqlite3_finalize(db->get);
    sqlite3_finalize(db->get_turn);
    sqlite3_finalize(db->get_comparison);
    if (db->writable)
        sqlite3_exec(db->sql, "PRAGMA analysis_limit = 1000; PRAGMA optimize",
                     NULL, NULL, NULL);
    sqlite3_close(db->sql);
    pk_sha256_free(db->sha);
    pk_buf_release(&db->text);
    free(db->turns);
    free(db->path);
    free(db);
}

int prefdb_read_begin(struct prefdb *db, struct pk_err *err)
{
    return prefdb__exec(db, "BEGIN", err);
}

void prefdb_read_end(struct prefdb *db)
{
    if (db && !sqlite3_get_autocommit(db->sql))
        sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

int prefdb_check_output(const char *store, const char *option,
                        const char *output, struct pk_err *err)
{
    if (!output || strcmp(output, "-") == 0)
        return 0;
    char *is = pk_path_behind(store), *file;
    int rc = is ? 0 : pk_fail_mem(err, "a path");
    for (size_t i = 0; i < sizeof tails / sizeof tails[0] && !rc; i++) {
        if (asprintf(&file, "%s%s", is, tails[i]) < 0) {
            rc = pk_fail_mem(err, "a path");
            break;
        }
        if (pk_same_file(file, output))
            rc = pk_fail(err, PK_EUSAGE, "%s: '%s' is %s '%s'", option, output,
                         i ? "a file of the store" : "the store", store);
        free(file);
    }
    free(is);
    return rc;
}
