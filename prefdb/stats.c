/* What a store holds. One pass over the turns measures every path from its root
 * (a parent's row number is smaller than its children's); one pass over the
 * comparisons adds them up; the judgments are counted in SQL. */
#include "prefdb/stats.h"

#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"

/* The path that ends in a turn. */
struct path {
    uint32_t chars, words;           /* of the whole path */
    uint32_t own_chars, own_words;   /* of this turn */
    uint32_t user_chars, user_words; /* of its last user turn */
    uint32_t user_turns;
};

struct run {
    struct prefdb *db;
    struct path *paths; /* by row number */
    size_t n_paths;
    struct prefdb__stats *out;
};

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void measure(const char *s, size_t n, uint32_t *chars, uint32_t *words)
{
    bool in_word = false;
    *chars = *words = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        *chars += (c & 0xC0) != 0x80;
        bool space = is_space(c);
        *words += in_word == false && !space;
        in_word = !space;
    }
}

static int measure_turn(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    int64_t id = sqlite3_column_int64(s, 0);
    int64_t parent = sqlite3_column_int64(s, 1);
    if (id < 1 || (uint64_t)id >= r->n_paths || parent >= id || parent < 0)
        return prefdb__damaged(r->db, "turn", id, err);
    struct path *p = &r->paths[id];
    *p = r->paths[parent]; /* row 0 is empty */
    const char *text = prefdb__text(s, 3);
    measure(text, (size_t)sqlite3_column_bytes(s, 3), &p->own_chars,
            &p->own_words);
    p->chars += p->own_chars;
    p->words += p->own_words;
    if (strcmp(prefdb__text(s, 2), "user") == 0) {
        p->user_turns++;
        p->user_chars = p->own_chars;
        p->user_words = p->own_words;
    }
    r->out->turns++;
    return 0;
}

typedef int row_fn(struct run *r, sqlite3_stmt *s, struct pk_err *err);

/* Call `f` on every row of a query. */
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

static int measure_turns(struct run *r, struct pk_err *err)
{
    int64_t max;
    int rc = prefdb__int(r->db, "SELECT max(id) FROM turn", 0, &max, err);
    if (rc)
        return rc;
    r->n_paths = (size_t)(max < 0 ? 0 : max) + 1;
    r->paths = pk_calloc(r->n_paths, sizeof *r->paths);
    if (!r->paths)
        return pk_fail_mem(err, "the turns' lengths");
    return each(r, "SELECT id, parent, role, content FROM turn ORDER BY id",
                measure_turn, err);
}

/* The source of that name, made when it is new. Few sources: a search from the
 * end, as rows of one source lie together. NULL when out of memory. */
static struct prefdb__source *source_named(struct run *r, const char *name)
{
    struct prefdb__stats *o = r->out;
    for (size_t i = o->n_sources; i-- > 0;)
        if (strcmp(o->sources[i].name, name) == 0)
            return &o->sources[i];
    if (!pk_grow(&o->sources, &o->cap_sources, o->n_sources + 1,
                 sizeof *o->sources))
        return NULL;
    char *copy = pk_strdup(name);
    if (!copy)
        return NULL;
    struct prefdb__source *x = &o->sources[o->n_sources++];
    *x = (struct prefdb__source){.name = copy};
    return x;
}

static int count_comparison(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    const struct path *p[3];
    for (int i = 0; i < 3; i++) {
        int64_t id = sqlite3_column_int64(s, i);
        if (id < 1 || (uint64_t)id >= r->n_paths)
            return prefdb__damaged(r->db, "turn", id, err);
        p[i] = &r->paths[id];
    }
    enum prefdb_split split;
    if (!prefdb_parse_split(prefdb__text(s, 4), &split))
        return pk_fail(err, PK_EDATA, "%s: a comparison has no split",
                       r->db->path);
    struct prefdb__source *x = source_named(r, prefdb__text(s, 3));
    if (!x)
        return pk_fail_mem(err, "the sources");
    x->comparisons++;
    x->splits[split]++;
    x->empty += p[1]->own_chars == 0 || p[2]->own_chars == 0;
    x->cut += sqlite3_column_int(s, 5) != 0;
    x->turns += p[0]->user_turns;
    double chars = 0.5 * ((double)p[1]->own_chars + p[2]->own_chars);
    double words = 0.5 * ((double)p[1]->own_words + p[2]->own_words);
    x->chars.example += p[0]->chars + chars;
    x->chars.prompt += p[0]->user_chars;
    x->chars.response += chars;
    x->words.example += p[0]->words + words;
    x->words.prompt += p[0]->user_words;
    x->words.response += words;
    return 0;
}

/* Where the judgments of a row's source and dimension (columns 0 and 1) are
 * counted; NULL, and the code in *rc, when that can't be said. */
static struct prefdb__said *said_of(struct run *r, sqlite3_stmt *s, int *rc,
                                    struct pk_err *err)
{
    enum prefdb_dimension d;
    struct prefdb__source *x = source_named(r, prefdb__text(s, 0));
    *rc = 0;
    if (!x)
        *rc = pk_fail_mem(err, "the sources");
    else if (!prefdb_parse_dimension(prefdb__text(s, 1), &d))
        *rc = pk_fail(err, PK_EDATA, "%s: a judgment has no dimension",
                      r->db->path);
    else
        return &x->said[d];
    return NULL;
}

/* source, dimension, choice, strength, label, count */
static int count_judgments(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    int choice, strength = PREFDB_UNSTATED, rc;
    enum prefdb_label label = PREFDB_NO_LABEL;
    struct prefdb__said *said = said_of(r, s, &rc, err);
    if (!said)
        return rc;
    if (sqlite3_column_type(s, 3) != SQLITE_NULL)
        strength = sqlite3_column_int(s, 3);
    bool ok = prefdb__parse_choice(prefdb__text(s, 2), &choice) &&
              strength >= PREFDB_UNSTATED && strength <= 3;
    if (ok && sqlite3_column_type(s, 4) != SQLITE_NULL)
        ok = prefdb__parse_label(prefdb__text(s, 4), &label);
    if (!ok)
        return pk_fail(err, PK_EDATA,
                       "%s: a judgment does not make sense; run `prefkit "
                       "check`",
                       r->db->path);
    uint64_t n = (uint64_t)sqlite3_column_int64(s, 5);
    said->judgments += n;
    said->choices[choice] += n;
    said->strengths[strength + 1] += n;
    said->labels[label] += n;
    return 0;
}

/* source, dimension, comparisons, annotators */
static int count_people(struct run *r, sqlite3_stmt *s, struct pk_err *err)
{
    int rc;
    struct prefdb__said *said = said_of(r, s, &rc, err);
    if (!said)
        return rc;
    said->comparisons = (uint64_t)sqlite3_column_int64(s, 2);
    said->annotators = (uint64_t)sqlite3_column_int64(s, 3);
    return 0;
}

/* source, dimension, comparisons */
static int count_contradictory(struct run *r, sqlite3_stmt *s,
                               struct pk_err *err)
{
    int rc;
    struct prefdb__said *said = said_of(r, s, &rc, err);
    if (said)
        said->contradictory = (uint64_t)sqlite3_column_int64(s, 2);
    return rc;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct prefdb__source *)x)->name,
                  ((const struct prefdb__source *)y)->name);
}

static int count_all(struct run *r, struct pk_err *err)
{
    int64_t n = 0;
    int rc = measure_turns(r, err);
    if (!rc)
        rc = each(r,
                  "SELECT c.prompt, a.turn, b.turn, c.source, c.split,"
                  " a.cut OR b.cut FROM comparison AS c"
                  " JOIN response AS a ON a.id = c.a"
                  " JOIN response AS b ON b.id = c.b",
                  count_comparison, err);
    if (!rc)
        rc = each(r,
                  "SELECT c.source, j.dimension, j.choice, j.strength, j.label,"
                  " count(*) FROM live_judgment AS j"
                  " JOIN comparison AS c ON c.id = j.comparison"
                  " GROUP BY 1, 2, 3, 4, 5",
                  count_judgments, err);
    if (!rc)
        rc = each(r,
                  "SELECT c.source, j.dimension, count(DISTINCT j.comparison),"
                  " count(DISTINCT nullif(j.annotator, ''))"
                  " FROM live_judgment AS j"
                  " JOIN comparison AS c ON c.id = j.comparison GROUP BY 1, 2",
                  count_people, err);
    if (!rc)
        rc = each(r,
                  "SELECT c.source, x.dimension, count(DISTINCT x.comparison)"
                  " FROM (SELECT comparison, dimension FROM live_judgment"
                  "       GROUP BY comparison, dimension, annotator"
                  "       HAVING min(choice) <> max(choice)) AS x"
                  " JOIN comparison AS c ON c.id = x.comparison GROUP BY 1, 2",
                  count_contradictory, err);
    if (!rc)
        rc = prefdb__int(r->db, "SELECT count(*) FROM response", 0, &n, err);
    r->out->responses = (uint64_t)n;
    if (!rc)
        rc = prefdb__int(r->db,
                         "SELECT (SELECT count(*) FROM judgment) -"
                         " (SELECT count(*) FROM live_judgment)",
                         0, &n, err);
    r->out->superseded = (uint64_t)n;
    return rc;
}

int prefdb__stats(struct prefdb *db, struct prefdb__stats *out,
                  struct pk_err *err)
{
    struct run r = {.db = db, .out = out};
    /* One transaction, so that all counts are of one moment. */
    int rc = prefdb__exec(db, "BEGIN", err);
    if (rc)
        return rc;
    rc = count_all(&r, err);
    sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    if (out->n_sources)
        qsort(out->sources, out->n_sources, sizeof *out->sources, by_name);
    free(r.paths);
    return rc;
}

void prefdb__stats_release(struct prefdb__stats *s)
{
    for (size_t i = 0; i < s->n_sources; i++)
        free(s->sources[i].name);
    free(s->sources);
    *s = (struct prefdb__stats){0};
}
