/* Has each member of an object a name of its own? See json.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/fnv.h"
#include "common/json.h"
#include "common/mem.h"

enum { FEW = 16 }; /* so many names are compared one by one */

struct name {
    uint64_t hash;
    const char *text;
};

/* Names made to collide cost a strcmp, no more. */
static int by_hash(const void *x, const void *y)
{
    const struct name *a = x, *b = y;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return strcmp(a->text, b->text);
}

static int twice(const char *name, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(256);
    int rc = pk_json_quote(&b, name, strlen(name));
    rc = pk_fail(err, PK_EDATA, "%s is there twice", rc ? "a name" : b.data);
    pk_buf_release(&b);
    return rc;
}

/* A vocabulary has 128 thousand names. */
static int check_many(const cJSON *object, size_t n, struct pk_err *err)
{
    struct name *v = pk_calloc(n, sizeof *v);
    if (!v)
        return pk_fail_mem(err, "the names of an object");
    const cJSON *m = object->child;
    for (size_t i = 0; i < n; i++, m = m->next)
        v[i] = (struct name){pk_fnv_text(m->string), m->string};
    qsort(v, n, sizeof *v, by_hash);
    int rc = 0;
    for (size_t i = 1; i < n && !rc; i++)
        if (by_hash(&v[i - 1], &v[i]) == 0)
            rc = twice(v[i].text, err);
    free(v);
    return rc;
}

static int check(const cJSON *object, struct pk_err *err)
{
    size_t n = 0;
    for (const cJSON *m = object->child; m; m = m->next)
        if (++n > FEW)
            break;
    if (n > FEW)
        return check_many(object, (size_t)cJSON_GetArraySize(object), err);
    for (const cJSON *m = object->child; m; m = m->next)
        for (const cJSON *x = object->child; x != m; x = x->next)
            if (strcmp(x->string, m->string) == 0)
                return twice(m->string, err);
    return 0;
}

int pk_json_names(const cJSON *j, struct pk_err *err)
{
    int rc = cJSON_IsObject(j) ? check(j, err) : 0;
    const cJSON *m;
    cJSON_ArrayForEach(m, j) if (!rc && m->child) rc = pk_json_names(m, err);
    return rc;
}
