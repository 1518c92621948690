/* JSON against its schema, for tests/cli/schemas.sh, which runs it in the
 * repository.
 *
 *     schema_check SCHEMA FILE
 *
 * FILE holds one document, or one a line. Status 1 with a line on standard
 * error for what does not match, or where there is nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "tests/schema.h"

static bool check(cJSON *doc, const char *schema, const char *where)
{
    char why[512];
    bool ok = schema_matches(doc, schema, why);
    if (!ok)
        fprintf(stderr, "%s: %s: %s\n", where, schema, why);
    cJSON_Delete(doc);
    return ok;
}

static int check_lines(const char *schema, const char *path)
{
    struct pk_lines *in;
    struct pk_err err;
    cJSON *doc;
    char *line;
    size_t len, n = 0;
    bool ok = true;
    int rc = pk_lines_open(&in, path, &err);
    while (!rc && (rc = pk_lines_next(in, &line, &len, &err)) > 0) {
        rc = pk_json_parse(&doc, line, len, &err);
        n++;
        ok = !rc && check(doc, schema, pk_lines_where(in)) && ok;
    }
    pk_lines_close(in);
    if (rc)
        fprintf(stderr, "%s: %s\n", path, err.text);
    else if (!n)
        fprintf(stderr, "%s: empty\n", path);
    return rc || !n || !ok;
}

int main(int argc, char **argv)
{
    struct pk_err err;
    cJSON *doc;
    if (argc != 3) {
        fputs("usage: schema_check SCHEMA FILE\n", stderr);
        return 2;
    }
    if (pk_json_load(&doc, argv[2], (size_t)64 << 20, &err) == 0)
        return !check(doc, argv[1], argv[2]);
    return check_lines(argv[1], argv[2]);
}
