/* The table of a model's tensors, and slabs that hold all of them. */
#include "infer/files/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/files/config.h"
#include "infer/math/bf16.h"

size_t infer_tensor_count(const struct infer_config *c)
{
    return 2 + c->layers * INFER_PER_LAYER + (c->tied ? 0 : 1);
}

static void layer_tensor(const struct infer_config *c, size_t layer, size_t k,
                         struct infer_tensor *t)
{
    const struct infer_dims d = infer_dims_of(c);
    const struct {
        const char *name;
        size_t rows, cols;
    } table[] = {
#define INFER_ROW(field, rows, cols, name) {name, d.rows, d.cols},
        INFER_LAYER_TENSORS(INFER_ROW)
#undef INFER_ROW
    };
    snprintf(t->name, sizeof t->name, "model.layers.%zu.%s.weight", layer,
             table[k].name);
    t->rows = table[k].rows;
    t->cols = table[k].cols;
    t->decay = t->rows > 1;
}

/* All but the offset. */
static void describe(const struct infer_config *c, size_t i,
                     struct infer_tensor *t)
{
    size_t last = 1 + c->layers * INFER_PER_LAYER;
    *t = (struct infer_tensor){.cols = c->dim, .decay = true};
    if (i == 0) {
        snprintf(t->name, sizeof t->name, "model.embed_tokens.weight");
        t->rows = c->vocab;
    } else if (i < last) {
        layer_tensor(c, (i - 1) / INFER_PER_LAYER, (i - 1) % INFER_PER_LAYER,
                     t);
    } else if (i == last) {
        snprintf(t->name, sizeof t->name, "model.norm.weight");
        t->rows = 1;
        t->decay = false;
    } else {
        bool lm = c->head == INFER_HEAD_LM;
        snprintf(t->name, sizeof t->name, "%s",
                 lm ? "lm_head.weight" : "score.weight");
        t->rows = lm ? c->vocab : 1;
    }
}

/* Offsets are multiples of 16 elements, so that every tensor is 64-byte
 * aligned in a slab. */
static size_t padded(const struct infer_tensor *t)
{
    return (t->rows * t->cols + 15) & ~(size_t)15;
}

void infer_tensor_at(const struct infer_config *c, size_t i,
                     struct infer_tensor *out)
{
    size_t offset = 0;
    for (size_t j = 0; j < i; j++) {
        describe(c, j, out);
        offset += padded(out);
    }
    describe(c, i, out);
    out->offset = offset;
}

size_t infer_parameters(const struct infer_config *c)
{
    size_t n = 0;
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor t;
        describe(c, i, &t);
        n += t.rows * t.cols;
    }
    return n;
}

struct infer_matrix *infer_weights_slot(const struct infer_config *c,
                                        struct infer_weights *w, size_t i)
{
    size_t last = 1 + c->layers * INFER_PER_LAYER;
    if (i == 0)
        return &w->embed;
    if (i == last)
        return &w->norm;
    if (i > last)
        return &w->head;
    struct infer_layer *l = &w->layer[(i - 1) / INFER_PER_LAYER];
    struct infer_matrix *slots[] = {
#define INFER_SLOT(field, rows, cols, name) &l->field,
        INFER_LAYER_TENSORS(INFER_SLOT)
#undef INFER_SLOT
    };
    return slots[(i - 1) % INFER_PER_LAYER];
}

int infer_params_new(struct infer_params **out, const struct infer_config *c,
                     struct pk_err *err)
{
    *out = NULL;
    struct infer_params *p = pk_calloc(1, sizeof *p);
    size_t count = infer_tensor_count(c);
    if (p) {
        p->w.layer = pk_calloc(c->layers, sizeof *p->w.layer);
        p->tensor = pk_calloc(count, sizeof *p->tensor);
        p->n_tensors = count;
    }
    if (!p || !p->w.layer || !p->tensor) {
        infer_params_free(p);
        return pk_fail_mem(err, "a model's parameters");
    }
    for (size_t i = 0; i < count; i++) {
        describe(c, i, &p->tensor[i]);
        p->tensor[i].offset = p->n;
        p->n += padded(&p->tensor[i]);
    }
    p->slab = pk_calloc_aligned(p->n, sizeof *p->slab);
    if (!p->slab) {
        int rc =
            pk_fail(err, PK_EMEM, "out of memory for %zu parameters", p->n);
        infer_params_free(p);
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        const struct infer_tensor *t = &p->tensor[i];
        *infer_weights_slot(c, &p->w, i) = (struct infer_matrix){
            .f32 = p->slab + t->offset, .rows = t->rows, .cols = t->cols};
    }
    if (c->tied)
        p->w.head = p->w.embed;
    *out = p;
    return 0;
}

void infer_params_free(struct infer_params *p)
{
    if (!p)
        return;
    free(p->slab);
    free(p->tensor);
    free(p->adapter);
    free(p->w.layer);
    free(p);
}

int infer_random_next(void *ctx, size_t tensor, size_t from, float *dst,
                      size_t n, struct pk_err *err)
{
    struct infer_random *r = ctx;
    const struct infer_config *c = r->c;
    struct infer_tensor t;
    describe(c, tensor, &t);
    if (from == 0)
        pk_rng_seed(&r->rng, r->seed, tensor);
    bool score =
        tensor + 1 == infer_tensor_count(c) && c->head == INFER_HEAD_SCORE;
    double sd = score ? 1.0 / sqrt((double)c->dim + 1) : 0.02;
    for (size_t k = 0; k < n; k++)
        dst[k] = t.decay ? (float)(sd * pk_rng_normal(&r->rng)) : 1.0F;
    (void)err; /* nothing here can fail */
    return 0;
}

void infer_params_init(struct infer_params *p, const struct infer_config *c,
                       uint64_t seed)
{
    struct infer_random r = {.c = c, .seed = seed};
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        const struct infer_matrix *m = infer_weights_slot(c, &p->w, i);
        (void)infer_random_next(&r, i, 0, m->f32, m->rows * m->cols, NULL);
    }
}

/* n elements of W + scale B A from element `from` on: dst, which holds W's, +=.
 */
static void add_adapter(float *dst, const struct infer_matrix *w, size_t from,
                        size_t n)
{
    const struct infer_adapter *a = w->adapter;
    size_t rank = a->a.rows, cols = w->cols;
    size_t first = from / cols, last = (from + n - 1) / cols;
#pragma omp parallel for
    for (size_t r = first; r <= last; r++) {
        size_t begin = r == first ? from % cols : 0;
        size_t end = r == last ? (from + n - 1) % cols + 1 : cols;
        float *at = dst + (r * cols + begin - from);
        for (size_t k = 0; k < rank; k++) {
            float f = a->scale * a->b.f32[r * rank + k];
            const float *row = a->a.f32 + k * cols;
            for (size_t j = begin; j < end; j++)
                at[j - begin] += f * row[j];
        }
    }
}

void infer_matrix_values(const struct infer_matrix *m, size_t from, float *dst,
                         size_t n)
{
    if (m->f32)
        memcpy(dst, m->f32 + from, n * sizeof *dst);
    else
        infer_from_bf16(dst, m->bf16 + from, n);
    if (m->adapter && n)
        add_adapter(dst, m, from, n);
}

void infer_params_copy(struct infer_params *p, const struct infer_config *c,
                       const struct infer_weights *from,
                       const struct infer_config *from_c)
{
    struct infer_weights src = *from;
    size_t trunk = 2 + c->layers * INFER_PER_LAYER;
    size_t count = c->head == from_c->head ? infer_tensor_count(c) : trunk;
    for (size_t i = 0; i < count; i++) {
        const struct infer_matrix *m = infer_weights_slot(from_c, &src, i);
        infer_matrix_values(m, 0, infer_weights_slot(c, &p->w, i)->f32,
                            m->rows * m->cols);
    }
}

int infer_unpair_rows(float *w, size_t heads, size_t head_dim, size_t cols,
                      struct pk_err *err)
{
    size_t row = cols * sizeof(float), half = head_dim / 2;
    float *old = pk_calloc(head_dim, row);
    if (!old)
        return pk_fail_mem(err, "a tensor");
    for (size_t h = 0; h < heads; h++, w += head_dim * cols) {
        memcpy(old, w, head_dim * row);
        for (size_t i = 0; i < half; i++) {
            memcpy(w + i * cols, old + 2 * i * cols, row);
            memcpy(w + (i + half) * cols, old + (2 * i + 1) * cols, row);
        }
    }
    free(old);
    return 0;
}
