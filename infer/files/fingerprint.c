/* What a model is known by. A hash over all values would be one thread's work:
 * they are hashed in pieces, by all threads, and the pieces' sums then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/sha256.h"
#include "infer/files/config.h"
#include "infer/files/params.h"

enum { PIECE = 1 << 20, PART = 4096, SUM = 32 }; /* values; bytes */

/* n values of a tensor from `at` on, in f32 however they are stored. */
static int hash_piece(const struct infer_matrix *m, size_t at, size_t n,
                      uint8_t out[SUM])
{
    struct pk_sha256 *h;
    float part[PART];
    if (pk_sha256_new(&h, NULL) < 0)
        return PK_EMEM;
    for (size_t end = at + n; at < end; at += PART) {
        size_t len = end - at < PART ? end - at : PART;
        infer_matrix_values(m, at, part, len);
        pk_sha256_raw(h, part, len * sizeof *part);
    }
    pk_sha256_final(h, out);
    pk_sha256_free(h);
    return 0;
}

static int hash_values(struct pk_sha256 *h, const struct infer_matrix *m)
{
    const size_t n = m->rows * m->cols, pieces = (n + PIECE - 1) / PIECE;
    uint8_t(*sum)[SUM] = pk_calloc(pieces, sizeof *sum);
    int bad = 0;
    if (!sum)
        return PK_EMEM;
#pragma omp parallel for schedule(dynamic, 1) reduction(+ : bad)
    for (size_t i = 0; i < pieces; i++) {
        size_t at = i * PIECE;
        bad += hash_piece(m, at, n - at < PIECE ? n - at : PIECE, sum[i]) < 0;
    }
    pk_sha256_u64(h, n);
    pk_sha256_field(h, sum, pieces * sizeof *sum);
    free(sum);
    return bad ? PK_EMEM : 0;
}

/* Shapes that its tensors do not tell, epsilon, and what turns positions. */
static void hash_config(struct pk_sha256 *h, const struct infer_config *c)
{
    const struct infer_rope_scaling *s = &c->rope;
    char text[128];
    int n = snprintf(text, sizeof text, "%zu %zu %zu %.17g %.17g", c->heads,
                     c->kv_heads, c->head_dim, c->norm_eps, c->rope_theta);
    pk_sha256_field(h, text, (size_t)n);
    if (s->kind == INFER_ROPE_DEFAULT)
        return;
    n = snprintf(text, sizeof text, "rope %d %.17g %.17g %.17g %zu",
                 (int)s->kind, s->factor, s->low, s->high, s->original);
    pk_sha256_field(h, text, (size_t)n);
}

static int hash_weights(struct pk_sha256 *h, const struct infer_model *m,
                        struct pk_err *err)
{
    const struct infer_config *c = infer_model_config(m);
    struct infer_weights w = *infer_model_weights(m);
    for (size_t i = 0; i < infer_tensor_count(c); i++) {
        struct infer_tensor t;
        infer_tensor_at(c, i, &t);
        pk_sha256_field(h, t.name, strlen(t.name));
        if (hash_values(h, infer_weights_slot(c, &w, i)) < 0)
            return pk_fail_mem(err, "a fingerprint");
    }
    return 0;
}

/* What a text becomes before it is numbers; nothing, where there is none. */
static int hash_tokenizer(struct pk_sha256 *h, const char *dir,
                          struct pk_err *err)
{
    struct infer_tokenizer *t;
    char print[65];
    if (!infer_tokenizer_present(dir))
        return 0;
    int rc = infer_tokenizer_open(&t, dir, err);
    if (rc)
        return rc;
    rc = infer_tokenizer_fingerprint(t, print, err);
    infer_tokenizer_close(t);
    if (!rc)
        pk_sha256_field(h, print, strlen(print));
    return rc;
}

int infer_model_fingerprint(const struct infer_model *m, char out[65],
                            struct pk_err *err)
{
    struct pk_sha256 *h;
    int rc = pk_sha256_new(&h, err);
    if (rc)
        return rc;
    hash_config(h, infer_model_config(m));
    rc = hash_weights(h, m, err);
    if (!rc)
        rc = hash_tokenizer(h, infer_model_dir(m), err);
    if (rc)
        pk_sha256_free(h);
    else
        pk_sha256_end(h, out);
    return rc;
}
