/* The tokenizer's door: which kind a file or directory holds, and ids to text.
 * The kinds: spm_tokenizer.c (SentencePiece's tokenizer.model) and
 * json_tokenizer.c (Hugging Face's tokenizer.json). */
#include "infer/tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "infer/tokenizer_files.h"

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
    if (infer_path(&path, dir, name, NULL) < 0)
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
        infer_path(&path, dir, spm ? "tokenizer.model" : "tokenizer.json", err);
    if (!rc)
        rc = spm ? spm_tokenizer_open(t, path, dir, err)
                 : json_tokenizer_open(t, path, err);
    free(path);
    return rc ? rc : tokenizer_settings(t, dir, err);
}

/* A file; the directory of a tokenizer.json tells its BOS and EOS. */
static int open_file(struct infer_tokenizer *t, const char *path,
                     struct pk_err *err)
{
    if (!is_json(path)) {
        int rc = spm_tokenizer_open(t, path, NULL, err);
        return rc ? rc : tokenizer_settings(t, NULL, err);
    }
    const char *slash = strrchr(path, '/');
    char *dir =
        slash ? pk_memdup0(path, (size_t)(slash - path) + 1) : pk_strdup(".");
    int rc =
        dir ? json_tokenizer_open(t, path, err) : pk_fail_mem(err, "a path");
    if (!rc)
        rc = tokenizer_settings(t, dir, err);
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
        rc = tokenizer_specials(t, err);
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

int32_t tokenizer_find(const struct infer_tokenizer *t, const char *name)
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
        int32_t id = tokenizer_find(t, names[i]);
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

/* A run of byte pieces has ended: its malformed bytes become U+FFFD. */
static void flush_bytes(struct pk_buf *out, struct pk_buf *bytes)
{
    uint32_t cp;
    for (size_t i = 0, k; i < bytes->len; i += k) {
        k = pk_utf8_decode(bytes->data + i, bytes->len - i, &cp);
        if (k)
            pk_buf_add(out, bytes->data + i, k);
        else
            pk_buf_adds(out, REPLACEMENT);
        k = k ? k : 1;
    }
    pk_buf_reset(bytes);
}

/* The space that encoding put before the text is taken off the first piece
 * that gives any, or off all until there is text. */
static void add_piece(const struct infer_tokenizer *t, int32_t id, bool *first,
                      struct pk_buf *out)
{
    size_t len;
    const char *s = infer_tokenizer_piece(t, id, &len);
    *first = *first && out->len == 0;
    if (*first && (t->kind->traits(t->self, id) & TOKEN_SPACE)) {
        s++;
        len--;
        *first = t->strip == STRIP_ALL;
    }
    pk_buf_add(out, s, len);
}

int infer_tokenizer_decode(const struct infer_tokenizer *t, const int32_t *ids,
                           size_t n, char **text, size_t *len,
                           struct pk_err *err)
{
    struct pk_buf out = PK_BUF_INIT(SIZE_MAX / 4);
    struct pk_buf bytes = PK_BUF_INIT(SIZE_MAX / 4);
    bool first = t->strip != STRIP_NONE;
    int rc = 0;
    *text = NULL;
    *len = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k;
        const char *s = infer_tokenizer_piece(t, ids[i], &k);
        if (!s) {
            rc = pk_fail(err, PK_EDATA,
                         "id %ld is outside the vocabulary of %zu tokens",
                         (long)ids[i], infer_tokenizer_vocab(t));
            break;
        }
        if (t->kind->traits(t->self, ids[i]) & TOKEN_BYTES) {
            pk_buf_add(&bytes, s, k);
            continue;
        }
        flush_bytes(&out, &bytes);
        add_piece(t, ids[i], &first, &out);
    }
    flush_bytes(&out, &bytes);
    if (!rc && (out.failed || bytes.failed || pk_buf_add(&out, "", 0) != 0))
        rc = pk_fail_mem(err, "a text");
    if (!rc) {
        *len = out.len;
        *text = pk_buf_take(&out);
    }
    pk_buf_release(&out);
    pk_buf_release(&bytes);
    return rc;
}
