/* What the suites of prefdb share. */
#ifndef PREFKIT_TESTS_PREFDB_SUPPORT_H
#define PREFKIT_TESTS_PREFDB_SUPPORT_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prefdb/import/import.h"
#include "tests/support.h"

/* A new store, open for writing. */
static inline struct prefdb *new_store(const char *name)
{
    struct pk_err err;
    struct prefdb *db;
    char *path = temp_path(name);
    unlink(path); /* of an earlier test, without CK_FORK */
    ck_ok(prefdb_open(&db, path, PREFDB_CREATE, &err));
    return db;
}

/* Options that leave everything to the file. */
static inline struct prefdb__import plain_import(const char *path)
{
    return (struct prefdb__import){.path = path, .dimension = -1, .split = -1};
}

/* Import a text, written to a file called `name`. */
static inline int import_text(struct prefdb *db, const char *name,
                              const char *text, struct prefdb__import o,
                              struct prefdb__report *report, struct pk_err *err)
{
    o.path = temp_path(name);
    write_file(o.path, text, strlen(text));
    return prefdb__import_file(db, &o, report, err);
}

/* A dialogue judged at both of its turns: by nobody in particular for safety,
 * by ann for helpfulness. */
static const char two_rows[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"a\":\"x\","
    "\"b\":\"y\",\"source\":\"s\",\"judgments\":[{\"dimension\":\"safety\","
    "\"choice\":\"a\",\"strength\":3,\"label\":\"both_safe\"}]}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
    "{\"role\":\"assistant\",\"content\":\"x\"},"
    "{\"role\":\"user\",\"content\":\"And?\"}],\"a\":\"p\",\"b\":\"q\","
    "\"source\":\"s\",\"judgments\":[{\"dimension\":\"helpfulness\","
    "\"choice\":\"b\",\"annotator\":\"ann\"}]}\n";

static inline struct prefdb *dialogue_store(const char *name)
{
    struct pk_err err;
    struct prefdb__report report;
    struct prefdb *db = new_store(name);
    ck_ok(import_text(db, "two.jsonl", two_rows, plain_import(NULL), &report,
                      &err));
    ck_assert_uint_eq(report.counts.comparisons, 2);
    return db;
}

/* The one number that a query gives. */
static inline int64_t number(struct prefdb *db, const char *sql)
{
    struct pk_err err;
    int64_t n;
    ck_ok(prefdb__int(db, sql, -1, &n, &err));
    return n;
}

#define ck_text(turn, want)                                                    \
    do {                                                                       \
        ck_assert_uint_eq((turn).len, strlen(want));                           \
        ck_assert_str_eq((turn).text, want);                                   \
    } while (0)

#endif
