/* The queue between those who ask and the one thread that scores. It is bounded
 * in texts and in tokens: who finds it full is told so at once, and to come
 * again later. Texts are scored in the order in which they came, as many at a
 * time as the scorer's forest takes, whoever asked; a request with more goes
 * through several forests.
 *
 * The asker, in its own thread:   rm_queue_reserve, then rm_queue_put
 * The scoring thread:             rm_queue_step, again and again */
#ifndef PREFKIT_RM_SERVE_QUEUE_H
#define PREFKIT_RM_SERVE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "rm/score/scorer.h"

struct rm_ask;
struct rm_queue;

struct rm_queue_limits {
    size_t texts, tokens; /* that wait or are being scored */
};

enum rm_room {
    RM_ROOM,        /* there is: it is yours */
    RM_ROOM_LATER,  /* full now */
    RM_ROOM_NEVER,  /* the request alone is more than the queue holds */
    RM_ROOM_CLOSED, /* no more is taken */
};

/* What it did since it was made. */
struct rm_queue_stats {
    uint64_t texts, tokens;   /* in it now */
    uint64_t scored, forests; /* texts; forests computed */
    uint64_t most_texts;      /* the most texts in one forest */
    uint64_t failed;          /* requests that could not be scored */
    double busy_seconds;      /* spent in the model */
    struct rm_totals total;   /* tokens of all models */
};

PK_NODISCARD int rm_queue_new(struct rm_queue **out, struct rm_scorer *s,
                              struct rm_queue_limits limits,
                              struct pk_err *err);
void rm_queue_free(struct rm_queue *q);

/* Take room for a request's texts. */
enum rm_room rm_queue_reserve(struct rm_queue *q, const struct rm_ask *a);

/* Put a request in for which there is room, with at least one text to score.
 * The scoring thread calls a->done(a->arg) when every text has its score, or
 * a->failed says why not; from then on the request is its owner's again. */
void rm_queue_put(struct rm_queue *q, struct rm_ask *a);

/* Seconds until the queue as it is now will have been worked off: at least 1,
 * by the speed so far. */
unsigned rm_queue_wait_seconds(struct rm_queue *q);

/* Take no more; what is in it is still scored. */
void rm_queue_close(struct rm_queue *q);

/* Score one forest of what waits, or wait so long for something to come. False
 * when there was nothing. For one thread. */
bool rm_queue_step(struct rm_queue *q, double wait_seconds);

struct rm_queue_stats rm_queue_stats(struct rm_queue *q);

#endif
