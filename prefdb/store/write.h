/* Private to prefdb/: records into the store, in one transaction. */
#ifndef PREFKIT_PREFDB_STORE_WRITE_H
#define PREFKIT_PREFDB_STORE_WRITE_H

#include "prefdb/store/keys.h"
#include "prefdb/store/log.h"

/* What became of the records. */
struct prefdb__counts {
    uint64_t comparisons, known; /* new; in the store already */
    uint64_t judgments, repeats; /* new; in the store already, word for word */
    uint64_t unnamed; /* of the repeats: nobody's name is on them, and this
                         writer wrote what they repeat */
    uint64_t contradictory;  /* of the new: the same annotator, or another one
                                without a name, chose otherwise */
    uint64_t empty;          /* comparisons with an empty answer */
    uint64_t single;         /* lone responses, new or known */
    uint64_t ratings, rated; /* of responses: new; in the store already */
    uint64_t unjudged;       /* comparisons of the file without a judgment */
    uint64_t kept; /* known, but the row's batch, split or extra differs: the
                      store's was kept */
    int64_t last;  /* row number of the newest judgment, 0 before it */
    int64_t comparison; /* and of the comparison that came last */
    bool refused; /* PK_EDATA is the record's fault, not a damaged store's */
};

/* Say in the store that it has lone responses: readers look for them only then
 * (store.h). */
PK_NODISCARD int prefdb__mark_singles(struct prefdb *db, struct pk_err *err);

/* How many root prompts are in more than one split (leaks.c). */
PK_NODISCARD int prefdb__leaks(struct prefdb *db, uint64_t *out,
                               struct pk_err *err);

/* ---- Ratings (write_ratings.c) ------------------------------------------- */

struct prefdb__ratings {
    struct prefdb *db;
    sqlite3_stmt *find, *add;
};

/* Release also after an error. */
PK_NODISCARD int prefdb__ratings_open(struct prefdb__ratings *r,
                                      struct prefdb *db, struct pk_err *err);
/* Those of a response with that row number; within a write transaction. */
PK_NODISCARD int prefdb__ratings_put(struct prefdb__ratings *r,
                                     int64_t response,
                                     const struct prefdb__response *x,
                                     const struct prefdb__response_key *k,
                                     struct prefdb__counts *counts,
                                     struct pk_err *err);
void prefdb__ratings_release(struct prefdb__ratings *r);

/* ---- Records --------------------------------------------------------------
 */

struct prefdb__writer;

/* Begins an IMMEDIATE transaction; `together`: rows that are written at a time,
 * 1 to PREFDB__TOGETHER, the more the longer it takes to begin. */
PK_NODISCARD int prefdb__writer_begin(struct prefdb__writer **out,
                                      struct prefdb *db, int together,
                                      struct pk_err *err);

/* Write one record, which may come out with its a and b exchanged. PK_EDATA:
 * the record is bad and nothing of it was written. `source` and `split` (-1:
 * by hash) are for records that do not say. */
PK_NODISCARD int prefdb__writer_put(struct prefdb__writer *w,
                                    struct prefdb__record *r,
                                    const char *source, int split,
                                    struct prefdb__counts *counts,
                                    struct pk_err *err);

/* The same for a record that was checked, has its source and split, and has
 * been through prefdb__keys_of. It and its keys must live until
 * prefdb__writer_flush, as what becomes of them may wait until then. */
PK_NODISCARD int prefdb__writer_put_keyed(struct prefdb__writer *w,
                                          const struct prefdb__record *r,
                                          const struct prefdb__keys *k,
                                          struct prefdb__counts *counts,
                                          struct pk_err *err);

PK_NODISCARD int prefdb__writer_flush(struct prefdb__writer *w,
                                      struct pk_err *err);

/* Append one judgment, checked, on a comparison that is there. *id is its row
 * number. PK_EBUG when it is there word for word. */
PK_NODISCARD int prefdb__writer_judge(struct prefdb__writer *w,
                                      int64_t comparison,
                                      const struct prefdb__judgment *j,
                                      int64_t *id, struct pk_err *err);

/* Either ends the transaction and frees the writer; NULL is fine to abort. */
PK_NODISCARD int prefdb__writer_commit(struct prefdb__writer **slot,
                                       struct pk_err *err);
void prefdb__writer_abort(struct prefdb__writer **slot);

#endif
