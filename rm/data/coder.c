/* Texts as token ids; see coder.h. */
#include "rm/data/coder.h"

#include <string.h>

#include "common/buf.h"

bool rm_parse_unclosed(const char *s, enum rm_unclosed *out)
{
    static const char *const names[] = {"cut", "close", "refuse"};
    for (int i = 0; i < 3; i++)
        if (strcmp(s, names[i]) == 0) {
            *out = (enum rm_unclosed)i;
            return true;
        }
    return false;
}

/* The token that closes a response. */
static int32_t closing(const struct rm_coder *c)
{
    return c->tokenizer ? infer_tokenizer_eos(c->tokenizer) : c->config->eos;
}

/* ---- Ready-made ids ------------------------------------------------------ */

/* Checked here, so that the error can name their row. */
static int take_ids(const struct rm_coder *c, const struct rm_text *text,
                    struct infer_ids *ids, struct rm_code *what,
                    struct pk_err *err)
{
    if (text->n_ids == 0)
        return pk_fail(err, PK_EDATA, "no token ids");
    for (size_t i = 0; i < text->n_ids; i++) {
        int32_t id = text->ids[i];
        if (id < 0 || (size_t)id >= c->config->vocab)
            return pk_fail(err, PK_EDATA,
                           "token id %d is outside the vocabulary of %s (%zu)",
                           id, c->name, c->config->vocab);
        int rc = infer_ids_add(ids, id, err);
        if (rc)
            return rc;
    }
    what->cut = text->ids[text->n_ids - 1] != closing(c);
    return 0;
}

/* ---- Marked texts -------------------------------------------------------- */

/* A token's name and its length; 0 where there is no such token. */
static size_t name_of(const struct rm_coder *c, int32_t id, const char **name)
{
    size_t k = 0;
    *name = id < 0 ? NULL : infer_tokenizer_name(c->tokenizer, id, &k);
    return *name ? k : 0;
}

static size_t starts_with(const struct rm_coder *c, int32_t id, const char *s,
                          size_t n)
{
    const char *name;
    size_t k = name_of(c, id, &name);
    return k && k <= n && memcmp(s, name, k) == 0 ? k : 0;
}

static size_t ends_with(const struct rm_coder *c, int32_t id, const char *s,
                        size_t n)
{
    const char *name;
    size_t k = name_of(c, id, &name);
    return k && k <= n && memcmp(s + n - k, name, k) == 0 ? k : 0;
}

static bool is_space(char c)
{
    return c && strchr(" \t\r\n", c);
}

static size_t without_space(const char *s, size_t n)
{
    while (n > 0 && is_space(s[n - 1]))
        n--;
    return n;
}

/* What of a marked text is its own: between the BOS that it begins with and the
 * EOS that closes it. Programs that batch, decode and send on put padding
 * around it, or a second BOS or EOS; none of that may move a score. */
struct own {
    const char *s;
    size_t n;
    bool bos, closed;
};

static void skip_front(const struct rm_coder *c, struct own *o)
{
    int32_t bos = infer_tokenizer_bos(c->tokenizer);
    for (size_t k = 0;; o->s += k, o->n -= k) {
        if ((k = starts_with(c, bos, o->s, o->n)))
            o->bos = true;
        else if (o->n && is_space(*o->s))
            k = 1;
        else if (!(k = starts_with(c, c->config->pad, o->s, o->n)) &&
                 !(k = starts_with(c, closing(c), o->s, o->n)))
            return;
    }
}

/* The white space before the EOS stays: it is the chat format's. */
static void skip_back(const struct rm_coder *c, struct own *o)
{
    for (;;) {
        size_t k, n = without_space(o->s, o->n);
        if ((k = ends_with(c, closing(c), o->s, n)))
            o->closed = true;
        else if (!(k = ends_with(c, c->config->pad, o->s, n)))
            break;
        o->n = n - k;
    }
    if (!o->closed)
        o->n = without_space(o->s, o->n);
}

/* Its ids up to where it is cut off, or is to be closed. */
static int encode_open(const struct rm_coder *c, const struct own *o,
                       struct infer_ids *ids, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 4);
    pk_buf_add(&b, o->s, o->n);
    if (!o->closed && c->unclosed == RM_UNCLOSED_CLOSE &&
        infer_tokenizer_chat(c->tokenizer) == INFER_CHAT_LLAMA2)
        pk_buf_addc(&b, ' '); /* as its chat format closes a response */
    int rc = b.failed ? pk_fail_mem(err, "a text")
                      : infer_tokenizer_encode_marked(c->tokenizer, b.data,
                                                      b.len, ids, err);
    pk_buf_release(&b);
    return rc;
}

static int take_marked(const struct rm_coder *c, const struct rm_text *text,
                       struct infer_ids *ids, struct rm_code *what,
                       struct pk_err *err)
{
    struct own o = {.s = text->marked, .n = text->marked_len};
    int32_t bos = infer_tokenizer_bos(c->tokenizer);
    skip_front(c, &o);
    skip_back(c, &o);
    if (without_space(o.s, o.n) == 0)
        return pk_fail(err, PK_EDATA, "the text is empty");
    if (!o.closed && c->unclosed == RM_UNCLOSED_REFUSE)
        return pk_fail(err, PK_EDATA,
                       "the text does not end with the token that closes a "
                       "response (id %d)",
                       closing(c));
    int rc = 0;
    if (o.bos || (bos >= 0 && !text->no_bos))
        rc = infer_ids_add(ids, bos, err);
    if (!rc)
        rc = encode_open(c, &o, ids, err);
    what->cut = !o.closed && c->unclosed == RM_UNCLOSED_CUT;
    return rc || what->cut ? rc : infer_ids_add(ids, closing(c), err);
}

/* ---- Any of them --------------------------------------------------------- */

static int take_dialogue(const struct rm_coder *c, const struct rm_text *text,
                         struct infer_ids *ids, struct rm_code *what,
                         enum rm_reason *why, struct pk_err *err)
{
    struct infer_chat chat;
    int rc = rm_dialogue_encode(text->dialogue, c->tokenizer, c->max_tokens,
                                ids, &chat, why, err);
    if (rc == 0) {
        what->dropped = chat.dropped;
        what->cut = !chat.closed;
    }
    return rc;
}

static int take(const struct rm_coder *c, const struct rm_text *text,
                struct infer_ids *ids, struct rm_code *what,
                enum rm_reason *why, struct pk_err *err)
{
    if (!text->dialogue && !text->marked)
        return take_ids(c, text, ids, what, err);
    if (!c->tokenizer)
        return pk_fail(err, PK_EDATA,
                       "%s: no tokenizer.model or tokenizer.json, so only "
                       "\"token_ids\" can be scored",
                       c->dir);
    return text->dialogue ? take_dialogue(c, text, ids, what, why, err)
                          : take_marked(c, text, ids, what, err);
}

int rm_coder_encode(const struct rm_coder *c, const struct rm_text *text,
                    struct infer_ids *ids, struct rm_code *out,
                    enum rm_reason *why, struct pk_err *err)
{
    const size_t from = ids->len;
    *why = RM_N_REASONS;
    *out = (struct rm_code){0};
    int rc = take(c, text, ids, out, why, err);
    size_t n = ids->len - from;
    if (rc == 0 && n > c->max_tokens)
        rc = pk_fail(err, PK_EDATA,
                     "%zu tokens, more than the %zu that %s takes", n,
                     c->max_tokens, c->name);
    if (rc) {
        ids->len = from;
        return rc;
    }
    out->n = infer_read_length(c->config, ids->id + from, n);
    ids->len = from + out->n;
    return 0;
}
