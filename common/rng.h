/* Seeded random numbers: xoshiro256** (Blackman and Vigna), seeded through
 * splitmix64. The same seed and stream give the same numbers on every machine.
 * Not for secrets. */
#ifndef PREFKIT_COMMON_RNG_H
#define PREFKIT_COMMON_RNG_H

#include <stddef.h>
#include <stdint.h>

struct pk_rng {
    uint64_t s[4];
};

/* Different streams of one seed are independent: one for the data order, one
 * for the weights, one per sample. */
void pk_rng_seed(struct pk_rng *r, uint64_t seed, uint64_t stream);

uint64_t pk_rng_u64(struct pk_rng *r);
uint64_t pk_rng_below(struct pk_rng *r, uint64_t n); /* 0..n-1, unbiased */
double pk_rng_uniform(struct pk_rng *r);             /* [0, 1) */
double pk_rng_normal(struct pk_rng *r);              /* mean 0, variance 1 */

/* Fisher-Yates, in place. */
void pk_rng_shuffle(struct pk_rng *r, int64_t *v, size_t n);

#endif
