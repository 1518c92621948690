/* Text to cJSON's tree, in one pass; see json.h. cJSON's own parser looks at
 * every character of a string twice, and cuts it at \u0000. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/utf8.h"

struct parser {
    const char *start, *at, *end;
    char *room; /* for the next string; NULL: each has memory of its own */
    struct pk_json_spare *spare; /* or NULL */
    int depth;
    struct pk_err *err;
};

static int value(struct parser *p, cJSON **out);

/* The parser stands on what cannot be there. */
static int wrong(struct parser *p)
{
    size_t byte = (size_t)(p->at - p->start) + 1;
    if (p->at < p->end && (unsigned char)*p->at < 0x20 &&
        !strchr("\t\r\n", *p->at))
        return pk_fail(p->err, PK_EDATA, "byte %zu is a control character",
                       byte);
    return pk_fail(p->err, PK_EDATA, "not valid JSON near byte %zu", byte);
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' ||
                              *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

/* What follows, without white space; 0 at the end. */
static char peek(struct parser *p)
{
    skip_space(p);
    if (p->at == p->end)
        return 0;
    return *p->at;
}

static cJSON *new_item(struct parser *p, int type)
{
    struct pk_json_spare *spare = p->spare;
    cJSON *item = spare ? spare->first : NULL;
    if (item) {
        spare->first = item->next;
        spare->n--;
    } else if (!(item = cJSON_malloc(sizeof *item))) {
        (void)pk_fail_mem(p->err, "a JSON value");
        return NULL;
    }
    *item = (cJSON){.type = type};
    return item;
}

/* ---- Strings ------------------------------------------------------------- */

/* Does any of sixteen bytes end a run of a string's plain characters: a quote,
 * a backslash, a control character? */
static bool any_special(const char *s)
{
    typedef unsigned char sixteen __attribute__((vector_size(16)));
    sixteen v;
    uint64_t found[2];
    memcpy(&v, s, sizeof v);
    v = (sixteen)((v == '"') | (v == '\\') | (v < 0x20));
    memcpy(found, &v, sizeof v);
    return found[0] | found[1];
}

/* The end of the run of plain characters from s on. */
static const char *plain_end(const char *s, const char *end)
{
    for (;;) {
        while (end - s >= 16 && !any_special(s))
            s += 16;
        const char *stop = end - s >= 16 ? s + 16 : end;
        while (s < stop && *s != '"' && *s != '\\' && (unsigned char)*s >= 0x20)
            s++;
        if (s < stop || s == end)
            return s;
    }
}

static int hex4(const char *s, const char *end, uint32_t *out)
{
    *out = 0;
    if (end - s < 4)
        return 0;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return 0;
        *out = *out << 4 | (uint32_t)d;
    }
    return 1;
}

/* \uXXXX, of which two make a character beyond 0xFFFF; p->at is behind the 'u'.
 * The number of bytes at `to`, or an error. */
static int unicode(struct parser *p, char *to)
{
    uint32_t c, low;
    if (!hex4(p->at, p->end, &c))
        return wrong(p);
    if (c == 0)
        return pk_fail(p->err, PK_EDATA,
                       "a string holds \\u0000, which no text can");
    p->at += 4;
    if (c >= 0xD800 && c <= 0xDFFF) {
        if (c >= 0xDC00 || p->end - p->at < 6 || p->at[0] != '\\' ||
            p->at[1] != 'u' || !hex4(p->at + 2, p->end, &low) || low < 0xDC00 ||
            low > 0xDFFF)
            return pk_fail(p->err, PK_EDATA,
                           "a string holds \\u%04x, half of a character, which "
                           "no text can",
                           (unsigned)c);
        p->at += 6;
        c = 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF));
    }
    return (int)pk_utf8_encode(c, to);
}

/* One escape, p->at on its backslash: no longer at `to` than it is here. */
static int escape(struct parser *p, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (p->end - p->at < 2)
        return wrong(p);
    char c = p->at[1];
    const char *which = c ? strchr(from, c) : NULL;
    if (c != 'u' && !which)
        return wrong(p);
    p->at += 2;
    if (which) {
        *to = into[which - from];
        return 1;
    }
    return unicode(p, to);
}

/* Where the string that p->at is inside of ends, escapes passed over; NULL
 * where it does not. */
static const char *closing(struct parser *p, bool *plain)
{
    const char *s = p->at;
    *plain = true;
    while ((s = plain_end(s, p->end)) < p->end && *s != '"') {
        if (*s != '\\' || p->end - s < 2)
            break;
        *plain = false;
        s += 2;
    }
    if (s < p->end && *s == '"')
        return s;
    p->at = s;
    return NULL;
}

static void drop_string(struct parser *p, char *s)
{
    if (!p->room)
        cJSON_free(s);
}

/* A string, p->at on its opening quote; *out is for drop_string. */
static int string(struct parser *p, char **out)
{
    bool plain;
    *out = NULL;
    p->at++;
    const char *close = closing(p, &plain);
    if (!close && p->at < p->end && *p->at != '\\')
        return pk_fail(p->err, PK_EDATA, "byte %zu is a control character",
                       (size_t)(p->at - p->start) + 1);
    if (!close)
        return wrong(p);
    char *to = *out =
        p->room ? p->room : cJSON_malloc((size_t)(close - p->at) + 1);
    if (!to)
        return pk_fail_mem(p->err, "a JSON string");
    while (p->at < close) {
        const char *run = plain ? close : plain_end(p->at, close);
        memcpy(to, p->at, (size_t)(run - p->at));
        to += run - p->at;
        p->at = run;
        int n = run < close ? escape(p, to) : 0;
        if (n < 0) {
            drop_string(p, *out);
            *out = NULL;
            return n;
        }
        to += n;
    }
    *to = 0;
    p->at = close + 1;
    if (p->room)
        p->room = to + 1;
    return 0;
}

/* ---- Numbers ------------------------------------------------------------- */

static const char *digits(const char *s, const char *end)
{
    while (s < end && *s >= '0' && *s <= '9')
        s++;
    return s;
}

/* The end of a number by RFC 8259, NULL where there is none; `*figures` is how
 * many digits it has before an exponent. */
static const char *number_end(const char *s, const char *end, size_t *figures)
{
    s += s < end && *s == '-';
    const char *from = s, *to = digits(s, end);
    if (to == from || (*from == '0' && to - from > 1))
        return NULL;
    *figures = (size_t)(to - from);
    if (to < end && *to == '.') {
        from = to + 1;
        to = digits(from, end);
        *figures += (size_t)(to - from);
        if (to == from)
            return NULL;
    }
    if (to < end && (*to == 'e' || *to == 'E')) {
        from = to + 1;
        from += from < end && (*from == '+' || *from == '-');
        to = digits(from, end);
        if (to == from)
            return NULL;
    }
    return to;
}

/* A number whose digits cJSON would not print again keeps its text (json.h): it
 * prints 15 of them where that is nearly the same double. */
static int number(struct parser *p, cJSON *item)
{
    size_t figures;
    const char *end = number_end(p->at, p->end, &figures);
    if (!end)
        return wrong(p);
    size_t n = (size_t)(end - p->at);
    char small[64], *text = n < sizeof small ? small : cJSON_malloc(n + 1);
    if (!text)
        return pk_fail_mem(p->err, "a JSON number");
    memcpy(text, p->at, n);
    text[n] = 0;
    double v = strtod(text, NULL);
    item->valuedouble = v;
    item->valueint = v >= INT_MAX           ? INT_MAX
                     : v <= (double)INT_MIN ? INT_MIN
                                            : (int)v;
    p->at = end;
    bool exact = isfinite(v) && figures <= DBL_DIG;
    if (!exact) {
        item->valuestring = cJSON_malloc(n + 1);
        if (item->valuestring)
            memcpy(item->valuestring, text, n + 1);
    }
    if (text != small)
        cJSON_free(text);
    return exact || item->valuestring ? 0
                                      : pk_fail_mem(p->err, "a JSON number");
}

/* ---- Lists and objects --------------------------------------------------- */

static void append(cJSON *list, cJSON *item)
{
    cJSON *first = list->child;
    if (!first) {
        list->child = item;
        item->prev = item;
        return;
    }
    item->prev = first->prev;
    first->prev->next = item;
    first->prev = item;
}

/* One element, with its name where it is an object's. */
static int element(struct parser *p, cJSON *list, bool named)
{
    char *name = NULL;
    cJSON *item = NULL;
    int rc = 0;
    if (named && peek(p) != '"')
        return wrong(p);
    if (named)
        rc = string(p, &name);
    if (!rc && named && peek(p) != ':')
        rc = wrong(p);
    if (!rc && named)
        p->at++;
    if (!rc)
        rc = value(p, &item);
    if (rc) {
        drop_string(p, name);
        return rc;
    }
    item->string = name;
    if (name && p->room)
        item->type |= cJSON_StringIsConst;
    append(list, item);
    return 0;
}

static int elements(struct parser *p, cJSON *list, char close)
{
    if (++p->depth > PK_JSON_DEPTH)
        return pk_fail(p->err, PK_EDATA, "JSON is nested deeper than %d levels",
                       PK_JSON_DEPTH);
    p->at++;
    if (peek(p) != close) {
        for (;;) {
            int rc = element(p, list, close == '}');
            if (rc)
                return rc;
            if (peek(p) != ',')
                break;
            p->at++;
        }
    }
    if (peek(p) != close)
        return wrong(p);
    p->at++;
    p->depth--;
    return 0;
}

static int word(struct parser *p, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, text, n) != 0)
        return wrong(p);
    p->at += n;
    return 0;
}

static int type_of(char c)
{
    switch (c) {
    case '{':
        return cJSON_Object;
    case '[':
        return cJSON_Array;
    case '"':
        return cJSON_String;
    case 't':
        return cJSON_True;
    case 'f':
        return cJSON_False;
    case 'n':
        return cJSON_NULL;
    default:
        return cJSON_Number;
    }
}

static int content(struct parser *p, cJSON *item)
{
    switch (item->type) {
    case cJSON_Object:
        return elements(p, item, '}');
    case cJSON_Array:
        return elements(p, item, ']');
    case cJSON_String:
        item->type |= p->room ? cJSON_IsReference : 0;
        return string(p, &item->valuestring);
    case cJSON_True:
        item->valueint = 1;
        return word(p, "true");
    case cJSON_False:
        return word(p, "false");
    case cJSON_NULL:
        return word(p, "null");
    default:
        return number(p, item);
    }
}

static int value(struct parser *p, cJSON **out)
{
    cJSON *item = *out = new_item(p, type_of(peek(p)));
    if (!item)
        return PK_EMEM;
    int rc = content(p, item);
    if (rc) {
        cJSON_Delete(item);
        *out = NULL;
    }
    return rc;
}

int pk_json_parse(cJSON **out, const char *text, size_t len, struct pk_err *err)
{
    return pk_json_parse_in(out, text, len, NULL, NULL, err);
}

int pk_json_parse_in(cJSON **out, const char *text, size_t len, char *room,
                     struct pk_json_spare *spare, struct pk_err *err)
{
    struct parser p = {text, text, text + len, room, spare, 0, err};
    *out = NULL;
    size_t good = pk_utf8_check(text, len);
    if (good < len)
        return pk_fail(err, PK_EDATA, "byte %zu is not UTF-8", good + 1);
    if (len && memchr(text, 0, len))
        return pk_fail(err, PK_EDATA, "the text holds a NUL byte");
    cJSON *j;
    int rc = value(&p, &j);
    if (rc)
        return rc;
    skip_space(&p);
    if (p.at < p.end) {
        cJSON_Delete(j);
        if ((unsigned char)*p.at < 0x20)
            return wrong(&p);
        return pk_fail(err, PK_EDATA,
                       "something follows the JSON value at byte %zu",
                       (size_t)(p.at - text) + 1);
    }
    rc = pk_json_names(j, err);
    if (rc)
        cJSON_Delete(j);
    else
        *out = j;
    return rc;
}

/* ---- Spare values -------------------------------------------------------- */

enum { MOST_SPARE = 1 << 16 }; /* 4 MiB of them */

void pk_json_spare_add(struct pk_json_spare *spare, cJSON *j)
{
    while (j) {
        cJSON *next = j->next;
        if (spare->n == MOST_SPARE) {
            cJSON_Delete(j); /* and those after it */
            return;
        }
        if (!(j->type & cJSON_IsReference)) {
            pk_json_spare_add(spare, j->child);
            cJSON_free(j->valuestring);
        }
        if (!(j->type & cJSON_StringIsConst))
            cJSON_free(j->string);
        j->next = spare->first;
        spare->first = j;
        spare->n++;
        j = next;
    }
}

void pk_json_spare_release(struct pk_json_spare *spare)
{
    while (spare->first) {
        cJSON *j = spare->first;
        spare->first = j->next;
        cJSON_free(j);
    }
    spare->n = 0;
}
