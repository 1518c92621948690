#include "annotate/plain/plain.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "annotate/text/text.h"
#include "common/cli.h"
#include "common/num.h"
#include "common/progress.h"

#define PAGE 20 /* earlier verdicts at a time */

static const char help[] =
    "1 2 3 4        left is significantly better, better, slightly better,\n"
    "               negligibly better or unsure\n"
    "7 8 9 0        right is negligibly better or unsure, slightly better,\n"
    "               better, significantly better\n"
    "t, x           a tie; both are bad (where allowed)\n"
    "empty line     confirm the choice\n"
    "s REASON       skip this pair\n"
    "U              take the pair that you skipped last back\n"
    "e TEXT         a note; without a text: no note\n"
    "f WORD...      flags; without words: none\n"
    "u              your last verdicts; `u ID` takes one up again\n"
    "o              the verdicts before those\n"
    "w              how it goes: rate, time, strengths\n"
    "p              print the pair again\n"
    "i              the guideline\n"
    "q              quit; everything confirmed is kept\n";

static void on_wait(void *io)
{
    const struct annotate__plain_io *p = io;
    fputs("waiting: another program is writing to the store\n", p->out);
    fflush(p->out);
}

void annotate__plain_waits(struct annotate__plain_io *p, bool said)
{
    prefdb_wait(p->s->db, 60, said ? on_wait : NULL, p);
}

/* One line, without its end; NULL at the end of the input or on a signal. */
char *annotate__plain_ask(struct annotate__plain_io *p, const char *prompt)
{
    fputs(prompt, p->out);
    fflush(p->out);
    ssize_t n = getline(&p->line, &p->cap, p->in);
    if (n < 0) {
        p->quit = true;
        return NULL;
    }
    while (n > 0 && (p->line[n - 1] == '\n' || p->line[n - 1] == '\r'))
        p->line[--n] = 0;
    annotate__touch(p->s, pk_now());
    return p->line;
}

static int print_text(struct annotate__plain_io *p, const char *title,
                      const char *text, size_t len, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT((size_t)1 << 30);
    int rc = annotate__clean(&b, text, len);
    const char *blank = annotate__blank(text, len);
    fprintf(p->out, "--- %s\n%s\n", title, *blank ? blank : b.data);
    pk_buf_release(&b);
    return rc ? pk_fail_mem(err, "a text") : 0;
}

int annotate__plain_pair(struct annotate__plain_io *p, struct pk_err *err)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    struct annotate__session *s = p->s;
    int rc = 0;
    fprintf(p->out, "\n=== %s, ", prefdb_dimension_name(s->dimension));
    const char *revised = s->revising ? ", a verdict of yours to revise" : "";
    if (!s->comparison)
        fputs("live\n", p->out);
    else if (s->checked) /* by its number a repeat could be told */
        fprintf(p->out, "a pair%s\n", revised);
    else
        fprintf(p->out, "pair %" PRId64 "%s\n", s->comparison, revised);
    for (size_t i = 0; i < s->x.n_context && !rc; i++)
        rc = print_text(p, roles[s->x.context[i].role], s->x.context[i].text,
                        s->x.context[i].len, err);
    for (int right = 0; right < 2 && !rc; right++) {
        const struct prefdb_turn *t = annotate__shown(s, right);
        bool cut = annotate__shown_cut(s, right);
        const char *title = right ? cut ? "RIGHT (cut off)" : "RIGHT"
                            : cut ? "LEFT (cut off)"
                                  : "LEFT";
        rc = print_text(p, title, t->text, t->len, err);
    }
    fputs("---\n", p->out);
    for (int right = 0; right < 2; right++)
        if (s->named[right][0])
            fprintf(p->out, "note: the %s response names a model: \"%s\"\n",
                    right ? "right" : "left", s->named[right]);
    return rc;
}

/* What is said so far, with the next step. */
void annotate__plain_verdict(struct annotate__plain_io *p)
{
    const struct annotate__verdict *v = &p->s->v;
    if (v->side)
        fprintf(p->out, "%s", annotate__verdict_text(v));
    if (v->label)
        fprintf(p->out, "; %s", annotate__label_text(v->label));
    if (v->flags[0])
        fprintf(p->out, "; flags: %s", v->flags);
    if (v->note[0])
        fprintf(p->out, "; note: %s", v->note);
    if (v->side || v->note[0] || v->flags[0])
        fputc('\n', p->out);
}

static int show_history(struct annotate__plain_io *p, struct pk_err *err)
{
    struct annotate__session *s = p->s;
    struct annotate__past past;
    int64_t *ids;
    size_t n, end = p->shown + PAGE;
    int rc = prefdb_history(s->db, s->campaign, s->annotator, &ids, &n, err);
    for (; p->shown < end && p->shown < n && !rc; p->shown++) {
        rc = annotate__past(s, ids[p->shown], &past, err);
        if (!rc)
            fprintf(p->out, "%" PRId64 "  %s  |  %s\n", ids[p->shown],
                    past.what, past.prompt);
    }
    if (!rc && p->shown < n)
        fprintf(p->out, "`o` shows %zu more\n", n - p->shown);
    else if (!rc)
        fputs(n ? "these are all\n" : "nothing yet\n", p->out);
    free(ids);
    return rc;
}

static int show_statistics(struct annotate__plain_io *p, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(1 << 16);
    int rc = annotate__statistics(p->s, &b, err);
    fputs(rc ? "" : b.data, p->out);
    pk_buf_release(&b);
    return rc;
}

static int show_guideline(struct annotate__plain_io *p, struct pk_err *err)
{
    const struct annotate__session *s = p->s;
    if (s->guideline_text[0])
        return print_text(p, s->guideline, s->guideline_text,
                          strlen(s->guideline_text), err);
    fputs("this campaign carries no guideline\n", p->out);
    return 0;
}

/* Lines that were there before what they answer: as when a text of several
 * lines is pasted. */
static void drop_lines(struct annotate__plain_io *p, const char *why)
{
    int fd = fileno(p->in);
    if (!isatty(fd) || poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0) <= 0)
        return;
    tcflush(fd, TCIFLUSH);
    fprintf(p->out, "%s\n", why);
}

/* The pair in hand is another one, of which something may be said already. */
static int show_pair(struct annotate__plain_io *p, struct pk_err *err)
{
    if (!p->s->have)
        return 0;
    drop_lines(p, "lines written before this pair was there are not taken");
    if (p->s->anew)
        fprintf(p->out, "the guideline is now %s; `i` shows it\n",
                p->s->guideline);
    p->s->anew = false;
    int rc = annotate__plain_pair(p, err);
    annotate__plain_verdict(p);
    return rc;
}

static int submit(struct annotate__plain_io *p, struct pk_err *err)
{
    int rc = p->submit(p, err);
    if (rc == PK_ENO) {
        fprintf(p->out, "not kept: %s\n", err->text);
        rc = 0;
    } else if (!rc) {
        fputs("kept\n", p->out);
    } else if (annotate__stays(p->s, rc)) {
        fprintf(p->out, "not kept: %s; an empty line tries again\n", err->text);
        return 0;
    }
    return rc ? rc : show_pair(p, err);
}

/* A step that was not taken ("not skipped"), and why. */
static int told(struct annotate__plain_io *p, const char *what, int rc,
                const struct pk_err *err)
{
    if (!annotate__stays(p->s, rc))
        return rc;
    fprintf(p->out, "%s: %s\n", what, err->text);
    return 0;
}

int annotate__plain_keep(struct annotate__plain_io *p, struct pk_err *err)
{
    int rc = annotate__keep(p->s, err);
    if (!annotate__stays(p->s, rc))
        return rc;
    fprintf(p->out, "not stored: %s\n", err->text);
    return 0;
}

static void ask_label(struct annotate__plain_io *p)
{
    struct annotate__verdict *v = &p->s->v;
    for (int i = PREFDB_PREFERRED_SAFE; i <= PREFDB_PREFERRED_UNSAFE; i++)
        if (annotate__label_fits(v, (enum prefdb_label)i))
            fprintf(p->out, "%d  %s\n", i,
                    annotate__label_text((enum prefdb_label)i));
    fputs("b  back to the choice\n", p->out);
}

/* The safety label: its number and then an empty line, or `b`. */
static int label_line(struct annotate__plain_io *p, const char *line,
                      struct pk_err *err)
{
    struct annotate__verdict *v = &p->s->v;
    uint64_t n;
    if (!*line && v->label)
        return submit(p, err);
    if (strcmp(line, "b") == 0)
        v->asking = false;
    else if (strcmp(line, "q") == 0)
        p->quit = true;
    else if (pk_parse_u64(line, 1, 4, &n) &&
             annotate__label_fits(v, (enum prefdb_label)n))
        v->label = (enum prefdb_label)n;
    else
        ask_label(p);
    annotate__plain_verdict(p);
    return 0;
}

static bool choose(struct annotate__plain_io *p, const char *line)
{
    static const char keys[] = "43217890";
    struct annotate__session *s = p->s;
    const char *k = line[0] ? strchr(keys, line[0]) : NULL;
    if (line[0] && line[1])
        return false;
    if (k && k - keys < 4)
        annotate__choose(&s->v, ANNOTATE__LEFT, (int)(k - keys));
    else if (k)
        annotate__choose(&s->v, ANNOTATE__RIGHT, (int)(k - keys) - 4);
    else if (line[0] == 't' && s->allow_tie)
        annotate__choose(&s->v, ANNOTATE__TIE, PREFDB_UNSTATED);
    else if (line[0] == 'x' && s->allow_both_bad)
        annotate__choose(&s->v, ANNOTATE__BOTH_BAD, PREFDB_UNSTATED);
    else
        return false;
    return true;
}

static const char one_line[] =
    "only the first line is taken; those that came with it are not";

static void set_text(struct annotate__plain_io *p, char *into, size_t size,
                     const char *text)
{
    drop_lines(p, one_line);
    if (strlen(text) >= size)
        fprintf(p->out, "too long: at most %zu bytes\n", size - 1);
    else
        snprintf(into, size, "%s", text);
}

static int skip(struct annotate__plain_io *p, const char *reason,
                struct pk_err *err)
{
    if (*reason)
        drop_lines(p, one_line);
    bool revising = p->s->revising != 0;
    int rc = annotate__skip(p->s, reason, err);
    if (rc)
        return told(p, revising ? "not given up" : "not skipped", rc, err);
    fputs(revising ? "back, nothing changed\n" : "skipped; `U` takes it back\n",
          p->out);
    return show_pair(p, err);
}

static int unskip(struct annotate__plain_io *p, struct pk_err *err)
{
    int rc = annotate__unskip(p->s, err);
    return rc ? told(p, "not taken back", rc, err) : show_pair(p, err);
}

static int undo(struct annotate__plain_io *p, const char *id,
                struct pk_err *err)
{
    uint64_t n;
    if (!*id) {
        p->shown = 0;
        return show_history(p, err);
    }
    if (!pk_parse_u64(id, 1, INT64_MAX, &n)) {
        fprintf(p->out, "'%s' is not the number of a verdict\n", id);
        return 0;
    }
    int rc = annotate__revise(p->s, (int64_t)n, err);
    if ((rc == PK_EDATA || rc == PK_ENO) && !p->s->have) {
        fprintf(p->out, "%s\n", err->text);
        rc = annotate__next(p->s, err);
    }
    return rc ? told(p, "not taken up", rc, err) : show_pair(p, err);
}

static int confirm(struct annotate__plain_io *p, struct pk_err *err)
{
    switch (annotate__confirm(&p->s->v, p->s->dimension == PREFDB_SAFETY)) {
    case ANNOTATE__DONE:
        return submit(p, err);
    case ANNOTATE__ASK_LABEL:
        ask_label(p);
        return 0;
    default:
        fputs("choose first; `?` for help\n", p->out);
        return 0;
    }
}

static int command(struct annotate__plain_io *p, const char *line,
                   struct pk_err *err)
{
    struct annotate__session *s = p->s;
    const char *rest = line[0] ? line + 1 : line;
    rest += strspn(rest, " ");
    if (!line[0])
        return confirm(p, err);
    if (choose(p, line)) {
        annotate__plain_verdict(p);
        return 0;
    }
    if ((line[0] == 't' || line[0] == 'x') && !line[1]) {
        fputs(ANNOTATE__MUST_CHOOSE "\n", p->out);
        return 0;
    }
    if (line[1] && line[1] != ' ') {
        fputs("what? `?` for help\n", p->out);
        return 0;
    }
    switch (line[0]) {
    case 's':
        return skip(p, rest, err);
    case 'U':
        return unskip(p, err);
    case 'e':
        set_text(p, s->v.note, sizeof s->v.note, rest);
        return 0;
    case 'f':
        set_text(p, s->v.flags, sizeof s->v.flags, rest);
        return 0;
    case 'u':
        return undo(p, rest, err);
    case 'o':
        return show_history(p, err);
    case 'w':
        return show_statistics(p, err);
    case 'p':
        return annotate__plain_pair(p, err);
    case 'i':
        return show_guideline(p, err);
    case '?':
    case 'h':
        fputs(help, p->out);
        return 0;
    case 'q':
        p->quit = true;
        return 0;
    default:
        fputs("what? `?` for help\n", p->out);
        return 0;
    }
}

int annotate__plain_line(struct annotate__plain_io *p, const char *line,
                         struct pk_err *err)
{
    return p->s->v.asking ? label_line(p, line, err) : command(p, line, err);
}

static int submit_stored(struct annotate__plain_io *p, struct pk_err *err)
{
    return annotate__submit(p->s, err);
}

/* Nothing is left to judge: what may still be done, said once. */
static void say_end(struct annotate__plain_io *p)
{
    if (p->s->have || p->s->ended)
        return;
    p->s->ended = true;
    fprintf(p->out,
            "%s\n`u` lists your verdicts, `u N` takes one up again, `U` takes "
            "a skip back,\n`w` says how it went, an empty line looks again, "
            "`q` quits\n",
            annotate__ended(p->s));
}

static int end_line(struct annotate__plain_io *p, const char *line,
                    struct pk_err *err)
{
    static const char taken[] = "uUowihq?";
    if (line[0] && strchr(taken, line[0]) && (!line[1] || line[1] == ' '))
        return command(p, line, err);
    if (line[0]) {
        fputs("what? there is no pair in hand\n", p->out);
        return 0;
    }
    int rc = annotate__next(p->s, err);
    if (!rc && !p->s->have)
        fprintf(p->out, "%s\n", annotate__ended(p->s));
    return rc ? told(p, "not looked again", rc, err) : show_pair(p, err);
}

int annotate__plain(struct annotate__session *s, FILE *in, FILE *out,
                    struct pk_err *err)
{
    struct annotate__plain_io p = {
        .s = s, .in = in, .out = out, .submit = submit_stored};
    annotate__plain_waits(&p, true);
    int rc = annotate__next(s, err);
    if (!rc)
        rc = show_pair(&p, err);
    while (!rc && (s->have || annotate__lingers(s)) && !p.quit) {
        say_end(&p);
        char *line = annotate__plain_ask(&p, !s->have      ? "end> "
                                             : s->v.asking ? "label> "
                                                           : "verdict> ");
        if ((rc = pk_check_interrupt(err)) != 0 || !line)
            break;
        rc = s->have ? annotate__plain_line(&p, line, err)
                     : end_line(&p, line, err);
        if (!rc)
            rc = annotate__plain_keep(&p, err);
    }
    if (!rc)
        rc = annotate__keep(s, err);
    annotate__plain_waits(&p, false);
    if (!rc && !s->have && !s->ended)
        fprintf(out, "%s\n", annotate__ended(s));
    free(p.line);
    return rc;
}
