/* A pair that was made and judged in one sitting, into the store in one
 * transaction. */
#include <string.h>

#include "common/json.h"
#include "common/utf8.h"
#include "prefdb/store/write.h"
#include "prefdb/team/campaign.h"

static int check_text(const char *text, size_t len, struct pk_err *err)
{
    if (pk_utf8_check(text, len) < len || memchr(text, 0, len))
        return pk_fail(err, PK_EUSAGE, "a text is not UTF-8");
    return 0;
}

static int made(struct prefdb__response *r, const struct prefdb_made *m,
                struct pk_err *err)
{
    *r = (struct prefdb__response){.turn = {PREFDB_ASSISTANT, m->text, m->len},
                                   .model = m->model,
                                   .created = m->created,
                                   .temperature = m->temperature,
                                   .top_p = m->top_p,
                                   .seed = m->seed,
                                   .has_seed = m->has_seed,
                                   .cut = m->cut};
    int rc = check_text(m->text, m->len, err);
    if (!rc && m->extra)
        rc = pk_json_parse(&r->extra, m->extra, strlen(m->extra), err);
    return rc;
}

/* The record borrows everything but the flags, which it takes over. */
static int fill(struct prefdb__record *r, const struct prefdb_live *pair,
                struct prefdb__word *said, struct pk_err *err)
{
    int rc = 0;
    r->source = pair->source;
    r->batch = pair->batch;
    for (size_t i = 0; i < pair->n_context && !rc; i++) {
        const struct prefdb_turn *t = &pair->context[i];
        rc = check_text(t->text, t->len, err);
        if (!rc)
            rc = prefdb__record_turn(r, t->role, t->text, t->len, err);
    }
    if (!rc)
        rc = made(&r->a, &pair->left, err);
    if (!rc)
        rc = made(&r->b, &pair->right, err);
    if (rc)
        return rc;
    struct prefdb__judgment *j =
        prefdb__record_judgment(r, said->j.dimension, said->j.choice);
    if (!j)
        return pk_fail_mem(err, "a judgment");
    *j = said->j;
    said->j.flags = NULL; /* the record's now */
    rc = prefdb__record_check(r, err);
    return rc == PK_EDATA ? (err ? (err->code = PK_EUSAGE) : PK_EUSAGE) : rc;
}

static int write(struct prefdb__writer *w, struct prefdb__record *r,
                 struct prefdb__counts *counts, struct pk_err *err)
{
    int rc = prefdb__writer_put(w, r, r->source, -1, counts, err);
    if (!rc && !counts->comparisons)
        rc = pk_fail(err, PK_ENO,
                     "this pair has been judged already, in another window");
    return rc;
}

int prefdb_live_submit(struct prefdb *db, int64_t campaign,
                       const char *annotator, const struct prefdb_live *pair,
                       const struct prefdb_verdict *v, int64_t *judgment,
                       struct pk_err *err)
{
    struct prefdb__writer *w = NULL;
    struct prefdb__record r = {0};
    struct prefdb__counts counts = {0};
    struct prefdb__word said = {0};
    struct prefdb_campaign c;
    *judgment = 0;
    prefdb__record_reset(&r);
    int rc = prefdb__check_name("an annotator", annotator, err);
    if (!rc)
        rc = prefdb__check_name("a source", pair->source, err);
    if (!rc)
        rc = prefdb__writer_begin(&w, db, 1, err);
    if (!rc)
        rc = prefdb__campaign(db, campaign, &c, err);
    if (!rc)
        rc = prefdb__word_of(&said, &c, annotator, v, err);
    if (!rc)
        rc = fill(&r, pair, &said, err);
    if (!rc)
        rc = write(w, &r, &counts, err);
    if (!rc)
        rc = prefdb__tasks_add(db, campaign, &counts.comparison, 1, err);
    if (!rc)
        rc = prefdb__progress_add(db, campaign, annotator, 1, 0, err);
    if (!rc)
        rc = prefdb__draft(db, annotator, pair->draft_key, pair->draft, err);
    if (!rc)
        rc = prefdb__writer_commit(&w, err);
    prefdb__writer_abort(&w);
    prefdb__record_release(&r);
    prefdb__word_release(&said);
    if (!rc)
        *judgment = counts.last;
    return rc;
}
