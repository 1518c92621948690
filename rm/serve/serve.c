/* The server's life: open, listen, score what comes, end; see serve.h. */
#include "rm/serve/serve.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/progress.h"
#include "rm/serve/mhd.h"
#include "rm/serve/server.h"

/* Which models are combined, and with which statistics. */
static int open_reward(struct rm_server *s, struct pk_err *err)
{
    char print[RM_N_COMBINED][65];
    s->combine = s->o->combine;
    s->reward.how = &s->combine;
    for (int r = 0; r < RM_N_COMBINED && s->combine.name[r]; r++) {
        size_t m = 0;
        while (m < s->o->n_models &&
               strcmp(s->combine.name[r], s->o->models[m].name) != 0)
            m++;
        if (m == s->o->n_models)
            return pk_fail(err, PK_EUSAGE, "--combine: no --rm is called '%s'",
                           s->combine.name[r]);
        s->reward.model[r] = m;
        memcpy(print[r], s->print[m], sizeof print[r]);
    }
    return s->o->whitening
               ? rm_whitening_load(s->o->whitening, &s->combine, print, err)
               : 0;
}

static int open_models(struct rm_server *s, struct pk_err *err)
{
    const struct rm_serve *o = s->o;
    s->print = pk_calloc(o->n_models, sizeof *s->print);
    int rc = s->print ? 0 : pk_fail_mem(err, "the server");
    if (rc == 0)
        rc =
            rm_scorer_open(&s->scorer, o->models, o->n_models, &o->scorer, err);
    for (size_t m = 0; m < o->n_models && rc == 0; m++)
        rc = rm_scorer_fingerprint(s->scorer, m, s->print[m], err);
    if (rc == 0)
        rc = open_reward(s, err);
    if (rc == 0)
        rc = rm_queue_new(&s->queue, s->scorer, o->limits, err);
    return rc;
}

static int announce(const struct rm_server *s, const struct rm_address *at,
                    struct pk_err *err)
{
    rm_scorer_say_start(s->scorer, s->o->cli);
    for (size_t m = 0; m < s->o->n_models; m++)
        pk_note(s->o->cli, "%s = %s, up to %zu tokens",
                rm_scorer_name(s->scorer, m), rm_scorer_dir(s->scorer, m),
                rm_scorer_coder(s->scorer, m)->max_tokens);
    if (!at->loopback && !s->o->token)
        pk_warn(s->o->cli, "anyone who reaches %s is let in", at->name);
    if (printf("listening on http://%s\n", at->name) < 0 || fflush(stdout) != 0)
        return pk_fail_errno(err, "cannot write standard output");
    return 0;
}

static void sleep_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* Nothing more is taken; what is in the queue is scored, and the replies go out
 * to all who read them in time. */
static void drain(struct rm_server *s, struct MHD_Daemon *d)
{
    s->draining = true;
    int listening = s->mhd->quiesce_daemon(d);
    if (listening >= 0)
        close(listening);
    rm_queue_close(s->queue);
    /* A request between its room in the queue and its place there is open. */
    double last = pk_now();
    while (s->open > 0 || rm_queue_stats(s->queue).texts > 0) {
        if (rm_queue_step(s->queue, 0))
            last = pk_now();
        else if (rm_queue_stats(s->queue).texts == 0 &&
                 pk_now() - last > s->o->grace_seconds)
            break;
        else
            sleep_a_little();
    }
}

static void summarize(const struct rm_server *s)
{
    struct rm_queue_stats q = rm_queue_stats(s->queue);
    const struct rm_serve_counts *c = &s->counts;
    pk_note(s->o->cli,
            "%llu requests with %llu texts answered, %llu texts scored in %llu "
            "forests (%llu at most in one), %.1f s in the models",
            (unsigned long long)c->timed, (unsigned long long)c->texts,
            (unsigned long long)q.scored, (unsigned long long)q.forests,
            (unsigned long long)q.most_texts, q.busy_seconds);
    if (c->errors)
        pk_note(s->o->cli, "%llu texts could not be scored",
                (unsigned long long)c->errors);
    if (c->cut)
        pk_note(s->o->cli,
                "%llu texts do not end: read at their last token and marked",
                (unsigned long long)c->cut);
    if (c->shortened)
        pk_note(s->o->cli, "%llu dialogues lost their oldest exchanges",
                (unsigned long long)c->shortened);
    rm_scorer_say_end(s->scorer, s->o->cli);
}

static int run(struct rm_server *s, struct pk_err *err)
{
    struct rm_address at;
    struct MHD_Daemon *daemon;
    int socket;
    /* A place that cannot be had shows itself before the models are read. */
    if (!(s->mhd = rm_mhd(err)))
        return PK_EIO;
    int rc =
        rm_listen(s->o->listen, s->o->open || s->o->token, &at, &socket, err);
    if (rc)
        return rc;
    rc = open_models(s, err);
    if (rc) {
        close(socket);
        return rc;
    }
    s->started = pk_now();
    rc = rm_http_start(&daemon, s, socket, err);
    if (rc)
        return rc;
    rc = announce(s, &at, err);
    while (rc == 0 && !pk_interrupted())
        rm_queue_step(s->queue, 0.1);
    drain(s, daemon);
    s->mhd->stop_daemon(daemon);
    summarize(s);
    return rc;
}

int rm_serve_run(const struct rm_serve *o, struct pk_err *err)
{
    /* Ids that no earlier run has given. */
    struct rm_server s = {.o = o, .next_id = (uint64_t)time(NULL) << 24};
    int rc = run(&s, err);
    rm_queue_free(s.queue);
    rm_scorer_close(s.scorer);
    free(s.print);
    return rc;
}
