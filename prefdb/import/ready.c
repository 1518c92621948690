/* A row made ready for the store; see ready.h. */
#include "prefdb/import/ready.h"

#include <stdlib.h>

#include "common/mem.h"

enum { FEW = 16 }; /* records whose memory a row keeps for the next one */

int prefdb__plan_check(const struct prefdb__plan *p, struct pk_err *err)
{
    const struct prefdb__format *f = p->format;
    bool given = p->dimension >= 0;
    if (f && f->dimension == PREFDB__ASKED && !given)
        return pk_fail(err, PK_EUSAGE,
                       "%s: format %s does not say what was judged; give "
                       "--dimension helpfulness or --dimension safety",
                       p->path, f->name);
    if (f && f->evaluation &&
        (p->split == PREFDB_TRAIN || p->split == PREFDB_VALID))
        return pk_fail(err, PK_EUSAGE,
                       "%s: format %s is for evaluation and goes to the test "
                       "split; leave --split out",
                       p->path, f->name);
    return 0;
}

/* By the first row that any of them knows. */
static int settle_format(struct prefdb__plan *p, const cJSON *row,
                         struct pk_err *err)
{
    p->format = prefdb__format_of(row);
    if (!p->format)
        return pk_fail(
            err, PK_EDATA,
            "no format that `prefkit import --formats` lists has such "
            "a row");
    return prefdb__plan_check(p, err);
}

/* What the row does not say, and whether it holds together. */
static int complete(const struct prefdb__plan *p, struct prefdb__rows *rows,
                    struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < rows->n && !rc; i++) {
        struct prefdb__record *r = &rows->v[i];
        rows->sourced += r->source != NULL;
        if (!r->source)
            r->source = p->source;
        if (r->split < 0)
            r->split = p->split;
        rc = prefdb__record_check(r, err);
    }
    return rc;
}

static int work_out_keys(const struct prefdb__made *last,
                         struct prefdb__made *m, struct pk_sha256 *h,
                         struct pk_err *err)
{
    size_t n = m->rows.n;
    struct prefdb__keyed before = {0};
    int rc = 0;
    if (last)
        before = (struct prefdb__keyed){&last->rows.v[last->rows.n - 1],
                                        &last->keys[last->rows.n - 1]};
    if (!pk_grow(&m->keys, &m->cap_keys, n, sizeof *m->keys))
        return pk_fail_mem(err, "a row's keys");
    for (; m->n_keys < n; m->n_keys++)
        m->keys[m->n_keys] = (struct prefdb__keys){0};
    for (size_t i = 0; i < n && !rc; i++) {
        rc = prefdb__keys_of(&m->keys[i], h, &m->rows.v[i], &before, err);
        before = (struct prefdb__keyed){&m->rows.v[i], &m->keys[i]};
    }
    return rc;
}

int prefdb__make_ready(struct prefdb__plan *p, struct pk_sha256 *h, cJSON *row,
                       struct prefdb__made *out, struct pk_err *err)
{
    int rc = 0;
    if (!cJSON_IsObject(row))
        return pk_fail(err, PK_EDATA, "the row is not a JSON object");
    if (!p->format)
        rc = settle_format(p, row, err);
    if (rc)
        return rc;
    out->rows.dimension = p->dimension;
    out->rows.pairs = p->pairs;
    out->rows.held = p->held;
    rc = prefdb__format_read(p->format, row, &out->rows, err);
    p->held = out->rows.held;
    out->rows.held = NULL;
    if (!rc)
        rc = complete(p, &out->rows, err);
    if (!rc)
        rc = work_out_keys(p->last, out, h, err);
    if (!rc)
        p->last = out->rows.n ? out : NULL;
    return rc;
}

void prefdb__made_reset(struct prefdb__made *m)
{
    if (m->n_keys > FEW || m->rows.made > FEW)
        prefdb__made_release(m);
    else
        prefdb__rows_reset(&m->rows);
}

void prefdb__made_release(struct prefdb__made *m)
{
    for (size_t i = 0; i < m->n_keys; i++)
        prefdb__keys_release(&m->keys[i]);
    free(m->keys);
    prefdb__rows_release(&m->rows);
    *m = (struct prefdb__made){0};
}
