/* A model's layers for the tile unit; see tile_weights.h. */
#include "infer/math/tile_weights.h"

#include "common/mem.h"
#include "infer/math/gemm_tiles.h"

struct slab {
    uint16_t *at; /* NULL: only count */
    size_t used;
};

static void take(struct slab *s, struct infer_matrix *m)
{
    if (m->rows > 1 && s->at) {
        infer_tiles_pack(s->at + s->used, m);
        m->tiles = s->at + s->used;
    }
    s->used += m->rows > 1 ? infer_tiles_weights(m) : 0;
}

static void take_all(struct slab *s, const struct infer_config *c,
                     struct infer_weights *w)
{
    s->used = 0;
    for (size_t i = 0; i < c->layers; i++) {
#define TAKE(field, rows, cols, name) take(s, &w->layer[i].field);
        INFER_LAYER_TENSORS(TAKE)
#undef TAKE
    }
}

size_t infer_tile_weights_bytes(const struct infer_config *c,
                                struct infer_weights *w)
{
    struct slab s = {0};
    take_all(&s, c, w);
    return s.used * sizeof *s.at;
}

int infer_tile_weights_new(uint16_t **slab, const struct infer_config *c,
                           struct infer_weights *w, struct pk_err *err)
{
    struct slab s = {0};
    *slab = s.at = pk_alloc_aligned(infer_tile_weights_bytes(c, w), 1);
    if (!s.at)
        return pk_fail_mem(err, "weights for the tile unit");
    take_all(&s, c, w);
    return 0;
}
