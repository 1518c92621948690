/* The pair in hand. */
#include "annotate/judge/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/text/text.h"
#include "common/mem.h"
#include "common/progress.h"
#include "common/sha256.h"

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
        rc = annotate__recall_words(s, err);
    }
    if (!rc)
        rc = annotate__know_models(s, s->comparison, err);
    if (rc)
        return rc;
    annotate__find_names(s);
    s->have = true;
    s->ended = false;
    s->seconds =
        !s->revising && s->comparison == s->laid_by ? s->laid_by_seconds : 0;
    s->touched = pk_now();
    return annotate__load_draft(s, err);
}

/* Who has had a pair goes on, when the disk has room again. */
static int stuck(struct annotate__session *s, const struct pk_err *why)
{
    snprintf(s->stuck, sizeof s->stuck, "No next pair: %.200s", why->text);
    s->waiting = true;
    return 0;
}

int annotate__next(struct annotate__session *s, struct pk_err *err)
{
    struct prefdb_task task;
    struct pk_err why;
    int64_t added = 0;
    s->have = false;
    s->stuck[0] = 0;
    if (s->live) /* the live dialogue's own is shown (annotate__live_show) */
        return 0;
    s->revising = 0;
    int rc = annotate__look_again(s, err);
    if (rc)
        return rc;
    rc = prefdb_next(s->db, s->campaign, s->annotator, &task, &why);
    if (rc == 0 && (rc = annotate__own_fill(s, &added, &why)) == 0 && added)
        rc = prefdb_next(s->db, s->campaign, s->annotator, &task, &why);
    if (rc == PK_EIO && s->comparison)
        return stuck(s, &why);
    if (rc < 0 && err)
        *err = why;
    s->waiting = task.waiting;
    s->again = task.again;
    if (s->own && !s->progress.tasks &&
        (rc == PK_EUSAGE || (!rc && (s->fill.source || s->fill.batch))))
        return annotate__own_drop(s, rc, err);
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
