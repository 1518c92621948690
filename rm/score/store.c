/* The responses of a store, scored; see store.h. */
#include "rm/score/store.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/progress.h"

struct job {
    const struct rm_batch *b;
    struct prefdb *db;
    struct rm_scorer *scorer;
    struct rm_dialogue dialogue;
    char (*print)[65]; /* the models' fingerprints */
    int64_t *wait;     /* responses, by number in the scorer */
    size_t n_wait, cap_wait;
    struct prefdb_score *put;
    size_t cap_put;
    struct rm_left_out left;
    uint64_t scored;
};

static int fingerprints(struct job *j, struct pk_err *err)
{
    j->print = pk_calloc(j->b->n_models, sizeof *j->print);
    if (!j->print)
        return pk_fail_mem(err, "fingerprints");
    int rc = 0;
    for (size_t m = 0; m < j->b->n_models && rc == 0; m++)
        rc = rm_scorer_fingerprint(j->scorer, m, j->print[m], err);
    return rc;
}

static int list(struct job *j, int64_t **ids, size_t *n, struct pk_err *err)
{
    const char **models = pk_calloc(j->b->n_models, sizeof *models);
    if (!models)
        return pk_fail_mem(err, "fingerprints");
    for (size_t m = 0; m < j->b->n_models; m++)
        models[m] = j->print[m];
    struct prefdb_response_query q = {.models = models,
                                      .n_models =
                                          j->b->rescore ? 0 : j->b->n_models,
                                      .split = -1};
    int rc = prefdb_responses(j->db, &q, ids, n, err);
    if (rc == 0 && *n == 0 && !j->b->rescore)
        pk_note(j->b->cli,
                "no response is without scores by these models (--rescore "
                "scores those that there are again)");
    free(models);
    return rc;
}

/* Score what waits, and write it back in one transaction. */
static int put_waiting(struct job *j, struct pk_err *err)
{
    size_t models = j->b->n_models, n = 0;
    int rc = rm_scorer_flush(j->scorer, err);
    if (rc)
        return rc;
    if (!pk_grow(&j->put, &j->cap_put, j->n_wait * models, sizeof *j->put))
        return pk_fail_mem(err, "scores");
    for (size_t i = 0; i < j->n_wait; i++)
        for (size_t m = 0; m < models; m++)
            j->put[n++] = (struct prefdb_score){
                .response = j->wait[i],
                .model = j->print[m],
                .name = j->b->models[m].name,
                .value = rm_scorer_get(j->scorer, m, i)->score};
    rc = prefdb_scores_put(j->db, j->put, n, err);
    j->scored += j->n_wait;
    j->n_wait = 0;
    rm_scorer_clear(j->scorer);
    return rc ? rc : pk_check_interrupt(err);
}

static int take(struct job *j, int64_t id, struct pk_err *err)
{
    struct prefdb_response r;
    size_t index;
    enum rm_reason why = RM_N_REASONS;
    int rc = prefdb_response_get(j->db, id, &r, err);
    if (rc == 0)
        rc = rm_dialogue_set(&j->dialogue, r.context, r.n_context, &r.text,
                             r.cut, err);
    struct rm_text text = {.dialogue = &j->dialogue};
    if (rc == 0)
        rc = rm_scorer_add(j->scorer, &text, &index, &why, err);
    if (rc == PK_EDATA && why != RM_N_REASONS) {
        rm_leave_out(&j->left, why, id);
        return 0;
    }
    if (rc)
        return rc;
    if (!pk_grow(&j->wait, &j->cap_wait, index + 1, sizeof *j->wait))
        return pk_fail_mem(err, "responses");
    j->wait[index] = id;
    j->n_wait = index + 1;
    return rm_scorer_full(j->scorer) ? put_waiting(j, err) : 0;
}

static int score_all(struct job *j, const int64_t *ids, size_t n,
                     struct pk_err *err)
{
    struct pk_progress progress;
    int rc = 0;
    pk_progress_start(&progress, j->b->cli, "responses", n);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = take(j, ids[i], err);
        pk_progress_at(&progress, j->scored);
    }
    if (rc == 0)
        rc = put_waiting(j, err);
    pk_progress_end(&progress);
    return rc;
}

static void summarize(const struct job *j, double seconds)
{
    pk_note(j->b->cli, "%llu responses scored in %.1f s, %s",
            (unsigned long long)j->scored, seconds,
            rm_scorer_precisions(j->scorer));
    for (size_t m = 0; m < j->b->n_models; m++) {
        struct rm_totals t = rm_scorer_totals(j->scorer, m);
        pk_note(j->b->cli, "%s: %llu tokens, %llu computed",
                j->b->models[m].name, (unsigned long long)t.flat,
                (unsigned long long)t.unique);
    }
    for (int r = 0; r < RM_N_REASONS; r++)
        if (j->left.n[r])
            pk_note(j->b->cli,
                    "left out: %llu for %s; the first is response "
                    "%lld",
                    (unsigned long long)j->left.n[r],
                    rm_reason_words((enum rm_reason)r),
                    (long long)j->left.first[r]);
}

static int run(struct job *j, const char *store, struct pk_err *err)
{
    int64_t *ids = NULL;
    size_t n = 0;
    int rc = prefdb_open(&j->db, store, PREFDB_WRITE, err);
    if (rc == 0)
        rc = rm_scorer_open(&j->scorer, j->b->models, j->b->n_models,
                            &j->b->scorer, err);
    if (rc == 0)
        rc = rm_scorer_check_chat(j->scorer, err);
    if (rc == 0) {
        rm_scorer_say_start(j->scorer, j->b->cli);
        rc = fingerprints(j, err);
    }
    if (rc == 0)
        rc = list(j, &ids, &n, err);
    double started = pk_now();
    if (rc == 0)
        rc = score_all(j, ids, n, err);
    free(ids);
    if (rc)
        return rc;
    summarize(j, pk_now() - started);
    uint64_t left = rm_left_out_total(&j->left);
    return left ? pk_fail(err, PK_EDATA,
                          "%s: %llu responses could not be scored", store,
                          (unsigned long long)left)
                : 0;
}

int rm_score_store(const struct rm_batch *b, const char *store,
                   struct pk_err *err)
{
    struct job j = {.b = b};
    int rc = run(&j, store, err);
    prefdb_close(j.db);
    rm_scorer_close(j.scorer);
    infer_dialogue_release(&j.dialogue.all);
    free(j.print);
    free(j.wait);
    free(j.put);
    return rc;
}
