/* Private to prefdb/: ratings counted as they stream by, unit after unit, in a
 * form that every coefficient of agree.h, each annotator's leave-one-out and
 * every pair of annotators can be read off. Its size follows the number of
 * distinct ways to rate a unit, not the number of units (and the annotators'
 * shares of them: at worst one small entry a rating). */
#ifndef PREFKIT_PREFDB_STATS_TALLY_H
#define PREFKIT_PREFDB_STATS_TALLY_H

#include "common/err.h"
#include "prefdb/stats/agree.h"

/* A bag: counts under 128-bit keys, in the order in which the keys came. */
struct prefdb__entry {
    uint64_t a, b, n;
};

struct prefdb__bag {
    struct prefdb__entry *v;
    size_t n, cap;
    uint32_t *slots; /* index + 1, open addressing; n_slots is a power of 2 */
    size_t n_slots;
};

/* Add `times` to the count under (a, b); its index in v, or -1: no memory. */
int64_t prefdb__count(struct prefdb__bag *c, uint64_t a, uint64_t b,
                      uint64_t times);
void prefdb__bag_release(struct prefdb__bag *c);

/* Numbers for names, from 0 in the order in which they came. */
struct prefdb__names {
    char **v;
    size_t n, cap;
    uint32_t *slots;
    size_t n_slots;
};

/* The name's number, new or not; -1: no memory. */
int64_t prefdb__name(struct prefdb__names *names, const char *name);
/* The name's number; -1: it is not there. */
int64_t prefdb__name_find(const struct prefdb__names *names, const char *name);
void prefdb__names_release(struct prefdb__names *names);

struct prefdb__vote {
    uint32_t rater;
    int level;
};

struct prefdb__tally {
    struct prefdb__bag rows;   /* r[0..3] and r[4..7], 16 bits each */
    struct prefdb__bag raters; /* rater and row, level */
    struct prefdb__bag pairs;  /* two raters, the lower first; two levels */
    uint64_t ratings;
};

/* One unit; every rater at most once. PK_EMEM, or PK_EDATA for more than 65535
 * ratings. */
PK_NODISCARD int prefdb__tally_add(struct prefdb__tally *t,
                                   const struct prefdb__vote *v, size_t n,
                                   struct pk_err *err);
/* Add all that `from` holds. */
PK_NODISCARD int prefdb__tally_merge(struct prefdb__tally *t,
                                     const struct prefdb__tally *from,
                                     struct pk_err *err);
/* The rows, for agree.h; *out is the caller's, NULL when there are none. */
PK_NODISCARD int prefdb__tally_rows(const struct prefdb__tally *t,
                                    struct prefdb__row **out, size_t *n,
                                    struct pk_err *err);
/* How often each rater used each level, by the rater's number; *out is the
 * caller's, NULL when there are none. */
PK_NODISCARD int prefdb__tally_margins(const struct prefdb__tally *t,
                                       struct prefdb__margin **out, size_t *n,
                                       struct pk_err *err);
void prefdb__tally_release(struct prefdb__tally *t);

/* What one rater has to do with the others. */
struct prefdb__rater {
    uint32_t rater;
    uint64_t ratings, shared; /* shared: units that others rated too */
    double agree;             /* mean share of the others who said the same */
    struct prefdb__row *rows; /* what the table is without this rater */
    size_t n_rows;
};

/* Call f once for every rater, by number. The rows are gone after the call. */
PK_NODISCARD int prefdb__tally_each_rater(
    struct prefdb__tally *t,
    int (*f)(void *ctx, const struct prefdb__rater *r, struct pk_err *err),
    void *ctx, struct pk_err *err);

/* Call f once for every pair of raters with a unit in common. */
PK_NODISCARD int prefdb__tally_each_pair(struct prefdb__tally *t,
                                         int (*f)(void *ctx,
                                                  const struct prefdb__pair *p,
                                                  struct pk_err *err),
                                         void *ctx, struct pk_err *err);

#endif
