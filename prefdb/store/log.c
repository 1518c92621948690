/* The end of this store's chain of judgments; see log.h. */
#include "prefdb/store/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

/* What a copy of the file does not share with it: the machine, the inode and
 * when that was made. */
static void place_of(const char *path, char *out, size_t size)
{
    struct statx st = {0};
    char machine[64] = "";
    FILE *f = fopen("/etc/machine-id", "r");
    if (f) {
        if (!fgets(machine, sizeof machine, f))
            machine[0] = 0;
        machine[strcspn(machine, "\n")] = 0;
        fclose(f);
    }
    statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st);
    snprintf(out, size, "%s/%llu/%lld.%09u", machine,
             (unsigned long long)st.stx_ino, (long long)st.stx_btime.tv_sec,
             st.stx_btime.tv_nsec);
}

static int set_meta(struct prefdb *db, const char *key, const void *p, size_t n,
                    bool blob, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "INSERT INTO meta VALUES (?1, ?2)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        err);
    if (rc)
        return rc;
    prefdb__bind_text(s, 1, key);
    if (blob)
        prefdb__bind_blob(s, 2, p, n);
    else
        prefdb__bind_text(s, 2, p);
    rc = prefdb__run(db, s, err);
    sqlite3_finalize(s);
    return rc;
}

int prefdb__log_place(struct prefdb *db, struct pk_err *err)
{
    char place[128];
    place_of(db->path, place, sizeof place);
    return set_meta(db, "place", place, 0, false, err);
}

/* A copy takes a name of its own. */
static int settle_origin(struct prefdb *db, struct pk_err *err)
{
    char place[128];
    uint8_t uid[PREFDB__UID];
    int64_t same;
    sqlite3_stmt *s = NULL;
    place_of(db->path, place, sizeof place);
    int rc = prefdb__prepare(
        db, &s, "SELECT 1 FROM meta WHERE key = 'place' AND value = ?1", err);
    if (!rc) {
        prefdb__bind_text(s, 1, place);
        rc = prefdb__step(db, s, err);
    }
    same = rc > 0;
    sqlite3_finalize(s);
    if (rc < 0 || same)
        return rc < 0 ? rc : 0;
    if (getrandom(uid, sizeof uid, 0) != (ssize_t)sizeof uid)
        return pk_fail_errno(err, "cannot get random bytes");
    rc = set_meta(db, "uid", uid, sizeof uid, true, err);
    return rc ? rc : set_meta(db, "place", place, 0, false, err);
}

/* 1: the first column of the first row, of n bytes; 0: no row. */
static int load_blob(struct prefdb *db, sqlite3_stmt *s, void *out, size_t n,
                     struct pk_err *err)
{
    int rc = prefdb__step(db, s, err);
    if (rc <= 0)
        return rc;
    const void *p = sqlite3_column_blob(s, 0);
    if (!p || (size_t)sqlite3_column_bytes(s, 0) != n)
        return pk_fail(err, PK_EDATA,
                       "%s: the store is damaged: run `prefkit check`",
                       db->path);
    memcpy(out, p, n);
    return 1;
}

int prefdb__log_open(struct prefdb__log *log, struct prefdb *db, int together,
                     struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *log = (struct prefdb__log){.db = db};
    int rc = settle_origin(db, err);
    if (!rc)
        rc = prefdb__prepare(db, &s, "SELECT value FROM meta WHERE key = 'uid'",
                             err);
    if (!rc)
        rc = load_blob(db, s, log->origin, sizeof log->origin, err);
    if (s && rc == 0)
        rc = pk_fail(err, PK_EDATA, "%s: the store has no uid", db->path);
    sqlite3_finalize(s);
    s = NULL;
    if (rc > 0)
        rc = prefdb__prepare(db, &s,
                             "SELECT hash, seq FROM link WHERE origin = ?1"
                             " ORDER BY seq DESC LIMIT 1",
                             err);
    if (!rc) {
        prefdb__bind_blob(s, 1, log->origin, sizeof log->origin);
        rc = load_blob(db, s, log->end.hash, sizeof log->end.hash, err);
        log->end.seq = rc > 0 ? sqlite3_column_int64(s, 1) : 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc
                  : prefdb__insert_open(&log->links, db,
                                        "link (origin, seq, judgment, hash)", 4,
                                        together, err);
}

void prefdb__log_append(struct prefdb__log *log, int64_t judgment,
                        const uint8_t digest[32])
{
    struct prefdb__log_end next = {.seq = log->end.seq + 1};
    sqlite3_stmt *s = log->links.s;
    uint8_t *hash = log->hashes[log->links.n];
    int at = prefdb__insert_row(&log->links);
    prefdb__chain_hash(log->db->sha, log->origin, next.seq, log->end.hash,
                       digest, next.hash);
    memcpy(hash, next.hash, sizeof next.hash);
    prefdb__bind_blob(s, at + 1, log->origin, sizeof log->origin);
    sqlite3_bind_int64(s, at + 2, next.seq);
    sqlite3_bind_int64(s, at + 3, judgment);
    prefdb__bind_blob(s, at + 4, hash, sizeof next.hash);
    log->end = next;
}

void prefdb__log_release(struct prefdb__log *log)
{
    prefdb__insert_release(&log->links);
}
