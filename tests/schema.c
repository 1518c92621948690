/* A small JSON Schema validator; see schema.h. */
#include "tests/schema.h"

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

struct check {
    const cJSON *root;
    char why[512]; /* the first mismatch; "" while there is none */
};

static bool matches(struct check *c, const cJSON *schema, const cJSON *doc,
                    const char *where);

static bool mismatch(struct check *c, const char *where, const char *what,
                     const char *name)
{
    if (!c->why[0])
        snprintf(c->why, sizeof c->why, "%s: %s %s", where, what, name);
    return false;
}

static bool is_type(const cJSON *doc, const char *type)
{
    return (strcmp(type, "object") == 0 && cJSON_IsObject(doc)) ||
           (strcmp(type, "array") == 0 && cJSON_IsArray(doc)) ||
           (strcmp(type, "string") == 0 && cJSON_IsString(doc)) ||
           (strcmp(type, "boolean") == 0 && cJSON_IsBool(doc)) ||
           (strcmp(type, "null") == 0 && cJSON_IsNull(doc)) ||
           (strcmp(type, "number") == 0 && cJSON_IsNumber(doc)) ||
           (strcmp(type, "integer") == 0 && cJSON_IsNumber(doc) &&
            doc->valuedouble == (double)(long long)doc->valuedouble);
}

static bool type_ok(const cJSON *type, const cJSON *doc)
{
    if (cJSON_IsString(type))
        return is_type(doc, type->valuestring);
    const cJSON *t;
    cJSON_ArrayForEach(t, type)
    {
        if (is_type(doc, t->valuestring))
            return true;
    }
    return false;
}

static bool one_of(const cJSON *list, const cJSON *doc)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, list)
    {
        if (cJSON_Compare(x, doc, true))
            return true;
    }
    return false;
}

static bool pattern_ok(const char *pattern, const cJSON *doc)
{
    regex_t re;
    if (!cJSON_IsString(doc))
        return true;
    ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool ok = regexec(&re, doc->valuestring, 0, NULL, 0) == 0;
    regfree(&re);
    return ok;
}

static bool members_ok(struct check *c, const cJSON *schema, const cJSON *doc,
                       const char *where)
{
    const cJSON *known = cJSON_GetObjectItemCaseSensitive(schema, "properties");
    const cJSON *rest =
        cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties");
    const cJSON *x;
    cJSON_ArrayForEach(x, doc)
    {
        char at[256];
        snprintf(at, sizeof at, "%.180s/%.60s", where, x->string);
        const cJSON *s = cJSON_GetObjectItemCaseSensitive(known, x->string);
        s = s ? s : rest;
        if (!s || cJSON_IsFalse(s))
            return mismatch(c, at, "is not in the", "schema");
        if (!matches(c, s, x, at))
            return false;
    }
    return true;
}

static bool items_ok(struct check *c, const cJSON *schema, const cJSON *doc,
                     const char *where)
{
    const cJSON *x;
    int i = 0;
    cJSON_ArrayForEach(x, doc)
    {
        char at[256];
        snprintf(at, sizeof at, "%.240s/%d", where, i++);
        if (!matches(c, schema, x, at))
            return false;
    }
    return true;
}

static bool required_ok(struct check *c, const cJSON *names, const cJSON *doc,
                        const char *where)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, names)
    {
        if (!cJSON_GetObjectItemCaseSensitive(doc, x->valuestring))
            return mismatch(c, where, "lacks", x->valuestring);
    }
    return true;
}

/* Against the schema in another file beside this one. */
static bool elsewhere_ok(struct check *c, const char *file, const cJSON *doc,
                         const char *where)
{
    struct pk_err err;
    cJSON *schema;
    char path[256];
    snprintf(path, sizeof path, "schemas/%s", file);
    ck_ok(pk_json_load(&schema, path, (size_t)1 << 20, &err));
    struct check there = {.root = schema};
    bool ok = matches(&there, schema, doc, where);
    if (!ok && !c->why[0])
        memcpy(c->why, there.why, sizeof c->why);
    cJSON_Delete(schema);
    return ok;
}

static const cJSON *definition(const struct check *c, const char *ref)
{
    ck_assert_int_eq(strncmp(ref, "#/$defs/", 8), 0);
    const cJSON *d = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(c->root, "$defs"), ref + 8);
    ck_assert_msg(d != NULL, "%s is not there", ref);
    return d;
}

/* How many of the list's schemas the document matches. */
static int count_matches(const struct check *c, const cJSON *list,
                         const cJSON *doc, const char *where)
{
    int n = 0;
    const cJSON *s;
    cJSON_ArrayForEach(s, list)
    {
        struct check alone = {.root = c->root};
        n += matches(&alone, s, doc, where);
    }
    return n;
}

/* One keyword of a schema. */
static bool keyword_ok(struct check *c, const cJSON *schema, const cJSON *k,
                       const cJSON *doc, const char *where)
{
    const char *key = k->string;
    static const char *const silent[] = {"$schema",     "$id",
                                         "$defs",       "title",
                                         "description", "additionalProperties",
                                         NULL};
    for (int i = 0; silent[i]; i++)
        if (strcmp(key, silent[i]) == 0)
            return true;
    if (strcmp(key, "$ref") == 0 && k->valuestring[0] != '#')
        return elsewhere_ok(c, k->valuestring, doc, where);
    if (strcmp(key, "$ref") == 0)
        return matches(c, definition(c, k->valuestring), doc, where);
    if (strcmp(key, "required") == 0)
        return !cJSON_IsObject(doc) || required_ok(c, k, doc, where);
    if (strcmp(key, "properties") == 0)
        return !cJSON_IsObject(doc) || members_ok(c, schema, doc, where);
    if (strcmp(key, "items") == 0)
        return !cJSON_IsArray(doc) || items_ok(c, k, doc, where);
    bool ok = false;
    if (strcmp(key, "type") == 0)
        ok = type_ok(k, doc);
    else if (strcmp(key, "const") == 0)
        ok = cJSON_Compare(k, doc, true);
    else if (strcmp(key, "enum") == 0)
        ok = one_of(k, doc);
    else if (strcmp(key, "minimum") == 0)
        ok = !cJSON_IsNumber(doc) || doc->valuedouble >= k->valuedouble;
    else if (strcmp(key, "maximum") == 0)
        ok = !cJSON_IsNumber(doc) || doc->valuedouble <= k->valuedouble;
    else if (strcmp(key, "minItems") == 0)
        ok = !cJSON_IsArray(doc) || cJSON_GetArraySize(doc) >= k->valueint;
    else if (strcmp(key, "anyOf") == 0)
        ok = count_matches(c, k, doc, where) > 0;
    else if (strcmp(key, "oneOf") == 0)
        ok = count_matches(c, k, doc, where) == 1;
    else if (strcmp(key, "pattern") == 0)
        ok = pattern_ok(k->valuestring, doc);
    else
        ck_abort_msg("the schema's keyword '%s' is not known here", key);
    return ok || mismatch(c, where, "breaks", key);
}

static bool matches(struct check *c, const cJSON *schema, const cJSON *doc,
                    const char *where)
{
    /* additionalProperties may stand without properties. */
    if (cJSON_IsObject(doc) &&
        cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties") &&
        !members_ok(c, schema, doc, where))
        return false;
    const cJSON *k;
    cJSON_ArrayForEach(k, schema)
    {
        if (!keyword_ok(c, schema, k, doc, where))
            return false;
    }
    return true;
}

void ck_schema(const cJSON *doc, const char *schema_path)
{
    struct pk_err err;
    cJSON *schema;
    ck_ok(pk_json_load(&schema, schema_path, (size_t)1 << 20, &err));
    struct check c = {.root = schema};
    ck_assert_msg(matches(&c, schema, doc, ""), "%s: %s", schema_path, c.why);
    cJSON_Delete(schema);
}
