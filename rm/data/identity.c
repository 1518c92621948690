/* Is it the same run; see identity.h. */
#include "rm/data/identity.h"

#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"

static bool among(const char *key, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static bool changes_nothing(const char *key)
{
    static const char *const keys[] = {"path", "threads", "ranks", "recompute"};
    return among(key, keys, sizeof keys / sizeof *keys);
}

static bool came_of_it(const char *key)
{
    static const char *const keys[] = {"run",           "last_step",
                                       "kept_step",     "pairs_trained",
                                       "stopped_early", "validation"};
    return among(key, keys, sizeof keys / sizeof *keys);
}

static void add_value(struct pk_buf *how, const cJSON *v)
{
    char *text = v ? cJSON_PrintUnformatted(v) : NULL;
    pk_buf_addf(how, "%.100s", text ? text : "nothing");
    free(text);
}

static bool value_differs(const cJSON *was, const cJSON *is,
                          const struct pk_buf *where, struct pk_buf *how)
{
    if (was && is && cJSON_Compare(was, is, 1))
        return false;
    pk_buf_addf(how, "%s was ", where->len ? where->data : "it");
    add_value(how, was);
    pk_buf_adds(how, ", is ");
    add_value(how, is);
    return true;
}

/* `where`: the members that lead here. */
static bool differs(const cJSON *was, const cJSON *is, struct pk_buf *where,
                    struct pk_buf *how)
{
    size_t len = where->len;
    if (!cJSON_IsObject(was) || !cJSON_IsObject(is))
        return value_differs(was, is, where, how);
    for (int side = 0; side < 2; side++) {
        const cJSON *m, *all = side ? is : was;
        cJSON_ArrayForEach(m, all)
        {
            const cJSON *a = cJSON_GetObjectItemCaseSensitive(was, m->string);
            const cJSON *b = cJSON_GetObjectItemCaseSensitive(is, m->string);
            if (changes_nothing(m->string) || (side && a) ||
                (len == 0 && came_of_it(m->string)))
                continue;
            pk_buf_addf(where, "%s%s", len ? "." : "", m->string);
            if (differs(a, b, where, how))
                return true;
            where->len = len;
            where->data[len] = 0;
        }
    }
    return false;
}

bool rm_identity_differs(const cJSON *was, const cJSON *is, struct pk_buf *how)
{
    struct pk_buf where = PK_BUF_INIT(1 << 16);
    bool differ = differs(was, is, &where, how);
    pk_buf_release(&where);
    return differ;
}

static void drop_what_changes_nothing(cJSON *o)
{
    cJSON *next;
    for (cJSON *m = o->child; m; m = next) {
        next = m->next;
        if (changes_nothing(m->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(o, m));
        else if (cJSON_IsObject(m))
            drop_what_changes_nothing(m);
    }
}

int rm_identity_name(const cJSON *identity, char out[65])
{
    cJSON *o = cJSON_Duplicate(identity, true);
    if (o)
        drop_what_changes_nothing(o);
    char *text = o ? cJSON_PrintUnformatted(o) : NULL;
    cJSON_Delete(o);
    int rc = text ? pk_sha256_of(text, strlen(text), out, NULL) : PK_EMEM;
    free(text);
    return rc;
}
