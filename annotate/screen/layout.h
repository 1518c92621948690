/* Private to annotate/: where things are on a screen of a given size. */
#ifndef PREFKIT_ANNOTATE_SCREEN_LAYOUT_H
#define PREFKIT_ANNOTATE_SCREEN_LAYOUT_H

#include <stdbool.h>

enum annotate__pane {
    ANNOTATE__PANE_LEFT,
    ANNOTATE__PANE_RIGHT,
    ANNOTATE__PANE_CONTEXT,
    ANNOTATE__N_PANES
};

enum annotate__shape {
    ANNOTATE__SIDE_BY_SIDE, /* from 100 columns */
    ANNOTATE__STACKED,
    ANNOTATE__ONE, /* below 60 columns, or when zoomed: the pane in focus */
    ANNOTATE__TOO_SMALL
};

/* The text of a pane; its title is on the row above. h 0: not shown. */
struct annotate__rect {
    int y, x, h, w;
};

struct annotate__layout {
    enum annotate__shape shape;
    struct annotate__rect panes[ANNOTATE__N_PANES];
    int foot; /* the rule above the last two rows */
};

/* `lines`: what each pane would take. The conversation gets at most a third of
 * the rows, the responses share the others; what one pane leaves empty goes to
 * those that are cut. Widths do not depend on it: wrap first, then ask again.
 */
void annotate__layout(struct annotate__layout *l, int rows, int cols, bool zoom,
                      enum annotate__pane focus,
                      const int lines[ANNOTATE__N_PANES]);

/* The same while a prompt is written: the conversation above, and the place of
 * the left response is the editor's, across the screen. */
void annotate__layout_write(struct annotate__layout *l, int rows, int cols,
                            int context_lines);

#endif
