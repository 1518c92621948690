/* How often a judge was right; see tally.h. */
#include "rm/report/tally.h"

#include <math.h>
#include <stddef.h>

#include "common/num.h"
#include "rm/data/loss.h"

void rm_tally_add(struct rm_tally *t, double chosen, double rejected)
{
    t->wins += chosen > rejected;
    t->losses += chosen < rejected;
    t->ties += chosen == rejected;
    t->log_loss += rm_loss(chosen, rejected, 0, NULL);
}

/* The sums with the comparison that is not over yet. */
static struct rm_clusters closed(struct rm_clusters c)
{
    c.ww += c.wins * c.wins;
    c.wd += c.wins * c.decided;
    c.dd += c.decided * c.decided;
    c.wins = c.decided = 0;
    return c;
}

static void add_of(struct rm_clusters *c, int64_t comparison, bool win)
{
    if (c->of != comparison) {
        *c = closed(*c);
        c->of = comparison;
        c->n++;
    }
    c->wins += win;
    c->decided++;
}

void rm_tally_add_of(struct rm_tally *t, int64_t comparison, double chosen,
                     double rejected)
{
    rm_tally_add(t, chosen, rejected);
    if (chosen != rejected)
        add_of(&t->clusters, comparison, chosen > rejected);
}

void rm_hits_add(struct rm_hits *h, int64_t comparison, bool hit)
{
    h->hits += hit;
    h->n++;
    add_of(&h->clusters, comparison, hit);
}

uint64_t rm_tally_n(const struct rm_tally *t)
{
    return t->wins + t->losses + t->ties;
}

static double design_effect(const struct rm_clusters *clusters, double p,
                            double decided)
{
    const struct rm_clusters c = closed(*clusters);
    if (c.n == 0 || c.dd <= decided) /* one judgment a comparison */
        return 1;
    double apart = c.ww - 2 * p * c.wd + p * p * c.dd;
    double effect =
        p > 0 && p < 1 ? apart / (decided * p * (1 - p)) : c.dd / decided;
    return fmax(1, effect);
}

static bool interval(uint64_t wins, uint64_t decided,
                     const struct rm_clusters *c, double *share, double *low,
                     double *high)
{
    double n = (double)decided;
    *share = n > 0 ? (double)wins / n : 0;
    pk_wilson_of(*share, n / design_effect(c, *share, n), low, high);
    return n > 0;
}

bool rm_tally_accuracy(const struct rm_tally *t, double *accuracy, double *low,
                       double *high)
{
    return interval(t->wins, t->wins + t->losses, &t->clusters, accuracy, low,
                    high);
}

bool rm_hits_share(const struct rm_hits *h, double *share, double *low,
                   double *high)
{
    return interval(h->hits, h->n, &h->clusters, share, low, high);
}

double rm_tally_coin_effect(const struct rm_tally *t)
{
    const struct rm_clusters c = closed(t->clusters);
    if (c.n == 0)
        return 1;
    double apart = 4 * c.ww - 4 * c.wd + c.dd; /* sum of (n_a - n_b)^2 */
    return fmax(1, apart / (double)(t->wins + t->losses));
}

double rm_tally_log_loss(const struct rm_tally *t)
{
    uint64_t n = rm_tally_n(t);
    return n ? t->log_loss / (double)n : 0;
}
