/* Llama 2's chat format. Source: the reference code of Llama 2
 * (meta-llama/llama, llama/generation.py, chat_completion), which tokenizes
 * each exchange by itself. */
#include "infer/text/chat.h"

static const char jinja[] =
    "{% if messages[0]['role'] == 'system' %}"
    "{% set system_message = messages[0]['content'] %}"
    "{% set loop_messages = messages[1:] %}"
    "{% else %}"
    "{% set system_message = false %}"
    "{% set loop_messages = messages %}"
    "{% endif %}"
    "{% for message in loop_messages %}"
    "{% if message['role'] != ['user', 'assistant'][loop.index0 % 2] %}"
    "{{ raise_exception('Conversation roles must alternate "
    "user/assistant/user/assistant/...') }}"
    "{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + "
    "message['content'] %}"
    "{% else %}"
    "{% set content = message['content'] %}"
    "{% endif %}"
    "{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% else %}"
    "{{ ' ' + content.strip() + ' ' + eos_token }}"
    "{% endif %}"
    "{% endfor %}";

static const char *const tags[] = {"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>",
                                   NULL};

static int exchange(const struct chat_dialogue *d, size_t i, bool first,
                    struct infer_ids *out, struct pk_err *err)
{
    const struct infer_message *user = d->exchange[i].user;
    const struct infer_message *answer = d->exchange[i].answer;
    const bool closed = answer && (i + 1 < d->n || d->closed);
    struct pk_buf content = PK_BUF_INIT(SIZE_MAX / 4);
    struct pk_buf text = PK_BUF_INIT(SIZE_MAX / 4);
    if (first && d->system) {
        pk_buf_adds(&content, "<<SYS>>\n");
        pk_buf_add(&content, d->system->text, d->system->len);
        pk_buf_adds(&content, "\n<</SYS>>\n\n");
    }
    pk_buf_add(&content, user->text, user->len);
    pk_buf_adds(&text, "[INST] ");
    if (!content.failed)
        infer_chat_add_stripped(&text, content.data, content.len);
    pk_buf_adds(&text, " [/INST]");
    if (answer) {
        pk_buf_addc(&text, ' ');
        infer_chat_add_stripped(&text, answer->text, answer->len);
    }
    if (closed)
        pk_buf_addc(&text, ' ');
    int rc = content.failed || text.failed
                 ? pk_fail_mem(err, "a dialogue")
                 : infer_ids_add(out, infer_tokenizer_bos(d->t), err);
    if (!rc)
        rc = infer_tokenizer_encode(d->t, text.data, text.len, out, err);
    if (!rc && closed)
        rc = infer_ids_add(out, infer_tokenizer_eos(d->t), err);
    pk_buf_release(&content);
    pk_buf_release(&text);
    return rc;
}

const struct chat_format infer_chat_llama2 = {"llama2", jinja, tags, exchange};
