/* Answers into comparisons, and what is left of a row; see rows.h. */
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/rows.h"

int prefdb__set_response(struct prefdb__response *r,
                         const struct prefdb__item *x, struct pk_err *err)
{
    r->turn = (struct prefdb_turn){PREFDB_ASSISTANT, x->text, strlen(x->text)};
    r->model = x->model;
    if (x->extra && !(r->extra = cJSON_Duplicate(x->extra, 1)))
        return pk_fail_mem(err, "a row's JSON");
    int rc = 0;
    for (size_t i = 0; i < x->n_ratings && !rc; i++)
        rc = prefdb__rate(r, x->ratings[i], err);
    return rc;
}

int prefdb__read_rating(const cJSON *obj, const char *key, double low,
                        double high, double *out, struct pk_err *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, key);
    *out = PREFDB__UNKNOWN;
    if (!v || cJSON_IsNull(v))
        return 0;
    if (cJSON_IsBool(v))
        *out = cJSON_IsTrue(v);
    else if (cJSON_IsNumber(v))
        *out = v->valuedouble;
    return *out >= low && *out <= high
               ? 0
               : pk_fail(err, PK_EDATA, "\"%s\" is not within %g to %g", key,
                         low, high);
}

int prefdb__rate(struct prefdb__response *r, struct prefdb__mark m,
                 struct pk_err *err)
{
    if (isnan(m.value))
        return 0;
    struct prefdb__rating *x = prefdb__response_rating(r, m.attribute, m.value);
    if (!x)
        return pk_fail_mem(err, "a rating");
    x->low = m.low;
    x->high = m.high;
    return 0;
}

int prefdb__rate_item(struct prefdb__item *x, struct prefdb__mark m,
                      struct pk_err *err)
{
    if (isnan(m.value))
        return 0;
    if (x->n_ratings == PREFDB__RATINGS)
        return pk_fail(err, PK_EDATA, "an answer has more than %d ratings",
                       PREFDB__RATINGS);
    x->ratings[x->n_ratings++] = m;
    return 0;
}

int prefdb__add_pair(struct prefdb__rows *rows, const struct prefdb__item *x,
                     const struct prefdb__item *y, int choice,
                     struct pk_err *err)
{
    if (strcmp(x->text, y->text) == 0) {
        rows->equal++;
        return 0;
    }
    struct prefdb__record *r = prefdb__rows_add(rows);
    if (!r)
        return pk_fail_mem(err, "a comparison");
    int rc = prefdb__set_response(&r->a, x, err);
    if (!rc)
        rc = prefdb__set_response(&r->b, y, err);
    if (!rc && choice != -1 &&
        !prefdb__record_judgment(r, prefdb__rows_dimension(rows), choice))
        rc = pk_fail_mem(err, "a judgment");
    return rc;
}

int prefdb__add_ranked(struct prefdb__rows *rows, const struct prefdb__item *x,
                       size_t n, bool ties, struct pk_err *err)
{
    int rc = n == 1 ? prefdb__add_single(rows, x, err) : 0;
    for (size_t i = 0; i < n && !rc; i++) {
        for (size_t j = i + 1; j < n && !rc; j++) {
            int choice = x[i].score > x[j].score            ? PREFDB_A
                         : x[i].score < x[j].score          ? PREFDB_B
                         : x[i].score == x[j].score && ties ? PREFDB_TIE
                                                            : -1;
            rc = prefdb__add_pair(rows, &x[i], &x[j], choice, err);
        }
    }
    return rc;
}

int prefdb__add_single(struct prefdb__rows *rows, const struct prefdb__item *x,
                       struct pk_err *err)
{
    struct prefdb__record *r = prefdb__rows_add(rows);
    if (!r)
        return pk_fail_mem(err, "a response");
    r->single = true;
    return prefdb__set_response(&r->a, x, err);
}

/* Take nothing out of a value but objects and lists that hold nothing; true
 * when nothing is left. A list keeps its empty elements where others are not,
 * as each has its place. */
static bool prune(cJSON *v)
{
    bool empty = true;
    if (cJSON_IsArray(v)) {
        cJSON *e;
        cJSON_ArrayForEach(e, v) empty = prune(e) && empty;
        return empty;
    }
    if (!cJSON_IsObject(v))
        return false;
    cJSON *next;
    for (cJSON *m = v->child; m; m = next) {
        next = m->next;
        if (prune(m))
            cJSON_Delete(cJSON_DetachItemViaPointer(v, m));
    }
    return v->child == NULL;
}

cJSON *prefdb__rest_of(cJSON *obj)
{
    cJSON *next;
    for (cJSON *m = obj ? obj->child : NULL; m; m = next) {
        next = m->next;
        if (cJSON_IsNull(m))
            cJSON_Delete(cJSON_DetachItemViaPointer(obj, m));
    }
    return obj && !prune(obj) ? obj : NULL;
}

/* The name without the mark; false where it does not bear it. */
static bool unmark(const char *name, const char *mark, char *out, size_t size)
{
    size_t n = strlen(name), m = strlen(mark);
    const char *at = mark[m - 1] == '_'                     ? strstr(name, mark)
                     : n > m && !strcmp(name + n - m, mark) ? name + n - m
                                                            : NULL;
    if (!at || n - m == 0 || n - m >= size)
        return false;
    snprintf(out, size, "%.*s%s", (int)(at - name), name, at + m);
    return true;
}

static int side_of(const char *name, const struct prefdb__marks *marks,
                   char *out, size_t size)
{
    for (; marks && marks->a; marks++) {
        if (unmark(name, marks->a, out, size))
            return 0;
        if (unmark(name, marks->b, out, size))
            return 1;
    }
    return -1;
}

/* Put an item under a name into the member "a" or "b" of `extra`, which is
 * made where there is none. The item is gone either way. */
static bool put_side(cJSON *extra, int side, const char *name, cJSON *item)
{
    const char *key = side ? "b" : "a";
    cJSON *o = cJSON_GetObjectItemCaseSensitive(extra, key);
    if (!o)
        o = cJSON_AddObjectToObject(extra, key);
    if (cJSON_IsObject(o) && cJSON_AddItemToObject(o, name, item))
        return true;
    cJSON_Delete(item);
    return false;
}

/* Move what is marked out of `extra`'s top into its "a" and "b"; not where the
 * row has members of those names that mean something else. */
static bool group(cJSON *extra, const struct prefdb__marks *marks)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(extra, "a");
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(extra, "b");
    if ((a && !cJSON_IsObject(a)) || (b && !cJSON_IsObject(b)))
        return true;
    cJSON *next, *last = extra->child ? extra->child->prev : NULL;
    for (cJSON *m = extra->child; m; m = next) {
        char name[128];
        int side = side_of(m->string, marks, name, sizeof name);
        next = m == last ? NULL : m->next;
        if (side < 0)
            continue;
        if (!put_side(extra, side, name, cJSON_DetachItemViaPointer(extra, m)))
            return false;
    }
    return true;
}

/* Where the rest goes. */
static cJSON **place(struct prefdb__rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->v[i].n_judgments)
            return &rows->v[i].judgments[rows->v[i].n_judgments - 1].extra;
    return rows->v[0].single ? &rows->v[0].a.extra : &rows->v[0].extra;
}

int prefdb__keep(struct prefdb__rows *rows, cJSON *row,
                 const struct prefdb__marks *marks, struct pk_err *err)
{
    if (rows->n == 0)
        return rows->equal
                   ? pk_fail(err, PK_EDATA, "the responses are all the same")
                   : pk_fail(err, PK_EDATA, "there is no response");
    if (!prefdb__rest_of(row))
        return 0;
    cJSON **extra = place(rows), *rest = cJSON_CreateObject();
    while (rest && row->child)
        cJSON_AddItemToArray(rest, cJSON_DetachItemViaPointer(row, row->child));
    if (rest && !*extra) {
        *extra = rest;
        return group(rest, marks) ? 0 : pk_fail_mem(err, "a row's JSON");
    }
    if (rest && cJSON_AddItemToObject(*extra, "row", rest))
        return 0;
    cJSON_Delete(rest);
    return pk_fail_mem(err, "a row's JSON");
}
