/* cJSON with its limits set; see json.h. */
#include "common/json.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* Does any of eight bytes end a run of a string's plain characters: a quote, a
 * backslash, a control character? (A byte above 0x7F may say so too.) */
static int any_special(const char *s)
{
    const uint64_t ones = 0x0101010101010101, high = ones << 7;
    uint64_t v, quote, slash;
    memcpy(&v, s, sizeof v);
    quote = v ^ (ones * '"');
    slash = v ^ (ones * '\\');
    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
            (v - ones * 0x20)) &
                   high
               ? 1
               : 0;
}

/* How many characters of a string, in steps of eight, need no look. */
static size_t plain_run(const char *s, size_t n)
{
    size_t i = 0;
    while (n - i > 8 && !any_special(s + i))
        i += 8;
    return i;
}

/* One pass over the text before cJSON sees it, for what cJSON lets through:
 * depth, \u0000, and raw control characters. */
static int scan(const char *s, size_t n, struct pk_err *err)
{
    int depth = 0, in_string = 0;
    for (size_t i = 0; i < n; i++) {
        i += in_string ? plain_run(s + i, n - i) : 0;
        char c = s[i];
        if ((unsigned char)c < 0x20 && (in_string || !strchr("\t\r\n", c)))
            return pk_fail(err, PK_EDATA, "byte %zu is a control character",
                           i + 1);
        if (in_string) {
            if (c == '\\' && n - i >= 6 && memcmp(s + i, "\\u0000", 6) == 0)
                return pk_fail(err, PK_EDATA,
                               "a string holds \\u0000, which no text can");
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > PK_JSON_DEPTH)
                return pk_fail(err, PK_EDATA,
                               "JSON is nested deeper than %d levels",
                               PK_JSON_DEPTH);
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return 0;
}

int pk_json_parse(cJSON **out, const char *text, size_t len, struct pk_err *err)
{
    *out = NULL;
    size_t good = pk_utf8_check(text, len);
    if (good < len)
        return pk_fail(err, PK_EDATA, "byte %zu is not UTF-8", good + 1);
    if (memchr(text, 0, len))
        return pk_fail(err, PK_EDATA, "the text holds a NUL byte");
    int rc = scan(text, len, err);
    if (rc)
        return rc;
    const char *end = NULL;
    cJSON *j = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (!j)
        return pk_fail(err, PK_EDATA, "not valid JSON near byte %zu",
                       end ? (size_t)(end - text) + 1 : 1);
    while (end < text + len && strchr(" \t\r\n", *end))
        end++;
    if (end < text + len) {
        cJSON_Delete(j);
        return pk_fail(err, PK_EDATA,
                       "something follows the JSON value at byte %zu",
                       (size_t)(end - text) + 1);
    }
    *out = j;
    return 0;
}

int pk_json_load(cJSON **out, const char *path, size_t max_bytes,
                 struct pk_err *err)
{
    *out = NULL;
    FILE *f = fopen(path, "rb");
    if (!f)
        return pk_fail_errno(err, "cannot open '%s'", path);
    struct pk_buf b = PK_BUF_INIT(max_bytes);
    char chunk[1 << 14];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 &&
           pk_buf_add(&b, chunk, n) == 0) {
    }
    int rc = 0;
    if (ferror(f))
        rc = pk_fail_errno(err, "cannot read '%s'", path);
    else if (b.failed == PK_EDATA)
        rc = pk_fail(err, PK_EDATA, "%s: larger than %zu bytes", path,
                     max_bytes);
    else if (b.failed)
        rc = pk_fail_mem(err, path);
    else if ((rc = pk_json_parse(out, b.data ? b.data : "", b.len, err)) < 0)
        pk_err_prefix(err, "%s: ", path);
    fclose(f);
    pk_buf_release(&b);
    return rc;
}

static const cJSON *field(const cJSON *obj, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, key);
    return cJSON_IsNull(v) ? NULL : v;
}

int pk_json_str(const cJSON *obj, const char *key, const char **out,
                struct pk_err *err)
{
    const cJSON *v = field(obj, key);
    *out = NULL;
    if (v && !cJSON_IsString(v))
        return pk_fail(err, PK_EDATA, "\"%s\" is not a string", key);
    if (v)
        *out = v->valuestring;
    return 0;
}

int pk_json_num(const cJSON *obj, const char *key, double fallback, double *out,
                struct pk_err *err)
{
    const cJSON *v = field(obj, key);
    *out = fallback;
    if (v && (!cJSON_IsNumber(v) || !isfinite(v->valuedouble)))
        return pk_fail(err, PK_EDATA, "\"%s\" is not a finite number", key);
    if (v)
        *out = v->valuedouble;
    return 0;
}

int pk_json_need_str(const cJSON *obj, const char *key, const char **out,
                     struct pk_err *err)
{
    int rc = pk_json_str(obj, key, out, err);
    if (rc == 0 && !*out)
        rc = pk_fail(err, PK_EDATA, "\"%s\" is missing", key);
    return rc;
}

static int add_raw(cJSON *obj, const char *key, const char *text)
{
    return cJSON_AddRawToObject(obj, key, text) ? 0 : PK_EMEM;
}

int pk_json_add_num(cJSON *obj, const char *key, double value)
{
    char text[40] = "null";
    if (isfinite(value)) /* whole numbers are exact up to 2^53 */
        snprintf(text, sizeof text,
                 value == floor(value) && fabs(value) < 0x1p53 ? "%.0f"
                                                               : "%.9g",
                 value);
    return add_raw(obj, key, text);
}

int pk_json_add_int(cJSON *obj, const char *key, long long value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", value);
    return add_raw(obj, key, text);
}

int pk_json_quote(struct pk_buf *b, const char *s, size_t n)
{
    pk_buf_addc(b, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') {
            pk_buf_addc(b, '\\');
            pk_buf_addc(b, (char)c);
        } else if (c == '\n') {
            pk_buf_adds(b, "\\n");
        } else if (c < 0x20 || c == 0x7F) {
            pk_buf_addf(b, "\\u%04x", c);
        } else {
            pk_buf_addc(b, (char)c);
        }
    }
    pk_buf_addc(b, '"');
    return b->failed;
}

int pk_json_splice(struct pk_buf *out, const char *line, size_t len,
                   const char *key, const char *value)
{
    while (len > 0 && line[len - 1] != '}')
        len--;
    if (len == 0)
        return PK_EBUG;
    size_t body = len - 1;
    size_t last = body;
    while (last > 0 && strchr(" \t\r\n", line[last - 1]))
        last--;
    pk_buf_add(out, line, body);
    if (last > 0 && line[last - 1] != '{')
        pk_buf_addc(out, ',');
    pk_json_quote(out, key, strlen(key));
    pk_buf_addc(out, ':');
    pk_buf_adds(out, value);
    return pk_buf_addc(out, '}');
}
