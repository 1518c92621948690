/* What a model is trained on: parts of several pools of pairs. */
#ifndef PREFKIT_RM_DATA_MIX_H
#define PREFKIT_RM_DATA_MIX_H

#include "rm/data/pairs.h"

/* Pairs of a dimension: of one source, or of all that no other pool of that
 * dimension names. */
struct rm_pool {
    enum prefdb_dimension dimension;
    char *source; /* owned, or NULL */
    double part;
    bool of_mix;           /* part of the whole mix; else of the pool */
    uint64_t pairs, drawn; /* set by rm_mix_draw */
    bool short_of;         /* the pool held fewer than asked for */
};

enum { RM_MAX_POOLS = 16 };

struct rm_mix {
    struct rm_pool pool[RM_MAX_POOLS];
    size_t n;
};

/* "helpfulness=1,safety=0.1": all of one, a tenth of the other;
 * "safety=1,helpfulness=10%": all of one, and as much of the other as makes a
 * tenth of the mix; "helpfulness:meta=1,helpfulness=50%": by source.
 * PK_EUSAGE. */
PK_NODISCARD int rm_mix_parse(struct rm_mix *out, const char *text,
                              struct pk_err *err);
void rm_mix_release(struct rm_mix *m);

/* As rm_mix_parse reads it; the caller frees. NULL when out of memory. */
char *rm_mix_text(const struct rm_mix *m);

bool rm_mix_uses(const struct rm_mix *m, enum prefdb_dimension d);

/* Draw from each pool, uniformly and without putting back, and keep what is
 * drawn in its order. Pairs of no pool are not drawn. The same pairs and seed
 * give the same draw. PK_EMEM. */
PK_NODISCARD int rm_mix_draw(struct rm_mix *m, struct rm_pairs *p,
                             uint64_t seed, struct pk_err *err);

#endif
