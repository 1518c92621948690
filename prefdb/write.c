/* Records into the store: turns, responses, the comparison, its judgments, each
 * looked up by uid first and added when it is new. */
#include "prefdb/write.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum query {
    FIND_ROOT,
    FIND_TURN,
    ADD_TURN,
    FIND_RESPONSE,
    ADD_RESPONSE,
    FIND_COMPARISON,
    ADD_COMPARISON,
    FIND_JUDGMENT,
    ADD_JUDGMENT,
    FIND_OTHER,
    FIND_OLD,
    N_QUERIES
};

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

/* A row that is or is about to be: its number and its uid. */
struct ref {
    int64_t id;
    uint8_t uid[PREFDB__UID];
};

struct prefdb__writer {
    struct prefdb *db;
    sqlite3_stmt *q[N_QUERIES];
    struct prefdb__log log;
    struct prefdb__ratings ratings;
    struct prefdb__keys keys; /* of prefdb__writer_put */
    bool has_single; /* the store is marked as one with lone responses */
    /* The turns of the last context written: in the next record, what begins
     * alike need not be looked up. */
    struct ref *path;
    size_t n_path, cap_path;
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

/* Run a FIND query, bound already: 1 and the row's number, or 0. `flag`, if
 * any, is its second column. */
static int find(struct prefdb__writer *w, enum query i, int64_t *id, bool *flag,
                struct pk_err *err)
{
    int rc = prefdb__step(w->db, w->q[i], err);
    if (rc > 0)
        *id = sqlite3_column_int64(w->q[i], 0);
    if (rc > 0 && flag)
        *flag = sqlite3_column_int(w->q[i], 1) != 0;
    sqlite3_reset(w->q[i]);
    return rc;
}

static int add(struct prefdb__writer *w, enum query i, int64_t *id,
               struct pk_err *err)
{
    int rc = prefdb__run(w->db, w->q[i], err);
    if (!rc)
        *id = sqlite3_last_insert_rowid(w->db->sql);
    return rc;
}

/* *at becomes the turn under it (under no parent where at->id is 0). */
static int put_turn(struct prefdb__writer *w, const struct prefdb_turn *t,
                    const struct prefdb__turn_key *key, struct ref *at,
                    struct pk_err *err)
{
    int64_t parent = at->id;
    enum query i = parent ? FIND_TURN : FIND_ROOT;
    memcpy(at->uid, key->uid, PREFDB__UID);
    prefdb__bind_blob(w->q[i], 1, at->uid, PREFDB__UID);
    if (parent)
        sqlite3_bind_int64(w->q[i], 2, parent);
    int rc = find(w, i, &at->id, NULL, err);
    if (rc)
        return rc < 0 ? rc : 0;
    sqlite3_stmt *s = w->q[ADD_TURN];
    prefdb__bind_blob(s, 1, at->uid, PREFDB__UID);
    if (parent)
        sqlite3_bind_int64(s, 2, parent);
    else
        sqlite3_bind_null(s, 2);
    prefdb__bind_text(s, 3, prefdb__role_name(t->role));
    sqlite3_bind_text64(s, 4, t->text, t->len, SQLITE_STATIC, SQLITE_UTF8);
    prefdb__bind_blob(s, 5, key->hash, sizeof key->hash);
    return add(w, ADD_TURN, &at->id, err);
}

/* The context; *at becomes its last turn. */
static int put_context(struct prefdb__writer *w, const struct prefdb__record *r,
                       const struct prefdb__keys *k, struct ref *at,
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
        w->n_path = i + 1;
    }
    return 0;
}

static int put_response(struct prefdb__writer *w, struct ref prompt,
                        const struct prefdb__response *r,
                        const struct prefdb__response_key *key, struct ref *out,
                        struct pk_err *err)
{
    struct ref turn = prompt;
    int rc = put_turn(w, &r->turn, &key->turn, &turn, err);
    if (rc)
        return rc;
    memcpy(out->uid, key->uid, PREFDB__UID);
    prefdb__bind_blob(w->q[FIND_RESPONSE], 1, out->uid, PREFDB__UID);
    sqlite3_bind_int64(w->q[FIND_RESPONSE], 2, turn.id);
    rc = find(w, FIND_RESPONSE, &out->id, NULL, err);
    if (rc)
        return rc < 0 ? rc : 0;
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
    return add(w, ADD_RESPONSE, &out->id, err);
}

/* 1: it was there already; 0: it is new. */
static int put_comparison(struct prefdb__writer *w,
                          const struct prefdb__record *r,
                          const struct prefdb__keys *k,
                          const struct ref parts[3], struct ref *out,
                          struct prefdb__counts *counts, struct pk_err *err)
{
    int split = r->split < 0 ? (int)prefdb__split_of(k->root) : r->split;
    const char *batch = r->batch ? r->batch : "";
    const char *split_name = prefdb_split_name((enum prefdb_split)split);
    bool differs = false;
    memcpy(out->uid, k->comparison, PREFDB__UID);
    sqlite3_stmt *s = w->q[FIND_COMPARISON];
    prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
    prefdb__bind_text(s, 2, batch);
    prefdb__bind_text(s, 3, split_name);
    prefdb__bind_text(s, 4, k->extra);
    sqlite3_bind_int64(s, 5, parts[0].id);
    int rc = find(w, FIND_COMPARISON, &out->id, &differs, err);
    if (rc > 0) {
        counts->known++;
        counts->kept += differs;
    }
    if (rc)
        return rc;
    s = w->q[ADD_COMPARISON];
    prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
    for (int i = 0; i < 3; i++)
        sqlite3_bind_int64(s, 2 + i, parts[i].id);
    prefdb__bind_text(s, 5, r->source);
    prefdb__bind_text(s, 6, batch);
    prefdb__bind_text(s, 7, split_name);
    prefdb__bind_blob(s, 8, k->root, sizeof k->root);
    prefdb__bind_text(s, 9, k->extra);
    counts->comparisons++;
    return add(w, ADD_COMPARISON, &out->id, err);
}

static const char *choice_text(int choice)
{
    return choice < 0 ? NULL : prefdb_choice_name((enum prefdb_choice)choice);
}

/* Does the same annotator's standing word on it say otherwise? */
static int contradicts(struct prefdb__writer *w,
                       const struct prefdb__judgment *j, int64_t comparison,
                       struct pk_err *err)
{
    sqlite3_stmt *s = w->q[FIND_OTHER];
    int64_t one;
    if (j->choice < 0 || j->has_supersedes)
        return 0;
    sqlite3_bind_int64(s, 1, comparison);
    prefdb__bind_text(s, 2, prefdb_dimension_name(j->dimension));
    prefdb__bind_text(s, 3, j->annotator);
    prefdb__bind_text(s, 4, choice_text(j->choice));
    return find(w, FIND_OTHER, &one, NULL, err);
}

/* The judgment that j supersedes, which must be there: its row number, or 0
 * where j supersedes none. */
static int find_old(struct prefdb__writer *w, const struct prefdb__judgment *j,
                    int64_t comparison, int64_t *id, struct pk_err *err)
{
    *id = 0;
    if (!j->has_supersedes)
        return 0;
    sqlite3_stmt *s = w->q[FIND_OLD];
    prefdb__bind_blob(s, 1, j->supersedes, PREFDB__UID);
    sqlite3_bind_int64(s, 2, comparison);
    prefdb__bind_text(s, 3, prefdb_dimension_name(j->dimension));
    int rc = find(w, FIND_OLD, id, NULL, err);
    if (rc == 0)
        return pk_fail(err, PK_EDATA,
                       "a judgment supersedes one that is not on this "
                       "comparison and dimension");
    return rc < 0 ? rc : 0;
}

static void bind_judgment(sqlite3_stmt *s, const struct prefdb__judgment *j,
                          const struct prefdb__judgment_key *key)
{
    prefdb__bind_blob(s, 1, key->digest, PREFDB__UID);
    prefdb__bind_text(s, 3, prefdb_dimension_name(j->dimension));
    prefdb__bind_text(s, 4, choice_text(j->choice));
    if (j->strength == PREFDB_UNSTATED)
        sqlite3_bind_null(s, 5);
    else
        sqlite3_bind_int(s, 5, j->strength);
    prefdb__bind_text(s, 6, j->label ? prefdb_label_name(j->label) : NULL);
    prefdb__bind_text(s, 7, choice_text(j->shown_left));
    prefdb__bind_real(s, 8, j->seconds);
    prefdb__bind_text(s, 9, j->note);
    prefdb__bind_text(s, 10, key->flags);
    prefdb__bind_text(s, 11, j->guideline);
    prefdb__bind_text(s, 12, j->annotator);
    prefdb__bind_text(s, 13, j->created);
    prefdb__bind_text(s, 15, key->extra);
}

static int put_judgment(struct prefdb__writer *w,
                        const struct prefdb__judgment *j,
                        const struct prefdb__judgment_key *key,
                        int64_t comparison, struct prefdb__counts *counts,
                        struct pk_err *err)
{
    sqlite3_stmt *s = w->q[FIND_JUDGMENT];
    int64_t id, old;
    prefdb__bind_blob(s, 1, key->digest, PREFDB__UID);
    sqlite3_bind_int64(s, 2, comparison);
    int rc = find(w, FIND_JUDGMENT, &id, NULL, err);
    if (rc > 0)
        counts->repeats++;
    if (rc)
        return rc < 0 ? rc : 0;
    rc = find_old(w, j, comparison, &old, err);
    if (rc)
        return rc;
    int other = contradicts(w, j, comparison, err);
    if (other < 0)
        return other;
    s = w->q[ADD_JUDGMENT];
    bind_judgment(s, j, key);
    sqlite3_bind_int64(s, 2, comparison);
    if (old)
        sqlite3_bind_int64(s, 14, old);
    else
        sqlite3_bind_null(s, 14);
    rc = add(w, ADD_JUDGMENT, &id, err);
    if (!rc)
        rc = prefdb__log_append(&w->log, id, key->digest, err);
    counts->judgments += rc == 0;
    counts->contradictory += rc == 0 && other;
    counts->last = rc == 0 ? id : counts->last;
    return rc;
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
    struct ref parts[3] = {{0}}, comparison = {0}; /* prompt, a, b */
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
    for (size_t i = 0; i < r->n_judgments && !rc; i++)
        rc = put_judgment(w, &r->judgments[i], &k->judgments[i], comparison.id,
                          counts, err);
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

int prefdb__writer_judge(struct prefdb__writer *w, int64_t comparison,
                         const struct prefdb__judgment *j, int64_t *id,
                         struct pk_err *err)
{
    struct prefdb__judgment_key key = {0};
    struct prefdb__counts counts = {0};
    sqlite3_stmt *s = NULL;
    uint8_t uid[PREFDB__UID] = {0};
    int rc = prefdb__prepare(w->db, &s,
                             "SELECT uid FROM comparison WHERE id = ?1", err);
    if (!rc) {
        sqlite3_bind_int64(s, 1, comparison);
        rc = prefdb__step(w->db, s, err);
    }
    if (rc > 0 && sqlite3_column_bytes(s, 0) == PREFDB__UID)
        memcpy(uid, sqlite3_column_blob(s, 0), sizeof uid);
    else if (rc >= 0)
        rc = prefdb__damaged(w->db, "comparison", comparison, err);
    sqlite3_finalize(s);
    if (rc < 0)
        return rc;
    rc = prefdb__judgment_key_of(&key, w->db->sha, uid, j, err);
    if (!rc)
        rc = put_judgment(w, j, &key, comparison, &counts, err);
    prefdb__judgment_key_release(&key);
    if (!rc && !counts.judgments)
        rc = pk_fail(err, PK_EBUG, "a judgment was made twice");
    *id = counts.last;
    return rc;
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
