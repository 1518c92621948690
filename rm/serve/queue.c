/* The queue before the scorer; see queue.h. */
#include "rm/serve/queue.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "common/progress.h"
#include "rm/serve/ask.h"

/* A text in the forest that is being filled. */
struct taken {
    struct rm_ask *ask;
    size_t text;
};

struct rm_queue {
    struct rm_scorer *scorer; /* the scoring thread's */
    struct rm_queue_limits limits;
    struct taken *taken; /* by number in the scorer; the scoring thread's */
    size_t n_taken, cap_taken;

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t came;
    struct rm_ask *first, *last; /* those with texts not taken yet */
    size_t texts, tokens;        /* reserved */
    bool closed;
    struct rm_queue_stats stats;
};

int rm_queue_new(struct rm_queue **out, struct rm_scorer *s,
                 struct rm_queue_limits limits, struct pk_err *err)
{
    struct rm_queue *q = *out = pk_calloc(1, sizeof *q);
    if (!q)
        return pk_fail_mem(err, "a queue");
    q->scorer = s;
    q->limits = limits;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->came, &clock);
    pthread_condattr_destroy(&clock);
    return 0;
}

void rm_queue_free(struct rm_queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->came);
    pthread_mutex_destroy(&q->lock);
    free(q->taken);
    free(q);
}

/* ---- Those who ask ------------------------------------------------------- */

enum rm_room rm_queue_reserve(struct rm_queue *q, const struct rm_ask *a)
{
    enum rm_room room = RM_ROOM;
    if (a->texts > q->limits.texts || a->tokens > q->limits.tokens)
        return RM_ROOM_NEVER;
    pthread_mutex_lock(&q->lock);
    if (q->closed)
        room = RM_ROOM_CLOSED;
    else if (a->texts > q->limits.texts - q->texts ||
             a->tokens > q->limits.tokens - q->tokens)
        room = RM_ROOM_LATER;
    if (room == RM_ROOM) {
        q->texts += a->texts;
        q->tokens += (size_t)a->tokens;
    }
    pthread_mutex_unlock(&q->lock);
    return room;
}

void rm_queue_put(struct rm_queue *q, struct rm_ask *a)
{
    a->next = NULL;
    a->at = 0;
    a->waiting = a->left = a->texts;
    a->failed = (struct pk_err){0};
    pthread_mutex_lock(&q->lock);
    if (q->last)
        q->last->next = a;
    else
        q->first = a;
    q->last = a;
    pthread_cond_signal(&q->came);
    pthread_mutex_unlock(&q->lock);
}

unsigned rm_queue_wait_seconds(struct rm_queue *q)
{
    pthread_mutex_lock(&q->lock);
    const struct rm_queue_stats *s = &q->stats;
    double rate = s->busy_seconds > 0 ? (double)s->total.flat / s->busy_seconds
                                      : (double)q->tokens + 1;
    double wait = ceil((double)q->tokens / (rate > 1 ? rate : 1));
    pthread_mutex_unlock(&q->lock);
    return wait < 1 ? 1 : wait > 600 ? 600 : (unsigned)wait;
}

void rm_queue_close(struct rm_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_mutex_unlock(&q->lock);
}

struct rm_queue_stats rm_queue_stats(struct rm_queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct rm_queue_stats s = q->stats;
    s.texts = q->texts;
    s.tokens = q->tokens;
    pthread_mutex_unlock(&q->lock);
    return s;
}

/* ---- The scoring thread -------------------------------------------------- */

/* The first request with a text that is to be scored, waiting for one so long
 * at most; NULL when none came. */
static struct rm_ask *await(struct rm_queue *q, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(fmod(seconds, 1) * 1e9);
    until.tv_sec += (time_t)seconds + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&q->lock);
    int timed_out = 0;
    while (!q->first && !timed_out && seconds > 0)
        timed_out = pthread_cond_timedwait(&q->came, &q->lock, &until);
    struct rm_ask *a = q->first;
    pthread_mutex_unlock(&q->lock);
    return a;
}

/* The first request waits no longer. */
static void unlink_first(struct rm_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->first = q->first->next;
    if (!q->first)
        q->last = NULL;
    pthread_mutex_unlock(&q->lock);
}

/* The request's next text into the forest. */
static int take_text(struct rm_queue *q, struct rm_ask *a, struct pk_err *err)
{
    size_t models = rm_scorer_models(q->scorer), index;
    while (a->text[a->at].error)
        a->at++;
    if (!pk_grow(&q->taken, &q->cap_taken, q->n_taken + 1, sizeof *q->taken))
        return pk_fail_mem(err, "a forest's texts");
    int rc = rm_scorer_add_coded(q->scorer, &a->code[a->at * models],
                                 a->ids.id + a->text[a->at].ids, &index, err);
    if (rc)
        return rc;
    q->taken[q->n_taken++] = (struct taken){a, a->at++};
    a->waiting--;
    return 0;
}

/* Fill a forest, first come, first served. *a: whose text failed. */
static int fill(struct rm_queue *q, double wait_seconds, struct rm_ask **a,
                struct pk_err *err)
{
    int rc = 0;
    *a = await(q, wait_seconds);
    while (*a && !rm_scorer_full(q->scorer)) {
        rc = take_text(q, *a, err);
        if (rc)
            return rc;
        if ((*a)->waiting == 0) {
            unlink_first(q);
            *a = await(q, 0);
        }
    }
    return 0;
}

static void finish(struct rm_queue *q, struct rm_ask *a)
{
    pthread_mutex_lock(&q->lock);
    q->texts -= a->texts;
    q->tokens -= (size_t)a->tokens;
    q->stats.failed += a->failed.code != 0;
    pthread_mutex_unlock(&q->lock);
    a->done(a->arg);
}

/* Hand the forest's scores out. */
static void settle(struct rm_queue *q)
{
    size_t models = rm_scorer_models(q->scorer);
    for (size_t k = 0; k < q->n_taken; k++) {
        struct taken t = q->taken[k];
        memcpy(&t.ask->scored[t.text * models], rm_scorer_get(q->scorer, 0, k),
               models * sizeof *t.ask->scored);
        if (--t.ask->left == 0)
            finish(q, t.ask);
    }
}

static void fail(struct rm_queue *q, struct rm_ask *a, const struct pk_err *err)
{
    if (a->waiting) /* then it is still the first */
        unlink_first(q);
    a->failed = *err;
    finish(q, a);
}

/* Nothing of the forest can be had: whoever has a text in it is told why, as is
 * the one whose text would not go in. */
static void fail_all(struct rm_queue *q, struct rm_ask *at,
                     const struct pk_err *err)
{
    bool among = false;
    for (size_t k = 0; k < q->n_taken; k++) {
        struct rm_ask *a = q->taken[k].ask;
        bool last = k + 1 == q->n_taken || q->taken[k + 1].ask != a;
        among |= at && at == a;
        if (last)
            fail(q, a, err);
    }
    if (at && !among)
        fail(q, at, err);
}

static struct rm_totals totals(const struct rm_scorer *s)
{
    struct rm_totals sum = {0};
    for (size_t m = 0; m < rm_scorer_models(s); m++) {
        struct rm_totals t = rm_scorer_totals(s, m);
        sum.flat += t.flat;
        sum.unique += t.unique;
    }
    return sum;
}

static void count(struct rm_queue *q, double seconds)
{
    struct rm_totals total = totals(q->scorer);
    pthread_mutex_lock(&q->lock);
    struct rm_queue_stats *s = &q->stats;
    s->scored += q->n_taken;
    s->forests++;
    s->busy_seconds += seconds;
    s->most_texts = q->n_taken > s->most_texts ? q->n_taken : s->most_texts;
    s->total = total;
    pthread_mutex_unlock(&q->lock);
}

bool rm_queue_step(struct rm_queue *q, double wait_seconds)
{
    struct rm_ask *failing = NULL;
    struct pk_err err = {0};
    q->n_taken = 0;
    int rc = fill(q, wait_seconds, &failing, &err);
    if (rc == 0 && q->n_taken == 0)
        return false;
    if (rc == 0) {
        double started = pk_now();
        failing = NULL;
        rc = rm_scorer_flush(q->scorer, &err);
        count(q, pk_now() - started);
    }
    if (rc == 0)
        settle(q);
    else
        fail_all(q, failing, &err);
    rm_scorer_clear(q->scorer);
    return true;
}
