/* `prefkit export DB`: write a store's comparisons. */
#include <string.h>

#include "common/cli.h"
#include "common/out.h"
#include "prefdb/export.h"

struct args {
    struct pk_cli cli;
    const char *db, *output;
    struct prefdb_query q;
};

static const struct argp_option options[] = {
    {"format", 'f', "F", 0, "prefkit (default): our own JSON lines", 0},
    {"output", 'o', "FILE", 0, "Where to (default: standard output)", 0},
    {"dimension", 'd', "D", 0, "Only what was judged for helpfulness or safety",
     0},
    {"split", 'p', "S", 0, "Only train, valid or test", 0},
    {"source", 's', "NAME", 0, "Only this source", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    enum prefdb_dimension d = PREFDB_HELPFULNESS;
    enum prefdb_split s = PREFDB_TRAIN;
    switch (key) {
    case 'f':
        if (strcmp(arg, "prefkit") != 0)
            argp_error(state, "'%s' is not a format that export writes", arg);
        return 0;
    case 'o':
        a->output = arg;
        return 0;
    case 'd':
        if (!prefdb_parse_dimension(arg, &d))
            argp_error(state, "--dimension is helpfulness or safety");
        a->q.dimension = (int)d;
        return 0;
    case 'p':
        if (!prefdb_parse_split(arg, &s))
            argp_error(state, "--split is train, valid or test");
        a->q.split = (int)s;
        return 0;
    case 's':
        a->q.source = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->db)
            argp_error(state, "one DB only");
        a->db = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->db)
            argp_error(state, "DB is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run(const struct args *a, struct prefdb *db,
               struct prefdb__exported *done, struct pk_err *err)
{
    struct pk_out *out;
    int rc = pk_out_open(&out, a->output, err);
    if (rc)
        return rc;
    rc = prefdb__export(db, &a->q, pk_out_file(out), done, err);
    if (!rc)
        return pk_out_commit(&out, err);
    pk_out_abort(&out);
    return rc;
}

int prefdb_cmd_export(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB",
        .doc = "Write a store's comparisons with their judgments as JSON lines "
               "(schemas/comparison.schema.json), in the order of the store."};
    struct args a = {.cli.verb = "export",
                     .output = "-",
                     .q = {.dimension = -1, .split = -1}};
    struct prefdb__exported done;
    struct pk_err err;
    struct prefdb *db = NULL;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    int rc = prefdb_open(&db, a.db, PREFDB_READ, &err);
    if (!rc)
        rc = run(&a, db, &done, &err);
    prefdb_close(db);
    if (rc)
        return pk_cli_fail(&a.cli, &err);
    pk_note(&a.cli, "%llu comparisons, %llu judgments",
            (unsigned long long)done.comparisons,
            (unsigned long long)done.judgments);
    return 0;
}
