/* Rows of `score` over HTTP: JSON lines in, the same lines with their scores
 * out, byte for byte what score writes. */
#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "common/mem.h"
#include "rm/score/row.h"
#include "rm/serve/shape.h"

/* Take a row's texts in; PK_EDATA is the row's own fault. */
static int take_texts(struct rm_ask *a, struct rm_row *row,
                      struct rm_ask_row *r, struct pk_err *err)
{
    struct rm_text text;
    while (rm_row_next(row, &text)) {
        int rc = rm_ask_add(a, &text, err);
        if (rc)
            return rc;
        a->text[a->n - 1].tagged = rm_row_tagged(row);
        r->n++;
        const char *why = a->text[a->n - 1].error;
        if (why) {
            pk_fail(err, PK_EDATA, "%s", why);
            return row->list ? pk_err_prefix(err, "response %zu: ", r->n)
                             : PK_EDATA;
        }
    }
    return 0;
}

static int take_row(struct rm_ask *a, struct rm_row *row, const char *line,
                    struct rm_ask_row *r, struct pk_err *err)
{
    struct pk_err why = {0};
    int rc = rm_row_parse(row, line, r->len, &why);
    r->list = row->list;
    if (rc == 0)
        rc = take_texts(a, row, r, &why);
    if (rc == PK_EDATA) {
        r->error = pk_strdup(why.text);
        rc = r->error ? 0 : PK_EMEM;
    }
    return rc ? pk_fail_mem(err, "a row") : 0;
}

static int read_rows(struct rm_ask *a, const char *body, size_t len,
                     struct pk_err *err)
{
    struct rm_row row = {0};
    uint64_t number = 0;
    int rc = 0;
    a->body = body;
    for (size_t at = 0; at < len && rc == 0;) {
        const char *end = memchr(body + at, '\n', len - at);
        size_t next = end ? (size_t)(end - body) + 1 : len;
        size_t n = next - at - (end != NULL);
        if (n > 0 && body[at + n - 1] == '\r')
            n--;
        number++;
        if (!pk_blank_line(body + at, n)) { /* passed over, as by score */
            struct rm_ask_row r = {
                .at = at, .len = n, .first = a->n, .number = number};
            rc = take_row(a, &row, body + at, &r, err);
            if (rc == 0 && !pk_grow(&a->row, &a->cap_rows, a->n_rows + 1,
                                    sizeof *a->row)) {
                free(r.error);
                rc = pk_fail_mem(err, "rows");
            }
            if (rc == 0)
                a->row[a->n_rows++] = r;
        }
        at = next;
    }
    rm_row_release(&row);
    if (rc == 0 && a->n_rows == 0)
        rc = pk_fail(err, PK_EDATA, "the request holds no rows");
    return rc;
}

static int write_row(const struct rm_ask *a, const struct rm_ask_row *r,
                     struct pk_buf *out, struct pk_err *err)
{
    struct rm_row_scores s = {.scorer = a->scorer, .n = r->n, .list = r->list};
    struct pk_err why = {0};
    const size_t from = out->len;
    int rc = PK_EDATA;
    if (r->n)
        s.scored = &a->scored[r->first * rm_scorer_models(a->scorer)];
    if (a->combined)
        s.combined = a->combined + r->first;
    if (!r->error)
        rc = rm_row_write(out, a->body + r->at, r->len, &s, &why);
    if (rc == PK_EDATA) {
        out->len = from;
        rc = rm_row_write_error(out, a->body + r->at, r->len, a->scorer,
                                r->error ? r->error : why.text, r->number, err);
    }
    return rc;
}

static int write_rows(const struct rm_ask *a, struct pk_buf *out,
                      struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < a->n_rows && rc == 0; i++) {
        rc = write_row(a, &a->row[i], out, err);
        pk_buf_addc(out, '\n');
    }
    return rc ? pk_fail_mem(err, "a reply") : rm_reply_end(out, err);
}

const struct rm_shape rm_shape_rows = {.path = {"/score"},
                                       .type = "application/x-ndjson",
                                       .read = read_rows,
                                       .write = write_rows};
