/* Shards put together; see join.h. A shard's first line says which it is and
 * of what run, its last how many rows there are; between them are its rows,
 * RM_SHARD_BLOCK at a time in turn with the other shards'. */
#include "rm/score/join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/lines.h"
#include "common/mem.h"
#include "common/out.h"
#include "rm/score/batch.h"
#include "rm/score/row_edit.h"

struct shard {
    const char *file;
    struct pk_lines *in;
    size_t index;
    uint64_t rows;      /* read */
    bool ended;         /* its last line has been read */
    uint64_t said_rows; /* by that line */
    uint64_t input_rows;
    char run[65], input[65];
};

struct join {
    struct shard *shard; /* by index - 1 */
    size_t n;
    struct pk_out *out;
    uint64_t rows, errors, first_error; /* written; those with an "error" */
};

/* A whole number within a line's object. */
static bool whole(const cJSON *o, const char *key, uint64_t *out)
{
    double x;
    if (pk_json_num(o, key, -1, &x, NULL) || x < 0 || x > 9e15)
        return false;
    *out = (uint64_t)x;
    return (double)*out == x;
}

static bool hash_of(const cJSON *o, const char *key, char out[65])
{
    const char *s = NULL;
    if (pk_json_str(o, key, &s, NULL) || !s || strlen(s) != 64)
        return false;
    memcpy(out, s, 65);
    return true;
}

static bool read_head(struct shard *s, const char *line, size_t len,
                      uint64_t *of)
{
    cJSON *j;
    uint64_t index = 0, block = 0;
    if (pk_json_parse(&j, line, len, NULL))
        return false;
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(j, "prefkit_shard");
    bool ok = whole(o, "index", &index) && whole(o, "of", of) &&
              whole(o, "block", &block) && block == RM_SHARD_BLOCK &&
              index >= 1 && index <= *of && hash_of(o, "run", s->run);
    s->index = (size_t)index;
    cJSON_Delete(j);
    return ok;
}

static bool read_tail(struct shard *s, const char *line, size_t len)
{
    static const char start[] = "{\"prefkit_shard_end\":";
    cJSON *j;
    uint64_t index = 0;
    if (strncmp(line, start, sizeof start - 1) != 0 ||
        pk_json_parse(&j, line, len, NULL))
        return false;
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(j, "prefkit_shard_end");
    s->ended = whole(o, "index", &index) && index == s->index &&
               whole(o, "rows", &s->said_rows) &&
               whole(o, "input_rows", &s->input_rows) &&
               hash_of(o, "input_sha256", s->input);
    cJSON_Delete(j);
    return s->ended;
}

/* For the first file's number of shards, which all must be of. */
static int make_places(struct join *j, const struct shard *s, uint64_t of,
                       struct pk_err *err)
{
    if (!j->shard) {
        j->shard = of <= RM_SHARDS_MAX ? pk_calloc(of, sizeof *s) : NULL;
        if (!j->shard)
            return pk_fail_mem(err, "shards");
        j->n = (size_t)of;
    }
    return of == j->n
               ? 0
               : pk_fail(err, PK_EDATA,
                         "%s: shard %zu of %llu, others are of %zu", s->file,
                         s->index, (unsigned long long)of, j->n);
}

static int open_shard(struct join *j, const char *file, struct pk_err *err)
{
    struct shard s = {.file = file};
    char *line;
    size_t len;
    uint64_t of = 0;
    int rc = pk_lines_open(&s.in, file, err);
    if (rc)
        return rc;
    rc = pk_lines_next(s.in, &line, &len, err);
    if (rc >= 0)
        rc = rc > 0 && read_head(&s, line, len, &of)
                 ? 0
                 : pk_fail(err, PK_EDATA,
                           "%s: not a shard: its first line is not that of "
                           "`prefkit score --shard'",
                           file);
    if (rc == 0)
        rc = make_places(j, &s, of, err);
    struct shard *place = rc ? NULL : &j->shard[s.index - 1];
    if (place && place->in)
        rc = pk_fail(err, PK_EDATA, "%s and %s are both shard %zu of %zu",
                     place->file, file, s.index, j->n);
    if (rc)
        pk_lines_close(s.in);
    else
        *place = s;
    return rc;
}

static int copy_row(struct join *j, struct shard *s, const char *line,
                    size_t len, struct pk_err *err)
{
    FILE *f = pk_out_file(j->out);
    s->rows++;
    j->rows++;
    if (rm_json_has(line, len, "error") && j->errors++ == 0)
        j->first_error = j->rows;
    if (fwrite(line, 1, len, f) < len || fputc('\n', f) == EOF)
        return pk_fail_errno(err, "cannot write the joined rows");
    return 0;
}

/* One block, or what is left of the shard. */
static int copy_block(struct join *j, struct shard *s, struct pk_err *err)
{
    char *line;
    size_t len;
    int rc = 0;
    for (int i = 0; i < RM_SHARD_BLOCK && !s->ended && rc == 0; i++) {
        rc = pk_lines_next(s->in, &line, &len, err);
        if (rc == 0)
            return pk_fail(err, PK_EDATA,
                           "%s: it ends after %llu rows, without its last "
                           "line: the run is unfinished, or the file is cut",
                           s->file, (unsigned long long)s->rows);
        if (rc > 0)
            rc = read_tail(s, line, len) ? 0 : copy_row(j, s, line, len, err);
    }
    return rc;
}

/* Rows of an input of n that belong to shard i (from 0) of `of`. */
static uint64_t share(uint64_t n, size_t i, size_t of)
{
    uint64_t round = (uint64_t)RM_SHARD_BLOCK * of;
    uint64_t rest = n % round, from = (uint64_t)RM_SHARD_BLOCK * i;
    uint64_t more = rest > from ? rest - from : 0;
    return n / round * RM_SHARD_BLOCK +
           (more < RM_SHARD_BLOCK ? more : RM_SHARD_BLOCK);
}

static int check(const struct join *j, struct pk_err *err)
{
    const struct shard *a = &j->shard[0];
    for (size_t i = 0; i < j->n; i++) {
        const struct shard *s = &j->shard[i];
        if (strcmp(s->input, a->input) != 0 || s->input_rows != a->input_rows)
            return pk_fail(err, PK_EDATA, "%s and %s are of different inputs",
                           a->file, s->file);
        uint64_t want = share(a->input_rows, i, j->n);
        if (s->rows != want || s->said_rows != want)
            return pk_fail(err, PK_EDATA,
                           "%s: %llu rows, where shard %zu of %zu has %llu of "
                           "the input's %llu",
                           s->file, (unsigned long long)s->rows, s->index, j->n,
                           (unsigned long long)want,
                           (unsigned long long)a->input_rows);
    }
    return 0;
}

/* Nothing behind a shard's last line. */
static int check_end(struct shard *s, struct pk_err *err)
{
    char *line;
    size_t len;
    int rc = pk_lines_next(s->in, &line, &len, err);
    return rc > 0 ? pk_fail(err, PK_EDATA, "%s: rows behind its last line",
                            pk_lines_where(s->in))
                  : rc;
}

/* Which are missing, if any are. */
static int check_places(const struct join *j, struct pk_err *err)
{
    struct pk_buf list = PK_BUF_INIT(1 << 16);
    size_t missing = 0;
    for (size_t i = 0; i < j->n; i++)
        if (!j->shard[i].in)
            pk_buf_addf(&list, "%s%zu", missing++ ? ", " : "", i + 1);
    int rc = list.failed ? pk_fail_mem(err, "shards") : 0;
    if (rc == 0 && missing)
        rc = pk_fail(err, PK_EDATA,
                     "of the %zu shards these are missing: %.200s", j->n,
                     list.data);
    pk_buf_release(&list);
    return rc;
}

static int open_all(struct join *j, char *const *files, size_t n,
                    struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = open_shard(j, files[i], err);
    if (rc == 0)
        rc = check_places(j, err);
    for (size_t i = 0; i < j->n && rc == 0; i++)
        if (strcmp(j->shard[i].run, j->shard[0].run) != 0)
            rc = pk_fail(err, PK_EDATA,
                         "%s and %s were scored with different models or "
                         "options",
                         j->shard[0].file, j->shard[i].file);
    return rc;
}

static int copy(struct join *j, struct pk_err *err)
{
    bool open = true;
    int rc = 0;
    while (open && rc == 0) {
        open = false;
        for (size_t i = 0; i < j->n && rc == 0; i++) {
            rc = copy_block(j, &j->shard[i], err);
            open |= !j->shard[i].ended;
        }
        if (rc == 0)
            rc = pk_check_interrupt(err);
    }
    for (size_t i = 0; i < j->n && rc == 0; i++)
        rc = check_end(&j->shard[i], err);
    return rc ? rc : check(j, err);
}

int rm_join(char *const *files, size_t n, const char *output,
            const struct pk_cli *cli, struct pk_err *err)
{
    struct join j = {0};
    int rc = open_all(&j, files, n, err);
    if (rc == 0)
        rc = pk_out_open(&j.out, output, err);
    if (rc == 0)
        rc = copy(&j, err);
    if (rc == 0)
        rc = pk_out_commit(&j.out, err);
    if (rc == 0)
        pk_note(cli, "%llu rows of %zu shards",
                (unsigned long long)j.shard[0].input_rows, n);
    if (rc == 0 && j.errors)
        rc = rm_batch_say_errors(output, j.first_error, j.errors, j.rows, err);
    pk_out_abort(&j.out);
    for (size_t i = 0; i < j.n; i++)
        pk_lines_close(j.shard[i].in);
    free(j.shard);
    return rc;
}
