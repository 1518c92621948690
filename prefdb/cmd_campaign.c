/* `prefkit campaign DB [NAME]`: what labelers are asked to do, made, changed,
 * filled with tasks, and how far it is. The report is in campaign_report.c. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/num.h"
#include "common/plain.h"
#include "common/utf8.h"
#include "prefdb/stats/campaign_report.h"

struct args {
    struct pk_cli cli;
    const char *db, *name, *dimension, *guideline, *version, *print, *gold;
    int64_t overlap, quota, lease, gold_every, repeat_every, turns; /* or -1 */
    bool allow, tie, both_bad, settings, fills, json;
    struct prefdb_fill fill;
};

enum {
    OPT_OVERLAP = 256,
    OPT_QUOTA,
    OPT_LEASE,
    OPT_ALLOW,
    OPT_GUIDELINE,
    OPT_VERSION,
    OPT_PRINT,
    OPT_GOLD,
    OPT_GOLD_EVERY,
    OPT_REPEAT_EVERY,
    OPT_TURNS,
    OPT_FILL,
    OPT_BATCH,
    OPT_ORDER,
    OPT_SCORED_BY,
    OPT_LIMIT,
    OPT_SEED
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Settings, of a new campaign or to change one:", 1},
    {"dimension", 'd', "D", 0,
     "helpfulness or safety; a new one needs it, and one with tasks keeps it",
     1},
    {"overlap", OPT_OVERLAP, "N", 0, "Annotators for each pair (default 1)", 1},
    {"quota", OPT_QUOTA, "N", 0, "Judgments for each annotator; 0: any number",
     1},
    {"lease", OPT_LEASE, "MINUTES", 0,
     "How long a pair may be in hand (default 120)", 1},
    {"allow", OPT_ALLOW, "WHAT", 0,
     "Beside a choice: `tie', `both-bad', or `none'; may be repeated", 1},
    {"guideline", OPT_GUIDELINE, "FILE", 0,
     "What annotators are told; earlier versions are kept", 1},
    {"guideline-version", OPT_VERSION, "V", 0,
     "Its version, kept with each judgment (default: the beginning of its "
     "SHA-256)",
     1},
    {"gold", OPT_GOLD, "NAME", 0,
     "The annotator whose word is right; '': nobody", 1},
    {"gold-every", OPT_GOLD_EVERY, "N", 0,
     "Mix in, blind, one of NAME's pairs in every N; 0: none", 1},
    {"repeat-every", OPT_REPEAT_EVERY, "N", 0,
     "Show, blind, an earlier pair again in every N; 0: none", 1},
    {"turns", OPT_TURNS, "N", 0, "The longest live dialogue; 0: any", 1},
    {NULL, 0, NULL, 0, "Pairs that become tasks, after those that are:", 2},
    {"fill", OPT_FILL, NULL, 0,
     "Take all pairs of the store (or those that the options below say)", 2},
    {"source", 's', "NAME", 0, "Only pairs of this source", 2},
    {"batch", OPT_BATCH, "NAME", 0, "Only pairs of this batch", 2},
    {"order", OPT_ORDER, "O", 0, "random (default), oldest or uncertain", 2},
    {"scored-by", OPT_SCORED_BY, "NAME", 0,
     "For --order uncertain: whose stored scores; the smallest margin comes "
     "first, or with NAME,NAME the largest disagreement of the two",
     2},
    {"limit", OPT_LIMIT, "N", 0, "At most N of them", 2},
    {"seed", OPT_SEED, "N", 0, "For --order random (default 0)", 2},
    {NULL, 0, NULL, 0, "Reports:", 3},
    {"print-guideline", OPT_PRINT, "V", 0, "Print that version's text", 3},
    {"json", 'j', NULL, 0, "The report as JSON", 3},
    {0}};

static int64_t number(const char *arg, const char *what, int64_t least,
                      int64_t most, struct argp_state *state)
{
    uint64_t n = 0;
    if (!pk_parse_u64(arg, (uint64_t)least, (uint64_t)most, &n))
        argp_error(state, "%s is a whole number from %lld to %lld", what,
                   (long long)least, (long long)most);
    return (int64_t)n;
}

static void parse_allow(struct args *a, const char *arg,
                        struct argp_state *state)
{
    bool tie = strcmp(arg, "tie") == 0, bad = strcmp(arg, "both-bad") == 0;
    if (!tie && !bad && strcmp(arg, "none") != 0)
        argp_error(state, "'%s' is not tie, both-bad or none", arg);
    a->allow = true;
    a->tie |= tie;
    a->both_bad |= bad;
}

/* An option of the first group; false when it is none. */
static bool parse_setting(struct args *a, int key, char *arg,
                          struct argp_state *state)
{
    enum prefdb_dimension d;
    switch (key) {
    case 'd':
        if (!prefdb_parse_dimension(arg, &d))
            argp_error(state, "--dimension is helpfulness or safety");
        a->dimension = arg;
        break;
    case OPT_OVERLAP:
        a->overlap = number(arg, "--overlap", 1, 1000, state);
        break;
    case OPT_QUOTA:
        a->quota = number(arg, "--quota", 0, INT32_MAX, state);
        break;
    case OPT_LEASE:
        a->lease = number(arg, "--lease", 1, 100000, state);
        break;
    case OPT_ALLOW:
        parse_allow(a, arg, state);
        break;
    case OPT_GUIDELINE:
        a->guideline = arg;
        break;
    case OPT_VERSION:
        a->version = arg;
        break;
    case OPT_GOLD:
        a->gold = arg;
        break;
    case OPT_GOLD_EVERY:
        a->gold_every = number(arg, "--gold-every", 0, 1000000, state);
        break;
    case OPT_REPEAT_EVERY:
        a->repeat_every = number(arg, "--repeat-every", 0, 1000000, state);
        break;
    case OPT_TURNS:
        a->turns = number(arg, "--turns", 0, 1000, state);
        break;
    default:
        return false;
    }
    a->settings = true;
    return true;
}

static void parse_scored_by(struct args *a, char *arg)
{
    char *comma = strchr(arg, ',');
    a->fill.scored_by = arg;
    a->fill.against = comma ? comma + 1 : NULL;
    if (comma)
        *comma = 0;
}

/* An option of the second group. */
static bool parse_fill(struct args *a, int key, char *arg,
                       struct argp_state *state)
{
    switch (key) {
    case OPT_FILL:
        break;
    case 's':
        a->fill.source = arg;
        break;
    case OPT_BATCH:
        a->fill.batch = arg;
        break;
    case OPT_ORDER:
        if (!prefdb_parse_order(arg, &a->fill.order))
            argp_error(state, "'%s' is not an order", arg);
        break;
    case OPT_SCORED_BY:
        parse_scored_by(a, arg);
        break;
    case OPT_LIMIT:
        a->fill.limit = number(arg, "--limit", 1, INT64_MAX, state);
        break;
    case OPT_SEED:
        a->fill.seed = (uint64_t)number(arg, "--seed", 0, INT64_MAX, state);
        break;
    default:
        return false;
    }
    a->fills = true;
    return true;
}

static void check_args(const struct args *a, struct argp_state *state)
{
    if (!a->db)
        argp_error(state, "DB is missing");
    if (!a->name && (a->settings || a->fills || a->print))
        argp_error(state, "which campaign? NAME is missing");
    if (a->version && !a->guideline)
        argp_error(state, "--guideline-version is of a --guideline");
    if ((a->fill.order == PREFDB_UNCERTAIN) != (a->fill.scored_by != NULL))
        argp_error(state, "--order uncertain and --scored-by go together");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    if (parse_setting(a, key, arg, state) || parse_fill(a, key, arg, state))
        return 0;
    switch (key) {
    case OPT_PRINT:
        a->print = arg;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->name)
            argp_error(state, "one DB and one NAME");
        *(a->db ? &a->name : &a->db) = arg;
        return 0;
    case ARGP_KEY_END:
        check_args(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- Settings ------------------------------------------------------------ */

/* The file's text, and where no version was given one from its hash. */
static int read_guideline(const struct args *a, char **text, char version[13],
                          struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT((size_t)1 << 24);
    char hex[65];
    FILE *f = fopen(a->guideline, "rb");
    char part[4096];
    size_t n;
    if (!f)
        return pk_fail_errno(err, "cannot open '%s'", a->guideline);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        pk_buf_add(&b, part, n);
    int rc = ferror(f)  ? pk_fail_errno(err, "cannot read '%s'", a->guideline)
             : b.failed ? pk_fail(err, PK_EDATA, "%s: longer than 16 MiB",
                                  a->guideline)
                        : 0;
    fclose(f);
    if (!rc && (!b.len || memchr(b.data, 0, b.len) ||
                pk_utf8_check(b.data, b.len) < b.len))
        rc = pk_fail(err, PK_EDATA, "%s: not a text in UTF-8", a->guideline);
    if (!rc)
        rc = pk_sha256_of(b.data, b.len, hex, err);
    if (!rc) {
        memcpy(version, hex, 12);
        version[12] = 0;
        *text = pk_buf_take(&b);
    }
    pk_buf_release(&b);
    return rc;
}

static void apply(const struct args *a, struct prefdb_campaign *c)
{
    if (a->dimension)
        (void)prefdb_parse_dimension(a->dimension, &c->dimension);
    if (a->overlap >= 0)
        c->overlap = (int)a->overlap;
    if (a->quota >= 0)
        c->quota = a->quota;
    if (a->lease >= 0)
        c->lease_seconds = a->lease * 60;
    if (a->allow) {
        c->allow_tie = a->tie;
        c->allow_both_bad = a->both_bad;
    }
    if (a->gold)
        c->gold = *a->gold ? a->gold : NULL;
    if (a->gold_every >= 0)
        c->gold_every = a->gold_every;
    if (!c->gold)
        c->gold_every = a->gold_every > 0 ? a->gold_every : 0;
    if (a->repeat_every >= 0)
        c->repeat_every = a->repeat_every;
    if (a->turns >= 0)
        c->turn_limit = a->turns;
}

/* Make it, or change what was said of it. */
static int put(const struct args *a, struct prefdb *db, struct pk_err *err)
{
    struct prefdb_campaign c;
    char version[13] = "", *text = NULL, *kept[3] = {NULL};
    int rc = prefdb_campaign_get(db, a->name, &c, err);
    if (rc == PK_EUSAGE && a->dimension) {
        c = (struct prefdb_campaign){.overlap = 1, .lease_seconds = 7200};
        rc = 0;
    }
    if (rc)
        return rc;
    /* What the store lends must outlive the next call. */
    const char *lent[] = {c.guideline, c.guideline_text, c.gold};
    for (int i = 0; i < 3 && !rc; i++)
        if (lent[i] && !(kept[i] = pk_strdup(lent[i])))
            rc = pk_fail_mem(err, "a campaign");
    c.name = a->name;
    c.guideline = kept[0];
    c.guideline_text = kept[1];
    c.gold = kept[2];
    apply(a, &c);
    if (!rc && a->guideline)
        rc = read_guideline(a, &text, version, err);
    if (!rc && a->guideline) {
        c.guideline = a->version ? a->version : version;
        c.guideline_text = text;
    }
    if (!rc)
        rc = prefdb_campaign_put(db, &c, err);
    free(text);
    for (int i = 0; i < 3; i++)
        free(kept[i]);
    return rc;
}

static int fill(const struct args *a, struct prefdb *db, struct pk_err *err)
{
    struct prefdb_campaign c;
    int64_t added;
    int rc = prefdb_campaign_get(db, a->name, &c, err);
    if (!rc)
        rc = prefdb_campaign_fill(db, c.id, &a->fill, &added, err);
    if (!rc)
        pk_note(&a->cli, "%lld pairs are new tasks", (long long)added);
    if (!rc && !added && (a->fill.source || a->fill.batch))
        pk_warn(&a->cli, "all pairs of that source or batch are tasks already");
    return rc;
}

static int print_guideline(const struct args *a, struct prefdb *db,
                           struct pk_err *err)
{
    struct prefdb_campaign c;
    char *text = NULL;
    int rc = prefdb_campaign_get(db, a->name, &c, err);
    if (!rc)
        rc = prefdb_guideline(db, c.id, a->print, &text, err);
    if (!rc && !text)
        rc = pk_fail(err, PK_EUSAGE, "%s: '%.60s' has no guideline '%.60s'",
                     a->db, a->name, a->print);
    if (!rc && text && isatty(STDOUT_FILENO)) /* in a file: as it came */
        pk_plain_text(stdout, text, strlen(text), "");
    else if (!rc && text)
        fputs(text, stdout);
    free(text);
    return rc;
}

static int run(const struct args *a, struct prefdb *db, struct pk_err *err)
{
    int rc = prefdb_check_names(db, a->fill.source, a->fill.batch, err);
    if (!rc && a->settings)
        rc = put(a, db, err);
    if (!rc && a->fills)
        rc = fill(a, db, err);
    if (rc)
        return rc;
    return a->print ? print_guideline(a, db, err)
                    : prefdb__campaign_report(db, a->db, a->name, a->json, err);
}

int prefdb_cmd_campaign(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DB [NAME]",
        .doc =
            "Campaigns: which pairs labelers are to judge with `annotate "
            "--campaign', how often each, and by which guideline. Without "
            "NAME: list them; with it: how far it is, annotator by "
            "annotator.\v"
            "A pair has been judged as often as the overlap says when so many "
            "annotators' judgments of it for the dimension are in the "
            "store, also those that were imported or merged.\n\n"
            "Gold pairs and repeats look like any other and come at places "
            "that nobody can guess. A gold pair is one that the gold "
            "annotator has judged for the dimension, in whatever campaign; "
            "it is nobody's task. A repeat comes ten judgments later at the "
            "earliest, its sides drawn anew; both its judgments stand."};
    struct args a = {.cli.verb = "campaign",
                     .overlap = -1,
                     .quota = -1,
                     .lease = -1,
                     .gold_every = -1,
                     .repeat_every = -1,
                     .turns = -1,
                     .fill.order = PREFDB_RANDOM};
    struct pk_err err;
    struct prefdb *db = NULL;
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    bool writes = a.settings || a.fills;
    int rc = prefdb_open(&db, a.db, writes ? PREFDB_WRITE : PREFDB_READ, &err);
    if (!rc)
        prefdb__stop_on_signal(db);
    if (!rc)
        rc = run(&a, db, &err);
    prefdb_close(db);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
