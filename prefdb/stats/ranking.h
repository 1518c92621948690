/* Private to prefdb/: the models behind the responses, ranked by the judgments.
 *
 * Bradley and Terry 1952: P(i beats j) = sigma(theta_i - theta_j), a tie being
 * half a win for each. The log-likelihood is concave; its maximum is found by
 * Newton's method. It is finite, and one, if and only if the graph of wins is
 * strongly connected (Ford 1957): whichever way the models are parted in two,
 * each part has beaten the other. */
#ifndef PREFKIT_PREFDB_STATS_RANKING_H
#define PREFKIT_PREFDB_STATS_RANKING_H

#include "common/err.h"
#include "prefdb/stats/tally.h"
#include "prefdb/store/store.h"

/* wins[i * n + j]: how often i beat j; a tie adds a half to both sides. */
struct prefdb__battles {
    size_t n;
    double *wins;
};

/* Is there a finite maximum? PK_EMEM, or 0 and the answer in *finite. */
PK_NODISCARD int prefdb__bt_finite(const struct prefdb__battles *b,
                                   bool *finite, struct pk_err *err);

/* theta[n], and their standard errors in se[n] (NULL: not wanted), of the
 * likelihood less penalty / 2 * sum of theta^2. `base` is the model whose
 * ability is zero, or -1: their mean is. theta holds the start, zeroes if
 * nothing better is known. A penalty of 0 needs a finite maximum. */
PK_NODISCARD int prefdb__bt_fit(const struct prefdb__battles *b, double penalty,
                                int64_t base, double *theta, double *se,
                                struct pk_err *err);
double prefdb__bt_log_likelihood(const struct prefdb__battles *b,
                                 const double *theta);

/* Where there is no finite maximum: a normal prior with a standard deviation
 * of 3 (521 Elo points). */
#define PREFDB__BT_PRIOR (1.0 / 9)

/* The Elo scale: 1000 + 400 / ln 10 * theta. */
double prefdb__elo(double theta);

/* Elo's online ratings, for comparison with leaderboards that give them: they
 * depend on the order of the games, which Bradley and Terry's do not. The score
 * that a player rated `a` is expected to make against one rated `b`; and a
 * rating after n games at once against players rated others[i], with scores 1,
 * 1/2 or 0 (one game at a time is n = 1, for both players from the ratings
 * before it). */
double prefdb__elo_expected(double a, double b);
double prefdb__elo_after(double rating, const double *others,
                         const double *scores, size_t n, double k);

struct prefdb__ranked {
    uint32_t model;
    double battles, wins; /* a tie is half a win */
    double theta, se;
    double low, high; /* of theta: 2.5 and 97.5 percentiles of resamples */
};

/* One dimension's ranking. */
struct prefdb__ranking {
    struct prefdb__ranked *v; /* best first */
    size_t n;
    uint64_t battles, ties;
    uint64_t unnamed;    /* judgments where a response names no model */
    uint64_t same;       /* judgments of two responses of one model */
    uint64_t unfinished; /* resamples that needed the prior */
    bool finite;         /* false: the prior was used */
};

struct prefdb__rankings {
    struct prefdb__names models;
    struct prefdb__ranking of[2]; /* by dimension */
};

/* Fill a zeroed *out from the standing judgments of one source (NULL: all);
 * release it also after an error. `rounds` resamples of the outcomes, from
 * `seed`. */
PK_NODISCARD int prefdb__rankings(struct prefdb *db, const char *source,
                                  uint64_t rounds, uint64_t seed,
                                  struct prefdb__rankings *out,
                                  struct pk_err *err);
void prefdb__rankings_release(struct prefdb__rankings *r);

/* How many of n trials succeed, each with probability p: exact. */
struct pk_rng;
uint64_t prefdb__binomial(struct pk_rng *rng, uint64_t n, double p);

#endif
