/* Arbitrary bytes as a store that somebody sent: whatever opens is read in all
 * the ways that reading verbs have. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "prefdb/export/export.h"
#include "prefdb/stats/agreement.h"
#include "prefdb/stats/stats.h"
#include "prefdb/store/check.h"
#include "tests/fuzz/tempdir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_examples(struct prefdb *db, struct pk_err *err)
{
    struct prefdb_query all = {-1, -1, NULL};
    struct prefdb_example x;
    int64_t *ids;
    size_t n;
    if (prefdb_list(db, &all, &ids, &n, err) < 0)
        return;
    for (size_t i = 0; i < n && i < 16; i++)
        if (prefdb_get(db, ids[i], &x, err) == 0 && x.context[0].text == NULL)
            abort();
    free(ids);
}

static void read_all(struct prefdb *db, struct pk_err *err)
{
    const struct prefdb__listener to = {0};
    struct prefdb_query all = {-1, -1, NULL};
    struct prefdb__agreement_query q = {.dimension = -1, .reading_speed = 30};
    struct prefdb__agreement agreement = {0};
    struct prefdb__stats stats = {0};
    struct prefdb__exported done;
    struct prefdb_attribute *attributes;
    char print[65];
    size_t n;
    FILE *null = fopen("/dev/null", "wb");
    if (!null)
        abort();
    (void)!prefdb__check(db, &to, err);
    (void)!prefdb_fingerprint(db, print, err);
    (void)!prefdb__stats(db, &(struct prefdb__units){0}, &stats, err);
    (void)!prefdb__agreement(db, &q, &agreement, err);
    (void)!prefdb__export(db, &all, null, &done, err);
    if (prefdb_attributes(db, &attributes, &n, err) == 0)
        prefdb_attributes_free(attributes, n);
    read_examples(db, err);
    prefdb__stats_release(&stats);
    prefdb__agreement_release(&agreement);
    fclose(null);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    struct prefdb *db;
    struct pk_err err;
    for (size_t i = sizeof tails / sizeof *tails; i-- > 0;) {
        snprintf(path, sizeof path, "%s/x.db%s", tempdir(), tails[i]);
        unlink(path);
    }
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
    if (prefdb_open(&db, path, PREFDB_READ, &err) == 0)
        read_all(db, &err);
    prefdb_close(db);
    return 0;
}
