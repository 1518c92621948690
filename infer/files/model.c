/* A model directory, open: its weights and what is done with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/path.h"
#include "common/room.h"
#include "infer/files/ahead.h"
#include "infer/files/config.h"
#include "infer/files/foreign.h"
#include "infer/files/lora_file.h"
#include "infer/files/model.h"
#include "infer/files/model_files.h"
#include "infer/files/params.h"
#include "infer/files/safetensors.h"
#include "infer/math/gemm_tiles.h"
#include "infer/math/tile_weights.h"
#include "infer/text/tokenizer_files.h"

struct infer_model {
    char *dir;
    struct infer_config config;
    struct infer_weights w;
    struct infer_model_files files;
    float **owned; /* widened tensors */
    size_t n_owned;
    struct infer_params *adapters; /* NULL: none */
    uint16_t *tiles;               /* layers for the tile unit; NULL: none */
};

static int check_shape(const struct infer_model *m,
                       const struct infer_tensor *t,
                       const struct infer_stored *s, struct pk_err *err)
{
    bool vector = s->ndim == 1 && t->rows == 1 && !t->decay;
    if (vector
            ? s->shape[0] == t->cols
            : s->ndim == 2 && s->shape[0] == t->rows && s->shape[1] == t->cols)
        return 0;
    return pk_fail(err, PK_EDATA,
                   "%s: tensor '%s' is (%llu, %llu) with %zu dimensions; the "
                   "config makes it (%zu, %zu)",
                   m->dir, s->name, (unsigned long long)s->shape[0],
                   (unsigned long long)s->shape[1], s->ndim, t->rows, t->cols);
}

/* All exponent bits set: infinity or NaN. */
bool infer_matrix_finite(const struct infer_matrix *w)
{
    int bad = 0;
    size_t n = w->rows * w->cols;
    if (w->f32) {
#pragma omp parallel for reduction(| : bad)
        for (size_t i = 0; i < n; i++) {
            uint32_t u;
            memcpy(&u, w->f32 + i, sizeof u);
            bad |= (u & 0x7F800000) == 0x7F800000;
        }
    } else {
#pragma omp parallel for reduction(| : bad)
        for (size_t i = 0; i < n; i++)
            bad |= (w->bf16[i] & 0x7F80) == 0x7F80;
    }
    return !bad;
}

/* Point *slot at the tensor's values where they lie, or widen them: what has
 * one row is f32 always, and nothing else reads F16 or unaligned numbers. */
static int load_tensor(struct infer_model *m, const struct infer_tensor *t,
                       const struct infer_stored *s, struct infer_matrix *slot,
                       struct pk_err *err)
{
    if (s->dtype == INFER_OTHER)
        return pk_fail(err, PK_EDATA, "%s: tensor '%s' is not F32, F16 or BF16",
                       m->dir, s->name);
    uintptr_t at = (uintptr_t)s->data;
    *slot = (struct infer_matrix){.rows = t->rows, .cols = t->cols};
    if (s->dtype == INFER_F32 && at % sizeof *slot->f32 == 0) {
        slot->f32 = s->data;
    } else if (s->dtype == INFER_BF16 && at % sizeof *slot->bf16 == 0 &&
               t->rows > 1) {
        slot->bf16 = s->data;
    } else {
        slot->f32 = pk_calloc_aligned(s->n, sizeof(float));
        if (!slot->f32)
            return pk_fail_mem(err, s->name);
        m->owned[m->n_owned++] = slot->f32;
        infer_widen(slot->f32, s->data, s->dtype, s->n);
    }
    if (!infer_matrix_finite(slot))
        return pk_fail(err, PK_EDATA,
                       "%s: tensor '%s' holds NaN or infinite weights", m->dir,
                       s->name);
    return 0;
}

static int refuse_foreign(const struct infer_model *m, struct pk_err *err)
{
    for (size_t k = 0; k < m->files.n_shards; k++) {
        const struct infer_safetensors *file = m->files.shard[k].file;
        for (size_t i = 0; i < infer_safetensors_count(file); i++) {
            const char *name = infer_safetensors_at(file, i)->name;
            if (infer_tensor_foreign(&m->config, name))
                return pk_fail(err, PK_EDATA,
                               "%s: tensor '%.200s' has no place in a model of "
                               "this config: without it the numbers would be "
                               "others",
                               m->dir, name);
        }
    }
    return 0;
}

/* Tensor i as it is stored, or NULL. */
static const struct infer_stored *find_tensor(const struct infer_model *m,
                                              size_t i, struct infer_tensor *t)
{
    infer_tensor_at(&m->config, i, t);
    const struct infer_stored *s = infer_model_files_find(&m->files, t->name);
    if (!s && i == 0 && m->config.tied)
        s = infer_model_files_find(
            &m->files, "lm_head.weight"); /* tied, stored under either name */
    return s;
}

/* Before any of them is read: they are all there, in their shapes, and nothing
 * is left out that the model would compute with. */
static int check_tensors(const struct infer_model *m, struct pk_err *err)
{
    for (size_t i = 0; i < infer_tensor_count(&m->config); i++) {
        struct infer_tensor t;
        const struct infer_stored *s = find_tensor(m, i, &t);
        if (!s)
            return pk_fail(err, PK_EDATA, "%s: tensor '%s' is missing", m->dir,
                           t.name);
        int rc = check_shape(m, &t, s, err);
        if (rc)
            return rc;
    }
    return refuse_foreign(m, err);
}

static int load_all(struct infer_model *m, struct pk_err *err)
{
    const struct infer_config *c = &m->config;
    size_t count = infer_tensor_count(c);
    m->w.layer = pk_calloc(c->layers, sizeof *m->w.layer);
    m->owned = pk_calloc(count, sizeof *m->owned);
    if (!m->w.layer || !m->owned)
        return pk_fail_mem(err, "a model");
    for (size_t i = 0; i < count; i++) {
        struct infer_tensor t;
        const struct infer_stored *stored = find_tensor(m, i, &t);
        int rc =
            load_tensor(m, &t, stored, infer_weights_slot(c, &m->w, i), err);
        if (rc)
            return rc;
    }
    if (c->tied)
        m->w.head = m->w.embed;
    return 0;
}

/* What lies in the files, as far as it is not widened. */
static size_t mapped_bytes(const struct infer_matrix *w)
{
    return w->bf16 ? w->rows * w->cols * sizeof *w->bf16
                   : w->rows * w->cols * sizeof *w->f32;
}

static bool is_owned(const struct infer_model *m, const struct infer_matrix *w)
{
    bool owned = false;
    for (size_t i = 0; w->f32 && i < m->n_owned; i++)
        owned |= m->owned[i] == w->f32;
    return owned;
}

/* Reading ahead, for a model that memory has no room for. */
static int start_ahead(struct infer_model *m, bool always, struct pk_err *err)
{
    const struct infer_config *c = &m->config;
    struct pk_room room;
    size_t total = 0;
    pk_room_memory(&room, "");
    const size_t memory = (size_t)room.bytes;
    for (size_t i = 0; i < infer_tensor_count(c); i++)
        total += mapped_bytes(infer_weights_slot(c, &m->w, i));
    if (!always && total / 4 <= memory / 5)
        return 0;
    int rc =
        infer_ahead_new(&m->w.ahead, c->layers, always ? 0 : memory / 2, err);
    for (size_t i = 0; !rc && i < c->layers * INFER_PER_LAYER; i++) {
        const struct infer_matrix *w = infer_weights_slot(c, &m->w, 1 + i);
        const void *at = w->bf16 ? (const void *)w->bf16 : w->f32;
        if (!is_owned(m, w))
            rc = infer_ahead_add(m->w.ahead, i / INFER_PER_LAYER, at,
                                 mapped_bytes(w), err);
    }
    return rc ? rc : infer_ahead_start(m->w.ahead, err);
}

int infer_model_open(struct infer_model **out, const char *dir,
                     struct pk_err *err)
{
    return infer_model_open_as(out, dir, &(struct infer_open){0}, err);
}

int infer_model_open_as(struct infer_model **out, const char *dir,
                        const struct infer_open *how, struct pk_err *err)
{
    if (infer_lora_present(dir))
        return infer_lora_open(out, dir, how, err);
    *out = NULL;
    struct infer_model *m = pk_calloc(1, sizeof *m);
    char *path = NULL;
    int rc = 0;
    if (!m || !(m->dir = pk_strdup(dir)))
        rc = pk_fail_mem(err, "a model");
    if (!rc)
        rc = pk_path(&path, dir, "config.json", err);
    if (!rc)
        rc = infer_config_load(&m->config, path, how->read_out, err);
    if (!rc)
        rc = infer_model_files_open(&m->files, m->dir, err);
    if (!rc)
        rc = check_tensors(m, err);
    if (!rc)
        rc = load_all(m, err);
    if (!rc)
        rc = start_ahead(m, how->stream, err);
    free(path);
    if (rc) {
        infer_model_close(m);
        return rc;
    }
    m->w.precision =
        infer_precision_choose(how->precision, m->w.layer[0].wq.bf16 != NULL);
    *out = m;
    return 0;
}

void infer_model_close(struct infer_model *m)
{
    if (!m)
        return;
    infer_ahead_free(m->w.ahead);
    for (size_t i = 0; i < m->n_owned; i++)
        free(m->owned[i]);
    infer_model_files_close(&m->files);
    infer_params_free(m->adapters);
    free(m->tiles);
    free(m->owned);
    free(m->w.layer);
    free(m->dir);
    free(m);
}

int infer_model_adapt(struct infer_model *m, struct infer_params *adapters,
                      const struct infer_config *c, const char *dir,
                      struct pk_err *err)
{
    char *name = pk_strdup(dir);
    if (!name)
        return pk_fail_mem(err, "a model");
    free(m->dir);
    m->dir = name;
    m->config = *c;
    m->adapters = adapters;
    return 0;
}

const struct infer_config *infer_model_config(const struct infer_model *m)
{
    return &m->config;
}

const struct infer_weights *infer_model_weights(const struct infer_model *m)
{
    return m->adapters ? &m->adapters->w : &m->w;
}

const char *infer_model_dir(const struct infer_model *m)
{
    return m->dir;
}

size_t infer_model_bytes(const struct infer_model *m)
{
    struct infer_weights w = m->w;
    size_t sum = 0;
    for (size_t i = 0; i < infer_tensor_count(&m->config); i++) {
        const struct infer_matrix *x = infer_weights_slot(&m->config, &w, i);
        sum += x->rows * x->cols * (x->bf16 ? sizeof *x->bf16 : sizeof *x->f32);
    }
    return sum;
}

static struct infer_weights *used(struct infer_model *m)
{
    return m->adapters ? &m->adapters->w : &m->w;
}

size_t infer_model_packed_bytes(struct infer_model *m)
{
    bool tiles = m->w.precision == INFER_PRECISION_BF16 && infer_tiles_here();
    return tiles && !m->w.ahead ? infer_tile_weights_bytes(&m->config, used(m))
                                : 0;
}

int infer_model_pack(struct infer_model *m, struct pk_err *err)
{
    if (m->tiles || infer_model_packed_bytes(m) == 0)
        return 0;
    return infer_tile_weights_new(&m->tiles, &m->config, used(m), err);
}
