/* One file into the store, in one transaction. */
#include "prefdb/import.h"

#include <string.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/utf8.h"
#include "prefdb/ahead.h"
#include "prefdb/infile.h"

/* One import under way. */
struct run {
    struct prefdb *db;
    const struct prefdb__import *o;
    struct prefdb__report *report;
    struct prefdb__writer *writer;
    struct prefdb__ahead *in;
    struct prefdb__rows rows;
    uint64_t last; /* row's number */
    struct pk_buf buf;
};

/* "dir/pairs.jsonl.gz" -> "pairs". */
static void source_of(const char *path, char *out, size_t size)
{
    static const char *const tails[] = {".gz", ".jsonl", ".json", ".csv"};
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%s", slash ? slash + 1 : path);
    if (strcmp(path, "-") == 0)
        snprintf(out, size, "stdin");
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        size_t n = strlen(out), t = strlen(tails[i]);
        if (n > t && strcmp(out + n - t, tails[i]) == 0)
            out[n - t] = 0;
    }
}

/* Settle the format by the first row that any of them knows. */
static int settle_format(struct run *r, const cJSON *row, struct pk_err *err)
{
    const struct prefdb__format *f = prefdb__format_of(row);
    if (!f)
        return pk_fail(err, PK_EDATA,
                       "no format that `prefkit import --help` lists has such "
                       "a row");
    r->report->format = f;
    return 0;
}

static int check_dimension(const struct run *r, struct pk_err *err)
{
    const struct prefdb__format *f = r->report->format;
    bool given = r->o->dimension >= 0;
    if (f && f->dimension == PREFDB__ASKED && !given)
        return pk_fail(err, PK_EUSAGE,
                       "%s: format %s does not say what was judged; give "
                       "--dimension helpfulness or --dimension safety",
                       r->o->path, f->name);
    if (f && f->dimension == PREFDB__FIXED && given)
        return pk_fail(err, PK_EUSAGE,
                       "%s: format %s states its own dimensions; leave "
                       "--dimension out",
                       r->o->path, f->name);
    if (f && f->evaluation &&
        (r->o->split == PREFDB_TRAIN || r->o->split == PREFDB_VALID))
        return pk_fail(err, PK_EUSAGE,
                       "%s: format %s is for evaluation and goes to the test "
                       "split; leave --split out",
                       r->o->path, f->name);
    return 0;
}

/* Everything that the row has become, or nothing of it. */
static int put_records(struct run *r, struct pk_err *err)
{
    struct prefdb__rows *rows = &r->rows;
    struct prefdb__counts *counts = &r->report->counts;
    int rc = 0;
    for (size_t i = 0; i < rows->n && !rc; i++)
        rc = prefdb__record_check(&rows->v[i], err);
    for (size_t i = 0; i < rows->n && !rc; i++) {
        counts->unjudged += !rows->v[i].single && rows->v[i].n_judgments == 0;
        rc = prefdb__writer_put(r->writer, &rows->v[i], r->report->source,
                                r->o->split, counts, err);
    }
    if (!rc) {
        r->report->equal += rows->equal;
        r->report->unanswered += rows->unanswered;
    }
    return rc;
}

static int put_row(struct run *r, cJSON *row, struct pk_err *err)
{
    int rc = 0;
    if (!cJSON_IsObject(row))
        return pk_fail(err, PK_EDATA, "the row is not a JSON object");
    if (!r->report->format)
        rc = settle_format(r, row, err);
    if (!rc)
        rc = check_dimension(r, err);
    if (!rc)
        rc = prefdb__format_read(r->report->format, row, &r->rows, err);
    return rc ? rc : put_records(r, err);
}

static void count_reason(struct prefdb__report *p, const char *text,
                         uint64_t line)
{
    size_t i = 0;
    while (i < p->n_reasons && strncmp(p->reasons[i].text, text,
                                       sizeof p->reasons[i].text - 1) != 0)
        i++;
    if (i == PREFDB__REASONS)
        i--;
    struct prefdb__reason *reason = &p->reasons[i];
    if (i == p->n_reasons) {
        p->n_reasons++;
        snprintf(reason->text, sizeof reason->text, "%.159s",
                 p->n_reasons == PREFDB__REASONS ? "other reasons" : text);
    }
    if (reason->n < PREFDB__LINES)
        reason->lines[reason->n] = line;
    reason->n++;
    p->bad++;
}

/* {"file", "line", "reason", "row": the row as it was}; a line that is not JSON
 * is kept as "text". */
static int write_reject(struct run *r, const struct prefdb__row *row,
                        const char *reason, struct pk_err *err)
{
    struct pk_buf *b = &r->buf;
    pk_buf_reset(b);
    pk_buf_adds(b, "{\"file\":");
    pk_json_quote(b, r->o->path, pk_utf8_check(r->o->path, strlen(r->o->path)));
    pk_buf_addf(b,
                ",\"line\":%llu,\"reason\":", (unsigned long long)row->number);
    pk_json_quote(b, reason, pk_utf8_check(reason, strlen(reason)));
    if (row->json) {
        pk_buf_adds(b, ",\"row\":");
        pk_buf_add(b, row->line, row->len);
    } else {
        pk_buf_adds(b, ",\"text\":");
        pk_json_quote(b, row->line, pk_utf8_check(row->line, row->len));
    }
    pk_buf_adds(b, "}\n");
    if (b->failed)
        return pk_fail_mem(err, "a rejected row");
    if (fwrite(b->data, 1, b->len, r->o->rejects) != b->len)
        return pk_fail_errno(err, "cannot write the rejected rows");
    return 0;
}

/* A bad row: counted and written down, or the end. */
static int take_bad(struct run *r, const struct prefdb__row *row,
                    const struct pk_err *why, struct pk_err *err)
{
    if (!r->o->skip_bad) {
        if (err)
            *err = *why;
        pk_err_prefix(err, "%s:%s%llu: ", prefdb__ahead_name(r->in),
                      strcmp(r->report->unit, "line") == 0 ? "" : "element ",
                      (unsigned long long)row->number);
        return why->code;
    }
    count_reason(r->report, why->text, row->number);
    if (!r->o->rejects)
        return 0;
    if (!r->rows.reject)
        return write_reject(r, row, why->text, err);
    char *text = cJSON_PrintUnformatted(r->rows.reject);
    if (!text)
        return pk_fail_mem(err, "a row's JSON");
    struct prefdb__row other = *row;
    cJSON held = {0}; /* it is JSON, and that is all that is asked */
    other.line = text;
    other.len = strlen(text);
    other.json = &held;
    int rc = write_reject(r, &other, why->text, err);
    cJSON_free(text);
    return rc;
}

/* One row: 0 also for a bad one that was counted. */
static int take_row(struct run *r, const struct prefdb__row *row,
                    struct pk_err *err)
{
    struct pk_err local = {0};
    r->report->rows++;
    r->report->unit = prefdb__ahead_unit(r->in);
    r->rows.reject = NULL;
    r->last = row->number;
    if (!row->json)
        local = *row->err;
    int rc = row->json ? put_row(r, row->json, &local) : local.code;
    if (rc == PK_EDATA)
        rc = take_bad(r, row, &local, err);
    else if (rc && err)
        *err = local;
    return rc;
}

/* A row that still waits for its partner at the file's end is a bad one. */
static int take_held(struct run *r, struct pk_err *err)
{
    struct pk_err local = {0};
    struct prefdb__row row = {.number = r->last};
    if (!r->rows.held)
        return 0;
    prefdb__rows_reset(&r->rows);
    r->rows.reject = prefdb__own(&r->rows, r->rows.held);
    r->rows.held = NULL;
    if (!r->rows.reject)
        return pk_fail_mem(err, "a row");
    pk_fail(&local, PK_EDATA, "the last row has no partner");
    return take_bad(r, &row, &local, err);
}

static void show_progress(const struct run *r)
{
    struct pk_progress *p = r->o->progress;
    uint64_t size = prefdb__ahead_size(r->in);
    uint64_t done = prefdb__ahead_bytes(r->in);
    if (!p)
        return;
    p->total =
        size && done
            ? (uint64_t)((double)r->report->rows * (double)size / (double)done)
            : 0;
    pk_progress_at(p, r->report->rows);
}

static int take_lines(struct run *r, struct pk_err *err)
{
    struct prefdb__row *row;
    int rc;
    while ((rc = prefdb__ahead_next(r->in, &row, err)) > 0) {
        rc = take_row(r, row, err);
        if (!rc && r->report->rows % 64 == 0) {
            show_progress(r);
            rc = pk_check_interrupt(err);
        }
        if (rc)
            return rc;
    }
    return rc;
}

static int write_log(const struct run *r, const uint8_t sha[32],
                     struct pk_err *err)
{
    const struct prefdb__report *p = r->report;
    sqlite3_stmt *s = NULL;
    char now[21];
    int rc = prefdb__prepare(
        r->db, &s,
        "INSERT INTO import_log (file, sha256, format, source, rows,"
        " comparisons, judgments, repeats, contradictory, bad, ratings, "
        "created)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        err);
    if (rc)
        return rc;
    prefdb__now(now);
    prefdb__bind_text(s, 1, r->o->path);
    prefdb__bind_blob(s, 2, sha, 32);
    prefdb__bind_text(s, 3, p->format ? p->format->name : "");
    prefdb__bind_text(s, 4, p->source);
    const uint64_t n[] = {
        p->rows,           p->counts.comparisons,   p->counts.judgments,
        p->counts.repeats, p->counts.contradictory, p->bad,
        p->counts.ratings};
    for (int i = 0; i < 7; i++)
        sqlite3_bind_int64(s, 5 + i, (int64_t)n[i]);
    prefdb__bind_text(s, 12, now);
    rc = prefdb__run(r->db, s, err);
    sqlite3_finalize(s);
    return rc;
}

/* The end of the file: the log, the rejects on disk, the commit. */
static int finish(struct run *r, struct pk_err *err)
{
    uint8_t sha[32];
    prefdb__ahead_hash(r->in, sha);
    pk_hex(sha, sizeof sha, r->report->sha256);
    int rc = write_log(r, sha, err);
    if (!rc && r->o->rejects && fflush(r->o->rejects) != 0)
        rc = pk_fail_errno(err, "cannot write the rejected rows");
    if (rc || r->o->dry_run)
        return rc;
    return prefdb__writer_commit(&r->writer, err);
}

int prefdb__import_file(struct prefdb *db, const struct prefdb__import *o,
                        struct prefdb__report *report, struct pk_err *err)
{
    struct run r = {.db = db,
                    .o = o,
                    .report = report,
                    .rows = {.dimension = o->dimension, .pairs = o->pairs},
                    .buf = PK_BUF_INIT(2 * PK_LINE_MAX * 6)};
    *report = (struct prefdb__report){.format = o->format};
    if (o->source)
        snprintf(report->source, sizeof report->source, "%s", o->source);
    else
        source_of(o->path, report->source, sizeof report->source);
    report->unit = "line";
    int rc = check_dimension(&r, err);
    if (!rc)
        rc = prefdb__ahead_open(&r.in, o->path, err);
    if (!rc)
        rc = prefdb__writer_begin(&r.writer, db, err);
    if (!rc)
        rc = take_lines(&r, err);
    if (!rc)
        rc = take_held(&r, err);
    if (!rc)
        rc = finish(&r, err);
    prefdb__writer_abort(&r.writer);
    prefdb__rows_release(&r.rows);
    pk_buf_release(&r.buf);
    prefdb__ahead_close(r.in);
    return rc;
}
