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

/* Where the text would end without this token's name; 0 when it does not end
 * in it. */
static size_t before(const struct rm_coder *c, int32_t id, const char *s,
                     size_t n)
{
    size_t k = 0;
    const char *name =
        id < 0 ? NULL : infer_tokenizer_name(c->tokenizer, id, &k);
    bool there = name && k && k <= n && memcmp(s + n - k, name, k) == 0;
    return there ? n - k : 0;
}

static size_t without_space(const char *s, size_t n)
{
    while (n > 0 && strchr(" \t\r\n", s[n - 1]))
        n--;
    return n;
}

/* The length up to and with the token that closes the text, behind which there
 * is only padding or white space; 0 when it is not closed. */
static size_t closed_length(const struct rm_coder *c, const char *s, size_t n)
{
    int32_t eos = closing(c), pad = c->config->pad;
    for (;;) {
        n = without_space(s, n);
        if (before(c, eos, s, n))
            return n;
        size_t shorter = pad == eos ? 0 : before(c, pad, s, n);
        if (shorter == 0)
            return 0;
        n = shorter;
    }
}

/* As the chat format closes a response: Llama 2's has a space there. */
static int close_text(const struct rm_coder *c, const char *s, size_t n,
                      struct infer_ids *ids, struct pk_err *err)
{
    struct pk_buf b = PK_BUF_INIT(SIZE_MAX / 4);
    pk_buf_add(&b, s, without_space(s, n));
    if (infer_tokenizer_chat(c->tokenizer) == INFER_CHAT_LLAMA2)
        pk_buf_addc(&b, ' ');
    int rc = b.failed ? pk_fail_mem(err, "a text")
                      : infer_tokenizer_encode_marked(c->tokenizer, b.data,
                                                      b.len, ids, err);
    pk_buf_release(&b);
    return rc ? rc : infer_ids_add(ids, closing(c), err);
}

static bool starts_with_bos(const struct rm_coder *c, const char *s, size_t n)
{
    size_t k = 0;
    const char *name = infer_tokenizer_name(
        c->tokenizer, infer_tokenizer_bos(c->tokenizer), &k);
    return name && k <= n && memcmp(s, name, k) == 0;
}

static int take_marked(const struct rm_coder *c, const struct rm_text *text,
                       struct infer_ids *ids, struct rm_code *what,
                       struct pk_err *err)
{
    const char *s = text->marked;
    size_t n = closed_length(c, s, text->marked_len);
    bool closed = n > 0;
    int32_t bos = infer_tokenizer_bos(c->tokenizer);
    if (without_space(s, text->marked_len) == 0)
        return pk_fail(err, PK_EDATA, "the text is empty");
    if (!closed && c->unclosed == RM_UNCLOSED_REFUSE)
        return pk_fail(err, PK_EDATA,
                       "the text does not end with the token that closes a "
                       "response (id %d)",
                       closing(c));
    int rc = 0;
    if (bos >= 0 && !text->no_bos && !starts_with_bos(c, s, text->marked_len))
        rc = infer_ids_add(ids, bos, err);
    if (rc)
        return rc;
    if (!closed && c->unclosed == RM_UNCLOSED_CLOSE)
        return close_text(c, s, text->marked_len, ids, err);
    what->cut = !closed;
    return infer_tokenizer_encode_marked(
        c->tokenizer, s, closed ? n : text->marked_len, ids, err);
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
