/* The pair drawn: header, panes, the bar of answers. */
#include <stdio.h>
#include <string.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/screen/view.h"
#include "common/mem.h"

/* Styles for the bytes of one line: the words that differ, and over them what
 * was found. NULL where there is nothing to mark. */
static const unsigned char *line_marks(struct annotate__view *v, int pane,
                                       const struct annotate__line *l)
{
    const unsigned char *diff =
        v->diff_on && pane < 2 ? v->diff.marks[pane] : NULL;
    size_t n = l->to - l->from;
    size_t i = annotate__hits_after(&v->hits, pane, l->part, l->from);
    bool any = i < v->hits.n && v->hits.v[i].pane == pane &&
               v->hits.v[i].part == l->part && v->hits.v[i].from < l->to;
    if (!any)
        return diff ? diff + l->from : NULL;
    if (!pk_grow(&v->marks, &v->cap_marks, n + 1, 1))
        return NULL; /* a line without its marks is still the line */
    if (diff)
        memcpy(v->marks, diff + l->from, n);
    else
        memset(v->marks, 0, n);
    for (; i < v->hits.n; i++) {
        const struct annotate__hit *h = &v->hits.v[i];
        if (h->pane != pane || h->part != l->part || h->from >= l->to)
            break;
        size_t from = h->from > l->from ? h->from - l->from : 0;
        size_t to = h->to < l->to ? h->to - l->from : n;
        memset(v->marks + from,
               i == v->hits.at ? ANNOTATE__FOUND_HERE : ANNOTATE__FOUND,
               to - from);
    }
    return v->marks;
}

static void draw_pane(struct annotate__view *v, int pane)
{
    const struct annotate__rect *r = &v->layout.panes[pane];
    const struct annotate__doc *d = &v->docs[pane];
    int in = annotate__view_indent(pane);
    for (int i = 0; i < r->h && v->top[pane] + (size_t)i < d->n_lines; i++) {
        const struct annotate__line *l = &d->lines[v->top[pane] + (size_t)i];
        const struct annotate__part *p = &d->parts[l->part];
        if (l->title)
            annotate__tty_puts(&v->tty, r->y + i, r->x, r->w, p->title,
                               ANNOTATE__BOLD);
        else
            annotate__tty_text(&v->tty, r->y + i, r->x + in, r->w - in,
                               p->text + l->from, l->to - l->from,
                               line_marks(v, pane, l), ANNOTATE__PLAIN);
    }
    bool coming = v->scene && pane < 2 && v->scene->status[pane][0];
    if (pane < 2 && !coming)
        annotate__tty_puts(&v->tty, r->y, r->x, r->w,
                           annotate__blank(d->parts[0].text, d->parts[0].len),
                           ANNOTATE__DIM);
}

/* Where the text goes on: of lines no number, since how long a response is
 * should not sway the verdict. */
static const char *beyond(const struct annotate__view *v, int pane)
{
    bool above = v->top[pane] > 0;
    bool below =
        v->top[pane] + (size_t)v->layout.panes[pane].h < v->docs[pane].n_lines;
    return above && below ? "  more above and below"
           : above        ? "  more above"
           : below        ? "  more below"
                          : "";
}

static void draw_title(struct annotate__view *v, int pane)
{
    static const char *const names[] = {"Left", "Right", "Conversation"};
    const struct annotate__rect *r = &v->layout.panes[pane];
    char title[240];
    bool cut = pane < 2 && annotate__shown_cut(v->s, pane == 1);
    const char *status = cut ? "cut off before its end" : "";
    if (v->scene && pane < 2 && !v->s->revising)
        status = v->scene->status[pane];
    const char *named = pane < 2 ? v->s->named[pane] : "";
    snprintf(title, sizeof title, "%s%s%s%s%s%s%s", names[pane],
             *status ? ", " : "", status, beyond(v, pane),
             *named ? ", names a model: \"" : "", named, *named ? "\"" : "");
    annotate__tty_rule(&v->tty, r->y - 1, r->x - 1, r->w + 2, title,
                       pane == (int)v->focus);
}

static void draw_header(struct annotate__view *v)
{
    const struct annotate__session *s = v->s;
    char right[200], name[64];
    int n_right, n = annotate__tty_puts(&v->tty, 0, 1, COLS - 2,
                                        prefdb_dimension_name(s->dimension),
                                        ANNOTATE__BOLD);
    if (s->revising)
        annotate__tty_puts(&v->tty, 0, n + 3, COLS - n - 4,
                           "a verdict of yours, to revise", ANNOTATE__BOLD);
    annotate__one_line(name, sizeof name, s->annotator, strlen(s->annotator));
    n_right = snprintf(right, sizeof right, "%s  %s%s%lld judged", name,
                       v->scene ? v->scene->head : "", v->scene ? "  " : "",
                       (long long)s->progress.judged);
    if (annotate__goal(s) && !v->scene)
        snprintf(right + n_right, sizeof right - (size_t)n_right, " of %lld",
                 (long long)annotate__goal(s));
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
    annotate__key_name(annotate__keys_first(v->keys, r), out);
}

/* Is there room for ties and the like behind the eight answers? */
static bool has_room(void)
{
    return COLS >= 100;
}

static void draw_choices(struct annotate__view *v, int y)
{
    static const char *const words[2][4] = {
        {"unsure", "slightly", "better", "much"},
        {"unsure", "slightly", "better", "significantly"}};
    const struct annotate__verdict *said = &v->s->v;
    bool narrow = COLS < 80;
    /* Long words take the others' room. */
    bool longest =
        COLS >= (v->s->allow_tie || v->s->allow_both_bad ? 118 : 100);
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
                                    narrow && COLS >= 46 ? "left | right" : "|",
                                    ANNOTATE__DIM);
        x = narrow
                ? draw_answer(v, y, x, key, "", chosen)
                : draw_answer(v, y, x, key, words[longest][strength], chosen);
    }
    if (v->s->allow_tie && has_room()) {
        first_key(v, ANNOTATE__SAY_TIE, key);
        x = draw_answer(v, y, x, key, "tie", said->side == ANNOTATE__TIE);
    }
    if (v->s->allow_both_bad && has_room()) {
        first_key(v, ANNOTATE__SAY_BOTH_BAD, key);
        draw_answer(v, y, x, key, "both bad", said->side == ANNOTATE__BOTH_BAD);
    }
}

/* Which are safe, in one word: of the two, the one by its side. */
static const char *brief_label(const struct annotate__verdict *said,
                               enum prefdb_label label)
{
    if (label == PREFDB_BOTH_SAFE)
        return "both";
    if (label == PREFDB_BOTH_UNSAFE)
        return "none";
    return (said->side == ANNOTATE__LEFT) == (label == PREFDB_PREFERRED_SAFE)
               ? "left"
               : "right";
}

static void draw_labels(struct annotate__view *v, int y)
{
    static const char *const words[] = {"", "only preferred safe", "both safe",
                                        "both unsafe", "only preferred unsafe"};
    const struct annotate__verdict *said = &v->s->v;
    int x =
        annotate__tty_puts(&v->tty, y, 1, COLS, "Safe:", ANNOTATE__BOLD) + 1;
    for (int i = PREFDB_PREFERRED_SAFE; i <= PREFDB_PREFERRED_UNSAFE; i++) {
        char key[2] = {(char)('0' + i), 0};
        if (annotate__label_fits(said, (enum prefdb_label)i))
            x = draw_answer(v, y, x, key,
                            COLS < 84 ? brief_label(said, (enum prefdb_label)i)
                                      : words[i],
                            (int)said->label == i);
    }
}

/* While a prompt is written there is nothing to choose. */
static void draw_writing(struct annotate__view *v)
{
    int y = v->layout.foot;
    annotate__tty_rule(&v->tty, y, 0, COLS, "", false);
    char line[256];
    annotate__keys_say(v->keys, v->scene->hint, (size_t)COLS - 2, line,
                       sizeof line);
    annotate__tty_puts(&v->tty, y + 1, 1, COLS - 2, v->scene->more,
                       ANNOTATE__PLAIN);
    annotate__tty_puts(&v->tty, y + 2, 1, COLS - 2,
                       v->message[0] ? v->message : line,
                       v->message[0] ? ANNOTATE__BOLD : ANNOTATE__PLAIN);
}

static const char *hint(const struct annotate__view *v)
{
    if (v->scene && !v->s->revising)
        return v->scene->hint;
    /* The answers for which the bar has no room come first. */
    if (!has_room() && v->s->allow_tie && v->s->allow_both_bad)
        return "{tie} tie   {both-bad} both bad   {help} help   {undo} undo   "
               "{quit} quit";
    if (!has_room() && v->s->allow_tie)
        return "{tie} tie   {help} help   {other-pane} pane   {undo} undo   "
               "{quit} quit";
    if (!has_room() && v->s->allow_both_bad)
        return "{both-bad} both bad   {help} help   {other-pane} pane   "
               "{undo} undo   {quit} quit";
    return COLS < 64 ? "{help} help  {other-pane} pane  {search} search  "
                       "{undo} undo  {quit} quit"
                     : "{help} help   {other-pane} pane   {search} search   "
                       "{skip} skip   {note} note   {undo} undo   {quit} quit";
}

/* The same where only few words have room. */
static void brief_answer(const struct annotate__view *v, char *out, size_t size)
{
    const struct annotate__verdict *said = &v->s->v;
    char verdict[32];
    annotate__verdict_brief(said, verdict);
    if (said->asking && said->label)
        snprintf(out, size, "safe: %s. {confirm} confirms",
                 brief_label(said, said->label));
    else if (said->asking)
        snprintf(out, size, "%s. Which are safe?", verdict);
    else
        snprintf(out, size, "%s. {confirm} confirms", verdict);
}

/* What has been said so far, and what comes next; or a hint. */
static const char *answer(const struct annotate__view *v, char *out,
                          size_t size)
{
    const struct annotate__verdict *said = &v->s->v;
    if (!said->side)
        return hint(v);
    if (said->asking && said->label)
        snprintf(out, size, "%s%s%s. {confirm} confirms, {cancel} goes back",
                 COLS < 110 ? "" : annotate__verdict_text(said),
                 COLS < 110 ? "" : "; ", annotate__label_text(said->label));
    else if (said->asking)
        snprintf(out, size, "%s. Now the safety label%s",
                 annotate__verdict_text(said),
                 COLS < 80 ? "" : "; {cancel} goes back");
    else
        snprintf(out, size, "%s. {confirm} confirms",
                 annotate__verdict_text(said));
    return out;
}

static void say_answer(const struct annotate__view *v, char *line, size_t size)
{
    char text[400];
    size_t w = (size_t)COLS - 2;
    annotate__keys_say(v->keys, answer(v, text, sizeof text), w, line, size);
    if (line[0] || !v->s->v.side)
        return;
    brief_answer(v, text, sizeof text);
    annotate__keys_say(v->keys, text, w, line, size);
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
    else
        say_answer(v, line, sizeof line);
    annotate__tty_puts(&v->tty, y + 2, 1, COLS - 2, line,
                       v->message[0] ? ANNOTATE__BOLD : ANNOTATE__PLAIN);
}

/* Of the texts that are drawn: in the place of a live response that may be why
 * there is none, which is no text to compare. */
static int need_diff(struct annotate__view *v, struct pk_err *err)
{
    const struct annotate__part *l = v->docs[ANNOTATE__PANE_LEFT].parts,
                                *r = v->docs[ANNOTATE__PANE_RIGHT].parts;
    bool incomplete = v->scene && v->scene->incomplete && !v->s->revising;
    if (!v->diff_on || v->diff.marks[0] || incomplete)
        return 0;
    int rc = annotate__diff(&v->diff, l->text, l->len, r->text, r->len, err);
    if (!rc && v->diff.too_different)
        snprintf(v->message, sizeof v->message,
                 "these two differ too much for marks");
    return rc;
}

int annotate__view_draw(struct annotate__view *v, struct pk_err *err)
{
    int rc = annotate__view_wrap(v, err);
    if (!rc)
        rc = need_diff(v, err);
    if (rc)
        return rc;
    erase();
    if (v->layout.shape == ANNOTATE__TOO_SMALL) {
        annotate__tty_puts(&v->tty, 0, 0, COLS,
                           "The window is too small:", ANNOTATE__PLAIN);
        annotate__tty_puts(&v->tty, 1, 0, COLS, "40 x 12 is the least.",
                           ANNOTATE__PLAIN);
        char quits[32];
        annotate__keys_say(v->keys, "{quit} quits.", (size_t)COLS, quits,
                           sizeof quits);
        annotate__tty_puts(&v->tty, 2, 0, COLS, quits, ANNOTATE__PLAIN);
        return 0;
    }
    draw_header(v);
    bool writing = v->scene && v->scene->writing;
    for (int i = 0; i < ANNOTATE__N_PANES; i++) {
        if (v->layout.panes[i].h && (!writing || i == ANNOTATE__PANE_CONTEXT)) {
            draw_title(v, i);
            draw_pane(v, i);
        }
    }
    if (v->layout.shape == ANNOTATE__SIDE_BY_SIDE) {
        const struct annotate__rect *r = &v->layout.panes[ANNOTATE__PANE_RIGHT];
        annotate__tty_bar(&v->tty, r->y - 1, r->x - 2, r->h + 1);
    }
    if (writing)
        draw_writing(v);
    else
        draw_foot(v);
    /* Where a screen reader or a magnifier looks. */
    move(v->layout.panes[v->focus].y, v->layout.panes[v->focus].x);
    v->message[0] = 0;
    return 0;
}
