/* `prefkit import DB FILE...`: read comparisons into a store. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/out.h"
#include "common/plain.h"
#include "prefdb/import/import.h"

struct args {
    struct pk_cli cli;
    const char *db;
    const char **files;
    int n_files;
    struct prefdb__import o;
    struct pk_progress progress;
    const char *rejects, *pairs;
    bool json;
};

enum {
    OPT_FORMAT = 'f',
    OPT_SOURCE = 's',
    OPT_DIMENSION = 'd',
    OPT_SPLIT = 'p',
    OPT_SKIP_BAD = 256,
    OPT_REJECTS,
    OPT_DRY_RUN,
    OPT_PAIRS,
    OPT_FORMATS,
    OPT_JSON
};

static const struct argp_option options[] = {
    {"format", OPT_FORMAT, "F", 0,
     "auto (default: by the first row), or one that --formats lists", 0},
    {"source", OPT_SOURCE, "NAME", 0,
     "What the comparisons are called (default: the file's name)", 0},
    {"dimension", OPT_DIMENSION, "D", 0,
     "helpfulness or safety, where the format does not say; where it judges "
     "both, only these judgments are taken",
     0},
    {"split", OPT_SPLIT, "S", 0,
     "train, valid, test or hash (default: by the root prompt, 80/10/10)", 0},
    {"skip-bad", OPT_SKIP_BAD, NULL, 0,
     "Go on after a bad row; a file that has no other is an error", 0},
    {"rejects", OPT_REJECTS, "FILE", 0,
     "With --skip-bad: write bad rows here, with their reasons", 0},
    {"pairs", OPT_PAIRS, "FILE", 0,
     "For a file of votes: the file with the pairs that they are on", 0},
    {"formats", OPT_FORMATS, NULL, 0,
     "List the formats and what becomes of their labels, and end", 0},
    {"dry-run", OPT_DRY_RUN, NULL, 0, "Read and count, but keep nothing", 0},
    {"json", OPT_JSON, NULL, 0, "The summary as JSON", 0},
    {0}};

static void parse_format(struct args *a, const char *arg,
                         struct argp_state *state)
{
    a->o.format = prefdb__format_named(arg);
    if (!a->o.format && strcmp(arg, "auto") != 0)
        argp_error(state, "'%s' is not a format that import reads", arg);
}

static void parse_dimension(struct args *a, const char *arg,
                            struct argp_state *state)
{
    enum prefdb_dimension d = PREFDB_HELPFULNESS;
    if (!prefdb_parse_dimension(arg, &d))
        argp_error(state, "--dimension is helpfulness or safety");
    a->o.dimension = (int)d;
}

static void parse_split(struct args *a, const char *arg,
                        struct argp_state *state)
{
    enum prefdb_split s;
    if (prefdb_parse_split(arg, &s))
        a->o.split = (int)s;
    else if (strcmp(arg, "hash") == 0)
        a->o.split = -1;
    else
        argp_error(state, "--split is train, valid, test or hash");
}

static void check_args(const struct args *a, struct argp_state *state)
{
    if (!a->db || !a->n_files)
        argp_error(state, "DB and at least one FILE are needed");
    if (a->rejects && !a->o.skip_bad)
        argp_error(state, "--rejects needs --skip-bad");
    if (a->rejects && strcmp(a->rejects, "-") == 0)
        argp_error(state, "--rejects takes a file, as the summary goes to "
                          "standard output");
    if (a->o.source && (!*a->o.source || strlen(a->o.source) > 255))
        argp_error(state, "--source takes a name of 1 to 255 bytes");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case OPT_FORMAT:
        parse_format(a, arg, state);
        return 0;
    case OPT_SOURCE:
        a->o.source = arg;
        return 0;
    case OPT_DIMENSION:
        parse_dimension(a, arg, state);
        return 0;
    case OPT_SPLIT:
        parse_split(a, arg, state);
        return 0;
    case OPT_SKIP_BAD:
        a->o.skip_bad = true;
        return 0;
    case OPT_REJECTS:
        a->rejects = arg;
        return 0;
    case OPT_PAIRS:
        a->pairs = arg;
        return 0;
    case OPT_FORMATS:
        prefdb__formats_print(stdout);
        exit(pk_cli_finish(&a->cli, 0));
    case OPT_DRY_RUN:
        a->o.dry_run = true;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->db)
            a->files[a->n_files++] = arg;
        else
            a->db = arg;
        return 0;
    case ARGP_KEY_END:
        check_args(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_reason(const struct prefdb__reason *r, const char *unit)
{
    printf("    %8llu  ", (unsigned long long)r->n);
    pk_plain_name(stdout, r->text);
    printf(": %s%s", unit, r->n == 1 ? "" : "s");
    for (uint64_t i = 0; i < r->n && i < PREFDB__LINES; i++)
        printf("%s %llu", i ? "," : "", (unsigned long long)r->lines[i]);
    puts(r->n > PREFDB__LINES ? ", ..." : "");
}

static void print_count(uint64_t n, const char *what)
{
    if (n)
        printf("  %8llu  %s\n", (unsigned long long)n, what);
}

static void print_report(const struct args *a, const struct prefdb__report *r)
{
    const struct prefdb__counts *c = &r->counts;
    pk_plain_name(stdout, a->o.path);
    printf(": format %s, source ", r->format ? r->format->name : "unknown");
    pk_plain_name(stdout, r->source);
    puts(a->o.dry_run ? ", nothing kept (--dry-run)" : "");
    printf("  %8llu  rows\n", (unsigned long long)r->rows);
    printf("  %8llu  new comparisons; %llu already there",
           (unsigned long long)c->comparisons, (unsigned long long)c->known);
    if (c->kept)
        printf(", of which %llu with another batch, split or extra, not taken",
               (unsigned long long)c->kept);
    printf("\n  %8llu  new judgments; %llu repeats, already there\n",
           (unsigned long long)c->judgments, (unsigned long long)c->repeats);
    print_count(c->unnamed, "of the repeats name no annotator and repeat the "
                            "same file: kept once");
    print_count(c->contradictory,
                "of the new ones contradict an earlier one, by the same "
                "annotator or both unnamed; both are kept");
    if (c->ratings || c->rated)
        printf("  %8llu  new ratings of responses; %llu already there\n",
               (unsigned long long)c->ratings, (unsigned long long)c->rated);
    print_count(c->unjudged, "comparisons that nobody judged, kept");
    print_count(c->single, "responses without a comparison, kept");
    print_count(r->equal,
                "pairs of a ranking with the same text twice, not taken");
    print_count(r->other, "judgments of the other dimension, not taken");
    print_count(r->unanswered, "messages without an answer, not taken");
    if (a->o.source)
        print_count(r->sourced, "comparisons say their own source, which "
                                "--source does not change");
    print_count(c->empty, "comparisons with an empty answer, kept");
    printf("  %8llu  bad rows, not taken\n", (unsigned long long)r->bad);
    for (size_t i = 0; i < r->n_reasons; i++)
        print_reason(&r->reasons[i], r->unit);
    if (*r->shared) {
        fputs("            source ", stdout);
        pk_plain_name(stdout, r->source);
        fputs(" holds rows of ", stdout);
        pk_plain_name(stdout, r->shared);
        puts(" too; --source keeps them apart");
    }
    print_count(r->leaks, "root prompts are in more than one split; `prefkit "
                          "split` deals them anew");
}

/* A file of another format, say, that nothing came of, passes for imported
 * where nobody reads the summary. */
static bool all_bad(const struct prefdb__report *r)
{
    return r->bad && r->bad >= r->rows;
}

/* The bad rows of a file that has not been taken are not told of. */
static void take_back(FILE *rejects, off_t at)
{
    if (rejects && at >= 0 && fflush(rejects) == 0 &&
        ftruncate(fileno(rejects), at) == 0)
        (void)!fseeko(rejects, at, SEEK_SET);
}

static int import_files(struct args *a, struct prefdb *db, cJSON *list,
                        size_t *taken, struct pk_err *err)
{
    struct prefdb__report *report = pk_calloc(1, sizeof *report);
    if (!report)
        return pk_fail_mem(err, "a report");
    int rc = 0;
    const char *useless = NULL;
    for (int i = 0; i < a->n_files && !rc; i++) {
        pk_progress_start(&a->progress, &a->cli, "rows", 0);
        off_t rejected = a->o.rejects ? ftello(a->o.rejects) : -1;
        a->o.path = a->files[i];
        a->o.progress = &a->progress;
        rc = prefdb__import_file(db, &a->o, report, err);
        pk_progress_end(&a->progress);
        if (rc && report->stopped)
            pk_err_suffix(err, "; --skip-bad goes on without such rows");
        if (rc && *taken && !a->o.dry_run)
            pk_err_suffix(err, "; taken before: %zu file%s", *taken,
                          *taken == 1 ? "" : "s");
        if (rc) {
            take_back(a->o.rejects, rejected);
            break;
        }
        ++*taken;
        if (!useless && all_bad(report))
            useless = a->files[i];
        if (!list)
            print_report(a, report);
        else if (!prefdb__report_add(list, &a->o, report))
            rc = pk_fail_mem(err, "a report");
    }
    free(report);
    if (!rc && useless)
        rc = pk_fail(err, PK_EDATA, "%s: every row is bad, none was taken",
                     useless);
    return rc;
}

/* Where a file could not be taken, those before it have been, without their bad
 * rows: these are kept in any case. */
static int run(struct args *a, struct prefdb *db, struct pk_err *err)
{
    struct pk_out *rejects = NULL;
    int rc = a->rejects ? pk_out_open(&rejects, a->rejects, err) : 0;
    if (rc)
        return rc;
    if (rejects)
        a->o.rejects = pk_out_file(rejects);
    cJSON *list = NULL, *top = a->json ? prefdb__report(a->db, &list) : NULL;
    size_t taken = 0;
    rc = import_files(a, db, list, &taken, err);
    if (a->json) { /* of the files that were read */
        int told = pk_json_write(stdout, top, rc ? NULL : err);
        rc = rc ? rc : told;
    }
    if (rejects && taken) {
        int kept = pk_out_commit(&rejects, rc ? NULL : err);
        rc = rc ? rc : kept;
    }
    pk_out_abort(&rejects);
    return rc;
}

int prefdb_cmd_import(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB FILE...",
        .doc = "Read comparisons into a store.\v"
               "FILE holds JSON lines, a JSON array or CSV, may be "
               "gzip-compressed, "
               "and is \"-\" for standard input. Each file is taken whole or "
               "not at all, one after the other; what is "
               "in the store already is not doubled, so a file may be imported "
               "again. `prefkit import --formats` lists the formats."};
    struct args a = {.cli.verb = "import", .o.dimension = -1, .o.split = -1};
    struct pk_err err;
    struct prefdb *db = NULL;
    a.files = pk_cli_list(argc, &a.cli);
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    struct prefdb__pairs *pairs = NULL;
    int rc = prefdb_check_output(a.db, "--rejects", a.rejects, &err);
    if (!rc && a.pairs)
        rc = prefdb__pairs_load(&pairs, a.pairs, &err);
    a.o.pairs = pairs;
    if (!rc)
        rc = prefdb_open(&db, a.db, PREFDB_WRITE, &err);
    if (!rc)
        rc = run(&a, db, &err);
    prefdb_close(db);
    prefdb__pairs_free(pairs);
    free(a.files);
    fflush(stdout);
    return pk_cli_finish(&a.cli, rc ? pk_cli_fail(&a.cli, &err) : 0);
}
