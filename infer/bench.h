/* This machine's limits, and how close the core runs to them. */
#ifndef PREFKIT_INFER_BENCH_H
#define PREFKIT_INFER_BENCH_H

#include "infer/infer.h"

/* GFLOP/s of one f32 product, M 512, N and K 4096, random data, best of ten:
 * OpenBLAS by itself, with all its threads. */
PK_NODISCARD int infer_bench_fp32_limit(double *gflops, struct pk_err *err);

/* GB/s read from memory by all threads, best of five. */
PK_NODISCARD int infer_bench_bandwidth(double *gbytes, struct pk_err *err);

/* A model of this shape with random weights, on `rows` rows of `len` random
 * tokens that share nothing, as one forest read at each row's end: seconds of
 * the best of three passes, and what it computes: 2 x trunk parameters x
 * tokens, and attention's two products over the causal half. */
struct infer_bench {
    size_t rows, len;
    double seconds, flop;
};
PK_NODISCARD int infer_bench_forward(struct infer_bench *b,
                                     const struct infer_config *c,
                                     struct pk_err *err);

#endif
