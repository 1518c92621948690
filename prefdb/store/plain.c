/* Foreign text made visible; see plain.h. */
#include "prefdb/store/plain.h"

#include <stdbool.h>
#include <stdint.h>

#include "common/utf8.h"

static bool hidden(uint32_t c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0) ||
           (c >= 0x200B && c <= 0x200F && c != 0x200D) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0xFEFF;
}

/* The character at s, which is UTF-8, and its length. */
static uint32_t decode(const unsigned char *s, size_t *len)
{
    *len = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    uint32_t c = *len == 1 ? s[0] : s[0] & (0x7FU >> *len);
    for (size_t i = 1; i < *len; i++)
        c = c << 6 | (s[i] & 0x3F);
    return c;
}

void prefdb__print_plain(FILE *f, const char *text, size_t len, int indent)
{
    size_t good = pk_utf8_check(text, len);
    for (size_t i = 0; i < len;) {
        size_t n = 1;
        if (i >= good) {
            fprintf(f, "<%02X>", (unsigned char)text[i++]);
            good = i + pk_utf8_check(text + i, len - i);
            continue;
        }
        uint32_t c = decode((const unsigned char *)text + i, &n);
        if (hidden(c))
            fprintf(f, "<U+%04X>", (unsigned)c);
        else
            fwrite(text + i, 1, n, f);
        if (c == '\n')
            fprintf(f, "%*s", indent, "");
        i += n;
    }
}
