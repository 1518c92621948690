/* The tokenizer's door: which kind a file or directory holds, and ids to text.
 * The kinds: spm_tokenizer.c (SentencePiece's tokenizer.model) and
 * json_tokenizer.c (Hugging Face's tokenizer.json). */
#include "infer/text/tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/path.h"
#include "common/utf8.h"
#include "infer/text/tokenizer_files.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* ---- Opening ------------------------------------------------------------- */

/* No SentencePiece model begins with a brace: it would be field 15. */
static bool is_json(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool yes = fgetc(f) == '{';
    fclose(f);
    return yes;
}

static bool has(const char *dir, const char *name)
{
    char *path;
    if (pk_path(&path, dir, name, NULL) < 0)
        return true; /* opening it will say what is wrong */
    bool yes = access(path, F_OK) == 0 || errno != ENOENT;
    free(path);
    return yes;
}

bool infer_tokenizer_present(const char *dir)
{
    return has(dir, "tokenizer.model") || has(dir, "tokenizer.json");
}

/* tokenizer.model, or where there is none tokenizer.json. */
static int open_dir(struct infer_tokenizer *t, const char *dir,
                    struct pk_err *err)
{
    if (!infer_tokenizer_present(dir))
        return pk_fail(err, PK_EIO,
                       "%s: has no tokenizer.model and no tokenizer.json", dir);
    const bool spm = has(dir, "tokenizer.model");
    char *path;
    int rc =
        pk_path(&path, dir, spm ? "tokenizer.model" : "tokenizer.json", err);
    if (!rc)
        rc = spm ? infer_spm_tokenizer_open(t, path, dir, err)
                 : infer_json_tokenizer_open(t, path, err);
    free(path);
    return rc ? rc : infer_tokenizer_settings(t, dir, err);
}

/* A file; the directory of a tokenizer.json tells its BOS and EOS. */
static int open_file(struct infer_tokenizer *t, const char *path,
                     struct pk_err *err)
{
    if (!is_json(path)) {
        int rc = infer_spm_tokenizer_open(t, path, NULL, err);
        return rc ? rc : infer_tokenizer_settings(t, NULL, err);
    }
    const char *slash = strrchr(path, '/');
    char *dir =
        slash ? pk_memdup0(path, (size_t)(slash - path) + 1) : pk_strdup(".");
    int rc = dir ? infer_json_tokenizer_open(t, path, err)
                 : pk_fail_mem(err, "a path");
    if (!rc)
        rc = infer_tokenizer_settings(t, dir, err);
    free(dir);
    return rc;
}

int infer_tokenizer_open(struct infer_tokenizer **out, const char *path,
                         struct pk_err *err)
{
    *out = NULL;
    struct infer_tokenizer *t = pk_calloc(1, sizeof *t);
    if (!t)
        return pk_fail_mem(err, "a tokenizer");
    struct stat st;
    int rc = stat(path, &st) == 0 && S_ISDIR(st.st_mode)
                 ? open_dir(t, path, err)
                 : open_file(t, path, err);
    if (rc == 0)
        rc = infer_tokenizer_specials(t, err);
    if (rc)
        infer_tokenizer_close(t);
    else
        *out = t;
    return rc;
}

void infer_tokenizer_close(struct infer_tokenizer *t)
{
    if (!t)
        return;
    if (t->self)
        t->kind->close(t->self);
    free(t->special);
    free(t);
}

/* ---- What it says -------------------------------------------------------- */

const char *infer_tokenizer_name(const struct infer_tokenizer *t, int32_t id,
                                 size_t *len)
{
    return t->kind->name(t->self, id, len);
}

const char *infer_tokenizer_piece(const struct infer_tokenizer *t, int32_t id,
                                  size_t *len)
{
    return t->kind->piece(t->self, id, len);
}

int32_t infer_tokenizer_find(const struct infer_tokenizer *t, const char *name)
{
    const size_t want = strlen(name);
    for (size_t i = t->vocab, len; i-- > 0;) {
        const char *s = infer_tokenizer_name(t, (int32_t)i, &len);
        if (s && len == want && memcmp(s, name, len) == 0)
            return (int32_t)i;
    }
    return -1;
}

const char *infer_tokenizer_file(const struct infer_tokenizer *t)
{
    return t->kind->file;
}

size_t infer_tokenizer_vocab(const struct infer_tokenizer *t)
{
    return t->vocab;
}

int32_t infer_tokenizer_bos(const struct infer_tokenizer *t)
{
    return t->bos;
}

int32_t infer_tokenizer_eos(const struct infer_tokenizer *t)
{
    return t->eos;
}

int32_t infer_tokenizer_unk(const struct infer_tokenizer *t)
{
    return t->unk;
}

/* A token made for padding first; Llama 3 has only reserved ones. */
int32_t infer_tokenizer_pad(const struct infer_tokenizer *t)
{
    static const char *const names[] = {"<|finetune_right_pad_id|>", "[PAD]",
                                        "<pad>", "<|pad|>",
                                        "<|reserved_special_token_0|>"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int32_t id = infer_tokenizer_find(t, names[i]);
        if (id >= 0 && id != t->eos && id != t->bos)
            return id;
        if (i == 3 && t->unk >= 0 && t->unk != t->eos)
            return t->unk;
    }
    return -1;
}

int infer_tokenizer_encode(const struct infer_tokenizer *t, const char *text,
                           size_t len, struct infer_ids *out,
                           struct pk_err *err)
{
    return t->kind->encode(t->self, text, len, out, err);
}

/* ---- Ids to text --------------------------------------------------------- */

/* Could more bytes make these n a character? One of three continuations is
 * right after every lead byte (Unicode 15, table 3-7). */
static bool may_grow(const char *s, size_t n)
{
    static const char more[] = "\x80\x90\xA0";
    char whole[4];
    uint32_t cp;
    memcpy(whole, s, n);
    for (size_t k = 0; n < 4 && more[k]; k++) {
        memset(whole + n, more[k], 4 - n);
        if (pk_utf8_decode(whole, 4, &cp) > n)
            return true;
    }
    return false;
}

/* Take the characters off the front of the tail; `all`: nothing will follow. */
static void drain(struct tokenizer_text *x, bool all, struct pk_buf *out)
{
    uint32_t cp;
    while (x->n_tail && (all || !may_grow(x->tail, x->n_tail))) {
        size_t k = pk_utf8_decode(x->tail, x->n_tail, &cp);
        if (k)
            pk_buf_add(out, x->tail, k);
        else
            pk_buf_adds(out, REPLACEMENT);
        k = k ? k : 1;
        x->n_tail -= k;
        memmove(x->tail, x->tail + k, x->n_tail);
    }
}

/* The space that encoding put before the text is taken off the first piece
 * that gives any, or off all until there is text. */
static void add_piece(const struct infer_tokenizer *t, struct tokenizer_text *x,
                      int32_t id, struct pk_buf *out)
{
    size_t len;
    const char *s = infer_tokenizer_piece(t, id, &len);
    if (x->first && (t->kind->traits(t->self, id) & TOKEN_SPACE)) {
        s++;
        len--;
        x->first = t->strip == STRIP_ALL;
    }
    pk_buf_add(out, s, len);
}

void infer_tokenizer_text_start(const struct infer_tokenizer *t,
                                struct tokenizer_text *x, bool fresh)
{
    *x = (struct tokenizer_text){.first = fresh && t->strip != STRIP_NONE};
}

int infer_tokenizer_text_add(const struct infer_tokenizer *t,
                             struct tokenizer_text *x, int32_t id,
                             struct pk_buf *out, struct pk_err *err)
{
    size_t len, before = out->len;
    const char *s = infer_tokenizer_piece(t, id, &len);
    if (!s)
        return pk_fail(err, PK_EDATA,
                       "id %ld is outside the vocabulary of %zu tokens",
                       (long)id, infer_tokenizer_vocab(t));
    if (t->kind->traits(t->self, id) & TOKEN_BYTES) {
        for (size_t i = 0; i < len; i++) {
            x->tail[x->n_tail++] = s[i];
            drain(x, false, out);
        }
    } else {
        drain(x, true, out);
        x->first = x->first && out->len == before;
        add_piece(t, x, id, out);
    }
    x->first = x->first && out->len == before;
    return out->failed ? pk_fail_mem(err, "a text") : 0;
}

int infer_tokenizer_text_end(struct tokenizer_text *x, struct pk_buf *out,
                             struct pk_err *err)
{
    drain(x, true, out);
    pk_buf_add(out, "", 0);
    return out->failed ? pk_fail_mem(err, "a text") : 0;
}

int infer_tokenizer_decode(const struct infer_tokenizer *t, const int32_t *ids,
                           size_t n, char **text, size_t *len,
                           struct pk_err *err)
{
    struct pk_buf out = PK_BUF_INIT(SIZE_MAX / 4);
    struct tokenizer_text x;
    int rc = 0;
    *text = NULL;
    *len = 0;
    infer_tokenizer_text_start(t, &x, true);
    for (size_t i = 0; !rc && i < n; i++)
        rc = infer_tokenizer_text_add(t, &x, ids[i], &out, err);
    if (!rc)
        rc = infer_tokenizer_text_end(&x, &out, err);
    if (!rc) {
        *len = out.len;
        *text = pk_buf_take(&out);
    }
    pk_buf_release(&out);
    return rc;
}
