/* Reward models over a stream of texts; see scorer.h. */
#include "rm/scorer.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "rm/pass.h"

struct scored_model {
    const char *name; /* borrowed from the caller */
    struct infer_model *model;
    struct infer_tokenizer *tokenizer; /* NULL: the directory has none */
    const struct infer_config *config;
    size_t max_tokens;
    struct rm_pass pass;
    struct infer_ids ids; /* of the text that is being added */
    struct rm_scored *text;
    size_t cap;
    struct rm_totals totals;
};

struct rm_scorer {
    struct scored_model *model;
    size_t n_models, budget;
    bool keep_bad;
    size_t n_texts, n_done; /* since the last clear; of them scored */
};

/* A directory without a tokenizer still scores ready-made ids; a text says then
 * what is missing. A tokenizer that is there must be a good one. */
static int open_tokenizer(struct scored_model *m, const char *dir,
                          struct pk_err *err)
{
    if (!infer_tokenizer_present(dir))
        return 0;
    int rc = infer_tokenizer_open(&m->tokenizer, dir, err);
    return rc ? rc : rm_check_vocabulary(m->tokenizer, m->config, dir, err);
}

static int open_model(struct scored_model *m, const struct rm_named *named,
                      const struct rm_scorer_opts *o, struct pk_err *err)
{
    m->name = named->name;
    int rc = infer_model_open_as(&m->model, named->dir, o->read_out, err);
    if (rc)
        return rc;
    m->config = infer_model_config(m->model);
    if (m->config->head != INFER_HEAD_SCORE)
        return pk_fail(err, PK_EDATA,
                       "%s: a language model without a score head, not a "
                       "reward model; `prefkit train' makes one from it",
                       named->dir);
    m->max_tokens = m->config->max_positions;
    if (o->max_tokens > m->max_tokens)
        return pk_fail(err, PK_EUSAGE,
                       "--max-tokens %zu is more than the %zu positions of %s",
                       o->max_tokens, m->max_tokens, named->dir);
    if (o->max_tokens)
        m->max_tokens = o->max_tokens;
    rc = open_tokenizer(m, named->dir, err);
    if (rc == 0)
        rc = rm_pass_init(&m->pass, false, err);
    return rc;
}

int rm_scorer_open(struct rm_scorer **out, const struct rm_named *models,
                   size_t n, const struct rm_scorer_opts *opts,
                   struct pk_err *err)
{
    *out = NULL;
    struct rm_scorer *s = pk_calloc(1, sizeof *s);
    if (s)
        s->model = pk_calloc(n, sizeof *s->model);
    if (!s || !s->model) {
        free(s);
        return pk_fail_mem(err, "a scorer");
    }
    s->budget = opts->forest_tokens ? opts->forest_tokens : RM_FOREST_TOKENS;
    s->keep_bad = opts->keep_bad;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        s->n_models = i + 1;
        rc = open_model(&s->model[i], &models[i], opts, err);
    }
    if (rc) {
        rm_scorer_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void rm_scorer_close(struct rm_scorer *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_models; i++) {
        struct scored_model *m = &s->model[i];
        infer_model_close(m->model);
        infer_tokenizer_close(m->tokenizer);
        rm_pass_release(&m->pass);
        infer_ids_release(&m->ids);
        free(m->text);
    }
    free(s->model);
    free(s);
}

size_t rm_scorer_models(const struct rm_scorer *s)
{
    return s->n_models;
}

const char *rm_scorer_name(const struct rm_scorer *s, size_t model)
{
    return s->model[model].name;
}

const char *rm_scorer_dir(const struct rm_scorer *s, size_t model)
{
    return infer_model_dir(s->model[model].model);
}

int rm_scorer_fingerprint(const struct rm_scorer *s, size_t model, char out[65],
                          struct pk_err *err)
{
    return infer_model_fingerprint(s->model[model].model, out, err);
}

size_t rm_scorer_budget(const struct rm_scorer *s)
{
    return s->budget;
}

struct rm_totals rm_scorer_totals(const struct rm_scorer *s, size_t model)
{
    return s->model[model].totals;
}

/* Ready-made ids, checked here so that the error can name their row. */
static int take_ids(struct scored_model *m, const struct rm_text *text,
                    struct rm_scored *what, struct pk_err *err)
{
    if (text->n_ids == 0)
        return pk_fail(err, PK_EDATA, "no token ids");
    if (text->n_ids > m->max_tokens)
        return pk_fail(err, PK_EDATA,
                       "%zu token ids, more than the %zu that %s takes",
                       text->n_ids, m->max_tokens, m->name);
    for (size_t i = 0; i < text->n_ids; i++) {
        int32_t id = text->ids[i];
        if (id < 0 || (size_t)id >= m->config->vocab)
            return pk_fail(err, PK_EDATA,
                           "token id %d is outside the vocabulary of %s (%zu)",
                           id, m->name, m->config->vocab);
        int rc = infer_ids_add(&m->ids, id, err);
        if (rc)
            return rc;
    }
    int32_t eos =
        m->tokenizer ? infer_tokenizer_eos(m->tokenizer) : m->config->eos;
    what->cut = text->ids[text->n_ids - 1] != eos;
    return 0;
}

static int encode(struct scored_model *m, const struct rm_text *text,
                  size_t index, enum rm_reason *why, struct pk_err *err)
{
    if (!pk_grow(&m->text, &m->cap, index + 1, sizeof *m->text))
        return pk_fail_mem(err, "scores");
    struct rm_scored *what = &m->text[index];
    *what = (struct rm_scored){0};
    m->ids.len = 0;
    if (!text->dialogue)
        return take_ids(m, text, what, err);
    if (!m->tokenizer)
        return pk_fail(err, PK_EDATA,
                       "%s: no tokenizer.model or tokenizer.json, so only "
                       "\"token_ids\" can be scored",
                       infer_model_dir(m->model));
    struct infer_chat chat;
    int rc = rm_dialogue_encode(text->dialogue, m->tokenizer, m->max_tokens,
                                &m->ids, &chat, why, err);
    if (rc == 0) {
        what->dropped = chat.dropped;
        what->cut = !chat.closed;
    }
    return rc;
}

static bool over(const struct rm_scorer *s, size_t tokens)
{
    for (size_t i = 0; i < s->n_models; i++)
        if (infer_forest_tokens(s->model[i].pass.forest) >= tokens)
            return true;
    return false;
}

int rm_scorer_add(struct rm_scorer *s, const struct rm_text *text,
                  size_t *index, enum rm_reason *why, struct pk_err *err)
{
    int rc = 0;
    *why = RM_N_REASONS;
    if (over(s, 2 * s->budget))
        rc = rm_scorer_flush(s, err);
    for (size_t i = 0; i < s->n_models && rc == 0; i++)
        rc = encode(&s->model[i], text, s->n_texts, why, err);
    for (size_t i = 0; i < s->n_models && rc == 0; i++) {
        struct scored_model *m = &s->model[i];
        size_t n = infer_read_length(m->config, m->ids.id, m->ids.len);
        rc = infer_forest_add(m->pass.forest, m->ids.id, n, n - 1,
                              &m->text[s->n_texts].readout, err);
    }
    if (rc)
        return rc;
    *index = s->n_texts++;
    return 0;
}

bool rm_scorer_full(const struct rm_scorer *s)
{
    return over(s, s->budget);
}

static int run(struct scored_model *m, size_t from, size_t to, bool keep_bad,
               struct pk_err *err)
{
    struct infer_forest *f = m->pass.forest;
    int rc = rm_pass_forward(&m->pass, m->config, infer_model_weights(m->model),
                             err);
    if (rc)
        return pk_err_prefix(err, "%s: ", m->name);
    for (size_t i = from; i < to; i++) {
        m->text[i].score = m->pass.score[m->text[i].readout];
        if (!keep_bad && !isfinite(m->text[i].score))
            return pk_fail(err, PK_EDATA, "%s: a score is not finite", m->name);
    }
    m->totals.flat += infer_forest_flat(f);
    m->totals.unique += infer_forest_tokens(f);
    infer_forest_clear(f);
    return 0;
}

int rm_scorer_flush(struct rm_scorer *s, struct pk_err *err)
{
    int rc = 0;
    if (s->n_done == s->n_texts)
        return 0;
    for (size_t i = 0; i < s->n_models && rc == 0; i++)
        rc = run(&s->model[i], s->n_done, s->n_texts, s->keep_bad, err);
    if (rc == 0)
        s->n_done = s->n_texts;
    return rc;
}

const struct rm_scored *rm_scorer_get(const struct rm_scorer *s, size_t model,
                                      size_t index)
{
    return &s->model[model].text[index];
}

void rm_scorer_clear(struct rm_scorer *s)
{
    s->n_texts = s->n_done = 0;
}
