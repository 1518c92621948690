/* Reward models over HTTP: the scorer of `score` for programs that ask, in the
 * shapes their clients know already.
 *
 *     GET  /health /metrics /v1/models
 *     POST /score                            rows of score, in and out
 *     POST /get_reward                       OpenRLHF's remote reward model
 *     POST /classify /pooling /rerank /v1/score, and with /v1 before them: vLLM
 *
 * One thread does all input and output (libmicrohttpd): it reads, parses and
 * tokenizes. The caller's thread scores. Between them is a bounded queue
 * (queue.h): requests of all connections are computed together in one
 * forest. A score does not depend on what it was computed with, so it is the
 * number that `score` gives. */
#ifndef PREFKIT_RM_SERVE_SERVE_H
#define PREFKIT_RM_SERVE_SERVE_H

#include "common/cli.h"
#include "rm/score/combine.h"
#include "rm/score/scorer.h"
#include "rm/serve/queue.h"

/* The environment variable that holds the token clients must bring. */
#define RM_SERVE_TOKEN "PREFKIT_SERVE_TOKEN"

struct rm_serve {
    const struct pk_cli *cli;
    const struct rm_named *models;
    size_t n_models;
    struct rm_scorer_opts scorer;
    struct rm_combine combine; /* two of the models; no names: none are */
    const char *whitening;     /* for RM_WHITE: the statistics to use */
    const char *listen;        /* HOST:PORT; the host an address; port 0: any */
    const char *token;         /* NULL: nobody need bring one */
    bool open;                 /* listen beyond loopback without a token */
    struct rm_queue_limits limits;
    size_t body_bytes;      /* of one request */
    size_t connections;     /* at a time */
    unsigned idle_seconds;  /* a connection that says nothing is closed */
    unsigned grace_seconds; /* for clients that are slow to read the last
                               answers */
};

/* Serve until a signal comes: then nothing more is accepted, what was accepted
 * is answered, and it returns 0. Writes one line to standard output when it
 * listens: "listening on http://127.0.0.1:8000". PK_EUSAGE for an address that
 * is none, or one that is not loopback without a token; PK_EIO when it cannot
 * listen there. */
PK_NODISCARD int rm_serve_run(const struct rm_serve *o, struct pk_err *err);

#endif
