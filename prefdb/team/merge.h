/* Private to prefdb/: another store's rows into this one. */
#ifndef PREFKIT_PREFDB_TEAM_MERGE_H
#define PREFKIT_PREFDB_TEAM_MERGE_H

#include "common/progress.h"
#include "prefdb/store/store.h"

enum prefdb__kind {
    PREFDB__TURNS,
    PREFDB__RESPONSES,
    PREFDB__COMPARISONS,
    PREFDB__JUDGMENTS,
    PREFDB__RATED,
    PREFDB__SCORES,
    PREFDB__IMPORTS,
    PREFDB__KINDS
};

#define PREFDB__CONFLICTS 20 /* kept in words; all are counted */

struct prefdb__merged {
    uint64_t added[PREFDB__KINDS], known[PREFDB__KINDS];
    uint64_t links;      /* of other stores' chains, carried over unchanged */
    uint64_t guidelines; /* texts of versions that were not here */
    uint64_t conflicts;
    char conflict[PREFDB__CONFLICTS][160];
    uint64_t leaks; /* root prompts now in more than one split */
};

/* The texts of campaigns' guidelines, which judgments name, with the settings
 * of campaigns that are not here. A version whose text is another here keeps
 * it, and is a conflict. Within a transaction on db (merge_guidelines.c). */
PK_NODISCARD int prefdb__merge_guidelines(struct prefdb *db,
                                          struct prefdb *from,
                                          struct prefdb__merged *out,
                                          struct pk_err *err);

/* All of the store at `path` or nothing of it, in one transaction. Whatever the
 * order of merges, the content is the same in the end: rows are known by their
 * uids, and where two stores differ about one (its batch, split, extra, score)
 * a rule that knows no order decides, and the conflict is reported. The split
 * that is held out more wins: test, valid, train.
 *
 * The other store is not trusted: it must have exactly our tables, and all of
 * `prefkit check` must pass, or PK_EDATA. A chain of judgments that parts from
 * the one that is here is a conflict; its judgments are then linked to this
 * store's own chain. PK_EUSAGE when both are one file. */
PK_NODISCARD int prefdb__merge(struct prefdb *db, const char *path,
                               bool dry_run, struct pk_progress *progress,
                               struct prefdb__merged *out, struct pk_err *err);

#endif
