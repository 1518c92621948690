/* A training run; see session.h. */
#include "rm/train/session.h"

#include <math.h>
#include <string.h>

#include "common/cli.h"
#include "common/out.h"
#include "rm/data/checkpoints.h"
#include "rm/data/identity.h"
#include "rm/train/write_model.h"

/* What is open while it runs. */
struct open {
    struct rm_session *s;
    struct rm_record_fixed *fixed;
    cJSON *identity;
    FILE *log;
    bool useless; /* a validation's scores are not finite */
};

static const struct rm_ranks *ranks(const struct open *o)
{
    return o->s->trainer->ranks;
}

/* Rank 0's work, as all of this file is but the training itself. */
static int save(const struct open *o, struct pk_err *err)
{
    int rc = 0;
    if (ranks(o)->mine == 0)
        rc = rm_state_save(o->s->state, o->identity, o->s->trainer,
                           &o->s->run->record, err);
    rc = rm_ranks_agree(ranks(o), rc, err);
    if (rc == 0) {
        o->s->saved = true;
        o->s->saved_step = o->s->trainer->cursor.step;
    }
    return rc;
}

/* Behind a failure's message: what is saved, and how to go on from it. */
static int say_saved(const struct rm_session *s, struct pk_err *err)
{
    if (!s->saved)
        return err->code;
    return pk_err_suffix(err,
                         "; %llu of %zu steps are in %s, and the same command "
                         "with --resume goes on from there",
                         (unsigned long long)s->saved_step, s->trainer->steps,
                         s->state);
}

/* After a signal, told in *err. */
static int pause_run(const struct open *o, struct pk_err *err)
{
    struct pk_err why = *err;
    int saved = save(o, err);
    if (saved)
        return saved;
    *err = why;
    return say_saved(o->s, err);
}

/* After a failure between steps one rank alone saves what it has: several may
 * not be able to come together again. Within a step, or when it was saving that
 * failed, an older state is what there may be. */
static int give_up(const struct open *o, struct pk_err *err)
{
    struct pk_err unused;
    if (o->useless) /* a model that nothing is to be gone on from */
        return err->code;
    bool between = o->fixed->told != o->s->trainer->cursor.step;
    if (ranks(o)->n == 1 && between)
        (void)!save(o, &unused);
    return say_saved(o->s, err);
}

static bool better(const struct rm_run *run, const struct rm_validation *v,
                   double *value)
{
    const struct rm_record_fixed *f = &run->record.fixed;
    bool by_accuracy = run->recipe.keep == RM_KEEP_ACCURACY;
    *value = v->loss;
    if (by_accuracy && !rm_validation_accuracy(v, value))
        *value = 0;
    if (f->best_step == 0)
        return true;
    return by_accuracy ? *value > f->best : *value < f->best;
}

/* Is this one the best so far; has it been long enough without. */
static int judge(const struct open *o, const struct rm_validation *v,
                 struct pk_err *err)
{
    struct rm_run *run = o->s->run;
    struct rm_record_fixed *f = o->fixed;
    double value;
    if (!better(run, v, &value)) {
        f->worse++;
        if (run->recipe.patience && f->worse >= run->recipe.patience)
            f->stopped = 1;
        return 0;
    }
    f->best = value;
    f->best_step = f->last.step;
    f->worse = 0;
    if (run->recipe.keep == RM_KEEP_LAST)
        return 0;
    return rm_best_save(o->s->state, f->best_step, o->s->trainer->params, err);
}

static bool validation_due(const struct rm_run *run, const struct rm_step *s)
{
    size_t every = run->recipe.valid_every;
    return every && run->valid.n &&
           (s->step % every == 0 || s->step == s->steps);
}

/* Every so many steps and after the last, unless that one's weights are the
 * output. */
static bool checkpoint_due(const struct rm_run *run, const struct rm_step *s)
{
    size_t every = run->checkpoint_every;
    if (every && s->step == s->steps)
        return run->recipe.keep != RM_KEEP_LAST;
    return every && s->step % every == 0;
}

/* What a step is followed by where it is due: *v, with what there is of it in
 * the point, and a model. A signal may end either: nothing is changed by then.
 */
static int look(struct open *o, struct rm_validation *v, struct rm_point *p,
                struct pk_err *err)
{
    struct rm_run *run = o->s->run;
    const struct rm_step *step = &o->fixed->last;
    const struct rm_trainer *t = o->s->trainer;
    bool valid = validation_due(run, step);
    int rc = 0;
    *p = (struct rm_point){.step = (double)step->step,
                           .loss = step->loss,
                           .accuracy = (double)NAN,
                           .valid_loss = (double)NAN,
                           .valid_accuracy = (double)NAN};
    (void)rm_step_accuracy(step, &p->accuracy);
    if (valid) {
        rc = rm_validate(t->weights, t->config, &run->valid, &run->recipe, v,
                         err);
        o->useless = rc == PK_EDATA;
        if (o->useless)
            pk_err_prefix(err, "validation after step %zu: ", step->step);
        p->valid_loss = v->loss;
        (void)rm_validation_accuracy(v, &p->valid_accuracy);
    }
    if (rc == 0 && checkpoint_due(run, step))
        rc = rm_write_checkpoint(run, t->config, t->params, valid ? v : NULL,
                                 err);
    return rc;
}

/* That, and the step's line; on failure, as if nothing had been. */
static int tell(struct open *o, struct pk_err *err)
{
    struct rm_run *run = o->s->run;
    const struct rm_record_fixed was = *o->fixed;
    const struct rm_step *step = &o->fixed->last;
    size_t points = run->record.n;
    bool valid = validation_due(run, step);
    struct rm_validation v;
    struct rm_point p;
    int rc = look(o, &v, &p, err);
    if (rc == 0 && valid)
        rc = judge(o, &v, err);
    if (rc == 0)
        rc = rm_record_add(&run->record, &p, err);
    if (rc == 0 && o->log)
        rc = rm_log_step(o->log, &run->recipe, step, valid ? &v : NULL, err);
    if (rc == 0) {
        o->fixed->told = step->step;
        return 0;
    }
    *o->fixed = was;
    run->record.n = points;
    return rc;
}

/* The same by rank 0, for all. */
static int tell_all(struct open *o, struct pk_err *err)
{
    int rc = ranks(o)->mine == 0 ? tell(o, err) : 0;
    rc = rm_ranks_agree(ranks(o), rc, err);
    return rc ? rc : rm_ranks_tell(ranks(o), o->fixed, sizeof *o->fixed, err);
}

/* One micro-batch, or what follows the step that the last one ended. */
static int go_on(struct open *o, bool *not_finite, struct pk_err *err)
{
    const struct rm_session *s = o->s;
    struct rm_step step;
    if (o->fixed->told == s->trainer->cursor.step) {
        int rc = rm_trainer_advance(s->trainer, &step, err);
        *not_finite = rc == PK_EDATA;
        pk_progress_at(s->progress, rm_trainer_pairs_done(s->trainer));
        if (rc || step.step == 0)
            return rc;
        if (step.step == 1)
            o->fixed->first = step;
        o->fixed->last = step;
    }
    int rc = tell_all(o, err);
    bool save_now = s->save_every && o->fixed->told % s->save_every == 0;
    return rc == 0 && save_now ? save(o, err) : rc;
}

static bool over(const struct open *o)
{
    const struct rm_trainer *t = o->s->trainer;
    return o->fixed->told == t->cursor.step &&
           (rm_trainer_done(t) || o->fixed->stopped);
}

/* One rank alone stops wherever it is; several stop together, between steps. */
static int check_interrupt(const struct open *o, struct pk_err *err)
{
    if (ranks(o)->n > 1 && o->s->trainer->n_batch > 0)
        return 0;
    return rm_ranks_agree(ranks(o), pk_check_interrupt(err), err);
}

static int loop(struct open *o, bool *not_finite, struct pk_err *err)
{
    int rc = 0;
    while (rc == 0 && !over(o)) {
        rc = check_interrupt(o, err);
        if (rc == 0)
            rc = go_on(o, not_finite, err);
        if (rc == PK_EINTR)
            return pause_run(o, err);
    }
    /* Not finite: the weights before that step are kept by themselves. */
    return rc && !*not_finite ? give_up(o, err) : rc;
}

/* What each rank has read by itself, while others may have been writing. */
struct origin {
    char store[65], base[65], run[65];
};

static int same_origin(const struct rm_run *run, const struct origin *first,
                       const struct origin *mine, struct pk_err *err)
{
    size_t rank = run->ranks.mine;
    if (strcmp(first->store, mine->store) != 0)
        return pk_fail(err, PK_EDATA,
                       "%s: rank %zu has read other data than rank 0: let "
                       "nothing write to it until the first step",
                       run->store, rank);
    if (strcmp(first->base, mine->base) != 0)
        return pk_fail(err, PK_EDATA,
                       "%s: rank %zu has read another model than rank 0",
                       run->base, rank);
    if (strcmp(first->run, mine->run) != 0)
        return pk_fail(err, PK_EDATA,
                       "rank %zu has another recipe, precision or prefkit than "
                       "rank 0",
                       rank);
    return 0;
}

/* Are all ranks about to train on the same pairs, from the same model? */
static int check_ranks(const struct open *o, struct pk_err *err)
{
    const struct rm_run *run = o->s->run;
    struct origin mine = {0}, first;
    int rc = rm_identity_name(o->identity, mine.run)
                 ? pk_fail_mem(err, "a run's identity")
                 : 0;
    memcpy(mine.store, run->store_fingerprint, sizeof mine.store);
    memcpy(mine.base, run->base_fingerprint, sizeof mine.base);
    rc = rm_ranks_agree(ranks(o), rc, err);
    first = mine;
    if (rc == 0)
        rc = rm_ranks_tell(ranks(o), &first, sizeof first, err);
    if (rc == 0)
        rc = same_origin(run, &first, &mine, err);
    return rm_ranks_agree(ranks(o), rc, err);
}

static int start(struct open *o, bool resume, struct pk_err *err)
{
    struct rm_session *s = o->s;
    struct rm_run *run = s->run;
    o->identity = rm_run_identity(run);
    int rc = o->identity ? 0 : pk_fail_mem(err, "a run's identity");
    rc = rm_ranks_agree(ranks(o), rc, err);
    if (rc == 0)
        rc = check_ranks(o, err);
    if (rc)
        return rc;
    if (resume && rm_state_exists(s->state)) {
        rc =
            rm_state_load(s->state, o->identity, s->trainer, &run->record, err);
        run->resumed = s->trainer->cursor.step + (s->trainer->cursor.at > 0);
        s->saved = true;
        s->saved_step = s->trainer->cursor.step;
        pk_progress_skip(s->progress, rm_trainer_pairs_done(s->trainer));
    }
    if (rc == 0 && resume && ranks(o)->mine == 0)
        rc = rm_checkpoints_resume(run->checkpoints, o->identity, err);
    if (rc == 0 && s->log && ranks(o)->mine == 0)
        rc = rm_log_resume(&o->log, s->log, o->fixed->told, err);
    return rm_ranks_agree(ranks(o), rc, err);
}

/* Nothing has been computed with the last step's weights where nothing is
 * validated: one pair tells whether they can be. */
static int check_last(const struct rm_run *run, const struct rm_trainer *t,
                      struct pk_err *err)
{
    struct rm_validation unused;
    struct rm_pairs one = run->train;
    one.n = 1;
    return rm_validate(t->weights, t->config, &one, &run->recipe, &unused, err);
}

/* After a signal behind the last step, told in *err. Of several ranks the
 * others are gone: an older state is what there may be. */
static int pause_end(const struct open *o, struct pk_err *err)
{
    return ranks(o)->n == 1 ? pause_run(o, err) : say_saved(o->s, err);
}

/* The weights that are to be kept, and how they do. */
static int finish(const struct open *o, struct pk_err *err)
{
    struct rm_run *run = o->s->run;
    const struct rm_trainer *t = o->s->trainer;
    bool best = run->recipe.keep != RM_KEEP_LAST && o->fixed->best_step;
    int rc = pk_check_interrupt(err);
    if (rc)
        return pause_end(o, err);
    if (best)
        rc = rm_best_load(o->s->state, o->fixed->best_step, t->params, err);
    if (rc)
        return rc;
    rc = run->valid.n ? rm_validate(t->weights, t->config, &run->valid,
                                    &run->recipe, &run->validation, err)
                      : check_last(run, t, err);
    if (rc == PK_EINTR) /* the trainer has the last weights, or the best */
        return best ? say_saved(o->s, err) : pause_end(o, err);
    run->validated = rc == 0 && run->valid.n;
    return rc == PK_EDATA ? pk_err_prefix(err, "the trained model: ") : rc;
}

int rm_session_run(struct rm_session *s, bool resume, bool *not_finite,
                   struct pk_err *err)
{
    struct open o = {.s = s, .fixed = &s->run->record.fixed};
    *not_finite = false;
    int rc = start(&o, resume, err);
    if (rc == 0)
        rc = loop(&o, not_finite, err);
    if (rc == 0 && ranks(&o)->mine == 0)
        rc = finish(&o, err);
    if (o.log) {
        int closed = pk_fclose(o.log, s->log, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    cJSON_Delete(o.identity);
    return rc;
}

int rm_session_rescue(struct rm_session *s, struct pk_err *err)
{
    struct pk_err unused;
    struct open o = {.s = s, .fixed = &s->run->record.fixed};
    o.identity =
        s->run->recipe.keep == RM_KEEP_LAST ? rm_run_identity(s->run) : NULL;
    if (o.identity && ranks(&o)->n == 1)
        (void)!save(&o, &unused); /* else an older one, if there is one */
    cJSON_Delete(o.identity);
    return say_saved(s, err);
}
