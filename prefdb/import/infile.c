/* The rows of a file; see infile.h. */
#include "prefdb/import/infile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "prefdb/import/csv.h"

enum layout { UNKNOWN, LINES, ARRAY, CSV };

struct prefdb__infile {
    struct pk_lines *in;
    enum layout layout;
    char *where;
    uint64_t number;
    const char *problem;
    struct pk_buf row;
    char *line; /* the line being read, line[at..len) of it unread */
    size_t at, len;
    char empty[1];
    bool part;               /* the line goes on behind that */
    bool ended;              /* the array is closed */
    struct prefdb__csv csv;  /* the record being read */
    struct prefdb__csv head; /* the header */
};

int prefdb__infile_open(struct prefdb__infile **out, const char *path,
                        struct pk_err *err)
{
    *out = NULL;
    struct prefdb__infile *in = pk_calloc(1, sizeof *in);
    if (!in)
        return pk_fail_mem(err, "a file's reader");
    in->row = (struct pk_buf)PK_BUF_INIT(2 * PK_LINE_MAX);
    in->csv = (struct prefdb__csv)PREFDB__CSV_INIT(PK_LINE_MAX);
    in->head = (struct prefdb__csv)PREFDB__CSV_INIT(1 << 20);
    int rc = pk_lines_open(&in->in, path, err);
    if (!rc && !(in->where = pk_calloc(strlen(path) + 80, 1)))
        rc = pk_fail_mem(err, "a file's reader");
    if (rc) {
        prefdb__infile_close(in);
        return rc;
    }
    *out = in;
    return 0;
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), t = strlen(tail);
    return n >= t && strcmp(s + n - t, tail) == 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* What the first line with anything on it says of the file. */
static enum layout layout_of(const char *name, const char *s)
{
    s += strspn(s, " \t");
    if (ends_with(name, ".csv") || ends_with(name, ".csv.gz"))
        return CSV;
    if (*s == '[')
        return ARRAY;
    if (ends_with(name, ".jsonl") || ends_with(name, ".jsonl.gz") ||
        ends_with(name, ".json") || ends_with(name, ".json.gz"))
        return LINES;
    if (*s == '"')
        s++;
    return is_letter(*s) && strchr(s, ',') ? CSV : LINES;
}

/* ---- An array ------------------------------------------------------------ */

/* The next line with anything on it, or more of the one that is being read. */
static int refill(struct prefdb__infile *in, struct pk_err *err)
{
    in->at = 0;
    int rc = in->part ? pk_lines_more(in->in, &in->line, &in->len, err)
                      : pk_lines_next(in->in, &in->line, &in->len, err);
    in->part = in->layout == ARRAY && rc < 0 && pk_lines_too_long(in->in);
    return in->part ? 1 : rc;
}

/* Move to the next character that is not white space: 1, or 0 at the end. */
static int skip_space(struct prefdb__infile *in, struct pk_err *err)
{
    for (;;) {
        while (in->at < in->len && pk_blank(in->line[in->at]))
            in->at++;
        if (in->at < in->len)
            return 1;
        int rc = refill(in, err);
        if (rc <= 0)
            return rc;
    }
}

static int bad_array(struct prefdb__infile *in, const char *why,
                     struct pk_err *err)
{
    return pk_fail(err, PK_EDATA, "%s: the JSON list %s",
                   pk_lines_where(in->in), why);
}

/* How far an element goes in the line's rest: up to a comma or bracket that is
 * not its own. */
struct scan {
    size_t depth;
    bool in_string, escaped, done;
};

static size_t scan_line(struct scan *s, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (s->in_string) {
            if (!s->escaped && c == '"')
                s->in_string = false;
            s->escaped = !s->escaped && c == '\\';
        } else if (c == '"') {
            s->in_string = true;
        } else if (c == '{' || c == '[') {
            s->depth++;
        } else if (s->depth == 0 && (c == ',' || c == ']')) {
            s->done = true;
            return i;
        } else if ((c == '}' || c == ']') && s->depth > 0) {
            s->depth--;
        }
    }
    return n;
}

/* One element into in->row. */
static int read_element(struct prefdb__infile *in, struct pk_err *err)
{
    struct scan s = {0};
    pk_buf_reset(&in->row);
    for (;;) {
        size_t n = scan_line(&s, in->line + in->at, in->len - in->at);
        pk_buf_add(&in->row, in->line + in->at, n);
        in->at += n;
        if (in->row.failed || in->row.len > PK_LINE_MAX)
            return pk_fail(err, PK_EDATA,
                           "%s: an element of the list is longer than %zu MiB",
                           pk_lines_where(in->in), PK_LINE_MAX >> 20);
        if (s.done)
            return 1;
        /* On one line, as a row of JSON lines is. A line end in a string is not
         * JSON, and stays for the parser to refuse. */
        if (!in->part)
            pk_buf_addc(&in->row, s.in_string ? '\n' : ' ');
        int rc = refill(in, err);
        if (rc <= 0)
            return rc < 0 ? rc : bad_array(in, "is not closed", err);
    }
}

static int next_element(struct prefdb__infile *in, struct pk_err *err)
{
    int rc = skip_space(in, err);
    if (in->ended)
        return rc <= 0 ? rc : bad_array(in, "has something behind it", err);
    if (rc > 0 && in->number && in->line[in->at] == ',') {
        in->at++;
        rc = skip_space(in, err);
    } else if (rc > 0 && in->line[in->at] == ']') {
        in->ended = true;
        in->at++;
        return next_element(in, err);
    }
    if (rc <= 0)
        return rc < 0 ? rc : bad_array(in, "is not closed", err);
    in->number++;
    return read_element(in, err);
}

/* ---- CSV ----------------------------------------------------------------- */

/* A record into `c`, blank lines before it passed over: 1, or 0 at the end. */
static int read_record(struct prefdb__infile *in, struct prefdb__csv *c,
                       struct pk_err *err)
{
    bool begun = false;
    prefdb__csv_reset(c);
    for (;;) {
        int rc = 1;
        if (!in->line) /* the first line is there already */
            rc = pk_lines_raw(in->in, &in->line, &in->len, err);
        if (rc < 0 || (rc == 0 && !begun))
            return rc;
        if (rc == 0) {
            c->problem = "a field in quotes is not closed";
            return 1;
        }
        const char *line = in->line;
        in->line = NULL;
        if (!begun && (in->len == 0 || (in->len == 1 && *line == '\r')))
            continue;
        if (!begun)
            in->number = pk_lines_number(in->in);
        begun = true;
        rc = prefdb__csv_line(c, line, in->len, err);
        if (rc < 0)
            pk_err_prefix(err, "%s: ", pk_lines_where(in->in));
        if (rc)
            return rc;
    }
}

/* The record as an object of texts; where it has a problem, its text. */
static int next_record(struct prefdb__infile *in, struct pk_err *err)
{
    struct prefdb__csv *c = &in->csv;
    int rc = read_record(in, c, err);
    if (rc <= 0)
        return rc;
    in->problem = c->problem;
    if (!in->problem && c->n != in->head.n)
        in->problem = "it has not as many fields as the header";
    pk_buf_reset(&in->row);
    if (in->problem)
        pk_buf_add(&in->row, c->text.data ? c->text.data : "", c->text.len);
    for (size_t i = 0; !in->problem && i < c->n; i++) {
        size_t n, m;
        const char *name = prefdb__csv_field(&in->head, i, &n);
        const char *text = prefdb__csv_field(c, i, &m);
        pk_buf_addc(&in->row, i ? ',' : '{');
        pk_json_quote(&in->row, name, n);
        pk_buf_addc(&in->row, ':');
        pk_json_quote(&in->row, text, m);
    }
    if (!in->problem)
        pk_buf_addc(&in->row, '}');
    if (in->row.failed)
        return pk_fail(err, PK_EDATA, "%s: a record is longer than %zu MiB",
                       prefdb__infile_where(in), PK_LINE_MAX >> 20);
    return 1;
}

/* A carriage return that is no part of "\r\n" ends lines in files of old: the
 * whole of such a file would be a header. */
static bool bare_return(const struct pk_buf *b)
{
    const char *at = b->data, *end = at + b->len;
    while (at < end && (at = memchr(at, '\r', (size_t)(end - at))))
        if (++at == end || *at != '\n')
            return true;
    return false;
}

static int read_header(struct prefdb__infile *in, struct pk_err *err)
{
    int rc = read_record(in, &in->head, err);
    if (rc > 0 && !in->head.problem && bare_return(&in->head.text))
        in->head.problem = "it holds carriage returns; where these end the "
                           "lines, `tr '\\r' '\\n'` makes a file of it that "
                           "can be read";
    if (rc > 0 && in->head.problem)
        rc = pk_fail(err, PK_EDATA, "%s: the header: %s",
                     prefdb__infile_where(in), in->head.problem);
    return rc;
}

/* ---- Any of them --------------------------------------------------------- */

/* A line that is too long is a bad row, where a row is a line. In a CSV record
 * there is no telling where the next row begins. */
static int lines_row(struct prefdb__infile *in, int rc, char **row, size_t *len)
{
    bool too_long = rc < 0 && pk_lines_too_long(in->in);
    in->problem = too_long ? PK_LINE_TOO_LONG : NULL;
    in->number = pk_lines_number(in->in);
    *row = too_long ? in->empty : in->line;
    *len = too_long ? 0 : in->len;
    return too_long ? 1 : rc;
}

static int start(struct prefdb__infile *in, struct pk_err *err)
{
    int rc = refill(in, err);
    if (rc == 0 || (rc < 0 && !pk_lines_too_long(in->in)))
        return rc;
    in->layout = layout_of(pk_lines_name(in->in), in->line);
    in->part = in->layout == ARRAY && rc < 0;
    if (rc < 0 && !in->part)
        return rc;
    if (in->layout == ARRAY)
        in->at = strcspn(in->line, "[") + 1;
    return in->layout == CSV ? read_header(in, err) : 1;
}

int prefdb__infile_next(struct prefdb__infile *in, char **row, size_t *len,
                        struct pk_err *err)
{
    bool first = in->layout == UNKNOWN;
    int rc = first ? start(in, err) : 1;
    *row = NULL;
    *len = 0;
    if (in->layout == LINES)
        return lines_row(in, first ? rc : refill(in, err), row, len);
    if (rc <= 0)
        return rc;
    rc = in->layout == ARRAY ? next_element(in, err) : next_record(in, err);
    if (rc > 0) {
        *row = in->row.data ? in->row.data : in->empty;
        *len = in->row.len;
    }
    return rc;
}

const char *prefdb__infile_problem(const struct prefdb__infile *in)
{
    return in->problem;
}

uint64_t prefdb__infile_number(const struct prefdb__infile *in)
{
    return in->number;
}

const char *prefdb__infile_unit(const struct prefdb__infile *in)
{
    return in->layout == ARRAY ? "element" : "line";
}

const char *prefdb__infile_name(const struct prefdb__infile *in)
{
    return pk_lines_name(in->in);
}

const char *prefdb__infile_where(struct prefdb__infile *in)
{
    snprintf(in->where, strlen(pk_lines_name(in->in)) + 48, "%s:%s%llu",
             pk_lines_name(in->in), in->layout == ARRAY ? "element " : "",
             (unsigned long long)in->number);
    return in->where;
}

uint64_t prefdb__infile_bytes(const struct prefdb__infile *in)
{
    return pk_lines_bytes(in->in);
}

uint64_t prefdb__infile_size(const struct prefdb__infile *in)
{
    return pk_lines_size(in->in);
}

void prefdb__infile_close(struct prefdb__infile *in)
{
    if (!in)
        return;
    prefdb__csv_release(&in->csv);
    prefdb__csv_release(&in->head);
    pk_buf_release(&in->row);
    pk_lines_close(in->in);
    free(in->where);
    free(in);
}
