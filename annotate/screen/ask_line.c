/* A line of text, asked for below the pair. What is written of a note stays
 * with the pair from key to key, as a verdict does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/screen/view.h"
#include "annotate/terminal/editor.h"
#include "common/mem.h"

static const char *text_of(const struct annotate__editor *e)
{
    return e->text.len ? e->text.data : "";
}

/* The line's part around the cursor, which is always to be seen. */
static int draw(struct annotate__view *v, const char *prompt,
                const struct annotate__editor *e, struct pk_err *err)
{
    int y = LINES - 1, rc = annotate__view_draw(v, err);
    move(y, 0);
    clrtoeol();
    int x =
        1 + annotate__tty_puts(&v->tty, y, 1, COLS - 2, prompt, ANNOTATE__BOLD);
    if (e->full)
        x += annotate__tty_puts(&v->tty, y, x, COLS - x - 1, "(no room) ",
                                ANNOTATE__BOLD);
    const char *from = text_of(e), *at = from + e->at;
    int before;
    while ((before = (int)annotate__width(from, (size_t)(at - from))) >
               COLS - x - 2 &&
           from < at) {
        struct annotate__cell c;
        annotate__cell(from, (size_t)(at - from), 0, &c);
        from += c.bytes;
    }
    annotate__tty_puts(&v->tty, y, x, COLS - x - 1, from, ANNOTATE__PLAIN);
    move(y, x + before);
    return rc;
}

/* A paste is part of the line whatever is in it, and is drawn as a whole. */
static int edit(struct annotate__view *v, struct annotate__editor *e)
{
    bool pasted, full = false;
    int k;
    while (k = annotate__view_key(v, annotate__tty_typed(&v->tty, &pasted)),
           pasted) {
        bool space = k == '\r' || k == '\n' || k == '\t';
        (void)annotate__editor_key(e, space ? ' ' : k, true);
        full |= e->full;
    }
    if (k == '\n')
        k = '\r';
    if (k != '\r')
        (void)annotate__editor_key(e, k, false);
    e->full |= full;
    return k;
}

/* What is being written is in `out`, a word of the pair's perhaps, for as long
 * as the draft is kept: if the program is killed, that is where it is. Where it
 * cannot be kept, the loop of the pair will say so. */
static int keep(struct annotate__view *v, const char *text, const char *before,
                char *out, size_t size, struct pk_err *err)
{
    snprintf(out, size, "%s", text);
    int rc = annotate__view_keep(v, err);
    snprintf(out, size, "%s", before);
    return annotate__stays(v->s, rc) ? 0 : rc;
}

int annotate__ask_line(struct annotate__view *v, const char *prompt, char *out,
                       size_t size, bool *ok, struct pk_err *err)
{
    struct annotate__editor e;
    char *before = pk_strdup(out);
    int k = 0;
    *ok = false;
    if (!before)
        return pk_fail_mem(err, "a line");
    annotate__editor_init(&e, size);
    int rc = annotate__editor_set(&e, out, strlen(out), err);
    while (!rc && !v->gone && k != '\r' && k != 0x1B) {
        rc = draw(v, prompt, &e, err);
        k = rc ? 0 : edit(v, &e);
        rc = rc ? rc : keep(v, text_of(&e), before, out, size, err);
    }
    *ok = !rc && k == '\r';
    if (*ok || (!rc && v->gone)) /* what was being written is not lost */
        snprintf(out, size, "%s", text_of(&e));
    annotate__editor_release(&e);
    free(before);
    return rc;
}
