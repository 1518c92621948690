/* For readers of one comparison; see rows.h. */
#include <string.h>

#include "common/json.h"
#include "prefdb/import/rows.h"

static bool same_turn(const struct prefdb_turn *x, const struct prefdb_turn *y)
{
    return x->role == y->role && x->len == y->len &&
           memcmp(x->text, y->text, x->len) == 0;
}

int prefdb__split_dialogues(struct prefdb__record *out, size_t n_a,
                            struct pk_err *err)
{
    const struct prefdb_turn *a = out->context, *b = a + n_a;
    size_t n_b = out->n_context - n_a, common = 0;
    if (n_a == 0 || n_b == 0)
        return pk_fail(err, PK_EDATA, "a dialogue is empty");
    if (a[n_a - 1].role != PREFDB_ASSISTANT ||
        b[n_b - 1].role != PREFDB_ASSISTANT)
        return pk_fail(err, PK_EDATA,
                       "a dialogue does not end with the assistant");
    while (common < n_a && common < n_b && same_turn(&a[common], &b[common]))
        common++;
    if (common == n_a && common == n_b)
        return pk_fail(err, PK_EDATA, "the two responses are the same");
    if (common + 1 != n_a || common + 1 != n_b)
        return pk_fail(err, PK_EDATA,
                       "the dialogues part before the last answer");
    out->a.turn = a[common];
    out->b.turn = b[common];
    out->n_context = common;
    return 0;
}

int prefdb__keep_rest(cJSON *row, const char *const *known, cJSON **extra,
                      struct pk_err *err)
{
    cJSON *next;
    for (cJSON *m = row->child; m; m = next) {
        next = m->next;
        bool is_known = cJSON_IsNull(m);
        for (size_t i = 0; known[i] && !is_known; i++)
            is_known = strcmp(known[i], m->string) == 0;
        if (is_known)
            continue;
        if (!*extra && !(*extra = cJSON_CreateObject()))
            return pk_fail_mem(err, "a row's JSON");
        cJSON_DetachItemViaPointer(row, m);
        cJSON_AddItemToArray(*extra, m); /* it keeps its name */
    }
    return 0;
}

int prefdb__judge_chosen(cJSON *row, int dimension, const char *const *known,
                         struct prefdb__record *out, struct pk_err *err)
{
    struct prefdb__judgment *j = prefdb__record_judgment(
        out, (enum prefdb_dimension)dimension, PREFDB_A);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    return prefdb__keep_rest(row, known, &j->extra, err);
}

bool prefdb__has(const cJSON *row, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(row, key) != NULL;
}

int prefdb__read_bool(const cJSON *obj, const char *key, int fallback, int *out,
                      struct pk_err *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, key);
    *out = fallback;
    if (!v || cJSON_IsNull(v))
        return 0;
    if (!cJSON_IsBool(v))
        return pk_fail(err, PK_EDATA, "\"%s\" is not true or false", key);
    *out = cJSON_IsTrue(v);
    return 0;
}
