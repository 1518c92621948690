/* llmfao's votes: {"id", "worker", "winner"}, where the id is that of a pair in
 * another file, which is read before and kept in memory. */
#include <math.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "prefdb/import/format.h"
#include "prefdb/import/infile.h"

struct prefdb__pairs {
    cJSON **v; /* in the order of their ids */
    size_t n, cap;
};

static double id_of(const cJSON *row)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(row, "id");
    return cJSON_IsNumber(id) ? id->valuedouble : PREFDB__UNKNOWN;
}

static int by_id(const void *x, const void *y)
{
    double a = id_of(*(cJSON *const *)x), b = id_of(*(cJSON *const *)y);
    return a < b ? -1 : a > b;
}

void prefdb__pairs_free(struct prefdb__pairs *p)
{
    for (size_t i = 0; p && i < p->n; i++)
        cJSON_Delete(p->v[i]);
    if (p)
        free(p->v);
    free(p);
}

static int load(struct prefdb__pairs *p, struct prefdb__infile *in,
                struct pk_err *err)
{
    char *text;
    size_t len;
    int rc;
    while ((rc = prefdb__infile_next(in, &text, &len, err)) > 0) {
        cJSON *row;
        rc = pk_json_parse(&row, text, len, err);
        if (!rc && isnan(id_of(row)))
            rc = pk_fail(err, PK_EDATA, "a pair without an \"id\" (a number)");
        if (rc) {
            cJSON_Delete(row);
            pk_err_prefix(err, "%s: ", prefdb__infile_where(in));
            return rc;
        }
        if (!pk_grow(&p->v, &p->cap, p->n + 1, sizeof(cJSON *))) {
            cJSON_Delete(row);
            return pk_fail_mem(err, "the pairs");
        }
        p->v[p->n++] = row;
    }
    if (!rc && p->n)
        qsort(p->v, p->n, sizeof(cJSON *), by_id);
    for (size_t i = 1; !rc && i < p->n; i++)
        if (by_id(&p->v[i - 1], &p->v[i]) == 0)
            rc = pk_fail(err, PK_EDATA, "%s: two pairs have the id %.15g",
                         prefdb__infile_name(in), id_of(p->v[i]));
    return rc;
}

int prefdb__pairs_load(struct prefdb__pairs **out, const char *path,
                       struct pk_err *err)
{
    struct prefdb__infile *in;
    *out = NULL;
    int rc = prefdb__infile_open(&in, path, err);
    if (rc)
        return rc;
    struct prefdb__pairs *p = pk_calloc(1, sizeof *p);
    rc = p ? load(p, in, err) : pk_fail_mem(err, "the pairs");
    prefdb__infile_close(in);
    if (rc)
        prefdb__pairs_free(p);
    else
        *out = p;
    return rc;
}

static const struct prefdb__label vote_labels[] = {
    {"left", PREFDB_A, PREFDB_UNSTATED},
    {"right", PREFDB_B, PREFDB_UNSTATED},
    {"tie", PREFDB_TIE, PREFDB_UNSTATED},
    {0}};

static int read_vote(const struct prefdb__format *f, cJSON *row,
                     struct prefdb__rows *rows, struct pk_err *err)
{
    struct prefdb__label l;
    const char *who = NULL;
    if (!rows->pairs)
        return pk_fail(err, PK_EDATA,
                       "votes need the file with their pairs: give --pairs");
    if (isnan(id_of(row)))
        return pk_fail(err, PK_EDATA, "\"id\" is not a number");
    const cJSON *key = row;
    cJSON *const *hit = rows->pairs->n
                            ? bsearch(&key, rows->pairs->v, rows->pairs->n,
                                      sizeof(cJSON *), by_id)
                            : NULL;
    if (!hit)
        return pk_fail(err, PK_EDATA, "no pair has this \"id\"");
    int rc =
        prefdb__label_of(f, "winner", prefdb__find(row, "winner"), &l, err);
    if (!rc && l.choice == PREFDB__NONE)
        rc = pk_fail(err, PK_EDATA, "\"winner\" is missing");
    if (!rc)
        rc = prefdb__take_name(rows, row, "worker", &who, err);
    cJSON *pair = rc ? NULL : prefdb__own(rows, cJSON_Duplicate(*hit, 1));
    if (!rc && !pair)
        rc = pk_fail_mem(err, "a pair");
    if (!rc)
        rc = prefdb__format_named("llmfao")->read(
            prefdb__format_named("llmfao"), pair, rows, err);
    if (rc)
        return rc;
    struct prefdb__judgment *j = prefdb__record_judgment(
        &rows->v[0], prefdb__rows_dimension(rows), l.choice);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    j->annotator = who ? who : "";
    (void)prefdb__take(rows, row, "winner");
    (void)prefdb__take(rows, row, "id");
    j->shown_left = PREFDB_A;
    return prefdb__keep(rows, row, NULL, err);
}

const struct prefdb__format prefdb__format_llmfao_votes = {
    .name = "llmfao-votes",
    .what = "llmfao, votes, with the pairs in the file that --pairs names",
    .keys = "id:n,worker,winner:s",
    .dimension = PREFDB__HELPFUL,
    .label_key = "winner",
    .labels = vote_labels,
    .rule = "the pair's x was on the left",
    .read = read_vote,
};
