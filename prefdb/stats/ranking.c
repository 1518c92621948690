/* Models ranked by the judgments of their responses, with intervals from
 * resampled outcomes; see ranking.h. */
#include "prefdb/stats/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"
#include "common/rng.h"

enum outcome { WON, LOST, TIED };

uint64_t prefdb__binomial(struct pk_rng *rng, uint64_t n, double p)
{
    int sign;
    if (p <= 0 || n == 0)
        return 0;
    if (p >= 1)
        return n;
    /* From the mode outwards, the likelier neighbour's mass first or not: any
     * fixed order is right. Takes about sqrt(n p (1 - p)) steps. */
    double N = (double)n, odds = p / (1 - p), u = pk_rng_uniform(rng);
    double mode = fmin(N, floor((N + 1) * p));
    double up = exp(lgamma_r(N + 1, &sign) - lgamma_r(mode + 1, &sign) -
                    lgamma_r(N - mode + 1, &sign) + mode * log(p) +
                    (N - mode) * log1p(-p));
    double down = up, high = mode, low = mode;
    for (u -= up; u > 0 && (high < N || low > 0);) {
        if (high < N) {
            up *= (N - high) / (high + 1) * odds;
            high++;
            u -= up;
            if (u <= 0)
                return (uint64_t)high;
        }
        if (low > 0) {
            down *= low / (N - low + 1) / odds;
            low--;
            u -= down;
            if (u <= 0)
                return (uint64_t)low;
        }
        if (up < 1e-300 && down < 1e-300)
            break; /* what is left of u is rounding */
    }
    return (uint64_t)mode;
}

/* The battles of one dimension while they are read: outcomes under two models,
 * the lower number first. */
struct arena {
    struct prefdb__bag outcomes;
    uint64_t unnamed, same;
};

static int take(sqlite3_stmt *s, struct prefdb__names *models,
                struct arena arenas[2], struct pk_err *err)
{
    enum prefdb_dimension d;
    int choice;
    uint64_t n = (uint64_t)sqlite3_column_int64(s, 4);
    if (!prefdb_parse_dimension(prefdb__text(s, 0), &d) ||
        !prefdb__parse_choice(prefdb__text(s, 3), &choice))
        return pk_fail(err, PK_EDATA,
                       "a judgment does not make sense; run `prefkit check`");
    if (!prefdb__text(s, 1)[0] || !prefdb__text(s, 2)[0]) {
        arenas[d].unnamed += n;
        return 0;
    }
    int64_t a = prefdb__name(models, prefdb__text(s, 1));
    int64_t b = prefdb__name(models, prefdb__text(s, 2));
    if (a < 0 || b < 0)
        return pk_fail_mem(err, "the models");
    if (a == b) {
        arenas[d].same += n;
        return 0;
    }
    enum outcome o = choice > PREFDB_B                 ? TIED
                     : (choice == PREFDB_A) == (a < b) ? WON
                                                       : LOST;
    uint64_t key = a < b ? (uint64_t)a << 32 | (uint64_t)b
                         : (uint64_t)b << 32 | (uint64_t)a;
    return prefdb__count(&arenas[d].outcomes, key, o, n) < 0
               ? pk_fail_mem(err, "the models")
               : 0;
}

static int read_arenas(struct prefdb *db, const char *source,
                       struct prefdb__names *models, struct arena arenas[2],
                       struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT j.dimension, a.model, b.model, j.choice, count(*)"
        " FROM live_judgment AS j CROSS JOIN comparison AS c"
        " ON c.id = j.comparison JOIN response AS a ON a.id = c.a"
        " JOIN response AS b ON b.id = c.b"
        " WHERE ?1 IS NULL OR c.source = ?1 GROUP BY 1, 2, 3, 4",
        err);
    if (!rc)
        prefdb__bind_text(s, 1, source);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0)
        rc = take(s, models, arenas, err);
    sqlite3_finalize(s);
    return rc;
}

/* What the resampling works on. `place` is a model's row among those that
 * fought, `held` rounds * n abilities. */
struct work {
    struct prefdb__battles all, some;
    size_t *place;
    double *theta, *se, *start, *held;
};

static void release(struct work *w)
{
    free(w->all.wins);
    free(w->some.wins);
    free(w->place);
    free(w->theta);
    free(w->se);
    free(w->start);
    free(w->held);
}

static void add(struct prefdb__battles *b, const size_t *place,
                const struct prefdb__entry *e, uint64_t times)
{
    size_t i = place[e->a >> 32], j = place[e->a & UINT32_MAX];
    double n = (double)times * (e->b == TIED ? 0.5 : 1);
    if (e->b != LOST)
        b->wins[i * b->n + j] += n;
    if (e->b != WON)
        b->wins[j * b->n + i] += n;
}

static int prepare(struct work *w, const struct arena *a, size_t models,
                   uint64_t rounds, struct prefdb__ranking *r,
                   struct pk_err *err)
{
    size_t cells, held;
    w->place = pk_calloc(models + 1, sizeof *w->place);
    r->v = pk_calloc(models + 1, sizeof *r->v);
    if (!w->place || !r->v)
        return pk_fail_mem(err, "the models");
    for (size_t i = 0; i < models; i++)
        w->place[i] = SIZE_MAX;
    for (size_t i = 0; i < a->outcomes.n; i++) {
        const struct prefdb__entry *e = &a->outcomes.v[i];
        uint32_t who[2] = {(uint32_t)(e->a >> 32), (uint32_t)e->a};
        for (int k = 0; k < 2; k++) {
            if (w->place[who[k]] == SIZE_MAX) {
                w->place[who[k]] = r->n;
                r->v[r->n++].model = who[k];
            }
            struct prefdb__ranked *x = &r->v[w->place[who[k]]];
            x->battles += (double)e->n;
            x->wins += (double)e->n * (e->b == TIED                ? 0.5
                                       : (e->b == WON) == (k == 0) ? 1
                                                                   : 0);
        }
        r->battles += e->n;
        r->ties += e->b == TIED ? e->n : 0;
    }
    bool ok =
        pk_mul_size(r->n, r->n, &cells) && pk_mul_size(r->n, rounds, &held);
    w->all = (struct prefdb__battles){
        r->n, ok ? pk_calloc(cells, sizeof(double)) : NULL};
    w->some = (struct prefdb__battles){
        r->n, ok ? pk_calloc(cells, sizeof(double)) : NULL};
    w->theta = pk_calloc(r->n, sizeof(double));
    w->se = pk_calloc(r->n, sizeof(double));
    w->start = pk_calloc(r->n, sizeof(double));
    w->held = ok ? pk_calloc(held, sizeof(double)) : NULL;
    if (!w->all.wins || !w->some.wins || !w->theta || !w->se || !w->start ||
        !w->held)
        return pk_fail_mem(err, "the models");
    for (size_t i = 0; i < a->outcomes.n; i++)
        add(&w->all, w->place, &a->outcomes.v[i], a->outcomes.v[i].n);
    return 0;
}

/* As many outcomes as there were, drawn with replacement: a multinomial, one
 * binomial after another. */
static void resample(struct work *w, const struct prefdb__bag *outcomes,
                     uint64_t total, struct pk_rng *rng)
{
    uint64_t left = total, mass = total;
    memset(w->some.wins, 0, w->some.n * w->some.n * sizeof(double));
    for (size_t i = 0; i < outcomes->n; i++) {
        const struct prefdb__entry *e = &outcomes->v[i];
        uint64_t n = prefdb__binomial(rng, left, (double)e->n / (double)mass);
        add(&w->some, w->place, e, n);
        left -= n;
        mass -= e->n;
    }
}

static int fit(const struct prefdb__battles *b, double *theta, double *se,
               bool *finite, struct pk_err *err)
{
    int rc = prefdb__bt_finite(b, finite, err);
    return rc ? rc
              : prefdb__bt_fit(b, *finite ? 0 : PREFDB__BT_PRIOR, -1, theta, se,
                               err);
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Linear between the order statistics, as numpy does it. */
static double percentile(const double *sorted, uint64_t n, double share)
{
    double at = share * (double)(n - 1);
    uint64_t i = (uint64_t)at, next = i + 1 < n ? i + 1 : i;
    return sorted[i] + (at - (double)i) * (sorted[next] - sorted[i]);
}

static int bootstrap(struct work *w, const struct arena *a, uint64_t rounds,
                     uint64_t seed, struct prefdb__ranking *r,
                     struct pk_err *err)
{
    struct pk_rng rng;
    pk_rng_seed(&rng, seed, 0);
    for (uint64_t k = 0; k < rounds; k++) {
        bool finite;
        int rc = pk_check_interrupt(err);
        resample(w, &a->outcomes, r->battles, &rng);
        memcpy(w->start, w->theta, r->n * sizeof(double));
        if (!rc)
            rc = fit(&w->some, w->start, NULL, &finite, err);
        if (rc)
            return rc;
        r->unfinished += !finite;
        for (size_t i = 0; i < r->n; i++)
            w->held[i * rounds + k] = w->start[i];
    }
    for (size_t i = 0; i < r->n && rounds; i++) {
        double *v = w->held + i * rounds;
        qsort(v, rounds, sizeof *v, by_value);
        r->v[i].low = percentile(v, rounds, 0.025);
        r->v[i].high = percentile(v, rounds, 0.975);
    }
    return 0;
}

static int best_first(const void *x, const void *y)
{
    const struct prefdb__ranked *a = x, *b = y;
    if (a->theta != b->theta)
        return a->theta > b->theta ? -1 : 1;
    return a->model < b->model ? -1 : a->model > b->model;
}

static int rank(const struct arena *a, size_t models, uint64_t rounds,
                uint64_t seed, struct prefdb__ranking *r, struct pk_err *err)
{
    struct work w = {.place = NULL};
    r->unnamed = a->unnamed;
    r->same = a->same;
    if (!a->outcomes.n)
        return 0;
    int rc = prepare(&w, a, models, rounds, r, err);
    if (!rc)
        rc = fit(&w.all, w.theta, w.se, &r->finite, err);
    if (!rc) {
        for (size_t i = 0; i < r->n; i++) {
            r->v[i].theta = r->v[i].low = r->v[i].high = w.theta[i];
            r->v[i].se = w.se[i];
        }
        rc = bootstrap(&w, a, rounds, seed, r, err);
    }
    if (!rc)
        qsort(r->v, r->n, sizeof *r->v, best_first);
    release(&w);
    return rc;
}

int prefdb__rankings(struct prefdb *db, const char *source, uint64_t rounds,
                     uint64_t seed, struct prefdb__rankings *out,
                     struct pk_err *err)
{
    struct arena arenas[2] = {{.unnamed = 0}};
    int rc = read_arenas(db, source, &out->models, arenas, err);
    for (int d = 0; d < 2 && !rc; d++)
        rc = rank(&arenas[d], out->models.n, rounds, seed, &out->of[d], err);
    for (int d = 0; d < 2; d++)
        prefdb__bag_release(&arenas[d].outcomes);
    return rc;
}

void prefdb__rankings_release(struct prefdb__rankings *r)
{
    prefdb__names_release(&r->models);
    for (int d = 0; d < 2; d++)
        free(r->of[d].v);
    *r = (struct prefdb__rankings){.of = {{.n = 0}}};
}
