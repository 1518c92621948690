/* Rows of `score`, written: the scores go into the row's own text, so that what
 * we did not make comes out as it went in, to the byte. See row.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "rm/row.h"

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
        struct pk_buf t = now;
        now = next;
        next = t;
        pk_buf_reset(&next);
    }
    if (rc == 0)
        rc = rm_json_set(out, line, len, key, now.data);
    pk_buf_release(&now);
    pk_buf_release(&next);
    return rc;
}

/* Add item to a list or, where there is one text only, to an object. Takes
 * the item over. */
static int put(cJSON *object, const char *key, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, key, item))
        return 0;
    cJSON_Delete(item);
    return PK_EMEM;
}

enum what { SCORE, CUT, DROPPED };

/* The most that any model dropped, or whether any read it as cut. */
static size_t worst(const struct rm_scorer *s, size_t text, enum what what)
{
    size_t most = 0;
    for (size_t m = 0; m < rm_scorer_models(s); m++) {
        const struct rm_scored *x = rm_scorer_get(s, m, text);
        size_t n = what == CUT ? x->cut : x->dropped;
        most = n > most ? n : most;
    }
    return most;
}

static cJSON *one(const struct rm_scorer *s, size_t model, size_t text,
                  enum what what)
{
    char number[40];
    switch (what) {
    case SCORE:
        snprintf(number, sizeof number, "%.9g",
                 rm_scorer_get(s, model, text)->score);
        return cJSON_CreateRaw(number);
    case CUT:
        return cJSON_CreateBool(worst(s, text, CUT) > 0);
    default:
        return cJSON_CreateNumber((double)worst(s, text, DROPPED));
    }
}

/* One value, or the list of them. */
static cJSON *values(const struct rm_scorer *s, size_t model, size_t first,
                     size_t n, bool list, enum what what)
{
    if (!list)
        return one(s, model, first, what);
    cJSON *a = cJSON_CreateArray();
    for (size_t i = first; a && i < first + n; i++) {
        cJSON *v = one(s, model, i, what);
        if (!v || !cJSON_AddItemToArray(a, v)) {
            cJSON_Delete(v);
            cJSON_Delete(a);
            return NULL;
        }
    }
    return a;
}

static int fill_marks(cJSON *marks, const struct rm_scorer *s, size_t first,
                      size_t n, bool list)
{
    size_t cut = 0, dropped = 0;
    int rc = 0;
    for (size_t i = first; i < first + n; i++) {
        cut += worst(s, i, CUT);
        dropped += worst(s, i, DROPPED);
    }
    if (cut)
        rc = put(marks, "cut", values(s, 0, first, n, list, CUT));
    if (dropped && rc == 0)
        rc = put(marks, "dropped_exchanges",
                 values(s, 0, first, n, list, DROPPED));
    return rc;
}

int rm_row_write(struct pk_buf *out, const char *line, size_t len,
                 const struct rm_scorer *s, size_t first, size_t n, bool list,
                 struct pk_err *err)
{
    struct pk_buf scored = PK_BUF_INIT(2 * PK_LINE_MAX);
    cJSON *scores = cJSON_CreateObject(), *marks = cJSON_CreateObject();
    int rc = scores && marks ? 0 : PK_EMEM;
    for (size_t m = 0; m < rm_scorer_models(s) && rc == 0; m++)
        rc = put(scores, rm_scorer_name(s, m),
                 values(s, m, first, n, list, SCORE));
    if (rc == 0)
        rc = fill_marks(marks, s, first, n, list);
    if (rc == 0)
        rc = rm_json_merge(&scored, line, len, "scores", scores);
    if (rc == 0)
        rc = marks->child
                 ? rm_json_merge(out, scored.data, scored.len, "marks", marks)
                 : pk_buf_add(out, scored.data, scored.len);
    cJSON_Delete(scores);
    cJSON_Delete(marks);
    pk_buf_release(&scored);
    if (rc == PK_EDATA)
        return pk_fail(err, rc, "the row would be too long with its scores");
    return rc ? pk_fail_mem(err, "a row") : 0;
}
