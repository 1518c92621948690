/* Checked allocation. Sizes are only ever multiplied here. */
#ifndef PREFKIT_COMMON_MEM_H
#define PREFKIT_COMMON_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* *out = a * b; false (and *out = 0) when that does not fit. */
bool pk_mul_size(size_t a, size_t b, size_t *out);

/* n zeroed elements; NULL when out of memory or too large. Caller frees with
 * free(). Zero elements give a pointer that may be freed. */
void *pk_calloc(size_t n, size_t size);

/* The same, 64-byte aligned (for SIMD). Caller frees with free(). */
void *pk_calloc_aligned(size_t n, size_t size);

/* n elements, 64-byte aligned, of any content: for what is written before it is
 * read, by all threads. Caller frees with free(). */
void *pk_alloc_aligned(size_t n, size_t size);

/* Grow *p so that it holds at least `want` elements of `size` bytes; *cap is
 * the number held. New elements are not initialised. False when out of memory:
 * *p and *cap stay as they were. */
bool pk_grow(void *p, size_t *cap, size_t want, size_t size);

/* A copy of a string, or of n bytes with a NUL after them. NULL when out of
 * memory. Caller frees. */
char *pk_strdup(const char *s);
char *pk_memdup0(const void *p, size_t n);

#endif
