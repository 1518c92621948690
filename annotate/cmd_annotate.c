/* prefkit annotate: options, and which of the two faces. */
#include <locale.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annotate/annotate.h"
#include "annotate/live/key_rule.h"
#include "annotate/live/options.h"
#include "annotate/plain/live.h"
#include "annotate/plain/plain.h"
#include "annotate/screen/live_screen.h"
#include "common/cli.h"

struct args {
    struct pk_cli cli;
    struct annotate__options o;
    struct annotate__look look;
    const char *keys;
    bool plain, dimension, order, print_keys;
    struct annotate__live_args live;
};

enum {
    KEY_ANNOTATOR = 0x100,
    KEY_DIMENSION,
    KEY_CAMPAIGN,
    KEY_SOURCE,
    KEY_BATCH,
    KEY_ORDER,
    KEY_SCORED_BY,
    KEY_ALLOW,
    KEY_KEYS,
    KEY_PRINT_KEYS,
    KEY_PLAIN,
    KEY_ASCII
};

static const struct argp_option options[] = {
    {"annotator", KEY_ANNOTATOR, "NAME", 0, "Who judges (default: $USER)", 0},
    {"dimension", KEY_DIMENSION, "D", 0,
     "helpfulness or safety; needed without --campaign", 0},
    {"campaign", KEY_CAMPAIGN, "NAME", 0,
     "Work on a campaign of the store, with its settings", 0},
    {"source", KEY_SOURCE, "NAME", 0,
     "Only pairs from this source; with --live, the source of those that are "
     "made (default: live)",
     0},
    {"batch", KEY_BATCH, "NAME", 0, "The same for a batch", 0},
    {"order", KEY_ORDER, "O", 0, "random (default), oldest or uncertain", 0},
    {"scored-by", KEY_SCORED_BY, "NAME", 0,
     "For --order uncertain: whose stored scores; the smallest margin comes "
     "first, or with NAME,NAME the largest disagreement of the two",
     0},
    {"allow", KEY_ALLOW, "WHAT", 0,
     "Allow `tie' or `both-bad' beside a choice; may be repeated", 0},
    {"keys", KEY_KEYS, "FILE", 0,
     "Other keys: lines `KEY REQUEST', such as `n note'", 0},
    {"print-keys", KEY_PRINT_KEYS, NULL, 0,
     "Print such a file, of all requests and their keys, and end", 0},
    {"plain", KEY_PLAIN, NULL, 0,
     "By line prompts, for screen readers and dumb terminals", 0},
    {"ascii", KEY_ASCII, NULL, 0, "Borders in ASCII", 0},
    {0}};

static error_t parse_name(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case KEY_DIMENSION:
        a->dimension = true;
        if (!prefdb_parse_dimension(arg, &a->o.dimension))
            argp_error(state, "'%s' is not a dimension", arg);
        return 0;
    case KEY_ORDER:
        a->order = true;
        if (!prefdb_parse_order(arg, &a->o.order))
            argp_error(state, "'%s' is not an order", arg);
        return 0;
    case KEY_SCORED_BY: {
        char *comma = strchr(arg, ',');
        a->o.scored_by = arg;
        a->o.against = comma ? comma + 1 : NULL;
        if (comma)
            *comma = 0;
        return 0;
    }
    case KEY_ALLOW:
        if (strcmp(arg, "tie") != 0 && strcmp(arg, "both-bad") != 0)
            argp_error(state, "'%s' is neither tie nor both-bad", arg);
        a->o.allow_tie |= arg[0] == 't';
        a->o.allow_both_bad |= arg[0] == 'b';
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void check(struct args *a, struct argp_state *state)
{
    if (a->print_keys)
        return;
    if (!a->o.store)
        argp_error(state, "no store named");
    if (!a->dimension && !a->o.campaign)
        argp_error(state, "either --dimension or --campaign is needed");
    a->o.live = a->live.live;
    if (a->o.live && (a->order || a->o.scored_by))
        argp_error(state, "--order and --scored-by are for stored pairs, not "
                          "for --live");
    if (a->o.campaign &&
        ((!a->o.live && (a->o.source || a->o.batch)) || a->dimension ||
         a->order || a->o.allow_tie || a->o.allow_both_bad || a->o.scored_by))
        argp_error(state, "a campaign has its own dimension, pairs and "
                          "choices: no --dimension, --source, --batch, "
                          "--order, --scored-by or --allow with it");
    if ((a->o.order == PREFDB_UNCERTAIN) != (a->o.scored_by != NULL))
        argp_error(state, "--order uncertain and --scored-by go together");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case KEY_ANNOTATOR:
        a->o.annotator = arg;
        return 0;
    case KEY_CAMPAIGN:
        a->o.campaign = arg;
        return 0;
    case KEY_SOURCE:
        a->o.source = arg;
        return 0;
    case KEY_BATCH:
        a->o.batch = arg;
        return 0;
    case KEY_KEYS:
        a->keys = arg;
        return 0;
    case KEY_PRINT_KEYS:
        a->print_keys = true;
        return 0;
    case KEY_PLAIN:
        a->plain = true;
        return 0;
    case KEY_ASCII:
        a->look.ascii = true;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->live;
        return 0;
    case ARGP_KEY_ARG:
        if (a->o.store)
            argp_error(state, "one store at a time");
        a->o.store = arg;
        return 0;
    case ARGP_KEY_END:
        check(a, state);
        return 0;
    default:
        return parse_name(key, arg, state);
    }
}

static const char *user_name(void)
{
    const char *name = getenv("USER");
    if (name && *name)
        return name;
    const struct passwd *pw = getpwuid(getuid());
    return pw ? pw->pw_name : "";
}

/* Why the screen cannot be used, or NULL. */
static const char *no_screen(void)
{
    const char *term = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return "standard input and output are not a terminal";
    if (!term || !*term || strcmp(term, "dumb") == 0)
        return "the terminal is dumb";
    return NULL;
}

/* Where no locale is set, as in a bare container, texts are shown all the same:
 * what terminals there are take UTF-8. */
static void use_locale(void)
{
    const char *name = setlocale(LC_CTYPE, "");
    if (!name || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static int work_live(struct args *a, struct annotate__session *s,
                     const struct annotate__keys *keys, struct pk_err *err)
{
    struct annotate__live l;
    char why[256];
    for (size_t i = 0; i < a->live.o.n_models; i++) {
        (void)annotate__key_of(&a->live.o, i, why, sizeof why);
        if (why[0])
            pk_warn(&a->cli, "%s", why);
    }
    a->live.o.source = a->o.source ? a->o.source : "live";
    a->live.o.batch = a->o.batch;
    int rc = annotate__live_open(&l, s, &a->live.o, err);
    if (rc)
        return rc;
    rc = a->plain ? annotate__plain_live(&l, stdin, stdout, err)
                  : annotate__live_screen(&l, keys, &a->look, err);
    if (l.dialogues + l.again)
        printf("dialogues begun: %u; responses thrown away: %u\n", l.dialogues,
               l.again);
    annotate__live_close(&l);
    return rc;
}

static int work(struct args *a, struct annotate__session *s, struct pk_err *err)
{
    struct annotate__keys keys;
    annotate__keys_init(&keys);
    int rc = a->keys ? annotate__keys_load(&keys, a->keys, err) : 0;
    if (!rc)
        rc = annotate__open(s, &a->o, err);
    if (rc)
        return rc;
    if (a->o.live)
        return work_live(a, s, &keys, err);
    return a->plain ? annotate__plain(s, stdin, stdout, err)
                    : annotate__screen(s, &keys, &a->look, err);
}

static int print_keys(const struct args *a)
{
    struct annotate__keys keys;
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    struct pk_err err;
    annotate__keys_init(&keys);
    int rc = a->keys ? annotate__keys_load(&keys, a->keys, &err) : 0;
    if (!rc && annotate__keys_print(&keys, &b))
        rc = pk_fail_mem(&err, "the keys");
    if (!rc)
        fputs(b.data, stdout);
    pk_buf_release(&b);
    return rc ? pk_cli_fail(&a->cli, &err) : pk_cli_finish(&a->cli, 0);
}

int annotate_cmd_annotate(int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&annotate__live_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        .options = options,
        .children = children,
        .parser = parse,
        .args_doc = "DB",
        .doc = "Judge the pairs of a store, in the terminal. `?' shows the "
               "keys. Every verdict is on disk before the next pair is shown, "
               "and any of your own can be revised; a half-made one comes "
               "back the next time. With --live you write the prompts, and "
               "judge what two models answer while they write it."};
    struct args a = {.cli.verb = "annotate", .o.order = PREFDB_RANDOM};
    struct annotate__session s = {0};
    struct pk_buf b = PK_BUF_INIT(4096);
    struct pk_err err;
    annotate__live_args_init(&a.live);
    pk_cli_parse(&argp, argc, argv, &a.cli);
    if (a.print_keys)
        return print_keys(&a);
    if (!a.o.annotator)
        a.o.annotator = user_name();
    const char *why = a.plain ? NULL : no_screen();
    if (why) {
        pk_fail(&err, PK_EUSAGE, "%s; use --plain", why);
        return pk_cli_fail(&a.cli, &err);
    }
    use_locale();
    pk_catch_signals();
    int rc = work(&a, &s, &err);
    if (s.judged + s.revised + s.skipped && !annotate__summary(&s, &b))
        fputs(b.data, stdout);
    annotate__close(&s);
    annotate__live_args_release(&a.live);
    pk_buf_release(&b);
    if (rc)
        return pk_cli_fail(&a.cli, &err);
    return pk_cli_finish(&a.cli, 0);
}
