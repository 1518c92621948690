/* Private to prefdb/: finding words in prompts and responses. */
#ifndef PREFKIT_PREFDB_STORE_SEARCH_H
#define PREFKIT_PREFDB_STORE_SEARCH_H

#include "common/progress.h"
#include "prefdb/store/record.h"

/* One turn that holds the words. */
struct prefdb__hit {
    int64_t turn, comparison; /* the first comparison that has it */
    enum prefdb_role role;
    bool answer;         /* it is one of the two responses */
    const char *source;  /* of the comparison */
    const char *snippet; /* the words in [brackets] */
};

struct prefdb__search {
    const char *words; /* all of them must be there; "..." is a phrase */
    int role;          /* enum prefdb_role, or -1: any */
    int64_t limit;     /* at most so many hits */
    int (*hit)(void *ctx, const struct prefdb__hit *h, struct pk_err *err);
    void *ctx;
};

/* Best hits first. The index (FTS5) is made on the first search, and brought up
 * to date on each, so that import does not pay for it: the store must be open
 * for writing. PK_EUSAGE when there is no word. */
PK_NODISCARD int prefdb__search(struct prefdb *db,
                                const struct prefdb__search *q,
                                struct pk_progress *progress,
                                struct pk_err *err);

/* Words as an FTS5 query in which nothing but quotes has a meaning: each word
 * becomes a string. Into b; PK_EUSAGE when there is none. */
PK_NODISCARD int prefdb__search_query(const char *words, struct pk_buf *b,
                                      struct pk_err *err);

#endif
