/* Words that stay: a half-made verdict, and an earlier one taken up again. */
#include "annotate/judge/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void draft_key(const struct annotate__session *s, char out[96])
{
    snprintf(out, 96, "verdict/%lld/%lld/%lld", (long long)s->campaign,
             (long long)s->comparison, (long long)s->revising);
}

const char *annotate__draft_key(const struct annotate__session *s, char out[96])
{
    draft_key(s, out);
    return s->saved[0] ? out : NULL;
}

int annotate__load_draft(struct annotate__session *s, struct pk_err *err)
{
    char key[96], *text = NULL;
    struct annotate__verdict v;
    draft_key(s, key);
    s->saved[0] = 0;
    int rc = prefdb_draft_get(s->db, s->annotator, key, &text, err);
    if (!rc && text && annotate__verdict_load(&v, text)) {
        s->v = v;
        if ((v.side == ANNOTATE__TIE && !s->allow_tie) ||
            (v.side == ANNOTATE__BOTH_BAD && !s->allow_both_bad))
            annotate__choose(&s->v, ANNOTATE__NONE, PREFDB_UNSTATED);
        snprintf(s->saved, sizeof s->saved, "%s", text);
    }
    free(text);
    return rc;
}

int annotate__recall_words(struct annotate__session *s, struct pk_err *err)
{
    char *note, *flags;
    int rc = prefdb_words(s->db, s->revising, &note, &flags, err);
    if (rc)
        return rc;
    if (strlen(note) < sizeof s->v.note && !strchr(note, '\n'))
        snprintf(s->v.note, sizeof s->v.note, "%s", note);
    if (strlen(flags) < sizeof s->v.flags)
        snprintf(s->v.flags, sizeof s->v.flags, "%s", flags);
    free(note);
    free(flags);
    return 0;
}

int annotate__keep(struct annotate__session *s, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(sizeof s->saved);
    char key[96];
    if (!s->have)
        return 0;
    if (s->v.side || s->v.note[0] || s->v.flags[0] || s->saved[0])
        (void)annotate__verdict_save(&b, &s->v);
    int rc = b.failed ? pk_fail_mem(err, "a draft") : 0;
    if (!rc && b.data && strcmp(b.data, s->saved) != 0) {
        draft_key(s, key);
        rc = prefdb_draft_put(s->db, s->annotator, key, b.data, err);
        if (!rc)
            snprintf(s->saved, sizeof s->saved, "%s", b.data);
    }
    pk_buf_release(&b);
    return rc;
}

int annotate__drop_draft(struct annotate__session *s, struct pk_err *err)
{
    char key[96];
    if (!s->saved[0])
        return 0;
    draft_key(s, key);
    int rc = prefdb_draft_put(s->db, s->annotator, key, NULL, err);
    if (!rc)
        s->saved[0] = 0;
    return rc;
}
