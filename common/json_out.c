/* JSON for people and for files: many lines, a newline at the end. */
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/out.h"
#include "common/path.h"
#include "common/version.h"

int pk_json_write(FILE *f, cJSON *j, struct pk_err *err)
{
    char *text = j ? cJSON_Print(j) : NULL;
    cJSON_Delete(j);
    if (!text)
        return pk_fail_mem(err, "JSON");
    fputs(text, f); /* whoever closes the stream sees what went wrong */
    fputc('\n', f);
    cJSON_free(text);
    return 0;
}

int pk_json_save(const char *path, cJSON *j, struct pk_err *err)
{
    struct pk_out *out;
    int rc = pk_out_open(&out, path, err);
    if (rc) {
        cJSON_Delete(j);
        return rc;
    }
    rc = pk_json_write(pk_out_file(out), j, err);
    if (!rc)
        return pk_out_commit(&out, err);
    pk_out_abort(&out);
    return rc;
}

int pk_json_save_in(const char *dir, const char *name, cJSON *j,
                    struct pk_err *err)
{
    char *path;
    int rc = pk_path(&path, dir, name, err);
    if (rc)
        cJSON_Delete(j);
    else
        rc = pk_json_save(path, j, err);
    free(path);
    return rc;
}

cJSON *pk_json_report(const char *schema, const char *store)
{
    cJSON *o = cJSON_CreateObject();
    if (cJSON_AddStringToObject(o, "schema", schema) &&
        cJSON_AddStringToObject(o, "prefkit", PK_VERSION) &&
        cJSON_AddStringToObject(o, "store", store))
        return o;
    cJSON_Delete(o);
    return NULL;
}
