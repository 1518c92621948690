/* SHA-256 through libcrypto's EVP; see sha256.h. */
#include "common/sha256.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/mem.h"

/* Lengths, names and uids are a few bytes each: they are gathered, so that
 * libcrypto is called for a block of them. */
struct pk_sha256 {
    EVP_MD_CTX *ctx;
    size_t n;
    uint8_t few[256];
};

int pk_sha256_new(struct pk_sha256 **out, struct pk_err *err)
{
    struct pk_sha256 *h = pk_calloc(1, sizeof *h);
    *out = NULL;
    if (h)
        h->ctx = EVP_MD_CTX_new();
    if (!h || !h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
        pk_sha256_free(h);
        return pk_fail_mem(err, "a hash");
    }
    *out = h;
    return 0;
}

void pk_sha256_free(struct pk_sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void pk_sha256_reset(struct pk_sha256 *h)
{
    EVP_DigestInit_ex(h->ctx, NULL, NULL);
    h->n = 0;
}

static void flush(struct pk_sha256 *h)
{
    EVP_DigestUpdate(h->ctx, h->few, h->n);
    h->n = 0;
}

void pk_sha256_raw(struct pk_sha256 *h, const void *p, size_t n)
{
    if (n > sizeof h->few - h->n)
        flush(h);
    if (n > sizeof h->few) {
        EVP_DigestUpdate(h->ctx, p, n);
    } else if (n) {
        memcpy(h->few + h->n, p, n);
        h->n += n;
    }
}

static void raw_u64(struct pk_sha256 *h, uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    pk_sha256_raw(h, b, sizeof b);
}

void pk_sha256_field(struct pk_sha256 *h, const void *p, size_t n)
{
    raw_u64(h, n);
    pk_sha256_raw(h, p, n);
}

void pk_sha256_u64(struct pk_sha256 *h, uint64_t v)
{
    raw_u64(h, 8);
    raw_u64(h, v);
}

void pk_sha256_final(struct pk_sha256 *h, uint8_t out[32])
{
    flush(h);
    EVP_DigestFinal_ex(h->ctx, out, NULL);
}

void pk_hex(const uint8_t *p, size_t n, char *out)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digit[p[i] >> 4];
        out[2 * i + 1] = digit[p[i] & 15];
    }
    out[2 * n] = 0;
}

void pk_sha256_end(struct pk_sha256 *h, char out[65])
{
    uint8_t sum[32];
    pk_sha256_final(h, sum);
    pk_sha256_free(h);
    pk_hex(sum, sizeof sum, out);
}

int pk_sha256_of(const void *p, size_t n, char out[65], struct pk_err *err)
{
    struct pk_sha256 *h;
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    pk_sha256_raw(h, p, n);
    pk_sha256_end(h, out);
    return 0;
}
