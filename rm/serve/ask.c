/* A request's texts; see ask.h. */
#include "rm/serve/ask.h"

#include <math.h>
#include <stdlib.h>

#include "common/mem.h"

void rm_ask_init(struct rm_ask *a, const struct rm_scorer *s)
{
    *a = (struct rm_ask){.scorer = s, .model = RM_EVERY_MODEL};
}

void rm_ask_release(struct rm_ask *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->text[i].error);
    for (size_t i = 0; i < a->n_rows; i++)
        free(a->row[i].error);
    free(a->text);
    free(a->row);
    free(a->code);
    free(a->scored);
    free(a->combined);
    free(a->total);
    infer_ids_release(&a->ids);
    cJSON_Delete(a->json);
    *a = (struct rm_ask){0};
}

static int make_room(struct rm_ask *a, struct pk_err *err)
{
    size_t models = rm_scorer_models(a->scorer), want = (a->n + 1) * models;
    if (!pk_grow(&a->text, &a->cap, a->n + 1, sizeof *a->text) ||
        !pk_grow(&a->code, &a->cap_code, want, sizeof *a->code) ||
        !pk_grow(&a->scored, &a->cap_scored, want, sizeof *a->scored))
        return pk_fail_mem(err, "a request's texts");
    a->text[a->n] = (struct rm_asked){.ids = a->ids.len};
    for (size_t m = 0; m < models; m++) {
        a->code[a->n * models + m] = (struct rm_code){0};
        a->scored[a->n * models + m] = (struct rm_scored){.score = NAN};
    }
    return 0;
}

static bool asks(const struct rm_ask *a, size_t model)
{
    if (a->model == RM_COMBINED)
        return a->reward->model[RM_HELPFULNESS] == model ||
               a->reward->model[RM_SAFETY] == model;
    return a->model == RM_EVERY_MODEL || a->model == model;
}

/* For every model that is asked; *most: the tokens of the one with the most. */
static int encode(struct rm_ask *a, const struct rm_text *t, size_t *most,
                  struct pk_err *err)
{
    size_t models = rm_scorer_models(a->scorer);
    enum rm_reason why;
    for (size_t m = 0; m < models; m++) {
        struct rm_code *code = &a->code[a->n * models + m];
        if (!asks(a, m))
            continue;
        int rc = rm_coder_encode(rm_scorer_coder(a->scorer, m), t, &a->ids,
                                 code, &why, err);
        if (rc)
            return rc;
        *most = code->n > *most ? code->n : *most;
    }
    return 0;
}

int rm_ask_add(struct rm_ask *a, const struct rm_text *t, struct pk_err *err)
{
    size_t tokens = 0;
    int rc = make_room(a, err);
    if (rc)
        return rc;
    struct pk_err why = {0};
    rc = encode(a, t, &tokens, &why);
    if (rc == PK_EDATA) {
        a->ids.len = a->text[a->n].ids;
        return rm_ask_add_bad(a, why.text, err);
    }
    if (rc) {
        if (err)
            *err = why;
        return rc;
    }
    a->n++;
    a->texts++;
    a->tokens += tokens;
    return 0;
}

int rm_ask_add_bad(struct rm_ask *a, const char *reason, struct pk_err *err)
{
    int rc = make_room(a, err);
    char *copy = rc == 0 ? pk_strdup(reason) : NULL;
    if (!copy)
        return pk_fail_mem(err, "a request's texts");
    a->text[a->n++].error = copy;
    return 0;
}

static void combine_one(struct rm_ask *a, size_t i)
{
    const struct rm_reward *w = a->reward;
    const struct rm_scored *s = &a->scored[i * rm_scorer_models(a->scorer)];
    struct rm_combined *c = &a->combined[i];
    struct rm_scored *t = &a->total[i];
    double raw[RM_N_COMBINED];
    *t = (struct rm_scored){.score = NAN};
    for (int r = 0; r < RM_N_COMBINED; r++) {
        const struct rm_scored *x = &s[w->model[r]];
        raw[r] = rm_row_rounded(x->score);
        t->cut |= x->cut;
        t->dropped = x->dropped > t->dropped ? x->dropped : t->dropped;
    }
    /* A number that is none makes no reward, whichever it is. */
    bool good = isfinite(raw[RM_HELPFULNESS]) && isfinite(raw[RM_SAFETY]);
    if (!good)
        return;
    c->value = rm_combine_form(
        w->how, rm_combine_raw(w->how, raw, a->text[i].tagged, &c->safety));
    t->score = c->value;
}

int rm_ask_combine(struct rm_ask *a, struct pk_err *err)
{
    bool all = a->model == RM_EVERY_MODEL || a->model == RM_COMBINED;
    if (!a->reward || !all)
        return 0;
    a->combined = pk_calloc(a->n + 1, sizeof *a->combined);
    a->total = pk_calloc(a->n + 1, sizeof *a->total);
    if (!a->combined || !a->total)
        return pk_fail_mem(err, "a request's rewards");
    for (size_t i = 0; i < a->n; i++)
        combine_one(a, i);
    return 0;
}

/* The one whose numbers and tokens stand for the ask. */
static size_t model_of(const struct rm_ask *a)
{
    if (a->model == RM_COMBINED)
        return a->reward->model[RM_HELPFULNESS];
    return a->model == RM_EVERY_MODEL ? 0 : a->model;
}

const char *rm_ask_model_name(const struct rm_ask *a)
{
    return a->model == RM_COMBINED ? RM_COMBINED_NAME
                                   : rm_scorer_name(a->scorer, model_of(a));
}

const struct rm_scored *rm_ask_score(const struct rm_ask *a, size_t i,
                                     const char **error)
{
    const struct rm_scored *s =
        a->model == RM_COMBINED
            ? &a->total[i]
            : &a->scored[i * rm_scorer_models(a->scorer) + model_of(a)];
    *error = a->text[i].error;
    if (!*error && !isfinite(s->score))
        *error = "the score is not finite";
    return *error ? NULL : s;
}

size_t rm_ask_tokens(const struct rm_ask *a, size_t i)
{
    return a->code[i * rm_scorer_models(a->scorer) + model_of(a)].n;
}
