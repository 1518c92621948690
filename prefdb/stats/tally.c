/* Ratings counted as they stream by; see tally.h. */
#include "prefdb/stats/tally.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define L PREFDB__LEVELS

struct key {
    uint64_t a, b;
};

static struct key pack(const uint16_t r[L])
{
    struct key k = {0, 0};
    for (int i = 0; i < 4; i++) {
        k.a |= (uint64_t)r[i] << 16 * i;
        k.b |= (uint64_t)r[i + 4] << 16 * i;
    }
    return k;
}

static void unpack(const struct prefdb__entry *e, struct prefdb__row *row)
{
    for (int i = 0; i < 4; i++) {
        row->r[i] = (uint16_t)(e->a >> 16 * i);
        row->r[i + 4] = (uint16_t)(e->b >> 16 * i);
    }
    row->units = e->n;
}

static int add_pairs(struct prefdb__tally *t, const struct prefdb__vote *v,
                     size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            const struct prefdb__vote *x = &v[i], *y = &v[j];
            if (x->rater > y->rater) {
                x = &v[j];
                y = &v[i];
            }
            if (prefdb__count(&t->pairs, (uint64_t)x->rater << 32 | y->rater,
                              (uint64_t)x->level * L + (uint64_t)y->level,
                              1) < 0)
                return PK_EMEM;
        }
    return 0;
}

int prefdb__tally_add(struct prefdb__tally *t, const struct prefdb__vote *v,
                      size_t n, struct pk_err *err)
{
    uint16_t r[L] = {0};
    if (!n)
        return 0;
    if (n > UINT16_MAX)
        return pk_fail(err, PK_EDATA, "%zu people judged one comparison", n);
    for (size_t i = 0; i < n; i++)
        r[v[i].level]++;
    struct key k = pack(r);
    int64_t row = prefdb__count(&t->rows, k.a, k.b, 1);
    bool ok = row >= 0;
    for (size_t i = 0; i < n && ok; i++)
        ok = prefdb__count(&t->raters,
                           (uint64_t)v[i].rater << 32 | (uint64_t)row,
                           (uint64_t)v[i].level, 1) >= 0;
    t->ratings += n;
    return ok && !add_pairs(t, v, n) ? 0 : pk_fail_mem(err, "the ratings");
}

int prefdb__tally_merge(struct prefdb__tally *t,
                        const struct prefdb__tally *from, struct pk_err *err)
{
    bool ok = true;
    int64_t *row = pk_calloc(from->rows.n + 1, sizeof *row);
    if (!row)
        return pk_fail_mem(err, "the ratings");
    for (size_t i = 0; i < from->rows.n && ok; i++) {
        const struct prefdb__entry *e = &from->rows.v[i];
        row[i] = prefdb__count(&t->rows, e->a, e->b, e->n);
        ok = row[i] >= 0;
    }
    for (size_t i = 0; i < from->raters.n && ok; i++) {
        const struct prefdb__entry *e = &from->raters.v[i];
        uint64_t at = (uint64_t)row[e->a & UINT32_MAX];
        ok =
            prefdb__count(&t->raters, (e->a >> 32) << 32 | at, e->b, e->n) >= 0;
    }
    for (size_t i = 0; i < from->pairs.n && ok; i++) {
        const struct prefdb__entry *e = &from->pairs.v[i];
        ok = prefdb__count(&t->pairs, e->a, e->b, e->n) >= 0;
    }
    free(row);
    t->ratings += from->ratings;
    return ok ? 0 : pk_fail_mem(err, "the ratings");
}

int prefdb__tally_rows(const struct prefdb__tally *t, struct prefdb__row **out,
                       size_t *n, struct pk_err *err)
{
    *out = NULL;
    *n = 0;
    if (!t->rows.n)
        return 0;
    *out = pk_calloc(t->rows.n, sizeof **out);
    if (!*out)
        return pk_fail_mem(err, "the ratings");
    for (size_t i = 0; i < t->rows.n; i++)
        unpack(&t->rows.v[i], &(*out)[i]);
    *n = t->rows.n;
    return 0;
}

int prefdb__tally_margins(const struct prefdb__tally *t,
                          struct prefdb__margin **out, size_t *n,
                          struct pk_err *err)
{
    const struct prefdb__bag *c = &t->raters;
    *out = NULL;
    *n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (*n <= c->v[i].a >> 32)
            *n = (c->v[i].a >> 32) + 1;
    if (!*n)
        return 0;
    *out = pk_calloc(*n, sizeof **out);
    if (!*out)
        return pk_fail_mem(err, "the annotators");
    for (size_t i = 0; i < c->n; i++)
        (*out)[c->v[i].a >> 32].n[c->v[i].b] += c->v[i].n;
    return 0;
}

void prefdb__tally_release(struct prefdb__tally *t)
{
    prefdb__bag_release(&t->rows);
    prefdb__bag_release(&t->raters);
    prefdb__bag_release(&t->pairs);
    *t = (struct prefdb__tally){0};
}

static int by_key(const void *x, const void *y)
{
    const struct prefdb__entry *a = x, *b = y;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    return a->b < b->b ? -1 : a->b > b->b;
}

/* A sorted copy; the caller frees it. */
static struct prefdb__entry *sorted(const struct prefdb__bag *c)
{
    struct prefdb__entry *v = pk_calloc(c->n + 1, sizeof *v);
    if (v && c->n) {
        memcpy(v, c->v, c->n * sizeof *v);
        qsort(v, c->n, sizeof *v, by_key);
    }
    return v;
}

/* Take one rater's entries out of the rows (or, with `back`, put them back),
 * and see how the rater agrees with the others meanwhile. */
static bool without(struct prefdb__tally *t, const struct prefdb__entry *v,
                    size_t n, bool back, struct prefdb__rater *out)
{
    for (size_t i = 0; i < n; i++) {
        struct prefdb__row row;
        struct prefdb__entry *e = &t->rows.v[v[i].a & UINT32_MAX];
        double others = -1;
        unpack(e, &row);
        for (int k = 0; k < L; k++)
            others += row.r[k];
        uint16_t same = --row.r[v[i].b];
        out->ratings += v[i].n;
        if (others > 0) {
            out->shared += v[i].n;
            out->agree += (double)v[i].n * same / others;
        }
        struct key k = pack(row.r);
        uint64_t n_units = back ? v[i].n : 0 - v[i].n; /* modulo 2^64 */
        e->n += n_units;
        if (others > 0 && prefdb__count(&t->rows, k.a, k.b, 0 - n_units) < 0)
            return false;
    }
    return true;
}

int prefdb__tally_each_rater(struct prefdb__tally *t,
                             int (*f)(void *ctx, const struct prefdb__rater *r,
                                      struct pk_err *err),
                             void *ctx, struct pk_err *err)
{
    struct prefdb__entry *v = sorted(&t->raters);
    int rc = v ? 0 : pk_fail_mem(err, "the ratings");
    for (size_t i = 0, j; i < t->raters.n && !rc; i = j) {
        struct prefdb__rater r = {.rater = (uint32_t)(v[i].a >> 32)}, unused;
        for (j = i; j < t->raters.n && v[j].a >> 32 == r.rater;)
            j++;
        if (!without(t, v + i, j - i, false, &r)) {
            rc = pk_fail_mem(err, "the ratings");
            break;
        }
        r.agree /= r.shared ? (double)r.shared : 1;
        rc = prefdb__tally_rows(t, &r.rows, &r.n_rows, err);
        if (!rc)
            rc = f(ctx, &r, err);
        free(r.rows);
        unused = (struct prefdb__rater){0};
        if (!without(t, v + i, j - i, true, &unused) && !rc)
            rc = pk_fail_mem(err, "the ratings");
    }
    free(v);
    return rc;
}

int prefdb__tally_each_pair(struct prefdb__tally *t,
                            int (*f)(void *ctx, const struct prefdb__pair *p,
                                     struct pk_err *err),
                            void *ctx, struct pk_err *err)
{
    struct prefdb__entry *v = sorted(&t->pairs);
    int rc = v ? 0 : pk_fail_mem(err, "the ratings");
    for (size_t i = 0, j; i < t->pairs.n && !rc; i = j) {
        struct prefdb__pair p = {.low = (uint32_t)(v[i].a >> 32),
                                 .high = (uint32_t)v[i].a};
        for (j = i; j < t->pairs.n && v[j].a == v[i].a; j++) {
            p.table[v[j].b / L][v[j].b % L] += v[j].n;
            p.units += v[j].n;
        }
        rc = f(ctx, &p, err);
    }
    free(v);
    return rc;
}
