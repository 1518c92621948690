/* Percent agreement, Fleiss' and Conger's kappa and Gwet's AC1 and AC2, with
 * any weights: one agreement p_a, several notions of chance; see agree.h. */
#include <math.h>
#include <string.h>

#include "prefdb/stats/agree.h"

#define L PREFDB__LEVELS

/* What they all begin with. n counts rated units, n2 those rated twice or
 * more; pa is the agreement, pi[k] the mean share of level k in a unit. */
struct base {
    double w[L][L], total_w;
    double n, n2, pa, pi[L];
    bool unanimous;
};

static double raters(const struct prefdb__row *row, int q)
{
    double r = 0;
    for (int k = 0; k < q; k++)
        r += row->r[k];
    return r;
}

/* The weighted agreement within one unit; 0 when it has fewer than two. */
static double agreement(const struct base *b, const struct prefdb__row *row,
                        int q)
{
    double sum = 0, r = raters(row, q);
    if (r < 2)
        return 0;
    for (int k = 0; k < q; k++) {
        double like = 0;
        for (int l = 0; l < q; l++)
            like += b->w[k][l] * row->r[l];
        sum += row->r[k] * (like - 1);
    }
    return sum / (r * (r - 1));
}

void prefdb__weights(const struct prefdb__scale *scale,
                     enum prefdb__weights kind, double w[L][L])
{
    int q = scale->q;
    double range = scale->value[q - 1] - scale->value[0];
    memset(w, 0, sizeof(double[L][L]));
    for (int k = 0; k < q; k++)
        for (int l = 0; l < q; l++) {
            double d = fabs(scale->value[k] - scale->value[l]) / range;
            double steps = k > l ? k - l : l - k;
            w[k][l] = kind == PREFDB__IDENTITY ? k == l
                      : kind == PREFDB__LINEAR ? 1 - d
                      : kind == PREFDB__QUADRATIC
                          ? 1 - d * d
                          : 1 - steps * (steps + 1) / (q * (q - 1.0));
        }
}

static void measure(struct base *b, const struct prefdb__row *rows, size_t n,
                    const struct prefdb__scale *scale,
                    enum prefdb__weights kind)
{
    double paired[L] = {0};
    int q = scale->q, levels = 0;
    *b = (struct base){.n = 0};
    prefdb__weights(scale, kind, b->w);
    for (size_t i = 0; i < n; i++) {
        double r = raters(&rows[i], q), units = (double)rows[i].units;
        if (r < 1)
            continue;
        b->n += units;
        b->n2 += r >= 2 ? units : 0;
        b->pa += units * agreement(b, &rows[i], q);
        for (int k = 0; k < q; k++) {
            b->pi[k] += units * rows[i].r[k] / r;
            paired[k] += r >= 2 ? units * rows[i].r[k] : 0;
        }
    }
    for (int k = 0; k < q; k++) {
        b->pi[k] /= b->n;
        levels += paired[k] > 0;
        for (int l = 0; l < q; l++)
            b->total_w += b->w[k][l];
    }
    b->pa /= b->n2;
    b->unanimous = levels < 2;
}

static struct prefdb__coef undefined(const struct base *b)
{
    return (struct prefdb__coef){b->n2 > 0 ? PREFDB__UNANIMOUS
                                           : PREFDB__NO_OVERLAP,
                                 NAN,
                                 NAN,
                                 NAN,
                                 NAN,
                                 (uint64_t)b->n2};
}

void prefdb__coef_interval(struct prefdb__coef *c, double se, double width,
                           double floor)
{
    if (!(se > 1e-9)) /* rounding, where it is zero */
        return;
    c->se = se;
    c->low = fmax(floor, c->value - width * se);
    c->high = fmin(1, c->value + width * se);
}

/* The interval of `value`, with the sum of squares of what each of n units adds
 * to it. */
static struct prefdb__coef interval(double value, double squares, double n,
                                    double floor, const struct base *b)
{
    struct prefdb__coef c = {PREFDB__DEFINED, value, NAN, NAN, NAN,
                             (uint64_t)b->n2};
    if (n >= 2)
        prefdb__coef_interval(&c, sqrt(squares / (n * (n - 1))),
                              prefdb__t_quantile(0.025, n - 1), floor);
    return c;
}

struct prefdb__coef prefdb__percent(const struct prefdb__row *rows, size_t n,
                                    const struct prefdb__scale *scale,
                                    enum prefdb__weights kind)
{
    struct base b;
    double squares = 0;
    measure(&b, rows, n, scale, kind);
    if (b.n2 < 1)
        return undefined(&b);
    for (size_t i = 0; i < n; i++) {
        double d = agreement(&b, &rows[i], scale->q) - b.pa;
        if (raters(&rows[i], scale->q) >= 2)
            squares += (double)rows[i].units * d * d;
    }
    return interval(b.pa, squares, b.n2, 0, &b);
}

/* (pa - pe) / (1 - pe), where the chance of level k in one unit's ratings is
 * share[k], so that a unit alone expects the mean of share over its ratings. */
static struct prefdb__coef corrected(const struct base *b,
                                     const struct prefdb__row *rows, size_t n,
                                     int q, double pe, const double share[L])
{
    double kappa = (b->pa - pe) / (1 - pe), squares = 0;
    for (size_t i = 0; i < n; i++) {
        double r = raters(&rows[i], q), expected = 0;
        if (r < 1)
            continue;
        for (int k = 0; k < q; k++)
            expected += rows[i].r[k] * share[k] / r;
        double own = b->n / b->n2 *
                     (agreement(b, &rows[i], q) - (r >= 2 ? pe : 0)) / (1 - pe);
        double d = own - 2 * (1 - kappa) * (expected - pe) / (1 - pe) - kappa;
        squares += (double)rows[i].units * d * d;
    }
    return interval(kappa, squares, b->n, -1, b);
}

struct prefdb__coef prefdb__fleiss(const struct prefdb__row *rows, size_t n,
                                   const struct prefdb__scale *scale,
                                   enum prefdb__weights kind)
{
    struct base b;
    double pe = 0, share[L] = {0};
    measure(&b, rows, n, scale, kind);
    if (b.n2 < 1 || b.unanimous)
        return undefined(&b);
    for (int k = 0; k < scale->q; k++) {
        for (int l = 0; l < scale->q; l++)
            share[k] += b.w[k][l] * b.pi[l];
        pe += b.pi[k] * share[k];
    }
    return corrected(&b, rows, n, scale->q, pe, share);
}

struct prefdb__coef prefdb__gwet(const struct prefdb__row *rows, size_t n,
                                 const struct prefdb__scale *scale,
                                 enum prefdb__weights kind)
{
    struct base b;
    double pe = 0, share[L] = {0}, q = scale->q;
    measure(&b, rows, n, scale, kind);
    if (b.n2 < 1 || b.unanimous)
        return undefined(&b);
    for (int k = 0; k < scale->q; k++) {
        share[k] = b.total_w / (q * (q - 1)) * (1 - b.pi[k]);
        pe += b.pi[k] * share[k];
    }
    return corrected(&b, rows, n, scale->q, pe, share);
}

/* The mean over ordered pairs of different raters of the weighted agreement of
 * their shares: all pairs of raters, less each with themselves. NaN with fewer
 * than two raters. */
static double two_raters(const struct prefdb__margin *margins, size_t raters,
                         int q, double w[L][L])
{
    double r = 0, all = 0, own = 0, sum[L] = {0};
    for (size_t g = 0; g < raters; g++) {
        double n = 0, p[L];
        for (int k = 0; k < q; k++)
            n += (double)margins[g].n[k];
        if (n < 1)
            continue;
        r++;
        for (int k = 0; k < q; k++)
            sum[k] += p[k] = (double)margins[g].n[k] / n;
        for (int k = 0; k < q; k++)
            for (int l = 0; l < q; l++)
                own += w[k][l] * p[k] * p[l];
    }
    for (int k = 0; k < q; k++)
        for (int l = 0; l < q; l++)
            all += w[k][l] * sum[k] * sum[l];
    return r < 2 ? (double)NAN : (all - own) / (r * (r - 1));
}

struct prefdb__coef prefdb__conger(const struct prefdb__row *rows, size_t n,
                                   const struct prefdb__margin *margins,
                                   size_t raters,
                                   const struct prefdb__scale *scale,
                                   enum prefdb__weights kind)
{
    struct base b;
    measure(&b, rows, n, scale, kind);
    double pe = two_raters(margins, raters, scale->q, b.w);
    struct prefdb__coef c = undefined(&b);
    if (isnan(pe))
        c.undefined = PREFDB__NO_OVERLAP;
    if (b.n2 < 1 || b.unanimous || isnan(pe))
        return c;
    c.undefined = PREFDB__DEFINED;
    c.value = (b.pa - pe) / (1 - pe);
    return c;
}
