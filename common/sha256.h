/* SHA-256 over length-prefixed fields, so that ("ab","c") and ("a","bc")
 * differ. libcrypto does the work. */
#ifndef PREFKIT_COMMON_SHA256_H
#define PREFKIT_COMMON_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct pk_sha256;

PK_NODISCARD int pk_sha256_new(struct pk_sha256 **out, struct pk_err *err);
void pk_sha256_free(struct pk_sha256 *h);

/* Start over. */
void pk_sha256_reset(struct pk_sha256 *h);
/* One field: eight bytes of length, little-endian, then the bytes. */
void pk_sha256_field(struct pk_sha256 *h, const void *p, size_t n);
/* A number as a field of eight bytes, little-endian. */
void pk_sha256_u64(struct pk_sha256 *h, uint64_t v);
/* Bytes as they are, without a length: for hashing files. */
void pk_sha256_raw(struct pk_sha256 *h, const void *p, size_t n);
void pk_sha256_final(struct pk_sha256 *h, uint8_t out[32]);

/* The sum of what was added, as 64 hexadecimal digits and a NUL; h is freed. */
void pk_sha256_end(struct pk_sha256 *h, char out[65]);
/* The same of n bytes as they are, at once. PK_EMEM. */
PK_NODISCARD int pk_sha256_of(const void *p, size_t n, char out[65],
                              struct pk_err *err);

/* 2n lower-case digits and a NUL. */
void pk_hex(const uint8_t *p, size_t n, char *out);

#endif
