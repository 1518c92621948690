#include "annotate/screen/view.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "common/progress.h"

#define AT_ONCE ((size_t)64 << 10) /* bytes of a text */

const char *annotate__role_title(enum prefdb_role role)
{
    static const char *const titles[] = {"System", "User", "Assistant"};
    return titles[role];
}

int annotate__view_pair(struct annotate__view *v, struct pk_err *err)
{
    struct annotate__session *s = v->s;
    int rc = 0;
    for (int i = 0; i < ANNOTATE__N_PANES; i++)
        annotate__doc_reset(&v->docs[i]);
    v->fresh = true;
    memset(v->wrapped, 0, sizeof v->wrapped);
    memset(v->tops, 0, sizeof v->tops);
    memset(v->top, 0, sizeof v->top);
    annotate__diff_release(&v->diff);
    annotate__hits_release(&v->hits);
    v->tops[ANNOTATE__PANE_CONTEXT].title = true;
    for (size_t i = 0; i < s->x.n_context && !rc; i++)
        rc = annotate__doc_add(&v->docs[ANNOTATE__PANE_CONTEXT],
                               annotate__role_title(s->x.context[i].role),
                               s->x.context[i].text, s->x.context[i].len, err);
    for (int right = 0; right < 2 && !rc; right++) {
        const struct prefdb_turn *t = annotate__shown(s, right);
        rc = annotate__doc_add(&v->docs[right], NULL, t->text, t->len, err);
    }
    v->focus = v->layout.shape == ANNOTATE__ONE ? ANNOTATE__PANE_CONTEXT
                                                : ANNOTATE__PANE_LEFT;
    /* The last turn is what is answered, so a conversation opens at it. */
    if (s->x.n_context)
        v->tops[ANNOTATE__PANE_CONTEXT].part = s->x.n_context - 1;
    for (int right = 0; right < 2; right++)
        if (s->named[right][0])
            snprintf(v->message, sizeof v->message,
                     "the %s response names a model: \"%s\"",
                     right ? "right" : "left", s->named[right]);
    if (s->named[0][0] && s->named[1][0])
        snprintf(v->message, sizeof v->message,
                 "both responses name a model: \"%.60s\", \"%.60s\"",
                 s->named[0], s->named[1]);
    return rc;
}

int annotate__view_keep(struct annotate__view *v, struct pk_err *err)
{
    prefdb_wait(v->s->db, v->unstored ? 0 : 1, NULL, NULL);
    int rc = v->scene && !v->s->revising
                 ? v->scene->store(v->scene->store_arg, err)
                 : annotate__keep(v->s, err);
    annotate__screen_waits(v, true);
    v->unstored = rc == PK_EIO;
    return rc;
}

static size_t last_top(const struct annotate__view *v, int pane)
{
    size_t n = v->docs[pane].n_lines, h = (size_t)v->layout.panes[pane].h;
    return n > h ? n - h : 0;
}

static void keep_place(struct annotate__view *v, int pane)
{
    const struct annotate__doc *d = &v->docs[pane];
    if (!d->n_lines)
        return;
    const struct annotate__line *l = &d->lines[v->top[pane]];
    v->tops[pane].part = l->part;
    v->tops[pane].at = l->from;
    v->tops[pane].title = l->title;
}

static void find_place(struct annotate__view *v, int pane)
{
    const struct annotate__doc *d = &v->docs[pane];
    size_t line = annotate__doc_find(d, v->tops[pane].part, v->tops[pane].at);
    if (v->tops[pane].title && line && d->lines[line - 1].title)
        line--;
    size_t last = last_top(v, pane);
    v->top[pane] = line < last ? line : last;
}

/* With responses that may grow under the eye, rows do not move. */
static void lay(struct annotate__view *v)
{
    int lines[ANNOTATE__N_PANES];
    for (int i = 0; i < ANNOTATE__N_PANES; i++) {
        size_t n = v->docs[i].n_lines;
        bool grows = v->scene && i != ANNOTATE__PANE_CONTEXT;
        lines[i] = grows || n > INT16_MAX ? INT16_MAX : (int)n;
    }
    if (v->scene && v->scene->writing)
        annotate__layout_write(&v->layout, LINES, COLS,
                               lines[ANNOTATE__PANE_CONTEXT]);
    else
        annotate__layout(&v->layout, LINES, COLS, v->zoom, v->focus, lines);
}

int annotate__view_text(struct annotate__view *v, int pane, const char *text,
                        size_t len, bool grown, struct pk_err *err)
{
    struct annotate__doc *d = &v->docs[pane];
    annotate__diff_release(&v->diff);
    if (grown && v->wrapped[pane] && d->n_lines)
        return annotate__doc_grow(d, text, len, (size_t)v->wrapped[pane], err);
    annotate__hits_release(&v->hits); /* their places were in another text */
    d->parts[0].text = text;
    d->parts[0].len = len;
    v->wrapped[pane] = 0;
    return 0;
}

/* What is at hand at once; of a long text that is at its top, the rest when
 * there is nothing else to do (annotate__view_idle). */
static int wrap(struct annotate__view *v, int pane, int width,
                struct pk_err *err)
{
    bool at_top = !v->scene && !v->tops[pane].part && !v->tops[pane].at;
    annotate__doc_unwrap(&v->docs[pane]);
    return annotate__doc_wrap_on(&v->docs[pane], (size_t)width,
                                 at_top ? AT_ONCE : SIZE_MAX, err);
}

static int wrap_more(struct annotate__view *v, size_t bytes, struct pk_err *err)
{
    int rc = 0;
    for (int i = 0; i < ANNOTATE__N_PANES && !rc; i++)
        if (v->wrapped[i])
            rc = annotate__doc_wrap_on(&v->docs[i], (size_t)v->wrapped[i],
                                       bytes, err);
    return rc;
}

int annotate__view_finish(struct annotate__view *v, struct pk_err *err)
{
    return wrap_more(v, SIZE_MAX, err);
}

int annotate__view_more(struct annotate__view *v, struct pk_err *err)
{
    return wrap_more(v, AT_ONCE, err);
}

int annotate__view_idle(void *view)
{
    struct annotate__view *v = view;
    bool whole = true;
    for (int i = 0; i < ANNOTATE__N_PANES; i++)
        whole &= !v->wrapped[i] || annotate__doc_whole(&v->docs[i]);
    if (whole || v->failed)
        return ANNOTATE__NOTHING_ELSE;
    v->failed = wrap_more(v, AT_ONCE, &v->err);
    for (int i = 0; i < ANNOTATE__N_PANES; i++)
        if (!annotate__doc_whole(&v->docs[i]) && !v->failed)
            return 0;
    return 1; /* now their lines are counted */
}

int annotate__view_wrap(struct annotate__view *v, struct pk_err *err)
{
    int rc = 0;
    lay(v);
    if (v->layout.shape == ANNOTATE__TOO_SMALL)
        return 0;
    for (int i = 0; i < ANNOTATE__N_PANES && !rc; i++) {
        int width = v->layout.panes[i].w - annotate__view_indent(i);
        if (width != v->wrapped[i])
            rc = wrap(v, i, width, err);
        v->wrapped[i] = width;
    }
    lay(v);
    for (int i = 0; i < ANNOTATE__N_PANES && !rc; i++)
        find_place(v, i);
    return rc;
}

/* Where a pane's top goes, before it is held to the text. */
static long wanted(const struct annotate__view *v, int pane,
                   enum annotate__request r)
{
    long h = v->layout.panes[pane].h > 1 ? v->layout.panes[pane].h : 2;
    long at = (long)v->top[pane];
    switch (r) {
    case ANNOTATE__LINE_DOWN:
        return at + 1;
    case ANNOTATE__LINE_UP:
        return at - 1;
    case ANNOTATE__HALF_DOWN:
        return at + h / 2;
    case ANNOTATE__HALF_UP:
        return at - h / 2;
    case ANNOTATE__PAGE_DOWN:
        return at + h - 1;
    case ANNOTATE__PAGE_UP:
        return at + 1 - h;
    case ANNOTATE__TOP:
        return 0;
    default:
        return (long)v->docs[pane].n_lines;
    }
}

void annotate__view_scroll(struct annotate__view *v, enum annotate__request r)
{
    for (int pane = 0; pane < ANNOTATE__N_PANES; pane++) {
        bool both = v->together && pane != ANNOTATE__PANE_CONTEXT &&
                    v->focus != ANNOTATE__PANE_CONTEXT;
        if (pane != (int)v->focus && !both)
            continue;
        long last = (long)last_top(v, pane), to = wanted(v, pane, r);
        v->top[pane] = (size_t)(to < 0 ? 0 : to > last ? last : to);
        keep_place(v, pane);
    }
}

void annotate__view_next_pane(struct annotate__view *v, bool back)
{
    int step = back ? ANNOTATE__N_PANES - 1 : 1;
    v->focus =
        (enum annotate__pane)(((int)v->focus + step) % ANNOTATE__N_PANES);
}

void annotate__view_show(struct annotate__view *v, int pane, size_t part,
                         size_t at)
{
    size_t line = annotate__doc_find(&v->docs[pane], part, at);
    /* Alone on the screen, a pane that is not in focus has no height yet. */
    int rows = v->layout.shape == ANNOTATE__ONE ? v->layout.foot - 2
                                                : v->layout.panes[pane].h;
    size_t h = rows > 0 ? (size_t)rows : 1;
    v->focus = (enum annotate__pane)pane;
    if (line >= v->top[pane] && line < v->top[pane] + h)
        return;
    v->top[pane] = line > h / 3 ? line - h / 3 : 0;
    keep_place(v, pane);
}

int annotate__view_key(struct annotate__view *v, int key)
{
    v->gone |= key == ANNOTATE__HUNG_UP;
    if (key != ANNOTATE__NEWS)
        annotate__touch(v->s, pk_now());
    return key;
}
