/* Text to ids with a tokenizer.json, as Hugging Face's tokenizers does it
 * (models/bpe/model.rs): normalize, cut into words, look characters or bytes
 * up, merge. */
#include "infer/text/json_tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "infer/text/tokenizer.h"

#define SPACE       "\xE2\x96\x81" /* U+2581 */
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define TEXT_MAX    ((size_t)1 << 30)
#define NONE        UINT32_MAX

/* Spaces as the vocabulary has them; each byte that is malformed is U+FFFD. */
static void add_normal(const struct json_tokenizer *t, struct pk_buf *b,
                       const char *s, size_t n)
{
    uint32_t cp;
    for (size_t i = 0, k; i < n; i += k) {
        k = pk_utf8_decode(s + i, n - i, &cp);
        if (k == 0) {
            pk_buf_adds(b, REPLACEMENT);
            k = 1;
        } else if (cp == ' ' && t->escape) {
            pk_buf_adds(b, SPACE);
        } else {
            pk_buf_add(b, s + i, k);
        }
    }
}

static bool starts_with_space(const struct json_tokenizer *t, const char *s,
                              size_t n)
{
    return s[0] == ' ' || (t->escape && n >= 3 && memcmp(s, SPACE, 3) == 0);
}

static void normalize(const struct json_tokenizer *t, struct pk_buf *b,
                      const char *s, size_t n)
{
    if (t->prefix == PREFIX_ALWAYS ||
        (t->prefix == PREFIX_UNLESS_SPACE && !starts_with_space(t, s, n)))
        pk_buf_adds(b, t->escape ? SPACE : " ");
    add_normal(t, b, s, n);
}

/* One call of encode. */
struct run {
    const struct json_tokenizer *t;
    struct infer_merge_word word;
    struct pk_err *err;
};

/* All bytes of a character as byte tokens; 1 when there are none for some. */
static int add_bytes(struct run *r, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r->t->byte_id[(unsigned char)s[i]] < 0)
            return 1;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++)
        rc = infer_merge_word_add(
            &r->word, (uint32_t)r->t->byte_id[(unsigned char)s[i]], r->err);
    return rc;
}

/* A word's characters as symbols. An unknown one is held back, so that those
 * after it can join it (fuse_unk). */
static int fill(struct run *r, const char *s, size_t n)
{
    const struct json_tokenizer *t = r->t;
    bool held = false;
    uint32_t cp;
    int rc = 0;
    r->word.n = 0;
    for (size_t i = 0, k; !rc && i < n; i += k) {
        k = t->byte_level ? 1 : pk_utf8_decode(s + i, n - i, &cp);
        uint32_t id = infer_json_tokenizer_find(t, s + i, k);
        if (id == NONE && t->byte_fallback &&
            (rc = add_bytes(r, s + i, k)) <= 0)
            continue;
        rc = 0;
        if (held && (id != NONE || !t->fuse_unk)) {
            rc = infer_merge_word_add(&r->word, (uint32_t)t->unk, r->err);
            held = false;
        }
        if (!rc && id != NONE)
            rc = infer_merge_word_add(&r->word, id, r->err);
        held |= id == NONE;
    }
    if (!rc && held)
        rc = infer_merge_word_add(&r->word, (uint32_t)t->unk, r->err);
    return rc;
}

static int encode_word(struct run *r, const char *s, size_t n,
                       struct infer_ids *out)
{
    if (r->t->ignore_merges) {
        uint32_t id = infer_json_tokenizer_find(r->t, s, n);
        if (id != NONE)
            return infer_ids_add(out, (int32_t)id, r->err);
    }
    int rc = fill(r, s, n);
    return rc ? rc : infer_merge_word(&r->word, &r->t->rules, out, r->err);
}

static int encode(const void *self, const char *text, size_t len,
                  struct infer_ids *out, struct pk_err *err)
{
    const struct json_tokenizer *t = self;
    struct run r = {.t = t, .err = err};
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 4);
    const size_t before = out->len;
    if (len == 0)
        return 0;
    if (len > TEXT_MAX)
        return pk_fail(err, PK_EDATA, "a text is longer than %zu MiB",
                       TEXT_MAX >> 20);
    normalize(t, &b, text, len);
    int rc = b.failed ? pk_fail_mem(err, "a text") : 0;
    struct pretoken cut = t->cut;
    cut.s = b.data;
    cut.n = b.len;
    for (size_t n; !rc && (n = infer_pretoken_next(&cut)) > 0;)
        rc = encode_word(&r, cut.s - n, n, out);
    if (rc)
        out->len = before;
    infer_merge_word_release(&r.word);
    pk_buf_release(&b);
    return rc;
}

/* ---- The kind ------------------------------------------------------------ */

static const struct json_token *token(const struct json_tokenizer *t,
                                      int32_t id)
{
    return id >= 0 && (size_t)id < t->n ? &t->token[id] : NULL;
}

static const char *piece(const void *self, int32_t id, size_t *len)
{
    const struct json_tokenizer *t = self;
    const struct json_token *k = token(t, id);
    *len = k ? k->piece_len : 0;
    return k ? t->text.data + k->piece : NULL;
}

static const char *name(const void *self, int32_t id, size_t *len)
{
    const struct json_tokenizer *t = self;
    const struct json_token *k = token(t, id);
    *len = k ? k->name_len : 0;
    return k ? t->text.data + k->name : NULL;
}

static unsigned traits(const void *self, int32_t id)
{
    const struct json_tokenizer *t = self;
    const struct json_token *k = token(t, id);
    if (!k || k->type == JSON_TOKEN_SPECIAL)
        return TOKEN_SPECIAL;
    if (t->byte_level || k->type == JSON_TOKEN_BYTE)
        return TOKEN_BYTES;
    return k->piece_len && t->text.data[k->piece] == ' ' ? TOKEN_SPACE : 0;
}

static void destroy(void *self)
{
    infer_json_tokenizer_release(self);
    free(self);
}

static const struct tokenizer_kind kind = {
    "tokenizer.json", encode, piece, name, traits, destroy};

int infer_json_tokenizer_open(struct infer_tokenizer *t, const char *path,
                              struct pk_err *err)
{
    struct json_tokenizer *j = pk_calloc(1, sizeof *j);
    if (!j)
        return pk_fail_mem(err, "a tokenizer");
    int rc = infer_json_tokenizer_read(j, path, err);
    if (rc) {
        free(j);
        return rc;
    }
    t->kind = &kind;
    t->self = j;
    t->vocab = j->n;
    t->bos = t->eos = -1;
    t->unk = j->unk;
    t->strip = j->escape && j->prefix != PREFIX_NEVER ? STRIP_ONE : STRIP_NONE;
    return 0;
}
