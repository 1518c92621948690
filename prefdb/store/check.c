/* Everything that can be recomputed, recomputed. A changed byte shows where it
 * is: a turn's text in its hash; a turn's place or role in its uid; a response
 * and a comparison in theirs, which are made of the uids below them; a judgment
 * in its digest, which names its comparison, and in its links of the chains.
 *
 * What a chain cannot show is that its last links are missing: for that the
 * heads are reported, to be written down. */
#include "prefdb/store/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct run {
    struct prefdb *db;
    const struct prefdb__listener *to;
    /* The chain being followed. */
    struct prefdb__chain chain;
    uint8_t origin[PREFDB__UID], head[32];
};

static void say(const struct run *r, const char *kind, int64_t row,
                const char *what)
{
    struct prefdb__found f = {kind, row, what};
    if (r->to->found)
        r->to->found(r->to->ctx, &f);
}

static bool blob_is(sqlite3_stmt *s, int col, const uint8_t *p, size_t n)
{
    const void *q = sqlite3_column_blob(s, col);
    return q && (size_t)sqlite3_column_bytes(s, col) == n &&
           memcmp(q, p, n) == 0;
}

/* A uid in a column; NULL when the column is not one. */
static const uint8_t *uid_of(sqlite3_stmt *s, int col)
{
    const uint8_t *p = sqlite3_column_blob(s, col);
    return p && sqlite3_column_bytes(s, col) == PREFDB__UID ? p : NULL;
}

static const char *text_or_null(sqlite3_stmt *s, int col)
{
    return (const char *)sqlite3_column_text(s, col);
}

static int integrity_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    const char *what = prefdb__text(s, 0);
    if (strcmp(what, "ok") != 0)
        say(r, "integrity", 0, what);
    return 0;
}

static int foreign_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    char what[128];
    snprintf(what, sizeof what, "a %.40s refers to a %.40s that is not there",
             prefdb__text(s, 0), prefdb__text(s, 2));
    say(r, "foreign key", sqlite3_column_int64(s, 1), what);
    return 0;
}

/* id, uid, parent's uid, role, hash, content, parent */
static int turn_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    uint8_t hash[32], uid[PREFDB__UID];
    enum prefdb_role role;
    int64_t id = sqlite3_column_int64(s, 0);
    const char *text = prefdb__text(s, 5);
    prefdb__content_hash(r->db->sha, text, (size_t)sqlite3_column_bytes(s, 5),
                         hash);
    if (!blob_is(s, 4, hash, sizeof hash))
        say(r, "turn", id, "the text is not what was stored: its hash differs");
    bool has_parent = sqlite3_column_type(s, 6) != SQLITE_NULL;
    const uint8_t *parent = uid_of(s, 2), *stored = sqlite3_column_blob(s, 4);
    bool ok = prefdb__parse_role(prefdb__text(s, 3), &role) &&
              (!has_parent || parent) && stored &&
              sqlite3_column_bytes(s, 4) == 32;
    if (ok) {
        prefdb__turn_uid(r->db->sha, parent, role, stored, uid);
        ok = blob_is(s, 1, uid, sizeof uid);
    }
    if (!ok)
        say(r, "turn", id, "its uid is not that of its parent, role and hash");
    return 0;
}

static int orphan_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    say(r, "orphan", sqlite3_column_int64(s, 0),
        "a turn that leads to no response");
    return 0;
}

/* id, table: row numbers are given from 1 on. */
static int number_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    say(r, prefdb__text(s, 1), sqlite3_column_int64(s, 0),
        "a row number below 1, which no store gives");
    return 0;
}

/* id, uid, turn's uid, turn's role, model, temperature, top_p, seed, created,
 * cut, extra */
static int response_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    uint8_t uid[PREFDB__UID];
    const uint8_t *turn = uid_of(s, 2);
    int64_t id = sqlite3_column_int64(s, 0);
    struct prefdb__response x = {.model = text_or_null(s, 4),
                                 .temperature = prefdb__real(s, 5),
                                 .top_p = prefdb__real(s, 6),
                                 .has_seed =
                                     sqlite3_column_type(s, 7) != SQLITE_NULL,
                                 .seed = sqlite3_column_int64(s, 7),
                                 .created = text_or_null(s, 8),
                                 .cut = sqlite3_column_int(s, 9) != 0};
    if (strcmp(prefdb__text(s, 3), "assistant") != 0)
        say(r, "response", id, "its turn is not the assistant's");
    if (turn)
        prefdb__response_uid(r->db->sha, turn, &x, text_or_null(s, 10), uid);
    if (!turn || !blob_is(s, 1, uid, sizeof uid))
        say(r, "response", id, "its uid is not that of its content");
    return 0;
}

/* id, uid, prompt's uid, a's uid, b's uid, source, whether a and b are answers
 * to the prompt, the root prompt's text, root */
static int comparison_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    uint8_t uid[PREFDB__UID];
    int64_t id = sqlite3_column_int64(s, 0);
    const uint8_t *prompt = uid_of(s, 2), *a = uid_of(s, 3), *b = uid_of(s, 4);
    if (!sqlite3_column_int(s, 6))
        say(r, "comparison", id,
            "its responses are not two answers to its prompt");
    const char *text = prefdb__text(s, 7);
    prefdb__root_key(r->db->sha, text, (size_t)sqlite3_column_bytes(s, 7), uid);
    if (!blob_is(s, 8, uid, sizeof uid))
        say(r, "comparison", id, "its root is not that of its first user turn");
    bool ok = prompt && a && b && memcmp(a, b, PREFDB__UID) < 0;
    if (ok) {
        prefdb__comparison_uid(r->db->sha, prompt, a, b, prefdb__text(s, 5),
                               uid);
        ok = blob_is(s, 1, uid, sizeof uid);
    }
    if (!ok)
        say(r, "comparison", id, "its uid is not that of its content");
    return 0;
}

/* id of one comparison, its root prompt's splits, how many comparisons */
static int leak_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    char what[160];
    snprintf(what, sizeof what,
             "its root prompt is in more than one split: %s (%d comparisons)",
             prefdb__text(s, 1), sqlite3_column_int(s, 2));
    say(r, "split", sqlite3_column_int64(s, 0), what);
    return 0;
}

static void end_chain(struct run *r)
{
    if (r->chain.judgments && r->to->chain) {
        pk_hex(r->origin, sizeof r->origin, r->chain.origin);
        pk_hex(r->head, sizeof r->head, r->chain.head);
        r->to->chain(r->to->ctx, &r->chain);
    }
    r->chain.judgments = 0;
    memset(r->head, 0, sizeof r->head);
}

/* The judgment in a row, from column `col` on; false when it makes no sense. */
static bool read_judgment(sqlite3_stmt *s, int col, struct prefdb__judgment *j)
{
    *j = (struct prefdb__judgment){
        .choice = PREFDB__WITHDRAWN,
        .strength = sqlite3_column_type(s, col + 2) == SQLITE_NULL
                        ? PREFDB_UNSTATED
                        : sqlite3_column_int(s, col + 2),
        .shown_left = -1,
        .seconds = prefdb__real(s, col + 5),
        .note = text_or_null(s, col + 6),
        .guideline = text_or_null(s, col + 8),
        .annotator = prefdb__text(s, col + 9),
        .created = text_or_null(s, col + 10)};
    const char *choice = text_or_null(s, col + 1);
    const char *label = text_or_null(s, col + 3);
    const char *left = text_or_null(s, col + 4);
    const uint8_t *old = uid_of(s, col + 11);
    j->has_supersedes = old != NULL;
    if (old)
        memcpy(j->supersedes, old, sizeof j->supersedes);
    return prefdb_parse_dimension(prefdb__text(s, col), &j->dimension) &&
           (!choice || prefdb__parse_choice(choice, &j->choice)) &&
           (!label || prefdb__parse_label(label, &j->label)) &&
           (!left || prefdb__parse_choice(left, &j->shown_left));
}

#define JUDGMENT_COLUMNS                                                       \
    " j.dimension, j.choice, j.strength, j.label, j.shown_left, j.seconds,"    \
    " j.note, j.flags, j.guideline, j.annotator, j.created,"                   \
    " (SELECT o.uid FROM judgment AS o WHERE o.id = j.supersedes), j.extra"

/* id, uid, response's uid, attribute, value, low, high, annotator, created,
 * extra */
static int rating_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    uint8_t uid[PREFDB__UID];
    const uint8_t *response = uid_of(s, 2);
    const struct prefdb__rating x = {.attribute = prefdb__text(s, 3),
                                     .value = prefdb__real(s, 4),
                                     .low = prefdb__real(s, 5),
                                     .high = prefdb__real(s, 6),
                                     .annotator = prefdb__text(s, 7),
                                     .created = text_or_null(s, 8)};
    if (response)
        prefdb__rating_uid(r->db->sha, response, &x, text_or_null(s, 9), uid);
    if (!response || !blob_is(s, 1, uid, sizeof uid))
        say(r, "rating", sqlite3_column_int64(s, 0),
            "it is not what was stored: its uid differs");
    return 0;
}

/* id, uid, comparison's uid, whether it may supersede what it does, then what
 * it says */
static const char judgment_sql[] =
    "SELECT j.id, j.uid, c.uid,"
    " j.supersedes IS NULL OR EXISTS (SELECT 1 FROM judgment AS o WHERE"
    "  o.id = j.supersedes AND o.comparison = j.comparison"
    "  AND o.dimension = j.dimension)," JUDGMENT_COLUMNS
    " FROM judgment AS j LEFT JOIN comparison AS c ON c.id = j.comparison"
    " ORDER BY j.id";

static const char link_sql[] =
    "SELECT j.id, l.origin, l.seq, l.hash, c.uid," JUDGMENT_COLUMNS
    " FROM link AS l LEFT JOIN judgment AS j ON j.id = l.judgment"
    " LEFT JOIN comparison AS c ON c.id = j.comparison"
    " ORDER BY l.origin, l.seq";

/* What the judgment in a row says, as a hash; false when it makes no sense.
 * `col`: the first of JUDGMENT_COLUMNS. */
static bool digest_of(struct prefdb *db, sqlite3_stmt *s, int comparison,
                      int col, uint8_t out[32])
{
    struct prefdb__judgment j;
    const uint8_t *uid = uid_of(s, comparison);
    if (!uid || !read_judgment(s, col, &j))
        return false;
    prefdb__judgment_digest(db->sha, uid, &j, text_or_null(s, col + 7),
                            text_or_null(s, col + 12), out);
    return true;
}

static int judgment_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    uint8_t digest[32];
    int64_t id = sqlite3_column_int64(s, 0);
    if (!digest_of(r->db, s, 2, 4, digest)) {
        say(r, "judgment", id, "it does not make sense");
        return 0;
    }
    if (!sqlite3_column_int(s, 3))
        say(r, "judgment", id,
            "it supersedes one of another comparison or dimension");
    if (!blob_is(s, 1, digest, PREFDB__UID))
        say(r, "judgment", id, "it is not what was stored: its uid differs");
    return 0;
}

static int unlinked_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    say(r, "judgment", sqlite3_column_int64(s, 0), "no chain holds it");
    return 0;
}

/* In order of origin and seq; columns as in link_sql. */
static int link_row(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    (void)err;
    int64_t id = sqlite3_column_int64(s, 0), seq = sqlite3_column_int64(s, 2);
    const uint8_t *origin = uid_of(s, 1);
    uint8_t digest[32], hash[32];
    if (!origin) {
        say(r, "link", seq, "it does not make sense");
        return 0;
    }
    if (memcmp(origin, r->origin, sizeof r->origin) != 0) {
        end_chain(r);
        memcpy(r->origin, origin, sizeof r->origin);
    }
    if (seq != r->chain.judgments + 1)
        say(r, "judgment", id,
            "the one before it in its chain is missing or was changed");
    bool ok = digest_of(r->db, s, 4, 5, digest);
    if (ok) {
        prefdb__chain_hash(r->db->sha, origin, seq, r->head, digest, hash);
        ok = blob_is(s, 3, hash, sizeof hash);
    }
    if (!ok && seq == r->chain.judgments + 1)
        say(r, "judgment", id,
            "its link in the chain is not that of its content");
    /* Go on from what is stored, so that one change is named once. */
    const uint8_t *stored = sqlite3_column_blob(s, 3);
    if (stored && sqlite3_column_bytes(s, 3) == 32)
        memcpy(r->head, stored, sizeof r->head);
    r->chain.judgments = seq;
    return 0;
}

static const struct {
    const char *sql;
    prefdb__row_fn *f;
} checks[] = {
    {"PRAGMA integrity_check", integrity_row},
    {"PRAGMA foreign_key_check", foreign_row},
    {"SELECT id, uid, (SELECT uid FROM turn AS p WHERE p.id = t.parent), role,"
     " hash, content, parent FROM turn AS t ORDER BY id",
     turn_row},
    {"SELECT id FROM turn AS t"
     " WHERE NOT EXISTS (SELECT 1 FROM turn AS c WHERE c.parent = t.id)"
     " AND NOT EXISTS (SELECT 1 FROM response AS r WHERE r.turn = t.id)",
     orphan_row},
    {"SELECT id, 'turn' FROM turn WHERE id < 1 UNION ALL"
     " SELECT id, 'response' FROM response WHERE id < 1 UNION ALL"
     " SELECT id, 'comparison' FROM comparison WHERE id < 1 UNION ALL"
     " SELECT id, 'judgment' FROM judgment WHERE id < 1 UNION ALL"
     " SELECT id, 'rating' FROM rating WHERE id < 1",
     number_row},
    {"SELECT r.id, r.uid, t.uid, t.role, r.model, r.temperature, r.top_p,"
     " r.seed, r.created, r.cut, r.extra FROM response AS r"
     " LEFT JOIN turn AS t ON t.id = r.turn ORDER BY r.id",
     response_row},
    {"SELECT c.id, c.uid, p.uid, a.uid, b.uid, c.source,"
     " ta.parent IS c.prompt AND tb.parent IS c.prompt AND ta.id <> tb.id,"
     " (WITH RECURSIVE up (id, parent, role, content) AS ("
     "   SELECT id, parent, role, content FROM turn WHERE id = c.prompt"
     "   UNION ALL SELECT t.id, t.parent, t.role, t.content FROM up"
     "   JOIN turn AS t ON t.id = up.parent AND t.id < up.id)"
     "  SELECT content FROM up ORDER BY role = 'user' DESC, id LIMIT 1), c.root"
     " FROM comparison AS c LEFT JOIN turn AS p ON p.id = c.prompt"
     " LEFT JOIN response AS a ON a.id = c.a"
     " LEFT JOIN response AS b ON b.id = c.b"
     " LEFT JOIN turn AS ta ON ta.id = a.turn"
     " LEFT JOIN turn AS tb ON tb.id = b.turn ORDER BY c.id",
     comparison_row},
    {"SELECT min(id), group_concat(DISTINCT split), count(*) FROM comparison"
     " GROUP BY root HAVING count(DISTINCT split) > 1 ORDER BY 1",
     leak_row},
    {"SELECT x.id, x.uid, r.uid, x.attribute, x.value, x.low, x.high,"
     " x.annotator, x.created, x.extra FROM rating AS x"
     " LEFT JOIN response AS r ON r.id = x.response ORDER BY x.id",
     rating_row},
    {judgment_sql, judgment_row},
    {"SELECT id FROM judgment"
     " EXCEPT SELECT judgment FROM link ORDER BY 1",
     unlinked_row},
    {link_sql, link_row},
};

int prefdb__digest_of(struct prefdb *db, int64_t judgment, uint8_t out[32],
                      struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT c.uid," JUDGMENT_COLUMNS " FROM judgment AS j"
        " JOIN comparison AS c ON c.id = j.comparison WHERE j.id = ?1",
        err);
    if (!rc) {
        sqlite3_bind_int64(s, 1, judgment);
        rc = prefdb__step(db, s, err);
    }
    if (rc >= 0)
        rc = rc > 0 && digest_of(db, s, 0, 1, out)
                 ? 0
                 : prefdb__damaged(db, "judgment", judgment, err);
    sqlite3_finalize(s);
    return rc;
}

int prefdb__check(struct prefdb *db, const struct prefdb__listener *to,
                  struct pk_err *err)
{
    struct run r = {.db = db, .to = to};
    bool own = sqlite3_get_autocommit(db->sql);
    int rc = own ? prefdb__exec(db, "BEGIN", err) : 0;
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !rc; i++) {
        struct pk_err local = {0};
        rc = prefdb__each(db, checks[i].sql, checks[i].f, &r, &local);
        if (rc == PK_EDATA) {
            say(&r, "integrity", 0, local.text);
            rc = 0;
        } else if (rc && err) {
            *err = local;
        }
    }
    if (!rc)
        end_chain(&r);
    if (own)
        sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
