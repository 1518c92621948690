/* `prefkit stats DB`: what a store holds, as the paper's Table 6. */
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/num.h"
#include "common/plain.h"
#include "prefdb/stats/history.h"
#include "prefdb/stats/stats.h"

struct args {
    struct pk_cli cli;
    const char *db;
    bool json, models;
    const char *models_of; /* NULL: every source */
    const char *tokenizer; /* NULL: words are counted */
    const struct prefdb_tokens *tokens;
    uint64_t resamples, seed;
};

/* All that is told. */
struct told {
    struct prefdb__stats stats;
    struct prefdb__history history;
    struct prefdb__rankings rankings;
    struct prefdb_attribute *attributes;
    size_t n_attributes;
};

enum { OPT_TOKENIZER = 256 };

static const struct argp_option options[] = {
    {"models", 'm', "SOURCE", OPTION_ARG_OPTIONAL,
     "Rank the models behind the responses too (Bradley-Terry), by the "
     "judgments of one source or of all",
     0},
    {"resamples", 'r', "N", 0,
     "Resamples for the ranking's intervals (default 1000; 0: none)", 0},
    {"seed", 'S', "N", 0, "Seed of the resamples (default 0)", 0},
    {"tokenizer", OPT_TOKENIZER, "DIR", 0,
     "Count tokens instead of words, as the paper does, by a model directory's "
     "tokenizer or a tokenizer file: of each turn's text by itself",
     0},
    {"json", 'j', NULL, 0, "The report as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'j':
        a->json = true;
        return 0;
    case OPT_TOKENIZER:
        a->tokenizer = arg;
        return 0;
    case 'm':
        a->models = true;
        a->models_of = arg;
        return 0;
    case 'r':
        if (!pk_parse_u64(arg, 0, 1000000, &a->resamples))
            argp_error(state, "--resamples is a whole number");
        return 0;
    case 'S':
        if (!pk_parse_u64(arg, 0, INT64_MAX, &a->seed))
            argp_error(state, "--seed is a whole number");
        return 0;
    default:
        return pk_cli_args(key, arg, state,
                           (const struct pk_cli_arg[]){{"DB", &a->db}, {0}});
    }
}

/* Everything of one source added to *sum. */
static void add_source(struct prefdb__source *sum,
                       const struct prefdb__source *x)
{
    sum->comparisons += x->comparisons;
    for (int i = 0; i < 3; i++)
        sum->splits[i] += x->splits[i];
    sum->empty += x->empty;
    sum->cut += x->cut;
    sum->turns += x->turns;
    sum->chars.example += x->chars.example;
    sum->chars.prompt += x->chars.prompt;
    sum->chars.response += x->chars.response;
    sum->units.example += x->units.example;
    sum->units.prompt += x->units.prompt;
    sum->units.response += x->units.response;
}

static void print_lengths(const struct prefdb__source *x)
{
    double n = x->comparisons ? (double)x->comparisons : 1;
    pk_plain_column(stdout, x->name, 24);
    printf(" %9llu %5.1f %9.1f %8.1f %8.1f %8.1f %7.1f %7.1f\n",
           (unsigned long long)x->comparisons, x->turns / n,
           x->chars.example / n, x->chars.prompt / n, x->chars.response / n,
           x->units.example / n, x->units.prompt / n, x->units.response / n);
}

static void print_said(const struct prefdb__source *x, enum prefdb_dimension d)
{
    const struct prefdb__said *s = &x->said[d];
    if (!s->judgments)
        return;
    putchar('\n');
    pk_plain_name(stdout, x->name);
    printf(", %s: %llu judgments of %llu comparisons, %llu named "
           "annotators\n",
           prefdb_dimension_name(d), (unsigned long long)s->judgments,
           (unsigned long long)s->comparisons,
           (unsigned long long)s->annotators);
    for (int i = 0; i < 4; i++)
        if (s->choices[i])
            printf("  %8llu  %5.1f%%  choice %s\n",
                   (unsigned long long)s->choices[i],
                   100.0 * (double)s->choices[i] / (double)s->judgments,
                   prefdb_choice_name((enum prefdb_choice)i));
    for (int i = 4; i >= 0; i--)
        if (s->strengths[i])
            printf("  %8llu  %5.1f%%  strength %s\n",
                   (unsigned long long)s->strengths[i],
                   100.0 * (double)s->strengths[i] / (double)s->judgments,
                   prefdb_strength_name(i - 1));
    for (int i = 0; i < 5 && d == PREFDB_SAFETY; i++)
        if (s->labels[i])
            printf("  %8llu  %5.1f%%  label %s\n",
                   (unsigned long long)s->labels[i],
                   100.0 * (double)s->labels[i] / (double)s->judgments,
                   prefdb_label_name((enum prefdb_label)i));
    if (s->contradictory)
        printf("  %8llu          comparisons where one annotator, or people "
               "without a name, chose both ways\n",
               (unsigned long long)s->contradictory);
}

static const char *units(const struct args *a)
{
    return a->tokenizer ? "tokens" : "words";
}

static void print_text(const struct args *a, const struct prefdb__stats *s)
{
    char per[16];
    snprintf(per, sizeof per, "%s per  ", units(a));
    struct prefdb__source all = {.name = (char[]){"all"}};
    printf("%-24s %9s %5s %27s %24s\n", "", "", "", "characters per  ", per);
    printf("%-24s %9s %5s %9s %8s %8s %8s %7s %7s\n", "source", "pairs",
           "turns", "example", "prompt", "response", "example", "prompt",
           "resp.");
    for (size_t i = 0; i < s->n_sources; i++) {
        print_lengths(&s->sources[i]);
        add_source(&all, &s->sources[i]);
    }
    if (s->n_sources != 1)
        print_lengths(&all);
    puts("\npairs are comparisons; turns: user turns per dialogue; prompt: the "
         "last user turn;\nresponse: the mean of both; example: the dialogue "
         "with one response");
    printf("\n%-24s %9s %9s %9s %9s %9s\n", "source", "train", "valid", "test",
           "empty", "cut off");
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct prefdb__source *x = &s->sources[i];
        pk_plain_column(stdout, x->name, 24);
        printf(" %9llu %9llu %9llu %9llu %9llu\n",
               (unsigned long long)x->splits[0],
               (unsigned long long)x->splits[1],
               (unsigned long long)x->splits[2], (unsigned long long)x->empty,
               (unsigned long long)x->cut);
    }
    for (size_t i = 0; i < s->n_sources; i++)
        for (int d = 0; d < 2; d++)
            print_said(&s->sources[i], (enum prefdb_dimension)d);
    printf("\n%llu turns, %llu responses, %llu judgments superseded or "
           "withdrawn\n",
           (unsigned long long)s->turns, (unsigned long long)s->responses,
           (unsigned long long)s->superseded);
}

static void add_lengths(cJSON *o, const char *key,
                        const struct prefdb__lengths *l, double n)
{
    cJSON *x = cJSON_AddObjectToObject(o, key);
    pk_json_add_num(x, "example", l->example / n);
    pk_json_add_num(x, "prompt", l->prompt / n);
    pk_json_add_num(x, "response", l->response / n);
}

static cJSON *said_json(const struct prefdb__said *s)
{
    cJSON *o = cJSON_CreateObject();
    pk_json_add_int(o, "judgments", (long long)s->judgments);
    pk_json_add_int(o, "comparisons", (long long)s->comparisons);
    pk_json_add_int(o, "annotators", (long long)s->annotators);
    pk_json_add_int(o, "contradictory", (long long)s->contradictory);
    cJSON *x = cJSON_AddObjectToObject(o, "choices");
    for (int i = 0; i < 4; i++)
        pk_json_add_int(x, prefdb_choice_name((enum prefdb_choice)i),
                        (long long)s->choices[i]);
    x = cJSON_AddObjectToObject(o, "strengths");
    for (int i = 0; i < 5; i++)
        pk_json_add_int(x, prefdb_strength_name(i - 1),
                        (long long)s->strengths[i]);
    x = cJSON_AddObjectToObject(o, "labels");
    for (int i = 0; i < 5; i++)
        pk_json_add_int(x, prefdb_label_name((enum prefdb_label)i),
                        (long long)s->labels[i]);
    return o;
}

static cJSON *source_json(const struct args *a, const struct prefdb__source *s)
{
    double n = s->comparisons ? (double)s->comparisons : 1;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "source", s->name);
    pk_json_add_int(o, "comparisons", (long long)s->comparisons);
    pk_json_add_num(o, "turns", s->turns / n);
    add_lengths(o, "characters", &s->chars, n);
    add_lengths(o, units(a), &s->units, n);
    cJSON *x = cJSON_AddObjectToObject(o, "splits");
    for (int i = 0; i < 3; i++)
        pk_json_add_int(x, prefdb_split_name((enum prefdb_split)i),
                        (long long)s->splits[i]);
    pk_json_add_int(o, "empty_answers", (long long)s->empty);
    pk_json_add_int(o, "cut_answers", (long long)s->cut);
    x = cJSON_AddObjectToObject(o, "dimensions");
    for (int d = 0; d < 2; d++)
        if (s->said[d].judgments)
            cJSON_AddItemToObject(
                x, prefdb_dimension_name((enum prefdb_dimension)d),
                said_json(&s->said[d]));
    return o;
}

static int print_json(const struct args *a, const struct told *t,
                      struct pk_err *err)
{
    const struct prefdb__stats *s = &t->stats;
    cJSON *o = pk_json_report("prefkit-stats-1", a->db);
    cJSON *list = cJSON_AddArrayToObject(o, "sources");
    for (size_t i = 0; i < s->n_sources; i++)
        cJSON_AddItemToArray(list, source_json(a, &s->sources[i]));
    pk_json_add_int(o, "turns", (long long)s->turns);
    pk_json_add_int(o, "responses", (long long)s->responses);
    pk_json_add_int(o, "superseded", (long long)s->superseded);
    prefdb__history_json(&t->history, o);
    prefdb__attributes_json(t->attributes, t->n_attributes, o);
    if (a->models)
        prefdb__rankings_json(&t->rankings, a->resamples, a->seed, o);
    if (a->models_of)
        cJSON_AddStringToObject(o, "models_of", a->models_of);
    return pk_json_write(stdout, o, err);
}

static int tell(const struct args *a, struct told *t, struct pk_err *err)
{
    struct prefdb *db = NULL;
    struct prefdb__units by = {.tokens = a->tokens};
    int rc = prefdb_open(&db, a->db, PREFDB_READ, err);
    if (!rc)
        rc = prefdb_check_names(db, a->models_of, NULL, err);
    if (!rc && a->tokenizer)
        rc = a->tokens->open(&by.tokenizer, a->tokenizer, err);
    if (!rc)
        rc = prefdb__stats(db, &by, &t->stats, err);
    a->tokens->close(by.tokenizer);
    if (!rc)
        rc = prefdb__history(db, &t->history, err);
    if (!rc)
        rc = prefdb_attributes(db, &t->attributes, &t->n_attributes, err);
    if (!rc && a->models)
        rc = prefdb__rankings(db, a->models_of, a->resamples, a->seed,
                              &t->rankings, err);
    prefdb_close(db);
    if (!rc && a->json)
        return print_json(a, t, err);
    if (rc)
        return rc;
    print_text(a, &t->stats);
    prefdb__history_text(&t->history);
    prefdb__attributes_text(t->attributes, t->n_attributes);
    if (a->models)
        prefdb__rankings_text(&t->rankings, a->resamples);
    return 0;
}

int prefdb_cmd_stats(int argc, char **argv, const struct prefdb_tokens *tokens)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB",
        .doc = "What a store holds, per source: comparisons, turns, lengths "
               "(as Table 6 of the Llama 2 paper, in characters and words or "
               "tokens), "
               "splits, choices, strengths, safety labels; strengths batch "
               "after batch (its Figure 25), judgments over time; with "
               "--models, a ranking of the models behind the responses."};
    struct args a = {.cli.verb = "stats", .resamples = 1000, .tokens = tokens};
    struct told t = {.stats = {.n_sources = 0}};
    struct pk_err err;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    int rc = tell(&a, &t, &err);
    prefdb__stats_release(&t.stats);
    prefdb__history_release(&t.history);
    prefdb_attributes_free(t.attributes, t.n_attributes);
    prefdb__rankings_release(&t.rankings);
    if (rc)
        return pk_cli_fail(&a.cli, &err);
    return pk_cli_finish(&a.cli, 0);
}
