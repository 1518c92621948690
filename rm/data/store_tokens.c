/* Tokens for the store's verbs; see store_tokens.h. */
#include "rm/data/store_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "infer/infer.h"

struct tokens {
    struct infer_tokenizer *t;
    struct infer_ids x, y;
};

static void close_tokens(void *tokens)
{
    struct tokens *k = tokens;
    if (!k)
        return;
    infer_ids_release(&k->x);
    infer_ids_release(&k->y);
    infer_tokenizer_close(k->t);
    free(k);
}

static int open_tokens(void **out, const char *path, struct pk_err *err)
{
    struct tokens *k = pk_calloc(1, sizeof *k);
    *out = NULL;
    if (!k)
        return pk_fail_mem(err, "a tokenizer");
    int rc = infer_tokenizer_open(&k->t, path, err);
    if (rc)
        close_tokens(k);
    else
        *out = k;
    return rc;
}

static int same_tokens(void *tokens, const struct prefdb_turn *x,
                       const struct prefdb_turn *y, uint64_t n,
                       struct pk_err *err)
{
    struct tokens *k = tokens;
    k->x.len = k->y.len = 0;
    int rc = infer_tokenizer_encode(k->t, x->text, x->len, &k->x, err);
    if (!rc)
        rc = infer_tokenizer_encode(k->t, y->text, y->len, &k->y, err);
    if (rc)
        return rc;
    size_t a = k->x.len < n ? k->x.len : (size_t)n;
    size_t b = k->y.len < n ? k->y.len : (size_t)n;
    return a == b &&
           (a == 0 || memcmp(k->x.id, k->y.id, a * sizeof *k->x.id) == 0);
}

static int count_tokens(void *tokens, const char *text, size_t len, uint32_t *n,
                        struct pk_err *err)
{
    struct tokens *k = tokens;
    k->x.len = 0;
    int rc = infer_tokenizer_encode(k->t, text, len, &k->x, err);
    *n = (uint32_t)k->x.len; /* SQLite's texts have under 2^31 bytes */
    return rc;
}

const struct prefdb_tokens rm_store_tokens = {open_tokens, same_tokens,
                                              count_tokens, close_tokens};
