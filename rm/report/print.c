/* What the forms of a report share; see print.h. */
#include "rm/report/print.h"

#include <string.h>

#include "common/num.h"
#include "common/utf8.h"

void rm_put_name(FILE *f, const char *name, size_t columns)
{
    size_t len = strlen(name), i = 0;
    bool fits = rm_characters(name, len) <= columns;
    size_t left = fits ? columns : columns - 3;
    while (i < len && left > 0) {
        uint32_t cp;
        size_t k = pk_utf8_decode(name + i, len - i, &cp);
        bool plain = k && cp >= 0x20 && cp != 0x7F;
        fwrite(plain ? name + i : "?", 1, plain ? k : 1, f);
        i += k ? k : 1;
        left--;
    }
    if (!fits)
        fputs("...", f);
    while (left-- > 0 && fits)
        fputc(' ', f);
}

/* Controls, separators of lines, and marks of direction. */
static bool hidden(uint32_t cp)
{
    if (cp == '\n' || cp == '\t')
        return false;
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x061C ||
           cp == 0x200B || cp == 0x200E || cp == 0x200F ||
           (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069) ||
           cp == 0xFEFF;
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* One character, or a malformed byte; how many bytes it was. */
static size_t put_one(FILE *f, const char *s, size_t len, bool html)
{
    uint32_t cp;
    size_t k = pk_utf8_decode(s, len, &cp);
    const char *left = html ? "&lt;" : "<", *right = html ? "&gt;" : ">";
    if (k == 0)
        fprintf(f, "%s%02X%s", left, (unsigned)(unsigned char)*s, right);
    else if (hidden(cp))
        fprintf(f, "%sU+%04X%s", left, (unsigned)cp, right);
    else if (html && entity(*s))
        fputs(entity(*s), f);
    else
        fwrite(s, 1, k, f);
    return k ? k : 1;
}

void rm_put_text(FILE *f, const char *s, size_t len, const char *indent)
{
    for (size_t i = 0; i < len;) {
        char c = s[i];
        i += put_one(f, s + i, len - i, false);
        if (c == '\n')
            fputs(indent, f);
    }
}

void rm_put_html(FILE *f, const char *s, size_t len)
{
    for (size_t i = 0; i < len;)
        i += put_one(f, s + i, len - i, true);
}

struct rm_share rm_share_of(uint64_t k, uint64_t n)
{
    struct rm_share s = {.share = n ? 100 * (double)k / (double)n : 0};
    pk_wilson(k, n, &s.low, &s.high);
    s.low *= 100;
    s.high *= 100;
    return s;
}

const char *rm_role_name(enum prefdb_role role)
{
    static const char *const names[] = {[PREFDB_SYSTEM] = "system",
                                        [PREFDB_USER] = "user",
                                        [PREFDB_ASSISTANT] = "assistant"};
    return names[role];
}

bool rm_finder_useful(const struct rm_finder *f)
{
    return f->unsafe > 0 && f->unsafe < f->n;
}

const char *rm_gap_name(int i)
{
    return i == RM_STRENGTHS - 1 ? "unstated" : prefdb_strength_name(i);
}

void rm_put_left_out(FILE *f, const struct rm_left_out *l, const char *before)
{
    for (int i = 0; i < RM_N_REASONS; i++) {
        if (!l->n[i])
            continue;
        fprintf(f, "%s%llu %s", before, (unsigned long long)l->n[i],
                rm_reason_words((enum rm_reason)i));
        before = ", ";
    }
}
