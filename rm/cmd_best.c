/* prefkit best: the best of K responses to each prompt. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/lines.h"
#include "common/mem.h"
#include "common/out.h"
#include "rm/rm.h"
#include "rm/score/best.h"

enum { OPT_BY = 300, OPT_KEEP, OPT_PAIRS, OPT_CURVE, OPT_JSON, OPT_WHOLE };

struct best_args {
    struct pk_cli cli;
    const char *by, *input, *output, *keep;
    bool pairs, curve, json, whole;
};

static const struct argp_option options[] = {
    {"by", OPT_BY, "NAME", 0,
     "The score to go by: a name in the rows' \"scores\"", 0},
    {"input", 'i', "FILE", 0, "Scored rows, plain or gzip (default: -)", 0},
    {"output", 'o', "FILE", 0, "Where the best go (default: -)", 0},
    {"pairs", OPT_PAIRS, NULL, 0,
     "Write the best and the worst of each prompt as \"chosen\" and "
     "\"rejected\", for `prefkit import --format trl'",
     0},
    {"keep", OPT_KEEP, "FILE", 0,
     "The best of all rounds so far: they compete too, and FILE is then "
     "brought up to date (made, the first time). Score it again first when the "
     "reward model has changed",
     0},
    {"curve", OPT_CURVE, NULL, 0,
     "Instead of rows: the expected maximum and median of N samples, for N = "
     "1, 2, ... (Figure 7)",
     0},
    {"json", OPT_JSON, NULL, 0, "The curve as JSON", 0},
    {"whole", OPT_WHOLE, NULL, 0,
     "Leave responses out that were cut off before their end (\"cut\")", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct best_args *a = state->input;
    switch (key) {
    case OPT_BY:
        a->by = arg;
        return 0;
    case 'i':
        a->input = arg;
        return 0;
    case 'o':
        a->output = arg;
        return 0;
    case OPT_PAIRS:
        a->pairs = true;
        return 0;
    case OPT_KEEP:
        a->keep = arg;
        return 0;
    case OPT_CURVE:
        a->curve = true;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    case OPT_WHOLE:
        a->whole = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': rows are read with --input", arg);
        return EINVAL;
    case ARGP_KEY_END:
        if (!a->by)
            argp_error(state, "--by NAME is needed");
        if (a->json && !a->curve)
            argp_error(state, "--json is for --curve");
        if (a->curve && (a->pairs || a->keep))
            argp_error(state, "--curve takes neither --pairs nor --keep");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc =
        "The best of K responses to each prompt, from scored rows: rejection "
        "sampling.\v"
        "Rows are what `prefkit score' wrote, with \"responses\" or one "
        "response each; those to one prompt need not lie together. Rows "
        "come out as {\"prompt\": ..., \"response\": ..., \"scores\": "
        "{NAME: number}, \"samples\": K}, and \"cut\" and \"generation\" where "
        "the response had them, in the order of the prompts' first rows. Rows "
        "with an \"error\" are passed over and counted.\n\n"
        "Example: prefkit best --by help -i scored.jsonl --keep best.jsonl "
        "-o round3.jsonl"};

static int read_rows(struct rm_best *b, const char *path, bool history,
                     struct pk_err *err)
{
    struct pk_lines *in;
    char *line;
    size_t len;
    int rc = pk_lines_open(&in, path, err);
    if (rc)
        return rc;
    while ((rc = pk_lines_next(in, &line, &len, err)) > 0) {
        rc = rm_best_add(b, line, len, history, err);
        if (rc) {
            pk_err_prefix(err, "%s: ", pk_lines_where(in));
            break;
        }
        rc = pk_check_interrupt(err);
        if (rc)
            break;
    }
    pk_lines_close(in);
    return rc;
}

static int write_rows(const struct rm_best *b, const char *path,
                      enum rm_best_form form, struct pk_err *err)
{
    struct pk_out *out;
    int rc = pk_out_open(&out, path, err);
    if (rc == 0)
        rc = rm_best_write(b, form, pk_out_file(out), err);
    if (rc == 0)
        rc = pk_out_commit(&out, err);
    pk_out_abort(&out);
    return rc;
}

static void print_text(FILE *f, const char *by, const struct rm_best_point *p,
                       size_t n)
{
    fprintf(f, "%s: expected raw score of N samples, by prompt\n\n", by);
    fprintf(f, "%8s %10s %12s %12s\n", "N", "prompts", "maximum", "median");
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%8zu %10llu %12.4f %12.4f\n", p[i].n,
                (unsigned long long)p[i].prompts, p[i].max, p[i].median);
}

static int print_json(FILE *f, const char *by, const struct rm_best_point *p,
                      size_t n, struct pk_err *err)
{
    cJSON *j = cJSON_CreateObject(), *list = NULL;
    bool ok = j &&
              cJSON_AddStringToObject(j, "schema", "prefkit:best-curve:1") &&
              cJSON_AddStringToObject(j, "by", by) &&
              (list = cJSON_AddArrayToObject(j, "points"));
    for (size_t i = 0; i < n && ok; i++) {
        cJSON *o = cJSON_CreateObject();
        ok = o && cJSON_AddItemToArray(list, o) &&
             pk_json_add_int(o, "n", (long long)p[i].n) == 0 &&
             pk_json_add_int(o, "prompts", (long long)p[i].prompts) == 0 &&
             pk_json_add_num(o, "max", p[i].max) == 0 &&
             pk_json_add_num(o, "median", p[i].median) == 0;
    }
    if (ok)
        return pk_json_write(f, j, err);
    cJSON_Delete(j);
    return pk_fail_mem(err, "a curve");
}

static int write_curve(const struct rm_best *b, const struct best_args *a,
                       struct pk_err *err)
{
    struct pk_out *out = NULL;
    size_t n = rm_best_most(b);
    struct rm_best_point *p = pk_calloc(n + 1, sizeof *p);
    if (!p)
        return pk_fail_mem(err, "a curve");
    rm_best_curve(b, p, n);
    int rc = pk_out_open(&out, a->output, err);
    if (rc == 0 && a->json)
        rc = print_json(pk_out_file(out), a->by, p, n, err);
    else if (rc == 0 && !a->json)
        print_text(pk_out_file(out), a->by, p, n);
    if (rc == 0)
        rc = pk_out_commit(&out, err);
    pk_out_abort(&out);
    free(p);
    return rc;
}

static void summarize(const struct best_args *a, const struct rm_best_counts *c)
{
    pk_note(&a->cli, "%llu responses to %llu prompts",
            (unsigned long long)c->responses, (unsigned long long)c->prompts);
    if (c->errors)
        pk_note(&a->cli, "%llu rows with an \"error\" were passed over",
                (unsigned long long)c->errors);
    if (c->not_whole)
        pk_note(&a->cli,
                "%llu responses were cut off before their end and left out; "
                "%llu prompts have no other",
                (unsigned long long)c->not_whole, (unsigned long long)c->none);
    if (c->cut)
        pk_note(&a->cli,
                "%llu of the best were cut off before their end (--whole "
                "leaves such responses out)",
                (unsigned long long)c->cut);
    if (a->keep)
        pk_note(&a->cli, "%llu of the best are of earlier rounds",
                (unsigned long long)c->from_history);
    if (a->pairs && c->pairs < c->prompts)
        pk_note(&a->cli, "%llu prompts have no worse response: left out",
                (unsigned long long)(c->prompts - c->pairs));
}

static int run(struct rm_best *b, const struct best_args *a, struct pk_err *err)
{
    int rc = 0;
    if (a->keep && access(a->keep, F_OK) == 0)
        rc = read_rows(b, a->keep, true, err);
    if (rc == 0)
        rc = read_rows(b, a->input, false, err);
    if (rc)
        return rc;
    if (a->curve)
        return write_curve(b, a, err);
    rc = write_rows(b, a->output, a->pairs ? RM_BEST_PAIRS : RM_BEST_ROWS, err);
    if (rc == 0 && a->keep)
        rc = write_rows(b, a->keep, RM_BEST_ROWS, err);
    if (rc)
        return rc;
    const struct rm_best_counts c = rm_best_counts(b);
    summarize(a, &c);
    return 0;
}

int rm_cmd_best(int argc, char **argv)
{
    struct best_args a = {.cli.verb = "best", .input = "-", .output = "-"};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    struct pk_err err = {0};
    struct rm_best *b;
    int rc = rm_best_new(&b, a.by, a.whole, &err);
    if (rc == 0)
        rc = run(b, &a, &err);
    rm_best_free(b);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
