/* The stream of rows; see batch.h. What a killed run needs to go on is in
 * batch_state.c. */
#include "rm/score/batch.h"

#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "common/mem.h"
#include "rm/score/batch_job.h"

/* Text of waiting rows, whatever their tokens, that is kept at a time. */
static const size_t window_bytes = PK_LINE_MAX;

static double sharing(struct rm_totals t)
{
    return t.flat ? 100 * (double)(t.flat - t.unique) / (double)t.flat : 0;
}

/* What R_c needs of response i of the row, beside what the models will say. */
static int take_pair(struct rm_job *j, size_t i, size_t index,
                     struct pk_err *err)
{
    if (!pk_grow(&j->pair, &j->cap_pair, index + 1, sizeof *j->pair))
        return pk_fail_mem(err, "scores");
    struct rm_pair *p = &j->pair[index];
    *p = (struct rm_pair){.tagged = rm_row_tagged(&j->row)};
    for (int r = 0; r < RM_N_COMBINED; r++) {
        const char *name = j->b->combine.name[r];
        if (j->model[r] == RM_OWN_SCORE &&
            !rm_row_own_score(&j->row, name, i, &p->raw[r]))
            return pk_fail(err, PK_EDATA,
                           "\"scores\" has no number for \"%s\", and no --rm "
                           "gives it",
                           name);
    }
    return 0;
}

/* Queue the row's responses. */
static int queue(struct rm_job *j, const char *line, size_t len,
                 struct rm_waiting *w, struct pk_err *err)
{
    int rc = rm_row_parse(&j->row, line, len, err);
    struct rm_text text;
    w->list = j->row.list;
    while (rc == 0 && rm_row_next(&j->row, &text)) {
        size_t index;
        enum rm_reason why;
        rc = rm_scorer_add(j->scorer, &text, &index, &why, err);
        if (rc == 0 && j->b->combine.name[0])
            rc = take_pair(j, w->n, index, err);
        if (rc && j->row.list)
            pk_err_prefix(err, "response %zu: ", w->n + 1);
        if (rc == 0 && w->n++ == 0)
            w->first = index;
    }
    return rc;
}

static int wait_row(struct rm_job *j, const char *line, size_t len,
                    struct pk_err *err)
{
    struct rm_waiting w = {
        .at = j->raw.len, .len = len, .number = pk_lines_number(j->in)};
    struct pk_err why = {0};
    int rc = pk_lines_too_long(j->in)
                 ? pk_fail(&why, PK_EDATA, PK_LINE_TOO_LONG)
                 : queue(j, line, len, &w, &why);
    if (rc && (rc != PK_EDATA || j->b->strict)) {
        *err = why;
        return pk_err_prefix(err, "%s: ", pk_lines_where(j->in));
    }
    w.bad = rc != 0;
    if (!pk_grow(&j->wait, &j->cap_wait, j->n_wait + 1, sizeof *j->wait) ||
        pk_buf_add(&j->raw, line, len) < 0 ||
        (w.bad && pk_buf_add(&j->raw, why.text, strlen(why.text) + 1) < 0))
        return pk_fail_mem(err, "rows");
    j->wait[j->n_wait++] = w;
    return 0;
}

static void count_marks(struct rm_job *j, size_t text)
{
    size_t cut = 0, dropped = 0;
    for (size_t m = 0; m < rm_scorer_models(j->scorer); m++) {
        const struct rm_scored *x = rm_scorer_get(j->scorer, m, text);
        cut |= x->cut;
        dropped = x->dropped > dropped ? x->dropped : dropped;
    }
    j->counts.cut += cut;
    j->counts.shortened += dropped > 0;
    j->counts.dropped += dropped;
}

/* R_c of a row's responses, into j->combined. */
static int combine(struct rm_job *j, const struct rm_waiting *w,
                   struct pk_err *err)
{
    const struct rm_combine *c = &j->b->combine;
    if (!pk_grow(&j->combined, &j->cap_combined, w->n + 1, sizeof *j->combined))
        return pk_fail_mem(err, "scores");
    for (size_t i = 0; i < w->n; i++) {
        struct rm_pair *p = &j->pair[w->first + i];
        for (int r = 0; r < RM_N_COMBINED; r++)
            if (j->model[r] != RM_OWN_SCORE)
                p->raw[r] = rm_row_rounded(
                    rm_scorer_get(j->scorer, j->model[r], w->first + i)->score);
        double raw =
            rm_combine_raw(c, p->raw, p->tagged, &j->combined[i].safety);
        j->combined[i].value = rm_combine_form(c, raw);
        p->chosen = raw;
    }
    return 0;
}

/* The row as it will be written, into j->line; PK_EDATA says why it cannot. */
static int write_row(struct rm_job *j, const struct rm_waiting *w,
                     struct pk_err *err)
{
    bool both = j->b->combine.name[0] != NULL;
    int rc = both ? combine(j, w, err) : 0;
    struct rm_row_scores s = {.scorer = j->scorer,
                              .scored = rm_scorer_get(j->scorer, 0, w->first),
                              .n = w->n,
                              .list = w->list,
                              .combined = both ? j->combined : NULL};
    if (rc == 0)
        rc = rm_row_write(&j->line, j->raw.data + w->at, w->len, &s, err);
    if (rc)
        return rc;
    j->counts.responses += w->n;
    for (size_t i = w->first; i < w->first + w->n; i++) {
        count_marks(j, i);
        if (both)
            rm_moments_add(&j->fit, j->pair[i].chosen);
    }
    return 0;
}

static int write_one(struct rm_job *j, const struct rm_waiting *w,
                     struct pk_err *err)
{
    struct pk_err why = {0};
    const char *line = j->raw.data + w->at;
    int rc = w->bad ? PK_EDATA : write_row(j, w, &why);
    if (rc && (rc != PK_EDATA || j->b->strict)) {
        *err = why;
        return pk_err_prefix(err, "%s:%llu: ", pk_lines_name(j->in),
                             (unsigned long long)w->number);
    }
    if (rc) {
        pk_buf_reset(&j->line);
        rc = rm_row_write_error(&j->line, line, w->len, j->scorer,
                                w->bad ? line + w->len : why.text, w->number,
                                err);
        if (j->counts.errors++ == 0)
            j->counts.first_error = w->number;
    }
    if (rc == 0 && pk_buf_addc(&j->line, '\n') < 0)
        rc = pk_fail_mem(err, "a row");
    if (rc == 0)
        rc = pk_sink_write(j->sink, j->line.data, j->line.len, err);
    pk_buf_reset(&j->line);
    j->counts.rows += rc == 0;
    return rc;
}

/* The end of a window: its rows are scored, written and on disk. */
static int end_window(struct rm_job *j, struct pk_err *err)
{
    int rc = rm_scorer_flush(j->scorer, err);
    for (size_t i = 0; i < j->n_wait && rc == 0; i++)
        rc = write_one(j, &j->wait[i], err);
    j->n_wait = 0;
    pk_buf_reset(&j->raw);
    rm_scorer_clear(j->scorer);
    if (rc == 0)
        rc = rm_job_checkpoint(j, false, err);
    return rc ? rc : pk_check_interrupt(err);
}

static bool ours(const struct rm_job *j, uint64_t row)
{
    return j->b->shards == 0 ||
           row / RM_SHARD_BLOCK % j->b->shards == j->b->shard - 1;
}

static int score_rows(struct rm_job *j, struct pk_err *err)
{
    char *line;
    size_t len;
    int rc;
    double from = (double)pk_lines_bytes(j->in);
    double size = (double)pk_lines_size(j->in) - from;
    uint64_t before = j->counts.responses;
    while ((rc = rm_job_next(j, &line, &len, err)) > 0) {
        rc = ours(j, j->counts.read++) ? wait_row(j, line, len, err) : 0;
        if (rc == 0 && (rm_scorer_full(j->scorer) || j->raw.len > window_bytes))
            rc = end_window(j, err);
        if (rc)
            return rc;
        double part = ((double)pk_lines_bytes(j->in) - from) / size;
        pk_progress_part(&j->progress, j->counts.responses - before,
                         j->counts.responses > before && size > 0 ? part : 0);
    }
    return rc ? rc : end_window(j, err);
}

int rm_batch_say_errors(const char *file, uint64_t first, uint64_t errors,
                        uint64_t rows, struct pk_err *err)
{
    return pk_fail(err, PK_EDATA,
                   "%s:%llu: the first of %llu rows, of %llu, that could not "
                   "be scored: they are in the output with their \"error\"",
                   file, (unsigned long long)first, (unsigned long long)errors,
                   (unsigned long long)rows);
}

static void summarize(const struct rm_job *j, double seconds, uint64_t before)
{
    const struct pk_cli *cli = j->b->cli;
    const struct rm_batch_counts *c = &j->counts;
    double in_models = rm_scorer_seconds(j->scorer);
    seconds = seconds > 0 ? seconds : 1e-9;
    pk_note(cli,
            "%llu rows, %llu responses in %.1f s (%.1f a second), %s; %.1f%% "
            "of the time in the models",
            (unsigned long long)c->rows, (unsigned long long)c->responses,
            seconds, (double)(c->responses - before) / seconds,
            rm_scorer_precisions(j->scorer), 100 * in_models / seconds);
    if (j->b->spent)
        *j->b->spent = (struct rm_batch_spent){
            seconds, in_models,
            j->b->n_models ? rm_scorer_totals(j->scorer, 0)
                           : (struct rm_totals){0}};
    for (size_t m = 0; m < rm_scorer_models(j->scorer); m++) {
        struct rm_totals t = rm_job_totals(j, m);
        pk_note(cli, "%s: %llu tokens, %llu computed: sharing saved %.0f%%",
                rm_scorer_name(j->scorer, m), (unsigned long long)t.flat,
                (unsigned long long)t.unique, sharing(t));
    }
    if (c->cut)
        pk_note(cli,
                "%llu responses do not end: read at their last token and "
                "marked",
                (unsigned long long)c->cut);
    if (c->shortened)
        pk_note(cli, "%llu dialogues lost %llu of their oldest exchanges",
                (unsigned long long)c->shortened,
                (unsigned long long)c->dropped);
    rm_scorer_say_end(j->scorer, cli);
}

/* Where R_c's two numbers come from: a model of this run, or the rows. */
static int find_models(struct rm_job *j, struct pk_err *err)
{
    const struct rm_batch *b = j->b;
    for (int r = 0; r < RM_N_COMBINED; r++) {
        j->model[r] = RM_OWN_SCORE;
        for (size_t m = 0; m < b->n_models; m++)
            if (b->combine.name[r] &&
                strcmp(b->models[m].name, b->combine.name[r]) == 0)
                j->model[r] = m;
        if (b->combine.name[r] && j->model[r] != RM_OWN_SCORE) {
            int rc =
                rm_scorer_fingerprint(j->scorer, j->model[r], j->print[r], err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static int open_all(struct rm_job *j, struct rm_batch *b, struct pk_err *err)
{
    int rc =
        rm_scorer_open(&j->scorer, b->models, b->n_models, &b->scorer, err);
    if (rc == 0)
        rc = find_models(j, err);
    if (rc == 0)
        rm_scorer_say_start(j->scorer, b->cli);
    if (rc == 0 && b->whitening)
        rc = rm_whitening_load(b->whitening, &b->combine, j->print, err);
    if (rc == 0)
        rc = pk_lines_open(&j->in, b->input, err);
    return rc ? rc : rm_job_begin(j, err);
}

static int run(struct rm_job *j, struct rm_batch *b, struct pk_err *err)
{
    int rc = open_all(j, b, err);
    if (rc)
        return rc;
    j->started = true;
    double started = pk_now();
    uint64_t before = j->counts.responses;
    pk_progress_start(&j->progress, b->cli, "responses", 0);
    if (!j->done)
        rc = score_rows(j, err);
    pk_progress_end(&j->progress);
    if (rc == 0 && !j->done)
        rc = rm_job_end(j, err);
    if (rc == 0 && b->whitening_to)
        rc = rm_whitening_save(b->whitening_to, &b->combine, j->print, &j->fit,
                               err);
    if (rc == 0)
        rc = pk_sink_finish(j->sink, err);
    if (rc)
        return rc;
    j->completed = true;
    summarize(j, pk_now() - started, before);
    const struct rm_batch_counts *c = &j->counts;
    return c->errors ? rm_batch_say_errors(pk_lines_name(j->in), c->first_error,
                                           c->errors, c->rows, err)
                     : 0;
}

int rm_batch_run(const struct rm_batch *batch, struct pk_err *err)
{
    struct rm_batch b = *batch; /* whitening fills its statistics in */
    struct rm_job j = {.b = &b,
                       .raw = PK_BUF_INIT(2 * PK_LINE_MAX + 4096),
                       .line = PK_BUF_INIT(2 * PK_LINE_MAX)};
    int rc = run(&j, &b, err);
    char *kept = NULL;
    pk_sink_close(j.sink, &kept);
    if (rc && kept && j.started)
        pk_warn(b.cli, "--resume goes on behind row %llu of %s",
                (unsigned long long)j.saved, b.input);
    else if (rc && !j.completed && j.counts.rows && strcmp(b.output, "-") == 0)
        pk_warn(b.cli, "%llu rows had been written to standard output",
                (unsigned long long)j.counts.rows);
    free(kept);
    pk_lines_close(j.in);
    rm_scorer_close(j.scorer);
    rm_row_release(&j.row);
    pk_sha256_free(j.sha);
    free(j.wait);
    free(j.pair);
    free(j.combined);
    free(j.before);
    pk_buf_release(&j.raw);
    pk_buf_release(&j.line);
    return rc;
}
