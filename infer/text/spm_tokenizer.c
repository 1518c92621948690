/* The SentencePiece kind: text to normal form and ids, and what its pieces say.
 *
 * Follows google/sentencepiece 0.1.97 to the byte: src/normalizer.cc (with the
 * identity rule) and src/sentencepiece_processor.cc. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/path.h"
#include "common/utf8.h"
#include "infer/text/bpe.h"
#include "infer/text/spm.h"
#include "infer/text/tokenizer.h"
#include "infer/text/tokenizer_files.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

struct spm_tokenizer {
    struct infer_spm spm;
    struct infer_bpe *bpe;
    size_t added;        /* tokens after the last piece */
    cJSON *added_tokens; /* added_tokens.json, or NULL */
    char bytes[256];
};

/* ---- Added tokens -------------------------------------------------------- */

/* One member of added_tokens.json: a new id, or one of the model's own pieces
 * told again. */
static int take_added(const struct spm_tokenizer *t, const cJSON *item,
                      bool *seen, size_t n, struct pk_err *err)
{
    const double id = item->valuedouble;
    if (!cJSON_IsNumber(item) || id != floor(id) || id < 0 ||
        id >= (double)(t->spm.n + n))
        return pk_fail(err, PK_EDATA,
                       "the id of \"%s\" is not a whole number below %zu",
                       item->string, t->spm.n + n);
    const size_t i = (size_t)id;
    if (i < t->spm.n) {
        const struct spm_piece *p = &t->spm.piece[i];
        if (p->len == strlen(item->string) &&
            memcmp(p->text, item->string, p->len) == 0)
            return 0;
        return pk_fail(err, PK_EDATA, "\"%s\" has the id %zu of another piece",
                       item->string, i);
    }
    if (seen[i - t->spm.n])
        return pk_fail(err, PK_EDATA, "two tokens have the id %zu", i);
    seen[i - t->spm.n] = true;
    return 0;
}

static int count_added(struct spm_tokenizer *t, const cJSON *json,
                       struct pk_err *err)
{
    if (!cJSON_IsObject(json))
        return pk_fail(err, PK_EDATA, "not a JSON object");
    const size_t n = (size_t)cJSON_GetArraySize(json);
    bool *seen = pk_calloc(n, sizeof *seen);
    if (!seen)
        return pk_fail_mem(err, "a tokenizer");
    int rc = 0;
    const cJSON *item = json->child;
    for (; !rc && item; item = item->next)
        rc = take_added(t, item, seen, n, err);
    while (t->added < n && seen[t->added])
        t->added++;
    for (size_t i = t->added; !rc && i < n; i++)
        if (seen[i])
            rc = pk_fail(err, PK_EDATA, "there is an id %zu, but no id %zu",
                         t->spm.n + i, t->spm.n + t->added);
    free(seen);
    return rc;
}

static int read_added(struct spm_tokenizer *t, const char *dir,
                      struct pk_err *err)
{
    char *path;
    int rc = pk_path(&path, dir, "added_tokens.json", err);
    if (rc)
        return rc;
    if (access(path, F_OK) == 0)
        rc = pk_json_load(&t->added_tokens, path, 1 << 20, err);
    if (t->added_tokens && (rc = count_added(t, t->added_tokens, err)) < 0)
        pk_err_prefix(err, "%s: ", path);
    free(path);
    return rc;
}

/* ---- Text to ids --------------------------------------------------------- */

/* Length of the run at s that is in normal form already: well-formed, and no
 * U+2581. */
static size_t normal_run(const char *s, size_t n)
{
    size_t i = 0;
    for (;;) {
        uint64_t eight;
        while (n - i >= 8) {
            memcpy(&eight, s + i, 8);
            if (eight & 0x8080808080808080u)
                break;
            i += 8;
        }
        uint32_t cp;
        size_t k = pk_utf8_decode(s + i, n - i, &cp);
        if (k == 0 || cp == 0x2581)
            return i;
        i += k;
    }
}

/* Text to the form that bpe.h describes: U+2581 is the space it stands for,
 * each byte that is malformed is U+FFFD. */
static void normalize(struct pk_buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = normal_run(s + i, n - i);
        pk_buf_add(b, s + i, k);
        i += k;
        if (n - i >= 3 && memcmp(s + i, SPM_SPACE, 3) == 0) {
            pk_buf_addc(b, ' ');
            i += 3;
        } else if (i < n) {
            pk_buf_adds(b, REPLACEMENT);
            i++;
        }
    }
}

/* The same for a model that removes extra white space: spaces at both ends,
 * and all but the first of several. U+2581 counts as a space at the end only.
 */
static void normalize_tight(struct pk_buf *b, const char *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        const char *space = memchr(s + i, ' ', n - i);
        size_t k = space ? (size_t)(space - (s + i)) : n - i;
        normalize(b, s + i, k);
        i += k;
        if (i < n)
            pk_buf_addc(b, ' ');
        while (i < n && s[i] == ' ')
            i++;
    }
    while (b->len > 0 && b->data[b->len - 1] == ' ')
        b->data[--b->len] = 0;
}

static int encode(const void *self, const char *text, size_t len,
                  struct infer_ids *out, struct pk_err *err)
{
    const struct spm_tokenizer *t = self;
    const size_t before = out->len;
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 4);
    if (t->spm.remove_extra_spaces)
        while (len > 0 && *text == ' ') {
            text++;
            len--;
        }
    if (len == 0)
        return 0;
    if (t->spm.dummy_prefix)
        pk_buf_addc(&b, ' ');
    (t->spm.remove_extra_spaces ? normalize_tight : normalize)(&b, text, len);
    int rc = b.failed ? pk_fail_mem(err, "a text")
                      : infer_bpe_encode(t->bpe, b.data, b.len, out, err);
    if (rc)
        out->len = before;
    pk_buf_release(&b);
    return rc;
}

/* ---- Pieces -------------------------------------------------------------- */

static struct spm_span unknown_text(const struct spm_tokenizer *t)
{
    static const char standard[] = " \xE2\x81\x87 "; /* U+2047 */
    struct spm_span s = t->spm.unk_surface;
    if (!s.text)
        return (struct spm_span){standard, sizeof standard - 1};
    return (struct spm_span){s.text, strnlen(s.text, s.len)};
}

static const char *piece(const void *self, int32_t id, size_t *len)
{
    const struct spm_tokenizer *t = self;
    *len = 0;
    if (id < 0 || (size_t)id >= t->spm.n + t->added)
        return NULL;
    if ((size_t)id >= t->spm.n)
        return "";
    const struct spm_piece *p = &t->spm.piece[id];
    switch (p->type) {
    case SPM_CONTROL:
        return "";
    case SPM_BYTE:
        *len = 1;
        return &t->bytes[infer_spm_byte(p)];
    case SPM_UNKNOWN: {
        struct spm_span s = unknown_text(t);
        *len = s.len;
        return s.text;
    }
    default:
        return infer_bpe_text(t->bpe, id, len);
    }
}

static const char *name(const void *self, int32_t id, size_t *len)
{
    const struct spm_tokenizer *t = self;
    *len = 0;
    if (id < 0)
        return NULL;
    if ((size_t)id < t->spm.n) {
        *len = t->spm.piece[id].len;
        return t->spm.piece[id].text;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, t->added_tokens) if (item->valuedouble == id)
    {
        *len = strlen(item->string);
        return item->string;
    }
    return NULL;
}

/* TOKEN_SPACE means U+2581: a piece may also hold a plain space, which stays.
 */
static unsigned traits(const void *self, int32_t id)
{
    const struct spm_tokenizer *t = self;
    if (id < 0 || (size_t)id >= t->spm.n)
        return TOKEN_SPECIAL;
    const struct spm_piece *p = &t->spm.piece[id];
    if (p->type == SPM_BYTE)
        return TOKEN_BYTES;
    if (p->type == SPM_CONTROL || p->type == SPM_UNKNOWN)
        return TOKEN_SPECIAL;
    return p->len >= 3 && memcmp(p->text, SPM_SPACE, 3) == 0 ? TOKEN_SPACE : 0;
}

/* ---- Opening ------------------------------------------------------------- */

static void destroy(void *self)
{
    struct spm_tokenizer *t = self;
    infer_bpe_free(t->bpe);
    infer_spm_release(&t->spm);
    cJSON_Delete(t->added_tokens);
    free(t);
}

static const struct tokenizer_kind kind = {
    "tokenizer.model", encode, piece, name, traits, destroy};

static int read_model(struct spm_tokenizer *t, const char *path,
                      struct pk_err *err)
{
    for (int i = 0; i < 256; i++)
        t->bytes[i] = (char)i;
    int rc = infer_spm_read(&t->spm, path, err);
    if (rc)
        return rc;
    rc = infer_bpe_new(&t->bpe, &t->spm, err);
    return rc ? pk_err_prefix(err, "%s: ", path) : 0;
}

int infer_spm_tokenizer_open(struct infer_tokenizer *t, const char *path,
                             const char *dir, struct pk_err *err)
{
    struct spm_tokenizer *s = pk_calloc(1, sizeof *s);
    if (!s)
        return pk_fail_mem(err, "a tokenizer");
    int rc = read_model(s, path, err);
    if (!rc && dir)
        rc = read_added(s, dir, err);
    if (rc) {
        destroy(s);
        return rc;
    }
    t->kind = &kind;
    t->self = s;
    t->vocab = s->spm.n + s->added;
    t->bos = s->spm.bos;
    t->eos = s->spm.eos;
    t->unk = s->spm.unk;
    t->strip = s->spm.remove_extra_spaces ? STRIP_ALL
               : s->spm.dummy_prefix      ? STRIP_ONE
                                          : STRIP_NONE;
    return 0;
}
