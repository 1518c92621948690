/* The history, the ratings and the ranking of models, as text and as JSON; see
 * history.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/plain.h"
#include "prefdb/stats/history.h"

#define BAR 40

static unsigned long long ull(uint64_t n)
{
    return (unsigned long long)n;
}

static uint64_t stated(const struct prefdb__slice *x)
{
    return x->strengths[0] + x->strengths[1] + x->strengths[2] +
           x->strengths[3];
}

/* The shares of the strengths, strongest first, as a bar of BAR characters. */
static void print_bar(const struct prefdb__slice *x)
{
    static const char mark[] = {'.', '-', '=', '#'};
    uint64_t sum = 0, all = stated(x);
    int at = 0;
    for (int i = 3; i >= 0; i--) {
        sum += x->strengths[i];
        int to = (int)((double)sum / (double)all * BAR + 0.5);
        for (; at < to; at++)
            putchar(mark[i]);
    }
}

static void print_batches(const struct prefdb__slice *v, size_t n)
{
    printf("\nstrengths by batch, %s (%% of those stated)\n",
           prefdb_dimension_name(v->dimension));
    printf("  %-18s %9s %6s %6s %6s %6s\n", "batch", "judgments", "signif",
           "better", "slight", "neglig");
    for (size_t i = 0; i < n; i++) {
        double all = (double)stated(&v[i]);
        fputs("  ", stdout);
        pk_plain_column(stdout, v[i].name[0] ? v[i].name : "(none)", 18);
        printf(" %9llu", ull(v[i].judgments));
        for (int k = 3; k >= 0 && all > 0; k--)
            printf(" %6.1f", 100 * (double)v[i].strengths[k] / all);
        if (all > 0) {
            fputs("  ", stdout);
            print_bar(&v[i]);
        }
        putchar('\n');
    }
}

/* Call f on each dimension's part of v. */
static void each_dimension(const struct prefdb__slice *v, size_t n,
                           void (*f)(const struct prefdb__slice *v, size_t n))
{
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && v[j].dimension == v[i].dimension;)
            j++;
        f(v + i, j - i);
    }
}

static void print_dimension_batches(const struct prefdb__slice *v, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += stated(&v[i]);
    if (n > 1 && all > 0)
        print_batches(v, n);
}

static void print_periods(const struct prefdb__slice *v, size_t n)
{
    uint64_t most = 1;
    for (size_t i = 0; i < n; i++)
        most = v[i].judgments > most ? v[i].judgments : most;
    printf("\njudgments over time, %s\n", prefdb_dimension_name(v->dimension));
    printf("  %-10s %9s %10s\n", "", "judgments", "annotators");
    for (size_t i = 0; i < n; i++) {
        fputs("  ", stdout);
        pk_plain_column(stdout, v[i].name, 10);
        printf(" %9llu %10llu  ", ull(v[i].judgments), ull(v[i].annotators));
        int to = (int)((double)v[i].judgments / (double)most * BAR + 0.5);
        for (int k = 0; k < to; k++)
            putchar('#');
        putchar('\n');
    }
}

void prefdb__history_text(const struct prefdb__history *h)
{
    each_dimension(h->batches, h->n_batches, print_dimension_batches);
    each_dimension(h->periods, h->n_periods, print_periods);
}

static cJSON *slice_json(const struct prefdb__slice *x, const char *what)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "dimension",
                            prefdb_dimension_name(x->dimension));
    cJSON_AddStringToObject(o, what, x->name);
    pk_json_add_int(o, "judgments", (long long)x->judgments);
    return o;
}

void prefdb__history_json(const struct prefdb__history *h, cJSON *o)
{
    cJSON *list = cJSON_AddArrayToObject(o, "batches");
    for (size_t i = 0; i < h->n_batches; i++) {
        cJSON *x = slice_json(&h->batches[i], "batch");
        cJSON *s = cJSON_AddObjectToObject(x, "strengths");
        for (int k = 0; k < 4; k++)
            pk_json_add_int(s, prefdb_strength_name(k),
                            (long long)h->batches[i].strengths[k]);
        cJSON_AddItemToArray(list, x);
    }
    list = cJSON_AddArrayToObject(o, "periods");
    for (size_t i = 0; i < h->n_periods; i++) {
        cJSON *x = slice_json(&h->periods[i], "period");
        pk_json_add_int(x, "annotators", (long long)h->periods[i].annotators);
        cJSON_AddItemToArray(list, x);
    }
}

void prefdb__attributes_text(const struct prefdb_attribute *v, size_t n)
{
    if (n)
        printf("\n%-24s %9s %9s %10s %8s  %s\n", "ratings of responses",
               "ratings", "responses", "annotators", "mean", "scale");
    for (size_t i = 0; i < n; i++) {
        pk_plain_column(stdout, v[i].name, 24);
        printf(" %9llu %9llu %10llu %8.3f  ", ull(v[i].ratings),
               ull(v[i].responses), ull(v[i].annotators), v[i].mean);
        if (isnan(v[i].low))
            puts("not stated");
        else
            printf("%g to %g\n", v[i].low, v[i].high);
    }
}

void prefdb__attributes_json(const struct prefdb_attribute *v, size_t n,
                             cJSON *o)
{
    cJSON *list = cJSON_AddArrayToObject(o, "attributes");
    for (size_t i = 0; i < n; i++) {
        cJSON *x = cJSON_CreateObject();
        cJSON_AddStringToObject(x, "attribute", v[i].name);
        pk_json_add_int(x, "ratings", (long long)v[i].ratings);
        pk_json_add_int(x, "responses", (long long)v[i].responses);
        pk_json_add_int(x, "annotators", (long long)v[i].annotators);
        pk_json_add_num(x, "mean", v[i].mean);
        pk_json_add_num(x, "low", v[i].low); /* null where not stated */
        pk_json_add_num(x, "high", v[i].high);
        cJSON_AddItemToArray(list, x);
    }
}

static void print_ranking(const struct prefdb__rankings *r, int d,
                          uint64_t rounds)
{
    const struct prefdb__ranking *x = &r->of[d];
    printf("\nmodels, %s: Bradley-Terry over %llu judgments (%llu ties, half a "
           "win each)\n",
           prefdb_dimension_name((enum prefdb_dimension)d), ull(x->battles),
           ull(x->ties));
    printf("  %4s %-32s %7s %17s %9s %8s\n", "", "model", "Elo",
           rounds ? "95% interval" : "", "judgments", "won");
    for (size_t i = 0; i < x->n; i++) {
        const struct prefdb__ranked *m = &x->v[i];
        printf("  %4zu ", i + 1);
        pk_plain_column(stdout, r->models.v[m->model], 32);
        printf(" %7.1f ", prefdb__elo(m->theta));
        if (rounds)
            printf(" %6.1f to %6.1f", prefdb__elo(m->low),
                   prefdb__elo(m->high));
        else
            printf("%17s", "");
        printf(" %9.0f %7.1f%%\n", m->battles, 100 * m->wins / m->battles);
    }
    if (!x->finite)
        puts("  no finite fit exists: the models fall into parts of which one "
             "never lost to another, or\n  that never met (--models=SOURCE "
             "ranks one source's); a weak prior (standard deviation 521\n  "
             "points) holds them together: do not compare across such parts");
    else if (x->unfinished)
        printf("  %llu of %llu resamples had no finite fit and took a weak "
               "prior (standard deviation 521\n  points): too few judgments "
               "for these intervals to be more than rough\n",
               ull(x->unfinished), ull(rounds));
    if (x->unnamed || x->same)
        printf("  not counted: %llu judgments where a response names no model, "
               "%llu of one model against itself\n",
               ull(x->unnamed), ull(x->same));
}

void prefdb__rankings_text(const struct prefdb__rankings *r, uint64_t rounds)
{
    bool any = false;
    for (int d = 0; d < 2; d++)
        if (r->of[d].n) {
            print_ranking(r, d, rounds);
            any = true;
        }
    if (!any)
        puts("\nmodels: no judgment is between two responses that name "
             "different models");
}

void prefdb__rankings_json(const struct prefdb__rankings *r, uint64_t rounds,
                           uint64_t seed, cJSON *o)
{
    cJSON *list = cJSON_AddArrayToObject(o, "rankings");
    for (int d = 0; d < 2; d++) {
        const struct prefdb__ranking *x = &r->of[d];
        if (!x->n && !x->unnamed && !x->same)
            continue;
        cJSON *of = cJSON_CreateObject();
        cJSON_AddItemToArray(list, of);
        cJSON_AddStringToObject(
            of, "dimension", prefdb_dimension_name((enum prefdb_dimension)d));
        pk_json_add_int(of, "judgments", (long long)x->battles);
        pk_json_add_int(of, "ties", (long long)x->ties);
        pk_json_add_int(of, "unnamed", (long long)x->unnamed);
        pk_json_add_int(of, "same_model", (long long)x->same);
        cJSON_AddBoolToObject(of, "finite", x->finite);
        pk_json_add_int(of, "resamples", (long long)rounds);
        pk_json_add_int(of, "resamples_with_prior", (long long)x->unfinished);
        pk_json_add_int(of, "seed", (long long)seed);
        cJSON *models = cJSON_AddArrayToObject(of, "models");
        for (size_t i = 0; i < x->n; i++) {
            const struct prefdb__ranked *m = &x->v[i];
            cJSON *y = cJSON_CreateObject();
            cJSON_AddItemToArray(models, y);
            cJSON_AddStringToObject(y, "model", r->models.v[m->model]);
            pk_json_add_num(y, "theta", m->theta);
            pk_json_add_num(y, "se", m->se);
            pk_json_add_num(y, "elo", prefdb__elo(m->theta));
            if (rounds) {
                pk_json_add_num(y, "elo_low", prefdb__elo(m->low));
                pk_json_add_num(y, "elo_high", prefdb__elo(m->high));
            }
            pk_json_add_num(y, "judgments", m->battles);
            pk_json_add_num(y, "win_rate", m->wins / m->battles);
        }
    }
}
