/* Members of a JSON object's text, changed; see row_edit.h. */
#include "rm/score/row_edit.h"

#include <stdlib.h>
#include <string.h>

#include "common/lines.h"

static size_t skip_space(const char *s, size_t i, size_t n)
{
    while (i < n && strchr(" \t\r\n", s[i]))
        i++;
    return i;
}

/* The end of the string literal that starts at i. */
static size_t skip_string(const char *s, size_t i, size_t n)
{
    for (i++; i < n && s[i] != '"'; i++)
        if (s[i] == '\\')
            i++;
    return i < n ? i + 1 : n;
}

/* The end of the value that starts at i: the comma or brace that closes it. */
static size_t skip_value(const char *s, size_t i, size_t n)
{
    int depth = 0;
    while (i < n) {
        char c = s[i];
        if (c == '"') {
            i = skip_string(s, i, n);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return i;
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        i++;
    }
    return n;
}

/* Whether a string literal, which may hold escapes, says `key`. */
static bool says(const char *literal, size_t len, const char *key)
{
    cJSON *v = cJSON_ParseWithLength(literal, len);
    bool same = cJSON_IsString(v) && strcmp(v->valuestring, key) == 0;
    cJSON_Delete(v);
    return same;
}

struct span {
    size_t key, value, end; /* end: past the value, before its comma */
};

/* Find a member of the valid JSON object in s. */
static bool find_member(const char *s, size_t n, const char *key,
                        struct span *at)
{
    size_t i = skip_space(s, skip_space(s, 0, n) + 1, n);
    while (i < n && s[i] == '"') {
        at->key = i;
        i = skip_string(s, i, n);
        bool same = says(s + at->key, i - at->key, key);
        i = skip_space(s, skip_space(s, i, n) + 1, n); /* past the colon */
        at->value = i;
        at->end = i = skip_value(s, i, n);
        if (same)
            return true;
        i = skip_space(s, i + 1, n); /* past the comma, or at the end */
    }
    return false;
}

int rm_json_set(struct pk_buf *out, const char *line, size_t len,
                const char *key, const char *value)
{
    struct span at;
    if (!find_member(line, len, key, &at))
        return pk_json_splice(out, line, len, key, value);
    pk_buf_add(out, line, at.value);
    pk_buf_adds(out, value);
    return pk_buf_add(out, line + at.end, len - at.end);
}

int rm_json_unset(struct pk_buf *out, const char *line, size_t len,
                  const char *key)
{
    struct span at;
    if (!find_member(line, len, key, &at))
        return pk_buf_add(out, line, len);
    /* With the comma behind it or, for the last one, the one before it. */
    size_t from = at.key, to = at.end;
    if (line[to] == ',') {
        to = skip_space(line, to + 1, len);
    } else {
        while (from > 0 && strchr(" \t\r\n", line[from - 1]))
            from--;
        from -= from > 0 && line[from - 1] == ',';
    }
    pk_buf_add(out, line, from);
    return pk_buf_add(out, line + to, len - to);
}

bool rm_json_has(const char *line, size_t len, const char *key)
{
    struct span at;
    return find_member(line, len, key, &at);
}

cJSON *rm_json_member(const char *line, size_t len, const char *key)
{
    struct span at;
    if (!find_member(line, len, key, &at))
        return NULL;
    return cJSON_ParseWithLength(line + at.value, at.end - at.value);
}

static void swap(struct pk_buf *a, struct pk_buf *b)
{
    struct pk_buf t = *a;
    *a = *b;
    *b = t;
}

static bool is_empty(const struct pk_buf *object)
{
    return object->data[skip_space(object->data, 1, object->len)] == '}';
}

int rm_json_prune(struct pk_buf *out, const char *line, size_t len,
                  const char *key, const char *const *names)
{
    struct pk_buf now = PK_BUF_INIT(2 * PK_LINE_MAX);
    struct pk_buf next = PK_BUF_INIT(2 * PK_LINE_MAX);
    struct span at;
    if (!find_member(line, len, key, &at) || line[at.value] != '{')
        return pk_buf_add(out, line, len);
    int rc = pk_buf_add(&now, line + at.value, at.end - at.value);
    for (; *names && rc == 0; names++) {
        rc = rm_json_unset(&next, now.data, now.len, *names);
        swap(&now, &next);
        pk_buf_reset(&next);
    }
    if (rc == 0)
        rc = is_empty(&now) ? rm_json_unset(out, line, len, key)
                            : rm_json_set(out, line, len, key, now.data);
    pk_buf_release(&now);
    pk_buf_release(&next);
    return rc;
}

int rm_json_merge(struct pk_buf *out, const char *line, size_t len,
                  const char *key, const cJSON *members)
{
    struct pk_buf now = PK_BUF_INIT(2 * PK_LINE_MAX);
    struct pk_buf next = PK_BUF_INIT(2 * PK_LINE_MAX);
    struct span at;
    if (find_member(line, len, key, &at))
        pk_buf_add(&now, line + at.value, at.end - at.value);
    else
        pk_buf_adds(&now, "{}");
    int rc = now.failed;
    const cJSON *m;
    cJSON_ArrayForEach(m, members)
    {
        char *text = cJSON_PrintUnformatted(m);
        if (rc == 0)
            rc = text ? rm_json_set(&next, now.data, now.len, m->string, text)
                      : PK_EMEM;
        free(text);
        swap(&now, &next);
        pk_buf_reset(&next);
    }
    if (rc == 0)
        rc = rm_json_set(out, line, len, key, now.data);
    pk_buf_release(&now);
    pk_buf_release(&next);
    return rc;
}
