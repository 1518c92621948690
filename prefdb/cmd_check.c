/* `prefkit check DB`: is everything in the store as it should be? */
#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/plain.h"
#include "prefdb/store/check.h"

enum { LISTED = 100 }; /* problems printed; all are counted */

struct args {
    struct pk_cli cli;
    const char *db;
    bool json;
    uint64_t found;
    cJSON *problems, *chains;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "The report as JSON", 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'j':
        a->json = true;
        return 0;
    default:
        return pk_cli_args(key, arg, state,
                           (const struct pk_cli_arg[]){{"DB", &a->db}, {0}});
    }
}

static void found(void *ctx, const struct prefdb__found *f)
{
    struct args *a = ctx;
    if (a->found++ >= LISTED)
        return;
    if (a->json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "kind", f->kind);
        if (f->row)
            pk_json_add_int(o, "row", f->row);
        cJSON_AddStringToObject(o, "what", f->what);
        cJSON_AddItemToArray(a->problems, o);
    } else if (f->row) {
        printf("%s %lld: ", f->kind, (long long)f->row);
    } else {
        printf("%s: ", f->kind);
    }
    if (!a->json) {
        pk_plain_name(stdout, f->what);
        putchar('\n');
    }
}

static void chain(void *ctx, const struct prefdb__chain *c)
{
    struct args *a = ctx;
    if (a->json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "origin", c->origin);
        pk_json_add_int(o, "judgments", c->judgments);
        cJSON_AddStringToObject(o, "head", c->head);
        cJSON_AddItemToArray(a->chains, o);
    } else {
        fputs("chain of store ", stdout);
        pk_plain_name(stdout, c->origin);
        printf(": %lld judgments, head %s\n", (long long)c->judgments, c->head);
    }
}

static int print_json(const struct args *a, const char *fingerprint,
                      struct pk_err *err)
{
    cJSON *o = pk_json_report("prefkit-check-1", a->db);
    cJSON_AddBoolToObject(o, "ok", a->found == 0);
    cJSON_AddStringToObject(o, "fingerprint", fingerprint);
    pk_json_add_int(o, "found", (long long)a->found);
    cJSON_AddItemReferenceToObject(o, "problems", a->problems);
    cJSON_AddItemReferenceToObject(o, "chains", a->chains);
    return pk_json_write(stdout, o, err);
}

static void print_text(const struct args *a, const char *fingerprint)
{
    printf("fingerprint %s\n", fingerprint);
    if (a->found > LISTED)
        printf("... and %llu more\n", (unsigned long long)(a->found - LISTED));
    if (a->found)
        printf("%llu problems found\n", (unsigned long long)a->found);
    else
        puts("no problems found");
}

int prefdb_cmd_check(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB",
        .doc = "Check a store: the file's integrity, references, the hash of "
               "every text and every judgment, orphan turns, prompts in more "
               "than one split.\v"
               "Exit status 1 when something is found. The heads of the "
               "judgments' chains, written down elsewhere, prove later that "
               "no judgment was taken from the end."};
    struct args a = {.cli.verb = "check"};
    struct pk_err err;
    struct prefdb *db = NULL;
    char fingerprint[65];
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    a.problems = cJSON_CreateArray();
    a.chains = cJSON_CreateArray();
    const struct prefdb__listener to = {
        .found = found, .chain = chain, .ctx = &a};
    int rc = prefdb_open(&db, a.db, PREFDB_READ, &err);
    if (!rc)
        rc = prefdb__check(db, &to, &err);
    if (!rc)
        rc = prefdb_fingerprint(db, fingerprint, &err);
    if (!rc && a.json)
        rc = print_json(&a, fingerprint, &err);
    else if (!rc)
        print_text(&a, fingerprint);
    cJSON_Delete(a.problems);
    cJSON_Delete(a.chains);
    prefdb_close(db);
    if (rc)
        return pk_cli_fail(&a.cli, &err);
    return pk_cli_finish(&a.cli, a.found ? 1 : 0);
}
