/* UTF-8: validation, and one code point at a time. */
#ifndef PREFKIT_COMMON_UTF8_H
#define PREFKIT_COMMON_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The offset of the first byte that does not start a well-formed sequence
 * (no overlong forms, no surrogates, at most U+10FFFF); n when all is well. */
size_t pk_utf8_check(const char *s, size_t n);

/* Length in bytes (1..4) of the well-formed sequence at s0, its code point in
 * *cp; 0 when the bytes there (or n == 0) are not one. */
size_t pk_utf8_decode(const char *s0, size_t n, uint32_t *cp);

/* Write cp as UTF-8 into out[4]; returns its length. */
size_t pk_utf8_encode(uint32_t cp, char out[4]);

#endif
