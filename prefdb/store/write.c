/* Records into the store: turns, responses, the comparison, its judgments, each
 * looked up by uid first and added when it is new. */
#include "prefdb/store/writer.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const char *const queries[N_QUERIES] = {
    [FIND_ROOT] = "SELECT id FROM turn WHERE parent IS NULL AND uid = ?1",
    [FIND_TURN] = "SELECT id FROM turn WHERE parent = ?2 AND uid = ?1",
    [FIND_RESPONSE] = "SELECT id FROM response WHERE turn = ?2 AND uid = ?1",
    [FIND_COMPARISON] = "SELECT id, batch IS NOT ?2 OR split IS NOT ?3 OR"
                        " extra IS NOT ?4 FROM comparison"
                        " WHERE prompt = ?5 AND uid = ?1",
    [FIND_JUDGMENT] =
        "SELECT id FROM judgment WHERE comparison = ?2 AND uid = ?1",
    [FIND_OTHER] =
        "SELECT 1 FROM live_judgment WHERE comparison = ?1 AND dimension = ?2"
        " AND annotator = ?3 AND choice <> ?4 LIMIT 1",
    [FIND_OLD] = "SELECT id FROM judgment WHERE uid = ?1 AND comparison = ?2"
                 " AND dimension = ?3",
};

static const struct {
    const char *into;
    int columns;
} tables[N_TABLES] = {
    [TURNS] = {"turn (id, uid, parent, role, content, hash)", 6},
    [RESPONSES] = {"response (id, uid, turn, model, temperature, top_p, seed,"
                   " created, cut, extra)",
                   10},
    [COMPARISONS] = {"comparison (id, uid, prompt, a, b, source, batch, split,"
                     " root, extra)",
                     10},
    [JUDGMENTS] = {"judgment (id, uid, comparison, dimension, choice, strength,"
                   " label, shown_left, seconds, note, flags, guideline,"
                   " annotator, created, supersedes, extra)",
                   16},
};

static void writer_free(struct prefdb__writer *w)
{
    for (int i = 0; i < N_QUERIES; i++)
        sqlite3_finalize(w->q[i]);
    for (int t = 0; t < N_TABLES; t++)
        prefdb__insert_release(&w->add[t]);
    prefdb__log_release(&w->log);
    prefdb__ratings_release(&w->ratings);
    prefdb__keys_release(&w->keys);
    free(w->path);
    free(w);
}

static int prepare(struct prefdb__writer *w, int together, struct pk_err *err)
{
    int rc = 0;
    for (int i = 0; i < N_QUERIES && !rc; i++)
        rc = prefdb__prepare(w->db, &w->q[i], queries[i], err);
    for (int t = 0; t < N_TABLES && !rc; t++)
        rc = prefdb__insert_open(&w->add[t], w->db, tables[t].into,
                                 tables[t].columns, together, err);
    return rc ? rc : prefdb__ratings_open(&w->ratings, w->db, err);
}

/* The numbers that the tables' last rows have; nobody else can add any. */
static int find_last(struct prefdb__writer *w, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(w->db, &s,
                             "SELECT (SELECT max(id) FROM turn),"
                             " (SELECT max(id) FROM response),"
                             " (SELECT max(id) FROM comparison),"
                             " (SELECT max(id) FROM judgment)",
                             err);
    if (!rc)
        rc = prefdb__step(w->db, s, err);
    for (int t = 0; t < N_TABLES && rc > 0; t++)
        w->last[t] = sqlite3_column_int64(s, t);
    w->before = w->last[JUDGMENTS];
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

int prefdb__writer_begin(struct prefdb__writer **out, struct prefdb *db,
                         int together, struct pk_err *err)
{
    *out = NULL;
    struct prefdb__writer *w = pk_calloc(1, sizeof *w);
    if (!w)
        return pk_fail_mem(err, "a writer");
    w->db = db;
    int rc = prepare(w, together, err);
    if (!rc)
        rc = prefdb__begin(db, err);
    if (rc) {
        writer_free(w);
        return rc;
    }
    *out = w;
    rc = find_last(w, err);
    if (!rc)
        rc = prefdb__log_open(&w->log, db, together, err);
    if (rc)
        prefdb__writer_abort(out);
    return rc;
}

int prefdb__writer_flush(struct prefdb__writer *w, struct pk_err *err)
{
    int rc = 0;
    for (int t = 0; t < N_TABLES && !rc; t++)
        rc = prefdb__insert_flush(&w->add[t], err);
    return rc ? rc : prefdb__insert_flush(&w->log.links, err);
}

static void forget(struct prefdb__writer *w)
{
    for (int t = 0; t < N_TABLES; t++)
        prefdb__insert_forget(&w->add[t]);
    prefdb__insert_forget(&w->log.links);
}

static const enum prefdb__table table_of[N_QUERIES] = {
    [FIND_ROOT] = TURNS,         [FIND_TURN] = TURNS,
    [FIND_RESPONSE] = RESPONSES, [FIND_COMPARISON] = COMPARISONS,
    [FIND_JUDGMENT] = JUDGMENTS, [FIND_OTHER] = JUDGMENTS,
    [FIND_OLD] = JUDGMENTS,
};

static bool waits(const struct prefdb__writer *w, enum prefdb__table t,
                  const uint8_t *uid)
{
    for (int i = 0; i < w->add[t].n; i++)
        if (memcmp(w->waiting[t][i], uid, PREFDB__UID) == 0)
            return true;
    return false;
}

int prefdb__writer_find(struct prefdb__writer *w, enum prefdb__query i,
                        const uint8_t *uid, int64_t *id, bool *flag,
                        struct pk_err *err)
{
    int rc = 0;
    if (uid)
        prefdb__bind_blob(w->q[i], 1, uid, PREFDB__UID);
    if (!uid || waits(w, table_of[i], uid))
        rc = prefdb__writer_flush(w, err);
    if (!rc)
        rc = prefdb__step(w->db, w->q[i], err);
    if (rc > 0)
        *id = sqlite3_column_int64(w->q[i], 0);
    if (rc > 0 && flag)
        *flag = sqlite3_column_int(w->q[i], 1) != 0;
    sqlite3_reset(w->q[i]);
    return rc;
}

/* A judgment has its link, so that there is room for both or for neither. */
int prefdb__writer_add(struct prefdb__writer *w, enum prefdb__table t,
                       const uint8_t *uid, sqlite3_stmt **s, int *at,
                       int64_t *id, struct pk_err *err)
{
    struct prefdb__insert *x = &w->add[t];
    if (w->last[t] == INT64_MAX)
        return prefdb__damaged(w->db, "row", w->last[t], err);
    int rc = x->n < x->rows ? 0 : prefdb__writer_flush(w, err);
    if (rc)
        return rc;
    uint8_t *kept = w->waiting[t][x->n];
    memcpy(kept, uid, PREFDB__UID);
    *s = x->s;
    *at = prefdb__insert_row(x);
    *id = ++w->last[t];
    sqlite3_bind_int64(x->s, *at + 1, *id);
    prefdb__bind_blob(x->s, *at + 2, kept, PREFDB__UID);
    return 0;
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
        if (parent)
            sqlite3_bind_int64(w->q[i], 2, parent);
        int rc = prefdb__writer_find(w, i, at->uid, &at->id, NULL, err);
        if (rc)
            return rc < 0 ? rc : 0;
    }
    at->fresh = true;
    sqlite3_stmt *s = NULL;
    int n = 0;
    int rc = prefdb__writer_add(w, TURNS, key->uid, &s, &n, &at->id, err);
    if (rc)
        return rc;
    if (parent)
        sqlite3_bind_int64(s, n + 3, parent);
    else
        sqlite3_bind_null(s, n + 3);
    prefdb__bind_text(s, n + 4, prefdb__role_name(t->role));
    sqlite3_bind_text64(s, n + 5, t->text, t->len, SQLITE_STATIC, SQLITE_UTF8);
    prefdb__bind_blob(s, n + 6, key->hash, sizeof key->hash);
    return 0;
}

/* How many of the record's turns are those of the last context and, after all
 * of it, one of the answers to it; *at becomes the last of them. */
static size_t follow(struct prefdb__writer *w, const struct prefdb__keys *k,
                     size_t n_context, struct prefdb__ref *at)
{
    size_t i = 0;
    while (i < n_context && i < w->n_path &&
           memcmp(w->path[i].uid, k->turns[i].uid, PREFDB__UID) == 0)
        *at = w->path[i++];
    for (size_t a = 0; a < w->n_said && i == w->n_path && i < n_context; a++) {
        if (memcmp(w->said[a].uid, k->turns[i].uid, PREFDB__UID) == 0) {
            *at = w->path[i] = w->said[a];
            w->path[i++].fresh = false;
            break;
        }
    }
    return i;
}

/* The context; *at becomes its last turn. */
static int put_context(struct prefdb__writer *w, const struct prefdb__record *r,
                       const struct prefdb__keys *k, struct prefdb__ref *at,
                       struct pk_err *err)
{
    if (!pk_grow(&w->path, &w->cap_path, r->n_context, sizeof *w->path))
        return pk_fail_mem(err, "a dialogue");
    size_t i = follow(w, k, r->n_context, at);
    w->n_said = 0;
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

static int add_response(struct prefdb__writer *w,
                        const struct prefdb__response *r,
                        const struct prefdb__response_key *key, int64_t turn,
                        int64_t *id, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int n = 0;
    int rc = prefdb__writer_add(w, RESPONSES, key->uid, &s, &n, id, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(s, n + 3, turn);
    prefdb__bind_text(s, n + 4, r->model);
    prefdb__bind_real(s, n + 5, r->temperature);
    prefdb__bind_real(s, n + 6, r->top_p);
    if (r->has_seed)
        sqlite3_bind_int64(s, n + 7, r->seed);
    else
        sqlite3_bind_null(s, n + 7);
    prefdb__bind_text(s, n + 8, r->created);
    sqlite3_bind_int(s, n + 9, r->cut);
    prefdb__bind_text(s, n + 10, key->extra);
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
    w->said[w->n_said++] = turn;
    memcpy(out->uid, key->uid, PREFDB__UID);
    if (!turn.fresh) {
        sqlite3_bind_int64(w->q[FIND_RESPONSE], 2, turn.id);
        rc = prefdb__writer_find(w, FIND_RESPONSE, out->uid, &out->id, NULL,
                                 err);
        if (rc)
            return rc < 0 ? rc : 0;
    }
    out->fresh = true;
    return add_response(w, r, key, turn.id, &out->id, err);
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
    prefdb__bind_text(s, 2, at.batch);
    prefdb__bind_text(s, 3, at.split);
    prefdb__bind_text(s, 4, k->extra);
    sqlite3_bind_int64(s, 5, parts[0].id);
    int rc = prefdb__writer_find(w, FIND_COMPARISON, out->uid, &out->id,
                                 &differs, err);
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
    sqlite3_stmt *s = NULL;
    int n = 0;
    rc = prefdb__writer_add(w, COMPARISONS, out->uid, &s, &n, &out->id, err);
    if (rc)
        return rc;
    for (int i = 0; i < 3; i++)
        sqlite3_bind_int64(s, n + 3 + i, parts[i].id);
    prefdb__bind_text(s, n + 6, r->source);
    prefdb__bind_text(s, n + 7, at.batch);
    prefdb__bind_text(s, n + 8, at.split);
    prefdb__bind_blob(s, n + 9, k->root, sizeof k->root);
    prefdb__bind_text(s, n + 10, k->extra);
    counts->comparisons++;
    out->fresh = true;
    return 0;
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

static int put_ratings(struct prefdb__writer *w, int64_t response,
                       const struct prefdb__response *r,
                       const struct prefdb__response_key *k,
                       struct prefdb__counts *counts, struct pk_err *err)
{
    int rc = r->n_ratings ? prefdb__writer_flush(w, err) : 0;
    return rc ? rc
              : prefdb__ratings_put(&w->ratings, response, r, k, counts, err);
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
        rc = put_ratings(w, parts[1].id, &r->a, &k->a, counts, err);
    if (!rc && r->single) {
        counts->single++;
        return mark_single(w, err);
    }
    if (!rc)
        rc = put_response(w, parts[0], &r->b, &k->b, &parts[2], err);
    if (!rc)
        rc = put_ratings(w, parts[2].id, &r->b, &k->b, counts, err);
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
    int rc = prefdb__writer_flush(w, err);
    struct prefdb__log_end end_before = w->log.end;
    int64_t last_before[N_TABLES];
    memcpy(last_before, w->last, sizeof last_before);
    if (!rc)
        rc = prefdb__exec(w->db, "SAVEPOINT row", err);
    if (rc)
        return rc;
    rc = put_parts(w, r, k, counts, err);
    if (!rc)
        rc = prefdb__writer_flush(w, err);
    if (!rc)
        return prefdb__exec(w->db, "RELEASE row", err);
    forget(w);
    counts_before.refused = counts->refused;
    *counts = counts_before;
    w->log.end = end_before;
    memcpy(w->last, last_before, sizeof last_before);
    w->n_path = w->n_said = 0;
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
        rc = prefdb__keys_of(&w->keys, w->db->sha, r,
                             &(struct prefdb__keyed){0}, err);
    if (!rc)
        rc = prefdb__writer_put_keyed(w, r, &w->keys, counts, err);
    return rc ? rc : prefdb__writer_flush(w, err);
}

int prefdb__writer_commit(struct prefdb__writer **slot, struct pk_err *err)
{
    struct prefdb__writer *w = *slot;
    int rc = prefdb__writer_flush(w, err);
    if (!rc)
        rc = prefdb__exec(w->db, "COMMIT", err);
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
