/* A split of the store through a scorer; see evaluate.h. */
#include "rm/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* A judgment, and the prompt it belongs to. */
struct entry {
    int64_t prompt, judgment;
};

/* A judgment whose responses wait for their scores. */
struct pending {
    enum prefdb_dimension dimension;
    int strength;
    enum prefdb_label label;
    size_t source; /* in struct evaluation's sources */
    size_t chosen, rejected;
    double chosen_chars, rejected_chars;
};

struct evaluation {
    struct rm_report *report;
    struct prefdb *db;
    struct rm_scorer *scorer;
    struct rm_dialogue dialogue;
    char **source; /* every source seen; owned */
    size_t n_sources, cap_sources;
    struct pending *wait;
    size_t n_wait, cap_wait;
    double *score; /* 2 x models: of the chosen, of the rejected */
    uint64_t used;
};

static int by_prompt(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->prompt != y->prompt)
        return x->prompt < y->prompt ? -1 : 1;
    return (x->judgment > y->judgment) - (x->judgment < y->judgment);
}

static int prompts_of(struct prefdb *db, const int64_t *ids, size_t n,
                      struct entry *out, struct pk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct prefdb_example ex;
        int rc = prefdb_get(db, ids[i], &ex, err);
        if (rc)
            return rc;
        out[i] = (struct entry){.prompt = ex.prompt, .judgment = ids[i]};
    }
    return 0;
}

/* What to evaluate, prompt by prompt. *out is the caller's, to be freed, also
 * after a failure. */
static int list(const struct evaluation *e, int dimension, struct entry **out,
                size_t *n, struct pk_err *err)
{
    struct prefdb_query q = {.dimension = dimension,
                             .split = (int)e->report->split,
                             .source = e->report->source};
    int64_t *ids = NULL;
    int rc = prefdb_list(e->db, &q, &ids, n, err);
    if (rc)
        return rc;
    *out = pk_calloc(*n, sizeof **out);
    if (*out) {
        rc = prompts_of(e->db, ids, *n, *out, err);
        qsort(*out, *n, sizeof **out, by_prompt);
    } else {
        rc = pk_fail_mem(err, "the judgments of a split");
    }
    free(ids);
    return rc;
}

/* The source's number; its name outlives the example it came with. */
static int intern(struct evaluation *e, const char *name, size_t *out,
                  struct pk_err *err)
{
    for (size_t i = 0; i < e->n_sources; i++) {
        if (strcmp(e->source[i], name) == 0) {
            *out = i;
            return 0;
        }
    }
    char *copy = pk_strdup(name);
    if (!copy || !pk_grow(&e->source, &e->cap_sources, e->n_sources + 1,
                          sizeof *e->source)) {
        free(copy);
        return pk_fail_mem(err, "a source's name");
    }
    *out = e->n_sources;
    e->source[e->n_sources++] = copy;
    return 0;
}

static int queue(struct evaluation *e, const struct prefdb_example *ex, bool a,
                 size_t *index, enum rm_reason *why, struct pk_err *err)
{
    *why = RM_N_REASONS;
    int rc = rm_dialogue_of(&e->dialogue, ex, a, err);
    struct rm_text text = {.dialogue = &e->dialogue};
    return rc ? rc : rm_scorer_add(e->scorer, &text, index, why, err);
}

/* Queue one judgment, or count why not. */
static int take(struct evaluation *e, const struct prefdb_example *ex,
                struct pk_err *err)
{
    struct rm_section *s = &e->report->section[ex->dimension];
    s->judgments++;
    if (ex->choice != PREFDB_A && ex->choice != PREFDB_B) {
        rm_leave_out(&s->left_out,
                     ex->choice == PREFDB_TIE ? RM_TIE : RM_BOTH_BAD,
                     ex->judgment);
        return 0;
    }
    bool a = ex->choice == PREFDB_A;
    const struct prefdb_turn *c = a ? &ex->a : &ex->b;
    const struct prefdb_turn *r = a ? &ex->b : &ex->a;
    struct pending p = {.dimension = ex->dimension,
                        .strength = ex->strength,
                        .label = ex->label,
                        .chosen_chars = (double)rm_characters(c->text, c->len),
                        .rejected_chars =
                            (double)rm_characters(r->text, r->len)};
    enum rm_reason why;
    int rc = queue(e, ex, a, &p.chosen, &why, err);
    if (rc == 0)
        rc = queue(e, ex, !a, &p.rejected, &why, err);
    if (rc == PK_EDATA && why != RM_N_REASONS) {
        rm_leave_out(&s->left_out, why, ex->judgment);
        return 0;
    }
    if (rc == 0)
        rc = intern(e, ex->source, &p.source, err);
    if (rc)
        return rc;
    if (!pk_grow(&e->wait, &e->cap_wait, e->n_wait + 1, sizeof *e->wait))
        return pk_fail_mem(err, "judgments");
    e->wait[e->n_wait++] = p;
    return 0;
}

static void count_marks(struct evaluation *e, const struct pending *p)
{
    struct rm_section *s = &e->report->section[p->dimension];
    const size_t text[] = {p->chosen, p->rejected};
    for (int i = 0; i < 2; i++) {
        bool cut = false, shortened = false;
        for (size_t m = 0; m < rm_scorer_models(e->scorer); m++) {
            const struct rm_scored *x = rm_scorer_get(e->scorer, m, text[i]);
            cut |= x->cut;
            shortened |= x->dropped > 0;
        }
        s->cut += cut;
        s->shortened += shortened;
    }
}

/* Score what waits and put it into the report. */
static int settle(struct evaluation *e, struct pk_err *err)
{
    size_t n_models = rm_scorer_models(e->scorer);
    int rc = rm_scorer_flush(e->scorer, err);
    for (size_t i = 0; i < e->n_wait && rc == 0; i++) {
        const struct pending *p = &e->wait[i];
        for (size_t m = 0; m < n_models; m++) {
            e->score[m] = rm_scorer_get(e->scorer, m, p->chosen)->score;
            e->score[n_models + m] =
                rm_scorer_get(e->scorer, m, p->rejected)->score;
        }
        count_marks(e, p);
        struct rm_verdict v = {.dimension = p->dimension,
                               .source = e->source[p->source],
                               .strength = p->strength,
                               .label = p->label,
                               .chosen_chars = p->chosen_chars,
                               .rejected_chars = p->rejected_chars,
                               .chosen = e->score,
                               .rejected = e->score + n_models};
        rc = rm_report_add(e->report, &v, err);
    }
    e->used += e->n_wait;
    e->n_wait = 0;
    rm_scorer_clear(e->scorer);
    return rc ? rc : pk_check_interrupt(err);
}

static int take_all(struct evaluation *e, const struct entry *entry, size_t n,
                    struct pk_progress *progress, struct pk_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct prefdb_example ex;
        rc = prefdb_get(e->db, entry[i].judgment, &ex, err);
        if (rc == 0 && (rc = take(e, &ex, err)) < 0)
            pk_err_prefix(err, "judgment %lld: ", (long long)entry[i].judgment);
        if (rc == 0 && rm_scorer_full(e->scorer))
            rc = settle(e, err);
        pk_progress_at(progress, i);
    }
    return rc ? rc : settle(e, err);
}

int rm_evaluate(struct rm_report *r, struct prefdb *db, struct rm_scorer *s,
                int dimension, struct pk_progress *progress, struct pk_err *err)
{
    struct evaluation e = {.report = r, .db = db, .scorer = s};
    struct entry *entry = NULL;
    size_t n = 0;
    int rc = list(&e, dimension, &entry, &n, err);
    const char *which =
        dimension < 0 ? ""
                      : prefdb_dimension_name((enum prefdb_dimension)dimension);
    if (rc == 0 && n == 0)
        rc = pk_fail(
            err, PK_EDATA, "%s: the %s split holds no %s%sjudgments%s%s",
            r->store, prefdb_split_name(r->split), which, *which ? " " : "",
            r->source ? " from source " : "", r->source ? r->source : "");
    e.score = pk_calloc(2 * rm_scorer_models(s), sizeof *e.score);
    if (rc == 0 && !e.score)
        rc = pk_fail_mem(err, "scores");
    progress->total = n;
    if (rc == 0)
        rc = take_all(&e, entry, n, progress, err);
    if (rc == 0 && e.used == 0)
        rc = pk_fail(err, PK_EDATA,
                     "%s: none of the %zu judgments can be used: they are "
                     "ties, or cannot be encoded",
                     r->store, n);
    free(entry);
    for (size_t i = 0; i < e.n_sources; i++)
        free(e.source[i]);
    free(e.source);
    free(e.wait);
    free(e.score);
    infer_dialogue_release(&e.dialogue.all);
    return rc;
}
