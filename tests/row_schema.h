/* A validator for JSON Schema, as far as our schemas go: type, enum, required,
 * properties, additionalProperties (false), items, minItems, minimum, maximum,
 * pattern (a POSIX extended expression), oneOf, and $ref into $defs. */
#ifndef PREFKIT_TESTS_ROW_SCHEMA_H
#define PREFKIT_TESTS_ROW_SCHEMA_H

#include <math.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

struct schema__run {
    const cJSON *root;
    char *why;
    size_t size;
};

static inline bool schema__check(struct schema__run *r, const cJSON *schema,
                                 const cJSON *v, const char *where);

static inline bool schema__fail(struct schema__run *r, const char *where,
                                const char *what)
{
    snprintf(r->why, r->size, "%s: %s", where, what);
    return false;
}

static inline bool schema__is(const char *type, const cJSON *v)
{
    return strcmp(type, "object") == 0    ? cJSON_IsObject(v)
           : strcmp(type, "array") == 0   ? cJSON_IsArray(v)
           : strcmp(type, "string") == 0  ? cJSON_IsString(v)
           : strcmp(type, "number") == 0  ? cJSON_IsNumber(v)
           : strcmp(type, "boolean") == 0 ? cJSON_IsBool(v)
           : strcmp(type, "null") == 0    ? cJSON_IsNull(v)
           : strcmp(type, "integer") == 0
               ? cJSON_IsNumber(v) && v->valuedouble == floor(v->valuedouble)
               : false;
}

static inline bool schema__type(const cJSON *type, const cJSON *v)
{
    const cJSON *t;
    if (cJSON_IsString(type))
        return schema__is(type->valuestring, v);
    cJSON_ArrayForEach(t, type) if (schema__is(t->valuestring, v)) return true;
    return false;
}

static inline bool schema__object(struct schema__run *r, const cJSON *schema,
                                  const cJSON *v)
{
    const cJSON *required = cJSON_GetObjectItem(schema, "required"), *k;
    const cJSON *properties = cJSON_GetObjectItem(schema, "properties");
    const cJSON *more = cJSON_GetObjectItem(schema, "additionalProperties");
    cJSON_ArrayForEach(k, required)
    {
        if (!cJSON_GetObjectItemCaseSensitive(v, k->valuestring))
            return schema__fail(r, k->valuestring, "is missing");
    }
    cJSON_ArrayForEach(k, v)
    {
        const cJSON *p =
            cJSON_GetObjectItemCaseSensitive(properties, k->string);
        if (!p && cJSON_IsFalse(more))
            return schema__fail(r, k->string, "is not in the schema");
        if (p && !schema__check(r, p, k, k->string))
            return false;
    }
    return true;
}

static inline bool schema__array(struct schema__run *r, const cJSON *schema,
                                 const cJSON *v, const char *where)
{
    const cJSON *items = cJSON_GetObjectItem(schema, "items"), *e;
    const cJSON *least = cJSON_GetObjectItem(schema, "minItems");
    if (least && cJSON_GetArraySize(v) < least->valueint)
        return schema__fail(r, where, "has too few elements");
    cJSON_ArrayForEach(e, v)
    {
        if (items && !schema__check(r, items, e, where))
            return false;
    }
    return true;
}

static inline bool schema__scalar(struct schema__run *r, const cJSON *schema,
                                  const cJSON *v, const char *where)
{
    const cJSON *low = cJSON_GetObjectItem(schema, "minimum");
    const cJSON *high = cJSON_GetObjectItem(schema, "maximum");
    const cJSON *pattern = cJSON_GetObjectItem(schema, "pattern");
    regex_t re;
    if (cJSON_IsNumber(v) && ((low && v->valuedouble < low->valuedouble) ||
                              (high && v->valuedouble > high->valuedouble)))
        return schema__fail(r, where, "is out of range");
    if (!cJSON_IsString(v) || !pattern)
        return true;
    if (regcomp(&re, pattern->valuestring, REG_EXTENDED | REG_NOSUB) != 0)
        return schema__fail(r, where, "its pattern is wrong");
    bool ok = regexec(&re, v->valuestring, 0, NULL, 0) == 0;
    regfree(&re);
    return ok || schema__fail(r, where, "does not match its pattern");
}

static inline bool schema__choices(struct schema__run *r, const cJSON *schema,
                                   const cJSON *v, const char *where)
{
    const cJSON *list = cJSON_GetObjectItem(schema, "enum"), *e;
    bool found = !list;
    cJSON_ArrayForEach(e, list) found = found || cJSON_Compare(e, v, 1);
    if (!found)
        return schema__fail(r, where, "is none of the allowed values");
    int n = 0;
    list = cJSON_GetObjectItem(schema, "oneOf");
    cJSON_ArrayForEach(e, list) n += schema__check(r, e, v, where);
    if (list && n == 0)
        return false; /* the last one's reason */
    return n <= 1 || schema__fail(r, where, "fits more than one form");
}

static inline bool schema__check(struct schema__run *r, const cJSON *schema,
                                 const cJSON *v, const char *where)
{
    static const char prefix[] = "#/$defs/";
    const cJSON *ref = cJSON_GetObjectItem(schema, "$ref");
    const cJSON *type = cJSON_GetObjectItem(schema, "type");
    if (ref && strncmp(ref->valuestring, prefix, sizeof prefix - 1) == 0) {
        const cJSON *defs = cJSON_GetObjectItem(r->root, "$defs");
        schema = cJSON_GetObjectItemCaseSensitive(defs, ref->valuestring +
                                                            sizeof prefix - 1);
        return schema ? schema__check(r, schema, v, where)
                      : schema__fail(r, where, "its $ref leads nowhere");
    }
    if (type && !schema__type(type, v))
        return schema__fail(r, where, "has the wrong type");
    if (!schema__choices(r, schema, v, where))
        return false;
    if (cJSON_IsObject(v))
        return schema__object(r, schema, v);
    if (cJSON_IsArray(v))
        return schema__array(r, schema, v, where);
    return schema__scalar(r, schema, v, where);
}

/* Is v as the schema says? If not, `why` says where and what. */
static inline bool schema_valid(const cJSON *schema, const cJSON *v, char *why,
                                size_t size)
{
    struct schema__run r = {schema, why, size};
    *why = 0;
    return schema__check(&r, schema, v, "row");
}

#endif
