/* This machine's limits, and how close the core runs to them. */
#ifndef PREFKIT_INFER_BENCH_BENCH_H
#define PREFKIT_INFER_BENCH_BENCH_H

#include "infer/infer.h"

/* GFLOP/s of one product, M 512, N and K 4096, random data, row-major weights,
 * best of ten: OpenBLAS's f32 by itself, with all its threads; and oneDNN's
 * bf16 (0 where there is none). */
PK_NODISCARD int infer_bench_fp32_limit(double *gflops, struct pk_err *err);
PK_NODISCARD int infer_bench_bf16_limit(double *gflops, struct pk_err *err);

/* GFLOP/s of bf16 products of tiles that lie in the tile unit's registers, all
 * threads; 0 where there is none. */
double infer_bench_tile_peak(void);

/* GB/s read from memory by all threads, best of five. */
PK_NODISCARD int infer_bench_bandwidth(double *gbytes, struct pk_err *err);

/* A model of a shape with random weights, its matrices in bf16. */
struct infer_bench_model;
PK_NODISCARD int infer_bench_model_new(struct infer_bench_model **out,
                                       const struct infer_config *c,
                                       struct pk_err *err);
void infer_bench_model_free(struct infer_bench_model *m);

/* With its layers packed for the tile unit (infer/math/tile_weights.h), or as
 * it was made, without. PK_EMEM. */
PK_NODISCARD int infer_bench_model_pack(struct infer_bench_model *m, bool yes,
                                        struct pk_err *err);
const struct infer_weights *
infer_bench_model_weights(const struct infer_bench_model *m);

/* `rows` rows of `len` random tokens as one forest read at each row's end; the
 * first `shared` tokens are the same in all. Seconds of the best of three
 * passes; the forest's tokens; and what is computed: 2 x trunk parameters x
 * tokens, and attention's two products over the causal half. */
struct infer_bench {
    size_t rows, len, shared;
    enum infer_precision precision;
    double seconds, flop;
    size_t tokens;
};
PK_NODISCARD int infer_bench_forward(struct infer_bench_model *m,
                                     struct infer_bench *b, struct pk_err *err);

/* Greedy decoding of one sequence: seconds a token, best of eight after a
 * prompt of 16, and the bytes of weights that a token reads. */
PK_NODISCARD int infer_bench_decode(struct infer_bench_model *m,
                                    double *seconds, double *bytes,
                                    struct pk_err *err);

#endif
