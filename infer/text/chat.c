/* Dialogues to ids, exchange by exchange, in one of the formats of chat.h; see
 * infer.h. */
#include "infer/text/chat.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "infer/text/tokenizer.h"

/* NULL for INFER_CHAT_NONE. */
static const struct chat_format *format_of(enum infer_chat_format f)
{
    return f == INFER_CHAT_LLAMA2   ? &infer_chat_llama2
           : f == INFER_CHAT_LLAMA3 ? &infer_chat_llama3
                                    : NULL;
}

const char *infer_chat_name(enum infer_chat_format f)
{
    return format_of(f) ? format_of(f)->name : "none";
}

const char *infer_chat_jinja(enum infer_chat_format f)
{
    return format_of(f) ? format_of(f)->jinja : NULL;
}

enum infer_chat_format infer_tokenizer_chat(const struct infer_tokenizer *t)
{
    return t->chat;
}

/* ---- White space --------------------------------------------------------- */

/* What Python's str.strip takes off. */
static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 ||
           c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
           c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

void infer_chat_add_stripped(struct pk_buf *b, const char *s, size_t n)
{
    uint32_t c;
    for (size_t k; (k = pk_utf8_decode(s, n, &c)) > 0 && is_space(c);) {
        s += k;
        n -= k;
    }
    for (size_t k = 1; k <= 3 && k <= n;) {
        if (pk_utf8_decode(s + n - k, k, &c) == k && is_space(c)) {
            n -= k;
            k = 1;
        } else {
            k++;
        }
    }
    pk_buf_add(b, s, n);
}

/* ---- The shape of a dialogue --------------------------------------------- */

static int check_tags(const char *const *tags, const struct infer_message *m,
                      size_t i, struct pk_err *err)
{
    for (size_t k = 0; tags[k]; k++)
        if (m->len && memmem(m->text, m->len, tags[k], strlen(tags[k])))
            return pk_fail(err, PK_EDATA,
                           "message %zu holds \"%s\", a tag of the chat format",
                           i + 1, tags[k]);
    return 0;
}

static int check_roles(const struct chat_format *f,
                       const struct infer_message *msgs, size_t n,
                       struct pk_err *err)
{
    static const char *const names[] = {
        [INFER_SYSTEM] = "system",
        [INFER_USER] = "user",
        [INFER_ASSISTANT] = "assistant",
    };
    size_t first = n > 0 && msgs[0].role == INFER_SYSTEM;
    if (n == first)
        return pk_fail(err, PK_EDATA, "the dialogue has no user message");
    for (size_t i = 0; i < n; i++) {
        enum infer_role want =
            (i - first) % 2 == 0 ? INFER_USER : INFER_ASSISTANT;
        int rc = 0;
        if (i >= first && msgs[i].role != want)
            rc = pk_fail(err, PK_EDATA,
                         "message %zu is from %s where %s should speak "
                         "([system] user assistant user ...)",
                         i + 1, names[msgs[i].role], names[want]);
        else
            rc = check_tags(f->tags, &msgs[i], i, err);
        if (rc)
            return rc;
    }
    return 0;
}

int infer_chat_check(const struct infer_tokenizer *t, struct pk_err *err)
{
    if (!format_of(t->chat))
        return pk_fail(err, PK_EDATA,
                       "the model's chat template is neither Llama 2's nor "
                       "Llama 3's, and no other can be written (take it out of "
                       "the directory to use the one that goes with its "
                       "tokens)");
    if (infer_tokenizer_bos(t) < 0 || infer_tokenizer_eos(t) < 0)
        return pk_fail(err, PK_EDATA,
                       "the tokenizer has no BOS or no EOS, which the chat "
                       "format needs");
    return 0;
}

static int open_dialogue(struct chat_dialogue *d,
                         const struct infer_message *msgs, size_t n,
                         struct pk_err *err)
{
    int rc = infer_chat_check(d->t, err);
    if (!rc)
        rc = check_roles(format_of(d->t->chat), msgs, n, err);
    if (rc)
        return rc;
    if (msgs[0].role == INFER_SYSTEM) {
        d->system = msgs++;
        n--;
    }
    d->n = (n + 1) / 2;
    d->exchange = pk_calloc(d->n, sizeof *d->exchange);
    if (!d->exchange)
        return pk_fail_mem(err, "a dialogue");
    for (size_t i = 0; i < n; i += 2)
        d->exchange[i / 2] =
            (struct chat_exchange){&msgs[i], i + 1 < n ? &msgs[i + 1] : NULL};
    return 0;
}

/* ---- Exchanges to ids ---------------------------------------------------- */

static int encode_exchange(const struct chat_dialogue *d, size_t i, bool first,
                           struct infer_ids *out, struct pk_err *err)
{
    return format_of(d->t->chat)->exchange(d, i, first, out, err);
}

/* Find the first exchange to keep, so that it (in `head`, with the system
 * text) and all after it (in `rest`, from start[k + 1]) fit. */
static int fit(const struct chat_dialogue *d, const struct infer_ids *rest,
               const size_t *start, size_t max_tokens, struct infer_ids *head,
               size_t *kept, struct pk_err *err)
{
    for (size_t k = 0; k < d->n; k++) {
        const size_t after = rest->len - start[k + 1];
        head->len = 0;
        if (max_tokens && after >= max_tokens)
            continue;
        int rc = encode_exchange(d, k, true, head, err);
        if (rc)
            return rc;
        *kept = k;
        if (!max_tokens || head->len <= max_tokens - after)
            return 0;
    }
    return pk_fail(err, PK_EDATA,
                   "the last exchange%s alone has %zu tokens, more than %zu",
                   d->system ? " with the system text" : "", head->len,
                   max_tokens);
}

static int append(struct infer_ids *out, const int32_t *ids, size_t n,
                  struct pk_err *err)
{
    if (!pk_grow(&out->id, &out->cap, out->len + n, sizeof *out->id))
        return pk_fail_mem(err, "token ids");
    if (n && ids)
        memcpy(out->id + out->len, ids, n * sizeof *ids);
    out->len += n;
    return 0;
}

static int encode_dialogue(const struct chat_dialogue *d, size_t max_tokens,
                           struct infer_ids *out, struct infer_chat *what,
                           struct pk_err *err)
{
    struct infer_ids head = {0}, rest = {0};
    size_t *start = pk_calloc(d->n + 1, sizeof *start); /* in rest */
    size_t kept = 0;
    int rc = 0;
    if (!start)
        return pk_fail_mem(err, "a dialogue");
    for (size_t i = 1; !rc && i < d->n; i++) {
        start[i] = rest.len;
        rc = encode_exchange(d, i, false, &rest, err);
    }
    if (!rc) {
        start[d->n] = rest.len;
        rc = fit(d, &rest, start, max_tokens, &head, &kept, err);
    }
    const size_t before = out->len;
    if (!rc)
        rc = append(out, head.id, head.len, err);
    if (!rc)
        rc = append(out, rest.id ? rest.id + start[kept + 1] : NULL,
                    rest.len - start[kept + 1], err);
    if (rc)
        out->len = before;
    else if (what)
        *what = (struct infer_chat){.dropped = kept,
                                    .closed = d->closed &&
                                              d->exchange[d->n - 1].answer};
    infer_ids_release(&head);
    infer_ids_release(&rest);
    free(start);
    return rc;
}

int infer_chat_encode(const struct infer_tokenizer *t,
                      const struct infer_message *msgs, size_t n, bool cut,
                      size_t max_tokens, struct infer_ids *out,
                      struct infer_chat *what, struct pk_err *err)
{
    struct chat_dialogue d = {.t = t, .closed = !cut};
    if (what)
        *what = (struct infer_chat){0};
    int rc = open_dialogue(&d, msgs, n, err);
    if (!rc)
        rc = encode_dialogue(&d, max_tokens, out, what, err);
    free(d.exchange);
    return rc;
}
