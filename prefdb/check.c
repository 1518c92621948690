/* Everything that can be recomputed, recomputed. A changed byte shows where it
 * is: a turn's text in its hash; a turn's place or role in its uid; a response
 * and a comparison in theirs, which are made of the uids below them; a judgment
 * in its digest, which names its comparison, and in its link of the chain.
 *
 * What a chain cannot show is that its last links are missing: for that the
 * heads are reported, to be written down. */
#include "prefdb/check.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/cli.h"

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

typedef int row_fn(struct run *r, sqlite3_stmt *s, struct pk_err *err);

static int each(struct run *r, const char *sql, row_fn *f, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    uint64_t n = 0;
    int rc = prefdb__prepare(r->db, &s, sql, err);
    while (!rc && (rc = prefdb__step(r->db, s, err)) > 0) {
        rc = f(r, s, err);
        if (!rc && ++n % 1024 == 0)
            rc = pk_check_interrupt(err);
    }
    sqlite3_finalize(s);
    return rc;
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

static double real_or_nan(sqlite3_stmt *s, int col)
{
    return sqlite3_column_type(s, col) == SQLITE_NULL
               ? PREFDB__UNKNOWN
               : sqlite3_column_double(s, col);
}

static int integrity_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    (void)err;
    const char *what = prefdb__text(s, 0);
    if (strcmp(what, "ok") != 0)
        say(r, "integrity", 0, what);
    return 0;
}

static int foreign_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    (void)err;
    char what[128];
    snprintf(what, sizeof what, "a %.40s refers to a %.40s that is not there",
             prefdb__text(s, 0), prefdb__text(s, 2));
    say(r, "foreign key", sqlite3_column_int64(s, 1), what);
    return 0;
}

/* id, uid, parent's uid, role, hash, content, parent */
static int turn_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
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

static int orphan_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    (void)err;
    say(r, "orphan", sqlite3_column_int64(s, 0),
        "a turn that leads to no response");
    return 0;
}

/* id, uid, turn's uid, turn's role, model, temperature, top_p, seed, created,
 * cut, extra */
static int response_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    (void)err;
    uint8_t uid[PREFDB__UID];
    const uint8_t *turn = uid_of(s, 2);
    int64_t id = sqlite3_column_int64(s, 0);
    struct prefdb__response x = {.model = text_or_null(s, 4),
                                 .temperature = real_or_nan(s, 5),
                                 .top_p = real_or_nan(s, 6),
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
static int comparison_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
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
static int leak_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
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
        .seconds = real_or_nan(s, col + 5),
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

static const char judgment_sql[] =
    "SELECT j.id, j.origin, j.seq, j.prev_hash, j.hash, j.uid, c.uid,"
    " j.supersedes IS NULL OR EXISTS (SELECT 1 FROM judgment AS o WHERE"
    "  o.id = j.supersedes AND o.comparison = j.comparison"
    "  AND o.dimension = j.dimension),"
    " j.dimension, j.choice, j.strength, j.label, j.shown_left, j.seconds,"
    " j.note, j.flags, j.guideline, j.annotator, j.created,"
    " (SELECT o.uid FROM judgment AS o WHERE o.id = j.supersedes), j.extra"
    " FROM judgment AS j LEFT JOIN comparison AS c ON c.id = j.comparison"
    " ORDER BY j.origin, j.seq";

/* In order of origin and seq; columns as in judgment_sql. */
static int judgment_row(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    (void)err;
    enum { CONTENT = 8 };
    int64_t id = sqlite3_column_int64(s, 0), seq = sqlite3_column_int64(s, 2);
    const uint8_t *origin = uid_of(s, 1), *comparison = uid_of(s, 6);
    struct prefdb__judgment j;
    uint8_t digest[32], hash[32];
    if (!origin || !comparison || !read_judgment(s, CONTENT, &j)) {
        say(r, "judgment", id, "it does not make sense");
        return 0;
    }
    if (memcmp(origin, r->origin, sizeof r->origin) != 0) {
        end_chain(r);
        memcpy(r->origin, origin, sizeof r->origin);
    }
    if (!sqlite3_column_int(s, 7))
        say(r, "judgment", id,
            "it supersedes one of another comparison or dimension");
    prefdb__judgment_digest(r->db->sha, comparison, &j,
                            text_or_null(s, CONTENT + 7),
                            text_or_null(s, CONTENT + 12), digest);
    if (!blob_is(s, 5, digest, PREFDB__UID))
        say(r, "judgment", id, "it is not what was stored: its uid differs");
    if (seq != r->chain.judgments + 1 ||
        !blob_is(s, 3, r->head, sizeof r->head))
        say(r, "judgment", id,
            "the one before it in its chain is missing or was changed");
    const uint8_t *prev = sqlite3_column_blob(s, 3);
    bool ok = prev && sqlite3_column_bytes(s, 3) == 32;
    if (ok) {
        prefdb__chain_hash(r->db->sha, origin, seq, prev, digest, hash);
        ok = blob_is(s, 4, hash, sizeof hash);
    }
    if (!ok)
        say(r, "judgment", id, "its hash is not that of its content");
    /* Go on from what is stored, so that one change is named once. */
    const uint8_t *stored = sqlite3_column_blob(s, 4);
    if (stored && sqlite3_column_bytes(s, 4) == 32)
        memcpy(r->head, stored, sizeof r->head);
    r->chain.judgments = seq;
    return 0;
}

static const struct {
    const char *sql;
    row_fn *f;
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
    {judgment_sql, judgment_row},
};

int prefdb__check(struct prefdb *db, const struct prefdb__listener *to,
                  struct pk_err *err)
{
    struct run r = {.db = db, .to = to};
    int rc = prefdb__exec(db, "BEGIN", err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !rc; i++) {
        struct pk_err local = {0};
        rc = each(&r, checks[i].sql, checks[i].f, &local);
        if (rc == PK_EDATA) {
            say(&r, "integrity", 0, local.text);
            rc = 0;
        } else if (rc && err) {
            *err = local;
        }
    }
    if (!rc)
        end_chain(&r);
    sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
