/* `prefkit backup DB FILE`: a copy of a store that may be in use. */
#include "common/json.h"
#include "common/plain.h"
#include "prefdb/store/backup.h"

struct args {
    struct pk_cli cli;
    const char *db, *file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    return pk_cli_args(
        key, arg, state,
        (const struct pk_cli_arg[]){{"DB", &a->db}, {"FILE", &a->file}, {0}});
}

int prefdb_cmd_backup(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "DB FILE",
        .doc = "Copy a store, also while others write to it.\v"
               "FILE must not exist; it appears whole, and after it was "
               "checked, or not at all. Do not copy a store with cp: what was "
               "said last may still be in the file beside it."};
    struct args a = {.cli.verb = "backup"};
    struct pk_err err;
    struct pk_progress progress;
    struct prefdb *db = NULL;
    char fingerprint[65];
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    int rc = prefdb_open(&db, a.db, PREFDB_READ, &err);
    if (!rc) {
        pk_progress_start(&progress, &a.cli, "pages", 0);
        rc = prefdb__backup(db, a.file, &progress, fingerprint, &err);
        pk_progress_end(&progress);
    }
    prefdb_close(db);
    if (rc)
        return pk_cli_fail(&a.cli, &err);
    pk_plain_name(stdout, a.file);
    printf("\nfingerprint %s\n", fingerprint);
    return pk_cli_finish(&a.cli, 0);
}
