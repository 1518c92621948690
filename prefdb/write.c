/* Records into the store: turns, responses, the comparison, its judgments, each
 * looked up by uid first and added when it is new. */
#include "prefdb/write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum query {
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
    [FIND_TURN] = "SELECT id FROM turn WHERE uid = ?1",
    [ADD_TURN] = "INSERT INTO turn (uid, parent, role, content, hash)"
                 " VALUES (?1, ?2, ?3, ?4, ?5)",
    [FIND_RESPONSE] = "SELECT id FROM response WHERE uid = ?1",
    [ADD_RESPONSE] =
        "INSERT INTO response (uid, turn, model, temperature, top_p, seed,"
        " created, cut, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [FIND_COMPARISON] = "SELECT id, batch IS NOT ?2 OR split IS NOT ?3 OR"
                        " extra IS NOT ?4 FROM comparison WHERE uid = ?1",
    [ADD_COMPARISON] =
        "INSERT INTO comparison (uid, prompt, a, b, source, batch, split, root,"
        " extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [FIND_JUDGMENT] = "SELECT id FROM judgment WHERE uid = ?1",
    [ADD_JUDGMENT] =
        "INSERT INTO judgment (uid, comparison, dimension, choice, strength,"
        " label, shown_left, seconds, note, flags, guideline, annotator,"
        " created, supersedes, extra, origin, seq, prev_hash, hash) VALUES"
        " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19)",
    [FIND_OTHER] =
        "SELECT 1 FROM live_judgment WHERE comparison = ?1 AND dimension = ?2"
        " AND annotator = ?3 AND choice <> ?4 LIMIT 1",
    [FIND_OLD] = "SELECT id FROM judgment WHERE uid = ?1 AND comparison = ?2"
                 " AND dimension = ?3",
};

struct prefdb__writer {
    struct prefdb *db;
    sqlite3_stmt *q[N_QUERIES];
    uint8_t origin[PREFDB__UID];
    int64_t seq; /* of the last judgment in our chain, and its hash */
    uint8_t head[32];
};

/* A row that is or is about to be: its number and its uid. */
struct ref {
    int64_t id;
    uint8_t uid[PREFDB__UID];
};

static void writer_free(struct prefdb__writer *w)
{
    for (int i = 0; i < N_QUERIES; i++)
        sqlite3_finalize(w->q[i]);
    free(w);
}

/* Column 0 of the first row as bytes; left alone when there is no row. */
static int load_blob(struct prefdb *db, sqlite3_stmt *s, void *out, size_t n,
                     struct pk_err *err)
{
    int rc = prefdb__step(db, s, err);
    if (rc <= 0)
        return rc;
    const void *p = sqlite3_column_blob(s, 0);
    if (!p || (size_t)sqlite3_column_bytes(s, 0) != n)
        return pk_fail(err, PK_EDATA,
                       "%s: the store is damaged: run "
                       "`prefkit check`",
                       db->path);
    memcpy(out, p, n);
    return 1;
}

/* Who we are, and where our chain of judgments ends. */
static int load_chain(struct prefdb__writer *w, struct pk_err *err)
{
    struct prefdb *db = w->db;
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(db, &s, "SELECT value FROM meta WHERE key = 'uid'",
                             err);
    if (!rc)
        rc = load_blob(db, s, w->origin, sizeof w->origin, err);
    if (rc == 0)
        rc = pk_fail(err, PK_EDATA, "%s: the store has no uid", db->path);
    sqlite3_finalize(s);
    s = NULL;
    if (rc > 0)
        rc = prefdb__prepare(db, &s,
                             "SELECT hash, seq FROM judgment WHERE origin = ?1"
                             " ORDER BY seq DESC LIMIT 1",
                             err);
    if (!rc) {
        prefdb__bind_blob(s, 1, w->origin, sizeof w->origin);
        rc = load_blob(db, s, w->head, sizeof w->head, err);
        w->seq = rc > 0 ? sqlite3_column_int64(s, 1) : 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
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
        rc = prefdb__exec(db, "BEGIN IMMEDIATE", err);
    if (rc) {
        writer_free(w);
        return rc;
    }
    *out = w;
    rc = load_chain(w, err);
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
                    struct ref *at, struct pk_err *err)
{
    uint8_t hash[32];
    int64_t parent = at->id;
    prefdb__content_hash(w->db->sha, t->text, t->len, hash);
    prefdb__turn_uid(w->db->sha, parent ? at->uid : NULL, t->role, hash,
                     at->uid);
    prefdb__bind_blob(w->q[FIND_TURN], 1, at->uid, PREFDB__UID);
    int rc = find(w, FIND_TURN, &at->id, NULL, err);
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
    prefdb__bind_blob(s, 5, hash, sizeof hash);
    return add(w, ADD_TURN, &at->id, err);
}

static void bind_real(sqlite3_stmt *s, int i, double x)
{
    if (isnan(x))
        sqlite3_bind_null(s, i);
    else
        sqlite3_bind_double(s, i, x + 0.0);
}

/* `extra` as text, owned by the caller; *out NULL for none. */
static int print_json(const cJSON *extra, char **out, struct pk_err *err)
{
    *out = extra ? cJSON_PrintUnformatted(extra) : NULL;
    return extra && !*out ? pk_fail_mem(err, "a row's JSON") : 0;
}

static int put_response(struct prefdb__writer *w, struct ref prompt,
                        const struct prefdb__response *r, struct ref *out,
                        struct pk_err *err)
{
    char *extra = NULL;
    struct ref turn = prompt;
    int rc = print_json(r->extra, &extra, err);
    if (!rc)
        rc = put_turn(w, &r->turn, &turn, err);
    if (rc)
        goto out;
    prefdb__response_uid(w->db->sha, turn.uid, r, extra, out->uid);
    prefdb__bind_blob(w->q[FIND_RESPONSE], 1, out->uid, PREFDB__UID);
    if ((rc = find(w, FIND_RESPONSE, &out->id, NULL, err)) != 0)
        goto out;
    sqlite3_stmt *s = w->q[ADD_RESPONSE];
    prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
    sqlite3_bind_int64(s, 2, turn.id);
    prefdb__bind_text(s, 3, r->model);
    bind_real(s, 4, r->temperature);
    bind_real(s, 5, r->top_p);
    if (r->has_seed)
        sqlite3_bind_int64(s, 6, r->seed);
    else
        sqlite3_bind_null(s, 6);
    prefdb__bind_text(s, 7, r->created);
    sqlite3_bind_int(s, 8, r->cut);
    prefdb__bind_text(s, 9, extra);
    rc = add(w, ADD_RESPONSE, &out->id, err);
out:
    cJSON_free(extra);
    return rc < 0 ? rc : 0;
}

/* The first user turn, or the first turn where no user speaks. */
static void root_key(struct prefdb__writer *w, const struct prefdb__record *r,
                     uint8_t out[PREFDB__UID])
{
    const struct prefdb_turn *t = r->context;
    for (size_t i = 0; i < r->n_context; i++) {
        if (r->context[i].role == PREFDB_USER) {
            t = &r->context[i];
            break;
        }
    }
    prefdb__root_key(w->db->sha, t->text, t->len, out);
}

/* 1: it was there already; 0: it is new. */
static int put_comparison(struct prefdb__writer *w,
                          const struct prefdb__record *r,
                          const struct ref parts[3], struct ref *out,
                          struct prefdb__counts *counts, struct pk_err *err)
{
    uint8_t root[PREFDB__UID];
    root_key(w, r, root);
    int split = r->split < 0 ? (int)prefdb__split_of(root) : r->split;
    const char *batch = r->batch ? r->batch : "";
    const char *split_name = prefdb_split_name((enum prefdb_split)split);
    char *extra;
    bool differs = false;
    int rc = print_json(r->extra, &extra, err);
    if (rc)
        return rc;
    prefdb__comparison_uid(w->db->sha, parts[0].uid, parts[1].uid, parts[2].uid,
                           r->source, out->uid);
    sqlite3_stmt *s = w->q[FIND_COMPARISON];
    prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
    prefdb__bind_text(s, 2, batch);
    prefdb__bind_text(s, 3, split_name);
    prefdb__bind_text(s, 4, extra);
    if ((rc = find(w, FIND_COMPARISON, &out->id, &differs, err)) == 0) {
        s = w->q[ADD_COMPARISON];
        prefdb__bind_blob(s, 1, out->uid, PREFDB__UID);
        for (int i = 0; i < 3; i++)
            sqlite3_bind_int64(s, 2 + i, parts[i].id);
        prefdb__bind_text(s, 5, r->source);
        prefdb__bind_text(s, 6, batch);
        prefdb__bind_text(s, 7, split_name);
        prefdb__bind_blob(s, 8, root, sizeof root);
        prefdb__bind_text(s, 9, extra);
        rc = add(w, ADD_COMPARISON, &out->id, err);
        counts->comparisons++;
    } else if (rc > 0) {
        counts->known++;
        counts->kept += differs;
    }
    cJSON_free(extra);
    return rc;
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
                          const char *flags, const char *extra)
{
    prefdb__bind_text(s, 3, prefdb_dimension_name(j->dimension));
    prefdb__bind_text(s, 4, choice_text(j->choice));
    if (j->strength == PREFDB_UNSTATED)
        sqlite3_bind_null(s, 5);
    else
        sqlite3_bind_int(s, 5, j->strength);
    prefdb__bind_text(s, 6, j->label ? prefdb_label_name(j->label) : NULL);
    prefdb__bind_text(s, 7, choice_text(j->shown_left));
    bind_real(s, 8, j->seconds);
    prefdb__bind_text(s, 9, j->note);
    prefdb__bind_text(s, 10, flags);
    prefdb__bind_text(s, 11, j->guideline);
    prefdb__bind_text(s, 12, j->annotator);
    prefdb__bind_text(s, 13, j->created);
    prefdb__bind_text(s, 15, extra);
}

/* Add a judgment that is not in the store yet, at the end of our chain. */
static int append(struct prefdb__writer *w, sqlite3_stmt *s, int64_t comparison,
                  int64_t old, const uint8_t digest[32], struct pk_err *err)
{
    uint8_t hash[32];
    prefdb__chain_hash(w->db->sha, w->origin, w->seq + 1, w->head, digest,
                       hash);
    prefdb__bind_blob(s, 1, digest, PREFDB__UID);
    sqlite3_bind_int64(s, 2, comparison);
    if (old)
        sqlite3_bind_int64(s, 14, old);
    else
        sqlite3_bind_null(s, 14);
    prefdb__bind_blob(s, 16, w->origin, sizeof w->origin);
    sqlite3_bind_int64(s, 17, w->seq + 1);
    prefdb__bind_blob(s, 18, w->head, sizeof w->head);
    prefdb__bind_blob(s, 19, hash, sizeof hash);
    int rc = prefdb__run(w->db, s, err);
    if (rc)
        return rc;
    w->seq++;
    memcpy(w->head, hash, sizeof hash);
    return 0;
}

static int put_judgment(struct prefdb__writer *w,
                        const struct prefdb__judgment *j,
                        const struct ref *comparison,
                        struct prefdb__counts *counts, struct pk_err *err)
{
    char *flags = NULL, *extra = NULL;
    uint8_t digest[32];
    int64_t id, old;
    int other = 0, rc = print_json(j->flags, &flags, err);
    if (!rc)
        rc = print_json(j->extra, &extra, err);
    if (rc)
        goto out;
    prefdb__judgment_digest(w->db->sha, comparison->uid, j, flags, extra,
                            digest);
    prefdb__bind_blob(w->q[FIND_JUDGMENT], 1, digest, PREFDB__UID);
    if ((rc = find(w, FIND_JUDGMENT, &id, NULL, err)) != 0) {
        counts->repeats += rc > 0;
        goto out;
    }
    if ((rc = find_old(w, j, comparison->id, &old, err)) < 0 ||
        (rc = other = contradicts(w, j, comparison->id, err)) < 0)
        goto out;
    bind_judgment(w->q[ADD_JUDGMENT], j, flags, extra);
    rc = append(w, w->q[ADD_JUDGMENT], comparison->id, old, digest, err);
    counts->judgments += rc == 0;
    counts->contradictory += rc == 0 && other;
out:
    cJSON_free(flags);
    cJSON_free(extra);
    return rc < 0 ? rc : 0;
}

static int put_parts(struct prefdb__writer *w, struct prefdb__record *r,
                     struct prefdb__counts *counts, struct pk_err *err)
{
    struct ref parts[3] = {{0}}, comparison = {0}; /* prompt, a, b */
    int rc = 0;
    for (size_t i = 0; i < r->n_context && !rc; i++)
        rc = put_turn(w, &r->context[i], &parts[0], err);
    if (!rc)
        rc = put_response(w, parts[0], &r->a, &parts[1], err);
    if (!rc)
        rc = put_response(w, parts[0], &r->b, &parts[2], err);
    if (rc)
        return rc;
    if (memcmp(parts[1].uid, parts[2].uid, PREFDB__UID) > 0) {
        struct ref held = parts[1];
        parts[1] = parts[2];
        parts[2] = held;
        prefdb__record_swap(r);
    }
    rc = put_comparison(w, r, parts, &comparison, counts, err);
    if (rc < 0)
        return rc;
    counts->empty += r->a.turn.len == 0 || r->b.turn.len == 0;
    rc = 0;
    for (size_t i = 0; i < r->n_judgments && !rc; i++)
        rc = put_judgment(w, &r->judgments[i], &comparison, counts, err);
    return rc;
}

/* A record whose judgments supersede others can turn out to be bad when it is
 * half written; then a savepoint takes it back. */
static int put_or_undo(struct prefdb__writer *w, struct prefdb__record *r,
                       struct prefdb__counts *counts, struct pk_err *err)
{
    struct prefdb__counts counts_before = *counts;
    int64_t seq_before = w->seq;
    uint8_t head_before[32];
    memcpy(head_before, w->head, sizeof head_before);
    int rc = prefdb__exec(w->db, "SAVEPOINT row", err);
    if (!rc)
        rc = put_parts(w, r, counts, err);
    if (!rc)
        return prefdb__exec(w->db, "RELEASE row", err);
    *counts = counts_before;
    w->seq = seq_before;
    memcpy(w->head, head_before, sizeof head_before);
    sqlite3_exec(w->db->sql, "ROLLBACK TO row; RELEASE row", NULL, NULL, NULL);
    return rc;
}

int prefdb__writer_put(struct prefdb__writer *w, struct prefdb__record *r,
                       const char *source, int split,
                       struct prefdb__counts *counts, struct pk_err *err)
{
    int rc = prefdb__record_check(r, err);
    if (rc)
        return rc;
    if (!r->source)
        r->source = source;
    if (r->split < 0)
        r->split = split;
    for (size_t i = 0; i < r->n_judgments; i++)
        if (r->judgments[i].has_supersedes)
            return put_or_undo(w, r, counts, err);
    return put_parts(w, r, counts, err);
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
