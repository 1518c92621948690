/* Private to prefdb/store/write*.c: the writer of records, and the statements
 * that its parts share. */
#ifndef PREFKIT_PREFDB_STORE_WRITER_H
#define PREFKIT_PREFDB_STORE_WRITER_H

#include "prefdb/store/write.h"

enum prefdb__query {
    FIND_ROOT,
    FIND_TURN,
    FIND_RESPONSE,
    FIND_COMPARISON,
    FIND_JUDGMENT,
    FIND_OTHER,
    FIND_OLD,
    N_QUERIES
};

/* The tables whose rows the writer numbers, a table after those that it refers
 * to. */
enum prefdb__table { TURNS, RESPONSES, COMPARISONS, JUDGMENTS, N_TABLES };

/* A row that is or is about to be: its number and its uid. One that this very
 * record has added is fresh: nothing hangs on it yet, so that what comes under
 * it need not be looked for. */
struct prefdb__ref {
    int64_t id;
    uint8_t uid[PREFDB__UID];
    bool fresh;
};

struct prefdb__writer {
    struct prefdb *db;
    sqlite3_stmt *q[N_QUERIES];
    /* Rows that wait to be written, and each table's last number. What they
     * were made of must live until prefdb__writer_flush. */
    struct prefdb__insert add[N_TABLES];
    uint8_t waiting[N_TABLES][PREFDB__TOGETHER][PREFDB__UID]; /* their uids */
    int64_t last[N_TABLES];
    int64_t before; /* the last judgment's number when the writer began */
    struct prefdb__log log;
    struct prefdb__ratings ratings;
    struct prefdb__keys keys; /* of prefdb__writer_put */
    bool has_single; /* the store is marked as one with lone responses */
    /* The turns of the last context written: in the next record, what begins
     * alike need not be looked up. */
    struct prefdb__ref *path;
    size_t n_path, cap_path;
    /* And the turns of its answers, under the last of them: a dialogue that is
     * judged at every turn goes on with one. */
    struct prefdb__ref said[2];
    size_t n_said;
};

/* Run a FIND query, bound but for the uid: 1 and the row's number, or 0.
 * `flag`, if any, is its second column. It sees the rows that wait: they are
 * written first where one of them has that uid, or the query asks for none
 * (NULL). */
PK_NODISCARD int prefdb__writer_find(struct prefdb__writer *w,
                                     enum prefdb__query i, const uint8_t *uid,
                                     int64_t *id, bool *flag,
                                     struct pk_err *err);
/* A new row of the table: its statement, the number before its first parameter,
 * and its own number, which is bound to that, as its uid is to the next. */
PK_NODISCARD int prefdb__writer_add(struct prefdb__writer *w,
                                    enum prefdb__table t, const uint8_t *uid,
                                    sqlite3_stmt **s, int *at, int64_t *id,
                                    struct pk_err *err);

/* One judgment on a comparison; on a fresh one there is none yet. */
PK_NODISCARD int prefdb__put_judgment(struct prefdb__writer *w,
                                      const struct prefdb__judgment *j,
                                      const struct prefdb__judgment_key *key,
                                      const struct prefdb__ref *comparison,
                                      struct prefdb__counts *counts,
                                      struct pk_err *err);

#endif
