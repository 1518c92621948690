/* The loop: a key, what it asks for, the screen drawn anew. */
#include "annotate/screen/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "annotate/screen/view.h"
#include "common/cli.h"

/* While the store is waited for. */
static void on_wait(void *view)
{
    struct annotate__view *v = view;
    struct pk_err err;
    if (!v->s->have && !v->scene) /* between two pairs */
        return;
    annotate__screen_say(v, "waiting: another program is writing to the store");
    if (!annotate__view_draw(v, &err))
        annotate__tty_show(&v->tty);
}

void annotate__screen_waits(struct annotate__view *v, bool shown)
{
    prefdb_wait(v->s->db, 60, shown ? on_wait : NULL, v);
}

void annotate__screen_say(struct annotate__view *v, const char *text)
{
    snprintf(v->message, sizeof v->message, "%s", text);
}

/* Before what is said already. */
static void say_first(struct annotate__view *v, const char *text)
{
    char rest[sizeof v->message];
    memcpy(rest, v->message, sizeof rest);
    snprintf(v->message, sizeof v->message, "%.180s%s%.70s", text,
             rest[0] ? "; " : "", rest);
}

/* The pair in hand is another one. */
static int show_pair(struct annotate__view *v, const char *why,
                     struct pk_err *err)
{
    v->message[0] = 0;
    int rc = v->s->have ? annotate__view_pair(v, err) : 0;
    if (v->s->have && v->s->anew) {
        char text[128];
        snprintf(text, sizeof text, "the guideline is now %.60s",
                 v->s->guideline);
        say_first(v, text);
        v->s->anew = false;
    }
    if (why)
        say_first(v, why);
    return rc;
}

static int submit(struct annotate__view *v, struct pk_err *err)
{
    bool revised = v->s->revising != 0;
    char text[256];
    int rc = annotate__submit(v->s, err);
    if (!rc)
        return show_pair(v,
                         revised ? "kept: your earlier verdict is superseded"
                         : v->s->have ? NULL
                                      : "kept",
                         err);
    snprintf(text, sizeof text, "not kept: %.200s", err->text);
    if (rc == PK_ENO)
        return show_pair(v, text, err);
    if (!annotate__stays(v->s, rc))
        return rc;
    annotate__screen_say(v, text); /* Enter tries again */
    return 0;
}

/* A step that was not taken ("not skipped"), and why. */
static int told(struct annotate__view *v, const char *what, int rc,
                const struct pk_err *err)
{
    char text[256];
    if (!annotate__stays(v->s, rc))
        return rc;
    snprintf(text, sizeof text, "%s: %.200s", what, err->text);
    annotate__screen_say(v, text);
    return 0;
}

static int confirm(struct annotate__view *v, struct pk_err *err)
{
    switch (annotate__confirm(&v->s->v, v->s->dimension == PREFDB_SAFETY)) {
    case ANNOTATE__DONE:
        return submit(v, err);
    case ANNOTATE__INCOMPLETE:
        annotate__screen_say(v, "choose first");
        return 0;
    default:
        return 0;
    }
}

/* A revision is given up, or not. */
static const char unchanged[] = "back, nothing changed",
                  not_given_up[] = "not given up";

static int skip(struct annotate__view *v, struct pk_err *err)
{
    char reason[256] = "";
    bool ok;
    if (v->s->revising)
        ok = true;
    else {
        int rc = annotate__ask_line(v, "Skip, because: ", reason, sizeof reason,
                                    &ok, err);
        if (rc)
            return rc;
    }
    if (!ok)
        return 0;
    bool revising = v->s->revising != 0;
    char said[80];
    annotate__keys_say(v->keys, "skipped; {unskip} takes it back", sizeof said,
                       said, sizeof said);
    int rc = annotate__skip(v->s, reason, err);
    return rc ? told(v, revising ? not_given_up : "not skipped", rc, err)
              : show_pair(v, revising ? unchanged : said, err);
}

static int unskip(struct annotate__view *v, struct pk_err *err)
{
    int rc = annotate__unskip(v->s, err);
    return rc ? told(v, "not taken back", rc, err)
              : show_pair(v,
                          v->s->have
                              ? "the pair that you skipped"
                              : "skipped no more, but not to be judged now",
                          err);
}

static int undo(struct annotate__view *v, struct pk_err *err)
{
    int64_t judgment;
    int rc = annotate__ask_past(v, &judgment, err);
    if (rc || !judgment)
        return rc;
    rc = annotate__revise(v->s, judgment, err);
    return rc ? told(v, "not taken up", rc, err) : annotate__view_pair(v, err);
}

static int cancel(struct annotate__view *v, struct pk_err *err)
{
    struct annotate__verdict *said = &v->s->v;
    if (said->asking) {
        said->asking = false;
        return 0;
    }
    if (v->s->revising) {
        int rc = annotate__skip(v->s, NULL, err);
        return rc ? told(v, not_given_up, rc, err)
                  : show_pair(v, unchanged, err);
    }
    annotate__choose(said, ANNOTATE__NONE, PREFDB_UNSTATED);
    return 0;
}

static int help(struct annotate__view *v, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    int rc = annotate__keys_help(v->keys, (size_t)COLS - 2, &b)
                 ? pk_fail_mem(err, "the help")
                 : annotate__ask_read(v, "Keys", b.data, err);
    pk_buf_release(&b);
    return rc;
}

static int guideline(struct annotate__view *v, struct pk_err *err)
{
    const struct annotate__session *s = v->s;
    char title[128];
    snprintf(title, sizeof title, "Guideline %.100s", s->guideline);
    return annotate__ask_read(v, title,
                              s->guideline_text[0]
                                  ? s->guideline_text
                                  : "This campaign carries no guideline.",
                              err);
}

static int statistics(struct annotate__view *v, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    int rc = annotate__statistics(v->s, &b, err);
    if (!rc)
        rc = annotate__ask_read(v, "Your statistics", b.data, err);
    pk_buf_release(&b);
    return rc;
}

static int edit(struct annotate__view *v, const char *prompt, char *text,
                size_t size, struct pk_err *err)
{
    bool ok;
    return annotate__ask_line(v, prompt, text, size, &ok, err);
}

static int ask(struct annotate__view *v, enum annotate__request r, bool *quit,
               struct pk_err *err)
{
    struct annotate__session *s = v->s;
    switch (r) {
    case ANNOTATE__CONFIRM:
        return confirm(v, err);
    case ANNOTATE__SKIP:
        return skip(v, err);
    case ANNOTATE__UNSKIP:
        return unskip(v, err);
    case ANNOTATE__NOTE:
        return edit(v, "Note: ", s->v.note, sizeof s->v.note, err);
    case ANNOTATE__FLAG:
        return edit(v, "Flags: ", s->v.flags, sizeof s->v.flags, err);
    case ANNOTATE__UNDO:
        return undo(v, err);
    case ANNOTATE__CANCEL:
        return cancel(v, err);
    case ANNOTATE__HELP:
        return help(v, err);
    case ANNOTATE__GUIDELINE:
        return guideline(v, err);
    case ANNOTATE__STATISTICS:
        return statistics(v, err);
    case ANNOTATE__SEARCH:
        return annotate__view_search(v, err);
    case ANNOTATE__FIND_NEXT:
    case ANNOTATE__FIND_LAST:
        return annotate__view_find(v, r == ANNOTATE__FIND_LAST, err);
    case ANNOTATE__QUIT:
        *quit = true;
        return 0;
    default:
        return 0;
    }
}

static bool look(struct annotate__view *v, enum annotate__request r)
{
    switch (r) {
    case ANNOTATE__OTHER_PANE:
    case ANNOTATE__PANE_BACK:
        annotate__view_next_pane(v, r == ANNOTATE__PANE_BACK);
        return true;
    case ANNOTATE__TOGETHER:
        v->together = !v->together;
        annotate__screen_say(v, v->together ? "both responses scroll together"
                                            : "each response scrolls alone");
        return true;
    case ANNOTATE__ZOOM:
        v->zoom = !v->zoom;
        return true;
    case ANNOTATE__DIFF:
        v->diff_on = !v->diff_on;
        annotate__screen_say(v, v->diff_on ? "words that differ are underlined"
                                           : "differences are not marked");
        return true;
    case ANNOTATE__REDRAW:
        clearok(curscr, TRUE);
        return true;
    default:
        if (r < ANNOTATE__LINE_DOWN || r > ANNOTATE__BOTTOM)
            return false;
        annotate__view_scroll(v, r);
        return true;
    }
}

static bool allowed(const struct annotate__session *s, enum annotate__request r)
{
    return (r != ANNOTATE__SAY_TIE || s->allow_tie) &&
           (r != ANNOTATE__SAY_BOTH_BAD || s->allow_both_bad);
}

/* While the label is asked for, 1 to 4 are labels. */
static bool label(struct annotate__view *v, int key)
{
    struct annotate__verdict *said = &v->s->v;
    if (!said->asking || key < '1' || key > '4')
        return false;
    enum prefdb_label l = (enum prefdb_label)(key - '0');
    if (annotate__label_fits(said, l))
        said->label = l;
    else
        annotate__screen_say(
            v, "nothing is preferred, so this label does not fit");
    return true;
}

/* Lines that a key may go to are cut first: all of them, but for the keys that
 * go a page at most, to which another piece of a long text is enough. */
static int reach(struct annotate__view *v, enum annotate__request r,
                 struct pk_err *err)
{
    if ((r >= ANNOTATE__LINE_DOWN && r <= ANNOTATE__TOP) ||
        r == ANNOTATE__OTHER_PANE || r == ANNOTATE__PANE_BACK ||
        r == ANNOTATE__QUIT)
        return annotate__view_more(v, err);
    return r > ANNOTATE__CONFIRM ? annotate__view_finish(v, err) : 0;
}

int annotate__screen_key(struct annotate__view *v, int key, bool *quit,
                         struct pk_err *err)
{
    enum annotate__request r = annotate__keys_find(v->keys, key);
    /* What is not on the screen is not judged. */
    if (v->layout.shape == ANNOTATE__TOO_SMALL) {
        *quit = r == ANNOTATE__QUIT;
        return 0;
    }
    int rc = reach(v, r, err);
    if (rc || label(v, key) || look(v, r))
        return rc;
    if (!allowed(v->s, r)) {
        annotate__screen_say(v, ANNOTATE__MUST_CHOOSE);
        return 0;
    }
    if (r > ANNOTATE__NOTHING && r <= ANNOTATE__SAY_BOTH_BAD &&
        v->s->v.asking) { /* a slip must not change the choice */
        annotate__keys_say(v->keys, "{cancel} goes back to the choice",
                           sizeof v->message, v->message, sizeof v->message);
        return 0;
    }
    if (annotate__keys_choose(r, &v->s->v))
        return 0;
    return ask(v, r, quit, err);
}

static int key_of(struct annotate__view *v)
{
    int k = annotate__tty_key(&v->tty);
    if (k == ANNOTATE__PASTE || k == ANNOTATE__PASTED)
        annotate__screen_say(v, "pasted text is not taken for keys");
    return annotate__view_key(v, k);
}

/* Draw; what was pressed before a pair was to be seen does not judge it. */
static int draw(struct annotate__view *v, struct pk_err *err)
{
    int rc = annotate__view_draw(v, err);
    if (!rc && v->fresh && annotate__tty_forget(&v->tty)) {
        annotate__screen_say(
            v, "keys pressed before this pair was there are not taken");
        rc = annotate__view_draw(v, err);
    }
    v->fresh = false;
    if (!rc)
        annotate__tty_show(&v->tty);
    return rc;
}

/* The half-made verdict, while the eye is on the screen, and on what it says.
 * Where the store cannot be written to, that is no reason to leave it. */
static int keep(struct annotate__view *v, const char *said, struct pk_err *err)
{
    int rc = annotate__view_keep(v, err);
    if (!annotate__stays(v->s, rc))
        return rc;
    if (said[0])
        return 0;
    snprintf(v->message, sizeof v->message, "not stored: %.200s", err->text);
    return draw(v, err);
}

/* Nothing is left to judge: how it went, and what may still be done. */
static int at_end(struct annotate__view *v, bool *quit, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    enum annotate__request r = ANNOTATE__NOTHING;
    v->s->ended = true;
    if (v->message[0])
        pk_buf_addf(&b, "%s\n\n", v->message);
    int rc = annotate__statistics(v->s, &b, err);
    if (!rc)
        rc = annotate__ask_end(v, b.data, &r, err);
    pk_buf_release(&b);
    v->message[0] = 0;
    if (rc || v->gone)
        return rc;
    if (r != ANNOTATE__CONFIRM)
        return ask(v, r, quit, err);
    rc = annotate__next(v->s, err);
    return rc ? told(v, "not looked again", rc, err)
              : show_pair(v, v->s->have ? NULL : "looked again", err);
}

static int loop(struct annotate__view *v, struct pk_err *err)
{
    bool quit = false;
    int rc = annotate__next(v->s, err);
    annotate__layout(&v->layout, LINES, COLS, false, ANNOTATE__PANE_LEFT,
                     (const int[ANNOTATE__N_PANES]){1, 1, 1});
    if (!rc)
        rc = show_pair(v, NULL, err);
    while (!rc && (v->s->have || annotate__lingers(v->s)) && !quit &&
           !v->gone) {
        if (!v->s->have) {
            rc = at_end(v, &quit, err);
            continue;
        }
        char said[sizeof v->message];
        memcpy(said, v->message, sizeof said);
        rc = draw(v, err);
        if (!rc)
            rc = keep(v, said, err);
        int k = rc ? 0 : key_of(v);
        if (v->failed) {
            *err = v->err;
            rc = v->failed;
        }
        if (k == ANNOTATE__NEWS) /* the same picture, with its lines counted */
            memcpy(v->message, said, sizeof said);
        if (!rc && k > 0)
            rc = annotate__screen_key(v, k, &quit, err);
    }
    if (!rc)
        rc = annotate__keep(v->s, err);
    return rc ? rc : annotate__screen_gone(v, err);
}

int annotate__screen_gone(const struct annotate__view *v, struct pk_err *err)
{
    int rc = v->gone ? pk_check_interrupt(err) : 0;
    return v->gone && !rc ? pk_fail(err, PK_EIO, "the terminal is gone") : rc;
}

void annotate__screen_release(struct annotate__view *v)
{
    for (int i = 0; i < ANNOTATE__N_PANES; i++)
        annotate__doc_release(&v->docs[i]);
    annotate__hits_release(&v->hits);
    free(v->marks);
    annotate__diff_release(&v->diff);
}

int annotate__screen(struct annotate__session *s,
                     const struct annotate__keys *keys,
                     const struct annotate__look *how, struct pk_err *err)
{
    struct annotate__view v = {.s = s, .keys = keys};
    int rc = annotate__tty_start(&v.tty, how->ascii, err);
    if (rc)
        return rc;
    v.tty.also = annotate__view_idle;
    v.tty.also_arg = &v;
    annotate__screen_waits(&v, true);
    rc = loop(&v, err);
    annotate__screen_waits(&v, false);
    annotate__tty_stop(&v.tty);
    annotate__screen_release(&v);
    if (!rc && !s->have) {
        if (v.message[0])
            puts(v.message);
        puts(annotate__ended(s));
    }
    return rc;
}
