/* Judgments as pairs of token paths; see pairs.h. */
#include "rm/data/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "common/fnv.h"
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

/* The number of a source's name, made if it is new. */
static int find_source(struct rm_pairs *p, const char *name, size_t *at,
                       struct pk_err *err)
{
    for (*at = 0; *at < p->n_sources; ++*at)
        if (strcmp(p->source[*at].name, name) == 0)
            return 0;
    char *copy = pk_strdup(name);
    if (!copy || !pk_grow(&p->source, &p->cap_sources, p->n_sources + 1,
                          sizeof *p->source)) {
        free(copy);
        return pk_fail_mem(err, "a source's name");
    }
    p->source[p->n_sources++] = (struct rm_source_count){.name = copy};
    return 0;
}

size_t rm_shared(const int32_t *x, size_t n, const int32_t *y, size_t m)
{
    size_t least = n < m ? n : m, k = 0;
    while (k < least && x[k] == y[k])
        k++;
    return k;
}

void rm_pairs_count(struct rm_pairs *p)
{
    p->unstated = p->labeled = p->cut = p->shortened = p->flat = p->unique = 0;
    for (size_t i = 0; i < p->n_sources; i++)
        p->source[i].pairs = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct rm_pair *x = &p->pair[i];
        p->source[x->source].pairs++;
        p->unstated += x->target.strength == PREFDB_UNSTATED;
        p->labeled += x->target.safe[0] >= 0 || x->target.safe[1] >= 0;
        p->cut += x->cut;
        p->shortened += x->shortened;
        p->flat += x->n_chosen + x->n_rejected;
        p->unique += x->unique;
    }
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

/* One path, without its oldest `drop` exchanges and those that do not fit
 * then: *what tells all that are gone. */
static int encode(struct loader *l, const struct prefdb_example *ex, bool a,
                  size_t drop, struct infer_chat *what, enum rm_reason *why,
                  struct pk_err *err)
{
    *why = RM_N_REASONS;
    int rc = rm_dialogue_of(&l->dialogue, ex, a, err);
    if (rc)
        return rc;
    rm_dialogue_drop(&l->dialogue, drop);
    rc = rm_dialogue_encode(&l->dialogue, l->tokenizer, l->query->max_tokens,
                            &l->pairs->ids, what, why, err);
    what->dropped += drop;
    return rc;
}

/* What the label says of the chosen and the rejected response. */
static void set_safe(struct rm_target *t, enum prefdb_label label)
{
    static const signed char safe[][2] = {[PREFDB_NO_LABEL] = {-1, -1},
                                          [PREFDB_PREFERRED_SAFE] = {1, 0},
                                          [PREFDB_BOTH_SAFE] = {1, 1},
                                          [PREFDB_BOTH_UNSAFE] = {0, 0},
                                          [PREFDB_PREFERRED_UNSAFE] = {0, 1}};
    t->safe[0] = safe[label][0];
    t->safe[1] = safe[label][1];
}

/* Where the response of the dialogue just encoded begins: as many ids as the
 * path shares with that of the same dialogue, with the same exchanges dropped,
 * left open for its last answer. */
static int find_answer(struct loader *l, size_t dropped, struct rm_pair *pair,
                       struct pk_err *err)
{
    const struct infer_dialogue *d = &l->dialogue.all;
    struct infer_ids ids = {0};
    rm_dialogue_drop(&l->dialogue, dropped);
    int rc = infer_chat_encode(l->tokenizer, d->msg, d->n - 1, false, 0, &ids,
                               NULL, err);
    if (rc == 0)
        pair->answer =
            rm_shared(ids.id, ids.len, l->pairs->ids.id + pair->chosen,
                      l->pairs->ids.len - pair->chosen);
    infer_ids_release(&ids);
    return rc;
}

/* Both paths, at least `drop` exchanges short. */
static int encode_paths(struct loader *l, const struct prefdb_example *ex,
                        size_t drop, struct rm_pair *pair,
                        struct infer_chat what[2], enum rm_reason *why,
                        struct pk_err *err)
{
    struct infer_ids *ids = &l->pairs->ids;
    ids->len = pair->chosen;
    int rc = encode(l, ex, pair->a, drop, &what[0], why, err);
    if (rc == 0 && l->query->answers)
        rc = find_answer(l, what[0].dropped, pair, err);
    pair->rejected = ids->len;
    return rc ? rc : encode(l, ex, !pair->a, drop, &what[1], why, err);
}

/* Encode both paths of a pair. The ranking loss is of two responses to one
 * prompt: where one path has to lose more exchanges, the other loses them too.
 * Where the chosen one alone is learned, it keeps what fits. */
static int encode_both(struct loader *l, const struct prefdb_example *ex,
                       struct rm_pair *pair, enum rm_reason *why,
                       struct pk_err *err)
{
    const struct infer_ids *ids = &l->pairs->ids;
    struct infer_chat what[2] = {{0}, {0}};
    size_t drop = 0;
    int rc;
    do {
        drop = what[1].dropped > what[0].dropped ? what[1].dropped
                                                 : what[0].dropped;
        rc = encode_paths(l, ex, drop, pair, what, why, err);
    } while (rc == 0 && !l->query->answers &&
             what[0].dropped != what[1].dropped);
    if (rc)
        return rc;
    pair->n_chosen = pair->rejected - pair->chosen;
    pair->n_rejected = ids->len - pair->rejected;
    size_t both = rm_shared(ids->id + pair->chosen, pair->n_chosen,
                            ids->id + pair->rejected, pair->n_rejected);
    pair->unique = pair->n_chosen + pair->n_rejected - both;
    pair->cut = (unsigned char)(!what[0].closed + !what[1].closed);
    pair->shortened = what[0].dropped > 0;
    *why = RM_SAME;
    return both < pair->n_chosen || both < pair->n_rejected ? 0 : PK_EDATA;
}

/* A hash of what a dialogue begins with, up to the first turn of its
 * user. Two with the same one would merely be trained on together. */
static uint64_t dialogue_of(const struct prefdb_example *ex)
{
    uint64_t h = PK_FNV_START;
    for (size_t i = 0; i < ex->n_context; i++) {
        const struct prefdb_turn *t = &ex->context[i];
        const unsigned char role = (unsigned char)t->role;
        h = pk_fnv(h, &role, 1);
        h = pk_fnv(h, t->text, t->len);
        if (t->role == PREFDB_USER)
            break;
    }
    return h;
}

static int take(struct loader *l, const struct prefdb_example *ex,
                struct pk_err *err)
{
    struct rm_pairs *p = l->pairs;
    struct rm_pair pair = {
        .judgment = ex->judgment,
        .comparison = ex->comparison,
        .dialogue = dialogue_of(ex),
        .annotator = *ex->annotator ? pk_fnv_text(ex->annotator) : 0,
        .dimension = ex->dimension,
        .chosen = p->ids.len,
        .a = ex->choice == PREFDB_A,
        .target = {
            .p = 1, .strength = ex->strength, .against = PREFDB_UNSTATED}};
    enum rm_reason why;
    p->judgments++;
    set_safe(&pair.target, ex->label);
    if (unusable(ex, l->query, &why)) {
        rm_leave_out(&p->left_out, why, ex->judgment);
        return 0;
    }
    int rc = encode_both(l, ex, &pair, &why, err);
    if (rc) {
        p->ids.len = pair.chosen;
        if (rc != PK_EDATA || why == RM_N_REASONS)
            return rc;
        rm_leave_out(&p->left_out, why, ex->judgment);
        return 0;
    }
    rc = find_source(p, ex->source, &pair.source, err);
    if (rc)
        return rc;
    if (!pk_grow(&p->pair, &p->cap, p->n + 1, sizeof *p->pair))
        return pk_fail_mem(err, "pairs");
    p->pair[p->n++] = pair;
    return 0;
}

int rm_pairs_load(struct rm_pairs *out, struct prefdb *db,
                  const struct rm_pairs_query *q,
                  const struct infer_tokenizer *t, struct pk_progress *progress,
                  struct pk_err *err)
{
    struct loader l = {.pairs = out, .query = q, .tokenizer = t};
    int64_t *ids;
    size_t n;
    int rc = list(db, q, &ids, &n, err);
    if (rc) {
        rm_pairs_release(out);
        return rc;
    }
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
    else
        rm_pairs_count(out);
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
