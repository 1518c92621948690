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

/* A schema that cannot be used: nothing is to pass by it. Not by Check's means,
 * as programs that are no suite look at schemas too. */
_Noreturn static void broken(const char *what, const char *name)
{
    fprintf(stderr, "a schema's %s: %s\n", what, name);
    exit(1);
}

static cJSON *load(const char *path)
{
    struct pk_err err;
    cJSON *schema;
    if (pk_json_load(&schema, path, (size_t)1 << 20, &err) < 0)
        broken("file", err.text);
    return schema;
}

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

static bool fits(const char *pattern, const char *text)
{
    regex_t re;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        broken("pattern", pattern);
    bool ok = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return ok;
}

/* The schema of an object's member of that name, or NULL. */
static const cJSON *member_schema(const cJSON *schema, const char *name)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(
                    cJSON_GetObjectItemCaseSensitive(schema, "properties"),
                    name),
                *p;
    if (s)
        return s;
    cJSON_ArrayForEach(
        p, cJSON_GetObjectItemCaseSensitive(schema, "patternProperties"))
    {
        if (fits(p->string, name))
            return p;
    }
    return cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties");
}

static bool members_ok(struct check *c, const cJSON *schema, const cJSON *doc,
                       const char *where)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, doc)
    {
        char at[256];
        snprintf(at, sizeof at, "%.180s/%.60s", where, x->string);
        const cJSON *s = member_schema(schema, x->string);
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

/* A schema of the whole for each member that is there. */
static bool dependents_ok(struct check *c, const cJSON *by_name,
                          const cJSON *doc, const char *where)
{
    const cJSON *s;
    cJSON_ArrayForEach(s, by_name)
    {
        if (cJSON_GetObjectItemCaseSensitive(doc, s->string) &&
            !matches(c, s, doc, where))
            return false;
    }
    return true;
}

/* Against the schema in another file beside this one. */
static bool elsewhere_ok(struct check *c, const char *file, const cJSON *doc,
                         const char *where)
{
    char path[256];
    snprintf(path, sizeof path, "schemas/%s", file);
    cJSON *schema = load(path);
    struct check there = {.root = schema};
    bool ok = matches(&there, schema, doc, where);
    if (!ok && !c->why[0])
        memcpy(c->why, there.why, sizeof c->why);
    cJSON_Delete(schema);
    return ok;
}

static const cJSON *definition(const struct check *c, const char *ref)
{
    if (strncmp(ref, "#/$defs/", 8) != 0)
        broken("reference", ref);
    const cJSON *d = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(c->root, "$defs"), ref + 8);
    if (!d)
        broken("reference that is not there", ref);
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

/* A keyword about the value itself, or one that combines schemas. */
static bool value_ok(const struct check *c, const cJSON *k, const cJSON *doc,
                     const char *where)
{
    const char *key = k->string;
    bool number = cJSON_IsNumber(doc), list = cJSON_IsArray(doc);
    if (strcmp(key, "type") == 0)
        return type_ok(k, doc);
    if (strcmp(key, "const") == 0)
        return cJSON_Compare(k, doc, true);
    if (strcmp(key, "enum") == 0)
        return one_of(k, doc);
    if (strcmp(key, "minimum") == 0)
        return !number || doc->valuedouble >= k->valuedouble;
    if (strcmp(key, "exclusiveMinimum") == 0)
        return !number || doc->valuedouble > k->valuedouble;
    if (strcmp(key, "maximum") == 0)
        return !number || doc->valuedouble <= k->valuedouble;
    if (strcmp(key, "minItems") == 0)
        return !list || cJSON_GetArraySize(doc) >= k->valueint;
    if (strcmp(key, "maxItems") == 0)
        return !list || cJSON_GetArraySize(doc) <= k->valueint;
    if (strcmp(key, "pattern") == 0)
        return !cJSON_IsString(doc) || fits(k->valuestring, doc->valuestring);
    if (strcmp(key, "anyOf") == 0)
        return count_matches(c, k, doc, where) > 0;
    if (strcmp(key, "oneOf") == 0)
        return count_matches(c, k, doc, where) == 1;
    if (strcmp(key, "not") == 0)
        return !matches(&(struct check){.root = c->root}, k, doc, where);
    broken("keyword that is not known here", key);
}

/* One keyword of a schema. */
static bool keyword_ok(struct check *c, const cJSON *schema, const cJSON *k,
                       const cJSON *doc, const char *where)
{
    const char *key = k->string;
    static const char *const silent[] = {"$schema",
                                         "$id",
                                         "$defs",
                                         "title",
                                         "description",
                                         "additionalProperties",
                                         "patternProperties",
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
    if (strcmp(key, "dependentSchemas") == 0)
        return !cJSON_IsObject(doc) || dependents_ok(c, k, doc, where);
    if (strcmp(key, "items") == 0)
        return !cJSON_IsArray(doc) || items_ok(c, k, doc, where);
    return value_ok(c, k, doc, where) || mismatch(c, where, "breaks", key);
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

bool schema_matches(const cJSON *doc, const char *schema_path, char why[512])
{
    cJSON *schema = load(schema_path);
    struct check c = {.root = schema};
    bool ok = matches(&c, schema, doc, "");
    memcpy(why, c.why, sizeof c.why);
    cJSON_Delete(schema);
    return ok;
}

void ck_schema(const cJSON *doc, const char *schema_path)
{
    char why[512];
    ck_assert_msg(schema_matches(doc, schema_path, why), "%s: %s", schema_path,
                  why);
}
