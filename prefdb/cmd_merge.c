/* `prefkit merge DB OTHER...`: bring other labelers' stores in. */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/plain.h"
#include "prefdb/team/merge.h"

struct args {
    struct pk_cli cli;
    const char *db;
    const char **others;
    int n_others;
    bool dry_run, json;
};

static const struct argp_option options[] = {
    {"dry-run", 'n', NULL, 0, "Say what would be merged, but keep nothing", 0},
    {"json", 'j', NULL, 0, "The summary as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'n':
        a->dry_run = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->db)
            a->others[a->n_others++] = arg;
        else
            a->db = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->n_others)
            argp_error(state, "DB and at least one OTHER are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *const names[PREFDB__KINDS] = {
    "turns",   "responses", "comparisons", "judgments",
    "ratings", "scores",    "imports"};

static void print_text(const struct args *a, const char *path,
                       const struct prefdb__merged *m)
{
    pk_plain_name(stdout, path);
    puts(a->dry_run ? ": nothing kept (--dry-run)" : "");
    for (int i = 0; i < PREFDB__KINDS; i++)
        if (m->added[i] || m->known[i])
            printf("  %8llu  new %s; %llu already there\n",
                   (unsigned long long)m->added[i], names[i],
                   (unsigned long long)m->known[i]);
    printf("  %8llu  links of chains, carried over unchanged\n",
           (unsigned long long)m->links);
    if (m->guidelines)
        printf("  %8llu  texts of guidelines, with their campaigns' settings\n",
               (unsigned long long)m->guidelines);
    printf("  %8llu  conflicts%s\n", (unsigned long long)m->conflicts,
           m->conflicts ? ":" : "");
    for (uint64_t i = 0; i < m->conflicts && i < PREFDB__CONFLICTS; i++) {
        fputs("            ", stdout);
        pk_plain_name(stdout, m->conflict[i]);
        putchar('\n');
    }
    if (m->conflicts > PREFDB__CONFLICTS)
        puts("            ...");
    if (m->leaks)
        printf("  %8llu  root prompts are in more than one split; `prefkit "
               "split` deals them anew\n",
               (unsigned long long)m->leaks);
}

static bool add_counts(cJSON *o, const char *key, const uint64_t *n)
{
    cJSON *counts = cJSON_AddObjectToObject(o, key);
    bool ok = counts != NULL;
    for (int i = 0; i < PREFDB__KINDS && ok; i++)
        ok = pk_json_add_int(counts, names[i], (long long)n[i]) == 0;
    return ok;
}

static bool add_json(cJSON *list, const struct args *a, const char *path,
                     const struct prefdb__merged *m)
{
    cJSON *o = cJSON_CreateObject();
    bool ok = cJSON_AddItemToArray(list, o) &&
              cJSON_AddStringToObject(o, "file", path) &&
              cJSON_AddBoolToObject(o, "dry_run", a->dry_run) &&
              add_counts(o, "added", m->added) &&
              add_counts(o, "known", m->known) &&
              pk_json_add_int(o, "links", (long long)m->links) == 0 &&
              pk_json_add_int(o, "guidelines", (long long)m->guidelines) == 0 &&
              pk_json_add_int(o, "leaks", (long long)m->leaks) == 0 &&
              pk_json_add_int(o, "conflicts", (long long)m->conflicts) == 0;
    cJSON *texts = ok ? cJSON_AddArrayToObject(o, "listed") : NULL;
    for (uint64_t i = 0; texts && i < m->conflicts && i < PREFDB__CONFLICTS;
         i++)
        cJSON_AddItemToArray(texts, cJSON_CreateString(m->conflict[i]));
    return texts != NULL;
}

static int merge_all(struct args *a, struct prefdb *db, cJSON *list,
                     struct pk_err *err)
{
    struct prefdb__merged *m = pk_calloc(1, sizeof *m);
    struct pk_progress progress;
    int rc = m ? 0 : pk_fail_mem(err, "a report");
    for (int i = 0; i < a->n_others && !rc; i++) {
        pk_progress_start(&progress, &a->cli, "rows", 0);
        rc = prefdb__merge(db, a->others[i], a->dry_run, &progress, m, err);
        pk_progress_end(&progress);
        if (rc)
            break;
        if (!list)
            print_text(a, a->others[i], m);
        else if (!add_json(list, a, a->others[i], m))
            rc = pk_fail_mem(err, "a report");
    }
    free(m);
    return rc;
}

int prefdb_cmd_merge(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB OTHER...",
        .doc = "Bring other labelers' stores into DB.\v"
               "Each OTHER is taken whole or not at all, and only if it passes "
               "`prefkit check`. Nothing is doubled, merging again changes "
               "nothing, and the order of merges does not matter. Where stores "
               "differ about a comparison's batch, split or extra, that is "
               "reported, and the same one wins in any order: of splits, test "
               "before valid before train. The judgments' chains are carried "
               "over unchanged. The guidelines' texts that judgments name "
               "come with their campaigns' settings; tasks, leases and drafts "
               "stay in their file."};
    struct args a = {.cli.verb = "merge"};
    struct pk_err err;
    struct prefdb *db = NULL;
    a.others = pk_cli_list(argc, &a.cli);
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    cJSON *top = a.json ? pk_json_report("prefkit-merge-1", a.db) : NULL;
    cJSON *list = top ? cJSON_AddArrayToObject(top, "files") : NULL;
    int rc = prefdb_open(&db, a.db, PREFDB_WRITE, &err);
    if (!rc)
        rc = merge_all(&a, db, list, &err);
    if (a.json) { /* of those that were read */
        int told = pk_json_write(stdout, top, rc ? NULL : &err);
        rc = rc ? rc : told;
    }
    prefdb_close(db);
    free(a.others);
    fflush(stdout);
    return pk_cli_finish(&a.cli, rc ? pk_cli_fail(&a.cli, &err) : 0);
}
