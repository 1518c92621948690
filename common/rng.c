/* xoshiro256** and splitmix64, from their authors' public-domain description
 * (Blackman and Vigna, "Scrambled linear pseudorandom number generators"). */
#include "common/rng.h"

#include <math.h>

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void pk_rng_seed(struct pk_rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t x = stream;
    x = seed ^ splitmix(&x);
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&x);
}

uint64_t pk_rng_u64(struct pk_rng *r)
{
    uint64_t *s = r->s;
    uint64_t out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

uint64_t pk_rng_below(struct pk_rng *r, uint64_t n)
{
    uint64_t x, limit = UINT64_MAX - UINT64_MAX % n;
    do
        x = pk_rng_u64(r);
    while (x >= limit);
    return x % n;
}

double pk_rng_uniform(struct pk_rng *r)
{
    return (double)(pk_rng_u64(r) >> 11) * 0x1p-53;
}

double pk_rng_normal(struct pk_rng *r)
{
    double u = 1.0 - pk_rng_uniform(r), v = pk_rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

void pk_rng_shuffle(struct pk_rng *r, int64_t *v, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)pk_rng_below(r, i);
        int64_t t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}
