/* A live dialogue drawn, and the wait for keys and words at once. */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/screen/live_screen.h"
#include "common/cli.h"
#include "common/progress.h"

#define FRAME (1.0 / 30) /* seconds between two drawings of news */
/* Up to so many bytes, names are looked for as they come; in more, at the end.
 */
#define NAMES_AT_ONCE ((size_t)64 << 10)

/* In the place of a text: why there is none, or none that counts. */
static const char *trouble(struct annotate__show *w, int side)
{
    const struct annotate__stream *s = &w->l->sides[side].stream;
    char *out = w->trouble[side];
    size_t size = sizeof w->trouble[side];
    if (s->phase == ANNOTATE__BROKEN) {
        char asks[64];
        annotate__keys_say(w->v.keys, "{again} asks for another.", sizeof asks,
                           asks, sizeof asks);
        snprintf(out, size,
                 "This response is broken and is not judged.\n\n%s\n\n%s",
                 s->trouble, asks);
    } else if (s->phase == ANNOTATE__RETRYING)
        snprintf(out, size, "%s\n\nIt is asked again by itself: try %u of 3.",
                 s->trouble, s->tries + 1);
    else
        return NULL;
    return out;
}

static int sync_side(struct annotate__show *w, int side, struct pk_err *err)
{
    const struct prefdb_turn *t = annotate__shown(w->v.s, side);
    const struct annotate__doc *d = &w->v.docs[side];
    const char *text = trouble(w, side);
    size_t len = text ? strlen(text) : t->len;
    bool grown = !text && !w->troubled[side] && len >= d->parts[0].len;
    if (!text)
        text = t->text;
    w->troubled[side] = text != t->text;
    if (grown && len == d->parts[0].len && text == d->parts[0].text)
        return 0;
    return annotate__view_text(&w->v, side, text, len, grown, err);
}

int annotate__show_sync(struct annotate__show *w, struct pk_err *err)
{
    struct annotate__live *l = w->l;
    int rc = 0;
    if (l->s->revising)
        return 0;
    annotate__live_show(l);
    for (int i = 0; i < 2 && !rc && l->asked; i++) {
        annotate__live_status(l, i, w->scene.status[i],
                              sizeof w->scene.status[i]);
        rc = sync_side(w, i, err);
    }
    if (!annotate__hub_busy(l->hub) ||
        l->s->x.a.len + l->s->x.b.len < NAMES_AT_ONCE)
        annotate__find_names(l->s);
    return rc;
}

static const char *hint(const struct annotate__show *w)
{
    bool narrow = COLS < 72;
    if (w->l->asked)
        return narrow ? "{help} help  {stop} cut  {again} again  {write} write"
                        "  {quit} quit"
                      : "{help} help   {stop} cut off   {again} again   "
                        "{write} write   {note} note   {open} new dialogue   "
                        "{quit} quit";
    if (w->resting)
        return narrow ? "{write} write  {open} new  {undo} undo  {help} help  "
                        "{quit} quit"
                      : "{write} write   {open} new dialogue   {undo} undo   "
                        "{guideline} guideline   {help} help   {quit} quit";
    return narrow ? "Esc: leave it, or quit"
                  : "Esc leaves the prompt: help, undo, quit. PgUp and PgDn "
                    "scroll the conversation";
}

/* That stays as it is. */
static bool has_text(const struct annotate__answer *side)
{
    return side->stream.phase == ANNOTATE__WHOLE ||
           side->stream.phase == ANNOTATE__CUT;
}

static void set_scene(struct annotate__show *w)
{
    struct annotate__live *l = w->l;
    w->scene.writing = !l->asked && !l->s->revising;
    w->scene.incomplete = !has_text(&l->sides[0]) || !has_text(&l->sides[1]);
    w->scene.hint = hint(w);
    w->scene.more = w->resting  ? ""
                    : COLS < 60 ? "^D asks  ^X $EDITOR"
                                : "^D asks both models   ^X opens $EDITOR";
    snprintf(w->scene.head, sizeof w->scene.head, "turn %u of %u", l->turn + 1,
             annotate__live_turns(l));
    if (w->scene.writing)
        w->v.focus = w->resting ? ANNOTATE__PANE_CONTEXT : ANNOTATE__PANE_LEFT;
    if (l->said[0])
        annotate__screen_say(&w->v, l->said);
    l->said[0] = 0;
}

int annotate__show_anew(struct annotate__show *w, struct pk_err *err)
{
    annotate__live_show(w->l);
    set_scene(w);
    memset(w->troubled, 0, sizeof w->troubled);
    int rc = annotate__view_pair(&w->v, err);
    w->v.focus = ANNOTATE__PANE_LEFT;
    return rc ? rc : annotate__show_sync(w, err);
}

/* The prompt, with the cursor's line on the screen. */
static int draw_editor(struct annotate__show *w, struct pk_err *err)
{
    const struct annotate__rect *r = &w->v.layout.panes[ANNOTATE__PANE_LEFT];
    struct annotate__editor *e = &w->l->prompt;
    size_t line, column, h = (size_t)r->h;
    int rc = annotate__editor_wrap(e, (size_t)r->w, &line, &column, err);
    if (rc)
        return rc;
    size_t top = line >= h ? line - h + 1 : 0;
    annotate__tty_rule(&w->v.tty, r->y - 1, 0, COLS, "Your prompt",
                       !w->resting);
    for (size_t i = 0; i < h && top + i < e->doc.n_lines; i++) {
        const struct annotate__line *l = &e->doc.lines[top + i];
        annotate__tty_text(&w->v.tty, r->y + (int)i, r->x, r->w,
                           e->text.len ? e->text.data + l->from : "",
                           l->to - l->from, NULL, ANNOTATE__PLAIN);
    }
    if (!w->resting)
        move(r->y + (int)(line - top), r->x + (int)column);
    return 0;
}

int annotate__show_draw(struct annotate__show *w, struct pk_err *err)
{
    set_scene(w);
    memcpy(w->said, w->v.message, sizeof w->said);
    int rc = annotate__view_draw(&w->v, err);
    if (!rc && w->scene.writing && w->v.layout.shape != ANNOTATE__TOO_SMALL)
        rc = draw_editor(w, err);
    if (!rc)
        annotate__tty_show(&w->v.tty);
    return rc;
}

static bool key_waits(void)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static int idle(struct annotate__show *w)
{
    bool news = false, changed;
    while (annotate__hub_busy(w->l->hub)) {
        double due = w->drawn + FRAME - pk_now();
        int rc = annotate__live_wait(
            w->l, STDIN_FILENO, news ? fmax(due, 0) : 3600, &changed, &w->err);
        if (rc >= 0 && changed) {
            int failed = annotate__show_sync(w, &w->err);
            rc = failed ? failed : rc;
            news = true;
        }
        if (rc < 0)
            return w->failed = rc;
        if (rc > 0 || key_waits() || pk_interrupted())
            return 0;
        if (news && pk_now() >= w->drawn + FRAME)
            break;
    }
    if (!news)
        return ANNOTATE__NOTHING_ELSE;
    w->drawn = pk_now();
    return 1;
}

/* What has had its end is stored meanwhile, and no key waits long for it. */
int annotate__show_idle(void *show)
{
    struct annotate__show *w = show;
    prefdb_wait(w->l->s->db, 1, NULL, NULL);
    int rc = idle(w);
    annotate__screen_waits(&w->v, true);
    return rc;
}
