/* A split of the store through a scorer; see evaluate.h. */
#include "rm/score/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* A judgment, and where it belongs. */
struct entry {
    int64_t prompt, comparison, judgment;
    enum prefdb_dimension dimension;
    enum prefdb_choice choice;
    enum rm_votes votes;
};

/* A judgment whose responses wait for their scores. */
struct pending {
    struct rm_verdict verdict; /* but for its source and scores */
    size_t source;             /* in struct evaluation's sources */
    size_t chosen, rejected;   /* texts of the scorer */
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
    struct rm_bench_place bench; /* of the last row to this prompt */
    int64_t bench_prompt;
    uint64_t used;
};

/* Prompt by prompt, so that its responses share its tokens; and comparison by
 * comparison, each with its judgments for one dimension side by side. */
static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->prompt != y->prompt)
        return x->prompt < y->prompt ? -1 : 1;
    if (x->comparison != y->comparison)
        return x->comparison < y->comparison ? -1 : 1;
    if (x->dimension != y->dimension)
        return x->dimension < y->dimension ? -1 : 1;
    return (x->judgment > y->judgment) - (x->judgment < y->judgment);
}

static int place(struct prefdb *db, const int64_t *ids, size_t n,
                 struct entry *out, struct pk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct prefdb_example ex;
        int rc = prefdb_get(db, ids[i], &ex, err);
        if (rc)
            return rc;
        out[i] = (struct entry){.prompt = ex.prompt,
                                .comparison = ex.comparison,
                                .judgment = ids[i],
                                .dimension = ex.dimension,
                                .choice = ex.choice};
    }
    qsort(out, n, sizeof *out, by_place);
    return 0;
}

/* Which judgments stand alone, and do the others agree with those beside them?
 * A tie is a word like another here. */
static void count_votes(struct entry *entry, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        enum rm_votes votes = RM_VOTES_ONE;
        for (end = i + 1;
             end < n && entry[end].comparison == entry[i].comparison &&
             entry[end].dimension == entry[i].dimension;
             end++) {
            if (votes == RM_VOTES_ONE)
                votes = RM_VOTES_UNANIMOUS;
            if (entry[end].choice != entry[i].choice)
                votes = RM_VOTES_SPLIT;
        }
        for (size_t k = i; k < end; k++)
            entry[k].votes = votes;
    }
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
        rc = place(e->db, ids, *n, *out, err);
        if (rc == 0)
            count_votes(*out, *n);
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

static double characters(const struct prefdb_turn *t)
{
    return (double)rm_characters(t->text, t->len);
}

/* What the report asks of a judgment, but for its source and scores. */
static void describe(struct rm_verdict *v, const struct prefdb_example *ex,
                     enum rm_votes votes)
{
    bool a = ex->choice == PREFDB_A;
    *v = (struct rm_verdict){
        .dimension = ex->dimension,
        .judgment = ex->judgment,
        .comparison = ex->comparison,
        .strength = ex->strength,
        .label = ex->label,
        .votes = votes,
        .chosen_chars = characters(a ? &ex->a : &ex->b),
        .rejected_chars = characters(a ? &ex->b : &ex->a),
    };
    for (size_t i = 0; i < ex->n_context; i++) {
        v->turn += ex->context[i].role == PREFDB_USER;
        v->prompt_chars += characters(&ex->context[i]);
    }
}

/* Where RewardBench has the judgment. Its rows became several comparisons of
 * one prompt, and only the first says which row that was. */
static void place_bench(struct evaluation *e, const struct prefdb_example *ex)
{
    if (ex->extra[0] || ex->prompt != e->bench_prompt)
        rm_bench_find(&e->bench, ex->extra, ex->prompt);
    e->bench_prompt = ex->prompt;
}

/* Queue one judgment, or count why not. */
static int take(struct evaluation *e, const struct prefdb_example *ex,
                enum rm_votes votes, struct pk_err *err)
{
    struct rm_section *s = &e->report->section[ex->dimension];
    s->judgments++;
    s->comparisons += ex->comparison != s->last;
    s->last = ex->comparison;
    place_bench(e, ex);
    if (ex->choice != PREFDB_A && ex->choice != PREFDB_B) {
        rm_leave_out(&s->left_out,
                     ex->choice == PREFDB_TIE ? RM_TIE : RM_BOTH_BAD,
                     ex->judgment);
        return 0;
    }
    bool a = ex->choice == PREFDB_A;
    struct pending p;
    describe(&p.verdict, ex, votes);
    p.verdict.bench = e->bench;
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
    struct rm_section *s = &e->report->section[p->verdict.dimension];
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
        struct rm_verdict v = p->verdict;
        v.source = e->source[p->source];
        v.chosen = e->score;
        v.rejected = e->score + n_models;
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
        if (rc == 0 && (rc = take(e, &ex, entry[i].votes, err)) < 0)
            pk_err_prefix(err, "judgment %lld: ", (long long)entry[i].judgment);
        if (rc == 0 && rm_scorer_full(e->scorer))
            rc = settle(e, err);
        pk_progress_at(progress, i);
    }
    return rc ? rc : settle(e, err);
}

/* What takes all judgments at once, and the mistakes' texts. */
static int finish(struct evaluation *e, struct pk_err *err)
{
    struct rm_report *r = e->report;
    int rc = rm_report_finish(r, err);
    for (int d = 0; d < RM_N_DIMENSIONS; d++) {
        struct rm_section *s = &r->section[d];
        for (size_t m = 0; s->used && m < r->n_models && rc == 0; m++)
            rc = rm_mistakes_read(&s->mistakes[m], &s->judged, e->db, err);
    }
    return rc;
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
    if (rc == 0)
        rc = finish(&e, err);
    free(entry);
    for (size_t i = 0; i < e.n_sources; i++)
        free(e.source[i]);
    free(e.source);
    free(e.wait);
    free(e.score);
    infer_dialogue_release(&e.dialogue.all);
    return rc;
}
