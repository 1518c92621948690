/* The arithmetic of an accuracy report; see report.h. */
#include "rm/report/report.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

const char rm_random_name[] = "at random";

struct rm_random rm_random_of(const struct rm_tally *longer)
{
    const double z = 1.959963984540054;
    uint64_t n = rm_tally_n(longer);
    double alone = (double)n / rm_tally_coin_effect(longer);
    double half = n ? fmin(0.5, z / (2 * sqrt(alone))) : 0.5;
    return (struct rm_random){n, 0.5, 0.5 - half, 0.5 + half};
}

static const char *const by_keys[] = {
#define RM_BY_KEY(name, key, heading) key,
    RM_BYS(RM_BY_KEY)
#undef RM_BY_KEY
};

static const char *const by_headings[] = {
#define RM_BY_HEADING(name, key, heading) heading,
    RM_BYS(RM_BY_HEADING)
#undef RM_BY_HEADING
};

const char *rm_by_key(enum rm_by by)
{
    return by_keys[by];
}

const char *rm_by_heading(enum rm_by by)
{
    return by_headings[by];
}

int rm_report_init(struct rm_report *r, size_t n_models, size_t n_scored,
                   struct pk_err *err)
{
    *r = (struct rm_report){.n_models = n_models,
                            .n_scored = n_scored,
                            .precision =
                                infer_precision_name(INFER_PRECISION_FP32)};
    r->model = pk_calloc(n_scored, sizeof *r->model);
    for (size_t m = 0; r->model && m < n_scored; m++)
        r->model[m].run = RM_NO_RUN;
    return r->model ? 0 : pk_fail_mem(err, "a report");
}

void rm_report_release(struct rm_report *r)
{
    for (int d = 0; d < RM_N_DIMENSIONS; d++) {
        struct rm_section *s = &r->section[d];
        for (size_t i = 0; i < s->n_groups; i++) {
            free(s->group[i].source);
            free(s->group[i].model);
        }
        free(s->group);
        for (size_t m = 0; s->mistakes && m < r->n_models; m++)
            rm_mistakes_release(&s->mistakes[m]);
        free(s->mistakes);
        rm_judged_release(&s->judged);
        free(s->view);
        free(s->duel);
        free(s->scatter);
        rm_bench_free(s->bench);
    }
    for (size_t i = 0; i < r->n_rated; i++)
        rm_rated_release(&r->rated[i]);
    free(r->rated);
    free(r->model);
    *r = (struct rm_report){0};
}

/* Where a strength or label stands among its like: strengths from significantly
 * better down, labels as the store numbers them; what was not said comes last.
 */
static int rank(enum rm_by by, int value)
{
    if (by == RM_BY_STRENGTH)
        return -value;
    return by == RM_BY_LABEL && value == PREFDB_NO_LABEL ? INT_MAX : value;
}

/* The order of groups in a report: all; sources by name; strengths; labels. */
static int order(const struct rm_group *a, enum rm_by by, int value,
                 const char *source)
{
    if (a->by != by)
        return a->by < by ? -1 : 1;
    if (by == RM_BY_SOURCE)
        return strcmp(a->source, source);
    int here = rank(by, a->value), there = rank(by, value);
    return (here > there) - (here < there);
}

/* The group, made in its place if it is not there. NULL: out of memory. */
static struct rm_group *find(struct rm_section *s, size_t n_models,
                             enum rm_by by, int value, const char *source)
{
    size_t at = 0;
    int c = 1;
    while (at < s->n_groups &&
           (c = order(&s->group[at], by, value, source)) < 0)
        at++;
    if (at < s->n_groups && c == 0)
        return &s->group[at];
    struct rm_group g = {.by = by, .value = value};
    g.model = pk_calloc(n_models, sizeof *g.model);
    g.source = by == RM_BY_SOURCE ? pk_strdup(source) : NULL;
    if (!g.model || (by == RM_BY_SOURCE && !g.source) ||
        !pk_grow(&s->group, &s->cap, s->n_groups + 1, sizeof *s->group)) {
        free(g.model);
        free(g.source);
        return NULL;
    }
    memmove(s->group + at + 1, s->group + at,
            (s->n_groups - at) * sizeof *s->group);
    s->group[at] = g;
    s->n_groups++;
    return &s->group[at];
}

/* Upper ends of the prompt lengths that are told apart. */
static const double prompt_ends[] = {100, 300, 1000, 3000};
static const char *const prompt_names[] = {"fewer than 100", "100 to 299",
                                           "300 to 999", "1,000 to 2,999",
                                           "3,000 or more"};
enum { LAST_TURN = 5 };

static int prompt_class(double chars)
{
    int c = 0;
    while (c < 4 && chars >= prompt_ends[c])
        c++;
    return c;
}

static int length_class(const struct rm_verdict *v)
{
    if (v->chosen_chars == v->rejected_chars)
        return 2;
    return v->chosen_chars < v->rejected_chars;
}

static int keep(struct rm_section *s, size_t n_models,
                const struct rm_verdict *v, struct pk_err *err)
{
    struct rm_judgment j = {
        .judgment = v->judgment,
        .comparison = v->comparison,
        .strength = v->strength,
        .label = v->label,
        .longer = (v->chosen_chars > v->rejected_chars) -
                  (v->chosen_chars < v->rejected_chars),
        .bench = v->bench,
    };
    s->judged.n_models = n_models;
    return rm_judged_add(&s->judged, &j, v->chosen, v->rejected, err);
}

int rm_report_add(struct rm_report *r, const struct rm_verdict *v,
                  struct pk_err *err)
{
    struct rm_section *s = &r->section[v->dimension];
    const struct {
        enum rm_by by;
        int value;
        bool wanted;
    } groups[] = {
        {RM_BY_ALL, 0, true},
        {RM_BY_SOURCE, 0, true},
        {RM_BY_STRENGTH, v->strength, true},
        {RM_BY_LABEL, (int)v->label, v->dimension == PREFDB_SAFETY},
        {RM_BY_LENGTH, length_class(v), true},
        {RM_BY_TURN, v->turn < LAST_TURN ? (int)v->turn : LAST_TURN, true},
        {RM_BY_PROMPT, prompt_class(v->prompt_chars), true},
        {RM_BY_VOTES, (int)v->votes, true},
    };
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (!groups[i].wanted)
            continue;
        struct rm_group *g =
            find(s, r->n_scored, groups[i].by, groups[i].value, v->source);
        if (!g)
            return pk_fail_mem(err, "a report");
        rm_tally_add_of(&g->longer, v->comparison, v->chosen_chars,
                        v->rejected_chars);
        for (size_t m = 0; m < r->n_scored; m++)
            rm_tally_add_of(&g->model[m], v->comparison, v->chosen[m],
                            v->rejected[m]);
    }
    s->used = true;
    return keep(s, r->n_models, v, err);
}

static int finish(struct rm_section *s, size_t n_models, struct pk_err *err)
{
    s->view = pk_calloc(n_models, sizeof *s->view);
    s->mistakes = pk_calloc(n_models, sizeof *s->mistakes);
    if (!s->view || !s->mistakes)
        return pk_fail_mem(err, "a report");
    int rc = 0;
    for (size_t m = 0; m < n_models && rc == 0; m++) {
        rc = rm_view_make(&s->view[m], &s->judged, m, err);
        if (rc == 0)
            rc = rm_mistakes_find(&s->mistakes[m], &s->judged, m, err);
    }
    if (rc == 0)
        rc = rm_duels_make(&s->duel, &s->n_duels, &s->judged, err);
    if (rc == 0 && n_models > 1)
        rc = rm_scatter_make(&s->scatter, &s->judged, err);
    if (rc == 0)
        rc = rm_bench_make(&s->bench, &s->judged, err);
    return rc;
}

int rm_report_finish(struct rm_report *r, struct pk_err *err)
{
    int rc = 0;
    for (int d = 0; d < RM_N_DIMENSIONS && rc == 0; d++)
        if (r->section[d].used)
            rc = finish(&r->section[d], r->n_models, err);
    return rc;
}

const char *rm_judge_name(const struct rm_report *r, size_t judge)
{
    return judge < r->n_models ? r->model[judge].name : "longer wins";
}

const struct rm_group *rm_groups_by(const struct rm_section *s, enum rm_by by,
                                    size_t *n)
{
    const struct rm_group *first = NULL;
    *n = 0;
    for (size_t i = 0; i < s->n_groups; i++) {
        if (s->group[i].by != by)
            continue;
        if (!first)
            first = &s->group[i];
        ++*n;
    }
    return first;
}

const char *rm_group_name(const struct rm_group *g)
{
    static const char *const lengths[] = {"longer", "shorter", "same length"};
    static const char *const turns[] = {"none",  "first",  "second",
                                        "third", "fourth", "fifth or later"};
    static const char *const votes[] = {
        [RM_VOTES_ONE] = "one judgment",
        [RM_VOTES_UNANIMOUS] = "several, unanimous",
        [RM_VOTES_SPLIT] = "several, split",
    };
    switch (g->by) {
    case RM_BY_ALL:
        return "all";
    case RM_BY_SOURCE:
        return g->source[0] ? g->source : "(no source)";
    case RM_BY_STRENGTH:
        return g->value == PREFDB_UNSTATED ? "unstated"
                                           : prefdb_strength_name(g->value);
    case RM_BY_LABEL:
        return g->value == PREFDB_NO_LABEL
                   ? "no label"
                   : prefdb_label_name((enum prefdb_label)g->value);
    case RM_BY_LENGTH:
        return lengths[g->value];
    case RM_BY_TURN:
        return turns[g->value];
    case RM_BY_PROMPT:
        return prompt_names[g->value];
    default:
        return votes[g->value];
    }
}

size_t rm_characters(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; n++) {
        uint32_t cp;
        size_t k = pk_utf8_decode(s + i, len - i, &cp);
        i += k ? k : 1;
    }
    return n;
}
