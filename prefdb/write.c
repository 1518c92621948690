/* Records into the store: turns, responses, the comparison, its judgments, each
 * looked up by uid first and added when it is new. */
#include "prefdb/writer.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const char *const queries[N_QUERIES] = {
    [FIND_ROOT] = "SELECT id FROM turn WHERE parent IS NULL AND uid = ?1",
    [FIND_TURN] = "SELECT id FROM turn WHERE parent = ?2 AND uid = ?1",
    [ADD_TURN] = "INSERT INTO turn (uid, parent, role, content, hash)"
                 " VALUES (?1, ?2, ?3, ?4, ?5)",
    [FIND_RESPONSE] = "SELECT id FROM response WHERE turn = ?2 AND uid = ?1",
    [ADD_RESPONSE] =
        "INSERT INTO response (uid, turn, model, temperature, top_p, seed,"
        " created, cut, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [FIND_COMPARISON] = "SELECT id, batch IS NOT ?2 OR split IS NOT ?3 OR"
                        " extra IS NOT ?4 FROM comparison"
                        " WHERE prompt = ?5 AND uid = ?1",
    [ADD_COMPARISON] =
        "INSERT INTO comparison (uid, prompt, a, b, source, batch, split, root,"
        " extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [FIND_JUDGMENT] =
        "SELECT id FROM judgment WHERE comparison = ?2 AND uid = ?1",
    [ADD_JUDGMENT] =
        "INSERT INTO judgment (uid, comparison, dimension, choice, strength,"
        " label, shown_left, seconds, note, flags, guideline, annotator,"
        " created, supersedes, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
        " ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [FIND_OTHER] =
        "SELECT 1 FROM live_judgment WHERE comparison = ?1 AND dimension = ?2"
        " AND annotator = ?3 AND choice <> ?4 LIMIT 1",
    [FIND_OLD] = "SELECT id FROM judgment WHERE uid = ?1 AND comparison = ?2"
                 " AND dimension = ?3",
};

static void writer_free(struct prefdb__writer *w)
{
    for (int i = 0; i < N_QUERIES; i++)
        sqlite3_finalize(w->q[i]);
    prefdb__log_release(&w->log);
    prefdb__ratings_release(&w->ratings);
    prefdb__keys_release(&w->keys);
    free(w->path);
    free(w);
}

int prefdb__writer_begin(struct prefdb__writer **out, struct prefdb *db,
                         struct pk_err *err)
{
    *out = NULL;
    struct prefdb__writer *w = pk_calloc(1, sizeof *w);
    if (!w)
        return pk_fail_mem(err, "a writer");
    w->db = db;
    int rc = 0;
    for (int i = 0; i < N_QUERIES && !rc; i++)
        rc = prefdb__prepare(db, &w->q[i], queries[i], err);
    if (!rc)
        rc = prefdb__ratings_open(&w->ratings, db, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc) {
        writer_free(w);
        return rc;
    }
    *out = w;
    rc = prefdb__log_open(&w->log, db, err);
    if (rc)
        prefdb__writer_abort(out);
    return rc;
}

int prefdb__writer_find(struct prefdb__writer *w, enum prefdb__query i,
                        int64_t *id, bool *flag, struct pk_err *err)
{
    int rc = prefdb__step(w->db, w->q[i], err);
    if (rc > 0)
        *id = sqlite3_column_int64(w->q[i], 0);
    if (rc > 0 && flag)
        *flag = sqlite3_column_int(w->q[i], 1) != 0;
    sqlite3_reset(w->q[i]);
    return rc;
}

int prefdb__writer_add(struct prefdb__writer *w, enum prefdb__query i,
                       int64_t *id, struct pk_err *err)
{
    int rc = prefdb__run(w->db, w->q[i], err);
    if (!rc)
        *id = sqlite3_last_insert_rowid(w->db->sql);
    return rc;
}

/* *at becomes the turn under it (under no parent where at->id is 0). */
static int put_turn(struct prefdb__writer *w, const struct prefdb_turn *t,
                    const struct prefdb__turn_key *key, struct prefdb__ref *at,
                    struct pk_err *err)
{
    int64_t parent = at->id;
    enum prefdb__query i = parent ? FIND_TURN : FIND_ROOT;
    memcpy(at->uid, key->uid, PREFDB__UID);
    if (!at->fresh) {
        prefdb__bind_blob(w->q[i], 1, at->uid, PREFDB__UID);
        if (parent)
            sqlite3_bind_int64(w->q[i], 2, parent);
        int rc = prefdb__writer_find(w, i, &at->id, NULL, err);
        if (rc)
            return rc < 0 ? rc : 0;
    }
    at->fresh = true;
    sqlite3_stmt *s = w->q[ADD_TURN];
    prefdb__bind_blob(s, 1, at->uid, PREFDB__UID);
    if (parent)
        sqlite3_bind_int64(s, 2, parent);
    else
        sqlite3_bind_null(s, 2);
    prefdb__bind_text(s, 3, prefdb__role_name(t->role));
    sqlite3_bind_text64(s, 4, t->text, t->len, SQLITE_STATIC, SQLITE_UTF8);
    prefdb__bind_blob(s, 5, key->hash, sizeof key->hash);
    return prefdb__writer_add(w, ADD_TURN, &at->id, err);
}

/* The context; *at becomes its last turn. */
static int put_context(struct prefdb__writer *w, const struct prefdb__record *r,
                       const struct prefdb__keys *k, struct prefdb__ref *at,
                       struct pk_err *err)
{
    size_t i = 0;
    if (!pk_grow(&w->path, &w->cap_path, r->n_context, sizeof *w->path))
        return pk_fail_mem(err, "a dialogue");
    while (i < r->n_context && i < w->n_path &&
           memcmp(w->path[i].uid, k->turns[i].uid, PREFDB__UID) == 0)
        *at = w->path[i++];
    for (w->n_path = i; i < r->n_context; i++) {
        int rc = put_turn(w, &r->context[i], &k->turns[i], at, err);
        if (rc)
            return rc;
        w->path[i] = *at;
        w->path[i].fresh = false; /* to the next record */
        w->n_path = i + 1;
    }
    return 0;
}

static int put_response(struct prefdb__writer *w, struct prefdb__ref prompt,
                        const struct prefdb__response *r,
                        const struct prefdb__response_key *key,
                        struct prefdb__ref *out, struct pk_err *err)
{
    struct prefdb__ref turn = prompt;
    int rc = put_turn(w, &r->turn, &key->turn, &turn, err);
    if (rc)
        return rc;
    memcpy(out->uid, key->uid, PREFDB__UID);
    if (!turn.fresh) {
        prefdb__bind_blob(w->q[FIND_RESPONSE], 1, out->uid, PREFDB__UID);
        sqlite3_bind_int64(w->q[FIND_RESPONSE], 2, turn.id);
        rc = prefdb__writer_find(w, FIND_RESPONSE, &out->id, NULL, err);
        if (rc)
            return rc < 0 ? rc : 0;
    }
    out->fresh = true;
    sqlite3_stmt *s = w->q[ADD_RESPONSE];
    prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
    sqlite3_bind_int64(s, 2, turn.id);
    prefdb__bind_text(s, 3, r->model);
    prefdb__bind_real(s, 4, r->temperature);
    prefdb__bind_real(s, 5, r->top_p);
    if (r->has_seed)
        sqlite3_bind_int64(s, 6, r->seed);
    else
        sqlite3_bind_null(s, 6);
    prefdb__bind_text(s, 7, r->created);
    sqlite3_bind_int(s, 8, r->cut);
    prefdb__bind_text(s, 9, key->extra);
    return prefdb__writer_add(w, ADD_RESPONSE, &out->id, err);
}

struct place {
    const char *batch, *split;
};

/* 1: it is there; 0: it is new. */
static int find_comparison(struct prefdb__writer *w,
                           const struct prefdb__keys *k, struct place at,
                           const struct prefdb__ref parts[3],
                           struct prefdb__ref *out,
                           struct prefdb__counts *counts, struct pk_err *err)
{
    bool differs = false;
    if (parts[1].fresh || parts[2].fresh)
        return 0;
    sqlite3_stmt *s = w->q[FIND_COMPARISON];
    prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
    prefdb__bind_text(s, 2, at.batch);
    prefdb__bind_text(s, 3, at.split);
    prefdb__bind_text(s, 4, k->extra);
    sqlite3_bind_int64(s, 5, parts[0].id);
    int rc = prefdb__writer_find(w, FIND_COMPARISON, &out->id, &differs, err);
    counts->known += rc > 0;
    counts->kept += rc > 0 && differs;
    return rc;
}

static int put_comparison(struct prefdb__writer *w,
                          const struct prefdb__record *r,
                          const struct prefdb__keys *k,
                          const struct prefdb__ref parts[3],
                          struct prefdb__ref *out,
                          struct prefdb__counts *counts, struct pk_err *err)
{
    int split = r->split < 0 ? (int)prefdb__split_of(k->root) : r->split;
    const struct place at = {r->batch ? r->batch : "",
                             prefdb_split_name((enum prefdb_split)split)};
    memcpy(out->uid, k->comparison, PREFDB__UID);
    int rc = find_comparison(w, k, at, parts, out, counts, err);
    if (rc)
        return rc < 0 ? rc : 0;
    sqlite3_stmt *s = w->q[ADD_COMPARISON];
    prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
    for (int i = 0; i < 3; i++)
        sqlite3_bind_int64(s, 2 + i, parts[i].id);
    prefdb__bind_text(s, 5, r->source);
    prefdb__bind_text(s, 6, at.batch);
    prefdb__bind_text(s, 7, at.split);
    prefdb__bind_blob(s, 8, k->root, sizeof k->root);
    prefdb__bind_text(s, 9, k->extra);
    counts->comparisons++;
    out->fresh = true;
    return prefdb__writer_add(w, ADD_COMPARISON, &out->id, err);
}

int prefdb__mark_singles(struct prefdb *db, struct pk_err *err)
{
    return prefdb__exec(db,
                        "INSERT INTO meta (key, value) VALUES ('single', 1)"
                        " ON CONFLICT (key) DO NOTHING",
                        err);
}

static int mark_single(struct prefdb__writer *w, struct pk_err *err)
{
    if (w->has_single)
        return 0;
    int rc = prefdb__mark_singles(w->db, err);
    w->has_single = rc == 0;
    return rc;
}

static int put_parts(struct prefdb__writer *w, const struct prefdb__record *r,
                     const struct prefdb__keys *k,
                     struct prefdb__counts *counts, struct pk_err *err)
{
    struct prefdb__ref parts[3] = {{0}}, comparison = {0}; /* prompt, a, b */
    int rc = put_context(w, r, k, &parts[0], err);
    if (!rc)
        rc = put_response(w, parts[0], &r->a, &k->a, &parts[1], err);
    if (!rc)
        rc = prefdb__ratings_put(&w->ratings, parts[1].id, &r->a, &k->a, counts,
                                 err);
    if (!rc && r->single) {
        counts->single++;
        return mark_single(w, err);
    }
    if (!rc)
        rc = put_response(w, parts[0], &r->b, &k->b, &parts[2], err);
    if (!rc)
        rc = prefdb__ratings_put(&w->ratings, parts[2].id, &r->b, &k->b, counts,
                                 err);
    if (!rc)
        rc = put_comparison(w, r, k, parts, &comparison, counts, err);
    if (rc < 0)
        return rc;
    counts->comparison = comparison.id;
    counts->empty += r->a.turn.len == 0 || r->b.turn.len == 0;
    rc = 0;
    for (size_t i = 0; i < r->n_judgments && !rc; i++) {
        rc = prefdb__put_judgment(w, &r->judgments[i], &k->judgments[i],
                                  &comparison, counts, err);
        comparison.fresh = false;
    }
    return rc;
}

/* A record whose judgments supersede others can turn out to be bad when it is
 * half written; then a savepoint takes it back. */
static int put_or_undo(struct prefdb__writer *w, const struct prefdb__record *r,
                       const struct prefdb__keys *k,
                       struct prefdb__counts *counts, struct pk_err *err)
{
    struct prefdb__counts counts_before = *counts;
    struct prefdb__log_end end_before = w->log.end;
    int rc = prefdb__exec(w->db, "SAVEPOINT row", err);
    if (!rc)
        rc = put_parts(w, r, k, counts, err);
    if (!rc)
        return prefdb__exec(w->db, "RELEASE row", err);
    *counts = counts_before;
    w->log.end = end_before;
    w->n_path = 0;
    sqlite3_exec(w->db->sql, "ROLLBACK TO row; RELEASE row", NULL, NULL, NULL);
    return rc;
}

int prefdb__writer_put_keyed(struct prefdb__writer *w,
                             const struct prefdb__record *r,
                             const struct prefdb__keys *k,
                             struct prefdb__counts *counts, struct pk_err *err)
{
    for (size_t i = 0; i < r->n_judgments; i++)
        if (r->judgments[i].has_supersedes)
            return put_or_undo(w, r, k, counts, err);
    return put_parts(w, r, k, counts, err);
}

int prefdb__writer_put(struct prefdb__writer *w, struct prefdb__record *r,
                       const char *source, int split,
                       struct prefdb__counts *counts, struct pk_err *err)
{
    if (!r->source)
        r->source = source;
    if (r->split < 0)
        r->split = split;
    int rc = prefdb__record_check(r, err);
    if (!rc)
        rc = prefdb__keys_of(&w->keys, w->db->sha, r, err);
    return rc ? rc : prefdb__writer_put_keyed(w, r, &w->keys, counts, err);
}

int prefdb__writer_commit(struct prefdb__writer **slot, struct pk_err *err)
{
    struct prefdb__writer *w = *slot;
    int rc = prefdb__exec(w->db, "COMMIT", err);
    if (rc) {
        prefdb__writer_abort(slot);
        return rc;
    }
    writer_free(w);
    *slot = NULL;
    return 0;
}

void prefdb__writer_abort(struct prefdb__writer **slot)
{
    struct prefdb__writer *w = *slot;
    if (!w)
        return;
    struct prefdb *db = w->db;
    writer_free(w);
    *slot = NULL;
    sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}
