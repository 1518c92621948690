/* A GGUF file of architecture "llama" as our config and weights. Its query and
 * key rows are in neighbouring rotary pairs (llama.cpp, convert_hf_to_gguf.py,
 * LlamaModel.permute). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "infer/files/config.h"
#include "infer/files/foreign.h"
#include "infer/files/gguf.h"
#include "infer/files/params.h"
#include "infer/math/rope.h"

/* Names of a layer's tensors, in the order of INFER_LAYER_TENSORS. */
static const char *const layer_names[INFER_PER_LAYER] = {
    "attn_norm", "attn_q",   "attn_k", "attn_v",  "attn_output",
    "ffn_norm",  "ffn_gate", "ffn_up", "ffn_down"};

struct reader {
    const struct gguf *g;
    struct pk_err *err;
    int rc;
};

static double number(struct reader *r, const char *key, double fallback)
{
    double v = fallback;
    if (!r->rc)
        r->rc = infer_gguf_number(r->g, key, fallback, &v, r->err);
    return v;
}

/* A whole number in [1, max]. */
static size_t size(struct reader *r, const char *key, double fallback,
                   size_t max)
{
    const double v = number(r, key, fallback);
    if (r->rc)
        return 1;
    if (!(v >= 1 && v <= (double)max) || v != floor(v)) {
        r->rc = pk_fail(r->err, PK_EDATA,
                        "metadata '%s' must be a whole number from 1 to %zu",
                        key, max);
        return 1;
    }
    return (size_t)v;
}

static int32_t id(struct reader *r, const char *key)
{
    const double v = number(r, key, -1);
    return v >= 0 && v < 0x1p31 ? (int32_t)v : -1;
}

static bool is(struct gguf_text t, const char *want)
{
    return t.s && t.len == strlen(want) && memcmp(t.s, want, t.len) == 0;
}

static void check_kind(struct reader *r)
{
    struct gguf_text arch;
    r->rc = infer_gguf_string(r->g, "general.architecture", &arch, r->err);
    if (!r->rc && !is(arch, "llama"))
        r->rc = pk_fail(r->err, PK_EDATA,
                        "its architecture is not \"llama\", the only one that "
                        "can be run");
    if (number(r, "llama.expert_count", 0) > 0 && !r->rc)
        r->rc = pk_fail(r->err, PK_EDATA, "mixtures of experts can't be run");
}

/* As llama.cpp takes it (llama_model::load_hparams): scaling of no type is
 * linear, its factor has an older name too, and 0 is none. */
static void read_rope(struct reader *r, struct infer_config *c)
{
    struct gguf_text scaling = {0};
    c->rope_theta = number(r, "llama.rope.freq_base", 10000);
    c->rope.factor = number(r, "llama.rope.scaling.factor",
                            number(r, "llama.rope.scale_linear", 0));
    if (!r->rc)
        r->rc = infer_gguf_string(r->g, "llama.rope.scaling.type", &scaling,
                                  r->err);
    if (!r->rc && scaling.s && !is(scaling, "none") && !is(scaling, "linear"))
        r->rc = pk_fail(r->err, PK_EDATA,
                        "its rotary scaling can't be run; none and linear can");
    if (is(scaling, "none") || c->rope.factor == 0)
        c->rope.factor = 1;
    if (c->rope.factor != 1)
        c->rope.kind = INFER_ROPE_LINEAR;
    if (!r->rc && !(c->rope_theta > 0 && c->rope_theta <= 1e12 &&
                    c->rope.factor > 0 && c->rope.factor <= 1e12))
        r->rc = pk_fail(r->err, PK_EDATA, "its rotary base makes no sense");
}

static int read_config(const struct gguf *g, struct infer_config *c,
                       struct pk_err *err)
{
    struct reader r = {g, err, 0};
    const struct gguf_tensor *embed = infer_gguf_find(g, "token_embd.weight");
    check_kind(&r);
    *c = (struct infer_config){.head = INFER_HEAD_LM};
    c->dim = size(&r, "llama.embedding_length", 0, 1 << 17);
    c->layers = size(&r, "llama.block_count", 0, 1 << 12);
    c->hidden = size(&r, "llama.feed_forward_length", 0, 1 << 19);
    c->heads = size(&r, "llama.attention.head_count", 0, 1 << 12);
    c->kv_heads =
        size(&r, "llama.attention.head_count_kv", (double)c->heads, c->heads);
    c->head_dim = size(&r, "llama.attention.key_length",
                       floor((double)c->dim / (double)c->heads), 1 << 12);
    const double d = (double)c->head_dim;
    c->max_positions = size(&r, "llama.context_length", 2048, 1 << 24);
    c->norm_eps = number(&r, "llama.attention.layer_norm_rms_epsilon", 1e-5);
    c->bos = id(&r, "tokenizer.ggml.bos_token_id");
    c->eos = id(&r, "tokenizer.ggml.eos_token_id");
    c->pad = id(&r, "tokenizer.ggml.padding_token_id");
    c->tied = !infer_gguf_find(g, "output.weight");
    read_rope(&r, c);
    if (!r.rc && (number(&r, "llama.rope.dimension_count", d) != d ||
                  number(&r, "llama.attention.value_length", d) != d))
        r.rc = r.rc ? r.rc
                    : pk_fail(err, PK_EDATA,
                              "heads that are rotated in part, or whose values "
                              "are of another size, can't be run");
    if (!r.rc && (!(c->norm_eps > 0) || !isfinite(c->norm_eps)))
        r.rc = pk_fail(err, PK_EDATA, "its norm's epsilon is not above 0");
    if (!r.rc && (!embed || embed->rows < 1 || embed->rows > 1 << 24))
        r.rc = pk_fail(err, PK_EDATA, "tensor 'token_embd.weight' is missing");
    if (r.rc || !embed)
        return r.rc;
    c->vocab = (size_t)embed->rows;
    return infer_config_check(c, err);
}

/* Llama 3.1's scaling is stored as a divisor for each frequency. It is one of
 * the family that config.json can say, or it is refused. */
static int read_divisors(const struct gguf *g, struct infer_config *c,
                         struct pk_err *err)
{
    const struct gguf_tensor *t = infer_gguf_find(g, "rope_freqs.weight");
    const size_t half = c->head_dim / 2;
    float divisor[1 << 11];
    double plain[1 << 11], scaled[1 << 11];
    if (!t)
        return 0;
    if (t->cols != half || t->rows != 1 || c->rope.kind != INFER_ROPE_DEFAULT)
        return pk_fail(err, PK_EDATA, "tensor 'rope_freqs.weight' is odd");
    infer_gguf_widen(divisor, t);
    infer_rope_frequencies(c, plain);
    c->rope = (struct infer_rope_scaling){
        INFER_ROPE_LLAMA3, (double)divisor[half - 1], 1, 4, 8192};
    if (!(c->rope.factor > 0 && c->rope.factor <= 1e12))
        return pk_fail(err, PK_EDATA, "tensor 'rope_freqs.weight' is odd");
    infer_rope_frequencies(c, scaled);
    for (size_t i = 0; i < half; i++)
        if (!(fabs(plain[i] / scaled[i] - (double)divisor[i]) <=
              1e-4 * (double)divisor[i]))
            return pk_fail(err, PK_EDATA,
                           "its rotary frequencies are scaled in a way that is "
                           "not Llama 3's");
    return 0;
}

/* ---- Tensors ------------------------------------------------------------- */

static const struct gguf_tensor *
tensor_of(const struct gguf *g, const struct infer_config *c, size_t i)
{
    const size_t last = 1 + c->layers * INFER_PER_LAYER;
    char name[64];
    if (i == 0)
        return infer_gguf_find(g, "token_embd.weight");
    if (i >= last)
        return infer_gguf_find(g, i == last ? "output_norm.weight"
                                            : "output.weight");
    snprintf(name, sizeof name, "blk.%zu.%s.weight", (i - 1) / INFER_PER_LAYER,
             layer_names[(i - 1) % INFER_PER_LAYER]);
    return infer_gguf_find(g, name);
}

/* Layers have these tensors, and no others that would be computed with. */
static int refuse_foreign(const struct gguf *g, const struct infer_config *c,
                          struct pk_err *err)
{
    const struct gguf_tensor *t;
    for (size_t i = 0; (t = infer_gguf_at(g, i)); i++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", gguf_shown(t->name), t->name.s);
        if (strncmp(name, "blk.", 4) == 0 && !strstr(name, "rot_embd") &&
            !infer_layer_tensor(c, "blk.", layer_names, name))
            return pk_fail(err, PK_EDATA,
                           "tensor '%s' has no place in a model of this "
                           "metadata: without it the numbers would be others",
                           name);
    }
    return 0;
}

/* Before memory is taken for them: they are all there, in their shapes. */
static int check_tensors(const struct gguf *g, const struct infer_config *c,
                         struct pk_err *err)
{
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor want;
        infer_tensor_at(c, i, &want);
        const struct gguf_tensor *t = tensor_of(g, c, i);
        if (!t)
            return pk_fail(err, PK_EDATA, "tensor '%s' is missing", want.name);
        if (t->cols != want.cols || t->rows != want.rows)
            return pk_fail(err, PK_EDATA,
                           "tensor '%.*s' is (%llu, %llu); the metadata makes "
                           "it (%zu, %zu)",
                           gguf_shown(t->name), t->name.s,
                           (unsigned long long)t->rows,
                           (unsigned long long)t->cols, want.rows, want.cols);
    }
    return 0;
}

static int copy_tensors(const struct gguf *g, const struct infer_config *c,
                        struct infer_params *p, struct pk_err *err)
{
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        const struct gguf_tensor *t = tensor_of(g, c, i);
        float *at = infer_weights_slot(c, &p->w, i)->f32;
        infer_gguf_widen(at, t);
        for (uint64_t k = 0; k < t->cols * t->rows; k++)
            if (!isfinite(at[k]))
                return pk_fail(err, PK_EDATA,
                               "tensor '%.*s' holds NaN or infinite weights",
                               gguf_shown(t->name), t->name.s);
    }
    int rc = 0;
    for (size_t l = 0; !rc && l < c->layers; l++) {
        rc = infer_unpair_rows(p->w.layer[l].wq.f32, c->heads, c->head_dim,
                               c->dim, err);
        if (!rc)
            rc = infer_unpair_rows(p->w.layer[l].wk.f32, c->kv_heads,
                                   c->head_dim, c->dim, err);
    }
    return rc;
}

int infer_gguf_load(const struct gguf *g, struct infer_config *c,
                    struct infer_params **p, struct pk_err *err)
{
    *p = NULL;
    int rc = read_config(g, c, err);
    if (!rc)
        rc = read_divisors(g, c, err);
    if (!rc)
        rc = refuse_foreign(g, c, err);
    if (!rc)
        rc = check_tensors(g, c, err);
    if (!rc)
        rc = infer_params_new(p, c, err);
    if (!rc)
        rc = copy_tensors(g, c, *p, err);
    if (rc) {
        infer_params_free(*p);
        *p = NULL;
    }
    return rc;
}
