/* Private to prefdb/: one annotator's call at the desk where a campaign's tasks
 * are handed out and judgments taken in (lease.c, submit.c). A call is one
 * IMMEDIATE transaction, so what it finds is what it changes. */
#ifndef PREFKIT_PREFDB_TEAM_DESK_H
#define PREFKIT_PREFDB_TEAM_DESK_H

#include "prefdb/team/campaign.h"

/* One call under way. */
struct prefdb__desk {
    struct prefdb *db;
    struct prefdb_campaign c; /* its texts: only until the next statement */
    const char *annotator;
    int64_t now;
};

/* Who has said something about a task, and who has it in hand. */
struct prefdb__taken {
    int64_t judged, held; /* by others; held: not judged by the holder */
    bool mine, skipped, in_hand;
    bool gold; /* judged by the gold annotator: it is nobody's task any more */
};

/* Within a transaction: leases that have run out go; those of repeats, which
 * keep nothing from anybody, stay. */
PK_NODISCARD int prefdb__desk_open(struct prefdb__desk *d, struct prefdb *db,
                                   int64_t campaign, const char *annotator,
                                   struct pk_err *err);

/* Up to four numbers in the first row of a query, whose parameters are n[] and
 * then the annotator. 1: there is one. */
PK_NODISCARD int prefdb__desk_row(struct prefdb__desk *d, const char *sql,
                                  const int64_t *n, size_t n_in, int64_t *out,
                                  size_t n_out, struct pk_err *err);

PK_NODISCARD int prefdb__desk_look(struct prefdb__desk *d, int64_t comparison,
                                   struct prefdb__taken *t, struct pk_err *err);
/* How far the annotator is. */
struct prefdb__place {
    int64_t position, judged, skipped;
};
PK_NODISCARD int prefdb__desk_place(struct prefdb__desk *d,
                                    struct prefdb__place *out,
                                    struct pk_err *err);

/* 1: it is time for a gold pair or a repeat, and *comparison is one (blind.c);
 * `n` pairs have been dealt with. */
PK_NODISCARD int prefdb__desk_blind(struct prefdb__desk *d, int64_t n,
                                    int64_t *comparison, struct pk_err *err);

PK_NODISCARD int prefdb__desk_done(struct prefdb__desk *d, int64_t comparison,
                                   struct pk_err *err);
/* The task is to be found again by one annotator, or by all (NULL). */
PK_NODISCARD int prefdb__desk_rewind(struct prefdb__desk *d, int64_t comparison,
                                     const char *annotator, struct pk_err *err);
PK_NODISCARD int prefdb__desk_drop_lease(struct prefdb__desk *d,
                                         int64_t comparison,
                                         struct pk_err *err);

#endif
