/* bf16 numbers from f32 and back; see bf16.h. */
#include "infer/math/bf16.h"

#include <stdbool.h>
#include <string.h>

#include "common/cpus.h"

#ifdef CPUS_X86
#include <immintrin.h>
#endif

MANY_CPUS void infer_from_bf16(float *dst, const void *src, size_t n)
{
    const uint8_t *p = src;
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, sizeof h);
        uint32_t bits = (uint32_t)h << 16;
        memcpy(dst + i, &bits, sizeof bits);
    }
}

MANY_CPUS static void round_anywhere(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, src + i, sizeof u);
        uint32_t nearest = (u + 0x7FFF + (u >> 16 & 1)) >> 16;
        bool nan = (u & 0x7FFFFFFF) > 0x7F800000;
        dst[i] = (uint16_t)(nan ? u >> 16 | 0x40 : nearest);
    }
}

#ifdef CPUS_X86

/* By the processor's instruction, which takes subnormal numbers for zeros:
 * sixteen with one among them go the other way. Returns how many are done: none
 * where there is no such instruction. */
__attribute__((target("avx512f,avx512vl,avx512bf16"))) static size_t
round_by_instruction(uint16_t *dst, const float *src, size_t n)
{
    const __m512i exponent = _mm512_set1_epi32(0x7F800000),
                  fraction = _mm512_set1_epi32(0x007FFFFF);
    size_t i = 0;
    if (!__builtin_cpu_supports("avx512bf16") ||
        !__builtin_cpu_supports("avx512vl"))
        return 0;
    for (; i + 16 <= n; i += 16) {
        __m512 x = _mm512_loadu_ps(src + i);
        __m512i bits = _mm512_castps_si512(x);
        __mmask16 small = _mm512_testn_epi32_mask(bits, exponent);
        if (small && _mm512_mask_test_epi32_mask(small, bits, fraction)) {
            round_anywhere(dst + i, src + i, 16);
            continue;
        }
        __m256bh y = _mm512_cvtneps_pbh(x);
        memcpy(dst + i, &y, sizeof y);
    }
    return i;
}

#else

static size_t round_by_instruction(uint16_t *dst, const float *src, size_t n)
{
    (void)dst, (void)src, (void)n;
    return 0;
}

#endif

void infer_to_bf16(uint16_t *dst, const float *src, size_t n)
{
    size_t done = round_by_instruction(dst, src, n);
    round_anywhere(dst + done, src + done, n - done);
}
