/* Numbers on their way into products: in f32, or rounded to bf16 already, as a
 * product in bf16 rounds them (infer/simd.h: the same bits come out). One of
 * the two pointers is set; neither: there are none. */
#ifndef PREFKIT_INFER_VALUES_H
#define PREFKIT_INFER_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

static inline size_t infer_value_size(bool rounded)
{
    return rounded ? sizeof(uint16_t) : sizeof(float);
}

#endif
