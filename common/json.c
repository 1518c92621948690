/* cJSON with its limits set; see json.h. */
#include "common/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

/* As cJSON writes it: uids are hashes of such text. */
static void print_string(struct pk_buf *b, const char *s)
{
    static const char from[] = "\"\\\b\f\n\r\t", into[] = "\"\\bfnrt";
    pk_buf_addc(b, '"');
    for (const char *run = s;; s++) {
        unsigned char c = (unsigned char)*s;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        pk_buf_add(b, run, (size_t)(s - run));
        if (!c)
            break;
        const char *which = strchr(from, c);
        if (which)
            pk_buf_addf(b, "\\%c", into[which - from]);
        else
            pk_buf_addf(b, "\\u%04x", c);
        run = s + 1;
    }
    pk_buf_addc(b, '"');
}

static void print_list(struct pk_buf *b, const cJSON *list)
{
    bool named = cJSON_IsObject(list);
    const cJSON *e;
    pk_buf_addc(b, named ? '{' : '[');
    cJSON_ArrayForEach(e, list)
    {
        if (e != list->child)
            pk_buf_addc(b, ',');
        if (named) {
            print_string(b, e->string ? e->string : "");
            pk_buf_addc(b, ':');
        }
        (void)pk_json_print(b, e);
    }
    pk_buf_addc(b, named ? '}' : ']');
}

int pk_json_print(struct pk_buf *b, const cJSON *j)
{
    char text[64];
    if (cJSON_IsObject(j) || cJSON_IsArray(j))
        print_list(b, j);
    else if (cJSON_IsString(j))
        print_string(b, j->valuestring);
    else if (cJSON_IsRaw(j) || (cJSON_IsNumber(j) && j->valuestring))
        pk_buf_adds(b, j->valuestring);
    else if (cJSON_PrintPreallocated((cJSON *)j, text, sizeof text, 0))
        pk_buf_adds(b, text);
    else
        b->failed = PK_EMEM;
    return b->failed;
}

char *pk_json_text(const cJSON *j)
{
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 2);
    char *text = pk_json_print(&b, j) == 0 ? pk_buf_take(&b) : NULL;
    pk_buf_release(&b);
    return text;
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

static bool own_names(cJSON *j)
{
    bool ok = true;
    cJSON *e;
    if (j->type & cJSON_StringIsConst) {
        j->string = pk_strdup(j->string);
        ok = j->string != NULL;
        j->type &= ~cJSON_StringIsConst;
    }
    cJSON_ArrayForEach(e, j) ok = own_names(e) && ok;
    return ok;
}

cJSON *pk_json_copy(const cJSON *j)
{
    cJSON *copy = cJSON_Duplicate(j, true);
    if (copy && !own_names(copy)) {
        cJSON_Delete(copy);
        copy = NULL;
    }
    return copy;
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

int pk_json_quote_reason(struct pk_buf *b, const char *reason)
{
    char text[sizeof((struct pk_err *)0)->text];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", reason), bad;
    n = n < sizeof text ? n : sizeof text - 1;
    while ((bad = pk_utf8_check(text, n)) < n)
        text[bad] = '?';
    return pk_json_quote(b, text, n);
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
