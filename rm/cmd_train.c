/* prefkit train: one model for one dimension, straight from the store. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/out.h"
#include "rm/data/checkpoints.h"
#include "rm/rm.h"
#include "rm/train/announce.h"
#include "rm/train/curve.h"
#include "rm/train/disk.h"
#include "rm/train/memory.h"
#include "rm/train/options.h"
#include "rm/train/place.h"
#include "rm/train/session.h"
#include "rm/train/write_model.h"

/* What is open while the verb runs. */
struct open {
    struct infer_model *base;
    struct infer_tokenizer *tokenizer;
    struct prefdb *db;
    struct infer_params *params;
    struct infer_config config; /* of the model to train */
    struct rm_trainer trainer;
    struct rm_session session;
    struct rm_place place;
};

static int open_base(struct open *o, struct rm_run *run, struct pk_err *err)
{
    struct rm_recipe *r = &run->recipe;
    const struct infer_open how = {.precision = r->precision};
    int rc = infer_model_open_as(&o->base, run->base, &how, err);
    if (rc == 0)
        rc = infer_tokenizer_open(&o->tokenizer, run->base, err);
    if (rc)
        return rc;
    const struct infer_config *c = infer_model_config(o->base);
    r->precision = infer_model_weights(o->base)->precision;
    rc = rm_check_tokenizer(o->tokenizer, c, run->base, err);
    if (rc)
        return rc;
    if (infer_chat_check(o->tokenizer, err) < 0)
        return pk_err_prefix(err, "%s: ", run->base);
    if (r->max_tokens > c->max_positions)
        return pk_fail(err, PK_EUSAGE,
                       "--max-tokens %zu is more than the %zu positions of %s",
                       r->max_tokens, c->max_positions, run->base);
    if (!r->max_tokens)
        r->max_tokens = c->max_positions;
    if (!(r->lr > 0))
        r->lr = rm_recipe_lr(rm_parameters(c));
    run->base_is_lm = c->head == INFER_HEAD_LM;
    run->chat = infer_tokenizer_chat(o->tokenizer);
    rc = infer_tokenizer_fingerprint(o->tokenizer, run->tokenizer, err);
    return rc ? rc
              : infer_model_fingerprint(o->base, run->base_fingerprint, err);
}

static int set_mix(struct rm_train_args *a, struct pk_err *err)
{
    char all[32];
    snprintf(all, sizeof all, "%s=1", prefdb_dimension_name(a->run.dimension));
    int rc = rm_mix_parse(&a->run.mix, a->mix ? a->mix : all, err);
    if (rc == 0 && !rm_mix_uses(&a->run.mix, a->run.dimension))
        rc = pk_fail(err, PK_EUSAGE, "'%s' holds nothing of %s", a->mix,
                     prefdb_dimension_name(a->run.dimension));
    if (rc && a->mix)
        pk_err_prefix(err, "--mix: ");
    return rc;
}

/* A pool that somebody has named and that is empty is mistyped. */
static int check_mix(const struct rm_train_args *a, struct pk_err *err)
{
    for (size_t i = 0; i < a->run.mix.n && a->own_mix; i++) {
        const struct rm_pool *p = &a->run.mix.pool[i];
        if (p->part > 0 && p->pairs == 0)
            return pk_fail(err, PK_EDATA,
                           "%s: --mix: the train split holds no %s pairs%s%s",
                           a->run.store, prefdb_dimension_name(p->dimension),
                           p->source ? " from source " : "",
                           p->source ? p->source : "");
    }
    return 0;
}

static int load(struct open *o, const struct rm_train_args *a,
                enum prefdb_dimension dimension, enum prefdb_split split,
                struct rm_pairs *pairs, struct pk_err *err)
{
    const struct rm_run *run = &a->run;
    struct rm_pairs_query q = {
        .dimension = dimension,
        .split = split,
        .source = run->source,
        .n_sources = run->n_sources,
        .need_sources = split == PREFDB_TRAIN && dimension == run->dimension,
        .keep_preferred_unsafe = run->recipe.keep_preferred_unsafe,
        .answers = run->recipe.objective == RM_LANGUAGE,
        .max_tokens = run->recipe.max_tokens};
    struct pk_progress progress;
    pk_progress_start(&progress, &a->cli, "judgments read", 0);
    int rc = rm_pairs_load(pairs, o->db, &q, o->tokenizer, &progress, err);
    pk_progress_end(&progress);
    return rc;
}

static int load_train(struct open *o, struct rm_train_args *a,
                      struct pk_err *err)
{
    struct rm_run *run = &a->run;
    const char *dimension = prefdb_dimension_name(run->dimension);
    int rc = 0;
    for (int d = 0; d < RM_N_DIMENSIONS && rc == 0; d++)
        if (rm_mix_uses(&run->mix, (enum prefdb_dimension)d))
            rc = load(o, a, (enum prefdb_dimension)d, PREFDB_TRAIN, &run->train,
                      err);
    if (rc)
        return rc;
    uint64_t judgments = run->train.judgments;
    rm_votes_fold(&run->train, run->recipe.judgments);
    rc = rm_mix_draw(&run->mix, &run->train, run->recipe.seed, err);
    if (rc == 0 && judgments == 0)
        rc = pk_fail(err, PK_EDATA, "%s: the train split holds no %s judgments",
                     run->store, dimension);
    else if (rc == 0 && run->train.n == 0)
        rc = pk_fail(err, PK_EDATA,
                     "%s: none of the %llu %s judgments of the train split can "
                     "be ranked and encoded",
                     run->store, (unsigned long long)judgments, dimension);
    return rc ? rc : check_mix(a, err);
}

/* Of one moment: the fingerprint is that of what is trained on, though others
 * may be judging. */
static int read_store(struct open *o, struct rm_train_args *a,
                      struct pk_err *err)
{
    struct rm_run *run = &a->run;
    int rc = prefdb_open(&o->db, run->store, PREFDB_READ, err);
    if (rc == 0)
        rc = prefdb_read_begin(o->db, err);
    if (rc == 0)
        rc = prefdb_fingerprint(o->db, run->store_fingerprint, err);
    if (rc == 0)
        rc = load_train(o, a, err);
    if (rc == 0)
        rc = load(o, a, run->dimension, PREFDB_VALID, &run->valid, err);
    prefdb_read_end(o->db);
    return rc;
}

static int load_all(struct open *o, struct rm_train_args *a, struct pk_err *err)
{
    struct rm_run *run = &a->run;
    int rc = read_store(o, a, err);
    if (rc)
        return rc;
    rm_votes_fold(&run->valid, run->recipe.judgments);
    rm_pairs_count(&run->valid);
    if (run->valid.n == 0 && run->recipe.valid_every)
        return pk_fail(err, PK_EDATA,
                       "%s: the valid split holds no %s pairs, which "
                       "--valid-every needs",
                       run->store, prefdb_dimension_name(run->dimension));
    if (run->recipe.loss.safety > 0 && run->train.labeled == 0)
        return pk_fail(err, PK_EDATA,
                       "%s: no pair has a safety label, which --safety-weight "
                       "needs",
                       run->store);
    return 0;
}

static const double mib = 1 << 20;

/* How much room it takes on the disk. There may be more by the time it is
 * needed: too little is no reason not to begin. */
static int say_disk(const struct open *o, const struct rm_train_args *a,
                    const struct infer_config *c, struct pk_err *err)
{
    struct rm_disk d;
    char way[80] = "";
    bool half = infer_model_weights(o->base)->layer[0].wq.bf16 != NULL;
    int rc = rm_disk_plan(&d, &a->run, c, half, err);
    if (rc || d.available == UINT64_MAX)
        return rc;
    if (a->run.checkpoint_every)
        snprintf(way, sizeof way, ", %.1f for %zu models of %.1f on the way",
                 (double)(d.n_checkpoints * d.checkpoint) / mib,
                 d.n_checkpoints, (double)d.checkpoint / mib);
    pk_note(&a->cli,
            "disk: %.1f MiB for the model%s, at most %.1f for the state; %.0f "
            "available",
            (double)d.model / mib, way, (double)d.state / mib,
            (double)d.available / mib);
    if (d.total > d.available)
        pk_warn(&a->cli,
                "the run may take %.1f MiB of disk, and where %s goes there "
                "are %.1f: it stops where that is full",
                (double)d.total / mib, a->run.output,
                (double)d.available / mib);
    return 0;
}

/* Does it fit; say how much it is. */
static int plan(struct open *o, const struct rm_train_args *a,
                struct pk_err *err)
{
    const struct rm_run *run = &a->run;
    struct infer_config c = *infer_model_config(o->base);
    struct rm_memory m;
    if (run->recipe.objective == RM_REWARD && c.head != INFER_HEAD_SCORE)
        infer_config_to_score(&c, o->tokenizer);
    m.base = infer_model_bytes(o->base);
    rm_memory_plan(&m, &c, &run->train, &run->recipe);
    rm_memory_available(&m);
    pk_note(&a->cli,
            "memory: %.0f MiB for weights, gradients and moments, %.0f for a "
            "forest of %zu tokens; %.0f available",
            (double)m.model / mib, (double)m.pass / mib, m.tokens,
            (double)m.available / mib);
    int rc = rm_memory_check(&m, &c, &run->recipe, err);
    return rc ? rc : say_disk(o, a, &c, err);
}

static int save(struct open *o, struct rm_run *run, const char *path,
                struct pk_err *err)
{
    return rm_write_model(run, &o->config, o->params, path, err);
}

/* In the place of those of an earlier run, which are there until then. */
static int write_last_good(struct open *o, struct rm_run *run,
                           struct pk_err *err)
{
    const char *path = o->place.last_good;
    char *aside = rm_beside(path, ".earlier");
    if (!aside)
        return pk_fail_mem(err, "a path");
    (void)pk_remove_folder(aside); /* of a run that was killed here */
    bool was = rename(path, aside) == 0;
    int rc = save(o, run, path, err);
    if (was && rc)
        (void)!rename(aside, path);
    else if (was)
        (void)pk_remove_folder(aside);
    free(aside);
    return rc;
}

/* The weights before the step that failed, and a word about them. */
static void save_last_good(struct open *o, struct rm_run *run,
                           struct pk_err *err)
{
    struct pk_err why;
    if (o->trainer.cursor.step == 0)
        return;
    if (write_last_good(o, run, &why) == 0)
        pk_err_suffix(err, "; the weights before it are in %s",
                      o->place.last_good);
    else
        pk_err_suffix(err, "; the weights before it are lost: %s", why.text);
}

static int train(struct open *o, struct rm_train_args *a, struct pk_err *err)
{
    struct rm_run *run = &a->run;
    struct pk_progress progress;
    o->session = (struct rm_session){.run = run,
                                     .trainer = &o->trainer,
                                     .state = o->place.state,
                                     .save_every = a->save_every,
                                     .log = a->log,
                                     .progress = &progress};
    bool not_finite;
    int rc = rm_train_start(&o->params, &o->config, o->base, o->tokenizer,
                            &run->recipe, err);
    /* Adapters borrow the base's weights; else they have been copied. */
    if (!run->recipe.lora.rank) {
        infer_model_close(o->base);
        o->base = NULL;
    }
    infer_tokenizer_close(o->tokenizer);
    prefdb_close(o->db);
    o->tokenizer = NULL;
    o->db = NULL;
    if (rc == 0)
        rc = rm_trainer_init(&o->trainer, o->params, &o->config, &run->train,
                             &run->recipe, err);
    rc = rm_ranks_agree(&run->ranks, rc, err);
    if (rc)
        return rc;
    o->trainer.ranks = &run->ranks;
    pk_progress_start(&progress, &a->cli, "pairs",
                      run->train.n * run->recipe.epochs);
    rc = rm_session_run(&o->session, a->resume, &not_finite, err);
    pk_progress_end(&progress);
    if (rc && not_finite && run->ranks.mine == 0)
        save_last_good(o, run, err);
    return rc;
}

/* Everything up to the first step. */
static int prepare(struct open *o, struct rm_train_args *a, struct pk_err *err)
{
    struct rm_run *run = &a->run;
    int rc = set_mix(a, err);
    if (rc == 0)
        rc = rm_place_open(&o->place, run, a->log, a->curve, a->resume, err);
    if (rc == 0)
        rc = open_base(o, run, err);
    if (rc == 0)
        rc = load_all(o, a, err);
    if (rc)
        return rc;
    rm_train_announce(&a->run, &a->cli);
    rc = plan(o, a, err);
    if (rc == 0 && a->resume && !rm_state_exists(o->place.state))
        pk_note(&a->cli, "no state in %s: from the start", o->place.state);
    return rc;
}

static int write_all(struct open *o, struct rm_train_args *a,
                     struct pk_err *err)
{
    struct rm_run *run = &a->run;
    struct rm_checkpoints c;
    int rc = save(o, run, run->output, err);
    if (rc)
        return rm_session_rescue(&o->session, err);
    rm_state_remove(o->place.state);
    rc = rm_checkpoints_list(&c, run->checkpoints, err);
    if (rc == 0) {
        run->n_checkpoints = c.n;
        free(c.step);
    }
    if (rc == 0 && a->curve)
        rc = rm_curve_write(a->curve, &run->record, run->output, err);
    return rc;
}

static int run_all(struct open *o, struct rm_train_args *a, struct pk_err *err)
{
    double started = pk_now();
    struct rm_run *run = &a->run;
    int rc = rm_ranks_agree(&run->ranks, prepare(o, a, err), err);
    if (rc == 0)
        rc = train(o, a, err);
    if (rc == 0 && run->ranks.mine == 0)
        rc = write_all(o, a, err);
    run->seconds = pk_now() - started;
    return rm_ranks_agree(&run->ranks, rc, err);
}

int rm_cmd_train(int argc, char **argv)
{
    struct rm_train_args a = {0};
    rm_train_args_parse(&a, argc, argv);
    pk_catch_signals();
    a.run.threads = omp_get_max_threads();
    struct pk_err err = {0};
    struct open o = {.place.lock = -1};
    int rc = rm_ranks_open(&a.run.ranks, &err);
    bool first = a.run.ranks.mine == 0; /* of several ranks, one speaks */
    a.cli.quiet |= !first;
    if (rc == 0)
        rc = run_all(&o, &a, &err);
    if (rc == 0 && first && a.json)
        rc = rm_run_json(&a.run, stdout, &err);
    else if (rc == 0 && first)
        rm_run_text(&a.run, stdout);
    rm_trainer_release(&o.trainer);
    infer_params_free(o.params);
    prefdb_close(o.db);
    infer_tokenizer_close(o.tokenizer);
    infer_model_close(o.base);
    rm_place_close(&o.place);
    rm_ranks_close(&a.run.ranks);
    rm_run_release(&a.run);
    if (!first)
        return pk_exit_status(rc);
    return rc ? pk_cli_fail(&a.cli, &err) : pk_cli_finish(&a.cli, 0);
}
