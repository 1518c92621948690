/* Numbers on their way into products: in f32, or rounded to bf16 already, as a
 * product in bf16 rounds them (infer/math/bf16.h: the same bits come out). One
 * of the two pointers is set; neither: there are none. */
#ifndef PREFKIT_INFER_MATH_VALUES_H
#define PREFKIT_INFER_MATH_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "infer/math/bf16.h"

/* As products read them, and as what comes before writes them. */
struct infer_operand {
    const float *f32;
    const uint16_t *bf16;
};
struct infer_values {
    float *f32;
    uint16_t *bf16;
};

/* In memory that would hold as many in f32. */
static inline struct infer_values infer_values_in(float *mem, bool rounded)
{
    return rounded ? (struct infer_values){NULL, (uint16_t *)mem}
                   : (struct infer_values){mem, NULL};
}

static inline struct infer_operand infer_operand_of(struct infer_values v)
{
    return (struct infer_operand){v.f32, v.bf16};
}

/* From number i on. */
static inline struct infer_operand infer_operand_from(struct infer_operand x,
                                                      size_t i)
{
    return x.bf16 ? (struct infer_operand){NULL, x.bf16 + i}
                  : (struct infer_operand){x.f32 + i, NULL};
}

/* to (n) = numbers from i on. */
static inline void infer_operand_get(float *to, struct infer_operand x,
                                     size_t i, size_t n)
{
    if (x.bf16)
        infer_from_bf16(to, x.bf16 + i, n);
    else
        memcpy(to, x.f32 + i, n * sizeof *to);
}

/* Where numbers from i on are computed: where they belong, or in mem, from
 * where infer_values_done rounds them to there. */
static inline float *infer_values_at(struct infer_values v, size_t i,
                                     float *mem)
{
    return v.f32 ? v.f32 + i : mem;
}

static inline void infer_values_done(struct infer_values v, size_t i,
                                     const float *mem, size_t n)
{
    if (v.bf16)
        infer_to_bf16(v.bf16 + i, mem, n);
}

/* Numbers from i on = x (n), which lies elsewhere. */
static inline void infer_values_put(struct infer_values v, size_t i,
                                    const float *x, size_t n)
{
    if (v.bf16)
        infer_to_bf16(v.bf16 + i, x, n);
    else
        memcpy(v.f32 + i, x, n * sizeof *x);
}

static inline size_t infer_value_size(bool rounded)
{
    return rounded ? sizeof(uint16_t) : sizeof(float);
}

#endif
