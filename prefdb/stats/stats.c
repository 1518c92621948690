/* What a store holds. One pass over the turns measures every path from its root
 * (a parent's row number is smaller than its children's); one pass over the
 * comparisons adds them up, one over their judgments counts these. Nothing is
 * sorted: SQLite would hold millions of rows in memory for that. */
#include "prefdb/stats/stats.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* The path that ends in a turn. */
struct path {
    uint32_t chars, units;           /* of the whole path */
    uint32_t user_chars, user_units; /* of its last user turn */
    uint32_t user_turns;
};

struct run {
    struct prefdb *db;
    const struct prefdb__units *units;
    struct path *paths; /* by row number */
    size_t n_paths;
    int64_t judged[2]; /* by dimension: the comparison that came last */
    struct prefdb__stats *out;
};

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Characters are bytes that do not go on with one; a word begins where no space
 * comes after one. Without branches, so that the compiler takes many at once.
 */
static void measure(const char *text, size_t n, uint32_t *chars,
                    uint32_t *words)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t bytes = 0, starts = n && !is_space(*s);
    for (size_t i = 0; i < n; i++)
        bytes += (s[i] & 0xC0) != 0x80;
    for (size_t i = 1; i < n; i++)
        starts += is_space(s[i - 1]) & !is_space(s[i]);
    *chars = bytes;
    *words = starts;
}

static int measure_turn(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    int64_t id = sqlite3_column_int64(s, 0);
    int64_t parent = sqlite3_column_int64(s, 1);
    if (id < 1 || (uint64_t)id >= r->n_paths || parent >= id || parent < 0)
        return prefdb__damaged(r->db, "turn", id, err);
    struct path *p = &r->paths[id];
    *p = r->paths[parent]; /* row 0 is empty */
    const char *text = prefdb__text(s, 3);
    size_t len = (size_t)sqlite3_column_bytes(s, 3);
    uint32_t chars, units;
    measure(text, len, &chars, &units);
    const struct prefdb__units *by = r->units;
    int rc = by->tokenizer
                 ? by->tokens->count(by->tokenizer, text, len, &units, err)
                 : 0;
    if (rc)
        return rc;
    p->chars += chars;
    p->units += units;
    if (strcmp(prefdb__text(s, 2), "user") == 0) {
        p->user_turns++;
        p->user_chars = chars;
        p->user_units = units;
    }
    r->out->turns++;
    return 0;
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
    return prefdb__each(
        r->db, "SELECT id, parent, role, content FROM turn ORDER BY id",
        measure_turn, r, err);
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

/* The answers hang under the prompt (columns 1, 2, 0). */
static int count_comparison(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    const struct path *p[3];
    for (int i = 0; i < 3; i++) {
        int64_t id = sqlite3_column_int64(s, i);
        if (id < 1 || (uint64_t)id >= r->n_paths)
            return prefdb__damaged(r->db, "turn", id, err);
        p[i] = &r->paths[id];
        if (p[i]->chars < p[0]->chars || p[i]->units < p[0]->units)
            return prefdb__damaged(r->db, "turn", id, err);
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
    x->empty += p[1]->chars == p[0]->chars || p[2]->chars == p[0]->chars;
    x->cut += sqlite3_column_int(s, 5) != 0;
    x->turns += p[0]->user_turns;
    double chars = 0.5 * ((double)p[1]->chars + p[2]->chars) - p[0]->chars;
    double units = 0.5 * ((double)p[1]->units + p[2]->units) - p[0]->units;
    x->chars.example += p[0]->chars + chars;
    x->chars.prompt += p[0]->user_chars;
    x->chars.response += chars;
    x->units.example += p[0]->units + units;
    x->units.prompt += p[0]->user_units;
    x->units.response += units;
    return 0;
}

/* Where the judgments of a row's source and dimension (columns 0 and 1) are
 * counted; NULL, and the code in *rc, when that can't be said. */
static struct prefdb__said *said_of(struct run *r, sqlite3_stmt *s,
                                    enum prefdb_dimension *d, int *rc,
                                    struct pk_err *err)
{
    struct prefdb__source *x = source_named(r, prefdb__text(s, 0));
    *rc = 0;
    if (!x)
        *rc = pk_fail_mem(err, "the sources");
    else if (!prefdb_parse_dimension(prefdb__text(s, 1), d))
        *rc = pk_fail(err, PK_EDATA, "%s: a judgment has no dimension",
                      r->db->path);
    else
        return &x->said[*d];
    return NULL;
}

/* source, dimension, choice, strength, label, comparison, by which they come */
static int count_judgment(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    int choice, strength = PREFDB_UNSTATED, rc;
    enum prefdb_label label = PREFDB_NO_LABEL;
    enum prefdb_dimension d;
    struct prefdb__said *said = said_of(r, s, &d, &rc, err);
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
    int64_t comparison = sqlite3_column_int64(s, 5);
    said->judgments++;
    said->choices[choice]++;
    said->strengths[strength + 1]++;
    said->labels[label]++;
    said->comparisons += r->judged[d] != comparison;
    r->judged[d] = comparison;
    return 0;
}

/* source, dimension, annotator, once each. (To leave the unnamed out in SQL
 * would bring the judgments by annotator, from all over the file.) */
static int count_annotator(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    int rc;
    enum prefdb_dimension d;
    struct prefdb__said *said = said_of(r, s, &d, &rc, err);
    if (said)
        said->annotators += *prefdb__text(s, 2) != 0;
    return rc;
}

/* source, dimension, of each such comparison */
static int count_contradictory(void *run, sqlite3_stmt *s, struct pk_err *err)
{
    struct run *r = run;
    int rc;
    enum prefdb_dimension d;
    struct prefdb__said *said = said_of(r, s, &d, &rc, err);
    if (said)
        said->contradictory++;
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
        rc = prefdb__each(r->db,
                          "SELECT c.prompt, a.turn, b.turn, c.source, c.split,"
                          " a.cut OR b.cut FROM comparison AS c"
                          " JOIN response AS a ON a.id = c.a"
                          " JOIN response AS b ON b.id = c.b",
                          count_comparison, r, err);
    if (!rc)
        rc = prefdb__each(
            r->db,
            "SELECT c.source, j.dimension, j.choice, j.strength, j.label,"
            " c.id FROM comparison AS c CROSS JOIN live_judgment AS j"
            " ON j.comparison = c.id ORDER BY c.id",
            count_judgment, r, err);
    if (!rc)
        rc = prefdb__each(r->db,
                          "SELECT DISTINCT c.source, j.dimension, j.annotator"
                          " FROM live_judgment AS j"
                          " CROSS JOIN comparison AS c ON c.id = j.comparison",
                          count_annotator, r, err);
    if (!rc)
        rc = prefdb__each(
            r->db,
            "SELECT DISTINCT c.source, j.dimension, c.id"
            " FROM comparison AS c"
            " CROSS JOIN live_judgment AS j ON j.comparison = c.id"
            " CROSS JOIN live_judgment AS k ON k.comparison = c.id"
            " AND k.dimension = j.dimension AND k.annotator = j.annotator"
            " AND k.choice > j.choice",
            count_contradictory, r, err);
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

int prefdb__stats(struct prefdb *db, const struct prefdb__units *units,
                  struct prefdb__stats *out, struct pk_err *err)
{
    struct run r = {.db = db, .units = units, .out = out};
    /* One transaction, so that all counts are of one moment. */
    int rc = prefdb_read_begin(db, err);
    if (rc)
        return rc;
    rc = count_all(&r, err);
    prefdb_read_end(db);
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
