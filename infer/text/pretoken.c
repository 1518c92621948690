/* The two regular expressions that byte-level tokenizers cut text with, by
 * hand; see pretoken.h. Classes are Unicode's general categories (utf8proc);
 * white space is the property White_Space. */
#include "infer/text/pretoken.h"

#include <stdint.h>
#include <string.h>

#include <utf8proc.h>

#include "common/utf8.h"

const char infer_pretoken_gpt2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
    "\\s+(?!\\S)|\\s+";
const char infer_pretoken_llama3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

enum kind { END, LETTER, NUMBER, SPACE, OTHER };

static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static enum kind classify(uint32_t c)
{
    if (is_space(c))
        return SPACE;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return NUMBER;
    default:
        return OTHER;
    }
}

/* A character's class and its length in bytes; END at the end. */
static enum kind look(const char *s, size_t n, size_t *len)
{
    uint32_t c;
    *len = pk_utf8_decode(s, n, &c);
    if (*len == 0 && n > 0) {
        *len = 1;
        return OTHER;
    }
    return *len ? classify(c) : END;
}

/* Length of a run of one class, of at most `most` characters. */
static size_t run(const char *s, size_t n, enum kind want, size_t most)
{
    size_t i = 0;
    for (size_t len; most > 0 && look(s + i, n - i, &len) == want; most--)
        i += len;
    return i;
}

static bool is_break(char c)
{
    return c == '\r' || c == '\n';
}

/* 's 't 're 've 'm 'll 'd: its length, or 0. Without regard to case, U+017F is
 * an s, too. */
static size_t contraction(const char *s, size_t n, bool any_case)
{
    static const char *const tails[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (n < 2 || s[0] != '\'')
        return 0;
    if (any_case && n >= 3 && memcmp(s + 1, "\xC5\xBF", 2) == 0)
        return 3;
    for (size_t k = 0; k < sizeof tails / sizeof *tails; k++) {
        size_t len = strlen(tails[k]), i = 0;
        for (; i < len && i + 1 < n; i++) {
            char c = s[i + 1];
            if (any_case && c >= 'A' && c <= 'Z')
                c = (char)(c + ('a' - 'A'));
            if (c != tails[k][i])
                break;
        }
        if (i == len)
            return len + 1;
    }
    return 0;
}

/* \s+(?!\S)|\s+ : a run of white space, without its last character when text
 * follows and it is not the only one. */
static size_t blanks(const char *s, size_t n)
{
    size_t i = 0, last = 0;
    for (size_t len; look(s + i, n - i, &len) == SPACE; i += len)
        last = i;
    return i < n && last > 0 ? last : i;
}

/* \s*[\r\n]+ : white space up to its last line break; 0 when it has none. */
static size_t breaks(const char *s, size_t n)
{
    size_t space = run(s, n, SPACE, SIZE_MAX);
    while (space > 0 && !is_break(s[space - 1]))
        space--;
    return space;
}

static size_t gpt2(const char *s, size_t n)
{
    size_t len = contraction(s, n, false);
    if (len)
        return len;
    const size_t space = s[0] == ' ';
    size_t unused;
    enum kind c = look(s + space, n - space, &unused);
    if (c == END || c == SPACE)
        return blanks(s, n);
    return space + run(s + space, n - space, c, SIZE_MAX);
}

static size_t llama3(const char *s, size_t n)
{
    size_t first, letters, len = contraction(s, n, true);
    if (len)
        return len;
    enum kind c = look(s, n, &first);
    if (c == LETTER)
        return run(s, n, LETTER, SIZE_MAX);
    if (c == NUMBER)
        return run(s, n, NUMBER, 3);
    if (!is_break(s[0])) {
        letters = run(s + first, n - first, LETTER, SIZE_MAX);
        if (letters)
            return first + letters;
    }
    const size_t space = s[0] == ' ';
    len = run(s + space, n - space, OTHER, SIZE_MAX);
    if (len) {
        len += space;
        while (len < n && is_break(s[len]))
            len++;
        return len;
    }
    len = breaks(s, n);
    return len ? len : blanks(s, n);
}

/* Up to the next U+2581 after the first character. */
static size_t before_space(const char *s, size_t n)
{
    const char *at = n > 1 ? memmem(s + 1, n - 1, "\xE2\x96\x81", 3) : NULL;
    return at ? (size_t)(at - s) : n;
}

static size_t cut(enum pretoken_rule rule, const char *s, size_t n)
{
    switch (rule) {
    case PRETOKEN_SPACE:
        return before_space(s, n);
    case PRETOKEN_GPT2:
        return gpt2(s, n);
    case PRETOKEN_LLAMA3:
        return llama3(s, n);
    default:
        return n;
    }
}

/* How far the text goes before the next digit; a digit goes by itself. */
static size_t stretch(const char *s, size_t n)
{
    size_t i = 0, len = 0;
    while (i < n && look(s + i, n - i, &len) != NUMBER)
        i += len;
    return i ? i : len;
}

size_t infer_pretoken_next(struct pretoken *p)
{
    if (p->n == 0)
        return 0;
    if (p->stretch == 0)
        p->stretch = p->digits ? stretch(p->s, p->n) : p->n;
    size_t len = cut(p->rule, p->s, p->stretch);
    p->s += len;
    p->n -= len;
    p->stretch -= len;
    return len;
}
