/* Private to prefdb/: how far a store's annotators agree, and their habits.
 *
 * Three scales are read off a judgment:
 *
 *   choice    a, tie, b; both_bad is a tie here: neither is better. A source
 *             that never says either is forced choice, with two levels.
 *   strength  -3..3: by how much b is better. The sign of the choice times its
 *             strength, so that 0 is a tie, or a choice "negligibly better or
 *             unsure", whichever way it went: on this scale, that of the
 *             paper's margin m(r), they say the same, and it is the choice
 *             scale that tells them apart. Only where a source states
 *             strengths; a choice without one is missing.
 *   label     which responses are safe: both, only a, only b, neither. Not the
 *             paper's three bins, which follow the choice: two people who each
 *             call the response that the other one rejected the safe one would
 *             be in agreement there.
 *
 * Of several standing judgments of one annotator on one comparison the latest
 * counts (by its date; of undated ones the one with the greatest uid); the
 * others are repeats. A judgment without an annotator's name is no
 * rating (whether two of them are two people's can't be known). */
#ifndef PREFKIT_PREFDB_STATS_AGREEMENT_H
#define PREFKIT_PREFDB_STATS_AGREEMENT_H

#include "common/progress.h"
#include "prefdb/stats/tally.h"
#include "prefdb/store/store.h"

enum prefdb__scale_id {
    PREFDB__CHOICE,
    PREFDB__STRENGTH,
    PREFDB__LABEL,
    PREFDB__SCALES
};

/* One annotator's ways, for one dimension. */
struct prefdb__habits {
    uint64_t judgments;
    uint64_t sided, left;     /* choices with a side stated; the left one */
    uint64_t unequal, longer; /* choices between two lengths; the longer one */
    uint64_t timed, fast;     /* fast: quicker than the two can be read */
    uint64_t repeats, same;   /* pairs of dated judgments on one comparison */
    uint64_t undated;         /* such pairs without two times: not counted, as
                                 the store keeps equal ones once */
    uint64_t gold, right; /* on comparisons that the gold annotator judged */
    double median;        /* seconds; NaN when none is timed */
    float *seconds;
    size_t cap_seconds;
};

/* One source (or all of them) and one dimension. */
struct prefdb__group {
    uint64_t judgments, comparisons, anonymous;
    uint64_t shared; /* comparisons with two annotators or more */
    bool ties, strengths, labels;
    struct prefdb__tally tally[PREFDB__SCALES];
};

struct prefdb__agreement {
    struct prefdb__names sources, people;
    struct prefdb__group *groups;  /* [2 * source + dimension]; their tallies
                                      keep no raters at the end */
    struct prefdb__group all[2];   /* by dimension */
    struct prefdb__habits *habits; /* [2 * person + dimension] */
    size_t cap_groups, cap_habits;
};

struct prefdb__agreement_query {
    int dimension;                /* enum prefdb_dimension, or -1: any */
    const char *source;           /* NULL: any */
    int64_t campaign;             /* its tasks and gold only; 0: any */
    const char *gold;             /* whose word is right; NULL: nobody's */
    double reading_speed;         /* characters a second */
    struct pk_progress *progress; /* or NULL */
};

/* Fill a zeroed *out; release it also after an error. One pass over the
 * standing judgments, comparison by comparison. */
PK_NODISCARD int prefdb__agreement(struct prefdb *db,
                                   const struct prefdb__agreement_query *q,
                                   struct prefdb__agreement *out,
                                   struct pk_err *err);
void prefdb__agreement_release(struct prefdb__agreement *a);

/* ---- What to say about a group (agree_report.c) -------------------------- */

/* The coefficients of a report, in its order. */
struct prefdb__coef_kind {
    const char *key, *name;
    struct prefdb__coef (*f)(const struct prefdb__row *rows, size_t n,
                             const struct prefdb__scale *scale,
                             enum prefdb__weights w);
    enum prefdb__weights weights;
    bool strength; /* for the strength scale only */
};
#define PREFDB__COEFS 13
extern const struct prefdb__coef_kind prefdb__coef_kinds[PREFDB__COEFS];
/* Of them, what a summary shows. */
enum {
    PREFDB__C_PERCENT = 0,
    PREFDB__C_ALPHA = 2,
    PREFDB__C_ORDINAL = 3,
    PREFDB__C_AC1 = 7,
    PREFDB__C_AC2 = 8
};

/* Does the group have this scale? */
bool prefdb__has_scale(const struct prefdb__group *g, enum prefdb__scale_id s);
struct prefdb__scale prefdb__scale_of(const struct prefdb__group *g,
                                      enum prefdb__scale_id s);
const char *prefdb__scale_key(enum prefdb__scale_id s);
/* "a, tie, b", "-3..3", ... */
const char *prefdb__scale_levels(const struct prefdb__group *g,
                                 enum prefdb__scale_id s);

/* Every coefficient of a group's scale; those that are not of that scale are
 * PREFDB__NO_OVERLAP. */
PK_NODISCARD int prefdb__coefs(const struct prefdb__group *g,
                               enum prefdb__scale_id s,
                               struct prefdb__coef out[PREFDB__COEFS],
                               struct pk_err *err);

/* Conger's kappa of a group's scale, and that with quadratic weights. Only of
 * a group that kept its raters (`all`): `had`. */
struct prefdb__conger {
    bool had;
    struct prefdb__coef plain, quadratic;
};
PK_NODISCARD int prefdb__group_conger(const struct prefdb__group *g,
                                      enum prefdb__scale_id s,
                                      struct prefdb__conger *out,
                                      struct pk_err *err);

/* One annotator among the others. */
struct prefdb__person {
    uint32_t id;
    struct {
        uint64_t ratings, shared;
        double agree; /* mean share of the others who said the same */
        struct prefdb__coef alpha, ac; /* without this annotator; on strength
                                          both are ordinal */
    } on[PREFDB__SCALES];
};

/* Every named annotator of a group, most judgments first; *out is the
 * caller's. */
PK_NODISCARD int prefdb__people(const struct prefdb__agreement *a,
                                enum prefdb_dimension d,
                                struct prefdb__person **out, size_t *n,
                                struct pk_err *err);

struct prefdb__two {
    uint32_t low, high;
    uint64_t units;
    double same; /* share of equal ratings */
    struct prefdb__coef plain, linear, quadratic;
    struct prefdb__null plain_null, linear_null, quadratic_null;
};

/* Cohen's kappa of every pair of annotators of a group's scale, most units
 * first, and the means over the pairs that have one, weighted by units; *v is
 * the caller's to free. */
struct prefdb__twos {
    struct prefdb__two *v;
    size_t n, cap, defined;
    double plain, linear, quadratic; /* NaN where none is defined */
    struct prefdb__scale scale;
};
PK_NODISCARD int prefdb__twos(struct prefdb__group *g, enum prefdb__scale_id s,
                              struct prefdb__twos *out, struct pk_err *err);

/* How the two forms of the report are written (agree_text.c, agree_json.c). */
struct prefdb__agreement_print {
    const struct prefdb__agreement_query *query;
    const char *store;
    uint64_t people, pairs; /* at most so many rows of each */
};
PK_NODISCARD int prefdb__agreement_text(struct prefdb__agreement *a,
                                        const struct prefdb__agreement_print *p,
                                        struct pk_err *err);
PK_NODISCARD int prefdb__agreement_json(struct prefdb__agreement *a,
                                        const struct prefdb__agreement_print *p,
                                        struct pk_err *err);

#endif
