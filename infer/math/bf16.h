/* bf16 numbers from f32 and back: the same bits on every processor. */
#ifndef PREFKIT_INFER_MATH_BF16_H
#define PREFKIT_INFER_MATH_BF16_H

#include <stddef.h>
#include <stdint.h>

/* n bf16 numbers (any alignment) to f32, and back to the nearest, ties to even;
 * NaN stays NaN. */
void infer_from_bf16(float *dst, const void *src, size_t n);
void infer_to_bf16(uint16_t *dst, const float *src, size_t n);

#endif
