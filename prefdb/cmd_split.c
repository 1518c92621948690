/* `prefkit split DB`: deal the root prompts to train, valid and test anew. */
#include <stdlib.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/mem.h"
#include "prefdb/team/deal.h"

struct args {
    struct pk_cli cli;
    const char *db;
    struct prefdb__shares shares;
    const char **held;
    size_t n_held;
    bool dry_run, json;
};

enum { OPT_HOLD = 256, OPT_ALL };

static const struct argp_option options[] = {
    {"shares", 's', "T/V/T", 0,
     "Shares of train, valid and test (default: 80/10/10)", 0},
    {"seed", 'r', "TEXT", 0, "Another deal for another text", 0},
    {"hold-out", OPT_HOLD, "SOURCE", 0,
     "All of this source is for testing; may be given again", 0},
    {"all", OPT_ALL, NULL, 0,
     "Deal sources too that are in the test split alone (default: they stay "
     "there)",
     0},
    {"dry-run", 'n', NULL, 0, "Count, but keep nothing", 0},
    {"json", 'j', NULL, 0, "The report as JSON", 0},
    {0}};

static void parse_shares(struct args *a, const char *arg,
                         struct argp_state *state)
{
    unsigned *v = a->shares.share;
    char *end = NULL;
    const char *at = arg;
    for (int i = 0; i < 3; i++) {
        long n = strtol(at, &end, 10);
        if (end == at || n < 0 || n > 1000000 || *end != (i < 2 ? '/' : 0))
            argp_error(state, "--shares takes three numbers: 80/10/10");
        v[i] = (unsigned)n;
        at = end + 1;
    }
    if (v[0] + v[1] + v[2] == 0)
        argp_error(state, "--shares cannot all be 0");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 's':
        parse_shares(a, arg, state);
        return 0;
    case 'r':
        a->shares.seed = arg;
        return 0;
    case OPT_HOLD:
        a->held[a->n_held++] = arg;
        return 0;
    case OPT_ALL:
        a->shares.all = true;
        return 0;
    case 'n':
        a->dry_run = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    default:
        return pk_cli_args(key, arg, state,
                           (const struct pk_cli_arg[]){{"DB", &a->db}, {0}});
    }
}

static int report(const struct args *a, const struct prefdb__dealt *d,
                  struct pk_err *err)
{
    if (d->kept)
        pk_note(&a->cli,
                "%lld comparisons stay in test, where all of their sources are "
                "(--all deals them too)",
                (long long)d->kept);
    if (!a->json) {
        printf("%lld train, %lld valid, %lld test; %lld comparisons moved%s\n",
               (long long)d->split[0], (long long)d->split[1],
               (long long)d->split[2], (long long)d->moved,
               a->dry_run ? ", nothing kept (--dry-run)" : "");
        return 0;
    }
    cJSON *o = pk_json_report("prefkit-split-1", a->db);
    for (int i = 0; i < 3; i++)
        pk_json_add_int(o, prefdb_split_name((enum prefdb_split)i),
                        d->split[i]);
    pk_json_add_int(o, "moved", d->moved);
    pk_json_add_int(o, "kept_in_test", d->kept);
    cJSON_AddBoolToObject(o, "dry_run", a->dry_run);
    return pk_json_write(stdout, o, err);
}

int prefdb_cmd_split(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB",
        .doc =
            "Deal all comparisons to train, valid and test anew, by prompt."
            "\vPrompts with the same letters and digits go together, so no "
            "near-identical prompt is in two splits; `check` looks for such "
            "leaks. A source that is in the test split alone stays there; "
            "others that are for evaluation only are named with --hold-out."};
    struct args a = {.cli.verb = "split",
                     .shares = {.share = {80, 10, 10}, .seed = ""}};
    struct pk_err err;
    struct prefdb *db = NULL;
    struct prefdb__dealt dealt;
    a.held = pk_cli_list(argc, &a.cli);
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    int rc = prefdb_open(&db, a.db, PREFDB_WRITE, &err);
    if (!rc)
        prefdb__stop_on_signal(db);
    if (!rc)
        rc = prefdb__split(db, &a.shares, a.held, a.n_held, a.dry_run, &dealt,
                           &err);
    if (!rc)
        rc = report(&a, &dealt, &err);
    prefdb_close(db);
    free(a.held);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
