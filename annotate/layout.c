#include "annotate/layout.h"

/* A margin of one column on both sides of every text. */
static struct annotate__rect rect(int y, int x, int h, int w)
{
    return (struct annotate__rect){.y = y, .x = x + 1, .h = h, .w = w - 2};
}

void annotate__layout(struct annotate__layout *l, int rows, int cols, bool zoom,
                      enum annotate__pane focus, int context_lines)
{
    struct annotate__rect *p = l->panes;
    *l = (struct annotate__layout){.foot = rows - 3};
    if (rows < 12 || cols < 40) {
        l->shape = ANNOTATE__TOO_SMALL;
        return;
    }
    l->shape = zoom || cols < 60 ? ANNOTATE__ONE
               : cols < 100      ? ANNOTATE__STACKED
                                 : ANNOTATE__SIDE_BY_SIDE;
    for (int i = 0; i < ANNOTATE__N_PANES; i++)
        p[i] = rect(2, 0, 0, cols);
    if (l->shape == ANNOTATE__ONE) {
        p[focus].h = rows - 5;
        return;
    }
    bool stacked = l->shape == ANNOTATE__STACKED;
    int room = rows - 6 - stacked, most = stacked ? room / 4 : room / 3;
    int h = context_lines < 1 ? 1 : context_lines > most ? most : context_lines;
    int y = h + 3, rest = room - h;
    p[ANNOTATE__PANE_CONTEXT].h = h;
    if (stacked) {
        int top = (rest + 1) / 2;
        p[ANNOTATE__PANE_LEFT] = rect(y, 0, top, cols);
        p[ANNOTATE__PANE_RIGHT] = rect(y + top + 1, 0, rest - top, cols);
    } else {
        int half = cols / 2;
        p[ANNOTATE__PANE_LEFT] = rect(y, 0, rest, half);
        p[ANNOTATE__PANE_RIGHT] = rect(y, half + 1, rest, cols - half - 1);
    }
}

void annotate__layout_write(struct annotate__layout *l, int rows, int cols,
                            int context_lines)
{
    *l =
        (struct annotate__layout){.shape = ANNOTATE__STACKED, .foot = rows - 3};
    if (rows < 12 || cols < 40) {
        l->shape = ANNOTATE__TOO_SMALL;
        return;
    }
    int room = rows - 6, most = room - (room / 3 > 3 ? room / 3 : 3);
    int h = context_lines < 1 ? 1 : context_lines > most ? most : context_lines;
    l->panes[ANNOTATE__PANE_CONTEXT] = rect(2, 0, h, cols);
    l->panes[ANNOTATE__PANE_LEFT] = rect(h + 3, 0, room - h, cols);
    l->panes[ANNOTATE__PANE_RIGHT] = rect(2, 0, 0, cols);
}
