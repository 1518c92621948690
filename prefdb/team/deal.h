/* Private to prefdb/: comparisons into weekly batches, and into splits. */
#ifndef PREFKIT_PREFDB_TEAM_DEAL_H
#define PREFKIT_PREFDB_TEAM_DEAL_H

#include "prefdb/store/record.h"

/* Which comparisons become a batch: those of no batch yet, in the order in
 * which they came. */
struct prefdb__batch {
    const char *name;
    const char *source; /* NULL: any */
    int64_t size;       /* at most so many comparisons; 0: all */
    int64_t held_out;   /* of them, so many into the test split */
};

struct prefdb__batched {
    int64_t taken, held_out;
    int64_t leaky; /* of those held out, the ones that were, or whose prompt was
                      elsewhere */
    int64_t valid; /* in the valid split, and left there */
};

/* The paper's weekly batches (3.2.1 and Figure 25): a part is held out from
 * each as a test set. Whole root prompts are held out, in the order of their
 * hashes, and only those that no other comparison in a training split shares;
 * the rest of the batch becomes training data unless its prompt is held out
 * elsewhere already. What is for testing or validation already stays so, and
 * counts. PK_EUSAGE for a source that is not there. One transaction. A batch
 * that is there is added to, and held_out counts what it has. */
PK_NODISCARD int prefdb__batch_fill(struct prefdb *db,
                                    const struct prefdb__batch *b, bool dry_run,
                                    struct prefdb__batched *out,
                                    struct pk_err *err);

struct prefdb__shares {
    unsigned share[3]; /* by enum prefdb_split; their sum is not zero */
    const char *seed;  /* another deal for another seed; "" for none */
    bool all;          /* also sources that are for testing alone */
};

struct prefdb__dealt {
    int64_t split[3]; /* comparisons in each */
    int64_t moved;
    int64_t kept; /* of sources that were in test alone, and stay there */
};

/* Deal every comparison anew by its root prompt's letters and digits, so that
 * near-identical prompts are in one split. Sources named in `held` (n_held of
 * them; PK_EUSAGE for one that is not there) go to test, and every prompt they
 * share with others; so do those that are in test alone, unless `all` are to be
 * dealt. */
PK_NODISCARD int prefdb__split(struct prefdb *db,
                               const struct prefdb__shares *s,
                               const char *const *held, size_t n_held,
                               bool dry_run, struct prefdb__dealt *out,
                               struct pk_err *err);

#endif
