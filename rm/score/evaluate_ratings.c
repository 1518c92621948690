/* The rated responses of a split through a scorer, for Figure 29; see
 * evaluate.h. */
#include <stdlib.h>

#include "common/mem.h"
#include "rm/score/evaluate.h"

/* A response whose score is waited for, with its ratings for one thing. */
struct pending {
    size_t rated; /* in the report */
    size_t text;  /* of the scorer */
    size_t at, n; /* its ratings */
};

struct walk {
    struct rm_report *report;
    struct prefdb *db;
    struct rm_scorer *scorer;
    struct rm_dialogue dialogue;
    int64_t response; /* the one that is being read; 0: none */
    /* Its ratings, thing by thing as they come. */
    struct {
        size_t rated;
        double value;
    } * said;
    size_t n_said, cap_said;
    double *rating; /* of all that waits */
    size_t n_rating, cap_rating;
    struct pending *wait;
    size_t n_wait, cap_wait;
    double *score; /* (models) */
};

static int find_rated(struct walk *w, const struct prefdb_rating *of,
                      size_t *out, struct pk_err *err)
{
    struct rm_report *r = w->report;
    for (*out = 0; *out < r->n_rated; ++*out)
        if (rm_rated_is(&r->rated[*out], of->attribute, of->low, of->high))
            return 0;
    if (!pk_grow(&r->rated, &r->cap_rated, r->n_rated + 1, sizeof *r->rated))
        return pk_fail_mem(err, "ratings");
    int rc = rm_rated_init(&r->rated[r->n_rated], of->attribute, of->low,
                           of->high, r->n_models, err);
    r->n_rated += rc == 0;
    return rc;
}

static int settle(struct walk *w, struct pk_err *err)
{
    int rc = rm_scorer_flush(w->scorer, err);
    for (size_t i = 0; i < w->n_wait && rc == 0; i++) {
        const struct pending *p = &w->wait[i];
        for (size_t m = 0; m < w->report->n_models; m++)
            w->score[m] = rm_scorer_get(w->scorer, m, p->text)->score;
        rc = rm_rated_add(&w->report->rated[p->rated], w->rating + p->at, p->n,
                          w->score, err);
    }
    w->n_wait = w->n_rating = 0;
    rm_scorer_clear(w->scorer);
    return rc ? rc : pk_check_interrupt(err);
}

/* The response's ratings for one thing, in a row behind one another. */
static int wait_for(struct walk *w, size_t rated, size_t text,
                    struct pk_err *err)
{
    struct pending p = {.rated = rated, .text = text, .at = w->n_rating};
    if (!pk_grow(&w->rating, &w->cap_rating, w->n_rating + w->n_said,
                 sizeof *w->rating) ||
        !pk_grow(&w->wait, &w->cap_wait, w->n_wait + 1, sizeof *w->wait))
        return pk_fail_mem(err, "ratings");
    for (size_t i = 0; i < w->n_said; i++)
        if (w->said[i].rated == rated)
            w->rating[p.at + p.n++] = w->said[i].value;
    if (p.n == 0)
        return 0;
    w->n_rating += p.n;
    w->wait[w->n_wait++] = p;
    return 0;
}

/* All that was said of a response has been read: queue it. */
static int take_response(struct walk *w, struct pk_err *err)
{
    struct prefdb_response r;
    enum rm_reason why = RM_N_REASONS;
    size_t text;
    if (w->n_said == 0)
        return 0;
    int rc = prefdb_response_get(w->db, w->response, &r, err);
    if (rc == 0)
        rc = rm_dialogue_set(&w->dialogue, r.context, r.n_context, &r.text,
                             r.cut, err);
    struct rm_text t = {.dialogue = &w->dialogue};
    if (rc == 0)
        rc = rm_scorer_add(w->scorer, &t, &text, &why, err);
    if (rc == PK_EDATA && why != RM_N_REASONS) {
        w->report->unrated++;
        w->n_said = 0;
        return 0;
    }
    for (size_t i = 0; i < w->report->n_rated && rc == 0; i++)
        rc = wait_for(w, i, text, err);
    w->n_said = 0;
    if (rc == 0 && rm_scorer_full(w->scorer))
        rc = settle(w, err);
    return rc;
}

static int take(void *ctx, const struct prefdb_rating *r, struct pk_err *err)
{
    struct walk *w = ctx;
    size_t rated;
    int rc = 0;
    if (r->response != w->response)
        rc = take_response(w, err);
    w->response = r->response;
    if (rc == 0)
        rc = find_rated(w, r, &rated, err);
    if (rc)
        return rc;
    if (!pk_grow(&w->said, &w->cap_said, w->n_said + 1, sizeof *w->said))
        return pk_fail_mem(err, "ratings");
    w->said[w->n_said].rated = rated;
    w->said[w->n_said++].value = r->value;
    return 0;
}

int rm_evaluate_ratings(struct rm_report *r, struct prefdb *db,
                        struct rm_scorer *s, struct pk_err *err)
{
    struct walk w = {.report = r, .db = db, .scorer = s};
    struct prefdb_rating_query q = {.split = (int)r->split,
                                    .source = r->source};
    w.score = pk_calloc(r->n_models, sizeof *w.score);
    int rc = w.score ? prefdb_ratings(db, &q, take, &w, err)
                     : pk_fail_mem(err, "scores");
    if (rc == 0)
        rc = take_response(&w, err);
    if (rc == 0)
        rc = settle(&w, err);
    for (size_t i = 0; i < r->n_rated && rc == 0; i++)
        rc = rm_rated_finish(&r->rated[i], err);
    infer_dialogue_release(&w.dialogue.all);
    free(w.said);
    free(w.rating);
    free(w.wait);
    free(w.score);
    return rc;
}
