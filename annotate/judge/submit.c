/* The verdict on the pair in hand. */
#include "annotate/judge/session.h"

#include <stdio.h>
#include <string.h>

#include "common/progress.h"

/* The words of `flags`, which is cut up. */
static size_t split_words(char *flags, const char **out, size_t max)
{
    size_t n = 0;
    char *at = NULL;
    for (char *w = strtok_r(flags, " ", &at); w && n < max;
         w = strtok_r(NULL, " ", &at))
        out[n++] = w;
    return n;
}

void annotate__count(struct annotate__session *s)
{
    if (s->revising) {
        s->revised++;
        return;
    }
    s->judged++;
    s->progress.judged++;
}

struct prefdb_verdict annotate__said(const struct annotate__session *s,
                                     struct annotate__words *words)
{
    snprintf(words->flags, sizeof words->flags, "%s", s->v.flags);
    return (struct prefdb_verdict){
        .dimension = s->dimension,
        .choice = annotate__choice(&s->v, s->left),
        .strength = s->v.strength,
        .label = s->v.label,
        .shown_left = (int)s->left,
        .seconds = s->seconds,
        .note = s->v.note[0] ? s->v.note : NULL,
        .flags = words->word,
        .n_flags = split_words(words->flags, words->word, 64),
        .guideline = s->guideline,
        .draft_key = annotate__draft_key(s, words->draft_key)};
}

int annotate__submit(struct annotate__session *s, struct pk_err *err)
{
    struct annotate__words words;
    int64_t judgment;
    annotate__touch(s, pk_now());
    const struct prefdb_verdict v = annotate__said(s, &words);
    int rc = s->revising ? prefdb_revise(s->db, s->campaign, s->annotator,
                                         s->revising, &v, &judgment, err)
                         : prefdb_submit(s->db, s->campaign, s->annotator,
                                         s->comparison, &v, &judgment, err);
    if (!rc)
        annotate__count(s);
    if (rc && rc != PK_ENO)
        return rc;
    s->have = false;
    /* On PK_ENO the caller gets that message, and the next pair; the words stay
     * as a draft, in case that the pair comes back. */
    if (!rc)
        s->saved[0] = 0;
    int after = annotate__next(s, rc ? NULL : err);
    return rc ? rc : after;
}

bool annotate__stays(const struct annotate__session *s, int rc)
{
    return (s->have || s->ended || s->live) &&
           (rc == PK_ENO || rc == PK_EIO || rc == PK_EUSAGE);
}
