/* `prefkit batch DB [NAME]`: the paper's weekly batches, made and listed. */
#include "common/cli.h"
#include "common/json.h"
#include "common/num.h"
#include "common/plain.h"
#include "prefdb/team/deal.h"

struct args {
    struct pk_cli cli;
    const char *db;
    struct prefdb__batch b;
    bool dry_run, json;
};

enum { OPT_TEST = 256 };

static const struct argp_option options[] = {
    {"size", 'n', "N", 0, "At most N comparisons (default: all that are free)",
     0},
    {"test", OPT_TEST, "N", 0,
     "Hold out N of them as a test set (default: 1000, as in the paper)", 0},
    {"source", 's', "NAME", 0, "Only from this source", 0},
    {"dry-run", 'd', NULL, 0, "Count, but keep nothing", 0},
    {"json", 'j', NULL, 0, "The report as JSON", 0},
    {0}};

static int64_t number(const char *arg, const char *option,
                      struct argp_state *state)
{
    uint64_t n = 0;
    if (!pk_parse_u64(arg, 0, INT64_MAX, &n))
        argp_error(state, "--%s takes a whole number", option);
    return (int64_t)n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'n':
        a->b.size = number(arg, "size", state);
        return 0;
    case OPT_TEST:
        a->b.held_out = number(arg, "test", state);
        return 0;
    case 's':
        a->b.source = arg;
        return 0;
    case 'd':
        a->dry_run = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->b.name)
            argp_error(state, "one DB and one NAME");
        *(a->db ? &a->b.name : &a->db) = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->db)
            argp_error(state, "DB is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* One line for each batch, or one object into `list`. */
static int list_batches(struct prefdb *db, cJSON *list, struct pk_err *err)
{
    static const char *const keys[] = {"comparisons", "train", "valid", "test",
                                       "judged"};
    sqlite3_stmt *s = NULL;
    int rc = prefdb__prepare(
        db, &s,
        "SELECT batch, count(*), sum(split = 'train'), sum(split = 'valid'),"
        " sum(split = 'test'), sum(EXISTS (SELECT 1 FROM live_judgment AS j"
        "  WHERE j.comparison = c.id)) FROM comparison AS c"
        " GROUP BY batch ORDER BY min(id)",
        err);
    if (!list)
        printf("%-24s %11s %9s %9s %9s %9s\n", "batch", keys[0], keys[1],
               keys[2], keys[3], keys[4]);
    while (!rc && (rc = prefdb__step(db, s, err)) > 0) {
        const char *name = prefdb__text(s, 0);
        cJSON *o = list ? cJSON_CreateObject() : NULL;
        rc = 0;
        if (!list)
            pk_plain_column(stdout, *name ? name : "(none)", 24);
        else if (!cJSON_AddStringToObject(o, "batch", name) ||
                 !cJSON_AddItemToArray(list, o))
            rc = pk_fail_mem(err, "a report");
        for (int i = 0; i < 5 && !rc; i++) {
            long long n = sqlite3_column_int64(s, i + 1);
            if (list)
                rc = pk_json_add_int(o, keys[i], n);
            else
                printf(" %*lld", i ? 9 : 11, n);
        }
        if (!list)
            putchar('\n');
    }
    sqlite3_finalize(s);
    return rc;
}

static int run(const struct args *a, struct prefdb *db, cJSON *top,
               struct pk_err *err)
{
    struct prefdb__batched done;
    if (!a->b.name)
        return list_batches(
            db, top ? cJSON_AddArrayToObject(top, "batches") : NULL, err);
    int rc = prefdb__batch_fill(db, &a->b, a->dry_run, &done, err);
    if (rc)
        return rc;
    if (!done.taken)
        pk_note(&a->cli,
                "no comparison%s%s is free: `prefkit batch DB` lists "
                "the batches that they are in",
                a->b.source ? " of " : "", a->b.source ? a->b.source : "");
    if (!top) {
        fputs("batch ", stdout);
        pk_plain_name(stdout, a->b.name);
        printf("%s: %lld comparisons, %lld of them held out (%lld "
               "because they or their prompt were already), %lld for "
               "validation\n",
               a->dry_run ? ", nothing kept (--dry-run)" : "",
               (long long)done.taken, (long long)done.held_out,
               (long long)done.leaky, (long long)done.valid);
        return 0;
    }
    cJSON_AddStringToObject(top, "batch", a->b.name);
    cJSON_AddBoolToObject(top, "dry_run", a->dry_run);
    pk_json_add_int(top, "comparisons", done.taken);
    pk_json_add_int(top, "held_out", done.held_out);
    pk_json_add_int(top, "valid", done.valid);
    return pk_json_add_int(top, "held_out_already", done.leaky);
}

int prefdb_cmd_batch(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB [NAME]",
        .doc = "Make a weekly batch of comparisons and hold a part out, or "
               "list the batches.\v"
               "NAME takes comparisons of no batch yet, oldest first. Whole "
               "prompts are held out, never one that other training data "
               "shares, so a few more than --test may be. What is for testing "
               "or validation already stays so, and counts: import with "
               "--split train what a batch is to deal out."};
    struct args a = {.cli.verb = "batch", .b.held_out = 1000};
    struct pk_err err;
    struct prefdb *db = NULL;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    cJSON *top = a.json ? pk_json_report("prefkit-batch-1", a.db) : NULL;
    int rc =
        prefdb_open(&db, a.db, a.b.name ? PREFDB_WRITE : PREFDB_READ, &err);
    if (!rc)
        prefdb__stop_on_signal(db);
    if (!rc)
        rc = run(&a, db, top, &err);
    if (!rc && a.json)
        rc = pk_json_write(stdout, top, &err);
    else
        cJSON_Delete(top);
    prefdb_close(db);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
