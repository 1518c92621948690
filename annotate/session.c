/* A session on the store's campaigns (prefdb/prefdb.h). */
#include "annotate/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/text.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/rng.h"
#include "common/sha256.h"

#define LEASE_SECONDS ((int64_t)2 * 60 * 60)

/* Without --campaign, what is asked for has a campaign of its own, so that the
 * same call goes on where it was left. */
static int own_campaign(struct annotate__session *s,
                        const struct annotate__options *o, struct pk_err *err)
{
    static const char *const orders[] = {"oldest", "random", "uncertain"};
    struct pk_buf name = PK_BUF_INIT(4096);
    struct prefdb_campaign c = {.dimension = o->dimension,
                                .overlap = 1000,
                                .lease_seconds = LEASE_SECONDS,
                                .allow_tie = o->allow_tie,
                                .allow_both_bad = o->allow_both_bad,
                                .guideline = "",
                                .guideline_text = ""};
    struct prefdb_fill fill = {
        .source = o->source, .batch = o->batch, .order = o->order};
    int64_t added;
    pk_buf_addf(&name, "annotate %s", prefdb_dimension_name(o->dimension));
    if (o->source)
        pk_buf_addf(&name, " source=%s", o->source);
    if (o->batch)
        pk_buf_addf(&name, " batch=%s", o->batch);
    pk_buf_addf(&name, " order=%s", orders[o->order]);
    int rc =
        name.failed ? pk_fail(err, PK_EUSAGE, "the names are too long") : 0;
    c.name = name.data;
    if (!rc)
        rc = prefdb_campaign_put(s->db, &c, err);
    if (!rc)
        rc = prefdb_campaign_fill(s->db, c.id, &fill, &added, err);
    if (!rc && !(s->campaign_name = pk_buf_take(&name)))
        rc = pk_fail_mem(err, "a name");
    pk_buf_release(&name);
    return rc;
}

static int load_campaign(struct annotate__session *s, struct pk_err *err)
{
    struct prefdb_campaign c;
    int rc = prefdb_campaign_get(s->db, s->campaign_name, &c, err);
    if (rc)
        return rc;
    s->campaign = c.id;
    s->dimension = c.dimension;
    s->allow_tie = c.allow_tie;
    s->allow_both_bad = c.allow_both_bad;
    s->guideline = pk_strdup(c.guideline ? c.guideline : "");
    s->guideline_text = pk_strdup(c.guideline_text ? c.guideline_text : "");
    return s->guideline && s->guideline_text ? 0
                                             : pk_fail_mem(err, "a campaign");
}

int annotate__open(struct annotate__session *s,
                   const struct annotate__options *o, struct pk_err *err)
{
    *s = (struct annotate__session){.texts.max = (size_t)1 << 30,
                                    .started = pk_now()};
    int rc = prefdb_open(&s->db, o->store, PREFDB_WRITE, err);
    if (!rc && !(s->annotator = pk_strdup(o->annotator)))
        rc = pk_fail_mem(err, "a name");
    if (!rc && !o->campaign)
        rc = own_campaign(s, o, err);
    else if (!rc && !(s->campaign_name = pk_strdup(o->campaign)))
        rc = pk_fail_mem(err, "a name");
    if (!rc)
        rc = load_campaign(s, err);
    if (rc)
        annotate__close(s);
    return rc;
}

void annotate__close(struct annotate__session *s)
{
    /* Nothing to be done when it fails: the lease ends by itself. */
    if (s->db && s->campaign)
        (void)!prefdb_release(s->db, s->campaign, s->annotator, NULL);
    prefdb_close(s->db);
    pk_buf_release(&s->texts);
    free(s->context);
    free(s->annotator);
    free(s->campaign_name);
    free(s->guideline);
    free(s->guideline_text);
    s->db = NULL;
    s->campaign = 0;
    s->context = NULL;
    s->annotator = s->campaign_name = s->guideline = s->guideline_text = NULL;
}

/* ---- The pair in hand ---------------------------------------------------- */

/* Which side is drawn per comparison and annotator, the same on every showing:
 * from their names, so that nobody, the program's author included, can tell a
 * side's model from its place. */
static int draw_left(struct annotate__session *s, struct pk_err *err)
{
    struct pk_sha256 *h;
    uint8_t sum[32];
    uint64_t seed = 0;
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    pk_sha256_field(h, s->annotator, strlen(s->annotator));
    pk_sha256_field(h, s->x.a.text, s->x.a.len);
    pk_sha256_field(h, s->x.b.text, s->x.b.len);
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
        snprintf(s->saved, sizeof s->saved, "%s", text);
    }
    free(text);
    return rc;
}

/* What is in s->x is the pair in hand from here on. */
static int take(struct annotate__session *s, struct pk_err *err)
{
    int rc = copy_texts(s, err);
    if (!rc)
        rc = draw_left(s, err);
    if (rc)
        return rc;
    s->comparison = s->x.comparison;
    s->v = (struct annotate__verdict){0};
    if (s->revising)
        annotate__recall(&s->v, &s->x, s->left);
    s->have = true;
    s->seconds = 0;
    s->touched = pk_now();
    return load_draft(s, err);
}

int annotate__next(struct annotate__session *s, struct pk_err *err)
{
    int64_t id = 0, expires;
    s->have = false;
    s->revising = 0;
    int rc = prefdb_campaign_progress(s->db, s->campaign, s->annotator,
                                      &s->progress, err);
    if (!rc)
        rc = prefdb_next(s->db, s->campaign, s->annotator, &id, &expires,
                         &s->waiting, err);
    if (rc <= 0)
        return rc;
    rc = prefdb_get_comparison(s->db, id, &s->x, err);
    return rc ? rc : take(s, err);
}

int annotate__revise(struct annotate__session *s, int64_t judgment,
                     struct pk_err *err)
{
    int rc = annotate__keep(s, err);
    s->have = false;
    if (!rc)
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
        snprintf(s->saved, sizeof s->saved, "%s", b.data);
    }
    pk_buf_release(&b);
    return rc;
}

static int drop_draft(struct annotate__session *s, struct pk_err *err)
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

static void count(struct annotate__session *s)
{
    if (s->revising) {
        s->revised++;
        return;
    }
    s->judged++;
    if (s->v.side == ANNOTATE__LEFT || s->v.side == ANNOTATE__RIGHT)
        s->strengths[s->v.strength]++;
    else
        s->ties++;
}

int annotate__submit(struct annotate__session *s, struct pk_err *err)
{
    const char *words[64];
    char flags[sizeof s->v.flags];
    int64_t judgment;
    snprintf(flags, sizeof flags, "%s", s->v.flags);
    annotate__touch(s, pk_now());
    struct prefdb_verdict v = {.choice = annotate__choice(&s->v, s->left),
                               .strength = s->v.strength,
                               .label = s->v.label,
                               .shown_left = (int)s->left,
                               .seconds = s->seconds,
                               .note = s->v.note[0] ? s->v.note : NULL,
                               .flags = words,
                               .n_flags = split_words(flags, words, 64)};
    int rc = s->revising ? prefdb_revise(s->db, s->campaign, s->annotator,
                                         s->revising, &v, &judgment, err)
                         : prefdb_submit(s->db, s->campaign, s->annotator,
                                         s->comparison, &v, &judgment, err);
    if (!rc)
        count(s);
    if (rc && rc != PK_ENO)
        return rc;
    /* On PK_ENO the caller gets that message, and the next pair. */
    int after = drop_draft(s, rc ? NULL : err);
    if (!after)
        after = annotate__next(s, rc ? NULL : err);
    return rc ? rc : after;
}

int annotate__skip(struct annotate__session *s, const char *reason,
                   struct pk_err *err)
{
    int rc = drop_draft(s, err);
    if (!rc && !s->revising) {
        rc = prefdb_skip(s->db, s->campaign, s->annotator, s->comparison,
                         reason, err);
        s->skipped += rc == 0;
    }
    return rc ? rc : annotate__next(s, err);
}

/* ---- What has been said -------------------------------------------------- */

int annotate__history(struct annotate__session *s, size_t limit,
                      struct annotate__past **out, size_t *n,
                      struct pk_err *err)
{
    int64_t *ids = NULL;
    struct prefdb_example kept = s->x;
    enum prefdb_choice left = s->left;
    struct annotate__verdict v;
    *out = NULL;
    *n = 0;
    int rc =
        prefdb_history(s->db, s->campaign, s->annotator, limit, &ids, n, err);
    if (!rc && !(*out = pk_calloc(*n ? *n : 1, sizeof **out)))
        rc = pk_fail_mem(err, "the history");
    for (size_t i = 0; i < *n && !rc; i++) {
        struct annotate__past *p = &(*out)[i];
        p->judgment = ids[i];
        rc = prefdb_get(s->db, ids[i], &s->x, err);
        if (!rc)
            rc = draw_left(s, err);
        if (rc)
            break;
        annotate__recall(&v, &s->x, s->left);
        snprintf(p->what, sizeof p->what, "%s", annotate__verdict_text(&v));
        const struct prefdb_turn *last =
            s->x.n_context ? &s->x.context[s->x.n_context - 1] : &s->x.a;
        annotate__one_line(p->prompt, sizeof p->prompt, last->text, last->len);
    }
    s->x = kept;
    s->left = left;
    free(ids);
    if (rc) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return rc;
}

void annotate__touch(struct annotate__session *s, double now)
{
    double gap = now - s->touched;
    s->seconds += gap > ANNOTATE__IDLE ? ANNOTATE__IDLE : gap;
    s->touched = now;
}

int annotate__summary(const struct annotate__session *s, struct pk_buf *b)
{
    double minutes = (pk_now() - s->started) / 60;
    pk_buf_addf(b, "%u judged, %u revised, %u skipped in %.0f minutes",
                s->judged, s->revised, s->skipped, minutes);
    if (s->judged && minutes >= 1)
        pk_buf_addf(b, " (%.0f an hour)", s->judged / minutes * 60);
    for (int i = 3; s->judged && i >= 0; i--)
        pk_buf_addf(b, "%s %u %s", i == 3 ? ":" : ",", s->strengths[i],
                    prefdb_strength_name(i));
    if (s->ties)
        pk_buf_addf(b, ", %u ties or both bad", s->ties);
    pk_buf_addc(b, '\n');
    return b->failed;
}
