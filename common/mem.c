/* Checked allocation; see mem.h. */
#include "common/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool pk_mul_size(size_t a, size_t b, size_t *out)
{
    if (__builtin_mul_overflow(a, b, out)) {
        *out = 0;
        return false;
    }
    return true;
}

void *pk_calloc(size_t n, size_t size)
{
    return calloc(n ? n : 1, size ? size : 1);
}

/* A multiple of 64, and not 0. */
static bool aligned_bytes(size_t n, size_t size, size_t *bytes)
{
    if (!pk_mul_size(n, size, bytes) || *bytes > SIZE_MAX - 64)
        return false;
    *bytes = (*bytes + 64) & ~(size_t)63;
    return true;
}

void *pk_alloc_aligned(size_t n, size_t size)
{
    size_t bytes;
    return aligned_bytes(n, size, &bytes) ? aligned_alloc(64, bytes) : NULL;
}

/* By all threads, where it is much: what takes the time is the system's giving
 * of pages, each to the processor's node that first writes to it. */
static void zero(char *p, size_t bytes)
{
    const size_t piece = (size_t)1 << 21;
#pragma omp parallel for if (bytes > 8 * piece)
    for (size_t i = 0; i < bytes; i += piece)
        memset(p + i, 0, bytes - i < piece ? bytes - i : piece);
}

void *pk_calloc_aligned(size_t n, size_t size)
{
    size_t bytes;
    void *p = pk_alloc_aligned(n, size);
    if (p && aligned_bytes(n, size, &bytes))
        zero(p, bytes);
    return p;
}

bool pk_grow(void *p, size_t *cap, size_t want, size_t size)
{
    void **slot = p;
    if (want <= *cap)
        return true;
    size_t n = *cap < 8 ? 8 : *cap + *cap / 2;
    if (n < want)
        n = want;
    size_t bytes;
    if (!pk_mul_size(n, size, &bytes))
        return false;
    void *q = realloc(*slot, bytes);
    if (!q)
        return false;
    *slot = q;
    *cap = n;
    return true;
}

char *pk_memdup0(const void *p, size_t n)
{
    char *s = malloc(n + 1);
    if (!s)
        return NULL;
    if (n)
        memcpy(s, p, n);
    s[n] = 0;
    return s;
}

char *pk_strdup(const char *s)
{
    return pk_memdup0(s, strlen(s));
}
