/* The verdict on a live pair. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/live/live.h"
#include "common/progress.h"

bool annotate__live_ready(const struct annotate__live *l, char *why,
                          size_t size)
{
    static const char *const names[] = {"left", "right"};
    const struct pk_buf *a = &l->sides[0].stream.text,
                        *b = &l->sides[1].stream.text;
    for (int i = 0; i < 2; i++) {
        const struct annotate__stream *s = &l->sides[i].stream;
        if (s->phase == ANNOTATE__BROKEN) {
            snprintf(why, size,
                     "the %s response is broken and cannot be judged: ask "
                     "for another",
                     names[i]);
            return false;
        }
        if (annotate__running(s) && !s->text.len) {
            snprintf(why, size, "the %s response has not begun yet", names[i]);
            return false;
        }
    }
    if (a->len == b->len &&
        (!a->len || memcmp(a->data, b->data, a->len) == 0)) {
        snprintf(why, size,
                 "both say the same: there is nothing to choose; ask for "
                 "two others");
        return false;
    }
    return true;
}

static int extra_of(const struct annotate__answer *s, char **out,
                    struct pk_err *err)
{
    cJSON *j = s->stream.record ? cJSON_Duplicate(s->stream.record, 1)
                                : cJSON_CreateObject();
    bool ok = j != NULL;
    if (ok && s->discarded)
        ok = cJSON_AddItemToObject(j, "discarded",
                                   cJSON_Duplicate(s->discarded, 1));
    *out = ok ? cJSON_PrintUnformatted(j) : NULL;
    cJSON_Delete(j);
    return *out ? 0 : pk_fail_mem(err, "a response");
}

static struct prefdb_made made(const struct annotate__live *l, int i,
                               const char *extra)
{
    const struct annotate__answer *s = &l->sides[i];
    return (struct prefdb_made){.text = s->stream.text.len ? s->stream.text.data
                                                           : "",
                                .len = s->stream.text.len,
                                .model = l->o->models[s->model].name,
                                .created = s->created,
                                .temperature = s->temperature,
                                .top_p = s->top_p,
                                .seed = s->seed,
                                .has_seed = true,
                                .cut = s->stream.phase == ANNOTATE__CUT,
                                .extra = extra};
}

/* What the dialogue goes on with: after a tie with the left one, whose place
 * was drawn; when both are bad, or it has had its turns, with nothing. */
static int goes_on(const struct annotate__live *l)
{
    if (l->s->v.side == ANNOTATE__BOTH_BAD ||
        l->turn + 1 >= annotate__live_turns(l))
        return ANNOTATE__LIVE_NEW;
    return l->s->v.side == ANNOTATE__RIGHT;
}

static int write_pair(struct annotate__live *l, const char *draft,
                      struct pk_err *err)
{
    struct annotate__session *s = l->s;
    char *extra[2] = {NULL, NULL};
    int64_t judgment;
    struct annotate__words words;
    int rc = extra_of(&l->sides[0], &extra[0], err);
    if (!rc)
        rc = extra_of(&l->sides[1], &extra[1], err);
    const struct prefdb_verdict v =
        annotate__said(s, &words); /* left is a, as live.h has it */
    const struct prefdb_live pair = {.context = l->turns,
                                     .n_context = l->n_turns,
                                     .left = made(l, 0, extra[0]),
                                     .right = made(l, 1, extra[1]),
                                     .source = l->o->source,
                                     .batch = l->o->batch,
                                     .draft_key = l->key[0],
                                     .draft = draft};
    if (!rc)
        rc = prefdb_live_submit(s->db, s->campaign, s->annotator, &pair, &v,
                                &judgment, err);
    cJSON_free(extra[0]);
    cJSON_free(extra[1]);
    return rc;
}

/* The same as the draft that is on disk now says. */
static int go_on(struct annotate__live *l, int with, struct pk_err *err)
{
    const struct pk_buf *text = with < 2 ? &l->sides[with].stream.text : NULL;
    int rc = 0;
    if (text)
        rc = annotate__live_turn(l, PREFDB_ASSISTANT,
                                 text->len ? text->data : "", text->len, err);
    l->turn++;
    l->asked = false;
    annotate__live_drop(l, 0);
    annotate__live_drop(l, 1);
    if (!rc && !text)
        rc = annotate__live_reset(l, err);
    return rc;
}

int annotate__live_submit(struct annotate__live *l, struct pk_err *err)
{
    char why[128], *draft = NULL;
    if (!annotate__live_ready(l, why, sizeof why))
        return pk_fail(err, PK_ENO, "%s", why);
    for (int i = 0; i < 2; i++)
        annotate__hub_stop(l->hub, &l->sides[i].stream);
    annotate__touch(l->s, pk_now());
    int with = goes_on(l);
    int rc = annotate__live_draft(l, with, &draft, err);
    if (!rc)
        rc = write_pair(l, draft, err);
    if (rc == PK_ENO) /* it may ask for something else now: to be seen */
        (void)!annotate__look_again(l->s, NULL);
    if (rc) {
        cJSON_free(draft);
        return rc;
    }
    free(l->saved[0]);
    l->saved[0] = draft;
    annotate__count(l->s);
    rc = go_on(l, with, err);
    snprintf(l->said, sizeof l->said, "kept%s",
             annotate__quota_reached(l->s) ? "; " ANNOTATE__NO_MORE
             : with < 2                    ? ""
                        : "; the dialogue has its end, a new one begins");
    l->s->v = (struct annotate__verdict){0};
    return rc ? rc
              : annotate__live_keep_after(l, "kept; what follows is ", err);
}
