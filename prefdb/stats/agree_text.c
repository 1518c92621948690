/* The agreement report as text, at most 100 columns wide. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/num.h"
#include "common/plain.h"
#include "prefdb/stats/agreement.h"

static unsigned long long ull(uint64_t n)
{
    return (unsigned long long)n;
}

static const char *why(const struct prefdb__coef *c)
{
    return c->undefined == PREFDB__UNANIMOUS ? "undefined, unanimous"
                                             : "undefined, no overlap";
}

static void print_coef(const char *name, const struct prefdb__coef *c)
{
    printf("    %-36s ", name);
    if (c->undefined)
        printf("%-37s", why(c));
    else if (isnan(c->se))
        printf("%7.3f%30s", c->value, "");
    else
        printf("%7.3f %7.3f   %6.3f to %6.3f   ", c->value, c->se, c->low,
               c->high);
    printf(" %10llu\n", ull(c->units));
}

static void print_mean(const char *name, double mean)
{
    if (!isnan(mean))
        printf("    %-36s %7.3f\n", name, mean);
}

/* "<.0001" or to four places; "-" where there is none. */
static const char *p_value(double p, char text[16])
{
    if (isnan(p))
        return "-";
    if (p < 0.0001)
        return "<.0001";
    snprintf(text, 16, "%.4f", p);
    return text;
}

static void print_null(const struct prefdb__null *null)
{
    char p[16];
    if (!isnan(null->z))
        printf("    %-36s %7s %7.3f   z %.2f, p %s\n", "  if it were chance",
               "", null->se, null->z, p_value(null->p, p));
}

static void print_cohen(const struct prefdb__twos *t, bool strength)
{
    char name[64];
    if (t->n == 1) {
        print_coef("Cohen's kappa", &t->v[0].plain);
        print_null(&t->v[0].plain_null);
        if (strength) {
            print_coef("Cohen's kappa, linear weights", &t->v[0].linear);
            print_coef("Cohen's kappa, quadratic weights", &t->v[0].quadratic);
        }
    } else if (t->defined) {
        snprintf(name, sizeof name, "Cohen's kappa, mean of %zu pairs",
                 t->defined);
        print_mean(name, t->plain);
        if (strength) {
            print_mean("  linear weights", t->linear);
            print_mean("  quadratic weights", t->quadratic);
        }
    }
}

static void print_pairs(const struct prefdb__agreement *a,
                        const struct prefdb__twos *t, uint64_t most,
                        bool strength)
{
    if (t->n < 2 || !most)
        return;
    printf("\n    %-20.20s %-20.20s %6s %8s  %-22s %6s%s\n", "annotator",
           "annotator", "shared", "the same", "Cohen's kappa, 95%", "p",
           strength ? "  quadr." : "");
    for (size_t i = 0; i < t->n && i < most; i++) {
        const struct prefdb__two *x = &t->v[i];
        char p[16];
        fputs("    ", stdout);
        pk_plain_column(stdout, a->people.v[x->low], 20);
        putchar(' ');
        pk_plain_column(stdout, a->people.v[x->high], 20);
        printf(" %6llu %7.1f%%  ", ull(x->units), 100 * x->same);
        if (x->plain.undefined)
            printf("%-29s", why(&x->plain));
        else if (isnan(x->plain.se))
            printf("%6.3f %-15s %6s", x->plain.value, "no interval",
                   p_value(x->plain_null.p, p));
        else
            printf("%6.3f %6.3f..%-7.3f %6s", x->plain.value, x->plain.low,
                   x->plain.high, p_value(x->plain_null.p, p));
        if (strength && !x->quadratic.undefined)
            printf("  %6.3f", x->quadratic.value);
        putchar('\n');
    }
    if (t->n > most)
        printf("    ... and %llu more pairs (--pairs %zu shows all)\n",
               ull(t->n - most), t->n);
}

static int print_scale(struct prefdb__agreement *a, struct prefdb__group *g,
                       enum prefdb__scale_id s,
                       const struct prefdb__agreement_print *p,
                       struct pk_err *err)
{
    struct prefdb__coef c[PREFDB__COEFS];
    struct prefdb__twos twos;
    struct prefdb__conger conger;
    int rc = prefdb__coefs(g, s, c, err);
    if (!rc)
        rc = prefdb__group_conger(g, s, &conger, err);
    if (!rc)
        rc = prefdb__twos(g, s, &twos, err);
    if (rc)
        return rc;
    printf("\n  %-38s %7s %7s   %-17s %11s\n", prefdb__scale_key(s), "value",
           "s.e.", "95% interval", "comparisons");
    printf("  (%s%s)\n", prefdb__scale_levels(g, s),
           s == PREFDB__CHOICE && !g->ties ? ": no tie was ever said" : "");
    for (int i = 0; i < PREFDB__COEFS; i++)
        if (!prefdb__coef_kinds[i].strength || s == PREFDB__STRENGTH)
            print_coef(prefdb__coef_kinds[i].name, &c[i]);
    if (conger.had)
        print_coef("Conger's kappa", &conger.plain);
    if (conger.had && s == PREFDB__STRENGTH)
        print_coef("Conger's kappa, quadratic weights", &conger.quadratic);
    print_cohen(&twos, s == PREFDB__STRENGTH);
    print_pairs(a, &twos, p->pairs, s == PREFDB__STRENGTH);
    free(twos.v);
    return 0;
}

static void print_value(const struct prefdb__coef *c)
{
    if (c->undefined)
        printf(" %9s", c->undefined == PREFDB__UNANIMOUS ? "unanimous" : "-");
    else
        printf(" %9.3f", c->value);
}

/* One line a source: what its judgments come to. */
static int print_sources(const struct prefdb__agreement *a, int d,
                         struct pk_err *err)
{
    printf("\n  %-24s %9s %8s  %-29s  %s\n", "", "", "", "on choice",
           "on strength, ordinal");
    printf("  %-24s %9s %8s %9s %9s %9s %11s %9s\n", "source", "judgments",
           "shared", "the same", "alpha", "AC1", "alpha", "AC2");
    for (size_t i = 0; i < a->sources.n; i++) {
        const struct prefdb__group *g = &a->groups[2 * i + (size_t)d];
        struct prefdb__coef c[PREFDB__COEFS], s[PREFDB__COEFS];
        if (!g->judgments)
            continue;
        int rc = prefdb__coefs(g, PREFDB__CHOICE, c, err);
        if (!rc)
            rc = prefdb__coefs(g, PREFDB__STRENGTH, s, err);
        if (rc)
            return rc;
        fputs("  ", stdout);
        pk_plain_column(stdout, a->sources.v[i], 24);
        printf(" %9llu %8llu", ull(g->judgments), ull(g->shared));
        print_value(&c[PREFDB__C_PERCENT]);
        print_value(&c[PREFDB__C_ALPHA]);
        print_value(&c[PREFDB__C_AC1]);
        if (prefdb__has_scale(g, PREFDB__STRENGTH)) {
            printf("  ");
            print_value(&s[PREFDB__C_ORDINAL]);
            print_value(&s[PREFDB__C_AC2]);
        }
        putchar('\n');
    }
    return 0;
}

static void print_share(uint64_t k, uint64_t n)
{
    double low, high;
    if (!n) {
        printf("  %16s", "-      ");
        return;
    }
    pk_wilson(k, n, &low, &high);
    printf("  %5.1f%% (%2.0f to %2.0f)", 100 * (double)k / (double)n, 100 * low,
           100 * high);
}

static void print_among(const struct prefdb__agreement *a,
                        const struct prefdb__person *v, size_t n, int d)
{
    const struct prefdb__group *g = &a->all[d];
    enum prefdb__scale_id second = prefdb__has_scale(g, PREFDB__STRENGTH)
                                       ? PREFDB__STRENGTH
                                       : PREFDB__LABEL;
    bool two = prefdb__has_scale(g, second);
    const char *name = prefdb__scale_key(second);
    printf("\n  %-24s %9s %8s %9s  %s\n", "", "", "", "like the",
           "the others' agreement without this one");
    printf("  %-24s %9s %8s %9s %9s %9s", "annotator", "judgments", "shared",
           "others", "alpha", "AC1");
    if (two)
        printf("   %8.8s alpha", name);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        fputs("  ", stdout);
        pk_plain_column(stdout, a->people.v[v[i].id], 24);
        printf(" %9llu %8llu",
               ull(a->habits[2 * v[i].id + (uint32_t)d].judgments),
               ull(v[i].on[PREFDB__CHOICE].shared));
        if (v[i].on[PREFDB__CHOICE].shared)
            printf(" %8.1f%%", 100 * v[i].on[PREFDB__CHOICE].agree);
        else
            printf(" %9s", "-");
        print_value(&v[i].on[PREFDB__CHOICE].alpha);
        print_value(&v[i].on[PREFDB__CHOICE].ac);
        if (two && v[i].on[second].ratings) {
            printf("      ");
            print_value(&v[i].on[second].alpha);
        }
        putchar('\n');
    }
}

static void print_habits(const struct prefdb__agreement *a,
                         const struct prefdb__person *v, size_t n, int d,
                         bool gold)
{
    printf("\n  %-24s  %-16s  %-16s %8s %7s %14s%s\n", "annotator",
           "left one chosen", "longer chosen", "seconds", "too",
           "same when asked", gold ? "     gold" : "");
    printf("  %-24s  %-16s  %-16s %8s %7s %14s%s\n", "", "(95% interval)",
           "(95% interval)", "(median)", "fast", "again (times)",
           gold ? "    right" : "");
    for (size_t i = 0; i < n; i++) {
        const struct prefdb__habits *h = &a->habits[2 * v[i].id + (uint32_t)d];
        fputs("  ", stdout);
        pk_plain_column(stdout, a->people.v[v[i].id], 24);
        print_share(h->left, h->sided);
        print_share(h->longer, h->unequal);
        if (h->timed)
            printf(" %8.1f %6.1f%%", h->median,
                   100 * (double)h->fast / (double)h->timed);
        else
            printf(" %8s %7s", "-", "-");
        if (h->repeats)
            printf(" %6.1f%% %6llu", 100 * (double)h->same / (double)h->repeats,
                   ull(h->repeats));
        else
            printf(" %7s", "-");
        if (gold && h->gold)
            printf(" %6.1f%%", 100 * (double)h->right / (double)h->gold);
        putchar('\n');
    }
}

static int print_people(const struct prefdb__agreement *a, int d,
                        const struct prefdb__agreement_print *p,
                        struct pk_err *err)
{
    struct prefdb__person *v;
    size_t n;
    uint64_t undated = 0;
    int rc = prefdb__people(a, (enum prefdb_dimension)d, &v, &n, err);
    if (rc)
        return rc;
    size_t most = n < p->people ? n : (size_t)p->people;
    if (most) {
        print_among(a, v, most, d);
        print_habits(a, v, most, d, p->query->gold != NULL);
    }
    if (most < n)
        printf("  ... and %zu more annotators (--annotators %zu shows all)\n",
               n - most, n);
    for (size_t i = 0; i < n; i++)
        undated += a->habits[2 * v[i].id + (uint32_t)d].undated;
    if (undated)
        printf("\n  %llu repeats have no two times, so that equal ones are "
               "stored once: not counted as\n  \"same when asked again\"\n",
               ull(undated));
    free(v);
    return 0;
}

static int print_dimension(struct prefdb__agreement *a, int d,
                           const struct prefdb__agreement_print *p,
                           struct pk_err *err)
{
    struct prefdb__group *g = &a->all[d];
    size_t sources = 0;
    int rc = 0;
    for (size_t i = 0; i < a->sources.n; i++)
        sources += a->groups[2 * i + (size_t)d].judgments > 0;
    printf("%s: %llu judgments of %llu comparisons, %llu of them by two or "
           "more annotators\n",
           prefdb_dimension_name((enum prefdb_dimension)d), ull(g->judgments),
           ull(g->comparisons), ull(g->shared));
    if (g->anonymous)
        printf("%llu judgments name no annotator and are left out\n",
               ull(g->anonymous));
    for (int s = 0; s < PREFDB__SCALES && !rc; s++)
        if (prefdb__has_scale(g, (enum prefdb__scale_id)s))
            rc = print_scale(a, g, (enum prefdb__scale_id)s, p, err);
    if (!rc && sources > 1)
        rc = print_sources(a, d, err);
    return rc ? rc : print_people(a, d, p, err);
}

int prefdb__agreement_text(struct prefdb__agreement *a,
                           const struct prefdb__agreement_print *p,
                           struct pk_err *err)
{
    bool any = false;
    for (int d = 0; d < 2; d++) {
        if (!a->all[d].judgments)
            continue;
        if (any)
            putchar('\n');
        any = true;
        int rc = print_dimension(a, d, p, err);
        if (rc)
            return rc;
    }
    if (!any) {
        puts("no judgments");
        return 0;
    }
    printf(
        "\nshared: comparisons that another annotator judged too. Strength: "
        "0 is a tie or \"negligibly better\";\n3 significantly better. "
        "Intervals: Student's t over comparisons (alpha: jackknife), none "
        "where all\ncomparisons say the same; shares: Wilson. A mean of pairs "
        "is weighted by the comparisons they\nshare. Which response is a and "
        "which b is the store's, by hash, and so is the agreement that\nchance "
        "would give. p: of a kappa at least so far from 0 by chance "
        "(two-sided). alpha with weights\nis not ordinal alpha. too fast: the "
        "two responses would have been read at more than %.0f characters\na "
        "second.\n",
        p->query->reading_speed);
    return 0;
}
