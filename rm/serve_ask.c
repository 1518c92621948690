/* A request's texts; see serve_ask.h. */
#include "rm/serve_ask.h"

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

/* For every model that is asked; *most: the tokens of the one with the most. */
static int encode(struct rm_ask *a, const struct rm_text *t, size_t *most,
                  struct pk_err *err)
{
    size_t models = rm_scorer_models(a->scorer);
    enum rm_reason why;
    for (size_t m = 0; m < models; m++) {
        struct rm_code *code = &a->code[a->n * models + m];
        if (a->model != RM_EVERY_MODEL && a->model != m)
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

const struct rm_scored *rm_ask_score(const struct rm_ask *a, size_t i,
                                     const char **error)
{
    size_t m = a->model == RM_EVERY_MODEL ? 0 : a->model;
    const struct rm_scored *s = &a->scored[i * rm_scorer_models(a->scorer) + m];
    *error = a->text[i].error;
    if (!*error && !isfinite(s->score))
        *error = "the score is not finite";
    return *error ? NULL : s;
}

size_t rm_ask_tokens(const struct rm_ask *a, size_t i)
{
    size_t m = a->model == RM_EVERY_MODEL ? 0 : a->model;
    return a->code[i * rm_scorer_models(a->scorer) + m].n;
}
