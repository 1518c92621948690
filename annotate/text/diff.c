/* Myers' O(ND) difference of words (Algorithmica 1, 1986), up to a number of
 * changes beyond which marks would help nobody. */
#include "annotate/text/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

#define MAX_CHANGES 500
#define ROW         (2 * MAX_CHANGES + 3)

struct words {
    const char *text;
    size_t *at; /* n + 1 of them; each word goes up to the next */
    size_t n, cap;
};

enum kind { BLANK, LETTER, IDEOGRAPH };

/* Of the character at `text`, and in *bytes how long it is. Chinese and
 * Japanese have no blanks between words: there each character is one. */
static enum kind kind_of(const char *text, size_t len, size_t *bytes)
{
    uint32_t cp;
    size_t n = pk_utf8_decode(text, len, &cp);
    *bytes = n ? n : 1;
    if (!n)
        return LETTER;
    if (cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r')
        return BLANK;
    bool alone =
        (cp >= 0x2E80 && cp <= 0x9FFF) || (cp >= 0xF900 && cp <= 0xFAFF) ||
        (cp >= 0xFF00 && cp <= 0xFFEF) || (cp >= 0x20000 && cp <= 0x3FFFF);
    return alone ? IDEOGRAPH : LETTER;
}

/* A word is a run of blanks, or of letters, or a character by itself. */
static bool split(struct words *w, const char *text, size_t len)
{
    enum kind was = BLANK;
    size_t bytes;
    w->text = text;
    w->n = 0;
    for (size_t i = 0; i < len; i += bytes) {
        enum kind now = kind_of(text + i, len - i, &bytes);
        bool begins = !i || now != was || now == IDEOGRAPH;
        was = now;
        if (!begins)
            continue;
        if (!pk_grow(&w->at, &w->cap, w->n + 2, sizeof *w->at))
            return false;
        w->at[w->n++] = i;
    }
    if (w->n)
        w->at[w->n] = len;
    return true;
}

static bool same(const struct words *a, long i, const struct words *b, long j)
{
    size_t n = a->at[i + 1] - a->at[i];
    return n == b->at[j + 1] - b->at[j] &&
           memcmp(a->text + a->at[i], b->text + b->at[j], n) == 0;
}

static void mark(unsigned char *marks, const struct words *w, long i)
{
    memset(marks + w->at[i], 1, w->at[i + 1] - w->at[i]);
}

/* Is the step onto diagonal k of change d a word of b (down), or of a? v holds
 * the furthest x on each diagonal, the middle one being 0. */
static bool is_down(const int32_t *v, long d, long k)
{
    return k == -d || (k != d && v[k - 1] < v[k + 1]);
}

/* The number of changes, or -1 when there are too many. Row d of the trace is
 * what was known before change d. */
static long search(const struct words *a, const struct words *b, int32_t *trace)
{
    static const long middle = MAX_CHANGES + 1;
    int32_t row[ROW] = {0};
    int32_t *v = row + middle;
    for (long d = 0; d <= MAX_CHANGES; d++) {
        memcpy(trace + d * ROW, row, sizeof row);
        for (long k = -d; k <= d; k += 2) {
            long x = is_down(v, d, k) ? v[k + 1] : v[k - 1] + 1, y = x - k;
            while (x < (long)a->n && y < (long)b->n && same(a, x, b, y)) {
                x++;
                y++;
            }
            v[k] = (int32_t)x;
            if (x >= (long)a->n && y >= (long)b->n)
                return d;
        }
    }
    return -1;
}

static void mark_changes(struct annotate__diff *out, const struct words *a,
                         const struct words *b, const int32_t *trace, long d)
{
    long k = (long)a->n - (long)b->n;
    for (; d > 0; d--) {
        const int32_t *v = trace + d * ROW + MAX_CHANGES + 1;
        bool down = is_down(v, d, k);
        k += down ? 1 : -1;
        long x = v[k], y = x - k;
        if (down)
            mark(out->marks[1], b, y);
        else
            mark(out->marks[0], a, x);
    }
}

int annotate__diff(struct annotate__diff *d, const char *a, size_t n_a,
                   const char *b, size_t n_b, struct pk_err *err)
{
    struct words w[2] = {{0}, {0}};
    int32_t *trace = pk_calloc((size_t)(MAX_CHANGES + 1) * ROW, sizeof *trace);
    *d = (struct annotate__diff){
        .marks = {pk_calloc(n_a + 1, 1), pk_calloc(n_b + 1, 1)}};
    bool ok = trace && d->marks[0] && d->marks[1] && split(&w[0], a, n_a) &&
              split(&w[1], b, n_b);
    if (ok) {
        long changes = search(&w[0], &w[1], trace);
        d->too_different = changes < 0;
        if (changes > 0)
            mark_changes(d, &w[0], &w[1], trace, changes);
    }
    free(trace);
    free(w[0].at);
    free(w[1].at);
    if (ok)
        return 0;
    annotate__diff_release(d);
    return pk_fail_mem(err, "a comparison of two texts");
}

void annotate__diff_release(struct annotate__diff *d)
{
    free(d->marks[0]);
    free(d->marks[1]);
    *d = (struct annotate__diff){0};
}
