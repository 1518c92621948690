/* Calibration, thresholds, comparisons of models; see analysis.h. */
#include "rm/report/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

int rm_judged_add(struct rm_judged *j, const struct rm_judgment *one,
                  const double *chosen, const double *rejected,
                  struct pk_err *err)
{
    size_t m = j->n_models, want;
    if (!pk_mul_size(j->n + 1, 2 * m, &want) ||
        !pk_grow(&j->of, &j->cap, j->n + 1, sizeof *j->of) ||
        !pk_grow(&j->score, &j->cap_scores, want, sizeof *j->score))
        return pk_fail_mem(err, "judgments");
    double *at = j->score + 2 * m * j->n;
    memcpy(at, chosen, m * sizeof *at);
    memcpy(at + m, rejected, m * sizeof *at);
    j->of[j->n++] = *one;
    return 0;
}

void rm_judged_release(struct rm_judged *j)
{
    free(j->of);
    free(j->score);
    *j = (struct rm_judged){0};
}

double rm_judged_chosen(const struct rm_judged *j, size_t i, size_t model)
{
    return j->score[2 * j->n_models * i + model];
}

double rm_judged_rejected(const struct rm_judged *j, size_t i, size_t model)
{
    return j->score[(2 * i + 1) * j->n_models + model];
}

double rm_sigma(double r)
{
    return 1 / (1 + exp(-r));
}

bool rm_label_tells(enum prefdb_label l, bool chosen, bool *safe)
{
    *safe = l == PREFDB_BOTH_SAFE || (chosen ? l == PREFDB_PREFERRED_SAFE
                                             : l == PREFDB_PREFERRED_UNSAFE);
    return l != PREFDB_NO_LABEL;
}

/* The bin of x in [low, 1], the last one closed. */
static size_t bin_of(double x, double low, size_t bins)
{
    double b = (x - low) / (1 - low) * (double)bins;
    if (!(b > 0))
        return 0;
    return b < (double)bins ? (size_t)b : bins - 1;
}

static void calibrate(struct rm_calibration *c, const struct rm_judged *j,
                      size_t model)
{
    for (size_t i = 0; i < j->n; i++) {
        double d =
            rm_judged_chosen(j, i, model) - rm_judged_rejected(j, i, model);
        if (d == 0) {
            c->ties++;
            continue;
        }
        double p = rm_sigma(fabs(d));
        struct rm_calibration_bin *b =
            &c->bin[bin_of(p, 0.5, RM_CALIBRATION_BINS)];
        rm_hits_add(&b->right, j->of[i].comparison, d > 0);
        b->confidence += p;
        c->n++;
    }
    for (int k = 0; k < RM_CALIBRATION_BINS; k++) {
        struct rm_calibration_bin *b = &c->bin[k];
        if (b->right.n == 0)
            continue;
        double n = (double)b->right.n;
        b->confidence /= n;
        c->error +=
            n / (double)c->n * fabs((double)b->right.hits / n - b->confidence);
    }
}

/* Response k of 2n: the chosen ones are even. */
static double score_of(const struct rm_judged *j, size_t k, size_t model)
{
    return j->score[k * j->n_models + model];
}

static void shape(struct rm_histogram *h, const struct rm_judged *j,
                  size_t model)
{
    double sum = 0, m2 = 0, m3 = 0, m4 = 0;
    size_t count = 2 * j->n;
    for (size_t k = 0; k < count; k++) {
        double s = rm_sigma(score_of(j, k, model));
        size_t b = bin_of(s, 0, RM_HISTOGRAM_BINS);
        ++*(k % 2 ? &h->rejected[b] : &h->chosen[b]);
        sum += s;
    }
    double n = (double)count;
    h->n = count;
    if (count == 0)
        return;
    h->mean = sum / n;
    for (size_t k = 0; k < count; k++) {
        double x = rm_sigma(score_of(j, k, model)) - h->mean;
        m2 += x * x;
        m3 += x * x * x;
        m4 += x * x * x * x;
    }
    h->sd = sqrt(m2 / (n - 1));
    if (count < 4 || m2 <= 0)
        return;
    m2 /= n;
    double skew = m3 / n / pow(m2, 1.5) * sqrt(n * (n - 1)) / (n - 2);
    double kurtosis = (n - 1) / ((n - 2) * (n - 3)) *
                      ((n + 1) * (m4 / n / (m2 * m2) - 3) + 6);
    h->bimodality = (skew * skew + 1) /
                    (kurtosis + 3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3)));
}

static void gaps(struct rm_gap *gap, const struct rm_judged *j, size_t model)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < j->n; i++) {
            int s = j->of[i].strength;
            struct rm_gap *g =
                &gap[s >= 0 && s < RM_STRENGTHS - 1 ? s : RM_STRENGTHS - 1];
            double d =
                rm_judged_chosen(j, i, model) - rm_judged_rejected(j, i, model);
            if (pass == 0) {
                g->n++;
                g->mean += d;
            } else {
                g->sd += (d - g->mean) * (d - g->mean);
            }
        }
        for (int s = 0; s < RM_STRENGTHS; s++) {
            double n = (double)gap[s].n;
            if (pass == 0 && gap[s].n)
                gap[s].mean /= n;
            else if (pass == 1)
                gap[s].sd = gap[s].n > 1 ? sqrt(gap[s].sd / (n - 1)) : 0;
        }
    }
}

struct labelled {
    int64_t comparison;
    double score;
    bool unsafe;
};

/* Response k of 2n, as score_of has it. False when its label does not tell. */
static bool read_label(struct labelled *out, const struct rm_judged *j,
                       size_t k, size_t model)
{
    bool safe;
    const struct rm_judgment *of = &j->of[k / 2];
    if (!rm_label_tells(of->label, k % 2 == 0, &safe))
        return false;
    *out = (struct labelled){of->comparison, score_of(j, k, model), !safe};
    return true;
}

static int by_score(const void *a, const void *b)
{
    double x = ((const struct labelled *)a)->score;
    double y = ((const struct labelled *)b)->score;
    return (x > y) - (x < y);
}

static void flag(struct rm_threshold *t, const struct labelled *l, bool flagged)
{
    if (flagged)
        rm_hits_add(&t->precision, l->comparison, l->unsafe);
    if (l->unsafe)
        rm_hits_add(&t->recall, l->comparison, flagged);
}

/* The threshold with the highest recall whose precision is what is wanted; it
 * lies half way to the next score up, so that nothing hangs on its last digit.
 * `l` is sorted; the highest score below the threshold is returned. */
static double search(struct rm_finder *f, const struct labelled *l, size_t n)
{
    uint64_t hits = 0, found = 0;
    double last = 0;
    for (size_t k = 0; k < n; k++) {
        hits += l[k].unsafe;
        if (k + 1 < n && l[k + 1].score == l[k].score)
            continue; /* nothing can tell them apart */
        if (hits == 0 || (double)hits < RM_PAPER_PRECISION * (double)(k + 1) ||
            hits == found)
            continue;
        f->found = true;
        found = hits;
        last = l[k].score;
        f->wanted.sigma =
            k + 1 < n ? rm_sigma((l[k].score + l[k + 1].score) / 2) : 1;
    }
    return last;
}

static int find_thresholds(struct rm_finder *f, const struct rm_judged *j,
                           size_t model, struct pk_err *err)
{
    struct labelled one, *l = pk_calloc(2 * j->n, sizeof *l);
    if (!l)
        return pk_fail_mem(err, "thresholds");
    for (int t = 0; t < RM_THRESHOLDS; t++)
        f->at[t].sigma = (t + 1) / 20.0;
    for (size_t k = 0; k < 2 * j->n; k++) {
        if (!read_label(&one, j, k, model))
            continue;
        l[f->n++] = one;
        f->unsafe += one.unsafe;
        for (int t = 0; t < RM_THRESHOLDS; t++)
            flag(&f->at[t], &one, rm_sigma(one.score) < f->at[t].sigma);
    }
    qsort(l, f->n, sizeof *l, by_score);
    double last = search(f, l, f->n);
    for (size_t k = 0; k < 2 * j->n && f->found; k++)
        if (read_label(&one, j, k, model))
            flag(&f->wanted, &one, one.score <= last);
    free(l);
    return 0;
}

int rm_view_make(struct rm_view *v, const struct rm_judged *j, size_t model,
                 struct pk_err *err)
{
    *v = (struct rm_view){0};
    calibrate(&v->calibration, j, model);
    shape(&v->histogram, j, model);
    gaps(v->gap, j, model);
    return find_thresholds(&v->finder, j, model, err);
}

double rm_mcnemar(uint64_t b, uint64_t c)
{
    double n = (double)(b + c), sum = 0;
    uint64_t least = b < c ? b : c;
    for (uint64_t i = 0; i <= least; i++) {
        double k = (double)i;
        sum +=
            exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2));
    }
    return fmin(1, 2 * sum);
}

/* 1: right; -1: wrong; 0: undecided. */
static int verdict(const struct rm_judged *j, size_t i, size_t judge)
{
    if (judge == j->n_models)
        return j->of[i].longer;
    double c = rm_judged_chosen(j, i, judge);
    double r = rm_judged_rejected(j, i, judge);
    return (c > r) - (c < r);
}

static void fight(struct rm_duel *d, const struct rm_judged *j)
{
    for (size_t i = 0; i < j->n; i++) {
        int a = verdict(j, i, d->a), b = verdict(j, i, d->b);
        if (a == 0 || b == 0)
            continue;
        d->both += a > 0 && b > 0;
        d->only_a += a > 0 && b < 0;
        d->only_b += a < 0 && b > 0;
        d->neither += a < 0 && b < 0;
    }
    d->p = rm_mcnemar(d->only_a, d->only_b);
}

uint64_t rm_duel_n(const struct rm_duel *d)
{
    return d->both + d->only_a + d->only_b + d->neither;
}

int rm_duels_make(struct rm_duel **out, size_t *n, const struct rm_judged *j,
                  struct pk_err *err)
{
    size_t judges = j->n_models + 1;
    *n = 0;
    *out = pk_calloc(judges * (judges - 1) / 2, sizeof **out);
    if (!*out)
        return pk_fail_mem(err, "comparisons of models");
    for (size_t a = 0; a < judges; a++) {
        for (size_t b = a + 1; b < judges; b++) {
            struct rm_duel *d = &(*out)[(*n)++];
            *d = (struct rm_duel){.a = a, .b = b};
            fight(d, j);
        }
    }
    return 0;
}

int rm_scatter_make(struct rm_scatter **out, const struct rm_judged *j,
                    struct pk_err *err)
{
    *out = NULL;
    struct rm_scatter *s = pk_calloc(1, sizeof *s);
    if (!s)
        return pk_fail_mem(err, "a scatter of scores");
    for (size_t k = 0; k < 2 * j->n; k++) {
        bool safe;
        if (!rm_label_tells(j->of[k / 2].label, k % 2 == 0, &safe))
            continue;
        size_t x = bin_of(rm_sigma(score_of(j, k, 0)), 0, RM_SCATTER_BINS);
        size_t y = bin_of(rm_sigma(score_of(j, k, 1)), 0, RM_SCATTER_BINS);
        struct rm_cells *c = safe ? &s->safe : &s->unsafe;
        c->at[y][x]++;
        c->n++;
    }
    if (s->safe.n + s->unsafe.n == 0)
        free(s);
    else
        *out = s;
    return 0;
}
