/* The campaign that is made where none is named, filled as needed. */
#include "annotate/judge/session.h"

#define LEASE_SECONDS ((int64_t)2 * 60 * 60)

/* Without --campaign, what is asked for has a campaign of its own, so that the
 * same call goes on where it was left. Its name says all that makes it. */
static int own_name(struct annotate__session *s,
                    const struct annotate__options *o, struct pk_err *err)
{
    struct pk_buf name = PK_BUF_INIT(4096);
    pk_buf_addf(&name, "%s %s", o->live ? "live" : "annotate",
                prefdb_dimension_name(o->dimension));
    if (o->source)
        pk_buf_addf(&name, " source=%s", o->source);
    if (o->batch)
        pk_buf_addf(&name, " batch=%s", o->batch);
    if (!o->live)
        pk_buf_addf(&name, " order=%s", prefdb_order_name(o->order));
    if (o->scored_by)
        pk_buf_addf(&name, " scored-by=%s%s%s", o->scored_by,
                    o->against ? "," : "", o->against ? o->against : "");
    int rc =
        name.failed ? pk_fail(err, PK_EUSAGE, "the names are too long") : 0;
    if (!rc && !(s->campaign_name = pk_buf_take(&name)))
        rc = pk_fail_mem(err, "a name");
    pk_buf_release(&name);
    return rc;
}

int annotate__own_fill(struct annotate__session *s, int64_t *added,
                       struct pk_err *err)
{
    struct prefdb_fill f = s->fill;
    *added = 0;
    if (!s->own)
        return 0;
    /* The most uncertain take a pass over all scores, so more of them. */
    f.limit = f.order == PREFDB_UNCERTAIN ? 2000
              : s->progress.tasks         ? 200
                                          : 20; /* at once, the first time */
    f.seed = (uint64_t)s->progress.tasks;
    int rc = prefdb_lazy(s->db, true, err);
    if (!rc)
        rc = prefdb_campaign_fill(s->db, s->campaign, &f, added, err);
    s->progress.tasks += *added;
    int after = prefdb_lazy(s->db, false, rc ? NULL : err);
    return rc ? rc : after;
}

int annotate__own_campaign(struct annotate__session *s,
                           const struct annotate__options *o,
                           struct pk_err *err)
{
    struct prefdb_campaign c, was;
    s->own = true;
    s->fill = (struct prefdb_fill){.source = o->source,
                                   .batch = o->batch,
                                   .order = o->order,
                                   .scored_by = o->scored_by,
                                   .against = o->against};
    int rc = own_name(s, o, err);
    if (rc)
        return rc;
    c = (struct prefdb_campaign){.name = s->campaign_name,
                                 .dimension = o->dimension,
                                 .overlap = 1000,
                                 .lease_seconds = LEASE_SECONDS,
                                 .allow_tie = o->allow_tie,
                                 .allow_both_bad = o->allow_both_bad,
                                 .guideline = "",
                                 .guideline_text = ""};
    rc = prefdb_campaign_get(s->db, s->campaign_name, &was, err);
    if (rc && rc != PK_EUSAGE)
        return rc;
    if (rc == 0) { /* what somebody is allowed now, nobody takes away */
        c.allow_tie |= was.allow_tie;
        c.allow_both_bad |= was.allow_both_bad;
        if (was.allow_tie == c.allow_tie &&
            was.allow_both_bad == c.allow_both_bad)
            return 0; /* settings put anew make every task be looked at again */
    }
    /* What nobody has said need not outlive a power cut. */
    rc = prefdb_lazy(s->db, true, err);
    if (!rc)
        rc = prefdb_campaign_put(s->db, &c, err);
    int after = prefdb_lazy(s->db, false, rc ? NULL : err);
    return rc ? rc : after;
}

int annotate__own_drop(struct annotate__session *s, int rc, struct pk_err *err)
{
    const struct prefdb_fill *f = &s->fill;
    if (!rc && f->source && f->batch)
        rc = pk_fail(err, PK_EUSAGE,
                     "no pair of the store is of source '%.60s' and batch "
                     "'%.60s'",
                     f->source, f->batch);
    else if (!rc)
        rc = pk_fail(err, PK_EUSAGE, "no pair of the store is of %s '%.60s'",
                     f->source ? "source" : "batch",
                     f->source ? f->source : f->batch);
    (void)!prefdb_campaign_drop(s->db, s->campaign, NULL);
    return rc;
}
