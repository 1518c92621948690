/* What forward computes for each layer, and keeps when there is a tape. */
#ifndef PREFKIT_INFER_FOREST_TAPE_H
#define PREFKIT_INFER_FOREST_TAPE_H

#include "infer/forest/attention.h"
#include "infer/forest/lora.h"
#include "infer/math/gemm.h"
#include "infer/math/kernels.h"

/* One layer's values. `rows` is every token, or in the last layer the
 * read-outs. */
struct infer_acts {
    float *x;     /* (N, C) what comes in */
    float *q;     /* (rows, H D) rotated */
    float *k, *v; /* (N, K D) k rotated */
    float *att;   /* (rows, H D) attention's output, before wo; without a
                     tape, h; bf16 where h is */
    /* (rows, H) attention's; without a tape, NULL */
    struct infer_softmax *soft;
    float *mid;       /* (rows, C) after attention's residual */
    float *gate, *up; /* (rows, F); with nothing kept, one block of rows, or
                         none */
};

struct infer_tape {
    enum infer_keep keep;
    float *mem; /* everything below */
    size_t cap; /* floats */
    struct infer_acts *layer;
    size_t n_layers, block; /* rows of the feed-forward done at once */
    bool gated;   /* its gate and up are never there: infer_gated computes it */
    bool rounded; /* h, and act unless gated, are bf16 (infer_pass_h,
                     infer_pass_act): no adapter reads them */
    float *out;   /* (R, C) what the final norm gets */
    float *h, *act; /* scratch: (N, C), and (block, F) */
    float *rope;    /* (longest path, D/2, 2) */
    float *grads;   /* infer_backward's own */
    size_t grads_cap;
    struct infer_gemm gemm;
    struct infer_lora_work lora;
};

/* What a tape holds, but not itself. */
void infer_tape_release(struct infer_tape *t);

/* What every step of forward and backward needs to know. Layers compute the
 * rows f->all: all tokens of a forest; or, when decoding, the new tokens of one
 * sequence, whose earlier keys and values k and v hold already. */
struct infer_pass {
    const struct infer_config *c;
    const struct infer_weights *w;
    const struct infer_packed *f;
    struct infer_tape *t;
    struct pk_err *err;
};

/* Memory for the pass. */
PK_NODISCARD int infer_pass_plan(const struct infer_pass *p);
/* Floats that infer_pass_plan would take for a forest of such sizes. */
size_t infer_pass_floats(const struct infer_config *c,
                         const struct infer_packed *f, enum infer_keep keep,
                         bool gated);
/* Its products, at most. */
struct infer_gemm_sizes
infer_pass_product_sizes(const struct infer_config *c, size_t rows,
                         enum infer_precision precision);
/* Bytes of a trie of such sizes, packed. */
size_t infer_forest_bytes(struct infer_forest_size f);
/* hidden (R, C), in the order of read-out indices. */
PK_NODISCARD int infer_pass_run(const struct infer_pass *p, float *hidden);
/* What backward needs of a layer, from its x: the same bits as the first time.
 */
PK_NODISCARD int infer_pass_again(const struct infer_pass *p, size_t layer);

const struct infer_rows *infer_pass_rows(const struct infer_pass *p,
                                         size_t layer);
struct infer_attention infer_pass_attention(const struct infer_pass *p,
                                            size_t layer);
struct infer_attended infer_pass_attended(const struct infer_pass *p,
                                          size_t layer);
/* Can attention be computed on tiles? */
bool infer_attention_fits_tiles(const struct infer_config *c);
/* h, act and a layer's att, where they are what products read. */
struct infer_values infer_pass_h(const struct infer_pass *p);
struct infer_values infer_pass_act(const struct infer_pass *p);
struct infer_values infer_pass_att(const struct infer_pass *p, size_t layer);
struct infer_rope infer_pass_rope(const struct infer_pass *p, size_t heads,
                                  const struct infer_rows *rows, int inverse);

#endif
