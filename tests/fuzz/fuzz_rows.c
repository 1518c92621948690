/* Arbitrary bytes as a file of rows: JSON lines, an array or CSV (the first
 * byte says how it is named). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefdb/import/infile.h"
#include "tests/fuzz/tempdir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tails[] = {"jsonl", "csv", "txt"};
    char path[64];
    struct prefdb__infile *in;
    struct pk_err err;
    char *row;
    size_t len, rows = 0;
    if (size == 0)
        return 0;
    snprintf(path, sizeof path, "%s/x.%s", tempdir(), tails[data[0] % 3]);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data + 1, 1, size - 1, f) != size - 1 || fclose(f) != 0)
        abort();
    if (prefdb__infile_open(&in, path, &err) < 0)
        abort();
    while (prefdb__infile_next(in, &row, &len, &err) > 0) {
        if (row[len] != 0 || ++rows > size)
            abort();
        (void)prefdb__infile_where(in);
    }
    prefdb__infile_close(in);
    return 0;
}
