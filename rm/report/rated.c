/* Scores against ratings; see rated.h. */
#include "rm/report/rated.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "rm/report/analysis.h"

int rm_rated_init(struct rm_rated *r, const char *attribute, double low,
                  double high, size_t n_models, struct pk_err *err)
{
    *r = (struct rm_rated){.attribute = pk_strdup(attribute),
                           .low = low,
                           .high = high,
                           .n_models = n_models,
                           .correlation = pk_calloc(n_models, sizeof(double))};
    bool ok = r->attribute && r->correlation;
    for (int i = 0; i < RM_RATING_LEVELS; i++) {
        r->level[i].mean = pk_calloc(n_models, sizeof(double));
        r->level[i].sd = pk_calloc(n_models, sizeof(double));
        ok = ok && r->level[i].mean && r->level[i].sd;
    }
    if (ok)
        return 0;
    rm_rated_release(r);
    return pk_fail_mem(err, "ratings");
}

static bool same_end(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool rm_rated_is(const struct rm_rated *r, const char *attribute, double low,
                 double high)
{
    return strcmp(r->attribute, attribute) == 0 && same_end(r->low, low) &&
           same_end(r->high, high);
}

void rm_rated_release(struct rm_rated *r)
{
    for (int i = 0; i < RM_RATING_LEVELS; i++) {
        free(r->level[i].mean);
        free(r->level[i].sd);
    }
    free(r->attribute);
    free(r->correlation);
    free(r->median);
    free(r->score);
    *r = (struct rm_rated){0};
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int rm_rated_add(struct rm_rated *r, double *ratings, size_t n,
                 const double *scores, struct pk_err *err)
{
    size_t models = r->n_models;
    if (!pk_grow(&r->median, &r->cap, r->n + 1, sizeof *r->median) ||
        !pk_grow(&r->score, &r->cap_scores, (r->n + 1) * models,
                 sizeof *r->score))
        return pk_fail_mem(err, "ratings");
    qsort(ratings, n, sizeof *ratings, ascending);
    r->median[r->n] = (ratings[(n - 1) / 2] + ratings[n / 2]) / 2;
    memcpy(r->score + r->n * models, scores, models * sizeof *scores);
    r->n++;
    r->ratings += n;
    return 0;
}

/* ---- Levels -------------------------------------------------------------- */

/* The different values of `sorted`, or parts of their range. */
static void cut_levels(struct rm_rated *r, const double *sorted)
{
    r->n_levels = 0;
    for (uint64_t i = 0; i < r->n; i++) {
        if (i > 0 && sorted[i] == sorted[i - 1])
            continue;
        if (r->n_levels == RM_RATING_LEVELS) {
            r->n_levels++;
            break;
        }
        r->level[r->n_levels].low = r->level[r->n_levels].high = sorted[i];
        r->n_levels++;
    }
    if (r->n_levels <= RM_RATING_LEVELS)
        return;
    double low = sorted[0], part = (sorted[r->n - 1] - low) / RM_RATING_LEVELS;
    r->n_levels = RM_RATING_LEVELS;
    for (int i = 0; i < RM_RATING_LEVELS; i++) {
        r->level[i].low = low + i * part;
        r->level[i].high = low + (i + 1) * part;
    }
}

static struct rm_rated_level *level_of(struct rm_rated *r, double median)
{
    size_t i = 0;
    while (i + 1 < r->n_levels && median >= r->level[i + 1].low)
        i++;
    return &r->level[i];
}

/* Welford's, level by level. */
static void fill_levels(struct rm_rated *r)
{
    for (uint64_t i = 0; i < r->n; i++) {
        struct rm_rated_level *l = level_of(r, r->median[i]);
        l->n++;
        for (size_t m = 0; m < r->n_models; m++) {
            double x = rm_sigma(r->score[i * r->n_models + m]);
            double d = x - l->mean[m];
            l->mean[m] += d / (double)l->n;
            l->sd[m] += d * (x - l->mean[m]);
        }
    }
    for (size_t k = 0; k < r->n_levels; k++)
        for (size_t m = 0; m < r->n_models; m++) {
            struct rm_rated_level *l = &r->level[k];
            l->sd[m] = l->n > 1 ? sqrt(l->sd[m] / (double)(l->n - 1)) : 0;
        }
}

/* ---- Correlation --------------------------------------------------------- */

struct ranked {
    double value, rank;
    uint64_t at;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static int by_place(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* Ranks, equal values sharing their mean one; in the order they came. */
static void rank_all(struct ranked *v, uint64_t n)
{
    qsort(v, n, sizeof *v, by_value);
    for (uint64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && v[end].value == v[i].value;)
            end++;
        for (uint64_t k = i; k < end; k++)
            v[k].rank = (double)(i + end - 1) / 2;
    }
    qsort(v, n, sizeof *v, by_place);
}

/* Pearson's of the ranks; 0 where one of them does not vary. */
static double correlate(const struct ranked *x, const struct ranked *y,
                        uint64_t n)
{
    double middle = (double)(n - 1) / 2, xy = 0, xx = 0, yy = 0;
    for (uint64_t i = 0; i < n; i++) {
        double a = x[i].rank - middle, b = y[i].rank - middle;
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

int rm_rated_finish(struct rm_rated *r, struct pk_err *err)
{
    struct ranked *x = pk_calloc(r->n, sizeof *x);
    struct ranked *y = pk_calloc(r->n, sizeof *y);
    double *sorted = pk_calloc(r->n, sizeof *sorted);
    bool ok = x && y && sorted;
    if (ok && r->n) {
        memcpy(sorted, r->median, r->n * sizeof *sorted);
        qsort(sorted, r->n, sizeof *sorted, ascending);
        cut_levels(r, sorted);
        fill_levels(r);
        for (uint64_t i = 0; i < r->n; i++)
            x[i] = (struct ranked){.value = r->median[i], .at = i};
        rank_all(x, r->n);
    }
    for (size_t m = 0; ok && r->n && m < r->n_models; m++) {
        for (uint64_t i = 0; i < r->n; i++)
            y[i] = (struct ranked){.value = r->score[i * r->n_models + m],
                                   .at = i};
        rank_all(y, r->n);
        r->correlation[m] = correlate(x, y, r->n);
    }
    free(x);
    free(y);
    free(sorted);
    return ok ? 0 : pk_fail_mem(err, "ratings");
}
