/* A session on the store's campaigns (prefdb/prefdb.h). */
#include "annotate/judge/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annotate/judge/alone.h"
#include "common/mem.h"
#include "common/progress.h"

/* Another version than the one that is known? Then that is known. */
static int load_guideline(struct annotate__session *s,
                          const struct prefdb_campaign *c, struct pk_err *err)
{
    const char *version = c->guideline ? c->guideline : "";
    if (s->guideline && strcmp(s->guideline, version) == 0)
        return 0;
    s->anew = s->guideline != NULL;
    free(s->guideline);
    free(s->guideline_text);
    s->guideline = pk_strdup(version);
    s->guideline_text = pk_strdup(c->guideline_text ? c->guideline_text : "");
    return s->guideline && s->guideline_text ? 0
                                             : pk_fail_mem(err, "a campaign");
}

static int load_campaign(struct annotate__session *s, struct pk_err *err)
{
    struct prefdb_campaign c;
    int rc = prefdb_campaign_get(s->db, s->campaign_name, &c, err);
    if (rc)
        return rc;
    s->campaign = c.id;
    s->dimension = c.dimension;
    s->quota = c.quota;
    s->turn_limit = c.turn_limit;
    s->checked = c.gold_every || c.repeat_every;
    s->allow_tie = c.allow_tie;
    s->allow_both_bad = c.allow_both_bad;
    return load_guideline(s, &c, err);
}

int annotate__look_again(struct annotate__session *s, struct pk_err *err)
{
    return s->own ? 0 : load_campaign(s, err);
}

int annotate__know_models(struct annotate__session *s, int64_t comparison,
                          struct pk_err *err)
{
    char **names;
    size_t n;
    int rc = prefdb_models(s->db, comparison, &names, &n, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = annotate__names_add(&s->names, names[i], err);
    prefdb_models_free(names, n);
    return rc;
}

int annotate__open(struct annotate__session *s,
                   const struct annotate__options *o, struct pk_err *err)
{
    *s = (struct annotate__session){.texts.max = (size_t)1 << 30,
                                    .touched = pk_now(),
                                    .began = time(NULL),
                                    .live = o->live};
    int rc = prefdb_open(&s->db, o->store, PREFDB_WRITE, err);
    if (!rc && !(s->annotator = pk_strdup(o->annotator)))
        rc = pk_fail_mem(err, "a name");
    if (!rc && !o->campaign)
        rc = annotate__own_campaign(s, o, err);
    else if (!rc && !(s->campaign_name = pk_strdup(o->campaign)))
        rc = pk_fail_mem(err, "a name");
    if (!rc)
        rc = load_campaign(s, err);
    if (!rc && (rc = annotate__alone(&s->alone, o->store, s->campaign,
                                     s->annotator, err)) != 0)
        s->campaign = 0;       /* its lease is not ours to give back */
    if (!rc && !o->campaign) { /* others may be allowed more */
        s->allow_tie = o->allow_tie;
        s->allow_both_bad = o->allow_both_bad;
    }
    if (!rc)
        rc = prefdb_progress(s->db, s->campaign, s->annotator, &s->progress,
                             err);
    if (!rc)
        rc = annotate__names_init(&s->names, err);
    if (!rc)
        rc = annotate__know_models(s, 0, err);
    if (rc)
        annotate__close(s);
    return rc;
}

void annotate__close(struct annotate__session *s)
{
    /* Nothing to be done when it fails: the lease ends by itself. */
    if (s->db && s->campaign) {
        prefdb_wait(s->db, 0, NULL, NULL);
        (void)!prefdb_release(s->db, s->campaign, s->annotator, NULL);
    }
    prefdb_close(s->db);
    if (s->alone > 0)
        close(s->alone);
    annotate__names_release(&s->names);
    pk_buf_release(&s->texts);
    free(s->context);
    free(s->annotator);
    free(s->campaign_name);
    free(s->guideline);
    free(s->guideline_text);
    s->db = NULL;
    s->alone = 0;
    s->campaign = 0;
    s->context = NULL;
    s->annotator = s->campaign_name = s->guideline = s->guideline_text = NULL;
}

void annotate__touch(struct annotate__session *s, double now)
{
    double gap = now - s->touched;
    s->seconds += gap > ANNOTATE__IDLE ? ANNOTATE__IDLE : gap;
    s->touched = now;
}
