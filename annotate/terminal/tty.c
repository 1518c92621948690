/* Drawing. */
#include "annotate/terminal/tty.h"

#include <string.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

void annotate__tty_show(struct annotate__tty *t)
{
    (void)t;
    refresh();
}

static attr_t attr_of(const struct annotate__tty *t, enum annotate__style style)
{
    static const attr_t attrs[ANNOTATE__N_STYLES] = {
        [ANNOTATE__BOLD] = A_BOLD,
        [ANNOTATE__CHOSEN] = A_REVERSE,
        [ANNOTATE__MARKED] = A_UNDERLINE | A_BOLD,
        [ANNOTATE__FOUND] = A_REVERSE,
        [ANNOTATE__FOUND_HERE] = A_REVERSE | A_BOLD | A_UNDERLINE};
    attr_t a = attrs[style];
    if (t->color && style == ANNOTATE__DIM)
        a |= (attr_t)COLOR_PAIR(1);
    if (t->color && style == ANNOTATE__MARKED)
        a |= (attr_t)COLOR_PAIR(2);
    return a;
}

/* Would the C library, which ncurses asks, give it the width that we do? */
static bool agreed(const struct annotate__cell *c)
{
    mbstate_t state = {0};
    size_t n = strlen(c->out), k;
    int width = 0;
    for (size_t i = 0; i < n; i += k) {
        wchar_t wc;
        k = mbrtowc(&wc, c->out + i, n - i, &state);
        if (k == 0 || k > n - i)
            return false;
        int w = wcwidth(wc);
        if (w < 0)
            return false;
        width += w;
    }
    return (size_t)width == c->width;
}

static void draw(const struct annotate__tty *t, const struct annotate__cell *c)
{
    if ((unsigned char)c->out[0] < 0x80 && !c->out[1])
        addch((chtype)(unsigned char)c->out[0]);
    else if (agreed(c))
        addstr(c->out);
    else
        for (size_t i = 0; i < c->width; i++)
            addstr(i ? " " : t->utf8 ? "\xEF\xBF\xBD" : "?");
}

int annotate__tty_text(const struct annotate__tty *t, int y, int x, int w,
                       const char *s, size_t n, const unsigned char *marks,
                       enum annotate__style style)
{
    struct annotate__cell c;
    size_t column = 0;
    if (w < 1 || move(y, x) == ERR) /* a window may be of any size */
        return 0;
    for (size_t i = 0; i < n; i += c.bytes) {
        annotate__cell(s + i, n - i, column, &c);
        if (column + c.width > (size_t)w)
            break;
        enum annotate__style one = marks && marks[i] > ANNOTATE__MARKED
                                       ? (enum annotate__style)marks[i]
                                   : c.mark            ? ANNOTATE__CHOSEN
                                   : marks && marks[i] ? ANNOTATE__MARKED
                                                       : style;
        attr_set(attr_of(t, one),
                 t->color ? (short)PAIR_NUMBER(attr_of(t, one)) : (short)0,
                 NULL);
        draw(t, &c);
        column += c.width;
    }
    attr_set(A_NORMAL, 0, NULL);
    return (int)column;
}

int annotate__tty_puts(const struct annotate__tty *t, int y, int x, int w,
                       const char *s, enum annotate__style style)
{
    return annotate__tty_text(t, y, x, w, s, strlen(s), NULL, style);
}

void annotate__tty_rule(const struct annotate__tty *t, int y, int x, int w,
                        const char *title, bool strong)
{
    const char *dash = t->ascii ? "-" : "─";
    for (int i = 0; i < w; i++)
        annotate__tty_puts(t, y, x + i, 1, dash, ANNOTATE__DIM);
    if (!*title)
        return;
    /* Focus shows without colour too. */
    annotate__tty_puts(t, y, x + 1, w - 3, strong ? ">" : " ", ANNOTATE__BOLD);
    int n = annotate__tty_puts(t, y, x + 2, w - 4, title,
                               strong ? ANNOTATE__BOLD : ANNOTATE__PLAIN);
    annotate__tty_puts(t, y, x + 2 + n, 1, " ", ANNOTATE__PLAIN);
}

void annotate__tty_bar(const struct annotate__tty *t, int y, int x, int h)
{
    const char *bar = t->ascii ? "|" : "│", *first = t->ascii ? "+" : "┬";
    for (int i = 0; i < h; i++)
        annotate__tty_puts(t, y + i, x, 1, i ? bar : first, ANNOTATE__DIM);
}
