/* Adapters as parameters to train: which there are, and a slab of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "infer/files/config.h"
#include "infer/files/params.h"

/* The matrices of a layer, in the order of INFER_LAYER_TENSORS; its norms are
 * never adapted. */
enum { STREAM_LORA = 1 << 20 };

static const char *const names[INFER_PER_LAYER] = {
#define INFER_NAME(field, rows, cols, name) name,
    INFER_LAYER_TENSORS(INFER_NAME)
#undef INFER_NAME
};

/* "self_attn.q_proj" as PEFT's target_modules has it. */
static const char *short_name(size_t k)
{
    const char *dot = strchr(names[k], '.');
    return dot ? dot + 1 : NULL;
}

int infer_lora_targets(unsigned *out, const char *text, struct pk_err *err)
{
    *out = 0;
    while (text) {
        size_t n = strcspn(text, ","), found = INFER_PER_LAYER;
        bool all = n == 3 && strncmp(text, "all", n) == 0;
        for (size_t k = 0; k < INFER_PER_LAYER; k++) {
            const char *name = short_name(k);
            bool is = name && strlen(name) == n && !strncmp(name, text, n);
            if (name && (all || is)) {
                *out |= 1U << k;
                found = k;
            }
        }
        if (found == INFER_PER_LAYER)
            return pk_fail(err, PK_EUSAGE,
                           "'%.*s' is none of q_proj, k_proj, v_proj, o_proj, "
                           "gate_proj, up_proj, down_proj or all",
                           (int)(n < 40 ? n : 40), text);
        text = text[n] ? text + n + 1 : NULL;
    }
    return 0;
}

void infer_lora_targets_text(unsigned targets, char out[INFER_LORA_TEXT])
{
    size_t at = 0;
    out[0] = 0;
    for (size_t k = 0; k < INFER_PER_LAYER; k++)
        if (targets & 1U << k)
            at += (size_t)snprintf(out + at, INFER_LORA_TEXT - at, "%s%s",
                                   at ? "," : "", short_name(k));
}

/* ---- The slab ---- */

/* The next tensor of a slab that is being laid out. */
static struct infer_tensor *add(struct infer_params *p, size_t rows,
                                size_t cols)
{
    struct infer_tensor *t = &p->tensor[p->n_tensors++];
    *t = (struct infer_tensor){
        .rows = rows, .cols = cols, .offset = p->n, .decay = true};
    p->n += (rows * cols + 15) & ~(size_t)15;
    return t;
}

static void add_adapter(struct infer_params *p, size_t layer, size_t k,
                        const struct infer_matrix *w)
{
    struct infer_tensor *a = add(p, p->lora.rank, w->cols);
    struct infer_tensor *b = add(p, w->rows, p->lora.rank);
    snprintf(a->name, sizeof a->name,
             "base_model.model.model.layers.%zu.%s.lora_A.weight", layer,
             names[k]);
    snprintf(b->name, sizeof b->name,
             "base_model.model.model.layers.%zu.%s.lora_B.weight", layer,
             names[k]);
}

/* The table of tensors; matrices' shapes come from `shape`. */
static void list(struct infer_params *p, const struct infer_config *c,
                 const struct infer_matrix shape[INFER_PER_LAYER])
{
    for (size_t l = 0; l < c->layers; l++)
        for (size_t k = 0; k < INFER_PER_LAYER; k++)
            if (p->lora.targets & 1U << k)
                add_adapter(p, l, k, &shape[k]);
    if (c->head == INFER_HEAD_SCORE) {
        struct infer_tensor *head = add(p, 1, c->dim);
        snprintf(head->name, sizeof head->name,
                 "base_model.model.score.weight");
    }
}

static void shapes(const struct infer_config *c, struct infer_matrix *shape)
{
    const struct infer_dims d = infer_dims_of(c);
    const struct infer_matrix all[INFER_PER_LAYER] = {
#define INFER_SHAPE(field, r, n, name) {.rows = d.r, .cols = d.n},
        INFER_LAYER_TENSORS(INFER_SHAPE)
#undef INFER_SHAPE
    };
    memcpy(shape, all, sizeof all);
}

static size_t count(const struct infer_lora *l, const struct infer_config *c)
{
    size_t n = 0;
    for (size_t k = 0; k < INFER_PER_LAYER; k++)
        n += l->targets >> k & 1;
    return n * c->layers;
}

size_t infer_lora_parameters(const struct infer_config *c,
                             const struct infer_lora *l)
{
    struct infer_matrix shape[INFER_PER_LAYER];
    size_t n = c->head == INFER_HEAD_SCORE ? c->dim : 0;
    shapes(c, shape);
    for (size_t k = 0; k < INFER_PER_LAYER; k++)
        if (l->targets & 1U << k)
            n += c->layers * l->rank * (shape[k].rows + shape[k].cols);
    return n;
}

static struct infer_matrix matrix(const struct infer_params *p, size_t i)
{
    const struct infer_tensor *t = &p->tensor[i];
    return (struct infer_matrix){
        .f32 = p->slab + t->offset, .rows = t->rows, .cols = t->cols};
}

/* Point the layers' matrices at their adapters. */
static void attach(struct infer_params *p, const struct infer_config *c)
{
    size_t n = 0;
    for (size_t l = 0; l < c->layers; l++) {
        struct infer_layer *layer = &p->w.layer[l];
        struct infer_matrix *slot[INFER_PER_LAYER] = {
#define INFER_SLOT(field, rows, cols, name) &layer->field,
            INFER_LAYER_TENSORS(INFER_SLOT)
#undef INFER_SLOT
        };
        for (size_t k = 0; k < INFER_PER_LAYER; k++) {
            if (!(p->lora.targets & 1U << k))
                continue;
            p->adapter[n] = (struct infer_adapter){
                .a = matrix(p, 2 * n),
                .b = matrix(p, 2 * n + 1),
                .scale = (float)(p->lora.alpha / (double)p->lora.rank),
                .stream = l * INFER_PER_LAYER + k};
            slot[k]->adapter = &p->adapter[n++];
        }
    }
    if (c->head == INFER_HEAD_SCORE)
        p->w.head = matrix(p, 2 * n);
}

/* `base`: NULL for a gradient. */
static int make(struct infer_params **out, const struct infer_config *c,
                const struct infer_weights *base, const struct infer_lora *l,
                struct pk_err *err)
{
    struct infer_params *p = pk_calloc(1, sizeof *p);
    struct infer_matrix shape[INFER_PER_LAYER];
    size_t n = count(l, c);
    *out = p;
    if (!p)
        return pk_fail_mem(err, "adapters");
    p->lora = *l;
    p->w.layer = pk_calloc(c->layers, sizeof *p->w.layer);
    p->adapter = pk_calloc(n, sizeof *p->adapter);
    p->tensor = pk_calloc(2 * n + 1, sizeof *p->tensor);
    bool ok = p->w.layer && p->adapter && p->tensor;
    if (ok) {
        shapes(c, shape);
        list(p, c, shape);
        p->slab = pk_calloc_aligned(p->n, sizeof *p->slab);
    }
    if (!ok || !p->slab) {
        infer_params_free(p);
        *out = NULL;
        return pk_fail_mem(err, "adapters");
    }
    if (base) {
        memcpy(p->w.layer, base->layer, c->layers * sizeof *p->w.layer);
        p->w.embed = base->embed;
        p->w.norm = base->norm;
        p->w.head = base->head;
        p->w.precision = base->precision;
    }
    attach(p, c);
    return 0;
}

bool infer_has_adapters(const struct infer_weights *w,
                        const struct infer_config *c)
{
    bool has = false;
    for (size_t l = 0; w->layer && l < c->layers; l++) {
#define INFER_HAS(field, rows, cols, name)                                     \
    has |= w->layer[l].field.adapter != NULL;
        INFER_LAYER_TENSORS(INFER_HAS)
#undef INFER_HAS
    }
    return has;
}

int infer_params_lora(struct infer_params **out, const struct infer_config *c,
                      const struct infer_weights *base,
                      const struct infer_config *base_c,
                      const struct infer_lora *l, uint64_t seed,
                      struct pk_err *err)
{
    *out = NULL;
    if (infer_has_adapters(base, c))
        return pk_fail(err, PK_EDATA,
                       "the base has adapters already: train on the merged "
                       "model");
    int rc = make(out, c, base, l, err);
    if (rc)
        return rc;
    struct infer_params *p = *out;
    for (size_t i = 0; i < count(l, c); i++) {
        struct infer_matrix *a = &p->adapter[i].a;
        double bound = 1 / sqrt((double)a->cols);
        struct pk_rng rng;
        pk_rng_seed(&rng, seed, STREAM_LORA + p->adapter[i].stream);
        for (size_t j = 0; j < a->rows * a->cols; j++)
            a->f32[j] = (float)((2 * pk_rng_uniform(&rng) - 1) * bound);
    }
    if (c->head == INFER_HEAD_SCORE && base_c->head == INFER_HEAD_SCORE) {
        memcpy(p->w.head.f32, base->head.f32, c->dim * sizeof(float));
    } else if (c->head == INFER_HEAD_SCORE) {
        struct infer_random r = {.c = c, .seed = seed};
        rc = infer_random_next(&r, infer_tensor_count(c) - 1, 0, p->w.head.f32,
                               c->dim, err);
    }
    return rc;
}

int infer_params_like(struct infer_params **out, const struct infer_config *c,
                      const struct infer_params *p, struct pk_err *err)
{
    return p->lora.rank ? make(out, c, NULL, &p->lora, err)
                        : infer_params_new(out, c, err);
}

size_t infer_lora_bytes(const struct infer_config *c,
                        const struct infer_lora *l, size_t tokens)
{
    const struct infer_dims d = infer_dims_of(c);
    size_t widest = d.f > d.c ? d.f : d.c;
    widest = d.q > widest ? d.q : widest;
    if (l->rank == 0)
        return 0;
    return tokens * (2 * l->rank + 16 + (l->dropout > 0 ? widest + 2 : 0)) *
           sizeof(float);
}
