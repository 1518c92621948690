/* PEFT's adapter directories; see lora_file.h. The layout is that of PEFT's
 * save_pretrained for a sequence classifier (or a causal language model): the
 * score head is a module to save, under its own name. */
#include "infer/files/lora_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/out.h"
#include "common/path.h"
#include "infer/files/lora_base.h"
#include "infer/files/model.h"
#include "infer/files/safetensors.h"
#include "infer/text/tokenizer_files.h"

#define CONFIG_MAX ((size_t)1 << 20) /* bytes */

/* ---- Reading the config ---- */

static bool empty(const cJSON *v)
{
    bool list = cJSON_IsArray(v) || cJSON_IsObject(v);
    return !v || cJSON_IsNull(v) || cJSON_IsFalse(v) || (list && !v->child);
}

/* Fields that must be absent, null, false or empty: they change what is
 * computed. */
static int refuse_others(const cJSON *o, const char *path, struct pk_err *err)
{
    static const char *const without[] = {
        "use_dora",       "fan_in_fan_out",      "rank_pattern",
        "alpha_pattern",  "layers_to_transform", "layer_replication",
        "exclude_modules"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, without[i]);
        if (!empty(v))
            return pk_fail(err, PK_EDATA, "%s: \"%s\" is not understood", path,
                           without[i]);
    }
    const cJSON *m,
        *save = cJSON_GetObjectItemCaseSensitive(o, "modules_to_save");
    cJSON_ArrayForEach(m, save)
    {
        if (!cJSON_IsString(m) || (strcmp(m->valuestring, "score") != 0 &&
                                   strcmp(m->valuestring, "classifier") != 0))
            return pk_fail(err, PK_EDATA,
                           "%s: \"modules_to_save\" has more than the score "
                           "head",
                           path);
    }
    return 0;
}

static int need_word(const cJSON *o, const char *key, const char *want,
                     const char *path, struct pk_err *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (cJSON_IsString(v) && strcmp(v->valuestring, want) == 0)
        return 0;
    return pk_fail(err, PK_EDATA, "%s: \"%s\" is not \"%s\"", path, key, want);
}

static int read_targets(const cJSON *o, unsigned *out, const char *path,
                        struct pk_err *err)
{
    const cJSON *m,
        *list = cJSON_GetObjectItemCaseSensitive(o, "target_modules");
    unsigned one;
    *out = 0;
    if (cJSON_IsString(list) && strcmp(list->valuestring, "all-linear") == 0)
        return infer_lora_targets(out, "all", err);
    cJSON_ArrayForEach(m, list)
    {
        if (!cJSON_IsString(m) || strcmp(m->valuestring, "all") == 0 ||
            strchr(m->valuestring, ',') ||
            infer_lora_targets(&one, m->valuestring, err) < 0)
            break;
        *out |= one;
    }
    if (!cJSON_IsArray(list) || m || *out == 0)
        return pk_fail(err, PK_EDATA,
                       "%s: \"target_modules\" is not a list of a Llama's "
                       "matrices",
                       path);
    return 0;
}

static int read_config(const cJSON *o, struct infer_lora_config *out,
                       const char *path, struct pk_err *err)
{
    double rank = 0, alpha = 0, drop = 0;
    const char *base = NULL;
    int rc = need_word(o, "peft_type", "LORA", path, err);
    if (!rc)
        rc = need_word(o, "bias", "none", path, err);
    if (!rc)
        rc = refuse_others(o, path, err);
    if (!rc)
        rc = read_targets(o, &out->lora.targets, path, err);
    if (!rc)
        rc = pk_json_num(o, "r", 0, &rank, err);
    if (!rc)
        rc = pk_json_num(o, "lora_alpha", 0, &alpha, err);
    if (!rc)
        rc = pk_json_num(o, "lora_dropout", 0, &drop, err);
    if (!rc)
        rc = pk_json_need_str(o, "base_model_name_or_path", &base, err);
    if (rc)
        return rc;
    if (!(rank >= 1 && rank <= 1 << 16 && rank == floor(rank)) ||
        !isfinite(alpha) || !(drop >= 0 && drop < 1))
        return pk_fail(err, PK_EDATA,
                       "%s: \"r\", \"lora_alpha\" or \"lora_dropout\" is not "
                       "possible",
                       path);
    /* rsLoRA divides by the root of the rank. */
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "use_rslora")))
        alpha *= sqrt(rank);
    out->lora.rank = (size_t)rank;
    out->lora.alpha = alpha;
    out->lora.dropout = drop;
    out->base = pk_strdup(base);
    return out->base ? 0 : pk_fail_mem(err, "a path");
}

int infer_lora_config_load(struct infer_lora_config *out, const char *path,
                           struct pk_err *err)
{
    cJSON *o;
    *out = (struct infer_lora_config){0};
    int rc = pk_json_load(&o, path, CONFIG_MAX, err);
    if (!rc)
        rc = read_config(o, out, path, err);
    cJSON_Delete(o);
    return rc;
}

int infer_lora_config_open(struct infer_lora_config *out, const char *dir,
                           struct pk_err *err)
{
    char *path;
    *out = (struct infer_lora_config){0};
    int rc = pk_path(&path, dir, "adapter_config.json", err);
    if (!rc)
        rc = infer_lora_config_load(out, path, err);
    if (!rc)
        rc = infer_lora_find_base(&out->base, dir, err);
    if (!rc && infer_lora_present(out->base))
        rc = pk_fail(err, PK_EDATA, "%s: its base %s is itself one of adapters",
                     dir, out->base);
    if (rc) {
        free(out->base);
        out->base = NULL;
    }
    free(path);
    return rc;
}

bool infer_lora_present(const char *dir)
{
    char *path;
    if (pk_path(&path, dir, "adapter_config.json", NULL) < 0)
        return false;
    bool is = access(path, F_OK) == 0;
    free(path);
    return is;
}

/* ---- Reading the tensors ---- */

static int read_tensor(struct infer_params *p, size_t i,
                       const struct infer_safetensors *st, const char *path,
                       struct pk_err *err)
{
    const struct infer_tensor *t = &p->tensor[i];
    const struct infer_stored *s = infer_safetensors_find(st, t->name);
    float *to = p->slab + t->offset;
    if (!s)
        return pk_fail(err, PK_EDATA, "%s: tensor '%s' is missing", path,
                       t->name);
    if (s->dtype == INFER_OTHER || s->ndim != 2 || s->shape[0] != t->rows ||
        s->shape[1] != t->cols)
        return pk_fail(err, PK_EDATA,
                       "%s: tensor '%s' is not (%zu, %zu) numbers of F32, F16 "
                       "or BF16",
                       path, t->name, t->rows, t->cols);
    infer_widen(to, s->data, s->dtype, s->n);
    const struct infer_matrix m = {.f32 = to, .rows = t->rows, .cols = t->cols};
    if (!infer_matrix_finite(&m))
        return pk_fail(err, PK_EDATA,
                       "%s: tensor '%s' holds NaN or infinite weights", path,
                       t->name);
    return 0;
}

static int read_tensors(struct infer_params *p, const char *path,
                        struct pk_err *err)
{
    struct infer_safetensors *st;
    int rc = infer_safetensors_open(&st, path, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < p->n_tensors && !rc; i++)
        rc = read_tensor(p, i, st, path, err);
    if (!rc && infer_safetensors_count(st) != p->n_tensors)
        rc = pk_fail(err, PK_EDATA,
                     "%s: it holds tensors that are none of its adapters'",
                     path);
    infer_safetensors_close(st);
    return rc;
}

/* The config of the base with this head: a score where the adapters' file has
 * one. */
static int adapted_config(struct infer_config *c, const char *dir,
                          const char *base, const char *tensors,
                          struct pk_err *err)
{
    struct infer_safetensors *st;
    struct infer_tokenizer *t = NULL;
    int rc = infer_safetensors_open(&st, tensors, err);
    if (rc)
        return rc;
    bool score =
        infer_safetensors_find(st, "base_model.model.score.weight") != NULL;
    infer_safetensors_close(st);
    if (!score || c->head == INFER_HEAD_SCORE)
        return 0;
    rc = infer_tokenizer_open(&t, infer_tokenizer_present(dir) ? dir : base,
                              err);
    if (!rc)
        infer_config_to_score(c, t);
    infer_tokenizer_close(t);
    return rc;
}

static int adapt(struct infer_model *m, const struct infer_lora_config *l,
                 const char *dir, struct pk_err *err)
{
    struct infer_config c = *infer_model_config(m);
    struct infer_params *p = NULL;
    char *path;
    int rc = pk_path(&path, dir, "adapter_model.safetensors", err);
    if (!rc)
        rc = adapted_config(&c, dir, l->base, path, err);
    if (!rc)
        rc = infer_params_lora(&p, &c, infer_model_weights(m),
                               infer_model_config(m), &l->lora, 0, err);
    if (!rc)
        rc = read_tensors(p, path, err);
    if (!rc)
        rc = infer_model_adapt(m, p, &c, dir, err);
    if (rc)
        infer_params_free(p);
    free(path);
    return rc;
}

int infer_lora_open(struct infer_model **out, const char *dir,
                    const struct infer_open *how, struct pk_err *err)
{
    struct infer_lora_config l;
    *out = NULL;
    int rc = infer_lora_config_open(&l, dir, err);
    if (rc)
        return rc;
    rc = infer_model_open_as(out, l.base, how, err);
    if (!rc)
        rc = infer_lora_check_base(dir, *out, err);
    if (!rc)
        rc = adapt(*out, &l, dir, err);
    if (rc) {
        infer_model_close(*out);
        *out = NULL;
        pk_err_prefix(err, "%s: ", dir);
    }
    free(l.base);
    return rc;
}

/* ---- Writing ---- */

static cJSON *targets_json(unsigned targets)
{
    char text[INFER_LORA_TEXT];
    cJSON *list = cJSON_CreateArray();
    infer_lora_targets_text(targets, text);
    char *rest = text, *name;
    while ((name = strsep(&rest, ",")))
        cJSON_AddItemToArray(list, cJSON_CreateString(name));
    return list;
}

static cJSON *config_json(const struct infer_config *c,
                          const struct infer_lora *l, const char *base)
{
    bool score = c->head == INFER_HEAD_SCORE;
    cJSON *o = cJSON_CreateObject();
    const char *head = "score";
    cJSON *save =
        score ? cJSON_CreateStringArray(&head, 1) : cJSON_CreateNull();
    bool ok =
        cJSON_AddStringToObject(o, "base_model_name_or_path", base) &&
        cJSON_AddStringToObject(o, "bias", "none") &&
        cJSON_AddBoolToObject(o, "fan_in_fan_out", false) &&
        cJSON_AddBoolToObject(o, "inference_mode", true) &&
        cJSON_AddBoolToObject(o, "init_lora_weights", true) &&
        pk_json_add_num(o, "lora_alpha", l->alpha) == 0 &&
        pk_json_add_num(o, "lora_dropout", l->dropout) == 0 &&
        cJSON_AddItemToObject(o, "modules_to_save", save) &&
        cJSON_AddStringToObject(o, "peft_type", "LORA") &&
        pk_json_add_int(o, "r", (long long)l->rank) == 0 &&
        cJSON_AddItemToObject(o, "target_modules", targets_json(l->targets)) &&
        cJSON_AddStringToObject(o, "task_type",
                                score ? "SEQ_CLS" : "CAUSAL_LM") &&
        cJSON_AddBoolToObject(o, "use_dora", false) &&
        cJSON_AddBoolToObject(o, "use_rslora", false);
    if (ok)
        return o;
    cJSON_Delete(o);
    return NULL;
}

static int next_adapter(void *ctx, size_t tensor, size_t from, float *dst,
                        size_t n, struct pk_err *err)
{
    const struct infer_params *p = ctx;
    memcpy(dst, p->slab + p->tensor[tensor].offset + from, n * sizeof *dst);
    (void)err; /* nothing here can fail */
    return 0;
}

int infer_lora_save(const char *dir, const struct infer_config *c,
                    struct infer_params *p, const char *base,
                    struct pk_err *err)
{
    const struct infer_source from = {p, next_adapter};
    char *path = NULL;
    char *whole = realpath(base, NULL); /* found from any folder */
    int rc = whole ? pk_json_save_in(dir, "adapter_config.json",
                                     config_json(c, &p->lora, whole), err)
                   : pk_fail_errno(err, "cannot find '%s'", base);
    free(whole);
    if (!rc)
        rc = pk_path(&path, dir, "adapter_model.safetensors", err);
    if (!rc)
        rc = infer_safetensors_write(path, p->tensor, p->n_tensors, INFER_F32,
                                     &from, err);
    free(path);
    return rc ? rc : infer_tokenizer_save(dir, c, base, err);
}
