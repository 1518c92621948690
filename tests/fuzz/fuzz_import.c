/* Arbitrary bytes as one row of each format: read, checked and written to a
 * store, which keeps nothing of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "prefdb/import/format.h"
#include "prefdb/store/write.h"
#include "tests/fuzz/tempdir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct prefdb *open_store(void)
{
    char path[64];
    struct prefdb *db;
    snprintf(path, sizeof path, "%s/rows.db", tempdir());
    if (prefdb_open(&db, path, PREFDB_CREATE, NULL) < 0)
        abort();
    return db;
}

static void put(struct prefdb *db, struct prefdb__rows *rows)
{
    struct prefdb__counts counts = {0};
    struct prefdb__writer *w;
    struct pk_err err = {0};
    if (prefdb__writer_begin(&w, db, PREFDB__TOGETHER, &err) < 0)
        abort();
    for (size_t i = 0; i < rows->n && i < 8; i++) {
        int rc = prefdb__writer_put(w, &rows->v[i], "fuzz", -1, &counts, &err);
        /* Whatever a format lets through, the schema must take. */
        if (rc != 0 && rc != PK_EDATA)
            abort();
    }
    prefdb__writer_abort(&w);
}

/* The row twice, as some formats want two. */
static void one_format(struct prefdb *db, const struct prefdb__format *f,
                       const char *text, size_t size)
{
    struct prefdb__rows rows = {.dimension = PREFDB_SAFETY};
    struct pk_err err = {0};
    for (int i = 0; i < 2; i++) {
        cJSON *row;
        if (pk_json_parse(&row, text, size, &err) < 0)
            break;
        if (cJSON_IsObject(row) &&
            prefdb__format_read(f, row, &rows, &err) == 0)
            put(db, &rows);
        cJSON_Delete(row);
    }
    prefdb__rows_release(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct prefdb *db;
    const struct prefdb__format *f;
    if (!db)
        db = open_store();
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    for (size_t i = 0; (f = prefdb__format_at(i)); i++)
        one_format(db, f, text, size);
    free(text);
    return 0;
}
