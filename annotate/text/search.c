#include "annotate/text/search.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "common/mem.h"
#include "common/utf8.h"

static uint32_t lower(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
    if (cp >= 0x3040 && cp < 0xA640) /* no scripts with capitals */
        return cp;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
}

static bool is_space(uint32_t cp)
{
    return cp == '\n' || cp == '\r' || cp == '\t';
}

bool annotate__pattern(struct annotate__pattern *p, const char *text)
{
    size_t n = strlen(text), k;
    uint32_t cp;
    *p = (struct annotate__pattern){0};
    for (size_t i = 0; i < n; i += k) {
        k = pk_utf8_decode(text + i, n - i, &cp);
        if (!k || p->n == sizeof p->chars / sizeof p->chars[0]) {
            p->n = 0;
            break;
        }
        p->exact |= lower(cp) != cp;
        p->chars[p->n++] = is_space(cp) ? ' ' : cp;
    }
    return p->n > 0;
}

/* The character at s[0..n), n > 0, as it is compared; its bytes. Bytes that
 * are no UTF-8 equal nothing that can be sought. */
static size_t next_char(const struct annotate__pattern *p, const char *s,
                        size_t n, uint32_t *out)
{
    unsigned char c = (unsigned char)s[0];
    uint32_t cp = c;
    size_t k = 1;
    if (c >= 0x80 && !(k = pk_utf8_decode(s, n, &cp))) {
        *out = UINT32_MAX;
        return 1;
    }
    *out = is_space(cp) ? ' ' : p->exact ? cp : lower(cp);
    return k;
}

static size_t match(const struct annotate__pattern *p, const char *s, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < p->n; i++) {
        uint32_t c;
        if (at == n)
            return 0;
        at += next_char(p, s + at, n - at, &c);
        if (c != p->chars[i])
            return 0;
    }
    return at;
}

bool annotate__find(const struct annotate__pattern *p, const char *s, size_t n,
                    size_t from, size_t *begin, size_t *end)
{
    size_t k;
    uint32_t first = p->chars[0], other = first;
    if (!p->exact && first >= 'a' && first <= 'z')
        other = first - ('a' - 'A');
    for (size_t i = from; i < n && p->n; i += k) {
        uint32_t c = (unsigned char)s[i];
        k = 1;
        if (c > ' ' && c < 0x80 && c != first && c != other)
            continue;
        k = next_char(p, s + i, n - i, &c);
        size_t len = c == p->chars[0] ? match(p, s + i, n - i) : 0;
        if (len) {
            *begin = i;
            *end = i + len;
            return true;
        }
    }
    return false;
}

int annotate__hits_add(struct annotate__hits *h,
                       const struct annotate__pattern *p, int pane, size_t part,
                       const char *s, size_t n, struct pk_err *err)
{
    size_t from, to = 0;
    while (annotate__find(p, s, n, to, &from, &to)) {
        if (!pk_grow(&h->v, &h->cap, h->n + 1, sizeof *h->v))
            return pk_fail_mem(err, "what was found");
        h->v[h->n++] = (struct annotate__hit){pane, part, from, to};
    }
    return 0;
}

static bool before(const struct annotate__hit *h, int pane, size_t part,
                   size_t at)
{
    if (h->pane != pane)
        return h->pane < pane;
    return h->part != part ? h->part < part : h->to <= at;
}

size_t annotate__hits_after(const struct annotate__hits *h, int pane,
                            size_t part, size_t at)
{
    size_t low = 0, high = h->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (before(&h->v[mid], pane, part, at))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void annotate__hits_release(struct annotate__hits *h)
{
    free(h->v);
    *h = (struct annotate__hits){0};
}
