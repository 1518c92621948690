#include "annotate/plain/live.h"

#include <stdlib.h>
#include <string.h>

#include "annotate/plain/plain.h"
#include "common/cli.h"

static const char help[] =
    "At `prompt>`: lines of text; an empty line asks both models.\n"
    "  :u           your last verdicts; `:u ID` takes one up again\n"
    "  :n           a new dialogue\n"
    "  :c           begin this prompt again\n"
    "  :q           quit; the prompt so far is kept\n"
    "  :?           this help\n"
    "At `verdict>`, beside what is asked for stored pairs (`?`):\n"
    "  r, r l, r r  throw both, the left, the right response away, ask again\n"
    "  c            change the prompt\n"
    "  n            a new dialogue\n";

static void say(struct annotate__plain_io *p)
{
    struct annotate__live *l = p->arg;
    if (l->said[0])
        fprintf(p->out, "%s\n", l->said);
    l->said[0] = 0;
}

/* Until both have had their end, whatever it was. */
static int wait_both(struct annotate__plain_io *p, struct pk_err *err)
{
    static const char *const names[] = {"left", "right"};
    struct annotate__live *l = p->arg;
    char was[2][64] = {"", ""}, now[64];
    bool changed;
    while (annotate__hub_busy(l->hub)) {
        int rc = annotate__live_wait(l, -1, 0.5, &changed, err);
        if (!rc)
            rc = pk_check_interrupt(err);
        if (rc < 0)
            return rc;
        for (int i = 0; i < 2; i++) {
            const struct annotate__stream *s = &l->sides[i].stream;
            snprintf(now, sizeof now, "%s",
                     s->phase == ANNOTATE__RETRYING ? s->trouble : "");
            if (now[0] && strcmp(now, was[i]) != 0)
                fprintf(p->out, "%s: %s; asked again\n", names[i], s->trouble);
            memcpy(was[i], now, sizeof now);
        }
        fflush(p->out);
    }
    annotate__live_show(l);
    annotate__find_names(l->s);
    return 0;
}

static int show(struct annotate__plain_io *p, struct pk_err *err)
{
    static const char *const names[] = {"left", "right"};
    struct annotate__live *l = p->arg;
    int rc = wait_both(p, err);
    if (!rc)
        rc = annotate__plain_pair(p, err);
    for (int i = 0; i < 2; i++)
        if (l->sides[i].stream.phase == ANNOTATE__BROKEN)
            fprintf(p->out,
                    "the %s response is broken and is not judged: %s\n`r` "
                    "asks again\n",
                    names[i], l->sides[i].stream.trouble);
    return rc;
}

static int submit(struct annotate__plain_io *p, struct pk_err *err)
{
    struct annotate__live *l = p->arg;
    int rc;
    if (p->s->revising) {
        rc = annotate__submit(p->s, err);
        if (!p->s->have) /* else it can be tried again */
            annotate__live_show(l);
        return rc;
    }
    rc = annotate__live_submit(l, err);
    if (!rc)
        annotate__live_show(l);
    /* That it is kept, plain.c says. */
    if (!rc && strcmp(l->said, "kept") == 0)
        l->said[0] = 0;
    return rc;
}

static int again(struct annotate__plain_io *p, const char *which,
                 struct pk_err *err)
{
    struct annotate__live *l = p->arg;
    int rc = 0;
    for (int i = 0; i < 2 && !rc; i++)
        if (!*which || *which == "lr"[i])
            rc = annotate__live_again(l, i, err);
    return rc ? rc : show(p, err);
}

/* The lines that live dialogues add; false: none of them. */
static bool is_ours(const char *line)
{
    return strcmp(line, "r") == 0 || strcmp(line, "r l") == 0 ||
           strcmp(line, "r r") == 0 || strcmp(line, "c") == 0 ||
           strcmp(line, "n") == 0;
}

static int pair_line(struct annotate__plain_io *p, const char *line,
                     struct pk_err *err)
{
    struct annotate__live *l = p->arg;
    bool was = p->s->revising != 0;
    int rc;
    if (!was && !p->s->v.asking && is_ours(line))
        return *line == 'r'   ? again(p, line[1] ? line + 2 : "", err)
               : *line == 'c' ? annotate__live_back(l, err)
                              : annotate__live_new(l, err);
    if (!was && !p->s->v.asking && *line == 's') {
        fputs("r asks again, c changes the prompt, n begins a new dialogue\n",
              p->out);
        return 0;
    }
    if (!was && !p->s->v.asking && (*line == '?' || *line == 'h'))
        fputs(help, p->out);
    if (!was && *line == 'u' && line[1])
        annotate__live_leave(l);
    rc = annotate__plain_line(p, line, err);
    if (!rc && was && !p->s->have) /* done with it, or given up */
        annotate__live_show(l);
    if (!rc && !was)
        rc = annotate__live_keep(l, err);
    return rc;
}

/* `:` and a letter. *asked: the prompt is whole. */
static int prompt_command(struct annotate__plain_io *p, const char *line,
                          struct pk_err *err)
{
    struct annotate__live *l = p->arg;
    switch (line[1]) {
    case 'q':
        p->quit = true;
        return 0;
    case 'n':
        return annotate__live_new(l, err);
    case 'c':
        return annotate__editor_set(&l->prompt, "", 0, err);
    case 'u':
        annotate__live_leave(l);
        return annotate__plain_line(p, line + 1, err);
    default:
        fputs(help, p->out);
        return 0;
    }
}

static int add_line(struct annotate__plain_io *p, const char *line,
                    struct pk_err *err)
{
    struct annotate__live *l = p->arg;
    struct pk_buf b = PK_BUF_INIT(ANNOTATE__PROMPT_MAX + 1);
    if (l->prompt.text.len) {
        pk_buf_add(&b, l->prompt.text.data, l->prompt.text.len);
        pk_buf_addc(&b, '\n');
    }
    pk_buf_adds(&b, line);
    int rc = b.failed ? b.failed
                      : annotate__editor_set(&l->prompt, b.data, b.len, err);
    pk_buf_release(&b);
    if (rc == PK_EDATA) {
        fputs("that line is no text, or too long: left out\n", p->out);
        return 0;
    }
    return rc ? rc : annotate__live_keep(l, err);
}

static int prompt_line(struct annotate__plain_io *p, const char *line,
                       struct pk_err *err)
{
    struct annotate__live *l = p->arg;
    if (line[0] == ':')
        return prompt_command(p, line, err);
    if (line[0])
        return add_line(p, line, err);
    if (annotate__editor_blank(&l->prompt))
        return 0;
    int rc = annotate__live_ask(l, err);
    if (rc == PK_ENO) {
        fprintf(p->out, "%s\n", err->text);
        return 0;
    }
    say(p);
    return rc ? rc : show(p, err);
}

static const char *prompt_of(const struct annotate__plain_io *p)
{
    const struct annotate__live *l = p->arg;
    if (p->s->v.asking)
        return "label> ";
    return l->asked || p->s->revising ? "verdict> " : "prompt> ";
}

int annotate__plain_live(struct annotate__live *l, FILE *in, FILE *out,
                         struct pk_err *err)
{
    struct annotate__plain_io p = {
        .s = l->s, .in = in, .out = out, .submit = submit, .arg = l};
    bool changed;
    int rc = 0;
    while (!rc && !annotate__hub_ready(l->hub)) {
        rc = annotate__live_wait(l, -1, 0.5, &changed, err);
        if (!rc)
            rc = pk_check_interrupt(err);
    }
    if (rc)
        return rc;
    annotate__plain_waits(&p, true);
    fputs(l->asked ? "judge these two; `q` quits, `?` helps\n"
                   : "write a prompt; an empty line asks both models, `:q` "
                     "quits, `:?` helps\n",
          out);
    say(&p);
    if (l->prompt.text.len)
        fprintf(out, "the prompt so far:\n%s\n", l->prompt.text.data);
    if (l->asked) {
        rc = show(&p, err);
        annotate__plain_verdict(&p);
    }
    while (!rc && !p.quit) {
        char *line = annotate__plain_ask(&p, prompt_of(&p));
        if ((rc = pk_check_interrupt(err)) != 0 || !line)
            break;
        rc = l->asked || p.s->revising ? pair_line(&p, line, err)
                                       : prompt_line(&p, line, err);
        say(&p);
        if (!rc && p.s->revising)
            rc = annotate__plain_keep(&p, err);
    }
    if (!rc && !p.s->revising)
        rc = annotate__live_store(l, err);
    annotate__plain_waits(&p, false);
    free(p.line);
    return rc;
}
