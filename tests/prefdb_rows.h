/* Rows to import, and whether all of a store comes back from its export. */
#ifndef PREFKIT_TESTS_PREFDB_ROWS_H
#define PREFKIT_TESTS_PREFDB_ROWS_H

#include <stdlib.h>

#include "prefdb/export/export.h"
#include "tests/prefdb_support.h"

/* A row of HH-RLHF's, from after the first "Human: ". */
#define HH(chosen, rejected)                                                   \
    "{\"chosen\":\"\\n\\nHuman: " chosen                                       \
    "\",\"rejected\":\"\\n\\nHuman: " rejected "\"}\n"

/* Everything that a row can say. */
static const char full_row[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
    "{\"role\":\"user\",\"content\":\"H\\u00e9 \\\"you\\\"\\t\\u2028\"}],"
    "\"a\":{\"content\":\"first\",\"model\":\"m\",\"temperature\":0.7,"
    "\"top_p\":0.95,\"seed\":9007199254740991,"
    "\"created\":\"2026-01-31T12:00:00Z\",\"cut\":true,"
    "\"extra\":{\"k\":[1,2.5,null]}},\"b\":\"second\",\"source\":\"src\","
    "\"batch\":\"week 1\",\"split\":\"test\",\"extra\":{\"a\":{\"x\":1},"
    "\"z\":0.1},\"judgments\":["
    "{\"annotator\":\"ann\",\"dimension\":\"safety\",\"choice\":\"a\","
    "\"strength\":0,\"label\":\"preferred_unsafe\",\"shown_left\":\"b\","
    "\"seconds\":12.3456789012345,\"note\":\"hm\",\"flags\":[\"spam\",\"x\"],"
    "\"guideline\":\"v2\",\"created\":\"2026-02-01\","
    "\"extra\":{\"b\":2,\"a\":1}},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"tie\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"both_bad\","
    "\"annotator\":\"bob\"},"
    "{\"dimension\":\"helpfulness\",\"choice\":\"b\","
    "\"strength\":\"significantly better\",\"annotator\":\"eve\"}]}\n";

static inline void export_to(struct prefdb *db, const char *path)
{
    struct pk_err err;
    struct prefdb__exported done;
    struct prefdb_query q = {-1, -1, NULL};
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_ok(prefdb__export(db, &q, f, &done, &err));
    ck_assert_int_eq(fclose(f), 0);
}

/* Exported and imported elsewhere: the same content, the same bytes again. */
static inline void ck_round_trip(struct prefdb *db)
{
    struct pk_err err;
    struct prefdb__report *report = calloc(1, sizeof *report);
    struct prefdb *copy = new_store("copy.db");
    char *first = temp_path("first.jsonl"), *second = temp_path("second.jsonl");
    char before[65], after[65];
    export_to(db, first);
    struct prefdb__import o = plain_import(first);
    ck_ok(prefdb__import_file(copy, &o, report, &err));
    export_to(copy, second);
    ck_ok(prefdb_fingerprint(db, before, &err));
    ck_ok(prefdb_fingerprint(copy, after, &err));
    ck_assert_str_eq(before, after);
    char *x = read_file(first, NULL), *y = read_file(second, NULL);
    ck_assert_str_eq(x, y);
    free(x);
    free(y);
    free(report);
    prefdb_close(copy);
}

#endif
