/* The base of adapters; see lora_base.h. */
#include "infer/files/lora_base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/path.h"

#define PROVENANCE_MAX ((size_t)1 << 24) /* bytes */

int infer_lora_find_base(char **base, const char *dir, struct pk_err *err)
{
    char *beside;
    if (!*base || **base == '/')
        return 0;
    int rc = pk_path(&beside, dir, *base, err);
    if (rc)
        return rc;
    if (access(beside, F_OK) != 0) {
        free(beside);
        return 0;
    }
    free(*base);
    *base = beside;
    return 0;
}

/* `told`: what prefkit.json says of the base; NULL: nothing. */
static int compare(const char *told, const struct infer_model *base,
                   struct pk_err *err)
{
    char print[65];
    if (!told)
        return 0;
    int rc = infer_model_fingerprint(base, print, err);
    if (rc || strcmp(told, print) == 0)
        return rc;
    return pk_fail(err, PK_EDATA,
                   "its base %s is not the one that it was trained on "
                   "(fingerprint %.12s; its prefkit.json says %.12s)",
                   infer_model_dir(base), print, told);
}

int infer_lora_check_base(const char *dir, const struct infer_model *base,
                          struct pk_err *err)
{
    cJSON *j = NULL;
    char *path;
    const char *told = NULL;
    int rc = pk_path(&path, dir, "prefkit.json", err);
    if (rc)
        return rc;
    if (access(path, F_OK) == 0) {
        rc = pk_json_load(&j, path, PROVENANCE_MAX, err);
        const cJSON *of = cJSON_GetObjectItemCaseSensitive(j, "base");
        if (!rc && of)
            rc = pk_json_str(of, "fingerprint", &told, err);
        if (!rc)
            rc = compare(told, base, err);
    }
    cJSON_Delete(j);
    free(path);
    return rc;
}
