/* `prefkit agreement DB`: how far the annotators agree, and their habits. */
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/num.h"
#include "prefdb/stats/agreement.h"

struct args {
    struct pk_cli cli;
    const char *db, *campaign;
    struct prefdb__agreement_query query;
    uint64_t people, pairs;
    bool json;
};

static const struct argp_option options[] = {
    {"dimension", 'd', "D", 0, "Only helpfulness, or only safety", 0},
    {"source", 's', "NAME", 0, "Only comparisons of this source", 0},
    {"campaign", 'c', "NAME", 0, "Only its tasks and gold pairs", 0},
    {"gold", 'g', "NAME", 0,
     "The annotator whose word is right: tell how often each of the others "
     "says the same",
     0},
    {"reading-speed", 'r', "N", 0,
     "An answer is too fast when both responses would have to be read at more "
     "than N characters a second (default 50: twice the mean of silent "
     "reading)",
     0},
    {"annotators", 'a', "N", 0,
     "Show at most N annotators (default 20; JSON has all)", 0},
    {"pairs", 'p', "N", 0,
     "Show at most N pairs of annotators a scale (default 10)", 0},
    {"json", 'j', NULL, 0, "The report as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    enum prefdb_dimension d;
    switch (key) {
    case 'd':
        if (!prefdb_parse_dimension(arg, &d))
            argp_error(state, "--dimension is helpfulness or safety");
        a->query.dimension = (int)d;
        return 0;
    case 's':
        a->query.source = arg;
        return 0;
    case 'c':
        a->campaign = arg;
        return 0;
    case 'g':
        a->query.gold = arg;
        return 0;
    case 'r':
        if (!pk_parse_double(arg, 1e-3, 1e6, &a->query.reading_speed))
            argp_error(state, "--reading-speed is a number above 0");
        return 0;
    case 'a':
        if (!pk_parse_u64(arg, 0, UINT32_MAX, &a->people))
            argp_error(state, "--annotators is a whole number");
        return 0;
    case 'p':
        if (!pk_parse_u64(arg, 0, UINT32_MAX, &a->pairs))
            argp_error(state, "--pairs is a whole number");
        return 0;
    case 'j':
        a->json = true;
        return 0;
    default:
        return pk_cli_args(key, arg, state,
                           (const struct pk_cli_arg[]){{"DB", &a->db}, {0}});
    }
}

static int report(struct args *a, struct pk_err *err)
{
    struct prefdb *db = NULL;
    struct prefdb__agreement all = {.cap_groups = 0};
    struct pk_progress progress;
    struct prefdb__agreement_print print = {&a->query, a->db, a->people,
                                            a->pairs};
    int64_t total;
    struct prefdb_campaign c = {.id = 0};
    int rc = prefdb_open(&db, a->db, PREFDB_READ, err);
    if (!rc && a->campaign)
        rc = prefdb_campaign_get(db, a->campaign, &c, err);
    a->query.campaign = c.id;
    if (!rc)
        rc = prefdb__int(db, "SELECT count(*) FROM judgment", 0, &total, err);
    if (!rc) {
        pk_progress_start(&progress, &a->cli, "judgments", (uint64_t)total);
        a->query.progress = &progress;
        rc = prefdb__agreement(db, &a->query, &all, err);
        pk_progress_end(&progress);
        a->query.progress = NULL;
    }
    if (!rc && a->query.source && !all.sources.n)
        rc = pk_fail(err, PK_EUSAGE, "%s: no judgments of source '%s'", a->db,
                     a->query.source);
    if (!rc && a->query.gold &&
        prefdb__name_find(&all.people, a->query.gold) < 0)
        rc = pk_fail(err, PK_EUSAGE, "%s: no judgments by annotator '%s'",
                     a->db, a->query.gold);
    if (!rc)
        rc = a->json ? prefdb__agreement_json(&all, &print, err)
                     : prefdb__agreement_text(&all, &print, err);
    prefdb__agreement_release(&all);
    prefdb_close(db);
    return rc;
}

int prefdb_cmd_agreement(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB",
        .doc =
            "How far a store's annotators agree: percent agreement, Cohen's "
            "(with its p), Fleiss' and Conger's kappa, Krippendorff's alpha "
            "and alpha with weights, Gwet's AC1 and AC2, with "
            "standard errors and 95% intervals, on choices, strengths and "
            "safety labels, per dimension and source; and each annotator: "
            "agreement with the others and theirs without this one, share of "
            "left and of longer responses, speed, consistency."};
    struct args a = {.cli.verb = "agreement",
                     .query = {.dimension = -1, .reading_speed = 50},
                     .people = 20,
                     .pairs = 10};
    struct pk_err err;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    if (report(&a, &err) < 0)
        return pk_cli_fail(&a.cli, &err);
    return pk_cli_finish(&a.cli, 0);
}
