/* A tokenizer of FTS5 around its own; see tokens.h. */
#include "prefdb/store/tokens.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/utf8.h"

typedef int token_fn(void *ctx, int flags, const char *token, int n, int from,
                     int to);

/* What unicode61 is made of, and one of it. */
struct inner {
    fts5_tokenizer of;
    void *user;
};
struct tokens {
    fts5_tokenizer of;
    Fts5Tokenizer *one;
};

/* A stretch of the text: its tokens lie `by` bytes further on in the whole. */
struct shifted {
    token_fn *put;
    void *ctx;
    int by;
};

static int put_shifted(void *arg, int flags, const char *token, int n, int from,
                       int to)
{
    const struct shifted *s = arg;
    return s->put(s->ctx, flags, token, n, from + s->by, to + s->by);
}

/* Letters of Chinese and Japanese: ideographs, kana, bopomofo. */
static bool stands_alone(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x3005 && c <= 0x3007) || (c >= 0x3041 && c <= 0x3096) ||
           (c >= 0x309D && c <= 0x309F) || (c >= 0x30A1 && c <= 0x30FA) ||
           (c >= 0x30FC && c <= 0x30FF) || (c >= 0x3105 && c <= 0x312F) ||
           (c >= 0x31A0 && c <= 0x31BF) || (c >= 0x31F0 && c <= 0x31FF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF66 && c <= 0xFF9F) ||
           (c >= 0x1AFF0 && c <= 0x1B16F) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* The next such character at or after `at`, and its length; n: none. */
static int next_alone(const char *s, int n, int at, int *len)
{
    uint32_t cp;
    for (; at < n; at++) {
        if ((unsigned char)s[at] < 0xE3) /* of no such character the first */
            continue;
        *len = (int)pk_utf8_decode(s + at, (size_t)(n - at), &cp);
        if (*len && stands_alone(cp))
            return at;
    }
    return n;
}

static int tokenize(Fts5Tokenizer *self, void *ctx, int flags, const char *s,
                    int n, token_fn *put)
{
    const struct tokens *t = (const struct tokens *)(void *)self;
    int rc = SQLITE_OK, at = 0, len = 0;
    while (rc == SQLITE_OK && at < n) {
        int end = next_alone(s, n, at, &len);
        struct shifted rest = {put, ctx, at};
        if (end > at)
            rc = t->of.xTokenize(t->one, &rest, flags, s + at, end - at,
                                 put_shifted);
        if (rc == SQLITE_OK && end < n)
            rc = put(ctx, 0, s + end, len, end, end + len);
        at = end + len;
    }
    return rc;
}

static int make(void *arg, const char **args, int n, Fts5Tokenizer **out)
{
    const struct inner *inner = arg;
    struct tokens *t = pk_calloc(1, sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    t->of = inner->of;
    int rc = t->of.xCreate(inner->user, args, n, &t->one);
    if (rc != SQLITE_OK) {
        free(t);
        return rc;
    }
    *out = (Fts5Tokenizer *)(void *)t;
    return SQLITE_OK;
}

static void unmake(Fts5Tokenizer *self)
{
    struct tokens *t = (struct tokens *)(void *)self;
    t->of.xDelete(t->one);
    free(t);
}

/* FTS5's functions, by the query that gives them. */
static int find_api(sqlite3 *sql, fts5_api **out)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(sql, "SELECT fts5(?1)", -1, &s, NULL);
    *out = NULL;
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_pointer(s, 1, out, "fts5_api_ptr", NULL);
    if (rc == SQLITE_OK)
        sqlite3_step(s);
    sqlite3_finalize(s);
    return rc == SQLITE_OK && !*out ? SQLITE_ERROR : rc;
}

int prefdb__tokens_register(sqlite3 *sql)
{
    fts5_tokenizer ours = {make, unmake, tokenize};
    fts5_api *api;
    int rc = find_api(sql, &api);
    if (rc != SQLITE_OK)
        return rc;
    struct inner *inner = pk_calloc(1, sizeof *inner);
    if (!inner)
        return SQLITE_NOMEM;
    rc = api->xFindTokenizer(api, "unicode61", &inner->user, &inner->of);
    if (rc == SQLITE_OK)
        return api->xCreateTokenizer(api, PREFDB__TOKENS, inner, &ours, free);
    free(inner);
    return rc;
}
