/* What `check` finds in a store: problems, and prompts in two splits. */
#ifndef PREFKIT_TESTS_PREFDB_PROBLEMS_H
#define PREFKIT_TESTS_PREFDB_PROBLEMS_H

#include "prefdb/store/check.h"
#include "tests/prefdb_support.h"

static int found_any, found_leaks;
static inline void on_found(void *ctx, const struct prefdb__found *f)
{
    (void)ctx;
    if (strcmp(f->kind, "split") != 0)
        found_any++;
    else
        found_leaks++;
}

static inline int problems(struct prefdb *db)
{
    struct pk_err err;
    struct prefdb__listener to = {.found = on_found};
    found_any = found_leaks = 0;
    ck_ok(prefdb__check(db, &to, &err));
    return found_any;
}

#endif
