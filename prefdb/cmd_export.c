/* `prefkit export DB`: write a store's comparisons. */
#include <string.h>

#include "common/cli.h"
#include "common/num.h"
#include "common/out.h"
#include "prefdb/export/export.h"
#include "prefdb/export/pairs.h"

struct args {
    struct pk_cli cli;
    const char *db, *output, *tokenizer;
    bool whole;      /* our own rows */
    bool pairs_only; /* an option was given that they have no use for */
    struct prefdb__pairs_export o;
};

enum {
    OPT_TIES = 256,
    OPT_STRENGTH_0,
    OPT_JUDGMENTS,
    OPT_EQUAL_AFTER,
    OPT_TOKENIZER,
    OPT_MARGIN
};

static const struct argp_option options[] = {
    {"format", 'f', "F", 0,
     "prefkit (default): our own JSON lines, everything; or pairs of chosen "
     "and rejected: trl, openrlhf, hh, ms-swift, llama-factory (sharegpt)",
     0},
    {"output", 'o', "FILE", 0, "Where to (default: standard output)", 0},
    {"dimension", 'd', "D", 0, "Only what was judged for helpfulness or safety",
     0},
    {"split", 'p', "S", 0, "Only train, valid or test", 0},
    {"source", 's', "NAME", 0, "Only this source", 0},
    {NULL, 0, NULL, 0, "For pairs:", 1},
    {"judgments", OPT_JUDGMENTS, "J", 0,
     "Of several on one comparison: majority (default; ties don't vote, a "
     "named annotator has one vote, the latest), "
     "latest, all (a row each), or soft (a column \"probability\", ties "
     "counting half; trl, openrlhf and ms-swift only)",
     1},
    {"ties", OPT_TIES, "T", 0,
     "Where nobody prefers an answer: skip (default), or soft, a row of "
     "probability 0.5 (with --judgments soft)",
     1},
    {"strength-0", OPT_STRENGTH_0, "S", 0,
     "Negligibly better or unsure: keep (default) or drop", 1},
    {"equal-after", OPT_EQUAL_AFTER, "N", 0,
     "Drop pairs whose first N characters are the same; tokens with "
     "--tokenizer",
     1},
    {"tokenizer", OPT_TOKENIZER, "DIR", 0,
     "A model directory or tokenizer file, for --equal-after", 1},
    {"margin", OPT_MARGIN, "M", 0,
     "A column \"margin\" by strength 3, 2, 1, 0: none (default), small (1, "
     "2/3, 1/3, 0) or large (3, 2, 1, 0); trl, openrlhf and ms-swift only",
     1},
    {0}};

/* The place of a word in a list; usage where it is not there. */
static int word(const char *option, const char *arg, const char *const *list,
                struct argp_state *state)
{
    for (int i = 0; list[i]; i++)
        if (strcmp(arg, list[i]) == 0)
            return i;
    argp_error(state, "'%s' is not one of --%s's values", arg, option);
    return 0;
}

static void parse_format(struct args *a, const char *arg,
                         struct argp_state *state)
{
    static const char *const layouts[] = {
        "trl", "hh", "openrlhf", "ms-swift", "llama-factory", NULL};
    a->whole = strcmp(arg, "prefkit") == 0;
    if (!a->whole)
        a->o.layout = (enum prefdb__layout)word("format", arg, layouts, state);
}

/* The options of pairs; false where it is none of them. */
static bool parse_policy(int key, char *arg, struct args *a,
                         struct argp_state *state)
{
    static const char *const votes[] = {"majority", "latest", "all", "soft",
                                        NULL};
    static const char *const margins[] = {"none", "small", "large", NULL};
    static const char *const ties[] = {"skip", "soft", NULL};
    static const char *const zero[] = {"keep", "drop", NULL};
    switch (key) {
    case OPT_JUDGMENTS:
        a->o.votes = (enum prefdb__votes)word("judgments", arg, votes, state);
        break;
    case OPT_TIES:
        a->o.keep_ties = word("ties", arg, ties, state) == 1;
        break;
    case OPT_STRENGTH_0:
        a->o.drop_strength_0 = word("strength-0", arg, zero, state) == 1;
        break;
    case OPT_MARGIN:
        a->o.margin = (enum prefdb__margin)word("margin", arg, margins, state);
        break;
    case OPT_EQUAL_AFTER:
        if (!pk_parse_u64(arg, 1, UINT32_MAX, &a->o.same_after))
            argp_error(state, "--equal-after is a number of characters or "
                              "tokens");
        break;
    case OPT_TOKENIZER:
        a->tokenizer = arg;
        break;
    default:
        return false;
    }
    a->pairs_only = true;
    return true;
}

static void check_args(const struct args *a, struct argp_state *state)
{
    bool columns = !a->whole && prefdb__layout_has_columns(a->o.layout);
    if (a->whole && a->pairs_only)
        argp_error(state, "format prefkit keeps everything; the options for "
                          "pairs need another --format");
    if (!columns && a->o.margin != PREFDB__NO_MARGIN)
        argp_error(state, "this format has no place for a margin");
    if (!columns && a->o.votes == PREFDB__SOFT)
        argp_error(state, "this format has no place for a probability");
    if (a->tokenizer && (!a->o.same_after || !a->o.tokens))
        argp_error(state, a->o.tokens ? "--tokenizer needs --equal-after"
                                      : "no tokenizers can be read here");
    if (a->o.keep_ties && a->o.votes != PREFDB__SOFT)
        argp_error(state, "--ties soft needs --judgments soft");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    enum prefdb_dimension d = PREFDB_HELPFULNESS;
    enum prefdb_split s = PREFDB_TRAIN;
    switch (key) {
    case 'f':
        parse_format(a, arg, state);
        return 0;
    case 'o':
        a->output = arg;
        return 0;
    case 'd':
        if (!prefdb_parse_dimension(arg, &d))
            argp_error(state, "--dimension is helpfulness or safety");
        a->o.q.dimension = (int)d;
        return 0;
    case 'p':
        if (!prefdb_parse_split(arg, &s))
            argp_error(state, "--split is train, valid or test");
        a->o.q.split = (int)s;
        return 0;
    case 's':
        a->o.q.source = arg;
        return 0;
    case ARGP_KEY_SUCCESS:
        check_args(a, state);
        return 0;
    default:
        if (parse_policy(key, arg, a, state))
            return 0;
        return pk_cli_args(key, arg, state,
                           (const struct pk_cli_arg[]){{"DB", &a->db}, {0}});
    }
}

struct done {
    struct prefdb__exported whole;
    struct prefdb__pairs_done pairs;
};

static int run(const struct args *a, struct prefdb *db, struct done *done,
               struct pk_err *err)
{
    struct pk_out *out;
    int rc = pk_out_open(&out, a->output, err);
    if (rc)
        return rc;
    FILE *f = pk_out_file(out);
    rc = a->whole ? prefdb__export(db, &a->o.q, f, &done->whole, err)
                  : prefdb__export_pairs(db, &a->o, f, &done->pairs, err);
    if (!rc)
        return pk_out_commit(&out, err);
    pk_out_abort(&out);
    return rc;
}

static void report(const struct args *a, const struct done *done)
{
    const struct prefdb__exported *w = &done->whole;
    const struct prefdb__pairs_done *p = &done->pairs;
    const char *unit =
        a->o.votes == PREFDB__ALL ? "judgments: " : "comparisons: ";
    const struct {
        uint64_t n;
        const char *unit, *what;
    } notes[] = {
        {p->outvoted, "judgments ", "left out for the majority or the latest"},
        {p->revoted, "judgments ",
         "left out: the same annotator's later one is the vote"},
        {p->folded, "judgments ", "folded into another of the same comparison"},
        {p->ties, unit, "ties, left out"},
        {p->both_bad, unit, "both bad, left out"},
        {p->undecided, unit, "without a majority, left out"},
        {p->strength_0, unit, "of strength 0, left out"},
        {p->same, unit,
         a->tokenizer ? "the same after --equal-after (tokens), left out"
                      : "the same after --equal-after (characters), left out"},
        {p->unwritable, unit, "the format can't hold them, left out"},
        {p->no_strength, "rows ", "without a stated strength: margin 0"}};
    if (a->whole) {
        pk_note(&a->cli, "%llu comparisons, %llu judgments",
                (unsigned long long)w->comparisons,
                (unsigned long long)w->judgments);
        if (w->singles)
            pk_note(&a->cli, "%llu responses without a comparison",
                    (unsigned long long)w->singles);
        return;
    }
    pk_note(&a->cli, "%llu rows of %llu judgments", (unsigned long long)p->rows,
            (unsigned long long)p->judgments);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        if (notes[i].n)
            pk_note(&a->cli, "%llu %s%s", (unsigned long long)notes[i].n,
                    notes[i].unit, notes[i].what);
}

int prefdb_cmd_export(int argc, char **argv, const struct prefdb_tokens *tokens)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB",
        .doc = "Write a store's comparisons with their judgments as JSON lines "
               "(schemas/comparison.schema.json), or as another tool's pairs, "
               "in the order of the store."};
    struct args a = {.cli.verb = "export",
                     .output = "-",
                     .whole = true,
                     .o.q = {.dimension = -1, .split = -1},
                     .o.tokens = tokens};
    struct done done = {0};
    struct pk_err err;
    struct prefdb *db = NULL;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    int rc = prefdb_check_output(a.db, "--output", a.output, &err);
    if (!rc)
        rc = prefdb_open(&db, a.db, PREFDB_READ, &err);
    if (!rc)
        rc = prefdb_check_names(db, a.o.q.source, NULL, &err);
    if (!rc && a.tokenizer)
        rc = tokens->open(&a.o.tokenizer, a.tokenizer, &err);
    if (!rc)
        rc = run(&a, db, &done, &err);
    if (a.o.tokenizer)
        tokens->close(a.o.tokenizer);
    prefdb_close(db);
    if (rc)
        return pk_cli_fail(&a.cli, &err);
    report(&a, &done);
    return 0;
}
