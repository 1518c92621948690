/* What an annotator has said: earlier verdicts, statistics, the summary. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "annotate/judge/session.h"
#include "annotate/text/text.h"
#include "common/progress.h"

int annotate__past(struct annotate__session *s, int64_t judgment,
                   struct annotate__past *out, struct pk_err *err)
{
    struct prefdb_example kept = s->x;
    enum prefdb_choice left = s->left;
    struct annotate__verdict v;
    int rc = prefdb_get(s->db, judgment, &s->x, err);
    if (!rc)
        rc = annotate__draw_left(s, err);
    if (!rc) {
        annotate__recall(&v, &s->x, s->left);
        snprintf(out->what, sizeof out->what, "%s", annotate__verdict_text(&v));
        const struct prefdb_turn *last =
            s->x.n_context ? &s->x.context[s->x.n_context - 1] : &s->x.a;
        annotate__one_line(out->prompt, sizeof out->prompt, last->text,
                           last->len);
    }
    s->x = kept;
    s->left = left;
    return rc;
}

/* ---- Statistics ---------------------------------------------------------- */

/* Every line has room on the narrowest screen. */
enum { SPANS = 3, LABEL = 14, NUMBER = 8, BAR = 12 };

/* As the store writes times, but without an end, so that a fraction of the
 * same second comes after it. */
static void as_written(time_t t, char out[24])
{
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &tm);
}

static time_t midnight(void)
{
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return mktime(&tm);
}

int64_t annotate__goal(const struct annotate__session *s)
{
    bool unknown = s->own || s->live || s->checked;
    return s->quota ? s->quota : unknown ? 0 : s->progress.tasks;
}

bool annotate__quota_reached(const struct annotate__session *s)
{
    return s->quota && s->progress.judged >= s->quota;
}

const char *annotate__ended(const struct annotate__session *s)
{
    if (annotate__quota_reached(s))
        return "You have judged as many as this campaign asks of each.";
    if (s->stuck[0])
        return s->stuck;
    return s->waiting ? "Others have the last pairs in hand."
                      : "Nothing is left to judge.";
}

bool annotate__lingers(const struct annotate__session *s)
{
    return !s->live && (s->progress.judged || s->skipped || s->waiting);
}

/* "120 of 300 judged  [#####-------]" */
static void progress_bar(const struct annotate__session *s, struct pk_buf *b)
{
    int64_t goal = annotate__goal(s), done = s->progress.judged;
    if (!goal)
        return;
    int64_t full = done < goal ? done * BAR / goal : BAR;
    pk_buf_addf(b, "%lld of %lld judged  [", (long long)done, (long long)goal);
    for (int i = 0; i < BAR; i++)
        pk_buf_addc(b, i < full ? '#' : '-');
    pk_buf_adds(b, "]\n\n");
}

static void share(struct pk_buf *b, uint64_t part, uint64_t whole)
{
    char text[24] = "-";
    if (whole)
        snprintf(text, sizeof text, "%.0f%%",
                 100.0 * (double)part / (double)whole);
    pk_buf_addf(b, "%*s", NUMBER, text);
}

static void number(struct pk_buf *b, double x, int decimals)
{
    char text[24] = "-";
    if (isfinite(x))
        snprintf(text, sizeof text, "%.*f", decimals, x);
    pk_buf_addf(b, "%*s", NUMBER, text);
}

/* Each strength's share of all choices, with a bar. */
static void histogram(struct pk_buf *b, const struct prefdb_habits *all)
{
    uint64_t chose = all->judged - all->ties;
    for (int i = 3; i >= 0; i--) {
        uint64_t n = all->strengths[i];
        pk_buf_addf(b, "%-*s%*llu%s", LABEL, annotate__strength_word(i), NUMBER,
                    (unsigned long long)n, n ? "  " : "");
        for (uint64_t bar = chose ? (BAR * n + chose / 2) / chose : 0; bar;
             bar--)
            pk_buf_addc(b, '#');
        pk_buf_addc(b, '\n');
    }
}

static void label(struct pk_buf *b, const char *text)
{
    pk_buf_addf(b, "\n%-*s", LABEL, text);
}

static void count(struct pk_buf *b, uint64_t n)
{
    pk_buf_addf(b, "%*llu", NUMBER, (unsigned long long)n);
}

static void table(struct pk_buf *b, const struct prefdb_habits h[SPANS])
{
    pk_buf_addf(b, "%-*s%*s%*s%*s", LABEL, "", NUMBER, "session", NUMBER,
                "today", NUMBER, "in all");
    label(b, "judged");
    for (int k = 0; k < SPANS; k++)
        count(b, h[k].judged);
    label(b, "per work hour");
    for (int k = 0; k < SPANS; k++)
        number(b,
               h[k].seconds > 0 ? (double)h[k].judged / h[k].seconds * 3600
                                : (double)NAN,
               0);
    label(b, "median seconds");
    for (int k = 0; k < SPANS; k++)
        number(b, h[k].median, 1);
    label(b, "left chosen");
    for (int k = 0; k < SPANS; k++)
        share(b, h[k].left, h[k].sided);
    label(b, "no choice");
    for (int k = 0; k < SPANS; k++)
        count(b, h[k].ties);
    pk_buf_adds(b, "\n\n");
    histogram(b, &h[SPANS - 1]);
}

int annotate__statistics(struct annotate__session *s, struct pk_buf *b,
                         struct pk_err *err)
{
    struct prefdb_habits h[SPANS];
    char since[2][24];
    int rc = 0;
    as_written(s->began, since[0]);
    as_written(midnight(), since[1]);
    for (int i = 0; i < SPANS && !rc; i++)
        rc = prefdb_habits(s->db, s->campaign, s->annotator,
                           i < 2 ? since[i] : NULL, &h[i], err);
    if (rc)
        return rc;
    progress_bar(s, b);
    table(b, h);
    /* A single one would give itself away. */
    const struct prefdb_habits *all = &h[SPANS - 1];
    if (all->repeats >= 5)
        pk_buf_addf(b,
                    "\nOf pairs that came to you twice, you chose the same in "
                    "%llu of %llu.\n",
                    (unsigned long long)all->same,
                    (unsigned long long)all->repeats);
    return b->failed ? pk_fail_mem(err, "statistics") : 0;
}

int annotate__summary(struct annotate__session *s, struct pk_buf *b)
{
    struct prefdb_habits h = {0};
    char since[24];
    as_written(s->began, since);
    pk_buf_addf(b, "%u judged, %u revised, %u skipped\n", s->judged, s->revised,
                s->skipped);
    if (!s->db ||
        prefdb_habits(s->db, s->campaign, s->annotator, since, &h, NULL) ||
        !h.judged)
        return b->failed;
    if (h.seconds > 0)
        pk_buf_addf(b, "%.0f in an hour of work\n",
                    (double)h.judged / h.seconds * 3600);
    for (int i = 3; i >= 0; i--)
        pk_buf_addf(b, "%s %llu%s", annotate__strength_word(i),
                    (unsigned long long)h.strengths[i],
                    i == 2  ? "\n"
                    : i > 0 ? ", "
                            : "");
    if (h.ties)
        pk_buf_addf(b, ", no choice %llu", (unsigned long long)h.ties);
    return pk_buf_addc(b, '\n');
}
