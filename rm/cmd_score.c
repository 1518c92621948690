/* prefkit score: JSON lines in, the same lines with their scores out. */
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/lines.h"
#include "common/mem.h"
#include "common/out.h"
#include "common/progress.h"
#include "rm/options.h"
#include "rm/rm.h"
#include "rm/row.h"

enum { OPT_RM = 300, OPT_PRECISION, OPT_MAX_TOKENS, OPT_FOREST_TOKENS };

struct score_args {
    struct pk_cli cli;
    struct rm_models models;
    const char *input, *output;
    struct rm_scorer_opts opts;
};

static const struct argp_option options[] = {
    {"rm", OPT_RM, "NAME=DIR", 0,
     "A reward model and the name its scores get; may be given again", 0},
    {"input", 'i', "FILE", 0, "Rows to score, plain or gzip (default: -)", 0},
    {"output", 'o', "FILE", 0,
     "Where the scored rows go (default: -). A file appears whole or not at "
     "all; on standard output what was written before an error stays",
     0},
    {"precision", OPT_PRECISION, "auto|fp32", 0,
     "How to compute; fp32 is all that this version has", 0},
    {"max-tokens", OPT_MAX_TOKENS, "N", 0,
     "Drop the oldest exchanges of a dialogue longer than N tokens (default: "
     "as many as the model takes); the response is never cut",
     0},
    {"forest-tokens", OPT_FOREST_TOKENS, "N", 0,
     "Tokens to compute at a time (default: 16384): more is faster and takes "
     "more memory",
     0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct score_args *a = state->input;
    switch (key) {
    case OPT_RM:
        rm_opt_model(&a->models, arg, state);
        return 0;
    case 'i':
        a->input = arg;
        return 0;
    case 'o':
        a->output = arg;
        return 0;
    case OPT_PRECISION:
        rm_opt_precision(arg, state);
        return 0;
    case OPT_MAX_TOKENS:
        a->opts.max_tokens = rm_opt_size("--max-tokens", arg, 1, state);
        return 0;
    case OPT_FOREST_TOKENS:
        a->opts.forest_tokens = rm_opt_size("--forest-tokens", arg, 1, state);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': rows are read with --input", arg);
        return EINVAL;
    case ARGP_KEY_END:
        if (a->models.n == 0)
            argp_error(state, "--rm NAME=DIR is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc =
        "Score JSON lines with one or more reward models.\v"
        "A row is one of\n\n"
        "  {\"messages\": [..., {\"role\": \"assistant\", \"content\": ...}]}\n"
        "  {\"prompt\": TEXT or [MESSAGES], \"response\": TEXT}\n"
        "  {\"prompt\": TEXT or [MESSAGES], \"responses\": [TEXT, ...]}\n"
        "  {\"token_ids\": [ID, ...]}\n\n"
        "and comes back whole, in order, with \"scores\": {NAME: number}, or "
        "{NAME: [numbers]} where there was a list. A score is raw: the head's "
        "output at the end-of-sequence token that closes the response; ready-"
        "made ids are used as they are and read at the last one. \"cut\": true "
        "in a row says that the response was cut off before its end: it is "
        "then read at its last token. Such scores are marked, as are those of "
        "dialogues that lost exchanges: \"marks\": {\"cut\": true, "
        "\"dropped_exchanges\": 2}.\n\n"
        "Example: prefkit score --rm help=models/help -i in.jsonl -o "
        "out.jsonl"};

/* A row that waits for its scores. */
struct waiting {
    size_t at, len;  /* its text, in struct job's raw */
    size_t first, n; /* its responses, in the scorer */
    bool list;
};

struct job {
    struct rm_scorer *scorer;
    struct pk_lines *in;
    struct pk_out *out;
    struct pk_progress progress;
    struct rm_row row;
    struct waiting *wait;
    size_t n_wait, cap_wait;
    struct pk_buf raw, line; /* the waiting rows' text; one row to write */
    uint64_t rows, responses, cut, shortened, dropped;
};

/* Text of waiting rows, whatever their tokens, that is kept at a time. */
static const size_t window_bytes = PK_LINE_MAX;

static int wait_row(struct job *j, const char *line, size_t len,
                    struct pk_err *err)
{
    int rc = rm_row_parse(&j->row, line, len, err);
    if (rc)
        return rc;
    if (!pk_grow(&j->wait, &j->cap_wait, j->n_wait + 1, sizeof *j->wait))
        return pk_fail_mem(err, "rows");
    struct waiting w = {.at = j->raw.len, .len = len, .list = j->row.list};
    if (pk_buf_add(&j->raw, line, len) < 0)
        return pk_fail_mem(err, "rows");
    struct rm_text text;
    while (rm_row_next(&j->row, &text)) {
        size_t index;
        enum rm_reason why;
        rc = rm_scorer_add(j->scorer, &text, &index, &why, err);
        if (rc && j->row.list)
            pk_err_prefix(err, "response %zu: ", w.n + 1);
        if (rc)
            return rc;
        if (w.n++ == 0)
            w.first = index;
    }
    j->wait[j->n_wait++] = w;
    return 0;
}

static void count_marks(struct job *j, size_t text)
{
    size_t cut = 0, dropped = 0;
    for (size_t m = 0; m < rm_scorer_models(j->scorer); m++) {
        const struct rm_scored *x = rm_scorer_get(j->scorer, m, text);
        cut |= x->cut;
        dropped = x->dropped > dropped ? x->dropped : dropped;
    }
    j->cut += cut;
    j->shortened += dropped > 0;
    j->dropped += dropped;
}

static int write_waiting(struct job *j, struct pk_err *err)
{
    int rc = rm_scorer_flush(j->scorer, err);
    FILE *f = pk_out_file(j->out);
    for (size_t i = 0; i < j->n_wait && rc == 0; i++) {
        const struct waiting *w = &j->wait[i];
        pk_buf_reset(&j->line);
        rc = rm_row_write(&j->line, j->raw.data + w->at, w->len, j->scorer,
                          w->first, w->n, w->list, err);
        if (rc == 0 && (fwrite(j->line.data, 1, j->line.len, f) < j->line.len ||
                        fputc('\n', f) == EOF))
            rc = pk_fail_errno(err, "cannot write the scored rows");
        if (rc)
            break;
        j->rows++;
        j->responses += w->n;
        for (size_t k = 0; k < w->n; k++)
            count_marks(j, w->first + k);
    }
    j->n_wait = 0;
    pk_buf_reset(&j->raw);
    rm_scorer_clear(j->scorer);
    return rc ? rc : pk_check_interrupt(err);
}

static int score_rows(struct job *j, struct pk_err *err)
{
    char *line;
    size_t len;
    int rc;
    while ((rc = pk_lines_next(j->in, &line, &len, err)) > 0) {
        rc = wait_row(j, line, len, err);
        if (rc)
            return pk_err_prefix(err, "%s: ", pk_lines_where(j->in));
        if (rm_scorer_full(j->scorer) || j->raw.len > window_bytes) {
            rc = write_waiting(j, err);
            if (rc)
                return rc;
        }
        pk_progress_at(&j->progress, pk_lines_bytes(j->in) >> 10);
    }
    return rc ? rc : write_waiting(j, err);
}

static void summarize(const struct job *j, const struct pk_cli *cli,
                      double seconds)
{
    pk_note(cli, "%llu rows, %llu responses in %.1f s (%.1f a second), fp32",
            (unsigned long long)j->rows, (unsigned long long)j->responses,
            seconds, (double)j->responses / (seconds > 0 ? seconds : 1e-9));
    for (size_t m = 0; m < rm_scorer_models(j->scorer); m++) {
        struct rm_totals t = rm_scorer_totals(j->scorer, m);
        double saved =
            t.flat ? 100 * (double)(t.flat - t.unique) / (double)t.flat : 0;
        pk_note(cli, "%s: %llu tokens, %llu computed: sharing saved %.0f%%",
                rm_scorer_name(j->scorer, m), (unsigned long long)t.flat,
                (unsigned long long)t.unique, saved);
    }
    if (j->cut)
        pk_note(cli,
                "%llu responses do not end: read at their last token and "
                "marked",
                (unsigned long long)j->cut);
    if (j->shortened)
        pk_note(cli, "%llu dialogues lost %llu of their oldest exchanges",
                (unsigned long long)j->shortened,
                (unsigned long long)j->dropped);
}

static int run(struct job *j, struct score_args *a, struct pk_err *err)
{
    int rc =
        rm_scorer_open(&j->scorer, a->models.model, a->models.n, &a->opts, err);
    if (rc == 0)
        rc = pk_lines_open(&j->in, a->input, err);
    if (rc == 0)
        rc = pk_out_open(&j->out, a->output, err);
    if (rc)
        return rc;
    double started = pk_now();
    pk_progress_start(&j->progress, &a->cli, "KiB", pk_lines_size(j->in) >> 10);
    rc = score_rows(j, err);
    pk_progress_end(&j->progress);
    if (rc == 0)
        rc = pk_out_commit(&j->out, err);
    if (rc == 0)
        summarize(j, &a->cli, pk_now() - started);
    else if (j->rows && strcmp(a->output, "-") == 0)
        pk_warn(&a->cli, "%llu rows had been written to standard output",
                (unsigned long long)j->rows);
    return rc;
}

int rm_cmd_score(int argc, char **argv)
{
    struct score_args a = {.cli.verb = "score", .input = "-", .output = "-"};
    pk_cli_parse(&argp, argc, argv, &a.cli);
    pk_catch_signals();
    struct pk_err err = {0};
    struct job j = {.raw = PK_BUF_INIT(2 * PK_LINE_MAX + 1),
                    .line = PK_BUF_INIT(2 * PK_LINE_MAX)};
    int rc = run(&j, &a, &err);
    pk_out_abort(&j.out);
    pk_lines_close(j.in);
    rm_scorer_close(j.scorer);
    rm_row_release(&j.row);
    free(j.wait);
    pk_buf_release(&j.raw);
    pk_buf_release(&j.line);
    rm_models_release(&a.models);
    return rc ? pk_cli_fail(&a.cli, &err) : 0;
}
