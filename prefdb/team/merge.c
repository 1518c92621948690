/* Merging. Rows are copied table by table in the order of their row numbers,
 * so that what a row refers to is there before it; a map per table leads from
 * the other store's row numbers to ours. */
#include "prefdb/team/merge.h"

#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"
#include "common/path.h"
#include "prefdb/store/check.h"
#include "prefdb/store/log.h"
#include "prefdb/store/write.h"
#include "prefdb/team/campaign.h"

enum { MAPS = 4, MAX_PARAMS = 16, MAX_DIFFERENCES = 3 };

/* Which map a parameter goes through; AS_IS: none. */
enum through { AS_IS, TURN, RESPONSE, COMPARISON, JUDGMENT };

/* How a table's rows are copied: column i of `read` (column 0 is the row's
 * number) is parameter i of the other three. `find` gives our row's number and,
 * for each name in `differs`, whether our row says otherwise (1), or only one
 * of the two says anything (2); `settle` decides
 * what it says then (its last parameter is the row's number). */
static const struct table {
    const char *name, *read, *find, *add, *settle;
    const char *differs[MAX_DIFFERENCES];
    enum through through[MAX_PARAMS + 1];
} tables[PREFDB__KINDS] = {
    [PREFDB__TURNS] =
        {"turn",
         "SELECT id, uid, parent, role, content, hash FROM turn ORDER BY id",
         "SELECT id FROM turn WHERE parent = ?2 AND uid = ?1 UNION ALL"
         " SELECT id FROM turn WHERE ?2 IS NULL AND parent IS NULL"
         " AND uid = ?1",
         "INSERT INTO turn (uid, parent, role, content, hash)"
         " VALUES (?1, ?2, ?3, ?4, ?5)",
         NULL,
         {NULL},
         {[2] = TURN}},
    [PREFDB__RESPONSES] =
        {"response",
         "SELECT id, uid, turn, model, temperature, top_p, seed, created, cut,"
         " extra FROM response ORDER BY id",
         "SELECT id FROM response WHERE turn = ?2 AND uid = ?1",
         "INSERT INTO response (uid, turn, model, temperature, top_p, seed,"
         " created, cut, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
         NULL,
         {NULL},
         {[2] = TURN}},
    [PREFDB__COMPARISONS] =
        {"comparison",
         "SELECT id, uid, prompt, a, b, source, batch, split, root, extra"
         " FROM comparison ORDER BY id",
         "SELECT id,"
         " CASE WHEN batch = ?6 THEN 0 WHEN '' IN (batch, ?6) THEN 2 ELSE 1"
         "  END, split <> ?7,"
         " CASE WHEN extra IS ?9 THEN 0 WHEN extra IS NULL OR ?9 IS NULL"
         "  THEN 2 ELSE 1 END"
         " FROM comparison WHERE prompt = ?2 AND uid = ?1",
         "INSERT INTO comparison (uid, prompt, a, b, source, batch, split,"
         " root, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
         "UPDATE comparison SET"
         " batch = CASE WHEN batch = '' THEN ?6 WHEN ?6 = '' THEN batch"
         "  ELSE min(batch, ?6) END,"
         " split = CASE WHEN 'test' IN (split, ?7) THEN 'test'"
         "  WHEN 'valid' IN (split, ?7) THEN 'valid' ELSE 'train' END,"
         " extra = CASE WHEN extra IS NULL THEN ?9 WHEN ?9 IS NULL THEN extra"
         "  ELSE min(extra, ?9) END WHERE id = ?10",
         {"batch", "split", "extra"},
         {[2] = TURN, [3] = RESPONSE, [4] = RESPONSE}},
    [PREFDB__JUDGMENTS] =
        {"judgment",
         "SELECT id, uid, comparison, dimension, choice, strength, label,"
         " shown_left, seconds, note, flags, guideline, annotator, created,"
         " supersedes, extra FROM judgment ORDER BY id",
         "SELECT id FROM judgment WHERE comparison = ?2 AND uid = ?1",
         "INSERT INTO judgment (uid, comparison, dimension, choice, strength,"
         " label, shown_left, seconds, note, flags, guideline, annotator,"
         " created, supersedes, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
         " ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
         NULL,
         {NULL},
         {[2] = COMPARISON, [14] = JUDGMENT}},
    [PREFDB__RATED] =
        {"rating",
         "SELECT id, uid, response, attribute, value, low, high, annotator,"
         " created, extra FROM rating ORDER BY id",
         "SELECT id FROM rating WHERE response = ?2 AND uid = ?1",
         "INSERT INTO rating (uid, response, attribute, value, low, high,"
         " annotator, created, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
         " ?9)",
         NULL,
         {NULL},
         {[2] = RESPONSE}},
    [PREFDB__SCORES] =
        {"score",
         "SELECT response, response, model, name, value, created FROM score",
         "SELECT response, value <> ?4 FROM score"
         " WHERE response = ?1 AND model = ?2",
         "INSERT INTO score (response, model, name, value, created)"
         " VALUES (?1, ?2, ?3, ?4, ?5)",
         "UPDATE score SET value = min(value, ?4), created = min(created, ?5)"
         " WHERE response = ?1 AND model = ?2 AND ?6",
         {"value"},
         {[1] = RESPONSE}},
    [PREFDB__IMPORTS] =
        {"import",
         "SELECT id, file, sha256, format, source, rows, comparisons,"
         " judgments, repeats, contradictory, bad, ratings, created"
         " FROM import_log"
         " ORDER BY id",
         "SELECT id FROM import_log WHERE file = ?1 AND sha256 = ?2 AND"
         " format = ?3 AND source = ?4 AND rows = ?5 AND comparisons = ?6 AND"
         " judgments = ?7 AND repeats = ?8 AND contradictory = ?9 AND"
         " bad = ?10 AND ratings = ?11 AND created = ?12",
         "INSERT INTO import_log (file, sha256, format, source, rows,"
         " comparisons, judgments, repeats, contradictory, bad, ratings,"
         " created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
         NULL,
         {NULL},
         {AS_IS}},
};

struct map {
    int64_t *to; /* by the other store's row number; 0: none */
    size_t n;
};

struct run {
    struct prefdb *db, *from;
    struct prefdb__merged *out;
    struct pk_progress *progress;
    struct map maps[MAPS];
    uint8_t *fresh; /* by the other's judgment: new here, and in no chain yet */
    uint64_t rows;
    /* The statements of the table being copied. */
    sqlite3_stmt *read, *find, *add, *settle;
};

static void conflict(struct run *r, const char *fmt, ...) PK_PRINTF(2, 3);
static void conflict(struct run *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (r->out->conflicts < PREFDB__CONFLICTS)
        vsnprintf(r->out->conflict[r->out->conflicts],
                  sizeof r->out->conflict[0], fmt, ap);
    va_end(ap);
    r->out->conflicts++;
}

static int tick(struct run *r, struct pk_err *err)
{
    if (++r->rows % 1024)
        return 0;
    if (r->progress)
        pk_progress_at(r->progress, r->rows);
    return pk_check_interrupt(err);
}

/* ---- Is the other one fit to be read? ------------------------------------ */

struct first {
    char text[200];
};

/* Leaks and orphans are faults of the data, not signs of damage. */
static void on_found(void *ctx, const struct prefdb__found *f)
{
    struct first *first = ctx;
    if (*first->text || strcmp(f->kind, "split") == 0 ||
        strcmp(f->kind, "orphan") == 0)
        return;
    snprintf(first->text, sizeof first->text, "%s %lld: %s", f->kind,
             (long long)f->row, f->what);
}

/* The text of all tables, indices, triggers and views, but for the search
 * index, which is not read. Caller frees; NULL when out of memory. */
static int schema_of(struct prefdb *db, char **out, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT group_concat(type || ' ' || name || ' ' || ifnull(sql, ''),"
        " char(10)) FROM (SELECT * FROM sqlite_schema WHERE name NOT GLOB"
        " 'sqlite_stat*' AND tbl_name NOT GLOB 'search*' ORDER BY type, name)",
        err);
    if (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        *out = pk_strdup(prefdb__text(s, 0));
        rc = *out ? 0 : pk_fail_mem(err, "a schema");
    }
    sqlite3_finalize(s);
    return rc;
}

static int check_other(struct run *r, struct pk_err *err)
{
    char *ours = NULL, *theirs = NULL;
    struct first first = {""};
    const struct prefdb__listener to = {.found = on_found, .ctx = &first};
    int rc = schema_of(r->db, &ours, err);
    if (!rc)
        rc = schema_of(r->from, &theirs, err);
    if (!rc && (!ours || !theirs || strcmp(ours, theirs) != 0))
        rc = pk_fail(err, PK_EDATA,
                     "%s: its tables are not those of a prefkit store",
                     r->from->path);
    free(ours);
    free(theirs);
    if (!rc)
        rc = prefdb__check(r->from, &to, err);
    if (!rc && *first.text)
        rc = pk_fail(err, PK_EDATA, "%s: it does not pass `prefkit check`: %s",
                     r->from->path, first.text);
    return rc;
}

/* ---- Rows ---------------------------------------------------------------- */

/* Row numbers are given from 1 on without gaps, so a map is as small as its
 * table. */
static int make_map(struct run *r, int kind, struct pk_err *err)
{
    static const char *const ask[] = {"min(id)", "max(id)", "count(*)"};
    char sql[128];
    int64_t said[3];
    for (int i = 0; i < 3; i++) {
        snprintf(sql, sizeof sql, "SELECT %s FROM %s", ask[i],
                 tables[kind].name);
        int rc = prefdb__int(r->from, sql, 0, &said[i], err);
        if (rc)
            return rc;
    }
    int64_t min = said[0], max = said[1], n = said[2];
    if (n && (min < 1 || max > 2 * n + 1024))
        return prefdb__damaged(r->from, tables[kind].name, min < 1 ? min : max,
                               err);
    r->maps[kind].n = (size_t)max + 1;
    r->maps[kind].to = pk_calloc(r->maps[kind].n, sizeof(int64_t));
    if (!r->maps[kind].to)
        return pk_fail_mem(err, "a map of rows");
    if (kind != PREFDB__JUDGMENTS)
        return 0;
    r->fresh = pk_calloc(r->maps[kind].n, 1);
    return r->fresh ? 0 : pk_fail_mem(err, "a map of rows");
}

/* Our row number for one of theirs; 0 where there is none. */
static int64_t mapped(const struct run *r, enum through t, int64_t id)
{
    const struct map *m = &r->maps[(int)t - 1];
    return id > 0 && (uint64_t)id < m->n ? m->to[id] : 0;
}

static void bind(const struct run *r, const struct table *t, sqlite3_stmt *s)
{
    int n = sqlite3_column_count(r->read);
    int params = sqlite3_bind_parameter_count(s);
    for (int i = 1; i < n && i <= params; i++) {
        if (t->through[i] == AS_IS ||
            sqlite3_column_type(r->read, i) == SQLITE_NULL)
            sqlite3_bind_value(s, i, sqlite3_column_value(r->read, i));
        else
            sqlite3_bind_int64(
                s, i,
                mapped(r, t->through[i], sqlite3_column_int64(r->read, i)));
    }
}

/* Our row is found: where it says otherwise, settle it. */
static int settle(struct run *r, const struct table *t, int64_t id,
                  struct pk_err *err)
{
    bool any = false;
    for (int i = 0; i < MAX_DIFFERENCES && t->differs[i]; i++) {
        int how = sqlite3_column_int(r->find, i + 1);
        any = any || how;
        if (how == 1)
            conflict(r, "%s %lld: its %s differs", t->name, (long long)id,
                     t->differs[i]);
    }
    sqlite3_reset(r->find);
    if (!any)
        return 0;
    bind(r, t, r->settle);
    sqlite3_bind_int64(r->settle, sqlite3_bind_parameter_count(r->settle), id);
    return prefdb__run(r->db, r->settle, err);
}

static int copy_row(struct run *r, int kind, struct pk_err *err)
{
    const struct table *t = &tables[kind];
    int64_t theirs = sqlite3_column_int64(r->read, 0), ours = 0;
    bind(r, t, r->find);
    int rc = prefdb__step(r->db, r->find, err);
    if (rc > 0) {
        ours = sqlite3_column_int64(r->find, 0);
        r->out->known[kind]++;
        rc = settle(r, t, ours, err);
    } else if (rc == 0) {
        sqlite3_reset(r->find);
        bind(r, t, r->add);
        rc = prefdb__run(r->db, r->add, err);
        ours = sqlite3_last_insert_rowid(r->db->sql);
        r->out->added[kind]++;
        if (kind == PREFDB__JUDGMENTS)
            r->fresh[theirs] = 1;
    }
    sqlite3_reset(r->find);
    if (!rc && kind < MAPS)
        r->maps[kind].to[theirs] = ours;
    return rc ? rc : tick(r, err);
}

static void finalize(struct run *r)
{
    sqlite3_stmt **s[] = {&r->read, &r->find, &r->add, &r->settle};
    for (int i = 0; i < 4; i++) {
        sqlite3_finalize(*s[i]);
        *s[i] = NULL;
    }
}

static int copy_table(struct run *r, int kind, struct pk_err *err)
{
    const struct table *t = &tables[kind];
    int rc = kind < MAPS ? make_map(r, kind, err) : 0;
    if (!rc)
        rc = prefdb__prepare(r->from, &r->read, t->read, err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->find, t->find, err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->add, t->add, err);
    if (!rc && t->settle)
        rc = prefdb__prepare(r->db, &r->settle, t->settle, err);
    while (!rc && (rc = prefdb__step(r->from, r->read, err)) > 0)
        rc = copy_row(r, kind, err);
    finalize(r);
    return rc;
}

/* ---- Chains -------------------------------------------------------------- */

/* The chain that parts from ours: the rest of it is not taken. */
struct fork {
    uint8_t origin[16];
    bool any;
};

static void forks(struct run *r, struct fork *f)
{
    char hex[33];
    f->any = true;
    memcpy(f->origin, sqlite3_column_blob(r->read, 1), sizeof f->origin);
    pk_hex(f->origin, sizeof f->origin, hex);
    conflict(r, "the chain of store %s forks at judgment %lld", hex,
             (long long)sqlite3_column_int64(r->read, 2));
}

static int copy_link(struct run *r, struct fork *f, struct pk_err *err)
{
    static const struct table t = {.through = {[3] = JUDGMENT}};
    int64_t judgment = sqlite3_column_int64(r->read, 3);
    bind(r, &t, r->find);
    int rc = prefdb__step(r->db, r->find, err);
    bool differs = rc > 0 && sqlite3_column_int(r->find, 0);
    sqlite3_reset(r->find);
    if (rc < 0)
        return rc;
    if (differs) {
        forks(r, f);
        return 0;
    }
    if (rc == 0) {
        bind(r, &t, r->add);
        rc = prefdb__run(r->db, r->add, err);
        r->out->links++;
    }
    if (mapped(r, JUDGMENT, judgment))
        r->fresh[judgment] = 0;
    return rc < 0 ? rc : 0;
}

/* The links of all chains, in order. */
static int copy_links(struct run *r, struct pk_err *err)
{
    struct fork f = {0};
    int rc = prefdb__prepare(r->from, &r->read,
                             "SELECT seq, origin, seq, judgment, hash FROM link"
                             " ORDER BY origin, seq",
                             err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->find,
                             "SELECT hash IS NOT ?4 FROM link"
                             " WHERE origin = ?1 AND seq = ?2",
                             err);
    if (!rc)
        rc = prefdb__prepare(r->db, &r->add,
                             "INSERT INTO link (origin, seq, judgment, hash)"
                             " VALUES (?1, ?2, ?3, ?4)",
                             err);
    while (!rc && (rc = prefdb__step(r->from, r->read, err)) > 0) {
        const void *origin = sqlite3_column_blob(r->read, 1);
        bool passed = f.any && memcmp(origin, f.origin, sizeof f.origin) == 0;
        rc = passed ? 0 : copy_link(r, &f, err);
        if (!rc)
            rc = tick(r, err);
    }
    finalize(r);
    return rc;
}

/* New judgments that no chain holds, because theirs forks: to our own. */
static int adopt(struct run *r, struct pk_err *err)
{
    struct prefdb__log log = {0};
    const struct map *m = &r->maps[PREFDB__JUDGMENTS];
    uint8_t digest[32];
    int rc = 0;
    bool open = false;
    for (size_t i = 0; i < m->n && !rc; i++) {
        if (!r->fresh[i])
            continue;
        if (!open)
            rc = prefdb__log_open(&log, r->db, 1, err);
        open = true;
        if (!rc)
            rc = prefdb__digest_of(r->db, m->to[i], digest, err);
        if (!rc) {
            prefdb__log_append(&log, m->to[i], digest);
            rc = prefdb__insert_flush(&log.links, err);
        }
    }
    prefdb__log_release(&log);
    return rc;
}

static int copy_all(struct run *r, struct pk_err *err)
{
    int64_t singles = 0;
    int rc = 0;
    for (int kind = 0; kind < PREFDB__KINDS && !rc; kind++)
        rc = copy_table(r, kind, err);
    if (!rc)
        rc = prefdb__int(r->from, PREFDB__HAS_SINGLES, 0, &singles, err);
    if (!rc && singles)
        rc = prefdb__mark_singles(r->db, err);
    if (!rc)
        rc = copy_links(r, err);
    if (!rc)
        rc = adopt(r, err);
    if (!rc)
        rc = prefdb__merge_guidelines(r->db, r->from, r->out, err);
    if (!rc && r->out->added[PREFDB__JUDGMENTS])
        rc = prefdb__tasks_reopen(r->db, err);
    if (!rc)
        rc = prefdb__leaks(r->db, &r->out->leaks, err);
    return rc;
}

int prefdb__merge(struct prefdb *db, const char *path, bool dry_run,
                  struct pk_progress *progress, struct prefdb__merged *out,
                  struct pk_err *err)
{
    struct run r = {.db = db, .out = out, .progress = progress};
    *out = (struct prefdb__merged){0};
    if (pk_same_file(db->path, path))
        return pk_fail(err, PK_EUSAGE, "'%s' is the store itself", path);
    int rc = prefdb_open(&r.from, path, PREFDB_READ, err);
    if (!rc)
        rc = prefdb__exec(r.from, "BEGIN", err);
    if (!rc)
        rc = check_other(&r, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (!rc) {
        rc = copy_all(&r, err);
        if (!rc && dry_run)
            sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
        else
            rc = prefdb__end(db, rc, err);
    }
    for (int i = 0; i < MAPS; i++)
        free(r.maps[i].to);
    free(r.fresh);
    prefdb_close(r.from);
    return rc;
}
