/* Attention's products on the processor's tile unit, in bf16 with sums in
 * f32: for one key/value head's path at a time. A query's numbers depend on its
 * path alone, as in attention.h. Private to attention*.c. */
#ifndef PREFKIT_INFER_FOREST_ATTENTION_TILES_H
#define PREFKIT_INFER_FOREST_ATTENTION_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INFER_TILES_QUERIES = 32 }; /* rows of a block of queries */

/* A path's keys and values, packed, and room for a block's rows. */
struct infer_tiles_path {
    uint16_t *k;       /* keys, for scores */
    uint16_t *v;       /* values, for outputs; backward: keys, for queries'
                          gradients */
    uint16_t *dv;      /* backward: values, for the probabilities' gradients */
    uint16_t *block;   /* queries, probabilities, or what is as large */
    uint16_t *columns; /* backward: queries or outputs' gradients, by tokens */
    size_t n, d;       /* tokens, and numbers of each: multiples of 32 */
};

/* Floats that a path of n tokens (a multiple of 32) takes, and the cutting of
 * such a piece of memory. */
size_t infer_tiles_path_floats(size_t n, size_t d, bool backward);
struct infer_tiles_path infer_tiles_path_at(float *mem, size_t n, size_t d,
                                            bool backward);

/* Take and give back the unit: around the calls below, on each thread. */
void infer_tiles_begin(void);
void infer_tiles_end(void);

/* Pack keys and values (n, d), for forward; for backward. */
void infer_tiles_path_pack(struct infer_tiles_path *t, const float *k,
                           const float *v, size_t n);
void infer_tiles_path_pack_backward(struct infer_tiles_path *t, const float *k,
                                    const float *v, size_t n);

/* p (32, keys) = q k^T for the path's first `keys` keys (a multiple of 32);
 * q (32, d). */
void infer_tiles_scores(const struct infer_tiles_path *t, float *p,
                        const float *q, size_t keys);

/* o (32, d) = p v, p (32, keys); after packing for backward, p k. */
void infer_tiles_values(const struct infer_tiles_path *t, float *o,
                        const float *p, size_t keys);

/* dp (32, keys) = dout v^T, dout (32, d). Backward. */
void infer_tiles_dvalues(const struct infer_tiles_path *t, float *dp,
                         const float *dout, size_t keys);

/* m (keys, d) += p^T x, p (32, keys) and x (32, d). Backward. */
void infer_tiles_add(const struct infer_tiles_path *t, float *m, const float *p,
                     const float *x, size_t keys);

#endif
