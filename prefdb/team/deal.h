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
    int64_t taken, held_out, leaky; /* leaky: held out already elsewhere */
};

/* The paper's weekly batches (3.2.1 and Figure 25): a part is held out from
 * each as a test set. Whole root prompts are held out, in the order of their
 * hashes, and only those that no other comparison in a training split shares;
 * the rest of the batch becomes training data unless its prompt is held out
 * elsewhere already. One transaction. A batch that is there is added to, and
 * held_out counts what it has. */
PK_NODISCARD int prefdb__batch_fill(struct prefdb *db,
                                    const struct prefdb__batch *b, bool dry_run,
                                    struct prefdb__batched *out,
                                    struct pk_err *err);

struct prefdb__shares {
    unsigned share[3]; /* by enum prefdb_split; their sum is not zero */
    const char *seed;  /* another deal for another seed; "" for none */
};

/* Deal every comparison anew by its root prompt's letters and digits, so that
 * near-identical prompts are in one split. Sources named in `held` (n_held of
 * them) go to test, and every prompt they share with others. Counts by split,
 * and how many moved. */
PK_NODISCARD int prefdb__split(struct prefdb *db,
                               const struct prefdb__shares *s,
                               const char *const *held, size_t n_held,
                               bool dry_run, int64_t counts[3], int64_t *moved,
                               struct pk_err *err);

#endif
