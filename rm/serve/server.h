/* The server at work: private to serve*.c.
 *
 * Everything in it but the queue belongs to the thread that does input and
 * output, once it runs. */
#ifndef PREFKIT_RM_SERVE_SERVER_H
#define PREFKIT_RM_SERVE_SERVER_H

#include <stdatomic.h>

#include "rm/serve/ask.h"
#include "rm/serve/serve.h"
#include "rm/serve/shape.h"

/* What /metrics counts: by shape, the last for all other addresses; and by
 * status (metrics.c has both lists). */
enum { RM_N_STATUS = 9, RM_N_BUCKETS = 10 };

struct rm_serve_counts {
    uint64_t requests[RM_N_SHAPES + 1][RM_N_STATUS];
    uint64_t texts, errors, cut, shortened; /* of requests that were answered */
    /* From a request's last byte to its reply: how many took at most so
     * long, all of them, and their sum. */
    uint64_t within[RM_N_BUCKETS], timed;
    double seconds;
};

struct rm_server {
    const struct rm_serve *o;
    const struct rm_mhd *mhd;
    struct rm_scorer *scorer;
    struct rm_queue *queue;
    char (*print)[65];         /* the models' fingerprints */
    struct rm_combine combine; /* with its statistics */
    struct rm_reward reward;   /* where it has names */
    double started;
    uint64_t next_id;
    size_t held; /* bytes of requests in memory */
    struct rm_serve_counts counts;
    atomic_bool draining; /* no more is taken */
    atomic_size_t open;   /* requests in the queue, or with a reply to send */
};

/* ---- http.c -------------------------------------------------------- */

struct MHD_Daemon;

/* Begin to answer on a listening socket, which becomes the daemon's. */
PK_NODISCARD int rm_http_start(struct MHD_Daemon **out, struct rm_server *s,
                               int socket, struct pk_err *err);

/* ---- listen.c ------------------------------------------------------ */

struct rm_address {
    char name[80]; /* "127.0.0.1:8000", with the port that was got */
    bool loopback;
};

/* A listening socket for HOST:PORT; PK_EUSAGE when that is no address. Without
 * `beyond`, only for loopback. */
PK_NODISCARD int rm_listen(const char *where, bool beyond,
                           struct rm_address *out, int *socket,
                           struct pk_err *err);

/* ---- metrics.c ----------------------------------------------------- */

void rm_count_reply(struct rm_server *s, const struct rm_shape *shape,
                    unsigned status);
void rm_count_asked(struct rm_server *s, const struct rm_ask *a,
                    double seconds);
/* Prometheus' text format; {"status":...}; vLLM's list of models. */
void rm_write_metrics(struct rm_server *s, struct pk_buf *out);
void rm_write_health(struct rm_server *s, struct pk_buf *out);
void rm_write_models(struct rm_server *s, struct pk_buf *out);

#endif
