/* Llama 3's chat format. Source: the reference code of Llama 3
 * (meta-llama/llama3, llama/tokenizer.py, ChatFormat): a header, then the text,
 * each tokenized by itself. */
#include <string.h>

#include "infer/text/chat.h"
#include "infer/text/tokenizer.h"

static const char jinja[] =
    "{% set loop_messages = messages %}"
    "{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif "
    "%}"
    "{{ content }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"
    "{% endif %}";

static const char *const tags[] = {"<|begin_of_text|>",   "<|end_of_text|>",
                                   "<|start_header_id|>", "<|end_header_id|>",
                                   "<|eot_id|>",          NULL};

static int header(const struct infer_tokenizer *t, const char *role,
                  struct infer_ids *out, struct pk_err *err)
{
    int rc = infer_ids_add(out, t->header, err);
    if (!rc)
        rc = infer_tokenizer_encode(t, role, strlen(role), out, err);
    if (!rc)
        rc = infer_ids_add(out, t->header_end, err);
    if (!rc)
        rc = infer_tokenizer_encode(t, "\n\n", 2, out, err);
    return rc;
}

/* m NULL: the header alone, for an answer to come. */
static int message(const struct infer_tokenizer *t, const char *role,
                   const struct infer_message *m, bool closed,
                   struct infer_ids *out, struct pk_err *err)
{
    struct pk_buf text = PK_BUF_INIT(SIZE_MAX / 4);
    int rc = header(t, role, out, err);
    if (rc || !m)
        return rc;
    infer_chat_add_stripped(&text, m->text, m->len);
    rc = text.failed ? pk_fail_mem(err, "a dialogue")
                     : infer_tokenizer_encode(t, text.data, text.len, out, err);
    if (!rc && closed)
        rc = infer_ids_add(out, t->eos, err);
    pk_buf_release(&text);
    return rc;
}

static int exchange(const struct chat_dialogue *d, size_t i, bool first,
                    struct infer_ids *out, struct pk_err *err)
{
    const struct chat_exchange *e = &d->exchange[i];
    int rc = first ? infer_ids_add(out, d->t->bos, err) : 0;
    if (!rc && first && d->system)
        rc = message(d->t, "system", d->system, true, out, err);
    if (!rc)
        rc = message(d->t, "user", e->user, true, out, err);
    if (!rc)
        rc = message(d->t, "assistant", e->answer, i + 1 < d->n || d->closed,
                     out, err);
    return rc;
}

const struct chat_format infer_chat_llama3 = {"llama3", jinja, tags, exchange};
