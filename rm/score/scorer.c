/* Reward models over a stream of texts; see scorer.h. */
#include "rm/score/scorer.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/progress.h"
#include "rm/data/memory_left.h"
#include "rm/data/pass.h"

struct scored_model {
    struct infer_model *model;
    struct rm_coder coder; /* its name is borrowed from the caller */
    struct rm_pass pass;
    struct rm_totals totals;
    size_t packed; /* bytes of the model's weights for the tile unit */
};

struct rm_scorer {
    struct scored_model *model;
    size_t n_models, n_used, budget;
    enum infer_precision asked;
    bool keep_bad, verbose;
    struct infer_ids ids; /* of the text that is being added, model by model */
    struct rm_code *code; /* (models) */
    struct rm_scored *text; /* (texts, models) */
    size_t cap;
    size_t n_texts, n_done; /* since the last clear; of them scored */
    double seconds;         /* in the models */
};

/* A directory without a tokenizer still scores ready-made ids; a text says then
 * what is missing. A tokenizer that is there must be a good one. */
static int open_tokenizer(struct rm_coder *c, struct pk_err *err)
{
    if (!infer_tokenizer_present(c->dir))
        return 0;
    int rc = infer_tokenizer_open(&c->tokenizer, c->dir, err);
    return rc ? rc : rm_check_tokenizer(c->tokenizer, c->config, c->dir, err);
}

static int open_model(struct scored_model *m, const struct rm_named *named,
                      const struct rm_scorer_opts *o, struct pk_err *err)
{
    struct rm_coder *c = &m->coder;
    const struct infer_open how = {.read_out = o->read_out,
                                   .precision = o->precision};
    int rc = infer_model_open_as(&m->model, named->dir, &how, err);
    if (rc)
        return rc;
    *c = (struct rm_coder){.name = named->name,
                           .dir = infer_model_dir(m->model),
                           .config = infer_model_config(m->model),
                           .unclosed = o->unclosed};
    if (c->config->head != INFER_HEAD_SCORE)
        return pk_fail(err, PK_EDATA,
                       "%s: a language model without a score head, not a "
                       "reward model; `prefkit train' makes one from it",
                       named->dir);
    c->max_tokens = c->config->max_positions;
    if (o->max_tokens > c->max_tokens)
        return pk_fail(err, PK_EUSAGE,
                       "--max-tokens %zu is more than the %zu positions of %s",
                       o->max_tokens, c->max_tokens, named->dir);
    if (o->max_tokens)
        c->max_tokens = o->max_tokens;
    rc = open_tokenizer(c, err);
    if (rc == 0)
        rc = rm_pass_init(&m->pass, INFER_KEEP_NOTHING, err);
    return rc;
}

/* Pack its weights for the tile unit, if as much memory is left again. */
static int pack(struct scored_model *m, struct pk_err *err)
{
    size_t bytes = infer_model_packed_bytes(m->model);
    struct pk_room room;
    if (bytes == 0)
        return 0;
    rm_memory_left(&room);
    if (bytes > room.bytes / 2)
        return 0;
    m->packed = bytes;
    return infer_model_pack(m->model, err);
}

static void share_tape(struct rm_pass *p, struct rm_pass *with)
{
    infer_tape_free(p->tape);
    p->tape = with->tape;
}

int rm_scorer_open(struct rm_scorer **out, const struct rm_named *models,
                   size_t n, const struct rm_scorer_opts *opts,
                   struct pk_err *err)
{
    *out = NULL;
    struct rm_scorer *s = pk_calloc(1, sizeof *s);
    if (s) {
        s->model = pk_calloc(n, sizeof *s->model);
        s->code = pk_calloc(n, sizeof *s->code);
    }
    if (!s || !s->model || !s->code) {
        rm_scorer_close(s);
        return pk_fail_mem(err, "a scorer");
    }
    s->budget = opts->forest_tokens ? opts->forest_tokens : RM_FOREST_TOKENS;
    s->keep_bad = opts->keep_bad;
    s->verbose = opts->verbose;
    s->asked = opts->precision;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        s->n_models = s->n_used = i + 1;
        rc = open_model(&s->model[i], &models[i], opts, err);
        if (rc == 0)
            rc = pack(&s->model[i], err);
        if (rc == 0 && i > 0) /* one runs at a time: in the first's memory */
            share_tape(&s->model[i].pass, &s->model[0].pass);
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
    for (size_t i = s->model ? s->n_models : 0; i-- > 0;) {
        struct scored_model *m = &s->model[i];
        infer_model_close(m->model);
        infer_tokenizer_close(m->coder.tokenizer);
        if (i > 0 && m->pass.tape == s->model[0].pass.tape)
            m->pass.tape = NULL;
        rm_pass_release(&m->pass);
    }
    infer_ids_release(&s->ids);
    free(s->text);
    free(s->code);
    free(s->model);
    free(s);
}

size_t rm_scorer_models(const struct rm_scorer *s)
{
    return s->n_models;
}

const char *rm_scorer_name(const struct rm_scorer *s, size_t model)
{
    return s->model[model].coder.name;
}

const char *rm_scorer_dir(const struct rm_scorer *s, size_t model)
{
    return s->model[model].coder.dir;
}

enum infer_precision rm_scorer_precision(const struct rm_scorer *s,
                                         size_t model)
{
    return infer_model_weights(s->model[model].model)->precision;
}

const char *rm_scorer_precisions(const struct rm_scorer *s)
{
    if (s->n_models == 0)
        return "no model";
    enum infer_precision first = rm_scorer_precision(s, 0);
    for (size_t m = 1; m < s->n_models; m++)
        if (rm_scorer_precision(s, m) != first)
            return "fp32 and bf16";
    return infer_precision_name(first);
}

static double mib(size_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void say_plan(const struct rm_scorer *s, size_t model,
                     const struct pk_cli *cli)
{
    const struct rm_coder *c = &s->model[model].coder;
    size_t tokens = 2 * s->budget;
    const struct infer_forest_size size = {tokens, c->max_tokens, tokens};
    const struct infer_weights *w = infer_model_weights(s->model[model].model);
    const struct infer_plan p = infer_score_plan(c->config, w, size);
    pk_note(cli,
            "%s: planned for forests of up to %zu tokens, beside the weights "
            "(%.1f MiB, mapped; %.1f packed for the tile unit): %.1f MiB: "
            "activations %.1f, attention %.1f, "
            "products %.1f, the forest %.1f",
            c->dir, tokens, mib(infer_model_bytes(s->model[model].model)),
            mib(s->model[model].packed),
            mib(infer_score_bytes(c->config, w, size)), mib(p.activations),
            mib(p.attention), mib(p.products), mib(p.forest));
}

static int check_chat(const struct rm_coder *c, struct pk_err *err)
{
    if (!c->tokenizer || infer_chat_check(c->tokenizer, err) == 0)
        return 0;
    return pk_err_prefix(err, "%s: ", c->dir);
}

int rm_scorer_check_chat(const struct rm_scorer *s, struct pk_err *err)
{
    int rc = 0;
    for (size_t m = 0; m < s->n_used && rc == 0; m++)
        rc = check_chat(&s->model[m].coder, err);
    return rc;
}

void rm_scorer_say_start(const struct rm_scorer *s, const struct pk_cli *cli)
{
    struct pk_err why;
    for (size_t m = 0; m < s->n_used; m++) {
        infer_say_precision(cli, s->asked, s->model[m].model);
        if (check_chat(&s->model[m].coder, &why) < 0)
            pk_warn(cli, "%s", why.text);
        if (s->verbose)
            say_plan(s, m, cli);
    }
}

void rm_scorer_say_end(const struct rm_scorer *s, const struct pk_cli *cli)
{
    struct rusage u;
    if (s->verbose && getrusage(RUSAGE_SELF, &u) == 0)
        pk_note(cli,
                "memory: %.1f MiB at most, what was read of mapped "
                "weights included",
                (double)u.ru_maxrss / 1024);
}

int rm_scorer_fingerprint(const struct rm_scorer *s, size_t model, char out[65],
                          struct pk_err *err)
{
    return infer_model_fingerprint(s->model[model].model, out, err);
}

void rm_scorer_use(struct rm_scorer *s, size_t n)
{
    s->n_used = n;
}

size_t rm_scorer_budget(const struct rm_scorer *s)
{
    return s->budget;
}

struct rm_totals rm_scorer_totals(const struct rm_scorer *s, size_t model)
{
    return s->model[model].totals;
}

double rm_scorer_seconds(const struct rm_scorer *s)
{
    return s->seconds;
}

const struct rm_coder *rm_scorer_coder(const struct rm_scorer *s, size_t model)
{
    return &s->model[model].coder;
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
    s->ids.len = 0;
    for (size_t i = s->n_used; i < s->n_models; i++)
        s->code[i] = (struct rm_code){0};
    for (size_t i = 0; i < s->n_used; i++) {
        int rc = rm_coder_encode(&s->model[i].coder, text, &s->ids, &s->code[i],
                                 why, err);
        if (rc)
            return rc;
    }
    return rm_scorer_add_coded(s, s->code, s->ids.id, index, err);
}

int rm_scorer_add_coded(struct rm_scorer *s, const struct rm_code *code,
                        const int32_t *ids, size_t *index, struct pk_err *err)
{
    int rc = over(s, 2 * s->budget) ? rm_scorer_flush(s, err) : 0;
    if (rc == 0 && !pk_grow(&s->text, &s->cap, (s->n_texts + 1) * s->n_models,
                            sizeof *s->text))
        rc = pk_fail_mem(err, "scores");
    for (size_t i = 0; i < s->n_models && rc == 0; i++) {
        struct rm_scored *what = &s->text[s->n_texts * s->n_models + i];
        *what = (struct rm_scored){
            .score = NAN, .dropped = code[i].dropped, .cut = code[i].cut};
        what->readout = SIZE_MAX;
        if (code[i].n)
            rc = infer_forest_add(s->model[i].pass.forest, ids, code[i].n,
                                  code[i].n - 1, &what->readout, err);
        ids += code[i].n;
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

/* One model over the texts that wait. */
static int run(struct rm_scorer *s, size_t model, struct pk_err *err)
{
    struct scored_model *m = &s->model[model];
    struct infer_forest *f = m->pass.forest;
    if (infer_forest_readouts(f) == 0)
        return 0;
    int rc = rm_pass_forward(&m->pass, m->coder.config,
                             infer_model_weights(m->model), err);
    if (rc)
        return pk_err_prefix(err, "%s: ", m->coder.name);
    for (size_t i = s->n_done; i < s->n_texts; i++) {
        struct rm_scored *what = &s->text[i * s->n_models + model];
        if (what->readout == SIZE_MAX)
            continue;
        what->score = m->pass.score[what->readout];
        if (!s->keep_bad && !isfinite(what->score))
            return pk_fail(err, PK_EDATA, "%s: a score is not finite",
                           m->coder.name);
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
    double started = pk_now();
    for (size_t i = 0; i < s->n_models && rc == 0; i++)
        rc = run(s, i, err);
    s->seconds += pk_now() - started;
    if (rc == 0)
        s->n_done = s->n_texts;
    return rc;
}

const struct rm_scored *rm_scorer_get(const struct rm_scorer *s, size_t model,
                                      size_t index)
{
    return &s->text[index * s->n_models + model];
}

void rm_scorer_clear(struct rm_scorer *s)
{
    for (size_t i = 0; i < s->n_models; i++)
        infer_forest_clear(s->model[i].pass.forest);
    s->n_texts = s->n_done = 0;
}
