/* One file into the store, in one transaction. */
#include "prefdb/import/import.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/json.h"
#include "common/utf8.h"
#include "prefdb/import/ahead.h"
#include "prefdb/import/infile.h"
#include "prefdb/store/bulk.h"
#include "prefdb/team/campaign.h"

/* One import under way. */
struct run {
    struct prefdb *db;
    const struct prefdb__import *o;
    struct prefdb__report *report;
    struct prefdb__writer *writer;
    struct prefdb__ahead *in;
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

/* Everything that the row has become, or nothing of it. */
static int put_records(struct run *r, const struct prefdb__made *m,
                       struct pk_err *err)
{
    const struct prefdb__rows *rows = &m->rows;
    struct prefdb__counts *counts = &r->report->counts;
    int rc = 0;
    counts->refused = false;
    for (size_t i = 0; i < rows->n && !rc; i++) {
        counts->unjudged += !rows->v[i].single && rows->v[i].n_judgments == 0;
        rc = prefdb__writer_put_keyed(r->writer, &rows->v[i], &m->keys[i],
                                      counts, err);
    }
    if (!rc) {
        r->report->equal += rows->equal;
        r->report->unanswered += rows->unanswered;
        r->report->other += rows->other;
        r->report->sourced += rows->sourced;
    }
    return rc;
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
 * is kept as "text", unless it is too long. */
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
    if (row->is_json) {
        pk_buf_adds(b, ",\"row\":");
        pk_buf_add(b, row->line, row->len);
    } else if (row->len) { /* none of a line that is too long */
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
        r->report->stopped = true;
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
    if (!row->made.rows.reject)
        return write_reject(r, row, why->text, err);
    struct pk_buf text = PK_BUF_INIT(2 * PK_LINE_MAX);
    int rc = pk_json_print(&text, row->made.rows.reject);
    struct prefdb__row other = *row;
    other.line = text.data;
    other.len = text.len;
    other.is_json = true;
    rc = rc ? pk_fail_mem(err, "a row's JSON")
            : write_reject(r, &other, why->text, err);
    pk_buf_release(&text);
    return rc;
}

/* One row: 0 also for a bad one that was counted. */
static int take_row(struct run *r, const struct prefdb__row *row,
                    struct pk_err *err)
{
    struct pk_err local = {0};
    r->report->rows++;
    r->report->unit = prefdb__ahead_unit(r->in);
    r->report->format = row->format;
    r->last = row->number;
    if (row->rc)
        local = *row->err;
    int rc = row->rc ? row->rc : put_records(r, &row->made, &local);
    if (rc == PK_EDATA && (row->rc || r->report->counts.refused))
        rc = take_bad(r, row, &local, err);
    else if (rc && err)
        *err = local;
    return rc;
}

/* A row that still waits for its partner at the file's end is a bad one. */
static int take_held(struct run *r, struct pk_err *err)
{
    struct pk_err local = {0};
    cJSON *held = prefdb__ahead_held(r->in);
    struct prefdb__row row = {.number = r->last, .made.rows.reject = held};
    if (!held)
        return 0;
    pk_fail(&local, PK_EDATA, "the last row has no partner");
    int rc = take_bad(r, &row, &local, err);
    cJSON_Delete(held);
    return rc;
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
        if (!rc && prefdb__ahead_last(r->in)) /* what rows there are, go */
            rc = prefdb__writer_flush(r->writer, err);
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

/* Two files of one name have become one source, unless each row says its own.
 */
static int find_shared(struct run *r, const uint8_t sha[32], struct pk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (r->o->source)
        return 0;
    int rc = prefdb__prepare(
        r->db, &s,
        "SELECT file FROM import_log WHERE source = ?1 AND file <> ?2 AND"
        " sha256 <> ?3 AND EXISTS (SELECT 1 FROM comparison AS c WHERE"
        " c.source = ?1) ORDER BY id LIMIT 1",
        err);
    if (rc)
        return rc;
    prefdb__bind_text(s, 1, r->report->source);
    prefdb__bind_text(s, 2, r->o->path);
    prefdb__bind_blob(s, 3, sha, 32);
    rc = prefdb__step(r->db, s, err);
    if (rc > 0)
        snprintf(r->report->shared, sizeof r->report->shared, "%s",
                 prefdb__text(s, 0));
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

/* A pipe has no disk, and what is compressed on the way no descriptor. */
static bool on_disk(FILE *f)
{
    return fflush(f) == 0 &&
           (fsync(fileno(f)) == 0 || errno == EINVAL || errno == EBADF);
}

/* The end of the file: the log, the rejects on disk, the commit. */
static int finish(struct run *r, struct pk_err *err)
{
    uint8_t sha[32];
    prefdb__ahead_hash(r->in, sha);
    pk_hex(sha, sizeof sha, r->report->sha256);
    int rc = find_shared(r, sha, err);
    if (!rc)
        rc = write_log(r, sha, err);
    if (!rc)
        rc = prefdb__leaks(r->db, &r->report->leaks, err);
    if (!rc && r->o->rejects && !on_disk(r->o->rejects))
        rc = pk_fail_errno(err, "cannot write the rejected rows");
    if (rc || r->o->dry_run)
        return rc;
    if (r->report->counts
            .judgments) /* annotators may be further than we knew */
        rc = prefdb__tasks_reopen(r->db, err);
    return rc ? rc : prefdb__writer_commit(&r->writer, err);
}

int prefdb__import_file(struct prefdb *db, const struct prefdb__import *o,
                        struct prefdb__report *report, struct pk_err *err)
{
    struct run r = {.db = db,
                    .o = o,
                    .report = report,
                    .buf = PK_BUF_INIT(2 * PK_LINE_MAX * 6)};
    *report = (struct prefdb__report){.format = o->format};
    if (o->source)
        snprintf(report->source, sizeof report->source, "%s", o->source);
    else
        source_of(o->path, report->source, sizeof report->source);
    report->unit = "line";
    const struct prefdb__plan plan = {.path = o->path,
                                      .source = report->source,
                                      .format = o->format,
                                      .dimension = o->dimension,
                                      .split = o->split,
                                      .pairs = o->pairs};
    struct prefdb__bulk bulk = {0};
    int rc = prefdb__plan_check(&plan, err);
    if (!rc)
        rc = prefdb__ahead_open(&r.in, &plan, err);
    if (!rc)
        rc = prefdb__bulk_begin(&bulk, db, err);
    if (!rc)
        rc = prefdb__writer_begin(&r.writer, db, PREFDB__TOGETHER, err);
    if (!rc)
        rc = take_lines(&r, err);
    if (!rc)
        rc = take_held(&r, err);
    if (!rc)
        rc = finish(&r, err);
    prefdb__writer_abort(&r.writer);
    int end = prefdb__bulk_end(&bulk, rc ? NULL : err);
    pk_buf_release(&r.buf);
    prefdb__ahead_close(r.in);
    return rc ? rc : end;
}
