/* What is asked instead of the pair: a choice among earlier verdicts, a text to
 * read. Each is a small loop of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/screen/view.h"
#include "common/mem.h"

static int key(struct annotate__view *v)
{
    return annotate__view_key(v, annotate__tty_key(&v->tty));
}

static void put_hint(const struct annotate__view *v, const char *text)
{
    char line[160];
    annotate__keys_say(v->keys, text, (size_t)COLS - 2, line, sizeof line);
    annotate__tty_puts(&v->tty, LINES - 1, 1, COLS - 2, line, ANNOTATE__BOLD);
}

/* ---- A text -------------------------------------------------------------- */

static size_t moved(size_t at, size_t last, enum annotate__request r, size_t h)
{
    switch (r) {
    case ANNOTATE__LINE_DOWN:
        return at < last ? at + 1 : last;
    case ANNOTATE__LINE_UP:
        return at ? at - 1 : 0;
    case ANNOTATE__HALF_DOWN:
    case ANNOTATE__PAGE_DOWN:
        return at + h < last ? at + h : last;
    case ANNOTATE__HALF_UP:
    case ANNOTATE__PAGE_UP:
        return at > h ? at - h : 0;
    case ANNOTATE__TOP:
        return 0;
    case ANNOTATE__BOTTOM:
        return last;
    default:
        return at;
    }
}

static bool leaves(enum annotate__request r)
{
    return r == ANNOTATE__CANCEL || r == ANNOTATE__QUIT ||
           r == ANNOTATE__HELP || r == ANNOTATE__GUIDELINE ||
           r == ANNOTATE__CONFIRM;
}

/* A text on a screen of its own, until a request that it `ends` with. */
struct page {
    const char *title, *text;
    const char *hint, *more; /* more: where it has several pages */
    bool (*ends)(enum annotate__request);
};

static int read_page(struct annotate__view *v, const struct page *p,
                     enum annotate__request *out, struct pk_err *err)
{
    struct annotate__doc d = {0};
    size_t top = 0;
    enum annotate__request r = ANNOTATE__NOTHING;
    int rc = annotate__doc_add(&d, NULL, p->text, strlen(p->text), err);
    while (!rc && !v->gone && !p->ends(r)) {
        size_t h = LINES > 3 ? (size_t)LINES - 2 : 1;
        rc = annotate__doc_wrap(&d, COLS > 4 ? (size_t)COLS - 2 : 2, err);
        if (rc)
            break;
        size_t last = d.n_lines > h ? d.n_lines - h : 0;
        top = top < last ? top : last;
        erase();
        annotate__tty_rule(&v->tty, 0, 0, COLS, p->title, true);
        for (size_t i = 0; i < h && top + i < d.n_lines; i++) {
            const struct annotate__line *l = &d.lines[top + i];
            annotate__tty_text(&v->tty, (int)i + 1, 1, COLS - 2,
                               p->text + l->from, l->to - l->from, NULL,
                               ANNOTATE__PLAIN);
        }
        put_hint(v, last ? p->more : p->hint);
        r = annotate__keys_find(v->keys, key(v));
        top = moved(top, last, r, h);
    }
    *out = r;
    annotate__doc_release(&d);
    return rc;
}

int annotate__ask_read(struct annotate__view *v, const char *title,
                       const char *text, struct pk_err *err)
{
    enum annotate__request r;
    const struct page p = {title, text, "{cancel} goes back",
                           "{page-down} and {page-up} page; {cancel} goes back",
                           leaves};
    return read_page(v, &p, &r, err);
}

static bool ends(enum annotate__request r)
{
    return r == ANNOTATE__CONFIRM || r == ANNOTATE__UNDO ||
           r == ANNOTATE__UNSKIP || r == ANNOTATE__HELP ||
           r == ANNOTATE__GUIDELINE || r == ANNOTATE__QUIT;
}

int annotate__ask_end(struct annotate__view *v, const char *text,
                      enum annotate__request *out, struct pk_err *err)
{
    static const char hint[] = "{quit} quits  {undo} your verdicts  {unskip} "
                               "takes a skip back  {confirm} looks again";
    const struct page p = {annotate__ended(v->s), text, hint, hint, ends};
    return read_page(v, &p, out, err);
}

/* ---- An earlier verdict -------------------------------------------------- */

struct history {
    int64_t *ids; /* newest first */
    struct annotate__past *said;
    bool *known; /* said[i] has been looked up */
    size_t n, at, top;
};

/* What is said on the screen's rows is looked up as they come into view. */
static int look_up(struct annotate__view *v, struct history *h, size_t rows,
                   struct pk_err *err)
{
    int rc = 0;
    if (h->at < h->top)
        h->top = h->at;
    if (h->at >= h->top + rows)
        h->top = h->at - rows + 1;
    for (size_t i = h->top; i < h->n && i < h->top + rows && !rc; i++) {
        if (!h->known[i])
            rc = annotate__past(v->s, h->ids[i], &h->said[i], err);
        h->known[i] = !rc;
    }
    return rc;
}

static void draw_past(struct annotate__view *v, const struct history *h,
                      size_t rows)
{
    char title[80];
    erase();
    snprintf(title, sizeof title, "Your verdicts, newest first  %zu of %zu",
             h->n ? h->at + 1 : 0, h->n);
    annotate__tty_rule(&v->tty, 0, 0, COLS, title, true);
    for (size_t i = h->top; i < h->n && i < h->top + rows; i++) {
        int y = (int)(i - h->top) + 1;
        bool here = i == h->at;
        enum annotate__style style = here ? ANNOTATE__CHOSEN : ANNOTATE__PLAIN;
        annotate__tty_puts(&v->tty, y, 1, 1, here ? ">" : " ", style);
        int x = 3 + annotate__tty_puts(&v->tty, y, 3, COLS - 4, h->said[i].what,
                                       style);
        x = x < 36 ? 36 : x + 2;
        if (x < COLS - 1)
            annotate__tty_puts(&v->tty, y, x, COLS - 1 - x, h->said[i].prompt,
                               here ? ANNOTATE__BOLD : ANNOTATE__DIM);
    }
    put_hint(v, h->n ? "{confirm} takes it up again; {cancel} goes back"
                     : "There is none yet; {cancel} goes back");
    move((int)(h->at - h->top) + 1, 1);
}

static int choose_past(struct annotate__view *v, struct history *h,
                       int64_t *judgment, struct pk_err *err)
{
    enum annotate__request r = ANNOTATE__NOTHING;
    int rc = 0;
    while (!rc && !v->gone && !leaves(r)) {
        size_t rows = LINES > 3 ? (size_t)LINES - 2 : 1;
        rc = look_up(v, h, rows, err);
        if (rc)
            break;
        draw_past(v, h, rows);
        r = annotate__keys_find(v->keys, key(v));
        h->at = moved(h->at, h->n ? h->n - 1 : 0, r, rows);
    }
    if (!rc && !v->gone && r == ANNOTATE__CONFIRM && h->n)
        *judgment = h->ids[h->at];
    return rc;
}

int annotate__ask_past(struct annotate__view *v, int64_t *judgment,
                       struct pk_err *err)
{
    struct history h = {0};
    *judgment = 0;
    int rc = prefdb_history(v->s->db, v->s->campaign, v->s->annotator, &h.ids,
                            &h.n, err);
    if (!rc) {
        h.said = pk_calloc(h.n + 1, sizeof *h.said);
        h.known = pk_calloc(h.n + 1, sizeof *h.known);
        rc = h.said && h.known ? choose_past(v, &h, judgment, err)
                               : pk_fail_mem(err, "the history");
    }
    free(h.ids);
    free(h.said);
    free(h.known);
    return rc;
}
