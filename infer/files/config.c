/* config.json, both ways; see config.h and the Hugging Face documentation of
 * LlamaConfig. */
#include "infer/files/config.h"

#include <string.h>

#include "common/json.h"
#include "common/out.h"
#include "infer/math/rope.h"

#define CONFIG_MAX ((size_t)4 << 20) /* bytes */

struct infer_dims infer_dims_of(const struct infer_config *c)
{
    return (struct infer_dims){.one = 1,
                               .c = c->dim,
                               .q = c->heads * c->head_dim,
                               .kv = c->kv_heads * c->head_dim,
                               .f = c->hidden};
}

void infer_config_to_score(struct infer_config *c,
                           const struct infer_tokenizer *t)
{
    const int32_t end = infer_tokenizer_eos(t);
    c->head = INFER_HEAD_SCORE;
    c->tied = false;
    if (c->eos < 0)
        c->eos = end;
    if (end >= 0 && !infer_config_ends(c, end) &&
        c->n_more_eos < INFER_MORE_EOS)
        c->more_eos[c->n_more_eos++] = end;
    if (c->pad < 0 || infer_config_ends(c, c->pad))
        c->pad = infer_tokenizer_pad(t);
}

int infer_config_check_read_out(const struct infer_config *c, int32_t closing,
                                struct pk_err *err)
{
    if (c->head != INFER_HEAD_SCORE || c->read_out != INFER_READ_UNSAID ||
        c->pad < 0 || !(infer_config_ends(c, c->pad) || c->pad == closing))
        return 0;
    return pk_fail(err, PK_EDATA,
                   "pad_token_id equals the end-of-sequence token (%d): where "
                   "a score is read would depend on the program that reads it; "
                   "set pad_token_id to another token, or say --read-out eos "
                   "or before-eos",
                   (int)c->pad);
}

int infer_config_check(const struct infer_config *c, struct pk_err *err)
{
    if (c->heads % c->kv_heads)
        return pk_fail(err, PK_EDATA,
                       "%zu attention heads can't share %zu key/value heads",
                       c->heads, c->kv_heads);
    if (c->head_dim % 2)
        return pk_fail(err, PK_EDATA,
                       "head_dim %zu is odd: rotary embedding needs pairs",
                       c->head_dim);
    int rc = infer_config_check_read_out(c, -1, err);
    if (rc)
        return rc;
    int32_t special[3 + INFER_MORE_EOS] = {c->bos, c->eos, c->pad};
    memcpy(special + 3, c->more_eos, c->n_more_eos * sizeof *special);
    for (size_t i = 0; i < 3 + c->n_more_eos; i++)
        if (special[i] >= 0 && (size_t)special[i] >= c->vocab)
            return pk_fail(err, PK_EDATA,
                           "a special token's id is %d, but vocab_size is %zu",
                           (int)special[i], c->vocab);
    return 0;
}

bool infer_config_ends(const struct infer_config *c, int32_t id)
{
    for (size_t i = 0; i < c->n_more_eos; i++)
        if (c->more_eos[i] == id)
            return true;
    return id >= 0 && id == c->eos;
}

size_t infer_read_length(const struct infer_config *c, const int32_t *ids,
                         size_t n)
{
    if (c->read_out == INFER_READ_BEFORE_EOS)
        while (n > 1 && ids[n - 1] == c->pad)
            n--;
    return n;
}

int infer_read_out_parse(enum infer_read_out *out, const char *text,
                         struct pk_err *err)
{
    if (strcmp(text, "eos") == 0)
        *out = INFER_READ_EOS;
    else if (strcmp(text, "before-eos") == 0)
        *out = INFER_READ_BEFORE_EOS;
    else
        return pk_fail(err, PK_EUSAGE,
                       "a score is read at eos or before-eos, not at '%s'",
                       text);
    return 0;
}

/* ---- Reading ---- */

struct reader {
    const cJSON *json;
    struct pk_err *err;
    int rc; /* the first error stays */
};

/* A whole number in [min, max]; `fallback` when absent (0: it must be there).
 */
static size_t get_size(struct reader *r, const char *key, size_t fallback,
                       size_t max)
{
    double v;
    if (r->rc)
        return 1;
    r->rc = pk_json_num(r->json, key, (double)fallback, &v, r->err);
    if (r->rc)
        return 1;
    if (!(v >= 1 && v <= (double)max) || v != (double)(size_t)v) {
        r->rc =
            pk_fail(r->err, PK_EDATA,
                    "\"%s\" must be a whole number from 1 to %zu", key, max);
        return 1;
    }
    return (size_t)v;
}

static double get_double(struct reader *r, const cJSON *obj, const char *key,
                         double fallback)
{
    double v = fallback;
    if (!r->rc)
        r->rc = pk_json_num(obj, key, fallback, &v, r->err);
    if (!r->rc && !(v > 0))
        r->rc = pk_fail(r->err, PK_EDATA, "\"%s\" must be above 0", key);
    return v;
}

/* A token id, -1 when absent. */
static int32_t to_id(struct reader *r, const cJSON *v, const char *key)
{
    if (r->rc || !v || cJSON_IsNull(v))
        return -1;
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= -1) ||
        !(v->valuedouble < 0x1p31) ||
        v->valuedouble != (double)(int32_t)v->valuedouble) {
        r->rc = pk_fail(r->err, PK_EDATA, "\"%s\" is not a token id", key);
        return -1;
    }
    return (int32_t)v->valuedouble;
}

static int32_t get_id(struct reader *r, const char *key)
{
    return to_id(r, cJSON_GetObjectItemCaseSensitive(r->json, key), key);
}

/* One id, or a list of them (Llama 3 lists all that end a generation). */
static void get_eos(struct reader *r, struct infer_config *c)
{
    static const char key[] = "eos_token_id";
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(r->json, key);
    if (!cJSON_IsArray(v)) {
        c->eos = to_id(r, v, key);
        return;
    }
    const int n = cJSON_GetArraySize(v);
    if (!r->rc && n > INFER_MORE_EOS + 1)
        r->rc = pk_fail(r->err, PK_EDATA, "\"%s\" lists more than %d ids", key,
                        INFER_MORE_EOS + 1);
    c->eos = to_id(r, cJSON_GetArrayItem(v, 0), key);
    for (int i = 1; !r->rc && i < n; i++) {
        int32_t id = to_id(r, cJSON_GetArrayItem(v, i), key);
        if (id >= 0 && !infer_config_ends(c, id))
            c->more_eos[c->n_more_eos++] = id;
    }
}

static bool get_true(struct reader *r, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(r->json, key);
    if (!r->rc && v && !cJSON_IsNull(v) && !cJSON_IsBool(v))
        r->rc = pk_fail(r->err, PK_EDATA, "\"%s\" is not true or false", key);
    return cJSON_IsTrue(v);
}

static void need_string(struct reader *r, const char *key, const char *want)
{
    const char *s = NULL;
    if (r->rc)
        return;
    r->rc = pk_json_str(r->json, key, &s, r->err);
    if (!r->rc && s && strcmp(s, want) != 0)
        r->rc = pk_fail(r->err, PK_EDATA,
                        "\"%s\" is \"%.60s\"; only \"%s\" can be run", key, s,
                        want);
}

static enum infer_head get_head(struct reader *r)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(r->json, "architectures");
    const cJSON *first = cJSON_GetArrayItem(a, 0);
    const char *name = cJSON_IsString(first) ? first->valuestring : "(none)";
    if (strcmp(name, "LlamaForSequenceClassification") == 0)
        return INFER_HEAD_SCORE;
    if (!r->rc && strcmp(name, "LlamaForCausalLM") != 0)
        r->rc = pk_fail(r->err, PK_EDATA,
                        "\"architectures\" names %.60s; LlamaForCausalLM and "
                        "LlamaForSequenceClassification can be run",
                        name);
    return INFER_HEAD_LM;
}

/* What would change the numbers and is not computed here is refused. */
static void refuse_variants(struct reader *r)
{
    need_string(r, "model_type", "llama");
    need_string(r, "hidden_act", "silu");
    if (get_true(r, "attention_bias") || get_true(r, "mlp_bias"))
        if (!r->rc)
            r->rc = pk_fail(r->err, PK_EDATA,
                            "biases (attention_bias, mlp_bias) can't be run");
    const cJSON *part =
        cJSON_GetObjectItemCaseSensitive(r->json, "partial_rotary_factor");
    if (!r->rc && cJSON_IsNumber(part) && part->valuedouble != 1)
        r->rc = pk_fail(r->err, PK_EDATA,
                        "\"partial_rotary_factor\" %g can't be run",
                        part->valuedouble);
}

static int read_config(struct infer_config *c, const cJSON *json,
                       enum infer_read_out read_out, struct pk_err *err)
{
    struct reader r = {.json = json, .err = err};
    if (!cJSON_IsObject(json))
        return pk_fail(err, PK_EDATA, "not a JSON object");
    *c = (struct infer_config){.head = get_head(&r), .read_out = read_out};
    refuse_variants(&r);
    c->dim = get_size(&r, "hidden_size", 0, 1 << 17);
    c->layers = get_size(&r, "num_hidden_layers", 0, 1 << 12);
    c->heads = get_size(&r, "num_attention_heads", 0, 1 << 12);
    c->kv_heads = get_size(&r, "num_key_value_heads", c->heads, c->heads);
    c->head_dim = get_size(&r, "head_dim", c->dim / c->heads, 1 << 12);
    c->hidden = get_size(&r, "intermediate_size", 0, 1 << 19);
    c->vocab = get_size(&r, "vocab_size", 0, 1 << 24);
    c->max_positions =
        get_size(&r, "max_position_embeddings", 2048, (size_t)1 << 24);
    c->norm_eps = get_double(&r, json, "rms_norm_eps", 1e-6);
    if (!r.rc)
        r.rc = infer_rope_read(c, json, err);
    c->bos = get_id(&r, "bos_token_id");
    get_eos(&r, c);
    c->pad = get_id(&r, "pad_token_id");
    c->tied = get_true(&r, "tie_word_embeddings") && c->head == INFER_HEAD_LM;
    return r.rc ? r.rc : infer_config_check(c, err);
}

int infer_config_load(struct infer_config *c, const char *path,
                      enum infer_read_out read_out, struct pk_err *err)
{
    cJSON *json;
    int rc = pk_json_load(&json, path, CONFIG_MAX, err);
    if (rc)
        return rc;
    rc = read_config(c, json, read_out, err);
    cJSON_Delete(json);
    return rc ? pk_err_prefix(err, "%s: ", path) : 0;
}

/* ---- Writing ---- */

static void add_id(cJSON *j, const char *key, int32_t id)
{
    if (id >= 0)
        pk_json_add_int(j, key, id);
    else
        cJSON_AddNullToObject(j, key);
}

static void add_eos(cJSON *j, const struct infer_config *c)
{
    if (c->n_more_eos == 0) {
        add_id(j, "eos_token_id", c->eos);
        return;
    }
    cJSON *list = cJSON_AddArrayToObject(j, "eos_token_id");
    cJSON_AddItemToArray(list, cJSON_CreateNumber(c->eos));
    for (size_t i = 0; i < c->n_more_eos; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(c->more_eos[i]));
}

/* What transformers, vLLM and TRL need to see one output and no sigmoid
 * (reference: LlamaForSequenceClassification; id2label's length is the number
 * of outputs, and "regression" means the raw score). */
static void add_score_fields(cJSON *j)
{
    cJSON *labels = cJSON_AddObjectToObject(j, "id2label");
    cJSON_AddStringToObject(labels, "0", "LABEL_0");
    labels = cJSON_AddObjectToObject(j, "label2id");
    pk_json_add_int(labels, "LABEL_0", 0);
    cJSON_AddStringToObject(j, "problem_type", "regression");
}

static cJSON *to_json(const struct infer_config *c, enum infer_dtype dtype)
{
    bool score = c->head == INFER_HEAD_SCORE;
    cJSON *j = cJSON_CreateObject();
    cJSON *a = cJSON_AddArrayToObject(j, "architectures");
    cJSON_AddItemToArray(
        a, cJSON_CreateString(score ? "LlamaForSequenceClassification"
                                    : "LlamaForCausalLM"));
    cJSON_AddStringToObject(j, "model_type", "llama");
    const struct {
        const char *key;
        size_t value;
    } sizes[] = {{"hidden_size", c->dim},
                 {"intermediate_size", c->hidden},
                 {"num_hidden_layers", c->layers},
                 {"num_attention_heads", c->heads},
                 {"num_key_value_heads", c->kv_heads},
                 {"head_dim", c->head_dim},
                 {"vocab_size", c->vocab},
                 {"max_position_embeddings", c->max_positions}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        pk_json_add_int(j, sizes[i].key, (long long)sizes[i].value);
    cJSON_AddStringToObject(j, "hidden_act", "silu");
    pk_json_add_num(j, "rms_norm_eps", c->norm_eps);
    infer_rope_write(c, j);
    cJSON_AddFalseToObject(j, "attention_bias");
    cJSON_AddFalseToObject(j, "mlp_bias");
    cJSON_AddBoolToObject(j, "tie_word_embeddings", c->tied);
    add_id(j, "bos_token_id", c->bos);
    add_eos(j, c);
    add_id(j, "pad_token_id", c->pad);
    if (score)
        add_score_fields(j);
    pk_json_add_num(j, "initializer_range", 0.02);
    cJSON_AddStringToObject(j, "torch_dtype",
                            dtype == INFER_BF16 ? "bfloat16" : "float32");
    cJSON_AddBoolToObject(j, "use_cache", !score);
    return j;
}

int infer_config_save(const struct infer_config *c, enum infer_dtype dtype,
                      const char *path, struct pk_err *err)
{
    return pk_json_save(path, to_json(c, dtype), err);
}
