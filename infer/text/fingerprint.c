/* What a tokenizer is told from another by; see infer/infer_text.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/path.h"
#include "common/sha256.h"
#include "infer/text/tokenizer.h"

/* The file's bytes and how many they are; a file that is not there has none. */
static int hash_file(struct pk_sha256 *h, const char *dir, const char *name,
                     struct pk_err *err)
{
    char *path, chunk[1 << 14];
    int rc = pk_path(&path, dir, name, err);
    if (rc)
        return rc;
    uint64_t size = 0;
    FILE *f = fopen(path, "rb");
    if (f) {
        for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0; size += n)
            pk_sha256_raw(h, chunk, n);
        if (ferror(f))
            rc = pk_fail_errno(err, "cannot read '%s'", path);
        fclose(f);
    } else if (errno != ENOENT) {
        rc = pk_fail_errno(err, "cannot open '%s'", path);
    }
    free(path);
    pk_sha256_u64(h, size);
    return rc;
}

int infer_tokenizer_fingerprint(const struct infer_tokenizer *t,
                                const char *dir, char out[65],
                                struct pk_err *err)
{
    struct pk_sha256 *h;
    uint8_t sum[32];
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    pk_sha256_u64(h, t->chat);
    pk_sha256_u64(h, (uint64_t)t->bos);
    pk_sha256_u64(h, (uint64_t)t->eos);
    rc = hash_file(h, dir, t->kind->file, err);
    if (rc == 0)
        rc = hash_file(h, dir, "added_tokens.json", err);
    pk_sha256_final(h, sum);
    pk_sha256_free(h);
    pk_hex(sum, sizeof sum, out);
    return rc;
}
