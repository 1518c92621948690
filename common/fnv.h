/* FNV-1a in 64 bits (Fowler, Noll and Vo): to tell short strings apart fast,
 * and nothing that somebody might want to forge. */
#ifndef PREFKIT_COMMON_FNV_H
#define PREFKIT_COMMON_FNV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PK_FNV_START ((uint64_t)0xCBF29CE484222325)

/* Go on from h, or from PK_FNV_START, with n bytes. */
static inline uint64_t pk_fnv(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * (uint64_t)0x100000001B3;
    return h;
}

static inline uint64_t pk_fnv_text(const char *s)
{
    return pk_fnv(PK_FNV_START, s, strlen(s));
}

#endif
