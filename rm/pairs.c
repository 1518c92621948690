/* Judgments as pairs of token paths; see pairs.h. */
#include "rm/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The judgments of one source, or of any (NULL), added to *ids. */
static int list_source(struct prefdb *db, const struct rm_pairs_query *q,
                       const char *source, int64_t **ids, size_t *n,
                       struct pk_err *err)
{
    struct prefdb_query query = {.dimension = (int)q->dimension,
                                 .split = (int)q->split,
                                 .source = source};
    int64_t *more = NULL;
    size_t n_more = 0, cap = *n;
    int rc = prefdb_list(db, &query, &more, &n_more, err);
    if (rc == 0 && source && n_more == 0 && q->need_sources)
        rc = pk_fail(err, PK_EDATA,
                     "source '%s' has no %s judgments in the %s split", source,
                     prefdb_dimension_name(q->dimension),
                     prefdb_split_name(q->split));
    if (rc == 0 && !pk_grow(ids, &cap, *n + n_more + 1, sizeof **ids))
        rc = pk_fail_mem(err, "the judgments of a split");
    if (rc == 0 && n_more) {
        memcpy(*ids + *n, more, n_more * sizeof *more);
        *n += n_more;
    }
    free(more);
    return rc;
}

static int list(struct prefdb *db, const struct rm_pairs_query *q,
                int64_t **ids, size_t *n, struct pk_err *err)
{
    int rc = 0;
    *ids = NULL;
    *n = 0;
    if (q->n_sources == 0)
        rc = list_source(db, q, NULL, ids, n, err);
    for (size_t i = 0; i < q->n_sources && rc == 0; i++)
        rc = list_source(db, q, q->source[i], ids, n, err);
    if (rc) {
        free(*ids);
        *ids = NULL;
        return rc;
    }
    qsort(*ids, *n, sizeof **ids, ascending);
    size_t kept = 0; /* a source may have been named twice */
    for (size_t i = 0; i < *n; i++)
        if (kept == 0 || (*ids)[i] != (*ids)[kept - 1])
            (*ids)[kept++] = (*ids)[i];
    *n = kept;
    return 0;
}

static int count_source(struct rm_pairs *p, const char *name,
                        struct pk_err *err)
{
    for (size_t i = 0; i < p->n_sources; i++) {
        if (strcmp(p->source[i].name, name) == 0) {
            p->source[i].pairs++;
            return 0;
        }
    }
    char *copy = pk_strdup(name);
    if (!copy || !pk_grow(&p->source, &p->cap_sources, p->n_sources + 1,
                          sizeof *p->source)) {
        free(copy);
        return pk_fail_mem(err, "a source's name");
    }
    p->source[p->n_sources++] =
        (struct rm_source_count){.name = copy, .pairs = 1};
    return 0;
}

/* Ids that both paths begin with. */
static size_t shared(const struct rm_pairs *p, const struct rm_pair *pair)
{
    const int32_t *c = p->ids.id + pair->chosen;
    const int32_t *r = p->ids.id + pair->rejected;
    size_t least =
        pair->n_chosen < pair->n_rejected ? pair->n_chosen : pair->n_rejected;
    size_t k = 0;
    while (k < least && c[k] == r[k])
        k++;
    return k;
}

static bool unusable(const struct prefdb_example *ex,
                     const struct rm_pairs_query *q, enum rm_reason *why)
{
    if (ex->choice == PREFDB_TIE || ex->choice == PREFDB_BOTH_BAD) {
        *why = ex->choice == PREFDB_TIE ? RM_TIE : RM_BOTH_BAD;
        return true;
    }
    *why = RM_PREFERRED_UNSAFE;
    return ex->label == PREFDB_PREFERRED_UNSAFE && !q->keep_preferred_unsafe;
}

struct loader {
    struct rm_pairs *pairs;
    const struct rm_pairs_query *query;
    const struct infer_tokenizer *tokenizer;
    struct rm_dialogue dialogue;
};

static int encode(struct loader *l, const struct prefdb_example *ex, bool a,
                  struct infer_chat *what, enum rm_reason *why,
                  struct pk_err *err)
{
    *why = RM_N_REASONS;
    int rc = rm_dialogue_of(&l->dialogue, ex, a, err);
    if (rc)
        return rc;
    return rm_dialogue_encode(&l->dialogue, l->tokenizer, l->query->max_tokens,
                              &l->pairs->ids, what, why, err);
}

/* Add an encoded pair, with its counts. */
static int keep(struct rm_pairs *p, struct rm_pair pair,
                const struct prefdb_example *ex,
                const struct infer_chat what[2], struct pk_err *err)
{
    if (!pk_grow(&p->pair, &p->cap, p->n + 1, sizeof *p->pair))
        return pk_fail_mem(err, "pairs");
    p->pair[p->n++] = pair;
    p->unstated += pair.strength == PREFDB_UNSTATED;
    for (int i = 0; i < 2; i++) {
        p->cut += !what[i].closed;
        p->shortened += what[i].dropped > 0;
    }
    p->flat += pair.n_chosen + pair.n_rejected;
    p->unique += pair.unique;
    return count_source(p, ex->source, err);
}

static int take(struct loader *l, const struct prefdb_example *ex,
                struct pk_err *err)
{
    struct rm_pairs *p = l->pairs;
    struct rm_pair pair = {.judgment = ex->judgment,
                           .chosen = p->ids.len,
                           .strength = ex->strength};
    struct infer_chat what[2];
    enum rm_reason why;
    p->judgments++;
    if (unusable(ex, l->query, &why)) {
        rm_leave_out(&p->left_out, why, ex->judgment);
        return 0;
    }
    bool a = ex->choice == PREFDB_A;
    int rc = encode(l, ex, a, &what[0], &why, err);
    pair.rejected = p->ids.len;
    if (rc == 0)
        rc = encode(l, ex, !a, &what[1], &why, err);
    if (rc == 0) {
        pair.n_chosen = pair.rejected - pair.chosen;
        pair.n_rejected = p->ids.len - pair.rejected;
        size_t both = shared(p, &pair);
        pair.unique = pair.n_chosen + pair.n_rejected - both;
        if (both < pair.n_chosen || both < pair.n_rejected)
            return keep(p, pair, ex, what, err);
        why = RM_SAME;
        rc = PK_EDATA;
    }
    p->ids.len = pair.chosen;
    if (rc != PK_EDATA || why == RM_N_REASONS)
        return rc;
    rm_leave_out(&p->left_out, why, ex->judgment);
    return 0;
}

int rm_pairs_load(struct rm_pairs *out, struct prefdb *db,
                  const struct rm_pairs_query *q,
                  const struct infer_tokenizer *t, struct pk_progress *progress,
                  struct pk_err *err)
{
    *out = (struct rm_pairs){0};
    struct loader l = {.pairs = out, .query = q, .tokenizer = t};
    int64_t *ids;
    size_t n;
    int rc = list(db, q, &ids, &n, err);
    if (rc)
        return rc;
    progress->total = n;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct prefdb_example ex;
        rc = prefdb_get(db, ids[i], &ex, err);
        if (rc == 0)
            rc = take(&l, &ex, err);
        if (rc == 0)
            rc = pk_check_interrupt(err);
        pk_progress_at(progress, i);
    }
    free(ids);
    infer_dialogue_release(&l.dialogue.all);
    if (rc)
        rm_pairs_release(out);
    return rc;
}

void rm_pairs_release(struct rm_pairs *p)
{
    for (size_t i = 0; i < p->n_sources; i++)
        free(p->source[i].name);
    free(p->source);
    free(p->pair);
    infer_ids_release(&p->ids);
    *p = (struct rm_pairs){0};
}
