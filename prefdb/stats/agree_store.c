/* The pass over a store's judgments; see agreement.h. SQL gives them comparison
 * by comparison, each annotator's together and in time (of one time, by uid:
 * the same judgments give the same figures in every store); what one comparison
 * says is counted and forgotten. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"
#include "prefdb/stats/agreement.h"
#include "prefdb/team/campaign.h"

/* One standing judgment of the comparison at hand. */
struct said {
    uint32_t person;
    int level[PREFDB__SCALES]; /* -1: missing */
    bool dated, named;
};

struct pass {
    struct prefdb *db;
    const struct prefdb__agreement_query *q;
    struct prefdb__agreement *out;
    sqlite3_stmt *judgments, *comparison;
    int64_t id; /* the comparison at hand, 0 before the first */
    uint32_t source;
    bool wanted;
    double chars[2];      /* of its responses */
    struct said *said[2]; /* by dimension */
    size_t n[2], cap[2];
    struct prefdb__vote *ratings;
    size_t cap_ratings;
};

enum {
    COL_COMPARISON,
    COL_DIMENSION,
    COL_ANNOTATOR,
    COL_CHOICE,
    COL_STRENGTH,
    COL_LABEL,
    COL_LEFT,
    COL_SECONDS,
    COL_DATED
};

static const char judgments_sql[] =
    "SELECT comparison, dimension, annotator, choice, strength, label,"
    " shown_left, seconds, created IS NOT NULL FROM live_judgment AS j"
    " WHERE ?1 = 0 OR EXISTS (SELECT 1 FROM campaign AS c WHERE c.id = ?1"
    "  AND c.dimension = j.dimension AND (EXISTS (SELECT 1 FROM task AS t"
    "   WHERE t.campaign = ?1 AND t.comparison = j.comparison)"
    "   OR " PREFDB__IS_GOLD "))"
    " ORDER BY comparison, dimension, annotator, created, uid";

static const char comparison_sql[] =
    "SELECT c.source, length(x.content), length(y.content) FROM comparison AS c"
    " JOIN response AS a ON a.id = c.a JOIN response AS b ON b.id = c.b"
    " JOIN turn AS x ON x.id = a.turn JOIN turn AS y ON y.id = b.turn"
    " WHERE c.id = ?1";

static struct prefdb__group *group_of(struct pass *p, int d)
{
    return &p->out->groups[2 * p->source + (uint32_t)d];
}

/* Room for the n-th source or person, two of a kind. */
static bool room(void *v, size_t *cap, size_t n, size_t size)
{
    size_t had = *cap;
    if (!pk_grow(v, cap, 2 * n, size))
        return false;
    memset(*(char **)v + had * size, 0, (*cap - had) * size);
    return true;
}

/* Repeats and gold among one annotator's judgments v[0..n-1]. */
static void habits_of_run(struct prefdb__habits *h, const struct said *v,
                          size_t n, int gold)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            if (!v[i].dated || !v[j].dated) {
                h->undated++;
                continue;
            }
            h->repeats++;
            h->same += v[i].level[PREFDB__CHOICE] == v[j].level[PREFDB__CHOICE];
        }
    if (gold >= 0) {
        h->gold++;
        h->right += v[n - 1].level[PREFDB__CHOICE] == gold;
    }
}

/* The gold annotator's choice on this comparison, -1 when there is none. */
static int gold_choice(const struct pass *p, int d, int64_t *who)
{
    int gold = -1;
    *who = p->q->gold ? prefdb__name_find(&p->out->people, p->q->gold) : -1;
    for (size_t i = 0; i < p->n[d] && *who >= 0; i++)
        if (p->said[d][i].person == *who)
            gold = p->said[d][i].level[PREFDB__CHOICE];
    return gold;
}

/* Count what one dimension's judgments of the comparison say together. */
static int flush_dimension(struct pass *p, int d, struct pk_err *err)
{
    const struct said *v = p->said[d];
    size_t n = p->n[d], people = 0;
    struct prefdb__group *g = group_of(p, d);
    int64_t who;
    int rc = 0, gold = gold_choice(p, d, &who);
    g->comparisons++;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && v[j].person == v[i].person;)
            j++;
        people += v[i].named;
        if (v[i].named)
            habits_of_run(&p->out->habits[2 * v[i].person + (uint32_t)d], v + i,
                          j - i, v[i].person == who ? -1 : gold);
    }
    g->shared += people > 1;
    if (!pk_grow(&p->ratings, &p->cap_ratings, n, sizeof *p->ratings))
        return pk_fail_mem(err, "the ratings");
    for (int s = 0; s < PREFDB__SCALES && !rc; s++) {
        size_t m = 0;
        for (size_t i = 0; i < n; i++)
            /* the last of each annotator's */
            if (v[i].named && v[i].level[s] >= 0 &&
                (i + 1 == n || v[i + 1].person != v[i].person))
                p->ratings[m++] =
                    (struct prefdb__vote){v[i].person, v[i].level[s]};
        rc = prefdb__tally_add(&g->tally[s], p->ratings, m, err);
    }
    return rc;
}

static int flush(struct pass *p, struct pk_err *err)
{
    int rc = 0;
    for (int d = 0; d < 2 && !rc; d++) {
        if (p->n[d])
            rc = flush_dimension(p, d, err);
        p->n[d] = 0;
    }
    return rc;
}

/* Look up the comparison of the judgments that follow. */
static int next_comparison(struct pass *p, int64_t id, struct pk_err *err)
{
    sqlite3_bind_int64(p->comparison, 1, id);
    int rc = prefdb__step(p->db, p->comparison, err);
    if (rc == 0)
        rc = prefdb__damaged(p->db, "comparison", id, err);
    if (rc < 0)
        return rc;
    const char *source = prefdb__text(p->comparison, 0);
    p->id = id;
    p->wanted = !p->q->source || strcmp(p->q->source, source) == 0;
    if (p->wanted) {
        struct prefdb__agreement *o = p->out;
        int64_t number = prefdb__name(&o->sources, source);
        if (number < 0 ||
            !room(&o->groups, &o->cap_groups, o->sources.n, sizeof *o->groups))
            rc = pk_fail_mem(err, "the sources");
        p->source = (uint32_t)number;
        p->chars[0] = sqlite3_column_double(p->comparison, 1);
        p->chars[1] = sqlite3_column_double(p->comparison, 2);
    }
    sqlite3_reset(p->comparison);
    return rc < 0 ? rc : 0;
}

/* The levels that agreement.h speaks of. */
static void set_levels(struct said *s, int choice, int strength,
                       enum prefdb_label label)
{
    bool b = choice == PREFDB_B, chose = choice == PREFDB_A || b;
    s->level[PREFDB__CHOICE] = !chose ? 1 : b ? 2 : 0;
    s->level[PREFDB__STRENGTH] = !chose         ? 3
                                 : strength < 0 ? -1
                                 : b            ? 3 + strength
                                                : 3 - strength;
    s->level[PREFDB__LABEL] = -1;
    if (label == PREFDB_BOTH_SAFE)
        s->level[PREFDB__LABEL] = 0;
    else if (label == PREFDB_BOTH_UNSAFE)
        s->level[PREFDB__LABEL] = 3;
    else if (label != PREFDB_NO_LABEL)
        s->level[PREFDB__LABEL] = 1 + (b != (label == PREFDB_PREFERRED_UNSAFE));
}

static int count_habits(struct pass *p, struct prefdb__habits *h, int choice,
                        struct pk_err *err)
{
    sqlite3_stmt *s = p->judgments;
    bool chose = choice == PREFDB_A || choice == PREFDB_B;
    h->judgments++;
    if (chose && sqlite3_column_type(s, COL_LEFT) != SQLITE_NULL) {
        h->sided++;
        h->left += strcmp(prefdb__text(s, COL_LEFT),
                          prefdb_choice_name((enum prefdb_choice)choice)) == 0;
    }
    if (chose && p->chars[0] != p->chars[1]) {
        h->unequal++;
        h->longer += p->chars[choice] > p->chars[!choice];
    }
    if (sqlite3_column_type(s, COL_SECONDS) == SQLITE_NULL)
        return 0;
    double seconds = sqlite3_column_double(s, COL_SECONDS);
    if (!pk_grow(&h->seconds, &h->cap_seconds, h->timed + 1,
                 sizeof *h->seconds))
        return pk_fail_mem(err, "the times");
    h->seconds[h->timed++] = (float)seconds;
    h->fast += seconds * p->q->reading_speed < p->chars[0] + p->chars[1];
    return 0;
}

/* One row of the judgments. */
static int take(struct pass *p, struct pk_err *err)
{
    sqlite3_stmt *s = p->judgments;
    struct prefdb__agreement *o = p->out;
    enum prefdb_dimension d;
    enum prefdb_label label = PREFDB_NO_LABEL;
    int choice, strength = PREFDB_UNSTATED, rc = 0;
    int64_t id = sqlite3_column_int64(s, COL_COMPARISON);
    if (id != p->id) {
        rc = flush(p, err);
        if (!rc)
            rc = next_comparison(p, id, err);
    }
    if (rc || !p->wanted)
        return rc;
    if (sqlite3_column_type(s, COL_STRENGTH) != SQLITE_NULL)
        strength = sqlite3_column_int(s, COL_STRENGTH);
    if (!prefdb_parse_dimension(prefdb__text(s, COL_DIMENSION), &d) ||
        !prefdb__parse_choice(prefdb__text(s, COL_CHOICE), &choice) ||
        strength < PREFDB_UNSTATED || strength > 3 ||
        (sqlite3_column_type(s, COL_LABEL) != SQLITE_NULL &&
         !prefdb__parse_label(prefdb__text(s, COL_LABEL), &label)))
        return prefdb__damaged(p->db, "a judgment of comparison", id, err);
    if (p->q->dimension >= 0 && (int)d != p->q->dimension)
        return 0;
    const char *name = prefdb__text(s, COL_ANNOTATOR);
    int64_t person = prefdb__name(&o->people, name);
    if (person < 0 ||
        !room(&o->habits, &o->cap_habits, o->people.n, sizeof *o->habits) ||
        !pk_grow(&p->said[d], &p->cap[d], p->n[d] + 1, sizeof *p->said[d]))
        return pk_fail_mem(err, "the annotators");
    struct prefdb__group *g = group_of(p, d);
    g->judgments++;
    g->anonymous += !name[0];
    g->ties = g->ties || choice > PREFDB_B;
    g->strengths = g->strengths || strength >= 0;
    g->labels = g->labels || label != PREFDB_NO_LABEL;
    struct said *x = &p->said[d][p->n[d]++];
    x->person = (uint32_t)person;
    x->named = name[0] != 0;
    x->dated = sqlite3_column_int(s, COL_DATED) != 0;
    set_levels(x, choice, strength, label);
    return count_habits(p, &o->habits[2 * person + d], choice, err);
}

static int walk(struct pass *p, struct pk_err *err)
{
    uint64_t n = 0;
    int rc = prefdb__ask(p->db, &p->judgments, judgments_sql, &p->q->campaign,
                         1, NULL, err);
    if (!rc)
        rc = prefdb__prepare(p->db, &p->comparison, comparison_sql, err);
    while (!rc && (rc = prefdb__step(p->db, p->judgments, err)) > 0) {
        rc = take(p, err);
        if (!rc && ++n % 1024 == 0) {
            rc = pk_check_interrupt(err);
            if (p->q->progress)
                pk_progress_at(p->q->progress, n);
        }
    }
    return rc ? rc : flush(p, err);
}

static int by_seconds(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

/* Medians, and the sums over the sources that have a scale. */
static int finish(struct prefdb__agreement *o, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < 2 * o->people.n && i < o->cap_habits; i++) {
        struct prefdb__habits *h = &o->habits[i];
        h->median = (double)NAN;
        if (!h->timed)
            continue;
        qsort(h->seconds, h->timed, sizeof *h->seconds, by_seconds);
        h->median = 0.5 * ((double)h->seconds[(h->timed - 1) / 2] +
                           (double)h->seconds[h->timed / 2]);
        free(h->seconds);
        h->seconds = NULL;
    }
    for (size_t i = 0; i < 2 * o->sources.n; i++) {
        struct prefdb__group *g = &o->groups[i], *all = &o->all[i % 2];
        all->judgments += g->judgments;
        all->comparisons += g->comparisons;
        all->anonymous += g->anonymous;
        all->shared += g->shared;
        all->ties = all->ties || g->ties;
        all->strengths = all->strengths || g->strengths;
        all->labels = all->labels || g->labels;
        for (int s = 0; s < PREFDB__SCALES && !rc; s++) {
            if (prefdb__has_scale(g, (enum prefdb__scale_id)s))
                rc = prefdb__tally_merge(&all->tally[s], &g->tally[s], err);
            /* Annotators are told of over all sources only. */
            prefdb__bag_release(&g->tally[s].raters);
        }
    }
    return rc;
}

int prefdb__agreement(struct prefdb *db,
                      const struct prefdb__agreement_query *q,
                      struct prefdb__agreement *out, struct pk_err *err)
{
    struct pass p = {.db = db, .q = q, .out = out};
    int rc = walk(&p, err);
    sqlite3_finalize(p.judgments);
    sqlite3_finalize(p.comparison);
    free(p.said[0]);
    free(p.said[1]);
    free(p.ratings);
    return rc ? rc : finish(out, err);
}

static void release_group(struct prefdb__group *g)
{
    for (int s = 0; s < PREFDB__SCALES; s++)
        prefdb__tally_release(&g->tally[s]);
}

void prefdb__agreement_release(struct prefdb__agreement *a)
{
    for (size_t i = 0; i < a->cap_groups; i++)
        release_group(&a->groups[i]);
    for (size_t i = 0; i < a->cap_habits; i++)
        free(a->habits[i].seconds);
    release_group(&a->all[0]);
    release_group(&a->all[1]);
    free(a->groups);
    free(a->habits);
    prefdb__names_release(&a->sources);
    prefdb__names_release(&a->people);
    *a = (struct prefdb__agreement){.cap_groups = 0};
}
