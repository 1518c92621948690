/* Labelers' stores, for the suites about a team's work. */
#ifndef PREFKIT_TESTS_PREFDB_TEAM_H
#define PREFKIT_TESTS_PREFDB_TEAM_H

#include "prefdb/team/merge.h"
#include "tests/prefdb_problems.h"

/* n comparisons about prompts `from`.., each judged by `who` (NULL: by none),
 * in a batch and a split (NULL: not stated). */
static inline void add(struct prefdb *db, int from, int n, const char *who,
                       const char *more)
{
    struct pk_err err;
    struct prefdb__report report;
    struct pk_buf b = PK_BUF_INIT(1 << 22);
    for (int i = from; i < from + n; i++) {
        pk_buf_addf(&b,
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"Question "
                    "%d?\"}],\"a\":\"yes %d\",\"b\":\"no\",\"source\":\"s\"%s",
                    i, i, more ? more : "");
        if (who)
            pk_buf_addf(&b,
                        ",\"judgments\":[{\"dimension\":\"helpfulness\","
                        "\"choice\":\"%c\",\"annotator\":\"%s\"}]",
                        "ab"[i % 2], who);
        pk_buf_adds(&b, "}\n");
    }
    ck_ok(import_text(db, "rows.jsonl", b.data, plain_import(NULL), &report,
                      &err));
    pk_buf_release(&b);
}

static inline struct prefdb *store_of(const char *name, int from, int n,
                                      const char *who, const char *more)
{
    struct prefdb *db = new_store(name);
    add(db, from, n, who, more);
    return db;
}

static inline struct prefdb__merged merge(struct prefdb *db, const char *name)
{
    struct pk_err err;
    struct prefdb__merged m;
    ck_ok(prefdb__merge(db, temp_path(name), false, NULL, &m, &err));
    return m;
}

#endif
