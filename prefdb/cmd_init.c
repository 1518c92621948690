/* `prefkit init DB`: make an empty store. */
#include "common/cli.h"
#include "prefdb/prefdb.h"

struct args {
    struct pk_cli cli;
    const char *db;
    bool upgrade;
};

static const struct argp_option options[] = {
    {"upgrade", 'u', NULL, 0,
     "Bring a store that an older prefkit made up to date, as any verb that "
     "writes to it does",
     0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    if (key == 'u') {
        a->upgrade = true;
        return 0;
    }
    return pk_cli_args(key, arg, state,
                       (const struct pk_cli_arg[]){{"DB", &a->db}, {0}});
}

int prefdb_cmd_init(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB",
        .doc = "Make an empty store of comparisons and judgments.\v"
               "DB is one SQLite file, which must not exist yet, but for "
               "--upgrade."};
    struct args a = {.cli.verb = "init"};
    struct pk_err err;
    struct prefdb *db;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    if (prefdb_open(&db, a.db, a.upgrade ? PREFDB_WRITE : PREFDB_CREATE, &err) <
        0)
        return pk_cli_fail(&a.cli, &err);
    prefdb_close(db);
    return 0;
}
