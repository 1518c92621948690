/* UTF-8, by the table of well-formed sequences (Unicode 15, table 3-7). */
#include "common/utf8.h"

#include <string.h>

static int is_cont(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

size_t pk_utf8_decode(const char *s0, size_t n, uint32_t *cp)
{
    const unsigned char *s = (const unsigned char *)s0;
    if (n >= 1 && s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    if (n >= 2 && s[0] >= 0xC2 && s[0] <= 0xDF && is_cont(s[1])) {
        *cp = (uint32_t)(s[0] & 0x1F) << 6 | (s[1] & 0x3F);
        return 2;
    }
    if (n >= 3 && (s[0] & 0xF0) == 0xE0 && is_cont(s[1]) && is_cont(s[2])) {
        *cp = (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 |
              (s[2] & 0x3F);
        return *cp >= 0x800 && (*cp < 0xD800 || *cp > 0xDFFF) ? 3 : 0;
    }
    if (n >= 4 && (s[0] & 0xF8) == 0xF0 && is_cont(s[1]) && is_cont(s[2]) &&
        is_cont(s[3])) {
        *cp = (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3F) << 12 |
              (uint32_t)(s[2] & 0x3F) << 6 | (s[3] & 0x3F);
        return *cp >= 0x10000 && *cp <= 0x10FFFF ? 4 : 0;
    }
    return 0;
}

/* What of eight bytes is not ASCII. */
static inline uint64_t not_ascii(const char *s)
{
    uint64_t eight;
    memcpy(&eight, s, sizeof eight);
    return eight & 0x8080808080808080;
}

size_t pk_utf8_check(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint32_t cp;
        /* Plain ASCII is most of most text. */
        while (n - i >= 32 && !(not_ascii(s + i) | not_ascii(s + i + 8) |
                                not_ascii(s + i + 16) | not_ascii(s + i + 24)))
            i += 32;
        if (n - i >= 8 && !not_ascii(s + i)) {
            i += 8;
            continue;
        }
        size_t k = pk_utf8_decode(s + i, n - i, &cp);
        if (!k)
            break;
        i += k;
    }
    return i;
}

size_t pk_utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3F));
        cp >>= 6;
    }
    out[0] = (char)(lead[n] | cp);
    return n;
}
