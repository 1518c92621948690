#include "annotate/screen/layout.h"

/* A margin of one column on both sides of every text. */
static struct annotate__rect rect(int y, int x, int h, int w)
{
    return (struct annotate__rect){.y = y, .x = x + 1, .h = h, .w = w - 2};
}

/* Rows that `from` has no text for go to `to`, as far as that is cut. */
static void hand_on(int h[ANNOTATE__N_PANES], const int lines[],
                    enum annotate__pane from, enum annotate__pane to)
{
    int spare = h[from] - (lines[from] > 1 ? lines[from] : 1);
    int wanted = lines[to] - h[to], n = spare < wanted ? spare : wanted;
    if (n <= 0)
        return;
    h[from] -= n;
    h[to] += n;
}

static void share(int h[ANNOTATE__N_PANES], const int lines[], int room)
{
    const enum annotate__pane left = ANNOTATE__PANE_LEFT,
                              right = ANNOTATE__PANE_RIGHT,
                              context = ANNOTATE__PANE_CONTEXT;
    h[left] = (room - h[context] + 1) / 2;
    h[right] = room - h[context] - h[left];
    hand_on(h, lines, left, right);
    hand_on(h, lines, right, left);
    hand_on(h, lines, right, context);
    hand_on(h, lines, left, context);
}

/* Side by side, both have the rows that the longer one takes. */
static void share_beside(int h[ANNOTATE__N_PANES], const int lines[], int room)
{
    int both[ANNOTATE__N_PANES] = {lines[0] > lines[1] ? lines[0] : lines[1], 0,
                                   lines[ANNOTATE__PANE_CONTEXT]};
    h[ANNOTATE__PANE_LEFT] = room - h[ANNOTATE__PANE_CONTEXT];
    hand_on(h, both, ANNOTATE__PANE_LEFT, ANNOTATE__PANE_CONTEXT);
    h[ANNOTATE__PANE_RIGHT] = h[ANNOTATE__PANE_LEFT];
}

void annotate__layout(struct annotate__layout *l, int rows, int cols, bool zoom,
                      enum annotate__pane focus,
                      const int lines[ANNOTATE__N_PANES])
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
    int context = lines[ANNOTATE__PANE_CONTEXT], h[ANNOTATE__N_PANES];
    h[ANNOTATE__PANE_CONTEXT] = context < 1      ? 1
                                : context > most ? most
                                                 : context;
    (stacked ? share : share_beside)(h, lines, room);
    int y = h[ANNOTATE__PANE_CONTEXT] + 3, half = cols / 2;
    int top = h[ANNOTATE__PANE_LEFT], bottom = h[ANNOTATE__PANE_RIGHT];
    p[ANNOTATE__PANE_CONTEXT].h = h[ANNOTATE__PANE_CONTEXT];
    p[ANNOTATE__PANE_LEFT] = rect(y, 0, top, stacked ? cols : half);
    p[ANNOTATE__PANE_RIGHT] = stacked
                                  ? rect(y + top + 1, 0, bottom, cols)
                                  : rect(y, half + 1, bottom, cols - half - 1);
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
