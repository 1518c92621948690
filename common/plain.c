/* Foreign text made visible, by utf8proc's tables; see plain.h. */
#include "common/plain.h"

#include <string.h>

#include <utf8proc.h>

#include "common/utf8.h"

enum { DOTS = 3 };

static const struct {
    uint32_t cp;
    const char *name;
} named[] = {
    {0x07, "BEL"},   {0x08, "BS"},    {0x09, "TAB"},   {0x0A, "LF"},
    {0x0D, "CR"},    {0x1B, "ESC"},   {0x7F, "DEL"},   {0x85, "NEL"},
    {0x9B, "CSI"},   {0xAD, "SHY"},   {0x61C, "ALM"},  {0x200B, "ZWSP"},
    {0x200E, "LRM"}, {0x200F, "RLM"}, {0x202A, "LRE"}, {0x202B, "RLE"},
    {0x202C, "PDF"}, {0x202D, "LRO"}, {0x202E, "RLO"}, {0x2066, "LRI"},
    {0x2067, "RLI"}, {0x2068, "FSI"}, {0x2069, "PDI"}, {0xFEFF, "BOM"},
};

size_t pk_mark(char out[PK_MARK], uint32_t cp)
{
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (named[i].cp == cp)
            return (size_t)snprintf(out, PK_MARK, "<%s>", named[i].name);
    return cp < 0x80 ? pk_mark_byte(out, (unsigned char)cp)
                     : (size_t)snprintf(out, PK_MARK, "<U+%04X>", (unsigned)cp);
}

size_t pk_mark_byte(char out[PK_MARK], unsigned char byte)
{
    return (size_t)snprintf(out, PK_MARK, "<%02X>", (unsigned)byte);
}

bool pk_joins(uint32_t cp)
{
    return cp == 0x200C || cp == 0x200D || (cp >= 0xFE00 && cp <= 0xFE0F) ||
           (cp >= 0x1F3FB && cp <= 0x1F3FF) || (cp >= 0xE0100 && cp <= 0xE01EF);
}

enum pk_plain pk_plain(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7F)
        return PK_SHOWN;
    if (pk_joins(cp))
        return PK_JOINS;
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return PK_HIDDEN;
    default:
        return PK_SHOWN;
    }
}

void pk_piece(const char *s, size_t n, struct pk_piece *out)
{
    uint32_t cp = 0;
    size_t k = pk_utf8_decode(s, n, &cp);
    out->bytes = k ? k : 1;
    out->kind = k ? pk_plain(cp) : PK_HIDDEN;
    if (out->kind == PK_HIDDEN) {
        out->columns = k ? pk_mark(out->text, cp)
                         : pk_mark_byte(out->text, (unsigned char)*s);
        return;
    }
    memcpy(out->text, s, k);
    out->text[k] = 0;
    out->columns = 1;
    if (out->kind == PK_JOINS)
        out->columns = 0;
    else if (cp >= 0x80)
        out->columns = (size_t)utf8proc_charwidth((utf8proc_int32_t)cp);
}

void pk_plain_text(FILE *f, const char *s, size_t n, const char *indent)
{
    struct pk_piece p;
    for (size_t i = 0; i < n; i += p.bytes) {
        p.bytes = 1;
        if (s[i] == '\t') {
            fputc('\t', f);
        } else if (s[i] == '\n') {
            fprintf(f, "\n%s", indent);
        } else {
            pk_piece(s + i, n - i, &p);
            fputs(p.text, f);
        }
    }
}

void pk_plain_name(FILE *f, const char *s)
{
    struct pk_piece p;
    for (size_t n = strlen(s); n > 0; n -= p.bytes, s += p.bytes) {
        pk_piece(s, n, &p);
        fputs(p.text, f);
    }
}

static size_t columns_of(const char *s)
{
    struct pk_piece p;
    size_t sum = 0;
    for (size_t n = strlen(s); n > 0; n -= p.bytes, s += p.bytes) {
        pk_piece(s, n, &p);
        sum += p.columns;
    }
    return sum;
}

void pk_plain_column(FILE *f, const char *s, size_t columns)
{
    struct pk_piece p;
    bool cut = columns_of(s) > columns;
    size_t room = cut ? columns - DOTS : columns, at = 0;
    for (size_t n = strlen(s); n > 0; n -= p.bytes, s += p.bytes) {
        pk_piece(s, n, &p);
        if (at + p.columns > room)
            break;
        if (p.kind != PK_JOINS)
            fputs(p.text, f);
        at += p.columns;
    }
    fprintf(f, "%s%*s", cut ? "..." : "", (int)(room - at), "");
}
