/* A session on the store's campaigns (prefdb/prefdb.h). */
#include "annotate/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "annotate/alone.h"
#include "annotate/text.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"
#include "common/sha256.h"

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

/* Its tasks come a few at a time, so that the first pair of a store of millions
 * is there at once; the most uncertain take a pass over all scores, so more of
 * them. */
static int fill_own(struct annotate__session *s, int64_t *added,
                    struct pk_err *err)
{
    struct prefdb_fill f = s->fill;
    *added = 0;
    if (!s->own)
        return 0;
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

static int own_campaign(struct annotate__session *s,
                        const struct annotate__options *o, struct pk_err *err)
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

/* Add the names of the models behind a comparison, or of some of the store. */
static int know_models(struct annotate__session *s, int64_t comparison,
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
        rc = own_campaign(s, o, err);
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
        rc = know_models(s, 0, err);
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

/* ---- The pair in hand ---------------------------------------------------- */

int annotate__draw_left(struct annotate__session *s, struct pk_err *err)
{
    struct pk_sha256 *h;
    uint8_t sum[32];
    uint64_t seed = 0;
    if (s->x.judgment && s->x.shown_left >= 0) {
        s->left = (enum prefdb_choice)s->x.shown_left;
        return 0;
    }
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    pk_sha256_field(h, s->annotator, strlen(s->annotator));
    pk_sha256_field(h, s->x.a.text, s->x.a.len);
    pk_sha256_field(h, s->x.b.text, s->x.b.len);
    if (s->again)
        pk_sha256_field(h, "again", 5);
    for (size_t i = 0; i < s->x.n_context; i++)
        pk_sha256_field(h, s->x.context[i].text, s->x.context[i].len);
    pk_sha256_final(h, sum);
    pk_sha256_free(h);
    memcpy(&seed, sum, sizeof seed);
    s->left = seed & 1 ? PREFDB_B : PREFDB_A;
    return 0;
}

/* The texts that the store lends become our own. */
static int copy_texts(struct annotate__session *s, struct pk_err *err)
{
    struct prefdb_example *x = &s->x;
    size_t n = x->n_context;
    if (!pk_grow(&s->context, &s->cap_context, n + 1, sizeof *s->context))
        return pk_fail_mem(err, "a dialogue");
    pk_buf_reset(&s->texts);
    for (size_t i = 0; i < n; i++) {
        s->context[i] = x->context[i];
        pk_buf_add(&s->texts, x->context[i].text, x->context[i].len);
    }
    pk_buf_add(&s->texts, x->a.text, x->a.len);
    pk_buf_add(&s->texts, x->b.text, x->b.len);
    pk_buf_addc(&s->texts, 0);
    pk_buf_adds(&s->texts, x->source);
    pk_buf_addc(&s->texts, 0);
    pk_buf_adds(&s->texts, x->batch);
    if (s->texts.failed)
        return pk_fail_mem(err, "a dialogue");
    const char *p = s->texts.data;
    for (size_t i = 0; i < n; i++) {
        s->context[i].text = p;
        p += s->context[i].len;
    }
    x->a.text = p;
    x->b.text = p + x->a.len;
    x->source = p + x->a.len + x->b.len + 1;
    x->batch = x->source + strlen(x->source) + 1;
    x->annotator = s->annotator;
    x->context = s->context;
    return 0;
}

static void draft_key(const struct annotate__session *s, char out[96])
{
    snprintf(out, 96, "verdict/%lld/%lld/%lld", (long long)s->campaign,
             (long long)s->comparison, (long long)s->revising);
}

/* A half-made verdict comes back. */
static int load_draft(struct annotate__session *s, struct pk_err *err)
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

void annotate__find_names(struct annotate__session *s)
{
    for (int right = 0; right < 2; right++) {
        const struct prefdb_turn *t = annotate__shown(s, right);
        struct pk_buf b = PK_BUF_INIT(sizeof s->named[right] - 1);
        size_t at, len;
        s->named[right][0] = 0;
        if (annotate__names_find(&s->names, t->text, t->len, &at, &len))
            (void)annotate__clean(&b, t->text + at, len); /* or its beginning */
        if (b.len)
            memcpy(s->named[right], b.data, b.len + 1);
        pk_buf_release(&b);
    }
}

/* A judgment's words, as far as there is room to write in them. */
static int recall_words(struct annotate__session *s, struct pk_err *err)
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

/* What is in s->x is the pair in hand from here on. */
static int take(struct annotate__session *s, struct pk_err *err)
{
    int rc = copy_texts(s, err);
    if (!rc)
        rc = annotate__draw_left(s, err);
    if (rc)
        return rc;
    s->comparison = s->x.comparison;
    s->v = (struct annotate__verdict){0};
    if (s->revising) {
        annotate__recall(&s->v, &s->x, s->left);
        rc = recall_words(s, err);
    }
    if (!rc)
        rc = know_models(s, s->comparison, err);
    if (rc)
        return rc;
    annotate__find_names(s);
    s->have = true;
    s->ended = false;
    s->seconds =
        !s->revising && s->comparison == s->laid_by ? s->laid_by_seconds : 0;
    s->touched = pk_now();
    return load_draft(s, err);
}

/* What was asked for is not there, by a slip of the finger perhaps: what was
 * made for it goes, and why is in err. */
static int give_up(struct annotate__session *s, int rc, struct pk_err *err)
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

int annotate__next(struct annotate__session *s, struct pk_err *err)
{
    struct prefdb_task task;
    int64_t added = 0;
    s->have = false;
    if (s->live) /* the live dialogue's own is shown (annotate__live_show) */
        return 0;
    s->revising = 0;
    int rc = annotate__look_again(s, err);
    if (rc)
        return rc;
    rc = prefdb_next(s->db, s->campaign, s->annotator, &task, err);
    if (rc == 0 && (rc = fill_own(s, &added, err)) == 0 && added)
        rc = prefdb_next(s->db, s->campaign, s->annotator, &task, err);
    s->waiting = task.waiting;
    s->again = task.again;
    if (s->own && !s->progress.tasks &&
        (rc == PK_EUSAGE || (!rc && (s->fill.source || s->fill.batch))))
        return give_up(s, rc, err);
    if (rc <= 0)
        return rc;
    rc = prefdb_get_comparison(s->db, task.comparison, &s->x, err);
    return rc ? rc : take(s, err);
}

/* Others' judgments are none of an annotator's business: campaigns are blind.
 */
static int check_own(struct annotate__session *s, int64_t judgment,
                     struct pk_err *err)
{
    int64_t *ids;
    size_t n, i = 0;
    int rc = prefdb_history(s->db, s->campaign, s->annotator, &ids, &n, err);
    if (rc)
        return rc;
    while (i < n && ids[i] != judgment)
        i++;
    free(ids);
    return i < n ? 0
                 : pk_fail(err, PK_ENO, "%lld is no verdict of yours here",
                           (long long)judgment);
}

void annotate__lay_by(struct annotate__session *s)
{
    if (!s->have || s->revising)
        return;
    annotate__touch(s, pk_now());
    s->laid_by = s->comparison;
    s->laid_by_seconds = s->seconds;
}

int annotate__revise(struct annotate__session *s, int64_t judgment,
                     struct pk_err *err)
{
    int rc = check_own(s, judgment, err);
    if (!rc)
        rc = annotate__keep(s, err);
    if (rc)
        return rc;
    annotate__lay_by(s);
    s->have = false;
    rc = prefdb_get(s->db, judgment, &s->x, err);
    if (rc)
        return rc;
    s->revising = judgment;
    return take(s, err);
}

/* ---- Words that stay ----------------------------------------------------- */

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
    s->saved[0] = 0;
    return prefdb_draft_put(s->db, s->annotator, key, NULL, err);
}

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
        .guideline = s->guideline};
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
    int after = rc ? 0 : annotate__drop_draft(s, err);
    if (!after)
        after = annotate__next(s, rc ? NULL : err);
    return rc ? rc : after;
}

bool annotate__stays(const struct annotate__session *s, int rc)
{
    return (s->have || s->ended) &&
           (rc == PK_ENO || rc == PK_EIO || rc == PK_EUSAGE);
}

/* ---- Time -----------------------------------------------------------------*/

void annotate__touch(struct annotate__session *s, double now)
{
    double gap = now - s->touched;
    s->seconds += gap > ANNOTATE__IDLE ? ANNOTATE__IDLE : gap;
    s->touched = now;
}
