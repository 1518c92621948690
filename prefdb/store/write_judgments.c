/* Judgments into the store, each with its link of the chain; see write.h. */
#include <string.h>

#include "prefdb/store/writer.h"

static const char *choice_text(int choice)
{
    return choice < 0 ? NULL : prefdb_choice_name((enum prefdb_choice)choice);
}

/* Does the same annotator's standing word on it say otherwise? Of those without
 * a name it can't be known: any one's is taken for it. */
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
    return prefdb__writer_find(w, FIND_OTHER, NULL, &one, NULL, err);
}

/* The judgment that j supersedes, which must be there: its row number, or 0
 * where j supersedes none. */
static int find_old(struct prefdb__writer *w, const struct prefdb__judgment *j,
                    int64_t comparison, int64_t *id,
                    struct prefdb__counts *counts, struct pk_err *err)
{
    *id = 0;
    if (!j->has_supersedes)
        return 0;
    sqlite3_stmt *s = w->q[FIND_OLD];
    sqlite3_bind_int64(s, 2, comparison);
    prefdb__bind_text(s, 3, prefdb_dimension_name(j->dimension));
    int rc = prefdb__writer_find(w, FIND_OLD, j->supersedes, id, NULL, err);
    counts->refused = rc == 0;
    if (rc == 0)
        return pk_fail(err, PK_EDATA,
                       "a judgment supersedes one that is not on this "
                       "comparison and dimension");
    return rc < 0 ? rc : 0;
}

static int add_judgment(struct prefdb__writer *w,
                        const struct prefdb__judgment *j,
                        const struct prefdb__judgment_key *key,
                        int64_t comparison, int64_t old, int64_t *id,
                        struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int at = 0;
    int rc = prefdb__writer_add(w, JUDGMENTS, key->digest, &s, &at, id, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(s, at + 3, comparison);
    prefdb__bind_text(s, at + 4, prefdb_dimension_name(j->dimension));
    prefdb__bind_text(s, at + 5, choice_text(j->choice));
    if (j->strength == PREFDB_UNSTATED)
        sqlite3_bind_null(s, at + 6);
    else
        sqlite3_bind_int(s, at + 6, j->strength);
    prefdb__bind_text(s, at + 7, j->label ? prefdb_label_name(j->label) : NULL);
    prefdb__bind_text(s, at + 8, choice_text(j->shown_left));
    prefdb__bind_real(s, at + 9, j->seconds);
    prefdb__bind_text(s, at + 10, j->note);
    prefdb__bind_text(s, at + 11, key->flags);
    prefdb__bind_text(s, at + 12, j->guideline);
    prefdb__bind_text(s, at + 13, j->annotator);
    prefdb__bind_text(s, at + 14, j->created);
    if (old)
        sqlite3_bind_int64(s, at + 15, old);
    else
        sqlite3_bind_null(s, at + 15);
    prefdb__bind_text(s, at + 16, key->extra);
    prefdb__log_append(&w->log, *id, key->digest);
    return 0;
}

/* 1: *id is there, word for word; 0: it is new, and *other says whether it
 * contradicts. */
static int find_judgment(struct prefdb__writer *w,
                         const struct prefdb__judgment *j,
                         const struct prefdb__judgment_key *key,
                         int64_t comparison, int64_t *id, bool *other,
                         struct pk_err *err)
{
    sqlite3_bind_int64(w->q[FIND_JUDGMENT], 2, comparison);
    int rc = prefdb__writer_find(w, FIND_JUDGMENT, key->digest, id, NULL, err);
    if (rc)
        return rc;
    rc = contradicts(w, j, comparison, err);
    *other = rc > 0;
    return rc < 0 ? rc : 0;
}

int prefdb__put_judgment(struct prefdb__writer *w,
                         const struct prefdb__judgment *j,
                         const struct prefdb__judgment_key *key,
                         const struct prefdb__ref *comparison,
                         struct prefdb__counts *counts, struct pk_err *err)
{
    int64_t id, old;
    bool other = false;
    int rc = comparison->fresh
                 ? 0
                 : find_judgment(w, j, key, comparison->id, &id, &other, err);
    counts->repeats += rc > 0;
    counts->unnamed += rc > 0 && !*j->annotator && id > w->before;
    if (!rc)
        rc = find_old(w, j, comparison->id, &old, counts, err);
    if (rc)
        return rc < 0 ? rc : 0;
    rc = add_judgment(w, j, key, comparison->id, old, &id, err);
    counts->judgments += rc == 0;
    counts->contradictory += rc == 0 && other;
    counts->last = rc == 0 ? id : counts->last;
    return rc;
}

int prefdb__writer_judge(struct prefdb__writer *w, int64_t comparison,
                         const struct prefdb__judgment *j, int64_t *id,
                         struct pk_err *err)
{
    struct prefdb__judgment_key key = {0};
    struct prefdb__counts counts = {0};
    sqlite3_stmt *s = NULL;
    struct prefdb__ref on = {.id = comparison};
    int rc = prefdb__prepare(w->db, &s,
                             "SELECT uid FROM comparison WHERE id = ?1", err);
    if (!rc) {
        sqlite3_bind_int64(s, 1, comparison);
        rc = prefdb__step(w->db, s, err);
    }
    if (rc > 0 && sqlite3_column_bytes(s, 0) == PREFDB__UID)
        memcpy(on.uid, sqlite3_column_blob(s, 0), sizeof on.uid);
    else if (rc >= 0)
        rc = prefdb__damaged(w->db, "comparison", comparison, err);
    sqlite3_finalize(s);
    if (rc < 0)
        return rc;
    rc = prefdb__judgment_key_of(&key, w->db->sha, on.uid, j, err);
    if (!rc)
        rc = prefdb__put_judgment(w, j, &key, &on, &counts, err);
    if (!rc)
        rc = prefdb__writer_flush(w, err);
    prefdb__judgment_key_release(&key);
    if (!rc && !counts.judgments)
        rc = pk_fail(err, PK_EBUG, "a judgment was made twice");
    *id = counts.last;
    return rc;
}
