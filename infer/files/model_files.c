/* A model directory's safetensors; see model_files.h. */
#include "infer/files/model_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/path.h"
#include "infer/text/tokenizer_files.h"

#define INDEX_MAX ((size_t)64 << 20) /* bytes */

static const char one_file[] = "model.safetensors";
static const char index_file[] = "model.safetensors.index.json";

static int add_shard(struct infer_model_files *f, const char *name,
                     struct pk_err *err)
{
    for (size_t i = 0; i < f->n_shards; i++)
        if (strcmp(f->shard[i].name, name) == 0)
            return 0;
    if (strchr(name, '/'))
        return pk_fail(err, PK_EDATA,
                       "%s: the index names '%.200s', which is not a file of "
                       "this directory",
                       f->dir, name);
    struct infer_shard *s = realloc(f->shard, (f->n_shards + 1) * sizeof *s);
    if (!s)
        return pk_fail_mem(err, "a shard");
    f->shard = s;
    s += f->n_shards;
    *s = (struct infer_shard){.name = pk_strdup(name)};
    if (!s->name)
        return pk_fail_mem(err, "a shard");
    f->n_shards++;
    char *path;
    int rc = pk_path(&path, f->dir, name, err);
    if (!rc)
        rc = infer_safetensors_open(&s->file, path, err);
    free(path);
    return rc;
}

static int open_index(struct infer_model_files *f, const char *path,
                      struct pk_err *err)
{
    cJSON *index;
    int rc = pk_json_load(&index, path, INDEX_MAX, err);
    if (rc)
        return rc;
    f->weight_map =
        cJSON_DetachItemFromObjectCaseSensitive(index, "weight_map");
    cJSON_Delete(index);
    if (!cJSON_IsObject(f->weight_map))
        return pk_fail(err, PK_EDATA, "%s: \"weight_map\" is missing", path);
    const cJSON *e;
    cJSON_ArrayForEach(e, f->weight_map)
    {
        if (!cJSON_IsString(e))
            return pk_fail(err, PK_EDATA, "%s: \"%.200s\" names no file", path,
                           e->string);
        if ((rc = add_shard(f, e->valuestring, err)) < 0)
            return rc;
    }
    return 0;
}

/* transformers reads the one file where there are shards beside it, vLLM the
 * index. */
static int refuse_both(const struct infer_model_files *f, struct pk_err *err)
{
    char *path;
    struct stat st;
    if (f->n_shards == 1 && strcmp(f->shard[0].name, one_file) == 0)
        return 0;
    int rc = pk_path(&path, f->dir, one_file, err);
    if (!rc && stat(path, &st) == 0)
        rc = pk_fail(err, PK_EDATA,
                     "%s holds %s and, by %s, shards too: programs differ in "
                     "which they read; remove what is not meant",
                     f->dir, one_file, index_file);
    free(path);
    return rc;
}

int infer_model_files_open(struct infer_model_files *f, const char *dir,
                           struct pk_err *err)
{
    char *path;
    struct stat st;
    f->dir = dir;
    int rc = pk_path(&path, dir, index_file, err);
    if (rc)
        return rc;
    bool sharded = stat(path, &st) == 0;
    rc = sharded ? open_index(f, path, err) : add_shard(f, one_file, err);
    free(path);
    return rc || !sharded ? rc : refuse_both(f, err);
}

const struct infer_stored *
infer_model_files_find(const struct infer_model_files *f, const char *name)
{
    if (!f->weight_map)
        return infer_safetensors_find(f->shard[0].file, name);
    const cJSON *e = cJSON_GetObjectItemCaseSensitive(f->weight_map, name);
    for (size_t i = 0; e && i < f->n_shards; i++)
        if (strcmp(f->shard[i].name, e->valuestring) == 0)
            return infer_safetensors_find(f->shard[i].file, name);
    return NULL;
}

void infer_model_files_close(struct infer_model_files *f)
{
    for (size_t i = 0; i < f->n_shards; i++) {
        infer_safetensors_close(f->shard[i].file);
        free(f->shard[i].name);
    }
    free(f->shard);
    cJSON_Delete(f->weight_map);
    *f = (struct infer_model_files){0};
}
