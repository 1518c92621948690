/* Judgments as chosen and rejected; see pairs.h. */
#include "prefdb/export/pairs.h"

#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/utf8.h"
#include "prefdb/store/store.h"

/* What the judgments on one comparison come to. */
struct tally {
    uint64_t n[4];      /* by choice */
    uint64_t stated[2]; /* how many state a strength, and their sum */
    int64_t strength[2];
    int64_t last; /* the latest judgment, and what it says */
    int last_choice, last_strength;
};

struct run {
    struct prefdb *db;
    const struct prefdb__pairs_export *o;
    struct prefdb__pairs_done *done;
    FILE *f;
    struct pk_buf line;
};

bool prefdb__layout_has_columns(enum prefdb__layout layout)
{
    return layout != PREFDB__HH && layout != PREFDB__FACTORY;
}

/* ---- One row ------------------------------------------------------------- */

struct row {
    const struct prefdb_example *x;
    const struct prefdb_turn *chosen, *rejected;
    int strength;
    double probability; /* that chosen is the better */
};

static void add_message(struct pk_buf *b, const struct prefdb_turn *t,
                        const char *role, const char *text,
                        const char *const names[3])
{
    pk_buf_addf(b, "{\"%s\":\"%s\",\"%s\":", role, names[t->role], text);
    pk_json_quote(b, t->text, t->len);
    pk_buf_addc(b, '}');
}

static const char *const roles[] = {"system", "user", "assistant"};
static const char *const share_roles[] = {"system", "human", "gpt"};

static void add_messages(struct pk_buf *b, const struct prefdb_turn *t,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pk_buf_adds(b, i ? "," : "");
        add_message(b, &t[i], "role", "content", roles);
    }
}

static void add_columns(struct run *r, const struct row *row)
{
    struct pk_buf *b = &r->line;
    int strength = row->strength == PREFDB_UNSTATED ? 0 : row->strength;
    if (r->o->margin == PREFDB__LARGE)
        pk_buf_addf(b, ",\"margin\":%d", strength);
    else if (r->o->margin == PREFDB__SMALL)
        pk_buf_addf(b, ",\"margin\":%.9g", (double)strength / 3);
    r->done->no_strength +=
        r->o->margin != PREFDB__NO_MARGIN && row->strength == PREFDB_UNSTATED;
    if (r->o->votes == PREFDB__SOFT)
        pk_buf_addf(b, ",\"probability\":%.9g", row->probability);
    pk_buf_adds(b, "}\n");
}

static bool write_trl(struct run *r, const struct row *row)
{
    struct pk_buf *b = &r->line;
    pk_buf_adds(b, "{\"prompt\":[");
    add_messages(b, row->x->context, row->x->n_context);
    pk_buf_adds(b, "],\"chosen\":[");
    add_messages(b, row->chosen, 1);
    pk_buf_adds(b, "],\"rejected\":[");
    add_messages(b, row->rejected, 1);
    pk_buf_addc(b, ']');
    add_columns(r, row);
    return true;
}

static bool write_swift(struct run *r, const struct row *row)
{
    struct pk_buf *b = &r->line;
    pk_buf_adds(b, "{\"messages\":[");
    add_messages(b, row->x->context, row->x->n_context);
    pk_buf_addc(b, ',');
    add_messages(b, row->chosen, 1);
    pk_buf_adds(b, "],\"rejected_response\":");
    pk_json_quote(b, row->rejected->text, row->rejected->len);
    add_columns(r, row);
    return true;
}

/* LLaMA-Factory takes dialogues in which the user and the assistant alternate,
 * behind at most one system turn, and the user is the last. */
static bool write_factory(struct run *r, const struct row *row)
{
    struct pk_buf *b = &r->line;
    const struct prefdb_turn *t = row->x->context;
    size_t n = row->x->n_context, first = t->role == PREFDB_SYSTEM;
    if ((n - first) % 2 == 0)
        return false;
    for (size_t i = first; i < n; i++)
        if (t[i].role !=
            ((i - first) % 2 == 0 ? PREFDB_USER : PREFDB_ASSISTANT))
            return false;
    pk_buf_adds(b, "{\"conversations\":[");
    for (size_t i = 0; i < n; i++) {
        pk_buf_adds(b, i ? "," : "");
        add_message(b, &t[i], "from", "value", share_roles);
    }
    pk_buf_adds(b, "],\"chosen\":");
    add_message(b, row->chosen, "from", "value", share_roles);
    pk_buf_adds(b, ",\"rejected\":");
    add_message(b, row->rejected, "from", "value", share_roles);
    pk_buf_adds(b, "}\n");
    return true;
}

/* HH-RLHF's text has no system turn, and no way to say that a marker is not
 * one. */
static bool add_hh(struct pk_buf *b, const struct prefdb_turn *t)
{
    static const char *const marks[] = {NULL, "\n\nHuman:", "\n\nAssistant:"};
    if (t->role == PREFDB_SYSTEM || strstr(t->text, marks[1]) ||
        strstr(t->text, marks[2]))
        return false;
    pk_buf_adds(b, marks[t->role]);
    pk_buf_addc(b, ' ');
    pk_buf_add(b, t->text, t->len);
    return true;
}

static bool write_hh(struct run *r, const struct row *row)
{
    struct pk_buf text = PK_BUF_INIT((size_t)1 << 30);
    bool ok = true;
    for (int side = 0; side < 2 && ok; side++) {
        pk_buf_reset(&text);
        for (size_t i = 0; i < row->x->n_context && ok; i++)
            ok = add_hh(&text, &row->x->context[i]);
        ok = ok && add_hh(&text, side ? row->rejected : row->chosen);
        pk_buf_adds(&r->line, side ? ",\"rejected\":" : "{\"chosen\":");
        pk_json_quote(&r->line, text.data ? text.data : "", text.len);
    }
    pk_buf_adds(&r->line, "}\n");
    if (text.failed)
        r->line.failed = text.failed;
    pk_buf_release(&text);
    return ok;
}

/* Are the first n characters the same? */
static bool same_start(const struct prefdb_turn *x, const struct prefdb_turn *y,
                       uint64_t n)
{
    size_t i = 0;
    for (; n > 0 && i < x->len && i < y->len; n--) {
        uint32_t cp;
        size_t k = pk_utf8_decode(x->text + i, x->len - i, &cp);
        k = k ? k : 1;
        if (y->len - i < k || memcmp(x->text + i, y->text + i, k) != 0)
            return false;
        i += k;
    }
    return n == 0 || (i == x->len && i == y->len);
}

/* The same start, in the unit that was asked for: 1 or 0, or an error. */
static int same(const struct prefdb__pairs_export *o, const struct row *row,
                struct pk_err *err)
{
    if (!o->same_after)
        return 0;
    return o->tokenizer ? o->tokens->same(o->tokenizer, row->chosen,
                                          row->rejected, o->same_after, err)
                        : same_start(row->chosen, row->rejected, o->same_after);
}

static int write_row(struct run *r, const struct row *row, struct pk_err *err)
{
    static bool (*const writers[])(struct run *, const struct row *) = {
        [PREFDB__TRL] = write_trl,
        [PREFDB__HH] = write_hh,
        [PREFDB__OPENRLHF] = write_trl,
        [PREFDB__SWIFT] = write_swift,
        [PREFDB__FACTORY] = write_factory};
    struct prefdb__pairs_done *d = r->done;
    if (r->o->drop_strength_0 && row->strength == 0) {
        d->strength_0++;
        return 0;
    }
    int cut = same(r->o, row, err);
    if (cut) {
        d->same += cut > 0;
        return cut < 0 ? cut : 0;
    }
    pk_buf_reset(&r->line);
    if (!writers[r->o->layout](r, row)) {
        d->unwritable++;
        return 0;
    }
    if (r->line.failed)
        return pk_fail_mem(err, "a row");
    d->rows++;
    if (fwrite(r->line.data, 1, r->line.len, r->f) != r->line.len)
        return pk_fail_errno(err, "cannot write the rows");
    return d->rows % 256 == 0 ? pk_check_interrupt(err) : 0;
}

/* ---- Judgments into rows ------------------------------------------------- */

static int write_choice(struct run *r, int64_t judgment, int choice,
                        int strength, double probability, struct pk_err *err)
{
    struct prefdb_example x;
    int rc = prefdb_get(r->db, judgment, &x, err);
    if (rc)
        return rc;
    bool a = choice != PREFDB_B;
    struct row row = {&x, a ? &x.a : &x.b, a ? &x.b : &x.a, strength,
                      probability};
    return write_row(r, &row, err);
}

/* A choice that prefers neither: counted, or a row of its own. */
static int write_neither(struct run *r, int64_t judgment, int choice,
                         struct pk_err *err)
{
    if (choice == PREFDB_TIE && r->o->keep_ties)
        return write_choice(r, judgment, PREFDB_A, PREFDB_UNSTATED, 0.5, err);
    if (choice == PREFDB_TIE)
        r->done->ties++;
    else
        r->done->both_bad++;
    return 0;
}

/* The mean strength of those that chose so, rounded; half up. */
static int mean_strength(const struct tally *t, int side)
{
    if (!t->stated[side])
        return PREFDB_UNSTATED;
    return (int)((2 * (uint64_t)t->strength[side] + t->stated[side]) /
                 (2 * t->stated[side]));
}

static int finish(struct run *r, const struct tally *t, struct pk_err *err)
{
    uint64_t a = t->n[PREFDB_A], b = t->n[PREFDB_B];
    uint64_t all = a + b + t->n[PREFDB_TIE] + t->n[PREFDB_BOTH_BAD];
    bool soft = r->o->votes == PREFDB__SOFT;
    bool latest = r->o->votes == PREFDB__LATEST;
    int side = a >= b ? PREFDB_A : PREFDB_B;
    if (!all || r->o->votes == PREFDB__ALL)
        return 0;
    uint64_t agree = latest           ? t->n[t->last_choice]
                     : a == b || soft ? all
                                      : t->n[side];
    r->done->outvoted += all - agree;
    r->done->folded += agree - 1;
    if (latest)
        return t->last_choice > PREFDB_B
                   ? write_neither(r, t->last, t->last_choice, err)
                   : write_choice(r, t->last, t->last_choice, t->last_strength,
                                  1, err);
    if (a == b && a == 0)
        return write_neither(r, t->last,
                             t->n[PREFDB_TIE] >= t->n[PREFDB_BOTH_BAD]
                                 ? PREFDB_TIE
                                 : PREFDB_BOTH_BAD,
                             err);
    if (a == b && !soft) {
        r->done->undecided++;
        return 0;
    }
    double p = ((double)t->n[side] +
                0.5 * (double)(t->n[PREFDB_TIE] + t->n[PREFDB_BOTH_BAD])) /
               (double)all;
    return write_choice(r, t->last, side, mean_strength(t, side), p, err);
}

/* One judgment of a comparison that more may follow. */
static int count(struct run *r, struct tally *t, int64_t judgment, int choice,
                 int strength, struct pk_err *err)
{
    r->done->judgments++;
    if (r->o->votes == PREFDB__ALL)
        return choice > PREFDB_B
                   ? write_neither(r, judgment, choice, err)
                   : write_choice(r, judgment, choice, strength, 1, err);
    t->n[choice]++;
    t->last = judgment;
    t->last_choice = choice;
    t->last_strength = strength;
    if (choice <= PREFDB_B && strength != PREFDB_UNSTATED) {
        t->stated[choice]++;
        t->strength[choice] += strength;
    }
    return 0;
}

/* The last column, where there are votes (?4): has the same annotator judged it
 * again, later? Who judges a pair twice, as repeats ask, has one vote, and the
 * last word. */
static const char judgments_sql[] =
    "SELECT j.id, j.comparison, j.choice, ifnull(j.strength, -1),"
    " iif(?4 AND j.annotator <> '', EXISTS (SELECT 1 FROM live_judgment AS l"
    " WHERE l.comparison = j.comparison AND l.dimension = j.dimension"
    " AND l.annotator = j.annotator AND l.id > j.id), 0)"
    " FROM comparison AS c CROSS JOIN live_judgment AS j"
    " ON j.comparison = c.id"
    " WHERE (?1 IS NULL OR j.dimension = ?1)"
    " AND (?2 IS NULL OR c.split = ?2) AND (?3 IS NULL OR c.source = ?3)"
    " ORDER BY c.id, j.id";

static const char dimensions_sql[] =
    "SELECT count(DISTINCT j.dimension) FROM comparison AS c"
    " JOIN live_judgment AS j ON j.comparison = c.id"
    " WHERE (?1 IS NULL OR j.dimension = ?1)"
    " AND (?2 IS NULL OR c.split = ?2) AND (?3 IS NULL OR c.source = ?3)";

static int prepare(struct run *r, const char *sql, sqlite3_stmt **out,
                   struct pk_err *err)
{
    const struct prefdb_query *q = &r->o->q;
    int rc = prefdb__prepare(r->db, out, sql, err);
    if (rc)
        return rc;
    if (q->dimension >= 0)
        prefdb__bind_text(
            *out, 1,
            prefdb_dimension_name((enum prefdb_dimension)q->dimension));
    if (q->split >= 0)
        prefdb__bind_text(*out, 2,
                          prefdb_split_name((enum prefdb_split)q->split));
    prefdb__bind_text(*out, 3, q->source);
    return 0;
}

static int check_dimensions(struct run *r, struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int n = 0, rc = prepare(r, dimensions_sql, &s, err);
    if (!rc && (rc = prefdb__step(r->db, s, err)) > 0)
        n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    if (rc < 0)
        return rc;
    return n > 1 ? pk_fail(err, PK_EUSAGE,
                           "both dimensions were judged, and a row does not "
                           "say which it is; give --dimension")
                 : 0;
}

static int all_rows(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    struct tally t = {0};
    int64_t current = 0;
    int rc;
    while ((rc = prefdb__step(r->db, s, err)) > 0) {
        int choice;
        int64_t judgment = sqlite3_column_int64(s, 0);
        if (!prefdb__parse_choice(prefdb__text(s, 2), &choice))
            return prefdb__damaged(r->db, "judgment", judgment, err);
        if (sqlite3_column_int64(s, 1) != current) {
            rc = finish(r, &t, err);
            if (rc)
                return rc;
            t = (struct tally){0};
            current = sqlite3_column_int64(s, 1);
        }
        if (sqlite3_column_int(s, 4)) {
            r->done->judgments++;
            r->done->revoted++;
            continue;
        }
        rc = count(r, &t, judgment, choice, sqlite3_column_int(s, 3), err);
        if (rc)
            return rc;
    }
    return rc < 0 ? rc : finish(r, &t, err);
}

int prefdb__export_pairs(struct prefdb *db,
                         const struct prefdb__pairs_export *o, FILE *f,
                         struct prefdb__pairs_done *done, struct pk_err *err)
{
    struct run r = {.db = db,
                    .o = o,
                    .done = done,
                    .f = f,
                    .line = PK_BUF_INIT((size_t)1 << 30)};
    sqlite3_stmt *s = NULL;
    *done = (struct prefdb__pairs_done){0};
    int rc = prefdb_read_begin(db, err);
    if (rc)
        return rc;
    rc = check_dimensions(&r, err);
    if (!rc)
        rc = prepare(&r, judgments_sql, &s, err);
    if (!rc)
        sqlite3_bind_int(
            s, 4, o->votes == PREFDB__MAJORITY || o->votes == PREFDB__SOFT);
    if (!rc)
        rc = all_rows(&r, s, err);
    sqlite3_finalize(s);
    prefdb_read_end(db);
    pk_buf_release(&r.line);
    return rc;
}
