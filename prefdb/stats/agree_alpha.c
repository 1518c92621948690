/* Krippendorff's alpha, nominal, ordinal, interval and ratio, and alpha with
 * weights; see agree.h.
 *
 * Its sufficient statistic is the matrix of coincidences. One unit more or less
 * changes that matrix by what the unit adds, so leaving out each unit in turn
 * (the jackknife, for the standard error) costs as much as one more alpha for
 * each distinct row. */
#include <math.h>

#include "prefdb/stats/agree.h"

#define L PREFDB__LEVELS

struct coincidences {
    double o[L][L];
};

/* Add `times` units of a row; false when it has no pair. */
static bool add_unit(struct coincidences *c, const struct prefdb__row *row,
                     int q, double times)
{
    double r = 0;
    for (int k = 0; k < q; k++)
        r += row->r[k];
    if (r < 2)
        return false;
    for (int k = 0; k < q; k++)
        for (int l = 0; l < q; l++)
            c->o[k][l] += times * row->r[k] * (row->r[l] - (k == l)) / (r - 1);
    return true;
}

/* How far apart two levels are: by Krippendorff's metric, or by weights. */
struct metric {
    enum prefdb__weights kind;
    bool weighted;
    double w[L][L]; /* if weighted */
};

/* The squared distance of two levels, with nk ratings on level k. */
static double distance(const struct prefdb__scale *s, const struct metric *m,
                       const double nk[L], int k, int l)
{
    enum prefdb__weights metric = m->kind;
    if (m->weighted)
        return 1 - m->w[k][l];
    double d = s->value[k] - s->value[l];
    if (metric == PREFDB__IDENTITY || k == l)
        return k != l;
    if (metric == PREFDB__RATIO)
        d /= s->value[k] + s->value[l];
    if (metric != PREFDB__ORDINAL)
        return d * d;
    d = -0.5 * (nk[k] + nk[l]);
    for (int g = k < l ? k : l; g <= (k < l ? l : k); g++)
        d += nk[g];
    return d * d;
}

/* NaN when all that is paired is on one level. */
static double alpha(const struct coincidences *c, const struct prefdb__scale *s,
                    const struct metric *metric)
{
    double nk[L] = {0}, n = 0, seen = 0, chance = 0;
    for (int k = 0; k < s->q; k++) {
        for (int l = 0; l < s->q; l++)
            nk[k] += c->o[k][l];
        /* What is left of a level after its last unit was taken off. */
        nk[k] = nk[k] < 1e-6 ? 0 : nk[k];
        n += nk[k];
    }
    for (int k = 0; k < s->q; k++)
        for (int l = 0; l < s->q; l++) {
            double d = distance(s, metric, nk, k, l);
            seen += c->o[k][l] * d;
            chance += nk[k] * nk[l] * d;
        }
    return chance > 0 ? 1 - (n - 1) * seen / chance : (double)NAN;
}

static struct prefdb__coef measure(const struct prefdb__row *rows, size_t n,
                                   const struct prefdb__scale *scale,
                                   const struct metric *metric)
{
    struct prefdb__coef c = {PREFDB__DEFINED, NAN, NAN, NAN, NAN, 0};
    struct coincidences all = {{{0}}};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        if (add_unit(&all, &rows[i], scale->q, (double)rows[i].units))
            c.units += rows[i].units;
    c.value = alpha(&all, scale, metric);
    if (isnan(c.value)) {
        c.undefined = c.units ? PREFDB__UNANIMOUS : PREFDB__NO_OVERLAP;
        return c;
    }
    if (c.units < 2)
        return c;
    for (size_t i = 0; i < n; i++) {
        if (!rows[i].units || !add_unit(&all, &rows[i], scale->q, -1))
            continue;
        double d = alpha(&all, scale, metric) - c.value;
        add_unit(&all, &rows[i], scale->q, 1);
        sum += (double)rows[i].units * d;
        squares += (double)rows[i].units * d * d;
    }
    double units = (double)c.units;
    double var = (units - 1) / units * (squares - sum * sum / units);
    if (!isnan(var)) /* else one unit holds all the variety there is */
        prefdb__coef_interval(&c, sqrt(fmax(0, var)),
                              prefdb__t_quantile(0.025, units - 1), -1);
    return c;
}

struct prefdb__coef prefdb__alpha(const struct prefdb__row *rows, size_t n,
                                  const struct prefdb__scale *scale,
                                  enum prefdb__weights metric)
{
    struct metric m = {.kind = metric};
    return measure(rows, n, scale, &m);
}

struct prefdb__coef prefdb__alpha_weighted(const struct prefdb__row *rows,
                                           size_t n,
                                           const struct prefdb__scale *scale,
                                           enum prefdb__weights kind)
{
    struct metric m = {.kind = kind, .weighted = true};
    prefdb__weights(scale, kind, m.w);
    return measure(rows, n, scale, &m);
}
