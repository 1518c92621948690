/* Rows of `score`, written: the scores go into the row's own text, so that what
 * we did not make comes out as it went in, to the byte. See row.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "common/utf8.h"
#include "rm/score/row.h"

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

/* What is written of a text. */
enum what { SCORE, COMBINED, FROM, CUT, DROPPED };

/* Of text i by a model. */
static const struct rm_scored *scored(const struct rm_row_scores *r,
                                      size_t model, size_t i)
{
    return &r->scored[i * rm_scorer_models(r->scorer) + model];
}

/* The most that any model dropped of text i, or whether any read it as cut. */
static size_t worst(const struct rm_row_scores *r, size_t i, enum what what)
{
    size_t most = 0;
    for (size_t m = 0; m < rm_scorer_models(r->scorer); m++) {
        const struct rm_scored *x = scored(r, m, i);
        size_t n = what == CUT ? x->cut : x->dropped;
        most = n > most ? n : most;
    }
    return most;
}

static void print_score(char out[40], double score)
{
    snprintf(out, 40, RM_SCORE_FORMAT, score);
}

double rm_row_rounded(double score)
{
    char number[40];
    print_score(number, score);
    return strtod(number, NULL);
}

static cJSON *number(double x)
{
    char text[40];
    print_score(text, x);
    return cJSON_CreateRaw(text);
}

/* Of the row's text i; `model` for SCORE. */
static cJSON *one(const struct rm_row_scores *r, size_t model, size_t i,
                  enum what what)
{
    switch (what) {
    case SCORE:
        return number(scored(r, model, i)->score);
    case COMBINED:
        return number(r->combined[i].value);
    case FROM:
        return cJSON_CreateString(r->combined[i].safety ? "safety"
                                                        : "helpfulness");
    case CUT:
        return cJSON_CreateBool(worst(r, i, CUT) > 0);
    default:
        return cJSON_CreateNumber((double)worst(r, i, DROPPED));
    }
}

/* One value, or the list of them. */
static cJSON *values(const struct rm_row_scores *r, size_t model,
                     enum what what)
{
    if (!r->list)
        return one(r, model, 0, what);
    cJSON *a = cJSON_CreateArray();
    for (size_t i = 0; a && i < r->n; i++) {
        cJSON *v = one(r, model, i, what);
        if (!v || !cJSON_AddItemToArray(a, v)) {
            cJSON_Delete(v);
            cJSON_Delete(a);
            return NULL;
        }
    }
    return a;
}

static int fill_scores(cJSON *scores, const struct rm_row_scores *r)
{
    int rc = 0;
    for (size_t m = 0; m < rm_scorer_models(r->scorer) && rc == 0; m++)
        rc = put(scores, rm_scorer_name(r->scorer, m), values(r, m, SCORE));
    if (rc == 0 && r->combined)
        rc = put(scores, "combined", values(r, 0, COMBINED));
    return rc;
}

static int fill_marks(cJSON *marks, const struct rm_row_scores *r)
{
    size_t cut = 0, dropped = 0;
    int rc = 0;
    for (size_t i = 0; i < r->n; i++) {
        cut += worst(r, i, CUT);
        dropped += worst(r, i, DROPPED);
    }
    if (cut)
        rc = put(marks, "cut", values(r, 0, CUT));
    if (dropped && rc == 0)
        rc = put(marks, "dropped_exchanges", values(r, 0, DROPPED));
    if (r->combined && rc == 0)
        rc = put(marks, "combined_from", values(r, 0, FROM));
    return rc;
}

static int check_finite(const struct rm_row_scores *r, struct pk_err *err)
{
    for (size_t m = 0; m < rm_scorer_models(r->scorer); m++)
        for (size_t i = 0; i < r->n; i++)
            if (!isfinite(scored(r, m, i)->score))
                return pk_fail(err, PK_EDATA, "%s: a score is not finite",
                               rm_scorer_name(r->scorer, m));
    return 0;
}

/* `line` without "error", with `scores` and `marks`. */
static int assemble(struct pk_buf *out, const char *line, size_t len,
                    const cJSON *scores, const cJSON *marks)
{
    struct pk_buf clean = PK_BUF_INIT(2 * PK_LINE_MAX);
    struct pk_buf scored = PK_BUF_INIT(2 * PK_LINE_MAX);
    int rc = rm_json_unset(&clean, line, len, "error");
    if (rc == 0)
        rc = rm_json_merge(&scored, clean.data, clean.len, "scores", scores);
    if (rc == 0)
        rc = marks->child
                 ? rm_json_merge(out, scored.data, scored.len, "marks", marks)
                 : pk_buf_add(out, scored.data, scored.len);
    pk_buf_release(&clean);
    pk_buf_release(&scored);
    return rc;
}

int rm_row_write(struct pk_buf *out, const char *line, size_t len,
                 const struct rm_row_scores *r, struct pk_err *err)
{
    int rc = check_finite(r, err);
    if (rc)
        return rc;
    cJSON *scores = cJSON_CreateObject(), *marks = cJSON_CreateObject();
    rc = scores && marks ? fill_scores(scores, r) : PK_EMEM;
    if (rc == 0)
        rc = fill_marks(marks, r);
    if (rc == 0)
        rc = assemble(out, line, len, scores, marks);
    cJSON_Delete(scores);
    cJSON_Delete(marks);
    if (rc == PK_EDATA)
        return pk_fail(err, rc, "the row would be too long with its scores");
    return rc ? pk_fail_mem(err, "a row") : 0;
}

int rm_quote_reason(struct pk_buf *out, const char *reason)
{
    char text[sizeof((struct pk_err *)0)->text];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", reason), bad;
    n = n < sizeof text ? n : sizeof text - 1;
    while ((bad = pk_utf8_check(text, n)) < n)
        text[bad] = '?';
    return pk_json_quote(out, text, n);
}

int rm_row_write_error(struct pk_buf *out, const char *line, size_t len,
                       const char *reason, uint64_t at, struct pk_err *err)
{
    struct pk_buf text = PK_BUF_INIT((size_t)1 << 16);
    cJSON *j;
    int rc = rm_quote_reason(&text, reason);
    bool object = pk_json_parse(&j, line, len, NULL) == 0 && cJSON_IsObject(j);
    cJSON_Delete(j);
    if (rc == 0)
        rc = object ? rm_json_set(out, line, len, "error", text.data)
                    : pk_buf_addf(out, "{\"error\":%s,\"line\":%llu}",
                                  text.data, (unsigned long long)at);
    pk_buf_release(&text);
    return rc ? pk_fail_mem(err, "a row") : 0;
}
