/* Several judgments of one comparison; see votes.h. */
#include "rm/data/votes.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define RM_NAME(name, text) text,
    RM_JUDGMENTS(RM_NAME)
#undef RM_NAME
};

enum { N_NAMES = sizeof names / sizeof names[0] };

const char *rm_judgments_name(enum rm_judgments j)
{
    return names[j];
}

bool rm_parse_judgments(const char *s, enum rm_judgments *out)
{
    for (int i = 0; i < N_NAMES; i++) {
        if (strcmp(s, names[i]) == 0) {
            *out = (enum rm_judgments)i;
            return true;
        }
    }
    return false;
}

static int by_comparison(const void *a, const void *b)
{
    const struct rm_pair *x = a, *y = b;
    if (x->dimension != y->dimension)
        return x->dimension < y->dimension ? -1 : 1;
    if (x->comparison != y->comparison)
        return x->comparison < y->comparison ? -1 : 1;
    return (x->judgment > y->judgment) - (x->judgment < y->judgment);
}

static int by_judgment(const void *a, const void *b)
{
    const struct rm_pair *x = a, *y = b;
    return (x->judgment > y->judgment) - (x->judgment < y->judgment);
}

static bool same_comparison(const struct rm_pair *x, const struct rm_pair *y)
{
    return x->dimension == y->dimension && x->comparison == y->comparison;
}

/* The rounded mean of the strengths that votes for response a (or for b)
 * state. */
static int mean_strength(const struct rm_pair *v, size_t n, bool a)
{
    int sum = 0, stated = 0;
    for (size_t i = 0; i < n; i++) {
        if (v[i].a == a && v[i].target.strength != PREFDB_UNSTATED) {
            sum += v[i].target.strength;
            stated++;
        }
    }
    return stated ? (2 * sum + stated) / (2 * stated) : PREFDB_UNSTATED;
}

/* The share of votes that call response a (or b) safe, of those with a label;
 * `only`: of those that chose response a or b as `chose_a` says. */
static double safe_share(const struct rm_pair *v, size_t n, bool a, bool only,
                         bool chose_a)
{
    double sum = 0, labels = 0;
    for (size_t i = 0; i < n; i++) {
        double safe = v[i].target.safe[v[i].a == a ? 0 : 1];
        if (safe >= 0 && (!only || v[i].a == chose_a)) {
            sum += safe;
            labels++;
        }
    }
    return labels > 0 ? sum / labels : -1;
}

static struct rm_pair fold(const struct rm_pair *v, size_t n, bool a, double p,
                           bool soft)
{
    size_t first = 0;
    while (first + 1 < n && v[first].a != a)
        first++;
    struct rm_pair out = v[first];
    out.target = (struct rm_target){
        .p = soft ? p : 1,
        .strength = mean_strength(v, n, a),
        .against = soft ? mean_strength(v, n, !a) : PREFDB_UNSTATED,
        .safe = {safe_share(v, n, a, !soft, a), safe_share(v, n, !a, !soft, a)},
    };
    return out;
}

/* Who judged it twice, as repeats ask, has one vote, and the last word: how
 * many of the n at v are left, in their order. */
static size_t one_vote_each(struct rm_pair *v, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool later = false;
        for (size_t k = i + 1; k < n && v[i].annotator; k++)
            later |= v[k].annotator == v[i].annotator;
        if (!later)
            v[kept++] = v[i];
    }
    return kept;
}

/* One pair for the n votes at v, into *out; false when there is none. */
static bool decide(struct rm_pairs *p, struct rm_pair *v, size_t n,
                   enum rm_judgments how, struct rm_pair *out)
{
    const size_t judgments = n;
    size_t for_a = 0;
    if (how != RM_LATEST)
        n = one_vote_each(v, n);
    for (size_t i = 0; i < n; i++)
        for_a += v[i].a;
    if (how == RM_LATEST) {
        *out = v[n - 1];
    } else if (how == RM_MAJORITY && 2 * for_a == n) {
        p->no_majority += judgments;
        return false;
    } else {
        bool a = 2 * for_a > n || (2 * for_a == n && v[0].a);
        size_t with = a ? for_a : n - for_a;
        *out = fold(v, n, a, (double)with / (double)n, how == RM_SOFT);
    }
    p->merged += judgments - 1;
    return true;
}

void rm_votes_fold(struct rm_pairs *p, enum rm_judgments how)
{
    if (how == RM_EACH || p->n == 0)
        return;
    qsort(p->pair, p->n, sizeof *p->pair, by_comparison);
    size_t kept = 0;
    for (size_t i = 0, n; i < p->n; i += n) {
        struct rm_pair one;
        for (n = 1; i + n < p->n; n++)
            if (!same_comparison(&p->pair[i], &p->pair[i + n]))
                break;
        if (decide(p, p->pair + i, n, how, &one))
            p->pair[kept++] = one;
    }
    p->n = kept;
    qsort(p->pair, p->n, sizeof *p->pair, by_judgment);
}
