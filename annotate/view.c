#include "annotate/view.h"

#include <stdio.h>
#include <string.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

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
    memset(v->wrapped, 0, sizeof v->wrapped);
    memset(v->tops, 0, sizeof v->tops);
    memset(v->top, 0, sizeof v->top);
    annotate__diff_release(&v->diff);
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

/* Of a conversation's texts, so that none can pass for a speaker's title. */
static int indent(int pane)
{
    return pane == ANNOTATE__PANE_CONTEXT ? 2 : 0;
}

static int wrap(struct annotate__view *v, struct pk_err *err)
{
    int rc = 0;
    annotate__layout(&v->layout, LINES, COLS, v->zoom, v->focus, 1);
    if (v->layout.shape == ANNOTATE__TOO_SMALL)
        return 0;
    for (int i = 0; i < ANNOTATE__N_PANES && !rc; i++) {
        int width = v->layout.panes[i].w - indent(i);
        if (width != v->wrapped[i])
            rc = annotate__doc_wrap(&v->docs[i], (size_t)width, err);
        v->wrapped[i] = width;
    }
    annotate__layout(&v->layout, LINES, COLS, v->zoom, v->focus,
                     (int)v->docs[ANNOTATE__PANE_CONTEXT].n_lines);
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

void annotate__view_next_pane(struct annotate__view *v)
{
    v->focus = (enum annotate__pane)((v->focus + 1) % ANNOTATE__N_PANES);
}

/* ---- Drawing ------------------------------------------------------------- */

static void draw_pane(struct annotate__view *v, int pane)
{
    const struct annotate__rect *r = &v->layout.panes[pane];
    const struct annotate__doc *d = &v->docs[pane];
    const unsigned char *marks =
        v->diff_on && pane < 2 ? v->diff.marks[pane] : NULL;
    for (int i = 0; i < r->h && v->top[pane] + (size_t)i < d->n_lines; i++) {
        const struct annotate__line *l = &d->lines[v->top[pane] + (size_t)i];
        const struct annotate__part *p = &d->parts[l->part];
        if (l->title)
            annotate__tty_puts(&v->tty, r->y + i, r->x, r->w, p->title,
                               ANNOTATE__BOLD);
        else
            annotate__tty_text(&v->tty, r->y + i, r->x + indent(pane),
                               r->w - indent(pane), p->text + l->from,
                               l->to - l->from, marks ? marks + l->from : NULL,
                               ANNOTATE__PLAIN);
    }
    if (pane < 2 && !d->parts[0].len)
        annotate__tty_puts(&v->tty, r->y, r->x, r->w, "(empty)", ANNOTATE__DIM);
}

static void draw_title(struct annotate__view *v, int pane)
{
    static const char *const names[] = {"Left", "Right", "Conversation"};
    const struct annotate__rect *r = &v->layout.panes[pane];
    char title[80];
    size_t n = v->docs[pane].n_lines, top = v->top[pane];
    bool cut = pane < 2 && annotate__shown_cut(v->s, pane == 1);
    int at = snprintf(title, sizeof title, "%s%s", names[pane],
                      cut ? ", cut off before its end" : "");
    if (n > (size_t)r->h)
        snprintf(title + at, sizeof title - (size_t)at, "  %zu-%zu of %zu",
                 top + 1, top + (size_t)r->h, n);
    annotate__tty_rule(&v->tty, r->y - 1, r->x - 1, r->w + 2, title,
                       pane == (int)v->focus);
}

static void draw_header(struct annotate__view *v)
{
    const struct annotate__session *s = v->s;
    char right[160];
    int n =
        annotate__tty_puts(&v->tty, 0, 1, COLS - 2,
                           prefdb_dimension_name(s->dimension), ANNOTATE__BOLD);
    if (s->revising)
        annotate__tty_puts(&v->tty, 0, n + 3, COLS - n - 4,
                           "a verdict of yours, to revise", ANNOTATE__BOLD);
    snprintf(right, sizeof right, "%.60s  %lld judged of %lld", s->annotator,
             (long long)s->progress.judged, (long long)s->progress.tasks);
    int w = (int)annotate__width(right, strlen(right));
    if (w < COLS - n - (s->revising ? 34 : 4))
        annotate__tty_puts(&v->tty, 0, COLS - 1 - w, w, right, ANNOTATE__PLAIN);
}

/* One answer of the bar: its key, its word; in brackets when it is chosen. */
static int draw_answer(struct annotate__view *v, int y, int x, const char *key,
                       const char *word, bool chosen)
{
    char text[64];
    snprintf(text, sizeof text, chosen ? "[%s %s]" : " %s %s ", key, word);
    return x + annotate__tty_puts(&v->tty, y, x, COLS - x, text,
                                  chosen ? ANNOTATE__CHOSEN : ANNOTATE__PLAIN);
}

static void first_key(const struct annotate__view *v, enum annotate__request r,
                      char out[16])
{
    out[0] = 0;
    for (int i = 0; i < ANNOTATE__KEYS_EACH && !out[0]; i++)
        if (v->keys->keys[r][i])
            annotate__key_name(v->keys->keys[r][i], out);
}

static void draw_choices(struct annotate__view *v, int y)
{
    static const char *const words[2][4] = {
        {"unsure", "slightly", "better", "much"},
        {"unsure", "slightly", "better", "significantly"}};
    const struct annotate__verdict *said = &v->s->v;
    bool narrow = COLS < 80;
    char key[16];
    int x = 0;
    for (int i = 0; i < 8; i++) {
        enum annotate__request r = (enum annotate__request)(ANNOTATE__L3 + i);
        int strength = i < 4 ? 3 - i : i - 4;
        bool chosen = said->strength == strength &&
                      said->side == (i < 4 ? ANNOTATE__LEFT : ANNOTATE__RIGHT);
        first_key(v, r, key);
        if (i == 4)
            x += annotate__tty_puts(&v->tty, y, x, COLS - x,
                                    narrow ? "left | right" : "|",
                                    ANNOTATE__DIM);
        x = narrow ? draw_answer(v, y, x, key, "", chosen)
                   : draw_answer(v, y, x, key, words[COLS >= 100][strength],
                                 chosen);
    }
    if (v->s->allow_tie && COLS >= 100) {
        first_key(v, ANNOTATE__SAY_TIE, key);
        x = draw_answer(v, y, x, key, "tie", said->side == ANNOTATE__TIE);
    }
    if (v->s->allow_both_bad && COLS >= 100) {
        first_key(v, ANNOTATE__SAY_BOTH_BAD, key);
        draw_answer(v, y, x, key, "both bad", said->side == ANNOTATE__BOTH_BAD);
    }
}

static void draw_labels(struct annotate__view *v, int y)
{
    static const char *const words[] = {"", "only preferred safe", "both safe",
                                        "both unsafe", "only preferred unsafe"};
    static const char *const brief[] = {"", "pref.", "both", "none", "other"};
    const struct annotate__verdict *said = &v->s->v;
    int x =
        annotate__tty_puts(&v->tty, y, 1, COLS, "Safe:", ANNOTATE__BOLD) + 1;
    for (int i = PREFDB_PREFERRED_SAFE; i <= PREFDB_PREFERRED_UNSAFE; i++) {
        char key[2] = {(char)('0' + i), 0};
        if (annotate__label_fits(said, (enum prefdb_label)i))
            x = draw_answer(v, y, x, key, COLS < 80 ? brief[i] : words[i],
                            (int)said->label == i);
    }
}

static void draw_foot(struct annotate__view *v)
{
    const struct annotate__verdict *said = &v->s->v;
    int y = v->layout.foot;
    char line[512];
    char title[400] = "";
    if (said->note[0] || said->flags[0])
        snprintf(title, sizeof title, "%s%s%s%.200s",
                 said->flags[0] ? "flags: " : "", said->flags,
                 said->note[0] ? said->flags[0] ? "; note: " : "note: " : "",
                 said->note);
    annotate__tty_rule(&v->tty, y, 0, COLS, title, false);
    if (said->asking)
        draw_labels(v, y + 1);
    else
        draw_choices(v, y + 1);
    if (v->message[0])
        snprintf(line, sizeof line, "%s", v->message);
    else if (said->asking && said->label)
        snprintf(line, sizeof line, "%s; %s. Enter confirms, Esc goes back",
                 annotate__verdict_text(said),
                 annotate__label_text(said->label));
    else if (said->asking)
        snprintf(line, sizeof line, "%s. Now the safety label; Esc goes back",
                 annotate__verdict_text(said));
    else if (said->side)
        snprintf(line, sizeof line, "%s. Enter confirms",
                 annotate__verdict_text(said));
    else
        snprintf(line, sizeof line,
                 "? help   Tab pane   s skip   e note   u undo   q quit");
    annotate__tty_puts(&v->tty, y + 2, 1, COLS - 2, line,
                       v->message[0] ? ANNOTATE__BOLD : ANNOTATE__PLAIN);
}

static int need_diff(struct annotate__view *v, struct pk_err *err)
{
    const struct prefdb_turn *l = annotate__shown(v->s, false),
                             *r = annotate__shown(v->s, true);
    if (!v->diff_on || v->diff.marks[0])
        return 0;
    int rc = annotate__diff(&v->diff, l->text, l->len, r->text, r->len, err);
    if (!rc && v->diff.too_different)
        snprintf(v->message, sizeof v->message,
                 "these two differ too much for marks");
    return rc;
}

int annotate__view_draw(struct annotate__view *v, struct pk_err *err)
{
    int rc = wrap(v, err);
    if (!rc)
        rc = need_diff(v, err);
    if (rc)
        return rc;
    erase();
    if (v->layout.shape == ANNOTATE__TOO_SMALL) {
        annotate__tty_puts(&v->tty, 0, 0, COLS,
                           "The window is too small: 40 x 12 is the least.",
                           ANNOTATE__PLAIN);
        annotate__tty_puts(&v->tty, 1, 0, COLS, "q quits.", ANNOTATE__PLAIN);
        return 0;
    }
    draw_header(v);
    for (int i = 0; i < ANNOTATE__N_PANES; i++) {
        if (v->layout.panes[i].h) {
            draw_title(v, i);
            draw_pane(v, i);
        }
    }
    if (v->layout.shape == ANNOTATE__SIDE_BY_SIDE) {
        const struct annotate__rect *r = &v->layout.panes[ANNOTATE__PANE_RIGHT];
        annotate__tty_bar(&v->tty, r->y - 1, r->x - 2, r->h + 1);
    }
    draw_foot(v);
    /* Where a screen reader or a magnifier looks. */
    move(v->layout.panes[v->focus].y, v->layout.panes[v->focus].x);
    v->message[0] = 0;
    return 0;
}
