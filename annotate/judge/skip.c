/* Pairs that are not judged. */
#include "annotate/judge/session.h"

/* Flags and note are how a labeler reports a bad pair: who reads why it was
 * skipped reads them too. "no idea (flags: unclear; note: cut off)" */
static int whole_reason(const struct annotate__session *s, const char *reason,
                        struct pk_buf *b)
{
    const struct annotate__verdict *v = &s->v;
    bool words = v->flags[0] || v->note[0], open = *reason && words;
    pk_buf_addf(b, "%s%s", reason, open ? " (" : "");
    if (v->flags[0])
        pk_buf_addf(b, "flags: %s%s", v->flags, v->note[0] ? "; " : "");
    if (v->note[0])
        pk_buf_addf(b, "note: %s", v->note);
    return pk_buf_adds(b, open ? ")" : "");
}

/* The draft stays, for the case that the skip is taken back. */
static int skip(struct annotate__session *s, const char *reason,
                struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(4096);
    int rc = annotate__keep(s, err);
    if (!rc && whole_reason(s, reason, &b))
        rc = pk_fail_mem(err, "a reason");
    if (!rc)
        rc = prefdb_skip(s->db, s->campaign, s->annotator, s->comparison,
                         b.data, err);
    s->skipped += rc == 0;
    pk_buf_release(&b);
    return rc;
}

int annotate__skip(struct annotate__session *s, const char *reason,
                   struct pk_err *err)
{
    int rc = s->revising ? annotate__drop_draft(s, err) : skip(s, reason, err);
    return rc ? rc : annotate__next(s, err);
}

int annotate__unskip(struct annotate__session *s, struct pk_err *err)
{
    int64_t comparison;
    int rc = s->live ? pk_fail(err, PK_ENO, "a live dialogue has no skips")
                     : annotate__keep(s, err);
    if (!rc)
        rc = prefdb_unskip(s->db, s->campaign, s->annotator, &comparison, err);
    if (rc)
        return rc;
    annotate__lay_by(s);
    s->skipped -= s->skipped > 0;
    return annotate__next(s, err);
}
