/* Products with few rows; see thin.h. This file alone is compiled with
 * -ffp-contract=fast: a multiplication and its addition are one FMA. */
#include "infer/math/thin.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum {
    LANES = 16,
    TILE = 4,  /* rows of x, and rows of w, at a time */
    CHUNK = 32 /* rows of w that a thread takes at a time */
};

typedef float v16 __attribute__((vector_size(64)));
typedef uint16_t h16 __attribute__((vector_size(32)));
typedef uint32_t u16x __attribute__((vector_size(64)));

struct job {
    float *y;
    const float *x;
    const struct infer_matrix *w;
    size_t n;
    bool add;
};

#define THIN(name) name##_plain
#include "infer/math/thin_tile.inc"
#undef THIN

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MANY_CPUS
#pragma GCC push_options
#pragma GCC target("arch=haswell")
#define THIN(name) name##_avx2
#include "infer/math/thin_tile.inc"
#undef THIN
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target(                                                            \
    "avx512f,avx512vl,avx512bw,avx512dq,fma,prefer-vector-width=512")
#define THIN(name) name##_avx512
#include "infer/math/thin_tile.inc"
#undef THIN
#pragma GCC pop_options
#endif

/* One instruction set's kernels. */
struct kernels {
    void (*chunk)(const struct job *j, size_t o0, size_t end);
    void (*scores)(const struct infer_reach *a, float *p, const float *q,
                   const float *k);
    void (*values)(const struct infer_reach *a, float *o, const float *p,
                   const float *v);
};

static const struct kernels *choose(void)
{
    static const struct kernels plain = {chunk_plain, scores_plain,
                                         values_plain};
#ifdef MANY_CPUS
    static const struct kernels avx2 = {chunk_avx2, scores_avx2, values_avx2},
                                avx512 = {chunk_avx512, scores_avx512,
                                          values_avx512};
    if (__builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
        return &avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &avx2;
#endif
    return &plain;
}

void infer_thin_scores(const struct infer_reach *a, float *p, const float *q,
                       const float *k)
{
    choose()->scores(a, p, q, k);
}

void infer_thin_values(const struct infer_reach *a, float *o, const float *p,
                       const float *v)
{
    choose()->values(a, o, p, v);
}

void infer_thin_linear(float *y, const float *x, const struct infer_matrix *w,
                       size_t n, bool add)
{
    const struct job j = {y, x, w, n, add};
    const struct kernels *with = choose();
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t o = 0; o < w->rows; o += CHUNK)
        with->chunk(&j, o, o + CHUNK < w->rows ? o + CHUNK : w->rows);
}
