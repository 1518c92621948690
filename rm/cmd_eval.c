/* prefkit eval: an accuracy report of one or more reward models. */
#include <string.h>

#include "common/cli.h"
#include "common/out.h"
#include "rm/rm.h"
#include "rm/score/evaluate.h"
#include "rm/score/options.h"
#include "rm/score/run_models.h"

enum {
    OPT_SPLIT = 300,
    OPT_DIMENSION,
    OPT_SOURCE,
    OPT_JSON,
    OPT_HTML,
    OPT_FULL,
    OPT_RUN
};

struct eval_args {
    struct pk_cli cli;
    struct rm_scoring scoring;
    struct rm_models runs;
    struct rm_all_models all; /* of both */
    const char *store, *source;
    enum prefdb_split split;
    int dimension; /* -1: each */
    bool json, full;
    const char *html; /* where the page goes, or NULL */
};

static const struct argp_option options[] = {
    {"split", OPT_SPLIT, "train|valid|test", 0, "Default: test", 0},
    {"dimension", OPT_DIMENSION, "helpfulness|safety", 0,
     "Only these judgments (default: each dimension by itself)", 0},
    {"source", OPT_SOURCE, "NAME", 0, "Only judgments from this source", 0},
    {"run", OPT_RUN, "NAME=OUTPUT", 0,
     "As --rm NAME=OUTPUT, and accuracy along the run that wrote OUTPUT, drawn "
     "from the models that `train --checkpoint-every' left on its way; may be "
     "given again",
     0},
    {"full", OPT_FULL, NULL, 0,
     "Also calibration, thresholds, scores, what misleads, and the worst "
     "mistakes",
     0},
    {"json", OPT_JSON, NULL, 0, "All of it as one JSON document", 0},
    {"html", OPT_HTML, "FILE", 0,
     "Also write all of it as one self-contained page; - is standard output, "
     "which then gets nothing else",
     0},
    {0}};

static void check_models(const struct eval_args *a, struct argp_state *state)
{
    const struct rm_models *given = &a->scoring.models, *runs = &a->runs;
    if (given->n + runs->n == 0)
        argp_error(state, "--rm NAME=DIR or --run NAME=OUTPUT is needed");
    for (size_t i = 0; i < given->n; i++)
        for (size_t k = 0; k < runs->n; k++)
            if (strcmp(given->model[i].name, runs->model[k].name) == 0)
                argp_error(state, "--rm and --run both name '%s'",
                           runs->model[k].name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct eval_args *a = state->input;
    enum prefdb_dimension d;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->scoring;
        return 0;
    case OPT_SPLIT:
        if (!prefdb_parse_split(arg, &a->split))
            argp_error(state, "--split takes train, valid or test, not '%s'",
                       arg);
        return 0;
    case OPT_DIMENSION:
        if (!prefdb_parse_dimension(arg, &d))
            argp_error(state,
                       "--dimension takes helpfulness or safety, not '%s'",
                       arg);
        else
            a->dimension = (int)d;
        return 0;
    case OPT_SOURCE:
        a->source = arg;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    case OPT_RUN:
        rm_models_take(&a->runs, "--run", arg, state);
        return 0;
    case OPT_FULL:
        a->full = true;
        return 0;
    case OPT_HTML:
        a->html = arg;
        return 0;
    case ARGP_KEY_END:
        check_models(a, state);
        if (a->json && a->html && strcmp(a->html, "-") == 0)
            argp_error(state, "--json and --html - would both go to standard "
                              "output");
        break;
    default:
        break;
    }
    return pk_cli_args(key, arg, state,
                       (const struct pk_cli_arg[]){{"DB", &a->store}, {0}});
}

static const struct argp_child children[] = {{&rm_scoring_argp, 0, NULL, 0},
                                             {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .children = children,
    .args_doc = "DB",
    .doc = "Report the accuracy of reward models on a store's judgments.\v"
           "For every model and dimension: the share of judgments whose chosen "
           "response scores higher, overall, by source, by strength and by "
           "safety label, with 95% Wilson intervals and, beside each, the "
           "accuracy of \"the longer response wins\". Equal scores are ties: "
           "counted in their own column, neither right nor wrong. Human ties "
           "and \"both bad\" cannot be right or wrong and are left out, with "
           "their count. For every pair of models, McNemar's exact test.\n\n"
           "--full, --json and --html also tell how far the models' confidence "
           "can be believed, which threshold of sigma(r) finds unsafe "
           "responses, how the scores are distributed, and what misleads: "
           "length, turn, what comes before, annotators who disagree; and show "
           "the twenty most confident mistakes of each model; and, where the "
           "store has them, RewardBench's own scores, mean scores by rating, "
           "and accuracy by size and pairs seen (the paper's Figure 6), "
           "which --run draws from the models of one run; several --run are "
           "several lines.\n\n"
           "Examples: prefkit eval prefs.db --rm help=models/help --rm "
           "safe=models/safe\n"
           "prefkit eval prefs.db --run small=models/small --run "
           "large=models/large --html figure6.html"};

static int describe(struct rm_report *r, const struct rm_all_models *all,
                    const struct rm_scorer *s, struct prefdb *db,
                    struct pk_err *err)
{
    /* Until the end: the report is of the store that it names. */
    int rc = prefdb_read_begin(db, err);
    if (rc == 0)
        rc = prefdb_fingerprint(db, r->store_fingerprint, err);
    r->precision = rm_scorer_precisions(s);
    for (size_t m = 0; m < r->n_scored && rc == 0; m++) {
        r->model[m].run = all->run[m];
        r->model[m].name = rm_scorer_name(s, m);
        r->model[m].dir = rm_scorer_dir(s, m);
        rc = rm_scorer_fingerprint(s, m, r->model[m].fingerprint, err);
        if (rc == 0)
            rc = rm_made_read(&r->model[m].made, r->model[m].dir,
                              rm_scorer_coder(s, m)->config, err);
    }
    return rc;
}

/* The page is committed first: what standard output then says is true. */
static int put(const struct eval_args *a, const struct rm_report *r,
               struct pk_out **page, struct pk_err *err)
{
    if (*page) {
        rm_report_html(r, pk_out_file(*page));
        int rc = pk_out_commit(page, err);
        if (rc || strcmp(a->html, "-") == 0)
            return rc;
    }
    if (a->json)
        return rm_report_json(r, stdout, err);
    rm_report_text(r, a->full, stdout);
    return 0;
}

/* The models on the way are not spoken of, and nothing is told of them but
 * their accuracy: ratings are no business of theirs. */
static int evaluate(struct eval_args *a, struct rm_report *r, struct prefdb *db,
                    struct rm_scorer *s, struct pk_err *err)
{
    struct pk_progress progress;
    rm_scorer_use(s, r->n_models);
    rm_scorer_say_start(s, &a->cli);
    rm_scorer_use(s, r->n_scored);
    int rc = describe(r, &a->all, s, db, err);
    if (rc)
        return rc;
    r->store = a->store;
    r->split = a->split;
    r->source = a->source;
    pk_progress_start(&progress, &a->cli, "judgments", 0);
    rc = rm_evaluate(r, db, s, a->dimension, &progress, err);
    rm_scorer_use(s, r->n_models);
    if (rc == 0 && (a->full || a->json || a->html))
        rc = rm_evaluate_ratings(r, db, s, err);
    prefdb_read_end(db);
    pk_progress_end(&progress);
    rm_scorer_say_end(s, &a->cli);
    return rc;
}

static int run(struct eval_args *a, struct rm_report *r, struct prefdb **db,
               struct rm_scorer **s, struct pk_err *err)
{
    const struct rm_models *all = &a->all.models;
    int rc = rm_models_all(&a->all, &a->scoring.models, &a->runs, &a->cli, err);
    if (rc == 0)
        rc = rm_report_init(r, a->all.n_given, all->n, err);
    if (rc == 0)
        rc = prefdb_open(db, a->store, PREFDB_READ, err);
    if (rc == 0)
        rc = prefdb_check_names(*db, a->source, NULL, err);
    if (rc == 0)
        rc = rm_scorer_open(s, all->model, all->n, &a->scoring.opts, err);
    if (rc == 0)
        rc = rm_scorer_check_chat(*s, err);
    return rc ? rc : evaluate(a, r, *db, *s, err);
}

int rm_cmd_eval(int argc, char **argv)
{
    struct eval_args a = {
        .cli.verb = "eval", .split = PREFDB_TEST, .dimension = -1};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    struct pk_err err = {0};
    struct rm_report r = {0};
    struct prefdb *db = NULL;
    struct rm_scorer *s = NULL;
    struct pk_out *page = NULL;
    /* An unwritable place shows itself before the work, not after it. */
    int rc = prefdb_check_output(a.store, "--html", a.html, &err);
    if (rc == 0 && a.html)
        rc = pk_out_open(&page, a.html, &err);
    if (rc == 0)
        rc = run(&a, &r, &db, &s, &err);
    if (rc == 0)
        rc = put(&a, &r, &page, &err);
    pk_out_abort(&page);
    rm_report_release(&r);
    rm_scorer_close(s);
    prefdb_close(db);
    rm_models_release(&a.scoring.models);
    rm_models_release(&a.runs);
    rm_all_models_release(&a.all);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
