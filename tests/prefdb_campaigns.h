/* Stores with campaigns, for the suites about them. */
#ifndef PREFKIT_TESTS_PREFDB_CAMPAIGNS_H
#define PREFKIT_TESTS_PREFDB_CAMPAIGNS_H

#include "tests/prefdb_problems.h"

/* n comparisons about prompts of their own; every second of source "even". */
static inline struct prefdb *store_of(const char *name, int n)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store(name);
    struct pk_buf b = PK_BUF_INIT(1 << 22);
    for (int i = 0; i < n; i++)
        pk_buf_addf(&b,
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"Question "
                    "%d?\"}],\"a\":\"yes %d\",\"b\":\"no\",\"source\":"
                    "\"%s\"}\n",
                    i, i, i % 2 ? "odd" : "even");
    ck_ok(import_text(db, "rows.jsonl", b.data, plain_import(NULL), &report,
                      &err));
    pk_buf_release(&b);
    return db;
}

static inline int64_t campaign(struct prefdb *db, int overlap, int64_t seconds)
{
    struct pk_err err;
    struct prefdb_campaign c = {.name = "c",
                                .dimension = PREFDB_HELPFULNESS,
                                .overlap = overlap,
                                .lease_seconds = seconds,
                                .guideline = "v1",
                                .guideline_text = "Be fair."};
    struct prefdb_fill f = {.order = PREFDB_RANDOM, .seed = 3};
    int64_t n;
    ck_ok(prefdb_campaign_put(db, &c, &err));
    ck_ok(prefdb_campaign_fill(db, c.id, &f, &n, &err));
    return c.id;
}

static const struct prefdb_verdict says_a = {.dimension = PREFDB_HELPFULNESS,
                                             .choice = PREFDB_A,
                                             .strength = 2,
                                             .shown_left = PREFDB_B,
                                             .seconds = 4.5,
                                             .note = "n"};

static inline int64_t next(struct prefdb *db, int64_t c, const char *who)
{
    struct pk_err err;
    struct prefdb_task task;
    ck_ok(prefdb_next(db, c, who, &task, &err));
    return task.comparison;
}

static inline int64_t empty_campaign(struct prefdb *db, const char *name)
{
    struct pk_err err;
    struct prefdb_campaign c = {
        .name = name, .overlap = 1, .lease_seconds = 60};
    ck_ok(prefdb_campaign_put(db, &c, &err));
    return c.id;
}

static inline int64_t fill(struct prefdb *db, int64_t c, struct prefdb_fill f)
{
    struct pk_err err;
    int64_t n;
    ck_ok(prefdb_campaign_fill(db, c, &f, &n, &err));
    return n;
}

#endif
