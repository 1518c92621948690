/* Cohen's kappa of two raters, weighted, with the large-sample variances of
 * Fleiss, Cohen and Everitt (1969), its own and that under H0; see agree.h. */
#include <math.h>

#include "prefdb/stats/agree.h"

#define L PREFDB__LEVELS

struct margins {
    double n, row[L], col[L];  /* shares */
    double row_w[L], col_w[L]; /* mean weight against the other's margin */
    double seen, chance;
};

static void measure(struct margins *m, const struct prefdb__pair *pair, int q,
                    double w[L][L])
{
    *m = (struct margins){.n = 0};
    for (int i = 0; i < q; i++)
        for (int j = 0; j < q; j++)
            m->n += (double)pair->table[i][j];
    for (int i = 0; i < q; i++)
        for (int j = 0; j < q; j++) {
            double p = (double)pair->table[i][j] / m->n;
            m->row[i] += p;
            m->col[j] += p;
            m->seen += w[i][j] * p;
        }
    for (int i = 0; i < q; i++)
        for (int j = 0; j < q; j++) {
            m->row_w[i] += w[i][j] * m->col[j];
            m->col_w[j] += w[i][j] * m->row[i];
            m->chance += w[i][j] * m->row[i] * m->col[j];
        }
}

static bool one_cell(const struct prefdb__pair *pair, int q)
{
    bool one = false;
    for (int i = 0; i < q; i++)
        one = one || pair->table[i][i] > 0;
    for (int i = 0; i < q && one; i++)
        for (int j = 0; j < q; j++)
            if (pair->table[i][j])
                for (int k = 0; k < q; k++)
                    one = one && i == j && (k == i || !pair->table[k][k]);
    return one;
}

struct prefdb__coef prefdb__cohen(const struct prefdb__pair *pair,
                                  const struct prefdb__scale *scale,
                                  enum prefdb__weights kind)
{
    double w[L][L], sum = 0;
    int q = scale->q;
    struct margins m;
    prefdb__weights(scale, kind, w);
    measure(&m, pair, q, w);
    struct prefdb__coef c = {PREFDB__DEFINED, NAN, NAN, NAN, NAN,
                             (uint64_t)m.n};
    if (m.n < 1 || one_cell(pair, q)) {
        c.undefined = m.n < 1 ? PREFDB__NO_OVERLAP : PREFDB__UNANIMOUS;
        return c;
    }
    c.value = (m.seen - m.chance) / (1 - m.chance);
    if (m.n < 2)
        return c;
    for (int i = 0; i < q; i++)
        for (int j = 0; j < q; j++) {
            double d = w[i][j] - (m.row_w[i] + m.col_w[j]) * (1 - c.value);
            sum += (double)pair->table[i][j] / m.n * d * d;
        }
    double mean = c.value - m.chance * (1 - c.value);
    double gap = 1 - m.chance;
    prefdb__coef_interval(&c, sqrt(fmax(0, sum - mean * mean) / m.n) / gap,
                          1.959963984540054, -1);
    return c;
}

struct prefdb__null prefdb__cohen_null(const struct prefdb__pair *pair,
                                       const struct prefdb__scale *scale,
                                       enum prefdb__weights kind)
{
    double w[L][L], sum = 0;
    int q = scale->q;
    struct margins m;
    struct prefdb__null null = {NAN, NAN, NAN};
    prefdb__weights(scale, kind, w);
    measure(&m, pair, q, w);
    if (m.n < 1 || one_cell(pair, q))
        return null;
    for (int i = 0; i < q; i++)
        for (int j = 0; j < q; j++) {
            double d = w[i][j] - (m.row_w[i] + m.col_w[j]);
            sum += m.row[i] * m.col[j] * d * d;
        }
    double gap = 1 - m.chance, var = sum - m.chance * m.chance;
    null.se = sqrt(fmax(0, var) / m.n) / gap;
    if (var < 1e-12) /* rounding, where it is zero */
        return null;
    null.z = (m.seen - m.chance) / gap / null.se;
    null.p = erfc(fabs(null.z) / sqrt(2));
    return null;
}
