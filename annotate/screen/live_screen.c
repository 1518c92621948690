/* What the keys do in a live dialogue. */
#include "annotate/screen/live_screen.h"

#include <stdio.h>
#include <string.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/terminal/outside.h"
#include "common/progress.h"

static void say(struct annotate__show *w, const char *text)
{
    annotate__screen_say(&w->v, text);
}

static void say_keys(struct annotate__show *w, const char *text)
{
    annotate__keys_say(w->v.keys, text, sizeof w->v.message, w->v.message,
                       sizeof w->v.message);
}

/* A step that may be refused ("not kept"), and then says why. */
static int told(struct annotate__show *w, const char *what, int rc,
                const struct pk_err *err)
{
    char text[256];
    if (!annotate__stays(w->l->s, rc))
        return rc;
    snprintf(text, sizeof text, "%s: %.200s", what, err->text);
    say(w, text);
    return 0;
}

/* ---- A pair -------------------------------------------------------------- */

static int confirm(struct annotate__show *w, struct pk_err *err)
{
    char why[160];
    struct annotate__session *s = w->l->s;
    if (!s->v.side) {
        say(w, "choose first");
        return 0;
    }
    if (!annotate__live_ready(w->l, why, sizeof why)) {
        say(w, why);
        return 0;
    }
    if (annotate__confirm(&s->v, s->dimension == PREFDB_SAFETY) !=
        ANNOTATE__DONE)
        return 0;
    int rc = annotate__live_submit(w->l, err);
    if (rc && (rc = told(w, "not kept", rc, err)) != 0)
        return rc;
    return w->l->asked ? annotate__show_sync(w, err)
                       : annotate__show_anew(w, err);
}

/* Both, or the one that the annotator is at. */
static bool is_meant(const struct annotate__show *w, int side)
{
    return w->v.focus == ANNOTATE__PANE_CONTEXT || (int)w->v.focus == side;
}

static int cut(struct annotate__show *w, struct pk_err *err)
{
    int rc = 0, n = 0;
    for (int i = 0; i < 2 && !rc; i++) {
        if (!is_meant(w, i) || !annotate__running(&w->l->sides[i].stream))
            continue;
        rc = annotate__live_stop(w->l, i, err);
        n++;
    }
    if (!n)
        say(w, "it has had its end");
    return rc ? rc : annotate__show_sync(w, err);
}

/* Broken ones first, wherever the annotator is; else the one at hand. */
static int again(struct annotate__show *w, bool both, struct pk_err *err)
{
    bool broken[2], any;
    int rc = 0, n = 0;
    for (int i = 0; i < 2; i++)
        broken[i] = w->l->sides[i].stream.phase == ANNOTATE__BROKEN;
    any = broken[0] || broken[1];
    for (int i = 0; i < 2 && !rc; i++) {
        if (!both && (any ? !broken[i] : (int)w->v.focus != i))
            continue;
        rc = annotate__live_again(w->l, i, err);
        n++;
    }
    if (!n)
        say_keys(w,
                 "{other-pane} to a response first, or {again-both} for both");
    return rc ? rc : annotate__show_sync(w, err);
}

static int undo(struct annotate__show *w, struct pk_err *err)
{
    int64_t judgment;
    int rc = annotate__ask_past(&w->v, &judgment, err);
    if (rc || !judgment)
        return rc;
    annotate__live_leave(w->l);
    rc = annotate__revise(w->l->s, judgment, err);
    if (rc)
        return told(w, "not taken up", rc, err);
    w->scene.writing = false;
    return annotate__view_pair(&w->v, err);
}

/* Before something is thrown away that a slip of the finger may not take. */
static int sure(struct annotate__show *w, const char *question, bool *yes,
                struct pk_err *err)
{
    char answer[16] = "";
    int rc =
        annotate__ask_line(&w->v, question, answer, sizeof answer, yes, err);
    *yes = !rc && *yes && answer[0] == 'y';
    return rc;
}

static int open_new(struct annotate__show *w, struct pk_err *err)
{
    bool yes;
    int rc = sure(w, "Begin a new dialogue? y or n: ", &yes, err);
    if (rc || !yes)
        return rc;
    rc = annotate__live_new(w->l, err);
    w->resting = false;
    return rc ? rc : annotate__show_anew(w, err);
}

static int take_back(struct annotate__show *w, struct pk_err *err)
{
    bool yes;
    int rc = sure(w,
                  COLS < 60 ? "Throw both away? y or n: "
                            : "Throw both away and change the prompt? y or n: ",
                  &yes, err);
    if (rc || !yes)
        return rc;
    rc = annotate__live_back(w->l, err);
    return rc ? rc : annotate__show_anew(w, err);
}

static int cancel(struct annotate__show *w)
{
    struct annotate__verdict *said = &w->l->s->v;
    if (said->asking) {
        said->asking = false;
        return 0;
    }
    annotate__choose(said, ANNOTATE__NONE, PREFDB_UNSTATED);
    return 0;
}

static int pair_key(struct annotate__show *w, int key, bool *quit,
                    struct pk_err *err)
{
    switch (annotate__keys_find(w->v.keys, key)) {
    case ANNOTATE__CONFIRM:
        return confirm(w, err);
    case ANNOTATE__STOP:
        return cut(w, err);
    case ANNOTATE__AGAIN:
        return again(w, false, err);
    case ANNOTATE__AGAIN_BOTH:
        return again(w, true, err);
    case ANNOTATE__WRITE:
        return take_back(w, err);
    case ANNOTATE__OPEN:
        return open_new(w, err);
    case ANNOTATE__UNDO:
        return undo(w, err);
    case ANNOTATE__CANCEL:
        return cancel(w);
    case ANNOTATE__SKIP:
        say_keys(w, "{again} asks again, {write} changes the prompt, {open} "
                    "begins a new dialogue");
        return 0;
    case ANNOTATE__DIFF:
        if (w->scene.incomplete) {
            say(w, "differences can be marked when both are written");
            return 0;
        }
        return annotate__screen_key(&w->v, key, quit, err);
    default:
        return annotate__screen_key(&w->v, key, quit, err);
    }
}

/* ---- A prompt ------------------------------------------------------------ */

static int ask(struct annotate__show *w, struct pk_err *err)
{
    int rc = annotate__live_ask(w->l, err);
    if (rc == PK_ENO) {
        say(w, err->text);
        return 0;
    }
    return rc ? rc : annotate__show_anew(w, err);
}

static int outside(struct annotate__show *w, struct pk_err *err)
{
    struct pk_err why = {0};
    annotate__tty_lend(&w->v.tty);
    int rc = annotate__outside(&w->l->prompt, &why);
    annotate__tty_back(&w->v.tty);
    if (rc == PK_EMEM)
        return pk_fail_mem(err, "a prompt");
    if (rc)
        say(w, why.text);
    return 0;
}

static void scroll_context(struct annotate__show *w, enum annotate__request r)
{
    w->v.focus = ANNOTATE__PANE_CONTEXT;
    if (r >= ANNOTATE__LINE_DOWN && r <= ANNOTATE__BOTTOM)
        annotate__view_scroll(&w->v, r);
}

static int resting_key(struct annotate__show *w, int key, bool *quit,
                       struct pk_err *err)
{
    switch (annotate__keys_find(w->v.keys, key)) {
    case ANNOTATE__WRITE:
    case ANNOTATE__CANCEL:
    case ANNOTATE__CONFIRM:
        w->resting = false;
        return 0;
    case ANNOTATE__OPEN:
        return open_new(w, err);
    case ANNOTATE__UNDO:
        return undo(w, err);
    case ANNOTATE__HELP:
    case ANNOTATE__GUIDELINE:
    case ANNOTATE__STATISTICS:
    case ANNOTATE__QUIT:
    case ANNOTATE__REDRAW:
    case ANNOTATE__SEARCH:
    case ANNOTATE__FIND_NEXT:
    case ANNOTATE__FIND_LAST:
        return annotate__screen_key(&w->v, key, quit, err);
    default:
        scroll_context(w, annotate__keys_find(w->v.keys, key));
        return 0;
    }
}

static int other_key(struct annotate__show *w, int key, bool *quit,
                     struct pk_err *err)
{
    enum annotate__request r = annotate__keys_find(w->v.keys, key);
    if (key == 4) /* ^D, which ends a text everywhere else too */
        return ask(w, err);
    if (key == 0x18) /* ^X */
        return outside(w, err);
    if (key == 0x1B)
        w->resting = true;
    else if (r == ANNOTATE__PAGE_UP || r == ANNOTATE__PAGE_DOWN)
        scroll_context(w, r);
    else if (r == ANNOTATE__HELP || r == ANNOTATE__REDRAW)
        return annotate__screen_key(&w->v, key, quit, err);
    return 0;
}

static void say_full(struct annotate__show *w)
{
    if (w->l->prompt.full)
        say(w, "the prompt is as long as it may be");
}

static int prompt_key(struct annotate__show *w, int key, bool *quit,
                      struct pk_err *err)
{
    if (!annotate__editor_key(&w->l->prompt, key, false))
        return other_key(w, key, quit, err);
    say_full(w);
    return 0;
}

/* ---- The loop ------------------------------------------------------------ */

static int revising_key(struct annotate__show *w, int key, bool *quit,
                        struct pk_err *err)
{
    int rc = annotate__screen_key(&w->v, key, quit, err);
    /* It is done with, one way or the other. */
    return rc || w->l->s->have ? rc : annotate__show_anew(w, err);
}

static bool typing(const struct annotate__show *w)
{
    return w->scene.writing && !w->resting &&
           w->v.layout.shape != ANNOTATE__TOO_SMALL;
}

/* A paste is the prompt's, without a drawing and a draft for every character.
 */
static int typed_key(struct annotate__show *w)
{
    bool pasted, full = false;
    int k;
    while (k = annotate__tty_typed(&w->v.tty, &pasted), pasted) {
        (void)annotate__editor_key(&w->l->prompt, k, true);
        full |= w->l->prompt.full;
    }
    w->l->prompt.full = full;
    say_full(w);
    return k;
}

static int key_of(struct annotate__show *w)
{
    bool typed = typing(w);
    int k = typed ? typed_key(w) : annotate__tty_key(&w->v.tty);
    if (!typed && (k == ANNOTATE__PASTE || k == ANNOTATE__PASTED))
        say(w, "pasted text is not taken for keys");
    return annotate__view_key(&w->v, k);
}

static int on_key(struct annotate__show *w, int key, bool *quit,
                  struct pk_err *err)
{
    if (key < 0)
        return 0;
    if (w->v.layout.shape == ANNOTATE__TOO_SMALL)
        return annotate__screen_key(&w->v, key, quit, err);
    if (w->l->s->revising)
        return revising_key(w, key, quit, err);
    if (w->l->asked)
        return pair_key(w, key, quit, err);
    return w->resting ? resting_key(w, key, quit, err)
                      : prompt_key(w, key, quit, err);
}

/* While the eye is on the screen, and on what it says. */
static int keep(struct annotate__show *w, struct pk_err *err)
{
    int rc = annotate__view_keep(&w->v, err);
    if (!annotate__stays(w->l->s, rc))
        return rc;
    if (w->said[0])
        return 0;
    rc = told(w, "not stored", rc, err);
    return rc ? rc : annotate__show_draw(w, err);
}

static int store(void *show, struct pk_err *err)
{
    const struct annotate__show *w = show;
    return annotate__live_store(w->l, err);
}

static int loop(struct annotate__show *w, struct pk_err *err)
{
    bool quit = false;
    int k = 0;
    annotate__layout(&w->v.layout, LINES, COLS, false, ANNOTATE__PANE_LEFT,
                     (const int[ANNOTATE__N_PANES]){1, 1, 1});
    int rc = annotate__show_anew(w, err);
    while (!rc && !quit && !w->v.gone) {
        rc = annotate__show_draw(w, err);
        if (!rc && k != ANNOTATE__NEWS)
            rc = keep(w, err);
        k = rc ? 0 : key_of(w);
        if (k == ANNOTATE__NEWS && !w->v.message[0]) /* nobody has read it */
            memcpy(w->v.message, w->said, sizeof w->said);
        if (!rc && !w->failed)
            rc = on_key(w, k, &quit, err);
    }
    if (!rc && !w->failed)
        rc = w->l->s->revising ? annotate__keep(w->l->s, err)
                               : annotate__live_store(w->l, err);
    if (!rc && w->failed) {
        *err = w->err;
        return w->failed;
    }
    return rc ? rc : annotate__screen_gone(&w->v, err);
}

int annotate__live_screen(struct annotate__live *l,
                          const struct annotate__keys *keys,
                          const struct annotate__look *look, struct pk_err *err)
{
    struct annotate__show w = {.l = l, .v = {.s = l->s, .keys = keys}};
    w.scene.store = store;
    w.scene.store_arg = &w;
    w.v.scene = &w.scene;
    int rc = annotate__tty_start(&w.v.tty, look->ascii, err);
    if (rc)
        return rc;
    w.v.tty.also = annotate__show_idle;
    w.v.tty.also_arg = &w;
    annotate__screen_waits(&w.v, true);
    rc = loop(&w, err);
    annotate__screen_waits(&w.v, false);
    annotate__tty_stop(&w.v.tty);
    annotate__screen_release(&w.v);
    return rc;
}
