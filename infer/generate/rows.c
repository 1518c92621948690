/* Batch generation over JSON lines; see rows.h. How a row is read and
 * written is in row.c. */
#include "infer/generate/rows.h"

#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/sha256.h"
#include "common/sink.h"
#include "infer/generate/batch.h"
#include "infer/generate/decode.h"
#include "infer/generate/row.h"

static const double checkpoint_every = 5; /* seconds */
static const size_t kv_default = (size_t)1 << 30;

struct job {
    const struct infer_rows_opts *o;
    struct infer_model *m;
    struct infer_tokenizer *t;
    struct infer_batch *b;
    struct pk_lines *in;
    struct pk_sink *sink;
    struct pk_sha256 *sha;
    struct pk_progress progress;
    struct infer_row_writer writer;
    struct infer_row *first, **last; /* read, not written yet */
    bool at_end;                     /* of the input */

    /* What a checkpoint holds. */
    uint64_t rows, tokens, errors, first_error; /* of what is written */
    uint8_t chain[32];                          /* a hash over those rows */
    double saved;                               /* when */
    uint64_t saved_rows;
};

/* ---- Going on where a run was killed ------------------------------------- */

static void chain(struct job *j, const char *line, size_t len)
{
    pk_sha256_reset(j->sha);
    pk_sha256_field(j->sha, j->chain, sizeof j->chain);
    pk_sha256_field(j->sha, line, len);
    pk_sha256_final(j->sha, j->chain);
}

static int checkpoint(struct job *j, struct pk_err *err)
{
    char hex[65];
    cJSON *s = cJSON_CreateObject();
    pk_hex(j->chain, sizeof j->chain, hex);
    bool ok = s && !pk_json_add_int(s, "rows", (long long)j->rows) &&
              !pk_json_add_int(s, "tokens", (long long)j->tokens) &&
              !pk_json_add_int(s, "errors", (long long)j->errors) &&
              !pk_json_add_int(s, "first_error", (long long)j->first_error) &&
              cJSON_AddStringToObject(s, "chain", hex);
    int rc = ok ? pk_sink_checkpoint(j->sink, s, err)
                : pk_fail_mem(err, "the journal");
    cJSON_Delete(s);
    j->saved = pk_now();
    j->saved_rows = j->rows;
    return rc;
}

static int number_in(const cJSON *state, const char *key, uint64_t *out)
{
    double x;
    if (pk_json_num(state, key, -1, &x, NULL) || x < 0)
        return PK_EDATA;
    *out = (uint64_t)x;
    return 0;
}

/* Past the rows that are done, which must be those of then. */
static int go_on(struct job *j, const cJSON *state, struct pk_err *err)
{
    const char *want = NULL;
    char now[65], *line;
    size_t len;
    uint64_t rows;
    int rc = number_in(state, "rows", &rows);
    if (rc || number_in(state, "tokens", &j->tokens) ||
        number_in(state, "errors", &j->errors) ||
        number_in(state, "first_error", &j->first_error) ||
        pk_json_str(state, "chain", &want, NULL) || !want)
        return pk_fail(err, PK_EDATA,
                       "%s.journal is not a journal of this version; remove it "
                       "and %s.partial to start over",
                       j->o->output, j->o->output);
    while (j->rows < rows && (rc = pk_lines_row(j->in, &line, &len, err)) > 0) {
        chain(j, line, len);
        j->rows++;
    }
    if (rc < 0)
        return rc;
    pk_hex(j->chain, sizeof j->chain, now);
    if (strcmp(now, want) != 0)
        return pk_fail(err, PK_EDATA,
                       "%s: its first rows are not those that the unfinished "
                       "run had read; remove %s.partial and %s.journal to "
                       "start over",
                       pk_lines_name(j->in), j->o->output, j->o->output);
    j->saved_rows = j->rows;
    pk_note(j->o->cli, "%llu rows of %s are done already",
            (unsigned long long)j->rows, pk_lines_name(j->in));
    return 0;
}

/* ---- Rows ---------------------------------------------------------------- */

/* Read one row and ask its prompt, or keep the reason why that can't be. */
static int read_row(struct job *j, struct pk_err *err)
{
    char *line;
    size_t len;
    int rc = pk_lines_row(j->in, &line, &len, err);
    if (rc <= 0) {
        j->at_end = rc == 0;
        return rc;
    }
    struct infer_row *r;
    rc = infer_row_new(&r, line, len, err);
    if (rc)
        return rc;
    *j->last = r;
    j->last = &r->next;
    r->number = pk_lines_number(j->in);
    struct pk_err why = {0};
    rc = pk_lines_too_long(j->in)
             ? pk_fail(&why, PK_EDATA, PK_LINE_TOO_LONG)
             : infer_row_ask(r, j->b, infer_model_config(j->m)->max_positions,
                             j->t, &j->o->request, j->o->samples, &why);
    if (rc == PK_EDATA && !j->o->strict) {
        r->error = pk_strdup(why.text);
        return r->error ? 1 : pk_fail_mem(err, "a row");
    }
    if (rc) {
        *err = why;
        return pk_err_prefix(err, "%s: ", pk_lines_where(j->in));
    }
    return 1;
}

/* Write the rows that are whole, up to the first that is not. */
static int write_rows(struct job *j, struct pk_err *err)
{
    struct infer_row *r;
    while ((r = j->first) && (r->done || r->error)) {
        int rc = infer_row_write(&j->writer, r, err);
        if (!rc)
            rc = pk_sink_write(j->sink, j->writer.out.data, j->writer.out.len,
                               err);
        if (rc)
            return rc;
        for (size_t k = 0; r->done && k < r->done->samples; k++)
            j->tokens += r->done->response[k].tokens;
        if (r->error && j->errors++ == 0)
            j->first_error = r->number;
        chain(j, r->line, r->len);
        j->rows++;
        j->first = r->next;
        if (!j->first)
            j->last = &j->first;
        infer_row_free(r);
    }
    return 0;
}

static void show(struct job *j)
{
    uint64_t size = pk_lines_size(j->in);
    struct infer_batch_counts c = infer_batch_counts(j->b);
    pk_progress_part(&j->progress, c.tokens + c.under_way,
                     size ? (double)pk_lines_bytes(j->in) / (double)size : 0);
}

static int do_rows(struct job *j, struct pk_err *err)
{
    int rc = 0, more = 1;
    while (more || !j->at_end) {
        if ((rc = pk_check_interrupt(err)))
            break;
        while (!j->at_end && infer_batch_wants(j->b) && rc >= 0)
            rc = read_row(j, err);
        if (rc < 0 || (rc = more = infer_batch_step(j->b, err)) < 0)
            break;
        for (struct infer_ask *a; (a = infer_batch_done(j->b));)
            ((struct infer_row *)a->arg)->done = a;
        if ((rc = write_rows(j, err)))
            break;
        if (pk_now() - j->saved > checkpoint_every)
            rc = checkpoint(j, err);
        if (rc)
            break;
        show(j);
    }
    /* What is whole stays, whatever ended it. */
    struct pk_err late = {0};
    int saved = rc == 0 || j->rows > j->saved_rows ? checkpoint(j, &late) : 0;
    if (!rc && saved) {
        *err = late;
        rc = saved;
    }
    return rc;
}

/* ---- The run ------------------------------------------------------------- */

/* What fits into the budget: at least one prompt with its response. */
static struct infer_batch_opts plan(struct job *j)
{
    const struct infer_rows_opts *o = j->o;
    const struct infer_config *c = infer_model_config(j->m);
    size_t each = infer_kv_slot_bytes(c), most = o->batch * c->max_positions;
    size_t slots = (o->kv_budget ? o->kv_budget : kv_default) / each;
    if (!o->kv_budget && slots < c->max_positions)
        slots = c->max_positions;
    slots = slots < most ? slots : most;
    pk_note(o->cli,
            "%zu responses at once, keys and values of %zu tokens "
            "(%zu MiB)",
            o->batch, slots, (slots * each + (1 << 20) - 1) >> 20);
    return (struct infer_batch_opts){o->batch, slots ? slots : 1, false};
}

static int begin(struct job *j, struct pk_err *err)
{
    const struct infer_rows_opts *o = j->o;
    const struct infer_open how = {.precision = o->precision};
    int rc = infer_model_open_as(&j->m, o->model, &how, err);
    if (!rc)
        rc = infer_tokenizer_open(&j->t, o->model, err);
    if (rc)
        return rc;
    const struct infer_batch_opts opts = plan(j);
    rc = infer_batch_new(&j->b, j->m, j->t, &opts, err);
    if (!rc)
        rc = pk_sha256_new(&j->sha, err);
    if (!rc)
        rc = infer_row_writer_init(&j->writer, j->m, &o->request, o->samples,
                                   err);
    if (!rc)
        rc = pk_lines_open(&j->in, o->input, err);
    cJSON *state = NULL;
    if (!rc)
        rc = pk_sink_open(&j->sink, o->output, j->writer.identity, o->resume,
                          &state, err);
    if (!rc && o->resume && !state)
        pk_note_anew(o->cli, o->output);
    if (!rc && state)
        rc = go_on(j, state, err);
    cJSON_Delete(state);
    return rc;
}

static int summary(const struct job *j, double seconds, struct pk_err *err)
{
    struct infer_batch_counts c = infer_batch_counts(j->b);
    pk_note(j->o->cli,
            "%llu rows, %llu tokens generated (%.0f a second in this run), "
            "prompts of %llu tokens read",
            (unsigned long long)j->rows, (unsigned long long)j->tokens,
            (double)c.tokens / (seconds > 0 ? seconds : 1),
            (unsigned long long)c.read);
    if (j->errors == 0)
        return 0;
    return pk_fail(err, PK_EDATA,
                   "%llu rows could not be answered, the first in line %llu; "
                   "their \"error\" says why",
                   (unsigned long long)j->errors,
                   (unsigned long long)j->first_error);
}

static void release(struct job *j)
{
    while (j->first) {
        struct infer_row *next = j->first->next;
        infer_row_free(j->first);
        j->first = next;
    }
    infer_batch_free(j->b);
    infer_row_writer_release(&j->writer);
    pk_sha256_free(j->sha);
    pk_lines_close(j->in);
    infer_tokenizer_close(j->t);
    infer_model_close(j->m);
}

int infer_generate_rows(const struct infer_rows_opts *o, struct pk_err *err)
{
    struct job j = {.o = o};
    char *kept;
    j.last = &j.first;
    int rc = begin(&j, err);
    double from = j.saved = pk_now();
    if (!rc) {
        pk_progress_start(&j.progress, o->cli, "tokens", 0);
        rc = do_rows(&j, err);
        pk_progress_end(&j.progress);
        if (!rc)
            rc = pk_sink_finish(j.sink, err);
    }
    pk_sink_close(j.sink, &kept);
    if (rc && kept)
        pk_note(o->cli, "what is done is in %s: --resume goes on", kept);
    free(kept);
    if (!rc)
        rc = summary(&j, pk_now() - from, err);
    release(&j);
    return rc;
}
